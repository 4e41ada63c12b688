//! Ways from some permissions to more, and whether one is open to a principal.
//!
//! The ways are data ([`table`]): sets of actions. That a principal may do them all on something is not yet a way: a role may be
//! passed to some services only ([`Passing`]), a user may make keys for itself alone, and whoever may give permissions only to
//! what carries a boundary makes nobody stronger than the boundary is ([`Reach`]). Source: "Delegate responsibility to others
//! using permissions boundaries" and "Allow IAM users to manage their own credentials" in the IAM user guide.

mod reach;
mod table;

use super::risk::{Kind, Risk, risk};
use crate::inventory::{Entity, Given, Grants, Inventory};
use crate::policy::{ActionSet, Context, Document, Effect};
use reach::Reach;
pub(super) use table::WAYS;

/// The ways that are open to a principal of what it is granted.
pub(super) fn open(inventory: &Inventory, grants: &Grants<'_>, entity: &Entity, granted: &ActionSet) -> Vec<Risk> {
    let passing = Passing::new(inventory, entity);
    let mut reach = Reach::new(inventory, grants, entity);
    let has_roles = !inventory.given.contains(&Given::InstanceProfiles)
        || inventory.instance_profiles.iter().any(|profile| !profile.roles.is_empty());
    let mut found = Vec::new();
    for (way, service, actions) in WAYS {
        let is_open = actions.iter().all(|action| granted.contains(action))
            && service.is_none_or(|service| passing.admits(service))
            && (has_roles || !table::ON_INSTANCES.contains(way))
            && (!table::WITHOUT_ASSUMING.contains(way) || !granted.contains("sts:AssumeRole"))
            && (!table::ONTO_ITSELF.contains(way) || reach.is_open_to_itself(actions))
            && actions.iter().all(|action| reach.is_open(action));
        if is_open {
            found.push(risk(Kind::Escalation, entity, (*way).to_owned(), actions));
        }
    }
    found
}

/// To which services a principal may pass roles, as `iam:PassedToService` says.
#[derive(Debug)]
struct Passing<'a> {
    /// The layers that must each allow it.
    layers: Vec<Vec<&'a Document>>,
}

impl<'a> Passing<'a> {
    fn new(inventory: &'a Inventory, entity: &'a Entity) -> Passing<'a> {
        let identity = inventory.identity_policies(entity).into_iter().map(|(_, document)| document).collect();
        let boundary = entity.boundary.as_ref().and_then(|arn| inventory.policies.get(arn)?.default_version());
        let boundary = boundary.map(|version| vec![&version.document]);
        let levels = inventory.scp_levels.iter().map(|level| level.policies.iter().collect());
        Passing { layers: std::iter::once(identity).chain(boundary).chain(levels).collect() }
    }

    /// Whether every layer lets some role be passed to a service, whatever else is asked for.
    fn admits(&self, service: &str) -> bool {
        let mut context = Context::default();
        context.set("iam:PassedToService", service);
        self.layers.iter().all(|layer| {
            let any = |effect| {
                let statements = layer.iter().flat_map(|document| document.admitting("iam:PassRole", effect, &context));
                statements.count() > 0
            };
            any(Effect::Allow) && !any(Effect::Deny)
        })
    }
}
