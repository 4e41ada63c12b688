//! `trailhound sql` without a terminal: statements from standard input; and the limits that questions are ended by.

use serde_json::{Value, json};

use crate::command::{text, trailhound, trailhound_with_input};

fn logs() -> (tempfile::TempDir, String) {
    let dir = tempfile::tempdir().unwrap();
    trailhound(&["sample", "--events", "1000", "--days", "5", "--out", text(dir.path())]);
    let logs = text(&dir.path().join("AWSLogs")).to_owned();
    (dir, logs)
}

#[test]
fn statements_are_run_one_after_the_other() {
    let (_dir, logs) = logs();
    let input = "SELECT count(*) AS n FROM events; -- ; a comment\nSELECT ';' AS semicolon;\n\\d coverage\n;\\o json\n;SELECT 7 AS seven";
    let run = trailhound_with_input(&["sql", &logs, "--output", "csv", "-q"], input.as_bytes());
    assert!(run.stdout.starts_with("n\n") && run.stdout.contains("semicolon\n;\n"), "{}\n{}", run.stdout, run.stderr);
    assert!(run.stdout.contains("\"seven\":7"), "\\o changes the format: {}", run.stdout);
    // A lake's table that logs do not have.
    assert_eq!(run.code, 2, "{}", run.stderr);
    assert!(
        run.stderr.contains("no table `coverage`") && run.stderr.contains("1 of 5 statements failed"),
        "{}",
        run.stderr
    );
}

#[test]
fn a_failed_statement_points_at_its_place_and_the_next_one_runs() {
    let (_dir, logs) = logs();
    let input = "SELECT eventname,\n  evnttime FROM events;\nSELECT 1 AS one;";
    let run = trailhound_with_input(&["sql", &logs, "--output", "csv", "-q"], input.as_bytes());
    assert_eq!(run.code, 2);
    assert!(run.stdout.ends_with("one\n1\n"), "{}", run.stdout);
    assert!(run.stderr.contains("did you mean `eventtime`?"), "{}", run.stderr);
    assert!(run.stderr.contains("\n    evnttime FROM events\n    ^\n"), "{}", run.stderr);
}

#[test]
fn everything_has_its_commands_and_columns() {
    let (_dir, logs) = logs();
    let run = trailhound_with_input(&["sql", &logs, "-q"], b"\\d;\\d events;\\?;\\timing");
    assert_eq!(run.code, 0, "{}", run.stderr);
    for part in [
        "event_data_store",
        "useridentity.sessioncontext.attributes.mfaauthenticated",
        "\\o FORMAT",
        "timestamp(3) with time zone",
    ] {
        assert!(run.stdout.contains(part), "{part}: {}", run.stdout);
    }
    let run = trailhound_with_input(&["sql", "-"], b"SELECT 1");
    assert!(run.code == 2 && run.stderr.contains("cannot both come from standard input"), "{}", run.stderr);
}

#[test]
fn questions_end_at_their_limits() {
    let (_dir, logs) = logs();
    let bomb =
        "SELECT count(*) FROM events a CROSS JOIN events b CROSS JOIN events c WHERE a.useragent || c.useragent = 'x'";
    let run = trailhound(&["query", bomb, &logs, "--timeout", "5s"]);
    assert_eq!(run.code, 5, "{}", run.stderr);
    assert!(run.stderr.contains("ended after 5 s") && run.stderr.contains("--timeout"), "{}", run.stderr);
    // The shell goes on after it. The next statement reads nothing, so that a busy machine does not end it too.
    let input = format!("{bomb}; SELECT 7 AS n");
    let run = trailhound_with_input(&["sql", &logs, "--timeout", "5s", "--output", "csv", "-q"], input.as_bytes());
    assert!(run.stdout.contains("n\n7") && run.stderr.contains("ended after"), "{}\n{}", run.stdout, run.stderr);
    let run = trailhound(&["query", "SELECT eventid FROM events", &logs, "--max-rows", "3", "--output", "jsonl"]);
    assert_eq!((run.code, run.stdout.lines().count()), (0, 3));
    assert!(run.stderr.contains("--max-rows"), "{}", run.stderr);
}

/// Rows of ten gigabytes and more, against each limit: exit code 5 with what to do next, and a shell answers its next question.
#[test]
fn a_cross_join_of_ten_gigabytes_meets_its_limit() {
    let (_dir, logs) = logs();
    let join = "events a CROSS JOIN events b CROSS JOIN events c";
    let sorted = format!("SELECT a.eventid, rpad(b.eventname, 100) AS x, c.eventid FROM {join} ORDER BY x, 1, 3");
    let grouped = format!("SELECT count(*) FROM (SELECT DISTINCT a.eventid, b.eventid, c.eventid FROM {join})");
    let counted = format!("SELECT count(*) FROM {join} WHERE a.useragent || c.useragent = 'x'");
    let elements = "SELECT max(transform(sequence(1, 1000), x -> transform(sequence(1, 1000), y -> repeat(eventid, 100)))) FROM events";
    let wide = "SELECT repeat('a', 10000000) FROM events";
    for (bomb, limits, told) in [
        (&counted, &["--timeout", "3s"] as &[&str], "raise --timeout"),
        (&sorted, &["--memory-limit", "16MiB", "--timeout", "20s"], "raise"),
        (&grouped, &["--memory-limit", "16MiB", "--timeout", "20s"], "raise"),
        (&elements.to_owned(), &["--memory-limit", "16MiB"], "cut the values or lists down"),
        (&elements.to_owned(), &[], "cut the values or lists down"),
        (&wide.to_owned(), &[], "cut the values or lists down"),
    ] {
        let run = trailhound(&[&["query", bomb, &logs, "--output", "csv"], limits].concat());
        assert_eq!(run.code, 5, "{bomb}: {}", run.stderr);
        assert!(run.stderr.contains(told), "{bomb}: {}", run.stderr);
        let input = format!("{bomb}; SELECT 7 AS n");
        let args = [&["sql", &logs, "--output", "csv", "-q"], limits].concat();
        let run = trailhound_with_input(&args, input.as_bytes());
        assert!(run.stdout.ends_with("n\n7\n") && run.stderr.contains(told), "{}\n{}", run.stdout, run.stderr);
    }
    let pairs = "SELECT a.eventid, b.* FROM events a CROSS JOIN events b";
    let rows = trailhound(&["query", pairs, &logs, "--max-rows", "5", "--output", "jsonl"]);
    assert_eq!((rows.code, rows.stdout.lines().count()), (0, 5), "{}", rows.stderr);
}

/// Every event as a document, of logs and of a lake; the documents say which schema they are of.
#[test]
fn events_are_exported_in_other_schemas() {
    let (dir, logs) = logs();
    let lake = text(&dir.path().join("lake")).to_owned();
    assert_eq!(trailhound(&["ingest", &logs, "--lake", &lake]).code, 0);
    let documents = |args: &[&str]| -> Vec<Value> {
        let run = trailhound(args);
        assert_eq!(run.code, 0, "{}", run.stderr);
        run.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let ocsf = documents(&["query", "--format", "ocsf", &logs, "-q"]);
    let ecs = documents(&["query", "--format", "ecs", "--lake", &lake, "-q"]);
    assert!(ocsf.len() >= 1000 && ocsf.len() == ecs.len(), "{} and {}", ocsf.len(), ecs.len());
    for event in &ocsf {
        let (class, activity) = (event["class_uid"].as_u64().unwrap(), event["activity_id"].as_u64().unwrap());
        assert!([3001, 3002, 6003].contains(&class), "{event}");
        assert_eq!(event["type_uid"].as_u64().unwrap(), class * 100 + activity);
        assert_eq!(event["metadata"]["profiles"], json!(["cloud", "datetime"]));
        assert!(
            event["time"].is_u64() && event["metadata"]["uid"].is_string() && event["api"]["operation"].is_string()
        );
    }
    for event in &ecs {
        assert_eq!(
            (&event["ecs"]["version"], &event["event"]["dataset"]),
            (&json!("8.11.0"), &json!("aws.cloudtrail"))
        );
        assert!(event["@timestamp"].is_string() && event["event"]["action"].is_string());
    }
    let both = trailhound(&["query", "--format", "ocsf", &logs, "--lake", &lake]);
    assert!(both.code == 2 && both.stderr.contains("with --format every argument is a path"), "{}", both.stderr);
}
