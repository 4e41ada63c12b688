//! `Dictionary(Int32, Utf8)` columns: a code for each distinct value of a batch.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, DictionaryArray, Int32Array, StringArray};
use arrow::buffer::{Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::compute::{nullif, take};
use arrow::error::ArrowError;
use hashbrown::HashTable;

use super::bits::Bits;
use super::repeats::Spread;
use super::text::room;

/// The code of a null.
pub(crate) const NULL: i32 = -1;

/// Values that are remembered as recent.
const PLACES: usize = 64;

/// Place of a value among the recent ones, from its length and the bytes at its ends: names of one service begin alike.
#[inline]
fn place(text: &[u8]) -> usize {
    let mut mixed = text.len() as u64;
    if let (Some(first), Some(last)) = (text.first_chunk(), text.last_chunk()) {
        mixed ^= u64::from_le_bytes(*first) ^ u64::from_le_bytes(*last).rotate_left(23);
    } else if let (Some(first), Some(last)) = (text.first_chunk(), text.last_chunk()) {
        mixed ^= u64::from(u32::from_le_bytes(*first)) << 32 | u64::from(u32::from_le_bytes(*last));
    } else if let Some(first) = text.first() {
        mixed ^= u64::from(*first) << 32;
    }
    (mixed.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 58) as usize % PLACES
}

/// Builds a `Dictionary(Int32, Utf8)` column, and says which code a value has.
#[derive(Debug)]
pub(crate) struct Dictionary {
    values: String,
    /// Bytes that are asked for at once for the values of a batch.
    room: usize,
    ends: Vec<i32>,
    table: HashTable<i32>,
    hasher: ahash::RandomState,
    /// Codes of values that came lately, by [`place`].
    lately: [i32; PLACES],
    codes: Vec<i32>,
    /// Rows whose code is not [`NULL`].
    filled: usize,
}

impl Dictionary {
    pub(crate) fn new() -> Self {
        Dictionary {
            values: String::new(),
            room: 0,
            ends: vec![0],
            table: HashTable::new(),
            hasher: ahash::RandomState::with_seeds(1, 2, 3, 4),
            lately: [NULL; PLACES],
            codes: Vec::new(),
            filled: 0,
        }
    }

    /// The value of a code.
    pub(crate) fn value(&self, code: i32) -> Option<&str> {
        let code = usize::try_from(code).ok()?;
        let (start, end) = (*self.ends.get(code)?, *self.ends.get(code + 1)?);
        self.values.get(start as usize..end as usize)
    }

    #[inline]
    fn bytes(&self, code: i32) -> Option<&[u8]> {
        let code = code as usize;
        self.values.as_bytes().get(*self.ends.get(code)? as usize..*self.ends.get(code + 1)? as usize)
    }

    /// Code of `text`, new or known. The same few values come again and again: they are found without hashing.
    #[inline(never)]
    pub(crate) fn code(&mut self, text: &str) -> i32 {
        let place = place(text.as_bytes());
        let code = self.lately[place];
        if code != NULL && self.bytes(code) == Some(text.as_bytes()) {
            return code;
        }
        let code = self.search(text);
        self.lately[place] = code;
        code
    }

    #[inline(never)]
    fn search(&mut self, text: &str) -> i32 {
        let hash = self.hasher.hash_one(text);
        let (values, ends, hasher) = (&self.values, &self.ends, &self.hasher);
        let slice = |code: i32| &values[ends[code as usize] as usize..ends[code as usize + 1] as usize];
        if let Some(code) = self.table.find(hash, |code| slice(*code) == text) {
            return *code;
        }
        let code = (self.ends.len() - 1) as i32;
        self.table.insert_unique(hash, code, |code| hasher.hash_one(slice(*code)));
        self.values.push_str(text);
        self.ends.push(self.values.len() as i32);
        code
    }

    /// Sets the code of `row`; rows skipped since the last one are null.
    #[inline]
    pub(crate) fn set(&mut self, row: usize, code: i32) {
        if self.codes.len() < row {
            self.codes.resize(row, NULL);
        }
        self.codes.push(code);
        self.filled += usize::from(code != NULL);
    }

    /// Sets the codes of all rows; none was set before.
    pub(crate) fn set_all(&mut self, codes: impl Iterator<Item = i32>) {
        self.codes.extend(codes);
        self.filled = self.codes.iter().filter(|code| **code != NULL).count();
    }

    /// Whether no row has a value.
    pub(crate) fn is_empty(&self) -> bool {
        self.filled == 0
    }

    /// Codes of the rows so far; later ones are null.
    pub(crate) fn codes(&self) -> &[i32] {
        &self.codes
    }

    /// The column of `rows` rows; the next batch begins without any.
    pub(crate) fn finish(&mut self, rows: usize) -> Result<ArrayRef, ArrowError> {
        let filled = std::mem::take(&mut self.filled);
        self.codes.resize(rows, NULL);
        let codes = std::mem::replace(&mut self.codes, Vec::with_capacity(rows));
        let nulls = (filled != rows).then(|| NullBuffer::new(Bits::collect(rows, |row| codes[row] != NULL)));
        self.array(codes, nulls)
    }

    /// The column whose row `r` holds this builder's row `spread.entries[r]`; the next batch begins without any.
    pub(crate) fn gather(&mut self, spread: &Spread) -> Result<ArrayRef, ArrowError> {
        self.codes.resize(spread.count, NULL);
        let nulls = match self.filled + 1 == spread.count {
            true => spread.nulls(),
            false => Some(spread.nulls_where(Bits::collect(spread.count, |entry| self.codes[entry] != NULL))),
        };
        self.filled = 0;
        // Only the entries' codes are checked, once each; the rows take them from there.
        let codes = self.codes.drain(..).map(|code| code.max(0)).collect::<Vec<_>>();
        let values = self.values()?;
        if values.is_empty() {
            return all_null(values, spread.rows(), nulls);
        }
        let each = DictionaryArray::try_new(Int32Array::new(ScalarBuffer::from(codes), None), Arc::new(values))?;
        let rows = take(&each, &spread.places, None)?;
        without(rows, nulls)
    }

    /// The values so far; the next batch begins without any.
    fn values(&mut self) -> Result<StringArray, ArrowError> {
        self.room = room(self.room, self.values.len());
        let values = std::mem::replace(&mut self.values, String::with_capacity(self.room));
        let ends = std::mem::replace(&mut self.ends, vec![0]);
        self.table.clear();
        self.lately = [NULL; PLACES];
        StringArray::try_new(OffsetBuffer::new(ScalarBuffer::from(ends)), Buffer::from_vec(values.into_bytes()), None)
    }

    /// The column of the rows' codes; that of a null may be any.
    fn array(&mut self, mut codes: Vec<i32>, nulls: Option<NullBuffer>) -> Result<ArrayRef, ArrowError> {
        let values = self.values()?;
        if values.is_empty() {
            return all_null(values, codes.len(), nulls);
        }
        if nulls.is_some() {
            codes.iter_mut().for_each(|code| *code = (*code).max(0));
        }
        without(spread(values, codes)?, nulls)
    }
}

/// A column without a value.
fn all_null(values: StringArray, rows: usize, nulls: Option<NullBuffer>) -> Result<ArrayRef, ArrowError> {
    let keys = Int32Array::try_new(ScalarBuffer::from(vec![0; rows]), nulls)?;
    Ok(Arc::new(DictionaryArray::try_new(keys, Arc::new(values))?))
}

/// The column with those nulls.
fn without(column: ArrayRef, nulls: Option<NullBuffer>) -> Result<ArrayRef, ArrowError> {
    match nulls {
        Some(nulls) => nullif(&column, &BooleanArray::new(!nulls.inner(), None)),
        None => Ok(column),
    }
}

/// The column of the values with those codes. Each value is there once, and the rows are taken from those: Arrow checks
/// every code of a dictionary that it is given, which takes four times as long, and one with nulls longer still.
fn spread(values: StringArray, codes: Vec<i32>) -> Result<ArrayRef, ArrowError> {
    let each = Int32Array::from_iter_values(0..values.len() as i32);
    let each = DictionaryArray::try_new(each, Arc::new(values))?;
    take(&each, &Int32Array::new(ScalarBuffer::from(codes), None), None)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use arrow::array::AsArray;
    use arrow::datatypes::Int32Type;
    use proptest::prelude::*;

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

    proptest! {
        #[test]
        fn rows_give_their_values_back(rows in prop::collection::vec(prop::option::of("[ab]{0,3}|[a-c]{0,12}"), 0..300)) {
            let mut dictionary = Dictionary::new();
            for _batch in 0..2 {
                for (row, value) in rows.iter().enumerate() {
                    if let Some(value) = value {
                        let code = dictionary.code(value);
                        prop_assert_eq!(dictionary.value(code), Some(value.as_str()));
                        dictionary.set(row, code);
                    }
                }
                let array = dictionary.finish(rows.len()).unwrap();
                let array = array.as_dictionary::<Int32Type>().downcast_dict::<StringArray>().unwrap();
                prop_assert!(array.into_iter().eq(rows.iter().map(Option::as_deref)));
                let distinct: std::collections::BTreeSet<_> = rows.iter().flatten().collect();
                prop_assert_eq!(array.values().len(), distinct.len());
            }
        }
    }
}
