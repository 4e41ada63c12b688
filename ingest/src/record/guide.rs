//! What the scanner asks about the keys of a record: which slot one names, and which comes next.

use hashbrown::HashMap;

use super::pattern::Pattern;
use super::runs::{NONE, Runs};
use super::{Layout, MAX_SLOTS};
use crate::schema::Kind;

/// Says in place of a shape that a column is a list.
pub(super) const LIST: u8 = u8::MAX;

/// What the scanner asks about a slot for every record.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sign {
    pub(super) pattern: Pattern,
    /// Shape of a struct's fields; 0 for what is no struct, [`LIST`] for `resources`.
    pub(super) shape: u8,
    /// Position in the table of the column, or of the struct column around it.
    pub(super) top: u8,
    /// Whether it is a column.
    pub(super) is_top: bool,
    /// The run that it is in, and the one that it begins, or [`NONE`].
    pub(super) run: u8,
    pub(super) begins: u8,
}

/// Keys of one object that the table knows: the record itself, or a struct in it.
type Keys = HashMap<&'static [u8], usize, ahash::RandomState>;

/// Knows the keys; learns their order.
#[derive(Debug)]
pub(super) struct Guide {
    /// By slot. The size is fixed so that no place in it has to be checked.
    signs: Box<[Sign; MAX_SLOTS]>,
    /// Shape 0 is the record; those of structs follow.
    shapes: Vec<Keys>,
    /// Slots that followed a slot lately, the last one first: CloudTrail writes its keys in one order, and leaves some out,
    /// so this nearly always hits. The first slot of a shape is at `MAX_SLOTS + shape`.
    follow: [[u8; 2]; 2 * MAX_SLOTS],
}

impl Guide {
    pub(super) fn new(layout: &Layout, runs: &Runs) -> Self {
        let mut shapes = vec![Keys::default()];
        let mut follow = [[0u8; 2]; 2 * MAX_SLOTS];
        let mut at = 0;
        while at < layout.slots.len() {
            shapes[0].insert(layout.slots[at].column.json.as_bytes(), at);
            at = layout.slots[at].end;
        }
        let mut signs = Vec::with_capacity(layout.slots.len());
        for (index, slot) in layout.slots.iter().enumerate() {
            let pattern = Pattern::new(slot.column.json);
            let shape = if matches!(slot.column.kind, Kind::List(_)) { LIST } else { 0 };
            let (run, begins) = (runs.of(index), runs.starting(index));
            let mut sign = Sign { pattern, shape, top: slot.top as u8, is_top: slot.is_top(), run, begins };
            if slot.end > index + 1 {
                sign.shape = shapes.len() as u8;
                let mut keys = Keys::default();
                let mut child = index + 1;
                while child < slot.end {
                    keys.insert(layout.slots[child].column.json.as_bytes(), child);
                    child = layout.slots[child].end;
                }
                follow[index + 1..slot.end].fill([index as u8 + 1; 2]);
                follow[MAX_SLOTS + shapes.len()] = [index as u8 + 1; 2];
                shapes.push(keys);
            }
            signs.push(sign);
        }
        let none = Sign { pattern: Pattern::new(""), shape: 0, top: 0, is_top: false, run: NONE, begins: NONE };
        let signs = Box::new(std::array::from_fn(|slot| signs.get(slot).copied().unwrap_or(none)));
        Guide { signs, shapes, follow }
    }

    /// What is asked about a slot.
    #[inline(always)]
    pub(super) fn sign(&self, slot: usize) -> &Sign {
        &self.signs[slot % MAX_SLOTS]
    }

    /// The column of the struct whose fields have a shape.
    pub(super) fn top_of(&self, shape: usize) -> Option<u8> {
        self.signs.iter().find(|sign| usize::from(sign.shape) == shape).map(|sign| sign.top)
    }

    /// The slot of the key at `at`, if it is one of those that followed lately: told without looking for its end first.
    #[inline(always)]
    pub(super) fn expected(&mut self, text: &[u8], at: usize, previous: usize) -> Option<usize> {
        let follow = &mut self.follow[previous % (2 * MAX_SLOTS)];
        let [first, second] = *follow;
        if self.signs[usize::from(first) % MAX_SLOTS].pattern.matches(text, at) {
            return Some(usize::from(first));
        }
        if self.signs[usize::from(second) % MAX_SLOTS].pattern.matches(text, at) {
            *follow = [second, first];
            return Some(usize::from(second));
        }
        None
    }

    /// Learns that a slot follows another.
    pub(super) fn follows(&mut self, previous: usize, slot: usize) {
        self.follow[previous] = [slot as u8, self.follow[previous][0]];
    }

    /// Slot of a key of a shape.
    pub(super) fn find(&self, shape: usize, key: &[u8]) -> Option<usize> {
        self.shapes[shape].get(key).copied()
    }
}
