//! Commits torn apart or emptied, logs that no reader opens, repairs at once: what is left is told rightly, nobody builds on a hole, and
//! what `events` tells is made anew once.

use std::fs;

use super::{Lake, World};
use crate::command::{finished, text};

const IDS: &str = "SELECT eventid FROM events ORDER BY 1";
const COUNTED: &str = "SELECT (SELECT sum(rows) FROM coverage) AS c, (SELECT sum(rows) FROM objects) AS o, \
                       (SELECT count(*) FROM events) AS e";

fn asked(lake: &Lake<'_>, sql: &str) -> serde_json::Value {
    lake.done(&["query", sql])
}

fn commit(table: &str, version: u64) -> String {
    format!("{table}/_delta_log/{version:020}.json")
}

/// The lines of a commit, each with its action.
fn lines(lake: &Lake<'_>, file: &str) -> Vec<(String, String)> {
    let text = fs::read_to_string(lake.folder().join(file)).unwrap();
    text.lines().map(|line| (line.split('"').nth(1).unwrap().to_owned(), line.to_owned())).collect()
}

/// All three count every event once.
#[track_caller]
fn assert_whole(lake: &Lake<'_>, ids: &serde_json::Value, context: &str) {
    let checked = lake.run(&["lake", "check"]);
    assert_eq!(checked.code, 0, "{context}: {}", checked.stdout);
    assert_eq!(&asked(lake, IDS), ids, "{context}");
    let counted = &asked(lake, COUNTED)[0];
    assert_eq!((&counted["c"], &counted["o"]), (&counted["e"], &counted["e"]), "{context}: {counted}");
}

/// Its sorted file is lost with some of the removals of what it was made of: it goes back whole, and those go.
#[test]
fn a_torn_compaction_loses_nothing() {
    let world = World::with_trail(300, 101);
    let whole = world.lake("lake").many_commits();
    whole.ingest();
    let before = asked(&whole, IDS);
    whole.done(&["lake", "compact"]);
    // The first of the compaction's commits that takes several files out.
    let is_torn = |version: &u64| {
        let path = whole.folder().join(commit("events", *version));
        let lines = if path.exists() { lines(&whole, &commit("events", *version)) } else { Vec::new() };
        lines.iter().filter(|(action, _)| action == "remove").count() > 1
            && lines.iter().any(|(action, _)| action == "add")
    };
    let file = commit("events", (1..500).find(is_torn).unwrap());
    let all = lines(&whole, &file);
    let add = all.iter().position(|(action, _)| action == "add").unwrap();
    let removals: Vec<_> = (0..all.len()).filter(|at| all[*at].0 == "remove").collect();
    for lost in [vec![add], vec![add, removals[0]], [vec![add], removals.clone()].concat(), (1..all.len()).collect()] {
        let lake = whole.copied("torn");
        let left: Vec<_> =
            all.iter().enumerate().filter(|(at, _)| !lost.contains(at)).map(|(_, line)| &*line.1).collect();
        if left.is_empty() || !left.iter().any(|line| line.contains("commitInfo")) {
            continue;
        }
        fs::write(lake.folder().join(&file), left.join("\n") + "\n").unwrap();
        lake.run(&["lake", "repair"]);
        assert_whole(&lake, &before, &format!("without the lines {lost:?} of {}", all.len()));
        fs::remove_dir_all(lake.folder()).unwrap();
    }
}

/// A lake of three ingests, with a commit each.
fn ingested_thrice(world: &World) -> Lake<'_> {
    let lake = world.lake("lake");
    for turn in 1..=3 {
        let events = [0, 1, 2, 3]
            .map(|n| super::trail::event(&format!("{turn}-{n}"), &format!("2026-03-0{turn}T0{n}:00:00Z"), ""));
        world.log(&format!("{turn}.json"), &super::trail::records(&events));
        lake.ingest();
    }
    for table in ["events", "coverage", "objects"] {
        assert!(lake.folder().join(commit(table, 3)).exists(), "{table}");
    }
    lake
}

/// A commit of `events` between others is empty: readers are told, nobody writes, and nothing is swept.
#[test]
fn nobody_builds_on_a_hole() {
    let world = World::empty();
    let lake = ingested_thrice(&world);
    let before = asked(&lake, IDS);
    let file = lake.folder().join(commit("events", 2));
    let kept = fs::read(&file).unwrap();
    fs::write(&file, "").unwrap();
    let answer = lake.run(&["query", "SELECT count(*) FROM events"]);
    assert!(answer.code == 0 && answer.stderr.contains("without those events"), "{}", answer.stderr);
    for args in [&["ingest", text(&world.logs())][..], &["lake", "compact"], &["lake", "expire", "--grace", "0s"]] {
        let run = lake.run(args);
        assert!(run.code == 5 && run.stderr.contains("has lost with it"), "{args:?}: {}", run.stderr);
    }
    fs::write(&file, kept).unwrap();
    assert_whole(&lake, &before, "with the commit back");
}

/// What a power cut leaves behind: an empty commit, and nothing was lost with it.
#[test]
fn an_empty_commit_without_a_batch_stops_nobody() {
    let world = World::with_trail(120, 103);
    let lake = world.lake("lake");
    lake.ingest();
    let next = (1..).find(|version| !lake.folder().join(commit("events", *version)).exists()).unwrap();
    fs::write(lake.folder().join(commit("events", next)), "").unwrap();
    world.log("more.json", &super::trail::records(&[super::trail::event("more", "2026-03-01T00:00:00Z", "")]));
    assert_eq!(lake.done(&["ingest", text(&world.logs())])["rows"], 1);
    let again = lake.run(&["ingest", text(&world.logs())]);
    assert_eq!((again.code, again.stderr.contains("has lost")), (0, false), "{}", again.stderr);
}

/// Two who mend the same count it once.
#[test]
fn repairs_at_once_count_once() {
    for table in ["coverage", "objects"] {
        let world = World::with_trail(300, 104);
        let lake = world.lake("lake");
        lake.ingest();
        let before = asked(&lake, IDS);
        fs::remove_dir_all(lake.folder().join(table)).unwrap();
        let both = [(); 3].map(|()| lake.command(&["lake", "repair"]).spawn().unwrap());
        for repair in both {
            let run = finished(repair.wait_with_output().unwrap());
            // What the last batch brought to the table is told as lost, and counted again.
            assert!([0, 3].contains(&run.code), "{table}: {}", run.stderr);
        }
        assert_whole(&lake, &before, table);
    }
}

/// The log of a table beside `events` has a hole or opens no more: it is set aside, and begins anew.
#[test]
fn tables_beside_events_begin_anew() {
    let world = World::empty();
    let whole = ingested_thrice(&world);
    let before = asked(&whole, IDS);
    for (table, keep) in [("coverage", 0), ("objects", 0), ("coverage", 100), ("alerts", 100), ("rejects", 100)] {
        let lake = whole.copied("torn");
        let file = lake.folder().join(commit(table, 0));
        let file = if keep == 0 { lake.folder().join(commit(table, 2)) } else { file };
        let bytes = fs::read(&file).unwrap();
        fs::write(&file, &bytes[..keep.min(bytes.len())]).unwrap();
        let checked = lake.run(&["lake", "check"]);
        assert_ne!(checked.code, 0, "{table} {keep}");
        assert!(format!("{}{}", checked.stdout, checked.stderr).contains("lake repair"), "{table}: {}", checked.stderr);
        let repaired = lake.run(&["lake", "repair"]);
        assert!(repaired.stderr.contains("is set aside"), "{table} {keep}: {}", repaired.stderr);
        assert_whole(&lake, &before, &format!("{table} {keep}"));
        assert_eq!(lake.done(&["ingest", text(&world.logs())])["rows"], 0, "{table}");
        fs::remove_dir_all(lake.folder()).unwrap();
    }
}

/// A file that the log lost, of a day that an expiry took away since, stays out.
#[test]
fn no_expired_day_is_put_back() {
    let world = World::empty();
    let event = super::trail::event;
    let both = [event("old", "2026-03-01T23:59:59Z", ""), event("new", "2026-03-02T00:00:01Z", "")];
    world.log("both.json", &super::trail::records(&both));
    let lake = world.lake("lake");
    lake.ingest();
    let file = commit("events", 1);
    let left: Vec<_> = lines(&lake, &file).into_iter().map(|(_, line)| line).collect();
    let left: Vec<_> =
        left.into_iter().filter(|line| !(line.starts_with("{\"add\"") && line.contains("2026-03-01"))).collect();
    fs::write(lake.folder().join(&file), left.join("\n") + "\n").unwrap();
    let first = chrono::NaiveDate::from_ymd_opt(2026, 3, 2).unwrap();
    let keep = format!("{}d", (chrono::Utc::now().date_naive() - first).num_days());
    lake.run(&["lake", "expire", "--keep", &keep]);
    let repaired = lake.done(&["lake", "repair"]);
    assert_eq!(repaired["rows_put_back"], 0, "{repaired}");
    assert_eq!(asked(&lake, IDS), serde_json::json!([{"eventid": "new"}]));
    assert_eq!(lake.run(&["lake", "check"]).code, 0);
}

/// Another program that deletes rows copies the others: told are those that went.
#[test]
fn what_others_took_is_counted_net() {
    let world = World::with_trail(200, 106);
    let lake = world.lake("lake");
    lake.ingest();
    let file = commit("events", 1);
    let add = lines(&lake, &file).into_iter().find(|(action, _)| action == "add").unwrap().1;
    let mut add: serde_json::Value = serde_json::from_str(&add).unwrap();
    let path = add["add"]["path"].as_str().unwrap().to_owned();
    let mut stats: serde_json::Value = serde_json::from_str(add["add"]["stats"].as_str().unwrap()).unwrap();
    let rows = stats["numRecords"].as_u64().unwrap();
    stats["numRecords"] = (rows - 3).into();
    add["add"]["stats"] = stats.to_string().into();
    add["add"]["path"] = path.replace(".parquet", "-copy.parquet").into();
    let values = &add["add"]["partitionValues"];
    let remove = serde_json::json!({"remove": {"path": path, "deletionTimestamp": 1, "dataChange": true, "partitionValues": values}});
    let info = serde_json::json!({"commitInfo": {"operation": "DELETE", "engineInfo": "another"}});
    fs::write(lake.folder().join(commit("events", 2)), format!("{remove}\n{add}\n{info}\n")).unwrap();
    let checked = lake.run(&["lake", "check", "--output", "json"]).json();
    let told = &checked["taken_by_others"][0];
    assert_eq!(
        (&told["operation"], &told["rows"], &told["files"]),
        (&"DELETE".into(), &3.into(), &1.into()),
        "{checked}"
    );
}

/// Events that came again before what the log had lost was back: nobody counts them twice.
#[test]
fn what_came_again_is_counted_once() {
    let world = World::with_trail(300, 107);
    let lake = world.lake("lake");
    lake.ingest();
    let before = asked(&lake, IDS);
    let access = |lake: &Lake<'_>| lake.done(&["access"]);
    let attempts = "SELECT sum(attempts) AS n FROM last_used";
    let (used, tried) = (access(&lake), asked(&lake, attempts));
    let file = commit("events", 1);
    let left: Vec<_> = lines(&lake, &file);
    let add = left.iter().position(|(action, _)| action == "add").unwrap();
    let left: Vec<_> = left.iter().enumerate().filter(|(at, _)| *at != add).map(|(_, line)| line.1.as_str()).collect();
    fs::write(lake.folder().join(&file), left.join("\n") + "\n").unwrap();
    assert!(lake.done(&["ingest", "--again", text(&world.logs())])["rows"].as_u64() > Some(0));
    let repaired = lake.done(&["lake", "repair"]);
    assert!(repaired["mended"].to_string().contains("some had come twice"), "{repaired}");
    // The ledger keeps what each reading of an object brought.
    let assert_counted = |context: &str| {
        assert_eq!(lake.run(&["lake", "check"]).code, 0, "{context}");
        assert_eq!(asked(&lake, IDS), before, "{context}");
        let counted = &asked(&lake, COUNTED)[0];
        assert_eq!(counted["c"], counted["e"], "{context}: {counted}");
    };
    assert_counted("repaired");
    assert_eq!(access(&lake), used, "read from the events");
    lake.done(&["lake", "compact"]);
    assert_counted("compacted");
    assert_eq!(access(&lake), used, "folded anew");
    assert_eq!(asked(&lake, attempts), tried);
}

/// A wrong letter in what a commit says of itself, and nowhere else, is no loss.
#[test]
fn a_wrong_name_in_what_a_commit_says_is_no_loss() {
    let world = World::empty();
    let whole = ingested_thrice(&world);
    let before = asked(&whole, IDS);
    for table in ["events", "objects", "coverage", "activity"] {
        let lake = whole.copied("misnamed");
        let file = lake.folder().join(commit(table, 2));
        let text = fs::read_to_string(&file).unwrap();
        let at = text.find("\"trailhound\":").unwrap();
        let (head, said) = text.split_at(at);
        let wrong = said.replacen(".parquet", ".parquat", 1);
        assert_ne!(said, wrong);
        fs::write(&file, format!("{head}{wrong}")).unwrap();
        let repaired = lake.run(&["lake", "repair"]);
        assert!(
            repaired.code == 0 && !repaired.stdout.contains("set aside"),
            "{table}: {}{}",
            repaired.stdout,
            repaired.stderr
        );
        assert_whole(&lake, &before, table);
        fs::remove_dir_all(lake.folder()).unwrap();
    }
}

/// A writer that died between two tables leaves one behind: a check says so, and the next writer goes on.
#[test]
fn a_table_without_the_last_batch_is_named() {
    let world = World::empty();
    let lake = ingested_thrice(&world);
    let before = asked(&lake, IDS);
    fs::remove_file(lake.folder().join(commit("coverage", 3))).unwrap();
    let checked = lake.run(&["lake", "check"]);
    assert!(checked.code == 0 && checked.stdout.contains("without the last batch yet"), "{}", checked.stdout);
    lake.ingest();
    assert_whole(&lake, &before, "finished");
    assert!(!lake.run(&["lake", "check"]).stdout.contains("without the last batch"));
}
