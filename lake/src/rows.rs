//! What became of objects, as rows of the tables `objects` and `rejects`; and the row that counts a batch.

use std::sync::Arc;

use arrow::array::{ArrayRef, BinaryArray, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::error::ArrowError;
use ingest::reject::{ObjectTotals, OtherKind};

use crate::ingest::Told;
use crate::schema;
use crate::stage::hex;

/// One object, read to its end.
#[derive(Debug, Clone)]
pub(crate) struct Object {
    pub(crate) totals: ObjectTotals,
    /// First and last event in it, in microseconds.
    pub(crate) times: Option<(i64, i64)>,
}

fn time(values: impl Iterator<Item = Option<i64>>) -> ArrayRef {
    Arc::new(values.collect::<TimestampMicrosecondArray>().with_timezone("UTC"))
}

/// Rows of `objects`.
pub(crate) fn objects(objects: &[Object], now: i64) -> Result<RecordBatch, ArrowError> {
    let number = |of: &dyn Fn(&ObjectTotals) -> u64| -> ArrayRef {
        Arc::new(objects.iter().map(|o| i64::try_from(of(&o.totals)).unwrap_or(i64::MAX)).collect::<Int64Array>())
    };
    let text = |of: &dyn Fn(&ObjectTotals) -> Option<String>| -> ArrayRef {
        Arc::new(objects.iter().map(|o| of(&o.totals)).collect::<StringArray>())
    };
    let columns = vec![
        text(&|totals| Some(totals.object.clone())),
        time(objects.iter().map(|o| o.totals.modified)),
        number(&|totals| totals.bytes_read),
        number(&|totals| totals.bytes_inflated),
        text(&|totals| totals.sha256.map(|sha256| hex(&sha256))),
        number(&|totals| totals.records_in),
        number(&|totals| totals.rows),
        number(&|totals| totals.duplicates),
        number(&|totals| totals.rejected),
        text(&|totals| totals.skipped.map(|kind| kind_name(kind).to_owned())),
        time(objects.iter().map(|o| o.times.map(|times| times.0))),
        time(objects.iter().map(|o| o.times.map(|times| times.1))),
        time(objects.iter().map(|_| Some(now))),
    ];
    RecordBatch::try_new(schema::objects(), columns)
}

fn kind_name(kind: OtherKind) -> &'static str {
    match kind {
        OtherKind::Digest => "digest",
        OtherKind::AccountAuthorizationDetails => "account-authorization-details",
        OtherKind::Empty => "empty",
    }
}

/// Rows of `rejects`, but for those that it has.
pub(crate) fn rejects(objects: &[Object], told: &Told, now: i64) -> Result<RecordBatch, ArrowError> {
    let all = objects.iter().flat_map(|o| o.totals.refused.iter().map(|refused| (&o.totals.object, refused)));
    let all: Vec<_> = all.filter(|(object, refused)| !told.has(object, refused)).collect();
    let all = || all.iter().copied();
    let columns: Vec<ArrayRef> = vec![
        Arc::new(all().map(|(object, _)| Some(object)).collect::<StringArray>()),
        Arc::new(all().map(|(_, r)| r.offset.and_then(|at| i64::try_from(at).ok())).collect::<Int64Array>()),
        Arc::new(all().map(|(_, r)| Some(r.reason.name())).collect::<StringArray>()),
        Arc::new(all().map(|(_, r)| Some(&r.detail)).collect::<StringArray>()),
        Arc::new(all().map(|(_, r)| (!r.raw.is_empty()).then_some(&r.raw)).collect::<BinaryArray>()),
        time(all().map(|_| Some(now))),
    ];
    RecordBatch::try_new(schema::rejects(), columns)
}

/// The row of `activity` that counts one batch.
pub(crate) fn one_batch() -> Result<RecordBatch, ArrowError> {
    let schema = schema::activity();
    let text = |text: &str| -> ArrayRef { Arc::new(StringArray::from(vec![text])) };
    let columns = schema.fields().iter().map(|field| match field.name().as_str() {
        "kind" => text(schema::TOTAL),
        "subject" => text(""),
        "name" => text(schema::BATCHES),
        "events" => Arc::new(Int64Array::from(vec![1])) as ArrayRef,
        _ => arrow::array::new_null_array(field.data_type(), 1),
    });
    RecordBatch::try_new(schema.clone(), columns.collect())
}
