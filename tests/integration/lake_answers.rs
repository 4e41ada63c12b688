//! Every command gives the same answer over a lake as over the logs that were ingested into it.

use std::path::Path;

use serde_json::Value;

use crate::command::{text, trailhound};

fn json(args: &[&str]) -> Value {
    let run = trailhound(args);
    assert_eq!(run.code, 0, "{args:?}: {}", run.stderr);
    run.json()
}

/// A sample's trail, and a lake of it.
fn made(dir: &Path) -> (String, String, Value) {
    let trail = dir.join("trail");
    let summary = json(&["sample", "--output", "json", "--events", "5000", "--days", "100", "--out", text(&trail)]);
    let (logs, lake) = (trail.join("AWSLogs"), dir.join("lake"));
    let ingested = json(&["ingest", text(&logs), "--lake", text(&lake), "--output", "json"]);
    assert_eq!(ingested["rows"], summary["events"]);
    (text(&logs).to_owned(), text(&lake).to_owned(), summary)
}

#[test]
fn commands_answer_alike_over_logs_and_lake() {
    let dir = tempfile::tempdir().unwrap();
    let (logs, lake, summary) = made(dir.path());
    let grants = summary["grants"][0].as_str().unwrap();
    let both = |args: &[&str]| {
        let over = |more: &[&str]| json(&[args, more, &["--output", "json"]].concat());
        (over(&[&logs]), over(&["--lake", &lake]))
    };
    for args in [
        &["alerts"][..],
        &["access"],
        &["access", "--grants", grants, "--window", "60d"],
        &["query", "SELECT * FROM events ORDER BY eventid, recipientaccountid"],
        &["query", "SELECT * FROM cloudtrail_logs WHERE day = '31' ORDER BY eventid, recipientaccountid"],
        &[
            "query",
            "SELECT principal, count(*) AS n FROM events WHERE outcome = 'denied' GROUP BY 1 ORDER BY 2 DESC, 1",
        ],
    ] {
        let (over_logs, over_lake) = both(args);
        assert!(over_logs == over_lake, "{args:?}");
    }
    let (mut over_logs, mut over_lake) = both(&["scan"]);
    assert_eq!(over_lake["rows"], over_lake["records_in"]);
    // What became of objects was told when they were ingested.
    let of_objects = ["objects", "records_in", "duplicates", "bytes_read", "bytes_inflated", "skipped"];
    for field in of_objects {
        assert!(over_lake[field] != Value::Null, "{field}");
        over_logs[field].take();
        over_lake[field].take();
    }
    assert_eq!(over_logs, over_lake);
}

#[test]
fn the_tables_beside_events_answer() {
    let dir = tempfile::tempdir().unwrap();
    let (_, lake, summary) = made(dir.path());
    let query = |sql: &str| json(&["query", sql, "--lake", &lake, "--output", "json"]);
    let covered = query("SELECT sum(rows) AS rows, count(DISTINCT account) AS accounts FROM coverage");
    assert_eq!(covered[0]["rows"], summary["events"]);
    assert_eq!(covered[0]["accounts"], summary["accounts"].as_array().unwrap().len());
    assert_eq!(query("SELECT count(*) AS n FROM objects")[0]["n"], summary["files"]);
    assert_eq!(query("SELECT count(*) AS n FROM rejects")[0]["n"], 0);
    let twice = "SELECT count(*) AS n FROM (SELECT principal, action FROM last_used GROUP BY 1, 2 HAVING count(*) > 1)";
    assert_eq!(query(twice)[0]["n"], 0);
    assert!(query("SELECT count(*) AS n FROM last_used WHERE last_success IS NOT NULL")[0]["n"].as_u64().unwrap() > 50);
}

#[test]
fn a_lake_that_is_not_there_is_said_to_be() {
    let dir = tempfile::tempdir().unwrap();
    for args in [&["scan"][..], &["alerts"], &["access"], &["query", "SELECT 1"]] {
        let run = trailhound(&[args, &["--lake", text(dir.path())]].concat());
        assert_eq!(run.code, 2, "{args:?}: {}", run.stderr);
        assert!(run.stderr.contains("no lake here") && run.stderr.contains("trailhound ingest"), "{}", run.stderr);
    }
    let run = trailhound(&["scan", text(dir.path()), "--region", "eu-west-1"]);
    assert!(run.code == 2 && run.stderr.contains("give --lake or"), "{}", run.stderr);
}
