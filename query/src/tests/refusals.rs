//! What is refused, and how the errors help.

use super::{TABLES, engine, error, rows, text};
use crate::Error;

#[test]
fn unknown_names_come_with_a_suggestion() {
    let unknown = error("SELECT evenname FROM cloudtrail_logs");
    assert!(matches!(unknown, Error::Name(_)) && unknown.is_usage(), "{unknown:?}");
    let text = unknown.to_string();
    assert!(text.starts_with("no column `evenname`; did you mean `eventname`? Columns here: eventversion,"), "{text}");
    for (sql, expected) in [
        ("SELECT count(*) FROM event", "no table `event`; did you mean `events`? Tables: aws_cloudtrail_log,"),
        ("SELECT count(*) FROM nothing", "no table `nothing`. Tables: aws_cloudtrail_log, cloudtrail, cloudtrail_logs"),
        ("SELECT usrname FROM events", "no column `usrname`; did you mean `useridentity.username`?"),
        (
            "SELECT mfaAuthenticated FROM events",
            "did you mean `useridentity.sessioncontext.attributes.mfaauthenticated`?",
        ),
        ("SELECT userIdentity.usrname FROM events", "no field `usrname`; did you mean `useridentity.username`?"),
        ("SELECT e.evenname FROM events e", "no column `e.evenname`; did you mean `eventname`?"),
        ("SELECT uper(eventname) FROM events", "upper"),
    ] {
        let text = error(sql).to_string();
        assert!(text.contains(expected), "{sql}: {text}");
    }
}

#[test]
fn type_errors_say_what_to_write() {
    for (sql, expected) in [
        ("SELECT 1 FROM events WHERE readonly = 'yes'", "readonly = true"),
        ("SELECT 1 FROM events WHERE eventtime LIKE '2023%'", "eventtime >="),
        ("SELECT 1 FROM events WHERE", "SQL syntax"),
    ] {
        let text = error(sql).to_string();
        assert!(text.contains(expected), "{sql}: {text}");
    }
}

/// Nothing in a `FROM` may reach a file, a URL or a function that reads one.
#[test]
fn files_cannot_be_read() {
    for sql in [
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM \"/etc/passwd\"",
        "SELECT * FROM 'file:///etc/passwd'",
        "SELECT * FROM \"s3://bucket/x.parquet\"",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM read_parquet('x.parquet')",
        "SELECT * FROM parquet_metadata('x.parquet')",
        "SELECT * FROM list_files_cache()",
        "SELECT pg_read_file('/etc/passwd')",
        "SELECT load_extension('x')",
        "SELECT getenv('HOME')",
        "SELECT @@version",
    ] {
        let refused = error(sql);
        assert!(refused.is_usage(), "{sql}: {refused:?}");
        assert!(!refused.to_string().contains("root:"), "{sql}: {refused}");
    }
}

#[test]
fn writing_is_refused_and_leaves_the_engine_as_it_was() {
    let engine = engine();
    for sql in [
        "DROP TABLE events",
        "CREATE TABLE x AS SELECT 1",
        "CREATE EXTERNAL TABLE x STORED AS CSV LOCATION '/etc/passwd'",
        "COPY events TO '/tmp/trailhound-must-not-exist.csv'",
        "SET datafusion.execution.batch_size = 1",
        "SELECT * INTO x FROM events",
        "WITH x AS (DELETE FROM events) SELECT 1",
        "SELECT 1; SELECT 2",
    ] {
        let refused = engine.collect_blocking(sql).unwrap_err();
        assert!(matches!(refused, Error::Refused(_) | Error::Syntax(_)), "{sql}: {refused:?}");
    }
    assert_eq!(engine.tables(), TABLES);
    assert!(!std::path::Path::new("/tmp/trailhound-must-not-exist.csv").exists());
}

/// Chains are trees as deep as they are long: planned, run and freed without running out of stack, on the threads of
/// whoever asks.
#[test]
fn long_chains_are_survived() {
    let equal = vec!["eventname = 'x'"; 900].join(" OR ");
    assert_eq!(rows(&format!("SELECT count(*) FROM events WHERE {equal}")), ["0"]);
    let sums = vec!["length(eventname)"; 150].join(" + ");
    assert_eq!(rows(&format!("SELECT count(*) FROM events WHERE {sums} < 0")), ["0"]);
    let unions = vec!["SELECT 1"; 200].join(" UNION ALL ");
    assert_eq!(rows(&unions).len(), 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn long_chains_are_survived_in_async_code() {
    let like: Vec<String> = (0..400).map(|n| format!("useragent LIKE '%x{n}%'")).collect();
    let sql = format!("SELECT count(*) FROM cloudtrail_logs WHERE {}", like.join(" OR "));
    let batches = engine().query(&sql).await.unwrap().collect().await.unwrap();
    assert_eq!(text(&batches), ["0"]);
}

#[test]
fn explain_reads() {
    assert!(!rows("EXPLAIN SELECT count(*) FROM events").is_empty());
    assert!(rows("EXPLAIN ANALYZE SELECT count(*) FROM events").join(" ").contains("output_rows"));
}

#[test]
fn slips_in_calls_are_told() {
    for (sql, expected) in [
        ("SELECT conut(*) FROM events", "did you mean 'count'?"),
        ("SELECT regexp_replace(eventname, '[a-z]', x -> upper(x[1])) FROM events", "takes no function (x -> …) here"),
    ] {
        let text = super::error(sql).to_string();
        assert!(text.contains(expected), "{sql}: {text}");
    }
}
