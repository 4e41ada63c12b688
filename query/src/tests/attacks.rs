//! The list of attacks on a SQL endpoint: each is refused or ended, with a clear word, and the engine goes on.

use std::time::{Duration, Instant};

use super::{engine, error, rows, text};
use crate::{Control, Engine, Error, Limits};

/// Nothing but events can be read, nothing can be written, nothing can be set.
#[test]
fn what_is_refused() {
    for sql in [
        "COPY (SELECT 1) TO '/tmp/trailhound-must-not-exist.csv'",
        "COPY events TO 's3://bucket/x' STORED AS PARQUET",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM \"file:///etc/passwd\"",
        "CREATE EXTERNAL TABLE t STORED AS CSV LOCATION 'file:///etc'",
        "CREATE FUNCTION f() RETURNS INT RETURN 1",
        "SET datafusion.execution.target_partitions = 1000",
        "SET datafusion.runtime.memory_limit = '100G'",
        "RESET datafusion.runtime.memory_limit",
        "SHOW ALL",
        "SHOW datafusion.execution.batch_size",
        "SELECT * FROM information_schema.df_settings",
        "SELECT * FROM INFORMATION_SCHEMA.\"df_settings\" s",
        "WITH x AS (SELECT value FROM datafusion.information_schema.df_settings) SELECT * FROM x",
        "EXPLAIN ANALYZE COPY events TO '/tmp/trailhound-must-not-exist.csv'",
        "EXPLAIN ANALYZE INSERT INTO events SELECT * FROM events",
        "SELECT 1; DROP TABLE events",
        "PREPARE p AS SELECT 1",
    ] {
        let refused = error(sql);
        assert!(refused.is_usage(), "{sql}: {refused:?}");
        assert!(refused.to_string().len() > 20, "{sql}: {refused}");
    }
    assert!(!std::path::Path::new("/tmp/trailhound-must-not-exist.csv").exists());
}

/// Patterns that would grow without bound are refused by size; look-around, which takes exponential time, is not known.
#[test]
fn patterns_are_bounded() {
    for pattern in ["(a{1000}){1000}", "((((a{100}){100}){100}){100})", "(?=a)b", r"(a)\1"] {
        for call in ["regexp_like", "regexp_extract", "regexp_count", "regexp_split"] {
            let refused = error(&format!("SELECT {call}(eventname, '{pattern}') FROM events"));
            assert!(matches!(refused, Error::Run(_) | Error::Plan(_)), "{call} {pattern}: {refused:?}");
        }
    }
    assert_eq!(rows("SELECT count(*) FROM events WHERE regexp_like(repeat('a', 1000000), '(a*)*b')"), ["0"]);
}

#[test]
fn texts_do_not_grow_without_bound() {
    for expression in [
        "replace(repeat('a', 1000000), 'a', repeat('b', 1000000))",
        "replace(repeat('a', 10000000), 'a', 'bbbbbbbbbb')",
        "cardinality(array_repeat(repeat('a', 10000000), 1000000))",
        "repeat(repeat('ab', 8000), 8000)",
        "format('%2000000000d', 1)",
        "array_join(array_repeat('x', 100000000), ',')",
        "cardinality(flatten(array_repeat(sequence(1, 1000000), 1000000)))",
    ] {
        let text = error(&format!("SELECT length(CAST({expression} AS varchar)) FROM events")).to_string();
        assert!(text.contains("is the most") || text.contains("too wide"), "{expression}: {text}");
    }
}

/// Lists in lists, and constants in every row: a limit of the query with its next step, whatever is nested in what, and no
/// fault of the engine or the machine.
#[test]
fn values_do_not_multiply_without_bound() {
    let engine = super::engine_over(vec![super::batch(); 16]);
    for expression in [
        "cardinality(transform(sequence(1, 10000), x -> repeat('aaaaaaaaaa', 10000)))",
        "cardinality(transform(sequence(1, 10000), x -> repeat(eventname, 10000)))",
        "cardinality(transform(sequence(1, 1000), x -> transform(sequence(1, 1000), y -> sequence(1, 1000 + length(eventname)))))",
        "cardinality(transform(sequence(1, 1000), x -> transform(sequence(1, 1000), y -> repeat(eventid, 1000 + x + y))))",
        "cardinality(transform(sequence(1, 10), x -> transform(sequence(1, 1000), y -> transform(sequence(1, 1000), z -> \
         repeat(eventid, 10000)))))",
        "cardinality(filter(transform(sequence(1, 10000), x -> repeat(eventid, 10000)), x -> x <> ''))",
        "any_match(sequence(1, 10000), x -> any_match(transform(sequence(1, 10000), y -> repeat(eventid, 1000)), z -> z = 'b'))",
        "cardinality(zip_with(sequence(1, 8000), sequence(1, 8000), (a, b) -> sequence(1, b)))",
        "length(reduce(sequence(1, 40), eventid, (s, x) -> s || s || s || s, s -> s))",
        "cardinality(map_keys(transform_keys(map_agg, (k, v) -> repeat(k, 100000000))))",
        "length(CASE WHEN eventname = 'GetObject' THEN repeat('a', 1000000) ELSE repeat('b', 1000000) END)",
        "length(coalesce(errorcode, repeat('b', 1000000)))",
        "repeat('a', 1000000)",
        "cardinality(split(repeat(eventname || ',', 1000000), ','))",
        "cardinality(ARRAY[ARRAY[repeat(eventid, 5000000), repeat(eventid, 5000000)], ARRAY[repeat(eventid, 5000000), eventid]])",
    ] {
        let from = "(SELECT *, MAP(ARRAY[coalesce(eventid, 'x')], ARRAY[1]) AS map_agg FROM events)";
        let met = engine.collect_blocking(&format!("SELECT max({expression}) AS x FROM {from}"));
        let met = met.err().unwrap_or_else(|| panic!("{expression:.100} is answered"));
        assert!(matches!(met, Error::Memory(_)), "{expression:.100}: {met:?}");
        assert!(met.to_string().contains("; cut the values") || met.to_string().contains("raise"), "{met}");
    }
    let answered = engine.collect_blocking("SELECT count(*) FROM events").unwrap();
    assert_eq!(text(&answered), ["112"]);
}

/// What is large and yet fits is answered, in little memory too.
#[test]
fn values_that_fit_are_made() {
    let limits = Limits { memory_bytes: 16 << 20, partitions: 2, ..Limits::default() };
    let engine = Engine::new(limits).unwrap();
    engine.register(std::sync::Arc::new(vec![super::batch(); 16])).unwrap();
    for (expression, answer) in [
        ("sum(cardinality(transform(sequence(1, 1000), x -> x * 2)))", "112000"),
        ("sum(reduce(sequence(1, 1000), 0, (s, x) -> s + 1, s -> s))", "112000"),
        ("sum(cardinality(filter(sequence(1, 2000), x -> x % 2 = 0)))", "112000"),
        (
            "count_if(any_match(sequence(1, 1000), x -> any_match(sequence(1, 10), y -> CAST(x AS varchar) = eventid)))",
            "0",
        ),
        ("count_if(contains(ARRAY['e1', 'e2', NULL], eventid))", "32"),
        ("sum(cardinality(ARRAY[eventid, eventname, 'x']))", "336"),
    ] {
        let answered = engine.collect_blocking(&format!("SELECT {expression} AS x FROM events")).unwrap();
        assert_eq!(text(&answered), [answer], "{expression}");
    }
    assert_eq!(rows("SELECT length(repeat('a', 1000000))"), ["1000000"]);
    assert_eq!(rows("SELECT length(x) FROM (SELECT repeat('a', 1000000) AS x)"), ["1000000"]);
    assert_eq!(rows("SELECT count(*) FROM events CROSS JOIN UNNEST(sequence(1, 4000)) AS t (n)"), ["28000"]);
    assert_eq!(rows("SELECT count(*) FROM UNNEST(sequence(1, 100000)) AS t (n)"), ["100000"]);
}

/// Ten gigabytes and more, in every way that there is: ended by the limit that it meets, and the next question is answered.
#[test]
fn a_cross_join_bomb_is_ended_and_the_engine_goes_on() {
    let spill = tempfile::tempdir().unwrap();
    let limits = Limits {
        memory_bytes: 16 << 20,
        spill_dir: Some(spill.path().to_owned()),
        spill_bytes: 48 << 20,
        partitions: 2,
        ..Limits::default()
    };
    let engine = Engine::new(limits).unwrap();
    engine.register(std::sync::Arc::new(vec![super::batch(); 64])).unwrap();
    // 448 events: 448^4 rows of a kilobyte.
    let join = "events a CROSS JOIN events b CROSS JOIN events c CROSS JOIN events d";
    let sorted = format!("SELECT a.*, b.eventid, rpad(c.eventname, 1000) AS x FROM {join} ORDER BY x, 1");
    let ended = engine.collect_blocking(&sorted).unwrap_err();
    assert!(matches!(ended, Error::Memory(_)), "sorting: {ended:?}");
    assert!(ended.to_string().contains("raise the limit"), "{ended}");
    let started = Instant::now();
    let control = || Control::default().within(Some(Duration::from_millis(400)));
    // Its left side is too large for memory, and then for the disk: it is run twice.
    let counted = format!("SELECT count(*) FROM {join} WHERE a.useragent || d.useragent = 'x'");
    let ended = engine.collect_blocking(&counted).unwrap_err();
    assert!(matches!(ended, Error::Memory(_)), "joining: {ended:?}");
    assert!(ended.to_string().contains("raise the limit"), "{ended}");
    let pairs = |a, b| format!("(SELECT {a}.useragent FROM events {a} CROSS JOIN events {b})");
    let (left, right) = (pairs("a", "b"), pairs("c", "d"));
    let counted = format!("SELECT count(*) FROM {left} l CROSS JOIN {right} r WHERE l.useragent || r.useragent = 'x'");
    let ended =
        engine.query_under(&counted, control()).and_then(|rows| rows.collect::<Result<Vec<_>, _>>()).unwrap_err();
    assert_eq!(ended, Error::Timeout(Duration::from_millis(400)));
    assert!(ended.to_string().contains("--timeout"), "{ended}");
    assert!(started.elapsed() < Duration::from_secs(60), "it was ended by its time, and not by its end");
    let answered = engine.collect_blocking("SELECT count(*) FROM events").unwrap();
    assert_eq!(text(&answered), ["448"]);
}

#[test]
fn somebody_may_end_a_query() {
    let stop = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let engine = super::engine_over(vec![super::batch(); 64]);
    let join = "events a CROSS JOIN events b CROSS JOIN events c CROSS JOIN events d";
    let sql = format!("SELECT count(*) FROM {join} WHERE a.useragent || d.useragent = 'x'");
    let wish = stop.clone();
    let somebody = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(300));
        wish.store(true, std::sync::atomic::Ordering::Relaxed);
    });
    let ended = engine.query_under(&sql, Control::default().until(stop.clone()));
    let ended = ended.and_then(|rows| rows.collect::<Result<Vec<_>, _>>()).unwrap_err();
    assert_eq!(ended, Error::Cancelled);
    somebody.join().unwrap();
    stop.store(false, std::sync::atomic::Ordering::Relaxed);
    let answered = engine.query_under("SELECT count(*) FROM events", Control::default().until(stop)).unwrap();
    assert_eq!(text(&answered.collect::<Result<Vec<_>, _>>().unwrap()), ["448"]);
}

/// EXPLAIN ANALYZE runs a query, so its limits are a query's.
#[test]
fn explain_analyze_is_a_query() {
    let engine = super::engine_over(vec![super::batch(); 64]);
    let sql = "EXPLAIN ANALYZE SELECT count(*) FROM events a CROSS JOIN events b CROSS JOIN events c CROSS JOIN events d \
               WHERE a.useragent || d.useragent = 'x'";
    let control = Control::default().within(Some(Duration::from_millis(300)));
    let ended = engine.query_under(sql, control).and_then(|rows| rows.collect::<Result<Vec<_>, _>>()).unwrap_err();
    assert!(matches!(ended, Error::Timeout(_)), "{ended:?}");
}

#[test]
fn views_are_planned_when_they_are_named() {
    let engine = engine();
    let before = engine.unplanned();
    assert!(before.len() >= 6, "{before:?}");
    engine.collect_blocking("SELECT count(*) FROM events").unwrap();
    assert_eq!(engine.unplanned(), before);
    engine.collect_blocking("SELECT count(*) FROM cloudtrail").unwrap();
    let after = engine.unplanned();
    assert!(!after.iter().any(|name| name.starts_with("cloudtrail")) && after.len() == before.len() - 2, "{after:?}");
}
