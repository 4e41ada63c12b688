//! Structs and runs that repeat from row to row: their columns are filled once for each distinct text, and spread over
//! the rows when the batch is finished.
//!
//! A session makes many calls, and each of their records repeats its `userIdentity`, some twenty columns. Which texts
//! are equal is the scanner's knowledge (`record::memo`); this room sees numbers. What has no number is simply
//! something that does not repeat.

use std::cell::RefCell;

use arrow::array::UInt32Array;
use arrow::buffer::{BooleanBuffer, Buffer, NullBuffer, ScalarBuffer};

use super::bits::{Bits, Mask};
use crate::record::MEMOS;

/// The rows of one struct column, or of the columns of a run.
#[derive(Debug)]
pub(crate) struct Repeats {
    /// Entry of each row; entry 0 is the null one.
    entries: Vec<u32>,
    next: u32,
    /// Number and entry, by the memo of the number. What lost its place is filled once more: no harm done. No text has
    /// the number 0.
    known: Vec<(u64, u32)>,
    /// Entries that their columns do not give back exactly, in order, and which columns those are.
    misfits: Vec<(usize, u64)>,
}

impl Repeats {
    pub(crate) fn new() -> Self {
        Repeats { entries: Vec::new(), next: 1, known: vec![(0, 0); MEMOS], misfits: Vec::new() }
    }

    /// The entry of a text seen in this batch.
    #[inline]
    pub(crate) fn entry(&self, number: u64) -> Option<usize> {
        let (known, entry) = self.known[number as usize % MEMOS];
        (known == number && number != 0).then_some(entry as usize)
    }

    /// A new entry, for a text with a number or 0.
    pub(crate) fn add(&mut self, number: u64) -> usize {
        let entry = self.next;
        self.next += 1;
        self.known[number as usize % MEMOS] = (number, entry);
        entry as usize
    }

    /// Says that some columns (bits) do not give back exactly the entry that was added last.
    pub(crate) fn mark_misfit(&mut self, entry: usize, columns: u64) {
        if columns != 0 {
            self.misfits.push((entry, columns));
        }
    }

    /// Gives `row` an entry; rows skipped since the last one are null. Tells which columns do not give it back exactly.
    #[inline]
    pub(crate) fn set(&mut self, row: usize, entry: usize) -> u64 {
        if self.entries.len() < row {
            self.entries.resize(row, 0);
        }
        self.entries.push(entry as u32);
        if self.misfits.is_empty() { 0 } else { self.misfits_of(entry) }
    }

    #[cold]
    fn misfits_of(&self, entry: usize) -> u64 {
        self.misfits.binary_search_by_key(&entry, |misfit| misfit.0).map_or(0, |at| self.misfits[at].1)
    }

    /// The entries of `rows` rows; the next batch begins without any.
    pub(crate) fn finish(&mut self, rows: usize) -> Spread {
        self.entries.resize(rows, 0);
        let entries = std::mem::replace(&mut self.entries, Vec::with_capacity(rows));
        self.known.fill((0, 0));
        self.misfits.clear();
        let nulls = entries.contains(&0).then(|| NullBuffer::new(Bits::collect(rows, |row| entries[row] != 0)));
        let places = UInt32Array::new(ScalarBuffer::from(entries), None);
        let entries = UInt32Array::new(places.values().clone(), nulls);
        Spread { entries, places, count: std::mem::replace(&mut self.next, 1) as usize, masks: RefCell::default() }
    }
}

/// Which entry of a column's builders each row holds.
#[derive(Debug)]
pub(crate) struct Spread {
    /// Entry of each row; null, and 0, where the row has none.
    pub(crate) entries: UInt32Array,
    /// The same without nulls: entry 0 where the row has none. Arrow takes by it in half the time.
    pub(crate) places: UInt32Array,
    /// Number of entries, the null one included.
    pub(crate) count: usize,
    /// Nulls of columns that have values in some entries only: columns that come together share them.
    masks: RefCell<Vec<(BooleanBuffer, NullBuffer)>>,
}

impl Spread {
    /// Rows.
    pub(crate) fn rows(&self) -> usize {
        self.entries.values().len()
    }

    /// Entry of a row.
    #[inline]
    pub(crate) fn entry(&self, row: usize) -> usize {
        self.entries.values()[row] as usize
    }

    /// Rows that have no entry.
    pub(crate) fn nulls(&self) -> Option<NullBuffer> {
        arrow::array::Array::nulls(&self.entries).cloned()
    }

    /// The nulls of a column that has a value where `held` says so of the row's entry.
    pub(crate) fn nulls_where(&self, held: BooleanBuffer) -> NullBuffer {
        let mut masks = self.masks.borrow_mut();
        if let Some((_, nulls)) = masks.iter().find(|(mask, _)| *mask == held) {
            return nulls.clone();
        }
        // A byte an entry, and 64 rows to a word: a dozen columns ask for masks of their own, each of all rows.
        let bytes: Vec<bool> = held.iter().collect();
        let bit = |entry: &u32| u64::from(bytes.get(*entry as usize).is_some_and(|held| *held));
        let words = self.places.values().chunks(64).map(|rows| rows.iter().rfold(0, |word, row| word << 1 | bit(row)));
        let words = Buffer::from_vec(words.collect::<Vec<u64>>());
        let nulls = NullBuffer::new(BooleanBuffer::new(words, 0, self.rows()));
        masks.push((held, nulls.clone()));
        nulls
    }

    /// Whether no row has an entry.
    pub(crate) fn is_empty(&self) -> bool {
        self.count == 1
    }

    /// The nulls of a column that has a value in the entries of `mask`, which is empty afterwards.
    pub(crate) fn nulls_of(&self, mask: &mut Mask) -> Option<NullBuffer> {
        let mask = std::mem::take(mask);
        if mask.marked() + 1 == self.count {
            return self.nulls();
        }
        Some(self.nulls_where(mask.held(self.count)))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::dictionary::Dictionary;
    use super::super::text::Text;
    use super::*;
    use arrow::array::{ArrayRef, AsArray, StringArray};
    use arrow::datatypes::Int32Type;
    use proptest::prelude::*;

    fn texts(dictionary: &ArrayRef) -> Vec<Option<&str>> {
        let column = dictionary.as_dictionary::<Int32Type>().downcast_dict::<StringArray>().unwrap();
        column.into_iter().collect()
    }

    proptest! {
        /// Filling entries once and spreading them gives the same column as filling every row.
        #[test]
        fn a_spread_column_equals_one_filled_by_row(
            values in prop::collection::vec(prop::option::of(".{0,50}"), 1..6),
            picks in prop::collection::vec(prop::option::of(any::<prop::sample::Index>()), 0..200),
        ) {
            let (mut repeats, mut entries, mut rows) = (Repeats::new(), Text::new(), Text::new());
            let (mut entry_codes, mut row_codes) = (Dictionary::new(), Dictionary::new());
            for _batch in 0..2 {
                for (row, pick) in picks.iter().enumerate() {
                    let Some(number) = pick.map(|pick| pick.index(values.len())) else { continue };
                    let value = &values[number];
                    // Every third text has no number, and two numbers share a place.
                    let number = if number % 3 == 2 { 0 } else { (number / 2 + number % 2 * MEMOS + 1) as u64 };
                    let entry = repeats.entry(number).unwrap_or_else(|| {
                        let entry = repeats.add(number);
                        if let Some(value) = value {
                            entries.push_str(entry, value);
                            let code = entry_codes.code(value);
                            entry_codes.set(entry, code);
                        }
                        entry
                    });
                    prop_assert_eq!(repeats.set(row, entry), 0);
                    if let Some(value) = value {
                        rows.push_str(row, value);
                        let code = row_codes.code(value);
                        row_codes.set(row, code);
                    }
                }
                let spread = repeats.finish(picks.len());
                let nulls: Vec<bool> = picks.iter().map(Option::is_none).collect();
                let found = spread.nulls().map_or(vec![false; picks.len()], |n| n.iter().map(|v| !v).collect());
                prop_assert_eq!(found, nulls);
                let (coded, filled) = (entry_codes.gather(&spread).unwrap(), row_codes.finish(picks.len()).unwrap());
                prop_assert_eq!(texts(&coded), texts(&filled));
                let (spread, filled) = (entries.gather(&spread).unwrap(), rows.finish(picks.len()).unwrap());
                prop_assert_eq!(spread.as_string::<i32>(), filled.as_string::<i32>());
            }
        }
    }
}
