//! The shipped pack on the simulated organisation: what was planted is found, and ordinary work is quiet.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use alerts::{Engine, Outcome, Settings, Severity, pack};
use arrow::array::RecordBatch;
use ingest::pipeline::{Options, scan};
use ingest::simulate::{Expect, Plan, Summary, write};
use ingest::source::Sources;

/// The plan's trail, and what the pack says to it.
pub(crate) fn simulate(plan: &Plan) -> (Summary, Outcome) {
    let folder = tempfile::tempdir().unwrap();
    let summary = write(plan, folder.path()).unwrap();
    let (mut engine, errors) = Engine::new(pack::shipped(), &Settings::default());
    assert!(errors.is_empty());
    let sources = Sources::new(&[summary.trail.to_str().unwrap()]).unwrap();
    let mut sink = |batch: RecordBatch| {
        engine.observe(&batch);
        ControlFlow::Continue(())
    };
    scan(&sources, &Options::default(), &mut sink).unwrap();
    (summary, engine.finish())
}

/// What is planted, and the rule of the pack that tells it.
const TOLD_BY: [(&str, &str, Severity); 15] = [
    ("access_key_created_for_other_user", "access-key-created-for-another", Severity::Medium),
    ("console_login_failed", "console-login-failed-burst", Severity::Medium),
    ("console_login_without_mfa", "console-login-without-mfa", Severity::High),
    ("denied_burst", "unauthorized-burst", Severity::Medium),
    ("first_sensitive_action", "first-use-of-identity-control", Severity::Medium),
    ("get_secret_from_ec2_role_outside", "secret-read-by-instance-from-new-address", Severity::Medium),
    ("hostile_user_agent", "", Severity::Informational),
    ("revived_access_key", "access-key-revived", Severity::Medium),
    ("revived_role", "principal-revived", Severity::Low),
    ("root_api_use", "root-use", Severity::High),
    ("root_console_login", "root-console-login", Severity::Critical),
    ("root_invoked_by_service", "", Severity::Informational),
    ("s3_bucket_made_public", "bucket-opened-by-policy", Severity::High),
    ("sso_console_login", "console-login-through-provider", Severity::Informational),
    ("stop_logging", "trail-stopped", Severity::High),
];

#[test]
fn planted_attacks_are_found_and_ordinary_work_is_quiet() {
    let plan = Plan { events: 20_000, ..Plan::default() };
    let (summary, outcome) = simulate(&plan);
    assert!(outcome.counters.events >= plan.events);
    let mut about: BTreeMap<&str, BTreeSet<(Severity, &str)>> = BTreeMap::new();
    for alert in &outcome.alerts {
        for id in &alert.event_ids {
            about.entry(id).or_default().insert((alert.severity, &alert.rule));
        }
    }
    let mut planted = BTreeSet::new();
    for plant in &summary.planted {
        planted.extend(plant.event_ids.iter().map(String::as_str));
        let found: BTreeSet<_> = plant.event_ids.iter().filter_map(|id| about.get(id.as_str())).flatten().collect();
        let Some((_, rule, severity)) = TOLD_BY.iter().find(|(kind, _, _)| *kind == plant.kind) else { continue };
        if plant.expect == Expect::Alert || !rule.is_empty() {
            assert!(found.contains(&&(*severity, *rule)), "{}: {found:?}", plant.kind);
        }
        if plant.expect != Expect::Alert {
            assert!(
                found.iter().all(|(severity, _)| *severity == Severity::Informational),
                "{}: {found:?}",
                plant.kind
            );
        }
    }
    let mut noise: BTreeMap<Severity, usize> = BTreeMap::new();
    for alert in &outcome.alerts {
        if !alert.event_ids.iter().any(|id| planted.contains(id.as_str())) {
            *noise.entry(alert.severity).or_default() += 1;
        }
    }
    eprintln!("{} planted; alerts on ordinary work: {noise:?}", summary.planted.len());
    let at_least =
        |least| noise.iter().filter(|(severity, _)| **severity >= least).map(|(_, count)| count).sum::<usize>();
    assert_eq!(at_least(Severity::High), 0, "{noise:?}");
    // 120 days of three accounts.
    assert!(at_least(Severity::Low) <= 20, "{noise:?}");
}
