//! Which events were there already.
//!
//! CloudTrail may deliver an event more than once ("log files that contain one or more duplicate events … same
//! eventID"), and two trails log it twice. An event is the same if its `eventID` and the account that received it
//! are; a copy in another account (`sharedEventID`) is another event. An event without an id is a duplicate of none that
//! has one; how a lake knows it again is in [`nameless`].
//! The latest few million events are remembered in memory, older ones in temporary files: what stays in memory of
//! those is less than two bytes an event.

mod nameless;
mod run;

use std::hash::{BuildHasher, Hasher};
use std::io;

use arrow::array::{BooleanArray, RecordBatch};
use arrow::buffer::BooleanBuffer;
use arrow::compute::filter_record_batch;
use arrow::error::ArrowError;
use hashbrown::HashSet;

use crate::batch;
use nameless::Turns;
use run::Run;

pub use nameless::nameless;

/// Events remembered in memory: a table of 2^22 places is full then.
const IN_MEMORY: usize = 3_600_000;

/// The events seen so far.
#[derive(Debug)]
pub struct Seen {
    /// 128 bits of a keyed hash of id and account. The key is random, so nobody can write an event that hides another.
    events: HashSet<u128, Identity>,
    /// Earlier events, on disk.
    runs: Vec<Run>,
    in_memory: usize,
    turns: Turns,
    low: ahash::RandomState,
    high: ahash::RandomState,
    /// Keys of a batch, and their rows: all of them first, so that the processor looks many up at a time.
    keys: Vec<u128>,
    rows: Vec<usize>,
}

/// The set's members are hashes already.
#[derive(Debug, Default, Clone, Copy)]
struct Identity;

impl BuildHasher for Identity {
    type Hasher = Folded;
    fn build_hasher(&self) -> Folded {
        Folded(0)
    }
}

/// Takes one `u128` as it is.
#[derive(Debug)]
struct Folded(u64);

impl Hasher for Folded {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }
    fn write_u128(&mut self, value: u128) {
        self.0 = value as u64;
    }
}

impl Seen {
    /// Nothing seen yet.
    pub fn new() -> Self {
        Seen::with_memory(IN_MEMORY)
    }

    /// Nothing seen yet; remembers so many events in memory.
    pub fn with_memory(events: usize) -> Self {
        Seen {
            events: HashSet::default(),
            runs: Vec::new(),
            in_memory: events.max(1),
            turns: Turns::default(),
            low: ahash::RandomState::new(),
            high: ahash::RandomState::new(),
            keys: Vec::new(),
            rows: Vec::new(),
        }
    }

    /// Marks the events of a batch as seen; the rows that were there already, in order.
    ///
    /// # Errors
    /// The temporary files could not be written or read.
    pub fn duplicates(&mut self, events: &RecordBatch) -> io::Result<Vec<usize>> {
        let (mut keys, mut rows) = (std::mem::take(&mut self.keys), std::mem::take(&mut self.rows));
        self.hash(events, &mut keys, &mut rows);
        let mut found = Vec::new();
        let mut start = 0;
        while start < keys.len() {
            let room = self.in_memory.saturating_sub(self.events.len()).max(1);
            let end = keys.len().min(start + room);
            let mut earlier = self.in_runs(&keys[start..end])?.into_iter().peekable();
            for (at, key) in keys[start..end].iter().enumerate() {
                if earlier.next_if_eq(&at).is_some() || !self.events.insert(*key) {
                    found.push(rows[start + at]);
                }
            }
            start = end;
            if self.events.len() >= self.in_memory {
                self.runs.push(Run::write(self.events.iter().copied())?);
                self.events.clear();
            }
        }
        keys.clear();
        rows.clear();
        (self.keys, self.rows) = (keys, rows);
        Ok(found)
    }

    /// Keys of the events of a batch, and their rows.
    fn hash(&self, events: &RecordBatch, keys: &mut Vec<u128>, rows: &mut Vec<usize>) {
        let ids = batch::text(events, "eventid");
        let accounts = batch::text(events, "recipientaccountid");
        let extra = batch::text(events, "extra");
        let account = |name: &str| [self.low.hash_one(name), self.high.hash_one(name)];
        // A batch names few accounts.
        let named: Vec<[u64; 2]> = match accounts.dictionary() {
            Some(names) => names.iter().map(|name| account(name.unwrap_or_default())).collect(),
            None => Vec::new(),
        };
        for row in 0..events.num_rows() {
            // An id that is no text is none: `extra` keeps what it was.
            let odd = || extra.get(row).is_some_and(|extra| extra.contains("\"eventID\":"));
            let Some(id) = ids.get(row).filter(|id| !id.is_empty() && !odd()) else { continue };
            let account = match accounts.code(row).and_then(|code| named.get(code)) {
                Some(account) => *account,
                None => accounts.get(row).map_or([0; 2], account),
            };
            let half = |state: &ahash::RandomState, account: u64| {
                let mut hasher = state.build_hasher();
                hasher.write(id.as_bytes());
                hasher.write_u64(account);
                hasher.finish()
            };
            keys.push(u128::from(half(&self.low, account[0])) | u128::from(half(&self.high, account[1])) << 64);
            rows.push(row);
        }
    }

    /// Marks events as seen without telling which were: for what an earlier run has kept. `events` needs the columns
    /// `eventid` and `recipientaccountid`; rows without an id are no events to remember.
    ///
    /// # Errors
    /// The temporary files could not be written or read.
    pub fn remember(&mut self, events: &RecordBatch) -> io::Result<()> {
        self.duplicates(events).map(|_| ())
    }

    /// Positions of the keys that stand in a run, in order.
    fn in_runs(&mut self, keys: &[u128]) -> io::Result<Vec<usize>> {
        let mut found = Vec::new();
        for run in &mut self.runs {
            run.find(keys, &mut found)?;
        }
        // A key stands in one run, but runs are asked one after the other.
        found.sort_unstable();
        Ok(found)
    }
}

impl Default for Seen {
    fn default() -> Self {
        Self::new()
    }
}

/// More duplicates than this in a batch are filtered out; fewer split it, which copies nothing.
const SPLITS: usize = 16;

/// The rows of a batch but for the given ones (in order), as one batch or a few.
///
/// # Errors
/// Arrow's; none for rows of this batch.
pub fn without(events: &RecordBatch, rows: &[usize]) -> Result<Vec<RecordBatch>, ArrowError> {
    if rows.len() > SPLITS {
        let mut gone = rows.iter().copied().peekable();
        let keep = BooleanBuffer::collect_bool(events.num_rows(), |row| gone.next_if_eq(&row).is_none());
        let kept = filter_record_batch(events, &BooleanArray::new(keep, None))?;
        return Ok(Vec::from_iter((kept.num_rows() > 0).then_some(kept)));
    }
    let mut parts = Vec::with_capacity(rows.len() + 1);
    let mut start = 0;
    for end in rows.iter().copied().chain([events.num_rows()]) {
        if end > start {
            parts.push(events.slice(start, end - start));
        }
        start = end + 1;
    }
    Ok(parts)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::columns::batch_from_json;

    #[test]
    fn the_same_event_of_the_same_account_is_one() {
        let a = r#"{"eventVersion":"1.08","eventID":"a","recipientAccountId":"1"}"#;
        let elsewhere = r#"{"eventVersion":"1.08","eventID":"a","recipientAccountId":"2"}"#;
        let nameless = r#"{"eventVersion":"1.08"}"#;
        for id in ["\"\"", "5", "null", "[]"] {
            let odd = format!(r#"{{"eventVersion":"1.08","eventID":{id}}}"#);
            let events = batch_from_json(&[&odd, &odd, r#"{"eventID":"5"}"#]).unwrap();
            assert!(Seen::new().duplicates(&events).unwrap().is_empty(), "{id}");
        }
        let events = batch_from_json(&[a, elsewhere, a, nameless, nameless]).unwrap();
        let mut seen = Seen::new();
        let rows = seen.duplicates(&events).unwrap();
        assert_eq!(rows, [2]);
        let parts = without(&events, &rows).unwrap();
        assert_eq!(parts.iter().map(RecordBatch::num_rows).collect::<Vec<_>>(), [2, 2]);
        assert!(without(&events, &[0, 1, 2, 3, 4]).unwrap().is_empty());
        let many = batch_from_json(&[a; 40]).unwrap();
        let rows = Seen::new().duplicates(&many).unwrap();
        assert_eq!((rows.len(), without(&many, &rows).unwrap()[0].num_rows()), (39, 1));
        assert_eq!(seen.duplicates(&events).unwrap(), [0, 1, 2]);
    }

    /// However little is remembered in memory, the same rows are duplicates.
    #[test]
    fn what_is_on_disk_is_seen_too() {
        let records: Vec<String> =
            (0..500).map(|n| format!(r#"{{"eventVersion":"1.08","eventID":"{}"}}"#, n * 7 % 300)).collect();
        let records: Vec<&str> = records.iter().map(String::as_str).collect();
        let events = batch_from_json(&records).unwrap();
        let expected = Seen::new().duplicates(&events).unwrap();
        assert_eq!(expected.len(), 200);
        for memory in [1, 7, 64, 299, 300] {
            assert_eq!(Seen::with_memory(memory).duplicates(&events).unwrap(), expected, "{memory}");
        }
    }
}
