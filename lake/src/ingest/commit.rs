//! A batch becomes part of the lake: its manifest is written, Delta's commit of `events` makes it stand, the other
//! tables follow.
//!
//! Another writer may commit first. If that was only upkeep, the same files are committed again on top of it. If it
//! brought events, those that are ours too are taken out of our staged files before the next attempt.

use std::collections::{BTreeMap, BTreeSet};

use ingest::seen::Seen;

use crate::error::{Error, Result};
use crate::fault;
use crate::lake::ATTEMPTS;
use crate::manifest::{APPLICATION, Manifest, number_after};
use crate::rows::{self, Object};
use crate::schema::{ACTIVITY, ALERTS, COVERAGE, EVENTS, LAST_USED, OBJECTS, REJECTS};
use crate::stage::store_rows;
use crate::table::{Change, Committed, DataFile};

use super::Ingest;
use super::known::{remember, without_known};

impl Ingest<'_> {
    /// Commits everything since the last time. Objects must be whole.
    pub(super) fn commit(&mut self) -> Result<()> {
        let mut files = self.stage.finish()?;
        let mut objects = std::mem::take(&mut self.objects);
        if files.is_empty() && objects.is_empty() && self.alerts.is_empty() && self.repair.is_none() {
            return Ok(());
        }
        self.rows = 0;
        let mut side = self.side(&objects)?;
        for _ in 0..ATTEMPTS {
            let previous = self.lake.last_batch()?;
            if self.catch_others(&mut files, &mut objects)? {
                side = self.side(&objects)?;
            }
            let manifest = Manifest { batch: number_after(previous), previous, tables: side.clone() };
            if let Some(state) = &self.state {
                self.lake.keep_state(state, manifest.batch)?;
            }
            fault::point("manifest.before");
            if !self.lake.block_on(manifest.write(self.lake.location()))? {
                // Another writer of this turn has drawn the same number.
                continue;
            }
            fault::point("manifest.after");
            if self.stand(&files, &manifest)? {
                self.own.extend(files.iter().map(|file| file.path.clone()));
                self.known.extend(files.into_iter().map(|file| file.path));
                self.alerts.clear();
                if let Some(state) = self.state.take() {
                    self.lake.drop_states(&state, manifest.batch)?;
                }
                self.outcome.commits += 1;
                self.outcome.version = self.lake.version();
                self.keep = self.lake.kept_from()?;
                return self.lake.catch_up();
            }
        }
        Err(Error::Busy { table: EVENTS, attempts: ATTEMPTS })
    }

    /// Commits the files under the manifest's number; `false` if another batch came first.
    fn stand(&mut self, files: &[DataFile], manifest: &Manifest) -> Result<bool> {
        loop {
            fault::point("commit.before");
            let number = manifest.batch;
            let remove = self.leaving()?;
            let change =
                Change { add: files, remove: &remove, rows_change: true, application: APPLICATION, number, also: None };
            if self.lake.commit(EVENTS, change)? == Committed::Yes {
                fault::point("commit.after");
                return Ok(true);
            }
            if self.lake.last_batch()? != manifest.previous {
                return Ok(false);
            }
        }
    }

    /// Damaged files that leave with this commit; another repair may have taken some already.
    fn leaving(&self) -> Result<Vec<DataFile>> {
        match &self.repair {
            Some(_) => Ok(self.lake.files(EVENTS)?.into_iter().filter(|file| self.is_damaged(file)).collect()),
            None => Ok(Vec::new()),
        }
    }

    /// Stages the batch's rows of the tables beside `events`.
    fn side(&mut self, objects: &[Object]) -> Result<BTreeMap<String, Vec<DataFile>>> {
        fault::point("side.encode");
        // Of this batch: a process that never ends began weeks ago.
        self.now = chrono::Utc::now().timestamp_micros();
        let encode = |table| Error::encode::<arrow::error::ArrowError>(table);
        let counted = rows::one_batch().map_err(encode(ACTIVITY))?;
        let told = self.told(objects)?;
        // What a repair brings back was folded when it came first.
        let tables = if self.repair.is_some() {
            vec![(ACTIVITY, vec![counted])]
        } else {
            vec![
                (OBJECTS, vec![rows::objects(objects, self.now).map_err(encode(OBJECTS))?]),
                (REJECTS, vec![rows::rejects(objects, &told, self.now).map_err(encode(REJECTS))?]),
                (COVERAGE, vec![self.coverage.take().map_err(encode(COVERAGE))?]),
                (ACTIVITY, vec![self.last_used.activity(), counted]),
                (LAST_USED, vec![self.last_used.take()]),
                (ALERTS, self.alerts.clone()),
            ]
        };
        fault::point("batch.folded");
        let mut side = BTreeMap::new();
        for (table, batches) in tables {
            let schema = self.lake.spec(table).schema;
            let file = store_rows(self.lake.location(), self.lake.handle(), table, &schema, &batches)?;
            side.insert(table.to_owned(), file.into_iter().collect());
        }
        fault::point("side.stored");
        Ok(side)
    }

    /// Looks at what others have committed since: whether our staged files lost rows to it.
    fn catch_others(&mut self, files: &mut Vec<DataFile>, objects: &mut [Object]) -> Result<bool> {
        let theirs: Vec<_> =
            self.lake.files(EVENTS)?.into_iter().filter(|file| !self.known.contains(&file.path)).collect();
        self.known.extend(theirs.iter().map(|file| file.path.clone()));
        self.unread.extend(theirs.iter().filter(|file| self.primed.contains(&file.event_date)).cloned());
        let days: BTreeSet<_> = files.iter().map(|file| file.event_date).collect();
        let mut seen = Seen::new();
        let (mut shared, mut has_nameless) = (false, false);
        for file in theirs.iter().filter(|file| days.contains(&file.event_date)) {
            has_nameless |= remember(self.lake, file, &mut seen)?;
            shared = true;
        }
        if !shared {
            return Ok(false);
        }
        let mut lost = BTreeMap::new();
        for file in files.iter_mut() {
            let fresh = without_known(self.lake, file, &mut seen, has_nameless, &mut |source| {
                *lost.entry(source.to_owned()).or_insert(0_u64) += 1;
            })?;
            fresh.into_iter().for_each(|fresh| *file = fresh);
        }
        files.retain(|file| file.rows > 0);
        for object in objects.iter_mut() {
            let gone = lost.get(&object.totals.object).copied().unwrap_or_default();
            object.totals.rows = object.totals.rows.saturating_sub(gone);
            object.totals.duplicates += gone;
        }
        let gone: u64 = lost.values().sum();
        self.outcome.lost_to_others += gone;
        self.outcome.repaired = self.outcome.repaired.saturating_sub(gone);
        if gone > 0 {
            self.fold_again(files)?;
        }
        Ok(gone > 0)
    }
}
