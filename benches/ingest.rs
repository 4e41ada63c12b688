//! What ingesting costs, beside inflating the same files in the same run; and what it holds in memory.
//!
//! `cargo bench -p trailhound-ingest --bench ingest [-- BENCH] [-- DIR]`, where BENCH is `inflation` (default), `small`,
//! `memory` or `scaling`; `inflation` takes a folder of your own logs, all else is generated. Every stage runs in a
//! process of its own, so that its time and its peak memory are its own; stages that are compared take turns. What
//! counts are the ratios: machines differ, and these are noisy. A line that begins with RESULT is one line of the table
//! that `benches/run` prints.

#![allow(clippy::print_stdout)]

#[path = "ingest/bombs.rs"]
mod bombs;
#[path = "ingest/child.rs"]
mod child;
#[path = "ingest/corpus.rs"]
mod corpus;
#[path = "ingest/memory.rs"]
mod memory;
#[path = "ingest/speed.rs"]
mod speed;
#[path = "ingest/stage.rs"]
mod stage;

use std::path::Path;

/// What everything here may fail with.
type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> Outcome<()> {
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["--stage", name, dir, threads] => child::answer(name, Path::new(dir), threads.parse()?),
        [] | ["inflation"] => speed::inflation(None),
        ["small"] => speed::small(),
        ["scaling"] => speed::scaling(),
        ["memory"] => memory::memory(),
        ["inflation", dir] | [dir] => speed::inflation(Some(Path::new(dir))),
        _ => Err("usage: [inflation|small|memory|scaling] [DIR]".into()),
    }
}

/// One line of the table: from → to, bound or peer, goal, measured, and whether the goal is met.
fn result(what: &str, beside: &str, goal: &str, measured: &str, met: bool) {
    println!("RESULT\t{what}\t{beside}\t{goal}\t{measured}\t{}", if met { "met" } else { "missed" });
}

/// A number of the environment, for smaller or larger runs.
fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.replace('_', "").parse().ok()).unwrap_or(default)
}

/// Worker threads of every stage: the goals are stated for two.
fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from).min(2)
}
