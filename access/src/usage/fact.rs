//! One fact: a principal's use of an action, an access key's use, and the bounded sets in them.
//!
//! Everything here merges without regard to order: minimum, maximum, sum, the smallest or the latest few.

use std::collections::{BTreeMap, BTreeSet};

/// Most regions kept in a fact; AWS has fewer than 64.
const MAX_REGIONS: usize = 64;
/// Most actors kept for a principal; the latest ones stay.
const MAX_ACTORS: usize = 16;

/// A principal's use of one action. Times are microseconds since the Unix epoch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// Earliest attempt.
    pub first: i64,
    /// Latest attempt, refused or not: what IAM's "last accessed" shows.
    pub last_attempt: i64,
    /// Latest call that succeeded.
    pub last_success: Option<i64>,
    /// Latest call that was not refused: it succeeded, or it failed for another reason than want of permission.
    pub last_use: Option<i64>,
    /// Source address of the latest success (the greatest, of several at one time).
    pub last_source: Option<Box<str>>,
    /// All attempts.
    pub count: u64,
    /// Attempts that AWS refused.
    pub denied: u64,
    /// Attempts that failed for another reason.
    pub errors: u64,
    /// Regions of the attempts.
    pub regions: BTreeSet<Box<str>>,
}

impl Fact {
    /// Adds another fact about the same principal and action.
    pub(super) fn merge(&mut self, other: &Fact) {
        self.first = self.first.min(other.first);
        self.last_attempt = self.last_attempt.max(other.last_attempt);
        let (ours, theirs) = ((self.last_success, &self.last_source), (other.last_success, &other.last_source));
        if ours < theirs {
            self.last_success = other.last_success;
            self.last_source.clone_from(&other.last_source);
        }
        self.last_use = self.last_use.max(other.last_use);
        self.count += other.count;
        self.denied += other.denied;
        self.errors += other.errors;
        for region in &other.regions {
            if !self.regions.contains(region) {
                self.regions.insert(region.clone());
            }
        }
        while self.regions.len() > MAX_REGIONS {
            self.regions.pop_last();
        }
    }

    /// Attempts that succeeded.
    pub fn successes(&self) -> u64 {
        self.count.saturating_sub(self.denied).saturating_sub(self.errors)
    }
}

/// Use of a long-term access key. IAM counts any signed request as use, also a refused one; so do we.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessKey {
    /// First request seen.
    pub first: i64,
    /// Last request seen.
    pub last: i64,
    /// Principal of the last request (the greatest, of several at one time).
    pub principal: Box<str>,
    /// Requests seen.
    pub count: u64,
}

impl AccessKey {
    pub(super) fn merge(&mut self, other: &AccessKey) {
        self.first = self.first.min(other.first);
        if (self.last, &self.principal) < (other.last, &other.principal) {
            self.last = other.last;
            self.principal.clone_from(&other.principal);
        }
        self.count += other.count;
    }
}

/// The names seen latest, each with its last time, at most sixteen.
///
/// Exact whatever the order: a name falls out only when sixteen others are later, and can only come back with a
/// time that is later still.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recent {
    last: BTreeMap<Box<str>, i64>,
    /// Whether there were more names than are kept.
    pub more: bool,
}

impl Recent {
    pub(super) fn add(&mut self, name: &str, time: i64) {
        match self.last.get_mut(name) {
            Some(known) => *known = time.max(*known),
            None => {
                self.last.insert(name.into(), time);
            }
        }
        if self.last.len() > MAX_ACTORS {
            self.more = true;
            let oldest = self.last.iter().min_by_key(|(name, time)| (**time, *name)).map(|(name, _)| name.clone());
            if let Some(oldest) = oldest {
                self.last.remove(&oldest);
            }
        }
    }

    pub(super) fn merge(&mut self, other: &Recent) {
        for (name, time) in &other.last {
            self.add(name, *time);
        }
        self.more |= other.more;
    }

    /// The names with their last times, latest first.
    pub fn latest(&self) -> Vec<(&str, i64)> {
        let mut sorted: Vec<_> = self.last.iter().map(|(name, time)| (&**name, *time)).collect();
        sorted.sort_unstable_by(|a, b| (b.1, a.0).cmp(&(a.1, b.0)));
        sorted
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_latest_names_stay() {
        let mut recent = Recent::default();
        for time in 0..40 {
            recent.add(&format!("session-{time:02}"), time);
        }
        let latest = recent.latest();
        assert_eq!((latest.len(), latest.first().copied()), (MAX_ACTORS, Some(("session-39", 39))));
        assert!(recent.more);
    }

    proptest! {
        #[test]
        fn recent_names_merge_in_any_order(events in proptest::collection::vec((0u8..40, 0i64..60), 0..120), cut in 0usize..120) {
            let fold = |events: &[(u8, i64)]| {
                let mut recent = Recent::default();
                for (name, time) in events {
                    recent.add(&name.to_string(), *time);
                }
                recent
            };
            let whole = fold(&events);
            let (left, right) = events.split_at(cut.min(events.len()));
            let mut merged = fold(right);
            merged.merge(&fold(left));
            prop_assert_eq!(&merged, &whole);
        }
    }
}
