//! Functions that take functions, beside the engine's: over maps, over two lists, from a list to one value, and `try`.
//!
//! Source: Trino documentation, "Map functions and operators", "Array functions and operators", "Conditional expressions".

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Int64Array, ListArray, MapArray, StructArray, UInt64Array, new_null_array,
};
use arrow::buffer::OffsetBuffer;
use arrow::compute::{cast, concat, filter, interleave, take};
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::{Result, exec_err, plan_err};
use datafusion::config::ConfigOptions;
use datafusion::logical_expr::{
    ColumnarValue, HigherOrderFunctionArgs, HigherOrderReturnFieldArgs, HigherOrderSignature, HigherOrderUDF,
    HigherOrderUDFImpl, LambdaArgument, LambdaParametersProgress, ValueOrLambda, Volatility,
};

use super::elements::{Elements, Held, computed};
use super::entry::{Entry, entry, refuse};
use super::function::is_limit;
use super::nested::{Entries, list_of, map_of};

/// What a function does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Act {
    MapFilter,
    TransformKeys,
    TransformValues,
    ZipWith,
    Reduce,
    Try,
}

/// The functions, by name.
pub(super) static FUNCTIONS: &[Entry<Act>] = &[
    entry(
        "map_filter",
        Act::MapFilter,
        "the entries of a map that a condition holds for",
        ("map_filter(MAP(ARRAY['a','b'], ARRAY[1,2]), (k, v) -> v > 1)", "{b: 2}"),
    ),
    entry(
        "transform_keys",
        Act::TransformKeys,
        "a map with each key changed",
        ("transform_keys(MAP(ARRAY['a','b'], ARRAY[1,2]), (k, v) -> upper(k))", "{A: 1, B: 2}"),
    ),
    entry(
        "transform_values",
        Act::TransformValues,
        "a map with each value changed",
        ("transform_values(MAP(ARRAY['a','b'], ARRAY[1,2]), (k, v) -> v * 10)", "{a: 10, b: 20}"),
    ),
    entry(
        "zip_with",
        Act::ZipWith,
        "two lists made one, pair by pair; the shorter is filled up with NULL",
        ("zip_with(ARRAY[1, 2], ARRAY[3, 4], (x, y) -> x + y)", "[4, 6]"),
    ),
    entry(
        "reduce",
        Act::Reduce,
        "a list made one value, element by element",
        ("reduce(ARRAY[1, 2, 3], 0, (s, x) -> s + x, s -> s * 10)", "60"),
    ),
    entry("try", Act::Try, "a value, or NULL where it cannot be computed", ("try(date_parse('x', '%Y'))", "-")),
];

#[derive(Debug, PartialEq, Eq, Hash)]
struct Higher {
    name: &'static str,
    act: Act,
    signature: HigherOrderSignature,
}

/// The functions, as the engine takes them.
pub(super) fn functions() -> impl Iterator<Item = Arc<HigherOrderUDF>> {
    FUNCTIONS.iter().map(|entry| {
        let signature = HigherOrderSignature::user_defined(Volatility::Immutable);
        Arc::new(HigherOrderUDF::new_from_impl(Higher { name: entry.name, act: entry.act, signature }))
    })
}

fn nullable(data_type: &DataType) -> FieldRef {
    Arc::new(Field::new("x", data_type.clone(), true))
}

fn map_parts(data_type: &DataType) -> Result<(DataType, DataType)> {
    if let DataType::Map(entries, _) = data_type
        && let DataType::Struct(fields) = entries.data_type()
        && let [key, value] = fields.as_ref()
    {
        return Ok((key.data_type().clone(), value.data_type().clone()));
    }
    plan_err!("a map is needed, not {data_type}")
}

fn element(data_type: &DataType) -> Result<DataType> {
    match data_type {
        DataType::List(item) => Ok(item.data_type().clone()),
        other => plan_err!("a list is needed, not {other}"),
    }
}

impl Higher {
    fn wrong<T>(&self) -> Result<T> {
        refuse(FUNCTIONS, self.name)
    }
}

impl HigherOrderUDFImpl for Higher {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &HigherOrderSignature {
        &self.signature
    }

    fn coerce_value_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        match (self.act, arg_types) {
            (Act::MapFilter | Act::TransformKeys | Act::TransformValues, [map]) => {
                map_parts(map)?;
            }
            (Act::ZipWith, [first, second]) => {
                element(first)?;
                element(second)?;
            }
            (Act::Reduce, [list, _]) => {
                element(list)?;
            }
            (Act::Try, []) => {}
            _ => return self.wrong(),
        }
        Ok(arg_types.to_vec())
    }

    /// Constants stay constants, and what is behind a NULL is passed over here.
    fn clear_null_values(&self) -> bool {
        false
    }

    fn lambda_parameters(
        &self,
        _step: usize,
        fields: &[ValueOrLambda<FieldRef, Option<FieldRef>>],
    ) -> Result<LambdaParametersProgress> {
        use LambdaParametersProgress::{Complete, Partial};
        use ValueOrLambda::{Lambda, Value};
        Ok(match (self.act, fields) {
            (Act::MapFilter | Act::TransformKeys | Act::TransformValues, [Value(map), Lambda(_)]) => {
                let (key, value) = map_parts(map.data_type())?;
                Complete(vec![vec![nullable(&key), nullable(&value)]])
            }
            (Act::ZipWith, [Value(first), Value(second), Lambda(_)]) => {
                Complete(vec![vec![nullable(&element(first.data_type())?), nullable(&element(second.data_type())?)]])
            }
            (Act::Reduce, [Value(list), Value(start), Lambda(merge), Lambda(_)]) => {
                let item = nullable(&element(list.data_type())?);
                match merge {
                    None => Partial(vec![Some(vec![nullable(start.data_type()), item]), None]),
                    Some(state) => {
                        let state = nullable(state.data_type());
                        Complete(vec![vec![state.clone(), item], vec![state]])
                    }
                }
            }
            // A parameter that nobody names: an expression without columns needs to know how many rows there are.
            (Act::Try, [Lambda(_)]) => Complete(vec![vec![nullable(&DataType::Int64)]]),
            _ => return self.wrong(),
        })
    }

    fn coerce_values_for_lambdas(&self, fields: &[ValueOrLambda<DataType, DataType>]) -> Result<Option<Vec<DataType>>> {
        use ValueOrLambda::{Lambda, Value};
        Ok(match (self.act, fields) {
            (Act::Reduce, [Value(list), Value(_), Lambda(state), Lambda(_)]) => Some(vec![list.clone(), state.clone()]),
            _ => None,
        })
    }

    fn return_field_from_args(&self, args: HigherOrderReturnFieldArgs) -> Result<FieldRef> {
        use ValueOrLambda::{Lambda, Value};
        let data_type = match (self.act, args.arg_fields) {
            (Act::MapFilter, [Value(map), Lambda(_)]) => {
                let (key, value) = map_parts(map.data_type())?;
                map_of(key, value)
            }
            (Act::TransformKeys, [Value(map), Lambda(key)]) => {
                map_of(key.data_type().clone(), map_parts(map.data_type())?.1)
            }
            (Act::TransformValues, [Value(map), Lambda(value)]) => {
                map_of(map_parts(map.data_type())?.0, value.data_type().clone())
            }
            (Act::ZipWith, [_, _, Lambda(made)]) => list_of(made.data_type().clone()),
            (Act::Reduce, [_, _, _, Lambda(made)]) | (Act::Try, [Lambda(made)]) => made.data_type().clone(),
            _ => return self.wrong(),
        };
        Ok(Arc::new(Field::new(self.name, data_type, true)))
    }

    fn invoke_with_args(&self, args: HigherOrderFunctionArgs) -> Result<ColumnarValue> {
        use ValueOrLambda::{Lambda, Value};
        let rows = args.number_rows;
        let mut held = Held::new(self.name, &args.config_options);
        let array = match (self.act, args.args.as_slice()) {
            (Act::MapFilter | Act::TransformKeys | Act::TransformValues, [Value(map), Lambda(lambda)]) => {
                let map = held.spread(map, rows)?;
                self.over_map(&map, lambda, args.return_type(), &mut held)?
            }
            (Act::ZipWith, [Value(first), Value(second), Lambda(lambda)]) => {
                let (first, second) = (held.spread(first, rows)?, held.spread(second, rows)?);
                zip_with(first.as_list(), second.as_list(), lambda, args.return_type(), &mut held)?
            }
            (Act::Reduce, [Value(list), Value(start), Lambda(merge), Lambda(finish)]) => {
                let (list, start) = (held.spread(list, rows)?, held.spread(start, rows)?);
                reduce(list.as_list(), start, &Steps { merge, finish, made: args.return_type() }, &args.config_options)?
            }
            (Act::Try, [Lambda(lambda)]) => attempt(lambda, 0, rows, args.return_type(), &mut held)?,
            _ => return self.wrong(),
        };
        let array = if array.data_type() == args.return_type() { array } else { cast(&array, args.return_type())? };
        Ok(ColumnarValue::Array(array))
    }
}

impl Higher {
    fn over_map(
        &self,
        array: &ArrayRef,
        lambda: &LambdaArgument,
        made: &DataType,
        held: &mut Held,
    ) -> Result<ArrayRef> {
        let map = array.as_map();
        let entries = Entries::of(map.offsets(), map.nulls(), map.len());
        let (key, value) = map_parts(made)?;
        let wanted = match self.act {
            Act::TransformKeys => key,
            Act::TransformValues => value,
            _ => DataType::Boolean,
        };
        let of = |values| Elements { values, places: entries.places.clone() };
        let computed = computed(lambda, &[of(map.keys()), of(map.values())], &entries.rows, &wanted, held)?;
        let keys = take(map.keys(), &entries.places, None)?;
        let values = take(map.values(), &entries.places, None)?;
        let (keys, values, lengths) = match self.act {
            Act::TransformKeys => (computed, values, entries.lengths),
            Act::TransformValues => (keys, computed, entries.lengths),
            _ => {
                let wanted = computed.as_boolean();
                let mut lengths = vec![0; map.len()];
                for (row, keep) in entries.rows.values().iter().zip(wanted) {
                    let kept = lengths.get_mut(usize::try_from(*row).unwrap_or(usize::MAX));
                    kept.into_iter().for_each(|length| *length += usize::from(keep == Some(true)));
                }
                (filter(&keys, wanted)?, filter(&values, wanted)?, lengths)
            }
        };
        let DataType::Map(field, _) = made else { return exec_err!("{} makes a map", self.name) };
        let DataType::Struct(fields) = field.data_type() else { return exec_err!("a map without entries") };
        let entries = StructArray::try_new(fields.clone(), vec![keys, values], None)?;
        let offsets = OffsetBuffer::from_lengths(lengths);
        Ok(Arc::new(MapArray::try_new(field.clone(), offsets, entries, map.nulls().cloned(), false)?))
    }
}

fn zip_with(
    first: &ListArray,
    second: &ListArray,
    lambda: &LambdaArgument,
    made: &DataType,
    held: &mut Held,
) -> Result<ArrayRef> {
    let (mut firsts, mut seconds, mut rows) = (Vec::new(), Vec::new(), Vec::new());
    let (mut lengths, mut valid) = (Vec::new(), Vec::new());
    for row in 0..first.len() {
        let both = first.is_valid(row) && second.is_valid(row);
        let length = if both { first.value_length(row).max(second.value_length(row)) } else { 0 };
        let place = |list: &ListArray, at: i32| {
            let start = list.value_offsets().get(row).copied().unwrap_or_default();
            (at < list.value_length(row)).then(|| u64::try_from(start + at).unwrap_or_default())
        };
        for at in 0..length {
            firsts.push(place(first, at));
            seconds.push(place(second, at));
            rows.push(row as u64);
        }
        lengths.push(usize::try_from(length).unwrap_or_default());
        valid.push(both);
    }
    let DataType::List(field) = made else { return exec_err!("zip_with makes a list") };
    let of = |list: &ListArray, places: Vec<Option<u64>>| (list.values().clone(), UInt64Array::from(places));
    let ((firsts, first_places), (seconds, second_places)) = (of(first, firsts), of(second, seconds));
    let given =
        [Elements { values: &firsts, places: first_places }, Elements { values: &seconds, places: second_places }];
    let values = computed(lambda, &given, &UInt64Array::from(rows), field.data_type(), held)?;
    Ok(Arc::new(ListArray::try_new(field.clone(), OffsetBuffer::from_lengths(lengths), values, Some(valid.into()))?))
}

/// What `reduce` does with each element, and at the end.
struct Steps<'a> {
    merge: &'a LambdaArgument,
    finish: &'a LambdaArgument,
    made: &'a DataType,
}

/// Element by element, all lists at once: the lists that are long enough take part in a step.
fn reduce(list: &ListArray, start: ArrayRef, steps: &Steps, config: &ConfigOptions) -> Result<ArrayRef> {
    let all = |rows: usize| UInt64Array::from_iter_values(0..rows as u64);
    let mut state = start;
    for step in 0.. {
        let is_long = |row: &usize| list.is_valid(*row) && list.value_length(*row) > step;
        let rows: Vec<usize> = (0..list.len()).filter(is_long).collect();
        if rows.is_empty() {
            break;
        }
        let starts = list.value_offsets();
        let place =
            |row: &usize| u64::try_from(starts.get(*row).copied().unwrap_or_default() + step).unwrap_or_default();
        let places = UInt64Array::from_iter_values(rows.iter().map(place));
        let numbers = UInt64Array::from_iter_values(rows.iter().map(|row| *row as u64));
        let given = [Elements { values: &state, places: numbers.clone() }, Elements { values: list.values(), places }];
        // What the last step held is given back: only its state goes on.
        let mut held = Held::new("reduce", config);
        let after = computed(steps.merge, &given, &numbers, state.data_type(), &mut held)?;
        state = if rows.len() == list.len() { after } else { scattered(&state, &after, &rows)? };
    }
    let mut held = Held::new("reduce", config);
    let given = [Elements { values: &state, places: all(state.len()) }];
    let made = computed(steps.finish, &given, &all(list.len()), steps.made, &mut held)?;
    let there = (0..list.len()).map(|row| list.is_valid(row).then_some(row as u64)).collect::<UInt64Array>();
    Ok(take(&made, &there, None)?)
}

/// `state` with `after` in the places of `rows`, which are sorted.
fn scattered(state: &ArrayRef, after: &ArrayRef, rows: &[usize]) -> Result<ArrayRef> {
    let mut changed = rows.iter().enumerate().peekable();
    let place = |row: usize| match changed.next_if(|(_, changed)| **changed == row) {
        Some((at, _)) => (1, at),
        None => (0, row),
    };
    let places: Vec<_> = (0..state.len()).map(place).collect();
    Ok(interleave(&[state.as_ref(), after.as_ref()], &places)?)
}

/// The values of some rows; where they cannot be computed together, half of them at a time.
fn attempt(lambda: &LambdaArgument, from: usize, rows: usize, made: &DataType, held: &mut Held) -> Result<ArrayRef> {
    let nothing = || -> Result<ArrayRef> { Ok(Arc::new(Int64Array::from(vec![0; rows]))) };
    let computed =
        lambda.evaluate(&[&nothing], |captured| Ok(captured.iter().map(|array| array.slice(from, rows)).collect()));
    match computed.and_then(|value| held.spread(&value, rows)) {
        Ok(array) => Ok(array),
        Err(error) if is_limit(&error) => Err(error),
        Err(_) if rows <= 1 => Ok(new_null_array(made, rows)),
        Err(_) => {
            let half = rows / 2;
            let first = attempt(lambda, from, half, made, held)?;
            let second = attempt(lambda, from + half, rows - half, made, held)?;
            Ok(concat(&[first.as_ref(), second.as_ref()])?)
        }
    }
}
