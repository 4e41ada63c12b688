//! What was entered before, kept in a file that only its owner reads: one JSON string a line.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::PathBuf;

/// Entries that are kept.
const MOST: usize = 2_000;
/// Bytes of a file that are read.
const MOST_BYTES: u64 = 8 << 20;

/// Entries, the oldest first.
#[derive(Debug, Default)]
pub(crate) struct History {
    entries: Vec<String>,
    file: Option<PathBuf>,
}

impl History {
    /// The history of a file. One that cannot be read or written is no reason to fail.
    pub(crate) fn open(file: Option<PathBuf>) -> History {
        let mut text = String::new();
        let opened = file.as_ref().and_then(|file| File::open(file).ok());
        let _ = opened.map(|file| file.take(MOST_BYTES).read_to_string(&mut text));
        let mut entries: Vec<String> = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        let long = entries.len() > 2 * MOST;
        entries.drain(..entries.len().saturating_sub(MOST));
        let history = History { entries, file };
        if long {
            let _ = history.write(&history.entries, true);
        }
        history
    }

    /// The entry so many steps back, from 1.
    pub(super) fn back(&self, steps: usize) -> Option<&str> {
        let place = self.entries.len().checked_sub(steps)?;
        self.entries.get(place).map(String::as_str)
    }

    /// Adds an entry, unless it is the last one again.
    pub(super) fn add(&mut self, text: &str) {
        if text.trim().is_empty() || self.entries.last().is_some_and(|last| last == text) {
            return;
        }
        self.entries.push(text.to_owned());
        // A history that cannot be kept is no reason to lose the session.
        let _ = self.write(&[text.to_owned()], false);
    }

    fn write(&self, entries: &[String], anew: bool) -> io::Result<()> {
        let Some(file) = &self.file else { return Ok(()) };
        let mut options = OpenOptions::new();
        options.create(true).write(true).append(!anew).truncate(anew);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(file)?;
        for entry in entries {
            writeln!(file, "{}", serde_json::to_string(entry)?)?;
        }
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn entries_come_back_whole() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("history");
        let mut history = History::open(Some(file.clone()));
        for text in ["SELECT 1;", "SELECT\n  2;", "SELECT\n  2;", " "] {
            history.add(text);
        }
        let history = History::open(Some(file));
        assert_eq!(history.back(1), Some("SELECT\n  2;"));
        assert_eq!(history.back(2), Some("SELECT 1;"));
        assert_eq!((history.back(3), history.back(0)), (None, None));
    }
}
