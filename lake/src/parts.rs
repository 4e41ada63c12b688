//! Rows of the tables beside `events`, as they lie in files: of `coverage`, `last_used` and `activity` parts, to be merged by
//! whoever reads them. Must not know what they mean.

use arrow::array::RecordBatch;

use crate::error::Result;
use crate::lake::Lake;
use crate::read;

impl Lake {
    /// Gives every row of a table to `sink`, file by file; none where the lake has no such table.
    ///
    /// # Errors
    /// A file cannot be read.
    pub fn parts(&self, table: &'static str, sink: &mut dyn FnMut(RecordBatch)) -> Result<()> {
        for file in self.files(table)? {
            read::file(self, table, &file, None, &mut |batch| {
                sink(batch);
                Ok(())
            })?;
        }
        Ok(())
    }
}
