//! Rows of an older event table, with the columns of today's.
//!
//! A field that the table did not name when a row was made stands in `extra`, and a struct or list with such a field in
//! it stands there whole. So when a later version makes it a column, `extra`, read as if it were the record, has the
//! value, by the same code that reads records, and no row has to be written anew. Only rows of files that lack
//! something pay, and of these only those whose `extra` may name it.
//!
//! Knows the table and `extra`. Must not know files.

mod narrow;

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringArray};
use arrow::compute::{cast, interleave};
use arrow::datatypes::{DataType, Fields};
use arrow::error::ArrowError;

use crate::columns::Rows;
use crate::json;
use crate::record::{Fields as Found, Scanner};
use crate::restore::keys;
use crate::schema::{COLUMNS, Column, Kind, event_schema, index_of};
pub use narrow::narrowed;

const EXTRA: &str = "extra";

/// What an older event table lacks: columns of the record, whole or some field of theirs.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Older {
    /// Positions in [`COLUMNS`].
    lacks: Vec<usize>,
}

/// Texts of `extra`, read as records.
struct Read {
    batch: RecordBatch,
    /// For each row of `extra`, its row in the batch.
    rows: Vec<Option<usize>>,
}

impl Older {
    /// What a table with these columns lacks; `None` where it lacks nothing, or has no `extra` to take it from.
    pub fn new(fields: &Fields) -> Option<Older> {
        let lacking = COLUMNS.iter().enumerate().filter(|(_, column)| !column.is_derived() && lacks(column, fields));
        let lacks: Vec<usize> = lacking.map(|(index, _)| index).collect();
        (!lacks.is_empty() && fields.find(EXTRA).is_some()).then_some(Older { lacks })
    }

    /// Whether a column differs from what is in the table: it lacks the column or some field of it, or it is `extra`,
    /// which then holds less.
    pub fn changes(&self, name: &str) -> bool {
        name == EXTRA || index_of(name).is_some_and(|index| self.lacks.contains(&index))
    }

    /// A column as today's table has it. `column` is of today's type, null where the older table has nothing; `extra`
    /// is of the same rows.
    ///
    /// # Errors
    /// Arrow's, if the columns are not what they should be: a bug, never input.
    pub fn fill(&self, name: &str, column: &ArrayRef, extra: &ArrayRef) -> Result<ArrayRef, ArrowError> {
        if name == EXTRA {
            return self.rest(extra);
        }
        let Some(index) = index_of(name).filter(|index| self.lacks.contains(index)) else { return Ok(column.clone()) };
        let Some(read) = read(&texts(extra)?, &[index])? else { return Ok(column.clone()) };
        let values = read.batch.column(index);
        let from = |(row, at): (usize, &Option<usize>)| match at {
            Some(at) if values.is_valid(*at) => (1, *at),
            _ => (0, row),
        };
        let from: Vec<_> = read.rows.iter().enumerate().map(from).collect();
        interleave(&[column.as_ref(), values.as_ref()], &from)
    }

    /// `extra` without the fields that today's columns give back.
    fn rest(&self, extra: &ArrayRef) -> Result<ArrayRef, ArrowError> {
        let texts = texts(extra)?;
        let Some(read) = read(&texts, &self.lacks)? else { return Ok(extra.clone()) };
        let kept = read.batch.column_by_name(EXTRA).and_then(|kept| kept.as_string_opt::<i32>());
        let named: HashSet<&str> =
            self.lacks.iter().filter_map(|index| COLUMNS.get(*index)).map(|column| column.json).collect();
        let rest = texts.iter().zip(&read.rows).map(|(text, at)| {
            let (text, Some(at)) = (text?, at) else { return text.map(str::to_owned) };
            let kept = kept.filter(|kept| kept.is_valid(*at)).map_or_else(Vec::new, |kept| keys(kept.value(*at)));
            without(text, &|key| named.contains(key) && !kept.contains(&key))
        });
        Ok(Arc::new(rest.collect::<StringArray>()))
    }
}

/// Whether a table with these fields lacks a column or a field of it.
fn lacks(column: &Column, fields: &Fields) -> bool {
    let Some((_, field)) = fields.find(column.name) else { return true };
    match (column.kind, field.data_type()) {
        (Kind::Struct(columns), DataType::Struct(fields)) => columns.iter().any(|column| lacks(column, fields)),
        (Kind::List(columns), DataType::List(item)) => match item.data_type() {
            DataType::Struct(fields) => columns.iter().any(|column| lacks(column, fields)),
            _ => false,
        },
        _ => false,
    }
}

fn texts(extra: &ArrayRef) -> Result<StringArray, ArrowError> {
    if let Some(texts) = extra.as_string_opt::<i32>() {
        return Ok(texts.clone());
    }
    Ok(cast(extra, &DataType::Utf8)?.as_string::<i32>().clone())
}

/// Reads those texts of `extra` as records that may name one of the columns; `None` where there are none.
fn read(extra: &StringArray, columns: &[usize]) -> Result<Option<Read>, ArrowError> {
    let mut names: Vec<String> = Vec::with_capacity(columns.len());
    for column in columns.iter().filter_map(|index| COLUMNS.get(*index)) {
        let mut name = String::new();
        json::quote(column.json, &mut name);
        names.push(name);
    }
    // A key may be written with escapes, which only reading tells.
    let may_name = |text: &str| names.iter().any(|name| text.contains(name.as_str())) || text.contains('\\');
    let mut wanted = (0..extra.len()).filter(|row| extra.is_valid(*row) && may_name(extra.value(*row))).peekable();
    if wanted.peek().is_none() {
        return Ok(None);
    }
    let (mut scanner, mut fields, mut records) = (Scanner::new(), Found::default(), Rows::new());
    records.start("");
    let mut rows = vec![None; extra.len()];
    for row in wanted {
        let text = extra.value(row);
        let whole = text.starts_with('{') && scanner.scan(text.as_bytes(), 0, &mut fields) == Ok(text.len());
        if let (true, Some(at)) = (whole, rows.get_mut(row)) {
            *at = Some(records.len());
            records.push(text, &fields);
        }
    }
    Ok(Some(Read { batch: records.finish()?, rows }))
}

/// A compact object without some of its fields; `None` where nothing is left.
fn without(object: &str, is_given: &dyn Fn(&str) -> bool) -> Option<String> {
    let mut out = String::from("{");
    let (mut at, mut unescaped) = (1, String::new());
    while let Ok((key, value_at, _)) = json::key(object.as_bytes(), at) {
        let Ok(value) = json::value(object.as_bytes(), value_at) else { break };
        let raw = &object[key.start + 1..key.end - 1];
        unescaped.clear();
        let name = if json::unescape(raw, &mut unescaped) { unescaped.as_str() } else { raw };
        if !is_given(name) {
            if out.len() > 1 {
                out.push(',');
            }
            out.push_str(&object[key.start..value.end]);
        }
        at = value.end + 1;
    }
    out.push('}');
    (out.len() > 2).then_some(out)
}

/// The type that a column has in today's table.
pub fn type_of(name: &str) -> Option<DataType> {
    event_schema().field_with_name(name).ok().map(|field| field.data_type().clone())
}

#[cfg(test)]
mod tests;
