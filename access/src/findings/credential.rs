//! What the credential report says of passwords, MFA, keys and the use of root.
//!
//! It is IAM's own record of every request and sign-in, so it counts whatever the logs cover; where they know better, see
//! [`super::sources`].

use std::collections::BTreeMap;

use super::signin::SignIns;
use super::sources::{Sight, Sources};
use super::{Finding, Kind, days};
use crate::instant::{self, DAY};
use crate::inventory::{Credentials, Inventory, ReportedKey};
use crate::unused::Options;

/// The name of root in the report.
const ROOT: &str = "<root_account>";
/// Days without use after which CIS wants credentials disabled.
const UNUSED_DAYS: i64 = 45;
/// Days after which CIS wants keys rotated.
const ROTATE_DAYS: i64 = 90;

/// What the report says of one user.
pub(super) fn of(user: &Credentials, sources: &Sources<'_>, now: i64, found: &mut Vec<Finding>) {
    let root = user.user == ROOT;
    if root && user.mfa_active == Some(false) {
        found.push(Finding::new(
            Kind::RootWithoutMfa,
            &user.arn,
            format!("credential report: root has no MFA device{}", made(user.created, now)),
        ));
    }
    let active: Vec<_> = user.keys.iter().filter(|key| key.active).collect();
    if active.len() > 1 && !root {
        found.push(Finding::new(Kind::TwoActiveAccessKeys, &user.arn, both_active(&active, now)));
    }
    for key in active {
        let age = key.last_rotated.map(|time| days(time, now).max(0));
        if root {
            let evidence = format!("credential report: key {} of root is active{}", key.slot, ages(key, now));
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
        found.extend(unused_key(user, key, sources, now));
    }
    if user.password_enabled != Some(true) || root {
        return;
    }
    if user.mfa_active == Some(false) {
        let since = user.password_last_changed.map(|time| format!(" (set {})", ago(time, now)));
        let evidence = format!("credential report: a password{} and no MFA", since.unwrap_or_default());
        found.push(Finding::new(Kind::ConsoleUserWithoutMfa, &user.arn, evidence));
    }
    found.extend(unused_password(user, sources, now));
}

/// How long a key has rested, by the report and by what the logs have beside it.
fn unused_key(user: &Credentials, key: &ReportedKey, sources: &Sources<'_>, now: i64) -> Option<Finding> {
    let sight = sources.of_key(user, key);
    let reported = key.last_used.or(key.last_rotated)?;
    let rested = Some(days(reported, now)).filter(|rested| *rested >= UNUSED_DAYS)?;
    let since = if key.last_used.is_some() { "last used" } else { "never used; made" };
    let evidence = format!("credential report: key {} {since} {}", key.slot, ago(reported, now));
    let finding = Finding::new(Kind::AccessKeyUnused, &user.arn, evidence);
    let age = key.last_rotated.map(|time| days(time, now));
    Some(beside(
        Finding { slot: Some(key.slot), age_days: age, days: Some(rested), ..finding },
        user,
        sight,
        sources,
        now,
    ))
}

fn unused_password(user: &Credentials, sources: &Sources<'_>, now: i64) -> Option<Finding> {
    let sight = sources.of_password(user);
    // Without information the age counts from the password's last change, at the latest the user's making.
    let reported = user.password_last_used.or(user.password_last_changed).or(user.created)?;
    let rested = Some(days(reported, now)).filter(|rested| *rested >= UNUSED_DAYS)?;
    let used = if user.password_last_used.is_some() {
        "the password was last used"
    } else {
        "no use of the password is known; it was set"
    };
    let evidence = format!("credential report: {used} {}", ago(reported, now));
    let finding = Finding { days: Some(rested), ..Finding::new(Kind::PasswordUnused, &user.arn, evidence) };
    Some(beside(finding, user, sight, sources, now))
}

/// A finding of the report with what the logs say beside it, how sure it is then, and what to do first. Days stay the report's:
/// its record of use is the one that auditors go by.
fn beside(finding: Finding, user: &Credentials, sight: Sight, sources: &Sources<'_>, now: i64) -> Finding {
    let unclear = |said: String, confidence: &'static str, next: &'static str| Finding {
        evidence: format!("{}; {said}", finding.evidence),
        confidence,
        next,
        ..finding.clone()
    };
    let disagree = "report_and_logs_disagree";
    match (sight, sources.behind(user)) {
        (Sight::Used(time), _) => unclear(
            format!("events: used {}", ago(time, now)),
            disagree,
            "fetch the credential report again: the logs show later use",
        ),
        (Sight::OneOf(time), _) => unclear(
            format!("events: one of the user's keys was used {}, and which cannot be known", ago(time, now)),
            disagree,
            "fetch the credential report again, and ask get-access-key-last-used of each key",
        ),
        (Sight::Nothing, Some(days)) => unclear(
            format!("the report is {days} days older than the logs, which show no use of it since"),
            "report_older_than_logs",
            "fetch the credential report again",
        ),
        (Sight::Nothing, None) => finding,
    }
}

/// `N days ago`; what the report has and the logs are too old for is said to be later than they are.
fn ago(time: i64, now: i64) -> String {
    match time > now {
        true => format!("after the end of the logs, {}", instant::format(time)),
        false => format!("{} days ago", days(time, now)),
    }
}

/// `, made N days ago`
fn made(time: Option<i64>, now: i64) -> String {
    time.map_or_else(String::new, |time| format!(", made {}", ago(time, now)))
}

/// How old a key is and how long it has rested.
fn ages(key: &ReportedKey, now: i64) -> String {
    let used =
        key.last_used.map_or_else(|| ", never used".to_owned(), |time| format!(", last used {}", ago(time, now)));
    made(key.last_rotated, now) + &used
}

fn both_active(keys: &[&ReportedKey], now: i64) -> String {
    let each: Vec<String> = keys.iter().map(|key| format!("key {}{}", key.slot, ages(key, now))).collect();
    format!("credential report: both keys are active: {}", each.join("; "))
}

/// Use of root in the window: events, and where they do not show it the report's dates of root's password and keys (CIS
/// AWS Foundations v3.0, 1.7, looks there).
pub(super) fn root_use(inventories: &[Inventory], signins: &SignIns, options: &Options) -> Vec<Finding> {
    let mut found: BTreeMap<String, Finding> = BTreeMap::new();
    for (principal, seen) in signins.root.within(options.from(), options.now) {
        let finding = Finding::happened(Kind::RootUse, principal, &seen, "events of the root user itself");
        found.insert(principal.to_owned(), finding);
    }
    let users = inventories.iter().flat_map(|inventory| inventory.credentials.values());
    for root in users.filter(|user| user.user == ROOT) {
        let password = root.password_last_used.map(|time| (time, "signed in with its password".to_owned()));
        let keys = root.keys.iter().filter_map(|key| Some((key.last_used?, format!("used key {}", key.slot))));
        let Some((time, how)) = keys.chain(password).max().filter(|(time, _)| *time >= options.from()) else {
            continue;
        };
        let evidence = format!("credential report: root {how}, last {}", instant::format(time));
        match found.get_mut(&root.arn) {
            // What the report dates is what the events show.
            Some(known) if known.time.is_some_and(|seen| seen >= time - DAY) => {}
            // Time and count stay those of the events.
            Some(known) => known.evidence = format!("{}; {evidence}", known.evidence),
            None => {
                let finding = Finding { time: Some(time), ..Finding::new(Kind::RootUse, &root.arn, evidence) };
                found.insert(root.arn.clone(), finding);
            }
        }
    }
    found.into_values().collect()
}
