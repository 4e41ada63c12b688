//! A process that does not end: sinks that hang, rules that change, signals, and what it says of itself.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::{Station, deliver, log_files};
use crate::command::{text, trailhound};
use crate::hook::Hook;
use crate::lake::{python, trail};

/// A log file with one event.
fn event(id: &str, name: &str) -> Vec<u8> {
    let now = chrono::Utc::now().format("%Y-%m-%dT%H:%M:%SZ").to_string();
    trail::records(&[trail::event(id, &now, "").replace("GetObject", name)])
}

fn put(folder: &Path, name: &str, bytes: &[u8]) {
    // Written elsewhere first: a file appears whole.
    std::fs::write(folder.join(format!(".{name}")), bytes).unwrap();
    std::fs::rename(folder.join(format!(".{name}")), folder.join(name)).unwrap();
}

fn rule(id: u32, name: &str) -> String {
    format!(
        "title: {name} was called\nid: 00000000-0000-4000-8000-00000000000{id}\nstatus: test\nlogsource:\n  product: aws\n  service: cloudtrail\ndetection:\n  selection:\n    eventName: {name}\n  condition: selection\nlevel: high\n"
    )
}

/// A sink that never answers, and one that refuses, keep neither the lake nor another sink from anything; an end comes when it is asked for.
#[test]
fn a_sink_that_hangs_holds_up_nobody() {
    let station = Station::with_trail(200, 2);
    let logs = station.world.logs();
    let hangs = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let (port, refused) = (hangs.local_addr().unwrap().port(), Hook::start(|_| 500));
    let one = |name: &str, port: u16| {
        format!(
            "[sinks.{name}]\ntype = 'webhook'\nurl = 'http://127.0.0.1:{port}/'\nallow_addresses = ['127.0.0.1/32']\n[[routes]]\nsinks = ['{name}']\n"
        )
    };
    let sinks = format!("{}{}{}", station.hook.sinks(), one("hangs", port), one("refuses", refused.port));
    std::fs::write(station.path("delivery.toml"), sinks).unwrap();
    let service = station.service(text(&logs), &[]);
    let wanted = station.batch(&logs);
    service.until("rows", |service| service.figure("trailhound_commits_total", "") > 0.0);
    service.until("the other sink", |_| station.hook.told().len() * 2 > wanted.len());
    assert!(service.figure("trailhound_outbox_messages", "sink=\"hangs\"") > 1.0);
    let (code, said) = service.end();
    assert_eq!(code, 0, "{said}");
    // What they did not take waits for them.
    let listed = trailhound(&[
        "deliver",
        "list",
        text(&station.path("delivery.toml")),
        "--outbox",
        text(&station.path("outbox")),
        "--output",
        "json",
    ]);
    let waits = listed
        .json()
        .as_array()
        .unwrap()
        .iter()
        .filter(|one| one["sink"] == "hangs" && one["state"] == "pending")
        .count();
    assert!(waits > 1, "{}", listed.stdout);
    drop(hangs);
}

#[test]
fn rules_are_read_again_and_never_half() {
    let station = Station::empty();
    let (logs, rules) = (station.world.logs(), station.path("rules"));
    std::fs::create_dir(&rules).unwrap();
    std::fs::write(rules.join("one.yml"), rule(1, "OneThing")).unwrap();
    let service =
        station.service(text(&logs), &["--rules", text(&rules), "--no-shipped-rules", "--log-format", "json"]);
    service.until("a beginning", |service| service.is_ready());
    put(&logs, "a.json", &event("a", "OneThing"));
    service.until("the first alert", |_| station.hook.told().len() == 1);
    // Broken: the old rules go on, whether it is noticed or said.
    std::fs::write(rules.join("two.yml"), "title: half\ndetection: [").unwrap();
    service.signal("-HUP");
    service.until("a refusal", |service| service.figure("trailhound_rules_reloads_total", "refused") > 0.0);
    put(&logs, "b.json", &event("b", "TwoThings"));
    service.until("rows", |_| station.query("SELECT count(*) AS n FROM events")[0]["n"] == 2);
    assert_eq!(station.hook.told().len(), 1);
    std::fs::write(rules.join("two.yml"), rule(2, "TwoThings")).unwrap();
    service.until("a reload", |service| service.figure("trailhound_rules_reloads_total", "ok") > 0.0);
    put(&logs, "c.json", &event("c", "TwoThings"));
    service.until("an alert of the new rule", |_| station.hook.told().len() == 2);
    let (code, said) = service.end();
    assert_eq!(code, 0, "{said}");
    for line in said.lines() {
        let line: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert!(line["timestamp"].is_string() && line["level"].is_string() && line["message"].is_string(), "{line}");
    }
    assert!(said.contains("two.yml"), "{said}");
}

#[test]
fn it_says_how_it_is() {
    let station = Station::with_trail(120, 4);
    let wanted = trail::ids(&station.world.logs()).len();
    put(&station.world.logs(), "broken.json", b"{\"Records\": [1, 2]}");
    let service = station.service(text(&station.world.logs()), &[]);
    service.until("rows", |service| service.figure("trailhound_commits_total", "") > 0.0);
    service.until("a message", |service| service.figure("trailhound_deliveries_total", "sent") > 0.0);
    assert_eq!(service.page("/healthz").unwrap().0, 200);
    assert_eq!(service.page("/readyz").unwrap().0, 200);
    assert_eq!(service.page("/other").unwrap().0, 404);
    let rows = service.figure("trailhound_records_total", "result=\"row\"");
    assert_eq!(rows as usize, wanted);
    assert_eq!(service.figure("trailhound_rejected_records_total", "not_a_record"), 2.0);
    assert!(service.figure("trailhound_event_to_row_seconds_count", "") > 0.0);
    assert!(service.figure("trailhound_alert_to_sent_seconds_count", "") > 0.0);
    let (_, text) = service.page("/metrics").unwrap();
    parse(&text);
    let (code, said) = service.end();
    assert_eq!(code, 0, "{said}");
    // A log that is a file has words in it, and no colours.
    assert!(said.contains("broken.json") && !said.contains('\u{1b}'), "{said:?}");
}

/// The official parser of the format reads it.
fn parse(text: &str) {
    let Some(python) = python::interpreter() else { return };
    let script = "import sys\nfrom prometheus_client.openmetrics.parser import text_string_to_metric_families as parse\nprint(len(list(parse(sys.stdin.read()))))";
    let mut child = Command::new(python)
        .args(["-c", script])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), text.as_bytes()).unwrap();
    let run = crate::command::finished(child.wait_with_output().unwrap());
    assert!(run.code == 0 && run.stdout.trim().parse::<u32>().unwrap() > 20, "{}{}\n{text}", run.stdout, run.stderr);
}

/// A lake that goes away is a reason to begin anew, and not to end.
#[test]
fn what_fails_later_is_tried_again() {
    let station = Station::with_trail(60, 6);
    let logs = station.world.logs();
    let inbox = station.path("inbox");
    std::fs::create_dir(&inbox).unwrap();
    let service = station.service(text(&inbox), &[]);
    service.until("a beginning", |service| service.is_ready());
    let aside = station.path("aside");
    std::fs::rename(&inbox, &aside).unwrap();
    service.until("trouble", |service| service.page("/readyz").is_some_and(|page| page.0 == 503));
    std::fs::rename(&aside, &inbox).unwrap();
    deliver(&log_files(&logs), &logs, &inbox);
    service.until("rows", |service| service.figure("trailhound_commits_total", "") > 0.0);
    // What else is watched goes on meanwhile: nothing begins anew.
    assert!(service.figure("trailhound_restarts_total", "") < 1.0);
    let (code, said) = service.end();
    assert_eq!(code, 0, "{said}");
}

#[test]
fn what_cannot_be_watched_is_said() {
    let station = Station::empty();
    let config = station.path("c.toml");
    for (text, reason) in [
        ("[watch]\nsorce = ['x']\n", "did you mean `source`?"),
        ("[watch]\nsource = []\n", "nothing to watch"),
        ("[watch]\nsource = ['sqs://a', 'sqs://b']\n", "one queue"),
        ("[watch]\nsource = ['-']\n", "standard input"),
        ("[watch]\nsource = ['/nowhere/at/all']\n", "/nowhere/at/all"),
        ("[watch]\nsource = ['.']\n[metrics]\nlisten = '0.0.0.0:0'\n", "on this machine only"),
        ("[watch]\nsource = ['.']\n[rules]\nfolders = ['/nowhere']\n", "/nowhere"),
    ] {
        std::fs::write(&config, text).unwrap();
        let run = trailhound(&[
            "watch",
            "--config",
            crate::command::text(&config),
            "--once",
            "--lake",
            crate::command::text(&station.path("lake")),
            "--outbox",
            crate::command::text(&station.path("o")),
        ]);
        assert!(matches!(run.code, 2 | 5) && run.stderr.contains(reason), "{text}: {} {}", run.code, run.stderr);
        if reason == "/nowhere/at/all" {
            assert!(!station.path("lake").exists() && !station.path("o").exists(), "made for what is not there");
        }
    }
}

#[test]
fn a_configuration_is_checked() {
    let station = Station::empty();
    let config = station.path("c.toml");
    let sinks = station.hook.sinks();
    std::fs::write(&config, format!("[watch]\nsource = ['sqs://q']\npage_within = '1d'\n{sinks}")).unwrap();
    let run = trailhound(&["config", "check", text(&config), "--output", "json"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let value = run.json();
    assert_eq!((&value["watch"]["page_within"], &value["sinks"][0]["type"]), (&"86400s".into(), &"webhook".into()));
    assert!(value["rules_loaded"].as_u64().unwrap() > 100);
    assert_eq!(trailhound(&["config", "check", text(&config)]).code, 0);
    std::fs::write(&config, "[lake]\nplce = 'x'\n").unwrap();
    let run = trailhound(&["config", "check", text(&config)]);
    assert!(run.code == 2 && run.stderr.contains("line 2") && run.stderr.contains("`place`"), "{}", run.stderr);
}

/// The pages show nothing that does not parse.
#[test]
fn the_documentation_is_right() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(root.join("docs/watch.md")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut count = 0;
    for block in page.split("```toml\n").skip(1) {
        let file = folder.path().join("c.toml");
        let block = block.split("```").next().unwrap();
        let block: String = block
            .lines()
            .filter(|line| !["folders", "lists", "public_keys"].iter().any(|key| line.starts_with(key)))
            .map(|line| format!("{line}\n"))
            .collect();
        std::fs::write(&file, block).unwrap();
        let run = trailhound(&["config", "check", text(&file)]);
        assert_eq!(run.code, 0, "{}", run.stderr);
        count += 1;
    }
    assert!(count > 0);
}
