//! What rules cost beside reading: `cargo bench -p trailhound-alerts --bench rules`, one table in one run.
//!
//! Reading is `.json.gz` to Arrow on one thread; matching is all rules over the same batches on the same thread. Public
//! rules come from `../shared/data`, copied under other ids until they are eight hundred; synthetic ones wait for calls
//! of the catalogue, as real rules do, and ask for one more field.

#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

use std::ops::ControlFlow;
use std::path::Path;
use std::time::{Duration, Instant};

use alerts::{Engine, Lists, Rule, Settings, pack, rule};
use arrow::array::RecordBatch;
use ingest::action::actions;
use ingest::pipeline::{Options, scan};
use ingest::simulate::{Plan, write};
use ingest::source::Sources;

const EVENTS: u64 = 300_000;
const ROUNDS: usize = 3;

fn main() {
    let folder = tempfile::tempdir().unwrap();
    let summary = write(&Plan { events: EVENTS, ..Plan::default() }, folder.path()).unwrap();
    let sources = Sources::new(&[summary.trail.to_str().unwrap()]).unwrap();
    let (mut batches, mut reading) = (Vec::new(), Duration::MAX);
    for _ in 0..ROUNDS {
        batches.clear();
        let start = Instant::now();
        let mut sink = |batch: RecordBatch| {
            batches.push(batch);
            ControlFlow::Continue(())
        };
        scan(&sources, &Options { threads: 1, ..Options::default() }, &mut sink).unwrap();
        reading = reading.min(start.elapsed());
    }
    println!("{EVENTS} events read in {reading:.2?} on one thread; the shortest of {ROUNDS} rounds each");
    println!(
        "{:12} {:>6} {:>9} {:>10} {:>7} {:>10} {:>7}",
        "rules", "number", "matches", "matching", "", "observing", ""
    );
    let mut sets = vec![("shipped", pack::shipped()), ("synthetic", synthetic(10_000))];
    match public(800) {
        Some(rules) => sets.insert(1, ("public", rules)),
        None => println!("SKIPPED: ../shared/data absent"),
    }
    for (name, rules) in sets {
        measure(name, rules, &batches, reading);
    }
}

fn measure(name: &str, rules: Vec<Rule>, batches: &[RecordBatch], reading: Duration) {
    let number = rules.len();
    let (mut matching, mut observing, mut matches) = (Duration::MAX, Duration::MAX, 0);
    for _ in 0..ROUNDS {
        let (mut engine, _) = Engine::new(rules.clone(), &Settings::default());
        let mut found = Vec::new();
        let start = Instant::now();
        for batch in batches {
            found.clear();
            engine.matches(batch, &mut found);
        }
        matching = matching.min(start.elapsed());
        let start = Instant::now();
        batches.iter().for_each(|batch| engine.observe(batch));
        observing = observing.min(start.elapsed());
        matches = engine.finish().counters.matches;
    }
    let share = |time: Duration| format!("{:.1} %", 100.0 * time.as_secs_f64() / reading.as_secs_f64());
    let (first, second) = (share(matching), share(observing));
    println!("{name:12} {number:>6} {matches:>9} {matching:>10.1?} {first:>7} {observing:>10.1?} {second:>7}");
}

/// Public rules, over and over under new ids.
fn public(number: usize) -> Option<Vec<Rule>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/sigma");
    let mut rules = pack::load(&folder.join("sigmahq"), &Lists::new()).rules;
    rules.extend(pack::load(&folder.join("suzaku"), &Lists::new()).rules);
    let known = rules.len();
    if known == 0 {
        return None;
    }
    for at in known..number {
        let mut copy = rules[at % known].clone();
        copy.about.id = format!("{}-{at}", copy.about.id);
        copy.about.title = format!("{} {at}", copy.about.title);
        rules.push(copy);
    }
    Some(rules)
}

fn synthetic(number: usize) -> Vec<Rule> {
    let calls: Vec<_> = actions().iter().filter(|action| action.observable).collect();
    let fields = [
        "errorCode|contains: denied",
        "userAgent|contains: tool",
        "requestParameters.name|startswith: x",
        "sourceIPAddress|cidr: 10.0.0.0/8",
        "userIdentity.arn|endswith: admin",
    ];
    let mut rules = Vec::with_capacity(number);
    for at in 0..number {
        let action = calls[at * 7919 % calls.len()];
        let (service, name) = action.name.split_once(':').unwrap();
        let yaml = format!(
            "title: s{at}\nid: s{at}\nlogsource: {{product: aws, service: cloudtrail}}\ndetection:\n  s:\n    \
             eventSource: {service}.amazonaws.com\n    eventName: {name}\n    {}{at}\n  condition: s\n",
            fields[at % fields.len()].replace("10.0.0.0/8", &format!("10.{}.0.0/16 #", at % 256)),
        );
        rules.extend(rule::parse("synthetic", &yaml, &Lists::new()).rules);
    }
    assert_eq!(rules.len(), number);
    rules
}
