//! How an ingest ends: asked for once, asked for twice, throttled, and with more queued than memory may hold.

use std::io::Read;
use std::path::Path;
use std::process::Child;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::cloud::{Cloud, log_of};
use crate::command::{Run, finished, text};
use crate::lake::World;

fn key(name: &str) -> String {
    format!("AWSLogs/111122223333/CloudTrail/us-east-1/2026/01/01/{name}")
}

fn put(cloud: &mut Cloud, name: &str) {
    cloud.ask(json!({"do": "put", "bucket": "trail", "key": key(name), "text": log_of(name)}));
}

fn bucket(cloud: &mut Cloud, world: &World) {
    let empty = world.path("empty");
    std::fs::create_dir_all(&empty).unwrap();
    cloud.upload("trail", &empty);
}

fn signal(child: &Child) {
    let pid = child.id().to_string();
    assert!(std::process::Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
}

/// Waits until the server has been asked for so many objects.
fn wait_for_gets(cloud: &mut Cloud, count: u64) {
    let begun = Instant::now();
    while cloud.ask(json!({"do": "seen"}))["GET"].as_u64().unwrap_or(0) < count {
        assert!(begun.elapsed() < Duration::from_secs(120), "nothing is asked for");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn distinct(lake: &Path) -> u64 {
    let sql = "SELECT count(*) AS n, count(DISTINCT eventid) AS d FROM events";
    let run = crate::command::trailhound(&["query", sql, "--lake", text(lake), "--output", "json"]);
    let value = &run.json()[0];
    assert_eq!(value["n"], value["d"], "an event is there twice");
    value["n"].as_u64().unwrap()
}

/// An object that takes a minute does not hold the end up; it is read by the next run, and is no failure of this one.
#[test]
fn an_end_does_not_wait_for_what_is_on_its_way() {
    let Some(mut cloud) = Cloud::start(&["--slow", "60"]) else { return };
    let world = World::empty();
    bucket(&mut cloud, &world);
    ["a.json", "slow.json"].iter().for_each(|name| put(&mut cloud, name));
    let lake = world.path("lake");
    cloud.ask(json!({"do": "faults"}));
    let child = cloud.command(&["ingest", "s3://trail", "--lake", text(&lake), "--output", "json"]).spawn().unwrap();
    wait_for_gets(&mut cloud, 3);
    let begun = Instant::now();
    signal(&child);
    let run = finished(child.wait_with_output().unwrap());
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}: {}", begun.elapsed(), run.stderr);
    assert_eq!(
        (run.code, &run.json()["stopped"], &run.json()["rejected"]),
        (0, &json!(true), &json!(0)),
        "{}",
        run.stderr
    );
    // Under another name the same text is no slow object.
    cloud.ask(json!({"do": "remove", "bucket": "trail", "key": key("slow.json")}));
    put(&mut cloud, "b.json");
    cloud.done(&["ingest", "s3://trail", "--lake", text(&lake)]);
    assert_eq!(distinct(&lake), 2);
}

/// The second SIGTERM ends at once, and what is there is whole.
#[test]
fn a_second_signal_ends_at_once() {
    let Some(mut cloud) = Cloud::start(&["--slow", "60"]) else { return };
    let world = World::empty();
    bucket(&mut cloud, &world);
    ["a.json", "slow.json"].iter().for_each(|name| put(&mut cloud, name));
    cloud.ask(json!({"do": "queue", "name": "q", "timeout": 2}));
    let body = json!({"s3Bucket": "trail", "s3ObjectKey": [key("a.json"), key("slow.json")]}).to_string();
    cloud.ask(json!({"do": "send", "queue": "q", "bodies": [body]}));
    let lake = world.path("lake");
    cloud.ask(json!({"do": "faults"}));
    let mut child = cloud.command(&["ingest", "sqs://q", "--follow", "--lake", text(&lake)]).spawn().unwrap();
    wait_for_gets(&mut cloud, 1);
    let begun = Instant::now();
    signal(&child);
    while child.try_wait().unwrap().is_none() {
        assert!(begun.elapsed() < Duration::from_secs(10), "a hang");
        // A signal to one that has ended is no harm.
        let _ = std::process::Command::new("kill").args(["-TERM", &child.id().to_string()]).status();
        std::thread::sleep(Duration::from_millis(20));
    }
    cloud.ask(json!({"do": "remove", "bucket": "trail", "key": key("slow.json")}));
    cloud.ask(json!({"do": "put", "bucket": "trail", "key": key("b.json"), "text": log_of("slow.json")}));
    std::thread::sleep(Duration::from_secs(3));
    // The message was not deleted; what it tells of that is gone is a listing's to find.
    assert_eq!(cloud.waiting("q").0 + cloud.waiting("q").1, 1);
    cloud.done(&["ingest", "s3://trail", "--lake", text(&lake)]);
    assert_eq!(distinct(&lake), 2);
    assert_eq!(crate::command::trailhound(&["lake", "check", "--lake", text(&lake)]).code, 0);
}

/// One request a second and no more: it backs off, and ends with all of it.
#[test]
fn a_server_that_answers_once_a_second_is_read_whole() {
    let Some(mut cloud) = Cloud::start(&["--rate", "1"]) else { return };
    let world = World::empty();
    bucket(&mut cloud, &world);
    let names: Vec<String> = (0..6).map(|index| format!("{index}.json")).collect();
    names.iter().for_each(|name| put(&mut cloud, name));
    cloud.ask(json!({"do": "faults"}));
    let lake = world.path("lake");
    let done = cloud.done(&["ingest", "s3://trail", "--lake", text(&lake)]);
    assert_eq!((&done["rows"], &done["rejected"]), (&json!(6), &json!(0)), "{done}");
    let requests = done["requests"].as_u64().unwrap();
    assert!(requests > 8, "nothing was throttled: {done}");
    let answered = cloud.ask(json!({"do": "answered"}));
    let times: Vec<f64> = answered.as_array().unwrap().iter().map(|time| time.as_f64().unwrap()).collect();
    assert!(times.len() >= 8 && times.windows(2).all(|pair| pair[1] - pair[0] >= 1.0), "{times:?}");
    // It backs off instead of knocking: of what it asks, a good part is answered.
    assert!(requests <= 8 * times.len() as u64, "{requests} requests for {} answers", times.len());
    println!("{requests} requests for {} answers at one a second", times.len());
}

/// Peak memory of a process while it runs, in KiB.
fn peak(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches(" kB").parse().ok()
}

fn watched(mut child: Child) -> (Run, u64) {
    let (mut stdout, mut stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    let out = std::thread::spawn(move || {
        let mut text = String::new();
        stdout.read_to_string(&mut text).unwrap();
        text
    });
    let err = std::thread::spawn(move || {
        let mut text = String::new();
        stderr.read_to_string(&mut text).unwrap();
        text
    });
    let mut most = 0;
    let status = loop {
        most = peak(child.id()).unwrap_or(0).max(most);
        match child.try_wait().unwrap() {
            Some(status) => break status,
            None => std::thread::sleep(Duration::from_millis(20)),
        }
    };
    let run = Run { code: status.code().unwrap_or(-1), stdout: out.join().unwrap(), stderr: err.join().unwrap() };
    (run, most)
}

/// Ten thousand objects queued, a third of them never told of: all of them once, in 512 MiB.
#[test]
fn ten_thousand_objects_fit_into_512_mib() {
    const OBJECTS: usize = 10_000;
    let Some(mut cloud) = Cloud::start(&[]) else { return };
    let world = World::empty();
    bucket(&mut cloud, &world);
    let keys: Vec<String> = (0..OBJECTS).map(|index| key(&format!("{index:05}.json"))).collect();
    let texts: Vec<Value> = keys.iter().map(|key| json!([key, log_of(key)])).collect();
    cloud.ask(json!({"do": "stock", "bucket": "trail", "objects": texts}));
    cloud.ask(json!({"do": "queue", "name": "q", "timeout": 60}));
    // Messages hold up to 256 KiB: a hundred keys each, every key three times, in another order each time.
    let told: Vec<&String> = keys.iter().enumerate().filter(|(index, _)| index % 3 != 0).map(|(_, key)| key).collect();
    let mut bodies = Vec::new();
    for stride in [1, 7, 13] {
        let order: Vec<_> = (0..told.len()).map(|index| told[index * stride % told.len()]).collect();
        bodies.extend(order.chunks(100).map(|keys| json!({"s3Bucket": "trail", "s3ObjectKey": keys}).to_string()));
    }
    cloud.ask(json!({"do": "send", "queue": "q", "bodies": bodies}));
    let lake = world.path("lake");
    let child = cloud.command(&["ingest", "sqs://q", "s3://trail", "--lake", text(&lake), "--output", "json"]).spawn();
    let (run, most) = watched(child.unwrap());
    assert_eq!(run.code, 0, "{}", run.stderr);
    let done = run.json();
    assert_eq!((&done["objects"], &done["rows"]), (&json!(OBJECTS), &json!(OBJECTS)), "{done}");
    assert_eq!(done["messages"]["deleted"], json!(bodies.len()));
    assert_eq!(distinct(&lake), OBJECTS as u64);
    assert!(most > 0 && most <= 512 << 10, "{most} KiB");
    println!("peak memory with {OBJECTS} objects queued: {} MiB", most >> 10);
}
