//! What is in a lake, read from its Parquet files without its query engine.

use std::collections::BTreeMap;
use std::path::Path;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type};
use lake::schema::{COVERAGE, EVENTS, LAST_USED, OBJECTS};
use lake::upkeep::check::Checked;
use lake::{Aws, Lake};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::trail::Ids;
use crate::command::text;

/// A table of partial rows, made whole: numbers by key.
pub(crate) type Figures = BTreeMap<Vec<String>, Vec<i64>>;

/// A lake's contents, as far as they do not depend on when it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Contents {
    pub(crate) ids: Ids,
    /// By object: how often the ledger has it, its rows, duplicates and records.
    pub(crate) objects: Figures,
    /// By account, region and hour: rows, objects, and the extremes of times.
    pub(crate) coverage: Figures,
    /// By principal and action: counts, and the extremes of times.
    pub(crate) last_used: Figures,
}

/// How the parts of a figure become one.
#[derive(Clone, Copy)]
enum Fold {
    Sum(&'static str),
    Count,
    Least(&'static str),
    Greatest(&'static str),
}

impl Fold {
    fn column(self) -> Option<&'static str> {
        match self {
            Fold::Sum(column) | Fold::Least(column) | Fold::Greatest(column) => Some(column),
            Fold::Count => None,
        }
    }

    fn start(self) -> i64 {
        match self {
            Fold::Sum(_) | Fold::Count => 0,
            Fold::Least(_) => i64::MAX,
            Fold::Greatest(_) => i64::MIN,
        }
    }

    fn add(self, have: i64, value: i64) -> i64 {
        match self {
            Fold::Sum(_) => have + value,
            Fold::Count => have + 1,
            Fold::Least(_) => have.min(value),
            Fold::Greatest(_) => have.max(value),
        }
    }
}

impl Contents {
    /// Reads a lake in a folder; `None` where there is none. A lake that is there must be sound.
    pub(crate) fn read(place: &Path) -> Option<Contents> {
        let lake = match Lake::open(text(place), &Aws::default()) {
            Ok(lake) => lake,
            Err(lake::Error::Absent { .. }) => return None,
            Err(error) => panic!("{}: {error}", place.display()),
        };
        let checked: Checked = lake.check().unwrap();
        assert!(checked.is_sound(), "{checked:?}");
        Some(Contents {
            ids: ids(&lake, place),
            objects: figures(
                &lake,
                place,
                OBJECTS,
                &["object"],
                &[Fold::Count, Fold::Sum("rows"), Fold::Sum("duplicates"), Fold::Sum("records_in")],
            ),
            coverage: figures(
                &lake,
                place,
                COVERAGE,
                &["account", "region", "hour"],
                &[
                    Fold::Sum("rows"),
                    Fold::Sum("objects"),
                    Fold::Least("first_event"),
                    Fold::Greatest("last_event"),
                    Fold::Least("first_delivery"),
                    Fold::Greatest("last_delivery"),
                ],
            ),
            last_used: figures(
                &lake,
                place,
                LAST_USED,
                &["principal", "action"],
                &[
                    Fold::Sum("attempts"),
                    Fold::Sum("denied"),
                    Fold::Sum("errors"),
                    Fold::Least("first_attempt"),
                    Fold::Greatest("last_attempt"),
                    Fold::Greatest("last_success"),
                    Fold::Greatest("last_use"),
                ],
            ),
        })
    }

    /// The rows of `events`.
    pub(crate) fn rows(&self) -> usize {
        self.ids.values().sum()
    }

    /// The sum of a column of figures.
    pub(crate) fn sum(figures: &Figures, column: usize) -> i64 {
        figures.values().map(|row| row[column]).sum()
    }

    /// Fails if this is not exactly what `oracle` and `reference`, a lake written in one go, say.
    pub(crate) fn assert_is(&self, reference: &Contents, context: &str) {
        assert_same(&self.ids, &reference.ids, "events", context);
        assert_same(&self.objects, &reference.objects, OBJECTS, context);
        assert_same(&self.coverage, &reference.coverage, COVERAGE, context);
        assert_same(&self.last_used, &reference.last_used, LAST_USED, context);
    }
}

/// Fails with the first few differences.
pub(crate) fn assert_same<K: std::fmt::Debug + Ord, V: std::fmt::Debug + Eq>(
    found: &BTreeMap<K, V>,
    wanted: &BTreeMap<K, V>,
    what: &str,
    context: &str,
) {
    let differ = found.iter().filter(|(key, value)| wanted.get(key) != Some(value));
    let differ: Vec<_> = differ.map(|(key, value)| (key, Some(value), wanted.get(key))).collect();
    let missing: Vec<_> = wanted.iter().filter(|(key, _)| !found.contains_key(key)).collect();
    assert!(
        differ.is_empty() && missing.is_empty(),
        "{context}: {what}: {} differ (key, found, wanted), such as {:?}; {} are missing, such as {:?}",
        differ.len(),
        &differ[..differ.len().min(3)],
        missing.len(),
        &missing[..missing.len().min(3)]
    );
}

fn each_batch(lake: &Lake, place: &Path, table: &str, take: &mut dyn FnMut(&RecordBatch)) {
    for file in lake.files(table).unwrap() {
        let path = place.join(table).join(&file.path);
        let opened = std::fs::File::open(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        for batch in ParquetRecordBatchReaderBuilder::try_new(opened).unwrap().build().unwrap() {
            take(&batch.unwrap());
        }
    }
}

fn strings(batch: &RecordBatch, name: &str) -> Vec<String> {
    let column = cast(batch.column_by_name(name).unwrap(), &DataType::Utf8).unwrap();
    column.as_string::<i32>().iter().map(|value| value.unwrap_or_default().to_owned()).collect()
}

fn numbers(batch: &RecordBatch, name: &str) -> ArrayRef {
    cast(batch.column_by_name(name).unwrap(), &DataType::Int64).unwrap()
}

fn ids(lake: &Lake, place: &Path) -> Ids {
    let mut ids = Ids::new();
    each_batch(lake, place, EVENTS, &mut |batch| {
        let (events, accounts) = (strings(batch, "eventid"), strings(batch, "recipientaccountid"));
        for key in events.into_iter().zip(accounts) {
            *ids.entry(key).or_default() += 1;
        }
    });
    ids
}

fn figures(lake: &Lake, place: &Path, table: &str, keys: &[&str], folds: &[Fold]) -> Figures {
    let mut figures = Figures::new();
    each_batch(lake, place, table, &mut |batch| {
        let keys: Vec<Vec<String>> = keys.iter().map(|key| strings(batch, key)).collect();
        let columns: Vec<_> = folds.iter().map(|fold| fold.column().map(|name| numbers(batch, name))).collect();
        for row in 0..batch.num_rows() {
            let key = keys.iter().map(|column| column[row].clone()).collect();
            let have = figures.entry(key).or_insert_with(|| folds.iter().map(|fold| fold.start()).collect());
            for ((fold, column), have) in folds.iter().zip(&columns).zip(have) {
                match column {
                    Some(column) if column.is_null(row) => {}
                    Some(column) => *have = fold.add(*have, column.as_primitive::<Int64Type>().value(row)),
                    None => *have = fold.add(*have, 0),
                }
            }
        }
    });
    figures
}
