//! What a writer left behind is finished: the tables beside `events` are brought up to the last batch that stands.
//!
//! Knows manifests and the order of tables. Must not know what a batch holds.

use crate::error::{Error, Result};
use crate::fault;
use crate::lake::{ATTEMPTS, Lake};
use crate::manifest::{APPLICATION, Manifest};
use crate::schema::{EVENTS, SIDE};
use crate::table::{Change, Committed};
use crate::upkeep::repair::QUARANTINE;

impl Lake {
    /// Brings the tables beside `events` up to the last batch.
    pub(crate) fn catch_up(&mut self) -> Result<()> {
        fault::point("recover.begin");
        for name in SIDE {
            self.catch_up_table(name)?;
        }
        fault::point("recover.end");
        Ok(())
    }

    fn catch_up_table(&mut self, name: &'static str) -> Result<()> {
        for _ in 0..ATTEMPTS {
            let has = self.block_on(self.table(name)?.transaction(APPLICATION))?;
            if has > self.last_batch()? {
                // Another writer is further than our snapshot of `events`; or `events` has lost a commit.
                self.refresh_table(EVENTS)?;
            }
            let mut missing = self.missing(name, self.last_batch()?, has)?;
            let mut conflict = false;
            while let Some(manifest) = missing.pop() {
                fault::point("recover.apply");
                conflict = self.apply(name, &manifest)? == Committed::Conflict;
                if conflict {
                    break;
                }
            }
            if !conflict {
                return Ok(());
            }
        }
        Err(Error::Busy { table: name, attempts: ATTEMPTS })
    }

    /// Commits a batch's files to one table beside `events`.
    pub(crate) fn apply(&mut self, name: &'static str, manifest: &Manifest) -> Result<Committed> {
        let add = manifest.tables.get(name).map_or(&[][..], Vec::as_slice);
        fault::point("side.commit.before");
        let change = Change {
            add,
            remove: &[],
            rows_change: true,
            application: APPLICATION,
            number: manifest.batch,
            also: None,
        };
        let committed = self.commit(name, change)?;
        fault::point("side.commit.after");
        Ok(committed)
    }

    /// Lets the tables beside `events` pass a batch whose manifest cannot be read.
    pub(crate) fn pass_over(&mut self, batch: i64) -> Result<()> {
        let mut previous = None;
        for name in SIDE {
            let has = self.block_on(self.table(name)?.transaction(APPLICATION))?;
            previous = previous.max(has.filter(|has| *has < batch));
        }
        self.block_on(Manifest::replace(self.location(), batch, previous, QUARANTINE))
    }
}
