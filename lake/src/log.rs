//! Delta's log as files: whether a commit of it is missing, empty or no JSON, and whether `events` has lost batches that the
//! tables beside it know. Delta's own reader passes over an empty commit as if nothing had been written, and says not which
//! one it cannot read.
//!
//! Must not know what a commit's actions mean.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt};
use serde::Serialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use crate::anew;
use crate::error::{Error, Result};
use crate::kept;
use crate::lake::Lake;
use crate::location::Location;
use crate::manifest::{self, APPLICATION, Manifest};
use crate::said;
use crate::schema::{self, BESIDE, EVENTS, OBJECTS, SIDE};
use crate::table::Table;
use crate::upkeep::beside::COUNTING;

/// A file of a log, or of a batch, that is not what was written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct LogFault {
    /// The file, within the lake.
    pub file: String,
    /// What is wrong.
    pub why: String,
    /// Whether a repair mends it.
    #[serde(rename = "mendable")]
    pub is_mendable: bool,
    /// Whether the lake keeps a copy of the file.
    #[serde(skip)]
    pub(crate) is_kept: bool,
}

impl LogFault {
    fn new(file: String, why: String) -> LogFault {
        LogFault { file, why, is_mendable: false, is_kept: false }
    }

    pub(crate) fn mendable(file: String, why: String) -> LogFault {
        LogFault { is_mendable: true, ..LogFault::new(file, why) }
    }

    /// The fault of a commit of `events`, of which there may be a copy.
    async fn with_copy(self, location: &Location, version: u64) -> LogFault {
        let is_kept = kept::copy(location, version).await.is_some();
        LogFault { is_mendable: self.is_mendable || is_kept, is_kept, ..self }
    }

    pub(crate) fn into_error(self) -> Error {
        match self.is_mendable {
            true if self.is_kept => Error::Kept { file: self.file, why: self.why },
            true => Error::Commit { file: self.file, why: self.why },
            false if !self.file.starts_with(EVENTS) => Error::Beside { file: self.file, why: self.why },
            false => Error::Log { file: self.file, why: self.why },
        }
    }
}

pub(crate) fn folder(table: &str) -> String {
    format!("{table}/_delta_log")
}

pub(crate) fn commit(table: &str, version: u64) -> String {
    format!("{}/{version:020}.json", folder(table))
}

/// The commits that a reader of the table needs, with their bytes: those after the newest checkpoint. And the first of them
/// that there must be.
async fn commits(location: &Location, table: &str) -> Result<(u64, BTreeMap<u64, u64>)> {
    let path = location.path(&folder(table));
    let all: Vec<_> = location.root().list(Some(&path)).try_collect().await.map_err(Error::store(folder(table)))?;
    let (mut first, mut found) = (0, BTreeMap::new());
    for file in &all {
        let Some((number, kind)) = file.location.filename().and_then(|name| name.split_once('.')) else { continue };
        let Some(version) = number.parse::<u64>().ok().filter(|_| number.len() == 20) else { continue };
        if kind == "json" {
            found.insert(version, file.size);
        } else if kind.starts_with("checkpoint") && kind.ends_with(".parquet") {
            first = first.max(version + 1);
        }
    }
    Ok((first, found.split_off(&first)))
}

/// Commits read at once.
const READS: usize = 16;

/// Every commit that is there, in their order, also those that a checkpoint sums up. One that is swept away meanwhile is left out.
pub(crate) async fn every_commit(location: &Location, table: &str) -> Result<Vec<(u64, Bytes)>> {
    let path = location.path(&folder(table));
    let all: Vec<_> = location.root().list(Some(&path)).try_collect().await.map_err(Error::store(folder(table)))?;
    let version = |file: &ObjectMeta| file.location.filename()?.strip_suffix(".json")?.parse::<u64>().ok();
    let mut versions: Vec<_> = all.iter().filter_map(version).collect();
    versions.sort_unstable();
    let read = |version| async move { (version, location.get(&commit(table, version)).await) };
    let mut read = futures::stream::iter(versions).map(read).buffered(READS);
    let mut commits = Vec::new();
    while let Some((version, bytes)) = read.next().await {
        match bytes {
            Ok(bytes) => commits.push((version, bytes)),
            Err(Error::Store { source: object_store::Error::NotFound { .. }, .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(commits)
}

/// Commits that are missing or empty.
pub(crate) async fn holes(location: &Location, table: &str) -> Result<Vec<LogFault>> {
    let (first, commits) = commits(location, table).await?;
    let last = commits.last_key_value().map_or(first, |(version, _)| *version + 1);
    let why = |version: u64| match commits.get(&version) {
        None => Some("the commit is missing"),
        Some(0) => Some("the commit is empty"),
        Some(_) => None,
    };
    let mut faults = Vec::new();
    for (version, why) in (first..last).filter_map(|version| Some((version, why(version)?))) {
        let fault = LogFault::new(commit(table, version), why.to_owned());
        faults.push(if table == EVENTS { fault.with_copy(location, version).await } else { fault });
    }
    Ok(faults)
}

/// Whether a commit in a folder is empty. One that nobody may look into has none.
fn has_empty_commit(folder: &Path) -> bool {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut commits = entries.filter(|entry| entry.file_name().to_str().is_some_and(|name| name.ends_with(".json")));
    commits.any(|commit| commit.metadata().is_ok_and(|found| found.len() == 0))
}

/// The batches that commits mark.
fn marks(commits: &[(u64, Bytes)]) -> BTreeSet<i64> {
    let lines = commits.iter().flat_map(|(_, bytes)| bytes.split(|byte| *byte == b'\n'));
    let marks = lines.filter_map(|line| {
        let said: Value = serde_json::from_slice(line).ok()?;
        let mark = said.get("txn").filter(|mark| mark["appId"] == APPLICATION)?;
        mark["version"].as_i64()
    });
    marks.collect()
}

/// What a line of a commit can say ("Delta Transaction Log Protocol", actions). Readers pass over a line that says something
/// else, and with it over the file that it named.
const ACTIONS: &[&str] = &["add", "remove", "commitInfo", "txn", "protocol", "metaData", "cdc", "domainMetadata"];

/// Lines of commits that say nothing that Delta knows, in commits that do not say of themselves what they do.
async fn strangers(location: &Location, table: &str) -> Result<Vec<LogFault>> {
    let mut faults = Vec::new();
    for version in commits(location, table).await?.1.into_keys() {
        let file = commit(table, version);
        let bytes = location.get(&file).await?;
        if said::by(&bytes).is_some() {
            continue;
        }
        for (number, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
            let said: Option<BTreeMap<String, IgnoredAny>> = serde_json::from_slice(line).ok();
            let is_known = said.is_none_or(|said| said.keys().all(|action| ACTIONS.contains(&action.as_str())));
            if !is_known {
                let why =
                    format!("line {} says nothing that Delta knows, so a file that it named is left out", number + 1);
                faults.push(LogFault::new(file.clone(), why));
            }
        }
    }
    Ok(faults)
}

/// The checkpoint that keeps a table from opening although all its commits are there: what a reader looks at first, and the
/// files that are to be set aside.
pub(crate) async fn checkpoint(location: &Location, table: &str) -> Result<Option<(String, Vec<String>)>> {
    let path = location.path(&folder(table));
    let all: Vec<_> = location.root().list(Some(&path)).try_collect().await.map_err(Error::store(folder(table)))?;
    let names: BTreeSet<&str> = all.iter().filter_map(|file| file.location.filename()).collect();
    let is_checkpoint = |name: &&&str| **name == HINT || name.contains(".checkpoint.");
    let files: Vec<_> = names.iter().filter(is_checkpoint).map(|name| format!("{}/{name}", folder(table))).collect();
    let commits = names.iter().filter_map(|name| name.strip_suffix(".json")?.parse::<u64>().ok());
    let is_whole = commits.enumerate().try_fold(0, |_, (place, version)| (place as u64 == version).then_some(version));
    let newest = files.iter().rfind(|file| file.ends_with(".parquet")).or(files.first()).cloned();
    Ok(is_whole.and(newest).map(|newest| (newest, files)))
}

/// The first commit that a reader needs: the one after the newest checkpoint.
pub(crate) async fn first_needed(location: &Location, table: &str) -> Result<u64> {
    Ok(commits(location, table).await?.0)
}

/// What names the newest checkpoint.
const HINT: &str = "_last_checkpoint";

/// Commits that a reader needs and cannot read, each as it was before, if it says of itself what it does.
pub(crate) async fn unreadable(location: &Location, table: &'static str) -> Result<Vec<(LogFault, Vec<u8>)>> {
    let mut found = Vec::new();
    for version in commits(location, table).await?.1.into_keys() {
        let file = commit(table, version);
        let bytes = location.get(&file).await?;
        let anew = anew::fault(&bytes).zip(anew::commit(&bytes, &schema::spec(table)));
        found.extend(anew.map(|(why, anew)| (LogFault::mendable(file, why), anew)));
    }
    Ok(found)
}

/// Why a table that does not open does not, if a commit of it is the reason.
pub(crate) async fn culprit(location: &Location, table: &'static str) -> Result<Option<LogFault>> {
    if let Some(hole) = holes(location, table).await?.into_iter().next() {
        return Ok(Some(hole));
    }
    for version in commits(location, table).await?.1.into_keys() {
        let file = commit(table, version);
        let bytes = location.get(&file).await?;
        if let Some(why) = anew::fault(&bytes) {
            let is_mendable = anew::commit(&bytes, &schema::spec(table)).is_some();
            let fault = LogFault { is_mendable, ..LogFault::new(file, why) };
            return Ok(Some(if table == EVENTS { fault.with_copy(location, version).await } else { fault }));
        }
    }
    Ok(None)
}

impl Lake {
    /// Everything that is wrong with the logs of the tables that are open, and with batches that are not finished.
    pub(crate) fn log_faults(&self) -> Result<Vec<LogFault>> {
        let mut faults = Vec::new();
        for table in std::iter::once(&EVENTS).chain(BESIDE).filter(|table| self.has(table)) {
            let is_mendable = COUNTING.contains(table);
            let holes = self.block_on(holes(self.location(), table))?;
            faults.extend(holes.into_iter().map(|f| LogFault { is_mendable: is_mendable || f.is_mendable, ..f }));
            faults.extend(self.block_on(strangers(self.location(), table))?);
        }
        // Opened after the others, so that a writer who commits meanwhile is not taken for a fault.
        let events = self.block_on(Table::open(self.location(), schema::spec(EVENTS)))?;
        let last = match &events {
            Some(events) => self.block_on(events.transaction(APPLICATION))?,
            None => None,
        };
        for table in SIDE.iter().filter(|table| self.has(table)) {
            let has = self.block_on(self.table(table)?.transaction(APPLICATION))?;
            match self.missing(table, last, has) {
                Ok(_) => {}
                Err(Error::Manifest { file, why, .. }) => faults.push(LogFault::mendable(file, why)),
                Err(Error::Log { file, why }) => faults.push(LogFault::new(file, why)),
                Err(error) => return Err(error),
            }
        }
        faults.sort_unstable();
        faults.dedup();
        Ok(faults)
    }

    /// The batches that a table beside `events` does not have yet, the newest first: those of the chain from the last one of
    /// `events` to the one that the table has.
    pub(crate) fn missing(&self, table: &'static str, last: Option<i64>, has: Option<i64>) -> Result<Vec<Manifest>> {
        let mut missing = Vec::new();
        let mut next = last;
        while let Some(batch) = next.filter(|batch| has.is_none_or(|has| *batch > has)) {
            let manifest = match self.block_on(Manifest::read(self.location(), batch)) {
                Ok(manifest) => manifest,
                // A table that came with this version is in no manifest of before, and those that all other tables
                // have passed are swept away.
                Err(Error::Manifest { is_missing: true, .. }) if has.is_none() && !missing.is_empty() => {
                    return Ok(missing);
                }
                Err(Error::Manifest { is_missing: true, .. }) if self.is_passed(batch)? => return Ok(missing),
                Err(error) => return Err(error),
            };
            next = manifest.previous;
            // Of those that bring nothing only the last one says something: that the table has passed it.
            let brings = manifest.tables.get(table).is_some_and(|files| !files.is_empty());
            if brings || missing.is_empty() {
                missing.push(manifest);
            }
        }
        match has {
            Some(has) if next != Some(has) => Err(self.behind(table)?.into_error()),
            _ => Ok(missing),
        }
    }

    /// Whether a table beside `events` has a batch already: its manifest may have been swept away then.
    fn is_passed(&self, batch: i64) -> Result<bool> {
        for table in SIDE.iter().filter(|table| self.has(table)) {
            if self.block_on(self.table(table)?.transaction(APPLICATION))?.is_some_and(|has| has >= batch) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// `events` does not know a batch that this table has.
    fn behind(&self, table: &str) -> Result<LogFault> {
        let next = self.version() + 1;
        let hole = match self.block_on(holes(self.location(), EVENTS))?.pop() {
            Some(hole) => hole,
            None => {
                let end = LogFault::new(folder(EVENTS), "commits are missing at its end".to_owned());
                self.block_on(end.with_copy(self.location(), next))
            }
        };
        let why = format!("{}, and the table {table} has a batch that `events` has lost with it", hole.why);
        Ok(LogFault { why, ..hole })
    }

    /// Refuses a lake whose newest commit of `events` is empty, if a batch was lost with it. A power cut leaves such a commit
    /// behind too, and then nothing was.
    pub(crate) fn refuse_lost(&self) -> Result<()> {
        let file = commit(EVENTS, self.version());
        let head = self.block_on(self.location().root().head(&self.location().path(&file)));
        // Where only its checkpoint is left, the commit is in that.
        if head.map_or(true, |found| found.size > 0) {
            return Ok(());
        }
        self.lost_batch()?.map_or(Ok(()), |lost| Err(lost.into_error()))
    }

    /// Refuses a lake whose table `events` is gone while others have batches of it: it is no place where a lake is yet to be made.
    pub(crate) fn refuse_headless(&self) -> Result<()> {
        for table in SIDE {
            let Some(table) = self.block_on(Table::open(self.location(), schema::spec(table)))? else { continue };
            if self.block_on(table.transaction(APPLICATION))?.is_some() {
                let why = format!("all commits are gone, and the table {} has batches of them", table.spec.name);
                let fault = LogFault::new(folder(EVENTS), why);
                return Err(self.block_on(fault.with_copy(self.location(), 0)).into_error());
            }
        }
        Ok(())
    }

    /// What is wrong where `events` has lost a batch at its end: the commit is missing, and nothing in its log says so. Readers
    /// ask, because they would answer without those events. As long as no batch was begun after the last one of `events`,
    /// this costs a look into one folder.
    ///
    /// # Errors
    /// A log cannot be read.
    pub fn lost(&self) -> Result<Option<LogFault>> {
        let lost = match self.is_batch_begun_after(self.last_batch()?) {
            true => self.lost_batch()?,
            false => None,
        };
        // No store of objects leaves a commit half written, and there each look costs a request.
        match self.location().folder() {
            Some(_) if lost.is_none() => self.lost_inside(),
            _ => Ok(lost),
        }
    }

    /// What is wrong where a commit before the last one of `events` is empty, and the ledger has a batch that was lost with it. A
    /// power cut leaves empty commits behind, too, and then nothing was.
    pub(crate) fn lost_inside(&self) -> Result<Option<LogFault>> {
        // Each command looks here: the names of a folder cost less than a listing.
        if self.location().folder().is_some_and(|folder| !has_empty_commit(&folder.join(self::folder(EVENTS)))) {
            return Ok(None);
        }
        let Some(hole) = self.block_on(holes(self.location(), EVENTS))?.pop() else { return Ok(None) };
        let ledger = marks(&self.block_on(every_commit(self.location(), OBJECTS))?);
        // Read after the other, so that a writer who commits meanwhile is not taken for a loss.
        let commits = self.block_on(every_commit(self.location(), EVENTS))?;
        let has = marks(&commits);
        // Commits that a checkpoint sums up may be swept away.
        let from = commits.first().filter(|(version, _)| *version > 0).and(has.first().copied());
        let is_lost = |batch: &i64| from.is_none_or(|from| *batch > from) && !has.contains(batch);
        let why = format!("{}, and the table {OBJECTS} has a batch that `events` has lost with it", hole.why);
        Ok(ledger.iter().any(is_lost).then_some(LogFault { why, ..hole }))
    }

    /// What is wrong where the ledger has a batch that `events` does not know.
    fn lost_batch(&self) -> Result<Option<LogFault>> {
        let open = |table| self.block_on(Table::open(self.location(), schema::spec(table)));
        let Some(objects) = open(OBJECTS)? else { return Ok(None) };
        let has = self.block_on(objects.transaction(APPLICATION))?;
        // Opened after the other, so that a writer who commits meanwhile is not taken for a loss.
        let Some(events) = open(EVENTS)? else { return Ok(None) };
        let last = self.block_on(events.transaction(APPLICATION))?;
        (has > last).then(|| self.behind(OBJECTS)).transpose()
    }

    /// Whether there is a manifest of a batch after this one. A folder that nobody may look into has none.
    fn is_batch_begun_after(&self, last: Option<i64>) -> bool {
        let last = last.unwrap_or_default();
        let is_after = |name: &str| Manifest::batch_of(name).is_some_and(|batch| batch > last);
        if let Some(folder) = self.location().folder() {
            // The names alone: a lake may have many thousands.
            let entries = std::fs::read_dir(folder.join(manifest::FOLDER)).into_iter().flatten().flatten();
            return entries.map(|entry| entry.file_name()).any(|name| name.to_str().is_some_and(is_after));
        }
        let (folder, from) = (self.location().path(manifest::FOLDER), self.location().path(&manifest::path(last)));
        let found = self.location().root().list_with_offset(Some(&folder), &from);
        let found = found.try_any(|found| std::future::ready(found.location.filename().is_some_and(is_after)));
        self.block_on(found).unwrap_or(false)
    }
}
