//! Trails to ingest, and the oracle: which events are in them, found by other code than the ingester's.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use ingest::simulate::{Plan, write};
use serde_json::Value;

/// Days of a made-up trail.
pub(crate) const DAYS: u32 = 5;

/// Events by id and account that received them: how often each is there.
pub(crate) type Ids = BTreeMap<(String, String), usize>;

/// The day after the last of a made-up trail.
pub(crate) fn end() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 3, 10).unwrap()
}

/// The `--keep` that takes the first `days` of a made-up trail away today.
pub(crate) fn keep_without(days: u32) -> (NaiveDate, String) {
    let first = end() - TimeDelta::days(i64::from(DAYS - days));
    let keep = (Utc::now().date_naive() - first).num_days();
    (first, format!("{keep}d"))
}

/// Writes a made-up trail: small files, some events delivered twice.
pub(crate) fn made_up(folder: &Path, events: u64, seed: u64) {
    let end: DateTime<Utc> = end().and_hms_opt(0, 0, 0).unwrap().and_utc();
    let plan = Plan { events, days: DAYS, seed, end, events_per_file: 8, ..Plan::default() };
    let whole = folder.with_extension("whole");
    write(&plan, &whole).unwrap();
    let _ = std::fs::remove_dir(folder);
    std::fs::rename(whole.join("AWSLogs"), folder).unwrap();
    std::fs::remove_dir_all(whole).unwrap();
}

/// One event, as JSON; `more` begins with a comma.
pub(crate) fn event(id: &str, time: &str, more: &str) -> String {
    format!(
        r#"{{"eventVersion":"1.08","eventTime":"{time}","eventSource":"s3.amazonaws.com","eventName":"GetObject","awsRegion":"us-east-1","recipientAccountId":"111122223333","eventType":"AwsApiCall","eventID":"{id}"{more}}}"#
    )
}

/// A log file of these events.
pub(crate) fn records(events: &[String]) -> Vec<u8> {
    format!(r#"{{"Records":[{}]}}"#, events.join(",")).into_bytes()
}

/// The ids in the `Records` of every file under a folder, each once.
pub(crate) fn ids(folder: &Path) -> Ids {
    let mut ids = Ids::new();
    each_record(folder, &mut |record| {
        let text = |name: &str| record[name].as_str().unwrap_or_default().to_owned();
        ids.insert((text("eventID"), text("recipientAccountId")), 1);
    });
    ids
}

/// The ids of the events from a day on.
pub(crate) fn ids_since(folder: &Path, first: NaiveDate) -> Ids {
    let first = first.to_string();
    let mut ids = Ids::new();
    each_record(folder, &mut |record| {
        let text = |name: &str| record[name].as_str().unwrap_or_default().to_owned();
        if text("eventTime") >= first {
            ids.insert((text("eventID"), text("recipientAccountId")), 1);
        }
    });
    ids
}

/// Every file under a folder.
pub(crate) fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

/// Every record of every file under a folder.
pub(crate) fn each_record(folder: &Path, take: &mut dyn FnMut(&Value)) {
    for path in files(folder) {
        let bytes = std::fs::read(&path).unwrap();
        let mut text = String::new();
        if bytes.starts_with(b"\x1f\x8b") {
            flate2::read::GzDecoder::new(bytes.as_slice()).read_to_string(&mut text).unwrap();
        } else {
            text = String::from_utf8(bytes).unwrap();
        }
        let value: Value = serde_json::from_str(&text).unwrap();
        value["Records"].as_array().unwrap().iter().for_each(&mut *take);
    }
}
