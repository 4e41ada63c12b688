//! The outbox: deliveries that survive whatever happens between a match and its telling.
//!
//! A log of steps on a [`storage::Storage`], and the fold of it in memory. Everything that is promised rests on one order:
//! a step is durable first and counts then. What was put is there after a crash; what was sent and not yet noted as sent is
//! sent again with the same key. The log is rewritten when most of it is of no use any more.
//!
//! It must not know what a sink is, or how long one waits.

mod claim;
mod compact;
mod folder;
mod listed;
#[cfg(test)]
pub(crate) mod memory;
pub mod note;
pub(crate) mod op;
mod open;
mod state;
pub mod storage;

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use alerts::Alert;
use tokio::sync::watch;

pub use claim::{Claim, Next};
pub use folder::Folder;
pub use listed::{Listed, Standing};
use note::{Found, Note, Step};
pub use op::Delivery;
use op::{Key, Op};
pub(crate) use state::slot_of;
use state::{Place, State};
use storage::Storage;

use crate::error::Error;

/// What an outbox may take.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Alerts whose delivery is remembered.
    pub marks: usize,
    /// Bytes on disk.
    pub bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        let policy = crate::config::Policy::default();
        Limits { marks: policy.remember, bytes: policy.max_outbox_bytes }
    }
}

/// A durable queue of deliveries. Shared by whoever puts alerts in and the lanes that take them out.
pub struct Outbox {
    inner: Mutex<Inner>,
    /// Goes up with every change that a waiting lane may want to hear of.
    changes: watch::Sender<u64>,
    limits: Limits,
}

struct Inner {
    storage: Box<dyn Storage>,
    state: State,
    /// A write failed in a way that leaves open what the disk holds.
    broken: bool,
    /// Lines that could not be read.
    damaged: u64,
}

impl Outbox {
    /// Steps that come from what the outbox holds: `with` reads and stages, then all is written with one fsync. When
    /// this returns, the steps survive.
    ///
    /// # Errors
    /// [`Error::Outbox`] if the disk refuses; then nothing has happened. [`Error::Full`] if there is no room.
    pub(crate) fn transact<T>(&self, now: i64, with: impl FnOnce(&mut Transaction<'_>) -> T) -> Result<T, Error> {
        let mut inner = self.lock();
        let crowd = Crowd::of(&inner.state, self.limits.bytes);
        let storage = inner.storage.as_ref();
        let noted = inner.state.last_note;
        let mut transaction =
            Transaction { state: &inner.state, storage, crowd, now, steps: Vec::new(), noted, found: HashSet::new() };
        let answer = with(&mut transaction);
        let steps = transaction.steps;
        if !steps.is_empty() {
            self.commit(&mut inner, &steps, now)?;
        }
        Ok(answer)
    }

    /// Waits for changes: a lane that has nothing to do subscribes before it looks.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Bytes on disk.
    pub fn bytes(&self) -> u64 {
        self.lock().storage.bytes()
    }

    /// Lines of the log that could not be read, as bytes of a failing disk: what they said is lost.
    pub fn damaged(&self) -> u64 {
        self.lock().damaged
    }

    /// Tries dead deliveries again, all of them or those of one sink or with one key. Gives how many.
    ///
    /// # Errors
    /// As for any write.
    pub fn replay(&self, sink: Option<&str>, key: Option<&str>, now: i64) -> Result<usize, Error> {
        let mut inner = self.lock();
        let wanted = |id: &Key, of: &str| {
            sink.is_none_or(|sink| sink == of) && key.is_none_or(|key| id.to_string().starts_with(key))
        };
        let dead = inner.state.entries.iter().filter(|(id, entry)| entry.dead && wanted(id, &entry.sink));
        let mut keys: Vec<Key> = dead.map(|(key, _)| *key).collect();
        keys.sort();
        let steps: Vec<Op> = keys.iter().map(|key| Op::Revive { key: *key, at: now }).collect();
        self.commit(&mut inner, &steps, now)?;
        Ok(steps.len())
    }

    fn commit(&self, inner: &mut Inner, steps: &[Op], now: i64) -> Result<(), Error> {
        if inner.broken {
            return Err(Error::Broken);
        }
        let mut lines = Vec::new();
        let mut lengths = Vec::with_capacity(steps.len());
        for step in steps {
            let line = op::encode(step).map_err(|e| inner.failure(e.into()))?;
            lengths.push(line.len());
            lines.extend_from_slice(&line);
        }
        if inner.storage.bytes() + lines.len() as u64 > self.limits.bytes {
            inner.compact(now)?;
            if inner.storage.bytes() + lines.len() as u64 > self.limits.bytes {
                return Err(Error::Full { bytes: inner.storage.bytes(), most: self.limits.bytes });
            }
        }
        let mut offset = inner.storage.bytes();
        if let Err(error) = inner.storage.append(&lines) {
            inner.broken = !inner.storage.is_sound();
            return Err(inner.failure(error));
        }
        for (step, bytes) in steps.iter().zip(lengths) {
            inner.state.apply(step, Place { offset, bytes });
            offset += bytes as u64;
        }
        self.changes.send_modify(|version| *version = version.wrapping_add(1));
        if inner.is_mostly_waste()
            && let Err(error) = inner.compact(now)
        {
            // The steps stand; the log is only longer than it need be.
            tracing::warn!(%error, "the outbox could not be rewritten");
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // A panic in between has written nothing that does not count, so what is there is right.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn failure(&self, source: std::io::Error) -> Error {
        Error::Outbox { path: self.storage.place(), source }
    }

    fn load(&self, key: Key) -> Option<Delivery> {
        load(&self.state, self.storage.as_ref(), key)
    }
}

/// A delivery as it now is: the message of its line, and what has happened since.
fn load(state: &State, storage: &dyn Storage, key: Key) -> Option<Delivery> {
    let entry = state.entries.get(&key)?;
    let Some(Op::Put { mut delivery, .. }) = load_line(storage, entry.place).ok()? else {
        return None;
    };
    delivery.not_before = entry.not_before;
    delivery.since = entry.since;
    delivery.attempts = entry.attempts;
    delivery.dead = entry.dead;
    delivery.error = entry.error.clone();
    (delivery.message.key == key.to_string()).then_some(*delivery)
}

/// The step of a line; `None` if it is not whole.
fn load_line(storage: &dyn Storage, place: Place) -> std::io::Result<Option<Op>> {
    let line = storage.read(place.offset, place.bytes)?;
    Ok(line.strip_suffix(b"\n").and_then(op::decode))
}

/// Whose messages the outbox has no room for.
enum Crowd {
    Nobody,
    /// Half of it is taken: sinks that failed lately wait for others' sake.
    Failing(HashSet<Arc<str>>),
    /// Three quarters: whoever has something waiting.
    Everybody,
}

impl Crowd {
    fn of(state: &State, most: u64) -> Crowd {
        if state.live_bytes > most / 4 * 3 {
            Crowd::Everybody
        } else if state.live_bytes > most / 2 {
            Crowd::Failing(state.failing())
        } else {
            Crowd::Nobody
        }
    }

    fn has(&self, sink: &str) -> bool {
        match self {
            Crowd::Nobody => false,
            Crowd::Failing(sinks) => sinks.contains(sink),
            Crowd::Everybody => true,
        }
    }
}

/// A look at the outbox and the steps that follow from it, with nobody in between.
pub(crate) struct Transaction<'a> {
    state: &'a State,
    storage: &'a dyn Storage,
    crowd: Crowd,
    now: i64,
    steps: Vec<Op>,
    /// The latest note, those of this transaction among them.
    noted: i64,
    /// Marks of alerts that this transaction notes.
    found: HashSet<Key>,
}

impl Transaction<'_> {
    /// Whether an alert has been told, or will be.
    pub(crate) fn is_marked(&self, mark: Key) -> bool {
        self.state.is_marked(mark)
    }

    /// Whether a sink has as much waiting as it may, or all of them together have.
    pub(crate) fn is_crowded(&self, sink: &str, most: usize) -> bool {
        let waiting = self.state.waiting(sink);
        waiting >= most || (waiting > 0 && self.crowd.has(sink))
    }

    /// Until when a slot wants no further message.
    pub(crate) fn quiet_until(&self, slot: Key) -> Option<i64> {
        self.state.quiet.get(&slot).copied()
    }

    /// The delivery of a slot that no sink can have seen, to add to.
    pub(crate) fn open(&self, slot: Key) -> Option<Delivery> {
        let (key, _) = self.state.open(slot)?;
        load(self.state, self.storage, key)
    }

    /// The key of one that waits for its time, to take it back.
    pub(crate) fn open_key(&self, slot: Key) -> Option<Key> {
        self.state.early(slot, self.now)
    }

    /// Stages the note that an alert was found, where notes are kept and it was not found before; whether it did.
    pub(crate) fn note(&mut self, alert: &Alert) -> bool {
        let mark = note::mark(&alert.fingerprint);
        if self.state.noted.is_none() || self.state.is_marked(mark) || !self.found.insert(mark) {
            return false;
        }
        self.noted = self.now.max(self.noted.saturating_add(1));
        let step = Step::Found(Box::new(Found::of(alert)));
        self.steps.push(Op::Note(Note { at: self.noted, step }));
        true
    }

    /// Stages a step.
    pub(crate) fn stage(&mut self, step: Op) {
        self.steps.push(step);
    }
}

/// Shared, because lanes run on their own.
pub type Shared = Arc<Outbox>;
