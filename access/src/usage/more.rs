//! What events asked for besides their own actions, by group: the same as a group keeps of its events.

use std::collections::HashMap;

use ahash::RandomState;
use ingest::batch::TextColumn;

/// When an action was asked for by a group's events.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked {
    pub(super) first: i64,
    pub(super) last: i64,
    /// Row of the last event; of several at one time, that of the greatest source address.
    pub(super) last_row: usize,
    pub(super) count: u64,
}

/// Group and action.
#[derive(Debug, Default)]
pub(super) struct More {
    asked: HashMap<(usize, &'static str), Asked, RandomState>,
}

impl More {
    pub(super) fn add(&mut self, group: usize, action: &'static str, at: (i64, usize), source: &TextColumn) {
        let (time, row) = at;
        let once = Asked { first: time, last: time, last_row: row, count: 0 };
        let asked = self.asked.entry((group, action)).or_insert(once);
        asked.first = asked.first.min(time);
        asked.count += 1;
        if time > asked.last || (time == asked.last && source.get(row) > source.get(asked.last_row)) {
            asked.last = time;
            asked.last_row = row;
        }
    }

    /// Group, action and when, in one order: past a table's limits the order shows.
    pub(super) fn sorted(&self) -> Vec<(usize, &'static str, Asked)> {
        let mut found: Vec<_> = self.asked.iter().map(|((group, action), asked)| (*group, *action, *asked)).collect();
        found.sort_unstable_by_key(|(group, action, _)| (*group, *action));
        found
    }
}
