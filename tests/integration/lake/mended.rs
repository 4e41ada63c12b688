//! What a repair says of what it could not bring back, and what is not told twice.

use super::trail::{event, records};
use super::{World, data_files};
use crate::command::{finished, text};

/// The logs are there, and say something else now: they are named, and the loss is not forgotten.
#[test]
fn an_object_that_is_not_what_it_was_is_named() {
    let world = World::empty();
    let events: Vec<_> = (0..5).map(|n| event(&format!("e{n}"), "2026-03-01T10:00:00Z", "")).collect();
    let log = world.log("events.json", &records(&events));
    let lake = world.lake("lake");
    lake.ingest();
    std::fs::remove_file(&data_files(lake.folder(), "events")[0]).unwrap();
    world.log("events.json", &records(&events[..2]));
    let repaired = lake.run(&["lake", "repair", "--output", "json"]);
    let said = repaired.json();
    assert_eq!((repaired.code, &said["rows_recovered"], &said["rows_lost"]), (3, &2.into(), &3.into()), "{said}");
    assert_eq!(said["objects_changed"], serde_json::json!([text(&log)]), "{said}");
    assert!(repaired.stderr.contains("is not what it was"), "{}", repaired.stderr);
    for command in ["check", "status"] {
        assert_eq!(lake.done(&["lake", command])["given_up"], 3, "{command}");
    }
    assert!(lake.run(&["lake", "check"]).stdout.contains("events that repairs gave up"));
}

/// Each of two repairs at once brings back some of the rows, or none; nothing is lost.
#[test]
fn two_repairs_at_once_lose_nothing() {
    let world = World::with_trail(300, 68);
    let lake = world.lake("lake");
    lake.ingest();
    let before = lake.contents().unwrap();
    for _ in 0..3 {
        std::fs::remove_file(&data_files(lake.folder(), "events")[0]).unwrap();
        let repairs = [0, 1].map(|_| lake.command(&["lake", "repair", "--output", "json"]).spawn().unwrap());
        for repair in repairs {
            let run = finished(repair.wait_with_output().unwrap());
            assert_eq!((run.code, &run.json()["rows_lost"]), (0, &0.into()), "{}{}", run.stdout, run.stderr);
        }
        lake.contents().unwrap().assert_is(&before, "after two repairs");
    }
}

#[test]
fn a_refused_record_is_one_row_however_often_it_is_read() {
    let world = World::empty();
    world.log("odd.json", br#"{"Records":[{"eventID":"a"},7,{"eventID":"b","eventTime":"2026-03-01T10:00:00Z"},"x"]}"#);
    world.log("no.json.gz", b"\x1f\x8b\x08 no gzip");
    let lake = world.lake("lake");
    let logs = world.logs();
    let rejects = || lake.done(&["query", "SELECT object, \"offset\", reason FROM rejects ORDER BY 1, 2, 3"]);
    let first = lake.run(&["ingest", text(&logs)]);
    assert_eq!(first.code, 3, "{}", first.stderr);
    let once = rejects();
    assert!(once.as_array().unwrap().len() >= 3, "{once}");
    for _ in 0..2 {
        assert_eq!(lake.run(&["ingest", "--again", text(&logs)]).code, 3);
        assert_eq!(rejects(), once);
    }
    // Another one in the same object is one more.
    world.log(
        "odd.json",
        br#"{"Records":[{"eventID":"a"},7,{"eventID":"b","eventTime":"2026-03-01T10:00:00Z"},"x",8]}"#,
    );
    assert_eq!(lake.run(&["ingest", text(&logs)]).code, 3);
    assert_eq!(rejects().as_array().unwrap().len(), once.as_array().unwrap().len() + 1);
}

/// Events and the ledger are damaged at once, so nobody knows which object the lost events came from: when it is ingested again it
/// counts as a new one. That is found, told and counted anew; until then the loss is not forgotten.
#[test]
fn what_comes_again_without_a_ledger_is_counted_once() {
    let world = World::empty();
    let lake = world.lake("lake");
    for turn in ["1", "2", "3"] {
        let events = [0, 1, 2].map(|n| event(&format!("{turn}-{n}"), &format!("2026-03-01T0{n}:00:00Z"), ""));
        world.log(&format!("{turn}.json"), &records(&events));
        lake.ingest();
    }
    for table in ["events", "objects"] {
        let commit = lake.folder().join(table).join("_delta_log/00000000000000000002.json");
        let commit = std::fs::read_to_string(commit).unwrap();
        let second = |file: &std::path::PathBuf| commit.contains(text(file.file_name().unwrap().as_ref()));
        let files: Vec<_> = data_files(lake.folder(), table).into_iter().filter(second).collect();
        assert_eq!(files.len(), 1, "{table}: {files:?}");
        std::fs::remove_file(&files[0]).unwrap();
    }
    let counted = || {
        let sql = "SELECT (SELECT sum(rows) FROM coverage) AS covered, (SELECT count(*) FROM events) AS events";
        let row = lake.done(&["query", sql])[0].clone();
        (row["covered"].as_u64().unwrap(), row["events"].as_u64().unwrap())
    };
    let repaired = lake.run(&["lake", "repair"]);
    assert!(repaired.code == 3 && repaired.stderr.contains("on all sources"), "{}", repaired.stderr);
    assert_eq!((counted(), &lake.done(&["lake", "check"])["given_up"]), ((9, 6), &3.into()));
    assert_eq!(lake.ingest()["rows"], 3);
    assert_eq!(counted(), (12, 9));
    let checked = lake.run(&["lake", "check"]);
    assert!(checked.code == 3 && checked.stdout.contains("counted twice"), "{}", checked.stdout);
    assert_eq!(lake.run(&["lake", "repair"]).code, 0);
    assert_eq!((counted(), lake.run(&["lake", "check"]).code), ((9, 9), 0));
}
