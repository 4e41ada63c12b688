//! Text by code: equal values of a column have equal numbers.
//!
//! A dictionary column has codes already. For any other they are given when a row is first asked for, so that a test
//! that is looked at in few rows costs only those. Knows Arrow and no rules.

use hashbrown::HashTable;
use ingest::batch::TextColumn;

/// A text column whose values have codes.
#[derive(Debug)]
pub(crate) struct Coded {
    column: TextColumn,
    dictionary: bool,
    /// For each row, its code and one; 0 where it was not asked for.
    rows: Vec<u32>,
    /// For each code, a row that has it.
    sample: Vec<usize>,
    codes: HashTable<u32>,
    state: ahash::RandomState,
}

impl Coded {
    /// A column that nobody has asked yet.
    pub(crate) fn new(column: TextColumn) -> Self {
        let dictionary = column.dictionary().is_some();
        let state = ahash::RandomState::with_seed(0);
        Coded { column, dictionary, rows: Vec::new(), sample: Vec::new(), codes: HashTable::new(), state }
    }

    /// The column itself.
    pub(crate) fn column(&self) -> &TextColumn {
        &self.column
    }

    /// The code of the value in a row; `None` where it is null.
    #[inline]
    pub(crate) fn code(&mut self, row: usize) -> Option<usize> {
        if self.dictionary {
            return self.column.code(row);
        }
        match self.rows.get(row) {
            Some(code) if *code > 0 => Some(*code as usize - 1),
            _ => self.give(row),
        }
    }

    fn give(&mut self, row: usize) -> Option<usize> {
        let text = self.column.get(row)?;
        let hash = self.state.hash_one(text);
        let (column, sample, state) = (&self.column, &self.sample, &self.state);
        let value = |code: &u32| sample.get(*code as usize).and_then(|row| column.get(*row));
        let code = match self.codes.find(hash, |code| value(code) == Some(text)) {
            Some(code) => *code,
            None => {
                let code = u32::try_from(self.sample.len()).ok()?;
                self.codes.insert_unique(hash, code, |code| state.hash_one(value(code).unwrap_or_default()));
                self.sample.push(row);
                code
            }
        };
        if self.rows.len() <= row {
            self.rows.resize(row + 1, 0);
        }
        self.rows[row] = code + 1;
        Some(code as usize)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use arrow::array::StringArray;

    #[test]
    fn equal_values_have_equal_codes_in_any_order_of_asking() {
        let values = [Some("a"), None, Some("b"), Some("a"), Some("")];
        let mut coded = Coded::new(TextColumn::Plain(StringArray::from(values.to_vec())));
        let codes: Vec<_> = [4, 3, 2, 1, 0].into_iter().map(|row| coded.code(row)).collect();
        assert_eq!(codes, [Some(0), Some(1), Some(2), None, Some(1)]);
        assert_eq!(coded.code(3), coded.code(0));
    }
}
