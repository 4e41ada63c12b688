//! Events that are not judged yet, by the minute of their time.
//!
//! So that what becomes due is found without a look at what is not, and no memory lies idle for longer than a minute of events.

use super::Entry;
use super::packed::{Kinds, Packed};

/// Microseconds of a minute.
const MINUTE: i64 = 60_000_000;

/// Events in no order but that of their minutes.
#[derive(Debug, Default)]
pub(super) struct Waiting(Vec<(i64, Vec<Packed>)>);

impl Waiting {
    /// Takes an event.
    pub(super) fn push(&mut self, entry: Entry, kinds: &mut Kinds) {
        let entry = Packed::new(entry, kinds);
        let minute = entry.time.div_euclid(MINUTE);
        match self.0.binary_search_by_key(&minute, |(minute, _)| *minute) {
            Ok(at) => {
                if let Some((_, entries)) = self.0.get_mut(at) {
                    entries.push(entry);
                }
            }
            Err(at) => {
                // The minute before has most of its events.
                if let Some((_, entries)) = at.checked_sub(1).and_then(|before| self.0.get_mut(before)) {
                    entries.shrink_to_fit();
                }
                self.0.insert(at, (minute, vec![entry]));
            }
        }
    }

    /// Takes out the events before `until`, all of them for `None`, in the order in which they are judged.
    pub(super) fn take(&mut self, until: Option<i64>) -> Vec<Entry> {
        let minute = until.map_or(i64::MAX, |until| until.div_euclid(MINUTE));
        let whole = if until.is_some() { self.0.partition_point(|(m, _)| *m < minute) } else { self.0.len() };
        let drained = self.0.drain(..whole).flat_map(|(_, entries)| entries);
        let mut due: Vec<Entry> = drained.map(|entry| entry.entry()).collect();
        if let (Some(until), Some((first, entries))) = (until, self.0.first_mut())
            && *first == minute
        {
            due.extend(entries.extract_if(.., |entry| entry.time < until).map(|entry| entry.entry()));
            if entries.is_empty() {
                self.0.remove(0);
            }
        }
        due.sort_unstable_by(Entry::order);
        due
    }

    /// Time of the earliest event.
    pub(super) fn earliest(&self) -> Option<i64> {
        let (_, entries) = self.0.first()?;
        entries.iter().map(|entry| entry.time).min()
    }

    /// Number of events.
    pub(super) fn len(&self) -> usize {
        self.0.iter().map(|(_, entries)| entries.len()).sum()
    }

    /// The events, by minute and in order of arrival.
    pub(super) fn iter(&self) -> impl Iterator<Item = Entry> {
        self.0.iter().flat_map(|(_, entries)| entries).map(Packed::entry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sighting::Sighting;
    use proptest::prelude::*;

    fn entry(time: i64) -> Entry {
        Entry { sighting: Sighting { time, ..Sighting::default() }, base: 0, value: None, carried: None }
    }

    proptest! {
        #[test]
        fn what_is_due_comes_in_order_and_the_rest_stays(
            steps in prop::collection::vec((prop::collection::vec(-200i64..400, 0..30), prop::option::of(-200i64..400)), 1..10)
        ) {
            let (mut waiting, mut kinds, mut all) = (Waiting::default(), Kinds::default(), Vec::new());
            for (times, until) in steps {
                for second in times {
                    waiting.push(entry(second * 1_000_000), &mut kinds);
                    all.push(second * 1_000_000);
                }
                all.sort_unstable();
                let until = until.map(|second| second * 1_000_000 + 1);
                let due = until.map_or(all.len(), |until| all.partition_point(|time| *time < until));
                let taken: Vec<i64> = waiting.take(until).iter().map(|entry| entry.sighting.time).collect();
                prop_assert_eq!(taken, all.drain(..due).collect::<Vec<_>>());
                prop_assert_eq!((waiting.len(), waiting.earliest()), (all.len(), all.first().copied()));
                prop_assert_eq!(waiting.iter().count(), all.len());
            }
        }
    }
}
