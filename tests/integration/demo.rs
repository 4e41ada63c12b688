//! `trailhound demo` does the whole job, and nothing that an attacker wrote reaches the screen as more than text.

use crate::command::{text, trailhound};

#[test]
fn it_shows_every_part_of_the_job() {
    let dir = tempfile::tempdir().unwrap();
    let run = trailhound(&["demo", "--keep", text(dir.path())]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    for part in [
        "trailhound sample",
        "trailhound scan",
        "trailhound query",
        "trailhound alerts",
        "trailhound access",
        "The root user signed in to the console",
        "without MFA",
        "What to try next",
    ] {
        assert!(run.stdout.contains(part), "{part}:\n{}", run.stdout);
    }
    assert!(dir.path().join("AWSLogs").is_dir());
}

#[test]
fn hostile_text_is_shown_as_text() {
    let dir = tempfile::tempdir().unwrap();
    let run = trailhound(&["sample", "--events", "8000", "--days", "130", "--out", text(dir.path())]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let logs = dir.path().join("AWSLogs");
    let logs = text(&logs);
    let hostile = "SELECT useragent, errormessage, actor FROM events WHERE useragent LIKE '%' || chr(27) || '%' \
                   OR errormessage LIKE '%' || chr(27) || '%' OR actor LIKE '=%'";
    for args in [
        vec!["query", hostile, logs],
        vec!["query", hostile, logs, "--output", "json"],
        vec!["query", hostile, logs, "--output", "csv"],
        vec!["scan", logs],
        vec!["alerts", logs, "--max-rows", "0", "--severity", "informational"],
        vec!["access", logs],
    ] {
        let run = trailhound(&args);
        assert_eq!(run.code, 0, "{}", run.stderr);
        let control = |c: char| c.is_control() && c != '\n';
        // A CSV file is for other programs: its text is kept, its formulas are not.
        if args.last() != Some(&"csv") {
            assert!(!run.stdout.contains(control), "{args:?}: {:?}", run.stdout);
        }
        assert!(!run.stderr.contains(control), "{args:?}: {:?}", run.stderr);
        assert!(run.stdout.lines().count() > 1, "{args:?} found nothing");
    }
}
