//! Columns of times: each with its zone, as texts, moved by units, and what lies between two.

use std::sync::Arc;

use arrow::array::timezone::Tz;
use arrow::array::{Array, ArrayRef, AsArray, Int64Array, StringBuilder, TimestampMicrosecondArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, TimestampMicrosecondType};
use datafusion::common::{Result, exec_err};
use datafusion::logical_expr::ColumnarValue;

use super::function::Argument;
use super::pattern::{Language, Pattern, instant};
use super::span::{add, between};
use super::time::time_type;

/// An argument that is a time, for all rows.
pub(super) struct Times {
    array: TimestampMicrosecondArray,
    same: bool,
    zone: Tz,
    pub(super) name: Arc<str>,
}

impl Times {
    pub(super) fn new(value: Option<&ColumnarValue>, rows: usize) -> Result<Times> {
        let Some(value) = value else { return exec_err!("a time is missing") };
        let same = matches!(value, ColumnarValue::Scalar(_));
        let array = value.to_array(if same { 1 } else { rows })?;
        let array = cast(&array, &time_type(array.data_type())?)?;
        let name = match array.data_type() {
            DataType::Timestamp(_, Some(zone)) => zone.clone(),
            _ => "UTC".into(),
        };
        let array = array.as_primitive::<TimestampMicrosecondType>().clone();
        Ok(Times { array, same, zone: name.parse()?, name })
    }

    pub(super) fn get(&self, row: usize) -> Option<i64> {
        let row = if self.same { 0 } else { row };
        (row < self.array.len() && self.array.is_valid(row)).then(|| self.array.value(row))
    }
}

pub(super) fn format_all(language: Language, times: &Times, patterns: &Argument, rows: usize) -> Result<ArrayRef> {
    let mut out = StringBuilder::with_capacity(rows, rows * 20);
    let mut kept: Option<Pattern> = None;
    let mut line = String::new();
    for row in 0..rows {
        let (Some(micros), Some(wanted)) = (times.get(row), patterns.get(row)) else {
            out.append_null();
            continue;
        };
        if kept.as_ref().is_none_or(|pattern| pattern.source() != wanted) {
            kept = Some(Pattern::new(language, wanted)?);
        }
        line.clear();
        if let Some(pattern) = &kept {
            pattern.format(&instant(micros)?.with_timezone(&times.zone), &mut line)?;
        }
        out.append_value(&line);
    }
    Ok(Arc::new(out.finish()))
}

pub(super) fn add_all(units: &Argument, counts: &Argument, times: &Times, rows: usize) -> Result<ArrayRef> {
    let mut out = Vec::with_capacity(rows);
    for row in 0..rows {
        out.push(match (units.get(row), counts.get(row), times.get(row)) {
            (Some(unit), Some(count), Some(micros)) => Some(add(unit, count, micros)?),
            _ => None,
        });
    }
    Ok(Arc::new(TimestampMicrosecondArray::from(out).with_timezone(times.name.clone())))
}

pub(super) fn difference_all(units: &Argument, from: &Times, to: &Times, rows: usize) -> Result<ArrayRef> {
    let mut out = Vec::with_capacity(rows);
    for row in 0..rows {
        out.push(match (units.get(row), from.get(row), to.get(row)) {
            (Some(unit), Some(from), Some(to)) => Some(between(unit, from, to)?),
            _ => None,
        });
    }
    Ok(Arc::new(Int64Array::from(out)))
}
