//! `rules …`, and rules, lists, filters and suppressions given to `alerts`.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::command::{gzip, text, trailhound};

const RULE: &str = "title: A user was made\nid: 0b7d26a4-0000-4000-8000-000000000001\nname: made\nauthor: Somebody\n\
    license: DRL-1.1\nlevel: high\nreferences: [https://example.com/made]\nlogsource:\n  product: aws\n  service: cloudtrail\ndetection:\n  s:\n    \
    eventSource: iam.amazonaws.com\n    eventName: CreateUser\n    requestParameters.userName|expand: '%watched%'\n  condition: s\n";
const BAD: &str = "title: Old\nid: 0b7d26a4-0000-4000-8000-000000000002\nlogsource:\n  product: aws\ndetection:\n  s:\n    \
    eventName: x\n  condition: s | count() > 5\n---\ntitle: Odd\nid: 0b7d26a4-0000-4000-8000-000000000003\nlogsource:\n  product: aws\n\
    detection:\n  s:\n    eventNme: x\n  condition: s\n";

fn record(second: u32, user: &str, by: &str) -> Value {
    json!({
        "eventVersion": "1.08", "eventID": format!("e{second:03}"), "eventTime": format!("2026-01-02T03:00:{second:02}Z"),
        "eventSource": "iam.amazonaws.com", "eventName": "CreateUser", "awsRegion": "us-east-1",
        "recipientAccountId": "111122223333", "sourceIPAddress": "203.0.113.9", "userAgent": "tool/1",
        "requestParameters": {"userName": user}, "eventType": "AwsApiCall",
        "userIdentity": {"type": "IAMUser", "arn": format!("arn:aws:iam::111122223333:user/{by}"), "accountId": "111122223333"},
    })
}

/// A folder with logs, rules and a list.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::create_dir(at("rules")).unwrap();
    fs::create_dir(at("logs")).unwrap();
    fs::write(at("rules/made.yml"), RULE).unwrap();
    fs::write(at("rules/bad.yaml"), BAD).unwrap();
    fs::write(at("rules/notes.txt"), "not a rule").unwrap();
    fs::write(at("watched.txt"), "# comment\n\neve*\nmallory\n").unwrap();
    let records: Vec<Value> =
        (0..30).map(|n| record(n, "Eve-1", "root-like")).chain([record(31, "bob", "bob")]).collect();
    fs::write(at("logs/a.json.gz"), gzip(json!({ "Records": records }).to_string().as_bytes())).unwrap();
    folder
}

fn list(folder: &Path) -> String {
    format!("watched={}", folder.join("watched.txt").display())
}

#[test]
fn check_says_what_loads_and_why_the_rest_does_not() {
    let folder = folder();
    let rules = folder.path().join("rules");
    let run = trailhound(&["rules", "check", text(&rules), "--list", &list(folder.path()), "--output", "json"]);
    assert_eq!(run.code, 3, "{}", run.stderr);
    let told = run.json();
    assert_eq!(told["loaded"], 2);
    let rejected = told["rejected"].as_array().unwrap();
    assert_eq!(rejected.len(), 1);
    assert!(rejected[0]["file"].as_str().unwrap().ends_with("bad.yaml"));
    assert_eq!((&rejected[0]["rule"], &rejected[0]["line"]), (&json!("Old"), &json!(8)));
    assert!(rejected[0]["reason"].as_str().unwrap().contains("write a correlation"));
    let without = trailhound(&["rules", "check", text(&rules), "--output", "json"]).json();
    assert_eq!(without["loaded"], 1, "a rule without its list is refused");
    let csv = trailhound(&["rules", "check", text(&rules), "--output", "csv"]);
    assert!(csv.stdout.starts_with("file,rule,line,reason\n") && csv.stdout.lines().count() == 3, "{}", csv.stdout);
    fs::remove_file(rules.join("bad.yaml")).unwrap();
    assert_eq!(trailhound(&["rules", "check", text(&rules), "--list", &list(folder.path())]).code, 0);
}

#[test]
fn users_rules_run_and_what_cannot_is_told() {
    let folder = folder();
    let (rules, logs) = (folder.path().join("rules"), folder.path().join("logs"));
    let list = list(folder.path());
    let args =
        ["alerts", text(&logs), "--rules", text(&rules), "--no-shipped-rules", "--list", &list, "--output", "jsonl"];
    let run = trailhound(&args);
    assert_eq!(run.code, 3, "{}", run.stderr);
    assert!(run.stderr.contains("bad.yaml:8") && run.stderr.contains("were run"), "{}", run.stderr);
    let lines: Vec<Value> = run.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 1, "{}", run.stdout);
    let alert = &lines[0];
    assert_eq!(alert["rule"], "0b7d26a4-0000-4000-8000-000000000001", "a user's rule is told by its id");
    assert_eq!((&alert["title"], &alert["severity"]), (&json!("A user was made"), &json!("high")));
    assert_eq!(alert["time"], "2026-01-02T03:00:00Z");
    assert_eq!(alert["principal"], "arn:aws:iam::111122223333:user/root-like");
    assert_eq!((&alert["author"], &alert["license"]), (&json!("Somebody"), &json!("DRL-1.1")));
    assert_eq!(alert["references"], json!(["https://example.com/made"]));
    let ids: Vec<String> = (0..30).map(|n| format!("e{n:03}")).collect();
    assert_eq!(alert["event_ids"], json!(ids), "every event is named");
    assert_eq!(trailhound(&args).stdout, run.stdout, "the same again, fingerprints too");
    assert_eq!(trailhound(&[&args[..], &["--fail-on", "high"]].concat()).code, 1);
}

#[test]
fn a_filter_in_a_folder_is_for_the_shipped_rules_too() {
    let folder = folder();
    let (rules, logs) = (folder.path().join("rules"), folder.path().join("logs"));
    let count = || {
        let run = trailhound(&["alerts", text(&logs), "--rules", text(&rules), "--output", "json", "-q"]);
        run.json().as_array().unwrap().len()
    };
    fs::remove_file(rules.join("made.yml")).unwrap();
    fs::write(
        rules.join("bad.yaml"),
        "title: none\nid: n\nlogsource: {product: aws}\ndetection:\n  s: {eventName: Nothing}\n  condition: s\n",
    )
    .unwrap();
    let before = count();
    fs::write(
        rules.join("filter.yml"),
        "title: f\nlogsource: {product: aws, service: cloudtrail}\nfilter:\n  rules: any\n  everything:\n    eventID: '*'\n  condition: everything\n",
    )
    .unwrap();
    assert_eq!((before > 0, count()), (true, 0));
}

#[test]
fn backtest_counts_and_suppressions_save() {
    let folder = folder();
    let (rules, logs) = (folder.path().join("rules"), folder.path().join("logs"));
    let known = folder.path().join("known.yml");
    let list = list(folder.path());
    fs::write(&known, "suppressions:\n- title_: x\n").unwrap();
    let base = [
        "alerts",
        text(&logs),
        "--rules",
        text(&rules),
        "--no-shipped-rules",
        "--list",
        &list,
        "--suppress",
        text(&known),
    ];
    let run = trailhound(&base);
    assert_eq!(run.code, 2, "{}", run.stderr);
    assert!(run.stderr.contains("known.yml:2") && run.stderr.contains("`title_` is no condition"), "{}", run.stderr);
    fs::write(
        &known,
        "suppressions:\n- rule: A user was *\n  source_address: 203.0.113.0/24\n  reason: the builder, OPS-7\n  until: 2099-12-31\n\
         - rule: A user was *\n  reason: long ago\n  until: 2001-01-01\n",
    )
    .unwrap();
    let run = trailhound(&[&base[..], &["--output", "json"]].concat());
    assert_eq!(run.json(), json!([]), "{}", run.stderr);
    assert!(run.stderr.contains("1 alerts are suppressed") && run.stderr.contains("has ended"), "{}", run.stderr);
    let told = trailhound(&[&base[..], &["--backtest", "--output", "json"]].concat()).json();
    assert_eq!((&told["days"], &told["alerts"]), (&json!(1), &json!(0)));
    assert_eq!(told["rules"][0]["suppressed"], 1);
    let saved: Vec<_> =
        told["suppressions"].as_array().unwrap().iter().map(|s| (s["alerts"].clone(), s["ended"].clone())).collect();
    assert_eq!(saved, [(json!(1), json!(false)), (json!(0), json!(true))]);
    let told = trailhound(&[&base[..7], &["--backtest", "--output", "json"]].concat()).json();
    assert_eq!((&told["rules"][0]["per_day"], &told["rules"][0]["events"]), (&json!(1.0), &json!(30)));
    assert_eq!(told["rules"][0]["principals"][0]["principal"], "arn:aws:iam::111122223333:user/root-like");
    let table = trailhound(&[&base[..], &["--backtest"]].concat());
    assert!(table.stdout.contains("the builder, OPS-7") && table.stdout.contains("ended"), "{}", table.stdout);
}

#[test]
fn lint_remarks_and_show_tells() {
    let folder = folder();
    let rules = folder.path().join("rules");
    let run = trailhound(&["rules", "lint", text(&rules), "--list", &list(folder.path()), "--output", "json"]);
    let remarks = run.json();
    assert_eq!(remarks[0]["kind"], "field");
    assert!(remarks[0]["remark"].as_str().unwrap().contains("`eventName` may be meant"), "{remarks}");
    let shown = trailhound(&["rules", "show", "root-console-login", "--output", "json"]).json();
    assert_eq!(shown["severity"], "critical");
    let missing = trailhound(&["rules", "show", "no-such-rule"]);
    assert_eq!(missing.code, 2);
    assert!(missing.stderr.contains("`trailhound rules` lists them"), "{}", missing.stderr);
    let listed =
        trailhound(&["rules", "list", text(&rules), "--list", &list(folder.path()), "--output", "json"]).json();
    assert_eq!(listed.as_array().unwrap().len(), 2);
    assert!(trailhound(&["rules", "--output", "json"]).json().as_array().unwrap().len() > 40);
}

#[test]
fn rules_are_proved_by_the_events_beside_them() {
    let folder = folder();
    let rules = folder.path().join("rules");
    fs::remove_file(rules.join("bad.yaml")).unwrap();
    let case =
        |expect: &str, user: &str| json!({"expect": expect, "why": "w", "record": record(1, user, "x")}).to_string();
    let events = rules.join("made.events.jsonl");
    let test = || trailhound(&["rules", "test", text(&rules), "--list", &list(folder.path()), "--output", "json"]);
    assert_eq!(test().json()["untested"].as_array().unwrap().len(), 1);
    fs::write(&events, [case("hit", "eve"), case("miss", "bob")].join("\n")).unwrap();
    let run = test();
    assert_eq!((run.code, &run.json()["hits"], &run.json()["misses"]), (0, &json!(1), &json!(1)));
    fs::write(&events, [case("hit", "bob"), "{}".to_owned(), case("maybe", "eve")].join("\n")).unwrap();
    let run = test();
    assert_eq!(run.code, 1);
    let wrong = run.json()["wrong"][0]["wrong"].clone();
    let lines: Vec<_> = wrong.as_array().unwrap().iter().map(|w| w["line"].as_u64().unwrap()).collect();
    assert_eq!(lines, [1, 2, 3], "{wrong}");
}

#[test]
fn the_shipped_rules_pass_their_own_events() {
    let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join("alerts/rules");
    let run = trailhound(&["rules", "test", text(&rules)]);
    assert_eq!(run.code, 0, "{}\n{}", run.stdout, run.stderr);
}

#[test]
fn names_of_rules_that_are_not_there_are_told() {
    let folder = folder();
    let (rules, logs, known) =
        (folder.path().join("rules"), folder.path().join("logs"), folder.path().join("known.yml"));
    fs::remove_file(rules.join("bad.yaml")).unwrap();
    fs::write(
        rules.join("filter.yml"),
        "title: f\nlogsource: {product: aws, service: cloudtrail}\nfilter:\n  rules: [maed]\n  s: {eventID: x}\n  condition: s\n",
    )
    .unwrap();
    fs::write(&known, "suppressions:\n- rule: [made, maed-it]\n  reason: x\n  until: 2099-12-31\n").unwrap();
    let list = list(folder.path());
    let run =
        trailhound(&["alerts", text(&logs), "--rules", text(&rules), "--list", &list, "--suppress", text(&known)]);
    assert_eq!(run.code, 3, "{}", run.stderr);
    assert!(run.stderr.contains("filter.yml:4") && run.stderr.contains("`maed`"), "{}", run.stderr);
    assert!(run.stderr.contains("`maed-it`") && !run.stderr.contains("`made`"), "{}", run.stderr);
    assert!(!run.stdout.contains("A user was made"), "{}", run.stdout);
}

/// What lies in a folder of rules may be put there by somebody: it ends, and with bounded memory.
#[test]
fn folders_that_loop_pipes_and_endless_files_are_refused() {
    let folder = folder();
    let rules = folder.path().join("rules");
    fs::remove_file(rules.join("bad.yaml")).unwrap();
    for name in ["a", "b"] {
        std::os::unix::fs::symlink(".", rules.join(name)).unwrap();
    }
    let list = list(folder.path());
    let run = trailhound(&["rules", "check", text(&rules), "--list", &list, "--output", "json"]);
    assert_eq!((run.code, &run.json()["loaded"]), (0, &json!(1)), "{}", run.stderr);
    let made = std::process::Command::new("mkfifo").arg(rules.join("pipe.yml")).status();
    if made.is_ok_and(|made| made.success()) {
        let run = trailhound(&["rules", "check", text(&rules), "--list", &list, "--output", "json"]);
        assert!(run.code == 3 && run.stdout.contains("a pipe, socket or device"), "{}", run.stdout);
        fs::remove_file(rules.join("pipe.yml")).unwrap();
    }
    let logs = folder.path().join("logs");
    for flags in [["--list", "watched=/dev/zero"], ["--suppress", "/dev/zero"]] {
        let run =
            trailhound(&[&["alerts", text(&logs), "--no-shipped-rules", "--rules", text(&rules)], &flags[..]].concat());
        assert!(run.code > 3 && run.stderr.contains("too large"), "{flags:?}: {} {}", run.code, run.stderr);
    }
    let run = trailhound(&["alerts", text(&logs), "--backtest", "--fail-on", "high"]);
    assert_eq!(run.code, 2, "{}", run.stderr);
}

#[test]
fn a_lake_remembers_uses_whose_events_have_expired() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let event = |days: i64, by: &str| {
        let mut event = record(0, "x", by);
        let time = chrono::Utc::now() - chrono::TimeDelta::days(days);
        event["eventTime"] = json!(time.to_rfc3339_opts(chrono::SecondsFormat::Secs, true));
        event["eventID"] = json!(format!("{by}-{days}"));
        event
    };
    let mut records: Vec<Value> = (0..22).map(|n| event(10 * n + 1, "daily")).collect();
    records.extend([event(200, "sleeper"), event(2, "sleeper")]);
    fs::create_dir(at("logs")).unwrap();
    fs::write(at("logs/a.json.gz"), gzip(json!({ "Records": records }).to_string().as_bytes())).unwrap();
    fs::create_dir(at("rules")).unwrap();
    fs::write(
        at("rules/woke.yml"),
        "title: Woke\nid: woke\nlevel: high\nlogsource: {product: aws, service: cloudtrail}\ndetection:\n  s:\n    principal: '*'\n  \
         condition: s\ntrailhound: {type: revived, of: principal, rest: 90d}\n",
    )
    .unwrap();
    let (logs, lake, rules) = (at("logs"), at("lake"), at("rules"));
    let done = |args: &[&str]| {
        let run = trailhound(args);
        assert_eq!(run.code, 0, "{args:?}: {}", run.stderr);
        run
    };
    done(&["ingest", text(&logs), "--lake", text(&lake)]);
    let alerts = ["alerts", "--lake", text(&lake), "--rules", text(&rules), "--no-shipped-rules", "--output", "json"];
    let before = done(&alerts).json();
    assert!(before[0]["detail"].as_str().unwrap().contains("rested 198 days"), "{before}");
    done(&["lake", "expire", "--lake", text(&lake), "--keep", "30d"]);
    let count = done(&["query", "SELECT count(*) AS n FROM events", "--lake", text(&lake), "--output", "json"]).json();
    assert!(count[0]["n"].as_i64().unwrap() < 8, "{count}");
    assert_eq!(done(&alerts).json(), before);
}
