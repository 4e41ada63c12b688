//! A storage for tests that dies when it is told to: what was not durable by then is lost, or half of it is.

use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use super::storage::Storage;

/// The disk, which survives the process.
#[derive(Debug, Default)]
pub(crate) struct Disk {
    bytes: Vec<u8>,
    draft: Vec<u8>,
    /// Writes that still succeed; `None`: all.
    pub(crate) left: Option<usize>,
    /// Of the write at which the process dies: so many bytes of a hundred reach the disk.
    pub(crate) percent: usize,
    /// There is no room: nothing is written, and the process lives on.
    pub(crate) full: bool,
    dead: bool,
}

impl Disk {
    /// The process is started again.
    pub(crate) fn revive(&mut self, left: Option<usize>) {
        (self.left, self.dead) = (left, false);
    }

    pub(crate) fn contents(&self) -> &[u8] {
        &self.bytes
    }

    pub(crate) fn contents_mut(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    /// Whether the process dies now.
    fn dies(&mut self) -> bool {
        match &mut self.left {
            Some(0) => self.dead = true,
            Some(left) => *left -= 1,
            None => {}
        }
        self.dead
    }
}

/// A process's hold of the disk.
#[derive(Debug, Clone, Default)]
pub(crate) struct Memory(pub(crate) Arc<Mutex<Disk>>);

impl Memory {
    fn disk<T>(&self, with: impl FnOnce(&mut Disk) -> io::Result<T>) -> io::Result<T> {
        let mut disk = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if disk.dead {
            return Err(io::Error::other("the process is dead"));
        }
        with(&mut disk)
    }
}

impl Storage for Memory {
    fn bytes(&self) -> u64 {
        self.disk(|disk| Ok(disk.bytes.len() as u64)).unwrap_or(0)
    }

    fn read(&self, offset: u64, most: usize) -> io::Result<Vec<u8>> {
        self.disk(|disk| {
            let from = usize::try_from(offset).unwrap_or(usize::MAX).min(disk.bytes.len());
            Ok(disk.bytes.iter().skip(from).take(most).copied().collect())
        })
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.disk(|disk| {
            if disk.full {
                return Err(io::ErrorKind::StorageFull.into());
            }
            if disk.dies() {
                let half = bytes.len() * disk.percent / 100;
                disk.bytes.extend(bytes.iter().take(half));
                return Err(io::Error::other("power cut"));
            }
            disk.bytes.extend_from_slice(bytes);
            Ok(())
        })
    }

    fn truncate(&mut self, bytes: u64) -> io::Result<()> {
        self.disk(|disk| {
            if disk.dies() {
                return Err(io::Error::other("power cut"));
            }
            disk.bytes.truncate(usize::try_from(bytes).unwrap_or(usize::MAX));
            Ok(())
        })
    }

    fn draft(&self) -> io::Result<Box<dyn Write>> {
        self.disk(|disk| {
            disk.draft.clear();
            Ok(())
        })?;
        Ok(Box::new(Pen(self.clone())))
    }

    fn adopt(&mut self) -> io::Result<()> {
        self.disk(|disk| {
            let (dies, before) = (disk.dies(), disk.percent < 50);
            if !(dies && before) {
                disk.bytes = std::mem::take(&mut disk.draft);
            }
            if dies { Err(io::Error::other("power cut")) } else { Ok(()) }
        })
    }

    fn is_sound(&self) -> bool {
        self.disk(|_| Ok(())).is_ok()
    }

    fn place(&self) -> PathBuf {
        PathBuf::from("memory")
    }
}

struct Pen(Memory);

impl Write for Pen {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.disk(|disk| {
            disk.draft.extend_from_slice(bytes);
            Ok(bytes.len())
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
