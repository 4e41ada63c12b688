//! Files of a folder, depth first, each folder's entries in the order of their names.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Input, Listed, Place, Remote};
use crate::reject::Error;

/// Something still to be looked at.
#[derive(Debug, Clone)]
pub(super) enum Entry {
    /// Named by the user.
    Given(PathBuf),
    /// Found in a folder.
    Found(PathBuf),
    /// Named by the user, under another name.
    Renamed(PathBuf, String),
    /// What a glob could not look into, and why.
    Failed(String, String),
    Stdin,
    /// Listed by somebody else.
    Remote(Arc<dyn Remote>),
}

/// The objects of a source, one after the other. Holds the names of the folders on the way only.
pub struct Walk {
    /// The listing of somebody else that is being read.
    remote: Option<Box<dyn Iterator<Item = Listed> + Send>>,
    /// What comes next is last.
    todo: Vec<Entry>,
    /// Real paths of the folders that the user named, and of those that links led to: a link into one of them is not
    /// followed, because its files are read already.
    covered: Vec<PathBuf>,
}

impl std::fmt::Debug for Walk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Walk").field("todo", &self.todo).finish_non_exhaustive()
    }
}

impl Walk {
    pub(super) fn new(todo: Vec<Entry>) -> Self {
        let given = todo.iter().filter_map(|entry| match entry {
            Entry::Given(path) => std::fs::canonicalize(path).ok(),
            _ => None,
        });
        Walk { remote: None, covered: given.collect(), todo }
    }

    /// Whether the folder is a link to files that are read anyway; if it is not, they are from now on.
    fn is_covered(&mut self, folder: &Path) -> bool {
        let link = std::fs::symlink_metadata(folder).is_ok_and(|metadata| metadata.is_symlink());
        let Some(real) = link.then(|| std::fs::canonicalize(folder).ok()).flatten() else { return false };
        if self.covered.iter().any(|covered| real.starts_with(covered) || covered.starts_with(&real)) {
            return true;
        }
        self.covered.push(real);
        false
    }

    /// Objects and their bytes as stored, for a progress bar. Reads folders, not files.
    pub fn measure(self) -> (u64, u64) {
        self.fold((0, 0), |(objects, bytes), item| (objects + 1, bytes + item.map_or(0, |input| input.bytes)))
    }

    fn open_folder(&mut self, folder: &Path) -> io::Result<()> {
        let mut entries = Vec::new();
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            let hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
            if !hidden {
                entries.push(path);
            }
        }
        entries.sort_unstable_by(|a, b| b.cmp(a));
        self.todo.extend(entries.into_iter().map(Entry::Found));
        Ok(())
    }
}

impl Iterator for Walk {
    type Item = Listed;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.remote.as_mut().and_then(Iterator::next) {
                Some(listed) => return Some(listed),
                None => self.remote = None,
            }
            let (path, given) = match self.todo.pop()? {
                Entry::Stdin => {
                    return Some(Ok(Input { name: "-".to_owned(), place: Place::Stdin, bytes: 0, modified: None }));
                }
                Entry::Given(path) => (path, true),
                Entry::Found(path) => (path, false),
                Entry::Renamed(path, name) => {
                    let bytes = std::fs::metadata(&path).map_or(0, |metadata| metadata.len());
                    return Some(Ok(Input { name, place: Place::File(path), bytes, modified: None }));
                }
                Entry::Remote(remote) => {
                    self.remote = Some(remote.list());
                    continue;
                }
                Entry::Failed(name, why) => return Some(Err((name, io::Error::other(why)))),
            };
            let name = path.to_string_lossy().into_owned();
            let metadata = match std::fs::metadata(&path) {
                Ok(metadata) => metadata,
                Err(error) => return Some(Err((name, error))),
            };
            if !metadata.is_dir() && !metadata.is_file() && !given {
                // Opening a pipe that nobody writes to would wait for ever.
                return Some(Err((name, io::Error::other("a pipe, socket or device; name it to read it"))));
            }
            if !metadata.is_dir() {
                let (bytes, modified) = (metadata.len(), modified(&metadata));
                return Some(Ok(Input { name, place: Place::File(path), bytes, modified }));
            }
            // A lake that lies among logs holds what was read from them, not logs.
            if !given && (is_lake(&path) || self.is_covered(&path)) {
                continue;
            }
            if let Err(error) = self.open_folder(&path) {
                return Some(Err((name, error)));
            }
        }
    }
}

/// Files, and the names of what could not be looked into, with the reasons.
type Globbed = (Vec<PathBuf>, Vec<(String, String)>);

/// Files that match a glob, or lie in a folder that does, in order; and what could not be looked into, with the reason.
/// The walk is ours, because it does not follow links round and round.
pub(super) fn glob(pattern: &str) -> Result<Globbed, Error> {
    let refuse = |why: String| Error::Glob { pattern: pattern.to_owned(), why };
    let compiled = glob::Pattern::new(pattern).map_err(|e| refuse(format!("not a glob: {e}")))?;
    let options = glob::MatchOptions { require_literal_separator: true, ..glob::MatchOptions::new() };
    let fixed = Path::new(pattern)
        .components()
        .take_while(|part| part.as_os_str().to_str().is_some_and(|part| !part.contains(['*', '?', '['])));
    let fixed: PathBuf = fixed.collect();
    let start = if fixed.as_os_str().is_empty() { PathBuf::from(".") } else { fixed.clone() };
    if !start.exists() {
        return Err(refuse(format!("no file matches: there is no {}", start.display())));
    }
    let (mut paths, mut failed) = (Vec::new(), Vec::new());
    for item in Walk::new(vec![Entry::Given(start)]) {
        match item {
            Ok(Input { place: Place::File(path), .. }) => {
                let path = path.strip_prefix(".").map_or(path.clone(), Path::to_owned);
                let within = path.ancestors().take_while(|folder| folder.starts_with(&fixed));
                if within.into_iter().any(|part| compiled.matches_path_with(part, options)) {
                    paths.push(path);
                }
            }
            Ok(_) => {}
            Err((name, error)) => failed.push((name, error.to_string())),
        }
    }
    if paths.is_empty() && failed.is_empty() {
        return Err(refuse("no file matches; quote the pattern and check the folder".to_owned()));
    }
    Ok((paths, failed))
}

/// Whether a folder is a lake of trailhound's, or a Delta table.
pub(super) fn is_lake(folder: &Path) -> bool {
    ["_trailhound", "_delta_log"].iter().any(|sign| folder.join(sign).is_dir())
}

/// When a file was last written, in microseconds since the Unix epoch.
fn modified(metadata: &std::fs::Metadata) -> Option<i64> {
    let since = metadata.modified().ok()?.duration_since(std::time::UNIX_EPOCH).ok()?;
    i64::try_from(since.as_micros()).ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::Sources;

    #[test]
    fn folders_are_walked_in_order_and_hidden_files_left_out() {
        let dir = tempfile::tempdir().unwrap();
        for file in ["b/2.json", "b/1.json", "a.json", ".hidden", "c/d/e.json"] {
            let path = dir.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "{}").unwrap();
        }
        #[cfg(unix)]
        for (target, link) in [("", "c/loop"), ("b", "c/to_b"), ("c", "b/to_c")] {
            std::os::unix::fs::symlink(dir.path().join(target), dir.path().join(link)).unwrap();
        }
        let elsewhere = tempfile::tempdir().unwrap();
        std::fs::write(elsewhere.path().join("f.json"), "{}").unwrap();
        #[cfg(unix)]
        for link in ["d1", "d2"] {
            std::os::unix::fs::symlink(elsewhere.path(), dir.path().join(link)).unwrap();
        }
        let root = dir.path().to_str().unwrap();
        let names: Vec<_> = Sources::new(&[root]).unwrap().walk().map(|i| i.unwrap().name.replace(root, "")).collect();
        assert_eq!(names, ["/a.json", "/b/1.json", "/b/2.json", "/c/d/e.json", "/d1/f.json"]);
        let glob = format!("{root}/**/*.json");
        assert_eq!(Sources::new(&[glob]).unwrap().walk().count(), 5);
        assert_eq!(Sources::new(&[root]).unwrap().walk().measure(), (5, 10));
    }

    #[test]
    fn what_is_not_there_is_named() {
        let error = Sources::new(&["/no/such/file"]).unwrap_err().to_string();
        assert!(error.contains("/no/such/file") && error.contains("standard input"), "{error}");
        assert!(Sources::new(&["/no/such/*.gz"]).unwrap_err().to_string().contains("no file matches"));
    }

    #[cfg(unix)]
    #[test]
    fn odd_names_are_read_and_sockets_are_named() {
        use std::os::unix::ffi::OsStrExt;
        let dir = tempfile::tempdir().unwrap();
        let odd = dir.path().join(std::ffi::OsStr::from_bytes(b"a\xff\n.json"));
        std::fs::write(&odd, "{}").unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(dir.path().join("b.sock")).unwrap();
        let mut walk = Sources::new(&[dir.path()]).unwrap().walk();
        assert_eq!(walk.next().unwrap().unwrap().bytes, 2);
        assert!(walk.next().unwrap().unwrap_err().1.to_string().contains("pipe, socket or device"));
        assert_eq!(Sources::new(&[&odd]).unwrap().walk().count(), 1);
    }

    #[test]
    fn a_lake_among_logs_is_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let within = |path: &str| folder.path().join(path);
        std::fs::create_dir_all(within("lake/_trailhound")).unwrap();
        std::fs::create_dir_all(within("lake/events/_delta_log")).unwrap();
        std::fs::write(within("lake/events/_delta_log/0.json"), "{}").unwrap();
        std::fs::write(within("a.json"), "{}").unwrap();
        let found: Vec<_> = super::Walk::new(vec![super::Entry::Given(folder.path().to_owned())])
            .map(|item| item.unwrap().name)
            .collect();
        assert_eq!(found, [within("a.json").to_string_lossy()]);
        assert!(Sources::new(&[within("lake")]).is_err());
    }
}
