//! Both published dialects, and Tailpipe's: names of tables, types of columns, forms of queries.

use arrow::datatypes::DataType;

use super::{engine, rows};

const STORE: &str = "0a1b2c3d-4e5f-6789-abcd-ef0123456789";

#[test]
fn a_store_has_lakes_types() {
    let answer = engine().query_blocking(&format!("SELECT * FROM {STORE}")).unwrap();
    let schema = answer.schema();
    let kind = |name: &str| schema.field_with_name(name).unwrap().data_type().clone();
    assert!(matches!(kind("eventtime"), DataType::Timestamp(_, Some(_))));
    assert!(matches!(kind("requestparameters"), DataType::Map(..)));
    for name in ["readonly", "managementevent"] {
        assert_eq!(kind(name), DataType::Boolean, "{name}");
    }
    assert_eq!(schema.fields().len(), crate::store::column_names().count());
    assert_eq!(answer.notes(), [format!("`{STORE}` is read as event_data_store")]);
}

#[test]
fn lake_queries() {
    for (select, answer) in [
        ("element_at(requestParameters, 'bucketName') FROM $ WHERE eventid = 'e2'", "secrets"),
        ("requestParameters['key'] FROM $ WHERE eventid = 'e6'", "c.txt"),
        ("count(*) FROM $ WHERE element_at(requestParameters, 'bucketName') = 'secrets'", "2"),
        ("count(*) FROM $ WHERE eventTime > '2023-07-10 12:00:00' AND eventTime < '2023-07-12 00:00:00'", "2"),
        ("count(*) FROM $ WHERE readOnly = false AND managementEvent = true", "2"),
        ("element_at(resources, 1).arn FROM $ WHERE eventid = 'e2'", "arn:aws:s3:::secrets/a/b.txt"),
        ("day_of_week(eventTime), count(*) FROM $ WHERE eventid = 'e1' GROUP BY day_of_week(eventTime)", "1|1"),
        (
            "element_at(additionalEventData, 'MFAUsed') AS mfa FROM $ WHERE eventid = 'e1' \
             GROUP BY date(eventTime), additionalEventData ORDER BY date(eventTime) DESC",
            "No",
        ),
        ("json_extract_scalar(eventJson, '$.eventName') FROM $ WHERE eventid = 'e3'", "CreateUser"),
        (
            "json_extract_scalar(element_at(requestParameters, 'instancesSet'), '$.items[0].instanceId') FROM $ \
          WHERE eventname = 'StartInstances'",
            "i-1",
        ),
        ("cardinality(map_keys(requestParameters)) FROM $ WHERE eventid = 'e2'", "2"),
        ("count(*) FROM $ WHERE eventtime > date_add('day', -36500, now())", "7"),
        ("date_format(eventTime, '%Y/%m/%d') FROM $ WHERE eventid = 'e1'", "2023/07/10"),
    ] {
        // The id tells the dialect; another name is told by what the query does.
        for table in [STORE, "my_store", "cloudtrail_logs"] {
            let sql = format!("SELECT {}", select.replace("FROM $", &format!("FROM {table}")));
            if table != "cloudtrail_logs" || !select.starts_with("json_extract_scalar(eventJson") {
                assert_eq!(rows(&sql), [answer], "{sql}");
            }
        }
    }
}

/// A store's id is never Athena's table, where times are texts, whatever the query does with it.
#[test]
fn a_store_is_a_store() {
    let created = "userIdentity.sessionContext.attributes.creationDate";
    for (select, answer) in [
        ("count(*) FROM $ WHERE readOnly = 'false' AND eventTime > '2023-07-10 12:00:00'", "1"),
        ("typeof(sessionCredentialFromConsole) FROM $ WHERE eventid = 'e1'", "varchar"),
        ("count(*) FROM $ WHERE sessionCredentialFromConsole = 'true' OR eventid = 'e1'", "1"),
        ("count(*) FROM $ WHERE sessionCredentialFromConsole = true OR eventid = 'e1'", "1"),
        (&format!("eventid FROM $ WHERE {created} > '2023-07-10 11:00:00' ORDER BY {created}"), "e3"),
        (&format!("eventTime - {created} = interval '30' minute FROM $ WHERE eventid = 'e3'"), "true"),
        ("userIdentity.sessionContext.webIdFederationData.attributes['x'] IS NULL FROM $ WHERE eventid = 'e1'", "true"),
        ("json_extract_scalar(CAST(requestParameters AS JSON), '$.bucketName') FROM $ WHERE eventid = 'e2'", "secrets"),
        ("json_format(CAST(responseElements AS JSON)) LIKE '%ConsoleLogin%' FROM $ WHERE eventid = 'e1'", "true"),
    ] {
        for table in [STORE, "event_data_store", "default.event_data_store"] {
            let sql = format!("SELECT {}", select.replace("FROM $", &format!("FROM {table}")));
            assert_eq!(rows(&sql), [answer], "{sql}");
        }
    }
    assert!(engine().query_blocking(&format!("SELECT year FROM {STORE}")).is_err());
}

/// A table's own name behind a database's is that table; paths into any view's structs are named by their last part.
#[test]
fn names_behind_a_database() {
    assert_eq!(
        rows("SELECT default.events.eventname FROM default.events WHERE outcome = 'denied' AND eventid = 'e3'"),
        ["CreateUser"]
    );
    assert_eq!(
        rows("SELECT operation FROM (SELECT api.operation FROM ocsf) WHERE operation = 'CreateUser'"),
        ["CreateUser"]
    );
    let answer =
        engine().query_blocking("SELECT api.operation, o.cloud.region, event.action FROM ocsf o, ecs LIMIT 1").unwrap();
    let names: Vec<_> = answer.schema().fields().iter().map(|field| field.name().clone()).collect();
    assert_eq!(names, ["operation", "region", "action"]);
}

/// Where DuckDB and Trino mean different things by one word, the table tells which is meant.
#[test]
fn words_of_two_dialects() {
    for (sql, answer) in [
        ("SELECT concat(eventname, '-', errorcode) IS NULL FROM cloudtrail_logs WHERE eventid = 'e1'", "true"),
        ("SELECT concat(event_name, '-', error_code) FROM aws_cloudtrail_log WHERE event_id = 'e1'", "ConsoleLogin-"),
        ("SELECT concat(year, '/', month, '/', day) FROM cloudtrail_logs WHERE eventid = 'e1'", "2023/07/10"),
        // 2023-07-16 was a Sunday.
        ("SELECT extract(dow FROM timestamp '2023-07-16 00:00:00') FROM cloudtrail_logs WHERE eventid = 'e1'", "7"),
        ("SELECT extract(dow FROM timestamp '2023-07-16 00:00:00') FROM aws_cloudtrail_log WHERE event_id = 'e1'", "0"),
        (
            "SELECT request_parameters -> '$.instancesSet.items[*].instanceId' FROM aws_cloudtrail_log WHERE event_name = 'StartInstances'",
            "[\"i-1\"]",
        ),
        (
            "SELECT request_parameters ->> '$..instanceId' FROM aws_cloudtrail_log WHERE event_name = 'StartInstances'",
            "[\"i-1\"]",
        ),
    ] {
        assert_eq!(rows(sql), [answer], "{sql}");
    }
}

/// Texts that are kept as codes of a dictionary, in every view.
#[test]
fn different_values_are_counted_of_any_column() {
    for table in ["events", "cloudtrail_logs", "event_data_store"] {
        for column in [
            "useridentity.arn",
            "eventname",
            "sourceipaddress",
            "eventtime",
            "useridentity.sessioncontext.sessionissuer.username",
        ] {
            let count = |function: &str| rows(&format!("SELECT {function} FROM {table}"));
            let exact = count(&format!("count(DISTINCT {column})"));
            assert_eq!(count(&format!("approx_distinct({column})")), exact, "{table}: {column}");
            assert_eq!(count(&format!("approx_distinct({column}, 0.05)")), exact, "{table}: {column}");
        }
    }
}

#[test]
fn athena_queries() {
    for (select, answer) in [
        ("json_extract_scalar(requestparameters, '$.bucketName') FROM $ WHERE eventid = 'e2'", "secrets"),
        ("requestParameters.bucketName FROM $ WHERE eventid = 'e2'", "secrets"),
        ("count(DISTINCT ct.requestParameters.key) FROM $ ct WHERE ct.requestParameters.bucketName = 'secrets'", "2"),
        (
            "count(*) FROM $ WHERE from_iso8601_timestamp(eventtime) > from_iso8601_timestamp('2023-07-11T00:00:00Z')",
            "4",
        ),
        (
            "count(*) FROM $ WHERE parse_datetime(eventtime, 'yyyy-MM-dd''T''HH:mm:ss''Z''') < timestamp '2023-07-11 00:00:00'",
            "3",
        ),
        ("count(*) FROM $ WHERE date_parse(eventtime, '%Y-%m-%dT%H:%i:%sZ') >= date_add('year', -200, now())", "7"),
        ("count(*) FROM $ WHERE readonly = 'true' AND eventtime LIKE '2023%'", "2"),
        ("count(*) FROM $ WHERE date_partition >= date_format(timestamp '2024-01-01 00:00:00', '%Y/%m/%d')", "2"),
        ("substr(eventtime, 1, 10) FROM $ WHERE eventid = 'e1'", "2023-07-10"),
        (
            "u.r.ARN FROM $ t CROSS JOIN UNNEST(t.resources) u (r) WHERE u.r.type = 'AWS::S3::Bucket'",
            "arn:aws:s3:::secrets",
        ),
        (
            "r.arn, n FROM $ CROSS JOIN UNNEST(resources) WITH ORDINALITY AS u (r, n) WHERE n = 2",
            "arn:aws:s3:::secrets|2",
        ),
        // A row without elements stays in a LEFT JOIN.
        ("count(*), count(r.arn) FROM $ LEFT JOIN UNNEST(resources) AS t(r) ON TRUE", "8|2"),
        ("count(*), count(r.arn) FROM $ CROSS JOIN UNNEST(resources) AS t(r)", "2|2"),
        ("max_by(eventname, eventtime) FROM $ WHERE eventsource = 's3.amazonaws.com'", "GetObject"),
        (
            "count_if(errorcode IS NOT NULL), arbitrary(errorcode) FROM $ WHERE errorcode = 'AccessDenied'",
            "2|AccessDenied",
        ),
        ("eventname, count(*) AS n FROM $ GROUP BY eventname HAVING n > 1", "GetObject|2"),
        ("replace(element_at(resources, 1).arn, 'arn:aws:s3:::') FROM $ WHERE eventid = 'e2'", "secrets/a/b.txt"),
        ("regexp_extract(useridentity.arn, 'user/(.+)$', 1) FROM $ WHERE eventid = 'e5'", "carol"),
    ] {
        let others = ["default.cloudtrail_logs", "security.trail_2023", "\"my-trail\""];
        let others =
            others.iter().filter(|_| select.starts_with("requestParameters") || select.starts_with("count(DISTINCT"));
        for table in ["cloudtrail_logs"].iter().chain(others) {
            let sql = format!("SELECT {}", select.replace(" $ ", &format!(" {table} ")));
            assert_eq!(rows(&sql), [answer], "{sql}");
        }
    }
}

#[test]
fn tailpipe_queries() {
    for (select, answer) in [
        (
            "string_split(event_source, '.')[1] || ':' || event_name AS operation FROM $ WHERE event_id = 'e3'",
            "iam:CreateUser",
        ),
        (
            "request_parameters ->> 'userName' AS resource, user_identity.arn AS actor, tp_source_ip FROM $ WHERE event_id = 'e3'",
            "eve|arn:aws:sts::111122223333:assumed-role/Admin/bob|198.51.100.9",
        ),
        ("count(*) FROM $ WHERE (response_elements ->> 'ConsoleLogin') = 'Success'", "1"),
        ("response_elements -> 'instancesSet' -> 'items' AS i FROM $ WHERE event_name = 'StartInstances'", "[]"),
        ("count(*) FROM $ WHERE not read_only", "2"),
        ("user_identity.session_context.session_issuer.user_name FROM $ WHERE event_id = 'e2'", "Admin"),
        (
            "count(*) FROM $ WHERE json_contains((request_parameters -> 'instancesSet' -> 'items'), '{\"instanceId\": \"i-1\"}')",
            "1",
        ),
        ("strftime(event_time, '%Y-%m-%d') AS d FROM $ WHERE event_id = 'e1'", "2023-07-10"),
        (
            "item ->> 'instanceId' AS i FROM $, unnest(from_json((request_parameters ->> 'instancesSet' -> 'items'), '[\"JSON\"]')) AS item \
          WHERE event_name = 'StartInstances'",
            "i-1",
        ),
        (
            "count(*) FROM (SELECT tp_timestamp AS timestamp, *, aws_region AS region FROM $) WHERE region = 'us-east-1'",
            "5",
        ),
    ] {
        for table in ["aws_cloudtrail_log", "trail_log"] {
            let sql = format!("SELECT {}", select.replace(" $", &format!(" {table}")));
            assert_eq!(rows(&sql), [answer], "{sql}");
        }
    }
}

/// Filters of every view are filters of the table, so that a lake leaves files out by them.
#[test]
fn filters_reach_the_table() {
    for (sql, expected) in [
        (
            "SELECT eventid FROM my_store WHERE eventtime > '2024-01-01 00:00:00'",
            "eventtime > TimestampMicrosecond(1704067200000000",
        ),
        (
            "SELECT eventid FROM t WHERE from_iso8601_timestamp(eventtime) > from_iso8601_timestamp('2024-01-01T00:00:00Z') AND year = '2024'",
            "eventtime > TimestampMicrosecond(1704067200000000",
        ),
        ("SELECT event_id FROM aws_cloudtrail_log WHERE tp_date = date '2024-01-01'", "event_date = Date32"),
    ] {
        let plan = rows(&format!("EXPLAIN {sql}")).join("\n");
        assert!(plan.contains(expected), "{plan}");
        assert!(!plan.contains("athena_time"), "{plan}");
    }
    // One member of an object needs no map.
    let sql = "EXPLAIN SELECT eventid FROM my_store WHERE element_at(requestParameters, 'bucketName') = 'x'";
    let plan = rows(sql).join("\n");
    assert!(!plan.contains("json_cast"), "{plan}");
}

#[test]
fn events_as_others_have_them() {
    for (sql, answer) in [
        (
            "SELECT eventname_, class_uid, activity_id, type_uid, status FROM (SELECT api.operation AS eventname_, * FROM ocsf) \
             WHERE metadata.uid IN ('e1', 'e3', 'e5') ORDER BY metadata.uid",
            "ConsoleLogin|3002|1|300201|Success\nCreateUser|3001|1|300101|Failure\nListBuckets|6003|2|600302|Success",
        ),
        (
            "SELECT actor.user.credential_uid, actor.session.is_mfa, src_endpoint.ip, cloud.region FROM ocsf \
             WHERE metadata.uid = 'e2'",
            "ASIAEXAMPLE1|true|198.51.100.4|eu-west-1",
        ),
        (
            "SELECT type_name, category_name, severity, metadata.profiles, actor.session.created_time_dt FROM ocsf WHERE \
             metadata.uid IN ('e1', 'e2') ORDER BY metadata.uid",
            "Authentication: Logon|Identity & Access Management|Informational|[cloud, datetime]|-\n\
             API Activity: Read|Application Activity|Informational|[cloud, datetime]|2023-07-10T10:00:00Z",
        ),
        (
            "SELECT metadata.uid FROM ocsf WHERE any_match(transform(resources, x -> x.uid), y -> y LIKE '%secrets%')",
            "e2",
        ),
        (
            "SELECT resources[2].owner.account.uid, resources[2].type FROM ocsf WHERE metadata.uid = 'e2'",
            "111122223333|AWS::S3::Bucket",
        ),
        (
            "SELECT o.type_id, o.value FROM ocsf CROSS JOIN UNNEST(observables) AS t(o) WHERE metadata.uid IN ('e2', 'e4') \
             ORDER BY 1, 2",
            "1|ec2.amazonaws.com\n2|198.51.100.4\n4|Admin\n10|arn:aws:s3:::secrets\n10|arn:aws:s3:::secrets/a/b.txt\n\
             10|arn:aws:sts::111122223333:assumed-role/Admin/alice",
        ),
        (
            "SELECT element_at(aws.cloudtrail.flattened.request_parameters, 'bucketName') FROM ecs WHERE event.id = 'e2'",
            "secrets",
        ),
        ("SELECT src_endpoint.ip, src_endpoint.domain FROM ocsf WHERE metadata.uid = 'e4'", "-|ec2.amazonaws.com"),
        (
            "SELECT event.action, event.outcome, event.category, \"user\".name, source.ip FROM ecs WHERE event.id = 'e3'",
            "CreateUser|failure|[iam]|Admin|198.51.100.9",
        ),
        // A service called, from no address.
        ("SELECT related.ip, related.\"user\" FROM ecs WHERE event.id = 'e4'", "[]|[]"),
        ("SELECT related.ip, related.\"user\" FROM ecs WHERE event.id = 'e3'", "[198.51.100.9]|[Admin]"),
        ("SELECT aws.cloudtrail.user_identity.access_key_id FROM ecs WHERE event.id = 'e5'", "AKIAIOSFODNN7EXAMPLE"),
        // This record is older than `readOnly`.
        (
            "SELECT aws.cloudtrail.read_only, event.type, event.category FROM ecs WHERE event.id = 'e5'",
            "-|[access]|[api]",
        ),
    ] {
        assert_eq!(rows(sql).join("\n"), answer, "{sql}");
    }
}
