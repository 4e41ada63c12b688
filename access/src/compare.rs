//! What changed since an earlier report: what is new, what is gone, what still stands.
//!
//! The earlier report is the JSON that `access --output json` wrote. Things are the same by what they are about, never by their
//! wording or age: a finding by kind, principal and slot, a risk by kind, principal and way. What is gone is called settled only
//! where it would have been seen again: see [`looked`].

mod looked;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use looked::{Looked, OldInputs};

use crate::audit::Audit;
use crate::instant;
use crate::unused::Why;

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// A finding.
    Finding,
    /// An observation.
    Observation,
    /// A risk.
    Risk,
    /// A user or role without use, for certain.
    UnusedPrincipal,
    /// A service that a principal is granted and did not use, for certain.
    UnusedService,
    /// A group without users.
    UnusedGroup,
    /// A policy that nobody has.
    UnusedPolicy,
}

/// One thing, by what makes it the same in two reports.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Thing {
    /// What it is.
    pub what: What,
    /// Kind of finding or risk; empty for others.
    #[serde(rename = "type")]
    pub kind: String,
    /// Whom it is about: an ARN.
    pub principal: String,
    /// Slot of a key, way of a risk, a service; empty for others.
    pub detail: String,
}

/// A thing that is gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Gone {
    /// What it was.
    #[serde(flatten)]
    pub thing: Thing,
    /// `settled`; `accepted` where it is among the findings that somebody accepted; `principal_gone`; `not_looked_at` where what
    /// would show it was not given this time; `cannot_know` where the logs cannot tell any more; `out_of_window` of what
    /// happened before the window.
    pub because: &'static str,
}

/// A thing that was not there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct New {
    /// What it is.
    #[serde(flatten)]
    pub thing: Thing,
    /// `appeared`; `not_looked_at_before` where what shows it was not given then; `looked_at_less` of what rests now, where what
    /// may have shown its use then (credential report, IAM's record) was not given this time; null where the earlier report does not say
    /// what it was made of.
    pub because: Option<&'static str>,
}

/// The difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Changes {
    /// Start of the earlier report's window.
    pub earlier_from: String,
    /// End of the earlier report's window.
    pub earlier_to: String,
    /// What was not there.
    pub new: Vec<New>,
    /// What was there.
    pub gone: Vec<Gone>,
    /// What was there and is, but for unused services, of which there may be many.
    pub still: Vec<Thing>,
    /// How many unused services were and are.
    pub still_unused_services: u64,
}

#[derive(Deserialize)]
struct Old {
    window: OldWindow,
    inputs: Option<Vec<OldInputs>>,
    principals: Vec<OldPrincipal>,
    #[serde(default)]
    findings: Vec<OldFinding>,
    #[serde(default)]
    observations: Vec<OldFinding>,
    #[serde(default)]
    risks: Vec<OldRisk>,
    #[serde(default)]
    unused_principals: Vec<OldUnused>,
    #[serde(default)]
    unused_groups: Vec<String>,
    #[serde(default)]
    unused_policies: Vec<String>,
}

#[derive(Deserialize)]
struct OldWindow {
    from: String,
    to: String,
}

#[derive(Deserialize)]
struct OldPrincipal {
    principal: String,
    #[serde(default)]
    unused_services: Vec<OldService>,
}

#[derive(Deserialize)]
struct OldService {
    service: String,
    why: String,
}

#[derive(Deserialize)]
struct OldFinding {
    #[serde(rename = "type")]
    kind: String,
    principal: String,
    #[serde(default)]
    slot: Option<u8>,
    #[serde(default)]
    time: Option<String>,
    /// What tells two of one kind and principal apart, where that is not the slot.
    #[serde(default)]
    about: Option<String>,
}

#[derive(Deserialize)]
struct OldRisk {
    #[serde(rename = "type")]
    kind: String,
    principal: String,
    what: String,
}

#[derive(Deserialize)]
struct OldUnused {
    principal: String,
    why: String,
}

/// Compares a report with an earlier one.
///
/// # Errors
/// With a sentence for the user: what cannot be read, why, and what is expected.
pub fn compare(earlier: &str, source_name: &str, audit: &Audit) -> Result<Changes, String> {
    let old: Old = serde_json::from_str(earlier.trim_start_matches('\u{feff}')).map_err(|reason| {
        format!("{source_name}: no report: {reason}; expected what `trailhound access --output json` wrote")
    })?;
    let (before, now) = (things_of_old(&old), things(audit));
    let accepted = audit.excluded.iter().map(|one| &one.finding);
    let accepted: BTreeSet<Thing> =
        accepted.flat_map(|one| [finding(What::Finding, one), finding(What::Observation, one)]).collect();
    let looked = Looked::of(audit);
    let times = times(&old);
    let doubtful = doubtful(audit);
    let known: BTreeSet<&str> = audit.report.principals.iter().map(|one| one.principal.as_str()).collect();
    let because = |thing: &Thing| {
        if accepted.contains(thing) {
            "accepted"
        } else if is_principal(&thing.principal)
            && !known.contains(&*thing.principal)
            && looked.knows_principals_of(&thing.principal)
        {
            "principal_gone"
        } else if !looked.at(thing) {
            "not_looked_at"
        } else if doubtful.contains(thing) {
            "cannot_know"
        } else {
            match times.get(thing) {
                // What happened does not un-happen: the logs that showed it were not given.
                Some(time) if *time >= audit.report.window.from && *time <= audit.report.window.to => "not_looked_at",
                Some(_) => "out_of_window",
                None => "settled",
            }
        }
    };
    let before_that = old.inputs.as_deref().map(Looked::of_old);
    let new = |thing: &Thing| {
        let because = before_that.as_ref().map(|then| match (then.at(thing), looked.why_new(then, thing)) {
            (false, _) => "not_looked_at_before",
            (true, why) => why.unwrap_or("appeared"),
        });
        New { thing: thing.clone(), because }
    };
    let gone = before.difference(&now).map(|thing| Gone { thing: thing.clone(), because: because(thing) }).collect();
    let still: BTreeMap<bool, Vec<Thing>> = before.intersection(&now).fold(BTreeMap::new(), |mut parts, thing| {
        parts.entry(thing.what == What::UnusedService).or_default().push(thing.clone());
        parts
    });
    Ok(Changes {
        earlier_from: old.window.from.clone(),
        earlier_to: old.window.to.clone(),
        new: now.difference(&before).map(new).collect(),
        gone,
        still_unused_services: still.get(&true).map_or(0, Vec::len) as u64,
        still: still.get(&false).cloned().unwrap_or_default(),
    })
}

fn is_principal(arn: &str) -> bool {
    arn.contains(":iam:") && (arn.contains(":user/") || arn.contains(":role/"))
}

/// When what happened, happened.
fn times(old: &Old) -> BTreeMap<Thing, i64> {
    let of = |what, one: &OldFinding| {
        let time = one.time.as_deref().and_then(instant::parse)?;
        Some((thing(what, &*one.kind, &one.principal, detail(one.slot, one.about.as_deref())), time))
    };
    let findings = old.findings.iter().filter_map(|one| of(What::Finding, one));
    findings.chain(old.observations.iter().filter_map(|one| of(What::Observation, one))).collect()
}

/// What may be unused still, and the logs do not say so for certain.
fn doubtful(audit: &Audit) -> BTreeSet<Thing> {
    let unsure = |why: Why| !why.is_certain();
    let principals = audit.report.unused_principals.iter().filter(|one| unsure(one.why));
    let mut found: BTreeSet<Thing> =
        principals.map(|one| thing(What::UnusedPrincipal, "", &one.principal, "")).collect();
    for principal in &audit.report.principals {
        let services = principal.unused_services.iter().filter(|service| unsure(service.why));
        found.extend(services.map(|service| thing(What::UnusedService, "", &principal.principal, service.service)));
    }
    found
}

fn thing(what: What, kind: impl Into<String>, principal: &str, detail: impl Into<String>) -> Thing {
    Thing { what, kind: kind.into(), principal: principal.to_owned(), detail: detail.into() }
}

fn detail(slot: Option<u8>, about: Option<&str>) -> String {
    about.map(str::to_owned).or_else(|| slot.map(|slot| slot.to_string())).unwrap_or_default()
}

fn finding(what: What, found: &crate::findings::Finding) -> Thing {
    thing(what, name(&found.kind), &found.principal, detail(found.slot, found.about.as_deref()))
}

/// A kind as JSON names it.
fn name(kind: &impl Serialize) -> String {
    serde_json::to_value(kind).ok().as_ref().and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn things(audit: &Audit) -> BTreeSet<Thing> {
    let mut found: BTreeSet<Thing> = audit.findings.iter().map(|one| finding(What::Finding, one)).collect();
    found.extend(audit.observations.iter().map(|one| finding(What::Observation, one)));
    found.extend(audit.risks.iter().map(|risk| thing(What::Risk, name(&risk.kind), &risk.principal, &*risk.what)));
    let unused = audit.report.unused_principals.iter().filter(|one| one.why.is_certain());
    found.extend(unused.map(|one| thing(What::UnusedPrincipal, "", &one.principal, "")));
    for principal in &audit.report.principals {
        let services = principal.unused_services.iter().filter(|service| service.why.is_certain());
        found.extend(services.map(|service| thing(What::UnusedService, "", &principal.principal, service.service)));
    }
    found.extend(audit.unused_groups.iter().map(|arn| thing(What::UnusedGroup, "", arn, "")));
    found.extend(audit.unused_policies.iter().map(|arn| thing(What::UnusedPolicy, "", arn, "")));
    found
}

fn things_of_old(old: &Old) -> BTreeSet<Thing> {
    let certain = crate::unused::Why::NotUsed.as_str();
    let finding =
        |what, one: &OldFinding| thing(what, &*one.kind, &one.principal, detail(one.slot, one.about.as_deref()));
    let mut found: BTreeSet<Thing> = old.findings.iter().map(|one| finding(What::Finding, one)).collect();
    found.extend(old.observations.iter().map(|one| finding(What::Observation, one)));
    found.extend(old.risks.iter().map(|risk| thing(What::Risk, &*risk.kind, &risk.principal, &*risk.what)));
    let unused = old.unused_principals.iter().filter(|one| one.why == certain);
    found.extend(unused.map(|one| thing(What::UnusedPrincipal, "", &one.principal, "")));
    for principal in &old.principals {
        let services = principal.unused_services.iter().filter(|service| service.why == certain);
        found.extend(services.map(|service| thing(What::UnusedService, "", &principal.principal, &*service.service)));
    }
    found.extend(old.unused_groups.iter().map(|arn| thing(What::UnusedGroup, "", arn, "")));
    found.extend(old.unused_policies.iter().map(|arn| thing(What::UnusedPolicy, "", arn, "")));
    found
}

#[cfg(test)]
mod tests;
