//! Classes of Trino's grammar that saved queries are made of, with values from Trino's documentation or by hand.

use super::forms::all;
use super::{error, rows};

/// Trino: "NULLS LAST is the default, regardless of the ordering direction".
#[test]
fn rows_without_a_value_come_last() {
    all(&[
        ("SELECT x FROM (VALUES 1, NULL, 2) AS t (x) ORDER BY x DESC LIMIT 2", "2\n1"),
        ("SELECT x FROM (VALUES 1, NULL, 2) AS t (x) ORDER BY x LIMIT 2", "1\n2"),
        ("SELECT x FROM (VALUES 1, NULL, 2) AS t (x) ORDER BY x DESC NULLS FIRST LIMIT 2", "-\n2"),
        ("SELECT x, rank() OVER (ORDER BY x DESC) FROM (VALUES 1, NULL, 2) AS t (x) ORDER BY 2", "2|1\n1|2\n-|3"),
    ]);
}

#[test]
fn values_without_brackets() {
    all(&[
        ("VALUES 1, 2", "1\n2"),
        ("SELECT x, y FROM (VALUES ROW(1, 'a'), (2, 'b')) AS t (x, y)", "1|a\n2|b"),
        ("SELECT count(*) FROM cloudtrail_logs WHERE eventname IN (VALUES 'CreateUser', 'ListBuckets')", "2"),
        ("SELECT count(*) FROM cloudtrail_logs WHERE eventname = ANY (VALUES 'CreateUser', 'ListBuckets')", "2"),
        ("SELECT count(*) FROM cloudtrail_logs WHERE eventname <> ALL (VALUES 'CreateUser', 'ListBuckets')", "5"),
        (
            "SELECT 5 > SOME (VALUES 4, 6), 5 >= ALL (VALUES 4, 6), 6 >= ALL (VALUES 4, 6), 3 < ALL (VALUES 4, 6)",
            "true|false|true|true",
        ),
        (
            "SELECT 4 <= ANY (VALUES 3, 5), 5 = ALL (VALUES 5, 5), 5 = ALL (VALUES 5, 6), 5 <> ANY (VALUES 5, 6)",
            "true|true|false|true",
        ),
        // Over no rows ALL holds and ANY does not.
        (
            "SELECT 5 > ALL (SELECT n FROM (VALUES 1) AS t (n) WHERE n > 1), 5 > ANY (SELECT n FROM (VALUES 1) AS t (n) WHERE n > 1)",
            "true|false",
        ),
        ("SELECT eventid FROM cloudtrail_logs WHERE eventtime >= ALL (SELECT eventtime FROM cloudtrail_logs)", "e6"),
        (
            "SELECT eventid FROM cloudtrail_logs WHERE (eventsource, eventname) IN (VALUES ('s3.amazonaws.com', 'ListBuckets'))",
            "e5",
        ),
    ]);
}

#[test]
fn rows_in_subqueries() {
    all(&[
        (
            "SELECT eventid FROM cloudtrail_logs WHERE (eventsource, eventname) IN \
             (SELECT eventsource, eventname FROM cloudtrail_logs WHERE eventid = 'e2') ORDER BY 1",
            "e2\ne6",
        ),
        (
            "SELECT count(*) FROM cloudtrail_logs WHERE (eventsource, eventname) NOT IN \
             (SELECT eventsource, eventname FROM cloudtrail_logs WHERE eventid = 'e2')",
            "5",
        ),
    ]);
}

/// A path below a column of the outer query, in each kind of subquery.
#[test]
fn fields_of_outer_queries() {
    all(&[
        (
            "SELECT a.eventid FROM cloudtrail_logs a WHERE EXISTS (SELECT 1 FROM cloudtrail_logs b WHERE \
             b.userIdentity.arn = a.userIdentity.arn AND b.eventid <> a.eventid) ORDER BY 1",
            "e5\ne6",
        ),
        (
            "SELECT a.eventid FROM cloudtrail_logs AS a WHERE a.userIdentity.arn IS NOT NULL AND NOT EXISTS (SELECT 1 FROM \
             cloudtrail_logs b WHERE b.useridentity.arn = a.useridentity.arn AND b.eventname <> a.eventname) ORDER BY 1 LIMIT 1",
            "e1",
        ),
    ]);
}

#[test]
fn groups_of_groups() {
    all(&[
        (
            "SELECT eventsource, eventname, count(*), grouping(eventsource, eventname) FROM cloudtrail_logs WHERE eventid IN \
             ('e2', 'e5', 'e6') GROUP BY GROUPING SETS ((eventsource, eventname), (eventsource), ()) ORDER BY 4, 2",
            "s3.amazonaws.com|GetObject|2|0\ns3.amazonaws.com|ListBuckets|1|0\ns3.amazonaws.com|-|3|1\n-|-|3|3",
        ),
        (
            "SELECT count(*) FROM (SELECT awsregion, eventname FROM cloudtrail_logs WHERE eventid IN ('e2', 'e5') GROUP BY CUBE (awsregion, eventname))",
            "7",
        ),
        (
            "SELECT count(*) FROM (SELECT awsregion, eventname FROM cloudtrail_logs WHERE eventid IN ('e2', 'e5') GROUP BY ROLLUP (awsregion, eventname))",
            "5",
        ),
    ]);
}

#[test]
fn windows() {
    all(&[
        (
            "SELECT eventid, row_number() OVER w, lag(eventid) OVER w, sum(length(eventname)) OVER (ORDER BY eventid ROWS BETWEEN 1 \
             PRECEDING AND CURRENT ROW) FROM cloudtrail_logs WHERE eventid IN ('e2', 'e5', 'e6') WINDOW w AS (ORDER BY eventid)",
            "e2|1|-|9\ne5|2|e2|20\ne6|3|e5|20",
        ),
        (
            "SELECT eventid, count(*) OVER (ORDER BY from_iso8601_timestamp(eventtime) RANGE BETWEEN INTERVAL '1' HOUR PRECEDING AND \
             CURRENT ROW) FROM cloudtrail_logs WHERE eventid IN ('e1', 'e2') ORDER BY 1",
            "e1|1\ne2|2",
        ),
        (
            "SELECT count(*) FILTER (WHERE errorcode IS NOT NULL), count_if(errorcode IS NULL) FROM cloudtrail_logs",
            "2|5",
        ),
    ]);
}

#[test]
fn literals() {
    all(&[
        (
            "SELECT timestamp '2023-07-10 11:42', CAST('2023-07-10 11:42' AS timestamp)",
            "2023-07-10T11:42:00|2023-07-10T11:42:00",
        ),
        (
            "SELECT count(*) FROM event_data_store WHERE eventtime > '2023-07-11 00:00' AND eventtime < '2023-07-12 00:00'",
            "2",
        ),
        (
            "SELECT count(*) FROM event_data_store WHERE eventtime BETWEEN '2023-07-10 00:00' AND '2023-07-11T00:00'",
            "2",
        ),
        (
            "SELECT U&'\\0041', extract(day_of_week FROM date '2023-05-05'), extract(day_of_year FROM date '2023-02-01')",
            "A|5|32",
        ),
        ("SELECT CAST(json_extract('{\"a\":[1,2]}', '$.a') AS ARRAY<INTEGER>)[2]", "2"),
        (
            "SELECT count(*) FROM event_data_store WHERE eventtime < timestamp '2099-01-01 00:00:00 America/New_York'",
            "7",
        ),
    ]);
}

#[test]
fn sets_limits_and_samples() {
    all(&[
        (
            "SELECT eventname FROM cloudtrail_logs EXCEPT SELECT eventname FROM cloudtrail_logs WHERE eventid <> 'e5' OR eventid IS NULL",
            "ListBuckets",
        ),
        (
            "SELECT eventname FROM cloudtrail_logs INTERSECT SELECT eventname FROM cloudtrail_logs WHERE eventid = 'e6'",
            "GetObject",
        ),
        ("SELECT count(*) FROM (SELECT eventid FROM cloudtrail_logs LIMIT ALL)", "7"),
        ("SELECT eventid FROM cloudtrail_logs ORDER BY eventid OFFSET 4 LIMIT 1", "e5"),
        ("SELECT count(*) FROM cloudtrail_logs TABLESAMPLE BERNOULLI (100)", "7"),
        ("WITH RECURSIVE t (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < 3) SELECT sum(n) FROM t", "6"),
        (
            "SELECT \"eventName\" FROM \"AwsDataCatalog\".\"default\".\"cloudtrail_logs\" WHERE \"eventID\" = 'e5'",
            "ListBuckets",
        ),
        ("SELECT count(*) FROM cloudtrail_logs WHERE \"$path\" IS NULL OR \"$path\" LIKE '%'", "7"),
    ]);
}

#[test]
fn counts_of_values() {
    all(&[
        ("SELECT approx_most_frequent(1, eventname, 100) FROM cloudtrail_logs", "{GetObject: 2}"),
        (
            "SELECT approx_most_frequent(1, eventname, 9) FILTER (WHERE eventid = 'e5') FROM cloudtrail_logs",
            "{ListBuckets: 1}",
        ),
        (
            "SELECT split_to_map('a=1,b=2,c,a=3', ',', '='), split_to_map(NULL, ',', '='), cardinality(split_to_map('', ',', '='))",
            "{a: 1, b: 2}|-|0",
        ),
        ("SELECT element_at(split_to_map('k1=v1;k2=v=2', ';', '='), 'k2')", "v=2"),
        ("SELECT width_bucket(-1, 0, 10, 5), width_bucket(10, 0, 10, 5), width_bucket(9.9, 0, 10, 5)", "0|6|5"),
    ]);
}

/// What stands around the queries of saved files is told what to do instead.
#[test]
fn steps_around_queries_are_refused_with_a_way_out() {
    for (sql, way) in [
        (
            "CREATE EXTERNAL TABLE cloudtrail_logs (eventversion STRING) LOCATION 's3://b/AWSLogs/1/CloudTrail/'",
            "are tables already",
        ),
        ("MSCK REPAIR TABLE cloudtrail_logs", "are tables already"),
        ("ALTER TABLE cloudtrail_logs ADD PARTITION (region = 'us-east-1') LOCATION 's3://b/'", "are tables already"),
        ("CREATE OR REPLACE VIEW v AS SELECT 1", "a WITH before it"),
        ("CREATE TABLE x AS SELECT * FROM cloudtrail_logs", "are tables already"),
        ("UNLOAD (SELECT 1) TO 's3://b/x' WITH (format = 'PARQUET')", "--output parquet"),
        ("INSERT INTO x SELECT 1", "--output parquet"),
        ("PREPARE q FROM SELECT 1", "the places of `?`"),
        ("EXECUTE q USING 'a'", "the places of `?`"),
        ("SHOW PARTITIONS cloudtrail_logs", "partitions are columns"),
        ("SHOW CREATE TABLE cloudtrail_logs", "SHOW COLUMNS"),
    ] {
        let text = error(sql).to_string();
        assert!(text.contains(way) && text.contains("refused"), "{sql}: {text}");
    }
    assert_eq!(rows("SELECT 1"), ["1"]);
}
