//! Events without an id, told apart by what they say.
//!
//! Such an event is the same as another if both say the same, word for word, and come from the same object, at the same
//! turn: the second of two equal records in one object is another event, and the second of a later reading of that object
//! is that one again. So a lake can read an object twice and keep each of its events once.

use std::collections::HashMap;
use std::hash::Hash;
use std::io;

use arrow::array::RecordBatch;

use super::Seen;
use super::run::Run;
use crate::batch;
use crate::restore::record_to_json;

/// Different texts of one object whose turns are counted; of further ones, every equal record is the same event.
const COUNTED: usize = 1 << 20;

/// How often the object that is being read has said what.
#[derive(Debug, Default)]
pub(super) struct Turns {
    object: String,
    turns: HashMap<u128, u32, ahash::RandomState>,
}

/// Rows of events without an id. An id that is no text is none: `extra` keeps what it was.
pub fn nameless(events: &RecordBatch) -> Vec<usize> {
    let ids = batch::text(events, "eventid");
    let extra = batch::text(events, "extra");
    let has_id = |row: usize| {
        let odd = || extra.get(row).is_some_and(|extra| extra.contains("\"eventID\":"));
        ids.get(row).is_some_and(|id| !id.is_empty()) && !odd()
    };
    (0..events.num_rows()).filter(|row| !has_id(*row)).collect()
}

impl Seen {
    /// Marks events without an id as seen; the rows that were there already, in order. Needs all columns, and the rows of
    /// an object one after the other.
    ///
    /// # Errors
    /// The temporary files could not be written or read.
    pub fn nameless_duplicates(&mut self, events: &RecordBatch) -> io::Result<Vec<usize>> {
        let objects = batch::text(events, "source_object");
        let mut found = Vec::new();
        for row in nameless(events) {
            let object = objects.get(row).unwrap_or_default();
            if self.turns.object != object {
                self.turns = Turns { object: object.to_owned(), turns: HashMap::default() };
            }
            let words = self.words(events, row, object);
            let is_counted = self.turns.turns.len() < COUNTED || self.turns.turns.contains_key(&words);
            let turn = match is_counted {
                true => *self.turns.turns.entry(words).and_modify(|turn| *turn += 1).or_default(),
                false => 0,
            };
            let key = self.key(("", words, turn));
            if !self.add(key)? {
                found.push(row);
            }
        }
        Ok(found)
    }

    /// Marks events without an id as seen, in whatever order they come: what an earlier run has kept. Needs all columns.
    ///
    /// # Errors
    /// The temporary files could not be written or read.
    pub fn remember_nameless(&mut self, events: &RecordBatch) -> io::Result<()> {
        let objects = batch::text(events, "source_object");
        for row in nameless(events) {
            let words = self.words(events, row, objects.get(row).unwrap_or_default());
            self.remember_next(words)?;
        }
        Ok(())
    }

    fn key(&self, event: impl Hash) -> u128 {
        u128::from(self.low.hash_one(&event)) | u128::from(self.high.hash_one(&event)) << 64
    }

    fn holds(&mut self, key: u128) -> io::Result<bool> {
        Ok(self.events.contains(&key) || !self.in_runs(&[key])?.is_empty())
    }

    /// Marks a key; `false` if it was marked.
    fn add(&mut self, key: u128) -> io::Result<bool> {
        if self.holds(key)? {
            return Ok(false);
        }
        self.events.insert(key);
        if self.events.len() >= self.in_memory {
            self.runs.push(Run::write(self.events.iter().copied())?);
            self.events.clear();
        }
        Ok(true)
    }

    /// What an event says and where it comes from, as a number.
    fn words(&self, events: &RecordBatch, row: usize, object: &str) -> u128 {
        self.key((record_to_json(events, row), object))
    }

    /// Marks the first turn that is not marked. The turns that are marked are the first ones, so it is found by halving.
    fn remember_next(&mut self, words: u128) -> io::Result<()> {
        let (mut marked, mut step) = (0_u32, 1_u32);
        // All turns before `marked` are marked.
        while self.holds(self.key(("", words, marked + step - 1)))? {
            marked += step;
            step = step.saturating_mul(2).min(1 << 24);
        }
        while step > 1 {
            let half = step / 2;
            if self.holds(self.key(("", words, marked + half - 1)))? {
                marked += half;
            }
            step -= half;
        }
        self.add(self.key(("", words, marked))).map(|_| ())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use arrow::array::StringArray;
    use arrow::compute::{cast, concat_batches};

    use super::*;
    use crate::columns::batch_from_json;

    /// Events of an object.
    fn of(object: &str, records: &[&str]) -> RecordBatch {
        let batch = batch_from_json(records).unwrap();
        let place = batch.schema().index_of("source_object").unwrap();
        let names = StringArray::from(vec![object; batch.num_rows()]);
        let mut columns = batch.columns().to_vec();
        columns[place] = cast(&names, columns[place].data_type()).unwrap();
        RecordBatch::try_new(batch.schema(), columns).unwrap()
    }

    const A: &str = r#"{"eventVersion":"1.08","eventName":"a"}"#;
    const B: &str = r#"{"eventVersion":"1.08","eventName":"b"}"#;
    const NAMED: &str = r#"{"eventVersion":"1.08","eventName":"a","eventID":"x"}"#;

    #[test]
    fn a_second_reading_of_an_object_brings_what_the_first_did_not() {
        let mut seen = Seen::new();
        assert!(seen.nameless_duplicates(&of("o", &[A, B, A, NAMED])).unwrap().is_empty());
        assert!(seen.nameless_duplicates(&of("p", &[A, A])).unwrap().is_empty());
        // The object has grown by one of each.
        assert_eq!(seen.nameless_duplicates(&of("o", &[A, B, A, NAMED, A, B])).unwrap(), [0, 1, 2]);
    }

    #[test]
    fn what_a_lake_holds_is_remembered_in_any_order_and_of_any_number() {
        for memory in [1, 50, 5_000] {
            for times in [0_usize, 1, 2, 3, 7, 8, 100] {
                let mut seen = Seen::with_memory(memory);
                let stored = of("o", &vec![A; times]);
                let others = of("p", &[A, B]);
                let all = concat_batches(&stored.schema(), [&others, &stored]).unwrap();
                for row in (0..all.num_rows()).rev() {
                    seen.remember_nameless(&all.slice(row, 1)).unwrap();
                }
                let read = of("o", &vec![A; times + 2]);
                let expected: Vec<_> = (0..times).collect();
                assert_eq!(seen.nameless_duplicates(&read).unwrap(), expected, "{times} in {memory}");
            }
        }
    }
}
