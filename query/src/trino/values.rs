//! Functions that take values of more than one type: `element_at`, `contains`, casts of JSON, and rows as JSON.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, StringArray, UInt64Array};
use arrow::compute::{cast, take};
use arrow::datatypes::{DataType, Field, FieldRef, Schema};
use arrow::json::LineDelimitedWriter;
use arrow::record_batch::RecordBatch;
use datafusion::common::{Result, ScalarValue, exec_err, plan_err};
use datafusion::logical_expr::simplify::{ExprSimplifyResult, SimplifyContext};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use super::entry::Entry;
use super::function::{Argument, answer, is_like_text, wrong_count};
use super::network::holds_address;
use super::nulls;
use super::typed::{Type, build, parse};
use super::typename::trino_name;
use crate::json::Raw;

/// What a function does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Act {
    /// An element of a list, a value of a map, a member of JSON text.
    ElementAt,
    /// Whether a list has a value, a network an address, a text a text.
    Contains,
    /// JSON text as a value of a type that is given as text.
    JsonCast,
    /// Any value as JSON text.
    ToJson,
    /// JSON text as it is, any other value as JSON text.
    JsonColumn,
    /// The name of a value's type.
    TypeOf,
    /// Bytes as text.
    FromUtf8,
}

impl Act {
    /// How many arguments it takes.
    fn arity(self) -> usize {
        match self {
            Act::ToJson | Act::JsonColumn | Act::TypeOf | Act::FromUtf8 => 1,
            Act::ElementAt | Act::Contains | Act::JsonCast => 2,
        }
    }
}

/// The functions, by name.
pub(super) static FUNCTIONS: &[Entry<Act>] = &[
    Entry {
        name: "element_at",
        act: Act::ElementAt,
        about: "an element of a list (from 1, from the end where negative), a value of a map, a member of JSON text",
        example: ("element_at(ARRAY['a','b'], -1)", "b"),
    },
    Entry {
        name: "contains",
        act: Act::Contains,
        about: "whether a list has a value, a network (10.0.0.0/8) an address, a text a text",
        example: ("contains(ARRAY['a','b'], 'b')", "true"),
    },
    Entry {
        name: "json_cast",
        act: Act::JsonCast,
        about: "JSON as a value of a type: what CAST(json AS array(varchar)) becomes",
        example: ("json_cast('[1,2]', 'array(bigint)')", "[1, 2]"),
    },
    Entry {
        name: "to_json",
        act: Act::ToJson,
        about: "any value as JSON: what CAST(x AS json) becomes",
        example: ("to_json(ARRAY['a'])", r#"["a"]"#),
    },
    Entry {
        name: "json_column",
        act: Act::JsonColumn,
        about: "JSON text as it is, a map as JSON: what CAST(requestparameters AS json) becomes",
        example: (r#"json_column('{"a":1}')"#, r#"{"a":1}"#),
    },
    Entry {
        name: "typeof",
        act: Act::TypeOf,
        about: "the type of a value, by Trino's name; arrow_typeof gives the engine's",
        example: ("typeof(MAP(ARRAY['a'], ARRAY[date '2023-07-10']))", "map(varchar, date)"),
    },
    Entry {
        name: "from_utf8",
        act: Act::FromUtf8,
        about: "bytes as text; what is no UTF-8 becomes U+FFFD",
        example: ("from_utf8(from_base64('YQ=='))", "a"),
    },
];

#[derive(Debug, PartialEq, Eq, Hash)]
struct ValueFunction {
    name: &'static str,
    act: Act,
    signature: Signature,
}

/// The functions, as the engine takes them.
pub(super) fn functions() -> impl Iterator<Item = ScalarUDF> {
    FUNCTIONS.iter().map(|entry| {
        let signature = Signature::user_defined(Volatility::Immutable);
        ScalarUDF::from(ValueFunction { name: entry.name, act: entry.act, signature })
    })
}

/// The type of what `element_at` finds in a value of this type.
fn element_type(container: &DataType) -> Result<DataType> {
    match container {
        DataType::List(item) | DataType::LargeList(item) => Ok(item.data_type().clone()),
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(fields) if fields.len() == 2 => Ok(fields[1].data_type().clone()),
            other => plan_err!("a map of {other}"),
        },
        other if is_like_text(other) => Ok(DataType::Utf8),
        other => plan_err!("element_at takes a list, a map or JSON text, not {other}"),
    }
}

impl ValueFunction {
    fn compute(&self, args: &ScalarFunctionArgs) -> Result<(ArrayRef, bool)> {
        let constant = args.args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        let rows = if constant { 1 } else { args.number_rows };
        let Some(first) = args.args.first() else { return exec_err!("{} lacks an argument", self.name) };
        let first = first.to_array(rows)?;
        let second = || match args.args.get(1) {
            Some(value) => Argument::new(value),
            None => exec_err!("{} lacks an argument", self.name),
        };
        let array: ArrayRef = match self.act {
            Act::ElementAt => element_at(&first, &second()?)?,
            Act::Contains => {
                let texts = texts(&first)?;
                let inner = second()?;
                let holds = |(row, outer): (usize, Option<&str>)| Some(contains(outer?, inner.get(row)?));
                Arc::new(texts.iter().enumerate().map(holds).collect::<BooleanArray>())
            }
            Act::JsonCast => match is_like_text(first.data_type()) {
                true => {
                    let kind = second()?;
                    let kind = parse(kind.get(0).unwrap_or_default())?;
                    let texts = texts(&first)?;
                    let values: Vec<_> = texts.iter().map(|text| text.and_then(Raw::parse)).collect();
                    build(&kind, &values)?
                }
                false => cast(&first, args.return_field.data_type())?,
            },
            Act::JsonColumn if is_like_text(first.data_type()) => cast(&first, &DataType::Utf8)?,
            Act::ToJson | Act::JsonColumn => to_json(&first)?,
            Act::TypeOf => Arc::new(StringArray::from(vec![trino_name(first.data_type()); rows])),
            Act::FromUtf8 => {
                let bytes = cast(&first, &DataType::Binary)?;
                let text = |bytes: Option<&[u8]>| bytes.map(|bytes| String::from_utf8_lossy(bytes).into_owned());
                Arc::new(bytes.as_binary::<i32>().iter().map(text).collect::<StringArray>())
            }
        };
        Ok((array, constant))
    }
}

fn texts(array: &ArrayRef) -> Result<StringArray> {
    Ok(cast(array, &DataType::Utf8)?.as_string::<i32>().clone())
}

/// A text in a text, or an address in a network.
fn contains(outer: &str, inner: &str) -> bool {
    outer.contains(inner) || (outer.contains('/') && holds_address(outer, inner))
}

fn element_at(container: &ArrayRef, key: &Argument) -> Result<ArrayRef> {
    let place = |row: usize, from: usize, length: usize| -> Option<u64> {
        let index: i64 = key.get(row)?.parse().ok()?;
        let length = i64::try_from(length).ok()?;
        let index = if index < 0 { length.checked_add(index)? } else { index.checked_sub(1)? };
        (0..length).contains(&index).then_some(())?;
        u64::try_from(i64::try_from(from).ok()?.checked_add(index)?).ok()
    };
    match container.data_type() {
        DataType::List(_) => {
            let lists = container.as_list::<i32>();
            let at = |row: usize| {
                let from = usize::try_from(*lists.value_offsets().get(row)?).ok()?;
                lists.is_valid(row).then(|| place(row, from, usize::try_from(lists.value_length(row)).ok()?))?
            };
            let indices: UInt64Array = (0..lists.len()).map(at).collect();
            Ok(take(lists.values(), &indices, None)?)
        }
        DataType::Map(..) => {
            let maps = container.as_map();
            let keys = texts(maps.keys())?;
            let at = |row: usize| {
                let wanted = key.get(row).filter(|_| maps.is_valid(row))?;
                let from = usize::try_from(*maps.value_offsets().get(row)?).ok()?;
                let end = usize::try_from(*maps.value_offsets().get(row + 1)?).ok()?;
                (from..end).find(|at| keys.value(*at) == wanted).and_then(|at| u64::try_from(at).ok())
            };
            let indices: UInt64Array = (0..maps.len()).map(at).collect();
            Ok(take(maps.values(), &indices, None)?)
        }
        _ => {
            let texts = texts(container)?;
            let member = |(row, text): (usize, Option<&str>)| {
                let (value, key) = (text.and_then(Raw::parse)?, key.get(row)?);
                Some(value.member(key)?.shown()?.into_owned())
            };
            Ok(Arc::new(texts.iter().enumerate().map(member).collect::<StringArray>()))
        }
    }
}

/// Every value of an array as JSON text.
fn to_json(array: &ArrayRef) -> Result<ArrayRef> {
    let field = Arc::new(Field::new("v", array.data_type().clone(), true));
    let batch = RecordBatch::try_new(Arc::new(Schema::new(vec![field])), vec![array.clone()])?;
    let mut out = Vec::new();
    let mut writer = LineDelimitedWriter::new(&mut out);
    writer.write(&batch)?;
    writer.finish()?;
    let lines = String::from_utf8_lossy(&out);
    let value = |line: &str| line.strip_prefix(r#"{"v":"#).and_then(|line| line.strip_suffix('}')).map(str::to_owned);
    Ok(Arc::new(lines.lines().map(value).collect::<StringArray>()))
}

impl ScalarUDFImpl for ValueFunction {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        match (self.act, arg_types.first()) {
            (Act::ElementAt, Some(container)) => element_type(container),
            (Act::Contains, _) => Ok(DataType::Boolean),
            (Act::ToJson | Act::JsonColumn | Act::TypeOf | Act::FromUtf8, _) => Ok(DataType::Utf8),
            _ => plan_err!("{} needs to see its arguments", self.name),
        }
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        if self.act == Act::JsonCast {
            let Some(Some(Some(kind))) = args.scalar_arguments.get(1).map(|arg| arg.and_then(ScalarValue::try_as_str))
            else {
                return plan_err!("json_cast needs its type as a literal");
            };
            return Ok(Arc::new(Field::new(self.name, parse(kind)?.data_type(), true)));
        }
        let types: Vec<_> = args.arg_fields.iter().map(|field| field.data_type().clone()).collect();
        Ok(Arc::new(Field::new(self.name, self.return_type(&types)?, true)))
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        let arity = self.act.arity();
        if arg_types.len() != arity {
            return wrong_count(self.name, &(arity..=arity), arg_types.len());
        }
        let Some(first) = arg_types.first() else { return plan_err!("{} takes arguments", self.name) };
        let first = if is_like_text(first) && arity == 2 { DataType::Utf8 } else { first.clone() };
        Ok(match self.act {
            Act::ToJson | Act::JsonColumn | Act::TypeOf => vec![first],
            Act::FromUtf8 if first.is_binary() || is_like_text(&first) || first == DataType::Null => {
                vec![DataType::Binary]
            }
            Act::FromUtf8 => return plan_err!("from_utf8 takes bytes, not {}", trino_name(&first)),
            Act::Contains => match &first {
                DataType::List(item) => vec![first.clone(), item.data_type().clone()],
                DataType::Utf8 => vec![first, DataType::Utf8],
                other => return plan_err!("contains takes a list, a network or a text, not {other}"),
            },
            Act::ElementAt => {
                element_type(&first)?;
                vec![
                    first,
                    if matches!(arg_types.get(1), Some(DataType::Int64)) { DataType::Int64 } else { DataType::Utf8 },
                ]
            }
            Act::JsonCast => vec![first, DataType::Utf8],
        })
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        if self.act == Act::Contains
            && matches!(args.args.first().map(ColumnarValue::data_type), Some(DataType::List(_)))
        {
            return nulls::contains(args);
        }
        let (array, constant) = self.compute(&args)?;
        answer(array, constant)
    }

    /// One member of an object needs no map, and JSON made a map is JSON again.
    fn simplify(&self, mut args: Vec<Expr>, _info: &SimplifyContext) -> Result<ExprSimplifyResult> {
        let of_text = match args.first() {
            Some(Expr::ScalarFunction(made)) if made.func.name() == "json_cast" => match made.args.as_slice() {
                [text, Expr::Literal(kind, _)] => {
                    let kind = kind.try_as_str().flatten().and_then(|kind| parse(kind).ok());
                    kind.as_ref().is_some_and(Type::is_map_of_text).then(|| text.clone())
                }
                _ => None,
            },
            _ => None,
        };
        match (self.act, of_text) {
            (Act::ElementAt, Some(text)) => {
                if let Some(first) = args.first_mut() {
                    *first = text;
                }
                Ok(ExprSimplifyResult::Simplified(ScalarUDF::from(self.again()).call(args)))
            }
            (Act::ToJson | Act::JsonColumn, Some(text)) => Ok(ExprSimplifyResult::Simplified(text)),
            _ => Ok(ExprSimplifyResult::Original(args)),
        }
    }
}

impl ValueFunction {
    fn again(&self) -> ValueFunction {
        ValueFunction { name: self.name, act: self.act, signature: self.signature.clone() }
    }
}

/// The events of a scan as rows of JSON: `eventjson` of an event data store.
#[derive(Debug, PartialEq, Eq, Hash)]
struct EventJson {
    signature: Signature,
}

/// `event_json(column, …)` over every column of the event table.
pub(super) fn event_json() -> ScalarUDF {
    ScalarUDF::from(EventJson { signature: Signature::any(ingest::schema::COLUMNS.len(), Volatility::Immutable) })
}

impl ScalarUDFImpl for EventJson {
    fn name(&self) -> &str {
        "event_json"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let schema = ingest::schema::event_schema();
        let arrays = args.args.iter().zip(schema.fields()).map(|(value, field)| {
            let array = value.to_array(args.number_rows)?;
            Ok(if array.data_type() == field.data_type() { array } else { cast(&array, field.data_type())? })
        });
        let batch = RecordBatch::try_new(schema.clone(), arrays.collect::<Result<_>>()?)?;
        let rows = (0..batch.num_rows()).map(|row| Some(ingest::restore::record_to_json(&batch, row)));
        Ok(ColumnarValue::Array(Arc::new(rows.collect::<StringArray>())))
    }
}
