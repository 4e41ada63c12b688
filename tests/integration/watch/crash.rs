//! Killed at every step, and at random: each alert once after its key, no row lost, none twice.

use std::os::unix::process::ExitStatusExt;
use std::time::Duration;

use super::Station;
use crate::command::{finished, text};
use crate::lake::kill::{Dice, seeds_asked};

const EVENTS: u64 = 160;

/// Steps of the way, in its order: the rules, the outbox, the sink, the rows, the commit.
const STEPS: &[&str] = &[
    "watch.match.before",
    "watch.match.after",
    "outbox.append.before",
    "outbox.append.half",
    "outbox.append.written",
    "outbox.append.after",
    "watch.accepted",
    "send.before",
    "send.after",
    "settle.after",
    "object.parsed",
    "events.stored",
    "side.stored",
    "manifest.before",
    "manifest.after",
    "commit.before",
    "commit.after",
    "side.commit.after",
    "watch.committed",
];

fn dies_at(steps: &[&str]) {
    for step in steps {
        // The outbox is written to again and again; the other steps are alike whenever they are reached.
        for time in 1..=if step.starts_with("outbox") { 2 } else { 1 } {
            let station = Station::with_trail(EVENTS, 7);
            let logs = station.world.logs();
            let context = format!("{step}:{time}");
            let died = station.once(text(&logs), Some(&context));
            assert!(died.code == -1 || time > 1, "{context} is never reached: {}", died.stderr);
            let run = station.once(text(&logs), None);
            assert_eq!(run.code, 0, "{context}: {}", run.stderr);
            station.assert_whole(&logs, &context);
        }
    }
}

#[test]
fn dies_while_it_judges() {
    dies_at(&STEPS[..7]);
}

#[test]
fn dies_while_it_sends() {
    dies_at(&STEPS[7..13]);
}

#[test]
fn dies_while_it_commits() {
    dies_at(&STEPS[13..]);
}

/// What a process told before it died is in the table, though the next one would not find it again.
#[test]
fn what_was_told_is_known_whatever_the_next_process_finds() {
    for step in ["send.after", "settle.after", "commit.before", "watch.committed", "watch.noted"] {
        let mut station = Station::with_trail(EVENTS, 9);
        let logs = station.world.logs();
        let died = station.once(text(&logs), Some(step));
        assert_eq!(died.code, -1, "{step} is never reached: {}", died.stderr);
        let told = station.hook.told().len();
        // Later steps may come before the first message leaves.
        assert!(told > 0 || !step.contains("send"), "{step}: nobody was told");
        // Other rules: of what was told nothing is found again.
        let rules = station.path("rules");
        std::fs::create_dir(&rules).unwrap();
        station.flags = vec!["--rules".to_owned(), text(&rules).to_owned(), "--no-shipped-rules".to_owned()];
        let run = station.once(text(&logs), None);
        assert_eq!(run.code, 0, "{step}: {}", run.stderr);
        station.assert_told(step);
        assert!(station.table().len() >= told, "{step}");
    }
}

/// SIGKILL after a random time, a few times over, while files come in; then one that may end.
#[test]
fn killed_at_random() {
    // The lake's tests ask for 200 seeds and more.
    for seed in 0..seeds_asked().div_ceil(33) {
        let mut dice = Dice::new(seed);
        let station = Station::with_trail(EVENTS, 11 + seed % 3);
        let (logs, inbox) = (station.world.logs(), station.path("inbox"));
        std::fs::create_dir(&inbox).unwrap();
        let files = super::log_files(&logs);
        let parts = 1 + dice.below(3) as usize;
        for part in files.chunks(files.len().div_ceil(parts)) {
            super::deliver(part, &logs, &inbox);
            let mut child = station.command(text(&inbox), &[]).env("TRAILHOUND_TASK_OBJECTS", "8").spawn().unwrap();
            std::thread::sleep(Duration::from_millis(200 + dice.below(3_000)));
            child.kill().unwrap();
            let output = child.wait_with_output().unwrap();
            assert_eq!(output.status.signal(), Some(9), "{}", finished(output).stderr);
        }
        let run = station.once(text(&inbox), None);
        assert_eq!(run.code, 0, "seed {seed}: {}", run.stderr);
        station.assert_whole(&inbox, &format!("seed {seed}"));
    }
}
