//! What rules cost beside reading: run with `cargo test --release -p trailhound-alerts -- --ignored --nocapture speed`.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use alerts::{Engine, Lists, Settings, pack};
use arrow::array::RecordBatch;
use ingest::pipeline::{Options, scan};
use ingest::simulate::{Plan, write};
use ingest::source::Sources;

use crate::logs;

#[test]
#[ignore = "a measurement, not a test"]
fn speed_of_rules_beside_reading() {
    let folder = tempfile::tempdir().unwrap();
    let summary = write(&Plan { events: 300_000, ..Plan::default() }, folder.path()).unwrap();
    let sources = Sources::new(&[summary.trail.to_str().unwrap()]).unwrap();
    let mut batches: Vec<RecordBatch> = Vec::new();
    let start = Instant::now();
    let options = Options { threads: 1, ..Options::default() };
    let mut sink = |batch| {
        batches.push(batch);
        ControlFlow::Continue(())
    };
    scan(&sources, &options, &mut sink).unwrap();
    let reading = start.elapsed();
    let public = logs::shared("sigma").map(|folder| {
        let mut rules = pack::load(&folder.join("sigmahq"), &Lists::new()).rules;
        rules.extend(pack::load(&folder.join("suzaku"), &Lists::new()).rules);
        rules
    });
    let mut both = pack::shipped();
    both.extend(public.clone().unwrap_or_default());
    for (name, rules) in [("shipped", pack::shipped()), ("public", public.unwrap_or_default()), ("both", both)] {
        let count = rules.len();
        let (mut engine, _) = Engine::new(rules, &Settings::default());
        let (mut matching, mut observing) = (Duration::ZERO, Duration::ZERO);
        let mut found = Vec::new();
        for batch in &batches {
            found.clear();
            let start = Instant::now();
            engine.matches(batch, &mut found);
            matching += start.elapsed();
            let start = Instant::now();
            engine.observe(batch);
            observing += start.elapsed();
        }
        let start = Instant::now();
        let outcome = engine.finish();
        let (events, finishing) = (outcome.counters.events, start.elapsed());
        let share = |time: Duration| 100.0 * time.as_secs_f64() / reading.as_secs_f64();
        eprintln!(
            "{name}: {count} rules, {events} events, {} matches, {} alerts; reading {reading:?}, matching {matching:?} ({:.1} %), \
             observing {observing:?} ({:.1} %), finishing {finishing:?}",
            outcome.counters.matches,
            outcome.alerts.len(),
            share(matching),
            share(observing),
        );
    }
    let mut dear: Vec<(Duration, String)> = pack::shipped()
        .into_iter()
        .map(|rule| {
            let name = rule.about.name.clone();
            let (engine, _) = Engine::new(vec![rule], &Settings::default());
            let start = Instant::now();
            let mut found = Vec::new();
            for batch in &batches {
                found.clear();
                engine.matches(batch, &mut found);
            }
            (start.elapsed(), name)
        })
        .collect();
    dear.sort();
    for (time, name) in dear.iter().rev().take(12).chain(dear.first()) {
        eprintln!("{time:?} {name} alone");
    }
}
