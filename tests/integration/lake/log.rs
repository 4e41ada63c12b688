//! Delta's log cut, emptied or broken, and the small files beside it: nothing goes on as if nothing were wrong, and what an
//! error names as the next step works.

use std::path::PathBuf;

use super::{Lake, World};
use crate::command::text;

const QUESTION: [&str; 2] = ["query", "SELECT count(*) AS n FROM events"];

/// The newest commit of a table.
fn newest(lake: &Lake<'_>, table: &str) -> PathBuf {
    files(lake, &format!("{table}/_delta_log"))
        .into_iter()
        .rfind(|path| path.extension().is_some_and(|e| e == "json"))
        .unwrap()
}

fn files(lake: &Lake<'_>, folder: &str) -> Vec<PathBuf> {
    let mut all: Vec<_> =
        std::fs::read_dir(lake.folder().join(folder)).unwrap().map(|entry| entry.unwrap().path()).collect();
    all.sort();
    all
}

/// A lake of two commits, and logs that it does not have yet.
fn two_commits<'a>(world: &'a World, more: &World) -> Lake<'a> {
    let lake = world.lake("lake");
    lake.ingest();
    lake.done(&["ingest", text(&more.logs())]);
    lake
}

#[test]
fn a_lost_commit_of_events_is_told_and_nothing_is_built_on_it() {
    let (world, more, third) = (World::with_trail(80, 81), World::with_trail(80, 82), World::with_trail(80, 83));
    let reference = two_commits(&world, &more);
    for (name, is_emptied) in [("emptied", true), ("gone", false)] {
        let lake = reference.copied(name);
        let commit = newest(&lake, "events");
        let written = std::fs::read(&commit).unwrap();
        match is_emptied {
            true => std::fs::write(&commit, "").unwrap(),
            false => std::fs::remove_file(&commit).unwrap(),
        }
        for _ in 0..4 {
            let run = lake.run(&["ingest", text(&third.logs())]);
            assert_eq!(run.code, 5, "{name}: {}{}", run.stdout, run.stderr);
            assert!(run.stderr.contains("events/_delta_log") && run.stderr.contains("from a copy"), "{}", run.stderr);
        }
        let check = lake.run(&["lake", "check"]);
        assert!(check.code == 3 || check.code == 5, "{name}: {}", check.stdout);
        assert!(format!("{}{}", check.stdout, check.stderr).contains("events/_delta_log"), "{name}");
        if is_emptied {
            let asked = lake.run(&["query", "SELECT count(*) AS n FROM events"]);
            assert_eq!(asked.code, 5, "{}", asked.stdout);
        } else {
            // What is left is a lake; that something was there is in the tables beside `events`.
            let (whole, left) = (reference.run(&QUESTION), lake.run(&QUESTION));
            assert!(left.code == 0 && left.stdout != whole.stdout, "{}{}", left.stdout, left.stderr);
            assert!(left.stderr.contains("without those events") && left.stderr.contains("events/_delta_log"));
            assert_eq!(left.stderr.matches("warning").count(), 1, "{}", left.stderr);
            for args in [&["scan"][..], &["access"], &["alerts"]] {
                assert_eq!(lake.run(args).stderr.matches("without those events").count(), 1, "{args:?}");
            }
            assert!(!whole.stderr.contains("without those events"), "{}", whole.stderr);
        }
        std::fs::write(&commit, written).unwrap();
        assert_eq!(lake.contents(), reference.contents(), "{name}");
        lake.done(&["ingest", text(&third.logs())]);
    }
}

/// A writer that dies after its manifest has lost nothing: its batch never stood.
#[test]
fn a_batch_that_never_stood_is_no_loss() {
    let (world, more) = (World::with_trail(80, 90), World::with_trail(80, 91));
    let lake = world.lake("lake");
    lake.ingest();
    assert!(lake.dies(&["ingest", text(&more.logs())], "manifest.after", 1));
    let asked = lake.run(&QUESTION);
    assert!(asked.code == 0 && !asked.stderr.contains("without those events"), "{}", asked.stderr);
}

#[test]
fn a_broken_commit_is_named_in_one_line() {
    let world = World::with_trail(60, 84);
    let lake = world.lake("lake");
    lake.ingest();
    for (table, next) in [("events", "from a copy"), ("coverage", "lake repair")] {
        let commit = newest(&lake, table);
        let written = std::fs::read(&commit).unwrap();
        std::fs::write(&commit, "x\n").unwrap();
        let run = lake.run(&["lake", "check"]);
        assert_eq!(run.code, 5, "{}", run.stdout);
        let name = text(commit.strip_prefix(lake.folder()).unwrap());
        assert!(run.stderr.contains(name) && run.stderr.contains(next), "{}", run.stderr);
        assert_eq!(run.stderr.trim_end().lines().count(), 1, "{}", run.stderr);
        std::fs::write(&commit, written).unwrap();
    }
}

#[test]
fn a_manifest_that_is_gone_or_damaged_is_repaired() {
    let (world, more) = (World::with_trail(60, 85), World::with_trail(60, 86));
    let whole = two_commits(&world, &more);
    let wanted = whole.contents().unwrap();
    for (name, is_gone) in [("gone", true), ("damaged", false)] {
        let lake = world.lake(name);
        lake.ingest();
        assert!(lake.dies(&["ingest", text(&more.logs())], "side.commit.before", 1), "{name}");
        // The batch that is unfinished is the newest.
        let manifest = files(&lake, "_trailhound/batches").pop().unwrap();
        match is_gone {
            true => std::fs::remove_file(&manifest).unwrap(),
            false => std::fs::write(&manifest, "x").unwrap(),
        }
        for args in [vec!["ingest", text(&more.logs())], vec!["lake", "compact"]] {
            let run = lake.run(&args);
            assert_eq!(run.code, 5, "{name}: {args:?}: {}", run.stderr);
            assert!(run.stderr.contains("_trailhound/batches") && run.stderr.contains("lake repair"), "{}", run.stderr);
        }
        let check = lake.run(&["lake", "check"]);
        assert!(check.code == 3 && check.stdout.contains("lake repair"), "{name}: {}", check.stdout);
        let repair = lake.run(&["lake", "repair"]);
        assert!(repair.stderr.contains("_trailhound/batches"), "{name}: {}", repair.stderr);
        assert_eq!(lake.run(&["lake", "check"]).code, 0, "{name}");
        // The ledger did not get the batch: its objects are read again, and no event counts twice.
        let again = lake.done(&["ingest", text(&more.logs())]);
        assert!(again["objects"].as_u64().unwrap() > 0 && again["rows"] == 0, "{again}");
        assert_eq!(lake.contents().unwrap().ids, wanted.ids, "{name}");
    }
}

#[test]
fn a_file_of_the_format_that_is_garbage_is_written_anew() {
    let world = World::with_trail(60, 87);
    let lake = world.lake("lake");
    lake.ingest();
    let before = lake.contents();
    let format = lake.folder().join("_trailhound/lake.json");
    std::fs::write(&format, "garbage").unwrap();
    let run = lake.run(&["lake", "check"]);
    assert!(run.code == 5 && run.stderr.contains("lake.json") && run.stderr.contains("lake repair"), "{}", run.stderr);
    lake.run(&["lake", "repair"]);
    assert_eq!(lake.run(&["lake", "check"]).code, 0);
    assert_eq!(lake.contents(), before);
}

#[test]
fn a_ledger_that_is_gone_has_a_next_step_that_works() {
    let world = World::with_trail(60, 88);
    let lake = world.lake("lake");
    lake.ingest();
    super::data_files(lake.folder(), "objects").iter().for_each(|path| std::fs::remove_file(path).unwrap());
    let run = lake.run(&["ingest", text(&world.logs())]);
    assert!(run.code == 5 && run.stderr.contains("lake repair"), "{}", run.stderr);
    let repair = lake.run(&["lake", "repair"]);
    assert!(repair.stderr.contains("the table objects lost"), "{}", repair.stderr);
    assert_eq!(lake.ingest()["rows"], 0);
}

#[test]
fn tables_of_somebody_else_are_left_alone() {
    let world = World::with_trail(60, 89);
    let lake = world.lake("theirs");
    let log = lake.folder().join("events/_delta_log");
    std::fs::create_dir_all(&log).unwrap();
    let schema = r#"{\"type\":\"struct\",\"fields\":[{\"name\":\"eventid\",\"type\":\"string\",\"nullable\":true,\"metadata\":{}}]}"#;
    let made = format!(
        "{}\n{}\n",
        r#"{"protocol":{"minReaderVersion":1,"minWriterVersion":2}}"#,
        format_args!(
            r#"{{"metaData":{{"id":"a","format":{{"provider":"parquet","options":{{}}}},"schemaString":"{schema}","partitionColumns":[],"configuration":{{}},"createdTime":0}}}}"#
        )
    );
    let commit = log.join("00000000000000000000.json");
    std::fs::write(&commit, &made).unwrap();
    let run = lake.run(&["ingest", text(&world.logs())]);
    assert_eq!(run.code, 5, "{}", run.stdout);
    assert!(run.stderr.contains("not made by trailhound") && run.stderr.contains("--lake"), "{}", run.stderr);
    let left: Vec<_> = std::fs::read_dir(&log).unwrap().collect();
    assert_eq!((std::fs::read_to_string(&commit).unwrap(), left.len()), (made, 1));
}
