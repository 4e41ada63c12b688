//! A lake that an older trailhound made.

use arrow::datatypes::{DataType, Field, Fields, Schema};

use super::*;
use crate::Error;
use crate::table::{Spec, Table};

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
