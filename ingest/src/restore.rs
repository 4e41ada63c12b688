//! A row back to its record: the proof that nothing was lost.
//!
//! `extra` holds every field that a column does not give back exactly, and wins over the column. The text is compact
//! JSON; keys come in the table's order, not the record's, which JSON does not care about.

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{Int32Type, TimestampMicrosecondType};

use crate::columns::time;
use crate::json;
use crate::schema::{COLUMNS, Column, Kind};

/// The record of a row, as JSON text.
pub fn record_to_json(batch: &RecordBatch, row: usize) -> String {
    let mut out = String::from("{");
    let extra = batch.column_by_name("extra").and_then(|column| text(column, row)).unwrap_or("{}");
    let kept = keys(extra);
    for column in COLUMNS.iter().filter(|column| !column.is_derived()) {
        let Some(array) = batch.column_by_name(column.name) else { continue };
        if array.is_null(row) || kept.contains(&column.json) {
            continue;
        }
        comma(&mut out);
        field(column, array, row, &mut out);
    }
    if extra.len() > 2 {
        comma(&mut out);
        out.push_str(&extra[1..extra.len() - 1]);
    }
    out.push('}');
    out
}

fn comma(out: &mut String) {
    if !out.ends_with(['{', '[']) {
        out.push(',');
    }
}

/// One field of a record, key and value.
pub(crate) fn field(column: &Column, array: &ArrayRef, row: usize, out: &mut String) {
    json::quote(column.json, out);
    out.push(':');
    match column.kind {
        Kind::Json => out.push_str(text(array, row).unwrap_or("null")),
        Kind::Boolean => out.push_str(if array.as_boolean().value(row) { "true" } else { "false" }),
        Kind::Timestamp => {
            let micros = array.as_primitive::<TimestampMicrosecondType>().value(row);
            json::quote(&time::format(micros).unwrap_or_default(), out);
        }
        Kind::Struct(fields) => object(fields, array, row, out),
        Kind::List(fields) => {
            let elements = array.as_list::<i32>().value(row);
            out.push('[');
            for element in 0..elements.len() {
                comma(out);
                object(fields, &elements, element, out);
            }
            out.push(']');
        }
        Kind::Text | Kind::Dictionary | Kind::Date => json::quote(text(array, row).unwrap_or_default(), out),
    }
}

fn object(fields: &[Column], array: &ArrayRef, row: usize, out: &mut String) {
    let array = array.as_struct();
    out.push('{');
    for column in fields {
        match array.column_by_name(column.name) {
            Some(child) if child.is_valid(row) => {
                comma(out);
                field(column, child, row, out);
            }
            _ => {}
        }
    }
    out.push('}');
}

fn text(array: &ArrayRef, row: usize) -> Option<&str> {
    if array.is_null(row) {
        return None;
    }
    if let Some(plain) = array.as_string_opt::<i32>() {
        return Some(plain.value(row));
    }
    if let Some(view) = array.as_string_view_opt() {
        return Some(view.value(row));
    }
    let dictionary = array.as_dictionary_opt::<Int32Type>()?;
    Some(dictionary.values().as_string_opt::<i32>()?.value(dictionary.key(row)?))
}

/// Keys of a compact object.
pub(crate) fn keys(object: &str) -> Vec<&str> {
    let mut keys = Vec::new();
    let mut at = 1;
    while let Ok((key, value_at, _)) = json::key(object.as_bytes(), at) {
        keys.push(&object[key.start + 1..key.end - 1]);
        match json::value(object.as_bytes(), value_at) {
            Ok(value) => at = value.end + 1,
            Err(_) => break,
        }
    }
    keys
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::columns::batch_from_json;
    use proptest::prelude::*;
    use serde_json::{Map, Value};

    fn assert_restored(record: &str) {
        let batch = batch_from_json(&[record]).unwrap();
        assert_eq!(batch.num_rows(), 1, "{record}");
        let restored = record_to_json(&batch, 0);
        let expected: Value = serde_json::from_str(record).unwrap();
        let found: Value = serde_json::from_str(&restored).unwrap_or_else(|e| panic!("{e}: {restored}"));
        assert_eq!(found, expected, "{restored}");
    }

    #[test]
    fn oddities_come_back() {
        for record in [
            r#"{}"#,
            r#"{"eventVersion":null,"eventTime":null,"readOnly":null,"resources":null,"userIdentity":null}"#,
            r#"{"eventTime":"2023-07-10T11:42:18.5Z","readOnly":"true","userAgent":["a","b"],"apiVersion":20150331}"#,
            r#"{"eventTime":"eventTime","eventSource":{"a":1},"eventName":7}"#,
            r#"{"userIdentity":{"type":"X","sessionContext":{}}}"#,
            r#"{"userIdentity":{"type":"X","sessionContext":null,"new":[1]}}"#,
            r#"{"userIdentity":{"sessionContext":{"attributes":{"mfaAuthenticated":true},"webIdFederationData":{"attributes":{"a":"b"}}}}}"#,
            r#"{"userIdentity":"root"}"#,
            r#"{"resources":[]}"#,
            r#"{"resources":[{"ARN":"a","type":"t"},{}]}"#,
            r#"{"resources":[{"arn":"a","accountId":5},7,null]}"#,
            r#"{"resources":{"ARN":"a"}}"#,
            r#"{"requestParameters":null,"responseElements":"text \n \"x\"","additionalEventData":[1, {"Tag":1,"tag":2}]}"#,
            r#"{"eventId":"lower","accountId":"1","summary":{"a":[{"b":1}]},"a.b/c":1}"#,
            r#"{"errorMessage":"tab\tquote\"slash\\/\u00e9\ud83d\ude00"}"#,
            r#"{"tlsDetails":{"tlsVersion":"TLSv1.3","new":{"a":1.50}}}"#,
        ] {
            assert_restored(record);
        }
    }

    #[test]
    fn what_json_values_cannot_hold_is_kept_as_text() {
        let records = [
            r#"{"eventName":"a\ud800b","errorMessage":"\udc00"}"#,
            r#"{"requestParameters":{"n":123456789012345678901234567890,"x":1e400}}"#,
            r#"{"requestParameters":{"k":1,"k":2}}"#,
        ];
        let batch = batch_from_json(&records).unwrap();
        assert_eq!(record_to_json(&batch, 0), records[0]);
        assert_eq!(record_to_json(&batch, 1), records[1]);
        assert_eq!(record_to_json(&batch, 2), records[2]);
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i32>().prop_map(Value::from),
            "[a-z0-9:/\\\\\"\u{1}-\u{1f}é😀]{0,12}".prop_map(Value::from),
            Just(Value::from("2023-07-10T11:42:18Z")),
        ];
        leaf.prop_recursive(3, 12, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::vec((any_key(), inner), 0..4)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect::<Map<_, _>>())),
            ]
        })
    }

    /// Keys of the table at any level, and others.
    fn any_key() -> impl Strategy<Value = String> {
        let layout = crate::record::Layout::new();
        let known: Vec<String> = layout.slots.iter().map(|s| s.column.json.to_owned()).collect();
        prop_oneof![4 => prop::sample::select(known), 1 => "[a-zA-Z.\\\\\"é]{1,5}"]
    }

    proptest! {
        #[test]
        fn any_record_comes_back(fields in prop::collection::vec((any_key(), any_value()), 0..12), pretty: bool) {
            let record = Value::Object(fields.into_iter().collect::<Map<_, _>>());
            let text = if pretty { serde_json::to_string_pretty(&record).unwrap() } else { record.to_string() };
            assert_restored(&text);
        }
    }
}
