//! The slots of the event table: one for each column, and for each field of a struct, that a record can fill.

use super::MAX_SLOTS;
use crate::schema::{COLUMNS, Column, Kind};

/// One column or struct field that can be filled from a record.
#[derive(Debug)]
pub struct Slot {
    /// The column.
    pub column: &'static Column,
    /// Position in [`COLUMNS`] of the column, or of the struct column around it.
    pub top: usize,
    /// One past the last slot of its children; its own index + 1 where it has none.
    pub end: usize,
    /// Dotted path of column names.
    pub path: String,
}

impl Slot {
    /// Whether it is a column, not a field of a struct.
    pub fn is_top(&self) -> bool {
        self.path.len() == self.column.name.len()
    }
}

/// All slots of the event table, in depth-first order.
#[derive(Debug)]
pub struct Layout {
    /// The slots.
    pub slots: Vec<Slot>,
    /// Bits of the slots that are columns.
    pub tops: u128,
    /// Neighbours in a record that repeat together.
    pub runs: Vec<Run>,
}

/// Columns whose fields stand side by side in a record, and which repeat together: what a session calls, and from where.
#[derive(Debug, Clone, Copy)]
pub struct Run {
    /// Slot of the column that begins it.
    pub first: usize,
    /// Bits of its slots.
    pub mask: u128,
    /// Bytes at its start that tell runs apart: not more than the shortest has, because others follow.
    pub told_by: usize,
}

/// The runs, in the order of the fields of a record; the first column begins the run. Columns that others mostly come
/// between are in none: a record that breaks a run gains nothing by it.
const RUNS: [(&[&str], usize); 2] = [
    (&["eventsource", "eventname", "awsregion", "sourceipaddress", "useragent"], 128),
    (
        &[
            "eventtype",
            "apiversion",
            "managementevent",
            "recipientaccountid",
            "vpcendpointid",
            "vpcendpointaccountid",
            "eventcategory",
        ],
        112,
    ),
];

impl Layout {
    /// The layout of [`COLUMNS`].
    pub fn new() -> Self {
        let mut slots = Vec::new();
        for (top, column) in COLUMNS.iter().enumerate().filter(|(_, c)| !c.is_derived()) {
            add_slot(&mut slots, column, top, "");
        }
        debug_assert!(slots.len() <= MAX_SLOTS);
        let tops = slots.iter().enumerate().map(|(slot, s)| u128::from(s.is_top()) << slot).sum();
        let mut layout = Layout { slots, tops, runs: Vec::new() };
        // A name that the schema lacks would be a slip in this file, which a test catches.
        let slot = |name: &&str| layout.slot(name).unwrap_or(0);
        let runs = RUNS.map(|(names, told_by)| {
            let mask = names.iter().map(|name| 1 << slot(name)).sum();
            Run { first: slot(&names[0]), mask, told_by }
        });
        layout.runs = runs.to_vec();
        layout
    }

    /// Bits of the fields in a struct slot.
    #[inline]
    pub fn inside(&self, slot: usize) -> u128 {
        let below = |slot: usize| 1u128.checked_shl(slot as u32).unwrap_or(0).wrapping_sub(1);
        below(self.slots[slot].end) & !below(slot + 1)
    }

    /// Slot of a dotted path of column names.
    pub fn slot(&self, path: &str) -> Option<usize> {
        self.slots.iter().position(|s| s.path == path)
    }
}

impl Default for Layout {
    fn default() -> Self {
        Self::new()
    }
}

fn add_slot(slots: &mut Vec<Slot>, column: &'static Column, top: usize, prefix: &str) {
    let index = slots.len();
    let path = if prefix.is_empty() { column.name.to_owned() } else { format!("{prefix}.{}", column.name) };
    slots.push(Slot { column, top, end: index + 1, path: path.clone() });
    if let Kind::Struct(fields) = column.kind {
        for field in fields {
            add_slot(slots, field, top, &path);
        }
        slots[index].end = slots.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_of_columns_and_share_none() {
        let layout = Layout::new();
        let mut all = 0;
        for (run, (names, _)) in layout.runs.iter().zip(RUNS) {
            assert_eq!(run.mask.count_ones() as usize, names.len());
            assert_eq!(run.mask & (all | !layout.tops), 0);
            assert_eq!(layout.slots[run.first].path, names[0]);
            all |= run.mask;
        }
    }
}
