//! An answer: a schema and the batches that come after it, one by one.
//!
//! Nothing is collected here, so a `SELECT *` over a year flows through. Knows no output format.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::execution::SendableRecordBatchStream;
use futures::{FutureExt, StreamExt};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc::{Receiver, channel};

use crate::control::Control;
use crate::error::{Error, Result, explain, gave_up};

/// The rows of a query, as they come. Dropping it cancels the query.
pub struct Answer {
    schema: SchemaRef,
    stream: SendableRecordBatchStream,
    notes: Vec<String>,
}

impl Answer {
    pub(crate) fn new(stream: SendableRecordBatchStream, notes: Vec<String>) -> Self {
        Self { schema: stream.schema(), stream, notes }
    }

    /// How names of the query were taken that are no table's: `my_trail` is read as cloudtrail_logs.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Columns of the answer, known before the first row.
    pub fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    /// The next batch, or `None` at the end. Put a timeout around this call, and drop the answer when it is over.
    ///
    /// # Errors
    /// The source of the events failed, the memory limit was reached where nothing can be spilled, or a value
    /// could not be computed.
    pub async fn next(&mut self) -> Result<Option<RecordBatch>> {
        self.stream.next().await.transpose().map_err(explain)
    }

    /// All batches that are left. For answers known to be small: memory grows with the answer.
    ///
    /// # Errors
    /// As [`Answer::next`].
    pub async fn collect(mut self) -> Result<Vec<RecordBatch>> {
        let mut batches = Vec::new();
        while let Some(batch) = self.next().await? {
            batches.push(batch);
        }
        Ok(batches)
    }
}

/// What the task that runs a query says. An explicit end tells a finished query from one that gave up.
enum Message {
    Batch(Result<RecordBatch>),
    End,
}

/// An [`Answer`] for callers without a runtime: an iterator over batches. Dropping it cancels the query.
///
/// The query runs on threads of its own, so whatever it is busy with, its time or a wish for its end is kept here.
pub struct BlockingAnswer {
    schema: SchemaRef,
    notes: Vec<String>,
    messages: Receiver<Message>,
    control: Control,
    ended: bool,
    /// Whether it was ended from outside.
    hurried: bool,
    runtime: Option<Runtime>,
    /// The clock is not the query's: its threads may all be too busy to look at one.
    waiter: Runtime,
}

/// Threads of a query that was dropped are given this long to give back their memory and what they spilled.
const FAREWELL: Duration = Duration::from_secs(5);

/// The same where somebody waits for the end. What is in the middle of a long batch is left behind: it ends with that
/// batch, or with the process.
const SHORT_FAREWELL: Duration = Duration::from_millis(500);

/// Leaves the threads of a query that was ended.
pub(crate) fn leave(runtime: Runtime, error: &Error) {
    let is_short = matches!(error, Error::Timeout(_) | Error::Cancelled);
    runtime.shutdown_timeout(if is_short { SHORT_FAREWELL } else { FAREWELL });
}

impl BlockingAnswer {
    pub(crate) fn new(runtime: Runtime, mut answer: Answer, control: Control) -> Result<Self> {
        let waiter = Builder::new_current_thread()
            .enable_time()
            .build()
            .map_err(|error| Error::Setup(format!("no clock to run the query by: {error}")))?;
        let (schema, notes) = (answer.schema(), answer.notes.clone());
        let (sender, messages) = channel(1);
        runtime.spawn(async move {
            loop {
                // The engine may give up on a value by panicking (a text of gigabytes): an error of the query, and no more.
                let message = match AssertUnwindSafe(answer.next()).catch_unwind().await {
                    Ok(Ok(Some(batch))) => Message::Batch(Ok(batch)),
                    Ok(Ok(None)) => Message::End,
                    Ok(Err(error)) => Message::Batch(Err(error)),
                    Err(payload) => Message::Batch(Err(gave_up(payload.as_ref()))),
                };
                let goes_on = matches!(message, Message::Batch(Ok(_)));
                if sender.send(message).await.is_err() || !goes_on {
                    break;
                }
            }
        });
        Ok(Self { schema, notes, messages, control, ended: false, hurried: false, runtime: Some(runtime), waiter })
    }

    /// Columns of the answer, known before the first row.
    pub fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    /// As [`Answer::notes`].
    pub fn notes(&self) -> &[String] {
        &self.notes
    }
}

impl Iterator for BlockingAnswer {
    type Item = Result<RecordBatch>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let (messages, control) = (&mut self.messages, &self.control);
        let message = self.waiter.block_on(control.guard(async { Ok(messages.recv().await) }));
        let item = match message {
            Ok(Some(Message::Batch(batch))) => Some(batch),
            Ok(Some(Message::End)) => None,
            Ok(None) => Some(Err(Error::Run("the engine gave up on a value of this query".to_owned()))),
            Err(error) => Some(Err(error)),
        };
        self.hurried = matches!(item, Some(Err(Error::Timeout(_) | Error::Cancelled)));
        self.ended = !matches!(item, Some(Ok(_)));
        item
    }
}

impl Drop for BlockingAnswer {
    fn drop(&mut self) {
        self.messages.close();
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_timeout(if self.hurried { SHORT_FAREWELL } else { FAREWELL });
        }
    }
}
