//! What the outbox knows: the fold of its records. Messages themselves stay on disk.
//!
//! Bounded: a waiting delivery takes some two hundred bytes here whatever its message weighs, marks and the memory of what
//! was sent have a number of their own.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::Arc;

use alerts::Severity;

use super::note::{Step, mark};
use super::op::{Delivery, Key, Op};
use crate::message::{Kind, hash};

/// Deliveries that were sent and are still listed.
const SENT_MAX: usize = 1_000;
/// Dead deliveries that are kept for each sink; the oldest go first.
pub(super) const DEAD_MAX: usize = 10_000;

/// Groups whose quiet is remembered; beyond that those whose quiet ends soonest are forgotten, and told sooner.
const QUIET_MAX: usize = 200_000;

/// Clocks of one machine differ by less, unless one was set.
const CLOCK_MICROS: i64 = 60_000_000;

/// Where a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) offset: u64,
    pub(super) bytes: usize,
}

/// A delivery, without its message.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) sink: Arc<str>,
    pub(super) slot: Key,
    /// It goes only when nothing of this slot waits: an incident is not resolved before it was told.
    behind: Option<Key>,
    pub(super) kind: Kind,
    pub(super) severity: Severity,
    pub(super) alerts: u64,
    pub(super) created: i64,
    pub(super) not_before: i64,
    pub(super) since: i64,
    pub(super) attempts: u32,
    pub(super) dead: bool,
    pub(super) error: Option<String>,
    pub(super) place: Place,
    /// Order of arrival, for deliveries that are due at the same time.
    seq: u64,
    /// Put since the outbox was opened, and never in hand: no sink can have seen it.
    fresh: bool,
}

/// A delivery that a sink has.
#[derive(Debug, Clone)]
pub(super) struct Done {
    pub(super) key: Key,
    pub(super) sink: String,
    pub(super) at: i64,
}

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) entries: HashMap<Key, Entry>,
    /// By sink: what waits and nobody has in hand.
    due: BTreeMap<Arc<str>, BTreeSet<(i64, u64, Key)>>,
    in_hand: HashSet<Key>,
    marks: HashSet<Key>,
    marks_in_order: VecDeque<Key>,
    marks_max: usize,
    /// By slot: the delivery that was put last.
    latest: HashMap<Key, Key>,
    pub(super) quiet: HashMap<Key, i64>,
    pub(super) sent: VecDeque<Done>,
    dead: HashMap<Arc<str>, BTreeSet<(u64, Key)>>,
    /// Bytes of the lines of dead deliveries.
    dead_bytes: u64,
    /// Bytes of the lines that still matter.
    pub(super) live_bytes: u64,
    /// Notes that wait, by their time.
    pub(super) notes: VecDeque<(i64, Place)>,
    /// Up to which note somebody has them; notes are kept where somebody asked.
    pub(super) noted: Option<i64>,
    /// The latest note that there ever was.
    pub(super) last_note: i64,
    pub(super) notes_lost: u64,
    pub(super) note_bytes: u64,
    note_bytes_max: u64,
    seq: u64,
    /// The latest time that any step tells of.
    latest_time: i64,
    /// Steps come from the disk: an earlier process may have sent what it did not come to note.
    pub(super) loading: bool,
}

/// What a sink, a group and a kind of message have in common.
pub(crate) fn slot_of(sink: &str, group: &str, kind: Kind) -> Key {
    let kind = match kind {
        Kind::Alerts => "alerts",
        Kind::Digest => "digest",
        Kind::Resolve => "resolve",
    };
    Key(hash(&["slot", sink, group, kind]))
}

impl State {
    pub(super) fn new(marks_max: usize, note_bytes_max: u64) -> State {
        State { marks_max, note_bytes_max, ..State::default() }
    }

    /// One step, whose line is at `place`.
    pub(super) fn apply(&mut self, op: &Op, place: Place) {
        let time = match op {
            Op::Put { delivery, .. } => delivery.message.created,
            Op::Sent { at, .. } | Op::Revive { at, .. } => *at,
            _ => 0,
        };
        self.latest_time = self.latest_time.max(time);
        match op {
            Op::Format(_) => {}
            Op::Put { delivery, marks, quiet_until } => {
                self.put(delivery, *quiet_until, place);
                self.mark(marks);
            }
            Op::Marks(marks) => self.mark(marks),
            Op::Quiet { slot, until } => {
                self.be_quiet(*slot, *until);
            }
            Op::Sent { key, sink, at } => {
                self.remove(*key);
                self.sent.push_back(Done { key: *key, sink: sink.clone(), at: *at });
                if self.sent.len() > SENT_MAX {
                    self.sent.pop_front();
                }
            }
            Op::Drop { key } => self.remove(*key),
            Op::Failed { key, not_before, error } => self.change(*key, |entry| {
                entry.attempts = entry.attempts.saturating_add(1);
                entry.not_before = *not_before;
                entry.error = Some(error.clone());
            }),
            Op::Dead { key, error } => self.change(*key, |entry| {
                entry.attempts = entry.attempts.saturating_add(1);
                entry.dead = true;
                entry.error = Some(error.clone());
            }),
            Op::Revive { key, at } => self.change(*key, |entry| {
                (entry.dead, entry.attempts, entry.not_before, entry.since) = (false, 0, *at, *at);
                entry.fresh = false;
            }),
            Op::Note(note) => {
                self.note(note.at, place);
                if let Step::Found(alert) = &note.step {
                    self.mark(&[mark(&alert.fingerprint)]);
                }
            }
            Op::Noted { until } => self.let_notes_go(*until),
        }
    }

    fn note(&mut self, at: i64, place: Place) {
        self.last_note = self.last_note.max(at);
        self.notes.push_back((at, place));
        self.note_bytes += place.bytes as u64;
        while self.note_bytes > self.note_bytes_max
            && let Some((_, oldest)) = self.notes.pop_front()
        {
            self.note_bytes = self.note_bytes.saturating_sub(oldest.bytes as u64);
            self.notes_lost += u64::from(!self.loading);
        }
    }

    fn let_notes_go(&mut self, until: i64) {
        self.noted = Some(self.noted.map_or(until, |noted| noted.max(until)));
        self.last_note = self.last_note.max(until);
        while let Some((_, oldest)) = self.notes.pop_front_if(|(at, _)| *at <= until) {
            self.note_bytes = self.note_bytes.saturating_sub(oldest.bytes as u64);
        }
    }

    fn put(&mut self, delivery: &Delivery, quiet_until: Option<i64>, place: Place) {
        let message = &delivery.message;
        let Some(key) = Key::parse(&message.key) else { return };
        let seq = self.entries.get(&key).map_or(self.seq, |entry| entry.seq);
        self.remove(key);
        self.seq += 1;
        let slot = slot_of(&delivery.sink, &message.group, message.kind);
        let entry = Entry {
            sink: Arc::from(delivery.sink.as_str()),
            slot,
            behind: (message.kind == Kind::Resolve).then(|| slot_of(&delivery.sink, &message.group, Kind::Alerts)),
            kind: message.kind,
            severity: message.severity(),
            alerts: message.alerts(),
            created: message.created,
            not_before: delivery.not_before,
            since: delivery.since,
            attempts: delivery.attempts,
            dead: delivery.dead,
            error: delivery.error.clone(),
            place,
            seq,
            fresh: !self.loading,
        };
        self.live_bytes += place.bytes as u64;
        self.shelve(key, &entry);
        self.entries.insert(key, entry);
        self.latest.insert(slot, key);
        if let Some(until) = quiet_until {
            self.be_quiet(slot, until);
        }
    }

    fn be_quiet(&mut self, slot: Key, until: i64) {
        self.quiet.insert(slot, until);
        if self.quiet.len() > QUIET_MAX {
            let mut ends: Vec<i64> = self.quiet.values().copied().collect();
            let (_, middle, _) = ends.select_nth_unstable(QUIET_MAX / 2);
            let middle = *middle;
            self.quiet.retain(|_, until| *until > middle);
        }
    }

    fn shelve(&mut self, key: Key, entry: &Entry) {
        if entry.dead {
            self.dead_bytes += entry.place.bytes as u64;
            self.dead.entry(entry.sink.clone()).or_default().insert((entry.seq, key));
        } else if !self.in_hand.contains(&key) {
            self.due.entry(entry.sink.clone()).or_default().insert((entry.not_before, entry.seq, key));
        }
    }

    fn unshelve(&mut self, key: Key, entry: &Entry) {
        if let Some(due) = self.due.get_mut(&entry.sink) {
            due.remove(&(entry.not_before, entry.seq, key));
        }
        if let Some(dead) = self.dead.get_mut(&entry.sink)
            && dead.remove(&(entry.seq, key))
        {
            self.dead_bytes = self.dead_bytes.saturating_sub(entry.place.bytes as u64);
        }
    }

    fn change(&mut self, key: Key, with: impl FnOnce(&mut Entry)) {
        let Some(mut entry) = self.entries.remove(&key) else { return };
        self.unshelve(key, &entry);
        with(&mut entry);
        self.shelve(key, &entry);
        self.entries.insert(key, entry);
    }

    fn remove(&mut self, key: Key) {
        let Some(entry) = self.entries.remove(&key) else { return };
        self.unshelve(key, &entry);
        self.live_bytes = self.live_bytes.saturating_sub(entry.place.bytes as u64);
        if self.latest.get(&entry.slot) == Some(&key) {
            self.latest.remove(&entry.slot);
        }
    }

    fn mark(&mut self, marks: &[Key]) {
        for mark in marks {
            if self.marks.insert(*mark) {
                self.marks_in_order.push_back(*mark);
            }
        }
        while self.marks_in_order.len() > self.marks_max {
            if let Some(oldest) = self.marks_in_order.pop_front() {
                self.marks.remove(&oldest);
            }
        }
    }

    pub(super) fn is_marked(&self, mark: Key) -> bool {
        self.marks.contains(&mark)
    }

    /// All marks, oldest first.
    pub(super) fn marks(&self) -> impl Iterator<Item = Key> {
        self.marks_in_order.iter().copied()
    }

    /// When the next delivery of a sink is due, and which it is. What was put off by a clock that has been set back since is
    /// due now: nobody waits out the jump. No attempt is put off for longer than `longest`, in microseconds.
    pub(super) fn next(&self, sink: &str, now: i64, longest: i64) -> Option<(i64, Key)> {
        let due = self.due.get(sink)?;
        let free = |key: &Key| self.entries.get(key).is_none_or(|entry| !self.must_wait(entry));
        let first = due.iter().find(|(_, _, key)| free(key)).map(|(at, _, key)| (*at, *key));
        let soon = now.saturating_add(CLOCK_MICROS);
        if self.latest_time <= soon || first.is_none_or(|(at, _)| at <= now) {
            return first;
        }
        let is_of_the_future = |key: &Key| {
            let put_off = |entry: &Entry| entry.attempts > 0 && entry.not_before > now.saturating_add(longest);
            self.entries.get(key).is_some_and(|entry| entry.created > soon || put_off(entry))
        };
        let ahead = due.iter().find(|(_, _, key)| is_of_the_future(key) && free(key));
        ahead.map(|(_, _, key)| (now, *key)).or(first)
    }

    fn must_wait(&self, entry: &Entry) -> bool {
        let before = entry.behind.and_then(|slot| self.latest.get(&slot)).and_then(|key| self.entries.get(key));
        before.is_some_and(|before| !before.dead)
    }

    /// Takes a delivery in hand: nobody else gets it, and nothing is added to it.
    pub(super) fn take(&mut self, key: Key) {
        self.in_hand.insert(key);
        if let Some(entry) = self.entries.get_mut(&key) {
            entry.fresh = false;
        }
        if let Some(entry) = self.entries.get(&key).cloned() {
            self.unshelve(key, &entry);
        }
    }

    /// Lets go of it. If it still waits it is due again.
    pub(super) fn let_go(&mut self, key: Key) {
        self.in_hand.remove(&key);
        if let Some(entry) = self.entries.get(&key).cloned() {
            self.shelve(key, &entry);
        }
    }

    /// The delivery of a slot that no sink can have seen: something may still be added to it. A sink that looks at keys
    /// would take more text under a key that it knows for the text that it has. One that an earlier process put may have been
    /// sent by it, also before its time, if the clock was another then.
    pub(super) fn open(&self, slot: Key) -> Option<(Key, &Entry)> {
        self.untried(slot).filter(|(_, entry)| entry.fresh)
    }

    /// The delivery of a slot that waits for its time: it may be taken back.
    pub(super) fn early(&self, slot: Key, now: i64) -> Option<Key> {
        self.untried(slot).filter(|(_, entry)| entry.fresh || entry.not_before > now).map(|(key, _)| key)
    }

    /// The delivery of a slot that was never tried as far as is known, and is in nobody's hand.
    fn untried(&self, slot: Key) -> Option<(Key, &Entry)> {
        let key = *self.latest.get(&slot)?;
        let entry = self.entries.get(&key)?;
        (entry.attempts == 0 && !entry.dead && !self.in_hand.contains(&key)).then_some((key, entry))
    }

    pub(super) fn is_in_hand(&self, key: Key) -> bool {
        self.in_hand.contains(&key)
    }

    /// Sinks that have refused what they are to get again.
    pub(super) fn failing(&self) -> HashSet<Arc<str>> {
        let failed = self.entries.values().filter(|entry| !entry.dead && entry.attempts > 0);
        failed.map(|entry| entry.sink.clone()).collect()
    }

    /// How many deliveries of a sink wait.
    pub(super) fn waiting(&self, sink: &str) -> usize {
        self.due.get(sink).map_or(0, BTreeSet::len)
    }

    /// Dead deliveries that are not kept: the oldest of a sink that has too many, and the oldest of all where they take more
    /// than `most` bytes, so that a sink which refuses everything leaves room for what can be told.
    pub(super) fn dead_too_many(&self, sink: &str, most: u64) -> Vec<Key> {
        let many = self.dead.get(sink).map_or(0, |dead| dead.len().saturating_sub(DEAD_MAX));
        let mut gone: Vec<Key> = self.dead.get(sink).into_iter().flatten().take(many).map(|(_, key)| *key).collect();
        let bytes = |key: &Key| self.entries.get(key).map_or(0, |entry| entry.place.bytes as u64);
        let mut left = self.dead_bytes.saturating_sub(gone.iter().map(bytes).sum());
        if left > most {
            let mut oldest: Vec<(u64, Key)> = self.dead.values().flatten().copied().collect();
            oldest.sort_unstable();
            for (_, key) in oldest {
                if left <= most {
                    break;
                }
                if !gone.contains(&key) {
                    left = left.saturating_sub(bytes(&key));
                    gone.push(key);
                }
            }
        }
        gone
    }

    /// Lines were written anew: where each is now.
    pub(super) fn move_to(&mut self, places: HashMap<Key, Place>) {
        self.live_bytes = places.values().map(|place| place.bytes as u64).sum();
        for (key, place) in places {
            if let Some(entry) = self.entries.get_mut(&key) {
                entry.place = place;
            }
        }
        self.dead_bytes = self.entries.values().filter(|entry| entry.dead).map(|entry| entry.place.bytes as u64).sum();
    }

    /// Forgets quiet times that are over.
    pub(super) fn forget_quiet(&mut self, now: i64) {
        self.quiet.retain(|_, until| *until > now);
    }
}
