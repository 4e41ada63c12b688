//! Functions from a list, and a function of its elements: `transform`, `filter`, `any_match`, `all_match`, and the first
//! element that a condition holds for.
//!
//! The engine has these too, without bounds. Source: Trino documentation, "Array functions and operators".

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, ListArray, UInt64Array};
use arrow::buffer::OffsetBuffer;
use arrow::compute::{filter, take};
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::{Result, exec_err, plan_err};
use datafusion::logical_expr::{
    ColumnarValue, HigherOrderFunctionArgs, HigherOrderReturnFieldArgs, HigherOrderSignature, HigherOrderUDF,
    HigherOrderUDFImpl, LambdaParametersProgress, ValueOrLambda, Volatility,
};

use super::elements::{Elements, Held, computed};
use super::nested::{Entries, list_of};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Act {
    Transform,
    Filter,
    Any,
    All,
    First,
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct ListFunction {
    name: &'static str,
    aliases: Vec<String>,
    act: Act,
    signature: HigherOrderSignature,
}

/// The functions, as the engine takes them.
pub(super) fn functions() -> impl Iterator<Item = Arc<HigherOrderUDF>> {
    [
        ("array_transform", &["list_transform"] as &[&str], Act::Transform),
        ("array_filter", &["list_filter"], Act::Filter),
        ("array_any_match", &["any_match", "list_any_match"], Act::Any),
        ("array_all_match", &["all_match", "list_all_match"], Act::All),
        ("array_first", &["list_first"], Act::First),
    ]
    .into_iter()
    .map(|(name, aliases, act)| {
        let signature = HigherOrderSignature::user_defined(Volatility::Immutable);
        let aliases = aliases.iter().map(|&alias| alias.to_owned()).collect();
        Arc::new(HigherOrderUDF::new_from_impl(ListFunction { name, aliases, act, signature }))
    })
}

impl ListFunction {
    fn wrong<T>(&self) -> Result<T> {
        plan_err!("{} takes a list and a function of its elements (x -> …)", self.name)
    }
}

fn element(data_type: &DataType) -> Result<&FieldRef> {
    match data_type {
        DataType::List(item) => Ok(item),
        other => plan_err!("a list is needed, not {other}"),
    }
}

/// Yes where one is, else NULL where one is not known, else no.
fn any(truths: &BooleanArray, found: bool) -> Option<bool> {
    let is = |truth: Option<bool>| truth == Some(found);
    match truths.iter().any(is) {
        true => Some(found),
        false if truths.null_count() > 0 => None,
        false => Some(!found),
    }
}

impl HigherOrderUDFImpl for ListFunction {
    fn name(&self) -> &str {
        self.name
    }

    fn aliases(&self) -> &[String] {
        &self.aliases
    }

    fn signature(&self) -> &HigherOrderSignature {
        &self.signature
    }

    fn coerce_value_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        match arg_types {
            [list @ DataType::List(_)] => Ok(vec![list.clone()]),
            [
                DataType::LargeList(item)
                | DataType::ListView(item)
                | DataType::LargeListView(item)
                | DataType::FixedSizeList(item, _),
            ] => Ok(vec![DataType::List(item.clone())]),
            [DataType::Null] => Ok(vec![list_of(DataType::Null)]),
            [other] => plan_err!("{} takes a list, not {other}", self.name),
            _ => self.wrong(),
        }
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
        let [ValueOrLambda::Value(list), ValueOrLambda::Lambda(_)] = fields else { return self.wrong() };
        Ok(LambdaParametersProgress::Complete(vec![vec![element(list.data_type())?.clone()]]))
    }

    fn return_field_from_args(&self, args: HigherOrderReturnFieldArgs) -> Result<FieldRef> {
        let [ValueOrLambda::Value(list), ValueOrLambda::Lambda(made)] = args.arg_fields else { return self.wrong() };
        let data_type = match self.act {
            Act::Transform => list_of(made.data_type().clone()),
            Act::Filter => list.data_type().clone(),
            Act::Any | Act::All => DataType::Boolean,
            Act::First => element(list.data_type())?.data_type().clone(),
        };
        Ok(Arc::new(Field::new(self.name, data_type, true)))
    }

    fn invoke_with_args(&self, args: HigherOrderFunctionArgs) -> Result<ColumnarValue> {
        let [ValueOrLambda::Value(list), ValueOrLambda::Lambda(lambda)] = args.args.as_slice() else {
            return self.wrong();
        };
        let mut held = Held::new(self.name, &args.config_options);
        let list = held.spread(list, args.number_rows)?;
        let list = list.as_list::<i32>();
        let entries = Entries::of(list.value_offsets(), list.nulls(), list.len());
        let given = [Elements { values: list.values(), places: entries.places.clone() }];
        let wanted = match (self.act, args.return_type()) {
            (Act::Transform, made) => element(made)?.data_type().clone(),
            _ => DataType::Boolean,
        };
        let made = computed(lambda, &given, &entries.rows, &wanted, &mut held)?;
        self.collected(list, &entries, made, args.return_type()).map(ColumnarValue::Array)
    }
}

impl ListFunction {
    /// The answers of the rows, from those of their elements.
    fn collected(&self, list: &ListArray, entries: &Entries, made: ArrayRef, wanted: &DataType) -> Result<ArrayRef> {
        let spans = || {
            entries.lengths.iter().scan(0, |end, length| {
                let from = *end;
                *end += length;
                Some((from, *length))
            })
        };
        let listed = |values: ArrayRef, lengths: Vec<usize>| -> Result<ArrayRef> {
            let DataType::List(field) = wanted else { return exec_err!("{} makes a list", self.name) };
            let offsets = OffsetBuffer::from_lengths(lengths);
            Ok(Arc::new(ListArray::try_new(field.clone(), offsets, values, list.nulls().cloned())?))
        };
        if self.act == Act::Transform {
            return listed(made, entries.lengths.clone());
        }
        let truths = made.as_boolean();
        match self.act {
            Act::Any | Act::All => {
                let found = self.act == Act::Any;
                let row = |(row, (from, length))| list.is_valid(row).then(|| any(&truths.slice(from, length), found));
                Ok(Arc::new(spans().enumerate().map(row).map(Option::flatten).collect::<BooleanArray>()))
            }
            Act::First => {
                let first = |(from, length): (usize, usize)| {
                    let at = (from..from + length).find(|at| truths.is_valid(*at) && truths.value(*at));
                    at.and_then(|at| entries.places.values().get(at).copied())
                };
                Ok(take(list.values(), &spans().map(first).collect::<UInt64Array>(), None)?)
            }
            _ => {
                let kept = |(from, length)| truths.slice(from, length).true_count();
                let places = filter(&entries.places, truths)?;
                listed(take(list.values(), &places, None)?, spans().map(kept).collect())
            }
        }
    }
}
