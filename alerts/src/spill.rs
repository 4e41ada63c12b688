//! Events that wait for the end of a batch, in temporary files.
//!
//! What does not fit into memory is written in runs, each in order of time, one behind the other in one file that has no
//! name; at the end the runs are read side by side, so that the events come in order whatever their order was. Knows
//! nothing of correlations.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};

use crate::correlate::{Entry, Values};

/// Bytes read at a time from each run.
const BUFFER_BYTES: usize = 32 * 1024;

/// Runs on disk.
#[derive(Debug, Default)]
pub(crate) struct Spill {
    file: Option<File>,
    end: u64,
    runs: Vec<Run>,
}

/// A part of the file, in order of time.
#[derive(Debug)]
struct Run {
    at: u64,
    end: u64,
    /// Events not read yet.
    left: u64,
    buffer: Vec<u8>,
    /// What of the buffer has been read.
    used: usize,
}

impl Spill {
    /// True if nothing was written.
    pub(crate) fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// Writes a run; `entries` are in order.
    pub(crate) fn write(&mut self, entries: &[(Values, Entry)]) -> io::Result<()> {
        if entries.is_empty() {
            return Ok(());
        }
        if self.file.is_none() {
            self.file = Some(tempfile::tempfile()?);
        }
        let Some(file) = &mut self.file else { return Ok(()) };
        // Behind the last whole run: one that was cut short by a full disk is written over.
        file.seek(SeekFrom::Start(self.end))?;
        let mut out = BufWriter::with_capacity(BUFFER_BYTES, file);
        for entry in entries {
            serde_json::to_writer(&mut out, entry)?;
            out.write_all(b"\n")?;
        }
        out.flush()?;
        let end = out.get_mut().stream_position()?;
        let left = entries.len() as u64;
        self.runs.push(Run { at: self.end, end, left, buffer: Vec::new(), used: 0 });
        self.end = end;
        Ok(())
    }

    /// All runs, to be read in order of time. `Err` is the number of events that cannot be read.
    pub(crate) fn merge(self) -> Result<Merged, u64> {
        let Some(file) = self.file else { return Err(self.runs.iter().map(|run| run.left).sum()) };
        let mut merged = Merged { file, runs: self.runs, heads: BinaryHeap::new(), lost: 0 };
        for run in 0..merged.runs.len() {
            merged.refill(run);
        }
        Ok(merged)
    }
}

/// Runs that are read side by side.
#[derive(Debug)]
pub(crate) struct Merged {
    file: File,
    runs: Vec<Run>,
    heads: BinaryHeap<Head>,
    lost: u64,
}

/// The next event of a run.
#[derive(Debug, PartialEq, Eq)]
struct Head {
    entry: Entry,
    group: Values,
    run: usize,
}

impl Ord for Head {
    /// The earliest is the greatest: it comes first out of the heap.
    fn cmp(&self, other: &Self) -> Ordering {
        other.entry.order(&self.entry).then_with(|| (other.run, &other.group).cmp(&(self.run, &self.group)))
    }
}

impl PartialOrd for Head {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Merged {
    /// Time of the next event.
    pub(crate) fn time(&self) -> Option<i64> {
        self.heads.peek().map(|head| head.entry.sighting.time)
    }

    /// Events that could not be read again.
    pub(crate) fn lost(&self) -> u64 {
        self.lost
    }

    fn refill(&mut self, run: usize) {
        let Some(from) = self.runs.get_mut(run) else { return };
        match from.read(&mut self.file) {
            Ok(Some((group, entry))) => self.heads.push(Head { entry, group, run }),
            Ok(None) => {}
            Err(_) => {
                self.lost += from.left;
                from.left = 0;
                from.at = from.end;
            }
        }
    }
}

impl Iterator for Merged {
    type Item = (Values, Entry);

    fn next(&mut self) -> Option<(Values, Entry)> {
        let head = self.heads.pop()?;
        self.refill(head.run);
        Some((head.group, head.entry))
    }
}

impl Run {
    fn read(&mut self, file: &mut File) -> io::Result<Option<(Values, Entry)>> {
        loop {
            let unread = self.buffer.get(self.used..).unwrap_or_default();
            if let Some(length) = memchr::memchr(b'\n', unread) {
                let entry = serde_json::from_slice(unread.get(..length).unwrap_or_default())?;
                self.used += length + 1;
                self.left = self.left.saturating_sub(1);
                return Ok(Some(entry));
            }
            if self.at >= self.end {
                return Ok(None);
            }
            self.buffer.drain(..self.used.min(self.buffer.len()));
            self.used = 0;
            let more = usize::try_from(self.end - self.at).unwrap_or(usize::MAX).min(BUFFER_BYTES);
            let before = self.buffer.len();
            self.buffer.resize(before + more, 0);
            file.seek(SeekFrom::Start(self.at))?;
            file.read_exact(self.buffer.get_mut(before..).unwrap_or_default())?;
            self.at += more as u64;
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::event_id::EventId;
    use crate::sighting::Sighting;

    #[test]
    fn runs_come_back_in_order_of_time() {
        let entry = |time: i64, text: &str| {
            let sighting = Sighting { time, event_id: EventId::new(text), ..Sighting::default() };
            (vec![None, Some(text.to_owned())], Entry { sighting, base: 0, value: None, carried: None })
        };
        let mut spill = Spill::default();
        let long = "ä\n\"x".repeat(BUFFER_BYTES);
        spill.write(&[entry(1, "a"), entry(5, &long), entry(7, "c")]).unwrap();
        spill.write(&[]).unwrap();
        spill.write(&[entry(i64::MIN + 1, "d"), entry(6, "e")]).unwrap();
        let merged = spill.merge().unwrap();
        assert_eq!(merged.time(), Some(i64::MIN + 1));
        let all: Vec<_> = merged.collect();
        assert_eq!(all, [entry(i64::MIN + 1, "d"), entry(1, "a"), entry(5, &long), entry(6, "e"), entry(7, "c")]);
    }
}
