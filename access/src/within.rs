//! What a statement's resources were used for: whether any recorded call that it speaks of was on one of them.
//!
//! An action may be used every day, and a statement that allows it on one bucket never. So for principals of an inventory the
//! resources of their calls are kept, by action, and asked of the statement alone. Only where every one of them is known: an
//! action whose resource a record does not name, one that stands among data events (of which a trail may log some
//! resources only), and one that reached more resources than are kept, may have been on any.
//!
//! A fold; the order of events does not matter. Must not know reports.

use std::collections::{BTreeMap, HashMap};

use ahash::RandomState;
use arrow::array::RecordBatch;
use ingest::action;

use crate::calls::{Call, Calls, Outcome};
use crate::inventory::Inventory;
use crate::paths::Paths;
use crate::policy::document::Patterns;
use crate::policy::{Caller, Document, Effect, Statement};
use crate::replay::{Proposal, World};
use crate::resource::Certainty;

/// Most resources kept of an action of a principal, and of all together: some 200 MB.
const RESOURCES_MAX: usize = 256;
const ALL_MAX: usize = 500_000;

/// The resources that an action reached, each with the last time; `None` once they cannot all be known.
type Reached = Option<BTreeMap<Box<str>, (i64, Call)>>;

/// The resources of calls, by principal and action.
#[derive(Debug, Default)]
pub struct Within {
    calls: Calls,
    reached: HashMap<(Box<str>, Box<str>), Reached, RandomState>,
    kept: usize,
}

impl Within {
    /// For the principals that some policy binds to resources.
    pub fn new(inventories: &[Inventory]) -> Within {
        let mut only = Vec::new();
        for inventory in inventories {
            let is_bound = |document: &Document| document.statements.iter().any(is_bound);
            let bound = inventory
                .entities
                .iter()
                .filter(|entity| inventory.identity_policies(entity).iter().any(|(_, document)| is_bound(document)));
            only.extend(bound.map(|entity| entity.arn.clone()));
        }
        let calls = Calls::new(Some(only), None).with_paths(Paths::new(inventories));
        Within { calls, ..Within::default() }
    }

    /// Folds a batch of events.
    pub fn observe(&mut self, batch: &RecordBatch) {
        for asked in self.calls.read(batch) {
            let went_through = |call: &Call| call.outcome == Outcome::Permitted && call.template.is_none();
            for call in asked.calls.into_iter().filter(went_through) {
                self.add(call, asked.time);
            }
        }
    }

    fn add(&mut self, call: Call, time: i64) {
        let key = (call.principal.as_str().into(), call.action.as_str().into());
        let reached = self.reached.entry(key).or_insert_with(|| Some(BTreeMap::new()));
        let Some(known) = reached else { return };
        if let Some((last, _)) = known.get_mut(call.resource.as_str()) {
            *last = (*last).max(time);
        } else if call.certainty == Certainty::Unknown || known.len() >= RESOURCES_MAX || self.kept >= ALL_MAX {
            *reached = None;
        } else {
            self.kept += 1;
            known.insert(call.resource.as_str().into(), (time, call));
        }
    }

    /// Whether a call of an action since a time was on a resource of the statement; `None` where that cannot be known.
    pub(crate) fn touches(&self, principal: &str, name: &str, from: i64, statement: &Statement) -> Option<bool> {
        if !is_bound(statement) || action::data_event_type(name).is_some() {
            return None;
        }
        let key: (Box<str>, Box<str>) = (principal.into(), name.into());
        let known = self.reached.get(&key)?.as_ref()?;
        // Conditions are left open: what may have been allowed by it counts as use.
        let bare = Statement { condition: None, broken: false, ..statement.clone() };
        let document = Document { version: Some("2012-10-17".to_owned()), id: None, statements: vec![bare] };
        let world = World::new(Caller::new(principal), &Proposal::Identity(vec![("statement".to_owned(), document)]));
        let mut since = known.values().filter(|(last, _)| *last >= from).peekable();
        // Where the logs have the call and this fold has none, it was read differently.
        since.peek()?;
        Some(since.any(|(last, call)| world.may_allow(call, *last)))
    }
}

/// Whether a statement allows something on some resources only.
fn is_bound(statement: &Statement) -> bool {
    statement.effect == Effect::Allow
        && !statement.is_everywhere()
        && matches!(statement.resources, Some(Patterns::Only(_)))
}
