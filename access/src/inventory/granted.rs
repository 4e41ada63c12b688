//! What an inventory grants: its documents as sets of actions, a principal at a time.

use std::collections::BTreeMap;

use super::{Entity, Group, Inventory, Lacking, ScpLevel, Version};
use crate::policy::{ActionSet, Grant, grant};

/// What the documents of an inventory grant: managed policies and SCPs are turned into sets once, principals on asking.
#[derive(Debug)]
pub struct Grants<'a> {
    inventory: &'a Inventory,
    since: i64,
    /// By ARN: the version in force, and what of it stood at `since`.
    managed: BTreeMap<&'a str, (Grant, Grant)>,
    scps: Vec<Grant>,
    /// By the name of a group, what its inline policies grant: once, however many are in it.
    groups: BTreeMap<&'a str, Grant>,
}

/// What one principal is granted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Granted {
    /// Actions granted now.
    pub now: ActionSet,
    /// Those of them known to have been granted at the start of the window.
    pub established: ActionSet,
    /// What the input lacks of it, or could not be read.
    pub lacking: Lacking,
    /// Action patterns that name no known action.
    pub unknown: Vec<String>,
}

impl<'a> Grants<'a> {
    /// Prepares the inventory's policies; `since` is the start of the window, microseconds.
    pub fn new(inventory: &'a Inventory, since: i64) -> Self {
        let sets = |version: Option<&Version>| version.map_or_else(Grant::default, |found| Grant::of(&found.document));
        let managed = inventory
            .policies
            .iter()
            .map(|(arn, policy)| (arn.as_str(), (sets(policy.default_version()), sets(policy.version_at(since)))));
        let level = |level: &ScpLevel| {
            let mut grant = Grant::default();
            level.policies.iter().for_each(|document| grant.add(&Grant::of(document)));
            grant
        };
        let scps = inventory.scp_levels.iter().map(level).collect();
        let group = |group: &'a Group| {
            let mut grant = Grant::default();
            group.inline.iter().for_each(|policy| grant.add(&Grant::of(&policy.document)));
            (group.name.as_str(), grant)
        };
        let groups = inventory.groups.values().map(group).collect();
        Grants { inventory, since, managed: managed.collect(), scps, groups }
    }

    /// Whether a managed policy that the inventory has allows everything; `None` of one that it has not.
    pub(crate) fn is_everything(&self, arn: &str) -> Option<bool> {
        self.inventory.policies.get(arn)?.default_version()?;
        self.managed.get(arn).map(|(in_force, _)| in_force.leaves_everything())
    }

    /// The managed policies that allow everything.
    pub(crate) fn full_policies(&self) -> impl Iterator<Item = &'a str> {
        self.managed.iter().filter(|(_, (in_force, _))| in_force.leaves_everything()).map(|(arn, _)| *arn)
    }

    /// What a principal of the inventory is granted.
    pub fn of(&self, entity: &Entity) -> Granted {
        let groups = entity.groups.iter().filter_map(|name| self.inventory.groups.get(name));
        let (mut now, mut then) = (Grant::default(), Grant::default());
        let own: Vec<Grant> = entity.inline.iter().map(|policy| Grant::of(&policy.document)).collect();
        let shared = entity.groups.iter().filter_map(|name| self.groups.get(name.as_str()));
        for grant in shared.chain(&own) {
            now.add(grant);
            // IAM keeps no date of inline policies: taken to be as old as the principal.
            then.add(grant);
        }
        for arn in groups.flat_map(|group| &group.attached).chain(&entity.attached) {
            if let Some((in_force, at_start)) = self.managed.get(arn.as_str()) {
                now.add(in_force);
                then.add(at_start);
            }
        }
        let lacking = self.inventory.lacking(entity);
        // A boundary that is not there bounds something, and nobody knows what: it is told, not taken for one that allows nothing.
        let boundary = entity.boundary.as_deref().filter(|_| lacking.boundary.is_none());
        let boundary = boundary.and_then(|arn| Some(&self.managed.get(arn)?.0));
        let scps: &[Grant] = if entity.is_service_linked() { &[] } else { &self.scps };
        let set = grant::effective(&now, boundary, scps);
        let mut established = set.clone();
        if entity.created.is_some_and(|created| created > self.since) {
            established = ActionSet::none();
        } else {
            established.intersect(&then.effective());
        }
        Granted { now: set, established, lacking, unknown: now.unknown }
    }
}
