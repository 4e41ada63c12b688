//! Threads, bounded queues, back-pressure: objects in, batches out, in one fixed order.
//!
//! One thread lists objects and groups them into tasks of a few megabytes, so that hundreds of thousands of small
//! files make few, full batches. Workers read, inflate, parse and build. The caller's thread takes the tasks' batches
//! in the order of the objects, drops duplicates and adds up; so the same input gives the same rows in the same order
//! whatever the number of threads. Every queue is bounded: a slow reader of batches stops the workers, and memory
//! does not depend on the input. This room knows no SQL, rules or lake: it hands batches to a [`Sink`].

mod object;
mod parser;

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use arrow::array::RecordBatch;

use crate::gunzip::Limits;
use crate::reject::{Error, ObjectTotals, Reason, Totals};
use crate::seen::{self, Seen};
use crate::source::{Input, Place, Sources};
use object::ObjectReader;

/// How to run.
#[derive(Debug, Clone)]
pub struct Options {
    /// Worker threads.
    pub threads: usize,
    /// Limits of one object.
    pub limits: Limits,
    /// Most rows of a batch.
    pub batch_rows: usize,
    /// Objects that a worker takes at a time, at most.
    pub task_objects: usize,
    /// Bytes of record text after which a batch is closed.
    pub batch_bytes: usize,
    /// Keep what proves what was read: the SHA-256 of each object's text, and the refused records themselves.
    pub evidence: bool,
    /// Which objects need not be read.
    pub ledger: Option<Arc<dyn Ledger>>,
    /// Counters that a progress bar may read while the scan runs.
    pub progress: Arc<Progress>,
}

impl Default for Options {
    fn default() -> Self {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        Options {
            threads,
            limits: Limits::default(),
            task_objects: TASK_OBJECTS,
            batch_rows: 8192,
            batch_bytes: 16 << 20,
            evidence: false,
            ledger: None,
            progress: Arc::default(),
        }
    }
}

/// Live counters of a scan.
#[derive(Debug, Default)]
pub struct Progress {
    /// Objects finished.
    pub objects: AtomicU64,
    /// Bytes read, as stored.
    pub bytes: AtomicU64,
    /// Records found.
    pub records: AtomicU64,
    /// Objects that the ledger held, and that were not read.
    pub skipped: AtomicU64,
    /// Objects listed that are to be read, and their bytes as stored.
    pub listed: AtomicU64,
    /// See `listed`.
    pub listed_bytes: AtomicU64,
    /// Whether `listed` is all that there is.
    pub listed_all: AtomicBool,
}

/// Knows which objects were read by an earlier run.
pub trait Ledger: std::fmt::Debug + Send + Sync {
    /// Whether all of the object's rows are there already. Asked once for each object, in order.
    fn holds(&self, input: &Input) -> bool;
}

/// Who takes what a scan gives. Nothing has a default: a sink that hands on to another would forget it silently.
pub trait Sink {
    /// The next batch. `Break` ends the scan early; its totals then cover what was taken.
    fn batch(&mut self, batch: RecordBatch) -> ControlFlow<()>;
    /// An object all of whose rows have been handed over.
    fn object(&mut self, totals: &ObjectTotals);
    /// The next batch, before its duplicates are looked for: what else was seen earlier can be told to `seen` now.
    ///
    /// # Errors
    /// What was seen earlier could not be read; the scan ends.
    fn before(&mut self, batch: &RecordBatch, seen: &mut Seen) -> Result<(), Error>;
    /// Whether an event without an id that was seen before, word for word and from the same object, is a duplicate.
    fn knows_nameless(&self) -> bool;
    /// Every object handed over so far is whole: a good moment to commit. `Break` ends the scan.
    fn whole(&mut self) -> ControlFlow<()>;
}

/// Only rows are wanted, of this scan alone.
impl<F: FnMut(RecordBatch) -> ControlFlow<()>> Sink for F {
    fn batch(&mut self, batch: RecordBatch) -> ControlFlow<()> {
        self(batch)
    }

    fn object(&mut self, _totals: &ObjectTotals) {}

    fn before(&mut self, _batch: &RecordBatch, _seen: &mut Seen) -> Result<(), Error> {
        Ok(())
    }

    fn knows_nameless(&self) -> bool {
        false
    }

    fn whole(&mut self) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}

/// A few objects, read by one worker.
struct Task {
    inputs: Vec<Result<Input, ObjectTotals>>,
    chunks: SyncSender<Result<Chunk, Error>>,
}

/// What a worker hands over: rows, whose they are, and the objects that ended with them.
struct Chunk {
    batch: Option<RecordBatch>,
    /// Object (position in its task) and number of rows, in row order.
    runs: Vec<(usize, usize)>,
    finished: Vec<(usize, ObjectTotals)>,
}

/// Bytes as stored after which a task is full.
const TASK_BYTES: u64 = 4 << 20;
/// Objects after which a task is full.
const TASK_OBJECTS: usize = 512;
/// Chunks that wait for the caller, for each task.
const WAITING_CHUNKS: usize = 2;

/// Reads every object of `sources` and hands the rows to `sink`.
///
/// # Errors
/// Only what stops everything. What is wrong with an object or a record is in the totals.
pub fn scan(sources: &Sources, options: &Options, sink: &mut dyn Sink) -> Result<Totals, Error> {
    scan_after(sources, options, sink, &mut Seen::new())
}

/// [`scan`], where earlier scans have seen events: for whoever reads on and on.
///
/// # Errors
/// As [`scan`].
pub fn scan_after(sources: &Sources, options: &Options, sink: &mut dyn Sink, seen: &mut Seen) -> Result<Totals, Error> {
    let threads = options.threads.max(1);
    keep_freed_blocks();
    let (to_workers, tasks) = sync_channel::<Task>(threads);
    let (to_caller, turns) = sync_channel::<Receiver<Result<Chunk, Error>>>(threads * 2);
    let tasks = Mutex::new(tasks);
    std::thread::scope(|scope| {
        let lister = scope.spawn(move || list(sources, options, &to_workers, &to_caller));
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(|| work(&tasks, options))).collect();
        let result = collect(turns, sink, seen);
        // The lister and the workers stop by themselves: their queues are closed now.
        let whole = lister.join().is_ok() & workers.into_iter().map(|w| w.join().is_ok()).fold(true, |a, b| a & b);
        if whole { result } else { Err(Error::Worker) }
    })
}

/// Blocks of up to so many bytes stay with the process when they are freed: the largest column of a batch.
const KEPT_BLOCK_BYTES: usize = 8 << 20;

/// glibc's allocator gives large freed blocks back to the system, so that the next batch's memory comes anew, page by page,
/// which was a tenth of the time. It takes what is freed as its measure, so it is shown a block once. Nothing is touched;
/// other allocators do not mind.
fn keep_freed_blocks() {
    drop(std::hint::black_box(Vec::<u8>::with_capacity(KEPT_BLOCK_BYTES)));
}

/// Groups objects into tasks.
fn list(
    sources: &Sources,
    options: &Options,
    to_workers: &SyncSender<Task>,
    to_caller: &SyncSender<Receiver<Result<Chunk, Error>>>,
) {
    let known = |item: &Result<Input, _>| match (&options.ledger, item) {
        (Some(ledger), Ok(input)) => ledger.holds(input),
        _ => false,
    };
    let unknown = |item: &Result<Input, _>| {
        let known = known(item);
        options.progress.skipped.fetch_add(u64::from(known), Ordering::Relaxed);
        !known
    };
    let mut walk = sources.walk().filter(unknown).peekable();
    while walk.peek().is_some() {
        let mut inputs = Vec::new();
        let mut bytes = 0;
        while inputs.len() < options.task_objects.max(1) && bytes < TASK_BYTES {
            match walk.next() {
                Some(Ok(input)) => {
                    bytes += input.bytes;
                    options.progress.listed.fetch_add(1, Ordering::Relaxed);
                    options.progress.listed_bytes.fetch_add(input.bytes, Ordering::Relaxed);
                    if let Place::Fetched(fetch) = &input.place {
                        fetch.begin();
                    }
                    inputs.push(Ok(input));
                }
                Some(Err((name, error))) => {
                    let mut totals = ObjectTotals::new(name);
                    totals.reject(Reason::IoError, 1, error.to_string());
                    inputs.push(Err(totals));
                }
                None => break,
            }
        }
        let (chunks, turn) = sync_channel(WAITING_CHUNKS);
        // The caller's turn is queued first: it then waits for exactly the tasks that workers can get.
        if to_caller.send(turn).is_err() || to_workers.send(Task { inputs, chunks }).is_err() {
            return;
        }
    }
    options.progress.listed_all.store(true, Ordering::Relaxed);
}

fn work(tasks: &Mutex<Receiver<Task>>, options: &Options) {
    let mut reader = ObjectReader::new(options);
    loop {
        let task = match tasks.lock() {
            Ok(tasks) => tasks.recv(),
            Err(_) => return,
        };
        let Ok(Task { inputs, chunks }) = task else { return };
        // A send fails when the caller has gone: then the rest of this task is not wanted.
        let mut emit =
            |chunk| if chunks.send(chunk).is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) };
        for (index, input) in inputs.into_iter().enumerate() {
            let flow = match input {
                Ok(input) => reader.read(index, input, &mut emit),
                Err(totals) => reader.note(index, totals, &mut emit),
            };
            if flow.is_break() {
                break;
            }
        }
        let _ = reader.flush(&mut emit);
    }
}

/// Takes the tasks' chunks in order, drops duplicates, adds up.
fn collect(
    turns: Receiver<Receiver<Result<Chunk, Error>>>,
    sink: &mut dyn Sink,
    seen: &mut Seen,
) -> Result<Totals, Error> {
    let mut totals = Totals::default();
    for turn in turns {
        // Rows and duplicates of the objects of this task that have not ended.
        let mut open: HashMap<usize, (u64, u64)> = HashMap::new();
        for chunk in turn {
            let chunk = chunk?;
            let flow = match &chunk.batch {
                Some(batch) => {
                    sink.before(batch, seen)?;
                    deliver(batch, &chunk.runs, seen, &mut open, sink)?
                }
                None => ControlFlow::Continue(()),
            };
            for (index, mut object) in chunk.finished {
                (object.rows, object.duplicates) = open.remove(&index).unwrap_or_default();
                if !object.balanced() {
                    return Err(Error::Unbalanced { object: object.object });
                }
                sink.object(&object);
                totals.add(&object);
            }
            if flow.is_break() {
                return Ok(totals);
            }
        }
        // A task holds whole objects, so nothing is half read here.
        if sink.whole().is_break() {
            return Ok(totals);
        }
    }
    Ok(totals)
}

fn deliver(
    batch: &RecordBatch,
    runs: &[(usize, usize)],
    seen: &mut Seen,
    open: &mut HashMap<usize, (u64, u64)>,
    sink: &mut dyn Sink,
) -> Result<ControlFlow<()>, Error> {
    let mut duplicates = seen.duplicates(batch).map_err(|source| Error::Seen { source })?;
    if sink.knows_nameless() {
        duplicates.extend(seen.nameless_duplicates(batch).map_err(|source| Error::Seen { source })?);
        duplicates.sort_unstable();
    }
    let mut rest = duplicates.iter().copied().peekable();
    let mut end = 0;
    for (object, rows) in runs {
        end += rows;
        let mut gone = 0;
        while rest.next_if(|row| *row < end).is_some() {
            gone += 1;
        }
        let counts = open.entry(*object).or_default();
        counts.0 += *rows as u64 - gone;
        counts.1 += gone;
    }
    if duplicates.is_empty() {
        return Ok(sink.batch(batch.clone()));
    }
    for part in seen::without(batch, &duplicates)? {
        if sink.batch(part).is_break() {
            return Ok(ControlFlow::Break(()));
        }
    }
    Ok(ControlFlow::Continue(()))
}

impl Progress {
    fn object(&self, totals: &ObjectTotals) {
        self.objects.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(totals.bytes_read, Ordering::Relaxed);
        self.records.fetch_add(totals.records_in, Ordering::Relaxed);
    }
}
