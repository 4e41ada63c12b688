//! A trail's bucket as a source of every command.

use std::path::Path;

use serde_json::{Value, json};

use super::cloud::{Cloud, files, log_of};
use crate::command::text;
use crate::lake::World;

const TRAIL: &str = "s3://trail";

/// A made-up trail in the layout of a bucket, uploaded; its log files.
fn trail(cloud: &mut Cloud, world: &World, events: &str) -> Vec<String> {
    let logs = world.path("sample");
    let args = ["sample", "--events", events, "--days", "6", "--events-per-file", "10", "--out", text(&logs)];
    assert_eq!(crate::command::trailhound(&args).code, 0);
    std::fs::remove_dir_all(logs.join("iam")).unwrap();
    cloud.upload("trail", &logs);
    files(&logs).into_iter().filter(|file| file.starts_with("AWSLogs/")).collect()
}

fn rows(cloud: &Cloud, lake: &Path) -> u64 {
    let sql = "SELECT count(*) AS n, count(DISTINCT eventid) AS d FROM events";
    let run = crate::command::trailhound(&["query", sql, "--lake", text(lake), "--output", "json"]);
    assert_eq!(run.code, 0, "{} {}", cloud.url, run.stderr);
    let value = &run.json()[0];
    assert_eq!(value["n"], value["d"]);
    value["n"].as_u64().unwrap()
}

#[test]
fn a_bucket_is_read_as_a_folder_is() {
    let Some(mut cloud) = Cloud::start(&["--busy", "23", "--break", "17"]) else { return };
    let world = World::empty();
    let keys = trail(&mut cloud, &world, "3000");
    for key in ["AWSLogs/111122223333/Config/us-east-1/2026/1/1/a", "AWSLogs/111122223333/vpcflowlogs/b", "other/c.txt"]
    {
        cloud.ask(json!({"do": "put", "bucket": "trail", "key": key, "text": "nothing of ours"}));
    }
    cloud.ask(json!({"do": "faults"}));
    let local = crate::command::trailhound(&["scan", text(&world.path("sample/AWSLogs")), "--output", "json"]).json();
    let scan = cloud.done(&["scan", TRAIL]);
    for field in ["objects", "records_in", "rows", "duplicates", "rejected", "accounts", "regions", "first_event"] {
        assert_eq!(scan[field], local[field], "{field}");
    }
    assert_eq!(scan["objects"].as_u64().unwrap() as usize, keys.len());
    let lake = world.path("lake");
    let first = cloud.done(&["ingest", TRAIL, "--lake", text(&lake)]);
    assert_eq!((&first["rows"], &first["rejected"]), (&local["rows"], &json!(0)));
    let prefixes: Vec<_> = first["left_out"]["prefixes"].as_array().unwrap().iter().map(|p| &p["prefix"]).collect();
    let unknown = ["s3://trail/AWSLogs/111122223333/Config/", "s3://trail/AWSLogs/111122223333/vpcflowlogs/"];
    assert_eq!(prefixes, unknown.map(Value::from).iter().collect::<Vec<_>>());
    assert!(first["requests"].as_u64().unwrap() > keys.len() as u64);
    let second = cloud.done(&["ingest", TRAIL, "--lake", text(&lake)]);
    assert_eq!((&second["objects"], &second["objects_skipped"]), (&json!(0), &first["objects"]));
    assert_eq!(rows(&cloud, &lake), local["rows"].as_u64().unwrap());
    // A file that arrives late sorts before what was read: it is found all the same.
    let late = keys.first().unwrap().replace("Z_", "Z_0late");
    cloud.ask(json!({"do": "put", "bucket": "trail", "key": late, "text": log_of("late")}));
    let third = cloud.done(&["ingest", TRAIL, "--lake", text(&lake)]);
    assert_eq!((&third["objects"], &third["rows"]), (&json!(1), &json!(1)));
}

#[test]
fn keys_are_pruned_before_anything_is_fetched() {
    let Some(mut cloud) = Cloud::start(&[]) else { return };
    let world = World::empty();
    let keys = trail(&mut cloud, &world, "2000");
    let part = |key: &str, index: usize| key.split('/').nth(index).unwrap().to_owned();
    let at = keys.iter().position(|key| key.contains("/CloudTrail/")).unwrap();
    let offset = keys[at].split('/').position(|part| part == "CloudTrail").unwrap();
    let (account, region) = (part(&keys[at], offset - 1), part(&keys[at], offset + 1));
    let day = |key: &str| format!("{}-{}-{}", part(key, offset + 2), part(key, offset + 3), part(key, offset + 4));
    let mut days: Vec<_> = keys.iter().map(|key| day(key)).collect();
    days.sort();
    days.dedup();
    let (from, to) = (&days[1], &days[3]);
    let wanted = |key: &&String| {
        let day = day(key);
        part(key, offset - 1) == account && part(key, offset + 1) == region && *from <= day && day <= *to
    };
    let expected = keys.iter().filter(wanted).count() as u64;
    assert!(expected > 0 && expected < keys.len() as u64);
    cloud.ask(json!({"do": "faults"}));
    let flags = ["--account", &account, "--log-region", &region, "--start-time", from, "--end-time", to];
    let scan = cloud.done(&[&["scan", TRAIL], &flags[..]].concat());
    assert_eq!(scan["objects"], json!(expected));
    let count =
        cloud.done(&[&["query", "SELECT count(DISTINCT awsregion) AS n FROM events", TRAIL], &flags[..]].concat());
    assert!(count[0]["n"].as_u64().unwrap() >= 1);
    let local = crate::command::trailhound(&["scan", text(&world.path("sample")), "--account", &account]);
    assert!(local.code == 2 && local.stderr.contains("s3://"), "{}", local.stderr);
}

/// A prefix that is misspelt, or a flag that leaves all out, is no quiet nothing.
#[test]
fn nothing_to_read_is_told_with_a_next_step() {
    let Some(mut cloud) = Cloud::start(&[]) else { return };
    let world = World::empty();
    let logs = world.path("x");
    std::fs::create_dir_all(&logs).unwrap();
    std::fs::write(logs.join("a.json"), log_of("a")).unwrap();
    cloud.ask(json!({"do": "upload", "bucket": "trail", "folder": logs, "prefix": "case/"}));
    let lake = world.path("lake");
    for (args, words) in [
        (&["ingest", "s3://trail/cases", "--lake", text(&lake)][..], "aws s3 ls s3://trail/cases"),
        (&["scan", "s3://trail/cases"], "aws s3 ls s3://trail/cases"),
        (&["query", "SELECT count(*) FROM events", "s3://trail/cases"], "aws s3 ls s3://trail/cases"),
        (&["scan", "s3://trail/AWSLogs", "--account", "999999999999"], "--account asks for"),
    ] {
        let run = cloud.run(args);
        assert!(run.code == 0 && run.stderr.contains(words), "{args:?}: {} {}", run.code, run.stderr);
    }
    cloud.done(&["ingest", "s3://trail/case", "--lake", text(&lake)]);
    let again = cloud.run(&["ingest", "s3://trail/case", "--lake", text(&lake)]);
    assert!(again.code == 0 && !again.stderr.contains("aws s3 ls"), "all of it was ingested before: {}", again.stderr);
    let folder = world.path("empty");
    std::fs::create_dir_all(&folder).unwrap();
    let local = crate::command::trailhound(&["scan", text(&folder)]);
    assert!(local.stderr.contains("is it the right folder?"), "{}", local.stderr);
}

#[test]
fn what_is_wrong_is_told_apart() {
    let Some(mut cloud) = Cloud::start(&[]) else { return };
    let world = World::empty();
    let folder = world.path("x");
    std::fs::create_dir_all(&folder).unwrap();
    for name in ["denied.json", "archived.json", "encrypted.json", "good.json"] {
        std::fs::write(folder.join(name), log_of(name)).unwrap();
    }
    cloud.ask(json!({"do": "upload", "bucket": "trail", "folder": folder, "prefix": "case/"}));
    let run = cloud.run(&["scan", "s3://trail/case", "--output", "json"]);
    assert_eq!((run.code, &run.json()["rows"]), (3, &json!(1)), "{}", run.stderr);
    for words in ["allow s3:GetObject on arn:aws:s3:::trail/case/denied.json", "restore-object", "kms:Decrypt"] {
        assert!(run.stderr.contains(words), "{words}: {}", run.stderr);
    }
    let absent = cloud.run(&["scan", "s3://no-such-bucket"]);
    assert!(absent.code == 5 && absent.stderr.contains("no such bucket"), "{}", absent.stderr);
    let mut stranger = cloud.command(&["scan", TRAIL]);
    let stranger = crate::command::finished(stranger.env("AWS_ACCESS_KEY_ID", "wrong").output().unwrap());
    assert!(stranger.code == 5 && stranger.stderr.contains("aws sts get-caller-identity"), "{}", stranger.stderr);
    assert!(!stranger.stderr.contains("secret"), "{}", stranger.stderr);
    let role = cloud.done(&["scan", TRAIL, "--role-arn", "arn:aws:iam::111122223333:role/logs", "--external-id", "x"]);
    assert_eq!(role["objects"], json!(0));
}
