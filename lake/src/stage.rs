//! Rows of `events` to data files in the store, not yet part of the table: one open file a day, on threads of its own.
//!
//! Files are closed when they are large, when memory is short (the largest first) or when a commit asks for all of
//! them. A staged file that no commit names is garbage, to be swept later.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::datatypes::SchemaRef;
use chrono::Utc;
use sha2::{Digest, Sha256};
use tokio::runtime::Handle;
use uuid::Uuid;

use crate::encode::{Encoded, FileWriter, Layout};
use crate::error::{Error, Result};
use crate::fault;
use crate::location::Location;
use crate::schema::{EVENTS, PARTITION};
use crate::table::{DataFile, date_text};

/// Memory of all open files together, in bytes.
const OPEN_BYTES: usize = 128 << 20;
/// A file of this size is closed.
const FILE_BYTES: usize = 64 << 20;
/// Batches that wait for an encoder.
const WAITING_BATCHES: usize = 4;
/// Rows that wait for a file until they are written to it together.
const WAITING_ROWS: usize = 4096;
/// What a row takes in memory, at most, in the sum that decides which file is closed; a slice shares its batch's memory.
const ROW_BYTES: usize = 2 << 10;
/// What Hive calls the partition of rows without a value.
const NO_DAY: &str = "__HIVE_DEFAULT_PARTITION__";

/// Encoders, and the files that they have open.
pub(crate) struct Stage {
    encoders: Vec<Encoder>,
    failed: Arc<AtomicBool>,
}

struct Encoder {
    work: Option<SyncSender<Work>>,
    thread: Option<JoinHandle<()>>,
}

enum Work {
    Rows(Option<i32>, RecordBatch),
    Finish(SyncSender<Result<Vec<DataFile>>>),
}

impl Stage {
    /// Starts `encoders` threads.
    pub(crate) fn start(location: &Location, handle: &Handle, encoders: usize) -> Result<Stage> {
        let failed = Arc::new(AtomicBool::new(false));
        let encoders = encoders.max(1);
        let start = |_| {
            let (work, queue) = sync_channel(WAITING_BATCHES);
            let days = Days {
                location: location.clone(),
                handle: handle.clone(),
                open: BTreeMap::new(),
                closed: Vec::new(),
                budget: OPEN_BYTES / encoders,
            };
            let failed = failed.clone();
            let thread = std::thread::Builder::new()
                .name("trailhound-encode".to_owned())
                .spawn(move || days.run(&queue, &failed))
                .map_err(|source| Error::Io { what: "no thread to encode with".to_owned(), source })?;
            Ok(Encoder { work: Some(work), thread: Some(thread) })
        };
        let encoders = (0..encoders).map(start).collect::<Result<_>>()?;
        Ok(Stage { encoders, failed })
    }

    /// Whether a file could not be written: then [`Stage::finish`] tells why, and more rows are in vain.
    pub(crate) fn has_failed(&self) -> bool {
        self.failed.load(Ordering::Relaxed)
    }

    /// Hands rows of one day over. Blocks while the encoder has enough to do.
    pub(crate) fn rows(&self, day: Option<i32>, batch: RecordBatch) -> Result<()> {
        let index = day.unwrap_or_default().unsigned_abs() as usize % self.encoders.len();
        self.send(index, Work::Rows(day, batch))
    }

    /// Closes every open file; all files staged since the last time.
    pub(crate) fn finish(&self) -> Result<Vec<DataFile>> {
        let mut answers = Vec::new();
        for index in 0..self.encoders.len() {
            let (answer, files) = sync_channel(1);
            self.send(index, Work::Finish(answer))?;
            answers.push(files);
        }
        let mut all = Vec::new();
        let mut failure = None;
        for files in answers {
            match files.recv() {
                Ok(Ok(files)) => all.extend(files),
                Ok(Err(error)) => failure = failure.or(Some(error)),
                Err(_) => return Err(gone()),
            }
        }
        all.sort_unstable_by(|a: &DataFile, b| a.path.cmp(&b.path));
        failure.map_or(Ok(all), Err)
    }

    fn send(&self, index: usize, work: Work) -> Result<()> {
        let sender = self.encoders.get(index).and_then(|encoder| encoder.work.as_ref());
        sender.and_then(|sender| sender.send(work).ok()).ok_or_else(gone)
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        for encoder in &mut self.encoders {
            encoder.work = None;
            if let Some(thread) = encoder.thread.take() {
                let _ = thread.join();
            }
        }
    }
}

fn gone() -> Error {
    let source = std::io::Error::other("it stopped; please report this");
    Error::Io { what: "internal error: the thread that encodes".to_owned(), source }
}

/// The open files of one encoder, by day.
struct Days {
    location: Location,
    handle: Handle,
    open: BTreeMap<Option<i32>, Day>,
    closed: Vec<DataFile>,
    budget: usize,
}

/// One open file, and rows that wait for it: a file takes few large batches faster than many small ones.
struct Day {
    file: FileWriter,
    waiting: Vec<RecordBatch>,
    rows: usize,
    /// Memory of the file when it was last looked at, and of the rows that wait, in bytes.
    memory: usize,
}

impl Day {
    fn add(&mut self, batch: RecordBatch) -> Result<()> {
        self.rows += batch.num_rows();
        self.memory += batch.get_array_memory_size().min(batch.num_rows() * ROW_BYTES);
        self.waiting.push(batch);
        if self.rows >= WAITING_ROWS { self.write() } else { Ok(()) }
    }

    fn write(&mut self) -> Result<()> {
        let waiting = std::mem::take(&mut self.waiting);
        if let Some(first) = waiting.first() {
            let rows = concat_batches(first.schema_ref(), &waiting).map_err(Error::encode(EVENTS))?;
            self.file.write(&rows)?;
        }
        self.rows = 0;
        self.memory = self.file.memory();
        Ok(())
    }
}

impl Days {
    fn run(mut self, queue: &Receiver<Work>, failed: &AtomicBool) {
        let mut failure = None;
        for work in queue {
            match work {
                Work::Rows(..) if failure.is_some() => {}
                Work::Rows(day, batch) => {
                    if let Err(error) = self.rows(day, batch) {
                        failed.store(true, Ordering::Relaxed);
                        failure = Some(error);
                    }
                }
                Work::Finish(answer) => {
                    let result = match failure.take() {
                        Some(error) => Err(error),
                        None => self.finish(),
                    };
                    failed.fetch_or(result.is_err(), Ordering::Relaxed);
                    let _ = answer.send(result);
                }
            }
        }
    }

    fn rows(&mut self, day: Option<i32>, batch: RecordBatch) -> Result<()> {
        fault::point("events.encode");
        let open = match self.open.entry(day) {
            Entry::Occupied(open) => open.into_mut(),
            Entry::Vacant(place) => {
                let file = FileWriter::new(EVENTS, batch.schema_ref(), Layout::Fresh)?;
                place.insert(Day { file, waiting: Vec::new(), rows: 0, memory: 0 })
            }
        };
        open.add(batch)?;
        if open.rows == 0 && open.file.bytes() >= FILE_BYTES {
            self.close(day)?;
        }
        while self.open.values().map(|open| open.memory).sum::<usize>() > self.budget {
            let largest = self.open.iter().max_by_key(|(_, open)| open.memory).map(|(day, _)| *day);
            let Some(largest) = largest else { break };
            self.close(largest)?;
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<Vec<DataFile>> {
        while let Some(day) = self.open.keys().next().copied() {
            self.close(day)?;
        }
        Ok(std::mem::take(&mut self.closed))
    }

    fn close(&mut self, day: Option<i32>) -> Result<()> {
        fault::point("events.close");
        let Some(mut open) = self.open.remove(&day) else { return Ok(()) };
        open.write()?;
        let file = store(&self.location, &self.handle, EVENTS, Some(day), open.file.finish()?)?;
        self.closed.push(file);
        fault::point("events.stored");
        Ok(())
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
