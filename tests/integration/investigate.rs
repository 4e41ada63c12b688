//! `trailhound investigate` on planted attacks and on the real trails of an incident.

use serde_json::Value;

use crate::command::{text, trailhound};

fn names<'a>(value: &'a Value, field: &str) -> Vec<&'a str> {
    value.as_array().unwrap().iter().filter_map(|one| one[field].as_str()).collect()
}

/// Each planted attack is in the story of whoever did it, in order, and the totals add up.
#[test]
fn planted_attacks_are_told() {
    let dir = tempfile::tempdir().unwrap();
    let run = trailhound(&[
        "sample",
        "--output",
        "json",
        "--events",
        "20000",
        "--days",
        "60",
        "--seed",
        "7",
        "--out",
        text(dir.path()),
    ]);
    let summary = run.json();
    let logs = dir.path().join("AWSLogs");
    let wanted: Vec<&Value> =
        summary["planted"].as_array().unwrap().iter().filter(|planted| planted["expect"] == "alert").collect();
    assert!(wanted.len() >= 8);
    for planted in wanted.iter().take(6) {
        let id = planted["event_ids"][0].as_str().unwrap();
        let run = trailhound(&["investigate", id, text(&logs), "--output", "json"]);
        assert_eq!(run.code, 0, "{planted}: {}", run.stderr);
        let story = run.json();
        assert_eq!(story["subject"]["kind"], "event");
        let told: u64 = story["timeline"].as_array().unwrap().iter().map(|run| run["count"].as_u64().unwrap()).sum();
        assert_eq!(told + story["untold_events"].as_u64().unwrap(), story["summary"]["events"].as_u64().unwrap());
        let times = names(&story["timeline"], "first");
        assert!(!times.is_empty() && times.is_sorted(), "{planted}");
        let in_story = names(&story["timeline"], "event_id").contains(&id)
            || story["alerts"].as_array().unwrap().iter().any(|alert| names_of(&alert["event_ids"]).contains(&id))
            || story["summary"]["events"].as_u64().unwrap() > 1;
        assert!(in_story, "{planted}");
    }
}

fn names_of(value: &Value) -> Vec<&str> {
    value.as_array().unwrap().iter().filter_map(Value::as_str).collect()
}

/// The incident of invictus: its story has what the intruder left, whoever it is told of.
#[test]
fn a_real_incident_is_told() {
    let Some(trails) = crate::shared::data("trails/s3/invictus") else { return };
    let busiest = "SELECT principal, useridentity.accesskeyid AS key, sourceipaddress AS address FROM events \
                   WHERE eventname IN ('CreateUser', 'CreateAccessKey', 'CreateLoginProfile') AND outcome = 'ok' \
                   AND useridentity.accesskeyid IS NOT NULL GROUP BY 1, 2, 3 ORDER BY count(*) DESC, 1, 2, 3 LIMIT 1";
    let found = trailhound(&["query", busiest, text(&trails), "--output", "json"]).json();
    let page = tempfile::tempdir().unwrap();
    for subject in ["key", "principal", "address"].map(|field| found[0][field].as_str().unwrap()) {
        let file = page.path().join("story.html");
        let run = trailhound(&["investigate", subject, text(&trails), "--output", "json", "--html", text(&file)]);
        assert!(run.code == 0 || run.code == 3, "{subject}: {}", run.stderr);
        let story = run.json();
        let left = names(&story["left_behind"], "what");
        assert!(left.contains(&"a user") || left.contains(&"an access key"), "{subject}: {left:?}");
        assert!(story["sessions"].as_array().is_some_and(|sessions| !sessions.is_empty()), "{subject}");
        assert!(story["alerts"].as_array().is_some_and(|alerts| !alerts.is_empty()), "{subject}");
        let html = std::fs::read_to_string(&file).unwrap();
        assert!(html.contains("Left behind") && html.contains("Content-Security-Policy"), "{subject}");
        assert_eq!(html.matches("<script>").count(), 1);
        let shown = trailhound(&["investigate", subject, text(&trails)]);
        let (summary, how) = (shown.stdout.find("Summary").unwrap(), shown.stdout.find("How it went").unwrap());
        assert!(summary < how, "the summary comes first");
    }
}

#[test]
fn what_nobody_did_has_no_story() {
    let dir = tempfile::tempdir().unwrap();
    trailhound(&["sample", "--events", "500", "--days", "5", "--out", text(dir.path())]);
    let logs = dir.path().join("AWSLogs");
    let run = trailhound(&["investigate", "AKIAZZZZZZZZZZZZZZZZ", text(&logs)]);
    assert_eq!(run.code, 0);
    assert!(run.stderr.contains("no event of the access key"), "{}", run.stderr);
    assert_eq!(run.stdout, "", "no empty skeleton");
    let run = trailhound(&["investigate", " ", text(&logs)]);
    assert!(run.code == 2 && run.stdout.is_empty() && run.stderr.contains("nothing to investigate"), "{}", run.stderr);
    let run = trailhound(&["investigate", "x", text(&logs), "--output", "csv"]);
    assert!(run.code == 2 && run.stderr.contains("--html"), "{}", run.stderr);
}
