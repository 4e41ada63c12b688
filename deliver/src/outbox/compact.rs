//! Rewriting the log: what still matters, and nothing else.

use std::collections::{HashMap, VecDeque};
use std::io::{self, Write};

use super::op::{self, FORMAT, Key, MARKS_MAX, Op};
use super::state::Place;
use super::{Inner, load, load_line};
use crate::error::Error;
use crate::fault;

/// A log is not worth rewriting below this.
const BYTES_MIN: u64 = if cfg!(test) { 16 << 10 } else { 4 << 20 };
/// A mark or a quiet time takes about this much.
const MARK_BYTES: u64 = 40;

impl Inner {
    /// Whether the log is worth rewriting.
    pub(super) fn is_mostly_waste(&self) -> bool {
        let small = self.state.marks().count() + self.state.quiet.len() + 3 * self.state.sent.len();
        let rest = small as u64 * MARK_BYTES;
        self.storage.bytes() > fault::limit("TRAILHOUND_OUTBOX_BYTES", BYTES_MIN)
            && self.storage.bytes() > 3 * (self.state.live_bytes + self.state.note_bytes + rest)
    }

    /// Rewrites the log. All of it stands afterwards, or the old one does.
    pub(super) fn compact(&mut self, now: i64) -> Result<(), Error> {
        self.state.forget_quiet(now);
        let (places, notes) = self.write_draft().map_err(|e| self.failure(e))?;
        if let Err(error) = self.storage.adopt() {
            self.broken = !self.storage.is_sound();
            return Err(self.failure(error));
        }
        let lost: Vec<Key> = self.state.entries.keys().filter(|key| !places.contains_key(key)).copied().collect();
        self.damaged += lost.len() as u64;
        for key in lost {
            self.state.apply(&Op::Drop { key }, Place { offset: 0, bytes: 0 });
        }
        self.state.note_bytes = notes.iter().map(|(_, place)| place.bytes as u64).sum();
        self.damaged += self.state.notes.len().saturating_sub(notes.len()) as u64;
        self.state.notes = notes;
        self.state.move_to(places);
        Ok(())
    }

    fn write_draft(&self) -> io::Result<Places> {
        let mut draft = Draft { out: self.storage.draft()?, buffer: Vec::new(), offset: 0 };
        draft.step(&Op::Format(FORMAT))?;
        let marks: Vec<Key> = self.state.marks().collect();
        for portion in marks.chunks(MARKS_MAX) {
            draft.step(&Op::Marks(portion.to_vec()))?;
        }
        let mut quiet: Vec<_> = self.state.quiet.iter().collect();
        quiet.sort();
        for (slot, until) in quiet {
            draft.step(&Op::Quiet { slot: *slot, until: *until })?;
        }
        for done in &self.state.sent {
            draft.step(&Op::Sent { key: done.key, sink: done.sink.clone(), at: done.at })?;
        }
        let mut keys: Vec<_> = self.state.entries.iter().map(|(key, entry)| (entry.place.offset, *key)).collect();
        keys.sort();
        let mut places = HashMap::with_capacity(keys.len());
        for (_, key) in keys {
            // One that cannot be read any more is left out, and counted by the caller.
            if let Some(delivery) = load(&self.state, self.storage.as_ref(), key) {
                let put = Op::Put { delivery: Box::new(delivery), marks: Vec::new(), quiet_until: None };
                places.insert(key, draft.step(&put)?);
            }
        }
        let notes = self.write_notes(&mut draft)?;
        draft.flush()?;
        Ok((places, notes))
    }

    fn write_notes(&self, draft: &mut Draft) -> io::Result<VecDeque<(i64, Place)>> {
        if let Some(until) = self.state.noted {
            draft.step(&Op::Noted { until })?;
        }
        let mut notes = VecDeque::with_capacity(self.state.notes.len());
        for (at, place) in &self.state.notes {
            if let Some(note) = load_line(self.storage.as_ref(), *place)? {
                notes.push_back((*at, draft.step(&note)?));
            }
        }
        Ok(notes)
    }
}

/// Where deliveries and notes now are.
type Places = (HashMap<Key, Place>, VecDeque<(i64, Place)>);

struct Draft {
    out: Box<dyn Write>,
    buffer: Vec<u8>,
    offset: u64,
}

impl Draft {
    fn step(&mut self, step: &Op) -> io::Result<Place> {
        let line = op::encode(step)?;
        let place = Place { offset: self.offset, bytes: line.len() };
        self.offset += line.len() as u64;
        self.buffer.extend_from_slice(&line);
        if self.buffer.len() > 1 << 20 {
            self.flush()?;
        }
        Ok(place)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.write_all(&self.buffer)?;
        self.buffer.clear();
        self.out.flush()
    }
}
