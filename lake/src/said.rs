//! What a commit of ours says of itself: every file that it puts into a table or takes out of it, and its marks, in its
//! `commitInfo`, which Delta's readers pass over ("Delta Transaction Log Protocol", commit provenance information).
//!
//! The lines that say the same to Delta may get lost, one by one, without any reader's notice: a flipped bit makes an unknown
//! action of `add`, an editor takes a line out. What a table has is therefore compared with what its commits said. Must not
//! know what rows mean.

use std::collections::BTreeMap;

use object_store::ObjectStoreExt;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::{Error, Result};
use crate::lake::Lake;
use crate::log::{self, LogFault};
use crate::table::{Change, DataFile, Table};

/// The name under which a commit speaks of itself.
pub(crate) const NAME: &str = "trailhound";
/// How the names of our application transactions begin.
pub(crate) const OURS: &str = "trailhound-";

/// What a commit of ours says of itself.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Said {
    pub(crate) added: Vec<DataFile>,
    pub(crate) removed: Vec<DataFile>,
    pub(crate) marks: BTreeMap<String, i64>,
    /// Whether the rows change, and not only the files that they are in.
    pub(crate) rows_change: bool,
    /// When it was made, milliseconds since the Unix epoch.
    pub(crate) at: i64,
}

impl Said {
    pub(crate) fn of(change: &Change<'_>, at: i64) -> Said {
        let marks = std::iter::once((change.application, change.number)).chain(change.also);
        Said {
            added: change.add.to_vec(),
            removed: change.remove.to_vec(),
            marks: marks.map(|(name, number)| (name.to_owned(), number)).collect(),
            rows_change: change.rows_change,
            at,
        }
    }
}

/// Files of which a table does not say what its commits said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Astray {
    /// Put in, never taken out, and not there, each with the commit that said so.
    pub lost: Vec<(u64, DataFile)>,
    /// Taken out, and there.
    pub back: Vec<(u64, DataFile)>,
    /// Marks that the log does not have any more: the commit, the application's name, its number.
    pub unmarked: Vec<(u64, String, i64)>,
}

impl Astray {
    /// What a check tells of it, by commit.
    pub(crate) fn faults(&self, table: &str) -> Vec<LogFault> {
        let mut told: BTreeMap<u64, Vec<String>> = BTreeMap::new();
        for (version, file) in &self.lost {
            told.entry(*version).or_default().push(format!("it put in {} ({} rows)", file.path, file.rows));
        }
        for (version, file) in &self.back {
            told.entry(*version).or_default().push(format!("it took out {}", file.path));
        }
        for (version, name, number) in &self.unmarked {
            told.entry(*version).or_default().push(format!("it was batch {number} of {name}"));
        }
        let fault = |(version, what): (u64, Vec<String>)| {
            let more = what.len() - 1;
            let more = if more == 0 { String::new() } else { format!(", and {more} more") };
            let why = format!("the commit says that {}{more}, and the table knows nothing of it", what[0]);
            LogFault::mendable(log::commit(table, version), why)
        };
        told.into_iter().map(fault).collect()
    }
}

/// Rows that another program took out of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Stranger {
    /// The table.
    pub table: &'static str,
    /// The commit.
    pub version: u64,
    /// What it calls what it did: `DELETE`, `MERGE`, …
    pub operation: String,
    /// The program, where it says.
    pub engine: String,
    /// Files that it took out.
    pub files: u64,
    /// Rows that went with them: those that were in them, less those of the files that it put in.
    pub rows: u64,
}

/// A commit as it stands in the log.
#[derive(Default)]
struct Commit {
    /// What it says of itself; nothing in one of another program or of an older trailhound.
    said: Option<Said>,
    /// Files, each with its rows as the log has them.
    added: Vec<(String, u64)>,
    removed: Vec<String>,
    /// Whether rows left with the files, and not only their place.
    takes_rows: bool,
    is_ours: bool,
    operation: String,
    engine: String,
}

impl Commit {
    /// Reads the lines of a commit. One that cannot be read is told elsewhere.
    fn read(bytes: &[u8]) -> Commit {
        let mut commit = Commit::default();
        let lines = bytes.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice::<Value>(line).ok());
        for line in lines {
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            if let Some(add) = line.get("add") {
                commit.added.push((text(&add["path"]), rows_of(add)));
            } else if let Some(remove) = line.get("remove") {
                commit.removed.push(text(&remove["path"]));
                commit.takes_rows |= remove["dataChange"] != false;
            } else if let Some(mark) = line.get("txn") {
                commit.is_ours |= mark["appId"].as_str().is_some_and(|name| name.starts_with(OURS));
            } else if let Some(info) = line.get("commitInfo") {
                commit.said = info.get(NAME).and_then(|said| Said::deserialize(said).ok());
                (commit.operation, commit.engine) = (text(&info["operation"]), text(&info["engineInfo"]));
            }
        }
        commit.is_ours |= commit.said.is_some();
        commit
    }
}

/// Rows of a file that a commit adds, where it says so ("Delta Transaction Log Protocol", per-file statistics).
fn rows_of(add: &Value) -> u64 {
    let stats = add["stats"].as_str().and_then(|stats| serde_json::from_str::<Value>(stats).ok());
    stats.and_then(|stats| stats["numRecords"].as_u64()).unwrap_or_default()
}

/// What all commits together say of a file.
enum Last {
    In(u64, DataFile),
    Out(u64),
}

/// Everything that commits which are there say, in their order.
#[derive(Default)]
struct Story {
    files: BTreeMap<String, Last>,
    marks: BTreeMap<String, (u64, i64)>,
    strangers: Vec<Stranger>,
    /// Rows of files that other programs put in.
    theirs: BTreeMap<String, u64>,
}

impl Story {
    fn tell(&mut self, table: &'static str, version: u64, commit: Commit) {
        let Some(said) = commit.said else {
            // Of a file that is not ours to vouch for, only that it went matters.
            let rows = commit.removed.iter().filter_map(|path| match self.files.get(path) {
                Some(Last::In(_, file)) => Some(file.rows),
                _ => self.theirs.get(path).copied(),
            });
            let (took, gave): (u64, u64) = (rows.sum(), commit.added.iter().map(|(_, rows)| rows).sum());
            let (operation, engine, rows) = (commit.operation, commit.engine, took.saturating_sub(gave));
            if !commit.is_ours && commit.takes_rows {
                let files = commit.removed.len() as u64;
                self.strangers.push(Stranger { table, version, operation, engine, files, rows });
            }
            self.files.extend(commit.removed.into_iter().map(|path| (path, Last::Out(version))));
            commit.added.iter().for_each(|(path, _)| drop(self.files.remove(path)));
            self.theirs.extend(commit.added);
            return;
        };
        self.files.extend(said.removed.into_iter().map(|file| (file.path, Last::Out(version))));
        self.files.extend(said.added.into_iter().map(|file| (file.path.clone(), Last::In(version, file))));
        self.marks.extend(said.marks.into_iter().map(|(name, number)| (name, (version, number))));
    }

    /// What the table does not know, of commits up to its own version; and its files of which none said anything.
    async fn compare(self, table: &Table) -> Result<(Astray, Vec<DataFile>)> {
        let mut there: BTreeMap<String, DataFile> =
            table.files()?.into_iter().map(|file| (file.path.clone(), file)).collect();
        let mut astray = Astray::default();
        let known = table.version();
        for (path, last) in self.files {
            match (last, there.remove(&path)) {
                (Last::In(version, file), None) if version <= known => astray.lost.push((version, file)),
                (Last::Out(version), Some(file)) if version <= known => astray.back.push((version, file)),
                _ => {}
            }
        }
        for (name, (version, number)) in self.marks.into_iter().filter(|(_, (version, _))| *version <= known) {
            if table.transaction(&name).await?.is_none_or(|has| has < number) {
                astray.unmarked.push((version, name, number));
            }
        }
        Ok((astray, there.into_values().collect()))
    }
}

impl Lake {
    /// Where a table and what its commits said of themselves are at odds, and what other programs took out of it.
    ///
    /// # Errors
    /// The log cannot be read.
    pub(crate) fn astray(&self, table: &'static str) -> Result<(Astray, Vec<Stranger>)> {
        let mut story = Story::default();
        for (version, bytes) in self.block_on(log::every_commit(self.location(), table))? {
            story.tell(table, version, Commit::read(&bytes));
        }
        let strangers = std::mem::take(&mut story.strangers);
        let (mut astray, untold) = self.block_on(story.compare(self.table(table)?))?;
        self.forgive_names(table, &mut astray, &untold)?;
        Ok((astray, strangers))
    }

    /// Leaves out lost files that never were: the table has such a file by another name, and only what the commit says of itself
    /// has the name wrong.
    fn forgive_names(&self, table: &'static str, astray: &mut Astray, untold: &[DataFile]) -> Result<()> {
        let what = |file: &DataFile| (file.rows, file.bytes, file.event_date, file.times);
        let mut lost = Vec::new();
        for (version, file) in std::mem::take(&mut astray.lost) {
            let has_other = untold.iter().any(|other| what(other) == what(&file));
            let is_misnamed = has_other && !self.is_stored(table, &file.path)?;
            if !is_misnamed {
                lost.push((version, file));
            }
        }
        astray.lost = lost;
        Ok(())
    }

    fn is_stored(&self, table: &str, path: &str) -> Result<bool> {
        let name = format!("{table}/{path}");
        match self.block_on(self.location().root().head(&self.location().path(&name))) {
            Ok(_) => Ok(true),
            Err(object_store::Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(Error::store(name)(error)),
        }
    }
}

/// What a commit says of itself, if it does: then a lost line of it is known by what it did.
pub(crate) fn by(commit: &[u8]) -> Option<Said> {
    Commit::read(commit).said
}
