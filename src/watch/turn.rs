//! One turn: some objects through the pipeline, each batch to the rules first and then on its way into the lake.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use ::ingest::pipeline::Sink;
use ::ingest::reject::{Error as ScanError, ObjectTotals};
use ::ingest::seen::Seen;
use arrow::array::RecordBatch;
use lake::Prime;

use super::families::{BYTES_READ, OBJECTS, RECORDS, REJECTED};
use super::have::Have;
use super::judge::Judge;
use super::keeper::{Sender, Work};
use super::metrics::Metrics;
use crate::commands::ingest::queue::is_refused;
use crate::intake::next_step;
use crate::outcome::Failure;
use crate::stop::Stop;

/// Takes what one scan gives.
pub(super) struct Turn<'a, 'b> {
    pub(super) judge: &'a mut Judge<'b>,
    pub(super) prime: &'a mut Prime,
    pub(super) keeper: &'a Sender<'b>,
    pub(super) have: &'a Have,
    pub(super) metrics: &'a Metrics,
    pub(super) stop: &'a Stop,
    /// When the oldest message behind it came.
    pub(super) sent: Option<i64>,
    pub(super) rows: u64,
    /// Objects that were read, and those of which nothing could be.
    pub(super) good: BTreeSet<String>,
    pub(super) bad: BTreeSet<String>,
    /// Why it ended early.
    pub(super) failure: Option<Failure>,
    /// Whether the keeper has given up.
    pub(super) gone: bool,
}

impl Turn<'_, '_> {
    fn send(&mut self, work: Work) -> ControlFlow<()> {
        if self.keeper.send(work) {
            return ControlFlow::Continue(());
        }
        self.gone = true;
        ControlFlow::Break(())
    }

    fn count(&self, object: &ObjectTotals) {
        let result = if is_refused(object) { "failed" } else { "read" };
        self.metrics.add(OBJECTS, &[("result", result)], 1);
        self.metrics.add(BYTES_READ, &[], object.bytes_read);
        for (result, count) in [("row", object.rows), ("duplicate", object.duplicates), ("rejected", object.rejected)] {
            self.metrics.add(RECORDS, &[("result", result)], count);
        }
        for (reason, (count, detail)) in &object.reasons {
            self.metrics.add(REJECTED, &[("reason", reason.name())], *count);
            let next = next_step(*reason, &object.object).unwrap_or_default();
            let (object, reason) = (&object.object, reason.name());
            tracing::warn!(%object, %reason, count, %detail, %next, "records were refused");
        }
    }
}

impl Sink for Turn<'_, '_> {
    fn before(&mut self, batch: &RecordBatch, seen: &mut Seen) -> Result<(), ScanError> {
        self.prime.tell(batch, seen).map_err(|error| ScanError::Sink(Box::new(error)))
    }

    fn batch(&mut self, batch: RecordBatch) -> ControlFlow<()> {
        self.judge.observe(&batch);
        self.rows += batch.num_rows() as u64;
        self.send(Work::Rows(batch))
    }

    fn object(&mut self, totals: &ObjectTotals) {
        self.count(totals);
        self.have.note(totals);
        let list = if is_refused(totals) { &mut self.bad } else { &mut self.good };
        list.insert(totals.object.clone());
        // A keeper that has gone is found with the next batch, or at the end of the turn.
        self.gone |= !self.keeper.send(Work::Object(Box::new(totals.clone())));
    }

    fn knows_nameless(&self) -> bool {
        true
    }

    fn whole(&mut self) -> ControlFlow<()> {
        // Alerts leave as soon as whole objects are judged, and not when a commit stands.
        if let Err(failure) = self.judge.tell(self.sent) {
            self.failure = Some(failure);
            return ControlFlow::Break(());
        }
        if self.gone || self.stop.is_asked() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}
