//! Maps that are counted or cut out of something: how often a list's elements occur, and the keys and values of a text.

use std::cmp::Reverse;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, ListArray, StringBuilder, UInt64Array};
use arrow::compute::take;
use arrow::datatypes::{DataType, Int64Type};
use datafusion::common::Result;
use std::sync::Arc;

use super::maps::{grouped, map_array};
use super::nested::texts;

/// How often each element of a list occurs, by the text of the element; of so many that occur most often, those first.
pub(super) fn counts(list: &ListArray, most: Option<&ArrayRef>, made: &DataType) -> Result<ArrayRef> {
    let names = texts(list.values())?;
    let most = most.map(|most| most.as_primitive::<Int64Type>());
    let (mut own, mut counts, mut rows) = (Vec::new(), Vec::new(), Vec::new());
    for row in 0..list.len() {
        let mut groups = grouped(list, &names, row);
        if let Some(most) = most {
            // Equal counts stay in the order of their text.
            groups.sort_by_key(|group| Reverse(group.len()));
            let most = if most.is_valid(row) { most.value(row) } else { 0 };
            groups.truncate(usize::try_from(most).unwrap_or_default());
        }
        rows.push(groups.len());
        own.extend(groups.iter().filter_map(|group| group.first()).map(|place| *place as u64));
        counts.extend(groups.iter().map(|group| group.len() as i64));
    }
    let keys = take(list.values(), &UInt64Array::from(own), None)?;
    map_array(made, keys, Arc::new(Int64Array::from(counts)), rows, list.nulls().cloned())
}

/// A text of entries as a map: `a=1;b=2`. An entry without what stands between key and value is no entry.
pub(super) fn split(text: &ArrayRef, entries: &ArrayRef, values: &ArrayRef, made: &DataType) -> Result<ArrayRef> {
    let [text, entry_by, value_by] = [text, entries, values].map(|array| array.as_string::<i32>());
    let (mut keys, mut values) = (StringBuilder::new(), StringBuilder::new());
    let (mut lengths, mut valid) = (Vec::with_capacity(text.len()), Vec::with_capacity(text.len()));
    for row in 0..text.len() {
        let there = text.is_valid(row) && entry_by.is_valid(row) && value_by.is_valid(row);
        let mut seen = std::collections::HashSet::new();
        let between = if there { entry_by.value(row) } else { "" };
        for entry in text.value(row).split(between).filter(|_| there && !between.is_empty()) {
            if let Some((key, value)) = entry.split_once(value_by.value(row))
                && seen.insert(key)
            {
                keys.append_value(key);
                values.append_value(value);
            }
        }
        lengths.push(seen.len());
        valid.push(there);
    }
    map_array(made, Arc::new(keys.finish()), Arc::new(values.finish()), lengths, Some(valid.into()))
}
