//! What digests promise beside what the lake has read: how much is proven, which files are not here as they were signed, and
//! which objects no digest lists though one speaks of their time.
//!
//! Joins the notes of digests with the ledger by the file's name and the hash of its text. Whether a file that is not here was
//! taken away, has expired or is only late, the lake cannot know: whoever can look says that.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::TimestampMicrosecondType;
use ingest::digest::DELIVERY;
use ingest::key::{Key, Kind};
use serde::Serialize;

use crate::digested::{file_of, text};
use crate::error::Result;
use crate::lake::Lake;
use crate::read;
use crate::schema::OBJECTS;

/// Files and objects that are named at a time; the others are counted, and named when these are settled.
const NAMED_MAX: usize = 10_000;

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

/// A file that a digest lists, and that is not in the lake as it was signed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unkept {
    /// `s3://BUCKET/KEY`, as the digest has it.
    pub object: String,
    /// SHA-256 of its text that was signed, in hex.
    pub sha256: String,
    /// Whether something of this name was read all the same, with another text.
    pub changed: bool,
}

/// What is not as digests say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shortfall {
    /// All of it in figures.
    pub proof: Proof,
    /// Files that are not here as they were signed, the newest 10,000 of them, in order of name.
    pub unkept: Vec<Unkept>,
    /// Objects that no digest lists, though one speaks of their time, and of which no note says so yet; 10,000 at most, in order.
    pub unlisted: Vec<String>,
    /// The first day, `YYYY/MM/DD`, of which a file is here as it was signed, by the root of its key and its Region.
    pub kept_from: BTreeMap<(String, String), String>,
}

impl Lake {
    /// How much of the lake is proven. Reads two columns of the ledger and of the notes: some tens of bytes a file.
    ///
    /// # Errors
    /// A table cannot be read.
    pub fn proof(&self) -> Result<Proof> {
        Ok(self.beside()?.proof())
    }

    /// How much of the lake is proven, and what is not. Reads the notes twice.
    ///
    /// # Errors
    /// A table cannot be read.
    pub fn shortfall(&self) -> Result<Shortfall> {
        let beside = self.beside()?;
        let mut found = Shortfall { proof: beside.proof(), ..Shortfall::default() };
        let mut newest: BTreeSet<(String, Unkept)> = BTreeSet::new();
        let mut spans = Spans::default();
        self.notes(&["object", "sha256", "digest", "digest_start", "digest_end"], &mut |batch| {
            spans.add(batch);
            let (Some(objects), Some(hashes)) = (text(batch, "object"), text(batch, "sha256")) else { return };
            for row in (0..batch.num_rows()).filter(|row| objects.is_valid(*row) && hashes.is_valid(*row)) {
                let object = objects.value(row);
                let Some(promise) = beside.promised.get(file_of(object)) else { continue };
                if promise.kept && !promise.changed {
                    found.keeps(object);
                    continue;
                }
                let (sha256, changed) = (hashes.value(row).to_owned(), promise.changed);
                let day = Key::parse(object).map(|key| key.day.to_owned()).unwrap_or_default();
                newest.insert((day, Unkept { object: object.to_owned(), sha256, changed }));
                if newest.len() > NAMED_MAX {
                    newest.pop_first();
                }
            }
        })?;
        found.unkept = newest.into_iter().map(|(_, unkept)| unkept).collect();
        found.unkept.sort_unstable();
        found.unkept.dedup_by(|a, b| a.object == b.object);
        spans.join();
        let lone = beside.objects.iter().filter(|(name, held)| **held == Held::NoDigest && spans.speak_of(name));
        found.unlisted = lone.map(|(name, _)| name.to_string()).collect();
        found.unlisted.sort_unstable();
        found.unlisted.truncate(NAMED_MAX);
        Ok(found)
    }

    /// What digests promise, and the objects of the ledger, held against each other.
    fn beside(&self) -> Result<Beside> {
        let mut beside = Beside::default();
        self.notes(&["file", "sha256"], &mut |batch| {
            let (Some(files), Some(hashes)) = (text(batch, "file"), text(batch, "sha256")) else { return };
            for row in (0..batch.num_rows()).filter(|row| files.is_valid(*row)) {
                let promise = beside.promised.entry(files.value(row).into()).or_default();
                if hashes.is_valid(row) {
                    promise.hashes.push(key(hashes.value(row)));
                }
            }
        })?;
        for file in self.files(OBJECTS)? {
            read::file(self, OBJECTS, &file, Some(&["object", "sha256", "kind"]), &mut |batch| {
                beside.ledger(&batch);
                Ok(())
            })?;
        }
        Ok(beside)
    }
}

impl Shortfall {
    /// A file of this day is here.
    fn keeps(&mut self, object: &str) {
        let Some((place, day)) = place_of(object) else { return };
        let first = self.kept_from.entry(place).or_insert_with(|| day.clone());
        if day < *first {
            *first = day;
        }
    }
}

/// The root of a log file's key (`s3://BUCKET/[PREFIX/]AWSLogs/[o-…/]ACCOUNT`) and its Region; and the day of its delivery.
pub fn place_of(object: &str) -> Option<((String, String), String)> {
    let key = Key::parse(object).filter(|key| key.kind != Kind::Digest)?;
    Some(((root_of(object)?.to_owned(), key.region.to_owned()), key.day.to_owned()))
}

/// What an object's name has before the folder of its kind.
fn root_of(object: &str) -> Option<&str> {
    object.rsplitn(7, '/').nth(6)
}

/// Notes beside the ledger.
#[derive(Debug, Default)]
struct Beside {
    promised: HashMap<Box<str>, Promise>,
    objects: HashMap<Box<str>, Held>,
}

impl Beside {
    fn ledger(&mut self, batch: &RecordBatch) {
        let (Some(names), Some(hashes), Some(kinds)) =
            (text(batch, "object"), text(batch, "sha256"), text(batch, "kind"))
        else {
            return;
        };
        // What could not be read, or holds no events, is not of what the lake holds.
        for row in (0..batch.num_rows()).filter(|row| hashes.is_valid(*row) && kinds.is_null(*row)) {
            let name = names.value(row);
            let held = match self.promised.get_mut(file_of(name)) {
                None => Held::NoDigest,
                Some(promise) => promise.holds(key(hashes.value(row))),
            };
            let known = self.objects.entry(name.into()).or_insert(held);
            *known = held.max(*known);
        }
    }

    fn proof(&self) -> Proof {
        let mut proof = Proof::default();
        for promise in self.promised.values().filter(|promise| !promise.hashes.is_empty()) {
            proof.digest_files += 1;
            proof.have_files += u64::from(promise.kept || promise.changed);
        }
        for held in self.objects.values() {
            *match held {
                Held::Verified => &mut proof.verified,
                Held::Mismatched => &mut proof.mismatched,
                Held::Unlisted => &mut proof.unlisted,
                Held::NoDigest => &mut proof.no_digest,
            } += 1;
        }
        proof
    }
}

/// What digests promise of one file.
#[derive(Debug, Default)]
struct Promise {
    /// The hashes that were signed; none for a file that no digest lists.
    hashes: Vec<u128>,
    /// It was read with such a text.
    kept: bool,
    /// It was read with another.
    changed: bool,
}

impl Promise {
    fn holds(&mut self, hash: u128) -> Held {
        match self.hashes.contains(&hash) {
            true => {
                self.kept = true;
                Held::Verified
            }
            false if self.hashes.is_empty() => Held::Unlisted,
            false => {
                self.changed = true;
                Held::Mismatched
            }
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

/// Times that digests speak of, in microseconds, by the root of their keys and their Region.
#[derive(Debug, Default)]
struct Spans(BTreeMap<(String, String), Vec<(i64, i64)>>);

impl Spans {
    fn add(&mut self, batch: &RecordBatch) {
        let times =
            |name: &str| batch.column_by_name(name).and_then(|c| c.as_primitive_opt::<TimestampMicrosecondType>());
        let (Some(digests), Some(starts), Some(ends)) =
            (text(batch, "digest"), times("digest_start"), times("digest_end"))
        else {
            return;
        };
        let mut last = "";
        for row in (0..batch.num_rows()).filter(|row| digests.is_valid(*row) && starts.is_valid(*row)) {
            // Notes of one digest stand together.
            let digest = digests.value(row);
            if digest == std::mem::replace(&mut last, digest) {
                continue;
            }
            let (Some(root), Some(key)) = (root_of(digest), Key::parse(digest)) else { continue };
            let span = (starts.value(row), ends.value(row));
            self.0.entry((root.to_owned(), key.region.to_owned())).or_default().push(span);
        }
    }

    /// Puts times that touch together, in order.
    fn join(&mut self) {
        for spans in self.0.values_mut() {
            spans.sort_unstable();
            let mut joined: Vec<(i64, i64)> = Vec::new();
            for (from, to) in spans.drain(..) {
                match joined.last_mut() {
                    Some(last) if from <= last.1 => last.1 = last.1.max(to),
                    _ => joined.push((from, to)),
                }
            }
            *spans = joined;
        }
    }

    /// Whether some digest had to list this object: one of the place that it lies in, or that a copy of it stands for.
    fn speak_of(&self, object: &str) -> bool {
        let Some(time) = Key::parse(object).filter(|key| key.kind != Kind::Digest).and_then(|key| key.time()) else {
            return false;
        };
        let Some(((root, region), _)) = place_of(object) else { return false };
        let (from, to) = (time.timestamp_micros(), (time + DELIVERY).timestamp_micros());
        let covered = |spans: &Vec<(i64, i64)>| spans.iter().any(|span| span.0 <= from && to <= span.1);
        if root.starts_with("s3://") {
            return self.0.get(&(root, region)).is_some_and(covered);
        }
        let stands_for = |of: &str| {
            let within = of.strip_prefix("s3://").and_then(|of| of.split_once('/')).map_or(of, |of| of.1);
            root.strip_suffix(within).is_some_and(|before| before.is_empty() || before.ends_with('/'))
        };
        self.0.iter().any(|((of, at), spans)| *at == region && stands_for(of) && covered(spans))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_file_with_another_hash_is_worse_than_one_unproven() {
        let mut promise = Promise { hashes: vec![key(&"1".repeat(64))], ..Promise::default() };
        assert_eq!(promise.holds(key(&"2".repeat(64))), Held::Mismatched);
        assert!(promise.changed && !promise.kept);
        assert_eq!(promise.holds(key(&"1".repeat(64))), Held::Verified);
        assert_eq!((promise.kept, Promise::default().holds(1)), (true, Held::Unlisted));
        assert!(
            Held::Mismatched > Held::Unlisted && Held::Unlisted > Held::NoDigest && Held::NoDigest > Held::Verified
        );
        assert_eq!((file_of("s3://b/x/y.gz"), file_of("c:\\x\\y.gz"), file_of("y")), ("y.gz", "y.gz", "y"));
    }

    #[test]
    fn digests_speak_of_their_own_place_and_of_whole_times() {
        let hour = 3_600_000_000;
        let begin = Key::parse(
            "AWSLogs/111122223333/CloudTrail/eu-west-1/2026/01/01/111122223333_CloudTrail_eu-west-1_20260101T0000Z_x.json.gz",
        );
        let begin = begin.unwrap().time().unwrap().timestamp_micros();
        let place = ("s3://b/p/AWSLogs/111122223333".to_owned(), "eu-west-1".to_owned());
        let mut spans = Spans([(place, vec![(begin + hour, begin + 2 * hour), (begin, begin + hour)])].into());
        spans.join();
        let name = |root: &str, time: &str| {
            format!(
                "{root}/AWSLogs/111122223333/CloudTrail/eu-west-1/2026/01/01/111122223333_CloudTrail_eu-west-1_{time}_x.json.gz"
            )
        };
        for (object, spoken) in [
            (name("s3://b/p", "20260101T0050Z"), true),
            (name("s3://b/p", "20260101T0150Z"), false),
            (name("s3://b/q", "20260101T0050Z"), false),
            (name("s3://c/p", "20260101T0050Z"), false),
            (name("/copies/p", "20260101T0050Z"), true),
            (name("/copies/q", "20260101T0050Z"), false),
            (name("s3://b/p", "20260101T0050Z").replace("eu-west-1", "us-east-1"), false),
            ("s3://b/p/other".to_owned(), false),
        ] {
            assert_eq!(spans.speak_of(&object), spoken, "{object}");
        }
    }
}
