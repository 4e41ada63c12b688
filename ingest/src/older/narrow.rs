//! What an older trailhound made of events: for tests, which have no older trailhound.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, RecordBatch, StringArray, StructArray};
use arrow::datatypes::{DataType, Field, FieldRef, Schema};
use arrow::error::ArrowError;

use super::EXTRA;
use crate::restore::{self, keys};
use crate::schema::COLUMNS;

/// A batch as a trailhound would have made it whose table lacked these columns or fields (`tlsdetails`,
/// `useridentity.inscopeof`): what they hold is in `extra`.
///
/// For tests.
///
/// # Errors
/// Arrow's, if the batch is none of events.
pub fn narrowed(batch: &RecordBatch, lacking: &[&str]) -> Result<RecordBatch, ArrowError> {
    let extra: Vec<Option<String>> = (0..batch.num_rows()).map(|row| extra_of(batch, row, lacking)).collect();
    let extra: ArrayRef = Arc::new(extra.into_iter().collect::<StringArray>());
    let (mut fields, mut columns) = (Vec::new(), Vec::new());
    for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
        if lacking.contains(&field.name().as_str()) {
            continue;
        }
        let (field, column) = match field.name().as_str() {
            EXTRA => (field.clone(), extra.clone()),
            name => {
                let prefix = format!("{name}.");
                let inside: Vec<&str> = lacking.iter().filter_map(|path| path.strip_prefix(&prefix)).collect();
                narrow(field, column, &inside)?
            }
        };
        fields.push(field);
        columns.push(column);
    }
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)
}

/// What `extra` of a row held: what it holds today, and what the lacking columns hold.
fn extra_of(batch: &RecordBatch, row: usize, lacking: &[&str]) -> Option<String> {
    let today = batch.column_by_name(EXTRA)?.as_string_opt::<i32>()?;
    let mut text = if today.is_valid(row) { today.value(row).to_owned() } else { "{}".to_owned() };
    for column in COLUMNS.iter().filter(|column| !column.is_derived()) {
        let Some(array) = batch.column_by_name(column.name) else { continue };
        let mut paths = lacking.iter().map(|path| path.split('.').collect::<Vec<_>>());
        let held = paths.any(|path| path.first() == Some(&column.name) && holds(array, row, path.get(1..)));
        if !held || keys(&text).contains(&column.json) {
            continue;
        }
        let mut field = String::new();
        restore::field(column, array, row, &mut field);
        text.pop();
        if text.len() > 1 {
            text.push(',');
        }
        text.push_str(&field);
        text.push('}');
    }
    (text.len() > 2).then_some(text)
}

/// Whether there is a value at a path within a row.
fn holds(array: &ArrayRef, row: usize, path: Option<&[&str]>) -> bool {
    if array.is_null(row) {
        return false;
    }
    let Some([name, rest @ ..]) = path else { return true };
    if let Some(list) = array.as_list_opt::<i32>() {
        let values = list.value(row);
        return (0..values.len()).any(|at| holds(&values, at, path));
    }
    let part = array.as_struct_opt().and_then(|parts| parts.column_by_name(name));
    part.is_some_and(|part| holds(part, row, Some(rest)))
}

/// A column without some fields of its struct.
fn narrow(field: &FieldRef, column: &ArrayRef, lacking: &[&str]) -> Result<(FieldRef, ArrayRef), ArrowError> {
    if lacking.is_empty() {
        return Ok((field.clone(), column.clone()));
    }
    if let (DataType::List(item), Some(list)) = (field.data_type(), column.as_list_opt::<i32>()) {
        let (item, values) = narrow(item, list.values(), lacking)?;
        let list = ListArray::try_new(item.clone(), list.offsets().clone(), values, list.nulls().cloned())?;
        return Ok((Arc::new(Field::new(field.name(), DataType::List(item), true)), Arc::new(list)));
    }
    let (DataType::Struct(parts), Some(structs)) = (field.data_type(), column.as_struct_opt()) else {
        return Ok((field.clone(), column.clone()));
    };
    let (mut fields, mut columns) = (Vec::new(), Vec::new());
    for (part, column) in
        parts.iter().zip(structs.columns()).filter(|(part, _)| !lacking.contains(&part.name().as_str()))
    {
        let prefix = format!("{}.", part.name());
        let inside: Vec<&str> = lacking.iter().filter_map(|path| path.strip_prefix(&prefix)).collect();
        let (part, column) = narrow(part, column, &inside)?;
        fields.push(part);
        columns.push(column);
    }
    let structs = StructArray::try_new_with_length(fields.into(), columns, structs.nulls().cloned(), structs.len())?;
    Ok((Arc::new(Field::new(field.name(), structs.data_type().clone(), true)), Arc::new(structs)))
}
