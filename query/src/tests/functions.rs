//! Every function that is added to the engine's, by its own example; and what happens at their edges.

use super::{error, rows};
use crate::trino;

/// The rows that examples ask.
const ROWS: &str = "WITH t(x, y) AS (VALUES (1, 'a'), (2, 'b'), (3, NULL)) ";

#[test]
fn every_example_gives_its_answer() {
    let functions = trino::functions();
    let wrong: Vec<_> = functions
        .iter()
        .filter_map(|known| {
            let found = super::engine().collect_blocking(&format!("{ROWS}{}", known.example));
            let found = found.map(|batches| super::text(&batches).join("\n")).unwrap_or_else(|e| e.to_string());
            (found != known.answer).then(|| format!("{}: {} but {found}", known.example, known.answer))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(functions.len() > 100);
}

/// `docs/functions.md` is made of the tables here; with TRAILHOUND_WRITE_DOCS set it is written anew.
#[test]
fn the_manual_lists_every_function_and_question() {
    let mut page = String::from(
        "# Functions and questions of `trailhound query`\n\nMade from the code; a test keeps it so. In examples `t(x, y)` has the \
         rows (1, 'a'), (2, 'b'), (3, NULL).\n\n## Functions beside DataFusion's own\n\n| function | what | example | gives |\n\
         |---|---|---|---|\n",
    );
    let cell = |text: &str| text.replace('|', "\\|").replace('\n', " ");
    for known in trino::functions() {
        let (about, example) = (cell(known.about), cell(&known.example));
        page.push_str(&format!("| `{}` | {about} | `{example}` | `{}` |\n", known.name, cell(known.answer)));
    }
    page.push_str("\n## Questions with names\n\n| question | asks for | what |\n|---|---|---|\n");
    for question in crate::named::QUESTIONS {
        page.push_str(&format!("| `{}` | {} | {} |\n", question.name, question.parameters.join(" "), question.about));
    }
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/functions.md");
    if std::env::var_os("TRAILHOUND_WRITE_DOCS").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap();
    assert!(written == page, "docs/functions.md is old: run this test with TRAILHOUND_WRITE_DOCS=1");
}

#[test]
fn null_in_is_null_out() {
    for call in [
        "json_extract(NULL, '$.a')",
        "json_extract_scalar('{}', '$.a')",
        "json_extract_scalar('{\"a\":null}', '$.a')",
        "json_array_get('{}', 0)",
        "regexp_extract('abc', 'x')",
        "element_at(ARRAY[1], 5)",
        "element_at(CAST(NULL AS varchar), 'a')",
        "date_format(CAST(NULL AS timestamp), '%Y')",
        "date_add('day', 1, CAST(NULL AS timestamp))",
        "url_extract_parameter('https://h/', 'x')",
        "try(json_parse('{'))",
        "try(CAST('x' AS bigint))",
    ] {
        assert_eq!(rows(&format!("SELECT {call}")), ["-"], "{call}");
    }
}

#[test]
fn json_has_trinos_types() {
    for (expression, value) in [
        (r#"CAST(json_extract('{"a":"x"}', '$.a') AS varchar)"#, "x"),
        (r#"CAST(json_extract('{"a":"12"}', '$.a') AS bigint) + 1"#, "13"),
        (r#"CAST(json_extract('[1,2]', '$') AS array(bigint))[2]"#, "2"),
        (r#"cardinality(CAST(json_parse('["a","b"]') AS ARRAY(VARCHAR)))"#, "2"),
        (r#"map_keys(CAST(json_parse('{"a":1,"b":2}') AS map(varchar, json)))"#, "[a, b]"),
        (r#"CAST(json_parse('{"a":{"b":1}}') AS map(varchar, json))['a']"#, r#"{"b":1}"#),
        (r#"CAST(json_parse('[7,"x"]') AS row(n bigint, s varchar)).s"#, "x"),
        (
            r#"transform(filter(map_values(CAST(json_parse('{"a":{"s":"on"},"b":{"s":"off"}}') AS map(varchar, json))),
               p -> CAST(json_extract(p, '$.s') AS varchar) = 'on'), p -> json_extract(p, '$.s'))"#,
            r#"["on"]"#,
        ),
        (r#"any_match(ARRAY['a','b'], e -> e = 'b')"#, "true"),
        ("json_format(CAST(ARRAY['a'] AS json))", r#"["a"]"#),
        ("contains('10.0.0.0/8', '10.1.1.1') AND NOT contains('10.0.0.0/8', '11.1.1.1')", "true"),
        ("contains('secretsmanager', 'secrets')", "true"),
    ] {
        assert_eq!(rows(&format!("SELECT {expression}")), [value], "{expression}");
    }
}

#[test]
fn times_are_trinos() {
    for (expression, value) in [
        ("current_timestamp - interval '7' day < current_timestamp", "true"),
        ("date_add('day', -30, current_timestamp) < now()", "true"),
        ("extract(dow FROM timestamp '2023-07-09 00:00:00')", "7"),
        ("date_format(from_iso8601_timestamp('2023-07-10T11:42:18Z') AT TIME ZONE 'America/New_York', '%H')", "07"),
        ("to_iso8601(from_iso8601_timestamp('2023-07-10T13:42:18+02:00'))", "2023-07-10T11:42:18.000Z"),
        (
            "to_iso8601(from_iso8601_timestamp('2023-07-10T11:42:18Z') AT TIME ZONE 'America/New_York')",
            "2023-07-10T07:42:18.000-04:00",
        ),
        ("to_iso8601(date '2023-07-10')", "2023-07-10"),
        ("date_add('day', 1, date '2023-07-10')", "2023-07-11"),
        ("typeof(date_add('day', 1, date '2023-07-10')) || typeof(date_trunc('month', current_date))", "datedate"),
        ("date_trunc('hour', timestamp '2023-07-10 11:42:18')", "2023-07-10T11:00:00"),
        ("CAST(date_add('day', -1, date '2023-07-10') AS varchar)", "2023-07-09"),
        ("CAST(from_iso8601_timestamp('2023-07-10T11:42:18Z') AS varchar)", "2023-07-10 11:42:18.000 UTC"),
        ("sequence(date '2023-07-30', date '2023-08-01')", "[2023-07-30, 2023-07-31, 2023-08-01]"),
        ("CAST(from_iso8601_timestamp('2023-07-10T11:42:18Z') AS date)", "2023-07-10"),
        ("'n: ' || 5", "n: 5"),
        ("cardinality(range(5)) + cardinality(sequence(1, 9, 4)) + cardinality(array_repeat('x', 2))", "10"),
    ] {
        assert_eq!(rows(&format!("SELECT {expression}")), [value], "{expression}");
    }
}

#[test]
fn errors_say_what_is_wrong() {
    for (expression, expected) in [
        ("json_extract('{}', 'a')", "must begin with $"),
        ("json_parse('{')", "is not JSON; try(json_parse(…))"),
        ("date_add('fortnight', 1, now())", "is no unit of time"),
        ("date_parse('x', '%Y')", "is no time of the pattern"),
        ("regexp_extract('x', '(')", "cannot be used"),
        ("json_extract('{}')", "takes 2 arguments, and 1 are given"),
        ("json_extract(ARRAY[1], '$')", "takes text"),
        ("CAST('{}' AS map(bigint, json))", "is not known here"),
        ("CAST(json_parse('[\"y\"]') AS array(bigint))[1]", "no bigint"),
    ] {
        let text = error(&format!("SELECT {expression}")).to_string();
        assert!(text.contains(expected), "{expression}: {text}");
    }
}

/// A result of any length is an error of the query, and no more.
#[test]
fn huge_results_are_refused() {
    for expression in [
        "length(repeat('x', 2000000000))",
        "length(lpad('x', 2000000000))",
        "length(rpad('x', 2000000000, 'ab'))",
        "length(repeat(eventname, 2000000000))",
        "cardinality(range(0, 1000000000000))",
        "cardinality(sequence(1, length(eventname) * 100000000000))",
        "cardinality(array_repeat('x', 2000000000))",
    ] {
        let text = error(&format!("SELECT {expression} FROM events")).to_string();
        assert!(text.contains("is the most"), "{expression}: {text}");
    }
}

/// A time without a zone is of UTC: in another zone it is the same instant.
#[test]
fn another_time_zone_is_the_same_instant() {
    let zone = "'America/New_York'";
    for time in [
        "timestamp '2020-01-05 13:00:00 UTC'",
        "timestamp '2020-01-05 13:00:00'",
        "timestamp('2020-01-05 13:00:00')",
        "CAST('2020-01-05 13:00:00' AS timestamp)",
        "CAST('2020-01-05 13:00:00 UTC' AS timestamp with time zone)",
        "from_iso8601_timestamp('2020-01-05T13:00:00Z')",
    ] {
        for asked in [format!("{time} AT TIME ZONE {zone}"), format!("at_timezone({time}, {zone})")] {
            assert_eq!(rows(&format!("SELECT to_iso8601({asked})")), ["2020-01-05T08:00:00.000-05:00"], "{asked}");
            let same = format!("SELECT {asked} = {time}");
            assert_eq!(rows(&same), ["true"], "{same}");
        }
    }
    let noon = "timestamp '2023-07-10 12:00:00 UTC'";
    let later = |time: &str| rows(&format!("SELECT count(*) FROM event_data_store WHERE eventtime > {time}"));
    assert_eq!(later(noon), later(&format!("{noon} AT TIME ZONE {zone}")));
    assert_eq!(
        rows(&format!("SELECT to_iso8601(with_timezone(timestamp '2020-01-05 13:00:00', {zone}))")),
        ["2020-01-05T13:00:00.000-05:00"]
    );
    let text = error("SELECT now() AT TIME ZONE 'Mars/Olympus'").to_string();
    assert!(text.contains("no time zone is called `Mars/Olympus`"), "{text}");
}

/// A fraction is rounded, halves away from zero.
#[test]
fn whole_numbers_are_rounded() {
    for (expression, value) in [
        ("CAST(1.5 AS bigint)", "2"),
        ("CAST(2.5 AS integer)", "3"),
        ("CAST(0.999 AS integer)", "1"),
        ("CAST(-1.5 AS bigint)", "-2"),
        ("CAST(1.4 AS smallint)", "1"),
        ("CAST(CAST('2.5' AS decimal(10, 2)) AS bigint)", "3"),
        ("CAST(CAST('-2.5' AS decimal(10, 2)) AS bigint)", "-3"),
        ("TRY_CAST(1e30 AS bigint)", "-"),
        ("TRY_CAST(300.5 AS tinyint)", "-"),
        ("CAST(avg(x) AS bigint) FROM (VALUES (1), (2)) t(x)", "2"),
        ("CAST(7 / 2 AS bigint)", "3"),
    ] {
        assert_eq!(rows(&format!("SELECT {expression}")), [value], "{expression}");
    }
    assert!(error("SELECT CAST(1e30 AS bigint)").to_string().contains("1e30"));
    assert_eq!(
        rows("SELECT count(*) FROM cloudtrail_logs GROUP BY CAST(length(eventname) / 4.0 AS bigint) ORDER BY 1").len(),
        3
    );
}

/// What a NULL leaves open is NULL, as in Trino.
#[test]
fn nulls_are_not_known() {
    for (expression, value) in [
        ("contains(ARRAY['a', NULL], 'b')", "-"),
        ("contains(ARRAY['a', NULL], 'a')", "true"),
        ("contains(ARRAY['a'], 'b')", "false"),
        ("contains(ARRAY['a'], CAST(NULL AS varchar))", "-"),
        ("arrays_overlap(ARRAY[1, NULL], ARRAY[2])", "-"),
        ("arrays_overlap(ARRAY[1, NULL], ARRAY[2, NULL])", "-"),
        ("arrays_overlap(ARRAY[1, NULL], ARRAY[1])", "true"),
        ("arrays_overlap(ARRAY[1], ARRAY[2])", "false"),
        ("greatest(1, NULL)", "-"),
        ("least(1, NULL)", "-"),
        ("greatest(1, 2)", "2"),
        ("array_max(ARRAY[1, NULL])", "-"),
        ("array_min(ARRAY[1, NULL])", "-"),
        ("array_max(ARRAY[1, 3])", "3"),
        ("array_sort(ARRAY[3, NULL, 1])", "[1, 3, -]"),
        ("CAST('a' AS varchar) || NULL", "-"),
    ] {
        assert_eq!(rows(&format!("SELECT {expression}")), [value], "{expression}");
    }
    assert_eq!(rows("SELECT x, greatest(x, y) FROM (VALUES (1, 2), (3, NULL)) t(x, y) ORDER BY x"), ["1|2", "3|-"]);
}

#[test]
fn edges_are_trinos() {
    for (expression, value) in [
        ("substr('hello', 0)", ""),
        ("substr('hello', -2)", "lo"),
        ("substr('hello', -9)", ""),
        ("substr('hello', strpos('hello', 'x'))", ""),
        ("substr('hello', 1, strpos('hello', 'x') - 1)", ""),
        ("substring('hello' FROM 2 FOR 3)", "ell"),
        ("bitwise_left_shift(1, 64)", "0"),
        ("bitwise_left_shift(1, 62)", "4611686018427387904"),
        ("bitwise_right_shift(-1, 60)", "15"),
        ("bitwise_right_shift_arithmetic(-8, 70)", "-1"),
        ("'a' || 'b' || 3", "ab3"),
        ("ARRAY[1] || ARRAY[2]", "[1, 2]"),
        ("ARRAY[1] || 2", "[1, 2]"),
    ] {
        assert_eq!(rows(&format!("SELECT {expression}")), [value], "{expression}");
    }
    assert!(error("SELECT from_unixtime(99999999999999)").to_string().contains("outside the calendar"));
}
