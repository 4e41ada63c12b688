//! An answer: a schema and the batches that come after it, one by one.
//!
//! Nothing is collected here, so a `SELECT *` over a year flows through. Knows no output format.

use std::panic::{AssertUnwindSafe, catch_unwind};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::execution::SendableRecordBatchStream;
use futures::StreamExt;
use tokio::runtime::Runtime;

use crate::error::{Error, Result, explain};

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

/// An [`Answer`] for callers without a runtime: an iterator over batches. Dropping it cancels the query.
pub struct BlockingAnswer {
    // Order matters: the stream goes before the runtime that runs it.
    answer: Answer,
    runtime: Runtime,
}

impl BlockingAnswer {
    pub(crate) fn new(runtime: Runtime, answer: Answer) -> Self {
        Self { answer, runtime }
    }

    /// Columns of the answer, known before the first row.
    pub fn schema(&self) -> SchemaRef {
        self.answer.schema()
    }

    /// As [`Answer::notes`].
    pub fn notes(&self) -> &[String] {
        self.answer.notes()
    }
}

impl Iterator for BlockingAnswer {
    type Item = Result<RecordBatch>;

    /// The engine may give up on a value by panicking (a text of gigabytes): an error of the query, and no more.
    fn next(&mut self) -> Option<Self::Item> {
        let next = AssertUnwindSafe(|| self.runtime.block_on(self.answer.next()).transpose());
        let gave_up = || Error::Run("the engine gave up on a value of this query".to_owned());
        catch_unwind(next).unwrap_or_else(|_| Some(Err(gave_up())))
    }
}
