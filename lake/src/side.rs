//! The rows of a table beside `events`, as they stand: small tables, read file by file. Must not know what they are for.

use arrow::array::RecordBatch;

use crate::error::Result;
use crate::lake::Lake;
use crate::read;

impl Lake {
    /// Gives every row of a table beside `events` to `sink`, with all of its columns or some of them, in no particular
    /// order. The rows are those that each batch of an ingest added: whoever asks merges them.
    ///
    /// # Errors
    /// A file cannot be read.
    pub fn rows(&self, table: &'static str, columns: Option<&[&str]>, sink: &mut dyn FnMut(RecordBatch)) -> Result<()> {
        for file in self.files(table)? {
            read::file(self, table, &file, columns, &mut |batch| {
                sink(batch);
                Ok(())
            })?;
        }
        Ok(())
    }
}
