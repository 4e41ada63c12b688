//! One batch as rules see it: the leaves of a field in a row.
//!
//! Columns are cut out of the batch when the first rule asks for them. Structs and lists of structs are written as
//! JSON text only where a rule asks for the whole. Knows Arrow and the fields, and nothing of rules.

use arrow::array::{Array, AsArray, BooleanArray, ListArray, RecordBatch, StructArray, TimestampMicrosecondArray};
use chrono::DateTime;
use ingest::batch::{self, TextColumn};
use ingest::json;
use ingest::schema::{COLUMNS, Column, Kind};

use crate::codes::Coded;
use crate::document::{Ask, Documents, whole};
use crate::field::{Field, Place};
use crate::test::Leaf;

/// The values of one field in a batch.
#[derive(Debug)]
pub(crate) enum View {
    /// No row has a value.
    Missing,
    /// Text.
    Text(Box<Coded>),
    /// `true` and `false`.
    Boolean(BooleanArray),
    /// Microseconds since the epoch; the text is the record's.
    Time(TimestampMicrosecondArray),
    /// Keys inside the JSON column in this slot of [`Documents`].
    Json(usize, Vec<String>),
    /// A struct.
    Object(Box<Object>),
    /// A list of structs.
    List(Box<List>),
}

/// A struct column, to be written as JSON text.
#[derive(Debug)]
pub(crate) struct Object {
    array: StructArray,
    members: Vec<(&'static str, Member)>,
}

#[derive(Debug)]
enum Member {
    Text(TextColumn),
    Json(TextColumn),
    Object(Object),
}

/// A list of structs: one field of the elements, or the elements as JSON text.
#[derive(Debug)]
pub(crate) struct List {
    array: ListArray,
    elements: Object,
    field: Option<TextColumn>,
}

impl View {
    /// The view of a field in `batch`.
    pub(crate) fn new(field: &Field, batch: &RecordBatch, documents: &mut Documents) -> View {
        let view = match &field.place {
            Place::Text(path) => Some(View::Text(Box::new(Coded::new(batch::text(batch, path))))),
            Place::Boolean(path) => batch::boolean(batch, path).map(View::Boolean),
            Place::Time(path) => batch::timestamp(batch, path).map(View::Time),
            Place::Json(path, keys) => Some(View::Json(documents.slot(batch, path), keys.clone())),
            Place::Object(path, columns) => batch::nested(batch, path)
                .and_then(|array| Object::new(array.as_struct_opt()?, columns))
                .map(|object| View::Object(Box::new(object))),
            Place::List(path, columns, field) => batch::list(batch, path)
                .and_then(|array| List::new(array, columns, *field))
                .map(|l| View::List(Box::new(l))),
            Place::Nowhere => None,
        };
        view.unwrap_or(View::Missing)
    }

    /// Asks about each leaf in `row` until one answer is true.
    pub(crate) fn any(&self, row: usize, documents: &mut Documents, ask: Ask<'_>) -> bool {
        match self {
            View::Missing => false,
            View::Text(column) => column.column().get(row).is_some_and(|text| ask(Leaf::Text(text))),
            View::Boolean(array) => {
                array.is_valid(row) && ask(Leaf::Text(if array.value(row) { "true" } else { "false" }))
            }
            View::Time(array) => array.is_valid(row) && ask(Leaf::Text(&time_text(array.value(row)))),
            View::Json(slot, keys) => documents.any(*slot, row, keys, ask),
            View::Object(object) => {
                let mut text = String::new();
                object.write(row, &mut text) && whole(&text, ask)
            }
            View::List(list) => list.any(row, ask),
        }
    }
}

/// A view of each leaf column of the record; the derived columns are no part of it.
pub(crate) fn record(batch: &RecordBatch, documents: &mut Documents) -> Vec<View> {
    fn add(prefix: &str, columns: &'static [Column], names: &mut Vec<String>) {
        for column in columns {
            let name = if prefix.is_empty() { column.name.to_owned() } else { format!("{prefix}.{}", column.name) };
            match column.kind {
                Kind::Struct(fields) | Kind::List(fields) => add(&name, fields, names),
                Kind::Date => {}
                _ => names.push(name),
            }
        }
    }
    let mut names = Vec::new();
    for column in COLUMNS.iter().filter(|c| !c.is_derived()) {
        add("", std::slice::from_ref(column), &mut names);
    }
    let fields = names.iter().filter_map(|name| Field::find(name).ok());
    fields.filter(|f| f.place != Place::Nowhere).map(|f| View::new(&f, batch, documents)).collect()
}

/// A point in time as CloudTrail writes it: to the second, or finer where it is finer.
pub(crate) fn time_text(micros: i64) -> String {
    use chrono::SecondsFormat::{Micros, Secs};
    let precision = if micros % 1_000_000 == 0 { Secs } else { Micros };
    DateTime::from_timestamp_micros(micros).map_or_else(String::new, |t| t.to_rfc3339_opts(precision, true))
}

impl Object {
    fn new(array: &StructArray, columns: &'static [Column]) -> Option<Object> {
        // A batch of the struct's fields lets them be read like columns of the table.
        let schema = std::sync::Arc::new(arrow::datatypes::Schema::new(array.fields().clone()));
        let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(array.len()));
        let inner = RecordBatch::try_new_with_options(schema, array.columns().to_vec(), &options).ok()?;
        let mut members = Vec::new();
        for column in columns {
            let member = match column.kind {
                Kind::Json => Member::Json(batch::text(&inner, column.name)),
                Kind::Struct(fields) => {
                    let Some(nested) = inner.column_by_name(column.name).and_then(|a| a.as_struct_opt()) else {
                        continue;
                    };
                    Member::Object(Object::new(nested, fields)?)
                }
                _ => Member::Text(batch::text(&inner, column.name)),
            };
            members.push((column.json, member));
        }
        Some(Object { array: array.clone(), members })
    }

    /// Appends the JSON text of the struct at `row`; false if it is null.
    fn write(&self, row: usize, out: &mut String) -> bool {
        if self.array.is_null(row) {
            return false;
        }
        out.push('{');
        let mut first = true;
        for (key, member) in &self.members {
            let before = out.len();
            if !first {
                out.push(',');
            }
            json::quote(key, out);
            out.push(':');
            let there = match member {
                Member::Text(column) => column.get(row).map(|text| json::quote(text, out)).is_some(),
                Member::Json(column) => column.get(row).map(|text| out.push_str(text)).is_some(),
                Member::Object(object) => object.write(row, out),
            };
            if there {
                first = false;
            } else {
                out.truncate(before);
            }
        }
        out.push('}');
        true
    }
}

impl List {
    fn new(array: ListArray, columns: &'static [Column], field: Option<&str>) -> Option<List> {
        let elements = Object::new(array.values().as_struct_opt()?, columns)?;
        let field = field.and_then(|name| {
            elements.members.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).and_then(|(_, member)| match member
            {
                Member::Text(column) => Some(column.clone()),
                _ => None,
            })
        });
        Some(List { array, elements, field })
    }

    fn any(&self, row: usize, ask: Ask<'_>) -> bool {
        if self.array.is_null(row) {
            return false;
        }
        let offsets = self.array.value_offsets();
        let range = offsets[row] as usize..offsets[row + 1] as usize;
        if range.is_empty() {
            return self.field.is_none() && ask(Leaf::Empty);
        }
        let mut text = String::new();
        for element in range {
            if self.elements.array.is_null(element) {
                if self.field.is_none() && ask(Leaf::Null) {
                    return true;
                }
                continue;
            }
            let leaf = match &self.field {
                Some(column) => column.get(element),
                None => {
                    text.clear();
                    self.elements.write(element, &mut text);
                    Some(text.as_str())
                }
            };
            let found = match (leaf, &self.field) {
                (Some(text), Some(_)) => ask(Leaf::Text(text)),
                (Some(text), None) => whole(text, ask),
                (None, _) => false,
            };
            if found {
                return true;
            }
        }
        false
    }
}
