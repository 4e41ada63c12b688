//! Maps made of elements that there are: of pairs, of keys with all their values, of several maps.
//!
//! Keys are compared by their text, of which two different keys of one type have no common one.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, MapArray, StructArray, UInt64Array};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::compute::{interleave, take};
use arrow::datatypes::{DataType, Field};
use datafusion::common::{Result, exec_err};

use super::nested::{places, span, texts};

/// A map of the pairs (place of the key, place of the value) of each row; NULL is no key, of equal keys the first counts.
pub(super) fn map_from(
    keys: &ArrayRef,
    values: &ArrayRef,
    nulls: Option<&NullBuffer>,
    rows: usize,
    pairs: impl Fn(usize) -> Vec<(usize, usize)>,
    made: &DataType,
) -> Result<ArrayRef> {
    let names = texts(keys)?;
    let names = names.as_string::<i32>();
    let (mut own, mut theirs, mut lengths) = (Vec::new(), Vec::new(), Vec::with_capacity(rows));
    for row in 0..rows {
        let mut seen = std::collections::HashSet::new();
        let before = own.len();
        for (key, value) in pairs(row) {
            if names.is_valid(key) && seen.insert(names.value(key)) {
                own.push(key as u64);
                theirs.push(value as u64);
            }
        }
        lengths.push(own.len() - before);
    }
    let keys = take(keys, &UInt64Array::from(own), None)?;
    let values = take(values, &UInt64Array::from(theirs), None)?;
    map_array(made, keys, values, lengths, nulls.cloned())
}

pub(super) fn map_array(
    made: &DataType,
    keys: ArrayRef,
    values: ArrayRef,
    lengths: Vec<usize>,
    nulls: Option<NullBuffer>,
) -> Result<ArrayRef> {
    let DataType::Map(field, _) = made else { return exec_err!("{made} is no map") };
    let DataType::Struct(fields) = field.data_type() else { return exec_err!("a map without entries") };
    let entries = StructArray::try_new(fields.clone(), vec![keys, values], None)?;
    Ok(Arc::new(MapArray::try_new(field.clone(), OffsetBuffer::from_lengths(lengths), entries, nulls, false)?))
}

/// The keys of a row in the order of their text, and which places each has: rows come in any order.
pub(super) fn grouped(list: &ListArray, names: &ArrayRef, row: usize) -> Vec<Vec<usize>> {
    let names = names.as_string::<i32>();
    let mut order: HashMap<&str, usize> = HashMap::new();
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for place in places(list, row).filter(|place| names.is_valid(*place)) {
        let next = groups.len();
        let group = *order.entry(names.value(place)).or_insert(next);
        match groups.get_mut(group) {
            Some(group) => group.push(place),
            None => groups.push(vec![place]),
        }
    }
    groups.sort_by_key(|group| group.first().map(|place| names.value(*place)));
    groups
}

pub(super) fn multimap(keys: &ListArray, values: &ListArray, made: &DataType) -> Result<ArrayRef> {
    let names = texts(keys.values())?;
    let (mut own, mut theirs, mut lengths, mut rows) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for row in 0..keys.len() {
        let shift = (places(keys, row).start, places(values, row));
        let groups = grouped(keys, &names, row);
        rows.push(groups.len());
        for group in groups {
            own.extend(group.first().map(|place| *place as u64));
            lengths.push(group.len());
            let partner = |place: usize| shift.1.clone().nth(place - shift.0).map(|place| place as u64);
            theirs.extend(group.into_iter().map(partner));
        }
    }
    let keys_made = take(keys.values(), &UInt64Array::from(own), None)?;
    let values = take(values.values(), &UInt64Array::from(theirs), None)?;
    let field = Arc::new(Field::new("item", values.data_type().clone(), true));
    let lists = Arc::new(ListArray::try_new(field, OffsetBuffer::from_lengths(lengths), values, None)?);
    map_array(made, keys_made, lists, rows, keys.nulls().cloned())
}

/// NULL where one of the maps is.
pub(super) fn concatenated(arrays: &[ArrayRef], made: &DataType) -> Result<ArrayRef> {
    let maps: Vec<&MapArray> = arrays.iter().map(|array| array.as_map()).collect();
    let rows = maps.first().map_or(0, |map| map.len());
    let names = maps.iter().map(|map| texts(map.keys())).collect::<Result<Vec<_>>>()?;
    let (mut taken, mut lengths, mut valid) = (Vec::new(), Vec::new(), Vec::new());
    for row in 0..rows {
        let there = maps.iter().all(|map| map.is_valid(row));
        valid.push(there);
        let before = taken.len();
        let mut order: HashMap<&str, usize> = HashMap::new();
        for (at, (map, names)) in maps.iter().zip(&names).enumerate().filter(|_| there) {
            for place in span(map.value_offsets(), map.nulls(), row) {
                let next = taken.len();
                let slot = *order.entry(names.as_string::<i32>().value(place)).or_insert(next);
                match taken.get_mut(slot) {
                    Some(slot) => *slot = (at, place),
                    None => taken.push((at, place)),
                }
            }
        }
        lengths.push(taken.len() - before);
    }
    let keys: Vec<&dyn Array> = maps.iter().map(|map| map.keys().as_ref()).collect();
    let values: Vec<&dyn Array> = maps.iter().map(|map| map.values().as_ref()).collect();
    map_array(made, interleave(&keys, &taken)?, interleave(&values, &taken)?, lengths, Some(valid.into()))
}
