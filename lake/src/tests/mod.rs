//! A lake as a whole: written from made-up trails, and read back.
#![allow(clippy::unwrap_used)]

mod logs;
mod older;
mod twice;
mod upkeep;
mod writers;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch};
use ingest::batch;
use ingest::pipeline::{Options, scan};
use ingest::reject::Totals;
use ingest::simulate::{Plan, write};
use ingest::source::Sources;
use parquet::basic::Compression;
use parquet::file::reader::FileReader;
use parquet::file::serialized_reader::SerializedFileReader;
use tempfile::TempDir;

use crate::schema::{self, EVENTS};
use crate::{Aws, Ingest, Lake, LastUsed, Ledger, Outcome, read};

/// Counts events; the lake does not care how.
#[derive(Default)]
struct Count(i64);

impl LastUsed for Count {
    fn observe(&mut self, events: &RecordBatch) {
        self.0 += events.num_rows() as i64;
    }

    fn take(&mut self) -> RecordBatch {
        let schema = schema::last_used();
        let count = std::mem::take(&mut self.0);
        let columns = schema.fields().iter().map(|field| -> arrow::array::ArrayRef {
            match field.name().as_str() {
                "principal" => Arc::new(arrow::array::StringArray::from(vec!["all"])),
                "attempts" => Arc::new(arrow::array::Int64Array::from(vec![count])),
                _ => arrow::array::new_null_array(field.data_type(), 1),
            }
        });
        RecordBatch::try_new(schema.clone(), columns.collect()).unwrap()
    }
}

/// A folder with a made-up trail and room for a lake.
struct Place {
    folder: TempDir,
}

impl Place {
    fn new(events: u64) -> Place {
        let folder = tempfile::tempdir().unwrap();
        let plan = Plan { events, days: 7, ..Plan::default() };
        write(&plan, &folder.path().join("logs")).unwrap();
        Place { folder }
    }

    fn logs(&self) -> PathBuf {
        self.folder.path().join("logs")
    }

    fn place(&self) -> String {
        self.folder.path().join("lake").to_string_lossy().into_owned()
    }

    fn open(&self) -> Lake {
        Lake::open_for_writing(&self.place(), &Aws::default()).unwrap()
    }

    /// Ingests a path.
    fn ingest(&self, path: &Path) -> (Totals, Outcome) {
        self.ingest_with(&mut self.open(), path, false)
    }

    fn ingest_with(&self, lake: &mut Lake, path: &Path, again: bool) -> (Totals, Outcome) {
        let mut options = Options { threads: 2, evidence: true, ..Options::default() };
        if !again {
            options.ledger = Some(Arc::new(Ledger::load(lake).unwrap()));
        }
        let mut count = Count::default();
        let mut sink = Ingest::begin(lake, &mut count, 2).unwrap();
        let totals = scan(&Sources::new(&[path]).unwrap(), &options, &mut sink).unwrap();
        (totals, sink.end().unwrap())
    }
}

/// Every row of a table.
fn rows(lake: &Lake, table: &'static str) -> Vec<RecordBatch> {
    let mut all = Vec::new();
    for file in lake.files(table).unwrap() {
        read::file(lake, table, &file, None, &mut |batch| {
            all.push(batch);
            Ok(())
        })
        .unwrap();
    }
    all
}

/// Events by id: how often each is there.
fn ids(lake: &Lake) -> BTreeMap<String, usize> {
    let mut ids = BTreeMap::new();
    for batch in rows(lake, EVENTS) {
        let column = batch::text(&batch, "eventid");
        for row in 0..batch.num_rows() {
            *ids.entry(column.get(row).unwrap_or_default().to_owned()).or_default() += 1;
        }
    }
    ids
}

/// The sum of a number column.
fn sum(lake: &Lake, table: &'static str, column: &str) -> i64 {
    let of = |batch: &RecordBatch| -> i64 {
        let column = batch.column_by_name(column).unwrap().as_primitive::<arrow::datatypes::Int64Type>().clone();
        column.iter().flatten().sum()
    };
    rows(lake, table).iter().map(of).sum()
}
