//! Those who have a policy too that `generate --from-current` makes smaller: their recorded calls, replayed on what they would have.

use std::collections::{BTreeMap, BTreeSet};

use ::access::calls::Calls;
use ::access::generate::current::{self, Change};
use ::access::inventory::{Entity, Inventory};
use ::access::paths::Paths;
use ::access::policy::{Caller, Document};
use ::access::replay::{self, Proposal, Replayed};
use arrow::array::RecordBatch;
use serde::Serialize;

use crate::render::report::number;
use crate::render::words::Words;

/// Most whose calls are replayed: an AWS policy may be on every role.
const MAX_OTHERS: usize = 200;
/// Most calls that are named.
const NAMED: usize = 10;

/// The calls of each, by ARN.
#[derive(Default)]
pub(super) struct Others {
    calls: BTreeMap<String, Calls>,
    /// How many more there are.
    left_out: usize,
}

impl Others {
    /// Whoever else has a policy of a principal's, which may change.
    pub(super) fn of(principal: &str, inventories: &[Inventory], since: Option<i64>) -> Others {
        let caller = Caller::new(principal);
        let found = inventories.iter().find_map(|inventory| Some((inventory, inventory.behind(&caller)?)));
        let Some((inventory, entity)) = found else { return Others::default() };
        let policies = inventory.identity_policies(entity);
        let mut all: BTreeSet<String> =
            policies.iter().flat_map(|(name, _)| current::holders(inventory, &entity.arn, name)).collect();
        all.remove(&entity.arn);
        let left_out = all.len().saturating_sub(MAX_OTHERS);
        let calls = |arn: String| {
            let calls = Calls::new(Some(vec![arn.clone()]), since).with_paths(Paths::new(inventories));
            (arn, calls)
        };
        Others { calls: all.into_iter().take(MAX_OTHERS).map(calls).collect(), left_out }
    }

    pub(super) fn observe(&mut self, batch: &RecordBatch) {
        self.calls.values_mut().for_each(|calls| calls.observe(batch));
    }

    /// What they would lose by the changes: what today's policies deny them is nothing of it.
    pub(super) fn replay(&self, inventories: &[Inventory], changes: &[Change]) -> Lost {
        let mut lost = Lost { not_replayed: self.left_out, ..Lost::default() };
        for (arn, calls) in &self.calls {
            let mut found = inventories.iter().filter_map(|inventory| Some((inventory, inventory.entity(arn)?)));
            let Some((inventory, entity)) = found.next() else { continue };
            if !changes.iter().any(|change| change.shared_with.contains(arn)) {
                continue;
            }
            let replayed = |changes| replay::replay(calls, &Proposal::Identity(documents(inventory, entity, changes)));
            let (before, after) = (replayed(&[]), replayed(changes));
            lost.principals += 1;
            lost.calls += after.calls;
            let is_new = |row: &Replayed| !before.denied.iter().any(|old| is_same(old, row));
            lost.denied.extend(after.denied.into_iter().filter(is_new));
        }
        lost
    }
}

/// What those would lose who have a policy that changes, too.
#[derive(Debug, Default, Serialize)]
pub(super) struct Lost {
    /// How many they are.
    principals: usize,
    /// Their calls that went through and were replayed.
    calls: u64,
    /// What would be denied to them that is not today.
    denied: Vec<Replayed>,
    /// More who have a policy of the principal's, whose calls were not replayed.
    not_replayed: usize,
}

impl Lost {
    pub(super) fn tell(&self, words: Words) {
        if self.principals > 0 {
            let (who, calls) = (number(self.principals as u64), number(self.calls));
            let denied = number(self.denied.iter().map(|row| row.count).sum());
            words.note(&format!(
                "replayed on {calls} recorded calls of {who} more who have a changed policy: it would deny {denied} of what is allowed today"
            ));
        }
        for row in self.denied.iter().take(NAMED) {
            let (who, times) = (&row.principal, number(row.count));
            words.warning(&format!("would be denied to {who}: {} on {} ({times} times)", row.action, row.resource));
        }
        if self.not_replayed > 0 {
            let more = number(self.not_replayed as u64);
            words.warning(&format!(
                "{more} more have one of the policies: `policy replay` tries what is proposed on them"
            ));
        }
    }
}

fn is_same(one: &Replayed, other: &Replayed) -> bool {
    one.action == other.action && one.resource == other.resource && one.region == other.region
}

/// A principal's policies, as they would be.
fn documents(inventory: &Inventory, entity: &Entity, changes: &[Change]) -> Vec<(String, Document)> {
    let changed = |(name, document): (String, &Document)| {
        // Inline policies of others only have the names of ours.
        let is_shared = |change: &&Change| change.name == name && change.shared_with.contains(&entity.arn);
        match changes.iter().find(is_shared) {
            None => Some((name, document.clone())),
            Some(change) => {
                let after = change.after.as_ref()?;
                Some((name, Document::parse(after).ok()?))
            }
        }
    };
    inventory.identity_policies(entity).into_iter().filter_map(changed).collect()
}
