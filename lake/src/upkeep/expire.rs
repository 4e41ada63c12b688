//! Retention: whole days of events that are too old leave the table, and files that no table names leave the store.
//!
//! `last_used`, `coverage`, `objects`, `rejects` and `alerts` stay: they are small, and what they remember cannot be made again.

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use futures::TryStreamExt;
use object_store::{ObjectMeta, ObjectStoreExt};

use crate::error::{Error, Result};
use crate::fault;
use crate::lake::Lake;
use crate::manifest::{self, Manifest};
use crate::schema::{BESIDE, EVENTS, SIDE};
use crate::table::DataFile;
use crate::upkeep::temporary;

/// The application transaction whose number is the first day that is kept.
const KEPT: &str = "trailhound-kept-from";

/// What an expiry did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Expired {
    /// Files whose day is too old, taken out of `events`.
    pub files: u64,
    /// Their rows.
    pub rows: u64,
    /// Files that no table names, deleted from the store.
    pub swept: u64,
    /// Their bytes.
    pub swept_bytes: u64,
    /// Files that Delta's log has lost: no table names them, and they are kept for a repair.
    pub lost: u64,
}

impl Lake {
    /// Takes every day before `first` out of `events`, and notes that they are not kept: an ingest leaves events of such days out,
    /// because what the other tables remember of them was folded when they came first. The note only moves forward. Rows
    /// without a time stay.
    ///
    /// # Errors
    /// The log cannot be read or written.
    pub fn expire(&mut self, first: NaiveDate) -> Result<Expired> {
        let first = i32::try_from(first.signed_duration_since(NaiveDate::default()).num_days()).unwrap_or(i32::MIN);
        loop {
            let old: Vec<DataFile> =
                self.files(EVENTS)?.into_iter().filter(|file| file.event_date.is_some_and(|day| day < first)).collect();
            let moves = self.kept_from()?.is_none_or(|kept| kept < first);
            if old.is_empty() && !moves {
                return Ok(Expired::default());
            }
            fault::point("expire.commit.before");
            // A file that compaction has taken away meanwhile is in another one now.
            let mark = moves.then_some((KEPT, i64::from(first)));
            if self.exchange_and(EVENTS, (&old, &[]), true, mark)? {
                fault::point("expire.commit.after");
                let rows = old.iter().map(|file| file.rows).sum();
                return Ok(Expired { files: old.len() as u64, rows, ..Expired::default() });
            }
        }
    }

    /// The first day (since the Unix epoch) whose events are kept, where an expiry has said so.
    pub(crate) fn kept_from(&self) -> Result<Option<i32>> {
        let day = self.block_on(self.table(EVENTS)?.transaction(KEPT))?;
        Ok(day.map(|day| i32::try_from(day).unwrap_or(i32::MAX)))
    }

    /// Deletes files that no table has named for as long as `grace`: what crashes left behind, whole or half written, and
    /// what compaction and expiry took out. Others may belong to a writer that has not committed, or to a reader of an earlier snapshot.
    ///
    /// # Errors
    /// The store refuses to list or to delete.
    pub fn sweep(&mut self, grace: TimeDelta) -> Result<Expired> {
        // First the files, then the tables: what was committed in between is named, and stays.
        let unnamed_before = Utc::now() - grace;
        let mut candidates = Vec::new();
        for table in BESIDE.iter().chain([&EVENTS]) {
            candidates.extend(self.list(table)?.into_iter().filter(|found| found.last_modified < unnamed_before));
        }
        let manifests = self.old_manifests(unnamed_before)?;
        self.refresh()?;
        let mut named = self.named()?;
        named.extend(self.left_since(unnamed_before)?);
        let lost = self.lost_by_the_log()?;
        fault::point("vacuum.before");
        let mut swept = temporary::sweep(self.location(), unnamed_before)?;
        let garbage = candidates.into_iter().filter(|found| !named.contains(found.location.as_ref()));
        for found in garbage.chain(manifests) {
            if lost.contains(found.location.as_ref()) {
                swept.lost += 1;
                continue;
            }
            match self.block_on(self.location().root().delete(&found.location)) {
                Ok(()) => {
                    swept.swept += 1;
                    swept.swept_bytes += found.size;
                }
                // Another sweep was faster.
                Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => return Err(Error::store(found.location.to_string())(error)),
            }
        }
        fault::point("vacuum.after");
        Ok(swept)
    }

    /// Data files in a table's folder, named or not; Delta's log is not among them.
    pub(crate) fn list(&self, within: &str) -> Result<Vec<ObjectMeta>> {
        let folder = self.location().path(within);
        let log = folder.clone().join("_delta_log");
        let all = self.location().root().list(Some(&folder));
        let all: Vec<_> = self.block_on(all.try_collect()).map_err(Error::store(within))?;
        Ok(all.into_iter().filter(|found: &ObjectMeta| !found.location.prefix_matches(&log)).collect())
    }

    /// Paths of every file that a table names, from the root of the store.
    pub(crate) fn named(&self) -> Result<BTreeSet<String>> {
        let mut named = BTreeSet::new();
        for table in BESIDE.iter().chain([&EVENTS]) {
            let files = self.files(table)?;
            named.extend(files.iter().map(|file| self.location().path(&format!("{table}/{}", file.path)).to_string()));
        }
        Ok(named)
    }

    /// Paths of files that a table should name and does not, from the root of the store: nothing else may have their rows.
    fn lost_by_the_log(&self) -> Result<BTreeSet<String>> {
        let mut lost = BTreeSet::new();
        for name in BESIDE.iter().chain([&EVENTS]).filter(|name| self.has(name)) {
            let files = self.astray(name)?.0.lost;
            lost.extend(
                files.iter().map(|(_, file)| self.location().path(&format!("{name}/{}", file.path)).to_string()),
            );
        }
        Ok(lost)
    }

    /// Paths of files that left a table at this moment or later, from the root of the store.
    fn left_since(&self, moment: DateTime<Utc>) -> Result<Vec<String>> {
        let mut left = Vec::new();
        for name in BESIDE.iter().chain([&EVENTS]) {
            let paths = self.block_on(self.table(name)?.left_since(moment.timestamp_millis()))?;
            left.extend(paths.iter().map(|path| self.location().path(&format!("{name}/{path}")).to_string()));
        }
        Ok(left)
    }

    /// Manifests that every table has passed.
    fn old_manifests(&self, before: DateTime<Utc>) -> Result<Vec<ObjectMeta>> {
        let mut passed = self.last_batch()?.unwrap_or_default();
        for table in SIDE {
            let has = self.block_on(self.table(table)?.transaction(manifest::APPLICATION))?;
            passed = passed.min(has.unwrap_or_default());
        }
        let number = |found: &ObjectMeta| Manifest::batch_of(found.location.filename()?);
        let all = self.list(manifest::FOLDER)?;
        Ok(all.into_iter().filter(|m| m.last_modified < before && number(m).is_some_and(|n| n < passed)).collect())
    }
}
