//! Columns without a single value, of which a batch has dozens: made once, and shared by columns and batches.

use arrow::array::{ArrayRef, new_null_array};
use arrow::datatypes::DataType;

/// Null columns of one number of rows, by type.
#[derive(Debug, Default)]
pub(crate) struct Nothing {
    rows: usize,
    columns: Vec<ArrayRef>,
}

impl Nothing {
    /// The next columns have so many rows.
    pub(crate) fn resize(&mut self, rows: usize) {
        if self.rows != rows {
            self.rows = rows;
            self.columns.clear();
        }
    }

    /// A column of nulls.
    pub(crate) fn of(&mut self, kind: &DataType) -> ArrayRef {
        match self.columns.iter().find(|column| column.data_type() == kind) {
            Some(column) => column.clone(),
            None => {
                let column = new_null_array(kind, self.rows);
                self.columns.push(column.clone());
                column
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::Array;

    #[test]
    fn columns_are_shared_until_the_rows_change() {
        let mut nothing = Nothing::default();
        for rows in [3, 5] {
            nothing.resize(rows);
            let (text, again) = (nothing.of(&DataType::Utf8), nothing.of(&DataType::Utf8));
            assert_eq!((text.len(), text.null_count()), (rows, rows));
            assert_eq!(text.to_data().buffers()[0].as_ptr(), again.to_data().buffers()[0].as_ptr());
            assert_eq!(nothing.of(&DataType::Boolean).len(), rows);
        }
    }
}
