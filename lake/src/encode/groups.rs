//! Row groups of a Parquet file from whole batches.
//!
//! The stock writer hashes, compares and compresses value by value and makes a compressor a column and file; for files of
//! ninety columns that cost more than reading the logs. This one takes the batches' dictionaries over, keeps its
//! compressor, and leaves out what only large files need: an index of pages. The stock writer's page and footer code is
//! used as it is, and its reader is the twin in the tests. Knows the types that events have, and no others.

use std::io::Write;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use parquet::arrow::{ArrowSchemaConverter, add_encoded_arrow_schema_to_metadata};
use parquet::errors::{ParquetError, Result};
use parquet::file::properties::{WriterProperties, WriterPropertiesPtr};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::{ColumnDescPtr, SchemaDescriptor};

use super::chunk::{self, Keep, Press};
use super::leaf::{Leaf, PAGE_ROWS};
use super::slots::{Slots, walk};
use super::{CREATED_BY, CUT_BY, NEEDLES, RANDOM, UNIQUE};

/// Compression: these files are soon compacted, or read once.
const LEVEL: i32 = 1;

/// A leaf column of a table.
struct Column {
    kind: DataType,
    descriptor: ColumnDescPtr,
    keep: Keep,
    is_unique: bool,
}

/// Who will read a file, which decides what it says of its columns beside their values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reader {
    /// A lake: ranges of the columns that questions cut by, filters for needles.
    Lake,
    /// Somebody who asked for rows: ranges of all columns whose values repeat, no filters.
    Anybody,
}

/// Writes row groups of one schema; keeps what its files have in common.
pub(super) struct Groups {
    parquet: SchemaDescriptor,
    properties: WriterPropertiesPtr,
    /// Leaves by top-level column.
    columns: Vec<Vec<Column>>,
    press: Press,
}

impl Groups {
    /// For batches whose columns are these.
    pub(super) fn new(schema: &Schema, reader: Reader) -> Result<Groups> {
        let parquet = ArrowSchemaConverter::new().convert(schema)?;
        let mut properties = WriterProperties::builder().set_created_by(CREATED_BY.to_owned()).build();
        add_encoded_arrow_schema_to_metadata(schema, &mut properties);
        let mut kinds = Vec::new();
        for (root, field) in schema.fields().iter().enumerate() {
            leaves(field.data_type(), &mut |kind| kinds.push((root, kind.clone())));
        }
        let mut columns: Vec<Vec<Column>> = Vec::new();
        for ((root, kind), descriptor) in kinds.into_iter().zip(parquet.columns()) {
            let path: Vec<_> = descriptor.path().parts().iter().map(String::as_str).collect();
            let named = |names: &[&str]| matches!(path.as_slice(), [name] if names.contains(name));
            let keep = match reader {
                Reader::Lake => {
                    Keep { range: named(CUT_BY), filter: NEEDLES.contains(&path.as_slice()), random: named(RANDOM) }
                }
                Reader::Anybody => Keep { range: !named(UNIQUE), filter: false, random: named(RANDOM) },
            };
            columns.resize_with(root + 1, Vec::new);
            if let Some(columns) = columns.last_mut() {
                columns.push(Column { kind, descriptor: descriptor.clone(), keep, is_unique: named(UNIQUE) });
            }
        }
        Ok(Groups { parquet, properties: Arc::new(properties), columns, press: Press::new(LEVEL)? })
    }

    /// Whether all columns are of types that are known here; the stock writer knows all.
    pub(super) fn know(schema: &Schema) -> bool {
        !schema.fields().is_empty() && schema.fields().iter().all(|field| is_known(field, false))
    }

    /// An empty file.
    pub(super) fn file<W: Write + Send>(&self, out: W) -> Result<SerializedFileWriter<W>> {
        SerializedFileWriter::new(out, self.parquet.root_schema_ptr(), self.properties.clone())
    }

    /// Adds rows to a file, as one row group. `stored` are the positions of the columns in the batches.
    pub(super) fn append<W: Write + Send>(
        &mut self,
        file: &mut SerializedFileWriter<W>,
        parts: &[RecordBatch],
        stored: impl Iterator<Item = usize>,
    ) -> Result<()> {
        let rows: usize = parts.iter().map(RecordBatch::num_rows).sum();
        let mut group = file.next_row_group()?;
        for (position, columns) in stored.zip(&self.columns) {
            let mut leaves = Vec::with_capacity(columns.len());
            for Column { kind, descriptor, is_unique, .. } in columns {
                let depth = descriptor.max_def_level() as u8;
                leaves.push(Leaf::new(kind, depth, descriptor.max_rep_level() > 0, *is_unique)?);
            }
            let pieces = pieces(parts, position)?;
            fill(&mut leaves, &pieces)?;
            for (leaf, column) in leaves.into_iter().zip(columns) {
                let chunk = chunk::write(leaf, &column.descriptor, column.keep, rows, &mut self.press)?;
                group.append_column(&chunk.bytes, chunk.close)?;
            }
        }
        group.close()?;
        Ok(())
    }
}

/// Whether a column can be written here. What is never null has other levels than what may be, and is not an event's.
fn is_known(field: &Field, is_in_list: bool) -> bool {
    field.is_nullable()
        && match field.data_type() {
            DataType::Struct(fields) => !fields.is_empty() && fields.iter().all(|field| is_known(field, is_in_list)),
            DataType::List(item) => !is_in_list && is_known(item, true),
            DataType::Dictionary(key, value) => **key == DataType::Int32 && **value == DataType::Utf8,
            DataType::Utf8 | DataType::Int64 | DataType::Boolean | DataType::Date32 => true,
            DataType::Timestamp(unit, _) => *unit == TimeUnit::Microsecond,
            _ => false,
        }
}

/// A column of some batches, cut where pages end.
fn pieces(parts: &[RecordBatch], position: usize) -> Result<Vec<(ArrayRef, bool)>> {
    let mut pieces = Vec::with_capacity(parts.len());
    let mut room = PAGE_ROWS;
    for part in parts {
        let column = part.columns().get(position);
        let column = column.ok_or_else(|| ParquetError::General(format!("a batch without column {position}")))?;
        let mut start = 0;
        while start < column.len() {
            let rows = room.min(column.len() - start);
            room -= rows;
            let piece = if rows == column.len() { column.clone() } else { column.slice(start, rows) };
            pieces.push((piece, room == 0));
            room = if room == 0 { PAGE_ROWS } else { room };
            start += rows;
        }
    }
    Ok(pieces)
}

/// Gives the pieces of a column to its leaves.
fn fill<'a>(leaves: &mut [Leaf<'a>], pieces: &'a [(ArrayRef, bool)]) -> Result<()> {
    for (piece, ends_page) in pieces {
        let mut rest = leaves.iter_mut();
        walk(piece, &Slots::rows(piece.len()), &mut |array, slots| match rest.next() {
            Some(leaf) => leaf.take(array, slots),
            None => Err(ParquetError::General("a column with more fields than its table".to_owned())),
        })?;
        if *ends_page {
            leaves.iter_mut().for_each(Leaf::end_page);
        }
    }
    leaves.iter_mut().for_each(Leaf::end_page);
    Ok(())
}

/// The leaves below a type, in the order of the file's columns.
fn leaves(kind: &DataType, leaf: &mut dyn FnMut(&DataType)) {
    match kind {
        DataType::Struct(fields) => fields.iter().for_each(|field| leaves(field.data_type(), leaf)),
        DataType::List(item) => leaves(item.data_type(), leaf),
        kind => leaf(kind),
    }
}
