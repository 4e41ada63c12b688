//! Files that digests list and the lake has not read: each is looked at itself, so that one which is only late, archived or of
//! no concern is not told as taken away, and whatever `verify` calls invalid is told.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::{Duration, Instant};

use ::ingest::digest::{Archive, ListedLog, Standing, Verdict, check_log};
use chrono::{TimeDelta, Utc};
use lake::promised::place_of;
use lake::{Shortfall, Unkept};

use super::trouble::Troubles;

/// Files that are looked at in one round: the others have their turn in the next.
const LOOKS_MAX: usize = 1_000;
/// A file that could not be read (archived, forbidden) is looked at again after this.
const AGAIN: Duration = Duration::from_secs(3_600);

/// Where files are, of digests that were walked.
pub(super) struct Walked {
    pub(super) archive: Box<dyn Archive>,
    /// `s3://BUCKET/PREFIX`; none for a folder, which knows itself what lies in it.
    pub(super) root: Option<String>,
}

/// Files that are not here, from round to round.
#[derive(Debug, Default)]
pub(super) struct Missing {
    /// Since when a file is missed.
    since: HashMap<String, Instant>,
    /// Files of which is known what became of them: they are there, or it was told.
    settled: HashSet<String>,
}

impl Missing {
    /// Looks at files that were missed for so long, until an end is asked for.
    pub(super) fn look(
        &mut self,
        shortfall: &Shortfall,
        walked: &[Walked],
        (grace, inflated_bytes): (Duration, u64),
        is_asked: &dyn Fn() -> bool,
        troubles: &mut Troubles,
    ) {
        let now = Instant::now();
        let missed: HashSet<&str> = shortfall.unkept.iter().map(|file| file.object.as_str()).collect();
        self.since.retain(|object, _| missed.contains(object.as_str()));
        self.settled.retain(|object| missed.contains(object.as_str()));
        let (mut looks, mut gone, mut first) = (0, Vec::new(), shortfall.kept_from.clone());
        for file in &shortfall.unkept {
            if file.changed {
                // Whatever lies there now: what was read is not what was signed.
                troubles.log_file(&file.object, &Verdict::HashMismatch);
                continue;
            }
            let since = *self.since.entry(file.object.clone()).or_insert(now);
            let young = now.checked_duration_since(since).is_none_or(|missed| missed < grace);
            if young || self.settled.contains(&file.object) || looks >= LOOKS_MAX || is_asked() {
                continue;
            }
            looks += 1;
            let verdict = verdict(file, walked, inflated_bytes);
            match (verdict.standing(), &verdict) {
                (Standing::Valid, _) => {
                    is_here(&file.object, &mut first);
                    self.settled.insert(file.object.clone());
                }
                (Standing::Unproven, _) => {
                    tracing::debug!(object = %file.object, why = ?verdict.reason(), "a file cannot be looked at");
                    self.since.insert(file.object.clone(), now + AGAIN);
                }
                (Standing::Invalid, Verdict::NotFound) => gone.push(file),
                (Standing::Invalid, _) => {
                    troubles.log_file(&file.object, &verdict);
                    self.settled.insert(file.object.clone());
                }
            }
        }
        self.gone(&gone, &first, troubles);
    }

    /// Tells of files that are not there, but for those that may have expired before anybody read a file of their place.
    fn gone(&mut self, gone: &[&Unkept], first: &BTreeMap<(String, String), String>, troubles: &mut Troubles) {
        let yesterday = (Utc::now() - TimeDelta::days(1)).format("%Y/%m/%d").to_string();
        let mut expired = 0_u64;
        for file in gone {
            let before = place_of(&file.object)
                .is_some_and(|(place, day)| day < yesterday && first.get(&place).is_some_and(|first| day < *first));
            match before {
                true => expired += 1,
                false => troubles.log_file(&file.object, &Verdict::NotFound),
            }
            self.settled.insert(file.object.clone());
        }
        if expired > 0 {
            tracing::warn!(
                files = expired,
                "log files of whole days were gone before the first that was read: expired, or taken away; `trailhound verify` names them"
            );
        }
    }
}

/// A file of this day is there, though nobody has read it yet.
fn is_here(object: &str, first: &mut BTreeMap<(String, String), String>) {
    let Some((place, day)) = place_of(object) else { return };
    let known = first.entry(place).or_insert_with(|| day.clone());
    if day < *known {
        *known = day;
    }
}

/// What a file turns out to be where it should lie; the first place that knows it says so.
fn verdict(file: &Unkept, walked: &[Walked], inflated_bytes: u64) -> Verdict {
    let elsewhere = || Verdict::Unproven("in no place that is watched".to_owned());
    let Some((bucket, key)) = file.object.strip_prefix("s3://").and_then(|rest| rest.split_once('/')) else {
        return elsewhere();
    };
    let listed = ListedLog { bucket: bucket.to_owned(), key: key.to_owned(), sha256: Some(file.sha256.clone()) };
    let lies_in = |walked: &&Walked| walked.root.as_ref().is_none_or(|root| file.object.starts_with(root.as_str()));
    let mut verdicts = walked.iter().filter(lies_in).map(|walked| check_log(&*walked.archive, &listed, inflated_bytes));
    verdicts.find(|verdict| verdict.standing() != Standing::Unproven).unwrap_or_else(elsewhere)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::io::Cursor;
    use std::ops::ControlFlow;

    use ::ingest::digest::{Chain, Fault, Metadata, Object};
    use chrono::DateTime;

    use super::*;

    /// Objects by what is done with them: their key says it.
    struct Bucket;

    impl Archive for Bucket {
        fn bucket(&self, _: &Chain) -> String {
            "b".to_owned()
        }

        fn digests(&self, _: &str, _: &Chain, _: DateTime<Utc>) -> Result<Vec<String>, Fault> {
            Ok(Vec::new())
        }

        fn open(&self, _: &str, key: &str) -> Result<Object, Fault> {
            match key {
                key if key.contains("gone") => Err(Fault::Absent),
                key if key.contains("glacier") => Err(Fault::Unread("archived".to_owned())),
                _ => Ok(Object { metadata: Metadata::Lost, body: Box::new(Cursor::new(b"no gzip".to_vec())) }),
            }
        }

        fn logs(
            &self,
            _: &str,
            _: &Chain,
            _: (DateTime<Utc>, DateTime<Utc>),
            _: &mut dyn FnMut(&str) -> ControlFlow<()>,
        ) -> Result<(), Fault> {
            Ok(())
        }
    }

    fn object(day: &str, name: &str) -> String {
        format!("s3://b/AWSLogs/111122223333/CloudTrail/eu-west-1/{day}/{name}.json.gz")
    }

    #[test]
    fn each_file_is_told_as_what_it_turns_out_to_be() {
        let unkept = |object: String| Unkept { object, sha256: "0".repeat(64), changed: false };
        let mut shortfall = Shortfall::default();
        shortfall.unkept.extend(
            [("2026/01/02", "gone"), ("2026/01/02", "glacier"), ("2026/01/02", "odd"), ("2026/01/01", "gone-by-age")]
                .map(|(day, name)| unkept(object(day, name))),
        );
        shortfall.unkept.push(Unkept { changed: true, ..unkept(object("2026/01/02", "read")) });
        shortfall.unkept.push(unkept("s3://elsewhere/x".to_owned()));
        let place = place_of(&object("2026/01/02", "x")).unwrap().0;
        shortfall.kept_from.insert(place, "2026/01/02".to_owned());
        let walked = [Walked { archive: Box::new(Bucket), root: Some("s3://b/AWSLogs/".to_owned()) }];
        let (mut missing, mut troubles) = (Missing::default(), Troubles::default());
        let asked = || false;
        // Too young: only what is known without a look.
        missing.look(&shortfall, &walked, (Duration::from_secs(60), 1 << 20), &asked, &mut troubles);
        assert_eq!(troubles.fresh.len(), 1);
        for _ in 0..2 {
            missing.look(&shortfall, &walked, (Duration::ZERO, 1 << 20), &asked, &mut troubles);
        }
        let mut told: Vec<(&str, &str)> =
            troubles.fresh.iter().map(|alert| (&*alert.rule, alert.what[0].rsplit('/').next().unwrap())).collect();
        told.sort_unstable();
        let all = [
            ("log-file-changed", "odd.json.gz"),
            ("log-file-changed", "read.json.gz"),
            ("log-file-missing", "gone.json.gz"),
        ];
        assert_eq!(told, all);
    }

    #[test]
    fn where_nothing_was_read_nothing_has_expired() {
        let gone = Unkept { object: object("2026/01/01", "gone"), sha256: "0".repeat(64), changed: false };
        let shortfall = Shortfall { unkept: vec![gone], ..Shortfall::default() };
        let walked = [Walked { archive: Box::new(Bucket), root: None }];
        let mut troubles = Troubles::default();
        Missing::default().look(&shortfall, &walked, (Duration::ZERO, 1 << 20), &|| false, &mut troubles);
        assert_eq!(troubles.fresh.len(), 1);
    }
}
