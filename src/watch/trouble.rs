//! What digests say is wrong, as alerts about the log: each trouble once for as long as the process lives.

use std::collections::BTreeSet;

use ::alerts::{Alert, Severity, Trouble};
use ::ingest::digest::{File, Finding, Findings, Remark, Standing};
use ::ingest::key::{DigestName, Key};
use lake::Proof;

/// Troubles that are remembered and told: beyond them only figures.
const TOLD_MAX: usize = 10_000;

const WHY: &str = "Digests are CloudTrail's own word about which log files it wrote. What contradicts them was changed, forged or \
                   taken away by somebody who can write to the bucket, or the trail was stopped.";
const NEXT: &[&str] = &[
    "Run `trailhound verify` on the bucket: it names every file and the reason.",
    "Ask who may write to the bucket, and look at StopLogging, UpdateTrail, DeleteObject and PutObject around that time.",
];

/// Takes findings and makes alerts of what is wrong.
#[derive(Debug, Default)]
pub(super) struct Troubles {
    known: BTreeSet<String>,
    /// Those that nobody was told yet.
    pub(super) fresh: Vec<Alert>,
    /// How much was wrong the last time, so that more of it is told.
    mismatched: u64,
}

impl Troubles {
    fn add(&mut self, trouble: &Trouble) {
        let alert = trouble.alert(::deliver::now());
        if self.known.len() < TOLD_MAX && self.known.insert(alert.fingerprint.clone()) {
            tracing::error!(about = %trouble.subject, detail = %trouble.detail, "{}", trouble.title);
            self.fresh.push(alert);
        }
    }

    /// Objects whose text is another than what was signed: digests name files, and the lake knows what it has read.
    pub(super) fn compare(&mut self, proof: &Proof) {
        if proof.mismatched > self.mismatched {
            self.add(&Trouble {
                title: "Log files are not what CloudTrail wrote",
                detail: crate::proof::words(proof),
                mark: proof.mismatched.to_string(),
                next: &[
                    "See which: SELECT DISTINCT source_object FROM events_verified WHERE verified = 'mismatch'.",
                    "Ask who may write to the bucket, and look at PutObject around the time of their delivery.",
                ],
                ..about("log-file-changed", Severity::High, "objects of the lake".to_owned())
            });
        }
        self.mismatched = proof.mismatched;
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
    use ::ingest::digest::{Role, Verdict};

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
            troubles.found(Finding::Remark(Remark::UnlistedLog, "s3://b/k".to_owned(), "d".to_owned()));
            troubles.compare(&Proof { mismatched: 1, ..Proof::default() });
        }
        let told: Vec<_> = troubles.fresh.iter().map(|alert| (&*alert.rule, &*alert.account, &*alert.region)).collect();
        let all = [
            ("log-digest-invalid", "111122223333", "eu-west-1"),
            ("log-proof-doubtful", "", ""),
            ("log-file-changed", "", ""),
        ];
        assert_eq!(told, all);
        troubles.compare(&Proof { mismatched: 2, ..Proof::default() });
        assert_eq!(troubles.fresh.len(), 4);
    }
}
