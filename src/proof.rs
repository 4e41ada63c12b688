//! What digests prove of a lake: notes taken while digests are walked, and the sentence about them.
//!
//! Whether a digest is to be believed is decided in `ingest::digest`; what a note is, in `lake`. This only carries.

use std::num::NonZeroUsize;

use chrono::{DateTime, Utc};
use deliver::fault;
use ingest::digest::{
    self, Archive, Before, Chain, Counts, Delivered, File, Finding, Findings, KeyRing, Options, Remark, Role, Span,
    Standing,
};
use ingest::key::{DigestName, Key};
use lake::schema::DIGESTED;
use lake::{Lake, Note, Proof};

use crate::cli::SourceArgs;
use crate::outcome::Failure;
use crate::render::report::number;

/// Notes that wait at most: some tens of megabytes.
const WAITING: usize = 100_000;
/// So many chains in a row that cannot be walked, and the place is away: the others are not asked for.
const FAILED_MAX: u32 = 3;

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

/// Which digests are walked.
#[derive(Clone, Copy)]
pub(crate) struct Wanted<'a> {
    pub(crate) source: &'a SourceArgs,
    /// Where nothing was walked before, begin here: what is older is nobody's business, and may be gone.
    pub(crate) since: Option<DateTime<Utc>>,
    pub(crate) inflated_bytes: u64,
}

impl Wanted<'_> {
    fn takes(&self, chain: &Chain) -> bool {
        let among = |wanted: &[String], value: &str| wanted.is_empty() || wanted.iter().any(|wanted| wanted == value);
        among(&self.source.accounts, chain.account()) && among(&self.source.log_regions, &chain.region)
    }

    /// Where a chain that was walked up to here is gone on with.
    fn from(&self, known: Option<DateTime<Utc>>) -> (Option<DateTime<Utc>>, Before) {
        let asked = self.source.start_time;
        let start = known.max(self.since).max(asked);
        let before = match (known, self.since) {
            (Some(known), _) if Some(known) == start => Before::Walked,
            (_, Some(_)) if asked.is_none() => Before::Open,
            _ => Before::Demanded,
        };
        (start, before)
    }
}

/// Who is told of findings, and makes sure that they are not forgotten.
pub(crate) trait Witness: Findings {
    /// What was found so far is about to be noted as walked, and will not be found again: it has to survive from now on.
    ///
    /// # Errors
    /// It cannot be kept. Then nothing is noted, and it is found again.
    fn keep(&mut self) -> Result<(), Failure> {
        Ok(())
    }
}

/// Walks the chains that are wanted, each from where the lake's notes end, and notes what digests say. Log files are not
/// read again: what was hashed when they were read into the lake is held against what was signed. A chain that cannot be walked
/// keeps no other back, and is said beside what was walked.
///
/// # Errors
/// The lake, or who is told of findings, cannot keep them.
pub(crate) fn walk(
    (archive, keys): (&dyn Archive, &dyn KeyRing),
    chains: impl IntoIterator<Item = Chain>,
    wanted: Wanted<'_>,
    lake: &mut Lake,
    witness: &mut dyn Witness,
) -> Result<(Walked, Option<Failure>), Failure> {
    let until = lake.digested_until()?;
    let (mut walked, mut failed, mut in_a_row) = (Walked::default(), None, 0);
    for chain in chains.into_iter().filter(|chain| wanted.takes(chain)) {
        let name = (chain.account().to_owned(), chain.region.clone(), chain.trail.clone());
        let known = until.get(&name).copied().and_then(DateTime::from_timestamp_micros);
        let (start, before) = wanted.from(known);
        let options = Options {
            span: Span { start, end: wanted.source.end_time },
            before,
            bucket: None,
            read_logs: false,
            threads: NonZeroUsize::MIN,
            inflated_bytes: wanted.inflated_bytes,
        };
        let mut notes = Notes::new(Some(lake), witness);
        match digest::verify(archive, keys, &[chain], &options, &mut notes) {
            Ok(summary) => {
                walked.noted += notes.end()?;
                for digests in [summary.digests, summary.backfill_digests] {
                    walked.add(Walked { digests, ..Walked::default() });
                }
                walked.add(Walked { suspicious: summary.suspicious, gaps: summary.gaps, ..Walked::default() });
                in_a_row = 0;
            }
            // What was found is told all the same; it is walked again, so that no mark is set.
            Err(fault) => {
                notes.break_off()?;
                failed = failed.or(Some(Failure::Io(fault.to_string())));
                in_a_row += 1;
            }
        }
        if in_a_row >= FAILED_MAX {
            break;
        }
    }
    Ok((walked, failed))
}

/// Takes notes for a lake, if there is one, and hands everything on.
///
/// Digests come from the newest to the oldest, and the next walk begins where the newest note ends: so what says how far a chain
/// was walked is noted last, when everything older is.
pub(crate) struct Notes<'a> {
    lake: Option<&'a mut Lake>,
    inner: &'a mut dyn Witness,
    waiting: Vec<Note>,
    /// How far the chains were walked: one note an empty digest, and one for each chain's newest.
    marks: Vec<Note>,
    noted: u64,
    failed: Option<Failure>,
}

impl<'a> Notes<'a> {
    pub(crate) fn new(lake: Option<&'a mut Lake>, inner: &'a mut dyn Witness) -> Notes<'a> {
        Notes { lake, inner, waiting: Vec::new(), marks: Vec::new(), noted: 0, failed: None }
    }

    fn add(&mut self, notes: impl Iterator<Item = Note>) {
        if self.lake.is_none() || self.failed.is_some() {
            return;
        }
        self.waiting.extend(notes);
        if self.waiting.len() >= WAITING
            && let Err(failure) = self.flush()
        {
            self.failed = Some(failure);
        }
    }

    fn flush(&mut self) -> Result<(), Failure> {
        let waiting = std::mem::take(&mut self.waiting);
        fault::point("watch.proof.found");
        self.inner.keep()?;
        fault::point("watch.proof.told");
        if let Some(lake) = self.lake.as_mut() {
            self.noted += lake.note(&waiting)?;
        }
        fault::point("watch.proof.noted");
        Ok(())
    }

    /// Notes what is left; how many notes were new.
    ///
    /// # Errors
    /// The lake could not be written, now or before, or what was found not be kept.
    pub(crate) fn end(mut self) -> Result<u64, Failure> {
        let marks = std::mem::take(&mut self.marks);
        self.add(marks.into_iter());
        if let Some(failure) = self.failed.take() {
            return Err(failure);
        }
        self.flush()?;
        Ok(self.noted)
    }

    /// The walk could not be ended: what was found is kept, and how far it came is not.
    ///
    /// # Errors
    /// As [`Notes::end`].
    fn break_off(self) -> Result<(), Failure> {
        self.inner.keep()?;
        self.failed.map_or(Ok(()), Err)
    }
}

impl Findings for Notes<'_> {
    fn found(&mut self, finding: Finding) {
        if let Finding::Remark(Remark::UnlistedLog, object, _) = &finding {
            self.add(unlisted(object).into_iter());
        }
        if let Finding::File(File { role: Role::Digest | Role::BackfillDigest, key, verdict, .. }) = &finding
            && verdict.standing() == Standing::Unproven
        {
            // It could not be had, or not be proven yet: the next walk begins before it.
            let ours = name_of(key);
            self.marks.retain(|mark| mark.digest.as_deref().and_then(name_of) != ours);
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
        // The first of a chain is its newest. A digest without log files is kept in mind too: it speaks of its time.
        let ours = name_of(key);
        let is_marked = self.marks.iter().rev().any(|mark| mark.digest.as_deref().and_then(name_of) == ours);
        if self.lake.is_some() && (logs.is_empty() || !is_marked) {
            self.marks.push(note(String::new(), None, None));
        }
        self.add(listed);
        self.inner.delivered(delivered);
    }
}

/// Account, Region and trail of a digest, by its name.
fn name_of(digest: &str) -> Option<(&str, &str, &str)> {
    let file = digest.rsplit('/').next()?;
    DigestName::parse(file).map(|name| (name.account, name.region, name.trail))
}

/// A log file that no digest lists, though one speaks of its time.
pub(crate) fn unlisted(object: &str) -> Option<Note> {
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
    fn a_walk_begins_where_the_last_one_ended_or_where_the_look_back_does() {
        let at = |hour: i64| DateTime::from_timestamp(hour * 3600, 0);
        let begins = |known: i64, since: i64, asked: i64| {
            let at = |hour: i64| (hour > 0).then(|| at(hour)).flatten();
            let source = SourceArgs { start_time: at(asked), ..SourceArgs::default() };
            Wanted { source: &source, since: at(since), inflated_bytes: 0 }.from(at(known))
        };
        assert_eq!(begins(0, 0, 0), (None, Before::Demanded));
        assert_eq!(begins(0, 0, 3), (at(3), Before::Demanded));
        assert_eq!(begins(0, 5, 0), (at(5), Before::Open));
        assert_eq!(begins(7, 5, 0), (at(7), Before::Walked));
        // Nobody has looked at what lies between.
        assert_eq!(begins(4, 5, 0), (at(5), Before::Open));
        assert_eq!(begins(7, 0, 3), (at(7), Before::Walked));
        assert_eq!(begins(2, 0, 3), (at(3), Before::Demanded));
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
