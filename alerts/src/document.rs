//! JSON columns, walked in place: the leaves behind a path of keys in a row.
//!
//! Nothing is built: values are offsets into the column's text. The members of a row's top level are found at most
//! once, whichever rules ask. Lists on the way stand for each of their elements. Knows JSON text and no rules.

use arrow::array::RecordBatch;
use ingest::batch::{self, TextColumn};
use ingest::json::{self, Form, Value};

use crate::test::Leaf;

/// Asked of each leaf; true ends the search.
pub(crate) type Ask<'a> = &'a mut dyn FnMut(Leaf<'_>) -> bool;

/// The JSON columns of a batch, with the top level of the current row kept open.
#[derive(Debug, Default)]
pub(crate) struct Documents {
    slots: Vec<Document>,
}

#[derive(Debug)]
struct Document {
    path: String,
    column: TextColumn,
    row: Option<usize>,
    /// The value of the row, or `None` where there is none.
    root: Option<Value>,
    /// Key and value of each member, if the row holds an object.
    members: Vec<(Value, Value)>,
}

impl Documents {
    /// The slot of a JSON column, opened if it is new.
    pub(crate) fn slot(&mut self, batch: &RecordBatch, path: &str) -> usize {
        if let Some(slot) = self.slots.iter().position(|d| d.path == path) {
            return slot;
        }
        let column = batch::text(batch, path);
        self.slots.push(Document { path: path.to_owned(), column, row: None, root: None, members: Vec::new() });
        self.slots.len() - 1
    }

    /// True if the column in `slot` holds a value in `row`.
    pub(crate) fn has(&self, slot: usize, row: usize) -> bool {
        self.slots.get(slot).is_some_and(|d| d.column.get(row).is_some())
    }

    /// Asks about each leaf behind `keys` in the JSON of `row`.
    pub(crate) fn any(&mut self, slot: usize, row: usize, keys: &[String], ask: Ask<'_>) -> bool {
        let Some(document) = self.slots.get_mut(slot) else { return false };
        document.open(row);
        let (Some(text), Some(root)) = (document.column.get(row), document.root) else { return false };
        let Some((first, rest)) = keys.split_first() else { return end(text, root, ask) };
        if document.members.is_empty() {
            return below(text, root, keys, ask);
        }
        document.members.iter().any(|(key, value)| {
            (key_is(text, *key, first, false) && below(text, *value, rest, ask))
                || (!rest.is_empty() && key_is_joined(text, *key, keys) && end(text, *value, ask))
        })
    }

    /// The same in `extra`, whose top-level keys are taken in any case.
    pub(crate) fn any_extra(&mut self, slot: usize, row: usize, keys: &[String], ask: Ask<'_>) -> bool {
        let Some(document) = self.slots.get_mut(slot) else { return false };
        document.open(row);
        let Some(text) = document.column.get(row) else { return false };
        let Some((first, rest)) = keys.split_first() else { return false };
        document.members.iter().any(|(key, value)| key_is(text, *key, first, true) && below(text, *value, rest, ask))
    }

    /// Asks about every leaf of the JSON of `row`, at any depth.
    pub(crate) fn any_leaf(&mut self, slot: usize, row: usize, ask: Ask<'_>) -> bool {
        let Some(document) = self.slots.get_mut(slot) else { return false };
        document.open(row);
        match (document.column.get(row), document.root) {
            (Some(text), Some(root)) => everywhere(text, root, ask),
            _ => false,
        }
    }
}

impl Document {
    fn open(&mut self, row: usize) {
        if self.row == Some(row) {
            return;
        }
        self.row = Some(row);
        self.members.clear();
        self.root = None;
        let Some(text) = self.column.get(row) else { return };
        self.root = json::value(text.as_bytes(), json::skip_space(text.as_bytes(), 0)).ok();
        if let Some(root) = self.root.filter(|root| text.as_bytes().get(root.start) == Some(&b'{')) {
            let members = &mut self.members;
            each_member(text, root, &mut |key, value| {
                members.push((key, value));
                false
            });
        }
    }
}

/// Calls `visit` with key and value of each member of the object; true from it ends the walk.
fn each_member(text: &str, object: Value, visit: &mut dyn FnMut(Value, Value) -> bool) -> bool {
    let bytes = text.as_bytes();
    let mut at = json::skip_space(bytes, object.start + 1);
    while bytes.get(at) == Some(&b'"') {
        let Ok((key, value_at, _)) = json::key(bytes, at) else { return false };
        let Ok(value) = json::value(bytes, value_at) else { return false };
        if visit(key, value) {
            return true;
        }
        at = next(bytes, value.end);
    }
    false
}

/// Calls `visit` with each element of the list; true from it ends the walk.
fn each_element(text: &str, list: Value, visit: &mut dyn FnMut(Value) -> bool) -> bool {
    let bytes = text.as_bytes();
    let mut at = json::skip_space(bytes, list.start + 1);
    while at + 1 < list.end {
        let Ok(value) = json::value(bytes, at) else { return false };
        if visit(value) {
            return true;
        }
        at = next(bytes, value.end);
    }
    false
}

/// Past the comma after a value.
fn next(bytes: &[u8], at: usize) -> usize {
    let at = json::skip_space(bytes, at);
    if bytes.get(at) == Some(&b',') { json::skip_space(bytes, at + 1) } else { at }
}

fn first_byte(text: &str, value: Value) -> u8 {
    text.as_bytes().get(value.start).copied().unwrap_or(0)
}

/// The leaves behind `keys`: through objects by key, through lists by any element.
fn below(text: &str, value: Value, keys: &[String], ask: Ask<'_>) -> bool {
    let Some((first, rest)) = keys.split_first() else { return end(text, value, ask) };
    match first_byte(text, value) {
        b'{' => each_member(text, value, &mut |key, member| {
            (key_is(text, key, first, false) && below(text, member, rest, ask))
                || (!rest.is_empty() && key_is_joined(text, key, keys) && end(text, member, ask))
        }),
        b'[' => each_element(text, value, &mut |element| below(text, element, keys, ask)),
        _ => false,
    }
}

/// The leaves of a value itself: the elements of a list, an object as its JSON text, a scalar's text.
fn end(text: &str, value: Value, ask: Ask<'_>) -> bool {
    match first_byte(text, value) {
        b'[' => {
            let mut empty = true;
            let found = each_element(text, value, &mut |element| {
                empty = false;
                end(text, element, ask)
            });
            found || (empty && ask(Leaf::Empty))
        }
        b'"' => with_string(text, value, |s| ask(Leaf::Text(s))),
        _ if value.form == Form::Null => ask(Leaf::Null),
        b'{' => whole(text.get(value.start..value.end).unwrap_or_default(), ask),
        _ => ask(Leaf::Text(text.get(value.start..value.end).unwrap_or_default())),
    }
}

/// An object as its JSON text: as it is written, and with its escapes resolved, so that no way of writing hides a match.
pub(crate) fn whole(text: &str, ask: Ask<'_>) -> bool {
    if ask(Leaf::Text(text)) {
        return true;
    }
    let mut plain = String::new();
    memchr::memchr(b'\\', text.as_bytes()).is_some() && json::unescape(text, &mut plain) && ask(Leaf::Text(&plain))
}

fn everywhere(text: &str, value: Value, ask: Ask<'_>) -> bool {
    match first_byte(text, value) {
        b'{' => each_member(text, value, &mut |_, member| everywhere(text, member, ask)),
        b'[' => each_element(text, value, &mut |element| everywhere(text, element, ask)),
        _ => end(text, value, ask),
    }
}

/// Gives the text of a JSON string; one with a lone surrogate has none and is given as it is written.
fn with_string<T>(text: &str, value: Value, give: impl FnOnce(&str) -> T) -> T {
    let inner = text.get(value.start + 1..value.end.saturating_sub(1)).unwrap_or_default();
    if value.form == Form::Plain {
        return give(inner);
    }
    let mut plain = String::new();
    if json::unescape(inner, &mut plain) { give(&plain) } else { give(inner) }
}

fn key_is(text: &str, key: Value, name: &str, any_case: bool) -> bool {
    with_string(text, key, |key| if any_case { key.eq_ignore_ascii_case(name) } else { key == name })
}

/// Some records have keys with dots: `{"resource.resourceType": …}` is the path `resource.resourceType` too.
fn key_is_joined(text: &str, key: Value, keys: &[String]) -> bool {
    with_string(text, key, |key| {
        let mut rest = key;
        for (i, part) in keys.iter().enumerate() {
            if i > 0 {
                match rest.strip_prefix('.') {
                    Some(after) => rest = after,
                    None => return false,
                }
            }
            match rest.strip_prefix(part.as_str()) {
                Some(after) => rest = after,
                None => return false,
            }
        }
        rest.is_empty()
    })
}
