//! What a lake's log says of its files, as the engine reads it: which files a question cannot need, and how much the
//! others hold. Knows no Parquet: nothing of a file is read here.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Date32Array, RecordBatch, TimestampMicrosecondArray, UInt64Array};
use arrow::datatypes::SchemaRef;
use datafusion::common::pruning::PruningStatistics;
use datafusion::common::stats::Precision;
use datafusion::common::{Column, ColumnStatistics, Result, ScalarValue, Statistics};
use lake::DataFile;

use crate::days::{DAY, TIME};

const MICROS_A_DAY: i64 = 86_400_000_000;
/// Other writers keep a file's times to the millisecond, cut off.
const CUT_MICROS: i64 = 999;

/// First and last time that a file can hold.
fn times(file: &DataFile) -> Option<(i64, i64)> {
    if let Some((first, last)) = file.times {
        return Some(if is_ours(file) { (first, last) } else { (first, last.saturating_add(CUT_MICROS)) });
    }
    // The partition is the day of the time.
    let first = i64::from(file.event_date?).checked_mul(MICROS_A_DAY)?;
    Some((first, first.checked_add(MICROS_A_DAY - 1)?))
}

/// Whether trailhound wrote the file: then what the log says of it is exact.
fn is_ours(file: &DataFile) -> bool {
    file.sha256().is_some()
}

/// Files, as containers of rows that may be passed over.
pub(super) struct Figures<'a>(pub(super) &'a [DataFile]);

impl Figures<'_> {
    fn times_array(&self, of: fn((i64, i64)) -> i64) -> ArrayRef {
        let array: TimestampMicrosecondArray = self.0.iter().map(|file| times(file).map(of)).collect();
        Arc::new(array.with_timezone("UTC"))
    }

    fn days(&self) -> ArrayRef {
        Arc::new(self.0.iter().map(|file| file.event_date).collect::<Date32Array>())
    }

    /// Days of the files, as rows of a table of that one column.
    pub(super) fn day_rows(&self, schema: SchemaRef) -> Result<RecordBatch> {
        Ok(RecordBatch::try_new(schema, vec![self.days()])?)
    }
}

impl PruningStatistics for Figures<'_> {
    fn min_values(&self, column: &Column) -> Option<ArrayRef> {
        match column.name.as_str() {
            DAY => Some(self.days()),
            TIME => Some(self.times_array(|times| times.0)),
            _ => None,
        }
    }

    fn max_values(&self, column: &Column) -> Option<ArrayRef> {
        match column.name.as_str() {
            DAY => Some(self.days()),
            TIME => Some(self.times_array(|times| times.1)),
            _ => None,
        }
    }

    fn num_containers(&self) -> usize {
        self.0.len()
    }

    fn null_counts(&self, column: &Column) -> Option<ArrayRef> {
        let nulls = |file: &DataFile| match column.name.as_str() {
            DAY => Some(if file.event_date.is_some() { 0 } else { file.rows }),
            TIME => file.times.filter(|_| is_ours(file)).map(|_| 0),
            _ => None,
        };
        matches!(column.name.as_str(), DAY | TIME)
            .then(|| Arc::new(self.0.iter().map(nulls).collect::<UInt64Array>()) as _)
    }

    fn row_counts(&self) -> Option<ArrayRef> {
        Some(Arc::new(self.0.iter().map(|file| file.rows).collect::<UInt64Array>()))
    }

    fn contained(&self, _column: &Column, _values: &std::collections::HashSet<ScalarValue>) -> Option<BooleanArray> {
        None
    }
}

/// What all of these files hold together, for a table whose columns are `schema`.
pub(super) fn statistics(files: &[DataFile], schema: &SchemaRef) -> Statistics {
    let sum = |of: fn(&DataFile) -> u64| usize::try_from(files.iter().map(of).sum::<u64>()).unwrap_or(usize::MAX);
    let columns = schema.fields().iter().map(|field| match field.name().as_str() {
        DAY => day_statistics(files),
        TIME => time_statistics(files),
        _ => ColumnStatistics::new_unknown(),
    });
    Statistics {
        num_rows: Precision::Exact(sum(|file| file.rows)),
        total_byte_size: Precision::Inexact(sum(|file| file.bytes)),
        column_statistics: columns.collect(),
    }
}

fn day_statistics(files: &[DataFile]) -> ColumnStatistics {
    let days = || files.iter().filter_map(|file| file.event_date);
    let nulls: u64 = files.iter().filter(|file| file.event_date.is_none()).map(|file| file.rows).sum();
    let exact =
        |day: Option<i32>| day.map_or(Precision::Absent, |day| Precision::Exact(ScalarValue::Date32(Some(day))));
    ColumnStatistics {
        null_count: usize::try_from(nulls).map_or(Precision::Absent, Precision::Exact),
        min_value: exact(days().min()),
        max_value: exact(days().max()),
        ..ColumnStatistics::new_unknown()
    }
}

fn time_statistics(files: &[DataFile]) -> ColumnStatistics {
    let unknown = ColumnStatistics::new_unknown();
    let Some(all) = files.iter().map(times).collect::<Option<Vec<_>>>() else { return unknown };
    let exact = files.iter().all(|file| is_ours(file) && file.times.is_some());
    let bound =
        |time: Option<i64>| match time.map(|time| ScalarValue::TimestampMicrosecond(Some(time), Some("UTC".into()))) {
            Some(time) if exact => Precision::Exact(time),
            Some(time) => Precision::Inexact(time),
            None => Precision::Absent,
        };
    ColumnStatistics {
        null_count: if exact { Precision::Exact(0) } else { Precision::Absent },
        min_value: bound(all.iter().map(|times| times.0).min()),
        max_value: bound(all.iter().map(|times| times.1).max()),
        ..unknown
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use arrow::array::AsArray;
    use arrow::datatypes::TimestampMicrosecondType;

    use super::*;

    fn file(day: Option<i32>, times: Option<(i64, i64)>, ours: bool) -> DataFile {
        DataFile {
            path: if ours { format!("part-{}.parquet", "0".repeat(64)) } else { "part-1.parquet".to_owned() },
            bytes: 10,
            rows: 5,
            modified_ms: 0,
            event_date: day,
            times,
        }
    }

    #[test]
    fn times_come_from_the_log_or_from_the_day() {
        let files = [
            file(Some(1), Some((5, 7)), true),
            file(Some(1), Some((5, 7)), false),
            file(Some(1), None, true),
            file(None, None, true),
        ];
        let figures = Figures(&files);
        let max = figures.max_values(&Column::from_name(TIME)).unwrap();
        let max = max.as_primitive::<TimestampMicrosecondType>();
        assert_eq!(max.iter().collect::<Vec<_>>(), [Some(7), Some(1006), Some(2 * MICROS_A_DAY - 1), None]);
        let nulls = figures.null_counts(&Column::from_name(DAY)).unwrap();
        assert_eq!(nulls.as_primitive::<arrow::datatypes::UInt64Type>().values(), &[0, 0, 0, 5]);
        assert!(figures.min_values(&Column::from_name("eventname")).is_none());
    }

    #[test]
    fn figures_are_exact_only_where_they_are_ours() {
        let schema = ingest::schema::event_schema();
        let time = ingest::schema::index_of(TIME).unwrap();
        let ours = [file(Some(1), Some((5, 7)), true), file(Some(0), Some((1, 2)), true)];
        let all = statistics(&ours, &schema);
        assert_eq!(all.num_rows, Precision::Exact(10));
        let scalar = |time| ScalarValue::TimestampMicrosecond(Some(time), Some("UTC".into()));
        assert_eq!(all.column_statistics[time].min_value, Precision::Exact(scalar(1)));
        let mixed = [file(Some(1), Some((5, 7)), true), file(Some(1), None, true)];
        assert_eq!(statistics(&mixed, &schema).column_statistics[time].min_value, Precision::Inexact(scalar(5)));
        let unknown = [file(None, None, true)];
        assert_eq!(statistics(&unknown, &schema).column_statistics[time].min_value, Precision::Absent);
    }
}
