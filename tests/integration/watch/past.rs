//! What a process knows that comes to a lake which others have filled.

use chrono::{TimeDelta, Utc};

use super::{Service, Station};
use crate::command::{finished, text, trailhound};
use crate::lake::trail;

const RULE: &str = "title: A call that nobody made before\nid: 00000000-0000-4000-8000-0000000000aa\nstatus: test\nlogsource:\n  product: aws\n  service: cloudtrail\ndetection:\n  selection:\n    eventSource: s3.amazonaws.com\n  condition: selection\ntrailhound:\n  type: first_use\n  of: [accessKey, eventName]\n  min_history: 1d\nlevel: high\n";

const TOGETHER: &str = "title: Deletes\nid: 00000000-0000-4000-8000-0000000000ab\nname: deletes\nstatus: test\nlogsource:\n  product: aws\n  service: cloudtrail\ndetection:\n  selection:\n    eventName: DeleteObject\n  condition: selection\nlevel: low\n---\ntitle: Many deletes\nid: 00000000-0000-4000-8000-0000000000ac\nstatus: test\ncorrelation:\n  type: event_count\n  rules: [deletes]\n  group-by: [userIdentity.arn]\n  timespan: 1h\n  condition:\n    gte: 5\nlevel: high\n";

fn call(id: &str, days_ago: i64, name: &str) -> String {
    let time = (Utc::now() - TimeDelta::days(days_ago)).format("%Y-%m-%dT%H:%M:%SZ").to_string();
    let who = r#","userIdentity":{"type":"IAMUser","arn":"arn:aws:iam::111122223333:user/u","accountId":"111122223333","accessKeyId":"AKIAIOSFODNN7EXAMPLE","userName":"u"}"#;
    trail::event(id, &time, who).replace("GetObject", name)
}

/// Neither is everything a first use, nor nothing, though the lake has no state of a process before.
#[test]
fn rules_that_remember_learn_from_the_lake() {
    let mut station = Station::empty();
    let (logs, before, rules) = (station.world.logs(), station.path("before"), station.path("rule.yml"));
    std::fs::create_dir(&before).unwrap();
    std::fs::write(&rules, RULE.replace("accessKey,", "userIdentity.accessKeyId,")).unwrap();
    std::fs::write(before.join("a.json"), trail::records(&[call("a", 20, "GetObject"), call("b", 3, "PutObject")]))
        .unwrap();
    std::fs::write(logs.join("b.json"), trail::records(&[call("c", 0, "GetObject"), call("d", 0, "DeleteObject")]))
        .unwrap();
    let lake = station.path("lake");
    let ingest = trailhound(&["ingest", text(&before), "--lake", text(&lake)]);
    assert_eq!(ingest.code, 0, "{}", ingest.stderr);
    station.flags = vec!["--rules".to_owned(), text(&rules).to_owned(), "--no-shipped-rules".to_owned()];
    let run = finished(station.command(text(&logs), &["--once"]).output().unwrap());
    assert_eq!(run.code, 0, "{}", run.stderr);
    // Two calls were made before, one of them again; what the lake brought is told by `alerts --lake`.
    let told: Vec<String> = station.table().values().map(|row| row["event_ids"].to_string()).collect();
    assert_eq!(told, ["\"d\""], "{}", run.stderr);
    // The next one goes on from the state.
    std::fs::write(logs.join("c.json"), trail::records(&[call("e", 0, "DeleteObject"), call("f", 0, "ListObjects")]))
        .unwrap();
    let run = finished(station.command(text(&logs), &["--once"]).output().unwrap());
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(!run.stderr.contains("learn from the lake"), "{}", run.stderr);
    let told: Vec<String> = station.table().values().map(|row| row["event_ids"].to_string()).collect();
    assert!(told.len() == 2 && told.contains(&"\"f\"".to_owned()), "{told:?}");
}

/// Several events together are looked for among those that are left, however far ahead another one is dated.
#[test]
fn an_event_of_the_future_makes_no_other_late() {
    let mut station = Station::empty();
    let (logs, rules) = (station.world.logs(), station.path("rule.yml"));
    std::fs::write(&rules, TOGETHER).unwrap();
    station.flags = vec!["--rules".to_owned(), text(&rules).to_owned(), "--no-shipped-rules".to_owned()];
    let ahead = [call("next-year", -400, "GetObject"), call("tomorrow", -1, "GetObject")];
    std::fs::write(logs.join("a.json"), trail::records(&ahead)).unwrap();
    let service = station.service(text(&logs), &[]);
    let rows = |service: &Service| service.figure("trailhound_records_total", "result=\"row\"");
    service.until("the events dated ahead", |service| rows(service) >= 2.0);
    // Longer than a turn: what was passed has been passed.
    std::thread::sleep(std::time::Duration::from_secs(2));
    // More days ago than events may be late.
    let calls: Vec<String> = (0..5).map(|n| call(&format!("call-{n}"), 3, "DeleteObject")).collect();
    std::fs::write(logs.join("b.json"), trail::records(&calls)).unwrap();
    service.until("the others", |service| rows(service) >= 7.0);
    service.until("a commit", |_| station.query("SELECT eventid FROM events").len() == 7);
    assert_eq!(service.figure("trailhound_shed_total", "what=\"late\""), 0.0);
    let (code, said) = service.end();
    assert_eq!(code, 0, "{said}");
    // Nothing more comes: what waited is told.
    assert_eq!(station.once(text(&logs), None).code, 0);
    assert_eq!(station.table().len(), 1);
}
