//! `Utf8` columns: text copied once, offsets, and nulls only where there are any.
//!
//! Most of the table's columns are absent from most records, so a builder is told the row only when there is a
//! value, and the nulls before it are filled in then, in bulk. Arrow checks a whole column's UTF-8 at once when it is
//! finished.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{ArrayRef, StringArray};
use arrow::buffer::{Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::compute::take;
use arrow::error::ArrowError;

use super::bits::Mask;
use super::repeats::Spread;

/// Bytes that are copied in one step, whatever the length of a value. Most values are shorter, and a copy of fixed length
/// costs no call and no branch that a processor could guess wrong; an id has 36 bytes and takes two.
const STEP: usize = 32;

/// Appends `text[range]`.
#[inline(always)]
fn append(out: &mut Vec<u8>, text: &[u8], range: Range<usize>) {
    let end = out.len() + range.len();
    let rest = text.get(range.start..).unwrap_or_default();
    match (rest.first_chunk::<STEP>(), rest.first_chunk::<{ 2 * STEP }>()) {
        (Some(step), _) if range.len() <= STEP => out.extend_from_slice(step),
        (_, Some(step)) if range.len() <= 2 * STEP => out.extend_from_slice(step),
        _ => return out.extend_from_slice(&text[range]),
    }
    out.truncate(end);
}

/// Builds a `Utf8` column.
#[derive(Debug)]
pub(crate) struct Text {
    values: Vec<u8>,
    offsets: Vec<i32>,
    mask: Mask,
}

impl Text {
    pub(crate) fn new() -> Self {
        Text { values: Vec::new(), offsets: vec![0], mask: Mask::default() }
    }

    /// Appends `text[range]` as the value of `row`; rows skipped since the last one are null.
    #[inline(never)]
    pub(crate) fn push(&mut self, row: usize, text: &str, range: Range<usize>) {
        append(&mut self.values, text.as_bytes(), range);
        self.close(row);
    }

    /// Appends a whole text.
    pub(crate) fn push_str(&mut self, row: usize, text: &str) {
        self.push(row, text, 0..text.len());
    }

    #[inline]
    fn close(&mut self, row: usize) {
        if self.offsets.len() <= row {
            self.skip(row);
        }
        self.offsets.push(self.values.len() as i32);
        self.mask.mark(row);
    }

    fn skip(&mut self, row: usize) {
        let before = self.offsets[self.offsets.len() - 1];
        self.offsets.resize(row + 1, before);
    }

    /// Whether no row has a value.
    pub(crate) fn is_empty(&self) -> bool {
        self.mask.marked() == 0
    }

    /// The column of `rows` rows; the next batch begins without any.
    pub(crate) fn finish(&mut self, rows: usize) -> Result<ArrayRef, ArrowError> {
        self.skip(rows);
        let capacity = self.values.len();
        let values = std::mem::replace(&mut self.values, Vec::with_capacity(capacity + STEP));
        let offsets = std::mem::replace(&mut self.offsets, Vec::with_capacity(rows + 1));
        self.offsets.push(0);
        array(offsets, values, self.mask.finish(rows))
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

fn array(offsets: Vec<i32>, values: Vec<u8>, nulls: Option<NullBuffer>) -> Result<ArrayRef, ArrowError> {
    let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets));
    Ok(Arc::new(StringArray::try_new(offsets, Buffer::from_vec(values), nulls)?))
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
