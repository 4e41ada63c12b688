//! What the lake holds already of the days that a scan brings: told to [`Seen`], so that its duplicates are dropped.
//!
//! The copies of an event carry the same `eventTime` (it is part of the event), so a copy can only be in the day of
//! the event, and only the days that come up are read: two columns of them, once a run.

use std::collections::BTreeSet;

use arrow::array::RecordBatch;
use ingest::seen::{Seen, nameless};

use crate::days;
use crate::error::{Error, Result};
use crate::fault;
use crate::lake::Lake;
use crate::read;
use crate::schema::EVENTS;
use crate::table::DataFile;

use super::Ingest;
use crate::location::Aws;

/// What makes two records one event; `extra` tells an id that is none.
pub(super) const IDENTITY: &[&str] = &["eventid", "recipientaccountid", "extra"];

impl Ingest<'_> {
    /// Tells `seen` what the lake holds of the days in this batch, and what others have committed meanwhile.
    pub(super) fn prime(&mut self, batch: &RecordBatch, seen: &mut Seen) -> Result<()> {
        for file in std::mem::take(&mut self.unread) {
            remember(self.lake, &file, seen)?;
        }
        let fresh: BTreeSet<_> = days::of(batch).into_iter().filter(|day| !self.primed.contains(day)).collect();
        if fresh.is_empty() {
            return Ok(());
        }
        fault::point("dedupe.prime");
        for file in self.lake.files(EVENTS)? {
            if !self.own.contains(&file.path) && !self.is_damaged(&file) && fresh.contains(&file.event_date) {
                remember(self.lake, &file, seen)?;
            }
        }
        self.primed.extend(fresh);
        fault::point("dedupe.primed");
        Ok(())
    }
}

/// A lake's events for whoever looks for duplicates while somebody else writes: days that come up for the first time are
/// read from the lake as it then is.
#[derive(Debug)]
pub struct Prime {
    lake: Lake,
    primed: BTreeSet<Option<i32>>,
}

impl Prime {
    /// Opens a lake that is there.
    ///
    /// # Errors
    /// As [`Lake::open`].
    pub fn open(place: &str, aws: &Aws) -> Result<Prime> {
        Ok(Prime { lake: Lake::open_tables(place, aws, &|_| false)?, primed: BTreeSet::new() })
    }

    /// Tells `seen` what the lake holds of the days in this batch that have not come up before.
    ///
    /// # Errors
    /// The lake cannot be read.
    pub fn tell(&mut self, batch: &RecordBatch, seen: &mut Seen) -> Result<()> {
        let fresh: BTreeSet<_> = days::of(batch).into_iter().filter(|day| !self.primed.contains(day)).collect();
        if fresh.is_empty() {
            return Ok(());
        }
        self.lake.refresh()?;
        for file in self.lake.files(EVENTS)? {
            if fresh.contains(&file.event_date) {
                remember(&self.lake, &file, seen)?;
            }
        }
        self.primed.extend(fresh);
        Ok(())
    }
}

/// Tells `seen` the events of one file; whether some of them have no id.
pub(super) fn remember(lake: &Lake, file: &DataFile, seen: &mut Seen) -> Result<bool> {
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
