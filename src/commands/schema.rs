//! `trailhound schema`: the columns of the event table, straight from the one list of them.

use std::io;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use ingest::schema::{COLUMNS, Column, Kind};

use crate::cli::Global;
use crate::outcome::{Failure, Outcome};
use crate::render;

pub(crate) fn run(global: &Global) -> Result<Outcome, Failure> {
    let mut rows = Vec::new();
    for column in COLUMNS {
        add(column, "", &mut rows);
    }
    let column = |index: usize| -> ArrayRef { Arc::new(StringArray::from_iter_values(rows.iter().map(|r| &r[index]))) };
    let names = ["column", "type", "record_field", "since", "about"];
    let batch = RecordBatch::try_from_iter(names.iter().enumerate().map(|(index, name)| (*name, column(index))))
        .map_err(|e| Failure::Io(e.to_string()))?;
    let options = render::RowOptions { rows_max: None, ..global.rows() };
    render::rows([batch.clone()], &batch.schema(), global.output, &mut io::stdout(), &options)?;
    Ok(Outcome::Done)
}

fn add(column: &Column, prefix: &str, rows: &mut Vec<[String; 5]>) {
    let name = format!("{prefix}{}", column.name);
    let (kind, fields): (&str, &[Column]) = match column.kind {
        Kind::Text => ("text", &[]),
        Kind::Dictionary => ("text (dictionary)", &[]),
        Kind::Json => ("JSON text", &[]),
        Kind::Boolean => ("boolean", &[]),
        Kind::Timestamp => ("timestamp (µs, UTC)", &[]),
        Kind::Date => ("date", &[]),
        Kind::Struct(fields) => ("struct", fields),
        Kind::List(fields) => ("list of struct", fields),
    };
    let [kind, json, since, about] = [kind, column.json, column.since, column.about].map(str::to_owned);
    rows.push([name.clone(), kind, json, since, about]);
    for field in fields {
        add(field, &format!("{name}."), rows);
    }
}
