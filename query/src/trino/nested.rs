//! Functions of maps and lists that the engine lacks: maps of lists, maps joined, lists side by side, rows of anything.
//!
//! Elements are never built anew: each function says which elements of its arguments go where, and takes them at once.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, StructArray, UInt64Array};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::compute::{cast, take};
use arrow::datatypes::{DataType, Field, FieldRef, Fields};
use datafusion::common::{Result, exec_err, plan_err};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility};

use super::elements::Held;
use super::entry::{Entry, entry, refuse};
use super::function::answer;
use super::maps::{concatenated, map_from, multimap};
use super::tally;
use super::unnest::ROWS;

/// What a function does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Act {
    /// A list of keys and one of values to a map.
    MapOfLists,
    /// The same, with all values of each key.
    MultimapOfLists,
    /// How often each element occurs.
    Histogram,
    /// The same, of those that occur most often.
    MostFrequent,
    /// A text of keys and values to a map.
    SplitToMap,
    /// Maps to one map.
    MapConcat,
    /// A list of rows of two to a map.
    MapFromEntries,
    /// Lists to a list of rows.
    Zip,
    /// A map, or a list of rows, to a list of rows with numbered fields.
    Rows,
}

/// The functions, by name.
pub(super) static FUNCTIONS: &[Entry<Act>] = &[
    entry(
        "map_of_lists",
        Act::MapOfLists,
        "a map of keys and values; of equal keys the first counts: what map_agg becomes",
        ("map_of_lists(ARRAY['a', 'a'], ARRAY[1, 2])", "{a: 1}"),
    ),
    entry(
        "multimap_of_lists",
        Act::MultimapOfLists,
        "a map of keys and all values of each: what multimap_agg becomes",
        ("multimap_of_lists(ARRAY['a', 'a'], ARRAY[1, 2])", "{a: [1, 2]}"),
    ),
    entry(
        "array_histogram",
        Act::Histogram,
        "how often each element of a list occurs: what histogram becomes",
        ("array_histogram(ARRAY['a', 'a'])", "{a: 2}"),
    ),
    entry(
        "array_most_frequent",
        Act::MostFrequent,
        "so many elements of a list that occur most often, and how often: what approx_most_frequent becomes",
        ("array_most_frequent(ARRAY['a', 'b', 'a'], 1)", "{a: 2}"),
    ),
    entry(
        "split_to_map",
        Act::SplitToMap,
        "a text of keys and values as a map; of equal keys the first counts",
        ("split_to_map('a=1;b=2', ';', '=')", "{a: 1, b: 2}"),
    ),
    entry(
        "map_concat",
        Act::MapConcat,
        "maps made one; of equal keys the last counts",
        ("map_concat(MAP(ARRAY['a'], ARRAY[1]), MAP(ARRAY['a', 'b'], ARRAY[2, 3]))", "{a: 2, b: 3}"),
    ),
    entry(
        "map_from_entries",
        Act::MapFromEntries,
        "a map of rows of a key and a value",
        ("map_from_entries(ARRAY[row('a', 1)])", "{a: 1}"),
    ),
    entry(
        "zip",
        Act::Zip,
        "lists side by side, as rows; the shorter are filled up with NULL",
        ("zip(ARRAY[1, 2], ARRAY['a'])", "[{c0: 1, c1: a}, {c0: 2, c1: -}]"),
    ),
    entry(
        ROWS,
        Act::Rows,
        "a map's entries, or a list's rows, with fields c0, c1 …: what UNNEST into several columns becomes",
        ("unnest_rows(MAP(ARRAY['a'], ARRAY[1]))", "[{c0: a, c1: 1}]"),
    ),
];

#[derive(Debug, PartialEq, Eq, Hash)]
struct NestedFunction {
    name: &'static str,
    act: Act,
    signature: Signature,
}

/// The functions, as the engine takes them.
pub(super) fn functions() -> impl Iterator<Item = ScalarUDF> {
    FUNCTIONS.iter().map(|entry| {
        let signature = Signature::user_defined(Volatility::Immutable);
        ScalarUDF::from(NestedFunction { name: entry.name, act: entry.act, signature })
    })
}

/// The type of lists of a type.
pub(super) fn list_of(item: DataType) -> DataType {
    DataType::List(Arc::new(Field::new("item", item, true)))
}

/// The type of maps of two types.
pub(super) fn map_of(key: DataType, value: DataType) -> DataType {
    DataType::Map(entries_of(key, value), false)
}

fn entries_of(key: DataType, value: DataType) -> FieldRef {
    let fields = vec![Field::new("key", key, false), Field::new("value", value, true)];
    Arc::new(Field::new("entries", DataType::Struct(Fields::from(fields)), false))
}

/// Which elements of lists or maps there are, whatever lies between them and behind NULLs.
pub(super) struct Entries {
    /// Their places among the values.
    pub(super) places: UInt64Array,
    /// The row of each.
    pub(super) rows: UInt64Array,
    /// How many each row has.
    pub(super) lengths: Vec<usize>,
}

impl Entries {
    /// The elements of `rows` lists.
    pub(super) fn of(offsets: &[i32], nulls: Option<&NullBuffer>, rows: usize) -> Entries {
        let (mut places, mut numbers, mut lengths) = (Vec::new(), Vec::new(), Vec::with_capacity(rows));
        for row in 0..rows {
            let range = span(offsets, nulls, row);
            lengths.push(range.len());
            numbers.extend(std::iter::repeat_n(row as u64, range.len()));
            places.extend(range.map(|place| place as u64));
        }
        Entries { places: places.into(), rows: numbers.into(), lengths }
    }
}

/// The places of a row's elements.
pub(super) fn span(offsets: &[i32], nulls: Option<&NullBuffer>, row: usize) -> std::ops::Range<usize> {
    let bound = |at: usize| offsets.get(at).and_then(|offset| usize::try_from(*offset).ok()).unwrap_or_default();
    if nulls.is_some_and(|nulls| nulls.is_null(row)) { 0..0 } else { bound(row)..bound(row + 1) }
}

fn item(data_type: &DataType) -> Result<DataType> {
    match data_type {
        DataType::List(item) => Ok(item.data_type().clone()),
        other => plan_err!("a list is needed, not {other}"),
    }
}

fn numbered(fields: &[DataType]) -> Fields {
    fields.iter().enumerate().map(|(at, kind)| Field::new(format!("c{at}"), kind.clone(), true)).collect()
}

/// The types of a row's fields.
fn parts(data_type: &DataType) -> Result<Vec<DataType>> {
    match data_type {
        DataType::Struct(fields) => Ok(fields.iter().map(|field| field.data_type().clone()).collect()),
        other => plan_err!("UNNEST into several columns takes a map or a list of rows, not a list of {other}"),
    }
}

/// What a map or a list has in it.
fn content(data_type: &DataType) -> Result<Vec<DataType>> {
    match data_type {
        DataType::Map(entries, _) => parts(entries.data_type()),
        other => parts(&item(other)?),
    }
}

impl NestedFunction {
    fn made(&self, types: &[DataType]) -> Result<DataType> {
        Ok(match (self.act, types) {
            (Act::MapOfLists, [keys, values]) => map_of(item(keys)?, item(values)?),
            (Act::MultimapOfLists, [keys, values]) => map_of(item(keys)?, list_of(item(values)?)),
            (Act::Histogram, [list]) => map_of(item(list)?, DataType::Int64),
            (Act::MostFrequent, [list, _]) => map_of(item(list)?, DataType::Int64),
            (Act::SplitToMap, [_, _, _]) => map_of(DataType::Utf8, DataType::Utf8),
            (Act::MapConcat, [first, ..]) => match content(first)?.as_slice() {
                [key, value] if matches!(first, DataType::Map(..)) => map_of(key.clone(), value.clone()),
                _ => return plan_err!("map_concat takes maps, not {first}"),
            },
            (Act::MapFromEntries, [list]) => match content(list)?.as_slice() {
                [key, value] => map_of(key.clone(), value.clone()),
                _ => return plan_err!("map_from_entries takes rows of a key and a value"),
            },
            (Act::Zip, [_, ..]) => {
                let items = types.iter().map(item).collect::<Result<Vec<_>>>()?;
                list_of(DataType::Struct(numbered(&items)))
            }
            (Act::Rows, [rows]) => list_of(DataType::Struct(numbered(&content(rows)?))),
            _ => return refuse(FUNCTIONS, self.name),
        })
    }

    fn compute(&self, arrays: &[ArrayRef], made: &DataType) -> Result<ArrayRef> {
        match (self.act, arrays) {
            (Act::MapOfLists, [keys, values]) => {
                let (keys, values) = (keys.as_list::<i32>(), values.as_list::<i32>());
                let pairs = |row: usize| {
                    let (keys, values) = (places(keys, row), places(values, row));
                    keys.zip(values).collect::<Vec<_>>()
                };
                map_from(keys.values(), values.values(), keys.nulls(), keys.len(), pairs, made)
            }
            (Act::MapFromEntries, [list]) => {
                let list = list.as_list::<i32>();
                let rows = list.values().as_struct();
                let pairs = |row: usize| places(list, row).filter(|at| rows.is_valid(*at)).map(|at| (at, at)).collect();
                map_from(rows.column(0), rows.column(1), list.nulls(), list.len(), pairs, made)
            }
            (Act::MultimapOfLists, [keys, values]) => multimap(keys.as_list(), values.as_list(), made),
            (Act::Histogram, [list]) => tally::counts(list.as_list(), None, made),
            (Act::MostFrequent, [list, most]) => tally::counts(list.as_list(), Some(most), made),
            (Act::SplitToMap, [text, entries, values]) => tally::split(text, entries, values, made),
            (Act::MapConcat, maps) => concatenated(maps, made),
            (Act::Zip, lists) => zip(lists, made),
            (Act::Rows, [rows]) => numbered_rows(rows, made),
            _ => exec_err!("{} lacks an argument", self.name),
        }
    }
}

pub(super) fn places(list: &ListArray, row: usize) -> std::ops::Range<usize> {
    span(list.value_offsets(), list.nulls(), row)
}

pub(super) fn texts(array: &ArrayRef) -> Result<ArrayRef> {
    Ok(cast(array, &DataType::Utf8)?)
}

fn zip(arrays: &[ArrayRef], made: &DataType) -> Result<ArrayRef> {
    let lists: Vec<&ListArray> = arrays.iter().map(|array| array.as_list()).collect();
    let rows = lists.first().map_or(0, |list| list.len());
    let mut taken: Vec<Vec<Option<u64>>> = vec![Vec::new(); lists.len()];
    let (mut lengths, mut valid) = (Vec::new(), Vec::new());
    for row in 0..rows {
        let there = lists.iter().all(|list| list.is_valid(row));
        let longest = lists.iter().map(|list| places(list, row).len()).max().filter(|_| there).unwrap_or(0);
        for (list, taken) in lists.iter().zip(&mut taken) {
            let own = places(list, row);
            taken.extend((0..longest).map(|at| own.clone().nth(at).map(|place| place as u64)));
        }
        lengths.push(longest);
        valid.push(there);
    }
    let DataType::List(field) = made else { return exec_err!("zip makes a list") };
    let DataType::Struct(fields) = field.data_type() else { return exec_err!("zip makes rows") };
    let columns =
        lists.iter().zip(taken).map(|(list, taken)| Ok(take(list.values(), &UInt64Array::from(taken), None)?));
    let rows = StructArray::try_new(fields.clone(), columns.collect::<Result<_>>()?, None)?;
    let offsets = OffsetBuffer::from_lengths(lengths);
    Ok(Arc::new(ListArray::try_new(field.clone(), offsets, Arc::new(rows), Some(valid.into()))?))
}

fn numbered_rows(array: &ArrayRef, made: &DataType) -> Result<ArrayRef> {
    let DataType::List(field) = made else { return exec_err!("rows are a list") };
    let DataType::Struct(fields) = field.data_type() else { return exec_err!("rows have fields") };
    let (offsets, nulls, rows) = match array.data_type() {
        DataType::Map(..) => {
            let map = array.as_map();
            (map.offsets().clone(), map.nulls().cloned(), map.entries().clone())
        }
        _ => {
            let list = array.as_list::<i32>();
            (list.offsets().clone(), list.nulls().cloned(), list.values().as_struct().clone())
        }
    };
    let rows = StructArray::try_new(fields.clone(), rows.columns().to_vec(), rows.nulls().cloned())?;
    Ok(Arc::new(ListArray::try_new(field.clone(), offsets, Arc::new(rows), nulls)?))
}

impl ScalarUDFImpl for NestedFunction {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        self.made(arg_types)
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        self.made(arg_types)?;
        match (self.act, arg_types) {
            (Act::MapConcat, [first, ..]) => Ok(vec![first.clone(); arg_types.len()]),
            (Act::MostFrequent, [list, _]) => Ok(vec![list.clone(), DataType::Int64]),
            (Act::SplitToMap, types) => Ok(vec![DataType::Utf8; types.len()]),
            _ => Ok(arg_types.to_vec()),
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let constant = args.args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        let rows = if constant { 1 } else { args.number_rows };
        let mut held = Held::new(self.name, &args.config_options);
        let arrays = args.args.iter().map(|arg| held.spread(arg, rows)).collect::<Result<Vec<_>>>()?;
        answer(self.compute(&arrays, args.return_field.data_type())?, constant)
    }
}
