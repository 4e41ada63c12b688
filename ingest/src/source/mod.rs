//! Where objects come from, by name: files, folders, globs, standard input.
//!
//! A source lists its objects lazily and in one fixed order, so that a folder of a million files costs no memory and
//! the same input gives the same rows in the same order. Whether an object is gzip or plain, and what is in it, is
//! told later, by its content.

mod files;

use std::path::{Path, PathBuf};

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
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A file.
    File(PathBuf),
    /// Standard input, once.
    Stdin,
}

/// The paths that a user gave, checked to exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sources {
    roots: Vec<Root>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Root {
    Path(PathBuf),
    Renamed(PathBuf, String),
    Failed(String, String),
    Stdin,
}

impl Sources {
    /// Checks the paths: each is a file, a folder, a glob such as `logs/**/*.json.gz`, or `-`.
    ///
    /// # Errors
    /// A path that is not there; a glob that matches nothing.
    pub fn new<P: AsRef<Path>>(paths: &[P]) -> Result<Self, Error> {
        let mut roots = Vec::new();
        for path in paths {
            let path = path.as_ref();
            if path.as_os_str() == "-" {
                roots.push(Root::Stdin);
                continue;
            }
            if files::is_lake(path) {
                let source = std::io::Error::other("a lake, not logs: ask it with --lake");
                return Err(Error::Path { path: path.to_string_lossy().into_owned(), source });
            }
            let missing = match std::fs::metadata(path) {
                Ok(_) => {
                    roots.push(Root::Path(path.to_owned()));
                    continue;
                }
                Err(error) => error,
            };
            match path.to_str().filter(|pattern| pattern.contains(['*', '?', '['])) {
                Some(pattern) => {
                    let (paths, failed) = files::glob(pattern)?;
                    roots.extend(paths.into_iter().map(Root::Path));
                    roots.extend(failed.into_iter().map(|(name, why)| Root::Failed(name, why)));
                }
                None => return Err(Error::Path { path: path.to_string_lossy().into_owned(), source: missing }),
            }
        }
        Ok(Sources { roots })
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

    /// Whether standard input is among them: such a source can be read only once.
    pub fn reads_stdin(&self) -> bool {
        self.roots.contains(&Root::Stdin)
    }

    /// The objects, in order. What cannot be listed is an item too, so that it is counted.
    pub fn walk(&self) -> Walk {
        let roots = self.roots.iter().rev().map(|root| match root {
            Root::Path(path) => files::Entry::Given(path.clone()),
            Root::Renamed(path, name) => files::Entry::Renamed(path.clone(), name.clone()),
            Root::Failed(name, why) => files::Entry::Failed(name.clone(), why.clone()),
            Root::Stdin => files::Entry::Stdin,
        });
        Walk::new(roots.collect())
    }
}
