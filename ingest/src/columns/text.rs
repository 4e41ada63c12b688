//! `Utf8` columns: text copied once, and nulls only where there are any.
//!
//! Most of the table's columns are absent from most records, so a builder is told the row only when there is a
//! value, and the nulls before it are filled in then, in bulk. Arrow's own builder takes text as it is: a column made from
//! bytes would be read once more, to see that it is UTF-8, when most of it has left the processor's cache.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{ArrayBuilder, ArrayRef, BooleanArray, StringBuilder};
use arrow::compute::{nullif, take};
use arrow::error::ArrowError;

use super::bits::Mask;
use super::repeats::Spread;

/// Builds a `Utf8` column.
#[derive(Debug)]
pub(crate) struct Text {
    /// The values; an empty one for a null.
    values: StringBuilder,
    mask: Mask,
    /// Bytes that are asked for at once for the values of a batch: what grows step by step is copied at each.
    room: usize,
}

impl Text {
    pub(crate) fn new() -> Self {
        Text { values: StringBuilder::with_capacity(0, 0), mask: Mask::default(), room: 0 }
    }

    /// Appends `text[range]` as the value of `row`; rows skipped since the last one are null.
    #[inline]
    pub(crate) fn push(&mut self, row: usize, text: &str, range: Range<usize>) {
        self.push_str(row, &text[range]);
    }

    /// Appends a whole text.
    #[inline]
    pub(crate) fn push_str(&mut self, row: usize, text: &str) {
        if self.values.len() < row {
            self.skip(row);
        }
        self.values.append_value(text);
        self.mask.mark(row);
    }

    #[inline(never)]
    fn skip(&mut self, row: usize) {
        self.values.append_value_n("", row - self.values.len());
    }

    /// Whether no row has a value.
    pub(crate) fn is_empty(&self) -> bool {
        self.mask.marked() == 0
    }

    /// The column of `rows` rows; the next batch begins without any.
    pub(crate) fn finish(&mut self, rows: usize) -> Result<ArrayRef, ArrowError> {
        self.skip(rows);
        self.room = room(self.room, self.values.values_slice().len());
        let empty = StringBuilder::with_capacity(rows, self.room);
        let array = std::mem::replace(&mut self.values, empty).finish();
        match self.mask.finish(rows) {
            Some(nulls) => nullif(&array, &BooleanArray::new(!nulls.inner(), None)),
            None => Ok(Arc::new(array)),
        }
    }

    /// The column whose row `r` holds this builder's row of entry `r` of the spread; the next batch begins without any.
    /// Arrow's kernel copies what is checked already.
    pub(crate) fn gather(&mut self, spread: &Spread) -> Result<ArrayRef, ArrowError> {
        // Entry 0, which no row has, stands as an empty text where that makes a column without nulls.
        if self.mask.marked() + 1 == spread.count {
            self.mask.mark(0);
        }
        take(&self.finish(spread.count)?, &spread.entries, None)
    }
}

/// The room for the next batch's values, by what was asked for and what this one took. Batches are of about one size, but
/// for the last one of a task, which is small.
pub(super) fn room(before: usize, taken: usize) -> usize {
    (taken + taken / 8).max(before / 2)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use arrow::array::{Array, AsArray};
    use proptest::prelude::*;

    #[test]
    fn skipped_rows_are_null() {
        let mut text = Text::new();
        text.push_str(1, "a");
        text.push_str(3, "");
        let array = text.finish(5).unwrap();
        let values: Vec<_> = array.as_string::<i32>().iter().collect();
        assert_eq!(values, [None, Some("a"), None, Some(""), None]);
        // And the builder starts afresh.
        text.push_str(0, "b");
        assert_eq!(text.finish(1).unwrap().as_string::<i32>().value(0), "b");
        assert_eq!(text.finish(3).unwrap().null_count(), 3);
    }

    proptest! {
        #[test]
        fn values_of_any_length_are_kept(text in "\\PC{0,80}", cuts in prop::collection::vec(any::<prop::sample::Index>(), 1..20)) {
            let mut places: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
            places.dedup();
            let mut column = Text::new();
            let mut expected = Vec::new();
            for (row, cut) in cuts.iter().enumerate() {
                let (from, to) = (places[cut.index(places.len())], places[cuts[0].index(places.len())]);
                let range = from.min(to)..from.max(to);
                expected.push(text[range.clone()].to_owned());
                column.push(row, &text, range);
            }
            let array = column.finish(cuts.len()).unwrap();
            prop_assert!(array.as_string::<i32>().iter().flatten().eq(expected.iter().map(String::as_str)));
            prop_assert_eq!(array.null_count(), 0);
        }
    }
}
