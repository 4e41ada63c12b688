//! One column of a row group while its batches come: levels, and values as codes of distinct texts or as they are.
//!
//! The batches' own dictionaries are what makes this cheap: a text is looked at once a dictionary, not once a row.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, DictionaryArray, StringArray};
use arrow::datatypes::{DataType, Date32Type, Int32Type, Int64Type, TimeUnit, TimestampMicrosecondType};
use parquet::errors::{ParquetError, Result};

use super::hybrid::{Hybrid, width};
use super::slots::Slots;
use super::texts::{Plain, Texts};

/// Rows of a page.
pub(super) const PAGE_ROWS: usize = 8192;
/// A page of texts as they are is closed at this size, in bytes.
const PAGE_BYTES: usize = 1 << 20;
/// So many texts are enough to tell whether they repeat.
const TRIED: usize = 256;
/// The code of a text that has none yet.
const NONE: u32 = u32::MAX;

/// Values of a column, without the nulls.
#[derive(Debug)]
pub(super) enum Values<'a> {
    /// Texts by their codes.
    Codes(Vec<u32>, Texts<'a>),
    /// Texts as they are.
    Plain(Plain<'a>),
    /// Numbers in eight bytes.
    Numbers(Vec<i64>),
    /// Days since 1970, in four bytes.
    Days(Vec<i32>),
    /// Truth values.
    Bits(Vec<bool>),
}

impl Values<'_> {
    /// How far they have come.
    fn end(&self) -> usize {
        match self {
            Values::Codes(codes, _) => codes.len(),
            Values::Plain(texts) => texts.all.len(),
            Values::Numbers(numbers) => numbers.len(),
            Values::Days(days) => days.len(),
            Values::Bits(bits) => bits.len(),
        }
    }
}

/// A page: its levels as bytes, and where its values end.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) levels: Vec<u8>,
    pub(super) slots: usize,
    pub(super) end: usize,
}

/// A column of a row group.
#[derive(Debug)]
pub(super) struct Leaf<'a> {
    depth: u8,
    definition: Hybrid,
    repetition: Option<Hybrid>,
    /// Slots of the page that is open.
    slots: usize,
    /// Bytes of texts as they are before the page that is open.
    before: usize,
    pub(super) values: Values<'a>,
    /// Whether texts are still tried for repeating.
    is_tried: bool,
    pub(super) pages: Vec<Page>,
    /// Slots without a value.
    pub(super) nulls: usize,
    /// The dictionary of the last batch, and the codes here of its texts.
    dictionary: Option<&'a ArrayRef>,
    known: Vec<u32>,
}

impl<'a> Leaf<'a> {
    /// An empty column: `depth` is its greatest definition level, `is_repeated` tells whether it is below a list,
    /// `is_unique` that its texts hardly ever repeat.
    pub(super) fn new(kind: &DataType, depth: u8, is_repeated: bool, is_unique: bool) -> Result<Leaf<'a>> {
        let values = match kind {
            DataType::Utf8 if is_unique => Values::Plain(Plain::default()),
            DataType::Utf8 => Values::Codes(Vec::new(), Texts::default()),
            DataType::Dictionary(key, value) if **key == DataType::Int32 && **value == DataType::Utf8 => {
                Values::Codes(Vec::new(), Texts::default())
            }
            DataType::Int64 | DataType::Timestamp(TimeUnit::Microsecond, _) => Values::Numbers(Vec::new()),
            DataType::Date32 => Values::Days(Vec::new()),
            DataType::Boolean => Values::Bits(Vec::new()),
            other => return Err(ParquetError::NYI(format!("columns of {other}"))),
        };
        Ok(Leaf {
            depth,
            definition: Hybrid::new(width(usize::from(depth))),
            repetition: is_repeated.then(|| Hybrid::new(1)),
            slots: 0,
            before: 0,
            values,
            is_tried: *kind == DataType::Utf8,
            pages: Vec::new(),
            nulls: 0,
            dictionary: None,
            known: Vec::new(),
        })
    }

    /// Adds the rows of a batch.
    pub(super) fn take(&mut self, array: &'a ArrayRef, slots: &Slots) -> Result<()> {
        if let Some(text) = array.as_string_opt::<i32>() {
            return self.texts(text, slots);
        }
        self.levels(slots);
        if let Some(coded) = array.as_dictionary_opt::<Int32Type>() {
            return self.coded(coded, slots);
        }
        match (&mut self.values, array.data_type()) {
            (Values::Bits(bits), DataType::Boolean) => {
                let array: &BooleanArray = array.as_boolean();
                slots.places(|place| bits.push(array.value(place)));
            }
            (Values::Numbers(numbers), DataType::Int64) => {
                let all = array.as_primitive::<Int64Type>().values();
                slots.places(|place| numbers.extend(all.get(place)));
            }
            (Values::Numbers(numbers), DataType::Timestamp(TimeUnit::Microsecond, _)) => {
                let all = array.as_primitive::<TimestampMicrosecondType>().values();
                slots.places(|place| numbers.extend(all.get(place)));
            }
            (Values::Days(days), DataType::Date32) => {
                let all = array.as_primitive::<Date32Type>().values();
                slots.places(|place| days.extend(all.get(place)));
            }
            (_, other) => return Err(unexpected(other)),
        }
        Ok(())
    }

    /// Levels of all slots.
    fn levels(&mut self, slots: &Slots) {
        match slots.same() {
            Some(level) => {
                self.definition.put(u32::from(level), slots.count());
                self.nulls += if level < self.depth { slots.count() } else { 0 };
            }
            None => {
                let levels = slots.levels();
                self.definition.put_all(levels);
                self.nulls += levels.iter().filter(|level| **level < self.depth).count();
            }
        }
        if let (Some(hybrid), Some(levels)) = (&mut self.repetition, slots.repetition()) {
            hybrid.put_all(levels);
        }
        self.slots += slots.count();
    }

    #[inline]
    fn level(&mut self, level: u8) {
        self.definition.put(u32::from(level), 1);
        self.nulls += usize::from(level < self.depth);
    }

    /// Texts of a dictionary: codes of its texts become codes of ours.
    fn coded(&mut self, array: &'a DictionaryArray<Int32Type>, slots: &Slots) -> Result<()> {
        let Values::Codes(codes, texts) = &mut self.values else { return Err(unexpected(array.data_type())) };
        let Some(values) = array.values().as_string_opt::<i32>() else { return Err(unexpected(array.data_type())) };
        // Parts of one batch share its dictionaries.
        if !self.dictionary.is_some_and(|last| std::ptr::addr_eq(Arc::as_ptr(last), Arc::as_ptr(array.values()))) {
            self.known.clear();
            self.known.resize(values.len(), NONE);
            self.dictionary = Some(array.values());
        }
        let known = &mut self.known;
        let mut code = |known: &mut [u32], key: &i32| -> Result<u32> {
            let known = known.get_mut(*key as usize).ok_or_else(beyond)?;
            if *known == NONE {
                *known = texts.code(values.value(*key as usize).as_bytes());
            }
            Ok(*known)
        };
        let keys = array.keys().values();
        if slots.is_dense() {
            let start = codes.len();
            codes.extend(keys.iter().map(|key| known.get(*key as usize).copied().unwrap_or(NONE)));
            // Nearly always all texts have been seen, which is told for many rows at a time.
            for (keys, codes) in keys.chunks(64).zip(codes.get_mut(start..).unwrap_or_default().chunks_mut(64)) {
                if codes.iter().fold(false, |any, code| any | (*code == NONE)) {
                    for (key, found) in keys.iter().zip(codes) {
                        *found = code(known, key)?;
                    }
                }
            }
            return Ok(());
        }
        if slots.is_sparse() {
            for (keys, levels) in keys.chunks(64).zip(slots.levels().chunks(64)) {
                let start = codes.len();
                if !some(keys, levels, self.depth, known, codes) {
                    codes.truncate(start);
                    for (key, _) in keys.iter().zip(levels).filter(|(_, level)| **level == self.depth) {
                        codes.push(code(known, key)?);
                    }
                }
            }
            return Ok(());
        }
        let mut result = Ok(());
        slots.places(|place| match keys.get(place).ok_or_else(beyond).and_then(|key| code(known, key)) {
            Ok(code) => codes.push(code),
            Err(error) => result = Err(error),
        });
        result
    }

    /// Texts as they are. Below no list, pages end where they are full.
    fn texts(&mut self, array: &'a StringArray, slots: &Slots) -> Result<()> {
        if let Values::Codes(codes, texts) = &mut self.values {
            slots.places(|place| codes.push(texts.code(array.value(place).as_bytes())));
            self.levels(slots);
            if self.is_tried {
                self.try_codes();
            }
            return Ok(());
        }
        let Values::Plain(plain) = &mut self.values else { return Err(unexpected(&DataType::Utf8)) };
        if self.repetition.is_some() || array.value_data().len() < PAGE_BYTES {
            plain.all.reserve(slots.count());
            slots.places(|place| plain.push(array.value(place).as_bytes()));
            self.levels(slots);
            return Ok(());
        }
        for slot in 0..slots.count() {
            let level = slots.level(slot);
            self.level(level);
            self.slots += 1;
            if level == self.depth && self.plain(array.value(slot))? {
                self.end_page();
            }
        }
        Ok(())
    }

    /// Adds a text; whether the page is full with it.
    fn plain(&mut self, text: &'a str) -> Result<bool> {
        let Values::Plain(plain) = &mut self.values else { return Err(unexpected(&DataType::Utf8)) };
        plain.push(text.as_bytes());
        Ok(plain.bytes - self.before >= PAGE_BYTES)
    }

    /// Gives codes up where texts do not repeat.
    fn try_codes(&mut self) {
        let Values::Codes(codes, texts) = &self.values else { return };
        if codes.len() < TRIED {
            return;
        }
        self.is_tried = false;
        if texts.all.len() * 2 < codes.len() {
            return;
        }
        let mut plain = Plain::default();
        for code in codes {
            plain.push(texts.all.get(*code as usize).copied().unwrap_or_default());
        }
        // Pages end after as many texts as they had codes.
        self.values = Values::Plain(plain);
    }

    /// Closes a page; it must end with a row.
    pub(super) fn end_page(&mut self) {
        if self.slots == 0 {
            return;
        }
        let mut levels = Vec::new();
        for hybrid in self.repetition.iter_mut().chain([&mut self.definition]) {
            let bytes = hybrid.take();
            levels.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
            levels.extend_from_slice(&bytes);
        }
        if let Values::Plain(plain) = &self.values {
            self.before = plain.bytes;
        }
        self.pages.push(Page { levels, slots: std::mem::take(&mut self.slots), end: self.values.end() });
    }
}

/// Adds the codes of the keys at a level; whether all of them were known. Nothing is decided a key: the code of one at
/// another level is written, too, and the next takes its place.
fn some(keys: &[i32], levels: &[u8], level: u8, known: &[u32], codes: &mut Vec<u32>) -> bool {
    let start = codes.len();
    codes.resize(start + keys.len(), NONE);
    let (room, mut count) = (codes.get_mut(start..).unwrap_or_default(), 0);
    for (key, found) in keys.iter().zip(levels) {
        if let Some(place) = room.get_mut(count) {
            *place = known.get(*key as usize).copied().unwrap_or(NONE);
        }
        count += usize::from(*found == level);
    }
    codes.truncate(start + count);
    codes.iter().skip(start).fold(true, |all, code| all & (*code != NONE))
}

fn unexpected(kind: &DataType) -> ParquetError {
    ParquetError::General(format!("a column of another kind: {kind}"))
}

fn beyond() -> ParquetError {
    ParquetError::General("a key beyond its dictionary".to_owned())
}
