//! Trino's JSON functions, and those of DuckDB that published queries use. A JSON value is its text here.

use datafusion::common::{Result, exec_err};
use ingest::json::quote;

use super::function::{Entry, Kernel, Memo};
use crate::json::path::{Step, is_many, one, reach};
use crate::json::{Raw, holds};

/// The functions, by name.
pub(super) static FUNCTIONS: &[Entry] = &[
    Entry {
        name: "json_extract",
        arity: 2..=2,
        kernel: Kernel::Text(extract),
        about: "the JSON value at a path, as JSON",
        example: (r#"json_extract('{"a":{"b":["x"]}}', '$.a.b')"#, r#"["x"]"#),
    },
    Entry {
        name: "json_extract_scalar",
        arity: 2..=2,
        kernel: Kernel::Text(extract_scalar),
        about: "the string, number or truth value at a path, as text; NULL for lists and objects",
        example: (r#"json_extract_scalar('{"bucketName":"logs"}', '$.bucketName')"#, "logs"),
    },
    Entry {
        name: "json_parse",
        arity: 1..=1,
        kernel: Kernel::Text(parse),
        about: "a text as JSON; an error where it is none (try(json_parse(x)) gives NULL)",
        example: (r#"json_parse('{"a": 1}')"#, r#"{"a":1}"#),
    },
    Entry {
        name: "json_parse_or_null",
        arity: 1..=1,
        kernel: Kernel::Text(parse_or_null),
        about: "a text as JSON, or NULL where it is none: what try(json_parse(x)) becomes",
        example: ("json_parse_or_null('{')", "-"),
    },
    Entry {
        name: "json_query_wrapped",
        arity: 2..=2,
        kernel: Kernel::Text(wrapped),
        about: "all JSON at a path as one list: what json_query(… WITH ARRAY WRAPPER) becomes",
        example: (r#"json_query('{"a":1}', 'lax $.a' WITH ARRAY WRAPPER)"#, "[1]"),
    },
    Entry {
        name: "json_format",
        arity: 1..=1,
        kernel: Kernel::Text(parse_or_null),
        about: "a JSON value as text, compact",
        example: ("json_format(json_parse('[1, 2]'))", "[1,2]"),
    },
    Entry {
        name: "json_array_get",
        arity: 2..=2,
        kernel: Kernel::Text(array_get),
        about: "the element at a place of a JSON list, from 0, from the end where negative",
        example: (r#"json_array_get('["a","b"]', -1)"#, r#""b""#),
    },
    Entry {
        name: "json_array_length",
        arity: 1..=1,
        kernel: Kernel::Number(array_length),
        about: "how many elements a JSON list has",
        example: ("json_array_length('[1,2,3]')", "3"),
    },
    Entry {
        name: "json_array_contains",
        arity: 2..=2,
        kernel: Kernel::Truth(array_contains),
        about: "whether a JSON list has this string, number or truth value",
        example: (r#"json_array_contains('["a",2]', 2)"#, "true"),
    },
    Entry {
        name: "json_size",
        arity: 2..=2,
        kernel: Kernel::Number(size),
        about: "how many elements or members the value at a path has; 0 for a scalar",
        example: (r#"json_size('{"x":[1,2]}', '$.x')"#, "2"),
    },
    Entry {
        name: "json_exists",
        arity: 2..=2,
        kernel: Kernel::Truth(exists),
        about: "whether a path reaches anything",
        example: (r#"json_exists('{"a":null}', '$.a')"#, "true"),
    },
    Entry {
        name: "is_json_scalar",
        arity: 1..=1,
        kernel: Kernel::Truth(is_scalar),
        about: "whether a JSON value is no list and no object",
        example: ("is_json_scalar('[1]')", "false"),
    },
    Entry {
        name: "json_text",
        arity: 1..=1,
        kernel: Kernel::Text(text),
        about: "a JSON value as plain text, a string without its quotes: what CAST(json AS varchar) becomes",
        example: (r#"json_text('"abc"')"#, "abc"),
    },
    Entry {
        name: "json_quote",
        arity: 1..=1,
        kernel: Kernel::Text(quoted),
        about: "a text as a JSON string: what CAST(varchar AS json) becomes",
        example: ("json_quote('a')", r#""a""#),
    },
    Entry {
        name: "json_get",
        arity: 2..=2,
        kernel: Kernel::Text(get),
        about: "DuckDB's `->`: a member, an element or a path of a JSON value, as JSON",
        example: (r#"json_get('{"a":[1]}', 'a')"#, "[1]"),
    },
    Entry {
        name: "json_get_text",
        arity: 2..=2,
        kernel: Kernel::Text(get_text),
        about: "DuckDB's `->>`: a member, an element or a path of a JSON value, as text",
        example: (r#"json_get_text('{"a":"x"}', 'a')"#, "x"),
    },
    Entry {
        name: "json_field",
        arity: 2..=16,
        kernel: Kernel::Text(field),
        about: "a member below members, in any case, as text: what requestParameters.bucketName becomes",
        example: (r#"json_field('{"bucketName":"logs"}', 'bucketname')"#, "logs"),
    },
    Entry {
        name: "json_contains",
        arity: 2..=2,
        kernel: Kernel::Truth(contains),
        about: "DuckDB's: whether a JSON value holds another",
        example: (r#"json_contains('[{"group":"all"}]', '{"group": "all"}')"#, "true"),
    },
    Entry {
        name: "json_elements",
        arity: 1..=1,
        kernel: Kernel::Texts(elements),
        about: "the elements of a JSON list as a list of JSON texts: what from_json(x, '[\"JSON\"]') becomes",
        example: ("json_elements('[1,{}]')", "[1, {}]"),
    },
];

fn push(value: Option<impl AsRef<str>>, out: &mut String) -> bool {
    value.is_some_and(|value| {
        out.push_str(value.as_ref());
        true
    })
}

fn extract(args: &[&str], memo: &mut Memo, out: &mut String) -> Result<bool> {
    let &[text, path] = args else { return Ok(false) };
    let steps = memo.path(path)?;
    let Some(value) = Raw::parse(text) else { return Ok(false) };
    if !is_many(steps) {
        return Ok(push(one(value, steps).map(Raw::compact), out));
    }
    push_all(value, steps, out);
    Ok(true)
}

/// Everything that a path reaches, as a list.
fn push_all(value: Raw<'_>, steps: &[Step], out: &mut String) {
    let mut found = Vec::new();
    reach(value, steps, &mut found);
    out.push('[');
    for (index, value) in found.iter().enumerate() {
        out.push_str(if index > 0 { "," } else { "" });
        out.push_str(&value.compact());
    }
    out.push(']');
}

fn wrapped(args: &[&str], memo: &mut Memo, out: &mut String) -> Result<bool> {
    let &[text, path] = args else { return Ok(false) };
    let steps = memo.path(path)?;
    let Some(value) = Raw::parse(text) else { return Ok(false) };
    push_all(value, steps, out);
    Ok(true)
}

fn extract_scalar(args: &[&str], memo: &mut Memo, out: &mut String) -> Result<bool> {
    let &[text, path] = args else { return Ok(false) };
    let steps = memo.path(path)?;
    Ok(push(Raw::parse(text).and_then(|value| one(value, steps)).and_then(Raw::scalar), out))
}

fn parse(args: &[&str], _memo: &mut Memo, out: &mut String) -> Result<bool> {
    let &[text] = args else { return Ok(false) };
    match Raw::parse(text) {
        Some(value) => Ok(push(Some(value.compact()), out)),
        None => {
            let start: String = text.chars().take(60).collect();
            exec_err!("json_parse: `{start}` is not JSON; try(json_parse(…)) gives NULL there")
        }
    }
}

fn parse_or_null(args: &[&str], _memo: &mut Memo, out: &mut String) -> Result<bool> {
    let &[text] = args else { return Ok(false) };
    Ok(push(Raw::parse(text).map(Raw::compact), out))
}

fn array_get(args: &[&str], _memo: &mut Memo, out: &mut String) -> Result<bool> {
    let &[text, index] = args else { return Ok(false) };
    let element = index.parse().ok().and_then(|index| Raw::parse(text)?.element(index));
    Ok(push(element.map(Raw::compact), out))
}

fn array_length(args: &[&str], _memo: &mut Memo) -> Result<Option<i64>> {
    let list = args.first().and_then(|text| Raw::parse(text)).filter(|value| value.is_list());
    Ok(list.and_then(|list| i64::try_from(list.elements().count()).ok()))
}

fn array_contains(args: &[&str], _memo: &mut Memo) -> Result<Option<bool>> {
    let &[text, wanted] = args else { return Ok(None) };
    let list = Raw::parse(text).filter(|value| value.is_list());
    Ok(list.map(|list| list.elements().any(|element| element.scalar().is_some_and(|scalar| scalar == wanted))))
}

fn size(args: &[&str], memo: &mut Memo) -> Result<Option<i64>> {
    let &[text, path] = args else { return Ok(None) };
    let steps = memo.path(path)?;
    let value = Raw::parse(text).and_then(|value| one(value, steps));
    Ok(value.and_then(|value| i64::try_from(value.elements().count() + value.members().count()).ok()))
}

fn exists(args: &[&str], memo: &mut Memo) -> Result<Option<bool>> {
    let &[text, path] = args else { return Ok(None) };
    let steps = memo.path(path)?;
    let mut found = Vec::new();
    Raw::parse(text).into_iter().for_each(|value| reach(value, steps, &mut found));
    Ok(Some(!found.is_empty()))
}

fn is_scalar(args: &[&str], _memo: &mut Memo) -> Result<Option<bool>> {
    Ok(args.first().and_then(|text| Raw::parse(text)).map(|value| !value.is_nested()))
}

fn text(args: &[&str], _memo: &mut Memo, out: &mut String) -> Result<bool> {
    let &[text] = args else { return Ok(false) };
    match Raw::parse(text) {
        Some(value) => Ok(push(value.shown(), out)),
        None => Ok(push(Some(text), out)),
    }
}

fn quoted(args: &[&str], _memo: &mut Memo, out: &mut String) -> Result<bool> {
    let &[text] = args else { return Ok(false) };
    quote(text, out);
    Ok(true)
}

/// The place that DuckDB's arrows name: a path, an index or a member.
fn arrow<'a>(text: &'a str, place: &str, memo: &mut Memo) -> Result<Option<Raw<'a>>> {
    let Some(value) = Raw::parse(text) else { return Ok(None) };
    if place.starts_with('$') {
        return Ok(one(value, memo.path(place)?));
    }
    let element = || place.parse().ok().and_then(|index| value.element(index));
    Ok(if value.is_list() { element() } else { value.member(place) })
}

/// DuckDB's list of everything that a path with `[*]`, `.*` or `..` reaches; false where it is no such path.
fn all(args: &[&str], memo: &mut Memo, out: &mut String) -> Result<Option<bool>> {
    let &[text, path] = args else { return Ok(None) };
    if !path.starts_with('$') || !is_many(memo.path(path)?) {
        return Ok(None);
    }
    let Some(value) = Raw::parse(text) else { return Ok(Some(false)) };
    push_all(value, memo.path(path)?, out);
    Ok(Some(true))
}

fn get(args: &[&str], memo: &mut Memo, out: &mut String) -> Result<bool> {
    if let Some(found) = all(args, memo, out)? {
        return Ok(found);
    }
    let &[text, place] = args else { return Ok(false) };
    Ok(push(arrow(text, place, memo)?.map(Raw::compact), out))
}

fn get_text(args: &[&str], memo: &mut Memo, out: &mut String) -> Result<bool> {
    if let Some(found) = all(args, memo, out)? {
        return Ok(found);
    }
    let &[text, place] = args else { return Ok(false) };
    Ok(push(arrow(text, place, memo)?.and_then(Raw::shown), out))
}

fn field(args: &[&str], _memo: &mut Memo, out: &mut String) -> Result<bool> {
    let Some((text, names)) = args.split_first() else { return Ok(false) };
    let value = Raw::parse(text);
    let value = names.iter().fold(value, |value, name| value.and_then(|value| value.member_in_any_case(name)));
    Ok(push(value.and_then(Raw::shown), out))
}

fn contains(args: &[&str], _memo: &mut Memo) -> Result<Option<bool>> {
    let &[haystack, needle] = args else { return Ok(None) };
    Ok(Raw::parse(haystack).zip(Raw::parse(needle)).map(|(haystack, needle)| holds(haystack, needle)))
}

fn elements(args: &[&str], _memo: &mut Memo, out: &mut Vec<Option<String>>) -> Result<bool> {
    let list = args.first().and_then(|text| Raw::parse(text)).filter(|value| value.is_list());
    out.extend(list.into_iter().flat_map(Raw::elements).map(|value| Some(value.compact().into_owned())));
    Ok(list.is_some())
}
