//! The tables of docs/rules.md: which rule finds which technique, and what rules cost on ordinary traffic.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::Path;

use alerts::{Engine, Settings, Severity, pack};
use ingest::simulate::Plan;

use crate::sample::simulate;
use crate::trails::techniques::DONE;

const SEEDS: [u64; 1] = [11];
const DAYS: u32 = 60;
const ACCOUNTS: u32 = 3;
const EVENTS: u64 = 50_000;

/// Alerts of each rule on the simulated organisations, without those about what was planted.
fn ordinary() -> BTreeMap<String, usize> {
    let mut alerts = BTreeMap::new();
    for seed in SEEDS {
        let plan = Plan { events: EVENTS, days: DAYS, accounts: ACCOUNTS, seed, ..Plan::default() };
        let (summary, outcome) = simulate(&plan);
        let planted: BTreeSet<&str> =
            summary.planted.iter().flat_map(|plant| plant.event_ids.iter().map(String::as_str)).collect();
        for alert in &outcome.alerts {
            if !alert.event_ids.iter().any(|id| planted.contains(id.as_str())) {
                *alerts.entry(alert.rule.clone()).or_default() += 1;
            }
        }
    }
    alerts
}

#[test]
fn docs_tell_which_rule_finds_which_technique_at_which_cost() {
    let (engine, _) = Engine::new(pack::shipped(), &Settings::default());
    let levels: BTreeMap<&str, Severity> =
        engine.rules().iter().map(|rule| (rule.name.as_str(), rule.severity)).collect();
    let (alerts, account_days) = (ordinary(), f64::from(DAYS * ACCOUNTS) * SEEDS.len() as f64);
    let cost = |rule: &str| {
        let number = alerts.get(rule).copied().unwrap_or(0);
        if number == 0 { "0".to_owned() } else { format!("{:.2}", number as f64 / account_days) }
    };
    let mut tables = String::from("| technique | call | rule | level | alerts a day |\n|---|---|---|---|---|\n");
    for (technique, call, rule) in DONE {
        let level = levels[rule];
        writeln!(tables, "| {technique} | `{call}` | `{rule}` | {level} | {} |", cost(rule)).unwrap();
    }
    tables.push_str("\n| rule | level | alerts a day |\n|---|---|---|\n");
    let mut costly: Vec<_> = alerts.iter().collect();
    costly.sort_by_key(|(rule, number)| (std::cmp::Reverse(**number), *rule));
    for (rule, _) in costly {
        writeln!(tables, "| `{rule}` | {} | {} |", levels[rule.as_str()], cost(rule)).unwrap();
    }
    let at_least = |level| alerts.keys().filter(|rule| levels[rule.as_str()] >= level).collect::<Vec<_>>();
    assert!(at_least(Severity::High).is_empty(), "{alerts:?}");
    eprintln!("low or above on ordinary traffic: {:?}", at_least(Severity::Low));
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/rules.md");
    let text = std::fs::read_to_string(&page).unwrap();
    let begin = text.find("| technique | call |").unwrap_or(text.len());
    let end = text.find("\n<!-- end of what a test writes -->").unwrap_or(text.len());
    if std::env::var_os("TRAILHOUND_WRITE_DOCS").is_some() {
        std::fs::write(&page, format!("{}{tables}{}", &text[..begin], &text[end..])).unwrap();
        return;
    }
    assert_eq!(text.get(begin..end), Some(tables.as_str()), "run this test with TRAILHOUND_WRITE_DOCS=1");
}
