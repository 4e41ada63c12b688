//! What rules cost beside reading: `cargo bench -p trailhound-alerts --bench rules`, one table in one run.
//!
//! Reading is `.json.gz` to Arrow on one thread; matching is all rules over the same batches on one thread, observing is that
//! and what becomes of the matches. Public rules come from `../shared/data`, copied under other ids until they are eight
//! hundred; synthetic ones wait for calls of the catalogue, as real rules do, and ask for one more field. Every set runs in
//! a process of its own, so that its peak of memory is its own; the shortest of three rounds of CPU time counts.
//! `benches/rules` sets `PEER`, which does the same to the same rules and events.

#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

use std::ops::ControlFlow;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use alerts::{Engine, Lists, Rule, Settings, pack, rule};
use arrow::array::{ArrayRef, RecordBatch, StringArray, TimestampMicrosecondArray};
use ingest::action::actions;
use ingest::pipeline::{Options, scan};
use ingest::simulate::{Plan, write};
use ingest::source::Sources;

const ROUNDS: usize = 3;
const SETS: [&str; 4] = ["none", "shipped", "public", "synthetic"];

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(at) = arguments.iter().position(|argument| argument == "--set") {
        return match arguments[at + 1].as_str() {
            "keys" => keys(arguments[at + 2].parse().unwrap()),
            set => measure(set, &arguments[at + 2]),
        };
    }
    let events = std::env::var("EVENTS").ok().and_then(|n| n.parse().ok()).unwrap_or(300_000);
    let folder = tempfile::tempdir().unwrap();
    let summary = write(&Plan { events, ..Plan::default() }, folder.path()).unwrap();
    let trail = summary.trail.to_str().unwrap();
    println!(
        "{:28} {:>6} {:>9} {:>10} {:>10} {:>7} {:>11} {:>7} {:>8}",
        "rules", "number", "matches", "reading s", "matching s", "", "observing s", "", "peak MiB"
    );
    for set in SETS {
        let rounds = || (0..ROUNDS).map(|_| figures(Command::new(&arguments[0]).args(["--set", set, trail])));
        let ours = best(rounds().collect());
        if ours.is_empty() {
            println!("SKIPPED {set}: ../shared/data absent");
            continue;
        }
        row(set, &ours);
        let Ok(peer) = std::env::var("PEER") else { continue };
        if set == "none" {
            continue;
        }
        let yaml = folder.path().join(format!("{set}.yml"));
        std::fs::write(&yaml, source(set).unwrap()).unwrap();
        let rounds = (0..ROUNDS).map(|_| figures(Command::new(&peer).arg(&yaml).arg(trail)));
        let theirs = best(rounds.collect());
        // rules, events, matches, reading, matching, peak
        if let [rules, _, matches, reading, matching, peak] = theirs.as_slice() {
            row("  rsigma-eval, serde_json", &[*rules, *matches, *reading, *matching, f64::NAN, *peak]);
            println!("  (its matching is {:.1} times ours)", matching / ours[3]);
        }
    }
    let keys = std::env::var("KEYS").unwrap_or_else(|_| "10000000".to_owned());
    if let [events, alerts, shed, seconds, peak] =
        figures(Command::new(&arguments[0]).args(["--set", "keys", &keys]))[..]
    {
        println!(
            "\n{events} events of a year, each with a group of its own, in a correlation: {seconds:.1} s of CPU time,"
        );
        println!("peak {peak:.0} MiB; {alerts} alerts of the thousand pairs among them, {shed} events shed");
    }
}

/// Events of a year, each with a group key of its own but for a thousand pairs, a minute apart, of which one comes at the
/// end.
fn keys(events: usize) {
    let yaml = "title: b\nid: b\nlogsource: {product: aws, service: cloudtrail}\ndetection:\n  s: {eventName: X}\n  condition: s\n---\n\
                title: c\nid: c\ncorrelation:\n  type: event_count\n  rules: [b]\n  group-by: [requestParameters.key]\n  timespan: 1h\n  \
                condition: {gte: 2}\n";
    let (mut engine, errors) = Engine::new(rule_files(&[yaml.to_owned()]), &Settings::default());
    assert_eq!(errors, []);
    let year = 365 * 86_400;
    // In an order that has nothing to do with time.
    let place = |n: usize| (n % events) * 7_919 % events * year / events;
    let all: Vec<usize> = (0..events + 1_000).collect();
    let start = thread_seconds();
    for some in all.chunks(50_000) {
        let time = |n: &usize| (place(*n) + if *n < events { 0 } else { 60 }) as i64 * 1_000_000;
        let text = |of: &dyn Fn(usize) -> String| -> ArrayRef {
            Arc::new(some.iter().map(|n| Some(of(*n))).collect::<StringArray>())
        };
        let batch = RecordBatch::try_from_iter([
            (
                "eventtime",
                Arc::new(some.iter().map(|n| Some(time(n))).collect::<TimestampMicrosecondArray>()) as ArrayRef,
            ),
            ("eventid", text(&|n| format!("{n:032}"))),
            ("eventname", text(&|_| "X".to_owned())),
            ("principal", text(&|n| format!("arn:aws:sts::111122223333:assumed-role/r/{n}"))),
            ("recipientaccountid", text(&|_| "111122223333".to_owned())),
            ("requestparameters", text(&|n| format!("{{\"key\":\"{}\"}}", n % events))),
        ]);
        engine.observe(&batch.unwrap());
    }
    let outcome = engine.finish();
    let found = outcome.alerts.iter().filter(|alert| alert.rule == "c").count();
    let seconds = thread_seconds() - start;
    println!("{} {found} {} {seconds} {}", outcome.counters.events, outcome.counters.shed_correlated, peak_mib());
}

fn row(name: &str, figures: &[f64]) {
    let [rules, matches, reading, matching, observing, peak] = figures else { return };
    let share = |time: &f64| if time.is_nan() { String::new() } else { format!("{:.1} %", 100.0 * time / reading) };
    let (first, second) = (share(matching), share(observing));
    let observing = if observing.is_nan() { String::new() } else { format!("{observing:.3}") };
    println!(
        "{name:28} {rules:>6} {matches:>9} {reading:>10.3} {matching:>10.3} {first:>7} {observing:>11} {second:>7} {peak:>8.0}"
    );
}

/// What a process prints; nothing where it cannot run.
fn figures(command: &mut Command) -> Vec<f64> {
    let output = command.output().unwrap();
    if !output.status.success() {
        eprintln!("{}", String::from_utf8_lossy(&output.stderr));
        return Vec::new();
    }
    String::from_utf8_lossy(&output.stdout).split_whitespace().filter_map(|word| word.parse().ok()).collect()
}

/// The smallest of each figure.
fn best(rounds: Vec<Vec<f64>>) -> Vec<f64> {
    let least = |a: Vec<f64>, b: Vec<f64>| a.iter().zip(&b).map(|(a, b)| a.min(*b)).collect();
    rounds.into_iter().reduce(least).unwrap_or_default()
}

/// The child's side: prints rules, matches, CPU seconds of reading, matching and observing, and the peak.
fn measure(set: &str, trail: &str) {
    let Some(rules) = rules(set) else { return };
    let number = rules.len();
    let sources = Sources::new(&[trail]).unwrap();
    let mut batches = Vec::new();
    let start = process_seconds();
    let mut sink = |batch: RecordBatch| {
        batches.push(batch);
        ControlFlow::Continue(())
    };
    scan(&sources, &Options { threads: 1, ..Options::default() }, &mut sink).unwrap();
    let reading = process_seconds() - start;
    let (mut engine, _) = Engine::new(rules, &Settings::default());
    let mut found = Vec::new();
    let start = thread_seconds();
    for batch in &batches {
        found.clear();
        engine.matches(batch, &mut found);
    }
    let matching = thread_seconds() - start;
    let start = thread_seconds();
    batches.iter().for_each(|batch| engine.observe(batch));
    let observing = thread_seconds() - start;
    println!("{number} {} {reading} {matching} {observing} {}", engine.finish().counters.matches, peak_mib());
}

fn rules(set: &str) -> Option<Vec<Rule>> {
    match set {
        "none" => Some(Vec::new()),
        "shipped" => Some(pack::shipped()),
        "public" => public(800),
        _ => Some(rule_files(&synthetic(10_000))),
    }
}

fn rule_files(yaml: &[String]) -> Vec<Rule> {
    yaml.iter().flat_map(|yaml| rule::parse("synthetic", yaml, &Lists::new()).rules).collect()
}

/// The rules of a set as one YAML text.
fn source(set: &str) -> Option<String> {
    let all = match set {
        "shipped" => pack::SHIPPED.iter().map(|(_, yaml)| (*yaml).to_owned()).collect(),
        "public" => public_files(800)?,
        "synthetic" => synthetic(10_000),
        _ => return None,
    };
    Some(all.join("\n---\n"))
}

/// Public rules, over and over under new ids.
fn public(number: usize) -> Option<Vec<Rule>> {
    let mut rules = rule_files(&public_files(number)?);
    for (at, rule) in rules.iter_mut().enumerate() {
        rule.about.id = format!("{}-{at}", rule.about.id);
        rule.about.title = format!("{} {at}", rule.about.title);
    }
    Some(rules)
}

fn public_files(number: usize) -> Option<Vec<String>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/sigma");
    let mut known: Vec<String> = Vec::new();
    for part in ["sigmahq", "suzaku"] {
        let mut open = vec![folder.join(part)];
        while let Some(path) = open.pop() {
            if path.is_dir() {
                let mut inner: Vec<_> = std::fs::read_dir(path).unwrap().map(|e| e.unwrap().path()).collect();
                inner.sort();
                open.extend(inner);
            } else if path.extension().is_some_and(|e| e == "yml") {
                let yaml = std::fs::read_to_string(path).unwrap();
                let parsed = rule::parse("public", &yaml, &Lists::new());
                if parsed.errors.is_empty() && parsed.rules.len() == 1 && !yaml.contains("correlation:") {
                    known.push(yaml);
                }
            }
        }
    }
    (!known.is_empty()).then(|| known.iter().cycle().take(number).cloned().collect())
}

fn synthetic(number: usize) -> Vec<String> {
    let calls: Vec<_> = actions().iter().filter(|action| action.observable).collect();
    let fields = [
        "errorCode|contains: denied",
        "userAgent|contains: tool",
        "requestParameters.name|startswith: x",
        "sourceIPAddress|cidr: 10.0.0.0/8",
        "userIdentity.arn|endswith: admin",
    ];
    let rule = |at: usize| {
        let (service, name) = calls[at * 7919 % calls.len()].name.split_once(':').unwrap();
        format!(
            "title: s{at}\nid: s{at}\nlogsource: {{product: aws, service: cloudtrail}}\ndetection:\n  s:\n    \
             eventSource: {service}.amazonaws.com\n    eventName: {name}\n    {}{at}\n  condition: s\n",
            fields[at % fields.len()].replace("10.0.0.0/8", &format!("10.{}.0.0/16 #", at % 256)),
        )
    };
    (0..number).map(rule).collect()
}

/// User and system time of all threads of this process.
fn process_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after = stat.rsplit(')').next().unwrap_or_default();
    let ticks: f64 = after.split_whitespace().skip(11).take(2).filter_map(|t| t.parse::<f64>().ok()).sum();
    ticks / 100.0
}

/// CPU time of this thread.
fn thread_seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split_whitespace().next().and_then(|ns| ns.parse::<f64>().ok()).unwrap_or_default() / 1e9
}

/// Peak resident memory of this process.
fn peak_mib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kib| kib.parse::<f64>().ok()).unwrap_or_default() / 1024.0
}
