//! Statements of policies that nobody used: of all users and roles that have the policy, none did in the window what the
//! statement allows.
//!
//! A statement allows many things, of which some leave no event. It is told where nothing of it was used and something of it
//! certainly was not, with how many of its actions cannot be known: only where there are none may it be called unused.
//! Knows inventories and the report. Must not know events.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::inventory::{Entity, Inventory};
use crate::policy::{ActionSet, Document, Effect, Statement};
use crate::unused::{ActionUse, PrincipalReport, Report, Why};
use crate::within::Within;

/// Most statements that are told; IAM's quotas keep an account far below.
pub const TOLD_MAX: usize = 10_000;

/// An Allow statement that nobody used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct IdleStatement {
    /// ARN of a managed policy; `inline/NAME`, `group/GROUP/inline/NAME`.
    pub policy: String,
    /// Whose inline policy it is: ARN of the user, role or group; `None` of a managed policy.
    pub owner: Option<String>,
    /// Place in the document, from 0.
    pub statement: usize,
    /// `Sid`
    pub sid: Option<String>,
    /// Users and roles that have the policy.
    pub holders: usize,
    /// Actions of it that are granted and were certainly not used.
    pub not_used: usize,
    /// Actions of it of which that cannot be known.
    pub cannot_know: usize,
    /// `not_used` where all of it is certain, else the first reason why it is not.
    pub why: Why,
    /// Whether the same holds for every Allow statement of the policy, so that all of it could go.
    pub whole_policy: bool,
}

/// What the holders of a policy did with one of its statements.
#[derive(Default)]
struct Seen {
    sid: Option<String>,
    used: bool,
    sure: ActionSet,
    unsure: ActionSet,
    why: Option<Why>,
}

/// A policy's Allow statements, by place.
#[derive(Default)]
struct Held {
    holders: usize,
    statements: BTreeMap<usize, Seen>,
}

/// The statements that nobody used, by policy: at most [`TOLD_MAX`].
pub fn of(inventories: &[Inventory], report: &Report, within: Option<&Within>) -> Vec<IdleStatement> {
    let rows: BTreeMap<&str, &PrincipalReport> =
        report.principals.iter().map(|row| (row.principal.as_str(), row)).collect();
    let mut found = Vec::new();
    for inventory in inventories {
        let mut policies: BTreeMap<(Option<String>, String), Held> = BTreeMap::new();
        let mut alone = Vec::new();
        for entity in inventory.entities.iter().filter(|entity| !entity.is_service_linked()) {
            let Some(row) = rows.get(entity.arn.as_str()) else { continue };
            let holder = Holder::new(row, within, report.window.from);
            for (name, document) in inventory.identity_policies(entity) {
                let owner = owner(inventory, entity, &name);
                // What one alone has is settled at once: what is kept of each statement is large.
                if name.starts_with("inline/") {
                    let mut held = Held { holders: 1, ..Held::default() };
                    holder.look_at(document, &mut held);
                    if alone.len() < TOLD_MAX {
                        alone.extend(held.told(&name, owner.as_deref()));
                    }
                    continue;
                }
                let held = policies.entry((owner, name)).or_default();
                held.holders += 1;
                holder.look_at(document, held);
            }
        }
        found.extend(policies.into_iter().flat_map(|((owner, policy), held)| held.told(&policy, owner.as_deref())));
        found.extend(alone);
        found.truncate(TOLD_MAX);
    }
    found.sort_by(|a, b| (&a.policy, &a.owner, a.statement).cmp(&(&b.policy, &b.owner, b.statement)));
    found
}

fn owner(inventory: &Inventory, entity: &Entity, policy: &str) -> Option<String> {
    if policy.starts_with("inline/") {
        return Some(entity.arn.clone());
    }
    let (group, _) = policy.strip_prefix("group/")?.split_once("/inline/")?;
    let group = inventory.groups.get(group)?;
    Some(if group.arn.is_empty() { group.name.clone() } else { group.arn.clone() })
}

/// Whoever has a policy: what of all that is granted was not used.
struct Holder<'a> {
    row: &'a PrincipalReport,
    within: Option<&'a Within>,
    from: i64,
    sure: ActionSet,
    doubts: Vec<(Why, &'a ActionSet)>,
    all: ActionSet,
}

impl<'a> Holder<'a> {
    fn new(row: &'a PrincipalReport, within: Option<&'a Within>, from: i64) -> Holder<'a> {
        let of = |why| row.unused.of(why);
        let doubts = Why::ALL.into_iter().filter(|why| !why.is_certain()).filter_map(|why| Some((why, of(why)?)));
        let (doubts, sure) = (doubts.collect(), of(Why::NotUsed).cloned().unwrap_or_default());
        Holder { row, within, from, sure, doubts, all: row.unused.all() }
    }

    fn look_at(&self, document: &Document, held: &mut Held) {
        let numbered = document.statements.iter().enumerate();
        for (at, statement) in numbered.filter(|(_, statement)| statement.effect == Effect::Allow) {
            let allowed = ActionSet::of(&statement.actions);
            let seen = held.statements.entry(at).or_default();
            seen.sid.clone_from(&statement.sid);
            self.look_at_uses(statement, &allowed, seen);
            for (why, actions) in &self.doubts {
                let mut unsure = (*actions).clone();
                unsure.intersect(&allowed);
                if !unsure.is_empty() {
                    seen.why = seen.why.into_iter().chain([*why]).min();
                    seen.unsure.union(&unsure);
                }
            }
            let mut sure = allowed;
            sure.intersect(&self.sure);
            seen.sure.union(&sure);
        }
    }
}

impl Holder<'_> {
    /// What of a statement was used. An action that was used on other resources alone was not, as far as the logs can show.
    fn look_at_uses(&self, statement: &Statement, allowed: &ActionSet, seen: &mut Seen) {
        let uses = self.row.services.iter().flat_map(|service| &service.actions);
        // What is in none of the sets of unused ones was used in the window, if it ever went through.
        let used = uses.filter(|used| {
            used.last_success.is_some() && allowed.contains(&used.action) && !self.all.contains(&used.action)
        });
        for ActionUse { action, .. } in used {
            let touches = |within: &Within| within.touches(&self.row.principal, action, self.from, statement);
            if seen.used || self.within.and_then(touches) != Some(false) {
                seen.used = true;
                return;
            }
            match Why::ALL.into_iter().find(|why| self.row.used.of(*why).is_some_and(|set| set.contains(action))) {
                Some(why) if why.is_certain() => drop(seen.sure.insert(action)),
                why => {
                    seen.why = seen.why.into_iter().chain(why).min();
                    seen.unsure.insert(action);
                }
            }
        }
    }
}

impl Seen {
    fn is_idle(&self) -> bool {
        !self.used && !self.sure.is_empty()
    }
}

impl Held {
    fn told(self, policy: &str, owner: Option<&str>) -> Vec<IdleStatement> {
        let whole_policy = self.statements.values().all(Seen::is_idle);
        let idle = self.statements.into_iter().filter(|(_, seen)| seen.is_idle());
        let told = idle.map(|(statement, mut seen)| {
            // What one holder certainly did not use may be in doubt of another.
            seen.sure.subtract(&seen.unsure);
            IdleStatement {
                policy: policy.to_owned(),
                owner: owner.map(str::to_owned),
                statement,
                sid: seen.sid,
                holders: self.holders,
                not_used: seen.sure.len(),
                cannot_know: seen.unsure.len(),
                why: seen.why.unwrap_or(Why::NotUsed),
                whole_policy,
            }
        });
        told.collect()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::fixture::{arn, batch, call};
    use crate::instant;
    use crate::unused::{self, Options};
    use crate::usage::LastUsed;
    use serde_json::json;

    #[test]
    fn a_statement_that_no_holder_used_is_told_with_its_doubts() {
        let allow = |sid: &str, action: &str| json!({"Sid": sid, "Effect": "Allow", "Action": action, "Resource": "*"});
        let managed = json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Deny", "Action": "sqs:DeleteQueue", "Resource": "*"}, allow("Queues", "sqs:CreateQueue"), allow("Users", "iam:GetUser")]});
        let inline = json!({"Version": "2012-10-17", "Statement": allow("Roles", "iam:*Role")});
        let attached = json!([{"PolicyArn": "arn:aws:iam::111111111111:policy/p"}]);
        let user = |name: &str, inline: serde_json::Value| json!({"Arn": arn(name), "UserName": name, "CreateDate": "2020-01-01T00:00:00Z", "AttachedManagedPolicies": attached, "UserPolicyList": inline});
        let page = json!({"UserDetailList": [user("ann", json!([{"PolicyName": "own", "PolicyDocument": inline}])), user("bob", json!([]))],
            "Policies": [{"Arn": "arn:aws:iam::111111111111:policy/p", "DefaultVersionId": "v1", "PolicyVersionList":
                [{"VersionId": "v1", "IsDefaultVersion": true, "CreateDate": "2020-01-01T00:00:00Z", "Document": managed}]}]});
        let inventories = [Inventory::parse(&page.to_string(), "gaad.json").unwrap()];
        let start = instant::parse("2026-01-01T00:00:00Z").unwrap();
        let at = |turn: i64| instant::format(start + turn * 3 * instant::DAY);
        // bob uses the queues all the time, nobody reads users.
        let events: Vec<_> = (0..40).map(|turn| call("bob", "sqs", "CreateQueue", &at(turn))).collect();
        let mut usage = LastUsed::default();
        usage.observe(&batch(&events));
        let report = unused::report(&usage, &inventories, &Options::new(instant::parse(&at(39)).unwrap()));
        let found = of(&inventories, &report, None);
        let told: Vec<_> = found
            .iter()
            .map(|one| (one.policy.as_str(), one.sid.as_deref(), one.statement, one.holders, one.why, one.whole_policy))
            .collect();
        assert_eq!(
            told,
            [
                ("arn:aws:iam::111111111111:policy/p", Some("Users"), 2, 2, Why::NotUsed, false),
                // To pass a role leaves no event.
                ("inline/own", Some("Roles"), 0, 1, Why::Unobservable, true),
            ]
        );
        assert!(found[1].not_used > 5 && found[1].cannot_know >= 1 && found[1].owner == Some(arn("ann")), "{found:?}");
        assert_eq!((found[0].not_used, found[0].cannot_know), (1, 0));
    }

    /// Queues are made every third day, and never the one that a statement of its own allows.
    #[test]
    fn an_action_that_was_used_on_other_resources_alone_is_no_use_of_a_statement() {
        let allow = |sid: &str, action: &str, resource: &str| json!({"Sid": sid, "Effect": "Allow", "Action": action, "Resource": resource});
        let queue = |name: &str| format!("arn:aws:sqs:us-east-1:111111111111:{name}");
        let policy = json!({"Version": "2012-10-17", "Statement": [
            allow("Used", "sqs:CreateQueue", &queue("used-*")), allow("Other", "sqs:CreateQueue", &queue("other-*")),
            allow("Own", "sqs:CreateQueue", &queue("${aws:username}-*")), allow("Any", "sqs:CreateQueue", "*"),
            allow("Unnamed", "sqs:DeleteQueue", &queue("other-*"))]});
        let page = json!({"UserDetailList": [{"Arn": arn("ann"), "UserName": "ann", "CreateDate": "2020-01-01T00:00:00Z",
            "UserPolicyList": [{"PolicyName": "own", "PolicyDocument": policy}]}]});
        let inventories = [Inventory::parse(&page.to_string(), "gaad.json").unwrap()];
        let start = instant::parse("2026-01-01T00:00:00Z").unwrap();
        let at = |turn: i64| instant::format(start + turn * 3 * instant::DAY);
        let told = |first: i64, more: &[serde_json::Value]| {
            let mut events = more.to_vec();
            for turn in first..40 {
                let mut create = call("ann", "sqs", "CreateQueue", &at(turn));
                create["requestParameters"] = json!({"queueName": format!("used-{turn}")});
                // Which queue is deleted, no record says.
                events.extend([create, call("ann", "sqs", "DeleteQueue", &at(turn))]);
            }
            let (mut usage, mut within) = (LastUsed::default(), Within::new(&inventories));
            usage.observe(&batch(&events));
            within.observe(&batch(&events));
            let report = unused::report(&usage, &inventories, &Options::new(instant::parse(&at(39)).unwrap()));
            assert_eq!(of(&inventories, &report, None), []);
            let found = of(&inventories, &report, Some(&within));
            found.into_iter().map(|one| (one.sid.unwrap(), one.why, one.not_used, one.cannot_know)).collect::<Vec<_>>()
        };
        let unused = |sid: &str| (sid.to_owned(), Why::NotUsed, 1, 0);
        assert_eq!(told(0, &[]), [unused("Other"), unused("Own")]);
        // One call on it is use.
        let mut once = call("ann", "sqs", "CreateQueue", &at(20));
        once["requestParameters"] = json!({"queueName": "other-1"});
        once["eventID"] = json!("once");
        assert_eq!(told(0, &[once]), [unused("Own")]);
        // Logs that begin within the window cannot show it all.
        assert_eq!(told(20, &[]), []);
    }
}
