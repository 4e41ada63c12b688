//! A lake as tables: `events` and its views, what was ingested, what was refused, what the logs cover, what was used
//! last; and rows in order, for whoever rewrites a lake's files.
//!
//! [`table`] is the scan, [`figures`] what the log says of files, [`needle`], [`bloom`] and [`reader`] the way to one
//! row among millions, [`local`] reads files of this machine, [`older`] what files of an older version lack, [`schemas`] what files have. The tables `coverage`,
//! `last_used`, `activity` and `alerts` hold partial rows, one set a batch, and [`fold`] makes whole ones of them; [`proof`] joins digests with what was read.
//! This room asks the lake for its files, and must not write.

mod bloom;
mod figures;
mod fold;
mod local;
mod needle;
mod older;
mod proof;
mod reader;
mod schemas;
mod table;

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{FieldRef, SchemaRef};
use arrow::error::ArrowError;
use datafusion::catalog::TableProvider;
use lake::schema::{ACTIVITY, ALERTS, BESIDE, COVERAGE, DIGESTED, EVENTS, LAST_USED, OBJECTS, REJECTS};
use lake::{DataFile, Lake};

use crate::answer::BlockingAnswer;
use crate::error::{Error, Result, explain};
use crate::session::{Engine, Limits};
use table::LakeTable;

pub(crate) use proof::is_needed;

/// Columns of a table of a lake.
pub fn columns(table: &str) -> SchemaRef {
    match table {
        OBJECTS => lake::schema::objects(),
        REJECTS => lake::schema::rejects(),
        COVERAGE => lake::schema::coverage(),
        DIGESTED => lake::schema::digested(),
        LAST_USED => lake::schema::last_used(),
        ALERTS => lake::schema::alerts(),
        ACTIVITY => lake::schema::activity(),
        _ => ingest::schema::event_schema(),
    }
}

impl Engine {
    /// Makes the tables of a lake, at the snapshot that it is opened at, the tables of this engine. The lake should
    /// live as long as queries run: it keeps the connections to its bucket.
    ///
    /// # Errors
    /// [`Error::Input`] when the lake's log cannot be read.
    pub fn register_lake(&self, lake: &Lake) -> Result<()> {
        self.register_files(lake, files(lake, EVENTS)?)?;
        for name in BESIDE.iter().copied() {
            let parts = provider(lake, name, files(lake, name)?)?;
            match fold::sql(name) {
                Some(sql) if lake.has(name) && name != COVERAGE => self.put(name, fold::view(name, parts, sql)?),
                _ => self.put(name, parts),
            }
        }
        proof::register(self, lake)
    }

    /// Makes these files the table `events`.
    pub(crate) fn register_files(&self, lake: &Lake, files: Vec<DataFile>) -> Result<()> {
        self.open_store(lake);
        self.register_events(provider(lake, EVENTS, files)?, true)
    }

    fn open_store(&self, lake: &Lake) {
        let location = lake.location();
        self.context().register_object_store(&location.root_url(), location.root().clone());
    }
}

/// Rows of some files of a table, sorted by columns of it: in memory as far as it goes, else on disk.
///
/// # Errors
/// As [`Engine::query_blocking`].
pub fn sorted(lake: &Lake, table: &'static str, files: &[DataFile], by: &[&str], limits: &Limits) -> Result<Rows> {
    let order: Vec<_> = by.iter().map(|column| format!("\"{column}\"")).collect();
    rows(lake, table, files, &format!("SELECT * FROM parts ORDER BY {}", order.join(", ")), limits)
}

/// Rows of some files of `coverage`, `last_used` or `activity`, those of one key made one, sorted by key.
///
/// # Errors
/// As [`Engine::query_blocking`]; [`Error::Setup`] for a table whose rows are no parts.
pub fn merged(lake: &Lake, table: &'static str, files: &[DataFile], limits: &Limits) -> Result<Rows> {
    let sql = fold::sql(table).ok_or_else(|| Error::Setup(format!("the rows of {table} are whole already")))?;
    rows(lake, table, files, &format!("{sql} ORDER BY {}", fold::key(table)), limits)
}

fn rows(lake: &Lake, table: &'static str, files: &[DataFile], sql: &str, limits: &Limits) -> Result<Rows> {
    let engine = Engine::new(limits.clone())?;
    engine.open_store(lake);
    engine.put(fold::PARTS, provider(lake, table, files.to_vec())?);
    Ok(Rows { answer: engine.query_blocking(sql)?, schema: columns(table) })
}

fn files(lake: &Lake, table: &str) -> Result<Vec<DataFile>> {
    lake.files(table).map_err(|error| Error::Input(error.to_string()))
}

fn provider(lake: &Lake, table: &'static str, files: Vec<DataFile>) -> Result<Arc<dyn TableProvider>> {
    let table = LakeTable::new(lake.location(), table, columns(table), files).map_err(explain)?;
    Ok(Arc::new(table))
}

/// Rows of a table, with exactly its columns.
pub struct Rows {
    answer: BlockingAnswer,
    schema: SchemaRef,
}

impl Iterator for Rows {
    type Item = Result<RecordBatch>;

    fn next(&mut self) -> Option<Self::Item> {
        let batch = self.answer.next()?;
        Some(batch.and_then(|batch| fit(&batch, &self.schema)))
    }
}

/// A batch with exactly these columns, cast where the engine has made other types of them.
pub(crate) fn fit(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    let fitted = || -> std::result::Result<RecordBatch, ArrowError> {
        let column = |(column, field): (&ArrayRef, &FieldRef)| match column.data_type() == field.data_type() {
            true => Ok(column.clone()),
            false => cast(column, field.data_type()),
        };
        let columns: std::result::Result<_, ArrowError> =
            batch.columns().iter().zip(schema.fields()).map(column).collect();
        RecordBatch::try_new(schema.clone(), columns?)
    };
    fitted().map_err(|error| Error::Run(error.to_string()))
}
