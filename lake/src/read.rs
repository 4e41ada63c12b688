//! Data files back to batches, one file at a time, with the columns that the table has today.

use std::sync::Arc;

use arrow::array::{ArrayRef, Date32Array, RecordBatch, new_null_array};
use arrow::compute::cast;
use arrow::datatypes::{Schema, SchemaRef};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder};

use crate::error::{Error, Result};
use crate::lake::Lake;
use crate::schema::PARTITION;
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
    if let Some(columns) = columns {
        let roots = builder.schema().fields().iter().enumerate();
        let roots: Vec<_> =
            roots.filter(|(_, field)| columns.contains(&field.name().as_str())).map(|(n, _)| n).collect();
        let mask = ProjectionMask::roots(builder.parquet_schema(), roots);
        builder = builder.with_projection(mask);
    }
    let reader = builder.build().map_err(|e| damaged(e.to_string()))?;
    for batch in reader {
        let batch = batch.map_err(|e| damaged(e.to_string()))?;
        take(fit(&batch, &schema, file.event_date).map_err(|e| damaged(e.to_string()))?)?;
    }
    Ok(())
}

fn project(schema: &SchemaRef, columns: Option<&[&str]>) -> SchemaRef {
    let Some(columns) = columns else { return schema.clone() };
    let fields: Vec<_> = schema.fields().iter().filter(|f| columns.contains(&f.name().as_str())).cloned().collect();
    Arc::new(Schema::new(fields))
}

/// A file's rows with the columns of the table: the day comes from the partition, what the file does not have is null.
fn fit(
    batch: &RecordBatch,
    schema: &SchemaRef,
    day: Option<i32>,
) -> std::result::Result<RecordBatch, arrow::error::ArrowError> {
    let rows = batch.num_rows();
    let column = |field: &arrow::datatypes::FieldRef| -> std::result::Result<ArrayRef, arrow::error::ArrowError> {
        if field.name() == PARTITION {
            return Ok(Arc::new(Date32Array::from(vec![day; rows])));
        }
        match batch.column_by_name(field.name()) {
            Some(column) if column.data_type() == field.data_type() => Ok(column.clone()),
            Some(column) => cast(column, field.data_type()),
            None => Ok(new_null_array(field.data_type(), rows)),
        }
    };
    let columns = schema.fields().iter().map(column).collect::<std::result::Result<Vec<_>, _>>()?;
    let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(rows));
    RecordBatch::try_new_with_options(schema.clone(), columns, &options)
}
