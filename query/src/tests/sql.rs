//! SQL over `events`: nested fields in any case, dictionaries as text, joins, names of answer columns.

use super::{TABLES, engine, rows};

#[test]
fn nested_fields_in_any_case() {
    for path in [
        "userIdentity.sessionContext.attributes.mfaAuthenticated",
        "useridentity.sessioncontext.attributes.mfaauthenticated",
        "USERIDENTITY.SESSIONCONTEXT.ATTRIBUTES.MFAAUTHENTICATED",
        "e.userIdentity.sessionContext.attributes.mfaAuthenticated",
        r#""userIdentity"."sessionContext"."attributes"."mfaAuthenticated""#,
        "userIdentity['sessionContext']['attributes']['mfaAuthenticated']",
    ] {
        for table in ["events", "Events", "cloudtrail_logs", "CloudTrail_Logs", r#""Events""#] {
            let sql = format!("SELECT eventID FROM {table} e WHERE {path} = 'true'");
            assert_eq!(rows(&sql), ["e2"], "{sql}");
        }
    }
}

#[test]
fn a_field_of_a_missing_struct_is_null() {
    let sql = "SELECT count(*) FROM events WHERE useridentity.sessioncontext.attributes.mfaauthenticated IS NULL";
    assert_eq!(rows(sql), ["5"]);
    assert_eq!(rows("SELECT count(*) FROM events WHERE tlsdetails.tlsversion IS NULL"), ["7"]);
}

/// Every way that a query uses text must take a dictionary column.
#[test]
fn dictionaries_behave_as_text() {
    for (condition, count) in [
        ("eventname = 'GetObject'", 2),
        ("'GetObject' = eventname", 2),
        ("eventname <> 'GetObject'", 5),
        ("eventname > 'G'", 4),
        ("eventname IN ('GetObject', 'ListBuckets')", 3),
        ("eventname NOT IN ('GetObject', 'ListBuckets')", 4),
        ("eventname LIKE 'Get%'", 2),
        ("eventname NOT LIKE 'Get%'", 5),
        ("eventname ILIKE 'get%'", 2),
        ("eventname ~ '^(Get|List)'", 3),
        ("eventname BETWEEN 'A' AND 'B'", 1),
        ("lower(eventname) = 'getobject'", 2),
        ("upper(eventname) LIKE 'GET%'", 2),
        ("length(eventname) = 9", 2),
        ("substr(eventname, 1, 3) = 'Get'", 2),
        ("strpos(eventname, 'Object') > 0", 2),
        ("starts_with(eventname, 'Get')", 2),
        ("split_part(eventsource, '.', 1) = 's3'", 3),
        ("replace(eventsource, '.amazonaws.com', '') = 's3'", 3),
        ("regexp_like(eventname, '^Get')", 2),
        ("concat(eventsource, ':', eventname) = 's3.amazonaws.com:GetObject'", 2),
        ("eventsource || ':' || eventname = 's3.amazonaws.com:GetObject'", 2),
        ("coalesce(errorcode, 'none') = 'none'", 5),
        ("nullif(eventname, 'GetObject') IS NULL", 2),
        ("CASE WHEN errorcode IS NULL THEN 'ok' ELSE errorcode END = 'AccessDenied'", 2),
        ("CASE eventname WHEN 'GetObject' THEN 1 ELSE 0 END = 1", 2),
        ("CAST(eventname AS VARCHAR) = 'GetObject'", 2),
        ("eventname = errorcode", 0),
        ("service = split_part(eventsource, '.', 1)", 7),
        ("eventname IS NOT NULL AND errorcode IS NULL", 5),
        ("eventname = (SELECT max(eventname) FROM events)", 1),
        ("eventname IN (SELECT eventname FROM events WHERE errorcode IS NOT NULL)", 3),
        ("greatest(eventname, 'A') = eventname", 7),
    ] {
        for table in ["events", "cloudtrail_logs"] {
            if table == "cloudtrail_logs" && condition.starts_with("service") {
                continue;
            }
            let sql = format!("SELECT count(*) FROM {table} WHERE {condition}");
            assert_eq!(rows(&sql), [count.to_string()], "{sql}");
        }
    }
}

#[test]
fn group_order_and_distinct_on_dictionaries() {
    for table in ["events", "cloudtrail_logs"] {
        let by_name =
            rows(&format!("SELECT eventname, count(*) FROM {table} GROUP BY eventname ORDER BY 2 DESC, eventname"));
        assert_eq!(by_name[0], "GetObject|2");
        assert_eq!(by_name.len(), 6);
        let two = rows(&format!(
            "SELECT eventsource, errorcode, count(*) AS n FROM {table} GROUP BY eventsource, errorcode \
             ORDER BY n DESC, eventsource, errorcode"
        ));
        assert_eq!(two[0], "s3.amazonaws.com|-|2");
        assert_eq!(two.len(), 6);
        assert_eq!(rows(&format!("SELECT DISTINCT awsregion FROM {table} ORDER BY awsregion")).len(), 3);
        assert_eq!(
            rows(&format!("SELECT count(DISTINCT eventname), count(DISTINCT useridentity.arn) FROM {table}")),
            ["6|5"]
        );
        assert_eq!(rows(&format!("SELECT min(eventname), max(eventname) FROM {table}")), ["AssumeRole|StartInstances"]);
        let lists = format!(
            "SELECT array_agg(DISTINCT eventname ORDER BY eventname) FROM {table} WHERE eventsource = 's3.amazonaws.com'"
        );
        assert_eq!(rows(&lists), ["[GetObject, ListBuckets]"]);
    }
}

#[test]
fn set_operations_and_windows() {
    assert_eq!(
        rows("SELECT eventname FROM events WHERE errorcode IS NOT NULL UNION SELECT 'Other' ORDER BY eventname"),
        ["CreateUser", "GetObject", "Other"]
    );
    assert_eq!(rows("SELECT eventname FROM events UNION ALL SELECT eventname FROM cloudtrail_logs").len(), 14);
    assert_eq!(
        rows(
            "SELECT eventname FROM events EXCEPT SELECT eventname FROM cloudtrail_logs WHERE eventname <> 'CreateUser'"
        ),
        ["CreateUser"]
    );
    assert_eq!(
        rows(
            "SELECT eventid FROM (SELECT eventid, row_number() OVER (PARTITION BY eventsource ORDER BY eventtime) AS n \
              FROM events) WHERE n = 2"
        ),
        ["e5"]
    );
}

#[test]
fn joins() {
    let pairs = "SELECT a.eventid, b.eventid FROM events a JOIN events b ON a.eventname = b.eventname \
                 AND a.eventid < b.eventid";
    assert_eq!(rows(pairs), ["e2|e6"]);
    let mixed = "SELECT a.eventid FROM events a JOIN cloudtrail_logs b ON a.eventname = b.eventname \
                 WHERE b.errorcode = 'AccessDenied' ORDER BY a.eventid";
    assert_eq!(rows(mixed), ["e2", "e3", "e6"]);
    let outer = "SELECT count(*) FROM events a LEFT JOIN events b ON a.sharedeventid = b.sharedeventid";
    assert_eq!(rows(outer), ["7"]);
}

#[test]
fn times_and_booleans() {
    for (condition, count) in [
        ("eventtime >= '2024-01-01T00:00:00Z'", 2),
        ("eventtime BETWEEN '2023-07-10T00:00:00Z' AND '2023-07-11T08:30:00Z'", 3),
        ("eventtime > timestamp '2023-07-11 23:59:58'", 3),
        ("event_date = '2023-07-10'", 2),
        ("event_date >= date '2023-07-11' AND event_date < date '2024-01-01'", 2),
        ("eventtime >= now() - interval '100 years'", 7),
        ("date_trunc('day', eventtime) = '2023-07-10T00:00:00Z'", 2),
        ("extract(hour FROM eventtime) = 11", 1),
        ("readonly", 3),
        ("NOT readonly", 2),
        ("readonly = true", 3),
        ("readonly IS NULL", 2),
    ] {
        let sql = format!("SELECT count(*) FROM events WHERE {condition}");
        assert_eq!(rows(&sql), [count.to_string()], "{sql}");
    }
}

#[test]
fn resources_are_a_list_of_structs() {
    assert_eq!(rows("SELECT resources[1].ARN FROM events WHERE eventid = 'e2'"), ["arn:aws:s3:::secrets/a/b.txt"]);
    assert_eq!(rows("SELECT resources[2]['type'] FROM events WHERE eventid = 'e2'"), ["AWS::S3::Bucket"]);
    assert_eq!(rows("SELECT count(*) FROM events WHERE resources IS NULL"), ["6"]);
    let unnested = "SELECT r.arn FROM (SELECT unnest(resources) AS r FROM cloudtrail_logs) ORDER BY 1";
    assert_eq!(rows(unnested), ["arn:aws:s3:::secrets", "arn:aws:s3:::secrets/a/b.txt"]);
}

#[test]
fn answer_columns_have_plain_names() {
    let header = |sql: &str| -> Vec<String> {
        let answer = engine().query_blocking(sql).unwrap();
        answer.schema().fields().iter().map(|f| f.name().clone()).collect()
    };
    assert_eq!(
        header(
            "SELECT eventTime, userIdentity.arn, t.userIdentity.sessionContext.sessionIssuer.arn, resources FROM events t"
        ),
        ["eventtime", "arn", "sessionissuer_arn", "resources"]
    );
    assert_eq!(
        header(r#"SELECT eventName AS "eventName", count(*) AS n FROM events GROUP BY eventName"#),
        ["eventName", "n"]
    );
    for sql in [
        "SELECT useridentity.type, count(*) AS n FROM cloudtrail_logs GROUP BY useridentity.type ORDER BY useridentity.type",
        "SELECT DISTINCT useridentity.type FROM cloudtrail_logs ORDER BY useridentity.type",
        "SELECT useridentity.type FROM events ORDER BY type",
        "SELECT type FROM (SELECT useridentity.type FROM events) ORDER BY 1",
    ] {
        assert_eq!(header(sql)[0], "type", "{sql}");
        assert_eq!(rows(sql)[0].split('|').next(), Some("AWSService"), "{sql}");
    }
}

#[test]
fn the_engine_lists_its_tables() {
    assert_eq!(engine().tables(), TABLES);
    assert!(rows("SHOW TABLES").iter().any(|r| r.contains("|events|")));
    // Types by the names that a cast takes.
    assert!(rows("DESCRIBE events").contains(&"eventtime|timestamp(3) with time zone|YES".to_owned()));
    assert!(rows("DESCRIBE cloudtrail_logs").contains(&"eventtime|varchar|YES".to_owned()));
    assert!(rows("SHOW COLUMNS FROM cloudtrail_logs").iter().any(|r| r.contains("date_partition")));
}
