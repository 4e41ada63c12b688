//! What a scan gives: where the fields of one record lie in its text.
//!
//! The fields of a text that was recalled are looked up only if somebody asks for them: mostly nobody does, because
//! the rows have a number to know the text by.

use super::MAX_SLOTS;
use super::list::{self, Element};
use super::memo::{self, Memos, Place};
use crate::json::{Form, Value};

/// Where the fields of one record lie in its text. Reused from record to record; also remembers texts of earlier ones.
#[derive(Debug)]
pub struct Fields {
    values: [Value; MAX_SLOTS],
    present: Slots,
    /// Slots whose value is in a recalled text, not in `values`.
    lazy: Slots,
    /// Recalled texts of this record: memo, and where its text stands.
    recalled: Vec<(usize, usize)>,
    /// Numbers of the texts of structs and runs, by slot.
    numbers: [u64; MAX_SLOTS],
    memos: Memos,
    /// Top-level columns (bit = position in the table) whose value the columns do not give back exactly.
    pub misfits: u64,
    /// Key and value of each top-level field that the table does not name.
    pub unknown: Vec<(Value, Value)>,
    /// Elements of `resources`, if it has its usual form.
    resources: Vec<Element>,
    usual: bool,
}

impl Default for Fields {
    fn default() -> Self {
        Fields {
            values: [Value::default(); MAX_SLOTS],
            present: Slots::default(),
            lazy: Slots::default(),
            recalled: Vec::new(),
            numbers: [0; MAX_SLOTS],
            memos: Memos::new(),
            misfits: 0,
            unknown: Vec::new(),
            resources: Vec::new(),
            usual: false,
        }
    }
}

/// Bits of slots, as machine words: shifts of double width take several times as long.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Slots([u64; 2]);

impl Slots {
    #[inline]
    fn of(mask: u128) -> Self {
        Slots([mask as u64, (mask >> 64) as u64])
    }

    #[inline]
    fn has(self, slot: usize) -> bool {
        self.0[slot / 64 % 2] >> (slot % 64) & 1 == 1
    }

    #[inline]
    fn add(&mut self, slot: usize) {
        self.0[slot / 64 % 2] |= 1 << (slot % 64);
    }

    #[inline]
    fn remove(&mut self, slot: usize) {
        self.0[slot / 64 % 2] &= !(1 << (slot % 64));
    }

    #[inline]
    fn all(&mut self, others: Slots) {
        self.0[0] |= others.0[0];
        self.0[1] |= others.0[1];
    }

    #[inline]
    fn none(&mut self, others: Slots) {
        self.0[0] &= !others.0[0];
        self.0[1] &= !others.0[1];
    }

    #[inline]
    fn both(self, others: Slots) -> Slots {
        Slots([self.0[0] & others.0[0], self.0[1] & others.0[1]])
    }

    /// The slots, in order.
    #[inline]
    fn iter(self) -> impl Iterator<Item = usize> + use<> {
        let Slots([mut bits, mut later]) = self;
        let mut first = 0;
        std::iter::from_fn(move || {
            if bits == 0 {
                (bits, later, first) = (later, 0, 64);
                if bits == 0 {
                    return None;
                }
            }
            let slot = first + bits.trailing_zeros() as usize;
            bits &= bits - 1;
            Some(slot)
        })
    }
}

impl Fields {
    pub(super) fn clear(&mut self) {
        self.present = Slots::default();
        self.lazy = Slots::default();
        self.recalled.clear();
        self.misfits = 0;
        self.unknown.clear();
    }

    /// Whether a slot holds a value.
    #[inline]
    pub fn holds(&self, slot: usize) -> bool {
        self.present.has(slot)
    }

    /// The value in a slot.
    #[inline]
    pub fn get(&self, slot: usize) -> Option<Value> {
        self.present.has(slot).then(|| self.value(slot))
    }

    #[inline]
    fn value(&self, slot: usize) -> Value {
        if self.lazy.has(slot) { self.look_up(slot) } else { self.values[slot % MAX_SLOTS] }
    }

    fn look_up(&self, slot: usize) -> Value {
        // The latest: of a struct given twice, the last one counts.
        let found = self.recalled.iter().rev().find_map(|(memo, at)| self.memos.field(*memo, *at, slot));
        debug_assert!(found.is_some());
        found.unwrap_or_default()
    }

    /// Whether any slot of `mask` holds a value.
    #[inline]
    pub fn has_any(&self, mask: u128) -> bool {
        self.present.both(Slots::of(mask)) != Slots::default()
    }

    /// Slots that hold a value, in order.
    #[inline]
    pub fn present(&self) -> impl Iterator<Item = (usize, Value)> + '_ {
        self.present_in(u128::MAX)
    }

    /// Slots of `mask` that hold a value, in order.
    #[inline]
    pub fn present_in(&self, mask: u128) -> impl Iterator<Item = (usize, Value)> + '_ {
        self.present.both(Slots::of(mask)).iter().map(|slot| (slot, self.value(slot)))
    }

    /// The same for slots that no text is recalled for: those in no struct and no run.
    #[inline]
    pub(crate) fn read_in(&self, mask: u128) -> impl Iterator<Item = (usize, Value)> + '_ {
        debug_assert_eq!(self.lazy.both(Slots::of(mask)), Slots::default());
        self.present.both(Slots::of(mask)).iter().map(|slot| (slot, self.values[slot % MAX_SLOTS]))
    }

    /// Slots of `mask` that hold a value, in order, without the values.
    #[inline]
    pub fn slots_in(&self, mask: u128) -> impl Iterator<Item = usize> + use<> {
        self.present.both(Slots::of(mask)).iter()
    }

    /// Number of the text of a struct column that is present, or of a run (by its first slot): equal numbers, equal
    /// texts; 0 for what is not remembered.
    #[inline]
    pub fn number(&self, slot: usize) -> u64 {
        self.numbers[slot % MAX_SLOTS]
    }

    /// The raw text of a string value without its quotes, where it needs no unescaping.
    pub fn plain<'t>(&self, text: &'t str, slot: usize) -> Option<&'t str> {
        let value = self.get(slot)?;
        (value.form == Form::Plain).then(|| &text[value.start + 1..value.end - 1])
    }

    #[inline]
    pub(super) fn set(&mut self, slot: usize, value: Value) {
        self.values[slot % MAX_SLOTS] = value;
        self.present.add(slot);
        self.lazy.remove(slot);
    }

    /// Elements of `resources`, if the value has its usual form; any other must be read from its text.
    #[inline]
    pub fn resources(&self) -> Option<&[Element]> {
        self.usual.then_some(self.resources.as_slice())
    }

    /// Reads `resources` at `at`, if it has its usual form; one past its end.
    #[inline]
    pub(super) fn read_resources(&mut self, text: &[u8], at: usize) -> Option<usize> {
        let end = list::usual(text, at, &mut self.resources);
        self.usual = end.is_some();
        end
    }

    /// Forgets the values of `mask`, and the number of `slot`.
    #[inline]
    pub(super) fn forget(&mut self, slot: usize, mask: u128) {
        self.present.none(Slots::of(mask));
        self.numbers[slot % MAX_SLOTS] = 0;
    }

    /// Forgets the number of a slot.
    #[inline]
    pub(super) fn forget_number(&mut self, slot: usize) {
        self.numbers[slot % MAX_SLOTS] = 0;
    }

    /// Where the text of the struct at `at` may be remembered.
    #[inline]
    pub(super) fn place(&self, text: &[u8], at: usize, slot: usize) -> Option<Place> {
        memo::place::<true>(text, at, slot, memo::HASHED_BYTES)
    }

    /// Takes the fields of the text at `at` from a memo of that place, if one has it: one past its end, and its last slot.
    #[inline]
    pub(super) fn recall(&mut self, place: Place, text: &[u8], at: usize, slot: usize) -> Option<(usize, usize)> {
        let found = self.memos.find(place, text, at, slot)?;
        let found_slots = Slots::of(found.present);
        self.present.all(found_slots);
        self.lazy.all(found_slots);
        self.numbers[slot % MAX_SLOTS] = found.number;
        self.recalled.push((found.memo, at));
        Some((found.end, found.last))
    }

    /// Remembers the text of a struct or run at `at`, which ends `after` bytes before the end of `text`, and the values of `mask`.
    pub(super) fn remember(&mut self, place: Place, (text, after): (&[u8], u8), at: usize, slot: usize, mask: u128) {
        let mut read = self.present.both(Slots::of(mask));
        read.none(self.lazy);
        let fields = read.iter().map(|slot| (slot, self.values[slot % MAX_SLOTS]));
        // A text that this record was recalled from must stay.
        let taken = |memo: usize| self.recalled.iter().any(|(recalled, _)| *recalled == memo);
        self.numbers[slot % MAX_SLOTS] = self.memos.remember(place, (text, after), at, slot, fields, taken);
    }
}
