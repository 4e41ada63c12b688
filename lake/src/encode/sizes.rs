//! What columns take before compression, by the footers of files that are there.
//!
//! A reader makes a decompressor for every compressed column of every file that it opens. For a column of few bytes that
//! takes longer than reading it, and a lake of many days has many files: such columns are left as they are.
//! Knows footers. Must not know tables or stores.

use std::collections::HashMap;

use bytes::Bytes;
use parquet::errors::Result;
use parquet::file::metadata::ParquetMetaDataReader;
use parquet::schema::types::ColumnPath;

/// A column of so few bytes a row is not compressed: codes of a dictionary, mostly.
const PLAIN_BYTES_A_ROW: u64 = 2;
/// A column of so few bytes in all is not compressed either.
const PLAIN_BYTES: u64 = 256;

/// Bytes of columns in some files, before compression.
#[derive(Debug, Default)]
pub(crate) struct Sizes {
    rows: u64,
    columns: HashMap<ColumnPath, u64>,
}

impl Sizes {
    /// Adds a file.
    ///
    /// # Errors
    /// It has no footer that can be read.
    pub(crate) fn note(&mut self, file: &Bytes) -> Result<()> {
        let metadata = ParquetMetaDataReader::new().parse_and_finish(file)?;
        for group in metadata.row_groups() {
            self.rows += group.num_rows().max(0).unsigned_abs();
            for column in group.columns() {
                let bytes = column.uncompressed_size().max(0).unsigned_abs();
                *self.columns.entry(column.column_path().clone()).or_default() += bytes;
            }
        }
        Ok(())
    }

    /// Columns that a file of the same rows need not compress.
    pub(super) fn plain(&self) -> impl Iterator<Item = &ColumnPath> {
        let most = PLAIN_BYTES.max(PLAIN_BYTES_A_ROW.saturating_mul(self.rows));
        self.columns.iter().filter(move |(_, bytes)| **bytes <= most).map(|(path, _)| path)
    }
}
