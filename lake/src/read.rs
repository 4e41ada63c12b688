//! Data files back to batches, one file at a time, with the columns that the table has today: what an older trailhound
//! did not know as a column comes from `extra` ([`ingest::older`]), else it is null.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Date32Array, ListArray, RecordBatch, StructArray, new_null_array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, FieldRef, Schema, SchemaRef};
use arrow::error::ArrowError;
use ingest::older::Older;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder};

use crate::error::{Error, Result};
use crate::lake::Lake;
use crate::schema::{EVENTS, EXTRA, PARTITION};
use crate::table::DataFile;

/// Rows of a batch.
const BATCH_ROWS: usize = 8192;

/// Takes batches; an error of its own ends the reading.
pub(crate) type Take<'a> = dyn FnMut(RecordBatch) -> Result<()> + 'a;

/// Reads one file of a table: all of its columns, or the named ones (top level).
pub(crate) fn file(
    lake: &Lake,
    table: &'static str,
    file: &DataFile,
    columns: Option<&[&str]>,
    take: &mut Take<'_>,
) -> Result<()> {
    let bytes = lake.block_on(lake.location().get(&format!("{table}/{}", file.path)))?;
    self::bytes(lake, table, file, bytes, columns, take)
}

/// [`file`], where its bytes are there already.
pub(crate) fn bytes(
    lake: &Lake,
    table: &'static str,
    file: &DataFile,
    bytes: bytes::Bytes,
    columns: Option<&[&str]>,
    take: &mut Take<'_>,
) -> Result<()> {
    let name = format!("{table}/{}", file.path);
    let damaged = |why: String| Error::Damaged { file: name.clone(), why };
    let metadata = ArrowReaderMetadata::load(&bytes, ArrowReaderOptions::new()).map_err(|e| damaged(e.to_string()))?;
    let mut builder = ParquetRecordBatchReaderBuilder::new_with_metadata(bytes, metadata).with_batch_size(BATCH_ROWS);
    let schema = project(&lake.spec(table).schema, columns);
    let older = if table == EVENTS { Older::new(builder.schema().fields()) } else { None };
    let older = older.filter(|older| schema.fields().iter().any(|field| older.changes(field.name())));
    if let Some(columns) = columns {
        let is_read = |name: &str| columns.contains(&name) || (older.is_some() && name == EXTRA);
        let roots = builder.schema().fields().iter().enumerate();
        let roots: Vec<_> = roots.filter(|(_, field)| is_read(field.name())).map(|(n, _)| n).collect();
        let mask = ProjectionMask::roots(builder.parquet_schema(), roots);
        builder = builder.with_projection(mask);
    }
    let reader = builder.build().map_err(|e| damaged(e.to_string()))?;
    for batch in reader {
        let batch = batch.map_err(|e| damaged(e.to_string()))?;
        let fitted = fit(&batch, &schema, file.event_date).and_then(|fitted| match &older {
            Some(older) => fill(older, &fitted, batch.column_by_name(EXTRA)),
            None => Ok(fitted),
        });
        take(fitted.map_err(|e| damaged(e.to_string()))?)?;
    }
    Ok(())
}

/// Rows of an older file with what its columns lack.
fn fill(older: &Older, fitted: &RecordBatch, extra: Option<&ArrayRef>) -> std::result::Result<RecordBatch, ArrowError> {
    let Some(extra) = extra else { return Ok(fitted.clone()) };
    let schema = fitted.schema();
    let columns = schema.fields().iter().zip(fitted.columns());
    let columns = columns.map(|(field, column)| older.fill(field.name(), column, extra));
    RecordBatch::try_new(schema.clone(), columns.collect::<std::result::Result<_, _>>()?)
}

fn project(schema: &SchemaRef, columns: Option<&[&str]>) -> SchemaRef {
    let Some(columns) = columns else { return schema.clone() };
    let fields: Vec<_> = schema.fields().iter().filter(|f| columns.contains(&f.name().as_str())).cloned().collect();
    Arc::new(Schema::new(fields))
}

/// A file's rows with the columns of the table: the day comes from the partition, what the file does not have is null.
fn fit(batch: &RecordBatch, schema: &SchemaRef, day: Option<i32>) -> std::result::Result<RecordBatch, ArrowError> {
    let rows = batch.num_rows();
    let column = |field: &FieldRef| -> std::result::Result<ArrayRef, ArrowError> {
        if field.name() == PARTITION {
            return Ok(Arc::new(Date32Array::from(vec![day; rows])));
        }
        batch
            .column_by_name(field.name())
            .map_or_else(|| Ok(new_null_array(field.data_type(), rows)), |c| adapt(c, field))
    };
    let columns = schema.fields().iter().map(column).collect::<std::result::Result<Vec<_>, _>>()?;
    let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(rows));
    RecordBatch::try_new_with_options(schema.clone(), columns, &options)
}

/// A column as the table has it today: fields that a struct did not have are null.
fn adapt(column: &ArrayRef, field: &FieldRef) -> std::result::Result<ArrayRef, ArrowError> {
    match (column.data_type(), field.data_type()) {
        (have, want) if have == want => Ok(column.clone()),
        (DataType::Struct(_), DataType::Struct(fields)) => {
            let parts = column.as_struct();
            let part = |field: &FieldRef| match parts.column_by_name(field.name()) {
                Some(part) => adapt(part, field),
                None => Ok(new_null_array(field.data_type(), parts.len())),
            };
            let arrays = fields.iter().map(part).collect::<std::result::Result<Vec<_>, _>>()?;
            Ok(Arc::new(StructArray::try_new_with_length(fields.clone(), arrays, parts.nulls().cloned(), parts.len())?))
        }
        (DataType::List(_), DataType::List(element)) => {
            let list = column.as_list::<i32>();
            let values = adapt(list.values(), element)?;
            Ok(Arc::new(ListArray::try_new(element.clone(), list.offsets().clone(), values, list.nulls().cloned())?))
        }
        (_, want) => cast(column, want),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use arrow::array::StringArray;
    use arrow::datatypes::{Field, Fields};

    use super::*;

    #[test]
    fn a_file_of_an_older_version_gives_nulls_for_new_fields() {
        let text = |name: &str| Field::new(name, DataType::Utf8, true);
        let old = Fields::from(vec![text("arn")]);
        let inner: ArrayRef = Arc::new(StringArray::from(vec![Some("a"), None]));
        let structs = StructArray::try_new(old.clone(), vec![inner], None).unwrap();
        let batch = RecordBatch::try_from_iter([("useridentity", Arc::new(structs) as ArrayRef)]).unwrap();
        let new = Fields::from(vec![text("type"), text("arn")]);
        let schema = Schema::new(vec![Field::new("useridentity", DataType::Struct(new), true), text("vpc")]);
        let fitted = fit(&batch, &Arc::new(schema), None).unwrap();
        let identity = fitted.column(0).as_struct();
        assert_eq!(identity.column(0).null_count(), 2);
        assert_eq!(identity.column(1).as_string::<i32>().value(0), "a");
        assert_eq!(fitted.column(1).null_count(), 2);
    }
}
