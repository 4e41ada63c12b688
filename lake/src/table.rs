//! One Delta table of the lake: its snapshot, its files, and commits that either stand or tell of a conflict.
//!
//! Knows Delta's log. Must not know what the rows mean.

use std::collections::HashMap;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Date32Type, Int64Type, SchemaRef, TimestampMicrosecondType};
use chrono::Utc;
use deltalake_core::kernel::engine::arrow_conversion::TryIntoKernel;
use deltalake_core::kernel::transaction::{CommitProperties, TransactionError};
use deltalake_core::kernel::{Action, Add, DataType as KernelType, Remove, StructField, StructType, Transaction};
use deltalake_core::operations::create::CreateBuilder;
use deltalake_core::protocol::{DeltaOperation, SaveMode};
use deltalake_core::{DeltaTable, DeltaTableError};
use futures::TryStreamExt;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::location::Location;
use crate::log;
use crate::said::{self, Said};

/// Commits between two checkpoints: what a reader reads at most of single commits.
const CHECKPOINT_COMMITS: u32 = 20;

/// Attempts to open a table that is there and does not open.
const OPENINGS: u32 = 3;

/// What a table is.
#[derive(Debug, Clone)]
pub(crate) struct Spec {
    /// Its name, and its folder in the lake.
    pub(crate) name: &'static str,
    pub(crate) schema: SchemaRef,
    pub(crate) partition: Option<&'static str>,
    /// Columns whose smallest and greatest value the log keeps for each file.
    pub(crate) ranges: &'static [&'static str],
}

/// A data file that stands in a snapshot, or is about to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataFile {
    /// Path within the table's folder.
    pub path: String,
    /// Bytes.
    pub bytes: u64,
    /// Rows.
    pub rows: u64,
    /// When it was written, milliseconds since the Unix epoch.
    pub modified_ms: i64,
    /// The day that it holds, in days since the Unix epoch; `None` for rows without a time, and in tables without days.
    pub event_date: Option<i32>,
    /// Smallest and greatest `eventtime` in it, in microseconds; only in `events`.
    pub times: Option<(i64, i64)>,
}

impl DataFile {
    /// SHA-256 of its bytes in hex, which is the end of its name; `None` for a file that another program wrote.
    pub fn sha256(&self) -> Option<&str> {
        let name = self.path.strip_suffix(".parquet")?;
        name.rsplit('-').next().filter(|sum| sum.len() == 64 && sum.bytes().all(|b| b.is_ascii_hexdigit()))
    }
}

/// How a commit ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Committed {
    /// It stands.
    Yes,
    /// Somebody else committed first; the table has been refreshed.
    Conflict,
}

/// A table, at one snapshot.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    pub(crate) spec: Spec,
    delta: DeltaTable,
    /// The version of the last commit that was ours.
    pub(crate) committed: Option<u64>,
}

impl Table {
    /// The table, if it is there.
    pub(crate) async fn open(location: &Location, spec: Spec) -> Result<Option<Table>> {
        let mut attempt = 1;
        loop {
            let mut delta = DeltaTable::new(location.log_store(spec.name)?);
            let error = match delta.load().await {
                Ok(()) => {
                    let table = Table { spec, delta, committed: None };
                    table.refuse_foreign(location)?;
                    return Ok(Some(table));
                }
                Err(DeltaTableError::NotATable(_) | DeltaTableError::InvalidTableLocation(_)) => return Ok(None),
                Err(error) => error,
            };
            if !delta.verify_deltatable_existence().await.unwrap_or(true) {
                return Ok(None);
            }
            // Somebody may have made it between the two looks: then it opens now.
            if attempt == OPENINGS {
                if let Some(fault) = log::culprit(location, spec.name).await? {
                    return Err(fault.into_error());
                }
                return Err(match log::checkpoint(location, spec.name).await? {
                    Some((file, _)) => Error::Checkpoint { table: spec.name, file, why: error.to_string() },
                    None => Error::delta(spec.name)(error),
                });
            }
            attempt += 1;
        }
    }

    /// The table, made where it is not there. Two makers at once are fine.
    pub(crate) async fn create(location: &Location, spec: Spec) -> Result<Table> {
        if let Some(table) = Self::open(location, spec.clone()).await? {
            return table.widen().await;
        }
        let columns = columns(&spec)?;
        let settings = [
            ("delta.checkpointInterval".to_owned(), Some(CHECKPOINT_COMMITS.to_string())),
            ("delta.dataSkippingStatsColumns".to_owned(), Some(spec.ranges.join(","))),
        ];
        let made = CreateBuilder::new()
            .with_log_store(location.log_store(spec.name)?)
            .with_table_name(spec.name)
            .with_columns(columns)
            .with_partition_columns(spec.partition)
            .with_configuration(settings)
            .with_save_mode(SaveMode::ErrorIfExists)
            .await;
        match made {
            Ok(delta) => Ok(Table { spec, delta, committed: None }),
            Err(error) => match Self::open(location, spec.clone()).await? {
                Some(table) => Ok(table),
                None => Err(Error::delta(spec.name)(error)),
            },
        }
    }

    /// Refuses a table that merely has the name of ours. Those of other versions of trailhound have most of today's columns.
    fn refuse_foreign(&self, location: &Location) -> Result<()> {
        let name = self.spec.name;
        let theirs = self.delta.snapshot().map_err(Error::delta(name))?;
        let (parts, schema) = (theirs.metadata().partition_columns(), theirs.schema());
        let ours = self.spec.schema.fields();
        let have = ours.iter().filter(|field| schema.field(field.name()).is_some()).count();
        let why = match parts.iter().map(String::as_str).eq(self.spec.partition) {
            false => format!("it is partitioned by [{}]", parts.join(", ")),
            true if have * 2 < ours.len() => format!("it has {have} of {} columns", ours.len()),
            true => return Ok(()),
        };
        Err(Error::Foreign { place: location.name().to_owned(), table: name, why })
    }

    /// Adds the columns that an older trailhound did not know. Its files stay as they are and give nulls for them.
    async fn widen(self) -> Result<Table> {
        let name = self.spec.name;
        let ours: StructType = self.spec.schema.as_ref().try_into_kernel().map_err(Error::encode(name))?;
        if !lacks(self.delta.snapshot().map_err(Error::delta(name))?.schema().as_ref(), &ours) {
            return Ok(self);
        }
        let added = self.delta.clone().add_columns().with_fields(ours.fields().cloned().collect::<Vec<_>>()).await;
        let mut table = Table { spec: self.spec, delta: added.unwrap_or(self.delta), committed: None };
        // Somebody else may have added them at the same moment.
        table.refresh().await?;
        let theirs = table.delta.snapshot().map_err(Error::delta(name))?.schema();
        match lacks(theirs.as_ref(), &ours) {
            false => Ok(table),
            true => Err(Error::Busy { table: name, attempts: 1 }),
        }
    }

    /// Whether it has a column, or a field of one, that we do not know.
    pub(crate) fn is_newer(&self) -> Result<bool> {
        let name = self.spec.name;
        let ours: StructType = self.spec.schema.as_ref().try_into_kernel().map_err(Error::encode(name))?;
        Ok(lacks(&ours, self.delta.snapshot().map_err(Error::delta(name))?.schema().as_ref()))
    }

    /// Moves to the newest snapshot.
    pub(crate) async fn refresh(&mut self) -> Result<()> {
        self.delta.update_state().await.map_err(Error::delta(self.spec.name))
    }

    /// Version of the snapshot.
    pub(crate) fn version(&self) -> u64 {
        self.delta.version().unwrap_or_default()
    }

    /// The last application transaction under this name.
    pub(crate) async fn transaction(&self, application: &str) -> Result<Option<i64>> {
        let log = self.delta.log_store();
        let snapshot = self.delta.snapshot().map_err(Error::delta(self.spec.name))?;
        snapshot.transaction_version(log.as_ref(), application).await.map_err(Error::delta(self.spec.name))
    }

    /// The files of the snapshot, by path.
    pub(crate) fn files(&self) -> Result<Vec<DataFile>> {
        let snapshot = self.delta.snapshot().map_err(Error::delta(self.spec.name))?;
        let mut files = Vec::with_capacity(snapshot.log_data().num_files());
        for batch in snapshot.add_actions_batches(true).map_err(Error::delta(self.spec.name))? {
            append_files(&batch, &mut files).map_err(Error::encode(self.spec.name))?;
        }
        files.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        Ok(files)
    }

    /// Paths of files that left the table at this moment or later (milliseconds since the Unix epoch): whoever opened it
    /// before may still read them.
    pub(crate) async fn left_since(&self, moment: i64) -> Result<Vec<String>> {
        let error = Error::delta(self.spec.name);
        let log = self.delta.log_store();
        let snapshot = self.delta.snapshot().map_err(Error::delta(self.spec.name))?;
        let left = snapshot.all_tombstones(log.as_ref());
        let recent =
            left.try_filter(|gone| std::future::ready(gone.deletion_timestamp().is_none_or(|at| at >= moment)));
        recent.map_ok(|gone| gone.path().into_owned()).try_collect().await.map_err(error)
    }

    /// Commits on top of the snapshot, or tells that somebody else was first. Nothing is merged behind our back: what
    /// a conflict means is for the caller to say.
    pub(crate) async fn commit(&mut self, change: Change<'_>) -> Result<Committed> {
        let name = self.spec.name;
        let snapshot = self.delta.snapshot().map_err(Error::delta(name))?;
        let marks = std::iter::once((change.application, change.number)).chain(change.also);
        let now = Utc::now().timestamp_millis();
        let said = Said::of(&change, now);
        let actions = actions(&said, &self.spec);
        let said = serde_json::to_value(said).map_err(Error::encode(name))?;
        let properties = CommitProperties::default()
            .with_max_retries(0)
            .with_metadata([(said::NAME.to_owned(), said)])
            .with_application_transactions(marks.map(|(name, number)| Transaction::new(name, number)).collect());
        let done = deltalake_core::kernel::transaction::CommitBuilder::from(properties)
            .with_actions(actions)
            .build(Some(snapshot), self.delta.log_store(), change.operation(self.spec.partition))
            .await;
        match done {
            Ok(done) => {
                self.committed = Some(done.version());
                self.refresh().await?;
                Ok(Committed::Yes)
            }
            Err(DeltaTableError::Transaction { source: TransactionError::MaxCommitAttempts(_) })
            | Err(DeltaTableError::VersionAlreadyExists(_)) => {
                self.refresh().await?;
                // A store may have kept our commit and lost its answer: then it stands.
                let ours = self.transaction(change.application).await? == Some(change.number);
                Ok(if ours { Committed::Yes } else { Committed::Conflict })
            }
            Err(error) => Err(Error::delta(name)(error)),
        }
    }
}

/// What a commit says to Delta, but for its marks.
pub(crate) fn actions(said: &Said, spec: &Spec) -> Vec<Action> {
    let removes = said.removed.iter().map(|file| Action::Remove(remove(file, spec, said.rows_change, said.at)));
    let adds = said.added.iter().map(|file| Action::Add(add(file, spec, said.rows_change)));
    removes.chain(adds).collect()
}

/// What a commit does.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Change<'a> {
    pub(crate) add: &'a [DataFile],
    pub(crate) remove: &'a [DataFile],
    /// Whether the rows change, and not only the files that they are in.
    pub(crate) rows_change: bool,
    /// The application transaction that marks it.
    pub(crate) application: &'a str,
    pub(crate) number: i64,
    /// One more, which stands with it.
    pub(crate) also: Option<(&'a str, i64)>,
}

impl Change<'_> {
    fn operation(&self, partition: Option<&str>) -> DeltaOperation {
        if self.rows_change && !self.remove.is_empty() && self.add.is_empty() {
            return DeltaOperation::Delete { predicate: None };
        }
        let partition_by = partition.map(|column| vec![column.to_owned()]);
        DeltaOperation::Write { mode: SaveMode::Append, partition_by, predicate: None }
    }
}

/// Whether a table has not every column, or field of a column, of ours; or, the other way round, we of its.
fn lacks(table: &StructType, ours: &StructType) -> bool {
    ours.fields().any(|field| match table.field(field.name()) {
        None => true,
        Some(there) => match (struct_of(there.data_type()), struct_of(field.data_type())) {
            (Some(there), Some(ours)) => lacks(there, ours),
            _ => false,
        },
    })
}

fn struct_of(kind: &KernelType) -> Option<&StructType> {
    match kind {
        KernelType::Struct(fields) => Some(fields),
        KernelType::Array(list) => struct_of(&list.element_type),
        _ => None,
    }
}

fn columns(spec: &Spec) -> Result<Vec<StructField>> {
    let schema: StructType = spec.schema.as_ref().try_into_kernel().map_err(Error::encode(spec.name))?;
    Ok(schema.fields().cloned().collect())
}

fn partition_values(file: &DataFile, spec: &Spec) -> HashMap<String, Option<String>> {
    let value = file.event_date.map(date_text);
    spec.partition.map(|column| (column.to_owned(), value)).into_iter().collect()
}

/// `2026-11-22`, for days since the Unix epoch.
pub(crate) fn date_text(days: i32) -> String {
    chrono::NaiveDate::from_num_days_from_ce_opt(days.saturating_add(719_163))
        .map_or_else(String::new, |date| date.format("%Y-%m-%d").to_string())
}

fn add(file: &DataFile, spec: &Spec, data_change: bool) -> Add {
    let mut stats = serde_json::json!({ "numRecords": file.rows });
    if let Some((first, last)) = file.times {
        stats["minValues"] = serde_json::json!({ "eventtime": time_text(first) });
        stats["maxValues"] = serde_json::json!({ "eventtime": time_text(last) });
        stats["nullCount"] = serde_json::json!({ "eventtime": 0 });
    }
    Add {
        path: file.path.clone(),
        partition_values: partition_values(file, spec),
        size: i64::try_from(file.bytes).unwrap_or(i64::MAX),
        modification_time: file.modified_ms,
        data_change,
        stats: Some(stats.to_string()),
        ..Add::default()
    }
}

fn time_text(micros: i64) -> String {
    let time = chrono::DateTime::from_timestamp_micros(micros).unwrap_or_default();
    time.to_rfc3339_opts(chrono::SecondsFormat::Micros, true)
}

fn remove(file: &DataFile, spec: &Spec, data_change: bool, now: i64) -> Remove {
    Remove {
        path: file.path.clone(),
        data_change,
        deletion_timestamp: Some(now),
        extended_file_metadata: Some(true),
        partition_values: Some(partition_values(file, spec)),
        size: i64::try_from(file.bytes).ok(),
        ..Remove::default()
    }
}

/// Reads the log's table of files.
fn append_files(batch: &RecordBatch, files: &mut Vec<DataFile>) -> std::result::Result<(), arrow::error::ArrowError> {
    let typed = |name: &str, kind: &DataType| batch.column_by_name(name).map(|column| cast(column, kind)).transpose();
    let time = DataType::Timestamp(arrow::datatypes::TimeUnit::Microsecond, Some("UTC".into()));
    let paths = typed("path", &DataType::Utf8)?;
    let bytes = typed("size_bytes", &DataType::Int64)?;
    let modified = typed("modification_time", &DataType::Int64)?;
    let rows = typed("num_records", &DataType::Int64)?;
    let dates = typed("partition.event_date", &DataType::Date32)?;
    let (first, last) = (typed("min.eventtime", &time)?, typed("max.eventtime", &time)?);
    for row in 0..batch.num_rows() {
        let number = |column: &Option<arrow::array::ArrayRef>| {
            column.as_ref().filter(|c| c.is_valid(row)).map(|c| c.as_primitive::<Int64Type>().value(row))
        };
        let text = |column: &Option<arrow::array::ArrayRef>| {
            column.as_ref().filter(|c| c.is_valid(row)).map(|c| c.as_string::<i32>().value(row).to_owned())
        };
        let moment = |column: &Option<arrow::array::ArrayRef>| {
            column.as_ref().filter(|c| c.is_valid(row)).map(|c| c.as_primitive::<TimestampMicrosecondType>().value(row))
        };
        let date = dates.as_ref().filter(|c| c.is_valid(row)).map(|c| c.as_primitive::<Date32Type>().value(row));
        files.push(DataFile {
            path: text(&paths).unwrap_or_default(),
            bytes: number(&bytes).and_then(|n| u64::try_from(n).ok()).unwrap_or_default(),
            rows: number(&rows).and_then(|n| u64::try_from(n).ok()).unwrap_or_default(),
            modified_ms: number(&modified).unwrap_or_default(),
            event_date: date,
            times: moment(&first).zip(moment(&last)),
        });
    }
    Ok(())
}
