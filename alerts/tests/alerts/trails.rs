//! The shipped pack on real logs, most of them traces of attacks.

pub(crate) mod techniques;

use std::collections::BTreeMap;

use alerts::Severity;

use crate::logs;
use crate::pack::judge;

#[test]
fn the_pack_finds_the_attacks_in_real_logs() {
    let records = logs::records();
    if records.is_empty() {
        return;
    }
    let outcome = judge(&records);
    let mut by_rule: BTreeMap<(Severity, &str), (usize, u64)> = BTreeMap::new();
    for alert in &outcome.alerts {
        let entry = by_rule.entry((alert.severity, alert.rule.as_str())).or_default();
        entry.0 += 1;
        entry.1 += alert.count;
    }
    for ((severity, rule), (alerts, events)) in by_rule.iter().rev() {
        eprintln!("{severity:13} {rule:45} {alerts:4} alerts {events:5} events");
    }
    eprintln!("{:?}", outcome.counters);
    // What the techniques in these logs leave behind, each by the rule that is for it.
    for rule in [
        "access-key-created-for-another",
        "administrator-policy-attached",
        "attack-system-user-agent",
        "config-recorder-stopped",
        "console-login-without-mfa",
        "console-password-set-for-another",
        "function-opened-to-everyone",
        "guardduty-disabled",
        "organization-left",
        "role-trust-changed",
        "root-console-login",
        "root-use",
        "secrets-read-in-bulk",
        "security-group-opened",
        "security-service-disabled",
        "snapshot-or-image-shared",
        "trail-changed",
        "trail-stopped",
    ] {
        assert!(by_rule.keys().any(|(_, found)| *found == rule), "{rule} found nothing");
    }
    // These logs are samples of single days, years apart: no rest in them is known to be one.
    assert!(by_rule.keys().all(|(_, rule)| !rule.ends_with("-revived")));
    assert!(outcome.counters.log_gaps > 0);
}
