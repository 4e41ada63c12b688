//! What the official client said of recorded buckets, and what we say: file by file the same.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{All, options};
use crate::digest::folder::{Known, MetadataFile};
use crate::digest::{Finding, Folder, Options, PublicKeys, Role, Span, Standing, verify};

fn data() -> Option<PathBuf> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/digest");
    if !path.is_dir() {
        println!("SKIPPED: ../shared/data absent, so this test checked nothing");
        eprintln!("SKIPPED: ../shared/data absent, so this test checked nothing");
        return None;
    }
    Some(path)
}

/// Lines of the client's output that are about a file, with how often each occurs.
fn said(expected: &Value) -> BTreeMap<String, u32> {
    let mut lines = BTreeMap::new();
    for stream in ["stdout", "stderr"] {
        for line in expected[stream].as_str().unwrap().lines() {
            if line.contains("file\ts3://") || line.contains("No log files were delivered") {
                *lines.entry(line.to_owned()).or_default() += 1;
            }
        }
    }
    lines
}

fn line(finding: &Finding) -> Option<String> {
    let time = |time: &chrono::DateTime<chrono::Utc>| time.format("%Y-%m-%dT%H:%M:%SZ").to_string();
    match finding {
        Finding::File(file) => {
            let role = match file.role {
                Role::Digest => "Digest file",
                Role::BackfillDigest => "(backfill) Digest file",
                Role::Log => "Log file",
            };
            let verdict = match file.verdict.reason() {
                None => "valid".to_owned(),
                Some(reason) => format!("INVALID: {reason}"),
            };
            Some(format!("{role}\ts3://{}/{}\t{verdict}", file.bucket, file.key))
        }
        Finding::Gap(gap) => {
            let backfill = if gap.backfill { "(backfill) " } else { "" };
            let (from, to) = (time(&gap.from), time(&gap.to));
            Some(format!("{backfill}No log files were delivered by CloudTrail between {from} and {to}"))
        }
        Finding::Remark(..) => None,
    }
}

fn argument<'a>(expected: &'a Value, name: &str) -> Option<&'a str> {
    let args: Vec<&str> = expected["args"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    args.windows(2).find(|pair| pair[0] == name).map(|pair| pair[1])
}

fn scenario(folder: &Path, keys: &PublicKeys) {
    let name = folder.file_name().unwrap().to_string_lossy().into_owned();
    let read = |file: &str| std::fs::read_to_string(folder.join(file)).unwrap();
    let expected: Value = serde_json::from_str(&read("expected.json")).unwrap();
    let metadata = MetadataFile::parse(&read("objects.json")).unwrap();
    let opened = Folder::open(&[folder.join("objects")], metadata, &Known::default()).unwrap();
    let chains: Vec<_> = opened.chains().cloned().collect();
    let time = |name| argument(&expected, name).map(|time| time.parse().unwrap());
    let span = Span { start: time("--start-time"), end: time("--end-time") };
    let bucket = argument(&expected, "--s3-bucket").map(str::to_owned);
    let mut all = All::default();
    let summary = verify(&opened, keys, &chains, &Options { span, bucket, ..options() }, &mut all).unwrap();
    let mut ours = BTreeMap::new();
    for line in all.0.iter().filter_map(line) {
        *ours.entry(line).or_default() += 1;
    }
    assert_eq!(ours, said(&expected), "{name}");
    assert_eq!(u64::from(summary.invalid() > 0), expected["rc"].as_u64().unwrap(), "{name}");
    let unproven = |f: &Finding| matches!(f, Finding::File(file) if file.verdict.standing() == Standing::Unproven);
    assert!(!all.0.iter().any(unproven), "{name}");
    // Nothing honest is suspicious.
    let untouched = ["valid_chain", "empty_digests", "gap", "backfill"].iter().any(|end| name.ends_with(end));
    assert!(!untouched || summary.suspicious == 0, "{name}: {:?}", all.remarks());
    println!("{name}: {} lines the same, remarks {:?}", ours.len(), all.remarks());
}

#[test]
fn every_recorded_scenario_has_the_verdicts_of_the_official_client() {
    let Some(data) = data() else { return };
    let keys = PublicKeys::parse(&std::fs::read_to_string(data.join("public_keys.json")).unwrap()).unwrap();
    let mut folders: Vec<_> = std::fs::read_dir(&data).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.retain(|path| path.join("expected.json").is_file());
    folders.sort();
    assert!(folders.len() >= 16, "{}", folders.len());
    for folder in &folders {
        scenario(folder, &keys);
    }
}
