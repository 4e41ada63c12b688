//! The whole least-privilege report: what was used and not, findings, risks, and what hangs about unattached.
//!
//! Joins [`crate::unused`] and [`crate::findings`] into the one value that every output is made of.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::findings::exclude::{self, Excluded, Exclusion};
use crate::findings::places::KeyPlaces;
use crate::findings::risk::{self, Risk};
use crate::findings::signin::SignIns;
use crate::findings::{self, Finding, observe};
use crate::idle::{self, IdleStatement};
use crate::inventory::{Given, Grants, Inputs, Inventory};
use crate::unused::{self, Options, Report};
use crate::usage::LastUsed;
use crate::within::Within;

/// The report as it is written: the fields of [`Report`] and these.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Audit {
    /// What it rests on, by account.
    pub inputs: Vec<Inputs>,
    /// Use, grants and what is left over.
    #[serde(flatten)]
    pub report: Report,
    /// Findings, by kind and principal.
    pub findings: Vec<Finding>,
    /// What logs and inventory show beside the findings, of which an account may have good reasons; by kind and principal.
    pub observations: Vec<Finding>,
    /// Findings and observations that somebody accepted.
    pub excluded: Vec<Excluded>,
    /// What policies would permit and nobody should want.
    pub risks: Vec<Risk>,
    /// Groups without users, by ARN.
    pub unused_groups: Vec<String>,
    /// Customer-managed policies that nobody has, by ARN.
    pub unused_policies: Vec<String>,
    /// Statements of policies that none of those who have them used.
    pub unused_statements: Vec<IdleStatement>,
}

/// Makes the report.
pub fn audit(
    usage: &LastUsed,
    signins: &SignIns,
    places: &KeyPlaces,
    inventories: &[Inventory],
    exclusions: &[Exclusion],
    options: &Options,
) -> Audit {
    let report = unused::report(usage, inventories, options);
    let found = findings::of(inventories, signins, &report, options);
    let (findings, mut excluded) = exclude::apply(found, exclusions, inventories);
    let observed = observe::of(inventories, places, &report, options);
    let (observations, accepted) = exclude::apply(observed, exclusions, inventories);
    excluded.extend(accepted);
    let mut audit = Audit {
        inputs: inputs(inventories, &report),
        report,
        findings,
        observations,
        excluded,
        risks: Vec::new(),
        unused_groups: Vec::new(),
        unused_policies: Vec::new(),
        unused_statements: Vec::new(),
    };
    audit.unused_statements = idle::of(inventories, &audit.report, None);
    for inventory in inventories {
        audit.risks.extend(risk::of(inventory, &Grants::new(inventory, options.from())));
        leftovers(inventory, &mut audit);
    }
    audit.risks.sort_unstable();
    audit.unused_groups.sort_unstable();
    audit.unused_policies.sort_unstable();
    audit
}

impl Audit {
    /// Looks at statements again with the resources that calls were on: one whose action is used elsewhere is unused too.
    pub fn look_within(&mut self, inventories: &[Inventory], within: &Within) {
        self.unused_statements = idle::of(inventories, &self.report, Some(within));
    }
}

fn inputs(inventories: &[Inventory], report: &Report) -> Vec<Inputs> {
    let mut all: BTreeMap<&str, BTreeSet<Given>> = BTreeMap::new();
    for inventory in inventories {
        all.entry(inventory.account()).or_default().extend(&inventory.given);
    }
    for account in &report.coverage.accounts {
        all.entry(&account.account).or_default().insert(Given::Events);
    }
    all.into_iter().map(|(account, given)| Inputs { account: account.to_owned(), given }).collect()
}

fn leftovers(inventory: &Inventory, audit: &mut Audit) {
    // Sets, because a large account has thousands of each.
    let entities = inventory.entities.iter();
    let peopled: BTreeSet<&str> = entities.clone().flat_map(|entity| &entity.groups).map(String::as_str).collect();
    for group in inventory.groups.values().filter(|group| !peopled.contains(group.name.as_str())) {
        audit.unused_groups.push(if group.arn.is_empty() { group.name.clone() } else { group.arn.clone() });
    }
    let of_groups = inventory.groups.values().flat_map(|group| &group.attached);
    let held: BTreeSet<&str> = entities
        .flat_map(|one| one.attached.iter().chain(&one.boundary))
        .chain(of_groups)
        .map(String::as_str)
        .collect();
    let own = inventory.policies.keys().filter(|arn| !arn.contains(":iam::aws:policy/"));
    audit.unused_policies.extend(own.filter(|arn| !held.contains(arn.as_str())).cloned());
}
