//! One data file of `events` and what [`Seen`] knows: told to it, or written anew without it.
//!
//! Two passes over a file, because only the first tells whether the second is needed. Must not know whose file it is.

use arrow::array::RecordBatch;
use ingest::batch;
use ingest::seen::{Seen, nameless, without};

use crate::encode::{FileWriter, Layout};
use crate::error::{Error, Result};
use crate::lake::Lake;
use crate::read;
use crate::schema::EVENTS;
use crate::stage::store;
use crate::table::DataFile;

/// What makes two records one event; `extra` tells an id that is none.
const IDENTITY: &[&str] = &["eventid", "recipientaccountid", "extra"];

/// Tells `seen` the events of one file; whether some of them have no id.
pub(crate) fn remember(lake: &Lake, file: &DataFile, seen: &mut Seen) -> Result<bool> {
    let mut has_nameless = false;
    read::file(lake, EVENTS, file, Some(IDENTITY), &mut |batch| {
        has_nameless |= !nameless(&batch).is_empty();
        seen.remember(&batch).map_err(temporary)
    })?;
    if has_nameless {
        // What they say is in all columns.
        read::file(lake, EVENTS, file, None, &mut |batch| seen.remember_nameless(&batch).map_err(temporary))?;
    }
    Ok(has_nameless)
}

/// An error of `seen`.
pub(super) fn temporary(source: std::io::Error) -> Error {
    Error::Io { what: "temporary files for duplicates".to_owned(), source }
}

/// A file of `events` written anew without the rows that `seen` knows, with no rows where it knows all; `None` where it
/// knows none. `gone` hears of the object of each row that stays out.
pub(crate) fn without_known(
    lake: &Lake,
    file: &DataFile,
    seen: &mut Seen,
    has_nameless: bool,
    gone: &mut dyn FnMut(&str),
) -> Result<Option<DataFile>> {
    let mut known = Vec::new();
    read::file(lake, EVENTS, file, (!has_nameless).then_some(IDENTITY), &mut |batch| {
        let mut rows = seen.duplicates(&batch).map_err(temporary)?;
        if has_nameless {
            rows.extend(seen.nameless_duplicates(&batch).map_err(temporary)?);
            rows.sort_unstable();
        }
        known.push(rows);
        Ok(())
    })?;
    if known.iter().all(Vec::is_empty) {
        return Ok(None);
    }
    let mut writer = FileWriter::new(EVENTS, &lake.spec(EVENTS).schema, Layout::Fresh)?;
    let mut known = known.into_iter();
    read::file(lake, EVENTS, file, None, &mut |batch: RecordBatch| {
        let rows = known.next().unwrap_or_default();
        let sources = batch::text(&batch, "source_object");
        rows.iter().for_each(|row| gone(sources.get(*row).unwrap_or_default()));
        let parts = without(&batch, &rows).map_err(Error::encode(EVENTS))?;
        parts.iter().try_for_each(|part| writer.write(part))
    })?;
    store(lake.location(), lake.handle(), EVENTS, Some(file.event_date), writer.finish()?).map(Some)
}
