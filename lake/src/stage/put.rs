//! Encoded files into the store, under names that nobody else takes and that end with a checksum.

use std::collections::VecDeque;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use chrono::Utc;
use sha2::{Digest, Sha256};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::gone;
use crate::encode::{Encoded, FileWriter, Layout};
use crate::error::Result;
use crate::fault;
use crate::location::Location;
use crate::schema::{EVENTS, PARTITION};
use crate::table::{DataFile, date_text};

/// Files on their way into the store at once: most of that time is waiting, for a disk that flushes or for a bucket.
const FLYING: usize = 8;
/// Their bytes together, but for one file.
const FLYING_BYTES: usize = 32 << 20;
/// What Hive calls the partition of rows without a value.
const NO_DAY: &str = "__HIVE_DEFAULT_PARTITION__";

/// Files of `events` on their way into the store.
pub(super) struct Puts {
    location: Location,
    handle: Handle,
    flying: VecDeque<(usize, JoinHandle<Result<DataFile>>)>,
    landed: Vec<DataFile>,
}

impl Puts {
    pub(super) fn new(location: &Location, handle: &Handle) -> Puts {
        Puts { location: location.clone(), handle: handle.clone(), flying: VecDeque::new(), landed: Vec::new() }
    }

    /// Sends a file of a day; waits for earlier ones where there are too many.
    pub(super) fn put(&mut self, day: Option<i32>, encoded: Encoded) -> Result<()> {
        let bytes = encoded.bytes.len();
        while self.flying.len() >= FLYING || self.flying.iter().map(|put| put.0).sum::<usize>() > FLYING_BYTES {
            self.land()?;
        }
        let (location, handle) = (self.location.clone(), self.handle.clone());
        let put = self.handle.spawn_blocking(move || store(&location, &handle, EVENTS, Some(day), encoded));
        self.flying.push_back((bytes, put));
        Ok(())
    }

    /// Waits for the oldest.
    fn land(&mut self) -> Result<()> {
        let Some((_, put)) = self.flying.pop_front() else { return Ok(()) };
        let file = self.handle.block_on(put).map_err(|_| gone())??;
        self.landed.push(file);
        fault::point("events.stored");
        Ok(())
    }

    /// All files since the last time, when the last of them is there.
    pub(super) fn finish(&mut self) -> Result<Vec<DataFile>> {
        let mut result = Ok(());
        while !self.flying.is_empty() {
            result = result.and(self.land());
        }
        let landed = std::mem::take(&mut self.landed);
        result.map(|()| landed)
    }
}

/// Puts an encoded file into a table's folder, under a name that nobody else takes.
pub(crate) fn store(
    location: &Location,
    handle: &Handle,
    table: &'static str,
    day: Option<Option<i32>>,
    encoded: Encoded,
) -> Result<DataFile> {
    store_as("part", location, handle, table, day, encoded)
}

/// [`store`] under a name that begins with `kind`.
pub(crate) fn store_as(
    kind: &str,
    location: &Location,
    handle: &Handle,
    table: &'static str,
    day: Option<Option<i32>>,
    encoded: Encoded,
) -> Result<DataFile> {
    // The name ends with the checksum, so that a flipped bit is found whatever the log remembers.
    let lot = Uuid::new_v4().as_fields().0;
    let name = format!("{kind}-{lot:08x}-{}.parquet", hex(&Sha256::digest(&encoded.bytes)));
    let path = match day {
        Some(day) => format!("{PARTITION}={}/{name}", day.map_or_else(|| NO_DAY.to_owned(), date_text)),
        None => name,
    };
    let file = DataFile {
        bytes: encoded.bytes.len() as u64,
        rows: encoded.rows,
        modified_ms: Utc::now().timestamp_millis(),
        event_date: day.flatten(),
        times: encoded.times,
        path,
    };
    fault::point("events.put");
    handle.block_on(location.put(&format!("{table}/{}", file.path), encoded.bytes.into()))?;
    Ok(file)
}

/// Bytes as lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Rows of a one-file table of the lake, staged.
pub(crate) fn store_rows(
    location: &Location,
    handle: &Handle,
    table: &'static str,
    schema: &SchemaRef,
    batches: &[RecordBatch],
) -> Result<Option<DataFile>> {
    if batches.iter().all(|batch| batch.num_rows() == 0) {
        return Ok(None);
    }
    let mut file = FileWriter::new(table, schema, Layout::Fresh)?;
    for batch in batches {
        file.write(batch)?;
    }
    store(location, handle, table, None, file.finish()?).map(Some)
}
