//! `doctor`: every ill it knows, planted; and a trail that is well.

use serde_json::{Value, json};

use super::cloud::{Cloud, log_of};
use crate::command::text;
use crate::lake::World;

const POLICY: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"s3.amazonaws.com"},
    "Action":"sqs:SendMessage","Resource":"*","Condition":{"ArnLike":{"aws:SourceArn":"arn:aws:s3:::trail"}}}]}"#;

/// A key of today, as CloudTrail lays them out.
fn key(kind: &str, name: &str) -> String {
    let day = chrono::Utc::now().format("%Y/%m/%d");
    format!("AWSLogs/111122223333/{kind}/eu-west-1/{day}/{name}")
}

/// A bucket with one log file and one digest.
fn bucket(cloud: &mut Cloud, world: &World, log: &str) {
    let empty = world.path("empty");
    std::fs::create_dir_all(&empty).unwrap();
    cloud.upload("trail", &empty);
    for key in [key("CloudTrail", log), key("CloudTrail-Digest", "digest.json.gz")] {
        cloud.ask(json!({"do": "put", "bucket": "trail", "key": key, "text": log_of("x")}));
    }
}

/// The states of the checks by name; a check that comes twice has the worse.
fn states(value: &Value) -> std::collections::BTreeMap<String, String> {
    let mut states = std::collections::BTreeMap::<String, String>::new();
    for check in value["checks"].as_array().unwrap() {
        let (name, state) = (check["check"].as_str().unwrap(), check["state"].as_str().unwrap());
        let worse = |known: &String| ["ok", "warn", "fail"].iter().position(|s| s == known);
        let entry = states.entry(name.to_owned()).or_insert_with(|| state.to_owned());
        if worse(&state.to_owned()) > worse(entry) {
            *entry = state.to_owned();
        }
        // What is not well has a next step.
        assert!(state == "ok" || check["next"].is_string(), "{check}");
    }
    states
}

fn assert_states(value: &Value, expected: &[(&str, &str)]) {
    let found = states(value);
    for (check, state) in expected {
        assert_eq!(found.get(*check).map(String::as_str), Some(*state), "{check}: {value:#}");
    }
}

#[test]
fn a_trail_that_is_well() {
    let Some(mut cloud) = Cloud::start(&[]) else { return };
    let world = World::empty();
    bucket(&mut cloud, &world, "log.json");
    cloud.ask(json!({"do": "queue", "name": "q", "dead_letters": 5, "attributes": {"Policy": POLICY}}));
    let settings = json!({"IsMultiRegionTrail": true, "EnableLogFileValidation": true});
    let data = json!({"Type": "AWS::S3::Object", "Values": ["arn:aws:s3"]});
    let selectors = json!([{"ReadWriteType": "All", "IncludeManagementEvents": true, "DataResources": [data]}]);
    cloud.ask(json!({"do": "trail", "name": "main", "bucket": "trail", "settings": settings, "selectors": selectors}));
    let lake = world.path("lake");
    let value = cloud.done(&["doctor", "s3://trail", "sqs://q", "lookup:", "--lake", text(&lake)]);
    assert_eq!(value["fail"], json!(0), "{value:#}");
    let well = [
        "credentials",
        "clock",
        "bucket",
        "bucket.list",
        "bucket.get",
        "prefix",
        "delivery",
        "digests",
        "queue",
        "queue.visibility",
        "queue.retention",
        "queue.policy",
        "queue.dead_letters",
        "lookup",
        "trail",
        "trail.regions",
        "trail.validation",
        "trail.logging",
        "trail.management",
        "trail.data",
        "lake.write",
    ];
    assert_states(&value, &well.map(|check| (check, "ok")));
    assert_eq!(states(&value)["lake"], "warn");
    let prefix = value["checks"].as_array().unwrap().iter().find(|check| check["check"] == "prefix").unwrap();
    assert!(prefix["seen"].as_str().unwrap().contains("111122223333") && prefix.to_string().contains("eu-west-1"));
    // For people: one line a check.
    let told = cloud.run(&["doctor", "s3://trail/AWSLogs/111122223333/CloudTrail/eu-west-1/"]);
    assert!(told.code == 0 && told.stdout.contains("bucket.get:"), "{}{}", told.stdout, told.stderr);
}

#[test]
fn what_is_ill_is_told_with_its_cure() {
    let Some(mut cloud) = Cloud::start(&["--skew", "400"]) else { return };
    let world = World::empty();
    bucket(&mut cloud, &world, "encrypted.json");
    cloud.ask(json!({"do": "queue", "name": "q", "timeout": 2}));
    cloud.ask(json!({"do": "trail", "name": "main", "bucket": "trail", "logging": false,
        "settings": {"IsMultiRegionTrail": false, "IncludeGlobalServiceEvents": false},
        "selectors": [{"ReadWriteType": "WriteOnly", "IncludeManagementEvents": true}]}));
    let run =
        cloud.run(&["doctor", "s3://trail", "sqs://q", "sqs://absent", "s3://no-such-bucket", "--output", "json"]);
    assert_eq!(run.code, 1, "{}", run.stderr);
    let value = run.json();
    assert_states(
        &value,
        &[
            ("clock", "fail"),
            ("bucket", "fail"),
            ("bucket.get", "fail"),
            ("queue", "fail"),
            ("queue.visibility", "warn"),
            ("queue.dead_letters", "warn"),
            ("queue.policy", "fail"),
            ("trail.regions", "warn"),
            ("trail.global", "warn"),
            ("trail.validation", "warn"),
            ("trail.logging", "fail"),
            ("trail.management", "warn"),
            ("trail.data", "warn"),
        ],
    );
    let all = value.to_string();
    for words in ["kms:Decrypt", "no such bucket", "start-logging", "--enable-log-file-validation", "s behind AWS'"] {
        assert!(all.contains(words), "{words}: {value:#}");
    }
}

#[test]
fn a_stranger_is_told_once() {
    let Some(cloud) = Cloud::start(&[]) else { return };
    let mut command = cloud.command(&["doctor", "s3://trail", "--output", "json"]);
    let run = crate::command::finished(command.env("AWS_ACCESS_KEY_ID", "wrong").output().unwrap());
    assert_eq!(run.code, 1, "{}", run.stderr);
    assert_states(&run.json(), &[("credentials", "fail")]);
    assert_eq!(run.json()["fail"], json!(1));
    assert!(!format!("{}{}", run.stdout, run.stderr).contains("secret"));
    let said = run.json()["checks"][0].to_string();
    assert!(!said.contains("allow sts"), "{said}");
    // Nobody has credentials: one line, and not whom the SDK asked.
    let mut command = cloud.command(&["doctor", "s3://trail", "--output", "json"]);
    for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"] {
        command.env_remove(name);
    }
    let run = crate::command::finished(command.output().unwrap());
    let said = run.json()["checks"][0].clone();
    assert_eq!(said["seen"], json!("no credentials were found"), "{said}");
}

/// Places and accounts of a configuration are looked at too, and a trail is found whichever account shows it.
#[test]
fn accounts_of_a_configuration_are_looked_at() {
    let Some(mut cloud) = Cloud::start(&[]) else { return };
    let world = World::empty();
    bucket(&mut cloud, &world, "log.json");
    let settings = json!({"IsMultiRegionTrail": true, "EnableLogFileValidation": true});
    cloud.ask(json!({"do": "trail", "name": "main", "bucket": "trail", "settings": settings}));
    let config = world.path("c.toml");
    let text = "[watch]\nsource = ['s3://trail']\n[[account]]\nname = 'audit'\nrole_arn = 'arn:aws:iam::222233334444:role/logs'\n\
                [[account]]\nname = 'gone'\nrole_arn = 'arn:aws:iam::333344445555:role/logs'\nplaces = ['s3://nowhere-at-all']\n";
    std::fs::write(&config, text).unwrap();
    let run = cloud.run(&["doctor", "--config", crate::command::text(&config), "--output", "json"]);
    assert_eq!(run.code, 1, "{}", run.stderr);
    let checks = run.json()["checks"].as_array().unwrap().clone();
    let states = |name: &str, about: &str| -> Vec<String> {
        let about = |check: &&Value| check["check"] == name && check["about"].as_str().unwrap().starts_with(about);
        checks.iter().filter(about).map(|check| check["state"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(states("credentials", "account audit: "), ["ok"], "{checks:#?}");
    assert_eq!(states("lookup", "account audit: "), ["ok"], "{checks:#?}");
    assert_eq!(states("bucket", "account gone: "), ["fail"], "{checks:#?}");
    // One trail, told once.
    assert_eq!(states("trail.validation", ""), ["ok"], "{checks:#?}");
    assert_eq!(states("bucket", "s3://trail"), ["ok"], "{checks:#?}");
}

/// Without any place of AWS' nothing of AWS' is asked.
#[test]
fn a_folder_is_looked_at_without_a_network() {
    let world = World::with_trail(50, 91);
    let run = crate::command::trailhound(&[
        "doctor",
        text(&world.logs()),
        "--lake",
        text(&world.path("lake")),
        "--output",
        "json",
    ]);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    let names: Vec<_> = states(&run.json()).into_keys().collect();
    assert_eq!(names[..3], ["folder", "lake", "lake.room"].map(str::to_owned));
}
