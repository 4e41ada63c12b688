//! A second copy of each commit of `events`: nothing but Delta's log says which files a table has, and one lost commit would cost
//! the lake.
//!
//! Whoever commits copies the commit aside; whoever writes next copies one that a dying writer did not. Only a repair reads copies.
//! Must not know what a commit's actions mean, but for the files that it adds.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use futures::TryStreamExt;
use object_store::{ObjectStore, ObjectStoreExt};

use crate::anew;
use crate::error::{Error, Result};
use crate::fault;
use crate::lake::Lake;
use crate::location::Location;
use crate::log::{self, commit};
use crate::said;
use crate::schema::EVENTS;
use crate::upkeep::repair::QUARANTINE;

/// Where the copies are, within the lake.
const FOLDER: &str = "_trailhound/commits";
/// Copies that are kept: more than there are commits between three checkpoints, which sum up what was before them.
const KEPT: usize = 64;

fn path(version: u64) -> String {
    format!("{FOLDER}/{version:020}.json")
}

/// The copy of a commit, if there is one and it can be read.
pub(crate) async fn copy(location: &Location, version: u64) -> Option<Bytes> {
    let bytes = location.get(&path(version)).await.ok()?;
    (!bytes.trim_ascii().is_empty() && anew::fault(&bytes).is_none()).then_some(bytes)
}

/// Versions of which there is a copy.
async fn versions(location: &Location) -> Result<Vec<u64>> {
    let folder = location.path(FOLDER);
    let all: Vec<_> = location.root().list(Some(&folder)).try_collect().await.map_err(Error::store(FOLDER))?;
    let mut versions: Vec<u64> =
        all.iter().filter_map(|file| file.location.filename()?.strip_suffix(".json")?.parse().ok()).collect();
    versions.sort_unstable();
    Ok(versions)
}

impl Lake {
    /// Copies a commit of `events` that was just written, and lets an old copy go.
    pub(crate) fn keep_copy(&self, version: u64) -> Result<()> {
        fault::point("commit.copy");
        // A store's own copy is a second name of the same bytes where it is a folder: what damages one damages both.
        let bytes = self.block_on(self.location().get(&commit(EVENTS, version)))?;
        // Not flushed to the disk: a power cut may take the copy, not the commit.
        let put = self.block_on(self.location().root().put(&self.location().path(&path(version)), bytes.into()));
        put.map_err(Error::store(path(version)))?;
        if let Some(old) = version.checked_sub(fault::limit("TRAILHOUND_KEPT_COMMITS", KEPT) as u64) {
            // One that stays is a few kilobytes.
            let _ = self.block_on(self.location().root().delete(&self.location().path(&path(old))));
        }
        Ok(())
    }

    /// Copies the newest commit of `events`, if its writer did not.
    pub(crate) fn keep_newest_copy(&self) -> Result<()> {
        let version = self.version();
        let Ok(bytes) = self.block_on(self.location().get(&commit(EVENTS, version))) else { return Ok(()) };
        let is_whole = !bytes.trim_ascii().is_empty() && anew::fault(&bytes).is_none();
        if is_whole && self.block_on(copy(self.location(), version)).is_none_or(|copy| copy != bytes) {
            return self.keep_copy(version);
        }
        Ok(())
    }

    /// Puts commits of `events` back that are gone or broken and of which there is a copy. What was done, in words.
    pub(crate) fn put_commits_back(&self, mended: &mut Vec<String>) -> Result<()> {
        // Before the commits: a copy without one is then of a commit that is gone.
        let copies = self.block_on(versions(self.location()))?;
        let there: BTreeMap<_, _> = self.block_on(log::every_commit(self.location(), EVENTS))?.into_iter().collect();
        // What a checkpoint sums up may have been swept.
        let first = self.block_on(log::first_needed(self.location(), EVENTS))?;
        let end = there.last_key_value().map_or(first, |(version, _)| (version + 1).max(first));
        let mut back = Vec::new();
        for version in copies.iter().copied().filter(|version| (first..end).contains(version)) {
            let why = match there.get(&version) {
                None => "the commit was missing".to_owned(),
                Some(bytes) if bytes.trim_ascii().is_empty() => "the commit was empty".to_owned(),
                Some(bytes) => match anew::fault(bytes) {
                    Some(why) => why,
                    None => continue,
                },
            };
            let copy = self.block_on(copy(self.location(), version));
            back.extend(copy.map(|copy| (version, why, copy)));
        }
        let lost = copies.last().map_or(0..0, |newest| end..newest + 1);
        let lost: Vec<_> = lost.map(|version| (version, self.block_on(copy(self.location(), version)))).collect();
        if self.is_wanted(&lost)? {
            let why = || "the commit was missing".to_owned();
            back.extend(lost.into_iter().filter_map(|(version, copy)| Some((version, why(), copy?))));
        }
        for (version, why, copy) in back {
            if self.put_commit_back(version, copy, there.contains_key(&version))? {
                mended.push(format!("{}: {why}; put back from the copy that the lake keeps", commit(EVENTS, version)));
            }
        }
        Ok(())
    }

    /// Whether commits that a log has lost at its end are all there, and every file that they leave the table with is in the store: what
    /// nobody missed for long may name files that were swept since.
    fn is_wanted(&self, lost: &[(u64, Option<Bytes>)]) -> Result<bool> {
        let mut files = BTreeSet::new();
        for (_, copy) in lost {
            let Some(copy) = copy else { return Ok(false) };
            let Some(said) = said::by(copy) else { continue };
            for file in &said.removed {
                files.remove(&file.path);
            }
            files.extend(said.added.into_iter().map(|file| file.path));
        }
        for file in files {
            let path = self.location().path(&format!("{EVENTS}/{file}"));
            match self.block_on(self.location().root().head(&path)) {
                Ok(_) => {}
                Err(object_store::Error::NotFound { .. }) => return Ok(false),
                Err(error) => return Err(Error::store(file)(error)),
            }
        }
        Ok(true)
    }

    fn put_commit_back(&self, version: u64, copy: Bytes, is_there: bool) -> Result<bool> {
        let file = commit(EVENTS, version);
        if !is_there {
            // Somebody may commit this version meanwhile: then it is theirs.
            return self.block_on(self.location().put_new(&file, copy));
        }
        let aside = self.location().path(&format!("{QUARANTINE}/{file}"));
        let from = self.location().path(&file);
        self.block_on(self.location().root().copy(&from, &aside)).map_err(Error::store(file.as_str()))?;
        self.block_on(self.location().put(&file, copy)).map(|()| true)
    }
}
