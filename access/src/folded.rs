//! All that the report needs of events, folded: last use, sign-ins and where keys were used; and the same as rows, which a lake keeps.
//!
//! A batch of a lake keeps the rows of its events. Any number of batches' rows, in any order, also merged by key as
//! SQL would (sums, extremes, the latest), add up to what folding all events gives. [`Folded::is_whole`] says whether
//! they do: rows that another version made with other tables of actions do not, nor do those of batches without.
//!
//! Knows what rows mean. Must not know where they are kept.

mod row;

use arrow::array::RecordBatch;
use ingest::action;

use crate::findings::places::KeyPlaces;
use crate::findings::signin::SignIns;
use crate::usage::{Fact, LastUsed, Limits};
pub use row::{Row, What};

/// Changes when the fold says something else of an event than before. What the tables of actions say is told besides.
const RULES: u32 = 4;

/// What counts facts, so that a lost one is missed.
const ATTEMPTS: &str = "attempts";

/// How much of the events rows tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Memory {
    /// All.
    Whole,
    /// All that there is room for: folding the events again would tell no more.
    Full,
    /// Other rules made them, or they are not of all events: folding the events again would tell all.
    Stale,
}

/// What was folded.
#[derive(Debug, Clone, Default)]
pub struct Folded {
    /// Last use.
    pub usage: LastUsed,
    /// Sign-ins.
    pub signins: SignIns,
    /// Where long-term keys were used.
    pub places: KeyPlaces,
    /// Of rows that were added: batches, attempts that facts must have, attempts that they have.
    batches: u64,
    attempts: (u64, u64),
    /// A row that this version does not know, or that other rules made.
    is_strange: bool,
}

impl Folded {
    /// Nothing yet.
    pub fn new() -> Folded {
        Folded { usage: LastUsed::new(Limits::default()), ..Folded::default() }
    }

    /// Folds a batch of events.
    pub fn observe(&mut self, events: &RecordBatch) {
        self.usage.observe(events);
        self.signins.observe(events);
        self.places.observe(events);
    }

    /// Everything but the facts, as rows.
    pub fn rows(&self) -> Vec<Row> {
        let mut rows = self.usage.rows();
        rows.extend(self.signins.rows());
        rows.extend(self.places.rows());
        let facts = self.usage.principals().into_iter().flat_map(|principal| self.usage.facts(principal));
        let attempts = facts.map(|(_, fact)| fact.count).sum();
        rows.push(Row { events: attempts, ..Row::new(What::Total, "", ATTEMPTS) });
        rows.push(Row { events: 1, ..Row::new(What::Rules, &rules(), "") });
        rows
    }

    /// Adds a row; `None` stands for one of a kind that this version does not know.
    pub fn add(&mut self, row: Option<&Row>) {
        let Some(row) = row else {
            self.is_strange = true;
            return;
        };
        match row.what {
            What::Total if row.name == "batches" => self.batches += row.events,
            What::Total if row.name == ATTEMPTS => self.attempts.0 += row.events,
            What::Rules => self.is_strange |= row.subject != rules(),
            What::KeyAddress | What::KeyEnvironment | What::InstanceAddress => self.places.add_row(row),
            What::Root | What::SignInFailed | What::SignInWithoutMfa => self.signins.add_row(row),
            _ => self.is_strange |= !self.usage.add_row(row),
        }
    }

    /// Adds a fact.
    pub fn add_fact(&mut self, principal: &str, action: &str, fact: &Fact) {
        self.attempts.1 += fact.count;
        self.usage.add_named(principal, action, fact);
    }

    /// Whether nothing was left out for want of room.
    pub fn is_exact(&self) -> bool {
        self.usage.is_exact() && self.signins.is_exact()
    }

    /// Whether what was added tells all that so many batches of events would, folded now.
    pub fn memory(&self, batches: u64) -> Memory {
        let complete = self.batches == batches && self.attempts.0 == self.attempts.1;
        match complete && !self.is_strange {
            false => Memory::Stale,
            true if self.is_exact() => Memory::Whole,
            true => Memory::Full,
        }
    }

    /// Whether the rows tell all: [`Memory::Whole`].
    pub fn is_whole(&self, batches: u64) -> bool {
        self.memory(batches) == Memory::Whole
    }
}

/// What events mean to the fold, in a few letters.
fn rules() -> String {
    format!("{RULES}-{}", action::version())
}

#[cfg(test)]
mod tests;
