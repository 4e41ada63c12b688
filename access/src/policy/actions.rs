//! A set of catalogue actions, as bits: union, difference and intersection of whole services at a stroke.

use std::collections::HashSet;

use ahash::RandomState;
use ingest::action;

use super::document::Patterns;

/// A set of the catalogue's actions.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ActionSet {
    /// Bit `i` stands for `ingest::action::actions()[i]`; missing words are zero.
    words: Vec<u64>,
}

impl ActionSet {
    /// No action.
    pub fn none() -> Self {
        ActionSet::default()
    }

    /// Every action.
    pub fn all() -> Self {
        let mut set = ActionSet { words: vec![u64::MAX; action::actions().len().div_ceil(64)] };
        let spare = set.words.len() * 64 - action::actions().len();
        if let Some(last) = set.words.last_mut() {
            *last >>= spare;
        }
        set
    }

    /// The actions that some pattern names.
    pub fn of_patterns<'a>(patterns: impl IntoIterator<Item = &'a String>) -> Self {
        let mut set = ActionSet::none();
        let mut seen = HashSet::<&str, RandomState>::default();
        for pattern in patterns {
            if !seen.insert(pattern) {
                continue;
            }
            if !pattern.is_empty() && pattern.bytes().all(|byte| byte == b'*') {
                return ActionSet::all();
            }
            action::expand_places(pattern).for_each(|place| set.insert_index(place));
        }
        set
    }

    /// Every action of a service, by its prefix.
    pub fn of_service(prefix: &str) -> Self {
        let mut set = ActionSet::none();
        for action in action::actions_of(prefix) {
            set.insert(action.name);
        }
        set
    }

    /// The actions of `Action` or of `NotAction`.
    pub fn of(patterns: &Patterns) -> Self {
        match patterns {
            Patterns::Only(list) => ActionSet::of_patterns(list),
            Patterns::Except(list) => {
                let mut set = ActionSet::all();
                set.subtract(&ActionSet::of_patterns(list));
                set
            }
        }
    }

    /// The actions that fit.
    pub fn matching(fits: impl Fn(&action::Action) -> bool) -> Self {
        let mut set = ActionSet::none();
        let fitting = action::actions().iter().enumerate().filter(|(_, action)| fits(action));
        fitting.for_each(|(index, _)| set.insert_index(index));
        set
    }

    /// Adds an action by name; `false` if the catalogue does not have it.
    pub fn insert(&mut self, name: &str) -> bool {
        let Some(index) = action::index_of(name) else { return false };
        self.insert_index(index);
        true
    }

    pub(crate) fn insert_index(&mut self, index: usize) {
        let word = index / 64;
        if word >= self.words.len() {
            self.words.resize(word + 1, 0);
        }
        if let Some(bits) = self.words.get_mut(word) {
            *bits |= 1 << (index % 64);
        }
    }

    /// Whether it has the action.
    pub fn contains(&self, name: &str) -> bool {
        action::index_of(name).is_some_and(|index| self.contains_index(index))
    }

    pub(crate) fn contains_index(&self, index: usize) -> bool {
        self.words.get(index / 64).is_some_and(|bits| bits & (1 << (index % 64)) != 0)
    }

    /// Adds the actions of another set.
    pub fn union(&mut self, other: &ActionSet) {
        if other.words.len() > self.words.len() {
            self.words.resize(other.words.len(), 0);
        }
        for (bits, more) in self.words.iter_mut().zip(&other.words) {
            *bits |= more;
        }
    }

    /// Keeps only what another set has too.
    pub fn intersect(&mut self, other: &ActionSet) {
        self.words.truncate(other.words.len());
        for (bits, mask) in self.words.iter_mut().zip(&other.words) {
            *bits &= mask;
        }
    }

    /// Takes the actions of another set away.
    pub fn subtract(&mut self, other: &ActionSet) {
        for (bits, mask) in self.words.iter_mut().zip(&other.words) {
            *bits &= !mask;
        }
    }

    /// How many actions it has.
    pub fn len(&self) -> usize {
        self.words.iter().map(|bits| bits.count_ones() as usize).sum()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.words.iter().all(|bits| *bits == 0)
    }

    /// The actions, in the catalogue's order (by name without regard to case).
    pub fn iter(&self) -> impl Iterator<Item = &'static action::Action> + '_ {
        self.indexed().map(|(_, action)| action)
    }

    /// The actions with their places in the catalogue.
    pub(crate) fn indexed(&self) -> impl Iterator<Item = (usize, &'static action::Action)> + '_ {
        let of_word = |(word, bits): (usize, &u64)| {
            let bits = *bits;
            (0..64).filter(move |bit| bits & (1 << bit) != 0).map(move |bit| word * 64 + bit)
        };
        self.words.iter().enumerate().flat_map(of_word).filter_map(|index| Some((index, action::actions().get(index)?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn sets_know_all_none_and_complements() {
        assert_eq!(ActionSet::all().len(), action::actions().len());
        assert!(ActionSet::none().is_empty());
        let iam = Patterns::Only(vec!["iam:*".into()]);
        let rest = Patterns::Except(vec!["IAM:*".into()]);
        assert_eq!(ActionSet::of(&iam).len() + ActionSet::of(&rest).len(), action::actions().len());
        assert!(!ActionSet::none().insert("no:SuchAction"));
    }

    proptest! {
        #[test]
        fn bits_behave_as_a_set(a in proptest::collection::btree_set(0usize..22_000, 0..40), b in proptest::collection::btree_set(0usize..22_000, 0..40)) {
            let of = |indexes: &std::collections::BTreeSet<usize>| {
                let mut set = ActionSet::none();
                for index in indexes {
                    set.insert_index(*index);
                }
                set
            };
            let names = |set: &ActionSet| set.iter().map(|action| action.name).collect::<Vec<_>>();
            let expected = |indexes: Vec<usize>| indexes.into_iter().map(|at| action::actions()[at].name).collect::<Vec<_>>();
            let mut set = of(&a);
            set.union(&of(&b));
            prop_assert_eq!(names(&set), expected(a.union(&b).copied().collect()));
            let mut set = of(&a);
            set.intersect(&of(&b));
            prop_assert_eq!(names(&set), expected(a.intersection(&b).copied().collect()));
            let mut set = of(&a);
            set.subtract(&of(&b));
            prop_assert_eq!(names(&set), expected(a.difference(&b).copied().collect()));
        }
    }
}
