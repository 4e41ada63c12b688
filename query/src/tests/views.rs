//! The view `cloudtrail_logs`: Athena's types, NULLs and partition columns, and what the optimizer makes of them.

use arrow::datatypes::DataType;

use super::{engine, rows};

#[test]
fn columns_have_athenas_types() {
    let answer = engine().query_blocking("SELECT * FROM cloudtrail_logs").unwrap();
    let schema = answer.schema();
    let names: Vec<&str> = schema.fields().iter().map(|f| f.name().as_str()).collect();
    assert_eq!(names, crate::athena::column_names().collect::<Vec<_>>());
    for field in schema.fields() {
        let plain = matches!(field.data_type(), DataType::Utf8 | DataType::Utf8View);
        let nested = matches!(field.data_type(), DataType::Struct(_) | DataType::List(_));
        assert!(plain || nested, "{} is {}", field.name(), field.data_type());
    }
}

#[test]
fn times_booleans_and_nulls_are_athenas() {
    assert_eq!(
        rows(
            "SELECT eventtime, readonly, managementevent, requestparameters, responseelements FROM cloudtrail_logs \
              WHERE eventid = 'e1'"
        ),
        [r#"2023-07-10T11:42:18Z|false|true|-|{"ConsoleLogin":"Success"}"#]
    );
    for (condition, count) in [
        ("readonly = 'true'", 3),
        ("readonly = 'false'", 2),
        ("readonly IS NULL", 2),
        ("requestparameters IS NULL", 2),
        ("requestparameters LIKE '%\"bucketName\":\"secrets\"%'", 2),
        ("eventtime >= '2024-01-01T00:00:00Z'", 2),
        ("eventtime > '2024-01-01T00:00:00Z'", 1),
        ("eventtime <= '2024-01-01T00:00:00Z'", 6),
        ("eventtime < '2024'", 5),
        ("eventtime LIKE '2023-07-1%'", 4),
        ("eventtime BETWEEN '2023-07-10T11:42:18Z' AND '2023-07-10T12:00:00Z'", 2),
        ("eventtime <> '2023-07-10T11:42:18Z'", 6),
        ("eventtime IN ('2023-07-10T11:42:18Z', '2023-07-10T12:00:00Z')", 2),
    ] {
        let sql = format!("SELECT count(*) FROM cloudtrail_logs WHERE {condition}");
        assert_eq!(rows(&sql), [count.to_string()], "{sql}");
    }
}

#[test]
fn partition_columns_of_every_layout() {
    assert_eq!(
        rows(
            "SELECT account, region, year, month, day, \"timestamp\", date_partition, region_partition, \
              account_partition FROM cloudtrail_logs WHERE eventid = 'e2'"
        ),
        ["111122223333|eu-west-1|2023|07|10|2023/07/10|2023/07/10|eu-west-1|111122223333"]
    );
    for (condition, count) in [
        ("year = '2023'", 4),
        ("year = '2023' AND month = '07' AND day = '11'", 2),
        ("year >= '2023' AND region = 'us-east-1'", 5),
        ("year IN ('2013', '2024')", 3),
        ("date_partition >= '2023/07/11' AND date_partition <= '2023/12/31'", 2),
        ("date_partition = '2013/11/19'", 1),
        ("\"timestamp\" > '2023/07/10' AND \"timestamp\" < '2024/01/01'", 2),
        ("account_partition = '444455556666'", 4),
        ("account = '111122223333' AND region_partition IN ('us-east-1', 'us-east-2')", 2),
        ("year = '####'", 0),
    ] {
        let sql = format!("SELECT count(*) FROM cloudtrail_logs WHERE {condition}");
        assert_eq!(rows(&sql), [count.to_string()], "{sql}");
    }
}

/// A comparison of the text becomes one of the time: nothing is formatted, and a lake can prune by it.
#[test]
fn comparisons_of_texts_of_time_reach_the_times() {
    for (condition, expected) in [
        ("eventtime >= '2024-01-01T00:00:00Z'", "eventtime >= TimestampMicrosecond(1704067200000000"),
        ("date_partition >= '2024/01/01'", "event_date >= Date32"),
        ("year = '2024'", "event_date >= Date32"),
    ] {
        let plan = rows(&format!("EXPLAIN SELECT eventid FROM cloudtrail_logs WHERE {condition}")).join("\n");
        assert!(plan.contains(expected), "{plan}");
        assert!(!plan.contains("athena_"), "{plan}");
    }
}

/// A view computes only the columns that are asked for.
#[test]
fn a_view_scans_what_is_asked_for() {
    let plan = rows("EXPLAIN SELECT eventname FROM cloudtrail_logs").join("\n");
    assert!(plan.contains("TableScan: events projection=[eventname]"), "{plan}");
}
