//! Bits by row: which rows hold a value, and boolean values.

use arrow::buffer::{BooleanBuffer, Buffer, NullBuffer};

/// Bits that grow as rows are marked; what was never marked is zero.
#[derive(Debug, Default)]
pub(crate) struct Bits {
    words: Vec<u64>,
}

impl Bits {
    /// Sets the bit of `row`.
    #[inline]
    pub(crate) fn set(&mut self, row: usize) {
        if self.words.len() <= row / 64 {
            self.words.resize(row / 64 + 1, 0);
        }
        self.words[row / 64] |= 1 << (row % 64);
    }

    /// The bit of `row`.
    #[inline]
    pub(crate) fn get(&self, row: usize) -> bool {
        self.words.get(row / 64).is_some_and(|word| word >> (row % 64) & 1 == 1)
    }

    /// The bits of `rows` rows; the next batch begins without any.
    pub(crate) fn finish(&mut self, rows: usize) -> BooleanBuffer {
        self.words.resize(rows.div_ceil(64), 0);
        BooleanBuffer::new(Buffer::from_vec(std::mem::take(&mut self.words)), 0, rows)
    }

    /// Bits of `rows` rows, each the answer of `bit`.
    pub(crate) fn collect(rows: usize, bit: impl FnMut(usize) -> bool) -> BooleanBuffer {
        BooleanBuffer::collect_bool(rows, bit)
    }
}

/// Which rows hold a value. Many columns have one in every row: bits are kept from the first gap on only.
#[derive(Debug, Default)]
pub(crate) struct Mask {
    /// Empty while the first `marked` rows are those that are marked.
    bits: Bits,
    marked: usize,
}

impl Mask {
    /// Marks `row`, which is not marked yet; rows skipped are null.
    #[inline]
    pub(crate) fn mark(&mut self, row: usize) {
        if let Some(word) = self.bits.words.get_mut(row / 64) {
            *word |= 1 << (row % 64);
        } else if row != self.marked || !self.bits.words.is_empty() {
            self.mark_sparse(row);
        }
        self.marked += 1;
    }

    /// The first gap, or the first row of a word.
    #[inline(never)]
    fn mark_sparse(&mut self, row: usize) {
        self.spell_out();
        self.bits.set(row);
    }

    fn spell_out(&mut self) {
        if self.bits.words.is_empty() {
            self.bits.words.resize(self.marked / 64, u64::MAX);
            self.bits.words.push((1 << (self.marked % 64)) - 1);
        }
    }

    /// Whether `row` is marked.
    #[inline]
    pub(crate) fn holds(&self, row: usize) -> bool {
        if self.bits.words.is_empty() { row < self.marked } else { self.bits.get(row) }
    }

    /// Which of `rows` rows are marked.
    pub(crate) fn held(&self, rows: usize) -> BooleanBuffer {
        Bits::collect(rows, |row| self.holds(row))
    }

    /// Rows marked so far.
    pub(crate) fn marked(&self) -> usize {
        self.marked
    }

    /// The null buffer of `rows` rows, or `None` where every row has a value.
    pub(crate) fn finish(&mut self, rows: usize) -> Option<NullBuffer> {
        let mut mask = std::mem::take(self);
        if mask.marked == rows {
            return None;
        }
        mask.spell_out();
        Some(NullBuffer::new(mask.bits.finish(rows)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_marked_is_valid(rows in 0usize..200, picks in prop::collection::btree_set(0usize..200, 0..60)) {
            let picks: Vec<usize> = picks.into_iter().filter(|row| *row < rows).collect();
            let mut mask = Mask::default();
            for _batch in 0..2 {
                for row in &picks {
                    mask.mark(*row);
                }
                prop_assert!((0..rows).all(|row| mask.holds(row) == picks.contains(&row)));
                match mask.finish(rows) {
                    None => prop_assert_eq!(picks.len(), rows),
                    Some(nulls) => prop_assert!((0..rows).all(|row| nulls.is_valid(row) == picks.contains(&row))),
                }
            }
        }
    }
}
