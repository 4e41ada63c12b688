//! What the outbox noted of alerts, on its way into the table `alerts`: each note once, whatever dies when.
//!
//! Which note was taken last is part of the state, which stands exactly when the rows do. So a note that a process wrote
//! before it died is taken by the next one, and none is taken twice; the outbox lets notes go when their rows stand.

use std::collections::HashMap;

use ::deliver::Outbox;
use ::deliver::outbox::note::{Note, Step};
use arrow::array::RecordBatch;
use lake::{Lake, State};

use super::rows;
use crate::outcome::Failure;

/// Notes that are taken at a time: bounds memory.
const PORTION: usize = 1_000;
/// How a state begins that says up to which note the table has them; states of before say nothing.
const HEAD: &str = "notes ";

/// Notes on their way.
pub(super) struct Notes<'a> {
    outbox: &'a Outbox,
    /// The last note that was taken.
    taken: i64,
}

impl<'a> Notes<'a> {
    /// Goes on behind the note that the lake's state names.
    ///
    /// # Errors
    /// The outbox cannot be written.
    pub(super) fn open(outbox: &'a Outbox, state: Option<&State>) -> Result<Notes<'a>, Failure> {
        let stands = state.map_or(0, |state| apart(&state.bytes).0);
        let taken = stands.max(outbox.noted_until().unwrap_or(0));
        outbox.keep_notes(taken, ::deliver::now())?;
        Ok(Notes { outbox, taken })
    }

    /// Alerts of which a note waits already, and how many events they had: found again they are no news.
    ///
    /// # Errors
    /// The outbox cannot be read.
    pub(super) fn found(&self) -> Result<HashMap<String, u64>, Failure> {
        let (mut found, mut after) = (HashMap::new(), self.taken);
        loop {
            let notes = self.outbox.notes(after, PORTION)?;
            let Some(last) = notes.last() else { return Ok(found) };
            after = last.at;
            for note in notes {
                if let Step::Found(alert) = note.step {
                    found.insert(alert.fingerprint, alert.count);
                }
            }
        }
    }

    /// Whether there are notes that were not taken.
    pub(super) fn wait(&self) -> bool {
        self.outbox.last_note().is_some_and(|last| last > self.taken)
    }

    /// Takes the next ones, as rows.
    ///
    /// # Errors
    /// The outbox cannot be read.
    pub(super) fn take(&mut self) -> Result<Option<RecordBatch>, Failure> {
        let notes: Vec<Note> = self.outbox.notes(self.taken, PORTION)?;
        let Some(last) = notes.last() else { return Ok(None) };
        self.taken = last.at;
        Ok(Some(rows::noted(&notes)))
    }

    /// The last one that was taken.
    pub(super) fn taken(&self) -> i64 {
        self.taken
    }

    /// A state that stands with the rows of what was taken.
    pub(super) fn state(&self, name: &str, rules: &[u8]) -> State {
        let bytes = [format!("{HEAD}{}\n", self.taken).as_bytes(), rules].concat();
        State { name: name.to_owned(), bytes }
    }
}

/// The last note of a state, and what the rules knew, if that is in it.
fn apart(state: &[u8]) -> (i64, &[u8]) {
    let parts = || {
        let rest = state.strip_prefix(HEAD.as_bytes())?;
        let end = rest.iter().position(|byte| *byte == b'\n')?;
        let (number, rules) = rest.split_at_checked(end)?;
        Some((std::str::from_utf8(number).ok()?.parse().ok()?, rules.strip_prefix(b"\n")?))
    };
    parts().unwrap_or((0, state))
}

/// What the rules knew.
pub(super) fn rules(state: &State) -> Option<&[u8]> {
    Some(apart(&state.bytes).1).filter(|rules| !rules.is_empty())
}

/// Notes that came after the last commit, and steps that no commit took along, into the lake: what happened while everything ended.
///
/// # Errors
/// The lake or the outbox cannot be read or written.
pub(super) fn settle(
    outbox: &Outbox,
    name: &str,
    steps: Vec<RecordBatch>,
    lake: impl FnOnce() -> Result<Lake, Failure>,
) -> Result<(), Failure> {
    if outbox.last_note().is_none() && steps.is_empty() {
        return Ok(());
    }
    let mut lake = lake()?;
    let state = lake.state(name)?;
    let mut notes = Notes::open(outbox, state.as_ref())?;
    let mut fold = crate::commands::ingest::Fold::new();
    let mut ingest = lake::Ingest::begin(&mut lake, &mut fold, 1)?;
    steps.into_iter().for_each(|rows| ingest.alerts(rows));
    while let Some(rows) = notes.take()? {
        ingest.alerts(rows);
    }
    let rules = state.as_ref().and_then(rules).unwrap_or_default();
    ingest.checkpoint(Some(notes.state(name, rules)))?;
    Ok(outbox.keep_notes(notes.taken(), ::deliver::now())?)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_state_says_which_note_was_last_and_older_ones_say_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let folder = ::deliver::outbox::Folder::open(folder.path()).unwrap();
        let outbox = Outbox::open(Box::new(folder), ::deliver::outbox::Limits::default()).unwrap();
        let state = Notes { outbox: &outbox, taken: 77 }.state("q", b"{\"version\":1}\n");
        assert_eq!((apart(&state.bytes).0, rules(&state)), (77, Some(b"{\"version\":1}\n".as_slice())));
        assert_eq!(rules(&Notes { outbox: &outbox, taken: -1 }.state("q", b"")), None);
        let before = State { name: "q".to_owned(), bytes: b"{\"notes \":7}".to_vec() };
        assert_eq!((apart(&before.bytes).0, rules(&before)), (0, Some(before.bytes.as_slice())));
        assert_eq!(Notes::open(&outbox, Some(&state)).unwrap().taken(), 77);
        // Of the lake and the outbox, who knows more is right.
        assert_eq!(Notes::open(&outbox, Some(&before)).unwrap().taken(), 77);
    }
}
