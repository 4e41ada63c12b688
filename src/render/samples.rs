//! Batches for the tests of this room: every Arrow type that the event table has, nested ones included.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, DictionaryArray, ListArray, RecordBatch, StringArray, StructArray,
    TimestampMicrosecondArray, new_null_array,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, Int32Type, Schema};

/// A batch of text columns.
pub(super) fn batch(names: &[&str], rows: &[&[Option<&str>]]) -> RecordBatch {
    let fields: Vec<_> = names.iter().map(|name| Field::new(*name, DataType::Utf8, true)).collect();
    let column = |index: usize| Arc::new(rows.iter().map(|row| row[index]).collect::<StringArray>()) as ArrayRef;
    RecordBatch::try_new(Arc::new(Schema::new(fields)), (0..names.len()).map(column).collect()).unwrap()
}

fn structure(fields: Vec<(&str, ArrayRef)>) -> ArrayRef {
    let field = |(name, array): (&str, ArrayRef)| (Arc::new(Field::new(name, array.data_type().clone(), true)), array);
    Arc::new(StructArray::from(fields.into_iter().map(field).collect::<Vec<_>>()))
}

fn text(value: &str) -> ArrayRef {
    Arc::new(StringArray::from(vec![value]))
}

/// One row with the types of the event table: see `ingest::schema::Kind`.
pub(super) fn event() -> RecordBatch {
    let attributes = structure(vec![("mfaauthenticated", text("true"))]);
    let nothing = new_null_array(attributes.data_type(), 1);
    let session = structure(vec![("attributes", attributes), ("sessionissuer", nothing)]);
    let identity = structure(vec![("type", text("Root")), ("sessioncontext", session)]);
    let resource = structure(vec![("arn", text("arn:aws:s3:::b")), ("type", text("AWS::S3::Bucket"))]);
    let item = Arc::new(Field::new("item", resource.data_type().clone(), true));
    let resources = ListArray::new(item, OffsetBuffer::from_lengths([1]), resource, None);
    let name: DictionaryArray<Int32Type> = [Some("GetObject")].into_iter().collect();
    let time = TimestampMicrosecondArray::from(vec![1_688_990_400_000_000]).with_timezone("UTC");
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("eventtime", Arc::new(time)),
        ("eventname", Arc::new(name)),
        ("errorcode", Arc::new([None::<&str>].into_iter().collect::<DictionaryArray<Int32Type>>())),
        ("readonly", Arc::new(BooleanArray::from(vec![true]))),
        ("useridentity", identity),
        ("resources", Arc::new(resources)),
        ("requestparameters", text(r#"{"bucketName":"b"}"#)),
        ("event_date", Arc::new(Date32Array::from(vec![19_548]))),
    ];
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(n, a)| (n, a, true))).unwrap()
}

/// The row of [`event`] as JSON.
pub(super) fn event_json() -> serde_json::Value {
    serde_json::json!({
        "eventtime": "2023-07-10T12:00:00Z",
        "eventname": "GetObject",
        "errorcode": null,
        "readonly": true,
        "useridentity": {
            "type": "Root",
            "sessioncontext": {"attributes": {"mfaauthenticated": "true"}, "sessionissuer": null},
        },
        "resources": [{"arn": "arn:aws:s3:::b", "type": "AWS::S3::Bucket"}],
        "requestparameters": "{\"bucketName\":\"b\"}",
        "event_date": "2023-07-10",
    })
}
