//! JSON in a statement: columns that hold it with dots and brackets, comparisons with it, casts to and from it.

use datafusion::sql::sqlparser::ast::{
    AccessExpr, ArrayElemTypeDef, CastKind, CharacterLength, DataType, ExactNumberInfo, Expr, Ident, Subscript, Value,
};

use super::literals;
use super::rewrite::{call, is_named, literal};
use crate::grammar::TYPE;
use crate::names::holds_json;

/// Functions whose value is JSON.
static JSON: &[&str] =
    &["json_extract", "json_parse", "json_parse_or_null", "json_array_get", "json_get", "to_json", "json_column"];

/// Whether an expression is JSON to be read, as far as its outermost part says.
fn is_json(expr: &Expr) -> bool {
    match expr {
        Expr::Nested(inner) => is_json(inner),
        Expr::Function(call) => JSON.iter().any(|name| is_named(call, name)),
        _ => false,
    }
}

/// `(x -> 'enabled') = false`: a JSON value and a truth value are compared as text.
pub(super) fn compare_as_text(json: &mut Box<Expr>, other: &mut Box<Expr>) {
    if let Expr::Value(value) = other.as_mut()
        && let Value::Boolean(truth) = value.value
        && (is_json(json) || matches!(json.as_ref(), Expr::Function(call) if is_named(call, "json_field")))
    {
        value.value = Value::SingleQuotedString(truth.to_string());
    } else if let Expr::Value(value) = other.as_ref()
        && matches!(value.value, Value::SingleQuotedString(_))
        && is_json(json)
        && !is_written_as_json(&value.value)
    {
        **json = call("json_text", vec![(**json).clone()]);
    }
}

/// `'"x"'`, `'{…}'`: a literal that is JSON itself.
fn is_written_as_json(value: &Value) -> bool {
    matches!(value, Value::SingleQuotedString(text) if text.starts_with(['"', '{', '[']))
}

/// Casts to and from JSON, and to types that the grammar has put into words.
pub(super) fn retyped(inner: &mut Box<Expr>, data_type: &DataType, kind: &CastKind) -> Option<Expr> {
    match data_type {
        // `array<integer>`, as Hive and older Presto write it.
        DataType::Array(ArrayElemTypeDef::AngleBracket(_)) => {
            let wanted = data_type.to_string().to_ascii_lowercase().replace('<', "(").replace('>', ")");
            Some(call("json_cast", vec![(**inner).clone(), literal(wanted)]))
        }
        DataType::Timestamp(..) => {
            literals::compared_with_time(inner);
            None
        }
        DataType::JSON | DataType::JSONB if is_json(inner) => Some((**inner).clone()),
        DataType::JSON | DataType::JSONB if holds_json_column(inner) => {
            Some(call("json_column", vec![(**inner).clone()]))
        }
        DataType::JSON | DataType::JSONB => Some(call("to_json", vec![(**inner).clone()])),
        DataType::Custom(name, parts) if name.to_string().eq_ignore_ascii_case(TYPE) => {
            let mut wanted = parts.first()?.trim_matches('\'').to_owned();
            wanted = wanted.replace("''", "'");
            Some(call("json_cast", vec![(**inner).clone(), literal(wanted)]))
        }
        DataType::Custom(name, _) if name.to_string().eq_ignore_ascii_case("ipaddress") => {
            Some(call("ip_address", vec![(**inner).clone()]))
        }
        DataType::Custom(name, _) if name.to_string().eq_ignore_ascii_case("ipprefix") => Some((**inner).clone()),
        DataType::Varchar(None) if !matches!(inner.as_ref(), Expr::Value(_)) && !is_json(inner) => {
            Some(call("varchar", vec![(**inner).clone()]))
        }
        _ if length_of(data_type).is_some() => {
            let text = match inner.as_ref() {
                value if is_json(value) => call("json_text", vec![value.clone()]),
                value => call("varchar", vec![value.clone()]),
            };
            // Text that is longer is cut.
            Some(call("substr", vec![text, number(1), number(length_of(data_type)?)]))
        }
        _ if is_json(inner) => {
            let text = call("json_text", vec![(**inner).clone()]);
            let kind = if *kind == CastKind::DoubleColon { CastKind::Cast } else { kind.clone() };
            let cast = |expr: Expr, data_type: DataType| Expr::Cast {
                kind: kind.clone(),
                expr: Box::new(expr),
                data_type,
                array: false,
                format: None,
            };
            // A number of JSON may have a fraction, or be written with one: `0.0` becomes 0.
            let text = if is_whole(data_type) { cast(text, DataType::Decimal(DECIMAL)) } else { text };
            Some(cast(text, data_type.clone()))
        }
        _ => None,
    }
}

/// Wide enough for every whole number, with places to round by.
const DECIMAL: ExactNumberInfo = ExactNumberInfo::PrecisionAndScale(38, 9);

fn is_whole(data_type: &DataType) -> bool {
    use DataType::{BigInt, Int, Integer, SmallInt, TinyInt};
    matches!(data_type, TinyInt(_) | SmallInt(_) | Int(_) | Integer(_) | BigInt(_))
}

/// The length of a type of text that has one.
fn length_of(data_type: &DataType) -> Option<u64> {
    use DataType::{Char, CharVarying, Character, CharacterVarying, Varchar};
    match data_type {
        Varchar(length) | Char(length) | Character(length) | CharVarying(length) | CharacterVarying(length) => {
            match length {
                Some(CharacterLength::IntegerLength { length, .. }) => Some(*length),
                _ => None,
            }
        }
        _ => None,
    }
}

fn number(digits: u64) -> Expr {
    Expr::value(Value::Number(digits.to_string(), false))
}

fn holds_json_column(expr: &Expr) -> bool {
    match expr {
        Expr::Identifier(ident) => holds_json(&ident.value),
        Expr::CompoundIdentifier(idents) => idents.last().is_some_and(|ident| holds_json(&ident.value)),
        _ => false,
    }
}

/// `requestParameters.bucketName`: a path that goes on below a column of JSON text.
pub(super) fn path_into_json(idents: &[Ident]) -> Option<Expr> {
    // At most a table before the column.
    let place = idents.iter().take(2).position(|ident| holds_json(&ident.value))?;
    let (column, names) = idents.split_at(place + 1);
    if names.is_empty() {
        return None;
    }
    let column = match column {
        [one] => Expr::Identifier(one.clone()),
        more => Expr::CompoundIdentifier(more.to_vec()),
    };
    let names = names.iter().map(|name| literal(name.value.clone()));
    Some(call("json_field", std::iter::once(column).chain(names).collect()))
}

/// `requestParameters['bucketName']`: the same in brackets, and dots behind brackets.
pub(super) fn subscript_of_json(root: &Expr, chain: &[AccessExpr]) -> Option<Expr> {
    let made = |root: &Expr| matches!(root, Expr::Function(call) if is_named(call, "json_field"));
    if !holds_json_column(root) && !made(root) {
        return None;
    }
    let mut value = root.clone();
    for access in chain {
        value = match access {
            AccessExpr::Dot(Expr::Identifier(name)) => call("json_field", vec![value, literal(name.value.clone())]),
            AccessExpr::Dot(name @ Expr::Value(_)) => call("json_field", vec![value, name.clone()]),
            AccessExpr::Subscript(Subscript::Index { index }) => match index {
                Expr::Value(key) if matches!(key.value, Value::Number(..)) => {
                    call("json_array_get", vec![value, index.clone()])
                }
                key => call("element_at", vec![value, key.clone()]),
            },
            _ => return None,
        };
    }
    Some(value)
}
