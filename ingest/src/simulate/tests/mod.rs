//! The generator as a whole: what it promises of a folder that it wrote.
#![allow(clippy::unwrap_used)]

mod grants;
mod planted;
mod reading;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::*;

fn small() -> Plan {
    Plan { events: 2_500, days: 20, ..Plan::default() }
}

/// Long enough for credentials to be revived.
fn long() -> Plan {
    Plan { days: 100, ..small() }
}

fn files(root: &Path) -> Vec<PathBuf> {
    let (mut found, mut folders) = (Vec::new(), vec![root.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    found
}

/// All files of a folder, with what is in them.
fn tree(root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let content = |path: PathBuf| (path.strip_prefix(root).unwrap().to_owned(), std::fs::read(&path).unwrap());
    files(root).into_iter().map(content).collect()
}

fn records(trail: &Path) -> Vec<(PathBuf, Value)> {
    let mut all = Vec::new();
    for path in files(trail) {
        let mut text = String::new();
        flate2::read::GzDecoder::new(std::fs::File::open(&path).unwrap()).read_to_string(&mut text).unwrap();
        let value: Value = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let list = value["Records"].as_array().unwrap().clone();
        assert!(!list.is_empty(), "{} is empty", path.display());
        all.extend(list.into_iter().map(|record| (path.clone(), record)));
    }
    all
}

fn generate(plan: &Plan) -> (tempfile::TempDir, Summary, Vec<(PathBuf, Value)>) {
    let folder = tempfile::tempdir().unwrap();
    let summary = write(plan, folder.path()).unwrap();
    let records = records(&summary.trail);
    (folder, summary, records)
}

#[test]
fn the_same_plan_writes_the_same_bytes() {
    let tree_of = |plan: &Plan| {
        let folder = tempfile::tempdir().unwrap();
        write(plan, folder.path()).unwrap();
        tree(folder.path())
    };
    let plan = small();
    let first = tree_of(&plan);
    assert!(first == tree_of(&plan), "another run writes other bytes");
    let trail_of = |threads: usize| {
        let folder = tempfile::tempdir().unwrap();
        delivery::deliver(&organisation::World::new(&plan), folder.path(), threads).unwrap();
        tree(folder.path())
    };
    assert!(trail_of(1) == trail_of(5), "the number of threads shows");
    assert!(first != tree_of(&Plan { seed: 8, ..plan }), "the seed does not matter");
}

#[test]
fn counts_and_bytes_are_those_of_the_summary() {
    for plan in [small(), Plan { events: 700, accounts: 1, days: 1, events_per_file: 5, ..Plan::default() }] {
        let (_folder, summary, records) = generate(&plan);
        assert_eq!(summary.events, plan.events);
        assert_eq!(records.len() as u64, summary.events + summary.duplicates);
        let ids: BTreeSet<&str> = records.iter().map(|(_, r)| r["eventID"].as_str().unwrap()).collect();
        assert_eq!(ids.len() as u64, summary.events, "event ids repeat");
        let paths = files(&summary.trail);
        assert_eq!(paths.len() as u64, summary.files);
        let bytes: u64 = paths.iter().map(|path| path.metadata().unwrap().len()).sum();
        assert_eq!(bytes, summary.bytes_gz);
        let mut by_file: BTreeMap<&Path, u32> = BTreeMap::new();
        for (path, _) in &records {
            *by_file.entry(path).or_default() += 1;
        }
        let most = by_file.values().max().copied().unwrap();
        assert!(most <= plan.events_per_file + 2, "{most} records in a file");
    }
}

#[test]
fn tiny_plans_are_exact_too() {
    for events in [0, 1, 7, 60, 301] {
        let plan = Plan { events, accounts: 2, days: 3, ..Plan::default() };
        let (_folder, summary, records) = generate(&plan);
        assert_eq!(summary.events, events);
        assert_eq!(records.len() as u64, events + summary.duplicates);
    }
}

#[test]
fn records_have_cloudtrails_fields_and_lie_in_the_period() {
    let (_folder, summary, records) = generate(&small());
    let mut bytes = 0;
    for (path, record) in &records {
        for name in [
            "eventVersion",
            "eventTime",
            "eventSource",
            "eventName",
            "awsRegion",
            "sourceIPAddress",
            "userAgent",
            "eventID",
            "eventType",
            "recipientAccountId",
            "eventCategory",
        ] {
            assert!(record[name].is_string(), "{name} of {record}");
        }
        assert!(record["userIdentity"].is_object() && record["readOnly"].is_boolean(), "{record}");
        assert!(record.get("requestParameters").is_some() && record.get("responseElements").is_some());
        let is_data = record["eventCategory"] == "Data";
        assert_eq!(record["managementEvent"], !is_data);
        let time = record["eventTime"].as_str().unwrap();
        assert!(summary.start.as_str() <= time && time < summary.end.as_str(), "{time}");
        let account = record["recipientAccountId"].as_str().unwrap();
        assert!(path.to_str().unwrap().contains(&format!("/{account}/CloudTrail/")), "{}", path.display());
        assert!(!(is_data && summary.data_events_off.iter().any(|off| off == account)), "{record}");
        bytes += record.to_string().len();
    }
    let mean = bytes / records.len();
    assert!((1_200..=1_700).contains(&mean), "{mean} bytes an event");
}

#[test]
fn keys_are_laid_out_as_s3_has_them() {
    let (folder, summary, _) = generate(&small());
    let organisation = summary.organisation.unwrap();
    for path in files(&summary.trail) {
        let key = path.strip_prefix(folder.path()).unwrap().to_str().unwrap().to_owned();
        let parts: Vec<&str> = key.split('/').collect();
        let [top, org, account, kind, region, year, month, day, name] = parts[..] else { panic!("{key}") };
        assert_eq!((top, org, kind), ("AWSLogs", organisation.as_str(), "CloudTrail"));
        assert!(summary.accounts.iter().any(|id| id == account) && REGIONS.contains(&region), "{key}");
        let name = name.strip_suffix(".json.gz").unwrap();
        let fields: Vec<&str> = name.split('_').collect();
        assert_eq!(fields[..3], [account, "CloudTrail", region]);
        assert_eq!(fields[3].len(), 14);
        assert!(fields[3].starts_with(&format!("{year}{month}{day}T")) && fields[3].ends_with('Z'), "{key}");
        assert!(fields[4].len() == 16 && fields[4].bytes().all(|b| b.is_ascii_alphanumeric()), "{key}");
    }
}

#[test]
fn the_trail_has_the_shapes_of_real_ones() {
    let (_folder, summary, records) = generate(&Plan { events: 9_000, ..small() });
    let count = |test: &dyn Fn(&Value) -> bool| records.iter().filter(|(_, r)| test(r)).count();
    for kind in ["IAMUser", "AssumedRole", "AWSService", "AWSAccount", "SAMLUser", "WebIdentityUser", "Root"] {
        assert!(count(&|r| r["userIdentity"]["type"] == kind) > 0, "no {kind}");
    }
    for code in ["AccessDenied", "ThrottlingException", "Client.UnauthorizedOperation", "NoSuchKey"] {
        assert!(count(&|r| r["errorCode"] == code) > 0, "no {code}");
    }
    for kind in ["AwsApiCall", "AwsServiceEvent", "AwsConsoleSignIn"] {
        assert!(count(&|r| r["eventType"] == kind) > 0, "no {kind}");
    }
    for version in ["1.08", "1.09", "1.10", "1.11"] {
        assert!(count(&|r| r["eventVersion"] == version) > 0, "no {version}");
    }
    let text = |r: &Value, part: &str| r.to_string().contains(part);
    for part in
        ["HIDDEN_DUE_TO_SECURITY_REASONS", "Überblick", "ARNPrefix", "2001:db8:", "vpce-0", "keyExchange", "invokedBy"]
    {
        assert!(count(&|r| text(r, part)) > 0, "no {part}");
    }
    assert!(count(&|r| r["eventCategory"] == "Data") > records.len() / 10);
    assert!(summary.duplicates > 0);
    // Nobody of the office is at work at night.
    let hour = |r: &Value| r["eventTime"].as_str().unwrap()[11..13].parse::<u32>().unwrap();
    assert_eq!(count(&|r| r["userIdentity"]["userName"] == "mei.tanaka" && !(7..19).contains(&hour(r))), 0);
}

#[test]
fn plans_that_cannot_be_made_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    for plan in [
        Plan { accounts: 0, ..small() },
        Plan { days: 0, ..small() },
        Plan { events_per_file: 0, ..small() },
        Plan { end: DateTime::from_timestamp(0, 0).unwrap(), ..small() },
    ] {
        let error = write(&plan, folder.path()).unwrap_err().to_string();
        assert!(error.starts_with("cannot simulate"), "{error}");
    }
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let error = write(&small(), &file).unwrap_err().to_string();
    assert!(error.contains("cannot write") && error.contains("check that"), "{error}");
}

/// `cargo test --release -p trailhound-ingest simulate_speed -- --ignored --nocapture` prints how fast it is.
#[test]
#[ignore = "a measurement, not a check"]
fn simulate_speed() {
    let folder = tempfile::tempdir().unwrap();
    let plan = Plan { events: 1_000_000, days: 30, events_per_file: 5_000, ..Plan::default() };
    let start = std::time::Instant::now();
    let summary = write(&plan, folder.path()).unwrap();
    let seconds = start.elapsed().as_secs_f64();
    let per_event = summary.bytes_json / plan.events;
    eprintln!("{:.0} events/s, {per_event} B/event, {summary:?}", plan.events as f64 / seconds);
}
