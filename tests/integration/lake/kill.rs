//! Killed at random: SIGKILL after a random time, again and again, until nobody kills; then the lake is whole.
//!
//! `TRAILHOUND_SEEDS=n` runs so many seeds, `TRAILHOUND_SEED=n` just that one. `tests/crash` is the long run.

use std::time::{Duration, Instant};

use super::contents::Contents;
use super::{Lake, World};
use crate::command::text;

const SEEDS: u64 = 200;
/// Each test takes every so many-th seed, so that a runner can spread them.
const PARTS: u64 = 8;
const EVENTS: u64 = 120;

/// Random numbers from a seed: SplitMix64, from the public domain reference by Sebastiano Vigna.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Dice {
        Dice(seed.wrapping_mul(0x2545_f491_4f6c_dd1d) ^ 0x9e37_79b9_7f4a_7c15)
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % end.max(1)
    }
}

/// What is killed, and how long it takes when it is not.
struct Job<'a> {
    args: Vec<&'a str>,
    time: Duration,
}

fn timed<'a>(lake: &Lake<'_>, args: &[&'a str]) -> Job<'a> {
    let started = Instant::now();
    lake.done(args);
    Job { args: args.to_vec(), time: started.elapsed() }
}

/// Runs a command and kills it after a random time; whether it was still alive.
fn kill(lake: &Lake<'_>, job: &Job<'_>, dice: &mut Dice, context: &str) -> bool {
    let mut child = lake.command(&job.args).spawn().unwrap();
    std::thread::sleep(Duration::from_micros(dice.below(job.time.as_micros() as u64)));
    child.kill().unwrap();
    let output = child.wait_with_output().unwrap();
    let killed = output.status.code().is_none();
    let stderr = String::from_utf8_lossy(&output.stderr);
    // Upkeep of a lake that was never finished may say that there is none.
    let absent = output.status.code() == Some(2) && stderr.contains("no lake here");
    assert!(killed || absent || output.status.success(), "{context}: {:?}: {stderr}", job.args);
    killed
}

/// One seed: a few commands, each killed; then one ingest to the end.
fn round(world: &World, jobs: &[Job<'_>], wanted: &Contents, seed: u64) -> u64 {
    let mut dice = Dice::new(seed);
    let tasks = (4 + dice.below(28)).to_string();
    let rows = (30 + dice.below(90)).to_string();
    let lake = world.lake(&format!("seed-{seed}"));
    let lake = lake.with(&[("TRAILHOUND_TASK_OBJECTS", &tasks), ("TRAILHOUND_BATCH_ROWS", &rows)]);
    let context = format!("seed {seed} (repeat it: TRAILHOUND_SEED={seed})");
    let mut killed = 0;
    for _ in 0..1 + dice.below(3) {
        // An ingest twice as often as upkeep.
        let job = &jobs[(dice.below(jobs.len() as u64 + 2) as usize).saturating_sub(2)];
        killed += u64::from(kill(&lake, job, &mut dice, &context));
    }
    lake.ingest();
    match lake.contents() {
        Some(contents) => contents.assert_is(wanted, &context),
        None => panic!("{context}: there is no lake"),
    }
    std::fs::remove_dir_all(lake.folder()).unwrap();
    killed
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is no number: {text}")))
}

/// How many seeds this run is to try.
pub(crate) fn seeds_asked() -> u64 {
    number("TRAILHOUND_SEEDS").unwrap_or(SEEDS)
}

fn seeds(part: u64) -> Vec<u64> {
    let all = number("TRAILHOUND_SEED").map_or(0..seeds_asked(), |seed| seed..seed + 1);
    all.filter(|seed| seed % PARTS == part).collect()
}

fn killed_at_random(part: u64) {
    let seeds = seeds(part);
    if seeds.is_empty() {
        return;
    }
    let world = World::with_trail(EVENTS, 20 + part);
    let logs = world.logs();
    let reference = world.lake("reference").many_commits();
    let jobs = [
        timed(&reference, &["ingest", text(&logs)]),
        timed(&reference, &["lake", "compact"]),
        timed(&reference, &["lake", "expire", "--grace", "1d"]),
    ];
    let wanted = reference.contents().unwrap();
    super::contents::assert_same(&wanted.ids, &world.oracle(), "events", "the reference");
    let killed: u64 = seeds.iter().map(|seed| round(&world, &jobs, &wanted, *seed)).sum();
    println!("{} seeds, {killed} processes killed at work", seeds.len());
    assert!(killed as usize * 2 > seeds.len() || seeds.len() < 10, "{killed} of {} runs were killed", seeds.len());
}

macro_rules! parts {
    ($($name:ident $part:literal)*) => { $(
        #[test]
        fn $name() {
            killed_at_random($part);
        }
    )* };
}

parts! {
    killed_at_random_0 0
    killed_at_random_1 1
    killed_at_random_2 2
    killed_at_random_3 3
    killed_at_random_4 4
    killed_at_random_5 5
    killed_at_random_6 6
    killed_at_random_7 7
}
