//! Functions computed over the elements of lists and maps: so many at a time, and together no more than fits.
//!
//! An element is a row to the function that is given it, so whatever stands beside the list is copied once for each
//! element, and lists in lists multiply. What the calls of one batch hold is added up on the thread that computes them,
//! whatever is nested in what, and is a limit of the query. Must not know which function asks, nor SQL.

use std::cell::Cell;

use arrow::array::{Array, ArrayRef, AsArray, UInt64Array, new_empty_array};
use arrow::compute::{cast, concat, take, take_arrays};
use arrow::datatypes::DataType;
use datafusion::common::{Result, ScalarValue};
use datafusion::config::ConfigOptions;
use datafusion::logical_expr::{ColumnarValue, LambdaArgument};

use super::function::beyond;
use super::room::Room;

/// Elements that a function is given at once: as many as a batch has rows.
const PORTION: usize = 8192;

thread_local! {
    /// Bytes that the calls which are being computed on this thread hold.
    static HELD: Cell<usize> = const { Cell::new(0) };
}

/// What one call holds: given back when this goes.
pub(super) struct Held {
    name: &'static str,
    bytes: usize,
    most: usize,
}

impl Held {
    /// Nothing yet, of a function of this name.
    pub(super) fn new(name: &'static str, config: &ConfigOptions) -> Held {
        Held { name, bytes: 0, most: Room::of(config) }
    }

    /// The same for what goes before the call ends.
    fn beside(&self) -> Held {
        Held { name: self.name, bytes: 0, most: self.most }
    }

    /// Takes so many bytes more.
    ///
    /// # Errors
    /// A limit, where there is no room.
    pub(super) fn take(&mut self, bytes: usize) -> Result<()> {
        let before = HELD.get();
        let sum = before.saturating_add(bytes);
        if sum > self.most {
            return Err(beyond(format!(
                "{} would make values of {sum} bytes at once; {} is the most",
                self.name, self.most
            )));
        }
        HELD.set(sum);
        self.bytes = self.bytes.saturating_add(bytes);
        Ok(())
    }

    /// A value for each of so many rows.
    ///
    /// # Errors
    /// A limit, where there is no room for as many copies of a constant.
    pub(super) fn spread(&mut self, value: &ColumnarValue, rows: usize) -> Result<ArrayRef> {
        if let ColumnarValue::Scalar(constant) = value {
            self.take(constant_bytes(constant)?.saturating_mul(rows))?;
        }
        value.to_array(rows)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        HELD.set(HELD.get().saturating_sub(self.bytes));
    }
}

/// What a constant takes in a row, in bytes.
pub(crate) fn constant_bytes(constant: &ScalarValue) -> Result<usize> {
    Ok(match constant {
        ScalarValue::Utf8(text) | ScalarValue::LargeUtf8(text) | ScalarValue::Utf8View(text) => {
            text.as_ref().map_or(0, String::len)
        }
        nested if nested.data_type().is_nested() => whole_bytes(&nested.to_array()?),
        other => other.size(),
    })
}

/// The part of a buffer that offsets name.
fn range(offsets: &[i32]) -> (usize, usize) {
    let at = |offset: Option<&i32>| offset.and_then(|offset| usize::try_from(*offset).ok()).unwrap_or_default();
    let from = at(offsets.first());
    (from, at(offsets.last()).saturating_sub(from))
}

/// What an array takes, in bytes: of dictionaries the codes, for their values are shared.
pub(super) fn whole_bytes(array: &ArrayRef) -> usize {
    let children = |columns: &[ArrayRef]| columns.iter().map(whole_bytes).fold(0, usize::saturating_add);
    match array.data_type() {
        DataType::Dictionary(..) => array.len().saturating_mul(4),
        DataType::Struct(_) => children(array.as_struct().columns()),
        DataType::List(_) => {
            let list = array.as_list::<i32>();
            let (from, length) = range(list.value_offsets());
            whole_bytes(&list.values().slice(from, length)).saturating_add(array.len() * 4)
        }
        DataType::Map(..) => {
            let map = array.as_map();
            let (from, length) = range(map.value_offsets());
            children(map.entries().slice(from, length).columns()).saturating_add(array.len() * 4)
        }
        DataType::Utf8 => range(array.as_string::<i32>().value_offsets()).1.saturating_add(array.len() * 4),
        _ => {
            let slice = array.to_data().get_slice_memory_size();
            slice.unwrap_or_else(|_| array.get_array_memory_size())
        }
    }
}

/// What the rows of an array take where each stands as often as it is named, in bytes.
fn copied_bytes(array: &ArrayRef, rows: &UInt64Array) -> usize {
    let mut runs = rows.values().chunk_by(|one, other| one == other);
    let longest = runs.clone().map(<[u64]>::len).max().unwrap_or(0);
    let most = whole_bytes(array).saturating_mul(longest);
    // Rows come together, so no row stands more often than the longest run; most often that is little.
    if most <= Room::LITTLE {
        return most;
    }
    let run = |run: &[u64]| {
        let row = run.first().and_then(|row| usize::try_from(*row).ok()).filter(|row| *row < array.len());
        row.map_or(0, |row| whole_bytes(&array.slice(row, 1)).saturating_mul(run.len()))
    };
    runs.by_ref().map(run).fold(0, usize::saturating_add)
}

/// Which elements a function is given for one of its names.
pub(super) struct Elements<'a> {
    /// The elements of all rows.
    pub(super) values: &'a ArrayRef,
    /// The places of those that are meant; NULL is no element.
    pub(super) places: UInt64Array,
}

/// The values of a function for elements: `rows` says for each element of which row it is.
///
/// # Errors
/// The function's own, or a limit.
pub(super) fn computed(
    lambda: &LambdaArgument,
    elements: &[Elements],
    rows: &UInt64Array,
    made: &DataType,
    held: &mut Held,
) -> Result<ArrayRef> {
    let mut parts: Vec<ArrayRef> = Vec::new();
    for from in (0..rows.len()).step_by(PORTION) {
        let count = PORTION.min(rows.len() - from);
        let rows = rows.slice(from, count);
        let mut copies = held.beside();
        let given: Vec<_> = elements.iter().map(|of| (of.values, of.places.slice(from, count))).collect();
        let given: Vec<_> = given.iter().map(|(values, places)| move || Ok(take(values, places, None)?)).collect();
        let given: Vec<&dyn Fn() -> Result<ArrayRef>> = given.iter().map(|one| one as _).collect();
        let value = lambda.evaluate(&given, |beside| {
            copies.take(beside.iter().map(|array| copied_bytes(array, &rows)).fold(0, usize::saturating_add))?;
            Ok(take_arrays(beside, &rows, None)?)
        })?;
        drop(copies);
        let part = held.spread(&value, count)?;
        if let ColumnarValue::Array(array) = &value {
            // A truth value is a bit, and yet no list of gigabits is meant.
            held.take(whole_bytes(array).max(array.len()))?;
        }
        parts.push(if part.data_type() == made { part } else { cast(&part, made)? });
    }
    match parts.as_slice() {
        [] => Ok(new_empty_array(made)),
        [one] => Ok(one.clone()),
        many => Ok(concat(&many.iter().map(AsRef::as_ref).collect::<Vec<_>>())?),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::Arc;

    use arrow::array::StringArray;

    use super::*;

    #[test]
    fn what_is_held_is_given_back() {
        let config = ConfigOptions::default();
        let mut outer = Held::new("outer", &config);
        outer.take(Room::of(&config)).unwrap();
        assert!(Held::new("inner", &config).take(1).unwrap_err().to_string().contains("is the most"));
        drop(outer);
        Held::new("inner", &config).take(Room::of(&config)).unwrap();
        assert_eq!(HELD.get(), 0);
    }

    #[test]
    fn copies_are_counted_by_row() {
        let texts: ArrayRef = Arc::new(StringArray::from(vec!["a".repeat(1 << 20), "b".to_owned()]));
        let rows = |rows: &[u64]| UInt64Array::from(rows.to_vec());
        assert!(copied_bytes(&texts, &rows(&[0; 100])) > 100 << 20);
        let short = copied_bytes(&texts, &rows(&[1; 100]));
        assert!(short < 1000, "{short}");
    }
}
