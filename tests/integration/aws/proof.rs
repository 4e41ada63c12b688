//! Continuous proof: what digests promise, what the lake has, and what became of it on the way.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::cloud::Cloud;
use super::verify::{give_keys, scenarios, upload};
use crate::command::text;
use crate::lake::World;

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
