//! All events of a snapshot, in one fixed order: day by day, file by file.
//!
//! Files are read ahead on threads, each into a short queue, and handed over in order. Memory is that of a file a
//! thread, whatever the lake holds. Must not know what the rows are for.

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use arrow::array::RecordBatch;

use crate::error::{Error, Result};
use crate::lake::Lake;
use crate::read;
use crate::schema::EVENTS;
use crate::table::DataFile;

/// Batches that wait for the reader of a file.
const WAITING_BATCHES: usize = 4;

/// A file to read, and where its batches go.
type Job<'a> = (&'a DataFile, SyncSender<Result<RecordBatch>>);

impl Lake {
    /// Gives every event to `sink`, with the columns of the event table or some of them (top level, in table order),
    /// until it answers `Break`. Rows come by day, then by path; those without a time come last.
    ///
    /// # Errors
    /// A file cannot be read.
    pub fn events(
        &self,
        columns: Option<&[&str]>,
        threads: usize,
        sink: &mut dyn FnMut(RecordBatch) -> ControlFlow<()>,
    ) -> Result<()> {
        let mut files = self.files(EVENTS)?;
        files.sort_by_key(|file| (file.event_date.is_none(), file.event_date));
        let threads = threads.clamp(1, files.len().max(1));
        let (jobs, queue) = sync_channel::<Job<'_>>(threads);
        let queue = Mutex::new(queue);
        std::thread::scope(|scope| {
            for _ in 0..threads {
                let work = || self.read_jobs(&queue, columns);
                std::thread::Builder::new()
                    .name("trailhound-read".to_owned())
                    .spawn_scoped(scope, work)
                    .map_err(|source| Error::Io { what: "no thread to read with".to_owned(), source })?;
            }
            in_order(&files, threads, jobs, sink)
        })
    }

    fn read_jobs(&self, queue: &Mutex<Receiver<Job<'_>>>, columns: Option<&[&str]>) {
        loop {
            let job = queue.lock().map(|queue| queue.recv());
            let Ok(Ok((file, sender))) = job else { return };
            let read =
                read::file(self, EVENTS, file, columns, &mut |batch| sender.send(Ok(batch)).map_err(|_| unread()));
            // An error that nobody waits for is that nobody waits.
            if let Err(error) = read {
                let _ = sender.send(Err(error));
            }
        }
    }
}

/// Hands out files to read, `ahead` of them before they are asked for, and gives their batches on in order.
fn in_order<'a>(
    files: &'a [DataFile],
    ahead: usize,
    jobs: SyncSender<Job<'a>>,
    sink: &mut dyn FnMut(RecordBatch) -> ControlFlow<()>,
) -> Result<()> {
    let mut waiting: VecDeque<Receiver<Result<RecordBatch>>> = VecDeque::new();
    let mut files = files.iter();
    loop {
        while waiting.len() < ahead {
            let Some(file) = files.next() else { break };
            let (sender, receiver) = sync_channel(WAITING_BATCHES);
            jobs.send((file, sender)).map_err(|_| unread())?;
            waiting.push_back(receiver);
        }
        let Some(batches) = waiting.pop_front() else { return Ok(()) };
        for batch in batches {
            if sink(batch?).is_break() {
                return Ok(());
            }
        }
    }
}

fn unread() -> Error {
    let source = std::io::Error::other("it stopped; please report this");
    Error::Io { what: "internal error: a thread that reads events".to_owned(), source }
}
