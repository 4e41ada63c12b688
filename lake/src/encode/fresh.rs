//! Files of a table written as events come: whole row groups, each from the batches of one day.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use parquet::file::writer::SerializedFileWriter;

use super::groups::{Groups, Reader};
use super::{Encoded, Times, without_partition};
use crate::error::{Error, Result};
use crate::schema::PARTITION;

/// Writes files of one table.
pub(crate) struct FreshWriter {
    table: &'static str,
    /// Positions of the columns that are written.
    stored: Vec<usize>,
    groups: Groups,
}

/// A file while it grows, in memory.
pub(crate) struct FreshFile {
    writer: SerializedFileWriter<Vec<u8>>,
    rows: u64,
    times: Times,
}

impl FreshWriter {
    /// For batches of this schema; the column of the partition is not written.
    pub(crate) fn new(table: &'static str, schema: &SchemaRef) -> Result<FreshWriter> {
        let stored = (0..schema.fields().len()).filter(|n| schema.field(*n).name() != PARTITION).collect();
        let groups = Groups::new(&without_partition(schema), Reader::Lake).map_err(Error::encode(table))?;
        Ok(FreshWriter { table, stored, groups })
    }

    /// An empty file.
    pub(crate) fn file(&self) -> Result<FreshFile> {
        let writer = self.groups.file(Vec::new()).map_err(Error::encode(self.table))?;
        Ok(FreshFile { writer, rows: 0, times: Times::default() })
    }

    /// Adds rows to a file, as one row group.
    pub(crate) fn row_group(&mut self, file: &mut FreshFile, parts: &[RecordBatch]) -> Result<()> {
        for part in parts {
            file.times.note(part, file.rows);
            file.rows += part.num_rows() as u64;
        }
        let stored = self.stored.iter().copied();
        self.groups.append(&mut file.writer, parts, stored).map_err(Error::encode(self.table))
    }
}

impl FreshFile {
    /// Bytes that it has so far.
    pub(crate) fn bytes(&self) -> usize {
        self.writer.bytes_written()
    }

    /// Ends the file.
    pub(crate) fn finish(self, table: &'static str) -> Result<Encoded> {
        let bytes = self.writer.into_inner().map_err(Error::encode(table))?;
        Ok(Encoded { bytes, rows: self.rows, times: self.times.span() })
    }
}
