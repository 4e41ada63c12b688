//! Forms of queries that Athena and CloudTrail Lake take, and the engine alone does not.

use super::{engine, rows};

const STORE: &str = "0a1b2c3d-4e5f-6789-abcd-ef0123456789";

pub(super) fn all(cases: &[(&str, &str)]) {
    let wrong: Vec<_> = cases
        .iter()
        .filter_map(|(sql, expected)| {
            let sql = sql.replace("$LAKE", STORE);
            let found = engine().collect_blocking(&sql).map(|batches| super::text(&batches).join("\n"));
            let found = found.unwrap_or_else(|error| error.to_string());
            (found != *expected).then(|| format!("{sql}\n  gives {found}\n  not   {expected}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn unnest_of_anything() {
    all(&[
        ("SELECT x, n FROM UNNEST(ARRAY['a','b']) WITH ORDINALITY AS t(x, n)", "a|1\nb|2"),
        ("SELECT k, v FROM UNNEST(MAP(ARRAY['a','b'], ARRAY[1,2])) AS t(k, v)", "a|1\nb|2"),
        ("SELECT x, y FROM UNNEST(ARRAY[1,2], ARRAY['a','b','c']) AS t(x, y)", "1|a\n2|b\n-|c"),
        ("SELECT x, y, n FROM UNNEST(ARRAY[1], ARRAY['a','b']) WITH ORDINALITY AS t(x, y, n)", "1|a|1\n-|b|2"),
        ("SELECT a, b FROM UNNEST(ARRAY[ROW(1,'x'), ROW(2,'y')]) AS t(a, b)", "1|x\n2|y"),
        (
            "SELECT eventid, a, c FROM cloudtrail_logs CROSS JOIN UNNEST(resources) AS t(a, b, c)",
            "e2|arn:aws:s3:::secrets/a/b.txt|AWS::S3::Object\ne2|arn:aws:s3:::secrets|AWS::S3::Bucket",
        ),
        (
            "SELECT r FROM cloudtrail_logs CROSS JOIN UNNEST(transform(resources, x -> x.ARN)) AS t(r)",
            "arn:aws:s3:::secrets/a/b.txt\narn:aws:s3:::secrets",
        ),
        (
            "SELECT r.arn FROM cloudtrail_logs CROSS JOIN UNNEST(filter(resources, x -> x.type LIKE '%Bucket')) AS t(r)",
            "arn:aws:s3:::secrets",
        ),
        (
            "SELECT json_extract_scalar(i, '$.instanceId') FROM cloudtrail_logs CROSS JOIN \
             UNNEST(CAST(json_extract(requestparameters, '$.instancesSet.items') AS array(json))) AS t(i)",
            "i-1",
        ),
        (
            "SELECT k, v FROM $LAKE CROSS JOIN UNNEST(requestparameters) AS t(k, v) WHERE eventid = 'e2' AND t.k <> 'key'",
            "bucketName|secrets",
        ),
        (
            "SELECT k, v, n FROM cloudtrail_logs CROSS JOIN UNNEST(CAST(json_parse(requestparameters) AS map(varchar, json))) \
             WITH ORDINALITY AS t(k, v, n) WHERE eventid = 'e2'",
            "bucketName|\"secrets\"|1\nkey|\"a/b.txt\"|2",
        ),
        (
            "SELECT t.* FROM cloudtrail_logs CROSS JOIN UNNEST(split(eventsource, '.')) AS t(p) WHERE eventid = 'e3'",
            "iam\namazonaws\ncom",
        ),
        (
            "SELECT t.r.arn FROM cloudtrail_logs ct JOIN UNNEST(ct.resources) AS t(r) ON t.r.type LIKE '%Bucket'",
            "arn:aws:s3:::secrets",
        ),
        (
            "SELECT count(*), count(k) FROM cloudtrail_logs LEFT JOIN \
             UNNEST(CAST(json_parse(requestparameters) AS map(varchar, varchar))) AS t(k, v) ON true WHERE eventid IN ('e1', 'e2')",
            "3|2",
        ),
    ]);
}

#[test]
fn names_that_stand_twice() {
    let header = |sql: &str| -> Vec<String> {
        engine().query_blocking(sql).unwrap().schema().fields().iter().map(|field| field.name().clone()).collect()
    };
    assert_eq!(header("SELECT eventname, EVENTNAME FROM cloudtrail_logs"), ["eventname", "eventname_2"]);
    assert_eq!(header("SELECT *, eventname FROM cloudtrail_logs").last().map(String::as_str), Some("eventname_2"));
    assert_eq!(header("SELECT a.*, b.eventid AS x FROM cloudtrail_logs a, cloudtrail_logs b").last().unwrap(), "x");
    assert_eq!(
        header(
            "SELECT COUNT(*), count(*), min(eventtime), CAST(eventtime AS date), CAST(eventtime AS varchar) FROM events GROUP BY eventtime"
        ),
        ["count(*)", "count(*)_2", "min(eventtime)", "cast(eventtime as date)", "cast(eventtime as varchar)"]
    );
    assert_eq!(header("SELECT r.arn FROM cloudtrail_logs CROSS JOIN UNNEST(resources) AS t(r)"), ["arn"]);
    all(&[
        (
            "SELECT x FROM (SELECT eventname AS x, eventname AS x, *, eventid FROM cloudtrail_logs) WHERE eventid = 'e5'",
            "ListBuckets",
        ),
        (
            "SELECT upper(eventname), count(*) FROM cloudtrail_logs GROUP BY upper(eventname) ORDER BY count(*) DESC, 1 LIMIT 1",
            "GETOBJECT|2",
        ),
        ("SELECT DISTINCT lower(awsregion) FROM cloudtrail_logs ORDER BY lower(awsregion) LIMIT 1", "eu-west-1"),
    ]);
}

#[test]
fn escapes_of_like() {
    all(&[
        (
            "SELECT 'a%b' LIKE 'a!%b' ESCAPE '!', 'axb' LIKE 'a!%b' ESCAPE '!', 'a_b' LIKE 'a#_b' ESCAPE '#'",
            "true|false|true",
        ),
        // Without an ESCAPE the backslash is a letter, as in Trino: policies in requests are full of them.
        (
            r#"SELECT '{\"Effect\":\"Allow\"}' LIKE '%\"Effect\":\"Allow\"%', '"Effect"' LIKE '%\"Effect\"%'"#,
            "true|false",
        ),
        (r"SELECT 'a\b' LIKE 'a\b', 'a_b' LIKE 'a\_b' ESCAPE '\', 'A_B' ILIKE 'a$_b' ESCAPE '$'", "true|true|true"),
    ]);
}

#[test]
fn trying() {
    all(&[
        ("SELECT try(1/0), try(7 % 0), try(CAST('x' AS bigint)), try(date_parse('x', '%Y'))", "-|-|-|-"),
        (
            "SELECT try(length(eventname) / (length(eventname) - 9)) IS NULL, count(*) FROM cloudtrail_logs GROUP BY 1 ORDER BY 1",
            "false|5\ntrue|2",
        ),
        (
            "SELECT count(try(from_iso8601_timestamp(if(eventid = 'e2', 'x', eventtime)))), count(*) FROM cloudtrail_logs",
            "6|7",
        ),
        ("SELECT try(sum(length(eventname)) / count(errorcode)) FROM cloudtrail_logs WHERE errorcode IS NULL", "-"),
        ("SELECT coalesce(try(json_parse('{')), 'none'), try(10 / 4)", "none|2"),
    ]);
}

#[test]
fn lambdas() {
    all(&[
        ("SELECT eventid FROM cloudtrail_logs WHERE any_match(resources, r -> r.accountId = recipientaccountid)", "e2"),
        (
            "SELECT any_match(resources, r -> r.type = 'AWS::S3::Bucket' AND r.arn LIKE '%secrets') FROM cloudtrail_logs WHERE eventid = 'e2'",
            "true",
        ),
        (
            "SELECT reduce(ARRAY[5, 20, 50], CAST(row(0.0, 0) AS row(sum double, n bigint)).n, (s, x) -> s + x, s -> s / 3)",
            "25",
        ),
        ("SELECT reduce(filter(ARRAY[1, 2, NULL], x -> x IS NOT NULL), 0.5, (s, x) -> s + x, s -> s)", "3.5"),
        (
            "SELECT reduce(split(eventsource, '.'), '', (s, x) -> x || s, s -> s) FROM cloudtrail_logs WHERE eventid = 'e2'",
            "comamazonawss3",
        ),
        (
            "SELECT transform(CASE WHEN eventname = '' THEN ARRAY[''] ELSE string_to_array(eventsource, '.') END, x -> CASE WHEN x = 's3' THEN upper(x) ELSE x || '!' END) FROM cloudtrail_logs WHERE eventid = 'e2'",
            "[S3, amazonaws!, com!]",
        ),
        (
            "SELECT map_filter(requestparameters, (k, v) -> k = 'bucketName' AND length(eventname) > 3) FROM $LAKE WHERE eventid = 'e2'",
            "{bucketName: secrets}",
        ),
        (
            "SELECT map_keys(transform_keys(requestparameters, (k, v) -> upper(k))) FROM $LAKE WHERE eventid = 'e2'",
            "[BUCKETNAME, KEY]",
        ),
        (
            "SELECT element_at(transform_values(requestparameters, (k, v) -> k || '=' || v), 'key') FROM $LAKE WHERE eventid = 'e6'",
            "key=c.txt",
        ),
        (
            "SELECT zip_with(split(eventid, 'e'), ARRAY['x', 'y'], (a, b) -> a || b) FROM cloudtrail_logs WHERE eventid = 'e2'",
            "[x, 2y]",
        ),
    ]);
}

#[test]
fn aggregates_to_maps() {
    all(&[
        (
            "SELECT histogram(eventname) FILTER (WHERE eventsource = 's3.amazonaws.com') FROM cloudtrail_logs",
            "{GetObject: 2, ListBuckets: 1}",
        ),
        ("SELECT element_at(map_agg(eventid, eventname), 'e3') FROM cloudtrail_logs", "CreateUser"),
        (
            "SELECT array_sort(element_at(multimap_agg(eventname, eventid), 'GetObject')) FROM cloudtrail_logs",
            "[e2, e6]",
        ),
        ("SELECT cardinality(histogram(errorcode)), histogram(eventname) FROM cloudtrail_logs WHERE false", "-|-"),
    ]);
}

#[test]
fn addresses() {
    all(&[
        (
            "SELECT eventid FROM cloudtrail_logs WHERE CAST(sourceipaddress AS ipaddress) BETWEEN IPADDRESS '198.51.100.0' \
             AND IPADDRESS '198.51.100.255' ORDER BY 1",
            "e2\ne3",
        ),
        (
            "SELECT CAST('9.0.0.1' AS ipaddress) < CAST('10.0.0.1' AS ipaddress), contains(IPPREFIX '10.0.0.0/8', IPADDRESS '10.1.1.1')",
            "true|true",
        ),
        (
            "SELECT ip_prefix(CAST(sourceipaddress AS ipaddress), 24), count(*) FROM cloudtrail_logs GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 1",
            "192.0.2.0/24|3",
        ),
    ]);
}

#[test]
fn sql_json() {
    all(&[
        (r#"SELECT json_value('{"a":1}', 'lax $.a' RETURNING bigint) + 1"#, "2"),
        (r#"SELECT json_value('{"a":1}', 'lax $.b' DEFAULT 'x' ON EMPTY NULL ON ERROR)"#, "x"),
        (
            r#"SELECT json_query('{"a":[1,2]}', 'lax $.a' WITHOUT ARRAY WRAPPER), json_query('{"a":1}', 'lax $.a' WITH ARRAY WRAPPER)"#,
            "[1,2]|[1]",
        ),
        (
            r#"SELECT json_exists('{"a":1}', 'strict $.b' FALSE ON ERROR), json_query('{"a":"x"}', '$.a' OMIT QUOTES)"#,
            "false|x",
        ),
        (r#"SELECT json_extract('{"a":{"b":{"c":1}}}', '$..c'), JSON '{"a": 1}'"#, r#"[1]|{"a":1}"#),
    ]);
}

#[test]
fn limits_of_the_standard() {
    assert_eq!(rows("SELECT eventid FROM cloudtrail_logs ORDER BY eventid FETCH FIRST 2 ROWS ONLY"), ["e1", "e2"]);
    assert_eq!(rows("SELECT eventid FROM cloudtrail_logs ORDER BY eventid OFFSET 1 ROWS FETCH NEXT ROW ONLY"), ["e2"]);
}

/// Text is compared as text in Athena's view, also with what is no time of CloudTrail's.
#[test]
fn times_of_athena_are_text() {
    for (condition, found) in [
        // A blank sorts before the `T`.
        ("eventtime > '2023-07-10 12:00:00' AND year = '2023' AND month = '07' AND day = '10'", "e1,e2"),
        ("eventtime BETWEEN '2023-07-10' AND '2023-07-11' AND date_partition > '2000'", "e1,e2"),
        ("eventtime >= '2023-07-11' AND eventtime < '2023-07-12' AND year = '2023'", "e3,e4"),
        ("eventtime > to_iso8601(date_add('day', 1, date '2023-07-10')) AND year = '2023'", "e3,e4"),
    ] {
        let sql = format!(
            "SELECT array_join(array_agg(eventid ORDER BY eventid), ',') FROM cloudtrail_logs WHERE {condition}"
        );
        assert_eq!(rows(&sql), [found], "{sql}");
    }
}

/// What a statement names itself hides a column of ours, which its author's table did not have.
#[test]
fn stars_give_way_to_names() {
    all(&[
        (
            "WITH t AS (SELECT *, date(from_iso8601_timestamp(eventtime)) AS day FROM my_trail) SELECT day, count(*) FROM t GROUP BY day ORDER BY 1 LIMIT 1",
            "2013-11-19|1",
        ),
        (
            "WITH a AS (SELECT * FROM cloudtrail_logs), b AS (SELECT *, upper(eventname) AS eventname FROM a) SELECT eventname FROM b WHERE eventid = 'e5'",
            "LISTBUCKETS",
        ),
        ("SELECT region FROM (SELECT *, 'x' AS region FROM events WHERE eventid = 'e1')", "x"),
    ]);
    let engine = super::engine();
    let columns = engine.query_blocking("SELECT *, 1 AS day FROM cloudtrail_logs").unwrap().schema();
    assert_eq!(columns.fields().iter().filter(|field| field.name() == "day").count(), 1);
}

#[test]
fn places_of_rows_and_lists() {
    all(&[
        (
            "SELECT resources[1][1], resources[2][2], resources[1][3] FROM cloudtrail_logs WHERE eventid = 'e2'",
            "arn:aws:s3:::secrets/a/b.txt|111122223333|AWS::S3::Object",
        ),
        (
            "SELECT a[cardinality(a)], a[array_length(a) - 1] FROM (SELECT split(useridentity.arn, '/') AS a FROM cloudtrail_logs WHERE eventid = 'e2')",
            "alice|Admin",
        ),
        (
            "SELECT element_at(split(useridentity.arn, '/'), cardinality(split(useridentity.arn, '/'))) FROM cloudtrail_logs WHERE eventid = 'e5'",
            "carol",
        ),
    ]);
}

#[test]
fn intervals_many_times_over() {
    all(&[
        (
            "SELECT date_trunc('hour', ts) + interval '5' minute * (minute(ts) / 5) FROM (SELECT from_iso8601_timestamp(eventtime) AS ts FROM cloudtrail_logs WHERE eventid = 'e1')",
            "2023-07-10T11:40:00Z",
        ),
        (
            "SELECT timestamp '2023-07-10 00:00:00' - 2 * interval '1' month, date '2023-07-10' + 3 * interval '1' day",
            "2023-05-10T00:00:00|2023-07-13",
        ),
        ("SELECT count(*) FROM $LAKE WHERE eventtime > now() - interval '1' day * 36500", "7"),
    ]);
}

/// Names to be filled in and partition columns alone tell a table of ours.
#[test]
fn tables_told_by_little() {
    all(&[
        ("SELECT count(*) FROM $EDS_ID WHERE eventtime > timestamp '2024-01-01 00:00:00'", "1"),
        (
            "SELECT dt, count(*) FROM my_org_logs WHERE dt BETWEEN '2023-07-10' AND '2023-07-10' GROUP BY dt",
            "2023/07/10|2",
        ),
        ("SELECT p_account, p_region FROM org_trail WHERE p_date = '2013/11/19'", "444455556666|us-west-2"),
    ]);
    let error = super::error("SELECT 1 FROM nothing");
    assert!(error.to_string().contains("no table `nothing`"), "{error}");
}

#[test]
fn different_values() {
    all(&[
        (
            "SELECT array_agg(DISTINCT errorcode ORDER BY errorcode), array_agg(DISTINCT eventname) FILTER (WHERE eventid IN ('e2', 'e6')) FROM cloudtrail_logs",
            "[AccessDenied, -]|[GetObject]",
        ),
        (
            "SELECT awsregion, array_join(array_agg(DISTINCT eventid ORDER BY eventid), ',') FROM events WHERE eventid IS NOT NULL GROUP BY awsregion ORDER BY 1",
            "eu-west-1|e2\nus-east-1|e1,e3,e4,e5,e6",
        ),
        (
            "SELECT array_agg(DISTINCT readonly ORDER BY readonly), array_agg(DISTINCT length(eventname) ORDER BY length(eventname) DESC) FROM events",
            "[false, true, -]|[14, 12, 11, 10, 9]",
        ),
        ("SELECT array_agg(DISTINCT eventname ORDER BY eventname) FROM events WHERE false", "-"),
    ]);
}

/// Groups of coded texts are the same groups as those of plain ones, NULL among them.
#[test]
fn coded_keys() {
    all(&[
        ("SELECT errorcode, count(*) FROM events GROUP BY errorcode ORDER BY 1", "AccessDenied|2\n-|5"),
        (
            "SELECT service, lower(awsregion), count(DISTINCT eventname), max(awsregion) FROM events GROUP BY service, 2 HAVING count(*) > 1 ORDER BY 1",
            "s3|us-east-1|2|us-east-1",
        ),
        ("SELECT DISTINCT awsregion FROM events ORDER BY awsregion LIMIT 1", "eu-west-1"),
    ]);
}
