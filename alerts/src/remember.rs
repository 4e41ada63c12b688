//! When each thing was in use: the fold behind "revived" and "first use".
//!
//! A thing's life is a list of intervals of use; uses less than the rest apart are one interval. An event grows or
//! joins intervals, so any order of arrival gives the same list, and a thing that never rests costs one interval. The
//! account's own days are kept beside, because a rest during which the account's log itself is silent is a gap in the
//! log and no rest. A finding is given once, as soon as no earlier event can come. What was not kept for want of room is
//! counted. Knows no rules.

use std::collections::BTreeSet;

use hashbrown::HashMap;
use serde::{Deserialize, Serialize};

use crate::event_id::EventId;
use crate::memory::{Memory, Question};
use crate::sighting::{Sighting, Sightings, UNTIMED};

const DAY: i64 = 86_400 * 1_000_000;

/// A time in which a thing was used without a rest.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Interval {
    first: Sighting,
    last: i64,
    /// What its beginning means has been said.
    told: bool,
}

/// The uses of the things of one rule.
#[derive(Debug)]
pub(crate) struct Uses {
    /// What is remembered.
    pub(crate) memory: Memory,
    things: HashMap<String, Vec<Interval>, ahash::RandomState>,
    kept: usize,
    max_things: usize,
    /// Things of which something may be to say, where that is said as it becomes known.
    fresh: Option<Vec<String>>,
    /// Events of things not kept for want of room.
    pub(crate) shed: u64,
}

/// A rest that ended, or a first use.
#[derive(Debug, Clone)]
pub(crate) struct Finding {
    /// The thing: the values of its fields, separated by spaces.
    pub(crate) thing: String,
    /// The event that ended the rest, or was the first.
    pub(crate) event: Sighting,
    /// When the rest began: the last use before. `None` for a first use.
    pub(crate) rested_since: Option<i64>,
}

impl Uses {
    /// Room for `max_things` intervals. Unless `live`, all is said at the end.
    pub(crate) fn new(memory: Memory, max_things: usize, live: bool) -> Self {
        let fresh = live.then(Vec::new);
        Uses { memory, things: HashMap::default(), kept: 0, max_things, fresh, shed: 0 }
    }

    /// Takes a use of `thing` in a row. Events without a time are no evidence of when.
    pub(crate) fn add(&mut self, thing: &str, sightings: &Sightings, row: usize) {
        let time = sightings.time(row);
        if time != UNTIMED {
            self.note(thing, (time, &EventId::new(sightings.event_id(row))), false, || sightings.read(row));
        }
    }

    /// Takes a use of `thing` of which nothing but the time is known, and nothing is to be said.
    pub(crate) fn know(&mut self, thing: &str, time: i64) {
        self.note(thing, (time, &EventId::default()), true, || Sighting { time, ..Sighting::default() });
    }

    fn note(&mut self, thing: &str, event: (i64, &EventId), told: bool, read: impl FnOnce() -> Sighting) {
        let time = event.0;
        let full = self.kept >= self.max_things;
        let Some(intervals) = self.things.get_mut(thing) else {
            if full {
                self.shed += 1;
                return;
            }
            self.things.insert(thing.to_owned(), vec![Interval { first: read(), last: time, told }]);
            self.kept += 1;
            self.fresh.iter_mut().for_each(|fresh| fresh.push(thing.to_owned()));
            return;
        };
        // For a first use everything is one interval: only its beginning counts.
        let rest = match self.memory.question {
            Question::Revived(rest) => rest,
            Question::FirstUse(_) => i64::MAX,
        };
        let from = intervals.partition_point(|i| time.saturating_sub(i.last) >= rest);
        let to = intervals.partition_point(|i| i.first.time.saturating_sub(time) < rest);
        if from >= to {
            if full {
                self.shed += 1;
                return;
            }
            intervals.insert(from, Interval { first: read(), last: time, told });
            self.kept += 1;
            self.fresh.iter_mut().for_each(|fresh| fresh.push(thing.to_owned()));
            return;
        }
        let last = intervals[to - 1].last.max(time);
        let told = told || intervals[from..to].iter().any(|interval| interval.told);
        let joined = &mut intervals[from];
        (joined.last, joined.told) = (last, told);
        if event < (joined.first.time, &joined.first.event_id) {
            joined.first = read();
        }
        self.kept -= to - from - 1;
        intervals.drain(from + 1..to);
    }

    /// Every rest that ended, or every first use, that was not given before, in order of thing and time; not yet judged
    /// against the log. Those before `until`, which no earlier event will follow; all for `None`.
    pub(crate) fn findings(&mut self, until: Option<i64>) -> Vec<Finding> {
        let mut things: Vec<String> = match &mut self.fresh {
            Some(fresh) => std::mem::take(fresh),
            None => self.things.keys().cloned().collect(),
        };
        things.sort_unstable();
        things.dedup();
        let mut findings = Vec::new();
        let mut waiting = Vec::new();
        for thing in things {
            let Some(intervals) = self.things.get_mut(&thing) else { continue };
            let (mut rested_since, mut waits) = (None, false);
            for interval in intervals {
                let since = rested_since.replace(interval.last);
                if interval.told {
                    continue;
                }
                if until.is_some_and(|until| interval.first.time >= until) {
                    waits = true;
                    break;
                }
                interval.told = true;
                let rested_since = match self.memory.question {
                    Question::FirstUse(_) => None,
                    Question::Revived(_) if since.is_none() => continue,
                    Question::Revived(_) => since,
                };
                findings.push(Finding { thing: thing.clone(), event: interval.first.clone(), rested_since });
            }
            if waits {
                waiting.push(thing);
            }
        }
        if let Some(fresh) = &mut self.fresh {
            *fresh = waiting;
        }
        findings
    }

    /// The things and when they were used, in order, to be kept for a later run.
    pub(crate) fn things(&self) -> Vec<(&String, &Vec<Interval>)> {
        let mut things: Vec<_> = self.things.iter().collect();
        things.sort_unstable_by_key(|(thing, _)| thing.as_str());
        things
    }

    /// Takes things kept from an earlier run.
    pub(crate) fn put(&mut self, things: Vec<(String, Vec<Interval>)>) {
        for (thing, intervals) in things {
            self.kept += intervals.len();
            if intervals.iter().any(|interval| !interval.told) {
                self.fresh.iter_mut().for_each(|fresh| fresh.push(thing.clone()));
            }
            self.things.insert(thing, intervals);
        }
    }
}

/// Which days of which account the log covers.
#[derive(Debug, Default)]
pub(crate) struct Coverage {
    accounts: HashMap<String, BTreeSet<i32>, ahash::RandomState>,
    days: usize,
    max_days: usize,
    recent: Option<(String, i32)>,
    /// Events of days not kept for want of room.
    pub(crate) shed: u64,
}

impl Coverage {
    /// Room for `max_days` days over all accounts.
    pub(crate) fn new(max_days: usize) -> Self {
        Coverage { max_days, ..Coverage::default() }
    }

    /// Takes every event of a batch.
    pub(crate) fn add(&mut self, sightings: &Sightings, rows: usize) {
        for row in 0..rows {
            let time = sightings.time(row);
            if time == UNTIMED {
                continue;
            }
            let (account, day) = (sightings.account(row), day_of(time));
            if self.recent.as_ref().is_some_and(|(a, d)| a == account && *d == day) {
                continue;
            }
            self.recent = Some((account.to_owned(), day));
            if self.accounts.get(account).is_some_and(|days| days.contains(&day)) {
                continue;
            }
            if self.days >= self.max_days {
                self.shed += 1;
                continue;
            }
            self.accounts.entry_ref(account).or_default().insert(day);
            self.days += 1;
        }
    }

    /// The days of each account, in order, to be kept for a later run.
    pub(crate) fn days(&self) -> Vec<(&String, &BTreeSet<i32>)> {
        let mut accounts: Vec<_> = self.accounts.iter().collect();
        accounts.sort_unstable_by_key(|(account, _)| account.as_str());
        accounts
    }

    /// Takes a day in which the log of `account` has events.
    pub(crate) fn put(&mut self, account: &str, day: i32) {
        if self.days >= self.max_days {
            self.shed += 1;
        } else if self.accounts.entry_ref(account).or_default().insert(day) {
            self.days += 1;
        }
    }

    /// Longest time, in whole days, for which the log of `account` has no event between two moments.
    pub(crate) fn longest_silence(&self, account: &str, from: i64, to: i64) -> i64 {
        let (from, to) = (day_of(from), day_of(to));
        let Some(days) = self.accounts.get(account) else { return i64::from(to) - i64::from(from) };
        let mut longest = 0;
        let mut before = from;
        for day in days.range(from.min(to)..=to).copied().chain([to]) {
            longest = longest.max(i64::from(day) - i64::from(before));
            before = day;
        }
        longest
    }

    /// True if the log of `account` goes back at least `history` microseconds before `time`.
    pub(crate) fn reaches(&self, account: &str, time: i64, history: i64) -> bool {
        let first = self.accounts.get(account).and_then(|days| days.first());
        first.is_some_and(|first| i64::from(day_of(time)) - i64::from(*first) >= history.div_euclid(DAY).max(1))
    }
}

/// The day of a time, since the epoch.
pub(crate) fn day_of(time: i64) -> i32 {
    // 2^63 microseconds are 107 million days.
    time.div_euclid(DAY) as i32
}

/// Findings of one rule that the log bears out, and how many it does not.
#[derive(Debug, Default)]
pub(crate) struct Judged {
    /// Findings that stand.
    pub(crate) findings: Vec<Finding>,
    /// Rests during which the account's log was silent for more than a third of the required rest.
    pub(crate) log_gaps: u64,
    /// First uses with too little history before.
    pub(crate) short_history: u64,
}

/// Judges findings against the log.
pub(crate) fn judge(question: Question, findings: Vec<Finding>, coverage: &Coverage) -> Judged {
    let mut judged = Judged::default();
    for finding in findings {
        let account = &finding.event.scene.account;
        match (question, finding.rested_since) {
            (Question::Revived(rest), Some(since)) => {
                let silent = coverage.longest_silence(account, since, finding.event.time);
                if silent.saturating_mul(3) > rest.div_euclid(DAY).max(3) {
                    judged.log_gaps += 1;
                    continue;
                }
            }
            (Question::FirstUse(history), _) if !coverage.reaches(account, finding.event.time, history) => {
                judged.short_history += 1;
                continue;
            }
            _ => {}
        }
        judged.findings.push(finding);
    }
    judged
}
