//! The fast path and its slow twins: our scanner, simd-json and serde_json give the same values for the same text.

use ingest::columns::batch_from_json;
use ingest::restore::record_to_json;
use proptest::prelude::*;
use serde_json::{Map, Value};

use crate::shared;

/// All three parsers' value of a record; `None` where one of them refuses it.
fn all_agree(record: &str) -> Option<()> {
    let serde: Option<Value> = serde_json::from_str(record).ok();
    let mut bytes = record.as_bytes().to_vec();
    let simd: Option<Value> = simd_json::serde::from_slice(&mut bytes).ok();
    let batch = batch_from_json(&[record]).unwrap();
    let ours = (batch.num_rows() == 1).then(|| record_to_json(&batch, 0));
    let ours: Option<Value> = ours.map(|text| serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text}")));
    let object = serde.as_ref().is_some_and(Value::is_object);
    assert_eq!(ours.is_some(), object, "{record}");
    if object {
        assert_eq!(ours, serde, "{record}");
        assert_eq!(simd, serde, "{record}");
    }
    object.then_some(())
}

#[test]
fn on_every_real_record() {
    let Some(root) = shared::data("trails") else { return };
    let mut records = 0;
    for entry in
        ingest::source::Sources::new(&[root.join("s3"), root.join("flat")].map(|p| p.to_str().unwrap().to_owned()))
            .unwrap()
            .walk()
    {
        let mut text = String::new();
        let file = std::fs::File::open(entry.unwrap().name).unwrap();
        std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(file), &mut text).unwrap();
        let Ok(document) = serde_json::from_str::<Value>(&text) else { continue };
        for record in document["Records"].as_array().unwrap() {
            all_agree(&record.to_string()).unwrap();
            records += 1;
        }
    }
    assert!(records > 3_600, "{records}");
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        any::<i16>().prop_map(|n| Value::from(f64::from(n) / 4.0)),
        ".{0,20}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((key(), inner), 0..4)
                .prop_map(|fields| Value::Object(fields.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

fn key() -> impl Strategy<Value = String> {
    let names: Vec<String> =
        ingest::record::Layout::new().slots.iter().map(|slot| slot.column.json.to_owned()).collect();
    prop_oneof![6 => prop::sample::select(names), 1 => ".{0,6}"]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn on_generated_records(fields in prop::collection::vec((key(), value()), 0..10)) {
        all_agree(&Value::Object(fields.into_iter().collect::<Map<_, _>>()).to_string());
    }

    /// No damage that makes a fraction or an exponent: the twins round long ones differently, we keep the text.
    #[test]
    fn on_damaged_records(
        fields in prop::collection::vec((key(), value()), 1..6),
        at in any::<prop::sample::Index>(),
        byte in prop::sample::select(b"{}[]\",:\\0tn ".to_vec()),
    ) {
        let mut bytes = Value::Object(fields.into_iter().collect::<Map<_, _>>()).to_string().into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let Ok(text) = String::from_utf8(bytes) else { return Ok(()) };
        // A damage may make a lone surrogate or a number out of range: text to us, refused by serde_json.
        let error = serde_json::from_str::<Value>(&text).err().map(|e| e.to_string()).unwrap_or_default();
        if !error.contains("number out of range") && !error.contains("surrogate") && !error.contains("hex escape") {
            all_agree(&text);
        }
    }
}
