//! `ingest --verify-digests`: the digests of a bucket, walked since the last time, and noted in the lake.
//!
//! Log files are not read again: what was hashed when they were read into the lake is held against what was signed.

use std::num::NonZeroUsize;

use ::ingest::digest::{self, Chain, Counts, Finding, Findings, Options, Remark, Span, Summary, Verdict};
use aws::{AskCloudTrail, BucketArchive, Connection};
use chrono::DateTime;
use lake::{Lake, Proof};
use serde_json::{Value, json};

use crate::cli::IngestArgs;
use crate::intake::Intake;
use crate::outcome::{Failure, Outcome};
use crate::proof::{self, Notes};
use crate::render::report::number;
use crate::render::words::Words;

/// Bad files that are told one by one.
const TOLD: usize = 10;

/// What digests said.
#[derive(Debug, Default)]
pub(super) struct Proven {
    digests: Counts,
    suspicious: u64,
    gaps: u64,
    noted: u64,
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
            self.walk(args, objects.connection(), &archive, lake)?;
        }
        self.proof = Some(lake.proof()?);
        Ok(())
    }

    fn walk(
        &mut self,
        args: &IngestArgs,
        connection: &Connection,
        archive: &BucketArchive,
        lake: &mut Lake,
    ) -> Result<(), Failure> {
        let source = &args.source;
        let span = Span { start: source.start_time, end: source.end_time };
        let chains = archive.chains(span).map_err(|error| Failure::Io(error.to_string()))?;
        let keys = AskCloudTrail::new(connection);
        let until = lake.digested_until()?;
        let among = |wanted: &[String], value: &str| wanted.is_empty() || wanted.iter().any(|wanted| wanted == value);
        let wanted =
            |chain: &Chain| among(&source.accounts, chain.account()) && among(&source.log_regions, &chain.region);
        let mut notes = Notes::new(Some(lake), &mut self.told);
        for chain in chains.chains.into_iter().filter(wanted) {
            let name = (chain.account().to_owned(), chain.region.clone(), chain.trail.clone());
            let known = until.get(&name).copied().and_then(DateTime::from_timestamp_micros);
            let options = Options {
                span: Span { start: known.max(span.start), end: span.end },
                bucket: None,
                read_logs: false,
                threads: NonZeroUsize::MIN,
                inflated_bytes: args.limits.max_inflated_bytes,
            };
            let summary = digest::verify(archive, &keys, &[chain], &options, &mut notes)
                .map_err(|fault| Failure::Io(fault.to_string()))?;
            add(&mut self.digests, &summary);
            self.suspicious += summary.suspicious;
            self.gaps += summary.gaps;
        }
        self.noted += notes.end()?;
        Ok(())
    }

    /// The contract of `digests` in `ingest --output json`: `docs/contract.md`.
    pub(super) fn to_json(&self) -> Value {
        json!({
            "read": self.digests,
            "suspicious": self.suspicious,
            "gaps": self.gaps,
            "noted": self.noted,
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
        let bad = self.digests.invalid > 0 || self.digests.unproven > 0 || mismatched;
        if bad { Outcome::Rejected } else { Outcome::Done }
    }
}

fn add(all: &mut Counts, summary: &Summary) {
    for counts in [summary.digests, summary.backfill_digests] {
        all.valid += counts.valid;
        all.invalid += counts.invalid;
        all.unproven += counts.unproven;
    }
}

/// What is wrong, in sentences.
#[derive(Debug, Default)]
struct Told {
    lines: Vec<String>,
    more: u64,
}

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
