//! A week of an organisation with attacks in it, played at once.

use std::collections::{BTreeMap, BTreeSet};

use ingest::simulate::{Expect, Plan, write};

use super::Station;
use crate::command::text;

#[test]
fn every_planted_attack_is_told_and_little_else_wakes_anybody() {
    let station = Station::empty();
    let plan = Plan { events: 12_000, days: 7, seed: 4, ..Plan::default() };
    let summary = write(&plan, &station.path("week")).unwrap();
    let run = station.once(text(&summary.trail), None);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let told = station.hook.told();
    let mut about: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
    let mut loud: BTreeSet<String> = BTreeSet::new();
    let planted: BTreeSet<&str> =
        summary.planted.iter().flat_map(|plant| plant.event_ids.iter().map(String::as_str)).collect();
    for (print, row) in station.table() {
        assert!(told.contains_key(&print), "in the lake and not told: {row}");
        let ids: Vec<&str> = row["event_ids"].as_str().unwrap().split("; ").collect();
        let (rule, severity) = (row["rule"].as_str().unwrap(), row["severity"].as_str().unwrap());
        for id in &ids {
            about.entry((*id).to_owned()).or_default().push((rule.to_owned(), severity.to_owned()));
        }
        if matches!(severity, "high" | "critical") && !ids.iter().any(|id| planted.contains(id)) {
            loud.insert(format!("{rule}: {}", row["principal"]));
        }
    }
    let attacks: Vec<_> = summary.planted.iter().filter(|plant| plant.expect == Expect::Alert).collect();
    let kinds: BTreeSet<&str> = attacks.iter().map(|plant| plant.kind).collect();
    assert!(kinds.len() >= 10, "{kinds:?}");
    for attack in attacks {
        let found = attack.event_ids.iter().filter_map(|id| about.get(id)).flatten();
        let loud = found.clone().any(|(_, severity)| severity != "informational");
        assert!(loud, "{} was not told: {:?}", attack.kind, found.collect::<Vec<_>>());
    }
    assert!(loud.len() <= 10, "{loud:?}");
}
