//! The crash matrix: the process dies at every named step, is started again, and the lake is what it would have been.
//!
//! A step that is never reached fails the test: a matrix that tests nothing looks like one that passes.

use lake::fault::STEPS;

use super::contents::{Contents, assert_same};
use super::trail::{self, keep_without};
use super::{Lake, World, data_files};
use crate::command::text;

/// Events of the trail that the matrix runs on.
const EVENTS: u64 = 300;

/// Which command reaches a step.
fn is_of_upkeep(step: &str) -> bool {
    ["compact.", "refold.", "expire.", "vacuum.", "repair."].iter().any(|begin| step.starts_with(begin))
}

fn steps_of_ingest() -> Vec<&'static str> {
    STEPS.iter().copied().filter(|step| !is_of_upkeep(step)).collect()
}

/// A trail, and a lake of it that was written in one go.
fn reference(world: &World) -> Contents {
    let lake = world.lake("reference").many_commits();
    let done = lake.ingest();
    assert!(done["commits"].as_u64().unwrap() >= 2, "the trail should take several commits: {done}");
    let contents = lake.contents().unwrap();
    assert_same(&contents.ids, &world.oracle(), "events", "the reference");
    assert_eq!(Contents::sum(&contents.objects, 1), contents.rows() as i64);
    assert_eq!(Contents::sum(&contents.coverage, 0), contents.rows() as i64);
    assert!(contents.objects.values().all(|object| object[0] == 1), "{:?}", contents.objects);
    assert_eq!(contents.objects.len(), trail::files(&world.logs()).len());
    contents
}

#[test]
fn there_are_enough_steps() {
    assert!(STEPS.len() >= 25, "{}", STEPS.len());
}

#[test]
fn an_ingest_that_dies_anywhere_is_finished_by_the_next() {
    let died = ingest_dies(1);
    assert_eq!(died, steps_of_ingest(), "these were reached, the others never");
}

#[test]
fn an_ingest_that_dies_later_is_finished_by_the_next() {
    let died = ingest_dies(2);
    assert!(died.len() > 12, "{died:?}");
}

/// Dies at each step the n-th time, is run again, and the lake must be whole; the steps at which it died.
fn ingest_dies(n: u32) -> Vec<&'static str> {
    let world = World::with_trail(EVENTS, 10 + u64::from(n));
    let wanted = reference(&world);
    let logs = world.logs();
    let ingest = ["ingest", text(&logs)];
    let mut steps = steps_of_ingest();
    steps.retain(|step| {
        let lake = world.lake(step).many_commits();
        let died = lake.dies(&ingest, step, n);
        lake.ingest();
        lake.contents().unwrap().assert_is(&wanted, &format!("{step}:{n}"));
        std::fs::remove_dir_all(lake.folder()).unwrap();
        died
    });
    steps
}

#[test]
fn an_ingest_into_a_lake_with_events_may_die_too() {
    let world = World::with_trail(EVENTS, 12);
    let wanted = reference(&world);
    // Every other day is there already, from objects that are read in the order of the whole.
    let before = world.lake("before").many_commits();
    let logs = world.logs();
    let files = trail::files(&logs);
    let first: Vec<&str> = files.iter().take(files.len() / 2).map(|path| text(path)).collect();
    before.done(&[&["ingest"], first.as_slice()].concat());
    let ingest = ["ingest", text(&logs)];
    for step in steps_of_ingest() {
        let lake = before.copied(step);
        // Nothing is made where a lake is there.
        let died = lake.dies(&ingest, step, 1);
        assert!(died, "{step} was never reached");
        lake.ingest();
        lake.contents().unwrap().assert_is(&wanted, step);
        std::fs::remove_dir_all(lake.folder()).unwrap();
    }
}

/// Dies at one step, and while that is being mended at another. A part of all pairs, which `TRAILHOUND_PAIRS=all` widens.
#[test]
fn recovery_may_die_as_well() {
    let world = World::with_trail(170, 13);
    let wanted = reference(&world);
    let logs = world.logs();
    let ingest = ["ingest", text(&logs)];
    let steps = steps_of_ingest();
    let all = std::env::var("TRAILHOUND_PAIRS").is_ok_and(|pairs| pairs == "all");
    let mut twice = 0;
    let mut pairs = 0;
    for (a, first) in steps.iter().enumerate() {
        for (b, second) in steps.iter().enumerate() {
            if !all && (a * 7 + b) % 17 != 0 {
                continue;
            }
            let context = format!("{first}, then {second}");
            let lake = world.lake(&context).many_commits();
            // Steps that come often are met in the middle of the work.
            let died = lake.dies(&ingest, first, 2) || lake.dies(&ingest, first, 1);
            twice += u32::from(lake.dies(&ingest, second, 1) && died);
            pairs += 1;
            lake.ingest();
            lake.contents().unwrap().assert_is(&wanted, &context);
            std::fs::remove_dir_all(lake.folder()).unwrap();
        }
    }
    assert!(twice * 2 > pairs, "only {twice} of {pairs} died twice");
}

/// For each step of a piece of upkeep: dies there, is run again, and `whole` says whether all is well.
fn upkeep_dies(prefixes: &[&str], before: &Lake<'_>, args: &[&str], whole: &dyn Fn(&Lake<'_>, &str)) {
    let of_it = |step: &&&str| prefixes.iter().any(|prefix| step.starts_with(prefix));
    let steps: Vec<_> = STEPS.iter().filter(of_it).collect();
    assert!(!steps.is_empty());
    for step in steps {
        for n in [1, 2] {
            let lake = before.copied(&format!("{step}-{n}"));
            let died = lake.dies(args, step, n);
            assert!(died || n > 1, "{step} was never reached");
            lake.done(args);
            whole(&lake, &format!("{step}:{n}"));
            // And the next ingest finds nothing to do.
            let again = lake.ingest();
            assert_eq!((&again["rows"], &again["objects"]), (&0.into(), &0.into()), "{step}:{n}: {again}");
            std::fs::remove_dir_all(lake.folder()).unwrap();
        }
    }
}

#[test]
fn compaction_may_die() {
    let world = World::with_trail(EVENTS, 14);
    let wanted = reference(&world);
    upkeep_dies(&["compact."], &world.lake("reference"), &["lake", "compact"], &|lake, context| {
        lake.contents().unwrap().assert_is(&wanted, context);
        let status = lake.done(&["lake", "status"]);
        assert_eq!(status["to_compact"], 0, "{context}: {status}");
    });
}

#[test]
fn expiry_and_sweeping_may_die() {
    let world = World::with_trail(EVENTS, 15);
    let wanted = reference(&world);
    let lake = world.lake("reference");
    lake.done(&["lake", "compact"]);
    let (first, keep) = keep_without(2);
    let ids = trail::ids_since(&world.logs(), first);
    assert!(!ids.is_empty() && ids.len() < wanted.ids.len());
    // Nobody else is at work, so a sweep may be without mercy.
    let args = ["lake", "expire", "--keep", &keep, "--grace", "1s"];
    upkeep_dies(&["expire.", "vacuum."], &lake, &args, &|lake, context| {
        let contents = lake.contents().unwrap();
        assert_same(&contents.ids, &ids, "events", context);
        assert_same(&contents.objects, &wanted.objects, "objects", context);
        assert_same(&contents.last_used, &wanted.last_used, "last_used", context);
        // What left the tables a moment ago is swept a moment later.
        std::thread::sleep(std::time::Duration::from_millis(1_100));
        lake.done(&args);
        assert_eq!(lake.done(&["lake", "check"])["unnamed"], 0, "{context}");
    });
}

#[test]
fn repair_may_die() {
    let world = World::with_trail(EVENTS, 16);
    let wanted = reference(&world);
    let lake = world.lake("reference");
    let files = data_files(lake.folder(), "events");
    for path in [&files[0], &files[files.len() - 1]] {
        let mut bytes = std::fs::read(path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 4;
        std::fs::write(path, bytes).unwrap();
    }
    upkeep_dies(&["repair."], &lake, &["lake", "repair"], &|lake, context| {
        assert_same(&lake.contents().unwrap().ids, &wanted.ids, "events", context);
    });
    // The repair reads objects again through an ingest: that may die as well.
    let args = ["lake", "repair"];
    for step in steps_of_ingest() {
        let lake = lake.copied(step);
        lake.dies(&args, step, 1);
        lake.done(&args);
        let contents = lake.contents().unwrap();
        contents.assert_is(&wanted, step);
        std::fs::remove_dir_all(lake.folder()).unwrap();
    }
}
