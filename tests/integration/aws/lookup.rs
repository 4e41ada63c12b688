//! `LookupEvents`, from a server that throttles, fails and breaks off.

use serde_json::{Value, json};

use super::cloud::{Cloud, event};
use crate::command::text;
use crate::lake::World;

const DAY: i64 = 86_400;

/// So many events in each of two Regions over the days before today, one in ten of today.
fn events(count: i64) -> Vec<Value> {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let today = i64::try_from(now.as_secs()).unwrap() / DAY * DAY;
    let mut all = Vec::new();
    for region in ["us-east-1", "eu-west-1"] {
        for index in 0..count {
            let time = today - 1 - index % (2 * DAY) * 997 % (2 * DAY);
            let id = format!("{region}-{index}");
            all.push(json!({"id": id, "time": time, "region": region, "text": event(&id)}));
        }
    }
    all
}

#[test]
fn every_event_comes_once_and_no_faster_than_the_quota() {
    let Some(mut cloud) = Cloud::start(&[]) else { return };
    let world = World::empty();
    let all = events(300);
    cloud.ask(json!({"do": "events", "events": all}));
    cloud.ask(json!({"do": "faults"}));
    let lake = world.path("lake");
    let flags = ["--log-region", "us-east-1", "--log-region", "eu-west-1", "--start-time", "3d", "--lake", text(&lake)];
    let first = cloud.done(&[&["ingest", "lookup:"], &flags[..]].concat());
    assert_eq!((&first["rows"], &first["rejected"]), (&json!(all.len()), &json!(0)), "{first}");
    let times = cloud.ask(json!({"do": "times"}));
    for (region, times) in times.as_object().unwrap() {
        let times: Vec<f64> = times.as_array().unwrap().iter().map(|time| time.as_f64().unwrap()).collect();
        let span = times.last().unwrap() - times.first().unwrap();
        // Two a second: so many requests take at least so long.
        assert!(span >= (times.len() - 1) as f64 * 0.5 - 0.5, "{region}: {} requests in {span} s", times.len());
    }
    // Days that are over are not asked for again, and what is asked for again counts once.
    let before = cloud.ask(json!({"do": "seen"}))["LookupEvents"].as_u64().unwrap();
    let second = cloud.done(&[&["ingest", "lookup:"], &flags[..]].concat());
    let after = cloud.ask(json!({"do": "seen"}))["LookupEvents"].as_u64().unwrap();
    assert_eq!(second["rows"], json!(0), "{second}");
    assert!(second["objects_skipped"].as_u64().unwrap() >= 2 && after - before < before, "{before} {after}: {second}");
}

/// Three accounts, one of which cannot be reached: the others are read whole, each at its own pace.
#[test]
fn accounts_of_a_configuration_keep_none_of_the_others_back() {
    let Some(mut cloud) = Cloud::start(&[]) else { return };
    let world = World::empty();
    let mut all = Vec::new();
    for account in ["111111111111", "333333333333"] {
        for mut event in events(120) {
            let id = format!("{account}-{}", event["id"].as_str().unwrap());
            (event["text"], event["account"]) = (json!(super::cloud::event(&id)), json!(account));
            all.push(event);
        }
    }
    cloud.ask(json!({"do": "events", "events": all}));
    let config = world.path("accounts.toml");
    let account = |name: &str, id: &str, role: &str| {
        format!(
            "[[account]]\nname = \"{name}\"\nrole_arn = \"arn:aws:iam::{id}:role/{role}\"\nregions = [\"us-east-1\", \"eu-west-1\"]\n"
        )
    };
    let text_of = [
        account("one", "111111111111", "logs"),
        account("two", "222222222222", "denied"),
        account("three", "333333333333", "logs"),
    ];
    std::fs::write(&config, text_of.concat()).unwrap();
    let lake = world.path("lake");
    let args = ["ingest", "--config", text(&config), "--start-time", "3d", "--lake", text(&lake), "--output", "json"];
    let run = cloud.run(&args);
    assert_eq!(run.code, 3, "{}", run.stderr);
    assert_eq!((&run.json()["rows"], &run.json()["rejected"]), (&json!(all.len()), &json!(1)), "{}", run.stderr);
    assert!(run.stderr.contains("account two, lookup:") && run.stderr.contains("AssumeRole"), "{}", run.stderr);
    let times = cloud.ask(json!({"do": "times"}));
    assert_eq!(times.as_object().unwrap().len(), 4, "{times}");
    for (place, times) in times.as_object().unwrap() {
        let times: Vec<f64> = times.as_array().unwrap().iter().map(|time| time.as_f64().unwrap()).collect();
        let span = times.last().unwrap() - times.first().unwrap();
        assert!(span >= (times.len() - 1) as f64 * 0.5 - 0.5, "{place}: {} requests in {span} s", times.len());
    }
    // A watch reads the same accounts, and the one that cannot be reached keeps none of the others back.
    let (live, outbox) = (world.path("live"), world.path("outbox"));
    let watch = ["watch", "--config", text(&config), "--lake", text(&live), "--outbox", text(&outbox), "--once"];
    let watched = cloud.run(&[&watch[..], &["--start-time", "3d"]].concat());
    assert_eq!(watched.code, 0, "{}", watched.stderr);
    assert!(watched.stderr.contains("account two, lookup:"), "{}", watched.stderr);
    let count = |lake| {
        crate::command::trailhound(&[
            "query",
            "SELECT count(*) AS n FROM events",
            "--lake",
            text(lake),
            "--output",
            "json",
        ])
        .json()
    };
    assert_eq!((count(&live), count(&live)[0]["n"].as_u64()), (count(&lake), Some(all.len() as u64)));
    // Where none can be reached, nothing was read.
    std::fs::write(&config, account("two", "222222222222", "denied")).unwrap();
    let none = cloud.run(&args);
    assert!(none.code == 5 && none.stderr.contains("account two"), "{}: {}", none.code, none.stderr);
}

/// Who asks for more than the API keeps is told so.
#[test]
fn ninety_days_are_all_there_is() {
    let Some(cloud) = Cloud::start(&[]) else { return };
    let args = ["scan", "lookup:", "--log-region", "us-east-1", "--end-time", "89d", "--start-time"];
    let run = |start: &str| cloud.run(&[&args[..], &[start]].concat());
    let (far, near) = (run("100d"), run("90d"));
    assert!(far.stderr.contains("goes back 90 days and no further"), "{}{}", far.stdout, far.stderr);
    assert!(!near.stderr.contains("90 days"), "{}", near.stderr);
}
