//! Upkeep of a lake: fewer and better files ([`compact`]), old days gone ([`expire`]), damage found ([`check`]) and
//! mended ([`repair`], [`put_back`]), what is remembered made anew ([`refold`], [`beside`]), and how it all stands ([`status`]).
//!
//! Upkeep never changes what a question gives, but for days that retention takes away. It commits under a name of its
//! own, so that two of its kind meet, and it never waits for writers: whoever is second looks again.

pub mod beside;
pub mod check;
pub mod compact;
pub mod expire;
pub mod put_back;
pub mod refold;
pub mod repair;
pub mod status;

mod temporary;

use std::collections::BTreeSet;

use crate::error::{Error, Result};
use crate::lake::{ATTEMPTS, Lake};
use crate::manifest::number_after;
use crate::table::{Change, Committed, DataFile};

/// The application under whose name upkeep commits.
const APPLICATION: &str = "trailhound-upkeep";

impl Lake {
    /// Commits a change of files, if all of `remove` still stand; `false` if somebody else has taken one away.
    pub(crate) fn exchange(
        &mut self,
        table: &'static str,
        remove: &[DataFile],
        add: &[DataFile],
        rows_change: bool,
    ) -> Result<bool> {
        self.exchange_and(table, (remove, add), rows_change, None)
    }

    /// [`Lake::exchange`] on exactly the snapshot that was looked at: `false` if anybody has committed meanwhile. For rows
    /// that were counted in it.
    fn exchange_now(&mut self, table: &'static str, remove: &[DataFile], add: &[DataFile]) -> Result<bool> {
        let number = number_after(self.block_on(self.table(table)?.transaction(APPLICATION))?);
        let change = Change { add, remove, rows_change: true, application: APPLICATION, number, also: None };
        Ok(self.commit(table, change)? == Committed::Yes)
    }

    /// [`Lake::exchange`] with a mark that stands with it.
    fn exchange_and(
        &mut self,
        table: &'static str,
        (remove, add): (&[DataFile], &[DataFile]),
        rows_change: bool,
        also: Option<(&str, i64)>,
    ) -> Result<bool> {
        for _ in 0..ATTEMPTS {
            let stand: BTreeSet<_> = self.files(table)?.into_iter().map(|file| file.path).collect();
            if !remove.iter().all(|file| stand.contains(&file.path)) {
                return Ok(false);
            }
            let number = number_after(self.block_on(self.table(table)?.transaction(APPLICATION))?);
            let change = Change { add, remove, rows_change, application: APPLICATION, number, also };
            if self.commit(table, change)? == Committed::Yes {
                return Ok(true);
            }
        }
        Err(Error::Busy { table, attempts: ATTEMPTS })
    }
}
