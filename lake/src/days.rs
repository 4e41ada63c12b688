//! A batch of events, split by the day of each event.
//!
//! A hostile batch has a day for each row, and a part of ninety columns takes kilobytes whatever is in it: parts are made when
//! they are asked for, and nothing here looks through all days for each row.

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::{Array, AsArray, RecordBatch, UInt32Array};
use arrow::compute::take_record_batch;
use arrow::datatypes::Date32Type;
use arrow::error::ArrowError;

use crate::schema::PARTITION;

/// Runs of one day that are so long on average are sliced, which copies nothing; shorter ones are gathered by day.
const RUN_ROWS: usize = 16;

/// Rows of a batch that are of one day.
enum Rows {
    Run(usize, usize),
    Some(Vec<u32>),
}

/// The parts of a batch, each of one day, in turn. Rows keep their order within a day.
pub(crate) fn split(
    batch: &RecordBatch,
) -> impl Iterator<Item = Result<(Option<i32>, RecordBatch), ArrowError>> + use<'_> {
    let runs = runs(batch);
    let parts: Vec<(Option<i32>, Rows)> = if runs.len() * RUN_ROWS <= batch.num_rows() || runs.len() == 1 {
        runs.into_iter().map(|(day, start, end)| (day, Rows::Run(start, end))).collect()
    } else {
        let mut days: BTreeMap<Option<i32>, Vec<u32>> = BTreeMap::new();
        for (day, start, end) in runs {
            days.entry(day).or_default().extend((start..end).map(|row| row as u32));
        }
        days.into_iter().map(|(day, rows)| (day, Rows::Some(rows))).collect()
    };
    parts.into_iter().map(move |(day, rows)| match rows {
        Rows::Run(start, end) => Ok((day, batch.slice(start, end - start))),
        Rows::Some(rows) => Ok((day, take_record_batch(batch, &UInt32Array::from(rows))?)),
    })
}

/// Runs of rows of one day: day, first row, row after the last.
fn runs(batch: &RecordBatch) -> Vec<(Option<i32>, usize, usize)> {
    let mut runs: Vec<(Option<i32>, usize, usize)> = Vec::new();
    let days = batch.column_by_name(PARTITION).and_then(|column| column.as_primitive_opt::<Date32Type>());
    for row in 0..batch.num_rows() {
        let day = days.filter(|days| days.is_valid(row)).map(|days| days.value(row));
        match runs.last_mut() {
            Some((last, _, end)) if *last == day => *end = row + 1,
            _ => runs.push((day, row, row + 1)),
        }
    }
    runs
}

/// The days in a batch.
pub(crate) fn of(batch: &RecordBatch) -> BTreeSet<Option<i32>> {
    runs(batch).into_iter().map(|(day, ..)| day).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Date32Array, Int64Array};

    use super::*;

    fn batch(days: &[Option<i32>]) -> RecordBatch {
        let rows: Int64Array = (0..days.len() as i64).collect();
        RecordBatch::try_from_iter([
            (PARTITION, Arc::new(days.iter().copied().collect::<Date32Array>()) as _),
            ("n", Arc::new(rows) as _),
        ])
        .unwrap()
    }

    fn shape(batch: &RecordBatch) -> Vec<(Option<i32>, Vec<i64>)> {
        let part = |part: Result<(Option<i32>, RecordBatch), ArrowError>| {
            let (day, batch) = part.unwrap();
            (day, batch.column(1).as_primitive::<arrow::datatypes::Int64Type>().values().to_vec())
        };
        split(batch).map(part).collect()
    }

    #[test]
    fn few_runs_are_slices_and_many_are_gathered() {
        let few: Vec<_> = (0..40).map(|row| (row < 30).then_some(1)).collect();
        assert_eq!(shape(&batch(&few)), [(Some(1), (0..30).collect()), (None, (30..40).collect())]);
        let alternating: Vec<_> = (0..40).map(|row| Some(row % 2)).collect();
        let even: Vec<i64> = (0..40).step_by(2).collect();
        let odd: Vec<i64> = (1..40).step_by(2).collect();
        assert_eq!(shape(&batch(&alternating)), [(Some(0), even), (Some(1), odd)]);
        assert_eq!(of(&batch(&alternating)), [Some(0), Some(1)].into());
    }
}
