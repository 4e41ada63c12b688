//! Files that an older trailhound wrote, before some columns came.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema};
use datafusion::parquet::arrow::ArrowWriter;
use ingest::columns::batch_from_json;
use ingest::older::narrowed;
use ingest::restore::record_to_json;
use lake::schema::EVENTS;
use lake::{Aws, DataFile, Lake};

use crate::lake::sorted;
use crate::tests::{EVENTS as RECORDS, batch, engine_over, text};
use crate::{Engine, Limits};

/// Records with what came to CloudTrail later than the others' fields, and one that is odd in the same fields.
const LATER: &[&str] = &[
    r#"{"eventVersion":"1.11","eventTime":"2023-07-10T13:00:00Z","eventSource":"s3.amazonaws.com","eventName":"PutObject","awsRegion":"eu-west-1","recipientAccountId":"1","eventID":"l1","sharedEventID":"s1","vpcEndpointId":"vpce-1","managementEvent":false,"serviceEventDetails":{"a":1.50},"tlsDetails":{"tlsVersion":"TLSv1.3","keyExchange":"x25519"},"resources":[{"ARN":"arn:aws:s3:::b","type":"AWS::S3::Bucket"}],"userIdentity":{"type":"AssumedRole","arn":"arn:aws:sts::1:assumed-role/r/s","accessKeyId":"ASIALATER","inScopeOf":{"sourceArn":"arn:aws:lambda:f","issuerType":"AWS::Lambda::Function"},"sessionContext":{"sourceIdentity":"carol","attributes":{"mfaAuthenticated":"true"}}},"brandNew":{"x":[1]}}"#,
    r#"{"eventVersion":"1.11","eventTime":"2023-07-10T13:00:01Z","eventSource":"s3.amazonaws.com","eventName":"PutObject","awsRegion":"eu-west-1","recipientAccountId":"1","eventID":"l2","vpcEndpointId":7,"managementEvent":"true","tlsDetails":"none","resources":{"ARN":"a"},"userIdentity":{"type":"IAMUser","arn":"arn:aws:iam::1:user/dan","inScopeOf":null,"newer":1}}"#,
    r#"{"eventVersion":"1.11","eventTime":"2023-07-10T13:00:02Z","eventSource":"s3.amazonaws.com","eventName":"GetObject","awsRegion":"eu-west-1","recipientAccountId":"1","eventID":"l3","vpcEndpointId":"vpce-2","managementEvent":true,"tlsDetails":{"tlsVersion":"TLSv1.2"},"resources":[{"ARNPrefix":"arn:aws:s3:::b/p"}]}"#,
];

/// What the older table lacked: a column of every kind, fields of a struct, a field of a struct in it, one of a list.
const LACKING: &[&str] = &[
    "sharedeventid",
    "vpcendpointid",
    "managementevent",
    "serviceeventdetails",
    "tlsdetails",
    "resources.arnprefix",
    "useridentity.inscopeof",
    "useridentity.sessioncontext.sourceidentity",
];

/// Writes rows as a data file of the lake in a folder.
fn write(folder: &Path, name: &str, rows: &RecordBatch) -> DataFile {
    let mut writer = ArrowWriter::try_new(Vec::new(), rows.schema(), None).unwrap();
    writer.write(rows).unwrap();
    let bytes = writer.into_inner().unwrap();
    let path = format!("event_date=2023-07-10/{name}");
    let file = folder.join("lake/events").join(&path);
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(&file, &bytes).unwrap();
    let rows = rows.num_rows() as u64;
    let day = Some(19_548);
    DataFile { path, bytes: bytes.len() as u64, rows, modified_ms: 0, event_date: day, times: None }
}

/// Rows without the day, which is not in files.
fn stored(rows: &RecordBatch) -> RecordBatch {
    let columns: Vec<_> = rows.schema().fields().iter().map(|field| field.name().clone()).enumerate().collect();
    let keep: Vec<_> = columns.into_iter().filter(|(_, name)| name != "event_date").map(|(at, _)| at).collect();
    rows.project(&keep).unwrap()
}

/// A file of an older version without some columns, and with plain text where there are dictionaries today.
#[test]
fn what_a_file_does_not_have_is_null() {
    let dir = tempfile::tempdir().unwrap();
    let place = dir.path().join("lake").display().to_string();
    let lake = Lake::open_for_writing(&place, &Aws::default()).unwrap();
    let sample = batch();
    let keep = ["eventid", "eventname", "eventtime", "useridentity", "principal"];
    let columns: Vec<(Field, ArrayRef)> = keep
        .iter()
        .map(|name| {
            let column = sample.column_by_name(name).unwrap();
            let plain = matches!(column.data_type(), DataType::Dictionary(..));
            let column = if plain { cast(column, &DataType::Utf8).unwrap() } else { column.clone() };
            (Field::new(*name, column.data_type().clone(), true), column)
        })
        .collect();
    let (fields, columns): (Vec<_>, Vec<_>) = columns.into_iter().unzip();
    let old = RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap();
    let file = write(dir.path(), "old.parquet", &old);
    let engine = Engine::new(Limits::default()).unwrap();
    engine.register_files(&lake, vec![file]).unwrap();
    let rows = |sql: &str| text(&engine.collect_blocking(sql).unwrap());
    assert_eq!(rows("SELECT count(*), count(awsregion), count(extra) FROM events"), ["7|0|0"]);
    let one = "SELECT eventname, awsregion, principal, event_date, useridentity.arn FROM events WHERE eventid = 'e2'";
    let arn = "arn:aws:sts::111122223333:assumed-role/Admin/alice";
    assert_eq!(rows(one), [format!("GetObject|-|arn:aws:iam::111122223333:role/Admin|2023-07-10|{arn}")]);
    assert_eq!(rows("SELECT eventid FROM events WHERE eventname = 'ConsoleLogin'"), ["e1"]);
    assert_eq!(rows("SELECT eventid FROM events WHERE awsregion = 'us-east-1'"), [""; 0]);
    assert_eq!(rows("SELECT eventid FROM cloudtrail_logs WHERE useridentity.accesskeyid = 'ASIAEXAMPLE1'"), ["e2"]);
}

/// A lake with a file of an older version and one of today, and the same events in memory.
struct Mixed {
    _dir: tempfile::TempDir,
    lake: Lake,
    files: Vec<DataFile>,
    records: Vec<&'static str>,
}

impl Mixed {
    fn new() -> Mixed {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().join("lake").display().to_string();
        let lake = Lake::open_for_writing(&place, &Aws::default()).unwrap();
        let day = |record: &&&str| record.contains("2023-07-10");
        let records: Vec<&str> = RECORDS.iter().chain(LATER).filter(day).copied().collect();
        let (old, new) = records.split_at(records.len() - 1);
        let older = stored(&narrowed(&batch_from_json(old).unwrap(), LACKING).unwrap());
        assert!(older.column_by_name("vpcendpointid").is_none());
        let files = vec![
            write(dir.path(), "old.parquet", &older),
            write(dir.path(), "new.parquet", &stored(&batch_from_json(new).unwrap())),
        ];
        Mixed { _dir: dir, lake, files, records }
    }

    fn engine(&self) -> Engine {
        let engine = Engine::new(Limits { partitions: 2, ..Limits::default() }).unwrap();
        engine.register_files(&self.lake, self.files.clone()).unwrap();
        engine
    }
}

#[test]
fn what_came_later_is_taken_from_extra() {
    let mixed = Mixed::new();
    let (lake, logs) = (mixed.engine(), engine_over(vec![batch_from_json(&mixed.records).unwrap()]));
    for sql in [
        "SELECT * FROM events ORDER BY eventid",
        "SELECT eventid, vpcendpointid, sharedeventid, managementevent, serviceeventdetails FROM events ORDER BY 1",
        "SELECT eventid FROM events WHERE vpcendpointid = 'vpce-1'",
        "SELECT eventid FROM events WHERE vpcendpointid IN ('7', 'vpce-2') ORDER BY 1",
        "SELECT eventid FROM events WHERE vpcendpointid IS NULL ORDER BY 1",
        "SELECT eventid FROM events WHERE NOT managementevent ORDER BY 1",
        "SELECT eventid FROM events WHERE useridentity.inscopeof.sourcearn = 'arn:aws:lambda:f'",
        "SELECT eventid FROM events WHERE useridentity.inscopeof.sourcearn IS NULL ORDER BY 1",
        "SELECT eventid FROM events WHERE useridentity.inscopeof IS NOT NULL ORDER BY 1",
        "SELECT eventid FROM events WHERE useridentity.sessioncontext.sourceidentity = 'carol' AND eventname = 'PutObject'",
        "SELECT eventid FROM events WHERE useridentity.accesskeyid = 'ASIALATER' OR vpcendpointid = 'vpce-2' ORDER BY 1",
        "SELECT eventid FROM events WHERE tlsdetails.tlsversion LIKE 'TLSv1%' ORDER BY 1",
        "SELECT eventid FROM events WHERE tlsdetails IS NULL ORDER BY 1",
        "SELECT eventid FROM events WHERE resources IS NULL ORDER BY 1",
        "SELECT eventid FROM events WHERE extra LIKE '%brandNew%' OR extra LIKE '%vpcEndpointId%' ORDER BY 1",
        "SELECT eventid, extra IS NULL FROM events ORDER BY 1",
        "SELECT eventid, useridentity, resources FROM events ORDER BY 1",
        "SELECT useridentity.arn, useridentity.sessioncontext, useridentity.inscopeof.issuertype FROM events ORDER BY eventid",
        "SELECT tlsdetails.tlsversion, count(*), count(vpcendpointid) FROM events GROUP BY 1 ORDER BY 1",
        "SELECT vpcendpointid, eventid FROM events WHERE vpcendpointid IS NOT NULL ORDER BY 1 DESC LIMIT 2",
        "SELECT a.eventid FROM events a JOIN events b ON a.vpcendpointid = b.vpcendpointid ORDER BY 1",
        "SELECT u.arn, u.arnprefix FROM events CROSS JOIN UNNEST(resources) AS t(u) ORDER BY 1, 2",
        "SELECT eventid FROM cloudtrail_logs WHERE tlsDetails.tlsVersion = 'TLSv1.3'",
        "SELECT eventid, vpcendpointid, sharedeventid, serviceeventdetails FROM cloudtrail_logs ORDER BY 1",
        "SELECT eventid FROM event_data_store WHERE tlsDetails.tlsVersion = 'TLSv1.2'",
    ] {
        match (logs.collect_blocking(sql), lake.collect_blocking(sql)) {
            (Ok(expected), Ok(rows)) => assert_eq!(text(&rows), text(&expected), "{sql}"),
            (expected, rows) => assert_eq!(rows.err(), expected.err(), "{sql}"),
        }
    }
    let found = "SELECT eventid FROM events WHERE useridentity.inscopeof.sourcearn = 'arn:aws:lambda:f'";
    assert_eq!(text(&lake.collect_blocking(found).unwrap()), ["l1"]);
}

#[test]
fn rows_of_an_older_file_give_their_records_back() {
    let mixed = Mixed::new();
    let json = |batches: &[RecordBatch]| {
        let mut records: Vec<serde_json::Value> = Vec::new();
        for batch in batches {
            records.extend((0..batch.num_rows()).map(|row| serde_json::from_str(&record_to_json(batch, row)).unwrap()));
        }
        records
    };
    let mut expected: Vec<serde_json::Value> =
        mixed.records.iter().map(|record| serde_json::from_str(record).unwrap()).collect();
    expected.sort_by_key(|record| record["eventID"].to_string());
    assert_eq!(json(&mixed.engine().collect_blocking("SELECT * FROM events ORDER BY eventid").unwrap()), expected);
    // What a compaction writes: today's columns, and nothing twice.
    let rows: Vec<_> = sorted(&mixed.lake, EVENTS, &mixed.files, &["eventid"], &Limits::default())
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert_eq!(json(&rows), expected);
    let extra = rows.iter().map(|batch| batch.column_by_name("extra").unwrap().as_string::<i32>().clone());
    let extra: Vec<String> =
        extra.flat_map(|e| e.iter().map(|t| t.unwrap_or("-").to_owned()).collect::<Vec<_>>()).collect();
    assert!(extra.iter().any(|text| text == r#"{"brandNew":{"x":[1]}}"#), "{extra:?}");
}
