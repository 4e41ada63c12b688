//! Rows into the lake, on a thread of its own: the rules go on while a commit waits for a disk or a bucket.
//!
//! Knows one order: rows, then the commit with which they and the rules' state stand, then the messages are deleted. Deletion
//! has a thread too: a commit's messages are hundreds of requests, and the next rows need not wait for them.

use std::sync::mpsc::{Receiver, SyncSender};
use std::time::Instant;

use ::aws::Queue;
use ::deliver::{Outbox, fault};
use ::ingest::pipeline::Sink;
use ::ingest::reject::ObjectTotals;
use arrow::array::RecordBatch;
use lake::{Ingest, Lake, State};

use super::families::{COMMIT_SECONDS, COMMITS, COMMITTED_AT, EXTENSIONS, MESSAGES, QUEUE_BYTES, TO_ROW};
use super::metrics::Metrics;
use super::room::Room;
use crate::commands::ingest::Fold;
use crate::outcome::Failure;

/// Work that waits: a batch or an object each, mostly; how much memory that is, is for [`Room`] to say.
pub(super) const WAITING: usize = 16_384;
/// Commits whose messages wait for their deletion.
pub(super) const UNDELETED: usize = 64;

/// What there is to do, in order.
pub(super) enum Work {
    Rows(RecordBatch),
    Object(Box<ObjectTotals>),
    Alerts(RecordBatch),
    Commit {
        state: State,
        /// Up to which note the rows tell what the outbox noted.
        noted: i64,
        /// Messages that may be deleted then.
        finished: Vec<String>,
    },
}

/// The way to the keeper.
pub(super) struct Sender<'a> {
    pub(super) work: SyncSender<Work>,
    pub(super) room: &'a Room,
    pub(super) metrics: &'a Metrics,
}

impl Sender<'_> {
    /// Hands work over; waits while there is much. False if the keeper has given up: its own error says why.
    pub(super) fn send(&self, work: Work) -> bool {
        if let Work::Rows(batch) = &work {
            let bytes = self.room.take(size(batch));
            self.metrics.set(QUEUE_BYTES, &[], bytes as f64);
        }
        self.work.send(work).is_ok()
    }
}

fn size(batch: &RecordBatch) -> u64 {
    batch.get_array_memory_size() as u64
}

/// What the keeper works with.
pub(super) struct Keeper<'a> {
    pub(super) lake: &'a mut Lake,
    pub(super) threads: usize,
    pub(super) room: &'a Room,
    pub(super) outbox: &'a Outbox,
    /// Where messages go whose rows stand.
    pub(super) finished: Option<SyncSender<Vec<String>>>,
    pub(super) metrics: &'a Metrics,
}

/// Does the work until nobody has any. What was not committed by then is given up: it will be read again.
///
/// # Errors
/// The lake cannot take rows.
pub(super) fn keep(keeper: Keeper<'_>, work: Receiver<Work>) -> Result<(), Failure> {
    let room = keeper.room;
    let result = take(keeper, &work);
    // Whoever waits for room finds that nobody is here, in this order.
    drop(work);
    room.close();
    result
}

fn take(keeper: Keeper<'_>, work: &Receiver<Work>) -> Result<(), Failure> {
    let Keeper { lake, threads, room, outbox, finished: deletions, metrics } = keeper;
    let mut fold = Fold::new();
    let mut ingest = Ingest::begin(lake, &mut fold, threads)?;
    // The latest event of each object since the last commit, microseconds.
    let mut latest: Vec<i64> = Vec::new();
    for work in work {
        match work {
            Work::Rows(batch) => {
                metrics.set(QUEUE_BYTES, &[], room.give(size(&batch)) as f64);
                let times = ::ingest::batch::timestamp(&batch, "eventtime");
                latest.extend(times.and_then(|times| arrow::compute::max(&times)));
                if ingest.batch(batch).is_break() {
                    // It says why.
                    return Ok(ingest.checkpoint(None)?);
                }
            }
            Work::Object(totals) => ingest.object(&totals),
            Work::Alerts(rows) => ingest.alerts(rows),
            Work::Commit { state, noted, finished } => {
                let begun = Instant::now();
                let before = ingest.outcome().commits;
                ingest.checkpoint(Some(state))?;
                fault::point("watch.committed");
                if ingest.outcome().commits > before {
                    committed(begun, &mut latest, metrics);
                }
                outbox.keep_notes(noted, ::deliver::now())?;
                fault::point("watch.noted");
                if let Some(deletions) = &deletions {
                    // Who deletes ends after us.
                    let _ = deletions.send(finished);
                }
            }
        }
    }
    Ok(())
}

fn committed(begun: Instant, latest: &mut Vec<i64>, metrics: &Metrics) {
    let now = ::deliver::now();
    metrics.add(COMMITS, &[], 1);
    metrics.observe(COMMIT_SECONDS, begun.elapsed().as_secs_f64(), 1);
    metrics.set(COMMITTED_AT, &[], now as f64 / 1e6);
    for time in latest.drain(..) {
        metrics.observe(TO_ROW, now.saturating_sub(time) as f64 / 1e6, 1);
    }
    tracing::debug!(seconds = begun.elapsed().as_secs_f64(), "committed");
}

/// Deletes messages whose rows stand, until there are no more commits.
pub(super) fn delete_all(queue: &Queue, finished: &Receiver<Vec<String>>, metrics: &Metrics) {
    for finished in finished {
        delete(queue, &finished, metrics);
    }
}

/// Deletes messages. One that stays comes again, and counts once.
fn delete(queue: &Queue, finished: &[String], metrics: &Metrics) {
    metrics.set(EXTENSIONS, &[], queue.extensions() as f64);
    if finished.is_empty() {
        return;
    }
    let left = match queue.delete(finished) {
        Ok(left) => left,
        Err(error) => {
            tracing::warn!(%error, "messages were not deleted; they come again, and count once");
            finished.len() as u64
        }
    };
    metrics.add(MESSAGES, &[("result", "undeleted")], left);
    metrics.add(MESSAGES, &[("result", "deleted")], (finished.len() as u64).saturating_sub(left));
    fault::point("watch.deleted");
}
