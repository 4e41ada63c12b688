//! Rows to Parquet files: layout, compression, and the figures that the log keeps of a file.
//!
//! [`FileWriter`] is the stock writer with our layouts; [`groups`] writes rows as they come, several times cheaper, for the
//! lake ([`fresh`]) and for whoever asked ([`answer`]), with [`slots`] (nested rows), [`leaf`] (a column's values), [`texts`],
//! [`hybrid`] (packed numbers) and [`chunk`] (pages).
//! [`sizes`] says which columns of a sorted file are worth a compression.
//! Knows Parquet. Must not know tables' meaning, stores or commits.

pub(crate) mod answer;
pub(crate) mod fresh;

mod chunk;
mod groups;
mod hybrid;
mod leaf;
mod sizes;
mod slots;
#[cfg(test)]
mod tests;
mod texts;

use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::{max, min};
use arrow::datatypes::{SchemaRef, TimestampMicrosecondType};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesBuilder};
use parquet::schema::types::ColumnPath;

pub(crate) use self::sizes::Sizes;
use crate::error::{Error, Result};
use crate::schema::PARTITION;

/// How a file is laid out.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Layout<'a> {
    /// Written as events come: many small files, to be compacted.
    Fresh,
    /// Written once, read often: sorted, larger row groups, filters for needles; for rows that take so much.
    Compact(&'a Sizes),
}

/// A page of a sorted file ends at so many bytes: a question that wants a few rows of a long column inflates whole pages.
const PAGE_BYTES: usize = 32 << 10;
/// Values between two looks at how large a page is.
const PAGE_STEP: usize = 256;

/// Who wrote a file.
const CREATED_BY: &str = concat!("trailhound ", env!("CARGO_PKG_VERSION"));

/// Columns that a needle is looked for in: each row group says whether it may hold a value.
pub const NEEDLES: &[&[&str]] =
    &[&["eventid"], &["useridentity", "accesskeyid"], &["principal"], &["sourceipaddress"], &["object"]];

/// Columns whose values hardly ever repeat: a dictionary of them would cost and save nothing.
const UNIQUE: &[&str] = &[
    "eventid",
    "requestid",
    "sharedeventid",
    "requestparameters",
    "responseelements",
    "additionaleventdata",
    "serviceeventdetails",
    "extra",
    "sha256",
    "raw",
];

/// Those of them that are random identifiers.
const RANDOM: &[&str] = &["eventid", "requestid", "sharedeventid"];

/// Columns that questions cut by: pages of them say what they hold, so that whole pages can be passed over.
const CUT_BY: &[&str] = &[
    "eventtime",
    "eventsource",
    "eventname",
    "eventid",
    "recipientaccountid",
    "awsregion",
    "sourceipaddress",
    "principal",
];

impl Layout<'_> {
    fn properties(self) -> WriterProperties {
        // A filter is made for the most distinct values, then folded to what came.
        let (level, row_group_rows, distinct) = match self {
            Layout::Fresh => (1, 128 << 10, 16 << 10),
            Layout::Compact(_) => (3, 256 << 10, 256 << 10),
        };
        let mut builder = WriterProperties::builder()
            .set_created_by(CREATED_BY.to_owned())
            .set_compression(Compression::ZSTD(ZstdLevel::try_new(level).unwrap_or_default()))
            .set_max_row_group_row_count(Some(row_group_rows))
            .set_data_page_row_count_limit(8192)
            .set_dictionary_page_size_limit(256 << 10)
            .set_statistics_enabled(EnabledStatistics::Chunk);
        if let Layout::Compact(sizes) = self {
            builder = builder.set_data_page_size_limit(PAGE_BYTES).set_write_batch_size(PAGE_STEP);
            for path in sizes.plain() {
                builder = builder.set_column_compression(path.clone(), Compression::UNCOMPRESSED);
            }
        }
        for name in UNIQUE {
            builder = builder.set_column_dictionary_enabled(column(&[name]), false);
        }
        for name in CUT_BY {
            builder = builder.set_column_statistics_enabled(column(&[name]), EnabledStatistics::Page);
        }
        NEEDLES.iter().fold(builder, |builder, path| filter(builder, path, distinct)).build()
    }
}

fn column(path: &[&str]) -> ColumnPath {
    ColumnPath::new(path.iter().map(|part| (*part).to_owned()).collect())
}

fn filter(builder: WriterPropertiesBuilder, path: &[&str], distinct: u64) -> WriterPropertiesBuilder {
    builder.set_column_bloom_filter_fpp(column(path), 0.01).set_column_bloom_filter_max_ndv(column(path), distinct)
}

/// One file while it grows, in memory: encoded and compressed, but for the rows of the row group that is open.
pub(crate) struct FileWriter {
    table: &'static str,
    writer: ArrowWriter<Vec<u8>>,
    rows: u64,
    times: Times,
}

/// Smallest and greatest `eventtime` of the rows of a file, while they come.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Times(Option<(i64, i64)>);

impl Times {
    /// Adds a batch to a file of so many rows before.
    pub(crate) fn note(&mut self, batch: &RecordBatch, before: u64) {
        let Some(times) =
            batch.column_by_name("eventtime").and_then(|c| c.as_primitive_opt::<TimestampMicrosecondType>())
        else {
            return;
        };
        // A file with a row without a time says nothing about its times, so that nobody passes it over.
        if times.null_count() > 0 {
            self.0 = None;
            return;
        }
        if let (Some(first), Some(last)) = (min(times), max(times)) {
            self.0 = match self.0 {
                Some((a, b)) => Some((a.min(first), b.max(last))),
                None if before == 0 => Some((first, last)),
                None => None,
            };
        }
    }

    pub(crate) fn span(self) -> Option<(i64, i64)> {
        self.0
    }
}

/// An encoded file.
#[derive(Debug)]
pub(crate) struct Encoded {
    pub(crate) bytes: Vec<u8>,
    pub(crate) rows: u64,
    /// Smallest and greatest `eventtime`.
    pub(crate) times: Option<(i64, i64)>,
}

impl FileWriter {
    /// An empty file for batches of this schema; the column of the partition is not written.
    pub(crate) fn new(table: &'static str, schema: &SchemaRef, layout: Layout<'_>) -> Result<FileWriter> {
        let schema = without_partition(schema);
        let writer =
            ArrowWriter::try_new(Vec::new(), schema, Some(layout.properties())).map_err(Error::encode(table))?;
        Ok(FileWriter { table, writer, rows: 0, times: Times::default() })
    }

    /// Adds rows.
    pub(crate) fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        self.times.note(batch, self.rows);
        self.rows += batch.num_rows() as u64;
        self.append(batch).map_err(Error::encode(self.table))
    }

    fn append(&mut self, batch: &RecordBatch) -> std::result::Result<(), ParquetError> {
        match batch.schema_ref().index_of(PARTITION) {
            Ok(index) => {
                let mut batch = batch.clone();
                batch.remove_column(index);
                self.writer.write(&batch)
            }
            Err(_) => self.writer.write(batch),
        }
    }

    /// Bytes that the file would have if it ended now, roughly.
    pub(crate) fn bytes(&self) -> usize {
        self.writer.in_progress_size() + self.writer.bytes_written()
    }

    /// Ends the file.
    pub(crate) fn finish(self) -> Result<Encoded> {
        let (table, rows, times) = (self.table, self.rows, self.times.span());
        let bytes = self.writer.into_inner().map_err(Error::encode(table))?;
        Ok(Encoded { bytes, rows, times })
    }
}

/// Memory of the rows of a batch, in bytes. Of memory that it shares with other batches, what is its own.
pub(crate) fn memory(batch: &RecordBatch) -> usize {
    let size = |column: &arrow::array::ArrayRef| {
        column.to_data().get_slice_memory_size().unwrap_or_else(|_| column.get_array_memory_size())
    };
    batch.columns().iter().map(size).sum()
}

/// The columns that a file of the table holds.
pub(crate) fn without_partition(schema: &SchemaRef) -> SchemaRef {
    let fields: Vec<_> = schema.fields().iter().filter(|field| field.name() != PARTITION).cloned().collect();
    Arc::new(arrow::datatypes::Schema::new(fields))
}
