//! `trailhound rules`: what the shipped pack watches for.

use std::io;
use std::sync::Arc;

use ::alerts::pack;
use arrow::array::{ArrayRef, RecordBatch, StringArray};

use crate::cli::Global;
use crate::outcome::{Failure, Outcome};
use crate::render;

pub(crate) fn run(global: &Global) -> Result<Outcome, Failure> {
    let mut rules = pack::shipped();
    rules.sort_by(|a, b| (b.about.severity, &a.about.name).cmp(&(a.about.severity, &b.about.name)));
    let column = |value: fn(&::alerts::Rule) -> String| -> ArrayRef {
        Arc::new(StringArray::from_iter_values(rules.iter().map(value)))
    };
    let batch = RecordBatch::try_from_iter([
        ("severity", column(|rule| rule.about.severity.to_string())),
        ("rule", column(|rule| rule.about.name.clone())),
        ("title", column(|rule| rule.about.title.clone())),
        ("tags", column(|rule| rule.about.tags.join(" "))),
    ])
    .map_err(|e| Failure::Io(e.to_string()))?;
    let options = render::RowOptions { rows_max: None, ..global.rows() };
    render::rows([batch.clone()], &batch.schema(), global.output, &mut io::stdout(), &options)?;
    Ok(Outcome::Done)
}
