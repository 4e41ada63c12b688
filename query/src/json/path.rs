//! The path language of Trino's `json_extract`: `$.a.b`, `$['x-y'][0]`, `$.items[*].id`.
//!
//! Source: Trino documentation, "JSON functions and operators" (`json_extract`: a JSONPath-like expression). A name
//! after a dot goes up to the next dot or bracket, so keys with `-` and `:` need no quotes. `[*]` and `.*` reach
//! every element, `..name` every member of that name. Filters (`[?(…)]`) are refused by name.

use super::Raw;

/// Steps of a path. No text that was ingested is deeper.
const MAX_STEPS: usize = ingest::json::MAX_DEPTH as usize;

/// One step into a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    /// The member of this name.
    Member(String),
    /// The element at this place, from 0; from the end where negative.
    Element(i64),
    /// Every element, or every member's value.
    Every,
    /// The members of this name, at any depth.
    Anywhere(String),
}

/// The steps of a path, or why it is none.
pub(crate) fn parse(path: &str) -> Result<Vec<Step>, String> {
    let bad = |why: &str| format!("the JSON path `{path}` {why}");
    // SQL/JSON says `lax $.a` or `strict $.a`: both read here as lax does.
    let bare = path.trim_start().trim_start_matches("lax ").trim_start_matches("strict ").trim();
    let Some(mut rest) = bare.strip_prefix('$') else {
        return Err(bad("must begin with $, like $.bucketName"));
    };
    let mut steps = Vec::new();
    while let Some(first) = rest.chars().next() {
        let (step, used) = match first {
            '.' => dotted(rest),
            '[' => bracketed(rest),
            _ => None,
        }
        .ok_or_else(|| bad("has a part that is no .name, .\"name\", [0], ['name'] or [*]"))?;
        steps.push(step);
        if steps.len() > MAX_STEPS {
            return Err(bad("has more steps than a JSON text has levels"));
        }
        rest = rest.get(used..).unwrap_or_default();
    }
    Ok(steps)
}

/// `.name`, `."name"`, `.*` or `..name`, and its length.
fn dotted(rest: &str) -> Option<(Step, usize)> {
    let name = rest.get(1..)?;
    if let Some(name) = name.strip_prefix('.') {
        let end = name.find(['.', '[']).unwrap_or(name.len());
        let name = name.get(..end).filter(|name| !name.is_empty() && *name != "*")?;
        return Some((Step::Anywhere(name.to_owned()), end + 2));
    }
    if let Some(quoted) = name.strip_prefix('"') {
        let end = quoted.find('"')?;
        return Some((Step::Member(quoted.get(..end)?.to_owned()), end + 3));
    }
    let end = name.find(['.', '[']).unwrap_or(name.len());
    match name.get(..end)? {
        "" => None,
        "*" => Some((Step::Every, 2)),
        name => Some((Step::Member(name.to_owned()), end + 1)),
    }
}

/// `[0]`, `['name']`, `["name"]` or `[*]`, and its length.
fn bracketed(rest: &str) -> Option<(Step, usize)> {
    let inside = rest.get(1..)?;
    if let Some(quote) = inside.chars().next().filter(|c| matches!(c, '\'' | '"')) {
        let name = inside.get(1..)?;
        let end = name.find(quote)?;
        (name.get(end + 1..end + 2)? == "]").then_some(())?;
        return Some((Step::Member(name.get(..end)?.to_owned()), end + 4));
    }
    let end = inside.find(']')?;
    let step = match inside.get(..end)?.trim() {
        "*" => Step::Every,
        index => Step::Element(index.parse().ok()?),
    };
    Some((step, end + 2))
}

/// Every value that a path reaches, in order; one at most where no step is [`Step::Every`].
pub(crate) fn reach<'a>(value: Raw<'a>, steps: &[Step], found: &mut Vec<Raw<'a>>) {
    let Some((step, rest)) = steps.split_first() else {
        found.push(value);
        return;
    };
    match step {
        Step::Member(name) => value.member(name).into_iter().for_each(|value| reach(value, rest, found)),
        Step::Element(index) => value.element(*index).into_iter().for_each(|value| reach(value, rest, found)),
        Step::Every => {
            value.elements().for_each(|value| reach(value, rest, found));
            value.members().for_each(|(_, value)| reach(value, rest, found));
        }
        Step::Anywhere(name) => {
            value.member(name).into_iter().for_each(|value| reach(value, rest, found));
            value.elements().for_each(|value| reach(value, steps, found));
            value.members().for_each(|(_, value)| reach(value, steps, found));
        }
    }
}

/// Whether a path can reach more than one value.
pub(crate) fn is_many(steps: &[Step]) -> bool {
    steps.iter().any(|step| matches!(step, Step::Every | Step::Anywhere(_)))
}

/// The one value that a path without [`Step::Every`] reaches.
pub(crate) fn one<'a>(value: Raw<'a>, steps: &[Step]) -> Option<Raw<'a>> {
    steps.iter().try_fold(value, |value, step| match step {
        Step::Member(name) => value.member(name),
        Step::Element(index) => value.element(*index),
        Step::Every | Step::Anywhere(_) => None,
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_their_steps() {
        let member = |name: &str| Step::Member(name.to_owned());
        for (path, steps) in [
            ("$", vec![]),
            ("$.a", vec![member("a")]),
            ("$.x-amz-acl", vec![member("x-amz-acl")]),
            ("$.AWS:Item.Content", vec![member("AWS:Item"), member("Content")]),
            ("$['a.b'][\"c]d\"]", vec![member("a.b"), member("c]d")]),
            ("$.a[0].b[-1]", vec![member("a"), Step::Element(0), member("b"), Step::Element(-1)]),
            ("$.items[*].id", vec![member("items"), Step::Every, member("id")]),
            ("$.\"a b\".*", vec![member("a b"), Step::Every]),
            ("lax $.a", vec![member("a")]),
            ("$..a[0]", vec![Step::Anywhere("a".to_owned()), Step::Element(0)]),
        ] {
            assert_eq!(parse(path).unwrap(), steps, "{path}");
        }
        for path in ["", "a", "$a", "$.", "$..", "$..*", "$[", "$[x]", "$['a", "$['a'x]", "$[?(@.a)]"] {
            assert!(parse(path).is_err(), "{path}: {:?}", parse(path));
        }
    }

    #[test]
    fn paths_reach_values() {
        let value = Raw::parse(r#"{"items":[{"id":1},{"id":"two"},{}],"x":null}"#).unwrap();
        let reached = |path: &str| {
            let mut found = Vec::new();
            reach(value, &parse(path).unwrap(), &mut found);
            found.iter().map(|raw| raw.text).collect::<Vec<_>>()
        };
        assert_eq!(reached("$.items[*].id"), ["1", "\"two\""]);
        assert_eq!(reached("$.x"), ["null"]);
        assert_eq!(reached("$..id"), ["1", "\"two\""]);
        assert!(reached("$.items.id").is_empty());
        assert_eq!(one(value, &parse("$.items[1].id").unwrap()).unwrap().text, "\"two\"");
    }
}
