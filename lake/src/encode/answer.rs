//! Rows of an answer to one Parquet file, for whoever asked for them.
//!
//! Knows no table and no store: it is given batches and somewhere to write.

use std::io::Write;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use parquet::errors::Result;
use parquet::file::writer::SerializedFileWriter;

use super::groups::{Groups, Reader};

/// Rows of a row group, and memory of rows that wait for one: a file of wide rows has smaller groups.
const GROUP_ROWS: usize = 64 << 10;
const WAITING_BYTES: usize = 64 << 20;

/// A file of rows that have the types of events, several times cheaper than the stock writer's.
///
/// Columns whose values repeat are dictionaries and say their smallest and greatest value; all are zstd, level 1.
pub struct AnswerFile<W: Write + Send> {
    groups: Groups,
    file: SerializedFileWriter<W>,
    columns: usize,
    waiting: Vec<RecordBatch>,
    rows: usize,
    bytes: usize,
}

impl<W: Write + Send> AnswerFile<W> {
    /// Whether rows of this schema can be written: texts, whole numbers of eight bytes, truth values, days, times in
    /// microseconds, structs and lists of them, all of which may be null.
    pub fn is_for(schema: &SchemaRef) -> bool {
        Groups::know(schema)
    }

    /// Begins a file.
    ///
    /// # Errors
    /// A column of another type, or what writing gives.
    pub fn new(schema: &SchemaRef, out: W) -> Result<AnswerFile<W>> {
        let groups = Groups::new(schema, Reader::Anybody)?;
        let file = groups.file(out)?;
        Ok(AnswerFile { groups, file, columns: schema.fields().len(), waiting: Vec::new(), rows: 0, bytes: 0 })
    }

    /// Adds rows. They wait, as they are, until there are enough of them.
    ///
    /// # Errors
    /// What writing gives.
    pub fn write(&mut self, batch: RecordBatch) -> Result<()> {
        self.rows += batch.num_rows();
        self.bytes += batch.get_array_memory_size();
        self.waiting.push(batch);
        if self.rows >= GROUP_ROWS || self.bytes >= WAITING_BYTES { self.end_group() } else { Ok(()) }
    }

    /// Ends the file.
    ///
    /// # Errors
    /// What writing gives.
    pub fn finish(mut self) -> Result<W> {
        self.end_group()?;
        self.file.into_inner()
    }

    fn end_group(&mut self) -> Result<()> {
        if std::mem::take(&mut self.rows) > 0 {
            self.groups.append(&mut self.file, &self.waiting, 0..self.columns)?;
        }
        self.waiting.clear();
        self.bytes = 0;
        Ok(())
    }
}
