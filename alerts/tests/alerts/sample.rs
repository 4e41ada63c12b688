//! The shipped pack on the simulated organisation: what was planted is found, and ordinary work is quiet.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use alerts::{Engine, Outcome, Settings, Severity, pack};
use arrow::array::RecordBatch;
use ingest::pipeline::{Options, scan};
use ingest::simulate::{Expect, Plan, Summary, write};
use ingest::source::Sources;

/// A month of two accounts, or the demo's, and what the pack says to it.
fn simulate(plan: &Plan) -> (Summary, Outcome) {
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
        let found: BTreeSet<_> = plant.event_ids.iter().filter_map(|id| about.get(id.as_str())).flatten().collect();
        println!("{:32} {:12} {found:?}", plant.kind, format!("{:?}", plant.expect));
        planted.extend(plant.event_ids.iter().map(String::as_str));
    }
    let mut noise: BTreeMap<(Severity, &str), usize> = BTreeMap::new();
    for alert in &outcome.alerts {
        if !alert.event_ids.iter().any(|id| planted.contains(id.as_str())) {
            *noise.entry((alert.severity, alert.rule.as_str())).or_default() += 1;
        }
    }
    println!("noise {noise:#?} {:?}", outcome.counters);
}
