//! Real logs: every file gets the verdict its manifest gives it, every record comes back, every count is right.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;

use arrow::array::RecordBatch;
use ingest::batch;
use ingest::pipeline::{Options, scan};
use ingest::reject::Totals;
use ingest::source::Sources;
use serde_json::Value;

use crate::shared;

fn read(path: &Path) -> (Vec<RecordBatch>, Totals) {
    let sources = Sources::new(&[path.to_str().unwrap()]).unwrap();
    let mut batches = Vec::new();
    let totals = scan(&sources, &Options::default(), &mut |batch: RecordBatch| {
        batches.push(batch);
        ControlFlow::Continue(())
    })
    .unwrap();
    assert!(totals.balanced(), "{totals:?}");
    (batches, totals)
}

fn manifest(root: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(root.join("MANIFEST.jsonl")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn every_log_file_gives_its_events() {
    let Some(root) = shared::data("trails") else { return };
    let mut files = 0;
    for entry in manifest(&root) {
        let path = entry["path"].as_str().unwrap();
        if !path.starts_with("s3/") && !path.starts_with("flat/") {
            continue;
        }
        let (_, totals) = read(&root.join(path));
        assert_eq!(totals.rows + totals.duplicates, entry["n_events"].as_u64().unwrap(), "{path}: {totals:?}");
        assert_eq!(totals.rejected, 0, "{path}: {:?}", totals.rejects);
        files += 1;
    }
    assert!(files >= 500, "{files}");
}

#[test]
fn every_raw_shape_gets_its_verdict() {
    let Some(root) = shared::data("trails") else { return };
    // What a script that knows one shape counted as none, and is an event in EventBridge's wrapper.
    let wrapped =
        ["batch-ops-examples-event-bridge-cloud-trail_2.json", "batch-ops-examples-event-bridge-cloud-trail_3.json"];
    for entry in manifest(&root) {
        let path = entry["path"].as_str().unwrap();
        let Some(raw) = path.strip_prefix("raw/") else { continue };
        let (_, totals) = read(&root.join(path));
        let shape = raw.split('/').next().unwrap();
        let events = totals.rows + totals.duplicates;
        match shape {
            "broken" | "not-cloudtrail" | "notifications" => {
                assert_eq!(events, 0, "{path}: {totals:?}");
                assert!(totals.rejected > 0, "{path}: {totals:?}");
                assert!(totals.rejects.iter().all(|reject| !reject.detail.is_empty()), "{path}");
            }
            "digest" => assert_eq!((totals.records_in, totals.skipped.len()), (0, 1), "{path}: {totals:?}"),
            "empty" => assert_eq!((totals.records_in, totals.objects), (0, 1), "{path}: {totals:?}"),
            _ if wrapped.iter().any(|name| path.ends_with(name)) => assert_eq!(events, 1, "{path}"),
            _ => assert_eq!(events, entry["n_events"].as_u64().unwrap(), "{path}: {totals:?}"),
        }
    }
}

#[test]
fn every_real_record_comes_back_from_its_row() {
    let Some(root) = shared::data("trails") else { return };
    let mut records = 0;
    for entry in manifest(&root).iter().filter(|entry| entry["kind"] == "cloudtrail-gz") {
        let path = root.join(entry["path"].as_str().unwrap());
        let mut text = String::new();
        let file = std::fs::File::open(&path).unwrap();
        std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(file), &mut text).unwrap();
        // One published example has raw line breaks inside strings; serde_json wants them escaped.
        let Ok(document) = serde_json::from_str::<Value>(&text) else { continue };
        let expected: Vec<&Value> = document["Records"].as_array().unwrap().iter().collect();
        let texts: Vec<String> = expected.iter().map(|record| record.to_string()).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let batch = ingest::columns::batch_from_json(&texts).unwrap();
        assert_eq!(batch.num_rows(), expected.len());
        for (row, record) in expected.into_iter().enumerate() {
            let restored: Value = serde_json::from_str(&ingest::restore::record_to_json(&batch, row)).unwrap();
            assert_eq!(&restored, record, "{}", path.display());
            records += 1;
        }
    }
    assert!(records > 3_600, "{records}");
}

/// Counts as the oracle's script did: every copy of an event, absent values as `None`.
#[test]
fn counts_equal_the_oracle() {
    let Some(root) = shared::data("trails") else { return };
    for source in ["invictus", "grycap", "traildiscover"] {
        let expected = std::fs::read_to_string(root.join(format!("expected/{source}.aggregates.json"))).unwrap();
        let expected: Value = serde_json::from_str(&expected).unwrap();
        let (batches, totals) = read(&root.join("s3").join(source));
        assert_eq!(totals.records_in, expected["events"].as_u64().unwrap());
        assert_eq!(totals.rows, expected["distinct_eventIDs"].as_u64().unwrap());
        assert_eq!(totals.duplicates, expected["duplicate_copies"].as_u64().unwrap());
        for (oracle, column) in [
            ("by_eventVersion", "eventversion"),
            ("by_eventType", "eventtype"),
            ("by_eventCategory", "eventcategory"),
            ("by_userIdentity_type", "useridentity.type"),
            ("by_eventSource", "eventsource"),
            ("by_eventName", "eventname"),
            ("by_errorCode", "errorcode"),
            ("by_region", "awsregion"),
            ("by_recipientAccountId", "recipientaccountid"),
            ("by_invokedBy", "useridentity.invokedby"),
            ("by_mfaAuthenticated", "useridentity.sessioncontext.attributes.mfaauthenticated"),
        ] {
            let counted = count(&batches, |batch, row| batch::text(batch, column).get(row).map(str::to_owned));
            compare(source, oracle, &expected[oracle], &counted, column == "useridentity.type");
        }
        let hours = count(&batches, |batch, row| {
            let micros = batch::timestamp(batch, "eventtime")?.value(row);
            Some(chrono::DateTime::from_timestamp_micros(micros)?.format("%Y-%m-%dT%H").to_string())
        });
        compare(source, "by_hour", &expected["by_hour"], &hours, false);
        principals(source, &batches, &expected["by_principal"]);
    }
}

fn count(batches: &[RecordBatch], value: impl Fn(&RecordBatch, usize) -> Option<String>) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for batch in batches {
        for row in 0..batch.num_rows() {
            *counts.entry(value(batch, row).unwrap_or_else(|| "None".to_owned())).or_default() += 1;
        }
    }
    counts
}

fn compare(source: &str, name: &str, expected: &Value, counted: &BTreeMap<String, u64>, absent_is_none: bool) {
    let mut oracle: BTreeMap<String, u64> = BTreeMap::new();
    for (key, count) in expected.as_object().unwrap() {
        // The script tells a record without identity from one whose identity has no type; a column cannot.
        let key = if absent_is_none && key == "absent" { "None" } else { key };
        *oracle.entry(key.to_owned()).or_default() += count.as_u64().unwrap();
    }
    for (key, count) in &oracle {
        assert_eq!(counted.get(key), Some(count), "{source} {name} {key}");
    }
    let sum = |counts: &BTreeMap<String, u64>| counts.values().sum::<u64>();
    assert_eq!(sum(&oracle), sum(counted), "{source} {name}: {counted:?}");
}

fn principals(source: &str, batches: &[RecordBatch], expected: &Value) {
    let mut found: BTreeMap<String, (u64, u64, Vec<String>)> = BTreeMap::new();
    for batch in batches {
        let column = |name| batch::text(batch, name);
        let (principal, error) = (column("principal"), column("errorcode"));
        let (event_source, name) = (column("eventsource"), column("eventname"));
        for row in 0..batch.num_rows() {
            let Some(principal) = principal.get(row) else { continue };
            let entry = found.entry(principal.to_owned()).or_default();
            entry.0 += 1;
            entry.1 += u64::from(error.get(row).is_some());
            entry.2.push(format!("{}:{}", event_source.get(row).unwrap(), name.get(row).unwrap()));
        }
    }
    for (principal, oracle) in expected.as_object().unwrap() {
        let (events, errors, actions) = found.get_mut(principal).unwrap_or_else(|| panic!("{source}: {principal}"));
        assert_eq!((*events, *errors), (oracle["events"].as_u64().unwrap(), oracle["errors"].as_u64().unwrap()));
        actions.sort();
        actions.dedup();
        assert_eq!(serde_json::to_value(&*actions).unwrap(), oracle["actions"], "{source}: {principal}");
    }
}

#[test]
fn the_events_of_streamalerts_tests_parse() {
    let Some(root) = shared::data("trails") else { return };
    let text = std::fs::read_to_string(root.join("peers/streamalert_rule_tests.jsonl")).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let (mut tests, mut events) = (0, 0);
    for (index, line) in text.lines().enumerate() {
        let test: Value = serde_json::from_str(line).unwrap();
        let path = dir.path().join(format!("{index}.json"));
        std::fs::write(&path, test["data"].to_string()).unwrap();
        let (_, totals) = read(&path);
        let expected = test["n_events"].as_u64().unwrap();
        assert_eq!(totals.rows + totals.duplicates, expected, "{}: {totals:?}", test["description"]);
        tests += 1;
        events += expected;
    }
    assert!(tests == 57 && events >= 57, "{tests} tests, {events} events");
}
