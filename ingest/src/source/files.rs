//! Files of a folder, depth first, each folder's entries in the order of their names.

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};

use super::{Input, Place};
use crate::reject::Error;

/// Something still to be looked at.
#[derive(Debug, Clone)]
pub(super) enum Entry {
    /// Named by the user.
    Given(PathBuf),
    /// Found in a folder.
    Found(PathBuf),
    Stdin,
}

/// The objects of a source, one after the other. Holds the names of the folders on the way only.
#[derive(Debug, Clone)]
pub struct Walk {
    /// What comes next is last.
    todo: Vec<Entry>,
}

impl Walk {
    pub(super) fn new(todo: Vec<Entry>) -> Self {
        Walk { todo }
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
    /// An object, or the name of what could not be listed and why.
    type Item = Result<Input, (String, io::Error)>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let (path, given) = match self.todo.pop()? {
                Entry::Stdin => {
                    return Some(Ok(Input { name: "-".to_owned(), place: Place::Stdin, bytes: 0 }));
                }
                Entry::Given(path) => (path, true),
                Entry::Found(path) => (path, false),
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
                return Some(Ok(Input { name, place: Place::File(path), bytes: metadata.len() }));
            }
            // A link to a folder above would never end; a root may be a link.
            let looped = std::fs::symlink_metadata(&path).is_ok_and(|m| m.is_symlink())
                && std::fs::canonicalize(&path).is_ok_and(|real| path.parent().is_some_and(|p| within(p, &real)));
            if looped {
                continue;
            }
            if let Err(error) = self.open_folder(&path) {
                return Some(Err((name, error)));
            }
        }
    }
}

/// Whether `folder` lies in `real` or is it.
fn within(folder: &Path, real: &Path) -> bool {
    std::fs::canonicalize(folder).is_ok_and(|folder| folder.starts_with(real))
}

/// Paths that match a glob, sorted.
pub(super) fn glob(pattern: &str) -> Result<Vec<PathBuf>, Error> {
    let refuse = |why: String| Error::Glob { pattern: pattern.to_owned(), why };
    let matches = glob::glob(pattern).map_err(|e| refuse(format!("not a glob: {e}")))?;
    let mut paths: Vec<PathBuf> = matches.filter_map(Result::ok).collect();
    if paths.is_empty() {
        return Err(refuse("no file matches; quote the pattern and check the folder".to_owned()));
    }
    // A link to a folder above gives every file many names: the shortest stands.
    paths.sort_unstable_by_key(|path| (path.components().count(), path.clone()));
    let mut real = HashSet::new();
    paths.retain(|path| std::fs::canonicalize(path).map_or(true, |path| real.insert(path)));
    paths.sort_unstable();
    // A folder and a file in it may both match, as with **; the folder's own walk covers the file.
    let folders: Vec<PathBuf> = paths.iter().filter(|p| p.is_dir()).cloned().collect();
    paths.retain(|path| !folders.iter().any(|folder| folder != path && path.starts_with(folder)));
    Ok(paths)
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
        std::os::unix::fs::symlink(dir.path(), dir.path().join("c/loop")).unwrap();
        let root = dir.path().to_str().unwrap();
        let names: Vec<_> = Sources::new(&[root]).unwrap().walk().map(|i| i.unwrap().name.replace(root, "")).collect();
        assert_eq!(names, ["/a.json", "/b/1.json", "/b/2.json", "/c/d/e.json"]);
        let glob = format!("{root}/**/*.json");
        assert_eq!(Sources::new(&[glob]).unwrap().walk().count(), 4);
        assert_eq!(Sources::new(&[root]).unwrap().walk().measure(), (4, 8));
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
}
