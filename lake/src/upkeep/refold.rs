//! What the tables beside `events` remember of its rows, made anew from them: for a lake whose memory an older version made
//! by other rules, or did not make.
//!
//! The caller folds; this sees to it that what goes in belongs to exactly those batches whose rows go out. A writer that
//! commits meanwhile adds rows of its own to both. Must not know what rows mean.

use arrow::array::RecordBatch;

use crate::error::{Error, Result};
use crate::fault;
use crate::lake::{ATTEMPTS, Lake};
use crate::schema::{ACTIVITY, COVERAGE, EVENTS, LAST_USED};
use crate::stage::store_rows;
use crate::table::DataFile;

/// The files that remember a lake's events, as long as no batch is added.
#[derive(Debug, Clone)]
pub struct Memory {
    /// Batches whose events they are of.
    pub batches: u64,
    last_used: Vec<DataFile>,
    activity: Vec<DataFile>,
}

impl Lake {
    /// Moves to the newest snapshot and says what remembers its events; [`Lake::events`] then gives those events. Wants a lake
    /// that was opened for writing.
    ///
    /// # Errors
    /// The log cannot be read; writers never stop.
    pub fn memory(&mut self) -> Result<Memory> {
        for _ in 0..ATTEMPTS {
            self.refresh()?;
            self.catch_up()?;
            let last = self.last_batch()?;
            self.refresh()?;
            // A batch's rows here come after its events: while the last batch is the same, none are of a later one.
            if self.last_batch()? == last {
                let (last_used, activity) = (self.files(LAST_USED)?, self.files(ACTIVITY)?);
                return Ok(Memory { batches: self.batches()?, last_used, activity });
            }
        }
        Err(Error::Busy { table: EVENTS, attempts: ATTEMPTS })
    }

    /// Whether events have left the lake that the memory still knows of: a fold of what is there would forget them.
    ///
    /// # Errors
    /// A file cannot be read.
    pub fn has_lost_events(&self) -> Result<bool> {
        // What has no time is of no day, and is counted nowhere.
        let there = self.rows_of_days()?;
        let is_there = |(day, had): (&i32, &u64)| there.get(day).is_some_and(|rows| rows >= had);
        Ok(there.values().sum::<u64>() < self.counted(COVERAGE)? || !self.had_before()?.iter().all(is_there))
    }

    /// Puts new rows in the place of a memory; `false` if somebody else changed its files meanwhile.
    ///
    /// # Errors
    /// A file or a commit cannot be written.
    pub fn remember(&mut self, old: &Memory, last_used: &RecordBatch, activity: &[RecordBatch]) -> Result<bool> {
        fault::point("refold.begin");
        let facts = self.stored(LAST_USED, std::slice::from_ref(last_used))?;
        let rest = self.stored(ACTIVITY, activity)?;
        // The facts first: until the other table says by which rules they were made, nobody takes them for whole.
        fault::point("refold.commit.before");
        if !self.exchange(LAST_USED, &old.last_used, &facts, true)? {
            return Ok(false);
        }
        fault::point("refold.commit.between");
        self.exchange(ACTIVITY, &old.activity, &rest, true)
    }

    fn stored(&self, table: &'static str, rows: &[RecordBatch]) -> Result<Vec<DataFile>> {
        let schema = self.spec(table).schema;
        Ok(store_rows(self.location(), self.handle(), table, &schema, rows)?.into_iter().collect())
    }
}
