//! What CloudTrail's digests say was delivered, beside what the lake has: which objects are proven, and what is missing.
//!
//! A row of `events` is written up to an hour before the digest that vouches for its object, so no flag is written with it:
//! digests leave notes in a table of their own, and whoever asks joins them with the ledger, by the file's name and the hash
//! of its text. This room believes what it is told: whether a digest is signed is `ingest::digest`'s to say.

use std::collections::{BTreeMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::TimestampMicrosecondType;
use arrow::error::ArrowError;
use chrono::Utc;
use ingest::key::DigestName;

use crate::error::{Error, Result};
use crate::lake::{ATTEMPTS, Lake};
use crate::read;
use crate::schema::{DIGESTED, digested};
use crate::stage::store_rows;
use crate::table::{Change, Committed};

/// The application under whose name notes are committed.
const APPLICATION: &str = "trailhound-digests";
const HOUR_MICROS: i64 = 3_600_000_000;

/// What one digest says of one log file; times are microseconds since the Unix epoch.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Note {
    /// `s3://BUCKET/KEY` of the log file; empty where nothing is said of one, but that all up to this digest were walked.
    pub object: String,
    /// SHA-256 of its inflated text in hex; `None` for a file that no digest lists, though one speaks of its time.
    pub sha256: Option<String>,
    /// `s3://BUCKET/KEY` of the digest.
    pub digest: Option<String>,
    /// Whose calls it records.
    pub account: String,
    /// Where they were made.
    pub region: String,
    /// When it was delivered.
    pub delivered: Option<i64>,
    /// What the digest speaks of.
    pub span: Option<(i64, i64)>,
}

impl Note {
    fn object(&self) -> Option<&str> {
        Some(self.object.as_str()).filter(|object| !object.is_empty())
    }
}

/// The last part of an object's name.
pub(crate) fn file_of(object: &str) -> &str {
    object.rsplit(['/', '\\']).next().unwrap_or(object)
}

impl Lake {
    /// Notes what digests say; how many notes are new. What was noted before is not noted again.
    ///
    /// # Errors
    /// The table cannot be read or written.
    pub fn note(&mut self, notes: &[Note]) -> Result<u64> {
        for _ in 0..ATTEMPTS {
            let known = Known::load(self)?;
            let mut fresh: Vec<&Note> = notes.iter().filter(|note| !known.has(note)).collect();
            fresh.sort_unstable();
            fresh.dedup();
            if fresh.is_empty() {
                return Ok(0);
            }
            let now = Utc::now().timestamp_micros();
            let batch = rows(&fresh, now).map_err(Error::encode(DIGESTED))?;
            let schema = self.spec(DIGESTED).schema;
            let file = store_rows(self.location(), self.handle(), DIGESTED, &schema, &[batch])?;
            let add: Vec<_> = file.into_iter().collect();
            let change =
                Change { add: &add, remove: &[], rows_change: true, application: APPLICATION, number: now, also: None };
            if self.commit(DIGESTED, change)? == Committed::Yes {
                return Ok(fresh.len() as u64);
            }
            // Somebody else noted something meanwhile, perhaps the same: what was staged is swept later.
        }
        Err(Error::Busy { table: DIGESTED, attempts: ATTEMPTS })
    }

    /// Up to when the digests of every account, Region and trail were walked, in microseconds since the Unix epoch: notes
    /// without an object say so, which are written when all that is older was noted.
    ///
    /// # Errors
    /// The table cannot be read.
    pub fn digested_until(&self) -> Result<BTreeMap<(String, String, String), i64>> {
        let mut until = BTreeMap::new();
        self.notes(&["object", "digest", "digest_end"], &mut |batch| {
            let ends =
                batch.column_by_name("digest_end").and_then(|c| c.as_primitive_opt::<TimestampMicrosecondType>());
            let (Some(objects), Some(digests), Some(ends)) = (text(batch, "object"), text(batch, "digest"), ends)
            else {
                return;
            };
            let marks = |row: &usize| objects.is_null(*row) && ends.is_valid(*row) && digests.is_valid(*row);
            for row in (0..batch.num_rows()).filter(marks) {
                let Some(name) = DigestName::parse(file_of(digests.value(row))) else { continue };
                let key = (name.account.to_owned(), name.region.to_owned(), name.trail.to_owned());
                let last = until.entry(key).or_insert(i64::MIN);
                *last = ends.value(row).max(*last);
            }
        })?;
        Ok(until)
    }

    pub(crate) fn notes(&self, columns: &[&str], each: &mut dyn FnMut(&RecordBatch)) -> Result<()> {
        for file in self.files(DIGESTED)? {
            read::file(self, DIGESTED, &file, Some(columns), &mut |batch| {
                each(&batch);
                Ok(())
            })?;
        }
        Ok(())
    }
}

pub(crate) fn text<'a>(batch: &'a RecordBatch, name: &str) -> Option<&'a StringArray> {
    batch.column_by_name(name)?.as_string_opt::<i32>()
}

/// The notes of a lake: a keyed hash each.
struct Known {
    notes: HashSet<u64>,
    hasher: RandomState,
}

impl Known {
    fn load(lake: &Lake) -> Result<Known> {
        let (mut notes, hasher) = (HashSet::new(), RandomState::new());
        lake.notes(&["object", "sha256", "digest"], &mut |batch| {
            let (Some(objects), Some(hashes), Some(digests)) =
                (text(batch, "object"), text(batch, "sha256"), text(batch, "digest"))
            else {
                return;
            };
            let value =
                |column: &'_ StringArray, row: usize| column.is_valid(row).then(|| column.value(row).to_owned());
            for row in 0..batch.num_rows() {
                let note = (objects.value(row), value(hashes, row), value(digests, row));
                notes.insert(hasher.hash_one(note));
            }
        })?;
        Ok(Known { notes, hasher })
    }

    fn has(&self, note: &Note) -> bool {
        let note = (note.object.as_str(), note.sha256.clone(), note.digest.clone());
        self.notes.contains(&self.hasher.hash_one(note))
    }
}

fn rows(notes: &[&Note], now: i64) -> std::result::Result<RecordBatch, ArrowError> {
    let text = |of: &dyn Fn(&Note) -> Option<String>| -> ArrayRef {
        Arc::new(notes.iter().map(|note| of(note)).collect::<StringArray>())
    };
    let time = |of: &dyn Fn(&Note) -> Option<i64>| -> ArrayRef {
        Arc::new(notes.iter().map(|note| of(note)).collect::<TimestampMicrosecondArray>().with_timezone("UTC"))
    };
    let hour = |time: i64| time.div_euclid(HOUR_MICROS) * HOUR_MICROS;
    let columns = vec![
        text(&|note| note.object().map(str::to_owned)),
        text(&|note| note.object().map(|object| file_of(object).to_owned())),
        text(&|note| note.sha256.as_ref().map(|hash| hash.to_ascii_lowercase())),
        text(&|note| note.digest.clone()),
        text(&|note| Some(note.account.clone())),
        text(&|note| Some(note.region.clone())),
        time(&|note| note.delivered.or(note.span.map(|span| span.0)).map(hour)),
        time(&|note| note.span.map(|span| span.0)),
        time(&|note| note.span.map(|span| span.1)),
        time(&|_| Some(now)),
    ];
    RecordBatch::try_new(digested(), columns)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::location::Aws;

    fn note(object: &str, sha256: Option<&str>) -> Note {
        Note {
            object: format!("s3://b/AWSLogs/{object}"),
            sha256: sha256.map(|hash| hash.repeat(64)),
            digest: sha256.map(|_| "s3://b/d".to_owned()),
            account: "111122223333".to_owned(),
            region: "eu-west-1".to_owned(),
            delivered: Some(HOUR_MICROS + 5),
            span: sha256.map(|_| (HOUR_MICROS, 2 * HOUR_MICROS)),
        }
    }

    #[test]
    fn notes_are_noted_once() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("lake").display().to_string();
        let mut lake = Lake::open_for_writing(&place, &Aws::default()).unwrap();
        let notes = [note("a", Some("1")), note("b", Some("2")), note("a", Some("1")), note("c", None)];
        assert_eq!((lake.note(&notes).unwrap(), lake.note(&notes).unwrap(), lake.note(&[]).unwrap()), (3, 0, 0));
        // Another digest may list the same file.
        let again = Note { digest: Some("s3://b/backfill".to_owned()), ..note("a", Some("1")) };
        assert_eq!(lake.note(&[again]).unwrap(), 1);
        let digest = "s3://b/x/111122223333_CloudTrail-Digest_eu-west-1_t_us-east-1_20260101T020000Z.json.gz";
        let empty =
            Note { object: String::new(), sha256: None, digest: Some(digest.to_owned()), ..note("", Some("1")) };
        assert_eq!(lake.note(&[empty]).unwrap(), 1);
        let key = ["111122223333", "eu-west-1", "t"].map(str::to_owned);
        assert_eq!(lake.digested_until().unwrap(), [(key.into(), 2 * HOUR_MICROS)].into());
        let proof = Lake::open(&place, &Aws::default()).unwrap().proof().unwrap();
        assert_eq!(proof, crate::Proof { digest_files: 2, ..crate::Proof::default() });
    }
}
