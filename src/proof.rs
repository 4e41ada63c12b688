//! What digests prove of a lake: notes taken while digests are walked, and the sentence about them.
//!
//! Whether a digest is to be believed is decided in `ingest::digest`; what a note is, in `lake`. This only carries.

use std::num::NonZeroUsize;

use chrono::{DateTime, Utc};
use ingest::digest::{self, Archive, Chain, Counts, Delivered, Finding, Findings, KeyRing, Options, Remark, Span};
use ingest::key::Key;
use lake::schema::DIGESTED;
use lake::{Lake, Note, Proof};

use crate::cli::SourceArgs;
use crate::outcome::Failure;
use crate::render::report::number;

/// Notes that wait at most: some tens of megabytes.
const WAITING: usize = 100_000;

/// What a walk along digests came by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Walked {
    pub(crate) digests: Counts,
    pub(crate) suspicious: u64,
    pub(crate) gaps: u64,
    /// Notes that are new to the lake.
    pub(crate) noted: u64,
}

impl Walked {
    pub(crate) fn add(&mut self, other: Walked) {
        self.digests.valid += other.digests.valid;
        self.digests.invalid += other.digests.invalid;
        self.digests.unproven += other.digests.unproven;
        self.suspicious += other.suspicious;
        self.gaps += other.gaps;
        self.noted += other.noted;
    }
}

/// Walks the chains that are wanted, each from where the lake's notes end, and notes what digests say. Log files are not
/// read again: what was hashed when they were read into the lake is held against what was signed.
///
/// # Errors
/// The archive or the public keys cannot be reached; the lake cannot be written.
pub(crate) fn walk(
    archive: &dyn Archive,
    keys: &dyn KeyRing,
    chains: impl IntoIterator<Item = Chain>,
    (source, inflated_bytes): (&SourceArgs, u64),
    lake: &mut Lake,
    findings: &mut dyn Findings,
) -> Result<Walked, Failure> {
    let until = lake.digested_until()?;
    let among = |wanted: &[String], value: &str| wanted.is_empty() || wanted.iter().any(|wanted| wanted == value);
    let wanted = |chain: &Chain| among(&source.accounts, chain.account()) && among(&source.log_regions, &chain.region);
    let mut walked = Walked::default();
    let mut notes = Notes::new(Some(lake), findings);
    for chain in chains.into_iter().filter(wanted) {
        let name = (chain.account().to_owned(), chain.region.clone(), chain.trail.clone());
        let known = until.get(&name).copied().and_then(DateTime::from_timestamp_micros);
        let options = Options {
            span: Span { start: known.max(source.start_time), end: source.end_time },
            bucket: None,
            read_logs: false,
            threads: NonZeroUsize::MIN,
            inflated_bytes,
        };
        let summary = digest::verify(archive, keys, &[chain], &options, &mut notes)
            .map_err(|fault| Failure::Io(fault.to_string()))?;
        let digests = [summary.digests, summary.backfill_digests];
        let (suspicious, gaps) = (summary.suspicious, summary.gaps);
        digests.into_iter().for_each(|digests| walked.add(Walked { digests, ..Walked::default() }));
        walked.add(Walked { suspicious, gaps, ..Walked::default() });
    }
    walked.noted = notes.end()?;
    Ok(walked)
}

/// Takes notes for a lake, if there is one, and hands everything on.
pub(crate) struct Notes<'a> {
    lake: Option<&'a mut Lake>,
    inner: &'a mut dyn Findings,
    waiting: Vec<Note>,
    noted: u64,
    failed: Option<lake::Error>,
}

impl<'a> Notes<'a> {
    pub(crate) fn new(lake: Option<&'a mut Lake>, inner: &'a mut dyn Findings) -> Notes<'a> {
        Notes { lake, inner, waiting: Vec::new(), noted: 0, failed: None }
    }

    fn add(&mut self, notes: impl Iterator<Item = Note>) {
        if self.lake.is_none() || self.failed.is_some() {
            return;
        }
        self.waiting.extend(notes);
        if self.waiting.len() >= WAITING {
            self.flush();
        }
    }

    fn flush(&mut self) {
        let waiting = std::mem::take(&mut self.waiting);
        match self.lake.as_mut().map(|lake| lake.note(&waiting)) {
            Some(Ok(noted)) => self.noted += noted,
            Some(Err(error)) => self.failed = Some(error),
            None => {}
        }
    }

    /// Notes what is left; how many notes were new.
    ///
    /// # Errors
    /// The lake could not be written, now or before.
    pub(crate) fn end(mut self) -> Result<u64, Failure> {
        self.flush();
        match self.failed {
            Some(error) => Err(error.into()),
            None => Ok(self.noted),
        }
    }
}

impl Findings for Notes<'_> {
    fn found(&mut self, finding: Finding) {
        if let Finding::Remark(Remark::UnlistedLog, object, _) = &finding {
            self.add(unlisted(object).into_iter());
        }
        self.inner.found(finding);
    }

    fn delivered(&mut self, delivered: &Delivered<'_>) {
        let Delivered { chain, bucket, key, span, logs } = delivered;
        let micros = |time: DateTime<Utc>| time.timestamp_micros();
        let note = |object: String, sha256: Option<String>, delivered: Option<DateTime<Utc>>| Note {
            object,
            sha256,
            digest: Some(format!("s3://{bucket}/{key}")),
            account: chain.account().to_owned(),
            region: chain.region.clone(),
            delivered: delivered.map(micros),
            span: Some((micros(span.0), micros(span.1))),
        };
        let listed = logs.iter().map(|log| {
            let time = Key::parse(&log.key).and_then(|key| key.time());
            note(format!("s3://{}/{}", log.bucket, log.key), log.sha256.clone(), time)
        });
        // A digest without log files is kept in mind too: the next run begins after it.
        let empty = logs.is_empty().then(|| note(String::new(), None, None));
        self.add(listed.chain(empty));
        self.inner.delivered(delivered);
    }
}

/// A log file that no digest lists, though one speaks of its time.
fn unlisted(object: &str) -> Option<Note> {
    let key = Key::parse(object)?;
    Some(Note {
        object: object.to_owned(),
        sha256: None,
        digest: None,
        account: key.account.to_owned(),
        region: key.region.to_owned(),
        delivered: key.time().map(|time| time.timestamp_micros()),
        span: None,
    })
}

/// How much of a lake is proven; `None` where no digest has spoken of it.
///
/// # Errors
/// The lake cannot be read.
pub(crate) fn of(lake: &Lake) -> Result<Option<Proof>, Failure> {
    if lake.files(DIGESTED)?.is_empty() {
        return Ok(None);
    }
    Ok(Some(lake.proof()?))
}

/// For people.
pub(crate) fn words(proof: &Proof) -> String {
    let Proof { digest_files, have_files, verified, mismatched, unlisted, no_digest } = *proof;
    let mut text = format!(
        "digests promise {} files, {} of them are here; {} objects verified",
        number(digest_files),
        number(have_files),
        number(verified)
    );
    for (count, what) in [
        (mismatched, "CHANGED since they were delivered"),
        (unlisted, "that no digest lists"),
        (no_digest, "without a digest yet"),
    ] {
        if count > 0 {
            text += &format!(", {} {what}", number(count));
        }
    }
    text
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_in_the_sentence() {
        let proof = Proof { digest_files: 1200, have_files: 1199, verified: 1198, mismatched: 1, ..Proof::default() };
        let words = words(&proof);
        assert!(words.starts_with("digests promise 1,200 files, 1,199 of them are here; 1,198 objects verified"));
        assert!(words.ends_with("1 CHANGED since they were delivered"), "{words}");
    }

    #[test]
    fn an_unlisted_file_says_whose_it_is() {
        let name = "111122223333_CloudTrail_eu-west-1_20260101T0005Z_abc.json.gz";
        let note = unlisted(&format!("s3://b/AWSLogs/111122223333/CloudTrail/eu-west-1/2026/01/01/{name}")).unwrap();
        assert_eq!((&*note.account, &*note.region, note.sha256), ("111122223333", "eu-west-1", None));
        assert!(note.delivered.is_some());
        assert_eq!(unlisted("s3://b/other"), None);
    }
}
