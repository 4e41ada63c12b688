//! Reading an event batch: columns by name or path, as text, row by row.
//!
//! For the rooms above, which look at a few columns of a batch and must not care whether a column is plain, a
//! dictionary or a view (a batch read back from Parquet or Delta differs from a fresh one in exactly that).
//! Knows Arrow and the schema, and nothing of JSON.

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, DictionaryArray, ListArray, RecordBatch, StringArray, StringViewArray,
    StructArray, TimestampMicrosecondArray,
};
use arrow::datatypes::{Int32Type, TimestampMicrosecondType};

/// A text column of any Arrow encoding.
#[derive(Debug, Clone)]
pub enum TextColumn {
    /// The batch has no such column: every value is null.
    Missing,
    /// `Utf8`, with the null mask of the structs around it.
    Plain(StringArray),
    /// `Utf8View`.
    View(StringViewArray),
    /// `Dictionary(Int32, Utf8)`.
    Dictionary(DictionaryArray<Int32Type>, StringArray),
}

impl TextColumn {
    fn new(array: &ArrayRef) -> Self {
        if let Some(plain) = array.as_string_opt::<i32>() {
            return TextColumn::Plain(plain.clone());
        }
        if let Some(view) = array.as_string_view_opt() {
            return TextColumn::View(view.clone());
        }
        match array.as_dictionary_opt::<Int32Type>() {
            Some(dictionary) => match dictionary.values().as_string_opt::<i32>() {
                Some(values) => TextColumn::Dictionary(dictionary.clone(), values.clone()),
                None => TextColumn::Missing,
            },
            None => TextColumn::Missing,
        }
    }

    /// The value at `row`, or `None` where it is null or the column is missing.
    #[inline]
    pub fn get(&self, row: usize) -> Option<&str> {
        match self {
            TextColumn::Missing => None,
            TextColumn::Plain(a) => a.is_valid(row).then(|| a.value(row)),
            TextColumn::View(a) => a.is_valid(row).then(|| a.value(row)),
            TextColumn::Dictionary(a, values) => a.key(row).map(|key| values.value(key)),
        }
    }

    /// For a dictionary column: the code of the value at `row`, an index into [`TextColumn::dictionary`].
    #[inline]
    pub fn code(&self, row: usize) -> Option<usize> {
        match self {
            TextColumn::Dictionary(a, _) => a.key(row),
            _ => None,
        }
    }

    /// The distinct values of a dictionary column, or `None` for another encoding.
    pub fn dictionary(&self) -> Option<&StringArray> {
        match self {
            TextColumn::Dictionary(_, values) => Some(values),
            _ => None,
        }
    }
}

/// Text column of `batch` by dotted path of column names: `eventname`,
/// `useridentity.sessioncontext.attributes.mfaauthenticated`. Structs that are null make their fields null.
pub fn text(batch: &RecordBatch, path: &str) -> TextColumn {
    match nested(batch, path) {
        Some(array) => TextColumn::new(&array),
        None => TextColumn::Missing,
    }
}

/// A boolean column by name.
pub fn boolean(batch: &RecordBatch, name: &str) -> Option<BooleanArray> {
    nested(batch, name)?.as_boolean_opt().cloned()
}

/// A timestamp column by name: microseconds since the Unix epoch, UTC.
pub fn timestamp(batch: &RecordBatch, name: &str) -> Option<TimestampMicrosecondArray> {
    nested(batch, name)?.as_primitive_opt::<TimestampMicrosecondType>().cloned()
}

/// The `resources` column: a list of structs (see `schema::RESOURCE`).
pub fn list(batch: &RecordBatch, name: &str) -> Option<ListArray> {
    batch.column_by_name(name)?.as_list_opt::<i32>().cloned()
}

/// Column at a dotted path, with the null masks of the structs on the way merged in.
pub fn nested(batch: &RecordBatch, path: &str) -> Option<ArrayRef> {
    let mut parts = path.split('.');
    let mut array = batch.column_by_name(parts.next()?)?.clone();
    for part in parts {
        let parent: &StructArray = array.as_struct_opt()?;
        let child = parent.column_by_name(part)?.clone();
        array = match parent.nulls() {
            Some(parent_nulls) if parent_nulls.null_count() > 0 => {
                let nulls = arrow::buffer::NullBuffer::union(Some(parent_nulls), child.nulls());
                let data = child.to_data().into_builder().nulls(nulls).build().ok()?;
                arrow::array::make_array(data)
            }
            _ => child,
        };
    }
    Some(array)
}
