//! The whole least-privilege report: what was used and not, findings, risks, and what hangs about unattached.
//!
//! Joins [`crate::unused`] and [`crate::findings`] into the one value that every output is made of.

use serde::Serialize;

use crate::findings::exclude::{self, Excluded, Exclusion};
use crate::findings::risk::{self, Risk};
use crate::findings::signin::SignIns;
use crate::findings::{self, Finding};
use crate::inventory::{Grants, Inventory};
use crate::unused::{self, Options, Report};
use crate::usage::LastUsed;

/// The report as it is written: the fields of [`Report`] and these.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Audit {
    /// Use, grants and what is left over.
    #[serde(flatten)]
    pub report: Report,
    /// Findings, by kind and principal.
    pub findings: Vec<Finding>,
    /// Findings that somebody accepted.
    pub excluded: Vec<Excluded>,
    /// What policies would permit and nobody should want.
    pub risks: Vec<Risk>,
    /// Groups without users, by ARN.
    pub unused_groups: Vec<String>,
    /// Customer-managed policies that nobody has, by ARN.
    pub unused_policies: Vec<String>,
}

/// Makes the report.
pub fn audit(
    usage: &LastUsed,
    signins: &SignIns,
    inventories: &[Inventory],
    exclusions: &[Exclusion],
    options: &Options,
) -> Audit {
    let report = unused::report(usage, inventories, options);
    let found = findings::of(inventories, signins, &report.unused_principals, options);
    let (findings, excluded) = exclude::apply(found, exclusions, inventories);
    let mut audit =
        Audit { report, findings, excluded, risks: Vec::new(), unused_groups: Vec::new(), unused_policies: Vec::new() };
    for inventory in inventories {
        audit.risks.extend(risk::of(inventory, &Grants::new(inventory, options.from())));
        leftovers(inventory, &mut audit);
    }
    audit.risks.sort_unstable();
    audit.unused_groups.sort_unstable();
    audit.unused_policies.sort_unstable();
    audit
}

fn leftovers(inventory: &Inventory, audit: &mut Audit) {
    for group in inventory.groups.values() {
        if !inventory.entities.iter().any(|entity| entity.groups.contains(&group.name)) {
            audit.unused_groups.push(if group.arn.is_empty() { group.name.clone() } else { group.arn.clone() });
        }
    }
    for arn in inventory.policies.keys().filter(|arn| !arn.contains(":iam::aws:policy/")) {
        let attached = |list: &[String]| list.contains(arn);
        let held = inventory.groups.values().any(|group| attached(&group.attached))
            || inventory.entities.iter().any(|one| attached(&one.attached) || one.boundary.as_ref() == Some(arn));
        if !held {
            audit.unused_policies.push(arn.clone());
        }
    }
}
