//! Functions that Trino has one name for and the engine two: which of them is meant is told by the arguments' types.
//!
//! The optimizer puts the engine's function in their place, so that its own rules see it.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Int64Array, StringBuilder};
use arrow::compute::cast;
use arrow::datatypes::{
    DataType, Field, FieldRef, Int64Type, IntervalMonthDayNano, TimeUnit, TimestampMicrosecondType,
};
use datafusion::common::{Result, ScalarValue, exec_err, plan_err};
use datafusion::functions::{datetime, string, unicode};
use datafusion::functions_nested::concat::array_concat_udf;
use datafusion::functions_nested::range::gen_series_udf;
use datafusion::functions_nested::reverse::array_reverse_udf;
use datafusion::functions_nested::string::array_to_string_udf;
use datafusion::logical_expr::expr::Cast;
use datafusion::logical_expr::simplify::{ExprSimplifyResult, SimplifyContext};
use datafusion::logical_expr::type_coercion::functions::fields_with_udf;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use super::bounded;
use super::entry::{Entry, entry};
use super::pattern::{Language, Pattern, instant};

/// What a function does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Act {
    /// A text or a list from the end.
    Reverse,
    /// Texts or lists one after the other.
    Concat,
    /// Texts, or a list's elements, with a text between them.
    ConcatWs,
    /// A time cut to a unit; a day stays a day.
    DateTrunc,
    /// Numbers, days or times from one to another, down where the other is smaller.
    Sequence,
    /// Any value as text.
    Varchar,
    /// A value itself, where it is kept as a code of a dictionary.
    Plain,
}

/// The functions, by name.
pub(super) static FUNCTIONS: &[Entry<Act>] = &[
    entry("reverse", Act::Reverse, "a text or a list from the end", ("reverse(ARRAY[1, 2, 3])", "[3, 2, 1]")),
    entry("concat", Act::Concat, "texts or lists one after the other", ("concat(ARRAY[1], ARRAY[2, 3])", "[1, 2, 3]")),
    entry(
        "concat_ws",
        Act::ConcatWs,
        "texts, or a list's elements, with a text between them",
        ("concat_ws(',', ARRAY['a', 'b'])", "a,b"),
    ),
    entry(
        "date_trunc",
        Act::DateTrunc,
        "a time cut to a unit; a day stays a day",
        ("date_trunc('month', date '2023-07-10')", "2023-07-01"),
    ),
    entry(
        "sequence",
        Act::Sequence,
        "the numbers or days from one to another, down where the other is smaller; by steps, if given",
        ("sequence(3, 1)", "[3, 2, 1]"),
    ),
    entry(
        "varchar",
        Act::Varchar,
        "any value as text, a time as Trino shows it: what CAST(x AS varchar) becomes",
        ("CAST(timestamp '2023-07-10 11:42:18' AS varchar)", "2023-07-10 11:42:18.000"),
    ),
    entry("plain", Act::Plain, "a value itself, for functions that know no dictionaries", ("plain('a')", "a")),
];

#[derive(Debug, PartialEq, Eq, Hash)]
struct Choice {
    name: &'static str,
    act: Act,
    signature: Signature,
}

/// The functions, as the engine takes them.
pub(super) fn functions() -> impl Iterator<Item = ScalarUDF> {
    FUNCTIONS.iter().map(|entry| {
        let signature = Signature::user_defined(Volatility::Immutable);
        ScalarUDF::from(Choice { name: entry.name, act: entry.act, signature })
    })
}

/// What `CAST(… AS VARCHAR)` gives in the engine.
const TEXT: DataType = DataType::Utf8View;

/// Times that the engine cuts.
fn cut() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, None)
}

impl Choice {
    /// The engine's function for arguments of these types; `None` where it is all ours.
    fn chosen(&self, types: &[DataType]) -> Option<Arc<ScalarUDF>> {
        let list = |place: usize| matches!(types.get(place), Some(DataType::List(_) | DataType::LargeList(_)));
        Some(match self.act {
            Act::Reverse if list(0) => array_reverse_udf(),
            Act::Reverse => unicode::reverse(),
            Act::Concat if list(0) || list(1) => Arc::new(bounded::bounded(array_concat_udf())),
            Act::Concat => Arc::new(bounded::bounded(string::concat())),
            Act::ConcatWs if list(1) && types.len() == 2 => Arc::new(bounded::bounded(array_to_string_udf())),
            Act::ConcatWs => Arc::new(bounded::bounded(string::concat_ws())),
            Act::DateTrunc => datetime::date_trunc(),
            Act::Sequence => Arc::new(bounded::bounded(gen_series_udf())),
            Act::Varchar | Act::Plain => return None,
        })
    }

    /// The type of what is made without the engine's functions.
    fn kept(&self, types: &[DataType]) -> DataType {
        match (self.act, types) {
            (Act::Plain, [DataType::Dictionary(_, value)]) => value.as_ref().clone(),
            (Act::Plain, [one]) => one.clone(),
            _ => TEXT,
        }
    }

    /// Whether the engine's function is asked with other arguments, or its value made another.
    fn is_bent(&self, types: &[DataType]) -> bool {
        match self.act {
            Act::ConcatWs => matches!(types.get(1), Some(DataType::List(_))),
            Act::DateTrunc => matches!(types.get(1), Some(DataType::Date32)),
            Act::Sequence => types.len() == 2,
            _ => false,
        }
    }

    /// The types of the arguments that the engine's function is asked with.
    fn asked(&self, types: &[DataType]) -> Vec<DataType> {
        let mut types = types.to_vec();
        if self.is_bent(&types) {
            match self.act {
                Act::ConcatWs => types.swap(0, 1),
                Act::Sequence => types.push(match types.first() {
                    Some(DataType::Date32) => DataType::Interval(arrow::datatypes::IntervalUnit::MonthDayNano),
                    _ => DataType::Int64,
                }),
                _ => {
                    if let Some(time) = types.get_mut(1) {
                        *time = cut();
                    }
                }
            }
        }
        types
    }
}

fn fields(types: &[DataType]) -> Vec<FieldRef> {
    types.iter().map(|data_type| Arc::new(Field::new("x", data_type.clone(), true))).collect()
}

fn types_of(args: &[ColumnarValue]) -> Vec<DataType> {
    args.iter().map(ColumnarValue::data_type).collect()
}

impl ScalarUDFImpl for Choice {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        plan_err!("{} needs to see its arguments", self.name)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        let types: Vec<_> = args.arg_fields.iter().map(|field| field.data_type().clone()).collect();
        let Some(chosen) = self.chosen(&types) else {
            return Ok(Arc::new(Field::new(self.name, self.kept(&types), true)));
        };
        if !self.is_bent(&types) {
            return chosen.return_field_from_args(args);
        }
        let arg_fields = fields(&self.asked(&types));
        let mut scalar_arguments = args.scalar_arguments.to_vec();
        if self.act == Act::ConcatWs {
            scalar_arguments.swap(0, 1);
        }
        scalar_arguments.resize(arg_fields.len(), None);
        let given = ReturnFieldArgs { arg_fields: &arg_fields, scalar_arguments: &scalar_arguments };
        let field = chosen.return_field_from_args(given)?;
        Ok(match self.act {
            Act::DateTrunc => Arc::new(field.as_ref().clone().with_data_type(DataType::Date32)),
            _ => field,
        })
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        let Some(chosen) = self.chosen(arg_types) else {
            return match arg_types {
                [one] => Ok(vec![one.clone()]),
                _ => plan_err!("{} takes one argument", self.name),
            };
        };
        let coerced = fields_with_udf(&fields(&self.asked(arg_types)), chosen.as_ref())?;
        let mut coerced: Vec<_> = coerced.iter().map(|field| field.data_type().clone()).collect();
        if self.is_bent(arg_types) {
            match self.act {
                Act::ConcatWs => coerced.swap(0, 1),
                Act::Sequence => coerced.truncate(2),
                _ => {
                    if let Some(time) = coerced.get_mut(1) {
                        *time = DataType::Date32;
                    }
                }
            }
        }
        Ok(coerced)
    }

    fn invoke_with_args(&self, mut args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let types = types_of(&args.args);
        let Some(chosen) = self.chosen(&types) else {
            return match args.args.first() {
                Some(value) if self.act == Act::Plain => value.cast_to(&self.kept(&types), None),
                _ => shown(&args),
            };
        };
        if !self.is_bent(&types) {
            return chosen.invoke_with_args(args);
        }
        match self.act {
            Act::ConcatWs => args.args.swap(0, 1),
            Act::Sequence => args.args.push(step(&args)?),
            _ => {
                if let Some(time) = args.args.get_mut(1) {
                    *time = time.cast_to(&cut(), None)?;
                }
            }
        }
        let made = args.return_field.data_type().clone();
        args.arg_fields = fields(&types_of(&args.args));
        if self.act == Act::DateTrunc {
            args.return_field = Arc::new(args.return_field.as_ref().clone().with_data_type(cut()));
        }
        chosen.invoke_with_args(args)?.cast_to(&made, None)
    }

    fn simplify(&self, mut args: Vec<Expr>, info: &SimplifyContext) -> Result<ExprSimplifyResult> {
        let types = args.iter().map(|arg| info.get_data_type(arg)).collect::<Result<Vec<_>>>()?;
        let cast = |expr: Expr, to: DataType| Expr::Cast(Cast::new(Box::new(expr), to));
        let Some(chosen) = self.chosen(&types) else {
            return Ok(match (args.pop(), types.first()) {
                (Some(arg), Some(data_type)) if self.act == Act::Plain && self.kept(&types) == *data_type => {
                    ExprSimplifyResult::Simplified(arg)
                }
                (Some(arg), Some(data_type)) if self.act == Act::Plain || !is_time(data_type) => {
                    ExprSimplifyResult::Simplified(cast(arg, self.kept(&types)))
                }
                (arg, _) => ExprSimplifyResult::Original(arg.into_iter().collect()),
            });
        };
        let bent = self.is_bent(&types);
        Ok(match (self.act, args.as_mut_slice()) {
            (Act::Sequence, _) if bent => ExprSimplifyResult::Original(args),
            (Act::DateTrunc, [_, time]) if bent => {
                *time = cast(time.clone(), cut());
                ExprSimplifyResult::Simplified(cast(chosen.call(args), DataType::Date32))
            }
            (Act::ConcatWs, [between, list]) if bent => {
                std::mem::swap(between, list);
                ExprSimplifyResult::Simplified(chosen.call(args))
            }
            _ => ExprSimplifyResult::Simplified(chosen.call(args)),
        })
    }
}

fn is_time(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Timestamp(..))
}

/// The step of a sequence that names none: a day, or one up or down.
fn step(args: &ScalarFunctionArgs) -> Result<ColumnarValue> {
    let [from, to] = args.args.as_slice() else { return exec_err!("sequence takes two or three arguments") };
    if from.data_type() == DataType::Date32 {
        let day = IntervalMonthDayNano::new(0, 1, 0);
        return Ok(ColumnarValue::Scalar(ScalarValue::IntervalMonthDayNano(Some(day))));
    }
    let rows = args.number_rows;
    let whole = |value: &ColumnarValue| -> Result<Int64Array> {
        Ok(cast(&value.to_array(rows)?, &DataType::Int64)?.as_primitive::<Int64Type>().clone())
    };
    let (from, to) = (whole(from)?, whole(to)?);
    let steps = from.iter().zip(to.iter()).map(|(from, to)| Some(if from? > to? { -1 } else { 1 }));
    Ok(ColumnarValue::Array(Arc::new(steps.collect::<Int64Array>())))
}

/// Values as text; times as Trino shows them.
fn shown(args: &ScalarFunctionArgs) -> Result<ColumnarValue> {
    let Some(value) = args.args.first() else { return exec_err!("varchar lacks its argument") };
    let DataType::Timestamp(_, zone) = value.data_type() else { return value.cast_to(&TEXT, None) };
    let array = value.to_array(args.number_rows)?;
    let times = cast(&array, &DataType::Timestamp(TimeUnit::Microsecond, zone.clone()))?;
    let times = times.as_primitive::<TimestampMicrosecondType>();
    let pattern = Pattern::new(Language::C, "%Y-%m-%d %H:%M:%S.%3f")?;
    let name = zone.as_deref().unwrap_or("UTC");
    let place: arrow::array::timezone::Tz = name.parse()?;
    let mut out = StringBuilder::new();
    let mut line = String::new();
    for micros in times {
        line.clear();
        match micros {
            Some(micros) => {
                pattern.format(&instant(micros)?.with_timezone(&place), &mut line)?;
                if zone.is_some() {
                    line.push(' ');
                    line.push_str(name);
                }
                out.append_value(&line);
            }
            None => out.append_null(),
        }
    }
    let text: ArrayRef = Arc::new(out.finish());
    Ok(ColumnarValue::Array(cast(&text, &TEXT)?))
}
