//! The builder of one slot, by the kind of its column.

use arrow::array::ArrayRef;
use arrow::error::ArrowError;

use super::bits::Mask;
use super::dictionary::Dictionary;
use super::list::ResourceList;
use super::repeats::{Repeats, Spread};
use super::scalar::{Boolean, Times};
use super::text::Text;
use crate::schema::{Column, Kind};

/// Builds the column of one slot.
#[derive(Debug)]
pub(super) enum Builder {
    Text(Text),
    Json(Text),
    Dictionary(Box<Dictionary>),
    Boolean(Boolean),
    Times(Times),
    /// A struct column: its fields' builders have a row for each distinct text.
    Repeats(Repeats),
    /// A struct in a struct.
    Struct(Mask),
    List(ResourceList),
}

impl Builder {
    pub(super) fn new(column: &Column, top: bool) -> Self {
        match column.kind {
            Kind::Text => Builder::Text(Text::new()),
            Kind::Json => Builder::Json(Text::new()),
            Kind::Dictionary => Builder::Dictionary(Box::new(Dictionary::new())),
            Kind::Boolean => Builder::Boolean(Boolean::default()),
            Kind::Timestamp | Kind::Date => Builder::Times(Times::default()),
            Kind::Struct(_) if top => Builder::Repeats(Repeats::new()),
            Kind::Struct(_) => Builder::Struct(Mask::default()),
            Kind::List(_) => Builder::List(ResourceList::new()),
        }
    }

    /// Whether no row has a value; false where that is not known yet.
    pub(super) fn is_empty(&self) -> bool {
        match self {
            Builder::Text(text) | Builder::Json(text) => text.is_empty(),
            Builder::Dictionary(dictionary) => dictionary.is_empty(),
            Builder::Struct(mask) => mask.marked() == 0,
            _ => false,
        }
    }
}

/// The column of a builder without fields, which has a row for each entry.
pub(super) fn gather(builder: &mut Builder, spread: &Spread) -> Result<ArrayRef, ArrowError> {
    match builder {
        Builder::Text(text) | Builder::Json(text) => text.gather(spread),
        Builder::Dictionary(dictionary) => dictionary.gather(spread),
        Builder::Boolean(boolean) => Ok(boolean.gather(spread)),
        builder => arrow::compute::take(&finish(builder, spread.count)?, &spread.entries, None),
    }
}

/// The column of a builder without fields, which has a row for each row.
pub(super) fn finish(builder: &mut Builder, rows: usize) -> Result<ArrayRef, ArrowError> {
    match builder {
        Builder::Text(text) | Builder::Json(text) => text.finish(rows),
        Builder::Dictionary(dictionary) => dictionary.finish(rows),
        Builder::Boolean(boolean) => Ok(boolean.finish(rows)),
        Builder::List(list) => list.finish(rows),
        Builder::Times(times) => times.finish(rows).map(|[times, _]| times),
        Builder::Struct(_) | Builder::Repeats(_) => Err(ArrowError::SchemaError("a struct has fields".into())),
    }
}
