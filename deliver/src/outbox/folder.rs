//! An outbox in a folder: one file of lines, a lock, and for a moment the next version of the file.
//!
//! Only its owner may read it: alerts say who does what. One process has it at a time; others may look.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::storage::Storage;
use crate::error::Error;
use crate::fault;

const LOG: &str = "outbox.jsonl";
const DRAFT: &str = "outbox.jsonl.new";
const LOCK: &str = "outbox.lock";

/// A folder with an outbox in it.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    log: File,
    bytes: u64,
    sound: bool,
    /// Held as long as the folder is open; `None` for one that only looks.
    _lock: Option<File>,
}

impl Folder {
    /// Opens a folder to write, and makes it if need be.
    ///
    /// # Errors
    /// [`Error::Locked`] if another process has it, [`Error::Outbox`] for what the system says.
    pub fn open(path: &Path) -> Result<Folder, Error> {
        let fail = |source| Error::Outbox { path: path.to_path_buf(), source };
        make(path).map_err(fail)?;
        let lock = private().create(true).write(true).truncate(false).open(path.join(LOCK)).map_err(fail)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(Error::Locked { path: path.to_path_buf() }),
            Err(TryLockError::Error(source)) => return Err(fail(source)),
        }
        // A draft that was never adopted.
        match fs::remove_file(path.join(DRAFT)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(fail(error)),
            _ => {}
        }
        let log = private().create(true).read(true).append(true).open(path.join(LOG)).map_err(fail)?;
        sync_folder(path).map_err(fail)?;
        let bytes = log.metadata().map_err(fail)?.len();
        Ok(Folder { path: path.to_path_buf(), log, bytes, sound: true, _lock: Some(lock) })
    }

    /// Opens a folder to look at, while another process may be writing.
    ///
    /// # Errors
    /// [`Error::Outbox`] for what the system says, also if there is no outbox.
    pub fn look(path: &Path) -> Result<Folder, Error> {
        let fail = |source| Error::Outbox { path: path.to_path_buf(), source };
        let log = File::open(path.join(LOG)).map_err(fail)?;
        let bytes = log.metadata().map_err(fail)?.len();
        Ok(Folder { path: path.to_path_buf(), log, bytes, sound: true, _lock: None })
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        fault::point("outbox.append.before");
        if fault::wanted("outbox.append.half") {
            let (half, _) = bytes.split_at(bytes.len() / 2);
            self.log.write_all(half)?;
            std::process::abort();
        }
        self.log.write_all(bytes)?;
        fault::point("outbox.append.written");
        // From here on a failure leaves open what the disk holds: some systems drop the pages and forget.
        self.sound = false;
        self.log.sync_data()?;
        self.sound = true;
        fault::point("outbox.append.after");
        Ok(())
    }
}

impl Storage for Folder {
    fn bytes(&self) -> u64 {
        self.bytes
    }

    fn read(&self, offset: u64, most: usize) -> io::Result<Vec<u8>> {
        let mut log = &self.log;
        log.seek(SeekFrom::Start(offset))?;
        let left = self.bytes.saturating_sub(offset).min(most as u64);
        let mut bytes = Vec::with_capacity(usize::try_from(left).unwrap_or(0));
        log.take(left).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let before = self.bytes;
        match self.write(bytes) {
            Ok(()) => {
                self.bytes += bytes.len() as u64;
                Ok(())
            }
            Err(error) => {
                // A full disk took half a line: take it back, so that there is room to go on when there is room.
                if self.sound && self.log.set_len(before).is_err() {
                    self.sound = false;
                }
                Err(error)
            }
        }
    }

    fn truncate(&mut self, bytes: u64) -> io::Result<()> {
        self.sound = false;
        self.log.set_len(bytes)?;
        self.log.sync_data()?;
        self.sound = true;
        self.bytes = bytes;
        Ok(())
    }

    fn draft(&self) -> io::Result<Box<dyn Write>> {
        Ok(Box::new(private().create(true).write(true).truncate(true).open(self.path.join(DRAFT))?))
    }

    fn adopt(&mut self) -> io::Result<()> {
        let draft = self.path.join(DRAFT);
        // A descriptor of its own syncs the file as well: what counts is the file.
        File::open(&draft)?.sync_all()?;
        fault::point("outbox.adopt.before");
        self.sound = false;
        fs::rename(&draft, self.path.join(LOG))?;
        fault::point("outbox.adopt.renamed");
        sync_folder(&self.path)?;
        self.log = private().read(true).append(true).open(self.path.join(LOG))?;
        self.bytes = self.log.metadata()?.len();
        self.sound = true;
        fault::point("outbox.adopt.after");
        Ok(())
    }

    fn is_sound(&self) -> bool {
        self.sound
    }

    fn place(&self) -> PathBuf {
        self.path.clone()
    }
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

fn make(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// A new name in a folder survives a power cut only when the folder is synced.
fn sync_folder(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    File::open(path)?.sync_all()?;
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn bytes_survive_and_drafts_replace() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a/b");
        let mut folder = Folder::open(&path).unwrap();
        folder.append(b"one\n").unwrap();
        folder.append(b"two\n").unwrap();
        assert_eq!(folder.read(4, 100).unwrap(), b"two\n");
        folder.truncate(4).unwrap();
        folder.append(b"three\n").unwrap();
        let mut draft = folder.draft().unwrap();
        draft.write_all(b"all\n").unwrap();
        drop(draft);
        assert_eq!(folder.read(0, 100).unwrap(), b"one\nthree\n");
        folder.adopt().unwrap();
        folder.append(b"new\n").unwrap();
        drop(folder);
        fs::write(path.join(DRAFT), "never adopted").unwrap();
        let folder = Folder::open(&path).unwrap();
        assert_eq!(folder.read(0, 100).unwrap(), b"all\nnew\n");
        assert!(!path.join(DRAFT).exists());
    }

    #[test]
    fn one_has_it_others_look() {
        let dir = tempfile::tempdir().unwrap();
        let mut folder = Folder::open(dir.path()).unwrap();
        folder.append(b"one\n").unwrap();
        assert!(matches!(Folder::open(dir.path()), Err(Error::Locked { .. })));
        assert_eq!(Folder::look(dir.path()).unwrap().read(0, 9).unwrap(), b"one\n");
        drop(folder);
        Folder::open(dir.path()).unwrap();
        assert!(matches!(Folder::look(&dir.path().join("none")), Err(Error::Outbox { .. })));
    }

    #[cfg(unix)]
    #[test]
    fn only_its_owner_reads_it() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("outbox");
        drop(Folder::open(&path).unwrap());
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(&path.join(LOG))), (0o700, 0o600));
    }
}
