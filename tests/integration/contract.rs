//! The machine-readable contract of `docs/contract.md`, on generated and hand-made logs.

use std::path::Path;

use serde_json::Value;

use crate::command::{gzip, text, trailhound, trailhound_with_input};

fn sample(dir: &Path, events: u32, more: &[&str]) -> Value {
    let events = events.to_string();
    let mut args = vec!["sample", "--output", "json", "--events", &events, "--days", "130", "--out", text(dir)];
    args.extend(more);
    let run = trailhound(&args);
    assert_eq!(run.code, 0, "{}", run.stderr);
    run.json()
}

fn event(id: &str, more: &str) -> String {
    format!(
        r#"{{"eventVersion":"1.08","eventTime":"2026-01-01T00:00:00Z","eventSource":"signin.amazonaws.com","eventName":"ConsoleLogin","awsRegion":"us-east-1","recipientAccountId":"111122223333","eventType":"AwsConsoleSignIn","eventID":"{id}"{more}}}"#
    )
}

fn root_login() -> String {
    event(
        "root-1",
        r#","userIdentity":{"type":"Root","accountId":"111122223333","arn":"arn:aws:iam::111122223333:root"},"responseElements":{"ConsoleLogin":"Success"},"additionalEventData":{"MFAUsed":"Yes"}"#,
    )
}

#[test]
fn scan_says_everything_and_it_adds_up() {
    let dir = tempfile::tempdir().unwrap();
    let summary = sample(dir.path(), 6000, &[]);
    let run = trailhound(&["scan", "--output", "json", text(dir.path())]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let scan = run.json();
    let number = |name: &str| scan[name].as_u64().unwrap_or_else(|| panic!("{name}: {scan}"));
    assert_eq!(number("records_in"), number("rows") + number("duplicates") + number("rejected"));
    assert_eq!(number("rows"), summary["events"].as_u64().unwrap());
    assert_eq!(number("duplicates"), summary["duplicates"].as_u64().unwrap());
    // The folder holds the account authorization details too: told apart, not refused.
    assert_eq!(scan["skipped"].as_array().unwrap().len(), 3);
    assert_eq!(scan["accounts"].as_array().unwrap().len(), 3);
    assert!(scan["first_event"].as_str().unwrap() < scan["last_event"].as_str().unwrap());
    for alert in scan["alerts"].as_array().unwrap() {
        for field in ["rule", "severity", "time", "principal", "account", "region", "event_ids"] {
            assert!(alert.get(field).is_some(), "{field} in {alert}");
        }
    }
}

/// Every planted attack is found, and nothing that only looks like one is an alarm.
#[test]
fn what_was_planted_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let summary = sample(dir.path(), 30_000, &["--seed", "7"]);
    let scan = trailhound(&["scan", "--output", "json", text(&dir.path().join("AWSLogs"))]).json();
    let alerts = scan["alerts"].as_array().unwrap();
    let mut checked = 0;
    for planted in summary["planted"].as_array().unwrap() {
        let ids: Vec<&str> = planted["event_ids"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        let found: Vec<&Value> = alerts
            .iter()
            .filter(|alert| {
                let mut of_alert = alert["event_ids"].as_array().unwrap().iter().filter_map(Value::as_str);
                of_alert.any(|id| ids.contains(&id))
            })
            .collect();
        let alarms = found.iter().filter(|alert| alert["severity"] != "informational").count();
        match planted["expect"].as_str().unwrap() {
            "alert" => assert!(alarms > 0, "not found: {planted}"),
            "information" => assert!(!found.is_empty() && alarms == 0, "no alarm wanted: {planted}: {found:?}"),
            _ => assert_eq!(alarms, 0, "nothing wanted: {planted}: {found:?}"),
        }
        checked += 1;
    }
    assert!(checked >= 15, "{checked}");
}

#[test]
fn exit_codes_are_as_documented() {
    let dir = tempfile::tempdir().unwrap();
    let good = dir.path().join("good.json.gz");
    std::fs::write(&good, gzip(root_login().as_bytes())).unwrap();
    let bad = dir.path().join("bad.json.gz");
    std::fs::write(&bad, b"\x1f\x8bnot gzip").unwrap();
    let (good, bad, both) = (text(&good), text(&bad), text(dir.path()));
    for (args, code) in [
        (vec!["scan", good], 0),
        (vec!["scan", good, "--fail-on", "critical"], 1),
        (vec!["alerts", good, "--fail-on", "high"], 1),
        (vec!["scan", bad], 3),
        (vec!["scan", both], 3),
        (vec!["query", "SELECT 1 AS one FROM events", both], 3),
        (vec!["scan", both, "--fail-on", "high"], 1),
        (vec!["scan", "/no/such/folder"], 5),
        (vec!["scan"], 2),
        (vec!["scan", good, "--output", "csv"], 2),
        (vec!["query", "SELEC 1", good], 2),
        (vec!["query", "DROP TABLE events", good], 2),
        (vec!["query", "SELECT nothing FROM events", good], 2),
        (vec!["access", good, "--grants", "/no/such/file"], 5),
        (vec!["access", good, "--grants", bad], 5),
        (vec!["alerts", good, "--rules", "/no/such/rules"], 5),
    ] {
        let run = trailhound(&args);
        assert_eq!(run.code, code, "{args:?}: {}", run.stderr);
        if code == 2 || code == 5 {
            assert!(run.stdout.is_empty(), "{args:?}: {}", run.stdout);
        }
        assert!(code == 0 || !run.stderr.is_empty() || code == 1, "{args:?}");
        assert!(!run.stderr.contains("panicked"), "{args:?}: {}", run.stderr);
    }
}

#[test]
fn rejects_name_the_object_and_the_reason() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("half.json.gz");
    let whole = gzip(root_login().as_bytes());
    std::fs::write(&path, &whole[..whole.len() - 3]).unwrap();
    let run = trailhound(&["scan", "--output", "json", text(&path)]);
    let reject = &run.json()["rejects"][0];
    assert_eq!(reject["object"], text(&path));
    assert_eq!(reject["reason"], "gzip_truncated");
    assert_eq!(reject["count"], 1);
    assert!(run.stderr.contains("fetch the object again"), "{}", run.stderr);
}

#[test]
fn a_query_puts_rows_only_on_standard_output() {
    let dir = tempfile::tempdir().unwrap();
    sample(dir.path(), 6000, &[]);
    let logs = dir.path().join("AWSLogs");
    let sql = "SELECT eventsource, count(*) AS n FROM events GROUP BY eventsource ORDER BY n DESC, eventsource LIMIT 3";
    let csv = trailhound(&["query", sql, text(&logs), "--output", "csv"]);
    assert_eq!(csv.code, 0, "{}", csv.stderr);
    let lines: Vec<&str> = csv.stdout.lines().collect();
    assert_eq!(lines[0], "eventsource,n");
    assert_eq!(lines.len(), 4);
    let json = trailhound(&["query", sql, text(&logs), "--output", "json"]).json();
    let jsonl = trailhound(&["query", sql, text(&logs), "--output", "jsonl"]);
    let from_lines: Vec<Value> = jsonl.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(json.as_array().unwrap(), &from_lines);
    assert_eq!(format!("{},{}", json[0]["eventsource"].as_str().unwrap(), json[0]["n"]), lines[1]);
    // Nested fields in any case, and Athena's table.
    let nested = "SELECT userIdentity.sessionContext.attributes.mfaAuthenticated AS mfa, useridentity.sessioncontext.ATTRIBUTES.mfaauthenticated AS again, count(*) AS n FROM cloudtrail_logs GROUP BY 1, 2 ORDER BY n DESC";
    let nested = trailhound(&["query", nested, text(&logs), "--output", "json"]);
    assert_eq!(nested.code, 0, "{}", nested.stderr);
    assert!(nested.json().as_array().unwrap().iter().all(|row| row["mfa"] == row["again"]));
}

#[test]
fn access_says_used_and_unused_with_why() {
    let dir = tempfile::tempdir().unwrap();
    let summary = sample(dir.path(), 6000, &[]);
    let logs = dir.path().join("AWSLogs");
    let grants = summary["grants"][0].as_str().unwrap();
    let run = trailhound(&["access", text(&logs), "--grants", grants, "--output", "json", "--window", "90d"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let report = run.json();
    assert_eq!(report["window"]["days"], 90);
    assert!(report["coverage"]["accounts"].as_array().unwrap().len() == 3);
    let principals = report["principals"].as_array().unwrap();
    let (mut actions, mut unused) = (0, 0);
    for principal in principals {
        for field in ["principal", "account", "type", "services", "unused"] {
            assert!(principal.get(field).is_some(), "{field} in {principal}");
        }
        for service in principal["services"].as_array().unwrap() {
            for action in service["actions"].as_array().unwrap() {
                for field in ["action", "last_success", "last_attempt", "count", "denied"] {
                    assert!(action.get(field).is_some(), "{field} in {action}");
                }
                actions += 1;
            }
        }
        for action in principal["unused"].as_array().unwrap() {
            assert!(action["action"].is_string() && action["why"].is_string(), "{action}");
            unused += 1;
        }
    }
    assert!(actions > 50 && unused > 50, "{actions} used, {unused} unused");
}

#[test]
fn standard_input_is_a_source() {
    let lines = format!("{}\n{}\n", root_login(), event("other", ""));
    for input in [lines.clone().into_bytes(), gzip(lines.as_bytes())] {
        let scan = trailhound_with_input(&["scan", "--output", "json", "-"], &input);
        assert_eq!(scan.json()["rows"], 2, "{}", scan.stderr);
        let twice = "SELECT count(*) AS n FROM events a JOIN events b ON a.eventid = b.eventid";
        let query = trailhound_with_input(&["query", twice, "-", "--output", "json"], &input);
        assert_eq!(query.json()[0]["n"], 2, "{}", query.stderr);
    }
}

#[test]
fn the_same_input_gives_the_same_answer_on_any_number_of_threads() {
    let dir = tempfile::tempdir().unwrap();
    sample(dir.path(), 3000, &["--events-per-file", "7"]);
    let answers: Vec<String> = ["1", "2", "5"]
        .iter()
        .map(|threads| trailhound(&["scan", "--output", "json", "--threads", threads, text(dir.path())]).stdout)
        .collect();
    assert!(answers[0] == answers[1] && answers[1] == answers[2]);
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let (a, b) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut trees = Vec::new();
    for dir in [&a, &b] {
        sample(dir.path(), 2000, &[]);
        let mut files: Vec<(String, Vec<u8>)> = Vec::new();
        for input in ingest::source::Sources::new(&[text(dir.path())]).unwrap().walk() {
            let name = input.unwrap().name;
            let bytes = std::fs::read(&name).unwrap();
            files.push((name.replace(text(dir.path()), ""), bytes));
        }
        trees.push(files);
    }
    assert!(!trees[0].is_empty() && trees[0] == trees[1]);
}
