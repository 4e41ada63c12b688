//! What an alert shows of a list: the smallest entries, so that it is the same in any order of arrival.
//!
//! Mostly one entry, so a sorted vector. Knows nothing of events.

use std::borrow::Borrow;

use serde::{Deserialize, Serialize};

/// Most entries that an alert shows of each list, but for the ids of its events.
const MAX_SHOWN: usize = 20;

/// The smallest distinct entries seen, in order, at most `MAX`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Shown<T, const MAX: usize = MAX_SHOWN>(Vec<T>);

impl<T: Ord, const MAX: usize> Shown<T, MAX> {
    /// Nothing yet.
    pub(crate) fn none() -> Self {
        Shown(Vec::new())
    }

    /// One entry.
    pub(crate) fn one(entry: T) -> Self {
        Shown(vec![entry])
    }

    /// Takes an entry; it is only made if it is to be kept.
    pub(crate) fn note<Q: Ord + ?Sized>(&mut self, entry: &Q, make: impl FnOnce() -> T)
    where
        T: Borrow<Q>,
    {
        self.note_by(true, |kept| kept.borrow().cmp(entry), make);
    }

    /// The same for an entry that is compared in parts. Without `room` the list does not grow; true if it did.
    pub(crate) fn note_by(
        &mut self,
        room: bool,
        compare: impl FnMut(&T) -> std::cmp::Ordering,
        make: impl FnOnce() -> T,
    ) -> bool {
        let before = self.0.len();
        let max = if room { MAX } else { before };
        if let Err(place) = self.0.binary_search_by(compare)
            && place < max
        {
            self.0.insert(place, make());
            self.0.truncate(max);
        }
        self.0.len() > before
    }

    /// Number of entries.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// The entries, in order.
    pub(crate) fn into_vec(self) -> Vec<T> {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_smallest_are_kept_in_any_order(entries in prop::collection::vec(0u8..60, 0..80)) {
            let mut smallest = entries.clone();
            smallest.sort_unstable();
            smallest.dedup();
            smallest.truncate(MAX_SHOWN);
            let shown = |entries: &mut dyn Iterator<Item = &u8>| {
                let mut shown: Shown<u8> = Shown::none();
                entries.for_each(|entry| shown.note(entry, || *entry));
                shown
            };
            prop_assert_eq!(shown(&mut entries.iter()), shown(&mut entries.iter().rev()));
            prop_assert_eq!(shown(&mut entries.iter()).into_vec(), smallest);
        }
    }
}
