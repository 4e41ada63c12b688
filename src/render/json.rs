//! Rows as JSON: one array (`json`) or one object a line (`jsonl`); and single documents.
//!
//! Both are written row by row, keys in column order and always all of them. Characters that could act on a
//! terminal are `\uXXXX` escapes, so the bytes are safe to look at and mean the same to a parser.

mod document;

use std::io::{self, Write};
use std::sync::Arc;

use arrow::array::{RecordBatch, StructArray};
use arrow::datatypes::{Field, FieldRef, Fields};
use arrow::json::writer::{EncoderOptions, make_encoder};
use serde::Serialize;

use super::{RowSink, arrow_error, escape, value};

/// How rows stand in the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Array,
    Lines,
}

pub(super) struct JsonRows<'a> {
    out: &'a mut (dyn Write + Send),
    shape: Shape,
    names: Vec<String>,
    options: EncoderOptions,
    rows: u64,
}

impl<'a> JsonRows<'a> {
    pub(super) fn new(out: &'a mut (dyn Write + Send), shape: Shape, names: Vec<String>) -> Self {
        JsonRows { out, shape, names, options: value::encoder_options(), rows: 0 }
    }
}

impl RowSink for JsonRows<'_> {
    fn batch(&mut self, batch: &RecordBatch) -> io::Result<()> {
        let named = |(name, column): (&String, &arrow::array::ArrayRef)| {
            Field::new(name.as_str(), column.data_type().clone(), true)
        };
        let fields: Fields = self.names.iter().zip(batch.columns()).map(named).collect();
        let field: FieldRef = Arc::new(Field::new_struct("", fields.clone(), false));
        let rows = StructArray::try_new_with_length(fields, batch.columns().to_vec(), None, batch.num_rows())
            .map_err(arrow_error)?;
        let mut encoder = make_encoder(&field, &rows, &self.options).map_err(arrow_error)?;
        let (mut row_json, mut buffer) = (Vec::new(), Vec::with_capacity(super::BUFFER_BYTES));
        for row in 0..batch.num_rows() {
            match (self.shape, self.rows) {
                (Shape::Lines, _) => {}
                (Shape::Array, 0) => buffer.extend_from_slice(b"[\n"),
                (Shape::Array, _) => buffer.extend_from_slice(b",\n"),
            }
            row_json.clear();
            encoder.encode(row, &mut row_json);
            escape::json_text(&row_json, &mut buffer);
            if self.shape == Shape::Lines {
                buffer.push(b'\n');
            }
            self.rows += 1;
            if buffer.len() >= super::BUFFER_BYTES {
                self.out.write_all(&buffer)?;
                buffer.clear();
            }
        }
        self.out.write_all(&buffer)
    }

    fn finish(&mut self) -> io::Result<u64> {
        match (self.shape, self.rows) {
            (Shape::Lines, _) => {}
            (Shape::Array, 0) => self.out.write_all(b"[]\n")?,
            (Shape::Array, _) => self.out.write_all(b"\n]\n")?,
        }
        self.out.flush()?;
        Ok(self.rows)
    }
}

/// Writes one document, indented, with a newline at its end: `--output json` of everything that is not rows. What lies
/// deep is written on one line: a list of millions is mostly white space otherwise.
pub(crate) fn document(value: &(impl Serialize + ?Sized), out: &mut dyn Write) -> io::Result<()> {
    write_document(value, document::Indented::default(), out)
}

/// Writes one document on one line: an element of `--output jsonl`.
pub(crate) fn document_line(value: &(impl Serialize + ?Sized), out: &mut dyn Write) -> io::Result<()> {
    write_document(value, serde_json::ser::CompactFormatter, out)
}

fn write_document(
    value: &(impl Serialize + ?Sized),
    formatter: impl serde_json::ser::Formatter,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut safe = document::Safe::new(out);
    value.serialize(&mut serde_json::Serializer::with_formatter(&mut safe, formatter))?;
    safe.write_all(b"\n")?;
    safe.finish()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::render::samples;

    fn written(shape: Shape, batches: &[RecordBatch]) -> String {
        let mut out = Vec::new();
        let names = batches[0].schema().fields().iter().map(|f| f.name().clone()).collect();
        let mut rows = JsonRows::new(&mut out, shape, names);
        for batch in batches {
            rows.batch(batch).unwrap();
        }
        rows.finish().unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn an_array_spans_batches() {
        let batch = samples::batch(&["n"], &[&[Some("a")], &[None]]);
        let text = written(Shape::Array, &[batch.clone(), batch.slice(0, 0), batch]);
        assert_eq!(text, "[\n{\"n\":\"a\"},\n{\"n\":null},\n{\"n\":\"a\"},\n{\"n\":null}\n]\n");
    }

    #[test]
    fn no_rows_are_an_empty_array_or_no_line() {
        let empty = samples::batch(&["n"], &[]);
        assert_eq!(written(Shape::Array, std::slice::from_ref(&empty)), "[]\n");
        assert_eq!(written(Shape::Lines, &[empty]), "");
    }

    #[test]
    fn an_event_row_keeps_every_key() {
        let text = written(Shape::Lines, &[samples::event()]);
        let row: serde_json::Value = serde_json::from_str(text.trim_end()).unwrap();
        assert_eq!(row, samples::event_json());
    }

    #[test]
    fn hostile_text_is_escaped_and_means_the_same() {
        let hostile = "\u{9b}2J\u{1b}]0;pwn\u{7}\u{202e}\r\n";
        let text = written(Shape::Lines, &[samples::batch(&["agent"], &[&[Some(hostile)]])]);
        assert!(text.trim_end_matches('\n').bytes().all(|b| (b' '..0x7f).contains(&b)));
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), json!({"agent": hostile}));
    }

    #[test]
    fn a_document_ends_in_one_newline() {
        let mut out = Vec::new();
        document(&json!({"a": ["\u{9b}"]}), &mut out).unwrap();
        document_line(&json!({"b": 1}), &mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "{\n  \"a\": [\n    \"\\u009b\"\n  ]\n}\n{\"b\":1}\n");
    }
}
