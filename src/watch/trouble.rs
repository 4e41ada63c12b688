//! What digests say is wrong, as alerts about the log: each trouble once for as long as the process lives.

use std::collections::BTreeSet;

use ::alerts::{Alert, Severity, Trouble};
use ::ingest::digest::{File, Finding, Findings, Remark, Standing, Verdict};
use ::ingest::key::{DigestName, Key};

/// Troubles that are remembered and told: beyond them only figures.
const TOLD_MAX: usize = 10_000;

/// The rules that alerts about the log are of; routes may name them.
pub(super) const RULES: [&str; 5] =
    ["log-digest-gap", "log-digest-invalid", "log-file-changed", "log-file-missing", "log-proof-doubtful"];

const WHY: &str = "Digests are CloudTrail's own word about which log files it wrote. What contradicts them was changed, forged or \
                   taken away by somebody who can write to the bucket, or the trail was stopped.";
const NEXT: &[&str] = &[
    "Run `trailhound verify` on the bucket: it names every file and the reason.",
    "Ask who may write to the bucket, and look at StopLogging, UpdateTrail, DeleteObject and PutObject around that time.",
];

const NEXT_GONE: &[&str] = &[
    "Look at DeleteObject and PutBucketLifecycleConfiguration around that time, and ask who may delete there.",
    "Fetch it from a replica or an earlier version of the object (`aws s3api list-object-versions`), and read it.",
    "Run `trailhound verify` on the bucket: it names every file that is gone.",
];
const NEXT_CHANGED: &[&str] = &[
    "Take what was read of it for what somebody else wrote: SELECT * FROM events_verified WHERE verified = 'mismatch'.",
    "Ask who may write to the bucket, and look at PutObject around the time of its delivery.",
];

/// Takes findings and makes alerts of what is wrong.
#[derive(Debug, Default)]
pub(super) struct Troubles {
    known: BTreeSet<String>,
    /// Those that nobody was told yet.
    pub(super) fresh: Vec<Alert>,
}

impl Troubles {
    fn add(&mut self, trouble: &Trouble) {
        let alert = trouble.alert(::deliver::now());
        if self.known.len() < TOLD_MAX && self.known.insert(alert.fingerprint.clone()) {
            tracing::error!(about = %trouble.subject, detail = %trouble.detail, "{}", trouble.title);
            self.fresh.push(alert);
        }
    }

    /// A log file that a digest lists, `s3://BUCKET/KEY`, is gone, or not what was signed.
    pub(super) fn log_file(&mut self, object: &str, verdict: &Verdict) {
        let reason = verdict.reason().unwrap_or_default();
        let (name, title, next) = match verdict {
            Verdict::NotFound => ("log-file-missing", "A log file that CloudTrail wrote is gone", NEXT_GONE),
            _ => ("log-file-changed", "A log file is not what CloudTrail wrote", NEXT_CHANGED),
        };
        let about = about(name, Severity::High, object.to_owned());
        self.add(&Trouble { title, detail: reason.clone(), mark: reason, next, ..about });
    }

    /// An object that was read, and that no digest lists, though one speaks of its time.
    pub(super) fn unlisted(&mut self, object: &str) {
        let detail = "no digest lists it, though a valid digest speaks of its time: CloudTrail did not deliver it";
        self.found(Finding::Remark(Remark::UnlistedLog, object.to_owned(), detail.to_owned()));
    }
}

impl Findings for Troubles {
    fn found(&mut self, finding: Finding) {
        match finding {
            Finding::File(File { bucket, key, verdict, .. }) if verdict.standing() == Standing::Invalid => {
                self.add(&Trouble {
                    title: "A digest of the log is not what CloudTrail wrote",
                    detail: verdict.reason().unwrap_or_default(),
                    mark: verdict.reason().unwrap_or_default(),
                    ..about("log-digest-invalid", Severity::High, format!("s3://{bucket}/{key}"))
                });
            }
            Finding::Gap(gap) => self.add(&Trouble {
                title: "CloudTrail wrote no digests for a time",
                detail: format!("from {} to {}", gap.from, gap.to),
                mark: gap.from.to_string(),
                ..about("log-digest-gap", Severity::Medium, gap.digest)
            }),
            Finding::Remark(remark, object, detail) if remark.is_suspicious() || remark == Remark::Late => {
                let (title, severity) = match remark {
                    Remark::Late => ("Digests of the log are late", Severity::Medium),
                    Remark::UnlistedLog => ("A log file lies there that no digest lists", Severity::High),
                    _ => ("Digests and log files do not fit together", Severity::High),
                };
                let detail = format!("{}: {detail}", remark.name());
                // Of one that is late, all but how late.
                let mark = detail.rsplit_once(", ").map_or(detail.as_str(), |(before, _)| before).to_owned();
                self.add(&Trouble { title, detail, mark, ..about("log-proof-doubtful", severity, object) });
            }
            Finding::File(_) | Finding::Remark(..) => {}
        }
    }
}

/// A trouble with this object; whose it is, its name says.
fn about(name: &'static str, severity: Severity, subject: String) -> Trouble {
    let file = subject.rsplit('/').next().unwrap_or_default();
    let digest = DigestName::parse(file).map(|name| (name.account.to_owned(), name.region.to_owned()));
    let log = || Key::parse(&subject).map(|key| (key.account.to_owned(), key.region.to_owned()));
    let (account, region) = digest.or_else(log).unwrap_or_default();
    let (detail, mark) = Default::default();
    Trouble { name, title: "", severity, subject, account, region, detail, mark, why: WHY, next: NEXT }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use ::ingest::digest::Role;

    use super::*;

    #[test]
    fn what_is_wrong_is_told_once_and_what_is_right_is_not() {
        let key = "AWSLogs/111122223333/CloudTrail-Digest/eu-west-1/2026/01/01/111122223333_CloudTrail-Digest_eu-west-1_t_eu-west-1_20260101T010000Z.json.gz";
        let file = |verdict: Verdict| {
            let (bucket, key) = ("b".to_owned(), key.to_owned());
            Finding::File(File { role: Role::Digest, bucket, key, verdict, listed_by: None, detail: None })
        };
        let mut troubles = Troubles::default();
        for _ in 0..2 {
            troubles.found(file(Verdict::Valid));
            troubles.found(file(Verdict::Unproven("not yet".to_owned())));
            troubles.found(file(Verdict::SignatureFailed));
            troubles.found(Finding::Remark(Remark::ChainStart, "s3://b/k".to_owned(), "d".to_owned()));
            troubles.unlisted("s3://b/k");
            troubles.log_file("s3://b/l", &Verdict::HashMismatch);
            troubles.log_file("s3://b/m", &Verdict::NotFound);
        }
        let told: Vec<_> = troubles.fresh.iter().map(|alert| (&*alert.rule, &*alert.account, &*alert.region)).collect();
        let all = [
            ("log-digest-invalid", "111122223333", "eu-west-1"),
            ("log-proof-doubtful", "", ""),
            ("log-file-changed", "", ""),
            ("log-file-missing", "", ""),
        ];
        assert_eq!(told, all);
    }
}
