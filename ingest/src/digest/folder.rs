//! A copy of a bucket, or of a part of one, in folders: digests and log files as they were downloaded.
//!
//! Where a file lies says which key it had, once one digest has said its own: what both names have in common at their end
//! goes, what is left is the folder and the part of the key that it stands for. So whole buckets, single accounts, and
//! files heaped into one folder are all read. Folders are read as they are needed; no list of files is kept.

mod metadata;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, ErrorKind};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

use super::archive::{Archive, Fault, Object};
use super::chain::{Chain, Logged};
use super::document::Document;
use super::log;
use crate::key::{DigestName, Kind};
use crate::reject::Error;
use crate::source::{Place, Sources};

pub use metadata::MetadataFile;

/// Digests of a chain that are asked where they belong, until one says it.
const SAMPLES: usize = 16;
/// Most bytes of a digest that is asked.
const SAMPLE_BYTES: u64 = 64 << 20;

/// Downloaded files.
#[derive(Debug)]
pub struct Folder {
    /// Regions with log files, by the folders that they lie in.
    logged: BTreeSet<Logged>,
    chains: BTreeMap<Chain, Mount>,
    metadata: MetadataFile,
}

/// A folder, and the part of a bucket that it holds.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Mount {
    folder: PathBuf,
    /// What keys have in front of the folder's files, with its last slash; empty for the whole bucket.
    prefix: String,
    bucket: String,
    /// Whether all files lie in it side by side.
    heap: bool,
}

/// What a user says of the bucket, which then need not be guessed.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// `--s3-prefix`: what the trail puts in front of `AWSLogs`.
    pub prefix: Option<String>,
}

/// Digests of one chain in one folder: the folder above `REGION/YYYY/MM/DD`, and the names' parts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Group {
    lead: PathBuf,
    heap: bool,
    account: String,
    region: String,
    trail: String,
    home: String,
}

impl Folder {
    /// Finds the chains in these files and folders.
    ///
    /// # Errors
    /// A path that is not there.
    pub fn open<P: AsRef<Path>>(paths: &[P], metadata: MetadataFile, known: &Known) -> Result<Folder, Error> {
        let mut groups: BTreeMap<Group, Vec<PathBuf>> = BTreeMap::new();
        let mut logged = BTreeSet::new();
        for input in Sources::new(paths)?.walk().flatten() {
            let Place::File(path) = input.place else { continue };
            logged.extend(path.to_str().and_then(logged_of));
            if let Some(group) = group(&path) {
                let samples = groups.entry(group).or_default();
                if samples.len() < SAMPLES {
                    samples.push(path);
                }
            }
        }
        let chains = groups.into_iter().map(|(group, samples)| mount(group, &samples, known)).collect();
        Ok(Folder { logged, chains, metadata })
    }

    /// Regions with log files, as far as the folders' names say whose they are.
    pub fn logged(&self) -> impl Iterator<Item = &Logged> {
        self.logged.iter()
    }

    /// The chains that were found, in order.
    pub fn chains(&self) -> impl Iterator<Item = &Chain> {
        self.chains.keys()
    }

    /// The file of a key; [`Fault::Elsewhere`] where the key is of no part that is here.
    fn find(&self, bucket: &str, key: &str) -> Result<PathBuf, Fault> {
        // A key names a file here, so it must not lead out of its folder.
        let parts =
            |key: &str| key.split('/').all(|part| !matches!(part, "" | "." | "..") && !part.contains(['\\', '\0']));
        if !parts(key) {
            return Err(Fault::Absent);
        }
        let mut here = false;
        for mount in self.chains.values() {
            let Some(path) = mount.path(bucket, key) else { continue };
            here = true;
            if path.is_file() {
                return Ok(path);
            }
        }
        Err(if here { Fault::Absent } else { Fault::Elsewhere })
    }
}

impl Mount {
    /// Where a key's file would be.
    fn path(&self, bucket: &str, key: &str) -> Option<PathBuf> {
        if self.heap {
            return key.rsplit('/').next().map(|name| self.folder.join(name));
        }
        let rest = key.strip_prefix(&self.prefix)?;
        let folder = match self.folder.file_name() {
            // Folders that are named like their buckets lie side by side.
            Some(name) if name == self.bucket.as_str() && bucket != self.bucket => self.folder.with_file_name(bucket),
            _ => self.folder.clone(),
        };
        Some(folder.join(rest))
    }

    /// The key of a file beneath `folder`, which stands for `prefix`.
    fn keys(
        folder: &Path,
        prefix: &str,
        each: &mut dyn FnMut(&str) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, Fault> {
        if !folder.is_dir() {
            return Ok(ControlFlow::Continue(()));
        }
        let sources = Sources::new(&[folder]).map_err(|error| Fault::Unread(error.to_string()))?;
        for input in sources.walk() {
            let input = input.map_err(|(name, error)| Fault::Unread(format!("{name}: {error}")))?;
            let Place::File(path) = input.place else { continue };
            let Ok(rest) = path.strip_prefix(folder) else { continue };
            let parts: Vec<_> = rest.iter().map(|part| part.to_string_lossy()).collect();
            if each(&format!("{prefix}{}", parts.join("/"))).is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }
}

impl Archive for Folder {
    fn bucket(&self, chain: &Chain) -> String {
        self.chains.get(chain).map(|mount| mount.bucket.clone()).unwrap_or_default()
    }

    fn digests(&self, _bucket: &str, chain: &Chain, from: DateTime<Utc>) -> Result<Vec<String>, Fault> {
        let Some(mount) = self.chains.get(chain) else { return Ok(Vec::new()) };
        let mut keys = Vec::new();
        let mut take = |key: &str| {
            if chain.name(key).is_some_and(|name| name.end >= from) {
                keys.push(key.to_owned());
            }
            ControlFlow::Continue(())
        };
        if mount.heap {
            let _ = Mount::keys(&mount.folder, "", &mut |name| {
                let digest = DigestName::parse(name).filter(|digest| chain.wrote(digest));
                let key = digest.map(|digest| with_name(&chain.key(digest.end), name));
                key.map_or(ControlFlow::Continue(()), |key| take(&key))
            })?;
        } else {
            let prefix = format!("{}/{}/", chain.stem, chain.region);
            if let Some(folder) = mount.path(&mount.bucket, prefix.trim_end_matches('/')) {
                let _ = Mount::keys(&folder, &prefix, &mut take)?;
            }
        }
        keys.sort_unstable();
        Ok(keys)
    }

    fn open(&self, bucket: &str, key: &str) -> Result<Object, Fault> {
        let path = self.find(bucket, key)?;
        let file = File::open(&path).map_err(|error| match error.kind() {
            ErrorKind::NotFound => Fault::Absent,
            _ => Fault::Unread(format!("{}: {error}", path.display())),
        })?;
        Ok(Object { metadata: self.metadata.of(bucket, key, &path), body: Box::new(file) })
    }

    fn logs(
        &self,
        bucket: &str,
        chain: &Chain,
        span: (DateTime<Utc>, DateTime<Utc>),
        each: &mut dyn FnMut(&str) -> ControlFlow<()>,
    ) -> Result<(), Fault> {
        let Some(mount) = self.chains.get(chain) else { return Ok(()) };
        for kind in Kind::ALL.into_iter().filter(|kind| *kind != Kind::Digest) {
            let prefix = format!("{}/{}/{}/", chain.root(), kind.folder(), chain.region);
            if mount.heap {
                let names = format!("{}_{}_{}_", chain.account(), kind.folder(), chain.region);
                let flow = Mount::keys(&mount.folder, "", &mut |name| match day_of(name, &names) {
                    Some(day) => each(&format!("{prefix}{day}/{name}")),
                    None => ControlFlow::Continue(()),
                })?;
                if flow.is_break() {
                    return Ok(());
                }
                continue;
            }
            for day in days(span) {
                let prefix = format!("{prefix}{day}/");
                let Some(folder) = mount.path(bucket, prefix.trim_end_matches('/')) else { continue };
                if Mount::keys(&folder, &prefix, each)?.is_break() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }
}

/// Days that a span touches, as keys write them.
fn days((from, to): (DateTime<Utc>, DateTime<Utc>)) -> impl Iterator<Item = String> {
    let (first, last) = (from.date_naive(), to.date_naive());
    first.iter_days().take_while(move |day| *day <= last).map(|day| day.format("%Y/%m/%d").to_string())
}

/// The day in the name of a log file that begins with `names`.
fn day_of(name: &str, names: &str) -> Option<String> {
    let time = name.strip_prefix(names)?;
    let (year, month, day) = (time.get(0..4)?, time.get(4..6)?, time.get(6..8)?);
    Some(format!("{year}/{month}/{day}"))
}

/// A key with another name in it.
fn with_name(key: &str, name: &str) -> String {
    key.rsplit_once('/').map_or_else(|| name.to_owned(), |(folders, _)| format!("{folders}/{name}"))
}

/// Whose a log file is, by its path; the root then is that of the key, whatever folder the download lies in.
fn logged_of(path: &str) -> Option<Logged> {
    let at = path.rfind("/AWSLogs/").map_or_else(|| path.starts_with("AWSLogs/").then_some(0), |at| Some(at + 1))?;
    Logged::of(path.get(at..)?)
}

/// Which digests a digest file lies among.
fn group(path: &Path) -> Option<Group> {
    let digest = DigestName::parse(path.file_name()?.to_str()?)?;
    let parent = path.parent()?;
    let above = |path: &Path, levels: usize| path.ancestors().nth(levels).map(Path::to_owned);
    let dated = parent.ends_with(Path::new(digest.region).join(digest.end.format("%Y/%m/%d").to_string()))
        || dated_otherwise(parent, digest.region);
    let lead = if dated { above(parent, 4)? } else { parent.to_owned() };
    Some(Group {
        lead,
        heap: !dated,
        account: digest.account.to_owned(),
        region: digest.region.to_owned(),
        trail: digest.trail.to_owned(),
        home: digest.home.to_owned(),
    })
}

/// Whether a folder is `REGION/YYYY/MM/DD` of some other day.
fn dated_otherwise(folder: &Path, region: &str) -> bool {
    let mut parts = folder.iter().rev();
    let mut number = |digits: usize| {
        let part = parts.next().and_then(|part| part.to_str());
        part.is_some_and(|part| part.len() == digits && part.bytes().all(|byte| byte.is_ascii_digit()))
    };
    number(2) && number(2) && number(4) && parts.next().is_some_and(|part| part == region)
}

/// Learns from a group's digests which keys its files had.
fn mount(group: Group, samples: &[PathBuf], known: &Known) -> (Chain, Mount) {
    let learned = samples.iter().find_map(|path| {
        let (bucket, stem) = stem(path)?;
        Some((bucket, with_prefix(stem, known)))
    });
    let (bucket, stem) = learned.unwrap_or_else(|| guessed(&group, known));
    let (folder, prefix) = if group.heap { (group.lead, String::new()) } else { apart(&group.lead, &stem) };
    let name = || folder.file_name().map(|name| name.to_string_lossy().into_owned());
    let bucket = bucket.or_else(name).unwrap_or_else(|| "unknown-bucket".to_owned());
    let Group { heap, region, trail, home, .. } = group;
    (Chain { stem, region, trail, home }, Mount { folder, prefix, bucket, heap })
}

/// The bucket and the stem of its chain that a digest claims, if it claims its own name.
fn stem(path: &Path) -> Option<(Option<String>, String)> {
    let file: io::Result<File> = File::open(path);
    let (text, _) = log::text(Box::new(file.ok()?), SAMPLE_BYTES).ok()??;
    let document = Document::parse(&text)?;
    let (folders, name) = document.key.rsplit_once('/')?;
    if path.file_name()?.to_str()? != name {
        return None;
    }
    let region = DigestName::parse(name)?.region;
    let above = folders.rsplitn(4, '/').nth(3)?;
    let stem = above.strip_suffix(region)?.strip_suffix('/')?;
    Some((Some(document.bucket), stem.to_owned()))
}

/// The stem as the user says it is.
fn with_prefix(stem: String, known: &Known) -> String {
    let Some(prefix) = &known.prefix else { return stem };
    let rest = match stem.strip_prefix("AWSLogs/") {
        Some(rest) => rest,
        None => stem.split_once("/AWSLogs/").map_or(stem.as_str(), |(_, rest)| rest),
    };
    match prefix.trim_end_matches('/') {
        "" => format!("AWSLogs/{rest}"),
        prefix => format!("{prefix}/AWSLogs/{rest}"),
    }
}

/// A stem for digests none of which can be read.
fn guessed(group: &Group, known: &Known) -> (Option<String>, String) {
    let parts: Vec<_> = group.lead.iter().map(|part| part.to_string_lossy()).collect();
    let own = || format!("AWSLogs/{}/{}", group.account, Kind::Digest.folder());
    let stem = match parts.iter().rposition(|part| part == "AWSLogs") {
        Some(at) if !group.heap => parts[at..].join("/"),
        _ => own(),
    };
    (None, with_prefix(stem, known))
}

/// Takes away what a folder and a key have in common at their end; the folder, and what the key has more.
fn apart(lead: &Path, stem: &str) -> (PathBuf, String) {
    let (mut folder, mut key) = (lead, stem);
    while let (Some(name), Some(part)) = (folder.file_name(), key.rsplit('/').next().filter(|part| !part.is_empty())) {
        let Some(parent) = folder.parent().filter(|_| name == part) else { break };
        folder = parent;
        key = key.strip_suffix(part).map_or("", |rest| rest.strip_suffix('/').unwrap_or(rest));
    }
    let prefix = if key.is_empty() { String::new() } else { format!("{key}/") };
    (folder.to_owned(), prefix)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_and_a_key_are_taken_apart() {
        for (lead, folder, prefix) in [
            ("/x/b/AWSLogs/1/CloudTrail-Digest", "/x/b", ""),
            ("/x/1/CloudTrail-Digest", "/x", "AWSLogs/"),
            ("/x/CloudTrail-Digest", "/x", "AWSLogs/1/"),
            ("/x", "/x", "AWSLogs/1/CloudTrail-Digest/"),
        ] {
            let expected = (PathBuf::from(folder), prefix.to_owned());
            assert_eq!(apart(Path::new(lead), "AWSLogs/1/CloudTrail-Digest"), expected, "{lead}");
        }
    }

    #[test]
    fn keys_never_lead_out_of_their_folder() {
        let mount = Mount { folder: "/x".into(), prefix: String::new(), bucket: "b".into(), heap: false };
        let chain = Chain { stem: "s/x".into(), region: "r".into(), trail: "t".into(), home: "h".into() };
        let folder =
            Folder { logged: BTreeSet::new(), chains: [(chain, mount)].into(), metadata: MetadataFile::default() };
        for key in ["../etc/passwd", "a/../../etc/passwd", "/etc/passwd", "a\0b", "", "a\\b"] {
            assert_eq!(folder.find("b", key), Err(Fault::Absent), "{key}");
        }
    }
}
