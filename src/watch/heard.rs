//! What a queue's messages say of digests: where there are some, since when, and that new ones came.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use ::ingest::key::Key;
use chrono::{DateTime, Utc};

/// Roots of buckets that messages may name.
const ROOTS_MAX: usize = 100;
/// After a message about a digest so long is waited for more of them: the digests of an hour come together.
const GATHER: Duration = Duration::from_secs(20);
const ROOT: &str = "AWSLogs/";

/// What was heard.
#[derive(Debug, Default)]
pub(super) struct Heard(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// `s3://BUCKET/[PREFIX/]AWSLogs/`, and the earliest delivery that a message told of: nobody will tell of what was before.
    roots: BTreeMap<String, Option<DateTime<Utc>>>,
    /// Since when digests wait to be looked at.
    waiting: Option<Instant>,
}

impl Heard {
    /// Objects that messages name; `digests` are those of them that are digests.
    pub(super) fn objects<'a>(&self, names: impl Iterator<Item = &'a String>, digests: &'a BTreeSet<String>) {
        let mut heard = self.lock();
        for name in names.chain(digests) {
            let root = name.find(ROOT).filter(|_| name.starts_with("s3://")).and_then(|at| name.get(..at + ROOT.len()));
            let Some(root) = root else { continue };
            if !heard.roots.contains_key(root) && heard.roots.len() >= ROOTS_MAX {
                continue;
            }
            let time = Key::parse(name).and_then(|key| key.time());
            let first = heard.roots.entry(root.to_owned()).or_insert(time);
            *first = match (*first, time) {
                (Some(first), Some(time)) => Some(first.min(time)),
                (first, time) => first.or(time),
            };
        }
        if !digests.is_empty() {
            heard.waiting.get_or_insert_with(Instant::now);
        }
    }

    /// Where digests may lie, and the earliest delivery that was heard of.
    pub(super) fn roots(&self) -> BTreeMap<String, Option<DateTime<Utc>>> {
        self.lock().roots.clone()
    }

    /// Whether digests came a while ago that nobody has looked at.
    pub(super) fn is_due(&self) -> bool {
        self.lock().waiting.is_some_and(|since| since.elapsed() >= GATHER)
    }

    /// Somebody looks at them now.
    pub(super) fn forget(&self) {
        self.lock().waiting = None;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_name_roots_and_digests_are_waited_for() {
        let heard = Heard::default();
        let log = |time: &str| {
            format!(
                "s3://b/p/AWSLogs/111122223333/CloudTrail/eu-west-1/2026/01/01/111122223333_CloudTrail_eu-west-1_{time}_x.json.gz"
            )
        };
        let names = [log("20260101T0105Z"), "s3://b/p/AWSLogs/2/CloudTrail/y".to_owned(), log("20260101T0005Z")];
        let others = ["https://q#1", "s3://c/x"].map(str::to_owned);
        heard.objects(names.iter().chain(&others), &BTreeSet::new());
        let first = Key::parse(&names[2]).and_then(|key| key.time());
        assert!(first.is_some());
        assert_eq!(heard.roots(), BTreeMap::from([("s3://b/p/AWSLogs/".to_owned(), first)]));
        assert!(heard.lock().waiting.is_none());
        heard.objects([].iter(), &BTreeSet::from(["s3://d/AWSLogs/1/CloudTrail-Digest/z".to_owned()]));
        assert_eq!(heard.roots().len(), 2);
        assert!(!heard.is_due() && heard.lock().waiting.is_some());
        heard.forget();
        assert!(heard.lock().waiting.is_none());
    }
}
