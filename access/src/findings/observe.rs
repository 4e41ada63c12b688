//! Observations: what logs and inventory show beside the findings, of which an account may have good reasons.
//!
//! The rest of CIS AWS Foundations v3.0, section 1, as far as logs and inventory tell, and statements that say something else
//! than was meant. Findings stand apart, because tools count them and each is wrong by itself.

use std::collections::BTreeMap;

use crate::findings::places::KeyPlaces;
use crate::findings::{Finding, Kind};
use crate::instant::{DAY, SECOND};
use crate::inventory::{Credentials, Entity, Inventory};
use crate::policy::lint::lint;
use crate::policy::{ActionSet, Document, Grant};
use crate::unused::{Options, Report};
use crate::usage::Kind as Identity;

/// CIS wants passwords of so many characters.
const PASSWORD_LENGTH: u32 = 14;
/// CIS wants so many passwords remembered.
const PASSWORDS_REMEMBERED: u32 = 24;
/// A key made so soon after its user was made with it.
const SETUP: i64 = 60 * SECOND;
/// A broad policy of which no more was used could be a narrow one.
const FEW_ACTIONS: usize = 10;

const SUPPORT: &str = ":iam::aws:policy/AWSSupportAccess";
const CLOUD_SHELL: &str = ":iam::aws:policy/AWSCloudShellFullAccess";
/// IAM attaches it to users whose key was found in public.
const QUARANTINE: &str = "AWSCompromisedKeyQuarantine";
const ANALYZER: &str = "/AWSServiceRoleForAccessAnalyzer";

/// All observations, by kind and principal.
pub fn of(inventories: &[Inventory], places: &KeyPlaces, report: &Report, options: &Options) -> Vec<Finding> {
    let mut found = Vec::new();
    for inside in places.inside(options.from(), options.now) {
        let by_agent = inside.sign.starts_with("exec-env");
        let (evidence, confidence) = match by_agent {
            true => (format!("key {} was used by a program that says {}", inside.key, inside.sign), "user_agent"),
            false => {
                let or = "there, or somebody has the keys of both";
                let from = format!("from {}, as an instance's role was: it is {or}", inside.sign);
                (format!("key {} was used {from}", inside.key), "shared_address")
            }
        };
        let finding = Finding::new(Kind::AccessKeyOnInstance, inside.principal, evidence);
        found.push(Finding { about: Some(inside.key.to_owned()), time: Some(inside.last), confidence, ..finding });
    }
    for inventory in inventories {
        account_wide(inventory, report, &mut found);
        for credentials in inventory.credentials.values() {
            credential(credentials, options.now, &mut found);
        }
        attached(inventory, &mut found);
        policies(inventory, &mut found);
        little_used(inventory, report, options, &mut found);
        for profile in inventory.instance_profiles.iter().filter(|profile| profile.roles.is_empty()) {
            let evidence = "an instance profile without a role gives an instance nothing";
            found.push(Finding::new(Kind::InstanceProfileWithoutRole, &profile.arn, evidence));
        }
    }
    found.sort_by(|a, b| (a.kind, &a.principal, &a.about).cmp(&(b.kind, &b.principal, &b.about)));
    found
}

/// What is said of an account stands under its root.
fn account_wide(inventory: &Inventory, report: &Report, found: &mut Vec<Finding>) {
    let account = inventory.account();
    if account.is_empty() {
        return;
    }
    let partition = inventory.entities.first().and_then(|entity| entity.arn.split(':').nth(1)).unwrap_or("aws");
    let root = format!("arn:{partition}:iam::{account}:root");
    let mut add = |kind, evidence: String| found.push(Finding::new(kind, &root, evidence));
    if let Some(policy) = &inventory.password_policy {
        // IAM's default is eight characters, and nothing remembered.
        let length = policy.minimum_password_length.unwrap_or(8);
        if length < PASSWORD_LENGTH {
            add(Kind::PasswordsTooShort, format!("password policy: at least {length} characters"));
        }
        let remembered = policy.password_reuse_prevention.unwrap_or(0);
        if remembered < PASSWORDS_REMEMBERED {
            add(Kind::PasswordsMayComeBack, format!("password policy: {remembered} old passwords are remembered"));
        }
    }
    let has_mfa = inventory.credentials.get(&root).is_some_and(|credentials| credentials.mfa_active == Some(true));
    if has_mfa && inventory.virtual_mfa.as_ref().is_some_and(|devices| devices.contains(&root)) {
        add(Kind::RootVirtualMfa, "root's MFA device is virtual".to_owned());
    }
    let roles = || inventory.entities.iter().filter(|entity| entity.kind == Identity::Role);
    // A part of an account's details says nothing of what it lacks.
    if roles().next().is_none() {
        return;
    }
    if !has_attached(inventory, SUPPORT) {
        add(Kind::NoSupportRole, "nobody has AWSSupportAccess".to_owned());
    }
    if !roles().any(|role| role.arn.ends_with(ANALYZER)) {
        add(Kind::NoAccessAnalyzer, "the service-linked role of IAM Access Analyzer is not there".to_owned());
    }
    let single_sign_on = report.principals.iter().any(|principal| {
        principal.principal.contains("/AWSReservedSSO_")
            && principal.account.as_deref() == Some(account)
            && principal.events > 0
    });
    let passwords = inventory
        .credentials
        .values()
        .filter(|user| user.password_enabled == Some(true) && user.user != "<root_account>");
    let passwords = passwords.count();
    if single_sign_on && passwords > 0 {
        add(
            Kind::PasswordsBesideSingleSignOn,
            format!("{passwords} users have passwords, and single sign-on is in use"),
        );
    }
}

fn has_attached(inventory: &Inventory, policy: &str) -> bool {
    let is_it = |list: &[String]| list.iter().any(|arn| arn.ends_with(policy));
    inventory.entities.iter().any(|entity| is_it(&entity.attached))
        || inventory.groups.values().any(|group| is_it(&group.attached))
}

/// What the credential report shows beside the findings.
fn credential(user: &Credentials, now: i64, found: &mut Vec<Finding>) {
    if user.user == "<root_account>" {
        return;
    }
    for key in &user.keys {
        let with_user =
            user.created.zip(key.last_rotated).is_some_and(|(made, key)| (0..=SETUP).contains(&(key - made)));
        if key.active && with_user && user.password_enabled == Some(true) {
            let evidence = format!("credential report: key {} was made with the user, who has a password", key.slot);
            found.push(Finding { slot: Some(key.slot), ..Finding::new(Kind::AccessKeyAtSetup, &user.arn, evidence) });
        }
    }
    let mut keys = user.keys.iter().filter(|key| key.active).peekable();
    if user.password_enabled != Some(true) || keys.peek().is_none() {
        return;
    }
    let recent = |time: Option<i64>| time.is_some_and(|time| now.saturating_sub(time) < 90 * DAY);
    let (by_key, by_password) = (keys.any(|key| recent(key.last_used)), recent(user.password_last_used));
    let told = |what: &str, other: &str| format!("credential report: {what} was used within 90 days, {other}");
    let evidence = match (by_key, by_password) {
        (true, false) => told("an active key", "the password was not"),
        (false, true) => told("the password", "no active key was"),
        _ => return,
    };
    found.push(Finding::new(Kind::PasswordAndKeyOneUnused, &user.arn, evidence));
}

fn attached(inventory: &Inventory, found: &mut Vec<Finding>) {
    let entities = inventory.entities.iter().map(|entity| (&entity.arn, &entity.attached, &entity.inline));
    let groups = inventory.groups.values().map(|group| (&group.arn, &group.attached, &group.inline));
    for (arn, attached, inline) in entities.chain(groups) {
        let names = attached.iter().map(|arn| arn.rsplit('/').next().unwrap_or(arn));
        for name in names.chain(inline.iter().map(|policy| policy.name.as_str())) {
            if name.starts_with(QUARANTINE) {
                let evidence = format!("{name} is attached: AWS saw a key of it in public");
                found.push(Finding::new(Kind::CompromisedKeyQuarantine, arn, evidence));
            }
        }
        if attached.iter().any(|arn| arn.ends_with(CLOUD_SHELL)) {
            let evidence = "AWSCloudShellFullAccess moves files in and out of CloudShell";
            found.push(Finding::new(Kind::CloudShellFullAccess, arn, evidence));
        }
    }
}

/// Odd statements of policies that the account wrote.
fn policies(inventory: &Inventory, found: &mut Vec<Finding>) {
    let mut add = |owner: &str, policy: &str, document: &Document| {
        for (at, lint) in lint(document) {
            let about = format!("{policy} statement {}", at + 1);
            let evidence = format!("{about} {}", lint.about());
            found.push(Finding { about: Some(about), ..Finding::new(Kind::of_lint(lint), owner, evidence) });
        }
    };
    for (arn, policy) in inventory.policies.iter().filter(|(arn, _)| !arn.contains(":iam::aws:policy/")) {
        if let Some(version) = policy.default_version() {
            add(arn, &version.id, &version.document);
        }
    }
    let groups = inventory.groups.values().map(|group| (&group.arn, &group.inline));
    let entities = inventory.entities.iter().filter(|entity| !entity.is_service_linked());
    for (arn, inline) in groups.chain(entities.map(|entity| (&entity.arn, &entity.inline))) {
        inline.iter().for_each(|policy| add(arn, &policy.name, &policy.document));
    }
}

/// Broad managed policies of AWS' of which a principal used next to nothing.
fn little_used(inventory: &Inventory, report: &Report, options: &Options, found: &mut Vec<Finding>) {
    let is_broad = |arn: &str| {
        let name = arn.rsplit('/').next().unwrap_or_default();
        arn.contains(":iam::aws:policy/")
            && (name.ends_with("FullAccess") || name == "AdministratorAccess" || name == "PowerUserAccess")
    };
    let broad = inventory.policies.iter().filter(|(arn, _)| is_broad(arn));
    let granted: BTreeMap<&str, ActionSet> = broad
        .filter_map(|(arn, policy)| Some((arn.as_str(), Grant::of(&policy.default_version()?.document).effective())))
        .collect();
    if granted.is_empty() {
        return;
    }
    let rows: BTreeMap<&str, _> = report.principals.iter().map(|row| (row.principal.as_str(), row)).collect();
    for entity in inventory.entities.iter().filter(|entity| !entity.is_service_linked()) {
        let Some(row) = rows.get(entity.arn.as_str()).filter(|row| is_old(entity, options) && is_known(row)) else {
            continue;
        };
        let mut used = ActionSet::none();
        let actions = row.services.iter().flat_map(|service| &service.actions);
        let recent = actions.filter(|action| action.last_attempt >= options.from());
        recent.for_each(|action| {
            used.insert(&action.action);
        });
        let groups = entity.groups.iter().filter_map(|name| inventory.groups.get(name));
        for arn in entity.attached.iter().chain(groups.flat_map(|group| &group.attached)) {
            let Some(granted) = granted.get(arn.as_str()) else { continue };
            let mut of_it = used.clone();
            of_it.intersect(granted);
            if !of_it.is_empty() && of_it.len() <= FEW_ACTIONS {
                let evidence = format!("used {} of {} actions of {arn}", of_it.len(), granted.len());
                let finding = Finding::new(Kind::BroadPolicyLittleUsed, &entity.arn, evidence);
                found.push(Finding { about: Some(arn.clone()), ..finding });
            }
        }
    }
}

fn is_old(entity: &Entity, options: &Options) -> bool {
    entity.created.is_some_and(|created| created <= options.from())
}

/// Whether the logs can tell of unused actions at all.
fn is_known(row: &crate::unused::PrincipalReport) -> bool {
    row.unused.of(crate::unused::Why::NotUsed).is_some()
}

#[cfg(test)]
mod tests;
