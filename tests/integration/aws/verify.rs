//! `verify`, from a bucket and from folders, beside what the official client said.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::cloud::Cloud;
use crate::command::{Run, text, trailhound};
use crate::shared;

pub(crate) fn scenarios() -> Vec<PathBuf> {
    let Some(data) = shared::data("digest") else { return Vec::new() };
    let mut folders: Vec<_> = std::fs::read_dir(data).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.retain(|folder| folder.join("expected.json").is_file());
    folders.sort();
    folders
}

pub(crate) fn expected(folder: &Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(folder.join("expected.json")).unwrap()).unwrap()
}

/// The flags of the official client's run, as far as ours have them.
fn flags(folder: &Path) -> Vec<String> {
    let args = expected(folder)["args"].clone();
    let args: Vec<&str> = args.as_array().unwrap().iter().filter_map(Value::as_str).collect();
    let known = ["--trail-arn", "--start-time", "--end-time", "--s3-bucket", "--s3-prefix", "--account-id"];
    let mut flags = Vec::new();
    for pair in args.windows(2).filter(|pair| known.contains(&pair[0])) {
        flags.extend([pair[0].to_owned(), pair[1].to_owned()]);
    }
    let keys = folder.parent().unwrap().join("public_keys.json");
    flags.extend(["--public-keys".to_owned(), text(&keys).to_owned(), "--output".to_owned(), "json".to_owned()]);
    flags
}

/// The summary, in the official client's words.
fn check(folder: &Path, run: &Run, how: &str) {
    let name = folder.file_name().unwrap().to_string_lossy().into_owned();
    let expected = expected(folder);
    assert_eq!(i64::from(run.code), expected["rc"].as_i64().unwrap(), "{name} {how}: {}", run.stderr);
    let said = expected["stdout"].as_str().unwrap();
    let found = run.json();
    for (kind, field) in [("digest", "digests"), ("backfill digest", "backfill_digests"), ("log", "logs")] {
        let counts = &found[field];
        let (valid, invalid) = (counts["valid"].as_u64().unwrap(), counts["invalid"].as_u64().unwrap());
        let total = valid + invalid;
        let line = format!("\n{valid}/{total} {kind} files valid");
        assert_eq!(total > 0, said.contains(&format!(" {kind} files valid")), "{name} {how}: {kind}");
        assert!(total == 0 || said.contains(&line), "{name} {how}: {line}: {said}");
    }
    for file in found["files"].as_array().unwrap() {
        let both = format!("{said}{}", expected["stderr"].as_str().unwrap());
        let verdict = match file["verdict"].as_str().unwrap() {
            "valid" => "valid".to_owned(),
            _ => format!("INVALID: {}", file["reason"].as_str().unwrap()),
        };
        let line = format!("file\t{}\t{verdict}", file["object"].as_str().unwrap());
        assert!(both.contains(&line), "{name} {how}: {line}");
    }
}

/// The buckets of a scenario, with their metadata.
pub(super) fn upload(cloud: &mut Cloud, folder: &Path) {
    let metadata: Value = serde_json::from_str(&std::fs::read_to_string(folder.join("objects.json")).unwrap()).unwrap();
    for bucket in std::fs::read_dir(folder.join("objects")).unwrap() {
        let path = bucket.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        cloud.ask(json!({"do": "upload", "bucket": name, "folder": path, "metadata": metadata}));
    }
}

/// CloudTrail's keys of the scenarios, as `ListPublicKeys` gives them.
pub(super) fn give_keys(cloud: &mut Cloud, folder: &Path) {
    let keys = std::fs::read_to_string(folder.parent().unwrap().join("public_keys.json")).unwrap();
    let mut keys: Value = serde_json::from_str(&keys).unwrap();
    for key in keys["PublicKeyList"].as_array_mut().unwrap() {
        let key = key.as_object_mut().unwrap();
        key.retain(|name, _| matches!(name.as_str(), "Value" | "Fingerprint"));
    }
    cloud.ask(json!({"do": "keys", "keys": keys}));
}

/// Throttled, failed and broken off: CloudTrail is asked again, and asked once for a day.
#[test]
fn public_keys_are_asked_for_until_they_come() {
    let Some(folder) = scenarios().into_iter().find(|folder| folder.ends_with("01_valid_chain")) else { return };
    let Some(mut cloud) = Cloud::start(&["--unwilling", "5"]) else { return };
    upload(&mut cloud, &folder);
    give_keys(&mut cloud, &folder);
    let found = cloud.done(&["verify", "s3://trail-bucket"]);
    assert_eq!((&found["valid"], &found["logs"]["valid"]), (&json!(true), &json!(6)), "{found}");
    assert_eq!(cloud.ask(json!({"do": "seen"}))["ListPublicKeys"], json!(6));
    // The same keys, offline: who cannot be asked is told how to have them.
    let mut command = cloud.command(&["verify", text(&folder)]);
    command.env("AWS_ACCESS_KEY_ID", "wrong");
    let run = crate::command::finished(command.output().unwrap());
    let words = "--public-keys FILE, made where there is one by: aws cloudtrail list-public-keys --region us-east-1";
    assert!(run.code == 5 && run.stderr.contains(words), "{}: {}", run.code, run.stderr);
}

#[test]
fn keys_that_are_none_are_blamed_and_not_the_files() {
    let Some(folder) = scenarios().into_iter().find(|folder| folder.ends_with("01_valid_chain")) else { return };
    let room = crate::lake::room();
    let keys = room.path().join("keys.json");
    std::fs::write(&keys, r#"{"PublicKeyList":[]}"#).unwrap();
    let run = trailhound(&["verify", text(&folder), "--public-keys", text(&keys)]);
    assert!(run.code == 2 && run.stderr.contains("keys.json: no public keys in it"), "{}", run.stderr);
    std::fs::write(&keys, r#"{"PublicKeyList":[{"Value":"AAAA","Fingerprint":"another"}]}"#).unwrap();
    let run = trailhound(&["verify", text(&folder), "--public-keys", text(&keys)]);
    assert!(run.code == 1 && run.stderr.contains("keys.json has none of the keys"), "{}", run.stderr);
}

/// A Region with log files and no digest, and a log file under another name.
#[test]
fn what_no_digest_speaks_of_is_said() {
    let Some(folder) = scenarios().into_iter().find(|folder| folder.ends_with("01_valid_chain")) else { return };
    let room = crate::lake::room();
    crate::lake::copy_folder(&folder.join("objects"), &room.path().join("objects"));
    let logs = room.path().join("objects/trail-bucket/AWSLogs/123456789012/CloudTrail");
    let other = logs.join("eu-west-1/2025/06/01");
    std::fs::create_dir_all(&other).unwrap();
    let name = "123456789012_CloudTrail_eu-west-1_20250601T0112Z_0000000000000000.json.gz";
    std::fs::write(other.join(name), crate::command::gzip(br#"{"Records":[]}"#)).unwrap();
    let day = logs.join("us-east-1/2025/06/01");
    let log = std::fs::read_dir(&day).unwrap().map(|entry| entry.unwrap().path()).min().unwrap();
    std::fs::rename(&log, text(&log).replace("Z_", "Z_0renamed")).unwrap();
    let (keys, metadata) = (folder.parent().unwrap().join("public_keys.json"), folder.join("objects.json"));
    let places = ["verify", text(room.path()), "--public-keys", text(&keys), "--metadata", text(&metadata)];
    let run = trailhound(&[&places[..], &["--output", "json"]].concat());
    assert_eq!(run.code, 1, "{}", run.stderr);
    let found = run.json();
    let remark = |name: &str| {
        let remarks = found["remarks"].as_array().unwrap();
        remarks.iter().find(|remark| remark["remark"] == name).unwrap_or_else(|| panic!("{name}: {found:#}")).clone()
    };
    assert!(remark("no_digests")["object"].as_str().unwrap().ends_with("/eu-west-1"));
    assert!(remark("renamed_log")["detail"].as_str().unwrap().contains("20250601T0010Z"));
    assert_eq!(found["unproven_beside"], json!({"logs": 1, "regions": 1}), "{found:#}");
}

/// "All files" is never said where others lie beside those that digests list; with --strict they fail.
#[test]
fn files_that_nothing_proves_are_in_the_headline() {
    let Some(folder) = scenarios().into_iter().find(|folder| folder.ends_with("01_valid_chain")) else { return };
    let (keys, metadata) = (folder.parent().unwrap().join("public_keys.json"), folder.join("objects.json"));
    let logs = "objects/trail-bucket/AWSLogs/123456789012/CloudTrail";
    let late = "us-east-1/2025/06/01/123456789012_CloudTrail_us-east-1_20250601T0912Z_0000000000000000.json.gz";
    let elsewhere = "eu-west-1/2025/06/01/123456789012_CloudTrail_eu-west-1_20250601T0112Z_0000000000000000.json.gz";
    for (added, words) in [
        (late, "9 files that digests list are what CloudTrail delivered; 1 more is proven by nothing"),
        (elsewhere, "9 files that digests list are what CloudTrail delivered; 1 Region has log files and no digest"),
    ] {
        let room = crate::lake::room();
        crate::lake::copy_folder(&folder.join("objects"), &room.path().join("objects"));
        let args = ["verify", text(room.path()), "--public-keys", text(&keys), "--metadata", text(&metadata)];
        let strict = [&args[..], &["--strict"]].concat();
        let whole = trailhound(&strict);
        assert!(whole.code == 0 && whole.stdout.contains("All 9 files are what"), "{}{}", whole.stdout, whole.stderr);
        let path = room.path().join(logs).join(added);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, crate::command::gzip(br#"{"Records":[]}"#)).unwrap();
        let run = trailhound(&args);
        assert!(run.code == 0 && run.stdout.contains(words), "{}{}", run.stdout, run.stderr);
        assert_eq!(trailhound(&strict).code, 1, "{added}");
    }
}

/// CloudTrail was asked elsewhere: that is said, and not that all is forged.
#[test]
fn an_answer_without_the_keys_is_blamed_too() {
    let Some(folder) = scenarios().into_iter().find(|folder| folder.ends_with("01_valid_chain")) else { return };
    let Some(mut cloud) = Cloud::start(&[]) else { return };
    upload(&mut cloud, &folder);
    cloud.ask(json!({"do": "keys", "keys": {"PublicKeyList": []}}));
    let run = cloud.run(&["verify", "s3://trail-bucket"]);
    assert!(run.code == 1 && run.stderr.contains("keys live by Region and time"), "{}: {}", run.code, run.stderr);
}

#[test]
fn downloaded_folders_have_the_official_verdicts() {
    for folder in scenarios() {
        let flags = flags(&folder);
        let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
        check(&folder, &trailhound(&[&["verify", text(&folder)], &flags[..]].concat()), "offline");
    }
}

#[test]
fn buckets_have_the_official_verdicts() {
    if scenarios().is_empty() {
        return;
    }
    for folder in scenarios() {
        let Some(mut cloud) = Cloud::start(&[]) else { return };
        upload(&mut cloud, &folder);
        let flags = flags(&folder);
        let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
        check(&folder, &cloud.run(&[&["verify"], &flags[..]].concat()), "bucket");
    }
}

#[test]
fn strictness_and_lines_of_json() {
    let Some(folder) = scenarios().into_iter().find(|folder| folder.ends_with("01_valid_chain")) else { return };
    let room = crate::lake::room();
    crate::lake::copy_folder(&folder.join("objects"), &room.path().join("objects"));
    let day = "objects/trail-bucket/AWSLogs/123456789012/CloudTrail/us-east-1/2025/06/01";
    let forged = "123456789012_CloudTrail_us-east-1_20250601T0112Z_forged0000000000.json.gz";
    std::fs::write(room.path().join(day).join(forged), crate::command::gzip(br#"{"Records":[]}"#)).unwrap();
    let (keys, metadata) = (folder.parent().unwrap().join("public_keys.json"), folder.join("objects.json"));
    let args = ["verify", text(room.path()), "--public-keys", text(&keys), "--metadata", text(&metadata)];
    let lax = trailhound(&[&args[..], &["--output", "jsonl"]].concat());
    assert_eq!(lax.code, 0, "{}", lax.stderr);
    let lines: Vec<Value> = lax.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(
        lines.iter().any(|line| line["remark"] == "unlisted_log" && line["object"].as_str().unwrap().ends_with(forged))
    );
    assert_eq!((lines.len(), &lines.last().unwrap()["finding"]), (3 + 6 + 1 + 1 + 1, &json!("summary")));
    assert_eq!(trailhound(&[&args[..], &["--strict"]].concat()).code, 1);
    // Without signatures of the newest digest nothing is said of it, and that shows.
    let bare = trailhound(&["verify", text(&room.path().join("objects")), "--public-keys", text(&keys)]);
    assert!(bare.code == 3 && bare.stdout.contains("unproven"), "{}{}", bare.stdout, bare.stderr);
    let nothing = trailhound(&["verify", text(&room.path().join(day)), "--public-keys", text(&keys)]);
    assert!(nothing.code == 3 && nothing.stderr.contains("nothing is proven"), "{}", nothing.stderr);
}
