//! Rows of `events` to data files in the store, not yet part of the table: one open file a day, on threads of its own.
//!
//! Rows wait as the batches that they came in, which copies nothing, until they take much memory: then every day's rows
//! become a row group of its file ([`days`]). Files are closed when they are large, when memory is short (the largest
//! first) or when a commit asks for all of them, and put into the store a few at a time ([`put`]). A staged file that
//! no commit names is garbage, to be swept later.

mod days;
mod put;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use tokio::runtime::Handle;

use crate::error::{Error, Result};
use crate::fault;
use crate::location::Location;
use crate::table::DataFile;
use days::Days;

pub(crate) use put::{hex, store, store_as, store_rows};

/// Memory of all rows that wait to be encoded, in bytes.
const WAITING_BYTES: usize = 160 << 20;
/// What a part takes beside its values: some ninety columns, each with its buffers' headers.
const PART_BYTES: usize = 16 << 10;
/// Batches that wait for an encoder.
const WAITING_BATCHES: usize = 2;

/// Rows of one day.
pub(crate) type Part = (Option<i32>, RecordBatch);

/// Encoders, and the files that they have open.
pub(crate) struct Stage {
    encoders: Vec<Encoder>,
    failed: Arc<AtomicBool>,
    /// Memory of the rows that wait, in bytes.
    waiting: usize,
    limit: usize,
}

struct Encoder {
    work: Option<SyncSender<Work>>,
    thread: Option<JoinHandle<()>>,
}

enum Work {
    Rows(Vec<Part>),
    Encode,
    Finish(SyncSender<Result<Vec<DataFile>>>),
}

impl Stage {
    /// Starts `encoders` threads for rows of this schema.
    pub(crate) fn start(location: &Location, handle: &Handle, schema: &SchemaRef, encoders: usize) -> Result<Stage> {
        let failed = Arc::new(AtomicBool::new(false));
        let encoders = encoders.max(1);
        let start = |_| {
            let (work, queue) = sync_channel(WAITING_BATCHES);
            let days = Days::new(location, handle, schema, encoders)?;
            let failed = failed.clone();
            let thread = std::thread::Builder::new()
                .name("trailhound-encode".to_owned())
                .spawn(move || run(days, &queue, &failed))
                .map_err(|source| Error::Io { what: "no thread to encode with".to_owned(), source })?;
            Ok(Encoder { work: Some(work), thread: Some(thread) })
        };
        let encoders = (0..encoders).map(start).collect::<Result<_>>()?;
        let limit = fault::limit("TRAILHOUND_WAITING_BYTES", WAITING_BYTES);
        Ok(Stage { encoders, failed, waiting: 0, limit })
    }

    /// Whether a file could not be written: then [`Stage::finish`] tells why, and more rows are in vain.
    pub(crate) fn has_failed(&self) -> bool {
        self.failed.load(Ordering::Relaxed)
    }

    /// Hands the rows of a batch over, which together take so much memory. Blocks while the encoders have enough to do.
    pub(crate) fn rows(&mut self, parts: Vec<Part>, bytes: usize) -> Result<()> {
        let mut shares: Vec<Vec<Part>> = self.encoders.iter().map(|_| Vec::new()).collect();
        let count = shares.len();
        self.waiting += bytes + parts.len() * PART_BYTES;
        for part in parts {
            if let Some(share) = shares.get_mut(part.0.unwrap_or_default().unsigned_abs() as usize % count) {
                share.push(part);
            }
        }
        for (index, share) in shares.into_iter().enumerate().filter(|(_, share)| !share.is_empty()) {
            self.send(index, Work::Rows(share))?;
        }
        if self.waiting >= self.limit {
            // Days share their batches, so memory comes free when all of them are encoded.
            self.waiting = 0;
            return (0..self.encoders.len()).try_for_each(|index| self.send(index, Work::Encode));
        }
        Ok(())
    }

    /// Closes every open file; all files staged since the last time.
    pub(crate) fn finish(&mut self) -> Result<Vec<DataFile>> {
        self.waiting = 0;
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

/// Does an encoder's work until nobody has any.
fn run(mut days: Days, queue: &Receiver<Work>, failed: &AtomicBool) {
    let mut failure = None;
    let note = |result: Result<()>, failure: &mut Option<Error>| {
        if let Err(error) = result {
            failed.store(true, Ordering::Relaxed);
            *failure = Some(error);
        }
    };
    for work in queue {
        match work {
            Work::Rows(_) | Work::Encode if failure.is_some() => {}
            Work::Rows(parts) => note(days.rows(parts), &mut failure),
            Work::Encode => note(days.encode(), &mut failure),
            Work::Finish(answer) => {
                let result = match failure.take() {
                    Some(error) => Err(error),
                    None => days.finish(),
                };
                failed.fetch_or(result.is_err(), Ordering::Relaxed);
                let _ = answer.send(result);
            }
        }
    }
}
