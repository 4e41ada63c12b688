//! The table `events`: a stream of event batches that is opened anew for every scan.
//!
//! A scan runs its source on a thread of its own and takes the batches through a small bounded channel, so that
//! memory stays the same for one file and for a year of them. When the reader goes away (`LIMIT` reached, query
//! cancelled) the source is told to stop at its next batch. Knows nothing of what the source reads.

use std::fmt;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::thread;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::streaming::StreamingTable;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::{DataFusionError, Result as DataFusionResult};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::PartitionStream;
use tokio::sync::mpsc::{Receiver, channel};

use crate::days::{Days, is_about_time};
use crate::error::InputFailure;

/// Name of the table of all events, with real types and derived columns.
pub const EVENTS: &str = "events";

/// Batches that may wait between the source and the query.
///
/// One to work on while the next is made; more would only hold more memory.
const WAITING_BATCHES: usize = 2;

/// Where the rows of `events` come from. Each scan of the table opens it once, and a query may scan twice (a self
/// join), at the same time and from two threads.
///
/// Whoever implements this must not hold a shared pool's threads while `sink` blocks: the query may read two scans
/// one after the other, and the second waits until it is read.
pub trait EventStream: Send + Sync {
    /// Gives every batch to `sink`, and stops as soon as it answers `Break`. Batches have
    /// [`ingest::schema::event_schema`]. Called on a thread of its own; `sink` blocks while the query is busy. What was
    /// delivered on days that are not in `days` may be left out: the query filters what it gets in any case.
    ///
    /// # Errors
    /// The reason, as a sentence for the user, when the source cannot be read; the query fails with it.
    fn open(
        &self,
        days: &Days,
        sink: &mut dyn FnMut(RecordBatch) -> ControlFlow<()>,
    ) -> std::result::Result<(), String>;
}

/// Batches in memory: for tests, and for questions about few events.
impl EventStream for Vec<RecordBatch> {
    fn open(
        &self,
        _days: &Days,
        sink: &mut dyn FnMut(RecordBatch) -> ControlFlow<()>,
    ) -> std::result::Result<(), String> {
        for batch in self {
            if sink(batch.clone()).is_break() {
                break;
            }
        }
        Ok(())
    }
}

/// The table over a source of events.
pub(crate) fn events_table(events: Arc<dyn EventStream>) -> Arc<dyn TableProvider> {
    Arc::new(Events { schema: ingest::schema::event_schema(), events })
}

/// The table.
struct Events {
    schema: SchemaRef,
    events: Arc<dyn EventStream>,
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events").finish_non_exhaustive()
    }
}

#[async_trait]
impl TableProvider for Events {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> DataFusionResult<Vec<TableProviderFilterPushDown>> {
        let answer = |filter: &&Expr| match is_about_time(filter) {
            true => TableProviderFilterPushDown::Inexact,
            false => TableProviderFilterPushDown::Unsupported,
        };
        Ok(filters.iter().map(answer).collect())
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> DataFusionResult<Arc<dyn ExecutionPlan>> {
        let days = Days::of(filters, &self.schema, state)?;
        let scan = Arc::new(Scan { schema: self.schema.clone(), events: self.events.clone(), days });
        StreamingTable::try_new(self.schema.clone(), vec![scan])?.scan(state, projection, &[], limit).await
    }
}

/// One scan of the table, to be started when its stream is first read.
struct Scan {
    schema: SchemaRef,
    events: Arc<dyn EventStream>,
    days: Days,
}

impl fmt::Debug for Scan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scan").finish_non_exhaustive()
    }
}

impl PartitionStream for Scan {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _context: Arc<TaskContext>) -> SendableRecordBatchStream {
        let reader =
            Reader { schema: self.schema.clone(), state: State::Closed(self.events.clone(), self.days.clone()) };
        let batches = futures::stream::unfold(reader, |mut reader: Reader| async move {
            let item = reader.next().await?;
            Some((item, reader))
        });
        Box::pin(RecordBatchStreamAdapter::new(self.schema.clone(), batches))
    }
}

/// What the source's thread says. An explicit end tells a finished source from one whose thread died.
enum Message {
    Batch(RecordBatch),
    End(std::result::Result<(), String>),
}

enum State {
    Closed(Arc<dyn EventStream>, Days),
    Open(Receiver<Message>),
    Done,
}

/// The reading end of a scan. Dropping it closes the channel, which stops the source.
struct Reader {
    schema: SchemaRef,
    state: State,
}

impl Reader {
    async fn next(&mut self) -> Option<DataFusionResult<RecordBatch>> {
        if let State::Closed(events, days) = &self.state {
            match start(events.clone(), days.clone()) {
                Ok(receiver) => self.state = State::Open(receiver),
                Err(reason) => return self.fail(reason),
            }
        }
        let State::Open(receiver) = &mut self.state else {
            return None;
        };
        match receiver.recv().await {
            Some(Message::Batch(batch)) if batch.schema_ref().fields() == self.schema.fields() => Some(Ok(batch)),
            Some(Message::Batch(_)) => {
                self.fail("a batch of events does not have the columns of the event table".into())
            }
            Some(Message::End(Ok(()))) => {
                self.state = State::Done;
                None
            }
            Some(Message::End(Err(reason))) => self.fail(reason),
            None => self.fail("the thread that reads the events stopped without an answer".into()),
        }
    }

    fn fail(&mut self, reason: String) -> Option<DataFusionResult<RecordBatch>> {
        self.state = State::Done;
        Some(Err(DataFusionError::External(Box::new(InputFailure(reason)))))
    }
}

fn start(events: Arc<dyn EventStream>, days: Days) -> std::result::Result<Receiver<Message>, String> {
    let (sender, receiver) = channel(WAITING_BATCHES);
    let read = move || {
        let end = events.open(&days, &mut |batch| match sender.blocking_send(Message::Batch(batch)) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        });
        // Nobody listens any more after a LIMIT; then there is nobody to tell.
        let _ = sender.blocking_send(Message::End(end));
    };
    thread::Builder::new()
        .name("trailhound-events".into())
        .spawn(read)
        .map_err(|e| format!("no thread to read the events with: {e}"))?;
    Ok(receiver)
}
