//! Findings: what an auditor would write down, each with its age, its evidence and how sure it is.
//!
//! [`of`] reads inventories, the credential report, sign-ins and unused principals and gives one list. Names of kinds
//! are stable. [`observe`] gives the list beside it, of what an account may have reasons for. `cis` names the recommendation of the CIS AWS Foundations Benchmark v3.0 where there is one. What policies
//! would permit (escalation, outsiders) stands apart in [`risk`], because nobody has done it yet.
//!
//! Must not know files or how anything is printed.

mod credential;
mod door;
pub mod exclude;
mod full;
mod kind;
pub mod observe;
pub mod places;
pub mod risk;
pub mod signin;
mod sources;
mod trust;
mod way;

use std::collections::BTreeSet;

use serde::Serialize;

use crate::instant::{self, DAY};
use crate::inventory::{Entity, Inventory};
use crate::unused::{Options, Report, UnusedPrincipal};
use crate::usage::Kind as Identity;
pub use kind::Kind;
use signin::{Seen, SignIns};
use sources::Sources;

/// The path of the roles that IAM Identity Center makes of permission sets ("Using service-linked roles for IAM Identity
/// Center": nobody else may change or delete them).
const SINGLE_SIGN_ON: &str = ":role/aws-reserved/sso.amazonaws.com/";

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Kind.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// Whom it is about.
    pub principal: String,
    /// Account.
    pub account: String,
    /// `low` … `critical`.
    pub severity: &'static str,
    /// Recommendation of CIS AWS Foundations v3.0.
    pub cis: Option<&'static str>,
    /// Slot of the access key in the credential report.
    pub slot: Option<u8>,
    /// The key, policy or statement, where a principal may have several findings of the kind.
    pub about: Option<String>,
    /// Age of the credential in days.
    pub age_days: Option<i64>,
    /// Days since the last use, or since the credential was made if there was none.
    pub days: Option<i64>,
    /// When it happened, for the last time.
    #[serde(serialize_with = "instant::serialize_option")]
    pub time: Option<i64>,
    /// How often it happened in the window.
    pub count: Option<u64>,
    /// How sure it is: `certain`, or why it may be otherwise.
    pub confidence: &'static str,
    /// What it rests on.
    pub evidence: String,
    /// What to do next.
    pub next: &'static str,
}

impl Finding {
    fn new(kind: Kind, principal: &str, evidence: impl Into<String>) -> Finding {
        let (cis, severity, next) = kind.about();
        Finding {
            kind,
            principal: principal.to_owned(),
            account: crate::usage::account_of(principal).unwrap_or_default().to_owned(),
            severity,
            cis,
            slot: None,
            about: None,
            age_days: None,
            days: None,
            time: None,
            count: None,
            confidence: "certain",
            evidence: evidence.into(),
            next,
        }
    }

    fn happened(kind: Kind, principal: &str, seen: &Seen, evidence: &str) -> Finding {
        let times = if seen.count == 1 { "once".to_owned() } else { format!("{} times", seen.count) };
        let evidence = format!("{evidence}: {times} in the window, last {}", instant::format(seen.last));
        Finding { time: Some(seen.last), count: Some(seen.count), ..Finding::new(kind, principal, evidence) }
    }
}

/// All findings, by kind and principal. Only roles that existed for the whole window, of accounts with logs, are judged.
pub fn of(inventories: &[Inventory], signins: &SignIns, report: &Report, options: &Options) -> Vec<Finding> {
    let (from, now) = (options.from(), options.now);
    let mut found = Vec::new();
    let sources = Sources::new(inventories, report, now);
    for inventory in inventories {
        found.extend(inventory.entities.iter().filter_map(direct_policy));
        for credentials in inventory.credentials.values() {
            credential::of(credentials, &sources, now, &mut found);
        }
    }
    let is_old = |role: &&UnusedPrincipal| role.created.is_some_and(|created| created <= from);
    // Logs without any event of an account say nothing of its roles.
    let logged: BTreeSet<&str> = report.coverage.accounts.iter().map(|account| account.account.as_str()).collect();
    let is_logged = |role: &&UnusedPrincipal| logged.contains(role.account.as_str());
    let roles = report.unused_principals.iter().filter(|principal| principal.kind == Identity::Role.as_str());
    let roles = roles.filter(is_old).filter(is_logged);
    found.extend(roles.filter_map(|role| unused_role(role, now)));
    found.extend(credential::root_use(inventories, signins, options));
    for (principal, seen) in signins.without_mfa.within(from, now) {
        let evidence = "ConsoleLogin of an IAM user with MFAUsed other than Yes";
        found.push(Finding::happened(Kind::ConsoleLoginWithoutMfa, principal, &seen, evidence));
    }
    for (principal, seen) in signins.failed.within(from, now) {
        found.push(Finding::happened(Kind::ConsoleLoginFailed, principal, &seen, "ConsoleLogin that failed"));
    }
    found.sort_by(|a, b| (a.kind, &a.principal, a.slot).cmp(&(b.kind, &b.principal, b.slot)));
    found
}

fn direct_policy(entity: &Entity) -> Option<Finding> {
    let names: Vec<String> = entity
        .inline
        .iter()
        .map(|policy| format!("inline {}", policy.name))
        .chain(entity.attached.iter().cloned())
        .collect();
    let direct = entity.kind == Identity::IamUser && !names.is_empty();
    direct.then(|| {
        let evidence = format!("has policies of its own, not of a group: {}", names.join(", "));
        Finding::new(Kind::UserDirectPolicy, &entity.arn, evidence)
    })
}

fn unused_role(role: &UnusedPrincipal, now: i64) -> Option<Finding> {
    let age = days(role.created?, now);
    let evidence = match role.last_used {
        Some(time) => format!("last used {}; made {age} days ago", instant::format(time)),
        None => format!("no use seen; made {age} days ago"),
    };
    let confidence = if role.why.is_certain() { "certain" } else { role.why.as_str() };
    let unused = role.last_used.or(role.created).map(|time| days(time, now));
    let found = Finding::new(Kind::UnusedRole, &role.principal, evidence);
    // What the logs could not have shown is to be learnt first.
    let next = match (role.principal.contains(SINGLE_SIGN_ON), role.why.is_certain()) {
        // Identity Center makes such a role again, and refuses that anybody else deletes it.
        (true, _) => "take the permission set's assignment to this account away in IAM Identity Center",
        (false, true) => found.next,
        (false, false) => "make sure of what the logs could not show, then delete the role",
    };
    Some(Finding { age_days: Some(age), days: unused, confidence, next, ..found })
}

fn days(from: i64, now: i64) -> i64 {
    now.saturating_sub(from).div_euclid(DAY)
}

#[cfg(test)]
mod tests;
