//! Where objects come from, by name: files, folders, globs, standard input, and what others list and fetch.
//!
//! A source lists its objects lazily and in one fixed order, so that a folder of a million files costs no memory and
//! the same input gives the same rows in the same order. Whether an object is gzip or plain, and what is in it, is
//! told later, by its content.

mod files;

use std::fmt;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use files::Walk;

use crate::reject::Error;

/// One object to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    /// The name that totals, errors and `source_object` show.
    pub name: String,
    /// Where its bytes are.
    pub place: Place,
    /// Bytes as stored; 0 where nobody knows beforehand.
    pub bytes: u64,
    /// When it was last written, in microseconds since the Unix epoch, where somebody knows.
    pub modified: Option<i64>,
}

/// Where the bytes of an object are.
#[derive(Debug, Clone)]
pub enum Place {
    /// A file.
    File(PathBuf),
    /// Standard input, once.
    Stdin,
    /// Elsewhere: somebody fetches them.
    Fetched(Arc<dyn Fetch>),
}

impl PartialEq for Place {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Place::File(a), Place::File(b)) => a == b,
            (Place::Stdin, Place::Stdin) => true,
            (Place::Fetched(a), Place::Fetched(b)) => Arc::ptr_eq(a, b),
            _ => false,
        }
    }
}

impl Eq for Place {}

/// Fetches the bytes of one object. Blocking: whoever reads is a worker thread of ours.
pub trait Fetch: fmt::Debug + Send + Sync {
    /// The object will be opened soon: fetching may begin. Called in the order of the objects.
    fn begin(&self) {}

    /// The bytes.
    ///
    /// # Errors
    /// Why they cannot be had, with the next step.
    fn open(&self) -> io::Result<Box<dyn Read + Send>>;

    /// When the object was last written, in microseconds since the Unix epoch: known at the latest when it is open.
    fn modified(&self) -> Option<i64> {
        None
    }
}

/// Why a fetch ended early: somebody asked for an end. The object is as if it had never been begun, and no failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an end was asked for")]
pub struct Halted;

impl From<Halted> for io::Error {
    fn from(halted: Halted) -> Self {
        io::Error::other(halted)
    }
}

/// Lists objects that are fetched, in one fixed order.
pub trait Remote: fmt::Debug + Send + Sync {
    /// The objects; what cannot be listed is an item too, by name.
    fn list(&self) -> Box<dyn Iterator<Item = Listed> + Send>;
}

/// An object, or the name of what could not be listed and why.
pub type Listed = Result<Input, (String, io::Error)>;

/// The paths that a user gave, checked to exist.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    roots: Vec<Root>,
}

#[derive(Debug, Clone)]
enum Root {
    Path(PathBuf),
    Renamed(PathBuf, String),
    Failed(String, String),
    Stdin,
    Remote(Arc<dyn Remote>),
}

impl Sources {
    /// Checks the paths: each is a file, a folder, a glob such as `logs/**/*.json.gz`, or `-`.
    ///
    /// # Errors
    /// A path that is not there; a glob that matches nothing.
    pub fn new<P: AsRef<Path>>(paths: &[P]) -> Result<Self, Error> {
        let mut sources = Sources::default();
        paths.iter().try_for_each(|path| sources.add(path.as_ref()))?;
        Ok(sources)
    }

    /// Adds a path, which comes after those before.
    ///
    /// # Errors
    /// As [`Sources::new`].
    pub fn add(&mut self, path: &Path) -> Result<(), Error> {
        if path.as_os_str() == "-" {
            self.roots.push(Root::Stdin);
            return Ok(());
        }
        if files::is_lake(path) {
            let source = io::Error::other("a lake, not logs: ask it with --lake");
            return Err(Error::Path { path: path.to_string_lossy().into_owned(), source });
        }
        let missing = match std::fs::metadata(path) {
            Ok(_) => {
                self.roots.push(Root::Path(path.to_owned()));
                return Ok(());
            }
            Err(error) => error,
        };
        let Some(pattern) = path.to_str().filter(|pattern| pattern.contains(['*', '?', '['])) else {
            return Err(Error::Path { path: path.to_string_lossy().into_owned(), source: missing });
        };
        let (paths, failed) = files::glob(pattern)?;
        self.roots.extend(paths.into_iter().map(Root::Path));
        self.roots.extend(failed.into_iter().map(|(name, why)| Root::Failed(name, why)));
        Ok(())
    }

    /// Adds objects that somebody else lists and fetches.
    pub fn add_remote(&mut self, remote: Arc<dyn Remote>) {
        self.roots.push(Root::Remote(remote));
    }

    /// Reads `copy` in place of `path`, under the name of `path`: for a pipe that was put into a file.
    pub fn replace(&mut self, path: &Path, copy: &Path) {
        for root in &mut self.roots {
            let same = match root {
                Root::Path(root) => root == path,
                Root::Stdin => path.as_os_str() == "-",
                _ => false,
            };
            if same {
                *root = Root::Renamed(copy.to_owned(), path.to_string_lossy().into_owned());
            }
        }
    }

    /// Whether no place was named.
    pub fn is_empty(&self) -> bool {
        self.roots.is_empty()
    }

    /// Whether standard input is among them: such a source can be read only once.
    pub fn reads_stdin(&self) -> bool {
        self.roots.iter().any(|root| matches!(root, Root::Stdin))
    }

    /// Whether some of the objects are fetched: then nobody knows beforehand how many there are.
    pub fn is_remote(&self) -> bool {
        self.roots.iter().any(|root| matches!(root, Root::Remote(_)))
    }

    /// The objects, in order. What cannot be listed is an item too, so that it is counted.
    pub fn walk(&self) -> Walk {
        let roots = self.roots.iter().rev().map(|root| match root {
            Root::Path(path) => files::Entry::Given(path.clone()),
            Root::Renamed(path, name) => files::Entry::Renamed(path.clone(), name.clone()),
            Root::Failed(name, why) => files::Entry::Failed(name.clone(), why.clone()),
            Root::Stdin => files::Entry::Stdin,
            Root::Remote(remote) => files::Entry::Remote(remote.clone()),
        });
        Walk::new(roots.collect())
    }
}
