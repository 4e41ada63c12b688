//! Rows as Parquet: one file, zstd, types as they are.
//!
//! Rows with the types of events are written as a lake writes them, on a thread of its own ([`apart`]); the stock writer,
//! which takes twice as long as reading the logs, has the rest.

mod apart;

use std::io::{self, Write};

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, SchemaRef};
use lake::AnswerFile;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;

use self::apart::Apart;
use super::RowSink;

/// A row group is held in memory until it is full, so it is kept small enough for wide rows of JSON text.
const ROW_GROUP_ROWS_MAX: usize = 128 * 1024;
const ROW_GROUP_BYTES_MAX: usize = 64 * 1024 * 1024;

pub(super) struct ParquetRows<'a> {
    file: Way<'a>,
    schema: SchemaRef,
    rows: u64,
}

/// Who writes the file.
enum Way<'a> {
    Apart(Apart, &'a mut (dyn Write + Send)),
    Stock(Box<ArrowWriter<&'a mut (dyn Write + Send)>>),
}

impl<'a> ParquetRows<'a> {
    pub(super) fn new(out: &'a mut (dyn Write + Send), schema: SchemaRef, is_terminal: bool) -> io::Result<Self> {
        super::refuse_terminal(is_terminal, "parquet", "rows.parquet")?;
        if let Some(field) = schema.fields().iter().find(|field| has_span(field.data_type())) {
            let text = format!(
                "Parquet has no type for the span of time in the column `{}`; make it a number or a text: date_diff('second', \
                 a, b), CAST(x AS varchar)",
                field.name()
            );
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
        let file = match AnswerFile::<Vec<u8>>::is_for(&schema) {
            true => Way::Apart(Apart::start(&schema)?, out),
            false => Way::Stock(Box::new(stock(out, &schema)?)),
        };
        Ok(ParquetRows { file, schema, rows: 0 })
    }
}

fn stock<'a>(
    out: &'a mut (dyn Write + Send),
    schema: &SchemaRef,
) -> io::Result<ArrowWriter<&'a mut (dyn Write + Send)>> {
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS_MAX))
        .set_max_row_group_bytes(Some(ROW_GROUP_BYTES_MAX))
        .set_created_by(concat!("trailhound ", env!("CARGO_PKG_VERSION")).to_owned())
        .build();
    ArrowWriter::try_new(out, schema.clone(), Some(properties)).map_err(parquet_error)
}

/// Whether a type is, or holds, a span of months, days and nanoseconds.
fn has_span(data_type: &DataType) -> bool {
    match data_type {
        DataType::Interval(_) => true,
        DataType::List(field) | DataType::LargeList(field) | DataType::Map(field, _) => has_span(field.data_type()),
        DataType::Struct(fields) => fields.iter().any(|field| has_span(field.data_type())),
        _ => false,
    }
}

impl RowSink for ParquetRows<'_> {
    fn batch(&mut self, batch: &RecordBatch) -> io::Result<()> {
        let batch = super::under(&self.schema, batch)?;
        self.rows += u64::try_from(batch.num_rows()).unwrap_or(u64::MAX);
        match &mut self.file {
            Way::Apart(apart, out) => apart.batch(batch, out),
            Way::Stock(writer) => writer.write(&batch).map_err(parquet_error),
        }
    }

    fn finish(&mut self) -> io::Result<u64> {
        match &mut self.file {
            Way::Apart(apart, out) => apart.finish(out)?,
            Way::Stock(writer) => {
                writer.finish().map_err(parquet_error)?;
                writer.inner_mut().flush()?;
            }
        }
        Ok(self.rows)
    }
}

/// Keeps the kind of an I/O error, so that a closed pipe is still known as one.
fn parquet_error(error: ParquetError) -> io::Error {
    match error {
        ParquetError::External(inner) => match inner.downcast::<io::Error>() {
            Ok(io_error) => *io_error,
            Err(other) => io::Error::other(other),
        },
        other => io::Error::other(other),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::fs::File;
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Float64Array, UInt64Array};
    use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

    use super::*;
    use crate::render::samples;

    #[test]
    fn rows_come_back_as_they_went_in() {
        let event = samples::event();
        let path = std::env::temp_dir().join(format!("trailhound-render-{}.parquet", std::process::id()));
        let mut file = File::create(&path).unwrap();
        let mut rows = ParquetRows::new(&mut file, event.schema(), false).unwrap();
        assert!(matches!(rows.file, Way::Apart(..)));
        (0..40).for_each(|_| rows.batch(&event).unwrap());
        assert_eq!(rows.finish().unwrap(), 40);
        drop(rows);
        let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(&path).unwrap()).unwrap();
        // But for columns of a few bytes, which gain nothing by it.
        let large: Vec<_> =
            reader.metadata().row_group(0).columns().iter().filter(|c| c.uncompressed_size() > 300).collect();
        assert!(!large.is_empty() && large.iter().all(|c| matches!(c.compression(), Compression::ZSTD(_))));
        let back: Vec<_> = reader.build().unwrap().map(Result::unwrap).collect();
        let whole = arrow::compute::concat_batches(&back[0].schema(), &back).unwrap();
        std::fs::remove_file(path).unwrap();
        assert_eq!(whole.slice(1, 1).columns(), event.columns());
        assert_eq!(whole.num_rows(), 40);
    }

    /// What no event has is the stock writer's: numbers that are never null, fractions.
    #[test]
    fn rows_of_other_types_come_back_too() {
        let count: ArrayRef = Arc::new(UInt64Array::from(vec![1, 2]));
        let share: ArrayRef = Arc::new(Float64Array::from(vec![Some(0.5), None]));
        let batch = RecordBatch::try_from_iter_with_nullable([("n", count, false), ("share", share, true)]).unwrap();
        let mut out = tempfile::tempfile().unwrap();
        let mut rows = ParquetRows::new(&mut out, batch.schema(), false).unwrap();
        assert!(matches!(rows.file, Way::Stock(_)));
        rows.batch(&batch).unwrap();
        assert_eq!(rows.finish().unwrap(), 2);
        drop(rows);
        let reader = ParquetRecordBatchReaderBuilder::try_new(out).unwrap();
        let columns = reader.metadata().row_group(0).columns();
        assert!(columns.iter().all(|c| matches!(c.compression(), Compression::ZSTD(_))));
        assert_eq!(reader.build().unwrap().next().unwrap().unwrap(), batch);
    }

    #[test]
    fn a_terminal_is_refused() {
        let mut out = Vec::new();
        let Err(error) = ParquetRows::new(&mut out, samples::event().schema(), true) else {
            panic!("written to a terminal");
        };
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        assert!(error.to_string().contains("redirect"));
    }
}
