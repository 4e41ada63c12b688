//! Findings: what an auditor would write down, each with its age, its evidence and how sure it is.
//!
//! [`of`] reads inventories, the credential report, sign-ins and unused principals and gives one list. Names of kinds
//! are stable. [`observe`] gives the list beside it, of what an account may have reasons for. `cis` names the recommendation of the CIS AWS Foundations Benchmark v3.0 where there is one. What policies
//! would permit (escalation, outsiders) stands apart in [`risk`], because nobody has done it yet.
//!
//! Must not know files or how anything is printed.

pub mod exclude;
pub mod observe;
pub mod places;
pub mod risk;
pub mod signin;

use std::collections::BTreeSet;

use serde::Serialize;

use crate::instant::{self, DAY};
use crate::inventory::{Credentials, Entity, Inventory};
use crate::unused::{Options, Report, UnusedPrincipal};
use crate::usage::Kind as Identity;
use signin::{Seen, SignIns};

/// Days without use after which CIS wants credentials disabled.
const UNUSED_DAYS: i64 = 45;
/// Days after which CIS wants keys rotated.
const ROTATE_DAYS: i64 = 90;

/// What kind of finding it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Root has an access key.
    RootAccessKey,
    /// Root has no MFA.
    RootWithoutMfa,
    /// Root did something.
    RootUse,
    /// A user with a password and no MFA.
    ConsoleUserWithoutMfa,
    /// A user signed in to the console without MFA.
    ConsoleLoginWithoutMfa,
    /// A sign-in to the console failed.
    ConsoleLoginFailed,
    /// A key older than 90 days.
    #[serde(rename = "access_key_not_rotated_90d")]
    AccessKeyNotRotated,
    /// A key unused for 45 days.
    #[serde(rename = "access_key_unused_45d")]
    AccessKeyUnused,
    /// A password unused for 45 days.
    #[serde(rename = "password_unused_45d")]
    PasswordUnused,
    /// A user with two active keys.
    TwoActiveAccessKeys,
    /// A user with policies of its own instead of its groups'.
    UserDirectPolicy,
    /// A role that nobody used in the window.
    UnusedRole,
    /// A long-term key was used inside of AWS.
    AccessKeyOnInstance,
    /// A key was made together with its user, who has a password.
    AccessKeyAtSetup,
    /// Of password and key, one is not used.
    PasswordAndKeyOneUnused,
    /// Passwords may have fewer than 14 characters.
    PasswordsTooShort,
    /// Fewer than 24 old passwords are remembered.
    PasswordsMayComeBack,
    /// Root's MFA is no hardware.
    RootVirtualMfa,
    /// Nobody may manage support cases.
    NoSupportRole,
    /// IAM Access Analyzer is not on.
    NoAccessAnalyzer,
    /// Users have passwords although single sign-on is in use.
    PasswordsBesideSingleSignOn,
    /// `AWSCloudShellFullAccess` is attached.
    CloudShellFullAccess,
    /// AWS put a key's owner under quarantine.
    CompromisedKeyQuarantine,
    /// An instance profile has no role.
    InstanceProfileWithoutRole,
    /// A broad policy of AWS' of which next to nothing was used.
    BroadPolicyLittleUsed,
    /// Actions on objects, and only a bucket's own ARN.
    BucketArnWithoutObjects,
    /// MFA is asked for so that access keys slip through.
    MfaWithoutIfExists,
    /// `ForAllValues` in an Allow.
    ForAllValuesAllows,
    /// `NotAction` or `NotResource` in an Allow.
    AllowsAllBut,
}

impl Kind {
    /// Number of the recommendation in CIS AWS Foundations v3.0, its severity by our judgement, and what to do.
    fn about(self) -> (Option<&'static str>, &'static str, &'static str) {
        match self {
            Kind::RootAccessKey => (Some("1.4"), "critical", "delete root's access key"),
            Kind::RootWithoutMfa => (Some("1.5"), "critical", "turn on MFA for root"),
            Kind::RootUse => (Some("1.7"), "high", "ask who used root and why; use a role instead"),
            Kind::ConsoleUserWithoutMfa => (Some("1.10"), "high", "turn on MFA, or take the password away"),
            Kind::ConsoleLoginWithoutMfa => (Some("4.2"), "medium", "turn on MFA, and force it by policy"),
            Kind::ConsoleLoginFailed => (Some("4.6"), "low", "look whether many failed from one address"),
            Kind::AccessKeyNotRotated => (Some("1.14"), "medium", "rotate the key, or use a role instead"),
            Kind::AccessKeyUnused => (Some("1.12"), "medium", "deactivate the key, then delete it"),
            Kind::PasswordUnused => (Some("1.12"), "medium", "delete the login profile"),
            Kind::TwoActiveAccessKeys => (Some("1.13"), "low", "deactivate the key that is not needed"),
            Kind::UserDirectPolicy => (Some("1.15"), "low", "move the permissions to a group"),
            Kind::UnusedRole => (None, "medium", "delete the role, or take its permissions away"),
            other => other.about_observation(),
        }
    }

    fn about_observation(self) -> (Option<&'static str>, &'static str, &'static str) {
        match self {
            Kind::AccessKeyOnInstance => (Some("1.18"), "medium", "give the program a role, and delete the key"),
            Kind::AccessKeyAtSetup => {
                (Some("1.11"), "low", "delete the key, and let the user make one when it is needed")
            }
            Kind::PasswordAndKeyOneUnused => (None, "low", "take away what is not used"),
            Kind::PasswordsTooShort => (Some("1.8"), "medium", "set MinimumPasswordLength to 14"),
            Kind::PasswordsMayComeBack => (Some("1.9"), "low", "set PasswordReusePrevention to 24"),
            Kind::RootVirtualMfa => (Some("1.6"), "low", "give root a hardware device, or take its credentials away"),
            Kind::NoSupportRole => (Some("1.17"), "low", "make a role with AWSSupportAccess"),
            Kind::NoAccessAnalyzer => (Some("1.20"), "low", "turn it on, unless the organisation's stands elsewhere"),
            Kind::PasswordsBesideSingleSignOn => (Some("1.21"), "low", "take the passwords away"),
            Kind::CloudShellFullAccess => (Some("1.22"), "low", "allow what is needed of it"),
            Kind::CompromisedKeyQuarantine => (None, "critical", "rotate the key, and look at what it did"),
            Kind::InstanceProfileWithoutRole => (None, "low", "delete the instance profile"),
            Kind::BroadPolicyLittleUsed => (None, "medium", "`trailhound policy generate` writes what is enough"),
            Kind::BucketArnWithoutObjects => (None, "low", "add the ARN of the bucket's objects"),
            Kind::MfaWithoutIfExists => (None, "high", "deny with BoolIfExists aws:MultiFactorAuthPresent false"),
            Kind::ForAllValuesAllows => (None, "medium", "ask for the key with Null false too"),
            _ => (None, "medium", "list what is allowed"),
        }
    }

    fn of_lint(lint: crate::policy::lint::Lint) -> Kind {
        use crate::policy::lint::Lint;
        match lint {
            Lint::BucketWithoutObjects => Kind::BucketArnWithoutObjects,
            Lint::MfaWithoutIfExists => Kind::MfaWithoutIfExists,
            Lint::ForAllValuesAllows => Kind::ForAllValuesAllows,
            Lint::AllowsAllBut => Kind::AllowsAllBut,
        }
    }
}

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
        Finding { time: Some(seen.last), count: Some(seen.count), ..Finding::new(kind, principal, evidence) }
    }
}

/// All findings, by kind and principal. Only roles that existed for the whole window, of accounts with logs, are judged.
pub fn of(inventories: &[Inventory], signins: &SignIns, report: &Report, options: &Options) -> Vec<Finding> {
    let (from, now) = (options.from(), options.now);
    let mut found = Vec::new();
    for inventory in inventories {
        found.extend(inventory.entities.iter().filter_map(direct_policy));
        for credentials in inventory.credentials.values() {
            credential(credentials, now, &mut found);
        }
    }
    let is_old = |role: &&UnusedPrincipal| role.created.is_some_and(|created| created <= from);
    // Logs without any event of an account say nothing of its roles.
    let logged: BTreeSet<&str> = report.coverage.accounts.iter().map(|account| account.account.as_str()).collect();
    let is_logged = |role: &&UnusedPrincipal| logged.contains(role.account.as_str());
    let roles = report.unused_principals.iter().filter(|principal| principal.kind == Identity::Role.as_str());
    let roles = roles.filter(is_old).filter(is_logged);
    found.extend(roles.filter_map(|role| unused_role(role, now)));
    for (principal, seen) in signins.root.within(from, now) {
        found.push(Finding::happened(Kind::RootUse, principal, &seen, "events of the root user itself"));
    }
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
    direct.then(|| Finding::new(Kind::UserDirectPolicy, &entity.arn, format!("policies: {}", names.join(", "))))
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
    let next = if role.why.is_certain() {
        found.next
    } else {
        "make sure of what the logs could not show, then delete the role"
    };
    Some(Finding { age_days: Some(age), days: unused, confidence, next, ..found })
}

/// What the credential report says of one user. It is IAM's own record of every request and sign-in, so it counts
/// whatever the logs cover.
fn credential(user: &Credentials, now: i64, found: &mut Vec<Finding>) {
    let root = user.user == "<root_account>";
    if root && user.mfa_active == Some(false) {
        found.push(Finding::new(Kind::RootWithoutMfa, &user.arn, "credential report: mfa_active is false"));
    }
    let active: Vec<_> = user.keys.iter().filter(|key| key.active).collect();
    if active.len() > 1 && !root {
        found.push(Finding::new(Kind::TwoActiveAccessKeys, &user.arn, "credential report: both keys are active"));
    }
    for key in active {
        let age = key.last_rotated.map(|time| days(time, now));
        if root {
            let evidence = format!("credential report: access_key_{}_active", key.slot);
            found.push(Finding {
                slot: Some(key.slot),
                age_days: age,
                ..Finding::new(Kind::RootAccessKey, &user.arn, evidence)
            });
            continue;
        }
        if let Some(age) = age.filter(|age| *age > ROTATE_DAYS) {
            let evidence = format!("credential report: key {} was made {age} days ago", key.slot);
            let finding = Finding::new(Kind::AccessKeyNotRotated, &user.arn, evidence);
            found.push(Finding { slot: Some(key.slot), age_days: Some(age), ..finding });
        }
        let rested = key.last_used.or(key.last_rotated).map(|time| days(time, now));
        if let Some(rested) = rested.filter(|rested| *rested >= UNUSED_DAYS) {
            let since = if key.last_used.is_some() { "last used" } else { "never used; made" };
            let evidence = format!("credential report: key {} {since} {rested} days ago", key.slot);
            let finding = Finding::new(Kind::AccessKeyUnused, &user.arn, evidence);
            found.push(Finding { slot: Some(key.slot), age_days: age, days: Some(rested), ..finding });
        }
    }
    if user.password_enabled != Some(true) || root {
        return;
    }
    if user.mfa_active == Some(false) {
        let evidence = "credential report: a password and no MFA";
        found.push(Finding::new(Kind::ConsoleUserWithoutMfa, &user.arn, evidence));
    }
    // Without information the age counts from the password's last change, at the latest the user's making.
    let since = user.password_last_used.or(user.password_last_changed).or(user.created);
    if let Some(rested) = since.map(|time| days(time, now)).filter(|rested| *rested >= UNUSED_DAYS) {
        let used = if user.password_last_used.is_some() { "last used" } else { "no use known; set" };
        let evidence = format!("credential report: password {used} {rested} days ago");
        found.push(Finding { days: Some(rested), ..Finding::new(Kind::PasswordUnused, &user.arn, evidence) });
    }
}

fn days(from: i64, now: i64) -> i64 {
    now.saturating_sub(from).div_euclid(DAY)
}

#[cfg(test)]
mod tests;
