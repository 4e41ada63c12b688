//! Whether an action reaches whom a way needs: another user than oneself, and somebody whom no boundary holds.
//!
//! Both are asked of the policies as AWS would be, with everything open that nobody knows (tags, addresses, MFA): so a Deny
//! counts as much as an Allow that names `${aws:username}`, and a condition holds or does not for what it is asked.

use std::collections::BTreeSet;

use crate::inventory::{Entity, Grants, Inventory};
use crate::policy::document::Patterns;
use crate::policy::evaluate::Outcome;
use crate::policy::{ActionName, Caller, Context, Effect, Guards, Mode, Principal, Request};
use crate::usage::Kind;

/// Actions that make no more of whoever does them to itself.
const OF_ANOTHER: &[&str] = &[
    "iam:CreateAccessKey",
    "iam:CreateLoginProfile",
    "iam:CreateServiceSpecificCredential",
    "iam:ResetServiceSpecificCredential",
    "iam:UpdateLoginProfile",
];
/// Actions that can be allowed for what carries a boundary alone (the service reference's `iam:PermissionsBoundary`). Of one that
/// takes a boundary away, the boundary that it takes is no bound.
const BOUNDED: &[&str] = &[
    "iam:AttachRolePolicy",
    "iam:AttachUserPolicy",
    "iam:PutRolePermissionsBoundary",
    "iam:PutRolePolicy",
    "iam:PutUserPermissionsBoundary",
    "iam:PutUserPolicy",
];
/// The condition key, in lower case.
const BOUNDARY: &str = "iam:permissionsboundary";
/// A boundary that bounds nothing, in every account.
const ADMINISTRATOR: &str = "policy/AdministratorAccess";
/// A name that no policy means but by a wildcard.
const SOMEBODY: &str = "somebody-else";

/// A principal, as far as it has to be asked.
pub(super) struct Reach<'a> {
    inventory: &'a Inventory,
    grants: &'a Grants<'a>,
    entity: &'a Entity,
    /// Compiled when it is first needed: most principals have no such action.
    principal: Option<Principal>,
}

impl<'a> Reach<'a> {
    pub(super) fn new(inventory: &'a Inventory, grants: &'a Grants<'a>, entity: &'a Entity) -> Reach<'a> {
        Reach { inventory, grants, entity, principal: None }
    }

    /// Whether an action that is granted reaches whom its ways need.
    pub(super) fn is_open(&mut self, action: &str) -> bool {
        let (of_another, bounded) = (OF_ANOTHER.contains(&action), BOUNDED.contains(&action));
        if !of_another && !bounded {
            return true;
        }
        let kind = if action.contains("Role") { "role" } else { "user" };
        let mut targets = self.targets(kind);
        if of_another {
            targets.retain(|arn| !self.is_itself(arn));
        }
        self.allows_any(action, bounded, &targets)
    }

    /// Whether a role may do one of these actions to itself.
    pub(super) fn is_open_to_itself(&mut self, actions: &[&str]) -> bool {
        let own = BTreeSet::from([self.entity.arn.clone()]);
        self.entity.kind == Kind::Role
            && actions.iter().all(|action| self.allows_any(action, BOUNDED.contains(action), &own))
    }

    fn allows_any(&mut self, action: &str, bounded: bool, targets: &BTreeSet<String>) -> bool {
        let contexts = if bounded { self.boundaries() } else { vec![self.context()] };
        let action = ActionName::new(action);
        let (inventory, entity) = (self.inventory, self.entity);
        let principal = self.principal.get_or_insert_with(|| inventory.principal(entity, Caller::new(&entity.arn)));
        let guards = Guards::none();
        let allows = |resource: &str, context: &Context| {
            let request = Request { action: &action, resource, resource_account: "", context, mode: &Mode::Hopeful };
            principal.decide(&request, &guards).outcome == Outcome::Allowed
        };
        contexts.iter().any(|context| targets.iter().any(|target| allows(target, context)))
    }

    /// Whom its policies could mean: somebody, and whatever their resources name.
    fn targets(&self, kind: &str) -> BTreeSet<String> {
        let (partition, account) = (self.partition(), self.entity.account());
        let front = format!("arn:{partition}:iam::{account}:");
        let mut found = BTreeSet::from([format!("{front}{kind}/{SOMEBODY}")]);
        for (_, document) in self.inventory.identity_policies(self.entity) {
            for statement in document.statements.iter().filter(|statement| statement.effect == Effect::Allow) {
                let Some(Patterns::Only(list)) = &statement.resources else { continue };
                let named = list.iter().filter_map(|pattern| pattern.splitn(6, ':').nth(5));
                let named = named.filter(|name| name.strip_prefix(kind).is_some_and(|rest| rest.starts_with('/')));
                found.extend(named.filter_map(|name| Some(format!("{front}{}", self.filled(name)?))));
            }
        }
        found
    }

    /// A name that a pattern means; none where it hangs on the name of a user, and there is no user.
    fn filled(&self, pattern: &str) -> Option<String> {
        let (mut filled, mut rest) = (String::new(), pattern);
        while let Some((before, behind)) = rest.split_once("${") {
            let (key, after) = behind.split_once('}')?;
            let is_name = key.split(',').next().unwrap_or_default().trim().eq_ignore_ascii_case("aws:username");
            filled.push_str(before);
            filled.push_str(match is_name {
                true if self.entity.kind != Kind::IamUser => return None,
                true => &self.entity.name,
                false => SOMEBODY,
            });
            rest = after;
        }
        filled.push_str(rest);
        Some(filled.replace('*', SOMEBODY).replace('?', "x"))
    }

    /// Names of users are theirs whatever the path.
    fn is_itself(&self, arn: &str) -> bool {
        self.entity.kind == Kind::IamUser && arn.rsplit('/').next() == Some(self.entity.name.as_str())
    }

    fn partition(&self) -> &str {
        self.entity.arn.split(':').nth(1).unwrap_or("aws")
    }

    fn context(&self) -> Context {
        let mut context = self.inventory.principal_context(self.entity, &Caller::new(&self.entity.arn));
        // A role has no such key, so what hangs on it names nobody; a value that nobody has says just that.
        context.set_default("aws:username", "\u{0}");
        context
    }

    /// Without a boundary, with one that bounds nothing, and with one that a wildcard means.
    fn boundaries(&self) -> Vec<Context> {
        let (partition, account) = (self.partition(), self.entity.account());
        let mut arns = vec![
            format!("arn:{partition}:iam::aws:{ADMINISTRATOR}"),
            format!("arn:{partition}:iam::{account}:policy/{SOMEBODY}"),
        ];
        arns.extend(self.grants.full_policies().map(str::to_owned));
        let mut without = self.context();
        without.set_absent(BOUNDARY);
        let with = |arn: String| {
            let mut context = self.context();
            context.set(BOUNDARY, &arn);
            context
        };
        std::iter::once(without).chain(arns.into_iter().map(with)).collect()
    }
}
