//! Records to a `RecordBatch`: one builder a slot of the table, filled in one walk over a record's fields.
//!
//! What a column cannot give back exactly (a field that the table does not name, a value of another type than the
//! column's, a lone surrogate) also goes to `extra` as JSON text, so that no record loses anything. This room knows
//! the table and the text of one record at a time; where the record came from is only a name to it.

pub(crate) mod builders;
mod derived;
mod list;
pub(crate) mod time;

use std::sync::Arc;

use arrow::array::{ArrayRef, Date32Array, RecordBatch, StructArray, TimestampMicrosecondArray};
use arrow::buffer::{NullBuffer, ScalarBuffer};
use arrow::error::ArrowError;

use crate::json::{self, Form, Value};
use crate::record::{Fields, Layout, Scanner};
use crate::schema::{self, COLUMNS, Column, Kind};
use builders::{Boolean, Dictionary, Mask, Text};
use derived::Derived;
use list::ResourceList;

/// Builds the column of one slot.
#[derive(Debug)]
enum Builder {
    Text(Text),
    Json(Text),
    Dictionary(Dictionary),
    Boolean(Boolean),
    Timestamp(Times),
    Struct(Mask),
    List(ResourceList),
}

#[derive(Debug)]
struct Times {
    values: Vec<i64>,
    mask: Mask,
}

impl Builder {
    fn new(column: &Column) -> Self {
        match column.kind {
            Kind::Text => Builder::Text(Text::new()),
            Kind::Json => Builder::Json(Text::new()),
            Kind::Dictionary => Builder::Dictionary(Dictionary::new()),
            Kind::Boolean => Builder::Boolean(Boolean::new()),
            Kind::Timestamp | Kind::Date => Builder::Timestamp(Times { values: Vec::new(), mask: Mask::new() }),
            Kind::Struct(_) => Builder::Struct(Mask::new()),
            Kind::List(_) => Builder::List(ResourceList::new()),
        }
    }
}

/// Collects rows until [`Rows::finish`] makes a batch of them. Reused from batch to batch.
#[derive(Debug)]
pub struct Rows {
    layout: Layout,
    builders: Vec<Builder>,
    derived: Derived,
    extra: Text,
    rows: usize,
    bytes: usize,
}

impl Rows {
    /// An empty collection.
    pub fn new() -> Self {
        let layout = Layout::new();
        let builders = layout.slots.iter().map(|slot| Builder::new(slot.column)).collect();
        let derived = Derived::new(&layout);
        Rows { layout, builders, derived, extra: Text::new(), rows: 0, bytes: 0 }
    }

    /// Rows collected so far.
    pub fn len(&self) -> usize {
        self.rows
    }

    /// True before the first row.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Bytes of record text collected so far: what the batch will hold, roughly.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Names the object that the next records come from.
    pub fn start(&mut self, source: &str) {
        self.derived.start(source);
    }

    /// Appends the record that `fields` was scanned from.
    pub fn push(&mut self, text: &str, fields: &Fields) {
        let row = self.rows;
        let mut misfits = fields.misfits;
        for (slot, value) in fields.present() {
            if !fill(&mut self.builders[slot], row, text, value) {
                misfits |= 1 << self.layout.slots[slot].top;
            }
        }
        self.derived.push(row, text, fields, &mut self.builders);
        if misfits != 0 || !fields.unknown.is_empty() {
            let layout = &self.layout;
            self.extra.push_with(row, |out| {
                write_extra(layout, text, fields, misfits, out);
                true
            });
        }
        self.rows += 1;
        self.bytes += text.len();
    }

    /// The batch of the rows so far, in the order they were pushed.
    ///
    /// # Errors
    /// Arrow's, if a column is not what its type says: a bug, never input.
    pub fn finish(&mut self) -> Result<RecordBatch, ArrowError> {
        let rows = std::mem::take(&mut self.rows);
        self.bytes = 0;
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(COLUMNS.len());
        let days = self.days(rows);
        let mut slot = 0;
        while slot < self.layout.slots.len() {
            columns.push(self.column(slot, rows)?);
            slot = self.layout.slots[slot].end;
        }
        columns.push(self.extra.finish(rows)?);
        columns.push(days);
        self.derived.finish(rows, &mut columns)?;
        RecordBatch::try_new(schema::event_schema(), columns)
    }

    fn column(&mut self, slot: usize, rows: usize) -> Result<ArrayRef, ArrowError> {
        let column = self.layout.slots[slot].column;
        let end = self.layout.slots[slot].end;
        if let Kind::Struct(fields) = column.kind {
            let mut children = Vec::with_capacity(fields.len());
            let mut child = slot + 1;
            while child < end {
                children.push(self.column(child, rows)?);
                child = self.layout.slots[child].end;
            }
            let nulls = self.struct_nulls(slot, rows);
            let array = StructArray::try_new_with_length(schema::arrow_fields(fields), children, nulls, rows)?;
            return Ok(Arc::new(array));
        }
        match &mut self.builders[slot] {
            Builder::Text(text) | Builder::Json(text) => text.finish(rows),
            Builder::Dictionary(dictionary) => dictionary.finish(rows),
            Builder::Boolean(boolean) => Ok(boolean.finish(rows)),
            Builder::List(list) => list.finish(rows),
            Builder::Timestamp(times) => {
                times.values.resize(rows, 0);
                let values = std::mem::replace(&mut times.values, Vec::with_capacity(rows));
                let array = TimestampMicrosecondArray::try_new(ScalarBuffer::from(values), times.mask.finish(rows))?;
                Ok(Arc::new(array.with_timezone("UTC")))
            }
            Builder::Struct(_) => Err(ArrowError::SchemaError(format!("{} has no fields", column.name))),
        }
    }

    fn struct_nulls(&mut self, slot: usize, rows: usize) -> Option<NullBuffer> {
        match &mut self.builders[slot] {
            Builder::Struct(mask) => mask.finish(rows),
            _ => None,
        }
    }

    /// `event_date`, from the times collected. Times come in runs of one day, so the day is remembered.
    fn days(&mut self, rows: usize) -> ArrayRef {
        let Some(Builder::Timestamp(times)) = self.builders.first_mut() else {
            return Arc::new(Date32Array::new_null(rows));
        };
        let mut days: Vec<i32> = times.values.iter().map(|micros| time::day_of(*micros)).collect();
        days.resize(rows, 0);
        Arc::new(Date32Array::new(ScalarBuffer::from(days), times.mask.nulls(rows)))
    }
}

impl Default for Rows {
    fn default() -> Self {
        Self::new()
    }
}

/// Puts a value into its column. False if the column does not give it back exactly.
#[inline]
fn fill(builder: &mut Builder, row: usize, text: &str, value: Value) -> bool {
    let raw = &text[value.start..value.end];
    match builder {
        Builder::Text(out) => fill_text(out, row, raw, value.form),
        Builder::Json(out) => out.push_with(row, |out| {
            write_json(raw, value.form, out);
            true
        }),
        Builder::Dictionary(out) => match value.form {
            Form::Plain => {
                let code = out.code(&raw[1..raw.len() - 1]);
                out.set(row, code);
                true
            }
            form => fill_odd(out, row, raw, form),
        },
        Builder::Boolean(out) => match value.form {
            Form::True | Form::False => {
                out.push(row, value.form == Form::True);
                true
            }
            _ => {
                // Some services write the word as a string: read it, and keep the string in `extra`.
                match raw {
                    "\"true\"" | "\"True\"" => out.push(row, true),
                    "\"false\"" | "\"False\"" => out.push(row, false),
                    _ => {}
                }
                false
            }
        },
        Builder::Timestamp(out) => {
            let parsed = (value.form == Form::Plain).then(|| time::parse(&raw[1..raw.len() - 1])).flatten();
            if let Some((micros, _)) = parsed {
                out.values.resize(row, 0);
                out.values.push(micros);
                out.mask.mark(row);
            }
            matches!(parsed, Some((_, true)))
        }
        Builder::Struct(mask) => {
            let object = raw.starts_with('{');
            if object {
                mask.mark(row);
            }
            object
        }
        Builder::List(out) => out.push(row, text, value),
    }
}

#[inline]
fn fill_text(out: &mut Text, row: usize, raw: &str, form: Form) -> bool {
    match form {
        Form::Plain => {
            out.push(row, &raw[1..raw.len() - 1]);
            true
        }
        Form::Escaped => out.push_with(row, |out| json::unescape(&raw[1..raw.len() - 1], out)),
        Form::Null => false,
        form => {
            out.push_with(row, |out| {
                write_json(raw, form, out);
                true
            });
            false
        }
    }
}

#[cold]
fn fill_odd(out: &mut Dictionary, row: usize, raw: &str, form: Form) -> bool {
    let mut value = String::new();
    let fits = match form {
        Form::Escaped => json::unescape(&raw[1..raw.len() - 1], &mut value),
        Form::Null => return false,
        form => {
            write_json(raw, form, &mut value);
            false
        }
    };
    if fits || form != Form::Escaped {
        let code = out.code(&value);
        out.set(row, code);
    }
    fits
}

/// Appends a value as compact JSON text.
#[inline]
fn write_json(raw: &str, form: Form, out: &mut String) {
    match form {
        Form::Spaced | Form::Escaped => json::compact(raw, out),
        _ => out.push_str(raw),
    }
}

/// The `extra` object: unknown fields, and those whose column does not give them back.
#[cold]
fn write_extra(layout: &Layout, text: &str, fields: &Fields, misfits: u64, out: &mut String) {
    out.push('{');
    let mut first = true;
    let mut comma = |out: &mut String| {
        if !std::mem::take(&mut first) {
            out.push(',');
        }
    };
    for (slot, value) in fields.present() {
        let top = layout.slots[slot].top;
        let is_top = slot == 0 || layout.slots[slot - 1].top != top;
        if is_top && misfits >> top & 1 == 1 {
            comma(out);
            json::quote(COLUMNS[top].json, out);
            out.push(':');
            json::compact(&text[value.start..value.end], out);
        }
    }
    for (key, value) in &fields.unknown {
        comma(out);
        json::compact(&text[key.start..key.end], out);
        out.push(':');
        json::compact(&text[value.start..value.end], out);
    }
    out.push('}');
}

/// One batch of the records given as JSON texts, in order; a text that is not one JSON object is left out.
///
/// For tests and tools; the pipeline is the way for real input.
///
/// # Errors
/// Arrow's, if a column is not what its type says: a bug, never input.
pub fn batch_from_json(records: &[&str]) -> Result<RecordBatch, ArrowError> {
    let (mut scanner, mut fields, mut rows) = (Scanner::new(), Fields::default(), Rows::new());
    rows.start("memory");
    for record in records {
        let bytes = record.as_bytes();
        let start = json::skip_space(bytes, 0);
        if bytes.get(start) != Some(&b'{') {
            continue;
        }
        // The offsets count from the start of the object, as they do in the pipeline.
        let object = &record[start..];
        let end = scanner.scan(object.as_bytes(), 0, &mut fields);
        if end.is_ok_and(|end| json::skip_space(object.as_bytes(), end) == object.len()) {
            rows.push(object, &fields);
        }
    }
    rows.finish()
}
