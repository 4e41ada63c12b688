//! A text column as small numbers: the fold hashes and compares numbers, and looks at a text once a batch.
//!
//! A dictionary column has the numbers already; any other is encoded here.

use std::collections::HashMap;

use ahash::RandomState;
use arrow::array::Array;
use ingest::batch::TextColumn;

/// Bits of a code. A chunk has at most this many rows, so a code always fits.
pub(super) const BITS: u32 = 21;
/// Rows of a chunk that the fold works on.
pub(super) const MAX_ROWS: usize = (1 << BITS) - 1;

/// Codes of a column's rows. 0 is null.
#[derive(Debug)]
pub(super) struct Codes<'a> {
    codes: Vec<u32>,
    values: Vec<&'a str>,
}

impl<'a> Codes<'a> {
    pub(super) fn new(column: &'a TextColumn, rows: usize) -> Self {
        if let Some(dictionary) = column.dictionary()
            && dictionary.len() <= MAX_ROWS
        {
            let codes = (0..rows).map(|row| column.code(row).map_or(0, |code| code as u32 + 1)).collect();
            // A value that is null itself reads as empty, and empty means null to the fold.
            let values = (0..dictionary.len()).map(|at| dictionary.value(at)).collect();
            return Codes { codes, values };
        }
        let mut ids: HashMap<&str, u32, RandomState> = HashMap::default();
        let mut values = Vec::new();
        let codes = (0..rows).map(|row| {
            let Some(text) = column.get(row) else { return 0 };
            *ids.entry(text).or_insert_with(|| {
                values.push(text);
                values.len() as u32
            })
        });
        Codes { codes: codes.collect(), values }
    }

    /// The code of a row; always below `1 << BITS`.
    #[inline]
    pub(super) fn code(&self, row: usize) -> u32 {
        self.codes.get(row).copied().unwrap_or(0)
    }

    /// The text of a code; `None` for null and for empty.
    #[inline]
    pub(super) fn value(&self, code: u32) -> Option<&'a str> {
        self.values.get((code as usize).checked_sub(1)?).copied().filter(|text| !text.is_empty())
    }

    /// The texts of the codes, from 0 on.
    pub(super) fn values(&self) -> impl Iterator<Item = Option<&'a str>> + '_ {
        (0..=self.values.len() as u32).map(|code| self.value(code))
    }
}
