//! Notifications of a trail, in every shape and in every order, and what is lost of them: nothing.

use base64::Engine;
use serde_json::{Value, json};

use super::cloud::{Cloud, event, files, log_of};
use crate::command::{finished, gzip, text};
use crate::lake::World;

/// A trail in a bucket, a queue beside it, and the keys.
fn world(cloud: &mut Cloud, events: &str, queue: Value) -> (World, Vec<String>) {
    let world = World::empty();
    let logs = world.path("sample");
    let args = ["sample", "--events", events, "--days", "3", "--events-per-file", "10", "--out", text(&logs)];
    assert_eq!(crate::command::trailhound(&args).code, 0);
    std::fs::remove_dir_all(logs.join("iam")).unwrap();
    cloud.upload("trail", &logs);
    let mut command = json!({"do": "queue", "name": "q"});
    command.as_object_mut().unwrap().extend(queue.as_object().unwrap().clone());
    cloud.ask(command);
    let keys = files(&logs).into_iter().filter(|key| key.starts_with("AWSLogs/")).collect();
    (world, keys)
}

fn distinct(world: &World) -> u64 {
    let sql = "SELECT count(*) AS n, count(DISTINCT eventid) AS d FROM events";
    let run = crate::command::trailhound(&["query", sql, "--lake", text(&world.path("lake")), "--output", "json"]);
    let value = &run.json()[0];
    assert_eq!(value["n"], value["d"], "an event is there twice");
    value["n"].as_u64().unwrap()
}

fn oracle(world: &World) -> u64 {
    crate::command::trailhound(&["scan", text(&world.path("sample")), "--output", "json"]).json()["rows"]
        .as_u64()
        .unwrap()
}

fn put(key: &str) -> Value {
    let key = key.replace('=', "%3D").replace('/', "%2F");
    json!({"Records": [{"eventVersion": "2.1", "eventSource": "aws:s3", "eventName": "ObjectCreated:Put",
        "s3": {"bucket": {"name": "trail"}, "object": {"key": key, "size": 1000}}}]})
}

fn sns(inner: &Value) -> Value {
    json!({"Type": "Notification", "MessageId": "m", "TopicArn": "arn:aws:sns:us-east-1:1:t", "Message": inner.to_string()})
}

/// A message about a key, in one of the shapes.
fn message(index: usize, key: &str) -> String {
    let trail = json!({"s3Bucket": "trail", "s3ObjectKey": [key]});
    let bridge = json!({"version": "0", "detail-type": "Object Created", "source": "aws.s3",
        "detail": {"bucket": {"name": "trail"}, "object": {"key": key, "size": 1000}}});
    let shapes = [put(key), sns(&put(key)), trail.clone(), sns(&trail), bridge];
    shapes[index % shapes.len()].to_string()
}

/// A key as CloudTrail lays them out.
fn under(name: &str) -> String {
    format!("AWSLogs/111122223333/CloudTrail/us-east-1/2026/01/01/{name}")
}

fn nonsense() -> Vec<String> {
    let bridge = json!({"version": "0", "detail-type": "AWS API Call via CloudTrail", "source": "aws.sts",
        "detail": serde_json::from_str::<Value>(&event("by-bridge")).unwrap()});
    let removed = put("x").to_string().replace("ObjectCreated:Put", "ObjectRemoved:Delete");
    let test = json!({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "trail"}).to_string();
    // CloudWatch Logs hands its subscribers packed text.
    let logs = json!({"messageType": "DATA_MESSAGE", "owner": "111122223333", "logGroup": "CloudTrail", "logStream": "s",
        "subscriptionFilters": ["f"], "logEvents": [{"id": "1", "timestamp": 1_767_225_600_000_i64, "message": event("by-logs")}]});
    let data = base64::engine::general_purpose::STANDARD.encode(gzip(logs.to_string().as_bytes()));
    let packed = json!({"awslogs": {"data": data}}).to_string();
    vec!["CloudTrail validation message.".to_owned(), test, removed, bridge.to_string(), packed]
}

/// Three times each message, out of order, and 30 % of the objects never told of: one listing makes it whole.
#[test]
fn notifications_that_come_thrice_or_never() {
    let Some(mut cloud) = Cloud::start(&["--break", "13"]) else { return };
    let (world, keys) = world(&mut cloud, "1500", json!({}));
    let told: Vec<_> = keys.iter().enumerate().filter(|(index, _)| index % 10 >= 3).collect();
    let mut bodies: Vec<String> = Vec::new();
    for time in 0..3 {
        let mut part: Vec<_> = told.iter().map(|(index, key)| message(*index + time, key)).collect();
        part.rotate_left(7 * time);
        if time == 1 {
            part.reverse();
        }
        bodies.extend(part);
    }
    bodies.extend(nonsense());
    cloud.ask(json!({"do": "send", "queue": "q", "bodies": bodies}));
    cloud.ask(json!({"do": "faults"}));
    let lake = world.path("lake");
    let first = cloud.done(&["ingest", "sqs://q", "--lake", text(&lake)]);
    let messages = &first["messages"];
    assert_eq!(
        (&messages["received"], &messages["deleted"]),
        (&json!(bodies.len()), &json!(bodies.len())),
        "{messages}"
    );
    assert_eq!((&messages["without_objects"], &messages["failed"]), (&json!(3), &json!(0)), "{messages}");
    assert_eq!(cloud.waiting("q"), (0, 0));
    assert_eq!(first["objects"].as_u64().unwrap() as usize, told.len() + 2);
    let second = cloud.done(&["ingest", "sqs://q", "s3://trail", "--lake", text(&lake)]);
    assert_eq!(second["objects"].as_u64().unwrap() as usize, keys.len() - told.len(), "{second}");
    assert_eq!(distinct(&world), oracle(&world) + 2);
}

/// What cannot be read is a row of `rejects`, and its message goes to the dead-letter queue: it is never deleted.
#[test]
fn poison_goes_to_the_dead_letters() {
    let Some(mut cloud) = Cloud::start(&[]) else { return };
    let (world, keys) = world(&mut cloud, "200", json!({"timeout": 1, "dead_letters": 2}));
    cloud.ask(json!({"do": "put", "bucket": "trail", "key": under("broken.json"), "text": "\u{1f}not json"}));
    let poison = ["gone.json.gz", "broken.json", "denied.json"].map(under);
    let mut bodies: Vec<_> = keys.iter().enumerate().map(|(index, key)| message(index, key)).collect();
    bodies.extend(poison.iter().enumerate().map(|(index, key)| message(index, key)));
    bodies.push("what is this?".to_owned());
    cloud.ask(json!({"do": "send", "queue": "q", "bodies": bodies}));
    let lake = world.path("lake");
    let run = cloud.run(&["ingest", "sqs://q", "--lake", text(&lake), "--output", "json"]);
    assert_eq!(run.code, 3, "{}", run.stderr);
    let messages = &run.json()["messages"];
    assert_eq!((&messages["failed"], &messages["deleted"]), (&json!(4), &json!(keys.len())), "{messages}");
    assert!(run.stderr.contains("dead-letter queue"), "{}", run.stderr);
    assert_eq!(distinct(&world), oracle(&world));
    for _ in 0..4 {
        std::thread::sleep(std::time::Duration::from_millis(1200));
        let again = cloud.run(&["ingest", "sqs://q", "--lake", text(&lake), "--output", "json"]);
        assert!(matches!(again.code, 0 | 3), "{}", again.stderr);
    }
    assert_eq!((cloud.waiting("q"), cloud.waiting("q-dead").0), ((0, 0), 4));
    let sql = "SELECT count(DISTINCT object) AS n FROM rejects";
    let rejects = crate::command::trailhound(&["query", sql, "--lake", text(&lake), "--output", "json"]).json();
    assert_eq!(rejects[0]["n"], json!(4));
}

/// A message stays ours while its object takes five times its timeout.
#[test]
fn a_slow_object_is_read_once() {
    let Some(mut cloud) = Cloud::start(&["--slow", "10"]) else { return };
    let (world, _) = world(&mut cloud, "20", json!({"timeout": 2}));
    cloud.ask(json!({"do": "put", "bucket": "trail", "key": under("slow.json"), "text": log_of("slow")}));
    cloud.ask(json!({"do": "send", "queue": "q", "bodies": [message(0, &under("slow.json"))]}));
    cloud.ask(json!({"do": "faults"}));
    let done = cloud.done(&["ingest", "sqs://q", "--lake", text(&world.path("lake"))]);
    assert_eq!((&done["objects"], &done["rows"], &done["messages"]["received"]), (&json!(1), &json!(1), &json!(1)));
    let seen = cloud.ask(json!({"do": "seen"}));
    assert!(seen["ChangeMessageVisibilityBatch"].as_u64().unwrap_or(0) >= 4, "{seen}");
    assert_eq!(cloud.waiting("q"), (0, 0));
}

/// Ten messages of one answer, the first of which takes five times the timeout of all: the others stay ours meanwhile, each is
/// read once, by `ingest` and by `watch`.
#[test]
fn a_batch_of_ten_waits_for_its_slow_one() {
    for command in ["ingest", "watch"] {
        let Some(mut cloud) = Cloud::start(&["--slow", "10"]) else { return };
        let (world, _) = world(&mut cloud, "10", json!({"timeout": 2}));
        let names: Vec<String> =
            std::iter::once("slow.json".to_owned()).chain((1..10).map(|n| format!("{n}.json"))).collect();
        for name in &names {
            cloud.ask(json!({"do": "put", "bucket": "trail", "key": under(name), "text": log_of(name)}));
        }
        let bodies: Vec<String> = names.iter().enumerate().map(|(index, name)| message(index, &under(name))).collect();
        cloud.ask(json!({"do": "send", "queue": "q", "bodies": bodies}));
        cloud.ask(json!({"do": "faults"}));
        let lake = world.path("lake");
        let outbox = world.path("outbox");
        let run = match command {
            "ingest" => cloud.run(&["ingest", "sqs://q", "--lake", text(&lake)]),
            _ => {
                cloud.run(&["watch", "--once", "--source", "sqs://q", "--lake", text(&lake), "--outbox", text(&outbox)])
            }
        };
        assert_eq!(run.code, 0, "{command}: {}", run.stderr);
        assert_eq!(distinct(&world), 10, "{command}");
        let seen = cloud.ask(json!({"do": "seen"}));
        assert!(seen["ChangeMessageVisibilityBatch"].as_u64().unwrap_or(0) >= 4, "{command}: {seen}");
        // Nobody asked for an object twice, which a message that came back would have led to.
        assert_eq!(cloud.waiting("q"), (0, 0), "{command}");
        let sql = "SELECT count(*) AS n FROM objects";
        let run = crate::command::trailhound(&["query", sql, "--lake", text(&lake), "--output", "json"]);
        assert_eq!(run.json()[0]["n"], json!(10), "{command}");
    }
}

/// SIGTERM while a queue is followed: an orderly end, and nothing is lost.
#[test]
fn an_end_that_is_asked_for_is_orderly() {
    let Some(mut cloud) = Cloud::start(&[]) else { return };
    let (world, keys) = world(&mut cloud, "600", json!({"timeout": 5}));
    let bodies: Vec<_> = keys.iter().enumerate().map(|(index, key)| message(index, key)).collect();
    cloud.ask(json!({"do": "send", "queue": "q", "bodies": bodies}));
    let lake = world.path("lake");
    let mut command = cloud.command(&["ingest", "sqs://q", "--follow", "--lake", text(&lake), "--output", "json"]);
    let child = command.env("TRAILHOUND_TASK_OBJECTS", "8").spawn().unwrap();
    std::thread::sleep(std::time::Duration::from_millis(1500));
    let pid = child.id().to_string();
    let begun = std::time::Instant::now();
    assert!(std::process::Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    let run = finished(child.wait_with_output().unwrap());
    assert_eq!((run.code, &run.json()["stopped"]), (0, &json!(true)), "{}", run.stderr);
    assert!(begun.elapsed().as_secs() < 60, "a hang: {:?}", begun.elapsed());
    let rest = cloud.done(&["ingest", "sqs://q", "s3://trail", "--lake", text(&lake)]);
    assert_eq!(rest["stopped"], json!(false));
    assert_eq!(distinct(&world), oracle(&world));
}

/// A message that a flag leaves out could only be deleted unread: such flags are refused before the queue is asked.
#[test]
fn a_queue_is_not_narrowed() {
    let Some(mut cloud) = Cloud::start(&[]) else { return };
    let (world, keys) = world(&mut cloud, "20", json!({}));
    cloud.ask(json!({"do": "send", "queue": "q", "bodies": [message(0, &keys[0])]}));
    let lake = world.path("lake");
    let flags = [
        ["--account", "999999999999"],
        ["--log-region", "eu-north-1"],
        ["--start-time", "1d"],
        ["--end-time", "2026-01-01"],
    ];
    for flag in flags {
        let ingest = ["ingest", "sqs://q", "--lake", text(&lake)];
        let watch = ["watch", "--source", "sqs://q", "--once", "--lake", text(&lake)];
        for args in [&ingest[..], &watch[..]] {
            let run = cloud.run(&[args, &flag[..]].concat());
            assert!(run.code == 2 && run.stderr.contains("deleted unread"), "{flag:?}: {} {}", run.code, run.stderr);
        }
    }
    // Beside a bucket `--start-time` is of the listing, and of nothing else: what the queue tells of is read.
    let beside = cloud.run(&["ingest", "sqs://q", "s3://trail", "--account", "999999999999", "--lake", text(&lake)]);
    assert_eq!(beside.code, 2, "{}", beside.stderr);
    let done = cloud.done(&["ingest", "sqs://q", "s3://trail", "--start-time", "2099-01-01", "--lake", text(&lake)]);
    assert_eq!((&done["objects"], &done["messages"]["deleted"]), (&json!(1), &json!(1)), "{done}");
}

/// Keys of a layout that nobody knows are read all the same; only what is clearly another service's is passed over, and named.
#[test]
fn what_lies_oddly_is_read_and_what_is_anothers_is_counted() {
    let Some(mut cloud) = Cloud::start(&[]) else { return };
    let (world, _) = world(&mut cloud, "10", json!({"dead_letters": 9}));
    let odd = [
        "AWSLogs/CUSTOM/AWSLogs/111122223333/CloudTrail/us-east-1/2026/01/01/a.json",
        "AWSLogs/123456789012/CloudTrail/us-east-1/b.json",
        "AWSLogs/123456789012/ours/c.json",
    ];
    for key in odd {
        cloud.ask(json!({"do": "put", "bucket": "trail", "key": key, "text": log_of(key)}));
    }
    let others = [
        "AWSLogs/123456789012/Config/eu-west-1/2026/1/1/ConfigHistory/x.json.gz",
        "AWSLogs/123456789012/Config/eu-west-1/2026/1/1/ConfigHistory/y.json.gz",
        "AWSLogs/123456789012/CloudTrail-Digest/eu-west-1/2026/01/01/d.json.gz",
    ];
    let gone = "AWSLogs/1/CloudTrail/gone.json.gz";
    let all = odd.iter().chain(&others).chain([&gone]);
    let mut bodies: Vec<String> = all.enumerate().map(|(index, key)| message(index, key)).collect();
    bodies.push("CloudTrail validation message.".to_owned());
    cloud.ask(json!({"do": "send", "queue": "q", "bodies": bodies}));
    let run = cloud.run(&["ingest", "sqs://q", "--lake", text(&world.path("lake")), "--output", "json"]);
    assert_eq!(run.code, 3, "{}", run.stderr);
    let messages = &run.json()["messages"];
    assert_eq!(run.json()["rows"], json!(3), "{}", run.stderr);
    assert_eq!(messages["passed_over"], json!({"CloudTrail-Digest": 1, "Config": 2}), "{messages}");
    assert_eq!((&messages["without_objects"], &messages["failed"]), (&json!(1), &json!(1)), "{messages}");
    assert_eq!(messages["deleted"], json!(7), "{messages}");
    assert!(run.stderr.contains("1 CloudTrail-Digest, 2 Config"), "{}", run.stderr);
    // The reason ends with AWS' own step.
    assert!(run.stderr.contains("gone.json.gz") && !run.stderr.contains("check that the file"), "{}", run.stderr);
}

/// A body with nothing in it is no message of anybody's: it is refused, and stays.
#[test]
fn empty_messages_are_refused_by_name() {
    let Some(mut cloud) = Cloud::start(&[]) else { return };
    let (world, _) = world(&mut cloud, "10", json!({}));
    let details = r#"{"UserDetailList":[],"GroupDetailList":[],"RoleDetailList":[{"RoleName":"r"}],"Policies":[]}"#;
    let bodies = ["{}", "[]", r#"{"Records":[]}"#, details];
    cloud.ask(json!({"do": "send", "queue": "q", "bodies": bodies}));
    let run = cloud.run(&["ingest", "sqs://q", "--lake", text(&world.path("lake")), "--output", "json"]);
    assert_eq!(run.code, 3, "{}", run.stderr);
    let messages = &run.json()["messages"];
    assert_eq!((&messages["deleted"], &messages["failed"]), (&json!(0), &json!(bodies.len())), "{messages}");
    assert!(run.stderr.contains("an empty message"), "{}", run.stderr);
    let (waiting, held) = cloud.waiting("q");
    assert_eq!(waiting + held, bodies.len() as u64);
}
