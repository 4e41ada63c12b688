//! What a batch covers: rows by account, region and hour, and when the objects that brought them were delivered.
//!
//! A fold over event batches, merged by sums and extremes; the lake keeps one partial row a cell and batch.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::error::ArrowError;
use ingest::batch;

use crate::schema;

const HOUR_MICROS: i64 = 3_600_000_000;

/// Account, region and hour (microseconds).
type Cell = (Box<str>, Box<str>, i64);

/// One cell.
#[derive(Debug)]
struct Covered {
    rows: i64,
    first_event: i64,
    last_event: i64,
    /// Objects that its rows came from.
    objects: BTreeSet<u32>,
    /// First and last time that any of them was delivered.
    delivered: Option<(i64, i64)>,
}

/// One object.
#[derive(Debug, Clone, Copy)]
struct Source {
    number: u32,
    delivered: Option<i64>,
    /// First and last event in it.
    times: (i64, i64),
}

/// Neighbours that share account, region, hour and object.
struct Run<'a> {
    hour: i64,
    /// Account, region, object.
    names: [Option<&'a str>; 3],
    rows: i64,
    first: i64,
    last: i64,
}

/// The cells and objects of a batch of objects while it grows.
#[derive(Debug, Default)]
pub(crate) struct Coverage {
    cells: BTreeMap<Cell, Covered>,
    objects: HashMap<Arc<str>, Source>,
}

/// Whether two texts are the same. Neighbours mostly have theirs from the same place of one dictionary.
fn same(a: Option<&str>, b: Option<&str>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => std::ptr::eq(a, b) || a == b,
        (a, b) => a.is_none() == b.is_none(),
    }
}

impl Coverage {
    /// Adds rows. Rows without a time cover nothing.
    pub(crate) fn observe(&mut self, events: &RecordBatch) {
        let Some(times) = batch::timestamp(events, "eventtime") else { return };
        let accounts = batch::text(events, "recipientaccountid");
        let regions = batch::text(events, "awsregion");
        let objects = batch::text(events, "source_object");
        let mut run: Option<Run<'_>> = None;
        for row in (0..events.num_rows()).filter(|row| times.is_valid(*row)) {
            let time = times.value(row);
            let hour = time.div_euclid(HOUR_MICROS);
            let names = [accounts.get(row), regions.get(row), objects.get(row)];
            match &mut run {
                Some(run) if run.hour == hour && std::iter::zip(run.names, names).all(|(a, b)| same(a, b)) => {
                    run.rows += 1;
                    (run.first, run.last) = (run.first.min(time), run.last.max(time));
                }
                _ => {
                    if let Some(run) = run.replace(Run { hour, names, rows: 1, first: time, last: time }) {
                        self.add(&run);
                    }
                }
            }
        }
        if let Some(run) = run {
            self.add(&run);
        }
    }

    /// Notes when the events of objects were, and covers nothing: for rows that were counted before.
    pub(crate) fn note_times(&mut self, events: &RecordBatch) {
        let Some(times) = batch::timestamp(events, "eventtime") else { return };
        let objects = batch::text(events, "source_object");
        for row in (0..events.num_rows()).filter(|row| times.is_valid(*row)) {
            let time = times.value(row);
            self.source(objects.get(row).unwrap_or_default(), (time, time));
        }
    }

    fn add(&mut self, run: &Run<'_>) {
        let [account, region, object] = run.names.map(Option::unwrap_or_default);
        let object = self.source(object, (run.first, run.last));
        let cell = (account.into(), region.into(), run.hour * HOUR_MICROS);
        let cell = self.cells.entry(cell).or_insert_with(|| Covered {
            rows: 0,
            first_event: run.first,
            last_event: run.last,
            objects: BTreeSet::new(),
            delivered: None,
        });
        cell.rows += run.rows;
        (cell.first_event, cell.last_event) = (cell.first_event.min(run.first), cell.last_event.max(run.last));
        cell.objects.insert(object.number);
        if let Some(time) = object.delivered {
            cell.delivered = cell.delivered.map(|(a, b)| (a.min(time), b.max(time))).or(Some((time, time)));
        }
    }

    /// The object of this name, with these events.
    fn source(&mut self, name: &str, times: (i64, i64)) -> Source {
        if let Some(source) = self.objects.get_mut(name) {
            source.times = (source.times.0.min(times.0), source.times.1.max(times.1));
            return *source;
        }
        let number = u32::try_from(self.objects.len()).unwrap_or(u32::MAX);
        let source = Source { number, delivered: delivered(name), times };
        self.objects.insert(name.into(), source);
        source
    }

    /// First and last event of an object, in microseconds.
    pub(crate) fn times(&self, object: &str) -> Option<(i64, i64)> {
        self.objects.get(object).map(|source| source.times)
    }

    /// The rows of the table `coverage`, sorted; nothing is covered afterwards.
    pub(crate) fn take(&mut self) -> Result<RecordBatch, ArrowError> {
        let cells = std::mem::take(&mut self.cells);
        self.objects.clear();
        let times = |of: &dyn Fn(&Covered) -> Option<i64>| -> ArrayRef {
            Arc::new(cells.values().map(of).collect::<TimestampMicrosecondArray>().with_timezone("UTC"))
        };
        let numbers =
            |of: &dyn Fn(&Covered) -> i64| -> ArrayRef { Arc::new(cells.values().map(of).collect::<Int64Array>()) };
        let hours: TimestampMicrosecondArray = cells.keys().map(|cell| Some(cell.2)).collect();
        let columns: Vec<ArrayRef> = vec![
            Arc::new(cells.keys().map(|cell| Some(&*cell.0)).collect::<StringArray>()),
            Arc::new(cells.keys().map(|cell| Some(&*cell.1)).collect::<StringArray>()),
            Arc::new(hours.with_timezone("UTC")),
            numbers(&|cell| cell.rows),
            numbers(&|cell| cell.objects.len() as i64),
            times(&|cell| Some(cell.first_event)),
            times(&|cell| Some(cell.last_event)),
            times(&|cell| cell.delivered.map(|times| times.0)),
            times(&|cell| cell.delivered.map(|times| times.1)),
        ];
        RecordBatch::try_new(schema::coverage(), columns)
    }
}

/// When CloudTrail delivered an object, by its name: `…_20231114T2205Z_…`
/// ("CloudTrail log file name format" in the AWS documentation). Microseconds since the Unix epoch.
fn delivered(object: &str) -> Option<i64> {
    let name = object.rsplit(['/', '\\']).next()?;
    let stamp = name.split('_').find(|part| part.len() == 14 && part.ends_with('Z') && part.as_bytes()[8] == b'T')?;
    let time = chrono::NaiveDateTime::parse_from_str(stamp, "%Y%m%dT%H%MZ").ok()?;
    Some(time.and_utc().timestamp_micros())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_says_when_an_object_was_delivered() {
        let name = "AWSLogs/1/CloudTrail/us-east-1/2023/11/14/1_CloudTrail_us-east-1_20231114T2205Z_aBcD.json.gz";
        assert_eq!(delivered(name), Some(1_699_999_500_000_000));
        assert_eq!(delivered("events.json"), None);
        assert_eq!(delivered("é_20231314T2205Z_x"), None);
    }
}
