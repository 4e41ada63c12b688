//! `Boolean` and timestamp columns.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Date32Array, TimestampMicrosecondArray};
use arrow::buffer::ScalarBuffer;
use arrow::error::ArrowError;

use super::bits::{Bits, Mask};
use super::repeats::Spread;
use super::time;

/// Builds a `Boolean` column.
#[derive(Debug, Default)]
pub(crate) struct Boolean {
    values: Bits,
    mask: Mask,
}

impl Boolean {
    #[inline]
    pub(crate) fn push(&mut self, row: usize, value: bool) {
        if value {
            self.values.set(row);
        }
        self.mask.mark(row);
    }

    pub(crate) fn finish(&mut self, rows: usize) -> ArrayRef {
        Arc::new(BooleanArray::new(self.values.finish(rows), self.mask.finish(rows)))
    }

    /// The column whose row `r` holds this builder's row `spread.entries[r]`; the next batch begins without any.
    pub(crate) fn gather(&mut self, spread: &Spread) -> ArrayRef {
        let values = std::mem::take(&mut self.values);
        let values = Bits::collect(spread.rows(), |row| values.get(spread.entry(row)));
        Arc::new(BooleanArray::new(values, spread.nulls_of(&mut self.mask)))
    }
}

/// Builds a timestamp column, and the days of its times.
#[derive(Debug, Default)]
pub(crate) struct Times {
    values: Vec<i64>,
    mask: Mask,
    clock: time::Clock,
}

impl Times {
    /// Reads a time. False if it does not give the text back exactly.
    #[inline]
    pub(crate) fn push(&mut self, row: usize, text: &str) -> bool {
        let Some((micros, exact)) = self.clock.parse(text) else { return false };
        if self.values.len() < row {
            self.values.resize(row, 0);
        }
        self.values.push(micros);
        self.mask.mark(row);
        exact
    }

    /// The times and their days.
    pub(crate) fn finish(&mut self, rows: usize) -> Result<[ArrayRef; 2], ArrowError> {
        self.values.resize(rows, 0);
        let values = std::mem::replace(&mut self.values, Vec::with_capacity(rows));
        let days: Vec<i32> = values.iter().map(|micros| time::day_of(*micros)).collect();
        let nulls = self.mask.finish(rows);
        let days = Date32Array::try_new(ScalarBuffer::from(days), nulls.clone())?;
        let times = TimestampMicrosecondArray::try_new(ScalarBuffer::from(values), nulls)?;
        Ok([Arc::new(times.with_timezone("UTC")), Arc::new(days)])
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use arrow::array::AsArray;
    use arrow::datatypes::{Date32Type, TimestampMicrosecondType};

    #[test]
    fn booleans_keep_their_rows() {
        let mut column = Boolean::default();
        column.push(2, true);
        let array = column.finish(4);
        let values: Vec<_> = array.as_boolean().iter().collect();
        assert_eq!(values, [None, None, Some(true), None]);
    }

    #[test]
    fn times_have_days() {
        let mut column = Times::default();
        assert!(column.push(0, "1970-01-01T23:59:59Z"));
        assert!(!column.push(1, "soon"));
        assert!(!column.push(2, "1970-01-02T00:00:00.5Z"));
        assert!(column.push(3, "1969-12-31T23:59:59Z"));
        let [times, days] = column.finish(4).unwrap();
        let times: Vec<_> = times.as_primitive::<TimestampMicrosecondType>().iter().collect();
        assert_eq!(times, [Some(86_399_000_000), None, Some(86_400_500_000), Some(-1_000_000)]);
        let days: Vec<_> = days.as_primitive::<Date32Type>().iter().collect();
        assert_eq!(days, [Some(0), None, Some(1), Some(-1)]);
    }
}
