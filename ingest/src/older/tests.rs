#![allow(clippy::unwrap_used)]

use arrow::array::new_null_array;
use proptest::prelude::*;

use super::*;
use crate::columns::batch_from_json;
use crate::restore::record_to_json;

/// Records with a value in every column and every field of one, and some that no column gives back.
const RECORDS: &[&str] = &[
    r#"{"eventVersion":"1.11","eventTime":"2026-01-02T03:04:05Z","eventType":"AwsApiCall","eventCategory":"Data","eventSource":"s3.amazonaws.com","eventName":"GetObject","awsRegion":"eu-west-1","recipientAccountId":"1","errorCode":"AccessDenied","errorMessage":"a \"b\"","eventID":"e1","requestID":"r1","sharedEventID":"s1","sourceIPAddress":"192.0.2.1","userAgent":"x","apiVersion":"2006","vpcEndpointId":"vpce-1","vpcEndpointAccountId":"2","sessionCredentialFromConsole":"true","readOnly":true,"managementEvent":false,"requestParameters":{"k":[1,2]},"responseElements":null,"additionalEventData":{"a":1.50},"serviceEventDetails":"text","edgeDeviceDetails":{},"newest":{"z":1}}"#,
    r#"{"userIdentity":{"type":"AssumedRole","principalId":"p","arn":"a","accountId":"1","accessKeyId":"k","userName":"u","invokedBy":"x","invokedByDelegate":{"accountId":"3"},"identityProvider":"i","credentialId":"c","onBehalfOf":{"userId":"u","identityStoreArn":"s"},"inScopeOf":{"sourceArn":"arn","sourceAccount":"4","issuerType":"t","credentialsIssuedTo":"i"},"sessionContext":{"attributes":{"creationDate":"d","mfaAuthenticated":"false"},"sessionIssuer":{"type":"Role","principalId":"p","arn":"a","accountId":"1","userName":"n"},"webIdFederationData":{"federatedProvider":"f","attributes":{"a":"b"}},"sourceIdentity":"si","ec2RoleDelivery":"2.0","ec2IssuedInVpc":"v","assumedRoot":"true"}}}"#,
    r#"{"resources":[{"ARN":"a","accountId":"1","type":"t"},{"ARNPrefix":"p"}],"addendum":{"reason":"DELIVERY_DELAY","updatedFields":"f","originalRequestID":"r","originalEventID":"e"},"tlsDetails":{"tlsVersion":"1.3","cipherSuite":"c","clientProvidedHostHeader":"h","keyExchange":"k"},"insightDetails":{"state":"Start","eventSource":"s","eventName":"n","insightType":"t","errorCode":"e","insightContext":{"x":[]}}}"#,
    r#"{"eventID":"e4","readOnly":"true","vpcEndpointId":7,"userIdentity":"root","tlsDetails":{"new":1},"resources":{"ARN":"a"},"sharedEventID":null}"#,
    r#"{"eventID":"e5"}"#,
];

fn paths() -> Vec<String> {
    let mut paths: Vec<String> = crate::record::Layout::new().slots.into_iter().map(|slot| slot.path).collect();
    paths.extend(crate::schema::RESOURCE.iter().map(|column| format!("resources.{}", column.name)));
    paths
}

/// The batch with today's columns again.
fn widened(old: &RecordBatch) -> RecordBatch {
    let Some(older) = Older::new(old.schema().fields()) else { return old.clone() };
    let extra = old.column_by_name("extra").unwrap();
    let column = |field: &arrow::datatypes::FieldRef| {
        let nulls = || new_null_array(field.data_type(), old.num_rows());
        // What a reader of files does first: nulls for what they lack.
        let today = |column: &ArrayRef| if column.data_type() == field.data_type() { column.clone() } else { nulls() };
        let column = old.column_by_name(field.name()).map_or_else(nulls, today);
        older.fill(field.name(), &column, extra).unwrap()
    };
    RecordBatch::try_new(event_schema(), event_schema().fields().iter().map(column).collect()).unwrap()
}

fn value(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap()
}

fn assert_same(found: &RecordBatch, expected: &RecordBatch, what: &str) {
    for (index, column) in COLUMNS.iter().enumerate() {
        let (found, expected) = (found.column(index), expected.column(index));
        if column.name == "extra" {
            let texts = |column: &ArrayRef| column.as_string::<i32>().iter().map(|t| t.map(value)).collect::<Vec<_>>();
            assert_eq!(texts(found), texts(expected), "{what}");
        } else {
            assert_eq!(found, expected, "{what}: {}", column.name);
        }
    }
}

#[test]
fn any_column_that_came_later_is_as_if_it_had_been_there() {
    let today = batch_from_json(RECORDS).unwrap();
    // A struct that an older table has and that lacks a field is filled from `extra` only where the field was there:
    // where it was not, what the file has stays. The tests of the readers see to that; here every struct is refilled.
    let rows: Vec<RecordBatch> = (0..today.num_rows()).map(|row| today.slice(row, 1)).collect();
    for path in paths() {
        for (row, batch) in rows.iter().enumerate() {
            let old = narrowed(batch, &[&path]).unwrap();
            assert!(Older::new(old.schema().fields()).is_some(), "{path}");
            let top = path.split('.').next().unwrap();
            let held = old.column_by_name("extra").unwrap() != batch.column_by_name("extra").unwrap();
            let found = widened(&old);
            if path.contains('.') && !held {
                assert_eq!(found.column_by_name("extra"), batch.column_by_name("extra"), "{path}");
                continue;
            }
            assert_same(&found, batch, &format!("{path} ({top}), record {row}"));
            assert_eq!(value(&record_to_json(&found, 0)), value(RECORDS[row]), "{path}");
        }
    }
}

#[test]
fn nothing_is_taken_that_a_column_does_not_give_back() {
    let today = batch_from_json(RECORDS).unwrap();
    let old = narrowed(&today, &["vpcendpointid", "readonly"]).unwrap();
    let found = widened(&old);
    let extra = found.column_by_name("extra").unwrap().as_string::<i32>();
    assert_eq!(value(extra.value(0)), value(r#"{"newest":{"z":1}}"#));
    assert!(extra.value(3).contains("\"vpcEndpointId\":7") && extra.value(3).contains("\"readOnly\":\"true\""));
    assert!(found.column_by_name("readonly").unwrap().as_boolean().value(3));
}

#[test]
fn a_table_that_lacks_nothing_changes_nothing() {
    assert_eq!(Older::new(event_schema().fields()), None);
    let without_extra: Fields = event_schema().fields().iter().filter(|f| f.name() == "eventid").cloned().collect();
    assert_eq!(Older::new(&without_extra), None);
}

#[test]
fn a_text_of_extra_that_is_no_object_gives_nothing_and_stays() {
    let odd: ArrayRef = Arc::new(StringArray::from(vec![
        Some(r#"{"tlsDetails":"#),
        Some(r#"["tlsDetails"]"#),
        None,
        Some(r#"{"tls\u0044etails":{"tlsVersion":"1.3"},"x":"tlsDetails"}"#),
    ]));
    let older = Older { lacks: vec![index_of("tlsdetails").unwrap()] };
    let nulls = new_null_array(&type_of("tlsdetails").unwrap(), 4);
    let filled = older.fill("tlsdetails", &nulls, &odd).unwrap();
    assert_eq!((0..4).map(|row| filled.is_valid(row)).collect::<Vec<_>>(), [false, false, false, true]);
    let rest = older.fill("extra", &odd, &odd).unwrap();
    let rest: Vec<_> = rest.as_string::<i32>().iter().collect();
    assert_eq!(rest[..3], [Some(r#"{"tlsDetails":"#), Some(r#"["tlsDetails"]"#), None]);
    assert_eq!(rest[3], Some(r#"{"x":"tlsDetails"}"#));
}

proptest! {
    /// Any of the columns together, in one batch of all records.
    #[test]
    fn any_columns_that_came_later_give_the_records_back(lacking in prop::sample::subsequence(
        COLUMNS.iter().filter(|c| !c.is_derived()).map(|c| c.name).collect::<Vec<_>>(), 0..12)) {
        let today = batch_from_json(RECORDS).unwrap();
        let old = narrowed(&today, &lacking).unwrap();
        assert_same(&widened(&old), &today, &lacking.join(", "));
    }
}
