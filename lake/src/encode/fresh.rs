//! A Parquet file written as events come: whole row groups, each from the batches of one day.
//!
//! The stock writer hashes, compares and compresses value by value and makes a compressor a column and file; for small
//! files of ninety columns that cost more than reading the logs. This one takes the batches' dictionaries over, keeps its
//! compressor, and leaves out what only large files need: an index of pages, ranges of columns that nobody cuts by.
//! The stock writer's page and footer code is used as it is, and its reader is the twin in the tests.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch};
use arrow::datatypes::{DataType, SchemaRef};
use parquet::arrow::{ArrowSchemaConverter, add_encoded_arrow_schema_to_metadata};
use parquet::errors::{ParquetError, Result};
use parquet::file::properties::{WriterProperties, WriterPropertiesPtr};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::{ColumnDescPtr, SchemaDescriptor};

use super::chunk::{self, Keep, Press};
use super::leaf::{Leaf, PAGE_ROWS};
use super::slots::{Slots, walk};
use super::{CREATED_BY, CUT_BY, Encoded, NEEDLES, RANDOM, Times, UNIQUE, without_partition};
use crate::error::{Error, Result as LakeResult};
use crate::schema::PARTITION;

/// Compression of a file that will soon be compacted.
const LEVEL: i32 = 1;

/// A leaf column of a table.
struct Column {
    kind: DataType,
    descriptor: ColumnDescPtr,
    keep: Keep,
    is_unique: bool,
}

/// Writes files of one table; keeps what they have in common.
pub(crate) struct FreshWriter {
    table: &'static str,
    parquet: SchemaDescriptor,
    properties: WriterPropertiesPtr,
    /// Positions of the columns that are written.
    stored: Vec<usize>,
    /// Leaves by top-level column.
    columns: Vec<Vec<Column>>,
    press: Press,
}

/// A file while it grows, in memory.
pub(crate) struct FreshFile {
    writer: SerializedFileWriter<Vec<u8>>,
    rows: u64,
    times: Times,
}

impl FreshWriter {
    /// For batches of this schema; the column of the partition is not written.
    pub(crate) fn new(table: &'static str, schema: &SchemaRef) -> LakeResult<FreshWriter> {
        Self::make(table, schema).map_err(Error::encode(table))
    }

    fn make(table: &'static str, schema: &SchemaRef) -> Result<FreshWriter> {
        let stored = (0..schema.fields().len()).filter(|n| schema.field(*n).name() != PARTITION).collect();
        let schema = without_partition(schema);
        let parquet = ArrowSchemaConverter::new().convert(&schema)?;
        let mut properties = WriterProperties::builder().set_created_by(CREATED_BY.to_owned()).build();
        add_encoded_arrow_schema_to_metadata(&schema, &mut properties);
        let mut kinds = Vec::new();
        for (root, field) in schema.fields().iter().enumerate() {
            leaves(field.data_type(), &mut |kind| kinds.push((root, kind.clone())));
        }
        let mut columns: Vec<Vec<Column>> = Vec::new();
        for ((root, kind), descriptor) in kinds.into_iter().zip(parquet.columns()) {
            let path: Vec<_> = descriptor.path().parts().iter().map(String::as_str).collect();
            let named = |names: &[&str]| matches!(path.as_slice(), [name] if names.contains(name));
            let keep = Keep { range: named(CUT_BY), filter: NEEDLES.contains(&path.as_slice()), random: named(RANDOM) };
            columns.resize_with(root + 1, Vec::new);
            if let Some(columns) = columns.last_mut() {
                columns.push(Column { kind, descriptor: descriptor.clone(), keep, is_unique: named(UNIQUE) });
            }
        }
        let press = Press::new(LEVEL)?;
        Ok(FreshWriter { table, parquet, properties: Arc::new(properties), stored, columns, press })
    }

    /// An empty file.
    pub(crate) fn file(&self) -> LakeResult<FreshFile> {
        let writer = SerializedFileWriter::new(Vec::new(), self.parquet.root_schema_ptr(), self.properties.clone());
        Ok(FreshFile { writer: writer.map_err(Error::encode(self.table))?, rows: 0, times: Times::default() })
    }

    /// Adds rows to a file, as one row group.
    pub(crate) fn row_group(&mut self, file: &mut FreshFile, parts: &[RecordBatch]) -> LakeResult<()> {
        for part in parts {
            file.times.note(part, file.rows);
            file.rows += part.num_rows() as u64;
        }
        self.append(file, parts).map_err(Error::encode(self.table))
    }

    fn append(&mut self, file: &mut FreshFile, parts: &[RecordBatch]) -> Result<()> {
        let rows: usize = parts.iter().map(RecordBatch::num_rows).sum();
        let mut group = file.writer.next_row_group()?;
        for (position, columns) in self.stored.iter().zip(&self.columns) {
            let mut leaves = Vec::with_capacity(columns.len());
            for Column { kind, descriptor, is_unique, .. } in columns {
                let depth = descriptor.max_def_level() as u8;
                leaves.push(Leaf::new(kind, depth, descriptor.max_rep_level() > 0, *is_unique)?);
            }
            let pieces = pieces(parts, *position)?;
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

impl FreshFile {
    /// Bytes that it has so far.
    pub(crate) fn bytes(&self) -> usize {
        self.writer.bytes_written()
    }

    /// Ends the file.
    pub(crate) fn finish(self, table: &'static str) -> LakeResult<Encoded> {
        let bytes = self.writer.into_inner().map_err(Error::encode(table))?;
        Ok(Encoded { bytes, rows: self.rows, times: self.times.span() })
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
