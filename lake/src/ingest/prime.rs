//! What the lake holds already of the days that a scan brings: told to [`Seen`], so that its duplicates are dropped.
//!
//! The copies of an event carry the same `eventTime` (it is part of the event), so a copy can only be in the day of
//! the event, and only the days that come up are read: two columns of them, once a run.

use std::collections::BTreeSet;

use arrow::array::{AsArray, BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::datatypes::Date32Type;
use ingest::seen::Seen;

use crate::days;
use crate::error::{Error, Result};
use crate::fault;
use crate::lake::Lake;
use crate::schema::{EVENTS, PARTITION};

use super::Ingest;
use super::known::{remember, temporary};
use crate::location::Aws;

impl Ingest<'_> {
    /// Tells `seen` what the lake holds of the days in this batch, and what others have committed meanwhile.
    pub(super) fn prime(&mut self, batch: &RecordBatch, seen: &mut Seen) -> Result<()> {
        // A repair takes rows of the damaged files' days alone.
        if self.repair.is_none() {
            self.outcome.expired += keep_out(batch, self.keep, seen)?;
        }
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
    keep: Option<i32>,
}

impl Prime {
    /// Opens a lake that is there.
    ///
    /// # Errors
    /// As [`Lake::open`].
    pub fn open(place: &str, aws: &Aws) -> Result<Prime> {
        let lake = Lake::open_tables(place, aws, &|_| false)?;
        let keep = lake.kept_from()?;
        Ok(Prime { lake, primed: BTreeSet::new(), keep })
    }

    /// Tells `seen` what the lake holds of the days in this batch that have not come up before.
    ///
    /// # Errors
    /// The lake cannot be read.
    pub fn tell(&mut self, batch: &RecordBatch, seen: &mut Seen) -> Result<()> {
        keep_out(batch, self.keep, seen)?;
        let fresh: BTreeSet<_> = days::of(batch).into_iter().filter(|day| !self.primed.contains(day)).collect();
        if fresh.is_empty() {
            return Ok(());
        }
        self.lake.refresh()?;
        self.keep = self.lake.kept_from()?;
        for file in self.lake.files(EVENTS)? {
            if fresh.contains(&file.event_date) {
                remember(&self.lake, &file, seen)?;
            }
        }
        self.primed.extend(fresh);
        Ok(())
    }
}

/// Tells `seen` the events of a batch that are of days which an expiry took away; how many there are. The lake had them, or would
/// have had them: what it remembers of those days must not be folded twice.
fn keep_out(batch: &RecordBatch, keep: Option<i32>, seen: &mut Seen) -> Result<u64> {
    let days = batch.column_by_name(PARTITION).and_then(|column| column.as_primitive_opt::<Date32Type>());
    let (Some(first), Some(days)) = (keep, days) else { return Ok(0) };
    let old: BooleanArray = days.iter().map(|day| Some(day.is_some_and(|day| day < first))).collect();
    if old.true_count() == 0 {
        return Ok(0);
    }
    let gone = filter_record_batch(batch, &old).map_err(Error::encode(EVENTS))?;
    seen.remember(&gone).map_err(temporary)?;
    seen.remember_nameless(&gone).map_err(temporary)?;
    Ok(gone.num_rows() as u64)
}
