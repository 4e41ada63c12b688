//! Texts that were seen before: the identity of a session, the TLS of a client, the calls of an agent, word for word.
//!
//! A session makes many calls, and each of their records repeats its `userIdentity`, a third of the record. A text that
//! equals a remembered one needs no scan: its fields lie where they lay. The table has a few places for each hash, so
//! its size is fixed, and a hostile log only makes it useless.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::json::{self, Value};

/// Hashes of the table.
const SETS: usize = 512;
/// Texts of one hash: sessions of one role begin alike.
const WAYS: usize = 4;
/// Memos of the table. A text's number modulo this is the place of its memo, so that numbers in use never share one.
pub(crate) const MEMOS: usize = SETS * WAYS;
/// Longest text that is remembered.
const TEXT_BYTES: usize = 2048;
/// Most bytes at the start of a text that choose its set.
pub(super) const HASHED_BYTES: usize = 128;

/// A remembered text: what is asked for every time, in one line of a processor's cache.
#[derive(Debug, Default)]
struct Memo {
    /// The text, and bytes of what followed it.
    text: Vec<u8>,
    /// Bits of its slots; none before the first text.
    present: u128,
    number: u64,
    /// The struct, or the slot that begins the run; a memo of nothing has none.
    of: Option<u8>,
    /// The slot whose value ends last.
    last: u8,
    /// How many bytes of `text` followed.
    after: u8,
}

/// A text that was found.
#[derive(Debug, Clone, Copy)]
pub(super) struct Found {
    /// The memo.
    pub(super) memo: usize,
    /// Bits of its slots.
    pub(super) present: u128,
    /// Number of the text.
    pub(super) number: u64,
    /// One past its end.
    pub(super) end: usize,
    /// The slot whose value ends last.
    pub(super) last: usize,
}

/// The table.
#[derive(Debug)]
pub(super) struct Memos {
    memos: Vec<Memo>,
    /// Values of each memo by slot, offsets from the start of the text.
    fields: Vec<Vec<Value>>,
    /// More of each text's hash: other texts of a set are hardly ever looked at.
    tags: Vec<[u16; WAYS]>,
    /// Memo of each set that was found or made last.
    recent: Vec<u8>,
    next: u64,
}

/// Where a text may be remembered.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    set: usize,
    tag: u16,
}

/// The place of the text at `at`, from so many of its first bytes; of a text that ends with a brace (`BRACED`), from none
/// after one that closes: what follows a short text must not matter. None for a text too near the end of the whole.
#[inline(always)]
pub(super) fn place<const BRACED: bool>(text: &[u8], at: usize, slot: usize, bytes: usize) -> Option<Place> {
    let head: &[u8; HASHED_BYTES] = text.get(at..)?.first_chunk()?;
    let mut mixed = slot as u64;
    for (index, pair) in head.as_chunks::<16>().0.iter().take(bytes / 16).enumerate() {
        if BRACED && json::holds(pair, b'}') {
            break;
        }
        let pair = u128::from_le_bytes(*pair);
        // Each pair is mixed on its own, so that a processor can do them side by side.
        let low = pair as u64 ^ 0x9E37_79B9_7F4A_7C15;
        let high = (pair >> 64) as u64 ^ 0xD1B5_4A32_D192_ED03;
        let product = u128::from(low) * u128::from(high);
        mixed = mixed.wrapping_add((product as u64 ^ (product >> 64) as u64).rotate_left(5 * index as u32));
    }
    let mixed = mixed.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    Some(Place { set: (mixed >> 40) as usize % SETS, tag: (mixed >> 24) as u16 })
}

impl Memos {
    pub(super) fn new() -> Self {
        // Numbers are never those of another table's texts: rows may come from more than one.
        static TABLES: AtomicU64 = AtomicU64::new(0);
        let next = TABLES.fetch_add(1, Ordering::Relaxed) << 32;
        Memos {
            memos: (0..MEMOS).map(|_| Memo::default()).collect(),
            fields: vec![Vec::new(); MEMOS],
            tags: vec![[0; WAYS]; SETS],
            recent: vec![0; SETS],
            next,
        }
    }

    /// Finds a remembered text of a slot that the text at `at` begins with.
    #[inline]
    pub(super) fn find(&mut self, Place { set, tag }: Place, text: &[u8], at: usize, slot: usize) -> Option<Found> {
        let recent = usize::from(self.recent[set]);
        let rest = text.get(at..)?;
        let tags = self.tags[set];
        for way in 0..WAYS {
            let way = (recent + way) % WAYS;
            if tags[way] != tag {
                continue;
            }
            let index = set * WAYS + way;
            let memo = &self.memos[index];
            // What is remembered is never the beginning of something longer: an object, or a run and what followed it.
            if memo.of == Some(slot as u8) && rest.starts_with(&memo.text) {
                self.recent[set] = way as u8;
                let Memo { present, number, last, .. } = *memo;
                let end = at + memo.text.len() - usize::from(memo.after);
                return Some(Found { memo: index, present, number, end, last: usize::from(last) });
            }
        }
        None
    }

    /// The value in a slot of a memo whose text stands at `at`.
    pub(super) fn field(&self, memo: usize, at: usize, slot: usize) -> Option<Value> {
        let present = self.memos[memo].present;
        if present >> slot & 1 == 0 {
            return None;
        }
        let before = present & ((1 << slot) - 1);
        let value = self.fields[memo].get(before.count_ones() as usize)?;
        Some(Value { start: at + value.start, end: at + value.end, form: value.form })
    }

    /// Remembers a text `of` a struct or run that was scanned at `at`, which ends `after` bytes before the end of `text`, and its fields, which
    /// come by slot; gives its number, or 0 if it is too long or every memo that could give way is `taken`.
    pub(super) fn remember(
        &mut self,
        Place { set, tag }: Place,
        (text, after): (&[u8], u8),
        at: usize,
        of: usize,
        fields: impl Iterator<Item = (usize, Value)>,
        taken: impl Fn(usize) -> bool,
    ) -> u64 {
        let way = (usize::from(self.recent[set]) + 1) % WAYS;
        let index = set * WAYS + way;
        if text.len() > TEXT_BYTES || taken(index) {
            return 0;
        }
        self.recent[set] = way as u8;
        self.tags[set][way] = tag;
        let (memo, values) = (&mut self.memos[index], &mut self.fields[index]);
        memo.text.clear();
        memo.text.extend_from_slice(text);
        (memo.after, memo.present, memo.last, memo.of) = (after, 0, 0, Some(of as u8));
        values.clear();
        let mut end = 0;
        for (slot, value) in fields {
            values.push(Value { start: value.start - at, end: value.end - at, form: value.form });
            memo.present |= 1 << slot;
            if value.end > end {
                (memo.last, end) = (slot as u8, value.end);
            }
        }
        self.next += 1;
        memo.number = self.next * MEMOS as u64 + index as u64;
        memo.number
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
        let identity_slot = old.layout().slot("useridentity").unwrap();
        let (mut recalled, mut numbers) = (0, std::collections::BTreeSet::new());
        for text in &texts {
            old.scan(text.as_bytes(), 0, &mut fields).unwrap();
            Scanner::new().scan(text.as_bytes(), 0, &mut fresh_fields).unwrap();
            assert_eq!(fields.misfits, fresh_fields.misfits, "{text}");
            assert!(fields.present().eq(fresh_fields.present()), "{text}");
            let number = fields.number(identity_slot);
            recalled += usize::from(number != 0 && !numbers.insert(number));
        }
        assert!(recalled > 3, "{recalled}");
    }
}
