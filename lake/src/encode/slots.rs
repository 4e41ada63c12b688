//! Nested rows as Parquet sees them: slots of a column, each with how much of its path is there.
//!
//! A *slot* is a place for a value: one a row, or within a list one an element. Its *definition level* counts the parts
//! of the path that are there; its *repetition level* says whether it begins a row (0) or goes on with a list (1). See
//! "Nested Encoding" in the Apache Parquet format. Lists within lists do not occur in our tables and are refused.

use std::rc::Rc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::DataType;
use parquet::errors::{ParquetError, Result};

/// Definition levels.
#[derive(Debug, Clone)]
enum Levels {
    Same(u8),
    Each(Rc<[u8]>),
}

/// Elements of lists.
#[derive(Debug)]
struct Elements {
    /// Where a slot's element is in the child array; for a slot without one, anything.
    place: Vec<u32>,
    repetition: Vec<u8>,
}

/// The slots of one column in one batch, down to one depth of it.
#[derive(Debug, Clone)]
pub(super) struct Slots {
    count: usize,
    /// The level of a slot at which everything down to here is there.
    depth: u8,
    levels: Levels,
    elements: Option<Rc<Elements>>,
}

impl Slots {
    /// Rows of a table.
    pub(super) fn rows(count: usize) -> Slots {
        Slots { count, depth: 0, levels: Levels::Same(0), elements: None }
    }

    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// The level of every slot, if it is the same.
    pub(super) fn same(&self) -> Option<u8> {
        match self.levels {
            Levels::Same(level) => Some(level),
            Levels::Each(_) => None,
        }
    }

    /// Whether every slot has its value, and the values are in the order of the slots.
    pub(super) fn is_dense(&self) -> bool {
        self.same() == Some(self.depth) && self.elements.is_none()
    }

    pub(super) fn level(&self, slot: usize) -> u8 {
        match &self.levels {
            Levels::Same(level) => *level,
            Levels::Each(levels) => levels.get(slot).copied().unwrap_or_default(),
        }
    }

    /// Repetition levels of the slots; `None` where every slot is a row.
    pub(super) fn repetition(&self) -> Option<&[u8]> {
        self.elements.as_ref().map(|elements| elements.repetition.as_slice())
    }

    /// Whether there is one slot a row, and only some have a value: [`Slots::levels`] says which.
    pub(super) fn is_sparse(&self) -> bool {
        self.elements.is_none() && self.same().is_none()
    }

    fn place(&self, slot: usize) -> usize {
        match &self.elements {
            None => slot,
            Some(elements) => elements.place.get(slot).map_or(0, |place| *place as usize),
        }
    }

    fn is_there(&self, slot: usize) -> bool {
        self.level(slot) == self.depth
    }

    /// Levels of the slots, where they are not all the same.
    pub(super) fn levels(&self) -> &[u8] {
        match &self.levels {
            Levels::Same(_) => &[],
            Levels::Each(levels) => levels,
        }
    }

    /// Tells where the values are that are there, in the order of the slots.
    #[inline]
    pub(super) fn places(&self, mut tell: impl FnMut(usize)) {
        match (&self.levels, &self.elements) {
            (Levels::Same(level), _) if *level < self.depth => {}
            (Levels::Same(_), None) => (0..self.count).for_each(tell),
            (Levels::Each(levels), None) => {
                let slots = levels.iter().enumerate();
                slots.filter(|(_, level)| **level == self.depth).for_each(|(slot, _)| tell(slot));
            }
            (_, Some(_)) => (0..self.count).filter(|slot| self.is_there(*slot)).for_each(|slot| tell(self.place(slot))),
        }
    }

    /// One level deeper: slots of a child that may be null.
    pub(super) fn below(&self, nulls: Option<&NullBuffer>) -> Slots {
        let depth = self.depth + 1;
        let nulls = nulls.filter(|nulls| nulls.null_count() > 0);
        let levels = match (&self.levels, nulls) {
            (Levels::Same(level), _) if *level < self.depth => Levels::Same(*level),
            (Levels::Same(_), None) => Levels::Same(depth),
            (Levels::Same(_), Some(nulls)) if nulls.null_count() == nulls.len() => Levels::Same(self.depth),
            (_, nulls) if self.elements.is_some() => {
                Levels::Each((0..self.count).map(|slot| self.level_below(slot, nulls)).collect())
            }
            (Levels::Each(levels), None) => {
                Levels::Each(levels.iter().map(|level| level + u8::from(*level == self.depth)).collect())
            }
            (Levels::Same(_), Some(nulls)) => Levels::Each(bytes(nulls, self.count, |valid| self.depth + valid)),
            (Levels::Each(levels), Some(nulls)) => {
                let mut above = levels.iter();
                let below = |valid| above.next().map_or(0, |level| level + (u8::from(*level == self.depth) & valid));
                Levels::Each(bytes(nulls, self.count, below))
            }
        };
        Slots { count: self.count, depth, levels, elements: self.elements.clone() }
    }

    fn level_below(&self, slot: usize, nulls: Option<&NullBuffer>) -> u8 {
        let level = self.level(slot);
        let place = self.place(slot);
        let is_valid = || nulls.is_none_or(|nulls| place < nulls.len() && nulls.is_valid(place));
        level + u8::from(level == self.depth && is_valid())
    }

    /// Slots of the elements of lists.
    fn elements(&self, lists: &ListArray) -> Result<Slots> {
        if self.elements.is_some() {
            return Err(ParquetError::NYI("lists within lists".to_owned()));
        }
        let here = self.below(lists.nulls());
        let mut elements = Elements { place: Vec::new(), repetition: Vec::new() };
        let mut levels = Vec::new();
        let ends = lists.value_offsets().windows(2);
        for (slot, ends) in (0..here.count).zip(ends) {
            let (start, end) = (*ends.first().unwrap_or(&0) as u32, *ends.last().unwrap_or(&0) as u32);
            if here.is_there(slot) && end > start {
                elements.place.extend(start..end);
                elements.repetition.extend((start..end).map(|place| u8::from(place > start)));
                levels.extend((start..end).map(|_| here.depth + 1));
            } else {
                elements.place.push(0);
                elements.repetition.push(0);
                levels.push(here.level(slot));
            }
        }
        let first = levels.first().copied();
        let levels = match first.filter(|first| levels.iter().all(|level| level == first)) {
            Some(level) => Levels::Same(level),
            None => Levels::Each(levels.into()),
        };
        let count = elements.place.len();
        Ok(Slots { count, depth: here.depth + 1, levels, elements: Some(Rc::new(elements)) })
    }
}

/// One byte a slot, from 1 where it is valid and 0 where it is not.
fn bytes(nulls: &NullBuffer, count: usize, mut byte: impl FnMut(u8) -> u8) -> Rc<[u8]> {
    let bits = nulls.inner().bit_chunks();
    let mut valid = Vec::with_capacity(count.next_multiple_of(64));
    for word in bits.iter().chain(Some(bits.remainder_bits())) {
        for eight in word.to_le_bytes() {
            valid.extend_from_slice(&spread(eight));
        }
    }
    // Slots beyond the array have nothing.
    valid.resize(nulls.len(), 0);
    valid.resize(count, 0);
    valid.into_iter().map(&mut byte).collect()
}

/// The bits of a byte as bytes, the lowest first.
fn spread(bits: u8) -> [u8; 8] {
    // Seven bits, each where the product has its copy eight places on; then the eighth.
    let low = u64::from(bits & 0x7f).wrapping_mul(0x0002_0408_1020_4081) & 0x0101_0101_0101_0101;
    (low | u64::from(bits >> 7) << 56).to_le_bytes()
}

/// Slots of the fields of one struct: fields that come together share their nulls, and so their levels.
#[derive(Default)]
struct Siblings(Vec<(NullBuffer, Slots)>);

impl Siblings {
    fn below(&mut self, slots: &Slots, nulls: Option<&NullBuffer>) -> Slots {
        let Some(nulls) = nulls else { return slots.below(None) };
        if let Some((_, known)) = self.0.iter().find(|(known, _)| known.inner().ptr_eq(nulls.inner())) {
            return known.clone();
        }
        let below = slots.below(Some(nulls));
        self.0.push((nulls.clone(), below.clone()));
        below
    }
}

/// Gives the leaves below an array to `leaf`, in the order of the file's columns, each with its slots.
pub(super) fn walk<'a>(
    array: &'a ArrayRef,
    slots: &Slots,
    leaf: &mut dyn FnMut(&'a ArrayRef, &Slots) -> Result<()>,
) -> Result<()> {
    walk_beside(array, slots, &mut Siblings::default(), leaf)
}

fn walk_beside<'a>(
    array: &'a ArrayRef,
    slots: &Slots,
    siblings: &mut Siblings,
    leaf: &mut dyn FnMut(&'a ArrayRef, &Slots) -> Result<()>,
) -> Result<()> {
    match array.data_type() {
        DataType::Struct(_) => {
            let (below, mut children) = (siblings.below(slots, array.nulls()), Siblings::default());
            let columns = array.as_struct().columns();
            columns.iter().try_for_each(|child| walk_beside(child, &below, &mut children, leaf))
        }
        DataType::List(_) => {
            let lists = array.as_list::<i32>();
            walk(lists.values(), &slots.elements(lists)?, leaf)
        }
        // A dictionary may hold a null as a value.
        _ => leaf(array, &siblings.below(slots, array.logical_nulls().as_ref())),
    }
}
