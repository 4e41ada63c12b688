//! A proposed policy against every recorded call: what it would have denied.
//!
//! A call that went through shows that the resource's side allowed it, so only the caller's side is asked again. What a
//! record does not tell (user agent, tags of resources …) may decide a condition: such calls are told apart, as
//! undecided, from those that would have been denied whatever the context.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::json;

use crate::calls::{Call, Calls, Outcome as Was, Seen};
use crate::instant;
use crate::policy::caller::Caller;
use crate::policy::{ActionName, Context, Document, Guards, Mode, Outcome, Principal, Request};

/// A policy document and its name.
pub type Named = (String, Document);

/// What is proposed.
#[derive(Debug, Clone)]
pub enum Proposal {
    /// These identity policies, and no others.
    Identity(Vec<Named>),
    /// This permissions boundary.
    Boundary(Vec<Named>),
    /// This service control policy; FullAWSAccess stands beside it unless it allows something itself.
    Scp(Vec<Named>),
}

/// A recorded call and what the proposal says of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Replayed {
    /// Who called.
    pub principal: String,
    /// Action.
    pub action: String,
    /// Resource.
    pub resource: String,
    /// Region.
    pub region: String,
    /// Source address of the call.
    pub source: String,
    /// `ExplicitlyDenied`, `ImplicitlyDenied`.
    pub result: &'static str,
    /// The statement that denies, if one does.
    pub statement: Option<String>,
    /// Events.
    pub count: u64,
    /// First such event.
    #[serde(serialize_with = "instant::serialize")]
    pub first: i64,
    /// Last such event.
    #[serde(serialize_with = "instant::serialize")]
    pub last: i64,
    /// Id of the last such event.
    pub event_id: String,
}

/// The whole.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Replay {
    /// Calls that went through and were replayed (events).
    pub calls: u64,
    /// Calls that would still be allowed (events).
    pub allowed: u64,
    /// Calls that would have been denied.
    pub denied: Vec<Replayed>,
    /// Calls whose fate hangs on context that records do not hold.
    pub undecided: Vec<Replayed>,
    /// That context.
    pub missing_context: Vec<String>,
    /// Calls refused at the time that would now be allowed (events).
    pub newly_allowed: u64,
    /// Calls left out because more occurred than are kept.
    pub dropped: u64,
}

/// Replays recorded calls. Roots are left out of identity and boundary proposals: neither binds them.
pub fn replay(calls: &Calls, proposal: &Proposal) -> Replay {
    let mut found = Replay { dropped: calls.dropped(), ..Replay::default() };
    let mut missing = BTreeSet::new();
    let mut worlds: BTreeMap<&str, World> = BTreeMap::new();
    for (call, seen) in calls.iter() {
        let caller = Caller::new(&call.principal);
        let bound = crate::policy::caller::Kind::Root != caller.kind || matches!(proposal, Proposal::Scp(_));
        if !bound || !call.principal.starts_with("arn:") {
            continue;
        }
        let world = worlds.entry(&call.principal).or_insert_with(|| World::new(caller, proposal));
        world.judge(call, seen, &mut found, &mut missing);
    }
    found.missing_context = missing.into_iter().collect();
    found
}

/// A principal under the proposal, and resources that allow whatever its account allows.
pub struct World {
    principal: Principal,
    guards: Guards,
}

impl World {
    /// Compiles the proposal for a principal.
    pub fn new(caller: Caller, proposal: &Proposal) -> World {
        let full = full_access();
        let everything = [("FullAWSAccess", &full)];
        let (account, principal) = (caller.account.clone(), caller);
        let principal = match proposal {
            Proposal::Identity(list) => Principal::new(principal, &borrowed(list)),
            Proposal::Boundary(list) => Principal::new(principal, &everything).with_boundary(&borrowed(list)),
            Proposal::Scp(list) => {
                let mut level = borrowed(list);
                let allows = |document: &Document| {
                    document.statements.iter().any(|statement| statement.effect == crate::policy::Effect::Allow)
                };
                if !level.iter().any(|(_, document)| allows(document)) {
                    level.extend(&everything);
                }
                Principal::new(principal, &everything).with_scp_level(&level)
            }
        };
        let open = json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Principal": {"AWS": account}, "Action": "*", "Resource": "*"}]});
        let guards = match Document::parse(&open) {
            Ok(document) => Guards::none().with_policy(&document, "the resource's side"),
            Err(_) => Guards::none(),
        };
        World { principal, guards }
    }

    /// Whether a call would be allowed.
    pub fn allows(&self, call: &Call, time: i64) -> bool {
        self.ask(call, &context(call, self.principal.caller(), time), &Mode::Strict).0 == Outcome::Allowed
    }

    fn ask(&self, call: &Call, context: &Context, mode: &Mode) -> (Outcome, Option<String>) {
        let action = ActionName::new(&call.action);
        let account = call.resource.split(':').nth(4).unwrap_or_default();
        let request = Request { action: &action, resource: &call.resource, resource_account: account, context, mode };
        let decision = self.principal.decide(&request, &self.guards);
        let statement = decision.statement.map(|(_, origin)| match &origin.sid {
            Some(sid) => format!("{}, statement {} ({sid})", origin.policy, origin.index + 1),
            None => format!("{}, statement {}", origin.policy, origin.index + 1),
        });
        (decision.outcome, statement)
    }

    fn judge(&self, call: &Call, seen: &Seen, found: &mut Replay, missing: &mut BTreeSet<String>) {
        let context = context(call, self.principal.caller(), seen.last);
        let (outcome, statement) = self.ask(call, &context, &Mode::Strict);
        if call.outcome == Was::Denied {
            found.newly_allowed += if outcome == Outcome::Allowed { seen.count } else { 0 };
            return;
        }
        found.calls += seen.count;
        if outcome == Outcome::Allowed {
            found.allowed += seen.count;
            return;
        }
        let replayed = Replayed {
            principal: call.principal.clone(),
            action: call.action.clone(),
            resource: call.resource.clone(),
            region: call.region.clone(),
            source: call.source.clone(),
            result: outcome.as_str(),
            statement,
            count: seen.count,
            first: seen.first,
            last: seen.last,
            event_id: seen.event_id.clone(),
        };
        if self.ask(call, &context, &Mode::Possible).0 == Outcome::Allowed {
            let action = ActionName::new(&call.action);
            let account = call.resource.split(':').nth(4).unwrap_or_default();
            let request = Request {
                action: &action,
                resource: &call.resource,
                resource_account: account,
                context: &context,
                mode: &Mode::Strict,
            };
            missing.extend(self.principal.explain(&request, &self.guards).missing);
            found.undecided.push(replayed);
        } else {
            found.denied.push(replayed);
        }
    }
}

fn borrowed(list: &[Named]) -> Vec<(&str, &Document)> {
    list.iter().map(|(name, document)| (name.as_str(), document)).collect()
}

fn full_access() -> Document {
    let statement = crate::policy::Statement {
        sid: None,
        effect: crate::policy::Effect::Allow,
        actions: crate::policy::document::Patterns::Only(vec!["*".to_owned()]),
        resources: Some(crate::policy::document::Patterns::Only(vec!["*".to_owned()])),
        principal: None,
        not_principal: None,
        condition: None,
    };
    Document { version: Some("2012-10-17".to_owned()), id: None, statements: vec![statement] }
}

/// What a record tells of a request's context.
pub fn context(call: &Call, caller: &Caller, time: i64) -> Context {
    let mut context = Context::default();
    context.set("aws:PrincipalArn", &caller.arn);
    context.set("aws:PrincipalAccount", &caller.account);
    context.set("aws:PrincipalType", caller.principal_type());
    if caller.kind == crate::policy::caller::Kind::User {
        context.set("aws:username", &caller.name);
    }
    context.set("aws:RequestedRegion", &call.region);
    context.set("aws:CurrentTime", &instant::format(time));
    context.set("aws:EpochTime", &time.div_euclid(instant::SECOND).to_string());
    context.set("aws:ViaAWSService", if call.via.is_some() { "true" } else { "false" });
    // A service that calls for the principal shows its name where the address would be.
    if call.source.parse::<std::net::IpAddr>().is_ok() {
        context.set("aws:SourceIp", &call.source);
    }
    if let Some(mfa) = call.mfa {
        context.set("aws:MultiFactorAuthPresent", if mfa { "true" } else { "false" });
    }
    if let Some(service) = &call.passed_to {
        context.set("iam:PassedToService", service);
    }
    if let Some(action) = &call.create_action {
        context.set("ec2:CreateAction", action);
    }
    context
}

#[cfg(test)]
mod tests;
