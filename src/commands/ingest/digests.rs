//! `ingest --verify-digests`: the digests of a bucket, walked since the last time, and noted in the lake.

use ::ingest::digest::{Finding, Findings, Remark, Span, Verdict};
use aws::{AskCloudTrail, BucketArchive};
use lake::{Lake, Proof};
use serde_json::{Value, json};

use crate::cli::IngestArgs;
use crate::intake::Intake;
use crate::outcome::{Failure, Outcome};
use crate::proof::{self, Walked, Wanted, Witness};
use crate::render::report::number;
use crate::render::words::Words;

/// Bad files that are told one by one.
const TOLD: usize = 10;

/// What digests said.
#[derive(Debug, Default)]
pub(super) struct Proven {
    walked: Walked,
    proof: Option<Proof>,
    told: Told,
}

impl Proven {
    /// Walks the digests of every bucket that is read, from where the lake's notes end.
    ///
    /// # Errors
    /// A bucket or the public keys cannot be reached; the lake cannot be written.
    pub(super) fn read(&mut self, args: &IngestArgs, intake: &Intake, lake: &mut Lake) -> Result<(), Failure> {
        for objects in &intake.buckets.objects {
            let archive = BucketArchive::new(objects.connection(), &objects.place());
            let span = Span { start: args.source.start_time, end: args.source.end_time };
            let chains = archive.chains(span).map_err(|error| Failure::Io(error.to_string()))?.chains;
            let keys = AskCloudTrail::new(objects.connection());
            let wanted = Wanted { source: &args.source, since: None, inflated_bytes: args.limits.max_inflated_bytes };
            let (walked, failed) = proof::walk((&archive, &keys), chains, wanted, lake, &mut self.told)?;
            self.walked.add(walked);
            failed.map_or(Ok(()), Err)?;
        }
        self.proof = Some(lake.proof()?);
        Ok(())
    }

    /// The contract of `digests` in `ingest --output json`: `docs/contract.md`.
    pub(super) fn to_json(&self) -> Value {
        json!({
            "read": self.walked.digests,
            "suspicious": self.walked.suspicious,
            "gaps": self.walked.gaps,
            "noted": self.walked.noted,
            "proof": self.proof,
        })
    }

    pub(super) fn tell(&self, words: Words) {
        for line in &self.told.lines {
            words.warning(line);
        }
        if self.told.more > 0 {
            words.warning(&format!("and {} more; `trailhound verify` tells of all", number(self.told.more)));
        }
        if let Some(proof) = &self.proof {
            let bad = proof.mismatched > 0 || proof.unlisted > 0 || proof.have_files < proof.digest_files;
            let text = proof::words(proof);
            if bad { words.warning(&text) } else { words.note(&text) }
        }
    }

    /// A digest that cannot be believed is input that was rejected; a changed log file too.
    pub(super) fn outcome(&self) -> Outcome {
        let mismatched = self.proof.is_some_and(|proof| proof.mismatched > 0);
        let bad = self.walked.digests.invalid > 0 || self.walked.digests.unproven > 0 || mismatched;
        if bad { Outcome::Rejected } else { Outcome::Done }
    }
}

/// What is wrong, in sentences.
#[derive(Debug, Default)]
struct Told {
    lines: Vec<String>,
    more: u64,
}

impl Witness for Told {}

impl Findings for Told {
    fn found(&mut self, finding: Finding) {
        let line = match finding {
            Finding::File(file) if file.verdict != Verdict::Valid => {
                let reason = file.verdict.reason().unwrap_or_default();
                format!("s3://{}/{}: digest: {reason}", file.bucket, file.key)
            }
            Finding::Gap(gap) => format!("no digests were written from {} to {}", gap.from, gap.to),
            Finding::Remark(remark, object, detail) if remark.is_suspicious() || remark == Remark::Late => {
                format!("{object}: {}: {detail}", remark.name())
            }
            _ => return,
        };
        if self.lines.len() < TOLD { self.lines.push(line) } else { self.more += 1 }
    }
}
