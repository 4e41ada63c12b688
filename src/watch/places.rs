//! Folders, buckets and `lookup:`, listed again and again: the oldest objects that are not in the lake yet.
//!
//! Folders are listed here, places of AWS' each by a [`Lister`]: what does not answer keeps nothing else back.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ::ingest::pipeline::Ledger;
use ::ingest::source::{Input, Listed, Place, Sources};

use super::health::Health;
use super::lister::{Lister, Oldest, Way, What};
use super::order;
use super::{Watch, families::OBJECTS, metrics::Metrics};
use crate::outcome::Failure;

/// Objects of all listings that are remembered; the oldest, and the next listing finds the others.
const LISTED_MAX: usize = 100_000;
/// A listing remembers so many in any case.
const LISTED_MIN: usize = 5_000;
/// Objects of one turn.
const TURN_OBJECTS: usize = 4_000;
/// A file that was written so lately may still be written to.
const SETTLED: Duration = Duration::from_secs(1);
/// At the beginning everything is read in the order of its time, so that all places are waited for; for so long.
const TOGETHER: Duration = Duration::from_secs(10);

/// Places that are listed.
pub(super) struct Places<'a> {
    way: Arc<Way>,
    health: &'a Health,
    folders: Vec<PathBuf>,
    listers: Vec<Lister>,
    pending: VecDeque<Listed>,
    /// When folders are listed again.
    next: Instant,
    /// Whether the last listing of folders left something out; so does one that was not made yet.
    more: bool,
    young: Young,
    /// Folders that could not be listed the last time.
    away: BTreeSet<PathBuf>,
    /// What kept a place from being listed, where an end is the aim.
    failed: Option<Failure>,
}

impl<'a> Places<'a> {
    pub(super) fn new(watch: &Watch<'a>, have: &Arc<super::have::Have>) -> Places<'a> {
        let options = watch.options;
        let (remote, folders): (Vec<_>, Vec<_>) =
            options.places.iter().cloned().partition(|place| crate::remote::is_remote(place));
        let remote: BTreeSet<PathBuf> = remote.into_iter().collect();
        let accounts = options.accounts.iter().cloned().map(What::Account);
        let listers: Vec<Lister> = remote.into_iter().map(What::Place).chain(accounts).map(Lister::new).collect();
        let way = Arc::new(Way {
            options: options.clone(),
            global: watch.global.clone(),
            words: watch.words,
            have: have.clone(),
            stop: watch.stop.clone(),
            live: watch.live.clone(),
            most: (LISTED_MAX / (listers.len() + 1)).max(LISTED_MIN),
        });
        Places {
            way,
            health: watch.health,
            more: !folders.is_empty(),
            folders,
            listers,
            pending: VecDeque::new(),
            next: Instant::now(),
            young: Young::default(),
            away: BTreeSet::new(),
            failed: None,
        }
    }

    /// Whether everything has been taken that the last listings found, and they found everything.
    pub(super) fn are_empty(&self) -> bool {
        self.pending.is_empty() && !self.more && self.listers.iter().all(Lister::is_done)
    }

    /// What kept a place from being listed, where an end is the aim: said when all else is done.
    pub(super) fn failed(&mut self) -> Option<Failure> {
        self.failed.take()
    }

    /// Objects for one turn, oldest first. None where nothing is to be read now.
    ///
    /// # Errors
    /// A folder cannot be listed at all.
    pub(super) fn take(&mut self, metrics: &Metrics) -> Result<Vec<Listed>, Failure> {
        let is_empty = self.pending.is_empty();
        if is_empty && !self.folders.is_empty() && Instant::now() >= self.next {
            self.list(metrics)?;
        }
        for lister in &mut self.listers {
            if is_empty {
                lister.ask(&self.way);
            }
        }
        self.answers(metrics);
        if self.listers.iter().any(|lister| lister.is_awaited(TOGETHER)) {
            return Ok(Vec::new());
        }
        let count = self.pending.len().min(TURN_OBJECTS);
        Ok(self.pending.drain(..count).collect())
    }

    /// How long nobody need ask again.
    pub(super) fn wait(&self) -> Option<Duration> {
        let now = Instant::now();
        let awaited = self.listers.iter().any(|lister| lister.is_awaited(TOGETHER));
        if !self.pending.is_empty() && !awaited {
            return Some(Duration::ZERO);
        }
        let folders = (!self.folders.is_empty()).then(|| self.next.saturating_duration_since(now));
        folders.into_iter().chain(self.listers.iter().map(|lister| lister.wait(now))).min()
    }

    /// Takes what listings have found, and says which do not answer.
    fn answers(&mut self, metrics: &Metrics) {
        let mut came = false;
        for lister in &mut self.listers {
            let Some(answer) = lister.answer(self.way.options.poll) else {
                if lister.is_away() {
                    self.health.place(lister.name(), Some("it does not answer; the others are read"));
                }
                continue;
            };
            match answer {
                Ok(found) => {
                    self.health.place(lister.name(), found.refused.as_deref());
                    metrics.add(OBJECTS, &[("result", "known")], found.known);
                    came |= !found.objects.is_empty();
                    self.pending.extend(found.objects);
                }
                Err(failure) => {
                    tracing::warn!(place = lister.name(), %failure, "a place cannot be listed; the others are read");
                    self.health.place(lister.name(), Some(&failure.to_string()));
                    if self.way.options.once {
                        self.failed.get_or_insert(failure);
                    }
                }
            }
        }
        if came {
            self.pending.make_contiguous().sort_by_cached_key(order::rank);
        }
    }

    /// The folders that are there: one that is away, a share that is not mounted, keeps no other back.
    fn there(&mut self) -> Vec<PathBuf> {
        let mut there = Vec::new();
        for folder in &self.folders {
            let name = folder.display().to_string();
            match Sources::new(&[folder]) {
                Ok(_) => {
                    if self.away.remove(folder) {
                        tracing::info!(place = name, "the folder is there again");
                    }
                    self.health.place(&name, None);
                    there.push(folder.clone());
                }
                Err(error) => {
                    if self.away.insert(folder.clone()) {
                        tracing::warn!(place = name, %error, "a folder cannot be listed; the others are read");
                    }
                    self.health.place(&name, Some(&error.to_string()));
                    if self.way.options.once {
                        self.failed.get_or_insert(error.into());
                    }
                }
            }
        }
        there
    }

    /// Lists the folders.
    fn list(&mut self, metrics: &Metrics) -> Result<(), Failure> {
        let there = self.there();
        let options = &self.way.options;
        let own = own(options, &there);
        let (mut oldest, mut known, mut young) = (Oldest::new(self.way.most), 0_u64, false);
        for listed in Sources::new(&there)?.walk() {
            match &listed {
                Ok(Input { place: Place::File(path), .. }) if own.iter().any(|own| path.starts_with(own)) => {}
                Ok(input) if self.way.have.holds(input) => known += 1,
                // Whoever says that it ends says that files are whole.
                Ok(input) if !options.once && self.young.is(input) => young = true,
                Ok(Input { name, .. }) | Err((name, _)) if self.way.have.rests(name) => {}
                _ => oldest.add(listed),
            }
        }
        self.young.forget();
        let (objects, more) = oldest.end();
        self.pending.extend(objects);
        self.pending.make_contiguous().sort_by_cached_key(order::rank);
        self.more = more || young;
        metrics.add(OBJECTS, &[("result", "known")], known);
        let pause = if self.more { options.poll.min(Duration::from_millis(500)) } else { options.poll };
        self.next = Instant::now() + pause;
        Ok(())
    }
}

/// What this process writes itself, as a walk of these folders would name it: the lake, the outbox, files of sinks.
fn own(options: &super::Options, folders: &[PathBuf]) -> Vec<PathBuf> {
    let written = [Path::new(&options.lake), options.outbox.as_path()].into_iter();
    let written = written.chain(options.written.iter().map(PathBuf::as_path));
    let real: Vec<PathBuf> = written.filter_map(|path| std::fs::canonicalize(path).ok()).collect();
    let mut own = real.clone();
    for folder in folders {
        let Ok(root) = std::fs::canonicalize(folder) else { continue };
        own.extend(real.iter().filter_map(|path| {
            let within = path.strip_prefix(&root).ok()?;
            (!within.as_os_str().is_empty()).then(|| folder.join(within))
        }));
    }
    own
}

/// Files that may still be written to.
#[derive(Debug, Default)]
struct Young {
    /// Bytes and time of a file as it was seen first, and when that was.
    before: HashMap<String, (u64, i64, Instant)>,
    now: HashMap<String, (u64, i64, Instant)>,
}

impl Young {
    /// Whether a file may still grow: it was written within the last second, or says that it was written in the future, which
    /// says nothing, and has not been seen unchanged for a second.
    fn is(&mut self, input: &Input) -> bool {
        let (Place::File(_), Some(modified)) = (&input.place, input.modified) else { return false };
        let settled = i64::try_from(SETTLED.as_micros()).unwrap_or(i64::MAX);
        if modified <= ::deliver::now().saturating_sub(settled) {
            return false;
        }
        let seen = (input.bytes, modified);
        let known = self.before.get(&input.name).filter(|known| (known.0, known.1) == seen).copied();
        let known = known.unwrap_or((input.bytes, modified, Instant::now()));
        if known.2.elapsed() >= SETTLED {
            return false;
        }
        self.now.insert(input.name.clone(), known);
        true
    }

    /// A listing has ended: what it did not name is not there any more.
    fn forget(&mut self) {
        self.before = std::mem::take(&mut self.now);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_young_until_it_stays_as_it_is() {
        let mut young = Young::default();
        let future = ::deliver::now() + 86_400_000_000;
        let file = |bytes: u64, modified: i64| Input {
            name: "f".to_owned(),
            place: Place::File("f".into()),
            bytes,
            modified: Some(modified),
        };
        assert!(!young.is(&file(1, ::deliver::now() - 5_000_000)));
        assert!(young.is(&file(1, ::deliver::now())));
        assert!(young.is(&file(1, future)));
        young.forget();
        // It has grown meanwhile.
        young.before.get_mut("f").unwrap().2 -= Duration::from_secs(2);
        assert!(young.is(&file(2, future)));
        young.forget();
        young.before.get_mut("f").unwrap().2 -= Duration::from_secs(2);
        assert!(!young.is(&file(2, future)));
        young.forget();
        assert!(young.before.is_empty());
    }
}
