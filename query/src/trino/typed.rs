//! JSON text as values of Trino's types: `CAST(x AS array(varchar))`, `map(varchar, json)`, `row(a bigint, b varchar)`.
//!
//! The type stands in the call as text, because SQL's grammar here has no such types (`grammar` puts it there).
//! Values are built a column at a time: the elements of a thousand lists are one array of elements.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Float64Array, Int64Array, ListArray, MapArray, StringArray, StructArray, new_null_array,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Fields, TimeUnit};
use datafusion::common::{Result, exec_err, plan_err};

use crate::json::Raw;

/// Deepest nesting of a type.
const MAX_DEPTH: usize = 16;

/// A type of Trino's, as far as JSON has values for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Type {
    /// `varchar`: a scalar's text, or the JSON of what is none.
    Text,
    /// `json`: as it is written.
    Json,
    /// `bigint` and its kin.
    Number,
    /// `double` and its kin.
    Real,
    /// `boolean`
    Truth,
    /// `timestamp`
    Time,
    /// `array(T)`
    List(Box<Type>),
    /// `map(varchar, T)`
    Map(Box<Type>),
    /// `row(name T, …)`
    Row(Vec<(String, Type)>),
}

/// Reads a type: `map(varchar, array(json))`.
pub(super) fn parse(text: &str) -> Result<Type> {
    let lower = text.to_ascii_lowercase();
    match of(lower.trim(), 0) {
        Some(parsed) => Ok(parsed),
        None => plan_err!(
            "the type `{text}` is not known here; use varchar, bigint, double, boolean, timestamp, json, array(…), \
             map(varchar, …) or row(name type, …)"
        ),
    }
}

fn of(text: &str, depth: usize) -> Option<Type> {
    if depth > MAX_DEPTH {
        return None;
    }
    let (name, inside) = match text.split_once(['(', '<']) {
        Some((name, rest)) => (name.trim(), Some(rest.trim_end().strip_suffix([')', '>'])?.trim())),
        None => (text, None),
    };
    let inner = |text: &str| of(text.trim(), depth + 1);
    Some(match (name, inside) {
        ("varchar" | "char" | "string" | "text", _) => Type::Text,
        ("json", None) => Type::Json,
        ("bigint" | "integer" | "int" | "smallint" | "tinyint", None) => Type::Number,
        ("double" | "real" | "float" | "decimal" | "double precision", _) => Type::Real,
        ("boolean" | "bool", None) => Type::Truth,
        ("timestamp", _) => Type::Time,
        ("array", Some(inside)) => Type::List(Box::new(inner(inside)?)),
        ("map", Some(inside)) => match parts(inside).as_slice() {
            [key, value] if inner(key)? == Type::Text => Type::Map(Box::new(inner(value)?)),
            _ => return None,
        },
        ("row" | "struct", Some(inside)) => {
            let field = |part: &&str| {
                let (name, data_type) = part.trim().split_once([' ', ':'])?;
                Some((name.trim_matches('"').to_owned(), inner(data_type)?))
            };
            Type::Row(parts(inside).iter().map(field).collect::<Option<_>>()?)
        }
        _ => return None,
    })
}

/// What commas part, outside brackets.
fn parts(text: &str) -> Vec<&str> {
    let (mut depth, mut start, mut parts) = (0_i32, 0, Vec::new());
    for (at, letter) in text.char_indices() {
        match letter {
            '(' | '<' => depth += 1,
            ')' | '>' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(text.get(start..at).unwrap_or_default());
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(text.get(start..).unwrap_or_default());
    parts
}

impl Type {
    /// The Arrow type.
    pub(super) fn data_type(&self) -> DataType {
        match self {
            Type::Text | Type::Json => DataType::Utf8,
            Type::Number => DataType::Int64,
            Type::Real => DataType::Float64,
            Type::Truth => DataType::Boolean,
            Type::Time => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            Type::List(item) => DataType::List(Arc::new(Field::new("item", item.data_type(), true))),
            Type::Map(value) => DataType::Map(entries(value), false),
            Type::Row(fields) => DataType::Struct(row_fields(fields)),
        }
    }

    /// Whether values are texts for texts, which an object's members can be taken for.
    pub(super) fn is_map_of_text(&self) -> bool {
        matches!(self, Type::Map(value) if **value == Type::Text)
    }
}

fn entries(value: &Type) -> Arc<Field> {
    let fields = vec![Field::new("key", DataType::Utf8, false), Field::new("value", value.data_type(), true)];
    Arc::new(Field::new("entries", DataType::Struct(Fields::from(fields)), false))
}

fn row_fields(fields: &[(String, Type)]) -> Fields {
    fields.iter().map(|(name, kind)| Field::new(name, kind.data_type(), true)).collect()
}

/// The values of a column of JSON texts.
pub(super) fn build(kind: &Type, values: &[Option<Raw<'_>>]) -> Result<ArrayRef> {
    let values: Vec<_> = values.iter().map(|value| value.filter(|value| !value.is_null())).collect();
    Ok(match kind {
        Type::Json => Arc::new(values.iter().map(|value| value.map(Raw::compact)).collect::<StringArray>()),
        Type::Text => Arc::new(values.iter().map(|value| value.and_then(Raw::shown)).collect::<StringArray>()),
        Type::Number => Arc::new(
            scalars(&values, "bigint", |text| {
                text.parse().ok().or_else(|| text.parse::<f64>().ok().map(|number| number.round() as i64))
            })?
            .into_iter()
            .collect::<Int64Array>(),
        ),
        Type::Real => {
            Arc::new(scalars(&values, "double", |text| text.parse().ok())?.into_iter().collect::<Float64Array>())
        }
        Type::Truth => {
            Arc::new(scalars(&values, "boolean", |text| text.parse().ok())?.into_iter().collect::<BooleanArray>())
        }
        Type::Time => {
            let texts: ArrayRef = build(&Type::Text, &values)?;
            cast(&texts, &kind.data_type())?
        }
        Type::List(item) => list(item, &values)?,
        Type::Map(value) => map(value, &values)?,
        Type::Row(fields) => row(fields, &values)?,
    })
}

fn scalars<T>(values: &[Option<Raw<'_>>], name: &str, read: impl Fn(&str) -> Option<T>) -> Result<Vec<Option<T>>> {
    let one = |value: &Option<Raw<'_>>| {
        let Some(text) = value.and_then(Raw::shown) else { return Ok(None) };
        match read(&text) {
            Some(value) => Ok(Some(value)),
            None => exec_err!("the JSON value `{text}` is no {name}"),
        }
    };
    values.iter().map(one).collect()
}

fn list(item: &Type, values: &[Option<Raw<'_>>]) -> Result<ArrayRef> {
    let mut lengths = Vec::with_capacity(values.len());
    let mut elements = Vec::new();
    for value in values {
        let before = elements.len();
        elements.extend(value.into_iter().flat_map(|value| value.elements()).map(Some));
        lengths.push(elements.len() - before);
    }
    let field = Arc::new(Field::new("item", item.data_type(), true));
    let nulls = NullBuffer::from_iter(values.iter().map(|value| value.is_some_and(Raw::is_list)));
    let offsets = OffsetBuffer::from_lengths(lengths);
    Ok(Arc::new(ListArray::try_new(field, offsets, build(item, &elements)?, Some(nulls))?))
}

fn map(kind: &Type, values: &[Option<Raw<'_>>]) -> Result<ArrayRef> {
    let mut lengths = Vec::with_capacity(values.len());
    let (mut keys, mut members) = (Vec::new(), Vec::new());
    for value in values {
        let before = keys.len();
        for (key, member) in value.into_iter().flat_map(|value| value.members()) {
            keys.push(key);
            members.push(Some(member));
        }
        lengths.push(keys.len() - before);
    }
    let entries_field = entries(kind);
    let DataType::Struct(fields) = entries_field.data_type() else { return exec_err!("a map without entries") };
    let keys: ArrayRef = Arc::new(StringArray::from_iter_values(keys));
    let entries = StructArray::try_new(fields.clone(), vec![keys, build(kind, &members)?], None)?;
    let nulls = NullBuffer::from_iter(values.iter().map(|value| value.is_some_and(Raw::is_object)));
    let offsets = OffsetBuffer::from_lengths(lengths);
    Ok(Arc::new(MapArray::try_new(entries_field, offsets, entries, Some(nulls), false)?))
}

/// A row from an object, by name, or from a list, by place.
fn row(fields: &[(String, Type)], values: &[Option<Raw<'_>>]) -> Result<ArrayRef> {
    let mut columns = Vec::with_capacity(fields.len());
    for (index, (name, kind)) in fields.iter().enumerate() {
        let place = i64::try_from(index).unwrap_or(i64::MAX);
        let mut found = Vec::with_capacity(values.len());
        for value in values {
            found.push(match value {
                Some(value) if value.is_list() => value.element(place),
                Some(value) => value.member_in_any_case(name),
                None => None,
            });
        }
        columns.push(build(kind, &found)?);
    }
    let nulls = NullBuffer::from_iter(values.iter().map(|value| value.is_some_and(Raw::is_nested)));
    let fields = row_fields(fields);
    if fields.is_empty() {
        return Ok(new_null_array(&DataType::Struct(fields), values.len()));
    }
    Ok(Arc::new(StructArray::try_new(fields, columns, Some(nulls))?))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use arrow::util::display::array_value_to_string;

    use super::*;

    fn shown(kind: &str, texts: &[&str]) -> Vec<String> {
        let values: Vec<_> = texts.iter().map(|text| Raw::parse(text)).collect();
        let array = build(&parse(kind).unwrap(), &values).unwrap();
        (0..texts.len()).map(|row| array_value_to_string(&array, row).unwrap()).collect()
    }

    #[test]
    fn types_are_read() {
        assert_eq!(parse("ARRAY(varchar)").unwrap(), Type::List(Box::new(Type::Text)));
        assert_eq!(parse("map(varchar(20), json)").unwrap(), Type::Map(Box::new(Type::Json)));
        assert_eq!(
            parse("row(a bigint, b array(double))").unwrap(),
            Type::Row(vec![("a".into(), Type::Number), ("b".into(), Type::List(Box::new(Type::Real)))])
        );
        let deep = format!("{}varchar{}", "array(".repeat(40), ")".repeat(40));
        for wrong in ["", "array", "array(", "map(varchar)", "map(bigint, json)", "row(a)", "hyperloglog", &deep] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn values_are_built() {
        assert_eq!(shown("array(varchar)", &[r#"["a",1,null]"#, "{}", "[]"]), ["[a, 1, ]", "", "[]"]);
        assert_eq!(shown("map(varchar,varchar)", &[r#"{"a":"x","b":{"c":[1]}}"#]), [r#"{a: x, b: {"c":[1]}}"#]);
        assert_eq!(shown("map(varchar,json)", &[r#"{"a":"x"}"#, "null"]), [r#"{a: "x"}"#, ""]);
        assert_eq!(
            shown("row(a bigint, b varchar)", &[r#"{"b":"x","A":"7"}"#, r#"[1,"y"]"#]),
            ["{a: 7, b: x}", "{a: 1, b: y}"]
        );
        assert!(build(&Type::Number, &[Raw::parse(r#""x""#)]).is_err());
    }
}
