//! `different(x)`: the different values of a group as a sorted list, which is what `array_agg(DISTINCT x ORDER BY x)` means.
//!
//! The engine sorts all rows of the table for an aggregate with an order, and makes a value of its own of each row for a
//! distinct one. Here a batch's dictionary is looked at once, and what is kept is what is different. Knows values, not events.

use std::collections::BTreeSet;
use std::mem::size_of;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, StringArray};
use arrow::buffer::OffsetBuffer;
use arrow::compute::{SortOptions, cast};
use arrow::datatypes::{DataType, Field, FieldRef};
use arrow::row::{RowConverter, SortField};
use datafusion::common::{Result, ScalarValue, exec_datafusion_err};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{Accumulator, AggregateUDF, AggregateUDFImpl, Signature, Volatility};

/// The name in SQL.
pub(super) const NAME: &str = "different";

/// The function, as the engine takes it.
pub(super) fn function() -> AggregateUDF {
    AggregateUDF::from(Different { signature: Signature::any(1, Volatility::Immutable) })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Different {
    signature: Signature,
}

/// The type of the list's elements: text for every kind of text.
fn element(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Dictionary(_, values) => element(values),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => DataType::Utf8,
        other => other.clone(),
    }
}

fn list_of(data_type: DataType) -> DataType {
    DataType::List(Arc::new(Field::new_list_field(data_type, true)))
}

impl AggregateUDFImpl for Different {
    fn name(&self) -> &str {
        NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        Ok(list_of(element(arg_types.first().unwrap_or(&DataType::Null))))
    }

    fn accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        let data_type = args.expr_fields.first().map_or(DataType::Null, |field| element(field.data_type()));
        Ok(match data_type {
            DataType::Utf8 => Box::new(Texts::default()),
            other => {
                let order = SortOptions { descending: false, nulls_first: false };
                let rows = RowConverter::new(vec![SortField::new_with_options(other.clone(), order)])?;
                Box::new(Rows { kind: other, rows, kept: BTreeSet::new(), bytes: 0 })
            }
        })
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        Ok(vec![Arc::new(Field::new("different", args.return_field.data_type().clone(), true))])
    }
}

/// A list of these elements; NULL where there was no row.
fn listed(elements: ArrayRef) -> ScalarValue {
    let field = Arc::new(Field::new_list_field(elements.data_type().clone(), true));
    if elements.is_empty() {
        return ScalarValue::List(Arc::new(ListArray::new_null(field, 1)));
    }
    let ends = OffsetBuffer::from_lengths([elements.len()]);
    ScalarValue::List(Arc::new(ListArray::new(field, ends, elements, None)))
}

/// The elements of the lists that other parts of a group have come to.
fn parts(states: &[ArrayRef]) -> Result<impl Iterator<Item = ArrayRef>> {
    let lists = states.first().and_then(|state| state.as_list_opt::<i32>());
    let lists = lists.ok_or_else(|| exec_datafusion_err!("the state of {NAME} is no list"))?.clone();
    Ok((0..lists.len()).filter(|&row| lists.is_valid(row)).map(|row| lists.value(row)).collect::<Vec<_>>().into_iter())
}

/// Different texts.
#[derive(Debug, Default)]
struct Texts {
    kept: BTreeSet<Box<str>>,
    null: bool,
    bytes: usize,
}

/// What a text costs beside its bytes: its place in the tree.
const ENTRY_BYTES: usize = 2 * size_of::<Box<str>>();

impl Texts {
    fn keep(&mut self, text: &str) {
        if !self.kept.contains(text) {
            self.bytes += text.len() + ENTRY_BYTES;
            self.kept.insert(text.into());
        }
    }

    fn take(&mut self, array: &ArrayRef) -> Result<()> {
        let Some(codes) = array.as_any_dictionary_opt() else {
            let texts = cast(array, &DataType::Utf8)?;
            for text in texts.as_string::<i32>() {
                match text {
                    Some(text) => self.keep(text),
                    None => self.null = true,
                }
            }
            return Ok(());
        };
        let texts = cast(codes.values(), &DataType::Utf8)?;
        let texts = texts.as_string::<i32>();
        let mut met = vec![false; texts.len()];
        let keys = codes.keys();
        if texts.is_empty() {
            self.null |= !keys.is_empty();
            return Ok(());
        }
        for (row, code) in codes.normalized_keys().into_iter().enumerate() {
            if keys.is_null(row) {
                self.null = true;
            } else if let Some(met) = met.get_mut(code).filter(|met| !**met) {
                *met = true;
                if texts.is_null(code) {
                    self.null = true;
                } else {
                    self.keep(texts.value(code));
                }
            }
        }
        Ok(())
    }

    fn list(&self) -> ScalarValue {
        let texts = self.kept.iter().map(|text| Some(text.as_ref()));
        let texts: StringArray = texts.chain(self.null.then_some(None)).collect();
        listed(Arc::new(texts))
    }
}

impl Accumulator for Texts {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        values.iter().try_for_each(|array| self.take(array))
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        parts(states)?.try_for_each(|array| self.take(&array))
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![self.list()])
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        Ok(self.list())
    }

    fn size(&self) -> usize {
        size_of::<Self>() + self.bytes
    }
}

/// Different values of any other type, by what sorts like them.
#[derive(Debug)]
struct Rows {
    kind: DataType,
    rows: RowConverter,
    kept: BTreeSet<Box<[u8]>>,
    bytes: usize,
}

impl Rows {
    fn take(&mut self, array: &ArrayRef) -> Result<()> {
        let array = if array.data_type() == &self.kind { array.clone() } else { cast(array, &self.kind)? };
        for row in &self.rows.convert_columns(&[array])? {
            let bytes = row.as_ref();
            if !self.kept.contains(bytes) {
                self.bytes += bytes.len() + ENTRY_BYTES;
                self.kept.insert(bytes.into());
            }
        }
        Ok(())
    }

    fn list(&self) -> Result<ScalarValue> {
        let parser = self.rows.parser();
        let array = self.rows.convert_rows(self.kept.iter().map(|bytes| parser.parse(bytes)))?.pop();
        Ok(listed(array.ok_or_else(|| exec_datafusion_err!("{NAME} lost its values"))?))
    }
}

impl Accumulator for Rows {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        values.iter().try_for_each(|array| self.take(array))
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        parts(states)?.try_for_each(|array| self.take(&array))
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![self.list()?])
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        self.list()
    }

    fn size(&self) -> usize {
        size_of::<Self>() + self.bytes
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use arrow::array::{DictionaryArray, Int64Array};
    use arrow::datatypes::Int32Type;

    use super::*;

    fn shown(value: &ScalarValue) -> String {
        value.to_string()
    }

    #[test]
    fn dictionaries_texts_and_parts_come_to_the_same() {
        let coded: DictionaryArray<Int32Type> = vec![Some("b"), None, Some("a"), Some("b")].into_iter().collect();
        let mut one = Texts::default();
        one.update_batch(&[Arc::new(coded)]).unwrap();
        let mut other = Texts::default();
        other.update_batch(&[Arc::new(StringArray::from(vec!["c", "a"]))]).unwrap();
        let state = other.state().unwrap().remove(0).to_array().unwrap();
        one.merge_batch(&[state]).unwrap();
        assert_eq!(shown(&one.evaluate().unwrap()), "[a, b, c, ]");
        assert!(Texts::default().evaluate().unwrap().is_null());
    }

    #[test]
    fn other_values_are_sorted_as_values() {
        let order = SortOptions { descending: false, nulls_first: false };
        let converter = RowConverter::new(vec![SortField::new_with_options(DataType::Int64, order)]).unwrap();
        let mut rows = Rows { kind: DataType::Int64, rows: converter, kept: BTreeSet::new(), bytes: 0 };
        rows.update_batch(&[Arc::new(Int64Array::from(vec![Some(10), Some(-2), None, Some(10), Some(9)]))]).unwrap();
        assert_eq!(shown(&rows.evaluate().unwrap()), "[-2, 9, 10, ]");
    }
}
