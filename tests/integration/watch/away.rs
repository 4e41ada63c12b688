//! What does not answer, dies, or lies about the time keeps nothing else from being read and told.

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::time::{Duration, SystemTime};

use super::{Service, Station};
use crate::command::{finished, text};
use crate::lake::trail;

fn rows(station: &Station) -> u64 {
    if !station.path("lake").join("events").exists() {
        return 0;
    }
    station.query("SELECT count(*) AS n FROM events")[0]["n"].as_u64().unwrap()
}

/// An account whose endpoint takes connections and never says a word: the folder is read, alerts are told, `/readyz` names the
/// account, and an end comes by itself.
#[test]
fn an_account_that_hangs_holds_up_nobody() {
    let station = Station::with_trail(150, 2);
    let logs = station.world.logs();
    let hangs = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", hangs.local_addr().unwrap());
    let config = station.path("c.toml");
    std::fs::write(&config, "[[account]]\nname = 'away'\nplaces = ['lookup:', 's3://away']\n").unwrap();
    let more = ["--config", text(&config), "--endpoint-url", &url, "--region", "us-east-1", "--verify-digests"];
    let mut command = station.command(text(&logs), &[&["--metrics", "127.0.0.1:0"], &more[..]].concat());
    command.env("AWS_ACCESS_KEY_ID", "a").env("AWS_SECRET_ACCESS_KEY", "b").env_remove("AWS_MAX_ATTEMPTS");
    let service = Service::start(command.spawn().unwrap());
    let wanted = trail::ids(&logs).len() as u64;
    service.until("rows", |_| rows(&station) == wanted);
    service.until("alerts", |_| !station.hook.told().is_empty());
    service.until("a word of the account", |service| {
        service.page("/readyz").is_some_and(|(status, why)| status == 503 && why.contains("account away"))
    });
    assert_eq!(service.figure("trailhound_restarts_total", ""), 0.0);
    let (code, said) = service.end();
    assert_eq!(code, 0, "{said}");
    assert!(!said.contains("not everything was done in time"), "{said}");
    drop(hangs);
}

/// The keeper dies and nothing more comes, no alert either: that shows, the rows that
/// waited are read again, and the next process has them all.
#[test]
fn a_keeper_that_dies_is_noticed_without_another_file() {
    let mut station = Station::with_trail(80, 6);
    let (logs, inbox, rules) = (station.world.logs(), station.path("inbox"), station.path("rules"));
    std::fs::create_dir(&inbox).unwrap();
    std::fs::create_dir(&rules).unwrap();
    station.flags = vec!["--rules".to_owned(), text(&rules).to_owned(), "--no-shipped-rules".to_owned()];
    // The lake is made while its disk has room.
    assert_eq!(station.once(text(&inbox), None).code, 0);
    super::deliver(&super::log_files(&logs), &logs, &inbox);
    let mut command = station.command(text(&inbox), &["--metrics", "127.0.0.1:0"]);
    // Each try finds the disk full at its first write.
    let service = Service::start(command.env("TRAILHOUND_DISK_FULL_AT", "1..2").spawn().unwrap());
    service.until("trouble", |service| {
        service.page("/readyz").is_some_and(|(status, why)| status == 503 && why.contains("no room left"))
    });
    service.until("another try", |service| service.figure("trailhound_restarts_total", "") >= 2.0);
    let (code, said) = service.end();
    assert_eq!(code, 0, "{said}");
    assert_eq!(rows(&station), 0);
    assert_eq!(station.once(text(&inbox), None).code, 0);
    assert_eq!(rows(&station) as usize, trail::ids(&inbox).len());
}

/// A file from tomorrow is read once it stays as it is; and what is counted is never counted back.
#[test]
fn a_file_of_the_future_is_read() {
    let station = Station::empty();
    let logs = station.world.logs();
    let one = |id: &str| trail::records(&[trail::event(id, "2026-01-01T00:00:00Z", "")]);
    std::fs::write(logs.join("past.json"), one("past")).unwrap();
    std::fs::write(logs.join("future.json"), one("future")).unwrap();
    let file = std::fs::File::options().append(true).open(logs.join("future.json")).unwrap();
    file.set_modified(SystemTime::now() + Duration::from_secs(86_400)).unwrap();
    let service = station.service(text(&logs), &[]);
    service.until("both rows", |_| rows(&station) == 2);
    let known = |service: &Service| service.figure("trailhound_objects_total", "result=\"known\"");
    service.until("files that are known", |service| known(service) >= 4.0);
    std::fs::remove_file(logs.join("past.json")).unwrap();
    let before = known(&service);
    service.until("another listing", |service| known(service) > before);
    std::fs::remove_file(logs.join("future.json")).unwrap();
    assert!(known(&service) >= before);
    let (code, said) = service.end();
    assert_eq!(code, 0, "{said}");
}

/// A folder that holds the lake, the outbox and a sink's file too: none of them is a log.
#[test]
fn what_it_writes_itself_is_not_read() {
    let station = Station::with_trail(100, 8);
    let root = station.world.logs().parent().unwrap().to_owned();
    let lines = station.path("told.jsonl");
    let sinks = format!(
        "{}[sinks.lines]\ntype = 'file'\npath = '{}'\n[[routes]]\nsinks = ['lines']\n",
        station.hook.sinks(),
        text(&lines)
    );
    std::fs::write(station.path("delivery.toml"), sinks).unwrap();
    for _ in 0..2 {
        let run = station.once(text(&root), None);
        assert_eq!(run.code, 0, "{}", run.stderr);
    }
    assert!(lines.exists());
    let objects = station.query("SELECT DISTINCT object FROM objects");
    let own: Vec<String> = objects.iter().map(|row| row["object"].as_str().unwrap().to_owned()).collect();
    let own: Vec<&String> =
        own.iter().filter(|name| ["/lake/", "/outbox/", "told.jsonl"].iter().any(|own| name.contains(own))).collect();
    assert!(own.is_empty(), "{own:?}");
    assert_eq!(rows(&station) as usize, trail::ids(&station.world.logs()).len());
}

/// Whoever runs it by the clock hears of a sink that has not got its messages.
#[test]
fn an_end_with_messages_unsent_is_no_good_end() {
    let station = Station::with_trail(100, 3);
    let refused = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = refused.local_addr().unwrap().port();
    drop(refused);
    let dead = format!(
        "[sinks.dead]\ntype = 'webhook'\nurl = 'http://127.0.0.1:{port}/'\nallow_addresses = ['127.0.0.1/32']\nretry_base = '5ms'\nretry_max = '20ms'\ngive_up_after = '1s'\n[[routes]]\nsinks = ['dead']\n"
    );
    let sinks = station.hook.sinks();
    std::fs::write(station.path("delivery.toml"), format!("{sinks}{dead}")).unwrap();
    let logs = station.world.logs();
    let run = finished(station.command(text(&logs), &["--once"]).output().unwrap());
    assert_eq!(run.code, 5, "{}", run.stderr);
    assert!(run.stderr.contains("given up") && run.stderr.contains("deliver replay"), "{}", run.stderr);
    // The rows stand, and the other sink has all of it.
    assert_eq!(rows(&station) as usize, trail::ids(&logs).len());
    let told: BTreeSet<String> = station.hook.told().into_keys().collect();
    assert_eq!(told, station.batch(&logs).into_keys().collect());
}
