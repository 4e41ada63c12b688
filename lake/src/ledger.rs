//! Which objects a lake has read already, by name, size and time of writing.

use std::collections::HashSet;
use std::hash::BuildHasher;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use arrow::array::{Array, AsArray, Int64Array, RecordBatch};
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};
use ingest::pipeline;
use ingest::source::{Input, Place};

use crate::error::Result;
use crate::lake::Lake;
use crate::read;
use crate::schema::OBJECTS;

/// The objects of a lake at the moment it was read: 128 bits of a keyed hash each.
pub struct Ledger {
    objects: Mutex<HashSet<u128>>,
    /// Those of which nothing came in, by no reading.
    refused: HashSet<u128>,
    /// How many of them were asked for.
    refused_met: AtomicU64,
    low: std::hash::RandomState,
    high: std::hash::RandomState,
}

impl std::fmt::Debug for Ledger {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ledger").finish_non_exhaustive()
    }
}

impl Ledger {
    /// Reads a lake's ledger.
    ///
    /// # Errors
    /// The table `objects` cannot be read.
    pub fn load(lake: &Lake) -> Result<Ledger> {
        let mut ledger = Ledger {
            objects: Mutex::default(),
            refused: HashSet::new(),
            refused_met: AtomicU64::new(0),
            low: std::hash::RandomState::new(),
            high: std::hash::RandomState::new(),
        };
        for file in lake.files(OBJECTS)? {
            let columns = ["object", "modified", "bytes", "rows", "duplicates", "rejected"];
            read::file(lake, OBJECTS, &file, Some(&columns), &mut |batch| {
                ledger.add(&batch);
                Ok(())
            })?;
        }
        Ok(ledger)
    }

    /// Objects that were asked for since, and of which nothing came into the lake when they were read: they were refused
    /// whole, and are not read again by themselves.
    pub fn refused_met(&self) -> u64 {
        self.refused_met.load(Ordering::Relaxed)
    }

    /// An object that is read from now on, by name, bytes as stored and time of writing in microseconds.
    pub fn note(&self, name: &str, bytes: u64, modified: i64) {
        let key = self.key(name, i64::try_from(bytes).unwrap_or(i64::MAX), modified);
        self.objects.lock().unwrap_or_else(PoisonError::into_inner).insert(key);
    }

    fn add(&mut self, batch: &RecordBatch) {
        let (Some(names), Some(times), Some(sizes)) = (
            batch.column_by_name("object").and_then(|c| c.as_string_opt::<i32>()),
            batch.column_by_name("modified").and_then(|c| c.as_primitive_opt::<TimestampMicrosecondType>()),
            batch.column_by_name("bytes").and_then(|c| c.as_primitive_opt::<Int64Type>()),
        ) else {
            return;
        };
        let count = |name: &str| batch.column_by_name(name).and_then(|c| c.as_primitive_opt::<Int64Type>().cloned());
        let (rows, duplicates, rejected) = (count("rows"), count("duplicates"), count("rejected"));
        let at = |column: &Option<Int64Array>, row: usize| column.as_ref().map_or(0, |column| column.value(row));
        for row in (0..batch.num_rows()).filter(|row| times.is_valid(*row)) {
            let key = self.key(names.value(row), sizes.value(row), times.value(row));
            let is_new = self.objects.get_mut().unwrap_or_else(PoisonError::into_inner).insert(key);
            // An object that was read again has a row for each time, in any order: one that brought something is enough.
            match at(&rows, row) + at(&duplicates, row) == 0 && at(&rejected, row) > 0 {
                true if is_new => self.refused.insert(key),
                true => false,
                false => self.refused.remove(&key),
            };
        }
    }

    fn key(&self, name: &str, bytes: i64, modified: i64) -> u128 {
        let object = (name, bytes, modified);
        u128::from(self.low.hash_one(object)) | u128::from(self.high.hash_one(object)) << 64
    }
}

/// The names of objects that a lake has read with some success: for messages, which say no more of an object than its
/// name. CloudTrail never writes one twice; whoever does is found by a listing.
pub struct Names {
    names: Mutex<HashSet<u128>>,
    low: std::hash::RandomState,
    high: std::hash::RandomState,
}

impl std::fmt::Debug for Names {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Names").finish_non_exhaustive()
    }
}

impl Names {
    /// Reads the names of a lake's objects. One that was refused whole is not among them: its message comes again.
    ///
    /// # Errors
    /// The table `objects` cannot be read.
    pub fn load(lake: &Lake) -> Result<Names> {
        let (low, high) = (std::hash::RandomState::new(), std::hash::RandomState::new());
        let names = Names { names: Mutex::default(), low, high };
        for file in lake.files(OBJECTS)? {
            let columns = ["object", "modified", "rows", "duplicates", "rejected"];
            read::file(lake, OBJECTS, &file, Some(&columns), &mut |batch| {
                let objects = batch.column_by_name("object").and_then(|c| c.as_string_opt::<i32>());
                let count =
                    |name: &str| batch.column_by_name(name).and_then(|c| c.as_primitive_opt::<Int64Type>().cloned());
                let modified = batch.column_by_name("modified");
                if let (Some(objects), Some(rows), Some(duplicates), Some(rejected)) =
                    (objects, count("rows"), count("duplicates"), count("rejected"))
                {
                    for row in 0..batch.num_rows() {
                        // What has no time was not read to its end.
                        let whole = modified.is_none_or(|modified| modified.is_valid(row));
                        if whole && (rows.value(row) + duplicates.value(row) > 0 || rejected.value(row) == 0) {
                            names.add(objects.value(row));
                        }
                    }
                }
                Ok(())
            })?;
        }
        Ok(names)
    }

    /// An object that was committed since.
    pub fn add(&self, name: &str) {
        let key = self.key(name);
        self.names.lock().unwrap_or_else(PoisonError::into_inner).insert(key);
    }

    /// Whether the lake has an object of this name.
    pub fn has(&self, name: &str) -> bool {
        self.names.lock().unwrap_or_else(PoisonError::into_inner).contains(&self.key(name))
    }

    fn key(&self, name: &str) -> u128 {
        u128::from(self.low.hash_one(name)) | u128::from(self.high.hash_one(name)) << 64
    }
}

impl pipeline::Ledger for Names {
    fn holds(&self, input: &Input) -> bool {
        self.has(&input.name)
    }
}

impl pipeline::Ledger for Ledger {
    fn holds(&self, input: &Input) -> bool {
        // A pipe is a new thing each time, and so is what has no time.
        let (Place::File(_) | Place::Fetched(_), Some(modified)) = (&input.place, input.modified) else { return false };
        let bytes = i64::try_from(input.bytes).unwrap_or(i64::MAX);
        let key = self.key(&input.name, bytes, modified);
        if self.refused.contains(&key) {
            self.refused_met.fetch_add(1, Ordering::Relaxed);
        }
        self.objects.lock().unwrap_or_else(PoisonError::into_inner).contains(&key)
    }
}
