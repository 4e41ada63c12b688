//! Other readers of Delta Lake and Parquet find the same events: deltalake (delta-rs in Python), Polars, DuckDB.

use std::collections::BTreeMap;

use serde_json::Value;

use super::trail::{self, event, keep_without, records};
use super::{Lake, World, python};
use crate::command::text;

type Counts = BTreeMap<String, u64>;

/// What the input says: events by day, by name, by ARN.
#[derive(Default)]
struct Wanted {
    days: Counts,
    names: Counts,
    arns: Counts,
    last: String,
}

fn wanted(world: &World, first_day: &str) -> Wanted {
    let mut wanted = Wanted::default();
    let mut seen = std::collections::BTreeSet::new();
    trail::each_record(&world.logs(), &mut |record| {
        let time = record["eventTime"].as_str().unwrap_or_default();
        let id =
            (record["eventID"].as_str().map(str::to_owned), record["recipientAccountId"].as_str().map(str::to_owned));
        if (!time.is_empty() && time < first_day) || !seen.insert(id) {
            return;
        }
        let count = |counts: &mut Counts, key: &str| *counts.entry(key.to_owned()).or_default() += 1;
        // Python's word for null.
        count(&mut wanted.days, time.get(..10).unwrap_or("None"));
        count(&mut wanted.names, record["eventName"].as_str().unwrap_or("None"));
        count(&mut wanted.arns, record["userIdentity"]["arn"].as_str().unwrap_or("None"));
        wanted.last = wanted.last.clone().max(time.get(..19).unwrap_or_default().replace('T', " "));
    });
    wanted
}

fn counts(value: &Value) -> Counts {
    serde_json::from_value(value.clone()).unwrap()
}

fn assert_read_alike(python: &std::ffi::OsString, lake: &Lake<'_>, wanted: &Wanted, when: &str) {
    let found = python::run(python, "readers.py", &[text(lake.folder()), "--delta-scan"]);
    for (reader, told) in found.as_object().unwrap() {
        let context = format!("{reader}, {when}");
        if let Some(why) = told["skipped"].as_str() {
            println!("SKIPPED: {reader}: {why}");
            eprintln!("SKIPPED: {reader}: {why}");
            continue;
        }
        assert_eq!(counts(&told["days"]), wanted.days, "{context}");
        assert_eq!(counts(&told["names"]), wanted.names, "{context}");
        assert_eq!(counts(&told["arns"]), wanted.arns, "{context}");
        assert_eq!(told["last_time"], wanted.last, "{context}");
        let kind = match reader.as_str() {
            "with_deltalake" => "timestamp[us, tz=UTC]",
            "with_polars" => "Datetime(time_unit='us', time_zone='UTC')",
            _ => "TIMESTAMP WITH TIME ZONE",
        };
        assert_eq!(told["time_type"], kind, "{context}");
    }
}

#[test]
fn others_read_the_same() {
    let Some(python) = python::interpreter() else { return };
    let world = World::with_trail(400, 71);
    // Odd rows too: no time, no name of a user, text of other scripts.
    let odd = r#","userIdentity":{"type":"IAMUser","arn":"arn:aws:iam::111122223333:user/ü'\"\\x"}"#;
    let timeless = event("timeless", "", "").replace(r#""eventTime":"","#, "");
    world.log("odd.json", &records(&[timeless, event("odd", "2026-03-08T01:02:03Z", odd)]));
    let lake = world.lake("lake").many_commits();
    lake.ingest();
    let all = wanted(&world, "");
    assert_read_alike(&python, &lake, &all, "fresh");
    lake.done(&["lake", "compact"]);
    assert_read_alike(&python, &lake, &all, "compacted");
    let (first, keep) = keep_without(2);
    lake.done(&["lake", "expire", "--keep", &keep]);
    let left = wanted(&world, &first.to_string());
    assert!(left.days.len() < all.days.len());
    assert_read_alike(&python, &lake, &left, "expired");
}
