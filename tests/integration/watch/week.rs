//! A week of an organisation with attacks in it, played into a running process file by file.

use std::collections::{BTreeMap, BTreeSet};

use ingest::simulate::{Expect, Plan, write};

use super::{Station, deliver, log_files};
use crate::command::text;

/// Parts that the week comes in, one after the other: six hours each.
const PARTS: usize = 28;

#[test]
fn every_planted_attack_is_told_and_little_else_wakes_anybody() {
    let station = Station::empty();
    let plan = Plan { events: 12_000, days: 7, seed: 4, events_per_file: 20, ..Plan::default() };
    let summary = write(&plan, &station.path("week")).unwrap();
    let inbox = station.path("inbox");
    std::fs::create_dir(&inbox).unwrap();
    // In the order in which CloudTrail wrote them; the clock of the rules is that of the events.
    let files = log_files(&summary.trail);
    assert!(files.len() > 500, "{} files are no week of small ones", files.len());
    let service = station.service(text(&inbox), &[]);
    service.until("a beginning", |service| service.is_ready());
    let (mut came, mut told_live) = (0, 0);
    for part in files.chunks(files.len().div_ceil(PARTS)) {
        deliver(part, &summary.trail, &inbox);
        came += part.len();
        let read = |service: &super::Service| service.figure("trailhound_objects_total", "result=\"read\"");
        service.until("a part", |service| read(service) as usize >= came);
        told_live = station.hook.told().len();
    }
    assert!(told_live > 0, "nothing was told while the week went on");
    let (code, said) = service.end();
    assert_eq!(code, 0, "{said}");
    // What waited for later events is told when there are none.
    let run = station.once(text(&inbox), None);
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
    // Each under one key, and what a batch over the week tells.
    assert!(told.values().all(|keys| keys.len() == 1));
    let batch: BTreeSet<String> = station.batch(&inbox).into_keys().collect();
    assert_eq!(told.into_keys().collect::<BTreeSet<_>>(), batch);
}
