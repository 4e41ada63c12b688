//! Continuous proof: what digests promise, what the lake has, and what became of it on the way.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::cloud::Cloud;
use super::verify::{give_keys, scenarios, upload};
use crate::command::text;
use crate::lake::World;
use crate::watch::Station;

const TRAIL: &str = "s3://trail-bucket";

fn scenario(name: &str) -> Option<PathBuf> {
    scenarios().into_iter().find(|folder| folder.ends_with(name))
}

/// The buckets of a scenario and CloudTrail's keys.
fn cloud(folder: &Path) -> Option<Cloud> {
    let mut cloud = Cloud::start(&[])?;
    upload(&mut cloud, folder);
    give_keys(&mut cloud, folder);
    Some(cloud)
}

fn ask(lake: &Path, sql: &str) -> Value {
    let run = crate::command::trailhound(&["query", sql, "--lake", text(lake), "--output", "json"]);
    assert_eq!(run.code, 0, "{sql}: {}", run.stderr);
    run.json()
}

fn by_state(lake: &Path) -> Value {
    ask(lake, "SELECT verified, count(*) AS n FROM events_verified GROUP BY 1 ORDER BY 1")
}

#[test]
fn what_was_read_is_verified_when_its_digest_comes() {
    let Some(folder) = scenario("01_valid_chain") else { return };
    let Some(cloud) = cloud(&folder) else { return };
    let world = World::empty();
    let lake = world.path("lake");
    let first = cloud.done(&["ingest", TRAIL, "--lake", text(&lake)]);
    assert!(first["rows"].as_u64().unwrap() >= 6, "{first}");
    // Rows are there before anything is proven of them.
    assert_eq!(by_state(&lake)[0]["verified"], json!("no_digest"));
    assert!(cloud.done(&["lake", "status", "--lake", text(&lake)]).get("proof").is_none());
    let second = cloud.done(&["ingest", TRAIL, "--lake", text(&lake), "--verify-digests"]);
    let proof =
        json!({"digest_files": 6, "have_files": 6, "verified": 6, "mismatched": 0, "unlisted": 0, "no_digest": 0});
    assert_eq!((&second["objects"], &second["digests"]["proof"]), (&json!(0), &proof), "{second}");
    assert_eq!(second["digests"]["read"]["valid"], json!(3));
    assert_eq!(by_state(&lake), json!([{"verified": "verified", "n": first["rows"]}]));
    let covered = ask(
        &lake,
        "SELECT account, region, sum(digest_files) AS promised, sum(have_files) AS have, sum(rows) AS rows FROM coverage GROUP BY 1, 2",
    );
    let expected =
        json!([{"account": "123456789012", "region": "us-east-1", "promised": 6, "have": 6, "rows": first["rows"]}]);
    assert_eq!(covered, expected);
    // A third time only the newest digest is read again, and nothing is noted twice.
    let third = cloud.done(&["ingest", TRAIL, "--lake", text(&lake), "--verify-digests"]);
    assert_eq!((&third["digests"]["noted"], &third["digests"]["proof"]), (&json!(0), &proof), "{third}");
    assert!(third["digests"]["read"]["valid"].as_u64().unwrap() <= 1, "{third}");
    assert_eq!(cloud.done(&["lake", "status", "--lake", text(&lake)])["proof"], proof);
    let told = cloud.run(&["lake", "status", "--lake", text(&lake)]);
    assert!(told.stdout.contains("digests promise 6 files, 6 of them are here; 6 objects verified"), "{}", told.stdout);
    assert_eq!(crate::command::trailhound(&["scan", "--lake", text(&lake), "--output", "json"]).json()["proof"], proof);
}

#[test]
fn what_is_missing_changed_or_forged_is_told() {
    let Some(folder) = scenario("01_valid_chain") else { return };
    let Some(mut cloud) = cloud(&folder) else { return };
    let world = World::empty();
    let lake = world.path("lake");
    let keys = crate::aws::cloud::files(&folder.join("objects/trail-bucket"));
    let logs: Vec<&String> = keys.iter().filter(|key| key.contains("/CloudTrail/")).collect();
    // One is changed, one is taken away, one is added in the name of an hour that a digest speaks of.
    cloud.ask(json!({"do": "put", "bucket": "trail-bucket", "key": logs[0], "text": super::cloud::log_of("changed")}));
    cloud.ask(json!({"do": "remove", "bucket": "trail-bucket", "key": logs[1]}));
    let forged = logs[2].replace("Z_", "Z_f");
    cloud.ask(json!({"do": "put", "bucket": "trail-bucket", "key": forged, "text": super::cloud::log_of("forged")}));
    let run = cloud.run(&["ingest", TRAIL, "--lake", text(&lake), "--verify-digests", "--output", "json"]);
    assert_eq!(run.code, 3, "{}", run.stderr);
    let proof =
        json!({"digest_files": 6, "have_files": 5, "verified": 4, "mismatched": 1, "unlisted": 1, "no_digest": 0});
    assert_eq!(run.json()["digests"]["proof"], proof, "{}", run.stderr);
    assert!(run.stderr.contains("1 CHANGED since they were delivered"), "{}", run.stderr);
    let told =
        ask(&lake, "SELECT eventid, verified FROM events_verified WHERE verified <> 'verified' ORDER BY eventid");
    assert_eq!(
        told,
        json!([{"eventid": "changed", "verified": "mismatch"}, {"eventid": "forged", "verified": "unlisted"}])
    );
    let gone = ask(&lake, "SELECT sum(digest_files) - sum(have_files) AS missing FROM coverage");
    assert_eq!(gone, json!([{"missing": 1}]));
}

/// Downloaded files, and a lake that was made of them: the same proof, without a network.
#[test]
fn a_download_proves_a_lake_too() {
    let Some(folder) = scenario("03_log_modified") else { return };
    let world = World::empty();
    let (lake, bucket) = (world.path("lake"), folder.join("objects/trail-bucket"));
    let ingest = crate::command::trailhound(&["ingest", text(&bucket), "--lake", text(&lake), "--output", "json"]);
    assert!(matches!(ingest.code, 0 | 3), "{}", ingest.stderr);
    let (keys, metadata) = (folder.parent().unwrap().join("public_keys.json"), folder.join("objects.json"));
    let args = ["verify", text(&folder), "--public-keys", text(&keys), "--metadata", text(&metadata)];
    let run = crate::command::trailhound(&[&args[..], &["--lake", text(&lake), "--output", "json"]].concat());
    assert_eq!(run.code, 1, "{}", run.stderr);
    let proof = &run.json()["proof"];
    assert_eq!((&proof["digest_files"], &proof["mismatched"]), (&json!(6), &json!(1)), "{proof}");
    let states = by_state(&lake);
    assert!(states.to_string().contains("mismatch"), "{states}");
}

/// What the sink of a station was told, by rule.
fn told(station: &Station) -> Vec<String> {
    let rows = station.query("SELECT rule, what FROM alerts WHERE state = 'sent' ORDER BY rule, what");
    rows.iter().map(|row| row["rule"].as_str().unwrap().to_owned()).filter(|rule| rule.starts_with("log-")).collect()
}

fn watch(cloud: &Cloud, station: &Station, source: &str, more: &[&str]) -> crate::command::Run {
    let args = station.args(source, &[&["--once", "--verify-digests", "--look-back", "9000d"], more].concat());
    cloud.run(&args.iter().map(String::as_str).collect::<Vec<_>>())
}

/// A watch holds what it reads against digests: of a bucket that it lists, and of one that a queue tells of.
#[test]
fn a_watch_proves_what_it_reads() {
    let Some(folder) = scenario("01_valid_chain") else { return };
    for source in [TRAIL, "sqs://q"] {
        let Some(mut cloud) = cloud(&folder) else { return };
        let station = Station::empty();
        let keys = crate::aws::cloud::files(&folder.join("objects/trail-bucket"));
        let logs: Vec<&String> = keys.iter().filter(|key| key.contains("/CloudTrail/")).collect();
        cloud.ask(json!({"do": "queue", "name": "q", "timeout": 60}));
        let body = |key: &&String| json!({"s3Bucket": "trail-bucket", "s3ObjectKey": [key]}).to_string();
        // Of digests alone the queue need not tell: they lie beside what it tells of.
        cloud.ask(json!({"do": "send", "queue": "q", "bodies": logs.iter().map(body).collect::<Vec<_>>()}));
        let run = watch(&cloud, &station, source, &[]);
        assert_eq!(run.code, 0, "{source}: {}", run.stderr);
        let lake = station.path("lake");
        let states = by_state(&lake);
        assert!(states.as_array().unwrap().len() == 1 && states[0]["verified"] == "verified", "{source}: {states}");
        let promised = ask(&lake, "SELECT sum(digest_files) AS promised, sum(have_files) AS have FROM coverage");
        assert_eq!(promised, json!([{"promised": 6, "have": 6}]), "{source}");
        // The chain ended long ago, which is worth a word, and nothing else is.
        assert!(told(&station).iter().all(|rule| rule == "log-proof-doubtful"), "{:?}", told(&station));
    }
}

/// What no listing looks back to is read by nobody, and digests promise nothing of it: what is promised is had.
#[test]
fn what_is_older_than_the_look_back_is_not_promised() {
    let Some(folder) = scenario("04_log_deleted") else { return };
    let Some(cloud) = cloud(&folder) else { return };
    let station = Station::empty();
    let args = station.args(TRAIL, &["--once", "--verify-digests"]);
    let run = cloud.run(&args.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(run.code, 0, "{}", run.stderr);
    let status = cloud.done(&["lake", "status", "--lake", text(&station.path("lake"))]);
    assert!(status.get("proof").is_none_or(|proof| proof["digest_files"] == json!(0)), "{status}");
    assert!(told(&station).is_empty(), "{:?}", told(&station));
    // Whoever looks back further is told.
    let run = watch(&cloud, &station, TRAIL, &[]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(told(&station).contains(&"log-file-missing".to_owned()), "{:?}", told(&station));
}

#[test]
fn a_watch_tells_what_was_changed_or_forged_and_once() {
    let Some(folder) = scenario("01_valid_chain") else { return };
    let Some(mut cloud) = cloud(&folder) else { return };
    let station = Station::empty();
    let keys = crate::aws::cloud::files(&folder.join("objects/trail-bucket"));
    let logs: Vec<&String> = keys.iter().filter(|key| key.contains("/CloudTrail/")).collect();
    cloud.ask(json!({"do": "put", "bucket": "trail-bucket", "key": logs[0], "text": super::cloud::log_of("changed")}));
    let forged = logs[2].replace("Z_", "Z_f");
    cloud.ask(json!({"do": "put", "bucket": "trail-bucket", "key": forged, "text": super::cloud::log_of("forged")}));
    for _ in 0..2 {
        let run = watch(&cloud, &station, TRAIL, &["--log-format", "json"]);
        assert_eq!(run.code, 0, "{}", run.stderr);
        assert!(run.stderr.contains("A log file is not what CloudTrail wrote"), "{}", run.stderr);
        let what =
            station.query("SELECT rule, what, history FROM alerts WHERE rule LIKE 'log-%' AND what LIKE '%Z_f%'");
        assert!(what.len() == 1 && what[0]["rule"] == "log-proof-doubtful", "{what:?}");
        assert_eq!(told(&station).iter().filter(|rule| *rule == "log-file-changed").count(), 1);
        station.assert_told("a watch that proves");
    }
    let states = by_state(&station.path("lake"));
    assert!(states.to_string().contains("mismatch") && states.to_string().contains("unlisted"), "{states}");
}

/// A folder that somebody downloads into: no network, the keys are given.
#[test]
fn a_watched_folder_is_proven_offline() {
    for (name, rules) in [("01_valid_chain", [].as_slice()), ("03_log_modified", &["log-file-changed"])] {
        let Some(folder) = scenario(name) else { return };
        let station = Station::empty();
        let keys = folder.parent().unwrap().join("public_keys.json");
        let more = ["--once", "--verify-digests", "--public-keys", text(&keys)];
        let run = crate::command::finished(station.command(text(&folder), &more).output().unwrap());
        assert_eq!(run.code, 0, "{name}: {}", run.stderr);
        let proof =
            crate::command::trailhound(&["lake", "status", "--lake", text(&station.path("lake")), "--output", "json"]);
        assert_eq!(proof.json()["proof"]["digest_files"], json!(6), "{name}: {}", proof.stdout);
        let mut told = told(&station);
        told.retain(|rule| rule != "log-proof-doubtful");
        assert_eq!(told, rules, "{name}: {}", run.stderr);
    }
    let station = Station::empty();
    let run = crate::command::finished(station.command("./x", &["--public-keys", "k"]).output().unwrap());
    assert!(run.code == 2 && run.stderr.contains("--verify-digests"), "{}", run.stderr);
}
