//! What CloudTrail's digests say was delivered, beside what the lake has: which objects are proven, and what is missing.
//!
//! A row of `events` is written up to an hour before the digest that vouches for its object, so no flag is written with it:
//! digests leave notes in a table of their own, and whoever asks joins them with the ledger, by the file's name and the hash
//! of its text. This room believes what it is told: whether a digest is signed is `ingest::digest`'s to say.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::TimestampMicrosecondType;
use arrow::error::ArrowError;
use chrono::Utc;
use ingest::key::DigestName;
use serde::Serialize;

use crate::error::{Error, Result};
use crate::lake::{ATTEMPTS, Lake};
use crate::read;
use crate::schema::{DIGESTED, OBJECTS, digested};
use crate::stage::store_rows;
use crate::table::{Change, Committed};

/// The application under whose name notes are committed.
const APPLICATION: &str = "trailhound-digests";
const HOUR_MICROS: i64 = 3_600_000_000;

/// What one digest says of one log file; times are microseconds since the Unix epoch.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Note {
    /// `s3://BUCKET/KEY` of the log file; empty for a digest that lists none, which is worth knowing too.
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

/// How much of a lake is proven, in files.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Proof {
    /// Files that proven digests list.
    pub digest_files: u64,
    /// Those of them that the lake has read.
    pub have_files: u64,
    /// Objects of the lake whose text has the hash that was signed.
    pub verified: u64,
    /// Objects whose text has another hash: changed between delivery and reading.
    pub mismatched: u64,
    /// Objects that no digest lists, though one speaks of their time: CloudTrail did not deliver them.
    pub unlisted: u64,
    /// Objects of which no digest has spoken yet.
    pub no_digest: u64,
}

/// The last part of an object's name.
fn file_of(object: &str) -> &str {
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
            let change = Change { add: &add, remove: &[], rows_change: true, application: APPLICATION, number: now };
            if self.commit(DIGESTED, change)? == Committed::Yes {
                return Ok(fresh.len() as u64);
            }
            // Somebody else noted something meanwhile, perhaps the same: what was staged is swept later.
        }
        Err(Error::Busy { table: DIGESTED, attempts: ATTEMPTS })
    }

    /// Up to when the digests of every account, Region and trail have spoken, in microseconds since the Unix epoch.
    ///
    /// # Errors
    /// The table cannot be read.
    pub fn digested_until(&self) -> Result<BTreeMap<(String, String, String), i64>> {
        let mut until = BTreeMap::new();
        self.notes(&["digest", "digest_end"], &mut |batch| {
            let ends =
                batch.column_by_name("digest_end").and_then(|c| c.as_primitive_opt::<TimestampMicrosecondType>());
            let (Some(digests), Some(ends)) = (text(batch, "digest"), ends) else { return };
            for row in (0..batch.num_rows()).filter(|row| ends.is_valid(*row) && digests.is_valid(*row)) {
                let Some(name) = DigestName::parse(file_of(digests.value(row))) else { continue };
                let key = (name.account.to_owned(), name.region.to_owned(), name.trail.to_owned());
                let last = until.entry(key).or_insert(i64::MIN);
                *last = ends.value(row).max(*last);
            }
        })?;
        Ok(until)
    }

    /// How much of the lake is proven. Reads two columns of the ledger and of the notes: some tens of bytes a file.
    ///
    /// # Errors
    /// A table cannot be read.
    pub fn proof(&self) -> Result<Proof> {
        let mut promised: HashMap<Box<str>, Promise> = HashMap::new();
        self.notes(&["file", "sha256"], &mut |batch| {
            let (Some(files), Some(hashes)) = (text(batch, "file"), text(batch, "sha256")) else { return };
            for row in (0..batch.num_rows()).filter(|row| files.is_valid(*row)) {
                let promise = promised.entry(files.value(row).into()).or_default();
                if hashes.is_valid(row) {
                    promise.hashes.push(key(hashes.value(row)));
                }
            }
        })?;
        let mut objects: HashMap<Box<str>, Held> = HashMap::new();
        for file in self.files(OBJECTS)? {
            read::file(self, OBJECTS, &file, Some(&["object", "sha256", "kind"]), &mut |batch| {
                let (Some(names), Some(hashes), Some(kinds)) =
                    (text(&batch, "object"), text(&batch, "sha256"), text(&batch, "kind"))
                else {
                    return Ok(());
                };
                // What could not be read, or holds no events, is not of what the lake holds.
                for row in (0..batch.num_rows()).filter(|row| hashes.is_valid(*row) && kinds.is_null(*row)) {
                    let name = names.value(row);
                    let held = match promised.get_mut(file_of(name)) {
                        None => Held::NoDigest,
                        Some(promise) => promise.holds(key(hashes.value(row))),
                    };
                    let known = objects.entry(name.into()).or_insert(held);
                    *known = held.max(*known);
                }
                Ok(())
            })?;
        }
        let mut proof = Proof::default();
        for promise in promised.values().filter(|promise| !promise.hashes.is_empty()) {
            proof.digest_files += 1;
            proof.have_files += u64::from(promise.held);
        }
        for held in objects.values() {
            *match held {
                Held::Verified => &mut proof.verified,
                Held::Mismatched => &mut proof.mismatched,
                Held::Unlisted => &mut proof.unlisted,
                Held::NoDigest => &mut proof.no_digest,
            } += 1;
        }
        Ok(proof)
    }

    fn notes(&self, columns: &[&str], each: &mut dyn FnMut(&RecordBatch)) -> Result<()> {
        for file in self.files(DIGESTED)? {
            read::file(self, DIGESTED, &file, Some(columns), &mut |batch| {
                each(&batch);
                Ok(())
            })?;
        }
        Ok(())
    }
}

/// What digests promise of one file.
#[derive(Debug, Default)]
struct Promise {
    /// The hashes that were signed; none for a file that no digest lists.
    hashes: Vec<u128>,
    held: bool,
}

impl Promise {
    fn holds(&mut self, hash: u128) -> Held {
        self.held = true;
        match self.hashes.contains(&hash) {
            true => Held::Verified,
            false if self.hashes.is_empty() => Held::Unlisted,
            false => Held::Mismatched,
        }
    }
}

/// How an object stands; the later in this list, the worse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Held {
    Verified,
    NoDigest,
    Unlisted,
    Mismatched,
}

/// The first half of a hash in hex: nobody can make two texts that share it.
fn key(hash: &str) -> u128 {
    hash.get(..32).and_then(|half| u128::from_str_radix(half, 16).ok()).unwrap_or_default()
}

fn text<'a>(batch: &'a RecordBatch, name: &str) -> Option<&'a StringArray> {
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
        assert_eq!(proof, Proof { digest_files: 2, ..Proof::default() });
    }

    #[test]
    fn a_file_with_another_hash_is_worse_than_one_unproven() {
        let mut promise = Promise { hashes: vec![key(&"1".repeat(64))], held: false };
        assert_eq!(promise.holds(key(&"1".repeat(64))), Held::Verified);
        assert_eq!(promise.holds(key(&"2".repeat(64))), Held::Mismatched);
        assert_eq!((promise.held, Promise::default().holds(1)), (true, Held::Unlisted));
        assert!(
            Held::Mismatched > Held::Unlisted && Held::Unlisted > Held::NoDigest && Held::NoDigest > Held::Verified
        );
        assert_eq!((file_of("s3://b/x/y.gz"), file_of("c:\\x\\y.gz"), file_of("y")), ("y.gz", "y.gz", "y"));
    }
}
