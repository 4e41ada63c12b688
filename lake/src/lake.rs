//! A lake: its tables at one moment, opened for reading or for writing.
//!
//! Opening for writing finishes what an earlier writer left behind: a batch whose commit of `events` stands and whose
//! other tables do not have it yet.

use std::collections::BTreeMap;

use futures::TryStreamExt;
use object_store::{ObjectStore, ObjectStoreExt};
use tokio::runtime::{Builder, Handle, Runtime};

use crate::error::{Error, Result};
use crate::fault;
use crate::location::{Aws, Location};
use crate::log;
use crate::manifest::{APPLICATION, turn};
use crate::schema::{self, BESIDE, EVENTS};
use crate::table::{Change, Committed, DataFile, Spec, Table};
use crate::upkeep::beside::COUNTING;
use crate::upkeep::repair::QUARANTINE;

/// The newest format of a lake that this code knows.
const FORMAT: u32 = 1;
const FORMAT_FILE: &str = "_trailhound/lake.json";
/// What the format's file calls whether the store keeps the condition of conditional writes.
const CONDITIONS: &str = "conditional_writes";
/// What is in a lake beside its tables.
const OWN_FOLDER: &str = "_trailhound";

/// Attempts to commit that may meet other writers.
pub(crate) const ATTEMPTS: u32 = 1000;

/// An open lake.
pub struct Lake {
    runtime: Runtime,
    location: Location,
    pub(crate) tables: BTreeMap<&'static str, Table>,
    /// What the format's file says of the store; nothing where nobody has looked yet.
    keeps_conditions: Option<bool>,
}

impl std::fmt::Debug for Lake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lake").field("location", &self.location.name()).finish_non_exhaustive()
    }
}

impl Lake {
    /// Opens a lake that is there, for reading.
    ///
    /// # Errors
    /// [`Error::Absent`] where there is none; whatever the store or Delta's log says.
    pub fn open(place: &str, aws: &Aws) -> Result<Lake> {
        Self::open_tables(place, aws, &|_| true)
    }

    /// [`Lake::open`] with `events` and those other tables that are wanted: each costs some milliseconds, and more in a
    /// bucket. The others are as if they were empty.
    ///
    /// # Errors
    /// As [`Lake::open`].
    pub fn open_tables(place: &str, aws: &Aws, is_wanted: &dyn Fn(&str) -> bool) -> Result<Lake> {
        let runtime = runtime()?;
        let location = runtime.block_on(Location::open(place, aws))?;
        let mut lake = Lake { runtime, location, tables: BTreeMap::new(), keeps_conditions: None };
        lake.check_format()?;
        for name in std::iter::once(&EVENTS).chain(BESIDE.iter().filter(|name| is_wanted(name))) {
            if let Some(table) = lake.block_on(Table::open(&lake.location, schema::spec(name)))? {
                lake.tables.insert(table.spec.name, table);
            }
        }
        if !lake.tables.contains_key(EVENTS) {
            lake.refuse_headless()?;
            return Err(Error::Absent { place: place.to_owned() });
        }
        lake.refuse_lost()?;
        Ok(lake)
    }

    /// Opens a lake for writing: makes it where it is not there, and finishes what an earlier writer left behind.
    ///
    /// # Errors
    /// As [`Lake::open`], and what stops writing.
    pub fn open_for_writing(place: &str, aws: &Aws) -> Result<Lake> {
        let mut lake = Self::open_or_make(place, aws, None)?;
        if let Some(lost) = lake.lost_inside()? {
            return Err(lost.into_error());
        }
        // On a full disk an expiry must get to the point where it makes room.
        let _ = lake.keep_newest_copy();
        lake.catch_up()?;
        Ok(lake)
    }

    /// Opens a lake that is there for writing, and mends what nobody else can go on with: the file that names its format,
    /// and manifests of batches that are not finished. What was mended, in words.
    ///
    /// # Errors
    /// As [`Lake::open_for_writing`].
    pub fn open_for_repair(place: &str, aws: &Aws) -> Result<(Lake, Vec<String>)> {
        let mut mended = Vec::new();
        Self::refuse_absent(place, aws)?;
        let mut lake = Self::open_or_make(place, aws, Some(&mut mended))?;
        // A batch without its mark would end the chain of batches.
        let astray = lake.astray(EVENTS)?.0;
        lake.mark_again(EVENTS, &astray)?;
        let marks = astray.unmarked.iter();
        mended.extend(
            marks.map(|(version, name, number)| {
                format!("commit {version} of `events` is batch {number} of {name} again")
            }),
        );
        loop {
            let Err(error) = lake.catch_up() else { return Ok((lake, mended)) };
            let Error::Manifest { batch, file, why, .. } = error else { return Err(error) };
            // Each batch is unfinished once: with the one that stands in for it the loop comes further.
            lake.pass_over(batch)?;
            mended
                .push(format!("{file}: {why}; the tables beside `events` go on without what this batch brought them"));
        }
    }

    /// Refuses a place where nothing of a lake is: a slip in its name would be mended to an empty lake.
    fn refuse_absent(place: &str, aws: &Aws) -> Result<()> {
        let runtime = runtime()?;
        let location = runtime.block_on(Location::open(place, aws))?;
        let is_there = runtime.block_on(async {
            for table in BESIDE.iter().chain([&EVENTS]) {
                if has_log(&location, table).await? {
                    return Ok::<_, Error>(true);
                }
            }
            let own = location.path(OWN_FOLDER);
            Ok(location.root().list(Some(&own)).try_next().await.map_err(Error::store(place))?.is_some())
        })?;
        if is_there { Ok(()) } else { Err(Error::Absent { place: place.to_owned() }) }
    }

    /// Opens or makes a table; where somebody mends, a checkpoint that cannot be read is set aside.
    fn table_of(&self, name: &'static str, mut mended: Option<&mut Vec<String>>) -> Result<Table> {
        let open = || self.block_on(Table::create(&self.location, schema::spec(name)));
        let mut made = open();
        // A control character is in no name of ours, and Delta spells it in two ways.
        let is_name = |file: &DataFile| !file.path.chars().any(char::is_control);
        let has_files = |table: &Table| table.files().is_ok_and(|files| files.iter().all(is_name));
        // Marks are read when they are asked for.
        let has_marks = |table: &Table| self.block_on(table.transaction(APPLICATION)).is_ok();
        let is_read = made.as_ref().is_ok_and(|table| has_files(table) && (mended.is_none() || has_marks(table)));
        if let (false, Some(mended)) = (is_read, mended.as_deref_mut())
            && self.write_anew(name, mended)?
        {
            made = open();
        }
        if let Some(mended) = mended.as_deref_mut()
            && self.begin_anew(name, &made, mended)?
        {
            return open();
        }
        let (Err(Error::Checkpoint { file, why, .. }), Some(mended)) = (&made, mended) else { return made };
        let files = self.block_on(log::checkpoint(&self.location, name))?.map(|(_, files)| files).unwrap_or_default();
        for file in &files {
            let copy = self.location.path(&format!("{QUARANTINE}/{file}"));
            let from = self.location.path(file);
            let renamed = self.block_on(self.location.root().rename(&from, &copy));
            renamed.map_err(Error::store(file.as_str()))?;
        }
        mended.push(format!("{file}: {why}; set aside, every commit is there"));
        open()
    }

    /// Sets a table beside `events` aside, whole, that does not open, or whose log has a hole and whose rows `events` can tell;
    /// whether it was such a one.
    fn begin_anew(&self, name: &'static str, made: &Result<Table>, mended: &mut Vec<String>) -> Result<bool> {
        let (file, why) = match made {
            Err(Error::Beside { file, why }) => (file.clone(), why.clone()),
            Ok(_) if COUNTING.contains(&name) => match self.block_on(log::holes(&self.location, name))?.pop() {
                Some(hole) => (hole.file, hole.why),
                None => return Ok(false),
            },
            _ => return Ok(false),
        };
        let root = self.location.root();
        let all = root.list(Some(&self.location.path(name))).try_collect::<Vec<_>>();
        let all = self.block_on(all).map_err(Error::store(name))?;
        let place =
            self.location.path(&format!("{QUARANTINE}/{name}-{}", chrono::Utc::now().format("%Y%m%dT%H%M%S%3fZ")));
        for found in &all {
            let within = found.location.prefix_match(&self.location.path(name)).into_iter().flatten();
            let aside = within.fold(place.clone(), |place, part| place.join(part));
            self.block_on(root.rename(&found.location, &aside)).map_err(Error::store(found.location.to_string()))?;
        }
        mended.push(format!("{file}: {why}; the table {name} is set aside ({place}) and begins anew"));
        Ok(true)
    }

    /// Writes commits anew that Delta cannot read; whether there were any.
    fn write_anew(&self, name: &'static str, mended: &mut Vec<String>) -> Result<bool> {
        let commits = self.block_on(log::unreadable(&self.location, name))?;
        for (fault, anew) in &commits {
            let copy = self.location.path(&format!("{QUARANTINE}/{}", fault.file));
            let from = self.location.path(&fault.file);
            self.block_on(self.location.root().copy(&from, &copy)).map_err(Error::store(fault.file.as_str()))?;
            self.block_on(self.location.put(&fault.file, anew.clone().into()))?;
            mended.push(format!("{}: {}; written anew from what the commit says of itself", fault.file, fault.why));
        }
        Ok(!commits.is_empty())
    }

    /// The tables, made where they are not there. A file of the format that says nothing is written anew where somebody mends.
    fn open_or_make(place: &str, aws: &Aws, mut mended: Option<&mut Vec<String>>) -> Result<Lake> {
        let runtime = runtime()?;
        let location = runtime.block_on(Location::open(place, aws))?;
        let mut lake = Lake { runtime, location, tables: BTreeMap::new(), keeps_conditions: None };
        match (lake.check_format(), mended.as_deref_mut()) {
            (Err(Error::Damaged { file, why }), Some(mended)) => {
                let root = lake.location.root();
                let copy = lake.location.path(&format!("{QUARANTINE}/{file}"));
                lake.block_on(root.rename(&lake.location.path(&file), &copy)).map_err(Error::store(file.as_str()))?;
                mended.push(format!("{file}: {why}; written anew"));
            }
            (checked, _) => checked?,
        }
        lake.location.create()?;
        fault::point("tables.create");
        if let Some(mended) = mended.as_deref_mut() {
            lake.put_commits_back(mended)?;
        }
        // `events` comes last: a lake without it is no lake yet, and is made again.
        for name in BESIDE.iter().chain([&EVENTS]) {
            let is_there = (mended.is_none() && *name != EVENTS) || lake.block_on(has_log(&lake.location, name))?;
            if *name == EVENTS && !is_there {
                lake.refuse_headless()?;
            }
            let table = lake.table_of(name, mended.as_deref_mut())?;
            if let (false, Some(mended)) = (is_there, mended.as_deref_mut()) {
                mended.push(format!("{name}: the table was not there, and begins anew"));
            }
            lake.tables.insert(table.spec.name, table);
        }
        lake.write_format()?;
        fault::point("tables.created");
        Ok(lake)
    }

    fn check_format(&mut self) -> Result<()> {
        let bytes = match self.block_on(self.location.get(FORMAT_FILE)) {
            Ok(bytes) => bytes,
            Err(Error::Store { source: object_store::Error::NotFound { .. }, .. }) => return Ok(()),
            Err(error) => return Err(error),
        };
        let value: serde_json::Value = serde_json::from_slice(&bytes)
            .map_err(|error| Error::Damaged { file: FORMAT_FILE.to_owned(), why: error.to_string() })?;
        let found = value["format"].as_u64().and_then(|format| u32::try_from(format).ok()).unwrap_or(u32::MAX);
        if found > FORMAT {
            return Err(Error::Format { place: self.location.name().to_owned(), found, known: FORMAT });
        }
        self.keeps_conditions = value[CONDITIONS].as_bool();
        Ok(())
    }

    /// Writes the format's file where there is none, and in a bucket once more with what a look at its store has shown.
    fn write_format(&mut self) -> Result<()> {
        let is_known = self.location.folder().is_some() || self.keeps_conditions.is_some();
        if is_known && self.block_on(self.location.get(FORMAT_FILE)).is_ok() {
            return Ok(());
        }
        let mut value =
            serde_json::json!({ "format": FORMAT, "written_by": concat!("trailhound ", env!("CARGO_PKG_VERSION")) });
        if self.location.folder().is_none() {
            let keeps = self.block_on(self.location.keeps_conditions())?;
            (self.keeps_conditions, value[CONDITIONS]) = (Some(keeps), keeps.into());
        }
        self.block_on(self.location.put(FORMAT_FILE, value.to_string().into()))
    }

    /// Whether the store of the lake takes a write that must not replace anything for one that may: then two writers at once
    /// take each other's commits away, and nothing tells.
    pub fn is_for_one_writer(&self) -> bool {
        self.keeps_conditions == Some(false)
    }

    /// Where it is.
    pub fn location(&self) -> &Location {
        &self.location
    }

    pub(crate) fn handle(&self) -> &Handle {
        self.runtime.handle()
    }

    pub(crate) fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.runtime.block_on(future)
    }

    /// Version of `events`: one a commit.
    pub fn version(&self) -> u64 {
        self.tables.get(EVENTS).map_or(0, Table::version)
    }

    /// Moves every table to its newest snapshot.
    ///
    /// # Errors
    /// What the store or Delta's log says.
    pub fn refresh(&mut self) -> Result<()> {
        let mut tables = std::mem::take(&mut self.tables);
        let result = tables.values_mut().try_for_each(|table| self.block_on(table.refresh()));
        self.tables = tables;
        result
    }

    pub(crate) fn refresh_table(&mut self, name: &'static str) -> Result<()> {
        let Some(mut table) = self.tables.remove(name) else { return Ok(()) };
        let result = self.block_on(table.refresh());
        self.tables.insert(name, table);
        result
    }

    /// The data files of a table, by path; none where the lake has no such table.
    ///
    /// # Errors
    /// The log cannot be read.
    pub fn files(&self, table: &str) -> Result<Vec<DataFile>> {
        self.tables.get(table).map_or(Ok(Vec::new()), Table::files)
    }

    /// Whether a table is there, and was opened.
    pub fn has(&self, table: &str) -> bool {
        self.tables.contains_key(table)
    }

    /// What a table is.
    pub(crate) fn spec(&self, table: &str) -> Spec {
        self.tables.get(table).map_or_else(|| schema::spec(table), |table| table.spec.clone())
    }

    pub(crate) fn table(&self, name: &'static str) -> Result<&Table> {
        self.tables.get(name).ok_or_else(|| Error::Absent { place: self.location.name().to_owned() })
    }

    /// The number of the last batch that stands.
    pub(crate) fn last_batch(&self) -> Result<Option<i64>> {
        self.block_on(self.table(EVENTS)?.transaction(APPLICATION))
    }

    /// Batches that were ever committed.
    ///
    /// # Errors
    /// The log cannot be read.
    pub fn batches(&self) -> Result<u64> {
        Ok(self.last_batch()?.map_or(0, turn))
    }

    pub(crate) fn commit(&mut self, name: &'static str, change: Change<'_>) -> Result<Committed> {
        let absent = || Error::Absent { place: self.location.name().to_owned() };
        let mut table = self.tables.remove(name).ok_or_else(absent)?;
        table.committed = None;
        let result = self.block_on(table.commit(change));
        let version = table.committed;
        self.tables.insert(name, table);
        // Delta's log writes the commit; that it also survives a power cut is for us to see to.
        if let Some(version) = version {
            self.location.sync(&log::commit(name, version))?;
            if name == EVENTS {
                // The commit stands, whatever becomes of its copy: the next writer makes up for it.
                let _ = self.keep_copy(version);
            }
        }
        result
    }
}

/// Whether anything is in a table's log.
async fn has_log(location: &Location, table: &str) -> Result<bool> {
    let folder = location.path(&log::folder(table));
    Ok(location.root().list(Some(&folder)).try_next().await.map_err(Error::store(table))?.is_some())
}

fn runtime() -> Result<Runtime> {
    Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("trailhound-lake")
        .enable_all()
        .build()
        .map_err(|source| Error::Io { what: "no threads for the lake".to_owned(), source })
}
