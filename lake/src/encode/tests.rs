//! The writer of fresh files beside the stock reader.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, new_empty_array};
use arrow::compute::{cast, concat};
use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef, TimeUnit};
use arrow::json::ReaderBuilder;
use bytes::Bytes;
use ingest::pipeline::{Options, scan};
use ingest::simulate::{Plan, write};
use ingest::source::Sources;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::Compression;
use parquet::file::reader::FileReader;
use parquet::file::serialized_reader::SerializedFileReader;
use parquet::file::statistics::Statistics;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::answer::AnswerFile;
use super::fresh::FreshWriter;
use super::{Encoded, without_partition};
use crate::schema::EVENTS;

/// A file of some row groups.
fn encode(schema: &SchemaRef, groups: &[&[RecordBatch]]) -> Encoded {
    let mut writer = FreshWriter::new(EVENTS, schema).unwrap();
    let mut file = writer.file().unwrap();
    for group in groups {
        writer.row_group(&mut file, group).unwrap();
    }
    file.finish(EVENTS).unwrap()
}

fn read(bytes: Vec<u8>) -> Vec<RecordBatch> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(Bytes::from(bytes)).unwrap().with_batch_size(777);
    reader.build().unwrap().map(Result::unwrap).collect()
}

/// A column of batches in one piece.
fn whole(batches: &[RecordBatch], field: &Field) -> ArrayRef {
    let parts: Vec<_> = batches.iter().map(|batch| batch.column_by_name(field.name()).unwrap().as_ref()).collect();
    if parts.is_empty() { new_empty_array(field.data_type()) } else { concat(&parts).unwrap() }
}

fn assert_same(schema: &SchemaRef, written: &[RecordBatch], found: &[RecordBatch]) {
    for field in without_partition(schema).fields() {
        let (written, found) = (whole(written, field), whole(found, field));
        assert_eq!(written.data_type(), found.data_type());
        assert_eq!(written.len(), found.len(), "{}", field.name());
        assert!(*written == *found, "{}:\n{written:?}\n{found:?}", field.name());
    }
}

fn text(name: &str) -> Field {
    Field::new(name, DataType::Utf8, true)
}

fn coded(name: &str) -> Field {
    Field::new(name, ingest::schema::dictionary_type(), true)
}

/// A small table with everything that the event table has.
fn schema() -> SchemaRef {
    let time = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    let inner = DataType::Struct(Fields::from(vec![coded("deep"), text("plain")]));
    let element = DataType::Struct(Fields::from(vec![text("arn"), coded("type")]));
    Arc::new(Schema::new(vec![
        Field::new("eventtime", time, true),
        text("eventid"),
        text("useragent"),
        coded("principal"),
        Field::new("readonly", DataType::Boolean, true),
        Field::new("count", DataType::Int64, true),
        Field::new("day", DataType::Date32, true),
        Field::new(
            "useridentity",
            DataType::Struct(Fields::from(vec![coded("arn"), Field::new("inner", inner, true)])),
            true,
        ),
        Field::new("resources", DataType::List(Arc::new(Field::new("item", element, true))), true),
    ]))
}

/// The same without dictionaries, which a JSON reader can fill.
fn plain(kind: &DataType) -> DataType {
    let fields = |fields: &Fields| fields.iter().map(|f| Field::new(f.name(), plain(f.data_type()), true)).collect();
    match kind {
        DataType::Dictionary(_, value) => value.as_ref().clone(),
        DataType::Struct(inner) => DataType::Struct(fields(inner)),
        DataType::List(item) => DataType::List(Arc::new(Field::new("item", plain(item.data_type()), true))),
        kind => kind.clone(),
    }
}

fn batch(rows: &[Value]) -> RecordBatch {
    let schema = schema();
    let fields: Fields = schema.fields().iter().map(|f| Field::new(f.name(), plain(f.data_type()), true)).collect();
    let mut decoder = ReaderBuilder::new(Arc::new(Schema::new(fields))).build_decoder().unwrap();
    decoder.serialize(rows).unwrap();
    let Some(batch) = decoder.flush().unwrap() else { return RecordBatch::new_empty(schema) };
    let columns = batch.columns().iter().zip(schema.fields()).map(|(c, f)| cast(c, f.data_type()).unwrap());
    RecordBatch::try_new(schema.clone(), columns.collect()).unwrap()
}

fn word() -> impl Strategy<Value = Value> {
    prop_oneof![
        2 => Just(Value::Null),
        6 => prop::sample::select(vec!["", "a", "b", "arn:aws:iam::111122223333:role/r", "é"]).prop_map(Value::from),
        1 => "[a-z]{0,300}".prop_map(Value::from),
    ]
}

fn row() -> impl Strategy<Value = Value> {
    let inner = prop_oneof![Just(Value::Null), (word(), word()).prop_map(|(a, b)| json!({ "deep": a, "plain": b }))];
    let user = (word(), inner).prop_map(|(arn, inner)| json!({ "arn": arn, "inner": inner }));
    let user = prop_oneof![Just(Value::Null), user];
    let element = prop_oneof![Just(Value::Null), (word(), word()).prop_map(|(a, t)| json!({ "arn": a, "type": t }))];
    let resources = prop_oneof![Just(Value::Null), prop::collection::vec(element, 0..4).prop_map(Value::from),];
    let number = prop_oneof![Just(Value::Null), any::<i64>().prop_map(Value::from)];
    let flag = prop_oneof![Just(Value::Null), any::<bool>().prop_map(Value::from)];
    let day = prop::option::of(prop::sample::select(vec!["1969-12-31", "2024-02-29", "2026-11-23"]));
    (prop::option::of(0..4_000_000_000_i64), word(), word(), word(), flag, (number, day), user, resources).prop_map(
        |(time, id, agent, principal, readonly, (count, day), user, resources)| {
            let time = time.and_then(chrono::DateTime::from_timestamp_micros).map(|time| time.to_rfc3339());
            json!({
                "eventtime": time, "eventid": id, "useragent": agent, "principal": principal, "readonly": readonly,
                "count": count, "day": day, "useridentity": user, "resources": resources,
            })
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    /// Whatever the rows, and however they are cut into batches and row groups.
    #[test]
    fn rows_come_back(
        rows in prop::collection::vec(row(), 0..60),
        repeat in prop_oneof![4 => Just(1_usize), 1 => Just(20), 1 => Just(150)],
        cut in 0_usize..60,
    ) {
        let rows: Vec<_> = std::iter::repeat_n(rows, repeat).flatten().collect();
        let all = batch(&rows);
        let cut = cut.min(all.num_rows());
        let parts = [all.slice(0, cut), all.slice(cut, all.num_rows() - cut), all.slice(cut / 2, cut - cut / 2)];
        let (first, rest) = parts.split_at(2);
        let encoded = encode(&schema(), &[first, rest]);
        prop_assert_eq!(encoded.rows as usize, parts.iter().map(RecordBatch::num_rows).sum::<usize>());
        assert_same(&schema(), &parts, &read(encoded.bytes));
        // The same for who asked for rows, with groups of its own.
        prop_assert!(AnswerFile::<Vec<u8>>::is_for(&schema()));
        let mut file = AnswerFile::new(&schema(), Vec::new()).unwrap();
        parts.iter().for_each(|part| file.write(part.clone()).unwrap());
        assert_same(&schema(), &parts, &read(file.finish().unwrap()));
    }
}

#[test]
fn events_come_back() {
    let folder = tempfile::tempdir().unwrap();
    write(&Plan { events: 20_000, days: 3, ..Plan::default() }, folder.path()).unwrap();
    let mut batches: Vec<RecordBatch> = Vec::new();
    let mut sink = |batch: RecordBatch| {
        batches.push(batch);
        std::ops::ControlFlow::Continue(())
    };
    scan(&Sources::new(&[folder.path()]).unwrap(), &Options::default(), &mut sink).unwrap();
    let schema = ingest::schema::event_schema();
    let encoded = encode(&schema, &[&batches]);
    assert_same(&schema, &batches, &read(encoded.bytes.clone()));
    let reader = SerializedFileReader::new(Bytes::from(encoded.bytes)).unwrap();
    let group = reader.metadata().row_group(0).clone();
    let column = |name: &str| group.columns().iter().find(|c| c.column_path().string() == name).unwrap();
    assert_eq!(column("eventid").compression(), Compression::ZSTD(Default::default()));
    assert_eq!(column("edgedevicedetails").compression(), Compression::UNCOMPRESSED);
    assert_eq!(column("edgedevicedetails").statistics().unwrap().null_count_opt(), Some(group.num_rows() as u64));
    for needle in super::NEEDLES.iter().filter(|path| **path != ["object"]) {
        assert!(column(&needle.join(".")).bloom_filter_offset().is_some(), "{needle:?}");
    }
    for name in super::CUT_BY {
        let range = column(name).statistics().unwrap();
        match range {
            Statistics::Int64(range) => assert!(range.min_opt() < range.max_opt(), "{name}"),
            range => assert!(range.min_bytes_opt() < range.max_bytes_opt(), "{name}"),
        }
    }
}

/// Pages end where they are full, also in the middle of a batch; a filter finds what is there.
#[test]
fn long_texts_make_many_pages() {
    let long = |n: usize| format!("{n}-{}", "x".repeat(50_000));
    let rows: Vec<_> =
        (0..60).map(|n| json!({ "eventid": (n % 7 > 0).then(|| long(n)), "useragent": long(n % 3) })).collect();
    let batch = batch(&rows);
    let encoded = encode(&schema(), &[std::slice::from_ref(&batch)]);
    assert_same(&schema(), &[batch], &read(encoded.bytes.clone()));
    let reader = SerializedFileReader::new(Bytes::from(encoded.bytes)).unwrap();
    let group = reader.get_row_group(0).unwrap();
    assert!(group.get_column_page_reader(1).unwrap().count() > 2);
    let statistics = group.metadata().column(1).statistics().unwrap().clone();
    assert_eq!((statistics.min_bytes_opt(), statistics.null_count_opt()), (None, Some(9)));
}

/// What has other levels or values than an event's columns is the stock writer's.
#[test]
fn an_answer_of_other_types_is_not_for_us() {
    let is_for = |kind: DataType, nullable: bool| {
        AnswerFile::<Vec<u8>>::is_for(&Arc::new(Schema::new(vec![Field::new("x", kind, nullable)])))
    };
    let list = |item: DataType, nullable| DataType::List(Arc::new(Field::new("item", item, nullable)));
    assert!(is_for(DataType::Utf8, true) && is_for(list(DataType::Utf8, true), true));
    assert!(is_for(DataType::Timestamp(TimeUnit::Microsecond, None), true));
    let others = [
        DataType::Float64,
        DataType::Utf8View,
        DataType::Timestamp(TimeUnit::Nanosecond, None),
        DataType::Dictionary(Box::new(DataType::UInt16), Box::new(DataType::Utf8)),
        DataType::Struct(Fields::empty()),
        list(DataType::Utf8, false),
        list(list(DataType::Utf8, true), true),
        DataType::Struct(Fields::from(vec![Field::new("y", DataType::Utf8, false)])),
    ];
    assert!(others.into_iter().all(|kind| !is_for(kind, true)));
    assert!(!is_for(DataType::Int64, false));
    assert!(!AnswerFile::<Vec<u8>>::is_for(&Arc::new(Schema::empty())));
}

#[test]
fn a_type_that_no_table_has_is_refused() {
    let schema = Arc::new(Schema::new(vec![Field::new("x", DataType::Float64, true)]));
    let mut writer = FreshWriter::new(EVENTS, &schema).unwrap();
    let mut file = writer.file().unwrap();
    let batch = RecordBatch::new_empty(schema);
    assert!(writer.row_group(&mut file, &[batch]).is_err());
}
