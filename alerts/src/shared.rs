//! Things that are kept once, however many hold them.

use std::hash::Hash;
use std::sync::Arc;

use hashbrown::{Equivalent, HashSet};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Least number of things before those that nobody holds are looked for.
const SWEEP_FROM: usize = 4096;

/// Things that are kept once, for as long as somebody has them.
#[derive(Debug)]
pub(crate) struct Shared<T: ?Sized> {
    known: HashSet<Arc<T>, ahash::RandomState>,
    sweep_at: usize,
    /// How often it was asked for room when there was none: looking through all of them costs.
    asked: usize,
}

impl<T: ?Sized> Default for Shared<T> {
    fn default() -> Self {
        Shared { known: HashSet::default(), sweep_at: SWEEP_FROM, asked: 0 }
    }
}

impl<T: Hash + Eq + ?Sized> Shared<T> {
    /// The one that is like `like`; made if there is none.
    pub(crate) fn of<Q>(&mut self, like: &Q, make: impl FnOnce() -> Arc<T>) -> Arc<T>
    where
        Q: Hash + Equivalent<Arc<T>> + ?Sized,
    {
        if let Some(known) = self.known.get(like) {
            return known.clone();
        }
        if self.known.len() >= self.sweep_at {
            self.sweep();
        }
        let made = make();
        self.known.insert(made.clone());
        made
    }

    /// Whether so many are held that nothing new is to be added.
    pub(crate) fn is_crowded(&mut self, most: usize) -> bool {
        if self.known.len() < most {
            return false;
        }
        self.asked += 1;
        if self.asked.is_multiple_of(SWEEP_FROM) {
            self.sweep();
        }
        self.known.len() >= most
    }

    fn sweep(&mut self) {
        self.known.retain(|thing| Arc::strong_count(thing) > 1);
        self.known.shrink_to(SWEEP_FROM);
        self.sweep_at = self.known.len().saturating_mul(2).max(SWEEP_FROM);
    }
}

/// A text that others may hold as well.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Text(pub(crate) Arc<str>);

impl Serialize for Text {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Text(text.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_alike_is_one_and_goes_when_nobody_holds_it() {
        let mut texts = Shared::<str>::default();
        let mut share = |text: &str| texts.of(text, || text.into());
        let (one, like) = (share("a"), share("a"));
        assert!(Arc::ptr_eq(&one, &like));
        for at in 0..3 * SWEEP_FROM {
            share(&format!("{at}"));
        }
        assert!(Arc::ptr_eq(&one, &share("a")));
        assert!(texts.known.len() <= SWEEP_FROM, "{}", texts.known.len());
    }

    #[test]
    fn where_it_is_crowded_room_comes_back() {
        let mut texts = Shared::<str>::default();
        let held: Vec<_> = (0..10).map(|at| texts.of(format!("{at}").as_str(), || format!("{at}").into())).collect();
        assert!(texts.is_crowded(10) && !texts.is_crowded(11));
        drop(held);
        assert!((0..SWEEP_FROM).any(|_| !texts.is_crowded(10)));
    }
}
