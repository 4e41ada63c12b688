//! A lake that an older trailhound made.

use std::ops::ControlFlow;

use arrow::datatypes::{DataType, Field, Fields, Schema};
use ingest::columns::batch_from_json;
use ingest::older::narrowed;
use ingest::restore::record_to_json;

use super::*;
use crate::Error;
use crate::encode::{FileWriter, Layout};
use crate::manifest::APPLICATION;
use crate::stage::store;
use crate::table::{Change, Spec, Table};

/// Of one day; the second and third have what came later, the third in a form that no column holds.
const RECORDS: &[&str] = &[
    r#"{"eventTime":"2026-01-02T03:04:05Z","eventID":"a","userIdentity":{"type":"Root"}}"#,
    r#"{"eventTime":"2026-01-02T03:04:06Z","eventID":"b","vpcEndpointId":"vpce-1","userIdentity":{"type":"AssumedRole","inScopeOf":{"sourceArn":"s"}},"newest":1}"#,
    r#"{"eventTime":"2026-01-02T03:04:07Z","eventID":"c","vpcEndpointId":[1],"userIdentity":{"type":"AWSService","inScopeOf":7}}"#,
];
/// 2026-01-02.
const DAY: i32 = 20_455;

/// The event table as it was before `vpcendpointid` and `useridentity.inscopeof` came.
fn older() -> Spec {
    let spec = schema::spec(EVENTS);
    let fields = spec.schema.fields().iter().filter(|field| field.name() != "vpcendpointid");
    let fields = fields.map(|field| match field.data_type() {
        DataType::Struct(inner) if field.name() == "useridentity" => {
            let inner: Fields = inner.iter().filter(|field| field.name() != "inscopeof").cloned().collect();
            Arc::new(Field::new(field.name(), DataType::Struct(inner), true))
        }
        _ => field.clone(),
    });
    Spec { schema: Arc::new(Schema::new(fields.collect::<Vec<_>>())), ..spec }
}

#[test]
fn columns_that_came_later_are_added_and_nothing_is_rewritten() {
    let place = Place::new(300);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let location = runtime.block_on(crate::Location::open(&place.place(), &Aws::default())).unwrap();
    location.create().unwrap();
    let table = runtime.block_on(Table::create(&location, older())).unwrap();
    assert_eq!(table.version(), 0);
    place.ingest(&place.logs());
    let lake = place.open();
    assert_eq!(lake.version(), 2, "made, widened, one batch");
    assert_eq!(ids(&lake).len(), 300);
    // Opening it again finds nothing to add.
    assert_eq!(place.open().version(), 2);
}

#[test]
fn what_came_later_is_read_from_the_files_of_before() {
    let place = Place::new(1);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let location = runtime.block_on(crate::Location::open(&place.place(), &Aws::default())).unwrap();
    location.create().unwrap();
    let mut table = runtime.block_on(Table::create(&location, older())).unwrap();
    let today = batch_from_json(RECORDS).unwrap();
    let old = narrowed(&today, &["vpcendpointid", "useridentity.inscopeof"]).unwrap();
    let mut file = FileWriter::new(EVENTS, &older().schema, Layout::Fresh).unwrap();
    file.write(&old).unwrap();
    let file = store(&location, runtime.handle(), EVENTS, Some(Some(DAY)), file.finish().unwrap()).unwrap();
    let change = Change {
        add: std::slice::from_ref(&file),
        remove: &[],
        rows_change: true,
        application: APPLICATION,
        number: 1 << 20,
        also: None,
    };
    runtime.block_on(table.commit(change)).unwrap();

    let lake = Lake::open(&place.place(), &Aws::default()).unwrap();
    let read = |columns: Option<&[&str]>| {
        let mut all = Vec::new();
        lake.events(columns, 1, &mut |batch| {
            all.push(batch);
            ControlFlow::Continue(())
        })
        .unwrap();
        arrow::compute::concat_batches(&all[0].schema(), &all).unwrap()
    };
    let whole = read(None);
    assert_eq!(whole.column_by_name("useridentity"), today.column_by_name("useridentity"));
    assert_eq!(whole.column_by_name("vpcendpointid"), today.column_by_name("vpcendpointid"));
    for (row, record) in RECORDS.iter().enumerate() {
        let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert_eq!(value(&record_to_json(&whole, row)), value(record));
    }
    let extra = batch::text(&whole, "extra");
    assert_eq!((extra.get(0), extra.get(1)), (None, Some(r#"{"newest":1}"#)));
    // As `access` reads it: `extra` is asked for only where something is missing, and not handed on.
    let some = read(Some(&["eventid", "vpcendpointid"]));
    assert_eq!(some.num_columns(), 2);
    assert_eq!(batch::text(&some, "vpcendpointid").get(1), Some("vpce-1"));
}

/// Only what reads all columns may write rows anew.
#[test]
fn a_table_with_columns_of_a_newer_trailhound_is_not_compacted() {
    let place = Place::new(60);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let location = runtime.block_on(crate::Location::open(&place.place(), &Aws::default())).unwrap();
    location.create().unwrap();
    let spec = schema::spec(EVENTS);
    let more = spec.schema.fields().iter().cloned().chain([Arc::new(Field::new("newest", DataType::Utf8, true))]);
    let newer = Spec { schema: Arc::new(Schema::new(more.collect::<Vec<_>>())), ..spec };
    runtime.block_on(Table::create(&location, newer)).unwrap();
    place.ingest(&place.logs());
    let mut lake = place.open();
    assert_eq!(ids(&lake).len(), 60);
    let bin = lake.bins().unwrap().remove(0);
    let refused = lake.rewrite(&bin, std::iter::empty::<std::result::Result<RecordBatch, Error>>());
    assert!(matches!(refused, Err(Error::Newer { table: EVENTS })), "{refused:?}");
}

#[test]
fn a_lake_of_a_newer_trailhound_is_refused_by_its_format() {
    let place = Place::new(10);
    place.ingest(&place.logs());
    std::fs::write(place.folder.path().join("lake/_trailhound/lake.json"), r#"{"format": 99}"#).unwrap();
    let refused = Lake::open(&place.place(), &Aws::default());
    assert!(matches!(refused, Err(Error::Format { found: 99, .. })));
}

#[test]
fn no_lake_is_said_with_the_way_to_one() {
    let place = Place::new(1);
    let error = Lake::open(&place.place(), &Aws::default()).unwrap_err().to_string();
    assert!(error.contains("trailhound ingest"), "{error}");
}
