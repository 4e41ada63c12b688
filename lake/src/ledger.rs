//! Which objects a lake has read already, by name, size and time of writing.

use std::collections::HashSet;
use std::hash::BuildHasher;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};
use ingest::pipeline;
use ingest::source::{Input, Place};

use crate::error::Result;
use crate::lake::Lake;
use crate::read;
use crate::schema::OBJECTS;

/// The objects of a lake at the moment it was read: 128 bits of a keyed hash each.
pub struct Ledger {
    objects: HashSet<u128>,
    low: std::hash::RandomState,
    high: std::hash::RandomState,
}

impl std::fmt::Debug for Ledger {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ledger").field("objects", &self.objects.len()).finish_non_exhaustive()
    }
}

impl Ledger {
    /// Reads a lake's ledger.
    ///
    /// # Errors
    /// The table `objects` cannot be read.
    pub fn load(lake: &Lake) -> Result<Ledger> {
        let mut ledger =
            Ledger { objects: HashSet::new(), low: std::hash::RandomState::new(), high: std::hash::RandomState::new() };
        for file in lake.files(OBJECTS)? {
            read::file(lake, OBJECTS, &file, Some(&["object", "modified", "bytes"]), &mut |batch| {
                ledger.add(&batch);
                Ok(())
            })?;
        }
        Ok(ledger)
    }

    fn add(&mut self, batch: &RecordBatch) {
        let (Some(names), Some(times), Some(sizes)) = (
            batch.column_by_name("object").and_then(|c| c.as_string_opt::<i32>()),
            batch.column_by_name("modified").and_then(|c| c.as_primitive_opt::<TimestampMicrosecondType>()),
            batch.column_by_name("bytes").and_then(|c| c.as_primitive_opt::<Int64Type>()),
        ) else {
            return;
        };
        for row in (0..batch.num_rows()).filter(|row| times.is_valid(*row)) {
            let key = self.key(names.value(row), sizes.value(row), times.value(row));
            self.objects.insert(key);
        }
    }

    fn key(&self, name: &str, bytes: i64, modified: i64) -> u128 {
        let object = (name, bytes, modified);
        u128::from(self.low.hash_one(object)) | u128::from(self.high.hash_one(object)) << 64
    }
}

impl pipeline::Ledger for Ledger {
    fn holds(&self, input: &Input) -> bool {
        // A pipe is a new thing each time, and so is what has no time.
        let (Place::File(_) | Place::Fetched(_), Some(modified)) = (&input.place, input.modified) else { return false };
        let bytes = i64::try_from(input.bytes).unwrap_or(i64::MAX);
        self.objects.contains(&self.key(&input.name, bytes, modified))
    }
}
