//! Structs that were seen before: the identity of a session, the TLS of a client, word for word.
//!
//! A session makes many calls, and each of their records repeats its `userIdentity`, a third of the record. A text that
//! equals a remembered one needs no scan: its fields lie where they lay. The table has one place for each hash, so its
//! size is fixed, and a hostile log only makes it useless.

use std::ops::Range;

use super::Fields;
use crate::json::Value;

/// Places of the table.
const PLACES: usize = 512;
/// Longest text that is remembered.
const TEXT_BYTES: usize = 2048;
/// Bytes at the start of a text that choose its place: enough to tell two sessions of one role apart.
const HASHED_BYTES: usize = 128;

/// A remembered text and the fields in it.
#[derive(Debug, Default)]
struct Memo {
    text: Vec<u8>,
    /// Slot and value, offsets from the start of the text.
    fields: Vec<(usize, Value)>,
    number: u64,
}

/// The table.
#[derive(Debug)]
pub(super) struct Memos {
    places: Vec<Memo>,
    next: u64,
}

impl Memos {
    pub(super) fn new() -> Self {
        Memos { places: (0..PLACES).map(|_| Memo::default()).collect(), next: 0 }
    }

    /// The place of the struct at `at`; none for one too near the end of the text to be hashed.
    #[inline]
    pub(super) fn place(&self, text: &[u8], at: usize, slot: usize) -> Option<usize> {
        let head = text.get(at..at + HASHED_BYTES)?;
        let mut hash = slot as u64;
        for chunk in head.chunks_exact(8) {
            let mut word = [0; 8];
            word.copy_from_slice(chunk);
            hash = (hash ^ u64::from_le_bytes(word)).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(29);
        }
        Some((hash >> 7) as usize % PLACES)
    }

    /// If the text at `at` begins with the remembered one, sets its fields; gives one past its end, and its number.
    #[inline]
    pub(super) fn recall(&self, place: usize, text: &[u8], at: usize, fields: &mut Fields) -> Option<(usize, u64)> {
        let memo = &self.places[place];
        // A whole object cannot be the beginning of a longer one, so equal bytes are the same value.
        if memo.text.is_empty() || !text[at..].starts_with(&memo.text) {
            return None;
        }
        for (slot, value) in &memo.fields {
            fields.set(*slot, Value { start: at + value.start, end: at + value.end, form: value.form });
        }
        Some((at + memo.text.len(), memo.number))
    }

    /// Remembers a struct that was scanned at `at`; gives its number, or `None` if it is too long.
    pub(super) fn remember(
        &mut self,
        place: usize,
        text: &[u8],
        at: usize,
        slots: Range<usize>,
        fields: &Fields,
    ) -> Option<u64> {
        if text.len() > TEXT_BYTES {
            return None;
        }
        let memo = &mut self.places[place];
        memo.text.clear();
        memo.text.extend_from_slice(text);
        memo.fields.clear();
        for slot in slots {
            if let Some(Value { start, end, form }) = fields.get(slot) {
                memo.fields.push((slot, Value { start: start - at, end: end - at, form }));
            }
        }
        self.next += 1;
        memo.number = self.next;
        Some(memo.number)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use crate::record::{Fields, Scanner};

    /// Two scanners, one that has seen everything before and one that has not, find the same fields.
    #[test]
    fn a_remembered_struct_gives_the_same_fields() {
        let identity = |session: &str, more: &str| {
            format!(
                r#"{{"type":"AssumedRole","principalId":"AROAEXAMPLEEXAMPLE:{session}","arn":"arn:aws:sts::111122223333:assumed-role/r/{session}","accountId":"111122223333"{more}}}"#
            )
        };
        let texts: Vec<String> = ["a", "b", "a", "a"]
            .iter()
            .zip(["", "", r#","new":1"#, r#","sessionContext":{"attributes":{"creationDate":"x"}}"#])
            .flat_map(|(session, more)| {
                let identity = identity(session, more);
                let record = move |pad: &str| {
                    format!(r#"{{"eventVersion":"1"{pad},"userIdentity":{identity},"eventName":"x"}}"#)
                };
                [record(""), record(r#","awsRegion":"y""#), record("")]
            })
            .collect();
        let (mut old, mut fields, mut fresh_fields) = (Scanner::new(), Fields::default(), Fields::default());
        let mut recalled = 0;
        for text in &texts {
            old.scan(text.as_bytes(), 0, &mut fields).unwrap();
            Scanner::new().scan(text.as_bytes(), 0, &mut fresh_fields).unwrap();
            assert_eq!(fields.misfits, fresh_fields.misfits, "{text}");
            assert!(fields.present().eq(fresh_fields.present()), "{text}");
            recalled += usize::from(fields.identity.is_some_and(|number| number < 3) && fields.misfits == 0);
        }
        assert!(recalled > 3, "{recalled}");
    }
}
