//! One record to a row and back: nothing lost, nothing let through that is no JSON, and the same row whatever came
//! before it.

use arrow::array::RecordBatch;
use ingest::columns::batch_from_json;
use ingest::restore::record_to_json;
use serde_json::Value;

use crate::plain::{self, Fault};

/// Records looked at in one run: enough for one to meet what an earlier one left behind.
const RECORDS: usize = 12;
/// Nesting that every parser here follows.
const DEPTH: usize = 100;

/// Each line of the text is a record.
pub fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let records: Vec<&str> = text.split('\n').take(RECORDS).collect();
    let mut rows = Vec::new();
    let mut kept = Vec::new();
    for record in &records {
        if let Some(row) = row(record) {
            kept.push(*record);
            rows.push(row);
        }
    }
    // Twice over, so that each record also meets itself.
    let twice: Vec<&str> = records.iter().chain(&records).copied().collect();
    let together = batch(&twice);
    assert_eq!(together.num_rows(), rows.len() * 2, "{twice:?}");
    for (at, alone) in rows.iter().chain(&rows).enumerate() {
        let here = together.slice(at, 1);
        assert_eq!(record_to_json(&here, 0), record_to_json(alone, 0), "row {at} of {kept:?}");
        assert_eq!(here, *alone, "row {at} of {kept:?}");
    }
}

fn batch(records: &[&str]) -> RecordBatch {
    batch_from_json(records).expect("a batch of any records")
}

/// The record's row, if it has one; checked against all twins.
fn row(record: &str) -> Option<RecordBatch> {
    let batch = batch(&[record]);
    let restored = (batch.num_rows() == 1).then(|| record_to_json(&batch, 0));
    let reading = match plain::read(record) {
        Ok(reading) => reading,
        Err(Fault::NotJson) => {
            assert_eq!(restored, None, "not JSON, but a row: {record}");
            return None;
        }
        Err(Fault::Deep) => return restored.map(|_| batch),
    };
    let object = matches!(reading.value, plain::Plain::Object(_));
    if reading.depth <= DEPTH {
        assert_eq!(restored.is_some(), object, "a row is for an object, and every object: {record}");
    }
    let restored = restored?;
    let back = plain::read(&restored).map(|back| back.value);
    assert_eq!(back.as_ref(), Ok(&reading.value), "{record}\ncame back as\n{restored}");
    if reading.depth <= DEPTH {
        others_agree(record, &restored, reading.small_numbers);
    }
    Some(batch)
}

/// serde_json reads both texts alike, and simd-json reads the record as serde_json does; where serde_json refuses a
/// record, it is for one of the reasons for which we must not.
fn others_agree(record: &str, restored: &str, small_numbers: bool) {
    let serde = match serde_json::from_str::<Value>(record) {
        Ok(value) => value,
        Err(error) => {
            let why = error.to_string();
            let allowed = ["number out of range", "surrogate", "hex escape", "control character"];
            assert!(allowed.iter().any(|reason| why.contains(reason)), "serde_json: {why}: {record}");
            return;
        }
    };
    let back = serde_json::from_str::<Value>(restored).unwrap_or_else(|e| panic!("{e}: {restored}"));
    assert_eq!(back, serde, "{record}\ncame back as\n{restored}");
    // Long numbers are rounded in ways of their own.
    if small_numbers {
        let mut bytes = record.as_bytes().to_vec();
        let simd: Result<Value, _> = simd_json::serde::from_slice(&mut bytes);
        assert_eq!(simd.ok().as_ref(), Some(&serde), "simd-json: {record}");
    }
}
