//! Alerts for this room's tests.

use alerts::{Alert, Severity};

/// 2026-03-01T12:00:00Z.
pub(crate) const NOON: i64 = 1_772_366_400_000_000;
pub(crate) const SECOND: i64 = 1_000_000;

/// An alert with everything in it.
pub(crate) fn alert(fingerprint: &str) -> Alert {
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    Alert {
        rule: "root-console-login".to_owned(),
        rule_id: "5b7f2d4e-0f4b-5d44-9a51-6d4f0b7f1a11".to_owned(),
        rule_name: None,
        title: "Root signed in to the console".to_owned(),
        severity: Severity::High,
        time: Some(NOON),
        last_time: Some(NOON + 90 * SECOND),
        count: 3,
        principal: "arn:aws:iam::111122223333:root".to_owned(),
        actor: String::new(),
        account: "111122223333".to_owned(),
        region: "us-east-1".to_owned(),
        regions: texts(&["eu-central-1", "us-east-1"]),
        source_addresses: texts(&["198.51.100.7"]),
        user_agents: texts(&["Mozilla/5.0 <!channel> & \u{202e}more"]),
        what: texts(&["signin:ConsoleLogin"]),
        errors: Vec::new(),
        event_ids: texts(&["4a2f7c7e-1111-4222-8333-944455556666"]),
        detail: Some("first in 400 days".to_owned()),
        why: "Root can do everything, and nothing can stop it.".to_owned(),
        next: texts(&["Ask who it was.", "If nobody says so, change the password and the MFA device."]),
        false_positives: texts(&["Closing an account."]),
        references: texts(&["https://docs.aws.amazon.com/IAM/latest/UserGuide/id_root-user.html"]),
        tags: texts(&["attack.initial-access", "attack.t1078.004"]),
        author: Some("trailhound".to_owned()),
        license: Some("Apache-2.0".to_owned()),
        fingerprint: fingerprint.to_owned(),
    }
}

/// An alert of this rule, principal and severity.
pub(crate) fn about(fingerprint: &str, rule: &str, principal: &str, severity: Severity) -> Alert {
    Alert { rule: rule.to_owned(), principal: principal.to_owned(), severity, ..alert(fingerprint) }
}

/// An alert as long as nobody would write it.
pub(crate) fn swollen(with: &str) -> Alert {
    let (long, many) = (with.repeat(3_000), vec![with.repeat(1_500); 30]);
    Alert {
        rule: long.clone(),
        rule_id: long.clone(),
        title: long.clone(),
        principal: long.clone(),
        actor: long.clone(),
        account: long.clone(),
        region: long.clone(),
        regions: many.clone(),
        source_addresses: many.clone(),
        user_agents: many.clone(),
        what: many.clone(),
        errors: many.clone(),
        event_ids: many.clone(),
        detail: Some(long.clone()),
        why: long.clone(),
        next: many.clone(),
        false_positives: many.clone(),
        references: many.clone(),
        tags: many,
        author: Some(long.clone()),
        license: Some(long.clone()),
        ..alert(&long)
    }
}
