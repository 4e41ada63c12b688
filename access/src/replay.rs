//! A proposed policy against every recorded call: what it would have denied.
//!
//! A call that went through shows that the resource's side allowed it, so only the caller's side is asked again: every
//! question that the call needed, and a refusal of one refuses the call. What a record does not tell (user agent, tags of
//! resources, the resource itself …) may decide: such calls are told apart, as undecided, from those that would have been
//! denied whatever it was.

mod told;
mod witness;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::json;

use crate::calls::{Call, Calls, Outcome as Was, Seen};
use crate::instant;
use crate::policy::caller::{Caller, Kind};
use crate::policy::{ActionName, Document, Guards, Mode, Outcome, Principal, Request};
use crate::resource::Certainty;
pub use told::context;
use witness::{Place, Witnesses};

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

/// A question of recorded calls and what the proposal says of it.
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
    /// Whether the answer hangs on which resource it was, and the record does not tell it.
    pub unnamed: bool,
    /// Events that asked it.
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
    /// Questions that those calls asked: a call may need several actions, each on several resources.
    pub questions: u64,
    /// Calls that would still be allowed (events): all of their questions.
    pub allowed: u64,
    /// Calls that would have been denied (events): one of their questions at least.
    pub denied_calls: u64,
    /// Calls whose fate hangs on what records do not hold (events), and of which no question is denied.
    pub undecided_calls: u64,
    /// Questions that would have been denied.
    pub denied: Vec<Replayed>,
    /// Questions that hang on context, or on a resource, that records do not hold.
    pub undecided: Vec<Replayed>,
    /// That context.
    pub missing_context: Vec<String>,
    /// Calls refused at the time that would now be allowed (events); `None` of a proposal that grants nothing.
    pub newly_allowed: Option<u64>,
    /// Calls left out because more occurred than are kept.
    pub dropped: u64,
}

/// Replays recorded calls. Roots are left out of identity and boundary proposals: neither binds them.
pub fn replay(calls: &Calls, proposal: &Proposal) -> Replay {
    // A boundary and a service control policy only take away: what they do not refuse nobody has been given yet.
    let newly_allowed = matches!(proposal, Proposal::Identity(_)).then_some(0);
    let mut found = Replay { dropped: calls.dropped(), newly_allowed, ..Replay::default() };
    let mut missing = BTreeSet::new();
    let mut worlds: BTreeMap<&str, World> = BTreeMap::new();
    // By the question's number; `None` where it is not asked again.
    let mut verdicts: BTreeMap<u32, (bool, Verdict)> = BTreeMap::new();
    for (number, call, seen) in calls.numbered() {
        let caller = Caller::new(&call.principal);
        let bound = Kind::Root != caller.kind || matches!(proposal, Proposal::Scp(_));
        if !bound || !call.principal.starts_with("arn:") {
            continue;
        }
        let world = worlds.entry(&call.principal).or_insert_with(|| World::new(caller, proposal));
        let judged = match call.template {
            Some(_) => world.judge_launch(call, calls.roles_of(call, seen), seen.last),
            None => world.judge(call, seen.last),
        };
        verdicts.insert(number, (call.outcome == Was::Permitted, judged.verdict));
        if call.outcome == Was::Denied || judged.verdict == Verdict::Allowed {
            continue;
        }
        let list = if judged.verdict == Verdict::Denied { &mut found.denied } else { &mut found.undecided };
        list.push(Replayed::new(call, seen, &judged));
        if judged.verdict == Verdict::Undecided {
            missing.extend(judged.missing);
        }
    }
    for (numbers, count) in calls.together() {
        let asked = numbers.iter().filter_map(|number| verdicts.get(number));
        // Of one event, all questions were asked, and all had its outcome.
        let Some((went_through, worst)) = asked.copied().max() else { continue };
        if !went_through {
            if let Some(allowed) = &mut found.newly_allowed {
                *allowed += if worst == Verdict::Allowed { count } else { 0 };
            }
            continue;
        }
        found.calls += count;
        found.questions += count * numbers.len() as u64;
        match worst {
            Verdict::Allowed => found.allowed += count,
            Verdict::Undecided => found.undecided_calls += count,
            Verdict::Denied => found.denied_calls += count,
        }
    }
    found.missing_context = missing.into_iter().collect();
    found
}

/// What becomes of a question, the worst last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Verdict {
    Allowed,
    Undecided,
    Denied,
}

/// A verdict and why.
struct Judged {
    verdict: Verdict,
    /// What the first resource that is not simply allowed got.
    outcome: Outcome,
    statement: Option<String>,
    missing: BTreeSet<String>,
    unnamed: bool,
}

impl Replayed {
    fn new(call: &Call, seen: &Seen, judged: &Judged) -> Replayed {
        Replayed {
            principal: call.principal.clone(),
            action: call.action.clone(),
            resource: call.resource.clone(),
            region: call.region.clone(),
            source: call.source.clone(),
            result: judged.outcome.as_str(),
            statement: judged.statement.clone(),
            unnamed: judged.unnamed,
            count: seen.count,
            first: seen.first,
            last: seen.last,
            event_id: seen.event_id.clone(),
        }
    }
}

/// A principal under the proposal, and resources that allow whatever its account allows.
pub struct World {
    principal: Principal,
    guards: Guards,
    witnesses: Witnesses,
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
        World { principal, guards, witnesses: Witnesses::new(proposal) }
    }

    /// Whether a call would be allowed, whatever the record leaves open.
    pub fn allows(&self, call: &Call, time: i64) -> bool {
        self.judge(call, time).verdict == Verdict::Allowed
    }

    /// Whether a call may have been allowed.
    pub(crate) fn may_allow(&self, call: &Call, time: i64) -> bool {
        self.judge(call, time).verdict != Verdict::Denied
    }

    /// A launch from a template: its roles, all of them; where nobody knows them, or whether there are any, what is not allowed
    /// whatever they are is undecided.
    fn judge_launch(&self, call: &Call, roles: Option<Vec<String>>, time: i64) -> Judged {
        let Some(roles) = roles else {
            let judged = self.judge(call, time);
            let verdict = judged.verdict.min(Verdict::Undecided);
            return Judged { verdict, unnamed: verdict == Verdict::Undecided, ..judged };
        };
        let named = |role| Call { resource: role, certainty: Certainty::Exact, ..call.clone() };
        let judged = roles.into_iter().map(|role| self.judge(&named(role), time));
        judged.max_by_key(|judged| judged.verdict).unwrap_or(Judged {
            verdict: Verdict::Allowed,
            outcome: Outcome::Allowed,
            statement: None,
            missing: BTreeSet::new(),
            unnamed: false,
        })
    }

    fn judge(&self, call: &Call, time: i64) -> Judged {
        let context = context(call, self.principal.caller(), time);
        let resources = match call.certainty {
            Certainty::Exact | Certainty::Asked => vec![call.resource.clone()],
            Certainty::Unknown => {
                let service = call.action.split(':').next().unwrap_or_default();
                let account = &self.principal.caller().account;
                let partition = call.principal.split(':').nth(1).unwrap_or("aws");
                self.witnesses.of(&call.resource, service, &Place { partition, region: &call.region, account })
            }
        };
        let action = ActionName::new(&call.action);
        let mut verdicts = BTreeSet::new();
        let mut judged = Judged {
            verdict: Verdict::Allowed,
            outcome: Outcome::Allowed,
            statement: None,
            missing: BTreeSet::new(),
            unnamed: false,
        };
        for resource in &resources {
            let resource_account = resource.split(':').nth(4).unwrap_or_default();
            let ask = |mode| Request { action: &action, resource, resource_account, context: &context, mode };
            let certain = self.principal.decide(&ask(&Mode::Doubtful), &self.guards);
            if certain.outcome == Outcome::Allowed {
                verdicts.insert(Verdict::Allowed);
                continue;
            }
            let may_be = self.principal.decide(&ask(&Mode::Hopeful), &self.guards);
            // What may deny is told where it is not certain; what denies for certain else.
            let told = if may_be.outcome == Outcome::Allowed { &certain } else { &may_be };
            let statement = told.statement.map(|(_, origin)| match &origin.sid {
                Some(sid) => format!("{}, statement {} ({sid})", origin.policy, origin.index + 1),
                None => format!("{}, statement {}", origin.policy, origin.index + 1),
            });
            if judged.outcome == Outcome::Allowed {
                (judged.outcome, judged.statement) = (told.outcome, statement);
            }
            if may_be.outcome == Outcome::Allowed {
                judged.missing.extend(self.principal.explain(&ask(&Mode::Hopeful), &self.guards).missing);
                verdicts.insert(Verdict::Undecided);
            } else {
                verdicts.insert(Verdict::Denied);
            }
        }
        judged.unnamed = verdicts.len() > 1;
        judged.verdict = match verdicts.pop_first() {
            Some(verdict) if verdicts.is_empty() => verdict,
            _ => Verdict::Undecided,
        };
        judged
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
        broken: false,
    };
    Document { version: Some("2012-10-17".to_owned()), id: None, statements: vec![statement] }
}

#[cfg(test)]
mod tests;
