//! Windows over event time: the events that a correlation waits for, and when its condition held.
//!
//! Events wait until no earlier one can come, are then judged in order of event time, and leave when no later event can
//! reach back to them; so the order of arrival does not matter, and memory is that of the windows. A window ends with
//! an event and reaches back by the timespan, both ends included. Windows that hold and overlap are one alert. What was
//! not kept for want of room, or came too late, is counted.
//!
//! Where nothing bounds how late an event may come, as in a batch, nothing can be judged before the end: then what waits
//! is put into sorted temporary files and merged at the end, so that memory is that of the windows even if the events of a
//! year come in any order. Knows no rules: it is told which correlation an event is for.

mod kept;
mod packed;
mod stretch;
mod waiting;

use std::cmp::Ordering;

use hashbrown::HashMap;
use serde::{Deserialize, Serialize};

use crate::correlation::Correlation;
use crate::group::Burst;
use crate::shared::Text;
use crate::sighting::{Sighting, UNTIMED};
use crate::spill::{Merged, Spill};

use packed::Kinds;
use stretch::Stretch;

pub(crate) use kept::{Kept, Open};

/// Most events that wait in memory for the end of a batch: a pack has dozens of correlations.
const MAX_WAITING: usize = 20_000;

/// What a group takes, in events: its key, and its place in the table.
const GROUP_LOAD: usize = 4;

/// Values of fields, `None` where the event has none.
pub(crate) type Values = Vec<Option<String>>;

/// An event that a correlation waits for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry {
    /// The event.
    #[serde(rename = "s")]
    pub(crate) sighting: Sighting,
    /// Place of the base rule among the correlation's rules.
    #[serde(rename = "b")]
    pub(crate) base: usize,
    /// Value of the measured field, or of all of them.
    #[serde(rename = "v")]
    pub(crate) value: Option<Text>,
    /// Values that correlations over this one will ask for, if there are any.
    #[serde(rename = "c")]
    pub(crate) carried: Option<Box<Values>>,
}

impl Entry {
    /// The order in which events are judged. Those of one moment stand in the order of the rules: an order of theirs is
    /// not known.
    pub(crate) fn order(&self, other: &Entry) -> Ordering {
        let key = |e: &Entry| (e.sighting.time, e.base);
        key(self)
            .cmp(&key(other))
            .then_with(|| self.sighting.event_id.cmp(&other.sighting.event_id))
            .then_with(|| self.sighting.cmp(&other.sighting))
            .then_with(|| self.value.cmp(&other.value))
    }
}

/// The events of one correlation.
#[derive(Debug)]
pub(crate) struct Windows {
    correlation: Correlation,
    groups: HashMap<Values, Stretch, ahash::RandomState>,
    /// Of the events that wait.
    kinds: Kinds,
    kept: usize,
    /// Most events in memory, where all is judged at the end.
    max_events: usize,
    /// Events are judged as soon as no earlier one can come, and what holds is told when it begins to hold. Else all is
    /// judged at the end.
    live: bool,
    spill: Spill,
    /// Events before this moment have been judged.
    sealed: i64,
    /// Events not kept for want of room.
    pub(crate) shed: u64,
    /// Events that came after their time had been judged.
    pub(crate) late: u64,
}

/// A time in which the condition held.
#[derive(Debug)]
pub(crate) struct Held {
    /// The events.
    pub(crate) burst: Burst,
    /// Largest measure of a window in it.
    pub(crate) most: f64,
    /// Values of the `group-by` fields.
    pub(crate) group: Values,
    /// It was told before, and has grown since.
    pub(crate) update: bool,
}

/// The condition held at an event.
#[derive(Debug)]
pub(crate) struct Occurrence {
    /// The event, and what it carried.
    pub(crate) entry: Entry,
    /// It did not hold in an overlapping window before.
    pub(crate) opens: bool,
}

/// What came of judging.
#[derive(Debug, Default)]
pub(crate) struct Verdict {
    /// Runs that began, live; and runs that are over, unless they were told before as they are.
    pub(crate) held: Vec<Held>,
    /// Each event at which the condition held.
    pub(crate) occurred: Vec<Occurrence>,
}

impl Windows {
    /// Room for `max_events` events in memory where all is judged at the end; live, the room is for others to know.
    pub(crate) fn new(correlation: Correlation, max_events: usize, live: bool) -> Self {
        let (groups, kinds, spill) = (HashMap::default(), Kinds::default(), Spill::default());
        Windows { correlation, groups, kinds, kept: 0, max_events, live, spill, sealed: i64::MIN, shed: 0, late: 0 }
    }

    /// The correlation.
    pub(crate) fn correlation(&self) -> &Correlation {
        &self.correlation
    }

    /// What is in memory, counted in events: a group takes as much as a few of them.
    pub(crate) fn load(&self) -> usize {
        self.kept + GROUP_LOAD * self.groups.len()
    }

    /// Whether an event of this time is taken: it has not been judged yet, and memory is not `full`; else it is counted. One
    /// without a time can be in no window.
    pub(crate) fn admits(&mut self, time: i64, full: bool) -> bool {
        match time {
            UNTIMED => return false,
            time if time < self.sealed => self.late += 1,
            _ if self.live && full => self.shed += 1,
            _ => {
                if !self.live && self.kept >= self.max_events.min(MAX_WAITING) {
                    self.put_aside();
                }
                return true;
            }
        }
        false
    }

    /// Takes an event that was admitted.
    pub(crate) fn add(&mut self, group: Values, entry: Entry) {
        self.kept += 1;
        let group = self.groups.entry(group).or_default();
        group.waiting.push(entry, &mut self.kinds);
    }

    /// Puts all that waits into a temporary file. What cannot be written is lost, and counted.
    fn put_aside(&mut self) {
        let mut entries = Vec::with_capacity(self.kept);
        for (key, mut group) in self.groups.drain() {
            entries.extend(group.waiting.take(None).into_iter().map(|entry| (key.clone(), entry)));
        }
        entries.sort_unstable_by(|(_, a), (_, b)| a.order(b));
        self.kept = 0;
        if self.spill.write(&entries).is_err() {
            self.shed += entries.len() as u64;
        }
    }

    /// What was put aside, with what still waits, to be judged step by step; `None` where nothing was put aside.
    pub(crate) fn merge(&mut self) -> Option<Merged> {
        if self.spill.is_empty() {
            return None;
        }
        self.put_aside();
        match std::mem::take(&mut self.spill).merge() {
            Ok(merged) => Some(merged),
            Err(lost) => {
                self.shed += lost;
                None
            }
        }
    }

    /// Judges the next of what was put aside. Where more events are in reach of one window than there is room for, the
    /// latest of them are left out. The last are left to be judged by [`Windows::seal`].
    pub(crate) fn step(&mut self, merged: &mut Merged) -> Verdict {
        let chunk = self.max_events.div_ceil(4);
        for _ in 0..chunk {
            if self.kept >= self.max_events {
                break;
            }
            let Some((group, entry)) = merged.next() else { break };
            self.add(group, entry);
        }
        let Some(next) = merged.time() else { return Verdict::default() };
        let verdict = self.seal(Some(next));
        if self.kept >= self.max_events {
            let heads = self.groups.values().filter_map(Stretch::earliest);
            let earliest = heads.min().unwrap_or(next);
            // Room is made for several at once: each time costs a look at every group.
            let span = self.correlation.span;
            let room = earliest.saturating_add(span).saturating_add(span / 64);
            while merged.time().is_some_and(|time| time <= room) {
                self.shed += u64::from(merged.next().is_some());
            }
        }
        verdict
    }

    /// Judges every event before `until`, which nothing earlier will follow; all of them for `None`.
    pub(crate) fn seal(&mut self, until: Option<i64>) -> Verdict {
        let mut verdict = Verdict::default();
        if until.is_some_and(|until| until <= self.sealed) {
            return verdict;
        }
        self.sealed = until.unwrap_or(i64::MAX);
        for (key, group) in &mut self.groups {
            let before = group.len();
            group.seal(&self.correlation, key, until, &mut verdict);
            if self.live {
                group.tell(key, &mut verdict);
            }
            self.kept -= before - group.len();
        }
        self.groups.retain(|_, group| group.len() > 0);
        // Those over this one must not depend on the order of a hash table.
        verdict.occurred.sort_by(|a, b| a.entry.order(&b.entry));
        verdict
    }
}
