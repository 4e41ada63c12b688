//! Column builders for the hot path: filled only where a record has a value.
//!
//! Most of the table's columns are absent from most records, so a builder is told the row only when there is a
//! value, and the nulls before it are filled in then, in bulk. Text is copied once; Arrow checks a whole batch's
//! UTF-8 at once when it is finished.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, BooleanBufferBuilder, DictionaryArray, Int32Array, StringArray};
use arrow::buffer::{BooleanBuffer, Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::error::ArrowError;
use hashbrown::HashTable;

/// Which rows hold a value. Most columns have one in every row, or in none: bits are kept from the first gap on only.
#[derive(Debug)]
pub(crate) struct Mask {
    /// Rows so far, where no bits are kept: all of them hold a value.
    dense: usize,
    bits: Option<BooleanBufferBuilder>,
}

impl Mask {
    pub(crate) fn new() -> Self {
        Mask { dense: 0, bits: None }
    }

    /// Marks `row`; rows skipped since the last one are null.
    #[inline]
    pub(crate) fn mark(&mut self, row: usize) {
        if row == self.dense && self.bits.is_none() {
            self.dense += 1;
        } else {
            self.sparse(row).append(true);
        }
    }

    /// The bits of `rows` rows, the missing ones null.
    fn sparse(&mut self, rows: usize) -> &mut BooleanBufferBuilder {
        let dense = self.dense;
        let bits = self.bits.get_or_insert_with(|| {
            let mut bits = BooleanBufferBuilder::new(rows.max(1024));
            bits.append_n(dense, true);
            bits
        });
        bits.append_n(rows.saturating_sub(bits.len()), false);
        bits
    }

    /// True before the first mark.
    fn is_empty(&self) -> bool {
        self.dense == 0 && self.bits.is_none()
    }

    /// A copy of the null buffer of `rows` rows, leaving the marks as they are.
    pub(crate) fn nulls(&mut self, rows: usize) -> Option<NullBuffer> {
        if self.bits.is_none() && self.dense == rows {
            return None;
        }
        let bits = self.sparse(rows);
        Some(NullBuffer::new(BooleanBuffer::new(Buffer::from(bits.as_slice()), 0, rows)))
    }

    /// The null buffer of `rows` rows, or `None` where every row has a value.
    pub(crate) fn finish(&mut self, rows: usize) -> Option<NullBuffer> {
        let nulls = self.nulls(rows);
        (self.dense, self.bits) = (0, None);
        nulls
    }
}

/// Builds a `Utf8` column.
#[derive(Debug)]
pub(crate) struct Text {
    values: String,
    offsets: Vec<i32>,
    mask: Mask,
}

impl Text {
    pub(crate) fn new() -> Self {
        Text { values: String::new(), offsets: vec![0], mask: Mask::new() }
    }

    #[inline]
    pub(crate) fn push(&mut self, row: usize, text: &str) {
        self.values.push_str(text);
        self.close(row);
    }

    /// Appends through a writer; the value stands only if it says so.
    #[inline]
    pub(crate) fn push_with(&mut self, row: usize, write: impl FnOnce(&mut String) -> bool) -> bool {
        let before = self.values.len();
        let kept = write(&mut self.values);
        if kept {
            self.close(row);
        } else {
            self.values.truncate(before);
        }
        kept
    }

    #[inline]
    fn close(&mut self, row: usize) {
        let before = self.offsets[self.offsets.len() - 1];
        if self.offsets.len() <= row {
            self.offsets.resize(row + 1, before);
        }
        self.offsets.push(self.values.len() as i32);
        self.mask.mark(row);
    }

    pub(crate) fn finish(&mut self, rows: usize) -> Result<ArrayRef, ArrowError> {
        if self.mask.is_empty() {
            return Ok(Arc::new(StringArray::new_null(rows)));
        }
        let last = self.offsets[self.offsets.len() - 1];
        self.offsets.resize(rows + 1, last);
        let capacity = self.values.len();
        let values = std::mem::replace(&mut self.values, String::with_capacity(capacity));
        let offsets = std::mem::replace(&mut self.offsets, Vec::with_capacity(rows + 1));
        self.offsets.push(0);
        let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets));
        let values = Buffer::from_vec(values.into_bytes());
        Ok(Arc::new(StringArray::try_new(offsets, values, self.mask.finish(rows))?))
    }
}

/// Builds a `Dictionary(Int32, Utf8)` column, and says which code a value has.
#[derive(Debug)]
pub(crate) struct Dictionary {
    values: String,
    ends: Vec<i32>,
    table: HashTable<i32>,
    hasher: ahash::RandomState,
    codes: Vec<i32>,
    last: i32,
}

/// The code of a null.
pub(crate) const NULL: i32 = -1;

impl Dictionary {
    pub(crate) fn new() -> Self {
        Dictionary {
            values: String::new(),
            ends: vec![0],
            table: HashTable::new(),
            hasher: ahash::RandomState::with_seeds(1, 2, 3, 4),
            codes: Vec::new(),
            last: NULL,
        }
    }

    /// The value of a code.
    pub(crate) fn value(&self, code: i32) -> Option<&str> {
        let code = usize::try_from(code).ok()?;
        let (start, end) = (*self.ends.get(code)?, *self.ends.get(code + 1)?);
        self.values.get(start as usize..end as usize)
    }

    /// Code of `text`, new or known. The same value often comes many times in a row.
    #[inline]
    pub(crate) fn code(&mut self, text: &str) -> i32 {
        if self.last != NULL && self.value(self.last) == Some(text) {
            return self.last;
        }
        let hash = self.hasher.hash_one(text);
        let (values, ends, hasher) = (&self.values, &self.ends, &self.hasher);
        let slice = |code: i32| &values[ends[code as usize] as usize..ends[code as usize + 1] as usize];
        if let Some(code) = self.table.find(hash, |code| slice(*code) == text) {
            self.last = *code;
            return *code;
        }
        let code = (self.ends.len() - 1) as i32;
        self.table.insert_unique(hash, code, |code| hasher.hash_one(slice(*code)));
        self.values.push_str(text);
        self.ends.push(self.values.len() as i32);
        self.last = code;
        code
    }

    /// Sets the code of `row`; rows skipped since the last one are null.
    #[inline]
    pub(crate) fn set(&mut self, row: usize, code: i32) {
        if self.codes.len() < row {
            self.codes.resize(row, NULL);
        }
        self.codes.push(code);
    }

    /// Code given to `row`, or [`NULL`].
    #[inline]
    pub(crate) fn code_at(&self, row: usize) -> i32 {
        self.codes.get(row).copied().unwrap_or(NULL)
    }

    pub(crate) fn finish(&mut self, rows: usize) -> Result<ArrayRef, ArrowError> {
        self.codes.resize(rows, NULL);
        let codes = std::mem::replace(&mut self.codes, Vec::with_capacity(rows));
        let valid = BooleanBuffer::collect_bool(rows, |row| codes[row] != NULL);
        let nulls = Some(NullBuffer::new(valid)).filter(|n| n.null_count() > 0);
        // A null's key is never read, but must be in range for an empty dictionary too.
        let keys: Vec<i32> = codes.into_iter().map(|code| code.max(0)).collect();
        let keys = Int32Array::try_new(ScalarBuffer::from(keys), nulls)?;
        let ends = std::mem::replace(&mut self.ends, vec![0]);
        let values = std::mem::take(&mut self.values);
        self.table.clear();
        self.last = NULL;
        let offsets = OffsetBuffer::new(ScalarBuffer::from(ends));
        let values = StringArray::try_new(offsets, Buffer::from_vec(values.into_bytes()), None)?;
        Ok(Arc::new(DictionaryArray::try_new(keys, Arc::new(values))?))
    }
}

/// Builds a `Boolean` column.
#[derive(Debug)]
pub(crate) struct Boolean {
    values: BooleanBufferBuilder,
    mask: Mask,
}

impl Boolean {
    pub(crate) fn new() -> Self {
        Boolean { values: BooleanBufferBuilder::new(0), mask: Mask::new() }
    }

    #[inline]
    pub(crate) fn push(&mut self, row: usize, value: bool) {
        if self.values.len() < row {
            self.values.append_n(row - self.values.len(), false);
        }
        self.values.append(value);
        self.mask.mark(row);
    }

    pub(crate) fn finish(&mut self, rows: usize) -> ArrayRef {
        if self.values.len() < rows {
            self.values.append_n(rows - self.values.len(), false);
        }
        Arc::new(BooleanArray::new(self.values.finish(), self.mask.finish(rows)))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use arrow::array::{Array, AsArray};
    use arrow::datatypes::Int32Type;

    #[test]
    fn skipped_rows_are_null() {
        let mut text = Text::new();
        text.push(1, "a");
        text.push(3, "");
        let array = text.finish(5).unwrap();
        let array = array.as_string::<i32>();
        let values: Vec<_> = array.iter().collect();
        assert_eq!(values, [None, Some("a"), None, Some(""), None]);
        // And the builder starts afresh.
        text.push(0, "b");
        assert_eq!(text.finish(1).unwrap().as_string::<i32>().value(0), "b");
    }

    #[test]
    fn a_dictionary_gives_equal_values_one_code() {
        let mut dictionary = Dictionary::new();
        for (row, value) in ["x", "y", "x", "x"].iter().enumerate() {
            let code = dictionary.code(value);
            dictionary.set(row + usize::from(row > 1), code);
        }
        let array = dictionary.finish(6).unwrap();
        let array = array.as_dictionary::<Int32Type>();
        assert_eq!(array.values().len(), 2);
        assert_eq!(array.null_count(), 2);
        assert_eq!(dictionary.finish(2).unwrap().null_count(), 2);
    }

    #[test]
    fn booleans_keep_their_rows() {
        let mut column = Boolean::new();
        column.push(2, true);
        let array = column.finish(4);
        let values: Vec<_> = array.as_boolean().iter().collect();
        assert_eq!(values, [None, None, Some(true), None]);
    }
}
