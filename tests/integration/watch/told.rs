//! What a run says of alerts that nobody hears, of events that came too late, and of names that others wrote.

use super::Station;
use crate::command::text;
use crate::lake::trail;

const LOGINS: &str = "title: A root login\nid: 00000000-0000-4000-8000-0000000000ad\nname: root-login\nstatus: test\nlogsource:\n  product: aws\n  service: cloudtrail\ndetection:\n  selection:\n    eventName: ConsoleLogin\n  condition: selection\nlevel: critical\n";
const BURST: &str = "title: Deletes\nid: 00000000-0000-4000-8000-0000000000ae\nname: deletes\nstatus: test\nlogsource:\n  product: aws\n  service: cloudtrail\ndetection:\n  selection:\n    eventName: DeleteObject\n  condition: selection\nlevel: low\n---\ntitle: Many deletes\nid: 00000000-0000-4000-8000-0000000000af\nstatus: test\ncorrelation:\n  type: event_count\n  rules: [deletes]\n  group-by: [userIdentity.arn]\n  timespan: 1h\n  condition:\n    gte: 2\nlevel: high\n";

fn call(id: &str, time: &str, name: &str, account: &str) -> String {
    let who = format!(
        r#","recipientAccountId":"{account}","userIdentity":{{"type":"Root","arn":"arn:aws:iam::{account}:root","accountId":"{account}"}}"#
    );
    trail::event(id, time, &who).replace("GetObject", name)
}

fn with_rule(rule: &str) -> Station {
    let mut station = Station::empty();
    let path = station.path("rule.yml");
    std::fs::write(&path, rule).unwrap();
    station.flags = vec!["--rules".to_owned(), text(&path).to_owned(), "--no-shipped-rules".to_owned()];
    station
}

#[test]
fn every_silenced_alert_of_a_batch_is_told_as_that() {
    let station = with_rule(LOGINS);
    let sinks = std::fs::read_to_string(station.path("delivery.toml")).unwrap();
    let silence = "[[silences]]\nreason = 'pentest'\nuntil = '2099-01-01T00:00:00Z'\nrules = ['root-login']\n";
    std::fs::write(station.path("delivery.toml"), format!("{sinks}{silence}")).unwrap();
    let now = chrono::Utc::now().format("%Y-%m-%dT%H:%M:%SZ").to_string();
    let logins: Vec<String> =
        (0..5).map(|n| call(&format!("login-{n}"), &now, "ConsoleLogin", &format!("11112222333{n}"))).collect();
    std::fs::write(station.world.logs().join("a.json"), trail::records(&logins)).unwrap();
    let run = station.once(text(&station.world.logs()), None);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let states: Vec<_> = station.table().into_values().map(|row| row["state"].as_str().unwrap().to_owned()).collect();
    assert_eq!(states, ["silenced"; 5]);
    assert!(station.hook.bodies().is_empty());
}

#[test]
fn what_came_too_late_for_a_burst_is_said() {
    let station = with_rule(BURST);
    let logs = station.world.logs();
    let delete = |id: &str, time: &str| call(id, time, "DeleteObject", "111122223333");
    std::fs::write(logs.join("a.json"), trail::records(&[delete("a", "2026-03-20T00:00:00Z")])).unwrap();
    station.once(text(&logs), None);
    // What is there at the start may come in any order; what comes afterwards may not.
    std::fs::write(logs.join("b.json"), trail::records(&[delete("b", "2026-03-01T00:00:00Z")])).unwrap();
    std::fs::write(logs.join("c.json"), trail::records(&[delete("c", "2026-03-01T00:01:00Z")])).unwrap();
    let run = station.once(text(&logs), None);
    assert!(run.stderr.contains("came later than --allowed-lateness"), "{}", run.stderr);
    // It was said; a run that finds nothing new has nothing to say of it.
    let again = station.once(text(&logs), None);
    assert!(!again.stderr.contains("came later"), "{}", again.stderr);
}

#[test]
fn a_folder_that_goes_away_keeps_no_other_back() {
    let station = with_rule(LOGINS);
    let (logs, share) = (station.world.logs(), station.path("share"));
    std::fs::create_dir(&share).unwrap();
    let service = station.service(text(&logs), &["--source", text(&share)]);
    service.until("the beginning", |service| service.figure("trailhound_ready", "") > 0.0);
    std::fs::rename(&share, station.path("share.gone")).unwrap();
    let login = |id: &str, account: &str| {
        let now = chrono::Utc::now().format("%Y-%m-%dT%H:%M:%SZ").to_string();
        trail::records(&[call(id, &now, "ConsoleLogin", account)])
    };
    std::fs::write(logs.join("a.json"), login("a", "111122223333")).unwrap();
    service.until("the alert of the other folder", |_| station.hook.told().len() == 1);
    std::fs::rename(station.path("share.gone"), &share).unwrap();
    std::fs::write(share.join("b.json"), login("b", "111122224444")).unwrap();
    service.until("the alert of the folder that is there again", |_| station.hook.told().len() == 2);
    let (code, said) = service.end();
    assert!(code == 0 && said.contains("a folder cannot be listed; the others are read"), "{code} {said}");
}

#[test]
fn a_name_that_somebody_wrote_ends_no_line_of_the_log() {
    let station = with_rule(LOGINS);
    let logs = station.world.logs();
    std::fs::write(logs.join("evil\u{1b}[31m\nERROR forged.json"), "{\"Records\":[{\"a\":1}]}").unwrap();
    let run = station.once(text(&logs), None);
    assert!(run.stderr.contains("forged.json"), "{}", run.stderr);
    assert!(!run.stderr.contains('\u{1b}'), "{:?}", run.stderr);
    assert!(!run.stderr.lines().any(|line| line.starts_with("ERROR forged")), "{:?}", run.stderr);
}

#[test]
fn no_rule_at_all_is_said() {
    let mut station = Station::empty();
    let rules = station.path("rules");
    std::fs::create_dir(&rules).unwrap();
    station.flags = vec!["--rules".to_owned(), text(&rules).to_owned(), "--no-shipped-rules".to_owned()];
    let logs = station.world.logs();
    std::fs::write(
        logs.join("a.json"),
        trail::records(&[call("a", "2026-03-02T00:00:00Z", "GetObject", "111122223333")]),
    )
    .unwrap();
    let run = station.once(text(&logs), None);
    assert!(run.stderr.contains("there is no rule"), "{}", run.stderr);
}
