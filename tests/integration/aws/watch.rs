//! `watch` on a queue: what is told, what is deleted, and what a death in between does.

use serde_json::json;

use super::cloud::{Cloud, files};
use crate::command::finished;
use crate::watch::Station;

/// A trail in a bucket and a queue that tells of each object so often; messages come again after a second.
fn world(cloud: &mut Cloud, events: u64, times: usize) -> Station {
    let station = Station::with_trail(events, 13);
    let logs = station.world.logs();
    cloud.ask(json!({"do": "upload", "bucket": "trail", "folder": logs, "prefix": "AWSLogs/"}));
    cloud.ask(json!({"do": "queue", "name": "q", "timeout": 1}));
    let put = |key: &String| {
        json!({"Records": [{"eventVersion": "2.1", "eventSource": "aws:s3", "eventName": "ObjectCreated:Put",
            "s3": {"bucket": {"name": "trail"}, "object": {"key": format!("AWSLogs/{key}"), "size": 1000}}}]})
        .to_string()
    };
    let mut bodies: Vec<String> = Vec::new();
    for time in 0..times {
        let mut part: Vec<String> = files(&logs).iter().map(put).collect();
        part.rotate_left(5 * time);
        bodies.extend(part);
    }
    cloud.ask(json!({"do": "send", "queue": "q", "bodies": bodies}));
    station
}

fn once(cloud: &Cloud, station: &Station, crash: Option<&str>) -> crate::command::Run {
    let args = station.args("sqs://q", &["--once"]);
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let mut command = cloud.command(&args);
    if let Some(crash) = crash {
        command.env("TRAILHOUND_CRASH_AT", crash);
    }
    finished(command.env("TRAILHOUND_TASK_OBJECTS", "16").output().unwrap())
}

#[test]
fn notifications_that_come_twice_are_told_once() {
    let Some(mut cloud) = Cloud::start(&[]) else { return };
    let station = world(&mut cloud, 200, 2);
    let run = once(&cloud, &station, None);
    assert_eq!(run.code, 0, "{}", run.stderr);
    station.assert_whole(&station.world.logs(), "twice");
    assert_eq!(cloud.waiting("q"), (0, 0), "{}", run.stderr);
}

/// Nothing is deleted before its rows stand, and what was not deleted does no harm.
#[test]
fn a_death_before_or_after_deletion_loses_nothing() {
    for step in
        ["watch.match.after", "watch.accepted", "commit.before", "commit.after", "watch.committed", "watch.deleted"]
    {
        let Some(mut cloud) = Cloud::start(&[]) else { return };
        let station = world(&mut cloud, 120, 1);
        let died = once(&cloud, &station, Some(step));
        assert_eq!(died.code, -1, "{step} is never reached: {}", died.stderr);
        let waiting = cloud.waiting("q");
        assert_eq!(waiting.0 + waiting.1 == 0, step == "watch.deleted", "{step}: {waiting:?}");
        std::thread::sleep(std::time::Duration::from_millis(1_200));
        let run = once(&cloud, &station, None);
        assert_eq!(run.code, 0, "{step}: {}", run.stderr);
        station.assert_whole(&station.world.logs(), step);
        assert_eq!(cloud.waiting("q"), (0, 0), "{step}");
    }
}

/// What cannot be read keeps its message, and the others go on.
#[test]
fn a_message_that_fails_is_not_deleted() {
    let Some(mut cloud) = Cloud::start(&[]) else { return };
    let station = world(&mut cloud, 120, 1);
    let key = "AWSLogs/111122223333/CloudTrail/us-east-1/2026/01/01/gone.json.gz";
    let body = json!({"s3Bucket": "trail", "s3ObjectKey": [key]}).to_string();
    cloud.ask(json!({"do": "send", "queue": "q", "bodies": [body]}));
    let run = once(&cloud, &station, None);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(run.stderr.contains("gone.json.gz"), "{}", run.stderr);
    station.assert_whole(&station.world.logs(), "with a poison");
    let waiting = cloud.waiting("q");
    assert_eq!(waiting.0 + waiting.1, 1);
}
