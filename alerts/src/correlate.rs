//! Windows over event time: the events that a correlation waits for, and when its condition held.
//!
//! Events are collected per group, bounded, and judged at the end in order of event time; so the order of arrival
//! does not matter. The window trails each event: `(time - timespan, time]`. Windows that hold and overlap are one
//! alert. What was not kept for want of room is counted. Knows no rules: it is told which correlation an event is for.

use hashbrown::HashMap;

use crate::correlation::{Correlation, Counted};
use crate::group::Burst;
use crate::sighting::{Sighting, UNTIMED};

/// An event that a correlation waits for.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    sighting: Sighting,
    /// Place of the base rule among the correlation's rules.
    base: usize,
    /// Value of the counted field.
    value: Option<String>,
}

/// The events of one correlation.
#[derive(Debug)]
pub(crate) struct Windows {
    correlation: Correlation,
    groups: HashMap<Vec<Option<String>>, Vec<Entry>, ahash::RandomState>,
    kept: usize,
    max_events: usize,
    /// Events not kept for want of room.
    pub(crate) shed: u64,
}

/// A time in which the condition held.
#[derive(Debug)]
pub(crate) struct Held {
    /// The events.
    pub(crate) burst: Burst,
    /// Largest count of a window in it.
    pub(crate) most: u64,
    /// Values of the `group-by` fields.
    pub(crate) group: Vec<Option<String>>,
}

impl Windows {
    /// Room for `max_events` events.
    pub(crate) fn new(correlation: Correlation, max_events: usize) -> Self {
        Windows { correlation, groups: HashMap::default(), kept: 0, max_events, shed: 0 }
    }

    /// The correlation.
    pub(crate) fn correlation(&self) -> &Correlation {
        &self.correlation
    }

    /// Takes an event of the base rule at place `base`. One without a time can be in no window.
    pub(crate) fn add(&mut self, base: usize, group: Vec<Option<String>>, value: Option<String>, sighting: Sighting) {
        if sighting.time == UNTIMED {
            return;
        }
        if self.kept >= self.max_events {
            self.shed += 1;
            return;
        }
        self.kept += 1;
        self.groups.entry(group).or_default().push(Entry { sighting, base, value });
    }

    /// Every time in which the condition held.
    pub(crate) fn finish(self) -> Vec<Held> {
        let mut held = Vec::new();
        for (group, mut entries) in self.groups {
            entries.sort_unstable();
            judge(&self.correlation, &group, entries, &mut held);
        }
        held
    }
}

/// Slides the window over the events of a group, in order of time.
fn judge(correlation: &Correlation, group: &[Option<String>], entries: Vec<Entry>, held: &mut Vec<Held>) {
    let mut counts: HashMap<String, u64> = HashMap::new();
    let key = |entry: &Entry| match correlation.count {
        Counted::Events => None,
        Counted::Values(_) => entry.value.clone(),
        Counted::Rules => Some(entry.base.to_string()),
    };
    let mut start = 0;
    // Runs of events in windows that held: first, last, and the largest count.
    let mut runs: Vec<(usize, usize, u64)> = Vec::new();
    for (at, entry) in entries.iter().enumerate() {
        if let Some(key) = key(entry) {
            *counts.entry(key).or_default() += 1;
        }
        let opened = entry.sighting.time.saturating_sub(correlation.span);
        while let Some(old) = entries.get(start).filter(|old| old.sighting.time <= opened) {
            if let Some(key) = key(old)
                && let hashbrown::hash_map::Entry::Occupied(mut count) = counts.entry(key)
            {
                *count.get_mut() -= 1;
                if *count.get() == 0 {
                    count.remove();
                }
            }
            start += 1;
        }
        // Events of the same moment are one window: judged at the last of them.
        if entries.get(at + 1).is_some_and(|next| next.sighting.time == entry.sighting.time) {
            continue;
        }
        let count = match correlation.count {
            Counted::Events => (at + 1 - start) as u64,
            _ => counts.len() as u64,
        };
        if !correlation.holds(count) {
            continue;
        }
        match runs.last_mut() {
            Some((_, last, most)) if start <= *last => {
                *last = at;
                *most = (*most).max(count);
            }
            _ => runs.push((start, at, count)),
        }
    }
    collect(&runs, entries, group, held);
}

fn collect(runs: &[(usize, usize, u64)], entries: Vec<Entry>, group: &[Option<String>], held: &mut Vec<Held>) {
    let mut entries = entries.into_iter().enumerate().peekable();
    for (first, last, most) in runs {
        let mut burst: Option<Burst> = None;
        while let Some((at, entry)) = entries.next_if(|(at, _)| at <= last) {
            if at < *first {
                continue;
            }
            let one = Burst::new(entry.sighting);
            match &mut burst {
                Some(burst) => burst.merge(one),
                None => burst = Some(one),
            }
        }
        if let Some(burst) = burst {
            held.push(Held { burst, most: *most, group: group.to_vec() });
        }
    }
}
