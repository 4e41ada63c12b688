//! Copies of an event, events that come late, and files that change: one row each, in the right day.

use serde_json::{Value, json};

use super::contents::Contents;
use super::trail::{event, records};
use super::{Lake, World};
use crate::command::{gzip, text};

const TIME: &str = "2026-03-01T10:00:00Z";

/// Rows of an answer.
fn ask(lake: &Lake<'_>, sql: &str) -> Vec<Value> {
    lake.done(&["query", sql]).as_array().unwrap().clone()
}

fn count(lake: &Lake<'_>, condition: &str) -> u64 {
    ask(lake, &format!("SELECT count(*) AS n FROM events WHERE {condition}"))[0]["n"].as_u64().unwrap()
}

fn rows(done: &Value) -> (u64, u64) {
    (done["rows"].as_u64().unwrap(), done["duplicates"].as_u64().unwrap())
}

fn lookup(event: &str) -> Vec<u8> {
    json!({"Events": [{"EventId": "e", "CloudTrailEvent": event}]}).to_string().into_bytes()
}

#[test]
fn an_event_counts_once_however_it_comes() {
    let e = event("e", TIME, "");
    let trail = "AWSLogs/111122223333/CloudTrail/us-east-1/2026/03";
    let ways: Vec<(&str, String, Vec<u8>)> = vec![
        ("twice in one file", format!("{trail}/01/twice.json"), records(&[e.clone(), e.clone()])),
        ("in another file", format!("{trail}/01/other.json.gz"), gzip(&records(std::slice::from_ref(&e)))),
        ("in the next day's folder", format!("{trail}/02/late.json.gz"), gzip(&records(std::slice::from_ref(&e)))),
        ("in another trail", format!("second/{trail}/01/a.json.gz"), gzip(&records(std::slice::from_ref(&e)))),
        ("as LookupEvents gives it", "lookup.json".to_owned(), lookup(&e)),
        (
            "wrapped by EventBridge",
            "bridge.json".to_owned(),
            format!(r#"{{"version":"0","detail-type":"AWS API Call via CloudTrail","detail":{e}}}"#).into_bytes(),
        ),
        ("as a line", "lines.jsonl".to_owned(), format!("{e}\n").into_bytes()),
    ];
    // One by one, each in a run of its own.
    let world = World::empty();
    let lake = world.lake("one-by-one");
    for (n, (what, name, bytes)) in ways.iter().enumerate() {
        let path = world.log(name, bytes);
        let copies = if *what == "twice in one file" { 2 } else { 1 };
        let new = u64::from(n == 0);
        assert_eq!(rows(&lake.done(&["ingest", text(&path)])), (new, copies - new), "{what}");
    }
    // All of them again, three times over, in one run each.
    for _ in 0..3 {
        let logs = world.logs();
        assert_eq!(rows(&lake.done(&["ingest", text(&logs), "--again"])), (0, 8));
    }
    assert_eq!(count(&lake, "true"), 1);
    // All at once, into an empty lake.
    let at_once = world.lake("at-once");
    assert_eq!(rows(&at_once.ingest()), (1, 7));
    assert_eq!(count(&at_once, "true"), 1);
    let totals = at_once.contents().unwrap();
    assert_eq!((Contents::sum(&totals.objects, 1), Contents::sum(&totals.objects, 2)), (1, 7));
}

#[test]
fn copies_for_other_accounts_stay() {
    let world = World::empty();
    let shared =
        |account: &str, id: &str| event(id, TIME, r#","sharedEventID":"shared""#).replace("111122223333", account);
    // Two accounts' copies of one cross-account call; in odd feeds they even share the event id.
    let all = [shared("111122223333", "a"), shared("444455556666", "b"), shared("444455556666", "a")];
    world.log("shared.json", &records(&all));
    let lake = world.lake("lake");
    assert_eq!(rows(&lake.ingest()), (3, 0));
    let logs = world.logs();
    assert_eq!(rows(&lake.done(&["ingest", text(&logs), "--again"])), (0, 3));
    assert_eq!(count(&lake, "sharedeventid = 'shared'"), 3);
}

#[test]
fn late_events_land_in_their_day() {
    let world = World::empty();
    let lake = world.lake("lake");
    let day = |n: i64| chrono::DateTime::parse_from_rfc3339(TIME).unwrap() + chrono::TimeDelta::seconds(n);
    let mut wanted = std::collections::BTreeMap::<String, u64>::new();
    for (n, late) in [0, 1, 59, 3_600, 14 * 3_600, 86_400, 7 * 86_400, 30 * 86_400].into_iter().enumerate() {
        let time = day(-late).format("%Y-%m-%dT%H:%M:%SZ").to_string();
        *wanted.entry(time[..10].to_owned()).or_default() += 1;
        // Delivered now, in the folder of the day of delivery.
        let name = format!("2026/03/01/{n}_CloudTrail_us-east-1_20260301T1005Z_x.json.gz");
        let path = world.log(&name, &gzip(&records(&[event(&format!("late-{late}"), &time, "")])));
        assert_eq!(rows(&lake.done(&["ingest", text(&path)])), (1, 0));
    }
    let found: std::collections::BTreeMap<String, u64> =
        ask(&lake, "SELECT CAST(event_date AS VARCHAR) AS day, count(*) AS n FROM events GROUP BY 1")
            .iter()
            .map(|row| (row["day"].as_str().unwrap().to_owned(), row["n"].as_u64().unwrap()))
            .collect();
    assert_eq!(found, wanted);
    assert_eq!(count(&lake, "event_date = CAST(eventtime AS DATE)"), 8);
    for day in wanted.keys() {
        assert!(lake.folder().join(format!("events/event_date={day}")).is_dir(), "{day}");
    }
    lake.contents().unwrap();
}

#[test]
fn events_of_the_future_are_flagged_and_kept() {
    let world = World::empty();
    let soon = (chrono::Utc::now() + chrono::TimeDelta::minutes(10)).format("%Y-%m-%dT%H:%M:%SZ").to_string();
    let all = [event("now", TIME, ""), event("soon", &soon, ""), event("far", "2099-12-31T23:59:59Z", "")];
    world.log("future.json", &records(&all));
    let lake = world.lake("lake");
    let run = lake.run(&["ingest", text(&world.logs()), "--output", "json"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(run.json()["future_events"], 1, "a clock that is ten minutes fast is no future");
    assert!(run.stderr.contains("in the future"), "{}", run.stderr);
    assert_eq!(count(&lake, "event_date = DATE '2099-12-31'"), 1);
}

#[test]
fn records_without_a_time_or_an_id_are_kept_once() {
    let world = World::empty();
    let timeless = event("timeless", TIME, "").replace(&format!(r#""eventTime":"{TIME}","#), "");
    let nameless = |n: u32| {
        event("", TIME, &format!(r#","requestID":"r{n}""#))
            .replace(r#""eventID":"","#, "")
            .replace(r#","eventID":"""#, "")
    };
    let odd = event("odd-time", "yesterday", "");
    assert!(!timeless.contains("eventTime") && !nameless(1).contains("eventID"));
    world.log("odd.json", &records(&[timeless, nameless(1), nameless(2), odd, event("plain", TIME, "")]));
    let lake = world.lake("lake");
    assert_eq!(rows(&lake.ingest()), (5, 0));
    let again = lake.ingest();
    assert_eq!((rows(&again), &again["objects_skipped"]), ((0, 0), &1.into()));
    assert_eq!(count(&lake, "event_date IS NULL"), 2);
    assert_eq!(count(&lake, "eventid = 'timeless'"), 1);
    assert_eq!(count(&lake, "eventid IS NULL AND requestid IN ('r1', 'r2')"), 2);
    assert_eq!(lake.run(&["lake", "check"]).code, 0, "what covers no hour lacks in no table");
    lake.done(&["lake", "compact"]);
    lake.done(&["lake", "expire", "--keep", "1d", "--grace", "1s"]);
    assert_eq!(count(&lake, "true"), 2, "rows without a time are of no day, and never expire");
}

#[test]
fn a_file_that_grows_gives_what_is_new() {
    let world = World::empty();
    let lake = world.lake("lake");
    let line = |id: &str| format!("{}\n", event(id, TIME, ""));
    let path = world.log("growing.jsonl", line("a").as_bytes());
    assert_eq!(rows(&lake.ingest()), (1, 0));
    std::fs::write(&path, [line("a"), line("b"), line("c")].concat()).unwrap();
    assert_eq!(rows(&lake.ingest()), (2, 1));
    // Replaced by other events under the same name.
    std::fs::write(&path, [line("x"), line("y"), line("z")].concat()).unwrap();
    assert_eq!(rows(&lake.ingest()), (3, 0));
    assert_eq!(rows(&lake.ingest()), (0, 0));
    assert_eq!(lake.contents().unwrap().rows(), 6);
}

#[test]
fn a_file_that_was_cut_comes_whole_later() {
    let world = World::empty();
    let lake = world.lake("lake");
    let whole = gzip(&records(&[event("a", TIME, ""), event("b", TIME, "")]));
    let path = world.log("cut.json.gz", &whole[..whole.len() / 2]);
    world.log("good.json.gz", &gzip(&records(&[event("c", TIME, "")])));
    let run = lake.run(&["ingest", text(&world.logs()), "--output", "json"]);
    assert_eq!(run.code, 3, "{}", run.stderr);
    assert_eq!((rows(&run.json()), &run.json()["rejects"][0]["reason"]), ((1, 0), &"gzip_truncated".into()));
    assert_eq!(ask(&lake, "SELECT reason FROM rejects"), [json!({"reason": "gzip_truncated"})]);
    // Nothing has changed: nothing is read again.
    assert_eq!(lake.ingest()["objects"], 0);
    std::fs::write(&path, whole).unwrap();
    assert_eq!(rows(&lake.ingest()), (2, 0));
    assert_eq!(lake.contents().unwrap().rows(), 3);
}

/// Read again for real: by `--again`, and because a file has grown.
#[test]
fn events_without_an_id_are_known_again() {
    let nameless =
        |n: u32| event("", TIME, &format!(r#","requestID":"r{n}""#)).replace(r#""eventID":"""#, r#""eventID":null"#);
    let world = World::empty();
    let lake = world.lake("again");
    world.log("nameless.json", &records(&[nameless(1), nameless(2), nameless(2)]));
    let logs = world.logs();
    assert_eq!(rows(&lake.ingest()), (3, 0), "equal ones of one object are two events");
    for _ in 0..2 {
        assert_eq!(rows(&lake.done(&["ingest", "--again", text(&logs)])), (0, 3));
    }
    let grown = world.lake("grown");
    let path = world.path("growing.jsonl");
    for n in 1..=4 {
        let lines: String = (0..n).map(|n| nameless(n) + "\n").collect();
        std::fs::write(&path, lines).unwrap();
        assert_eq!(rows(&grown.done(&["ingest", text(&path)])), (1, u64::from(n) - 1));
    }
    assert_eq!((count(&lake, "true"), count(&grown, "true")), (3, 4));
}
