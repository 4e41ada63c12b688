//! Log files that no digest lists: what lies in the bucket beside what CloudTrail says that it delivered.

use std::collections::{HashMap, HashSet, hash_map::RandomState};
use std::hash::BuildHasher;
use std::ops::ControlFlow;

use chrono::{DateTime, TimeDelta, Utc};

use super::archive::{Archive, Fault};
use super::chain::{Chain, Span};
use super::log;
use super::verdict::{Remark, Tally};
use super::walk::LATE;
use crate::key::{Key, Kind};

/// A file's name tells when it was written; it is delivered, and then digested, up to so much later.
pub const DELIVERY: TimeDelta = TimeDelta::minutes(15);

/// Missing files whose hashes are held against unlisted files.
const MAX_MISSING: usize = 10_000;

/// Unlisted files of one Region that are told one by one.
const MAX_UNLISTED: usize = 100_000;

/// What the valid digests of some chains say was delivered.
#[derive(Debug)]
pub(super) struct Covered {
    bucket: String,
    /// Hashes of the buckets and keys of listed files: 64 bits of a key of this process.
    listed: HashSet<u64>,
    hasher: RandomState,
    /// Log files that are listed and not there, by the hash of their text.
    missing: HashMap<String, String>,
    /// From when to when there are digests, valid or not.
    claimed: Option<(DateTime<Utc>, DateTime<Utc>)>,
    /// Times that valid digests speak of.
    spans: Vec<(DateTime<Utc>, DateTime<Utc>)>,
}

impl Covered {
    pub(super) fn new(bucket: &str) -> Covered {
        let (listed, hasher) = (HashSet::new(), RandomState::new());
        Covered { bucket: bucket.to_owned(), listed, hasher, missing: HashMap::new(), claimed: None, spans: Vec::new() }
    }

    /// A digest lists this file; whether none did before.
    pub(super) fn listed(&mut self, bucket: &str, key: &str) -> bool {
        self.listed.insert(self.hasher.hash_one((bucket, key)))
    }

    /// A listed file is not there.
    pub(super) fn missing(&mut self, sha256: &str, key: &str) {
        if self.missing.len() < MAX_MISSING {
            self.missing.insert(sha256.to_ascii_lowercase(), key.to_owned());
        }
    }

    /// There is a digest of this time, whatever it is worth.
    pub(super) fn claims(&mut self, from: DateTime<Utc>, to: DateTime<Utc>) {
        let claimed = self.claimed.map_or((from, to), |claimed| (claimed.0.min(from), claimed.1.max(to)));
        self.claimed = Some(claimed);
    }

    pub(super) fn span(&mut self, from: DateTime<Utc>, to: DateTime<Utc>) {
        self.spans.push((from, to));
    }

    /// Puts times that touch together, in order.
    fn join(&mut self) {
        self.spans.sort_unstable();
        let mut joined: Vec<(DateTime<Utc>, DateTime<Utc>)> = Vec::new();
        for (from, to) in self.spans.drain(..) {
            match joined.last_mut() {
                Some(last) if from <= last.1 => last.1 = last.1.max(to),
                _ => joined.push((from, to)),
            }
        }
        self.spans = joined;
    }

    /// Whether some digest had to list a file of this time.
    fn speaks_of(&self, time: DateTime<Utc>) -> bool {
        let end = time.checked_add_signed(DELIVERY).unwrap_or(time);
        self.spans.iter().any(|(from, to)| *from <= time && end <= *to)
    }
}

/// Tells of the log files beside these chains' digests that none of them lists. The chains are of one account and Region:
/// two trails write into the same folders.
///
/// Asked about are the times of `span`, at least those between the valid digests: who takes the newest digest away hides the
/// log files of its time, which nothing proves then. Files that are younger than a digest may be late are not told of.
pub(super) fn unlisted(
    archive: &dyn Archive,
    chain: &Chain,
    (span, inflated_bytes): (Span, u64),
    covered: &mut [Covered],
    tally: &mut Tally<'_>,
) -> Result<(), Fault> {
    covered.iter_mut().for_each(Covered::join);
    let buckets: std::collections::BTreeSet<String> = covered.iter().map(|covered| covered.bucket.clone()).collect();
    for bucket in buckets {
        let ours: Vec<&Covered> = covered.iter().filter(|covered| covered.bucket == bucket).collect();
        let spans = || ours.iter().flat_map(|covered| covered.spans.iter());
        // Where no digest is valid, nothing is proven of the time that they would speak of: that is told too.
        let claims = || ours.iter().filter_map(|covered| covered.claimed);
        let first = spans().map(|span| span.0).min().or_else(|| claims().map(|claimed| claimed.0).min());
        let last = spans().map(|span| span.1).max().or_else(|| claims().map(|claimed| claimed.1).max());
        let (Some(first), Some(last)) = (first, last) else { continue };
        let settled = Utc::now() - LATE;
        let first = span.start.map_or(first, |start| start.min(first));
        let last = span.end.map_or(settled, |end| end.min(settled)).max(last);
        let mut found = Vec::new();
        archive.logs(&bucket, chain, (first, last), &mut |key| {
            let listed = |covered: &&Covered| covered.listed.contains(&covered.hasher.hash_one((&*bucket, key)));
            if !ours.iter().any(listed) {
                found.push(key.to_owned());
            }
            // More would only say the same again.
            if found.len() < MAX_UNLISTED { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        found.sort_unstable();
        for key in found {
            if let Some(own) = renamed(archive, &bucket, &key, &ours, inflated_bytes) {
                let detail = format!("it is the log file s3://{bucket}/{own}, which is missing, under another name");
                tally.remark(Remark::RenamedLog, &bucket, &key, detail);
                continue;
            }
            let Some(time) = Key::parse(&key).filter(|key| key.kind != Kind::Digest).and_then(|key| key.time()) else {
                tally.remark(
                    Remark::UnlistedLog,
                    &bucket,
                    &key,
                    "no digest lists it, and its name is none of CloudTrail's",
                );
                continue;
            };
            if ours.iter().any(|covered| covered.speaks_of(time)) {
                let detail =
                    "no digest lists it, though a valid digest speaks of its time: CloudTrail did not deliver it";
                tally.remark(Remark::UnlistedLog, &bucket, &key, detail);
            } else if (first..=last).contains(&time) {
                let detail = "no valid digest speaks of its time, so that nothing proves it";
                tally.remark(Remark::UncoveredLog, &bucket, &key, detail);
            }
        }
    }
    Ok(())
}

/// The key that a log file should have, where its text is that of one that is missing.
fn renamed(archive: &dyn Archive, bucket: &str, key: &str, ours: &[&Covered], inflated_bytes: u64) -> Option<String> {
    if ours.iter().all(|covered| covered.missing.is_empty()) {
        return None;
    }
    let sha256 = log::sha256(archive.open(bucket, key).ok()?.body, inflated_bytes)?;
    ours.iter().find_map(|covered| covered.missing.get(&sha256)).cloned()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn times_that_touch_are_one() {
        let at = |hour: i64| DateTime::from_timestamp(hour * 3600, 0).unwrap();
        let mut covered = Covered::new("b");
        for (from, to) in [(4, 5), (1, 2), (0, 1), (8, 9)] {
            covered.span(at(from), at(to));
        }
        covered.join();
        assert_eq!(covered.spans, [(at(0), at(2)), (at(4), at(5)), (at(8), at(9))]);
        let minutes = |minutes: i64| at(0) + TimeDelta::minutes(minutes);
        assert!(covered.speaks_of(minutes(50)) && !covered.speaks_of(minutes(110)) && !covered.speaks_of(minutes(180)));
    }
}
