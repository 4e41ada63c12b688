//! The only place that prints. Answers go to standard output, words to standard error.
//!
//! Rows of any query come in as Arrow batches and leave as a table, JSON, JSON lines, CSV, Parquet or Arrow; reports
//! leave as headed sections. Everything is written as it comes, so a result of any size takes bounded memory.
//! Attacker-written text reaches a terminal only through `escape`. A reader that closes the pipe (`| head`) is
//! content, not an error.
//!
//! This room must not know what a rule, a principal or a query is: it is given names, texts and batches.

pub(crate) mod escape;
pub(crate) mod html;
pub(crate) mod json;
pub(crate) mod layout;
pub(crate) mod report;
pub(crate) mod terminal;
pub(crate) mod words;

mod arrow_stream;
mod csv;
mod parquet;
mod table;
mod tone;
mod upright;
mod value;

#[cfg(test)]
mod samples;

use std::collections::HashSet;
use std::io::{self, Write};
use std::ops::ControlFlow;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;

use terminal::Terminal;

/// Text is handed on in pieces of about this size.
const BUFFER_BYTES: usize = 64 * 1024;

/// How answers are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub(crate) enum Output {
    /// Aligned columns or headed sections, for people.
    #[default]
    Table,
    /// One JSON document; rows are an array of objects.
    Json,
    /// One JSON object a line.
    Jsonl,
    /// Comma-separated values with a header.
    Csv,
    /// An Apache Parquet file: redirect it to a file.
    Parquet,
    /// An Apache Arrow IPC stream: for a pipe into another program, or a file.
    Arrow,
}

/// How rows are written, beside the format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RowOptions {
    /// The screen, or the lack of one.
    pub(crate) terminal: Terminal,
    /// A table ends after this many rows; `None` shows all. The other formats always give every row.
    pub(crate) rows_max: Option<u64>,
    /// CSV cells that look like a formula are left as they are.
    pub(crate) csv_raw: bool,
}

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct RowCount {
    /// Rows of the result, as far as it was read.
    pub(crate) rows: u64,
    /// Rows that were written: fewer where a table was cut.
    pub(crate) shown: u64,
    /// The reader closed the pipe, and the rest was not asked for.
    pub(crate) closed: bool,
    /// There are more rows than were wanted, and the rest was not asked for.
    pub(crate) cut: bool,
}

impl RowCount {
    /// The words about rows that a table left out, for standard error.
    pub(crate) fn left_out(&self) -> Option<String> {
        if self.cut {
            return Some(format!(
                "there are more rows: the query was ended after {} (--max-rows)",
                report::number(self.rows)
            ));
        }
        let more = self.rows.saturating_sub(self.shown);
        (more > 0 && !self.closed).then(|| {
            let rows = if more == 1 { "row" } else { "rows" };
            format!("{} more {rows}: --max-rows 0 shows all, --output csv writes them", report::number(more))
        })
    }
}

/// One format's way to write rows.
trait RowSink {
    fn batch(&mut self, batch: &RecordBatch) -> io::Result<()>;

    /// Ends the output; gives the number of rows written.
    fn finish(&mut self) -> io::Result<u64>;
}

/// Takes batches one by one and writes them as they come.
pub(crate) struct RowWriter<'a> {
    sink: Box<dyn RowSink + 'a>,
    count: RowCount,
    binary: bool,
}

impl<'a> RowWriter<'a> {
    /// Starts the output; a CSV header is written at once, so that an empty result has one too.
    ///
    /// # Errors
    /// `InvalidInput` for Parquet on a terminal, otherwise what writing gives.
    pub(crate) fn new(
        output: Output,
        schema: &SchemaRef,
        out: &'a mut (dyn Write + Send),
        options: &RowOptions,
    ) -> io::Result<Self> {
        let schema = told_apart(schema);
        let names = schema.fields().iter().map(|field| field.name().clone()).collect();
        let mut closed = false;
        let sink: Box<dyn RowSink + 'a> = match output {
            Output::Table => Box::new(table::TableRows::new(out, names, options.terminal, options.rows_max)),
            Output::Json => Box::new(json::JsonRows::new(out, json::Shape::Array, names)),
            Output::Jsonl => Box::new(json::JsonRows::new(out, json::Shape::Lines, names)),
            Output::Csv => {
                let style = csv::Style { raw: options.csv_raw, is_terminal: options.terminal.is_terminal };
                let mut rows = csv::CsvRows::new(out, names, style);
                closed = is_closed(rows.header())?;
                Box::new(rows)
            }
            Output::Parquet => Box::new(parquet::ParquetRows::new(out, schema, options.terminal.is_terminal)?),
            Output::Arrow => Box::new(arrow_stream::ArrowRows::new(out, schema, options.terminal.is_terminal)?),
        };
        let binary = matches!(output, Output::Parquet | Output::Arrow);
        Ok(RowWriter { sink, count: RowCount { closed, ..RowCount::default() }, binary })
    }

    /// Writes the rows of one batch. `Break` says that nobody reads any more and the query may stop.
    ///
    /// # Errors
    /// What writing gives, but for a closed pipe.
    pub(crate) fn write(&mut self, batch: &RecordBatch) -> io::Result<ControlFlow<()>> {
        if !self.count.closed {
            self.count.rows += u64::try_from(batch.num_rows()).unwrap_or(u64::MAX);
            let result = if self.binary { self.sink.batch(batch) } else { self.sink.batch(&with_text_keys(batch)?) };
            self.count.closed = is_closed(result)?;
        }
        Ok(if self.count.closed { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    }

    /// Ends the output.
    ///
    /// # Errors
    /// What writing gives, but for a closed pipe.
    pub(crate) fn finish(mut self) -> io::Result<RowCount> {
        if self.count.closed {
            return Ok(self.count);
        }
        match self.sink.finish() {
            Ok(shown) => self.count.shown = shown,
            Err(error) => self.count.closed = is_closed(Err(error))?,
        }
        Ok(self.count)
    }
}

/// Writes a whole result; see [`RowWriter`] for one that comes in pieces.
///
/// # Errors
/// As [`RowWriter::new`] and [`RowWriter::write`].
pub(crate) fn rows(
    batches: impl IntoIterator<Item = RecordBatch>,
    schema: &SchemaRef,
    output: Output,
    out: &mut (dyn Write + Send),
    options: &RowOptions,
) -> io::Result<RowCount> {
    let mut writer = RowWriter::new(output, schema, out, options)?;
    for batch in batches {
        if writer.write(&batch)?.is_break() {
            break;
        }
    }
    writer.finish()
}

/// Turns the error of a closed pipe into success: for everything printed that is not rows.
///
/// # Errors
/// Every other error.
pub(crate) fn settle(result: io::Result<()>) -> io::Result<()> {
    is_closed(result).map(drop)
}

fn is_closed(result: io::Result<()>) -> io::Result<bool> {
    match result {
        Ok(()) => Ok(false),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(true),
        Err(error) => Err(error),
    }
}

/// The schema with a number behind a name that occurs a second time: `a, a` becomes `a, a_2`. JSON objects and
/// Parquet files would lose one of them otherwise.
fn told_apart(schema: &SchemaRef) -> SchemaRef {
    let mut taken: HashSet<String> = schema.fields().iter().map(|field| field.name().clone()).collect();
    if taken.len() == schema.fields().len() {
        return schema.clone();
    }
    let mut seen = HashSet::new();
    let mut fields: Vec<Arc<Field>> = Vec::with_capacity(schema.fields().len());
    for field in schema.fields() {
        if seen.insert(field.name().as_str()) {
            fields.push(field.clone());
            continue;
        }
        let mut number = 2_usize;
        while !taken.insert(format!("{}_{number}", field.name())) {
            number += 1;
        }
        fields.push(Arc::new(field.as_ref().clone().with_name(format!("{}_{number}", field.name()))));
    }
    Arc::new(Schema::new_with_metadata(fields, schema.metadata().clone()))
}

/// A batch under the schema that the output was begun with: it may differ in metadata, or in the names that had to be told
/// apart.
fn under(schema: &SchemaRef, batch: &RecordBatch) -> io::Result<RecordBatch> {
    RecordBatch::try_new(schema.clone(), batch.columns().to_vec()).map_err(arrow_error)
}

/// A batch whose maps have texts for keys, which is all that JSON knows.
fn with_text_keys(batch: &RecordBatch) -> io::Result<RecordBatch> {
    let text_keys = |data_type: &DataType| match data_type {
        DataType::Map(entries, sorted) => match entries.data_type() {
            DataType::Struct(fields) => match fields.as_ref() {
                [key, value] if !key.data_type().is_string() => {
                    let key = key.as_ref().clone().with_data_type(DataType::Utf8);
                    let pair = DataType::Struct(vec![Arc::new(key), value.clone()].into());
                    Some(DataType::Map(Arc::new(entries.as_ref().clone().with_data_type(pair)), *sorted))
                }
                _ => None,
            },
            _ => None,
        },
        _ => None,
    };
    let schema = batch.schema();
    if !schema.fields().iter().any(|field| text_keys(field.data_type()).is_some()) {
        return Ok(batch.clone());
    }
    let (mut fields, mut columns) = (Vec::new(), Vec::new());
    for (field, column) in schema.fields().iter().zip(batch.columns()) {
        match text_keys(field.data_type()) {
            Some(data_type) => {
                columns.push(arrow::compute::cast(column, &data_type).map_err(arrow_error)?);
                fields.push(Arc::new(field.as_ref().clone().with_data_type(data_type)));
            }
            None => {
                columns.push(column.clone());
                fields.push(field.clone());
            }
        }
    }
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).map_err(arrow_error)
}

/// Refuses to write a binary format to a terminal.
fn refuse_terminal(is_terminal: bool, format: &str, file: &str) -> io::Result<()> {
    if !is_terminal {
        return Ok(());
    }
    let reason =
        format!("{format} is binary and standard output is a terminal: redirect it to a file, as in `> {file}`");
    Err(io::Error::new(io::ErrorKind::InvalidInput, reason))
}

fn arrow_error(error: ArrowError) -> io::Error {
    match error {
        ArrowError::IoError(_, error) => error,
        other => io::Error::other(other),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const OPTIONS: RowOptions = RowOptions { terminal: Terminal::PLAIN, rows_max: None, csv_raw: false };

    /// A reader that goes away after `left` bytes.
    struct Pipe {
        left: usize,
    }

    impl Write for Pipe {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if bytes.len() > self.left {
                return Err(io::ErrorKind::BrokenPipe.into());
            }
            self.left -= bytes.len();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_closed_pipe_is_a_quiet_end() {
        let batch = samples::batch(&["n"], &[[Some("some text")].as_slice(); 100]);
        for output in [Output::Table, Output::Json, Output::Jsonl, Output::Csv, Output::Parquet, Output::Arrow] {
            for left in [0, 1, 10, 200] {
                let mut pipe = Pipe { left };
                let count = rows(vec![batch.clone(); 10], &batch.schema(), output, &mut pipe, &OPTIONS).unwrap();
                assert!(count.closed && count.left_out().is_none(), "{output:?} after {left}: {count:?}");
            }
        }
    }

    #[test]
    fn a_full_disk_is_an_error() {
        struct Full;
        impl Write for Full {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::StorageFull.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let batch = samples::event();
        for output in [Output::Table, Output::Json, Output::Jsonl, Output::Csv, Output::Parquet, Output::Arrow] {
            let error = rows([batch.clone()], &batch.schema(), output, &mut Full, &OPTIONS).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::StorageFull, "{output:?}");
        }
        assert!(settle(Err(io::ErrorKind::StorageFull.into())).is_err());
        assert!(settle(Err(io::ErrorKind::BrokenPipe.into())).is_ok());
    }

    #[test]
    fn every_format_takes_many_batches() {
        let batch = samples::event();
        for output in [Output::Table, Output::Json, Output::Jsonl, Output::Csv, Output::Parquet, Output::Arrow] {
            let mut out = Vec::new();
            let count = rows(vec![batch.clone(); 300], &batch.schema(), output, &mut out, &OPTIONS).unwrap();
            assert_eq!(count, RowCount { rows: 300, shown: 300, ..RowCount::default() }, "{output:?}");
        }
    }

    #[test]
    fn an_empty_result_keeps_its_header() {
        let empty = samples::batch(&["eventname", "n"], &[]);
        let written = |output| {
            let mut out = Vec::new();
            rows([], &empty.schema(), output, &mut out, &OPTIONS).unwrap();
            out
        };
        assert_eq!(written(Output::Csv), b"eventname,n\n");
        assert_eq!(written(Output::Json), b"[]\n");
        assert_eq!(written(Output::Jsonl), b"");
        assert!(String::from_utf8(written(Output::Table)).unwrap().starts_with("eventname  n\n"));
        assert!(written(Output::Parquet).starts_with(b"PAR1"));
    }

    #[test]
    fn names_that_occur_twice_are_told_apart() {
        let twice = samples::batch(&["a", "a", "a_2", "a"], &[&[Some("1"), Some("2"), Some("3"), Some("4")]]);
        let mut out = Vec::new();
        rows([twice.clone()], &twice.schema(), Output::Jsonl, &mut out, &OPTIONS).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "{\"a\":\"1\",\"a_3\":\"2\",\"a_2\":\"3\",\"a_4\":\"4\"}\n");
    }

    #[test]
    fn a_cut_table_says_so() {
        let count = RowCount { rows: 1_234_567, shown: 100, ..RowCount::default() };
        assert!(count.left_out().unwrap().starts_with("1,234,467 more rows"));
        assert_eq!(RowCount { rows: 5, shown: 5, ..RowCount::default() }.left_out(), None);
    }
}
