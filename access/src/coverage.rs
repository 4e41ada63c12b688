//! Where the logs can be trusted: which accounts, regions and days have events at all, and which data events.
//!
//! Filled by the fold over events, merged like it: any split and any order gives the same coverage. Knows counts
//! and days; must not know permissions.

use std::collections::{BTreeMap, BTreeSet};

use crate::instant;

/// Most days kept for one account and region; the latest ones stay (eleven years).
const MAX_DAYS: usize = 4_096;
/// Most pairs of account and region kept.
const MAX_SPANS: usize = 100_000;

/// Events of one account in one region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// First event, microseconds.
    pub first: i64,
    /// Last event, microseconds.
    pub last: i64,
    /// Events seen.
    pub events: u64,
    /// Days (since the Unix epoch, UTC) with an event.
    pub days: BTreeSet<i32>,
}

impl Span {
    fn merge(&mut self, other: &Span) {
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
        self.events += other.events;
        self.days.extend(&other.days);
        while self.days.len() > MAX_DAYS {
            self.days.pop_first();
        }
    }
}

/// A run of days without any event of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Silence {
    /// First silent day.
    pub from: i32,
    /// Last silent day.
    pub to: i32,
}

impl Silence {
    /// Days of silence.
    pub fn days(self) -> u32 {
        u32::try_from(i64::from(self.to) - i64::from(self.from) + 1).unwrap_or(0)
    }
}

/// What the logs cover.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Coverage {
    accounts: BTreeMap<Box<str>, Account>,
    spans: usize,
    /// Pairs of account and region that were left out because there were too many.
    pub dropped: u64,
}

/// What the logs of one account cover.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Account {
    /// By region.
    pub regions: BTreeMap<Box<str>, Span>,
    /// Resource types of the data events seen: `AWS::S3::Object`.
    pub data_events: BTreeSet<&'static str>,
}

impl Account {
    /// First event of the account in any region.
    pub fn first(&self) -> Option<i64> {
        self.regions.values().map(|span| span.first).min()
    }

    /// Last event of the account in any region.
    pub fn last(&self) -> Option<i64> {
        self.regions.values().map(|span| span.last).max()
    }

    /// Days from `from` to `to` (both included) without an event in any region, as runs.
    pub fn silences(&self, from: i32, to: i32) -> Vec<Silence> {
        if from > to {
            return Vec::new();
        }
        let days: BTreeSet<i32> = self.regions.values().flat_map(|span| span.days.range(from..=to)).copied().collect();
        let mut runs = Vec::new();
        let mut next = from;
        for day in days.into_iter().chain([to.saturating_add(1)]) {
            if day > next {
                runs.push(Silence { from: next, to: day - 1 });
            }
            next = day.saturating_add(1);
        }
        runs
    }

    /// Whether the region has an event on one of these days.
    pub fn has_region(&self, region: &str, from: i32, to: i32) -> bool {
        from <= to && self.regions.get(region).is_some_and(|span| span.days.range(from..=to).next().is_some())
    }
}

impl Coverage {
    /// The accounts, by number.
    pub fn accounts(&self) -> &BTreeMap<Box<str>, Account> {
        &self.accounts
    }

    /// First event of all.
    pub fn first(&self) -> Option<i64> {
        self.accounts.values().filter_map(Account::first).min()
    }

    /// Last event of all.
    pub fn last(&self) -> Option<i64> {
        self.accounts.values().filter_map(Account::last).max()
    }

    /// Last event of all that can have happened by `clock`, an hour of wrong clocks allowed for; to the day, where later ones are
    /// there. One event dated next year must not make everybody idle. Where all events are later, it is the clock that is wrong.
    pub fn last_by(&self, clock: i64) -> Option<i64> {
        let last = self.last()?;
        if last <= clock.saturating_add(instant::DAY / 24) {
            return Some(last);
        }
        let today = instant::day_of(clock);
        let newest = |span: &Span| match span.last <= clock {
            true => Some(span.last),
            false => {
                let day = span.days.range(..=today).next_back()?;
                Some(clock.min(instant::start_of(day.saturating_add(1)) - 1))
            }
        };
        let spans = self.accounts.values().flat_map(|account| account.regions.values());
        spans.filter_map(newest).max().or(Some(last))
    }

    pub(crate) fn add(&mut self, account: &str, region: &str, span: &Span) {
        let known = self.accounts.get_mut(account).and_then(|found| found.regions.get_mut(region));
        if let Some(known) = known {
            known.merge(span);
            return;
        }
        if self.spans >= MAX_SPANS {
            self.dropped += 1;
            return;
        }
        self.spans += 1;
        self.accounts.entry(account.into()).or_default().regions.insert(region.into(), span.clone());
    }

    pub(crate) fn add_data_events(&mut self, account: &str, resource_type: &'static str) {
        if let Some(found) = self.accounts.get_mut(account) {
            found.data_events.insert(resource_type);
        }
    }

    /// A resource type of an account whose spans may come later.
    pub(crate) fn add_data_event(&mut self, account: &str, resource_type: &'static str) {
        self.accounts.entry(account.into()).or_default().data_events.insert(resource_type);
    }

    pub(crate) fn merge(&mut self, other: &Coverage) {
        for (name, account) in &other.accounts {
            for (region, span) in &account.regions {
                self.add(name, region, span);
            }
            for resource_type in &account.data_events {
                self.add_data_events(name, resource_type);
            }
        }
        self.dropped += other.dropped;
    }
}

/// The span of events of one day.
pub(crate) fn day(first: i64, last: i64, events: u64) -> Span {
    Span { first, last, events, days: BTreeSet::from([instant::day_of(first)]) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::instant::{DAY, start_of};

    fn account(days: &[i32]) -> Account {
        let mut coverage = Coverage::default();
        for day in days {
            coverage.add("1", "us-east-1", &super::day(start_of(*day) + 5, start_of(*day) + 5, 1));
        }
        coverage.accounts.remove("1").unwrap_or_default()
    }

    #[test]
    fn silences_are_the_days_between() {
        let found = account(&[10, 11, 15]);
        let runs: Vec<_> = found.silences(9, 16).iter().map(|run| (run.from, run.to, run.days())).collect();
        assert_eq!(runs, [(9, 9, 1), (12, 14, 3), (16, 16, 1)]);
        assert!(found.silences(10, 11).is_empty());
        assert_eq!(account(&[]).silences(1, 3).len(), 1);
        assert!(found.silences(5, 4).is_empty());
    }

    #[test]
    fn spans_merge_to_the_same_whatever_the_order() {
        let (a, b) = (day(3 * DAY, 3 * DAY, 2), day(7 * DAY + 1, 7 * DAY + 1, 1));
        let (mut ab, mut ba) = (a.clone(), b.clone());
        ab.merge(&b);
        ba.merge(&a);
        assert_eq!(ab, ba);
        assert_eq!((ab.first, ab.last, ab.events, ab.days.len()), (3 * DAY, 7 * DAY + 1, 3, 2));
    }

    #[test]
    fn an_event_of_the_future_is_not_the_end() {
        let mut coverage = Coverage::default();
        for day in [10, 11, 15] {
            coverage.add("1", "us-east-1", &super::day(start_of(day) + 5, start_of(day) + 5, 1));
        }
        coverage.add("2", "eu-west-1", &super::day(start_of(12) + 7, start_of(12) + 7, 1));
        assert_eq!(coverage.last_by(start_of(15) + 5), Some(start_of(15) + 5));
        assert_eq!(coverage.last_by(start_of(14)), Some(start_of(12) + 7), "the newest that can have happened");
        assert_eq!(coverage.last_by(start_of(12)), Some(start_of(12)), "to the day, where a later one is there");
        assert_eq!(coverage.last_by(start_of(3)), Some(start_of(15) + 5), "then the clock is wrong");
        assert_eq!(Coverage::default().last_by(0), None);
    }

    #[test]
    fn a_region_counts_only_within_the_days() {
        let found = account(&[10]);
        assert!(found.has_region("us-east-1", 10, 12));
        assert!(!found.has_region("us-east-1", 11, 12) && !found.has_region("eu-west-1", 0, 20));
    }
}
