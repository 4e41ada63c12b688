//! JSON text as rows hold it: members, elements and scalars found in place, by one pass over the bytes before them.
//!
//! A column like `requestparameters` is text, and a question reads one member of it. Nothing is built for that: the
//! scanner of the ingest room says where a value ends, and what comes out is a slice of the row. Text that is not
//! JSON has no members and no error. [`path`] is Trino's path language over it. Knows no engine.

pub(crate) mod path;

use std::borrow::Cow;

use ingest::json::{self, Form};

/// A value inside a JSON text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Raw<'a> {
    /// The value as it is written, quotes included.
    pub(crate) text: &'a str,
    form: Form,
}

impl<'a> Raw<'a> {
    /// The value that a whole text is; `None` where it is not JSON.
    pub(crate) fn parse(text: &'a str) -> Option<Raw<'a>> {
        let bytes = text.as_bytes();
        let raw = at(text, json::skip_space(bytes, 0))?;
        (json::skip_space(bytes, raw.1) == bytes.len()).then_some(raw.0)
    }

    /// True for `null`.
    pub(crate) fn is_null(self) -> bool {
        self.form == Form::Null
    }

    /// True for an object or a list.
    pub(crate) fn is_nested(self) -> bool {
        matches!(self.form, Form::Nested | Form::Spaced)
    }

    /// True for a string.
    pub(crate) fn is_string(self) -> bool {
        matches!(self.form, Form::Plain | Form::Escaped)
    }

    /// A string's text, a number or a truth value as it is written; `None` for null, lists and objects.
    pub(crate) fn scalar(self) -> Option<Cow<'a, str>> {
        match self.form {
            Form::Plain => inner(self.text).map(Cow::Borrowed),
            Form::Escaped => inner(self.text).map(|raw| {
                let mut out = String::with_capacity(raw.len());
                // A lone surrogate is no text: the string stays as it is written.
                if json::unescape(raw, &mut out) { Cow::Owned(out) } else { Cow::Borrowed(raw) }
            }),
            Form::Number | Form::True | Form::False => Some(Cow::Borrowed(self.text)),
            Form::Null | Form::Nested | Form::Spaced => None,
        }
    }

    /// What a column of text shows: the scalar, or the JSON text of a list or an object; `None` for null.
    pub(crate) fn shown(self) -> Option<Cow<'a, str>> {
        if self.is_nested() { Some(self.compact()) } else { self.scalar() }
    }

    /// The value without white space between its parts.
    pub(crate) fn compact(self) -> Cow<'a, str> {
        if self.form != Form::Spaced {
            return Cow::Borrowed(self.text);
        }
        let mut out = String::with_capacity(self.text.len());
        json::compact(self.text, &mut out);
        Cow::Owned(out)
    }

    /// Members of an object; nothing for any other value.
    pub(crate) fn members(self) -> Members<'a> {
        Members { text: self.text, at: self.first(b'{'), first: true }
    }

    /// Elements of a list; nothing for any other value.
    pub(crate) fn elements(self) -> Elements<'a> {
        Elements { text: self.text, at: self.first(b'['), first: true }
    }

    /// True for a list.
    pub(crate) fn is_list(self) -> bool {
        self.text.as_bytes().first() == Some(&b'[')
    }

    /// True for an object.
    pub(crate) fn is_object(self) -> bool {
        self.text.as_bytes().first() == Some(&b'{')
    }

    /// The member of this name.
    pub(crate) fn member(self, name: &str) -> Option<Raw<'a>> {
        self.members().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    /// The member of this name in any case, where none has it exactly.
    pub(crate) fn member_in_any_case(self, name: &str) -> Option<Raw<'a>> {
        self.member(name)
            .or_else(|| self.members().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value))
    }

    /// The element at a place, from 0; from the end where negative.
    pub(crate) fn element(self, index: i64) -> Option<Raw<'a>> {
        let index = match index < 0 {
            true => i64::try_from(self.elements().count()).ok()?.checked_add(index)?,
            false => index,
        };
        self.elements().nth(usize::try_from(index).ok()?)
    }

    fn first(self, open: u8) -> Option<usize> {
        (self.text.as_bytes().first() == Some(&open)).then_some(1)
    }
}

fn inner(quoted: &str) -> Option<&str> {
    quoted.get(1..quoted.len().checked_sub(1)?)
}

/// The value at a place, and the place after it.
fn at(text: &str, start: usize) -> Option<(Raw<'_>, usize)> {
    let value = json::value(text.as_bytes(), start).ok()?;
    Some((Raw { text: text.get(value.start..value.end)?, form: value.form }, value.end))
}

/// The place of the next item of a list or object, after the comma.
fn next_item(text: &str, at: usize, first: &mut bool) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = json::skip_space(bytes, at);
    if !std::mem::take(first) {
        (bytes.get(at) == Some(&b',')).then_some(())?;
        at = json::skip_space(bytes, at + 1);
    }
    Some(at)
}

/// Members of an object, in their order.
pub(crate) struct Members<'a> {
    text: &'a str,
    at: Option<usize>,
    first: bool,
}

impl<'a> Iterator for Members<'a> {
    type Item = (Cow<'a, str>, Raw<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let start = next_item(self.text, self.at.take()?, &mut self.first)?;
        let (key, value_at, _) = json::key(self.text.as_bytes(), start).ok()?;
        let name = Raw { text: self.text.get(key.start..key.end)?, form: key.form }.scalar()?;
        let (value, end) = at(self.text, value_at)?;
        self.at = Some(end);
        Some((name, value))
    }
}

/// Elements of a list, in their order.
pub(crate) struct Elements<'a> {
    text: &'a str,
    at: Option<usize>,
    first: bool,
}

impl<'a> Iterator for Elements<'a> {
    type Item = Raw<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        let start = next_item(self.text, self.at.take()?, &mut self.first)?;
        let (value, end) = at(self.text, start)?;
        self.at = Some(end);
        Some(value)
    }
}

/// Whether one value holds another, as DuckDB's `json_contains` says: an object holds one whose members it all holds, a
/// list holds what one of its elements is or holds, a scalar holds itself. Depth is that of the text, which is bounded.
pub(crate) fn holds(haystack: Raw<'_>, needle: Raw<'_>) -> bool {
    if haystack.is_object() && needle.is_object() {
        return needle.members().all(|(key, value)| haystack.member(&key).is_some_and(|own| holds(own, value)));
    }
    if haystack.is_list() {
        let held = |needle| haystack.elements().any(|own| holds(own, needle));
        return if needle.is_list() { needle.elements().all(held) } else { held(needle) };
    }
    !haystack.is_nested()
        && !needle.is_nested()
        && haystack.is_string() == needle.is_string()
        && haystack.scalar() == needle.scalar()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn raw(text: &str) -> Raw<'_> {
        Raw::parse(text).unwrap()
    }

    #[test]
    fn members_and_elements() {
        let object = raw(r#" { "a" : 1, "b\n": [true, "x"], "c":null } "#);
        let members: Vec<_> = object.members().map(|(key, value)| (key.into_owned(), value.text)).collect();
        assert_eq!(
            members,
            [("a".into(), "1"), ("b\n".into(), r#"[true, "x"]"#), ("c".into(), "null")].map(|m: (String, &str)| m)
        );
        assert_eq!(object.elements().count(), 0);
        let list = raw(r#"[1,"two",{"k":3},[]]"#);
        assert_eq!(list.element(1).unwrap().scalar().unwrap(), "two");
        assert_eq!(list.element(-1).unwrap().text, "[]");
        assert_eq!(list.element(4), None);
        assert_eq!(list.element(-5), None);
        assert_eq!(list.members().count(), 0);
        assert_eq!(raw("[]").elements().count() + raw("{}").members().count(), 0);
    }

    #[test]
    fn scalars_are_text() {
        for (text, scalar) in [
            (r#""a\u0041\n""#, Some("aA\n")),
            ("12.50", Some("12.50")),
            ("true", Some("true")),
            ("null", None),
            ("{}", None),
            (r#""\ud800""#, Some(r"\ud800")),
        ] {
            assert_eq!(raw(text).scalar().as_deref(), scalar, "{text}");
        }
        assert_eq!(raw("[1, 2]").shown().unwrap(), "[1,2]");
    }

    #[test]
    fn what_is_no_json_has_no_value() {
        for text in ["", "{", "x", r#"{"a":1} x"#, "[1,", "'a'", "\u{1}"] {
            assert_eq!(Raw::parse(text), None, "{text}");
        }
    }

    #[test]
    fn holding() {
        for (haystack, needle, held) in [
            (r#"{"a":1,"b":{"c":2}}"#, r#"{"b":{"c":2}}"#, true),
            (r#"{"a":1}"#, r#"{"a":2}"#, false),
            (r#"[{"group":"all"},{"x":1}]"#, r#"{"group": "all"}"#, true),
            (r#"[{"x":[{"cidrIp":"0.0.0.0/0"}]}]"#, r#"{"x":[{"cidrIp":"0.0.0.0/0"}]}"#, true),
            (r#"[1,2,3]"#, "[3,1]", true),
            ("1", r#""1""#, false),
        ] {
            assert_eq!(holds(raw(haystack), raw(needle)), held, "{haystack} {needle}");
        }
    }
}
