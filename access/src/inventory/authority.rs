//! A principal of the inventory, ready to be asked what it may do.

use super::{Entity, Inventory};
use crate::policy::caller::Caller;
use crate::policy::evaluate::Named;
use crate::policy::{Context, Document, Principal};
use crate::usage::Kind;

impl Inventory {
    /// The account that the inventory is of: that of its first principal. Empty where it has none.
    pub fn account(&self) -> &str {
        self.entities.first().map_or("", Entity::account)
    }

    /// A principal by its ARN.
    pub fn entity(&self, arn: &str) -> Option<&Entity> {
        self.entities.iter().find(|entity| entity.arn == arn)
    }

    /// The entity behind a caller: the user, the role, or the role of a session (which does not tell the role's path).
    pub fn behind(&self, caller: &Caller) -> Option<&Entity> {
        use crate::policy::caller::Kind as Is;
        let kind = match caller.kind {
            Is::User | Is::Role => return self.entity(&caller.arn),
            Is::Session => Kind::Role,
            Is::Federated => Kind::IamUser,
            _ => return None,
        };
        let same =
            |entity: &&Entity| entity.kind == kind && entity.name == caller.name && entity.account() == caller.account;
        self.entities.iter().find(same)
    }

    /// The policies that give an entity its permissions, with names for answers: a managed policy's ARN, `inline/NAME`,
    /// `group/GROUP/inline/NAME`. Attached policies that the inventory lacks are left out.
    pub fn identity_policies<'a>(&'a self, entity: &'a Entity) -> Vec<(String, &'a Document)> {
        let managed = |arn: &'a String| Some((arn.clone(), &self.policies.get(arn)?.default_version()?.document));
        let mut found: Vec<(String, &Document)> =
            entity.inline.iter().map(|policy| (format!("inline/{}", policy.name), &policy.document)).collect();
        found.extend(entity.attached.iter().filter_map(managed));
        for group in entity.groups.iter().filter_map(|name| self.groups.get(name)) {
            let inline = group.inline.iter();
            found.extend(
                inline.map(|policy| (format!("group/{}/inline/{}", group.name, policy.name), &policy.document)),
            );
            found.extend(group.attached.iter().filter_map(managed));
        }
        found
    }

    /// An entity as the caller of requests: as itself, or as `caller` where that is a session of it.
    pub fn principal(&self, entity: &Entity, caller: Caller) -> Principal {
        let identity = self.identity_policies(entity);
        let identity: Named<'_> = identity.iter().map(|(name, document)| (name.as_str(), *document)).collect();
        self.bounded(Principal::new(caller, &identity), entity)
    }

    /// Adds an entity's boundary and the organisation's levels to a principal.
    pub fn bounded(&self, mut principal: Principal, entity: &Entity) -> Principal {
        let boundary = entity.boundary.as_ref().and_then(|arn| {
            let version = self.policies.get(arn)?.default_version()?;
            Some((arn.as_str(), &version.document))
        });
        if let Some(boundary) = boundary {
            principal = principal.with_boundary(&[boundary]);
        }
        for level in &self.scp_levels {
            let named: Named<'_> = level.policies.iter().map(|document| (level.target.as_str(), document)).collect();
            principal = principal.with_scp_level(&named);
        }
        principal
    }

    /// What the entity brings into the context of every request.
    pub fn principal_context(&self, entity: &Entity, caller: &Caller) -> Context {
        let mut context = caller.context();
        context.set("aws:PrincipalArn", &entity.arn);
        if entity.kind == Kind::IamUser {
            context.set("aws:username", &entity.name);
            context.set("aws:userid", &entity.id);
        } else {
            let session = caller.arn.rsplit('/').next().filter(|_| caller.kind == crate::policy::caller::Kind::Session);
            context.set("aws:userid", &format!("{}:{}", entity.id, session.unwrap_or("session")));
        }
        for (key, value) in &entity.tags {
            context.set(&format!("aws:PrincipalTag/{key}"), value);
        }
        context
    }
}
