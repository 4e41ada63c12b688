//! What the tables beside `events` keep of a batch's rows, folded: each row once in the lake's life.
//!
//! A row that a repair gave up was folded when it came first; when it comes back, only the ledger hears of it. Must not know
//! what the folds mean.

use arrow::array::RecordBatch;
use arrow::compute::{filter_record_batch, not};

use super::{Ingest, LastUsed};
use crate::coverage::Coverage;
use crate::error::{Error, Result};
use crate::given_up::GivenUp;
use crate::read;
use crate::schema::EVENTS;
use crate::table::DataFile;

/// Folds rows.
pub(super) fn fold(
    given_up: &GivenUp,
    coverage: &mut Coverage,
    last_used: &mut dyn LastUsed,
    events: &RecordBatch,
) -> Result<()> {
    let Some(known) = given_up.rows(events) else {
        coverage.observe(events);
        last_used.observe(events);
        return Ok(());
    };
    let encode = Error::encode::<arrow::error::ArrowError>;
    coverage.note_times(&filter_record_batch(events, &known).map_err(encode(EVENTS))?);
    let fresh = not(&known).and_then(|fresh| filter_record_batch(events, &fresh)).map_err(encode(EVENTS))?;
    if fresh.num_rows() > 0 {
        coverage.observe(&fresh);
        last_used.observe(&fresh);
    }
    Ok(())
}

impl Ingest<'_> {
    /// Folds the staged rows anew, because some are gone.
    pub(super) fn fold_again(&mut self, files: &[DataFile]) -> Result<()> {
        let _ = (self.coverage.take(), self.last_used.take());
        for file in files {
            let (given_up, coverage, last_used) = (&self.given_up, &mut self.coverage, &mut *self.last_used);
            read::file(self.lake, EVENTS, file, None, &mut |batch| fold(given_up, coverage, last_used, &batch))?;
        }
        Ok(())
    }
}
