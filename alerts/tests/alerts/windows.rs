//! Correlations over event time: when their conditions hold, and when they do not.

use alerts::{Alert, Engine, Lists, Settings, rule};
use ingest::columns::batch_from_json;
use serde_json::json;

/// Alerts of a correlation over the rules `made` and `gone`, for events given as second, name, user and region.
fn alerts(correlation: &str, events: &[(i64, &str, &str, &str)]) -> Vec<Alert> {
    let base = |name: &str, event: &str| {
        format!(
            "title: {name}\nid: {name}\nlogsource: {{product: aws, service: cloudtrail}}\n\
             detection:\n  s:\n    eventName: {event}\n  condition: s\n---\n"
        )
    };
    let yaml = format!(
        "{}{}title: c\nid: c\nlevel: high\ncorrelation:\n{correlation}",
        base("made", "CreateUser"),
        base("gone", "DeleteUser")
    );
    let parsed = rule::parse("c.yml", &yaml, &Lists::new());
    assert!(parsed.errors.is_empty(), "{:?}", parsed.errors);
    let (mut engine, errors) = Engine::new(parsed.rules, &Settings::default());
    assert!(errors.is_empty(), "{errors:?}");
    let mut records: Vec<String> = events
        .iter()
        .enumerate()
        .map(|(at, (second, name, user, region))| {
            let (minutes, seconds) = (second / 60, second % 60);
            json!({
                "eventTime": format!("2024-05-06T07:{minutes:02}:{seconds:02}Z"), "eventName": name, "eventID": format!("e{at:03}"),
                "awsRegion": region, "eventSource": "iam.amazonaws.com", "recipientAccountId": "111122223333",
                "userIdentity": {"type": "IAMUser", "arn": format!("arn:aws:iam::111122223333:user/{user}")},
            })
            .to_string()
        })
        .collect();
    records.reverse();
    for record in &records {
        engine.observe(&batch_from_json(&[record]).unwrap());
    }
    engine.finish().alerts.into_iter().filter(|alert| alert.rule == "c").collect()
}

const USERS: &str = "  rules: [made]\n  group-by: [principal]\n  timespan: 1m\n";

#[test]
fn a_window_reaches_back_by_the_timespan_and_no_further() {
    let count = format!("  type: event_count\n{USERS}  condition: {{gte: 3}}\n");
    let made = |second| (second, "CreateUser", "a", "r");
    let hit = alerts(&count, &[made(0), made(30), made(59)]);
    assert_eq!((hit.len(), hit[0].count), (1, 3));
    assert_eq!(hit[0].detail.as_deref(), Some("3 events within 1 min for principal arn:aws:iam::111122223333:user/a"));
    assert_eq!(alerts(&count, &[made(0), made(30), made(60)]).len(), 1, "a minute apart is within a minute");
    assert!(alerts(&count, &[made(0), made(30), made(61)]).is_empty());
    assert!(alerts(&count, &[made(0), made(30), (40, "CreateUser", "b", "r")]).is_empty(), "two groups");
    assert!(alerts(&count, &[made(0), made(30), (40, "DeleteUser", "a", "r")]).is_empty(), "another rule's event");
}

#[test]
fn windows_that_overlap_are_one_alert_and_others_are_not() {
    let count = format!("  type: event_count\n{USERS}  condition: {{gte: 2}}\n");
    let made = |second| (second, "CreateUser", "a", "r");
    let found = alerts(&count, &[made(0), made(50), made(100), made(150), made(400), made(600), made(610)]);
    assert_eq!(found.iter().map(|alert| alert.count).collect::<Vec<_>>(), [4, 2]);
    assert_eq!(found[1].event_ids, ["e005", "e006"]);
}

#[test]
fn distinct_values_and_ranges_are_counted() {
    let values = format!("  type: value_count\n{USERS}  condition: {{gte: 2, field: awsRegion}}\n");
    assert!(alerts(&values, &[(0, "CreateUser", "a", "r"), (1, "CreateUser", "a", "r")]).is_empty());
    assert_eq!(alerts(&values, &[(0, "CreateUser", "a", "r"), (1, "CreateUser", "a", "q")]).len(), 1);
    let late = [(0, "CreateUser", "a", "q"), (50, "CreateUser", "a", "r"), (100, "CreateUser", "a", "r")];
    assert_eq!(alerts(&values, &late)[0].count, 2, "the first region has left the window");
    let exact = format!("  type: event_count\n{USERS}  condition: {{gt: 1, lt: 3}}\n");
    assert_eq!(alerts(&exact, &[(0, "CreateUser", "a", "r"), (1, "CreateUser", "a", "r")]).len(), 1);
}

#[test]
fn temporal_needs_every_rule() {
    let both = "  type: temporal\n  rules: [made, gone]\n  group-by: [principal]\n  timespan: 1m\n";
    assert_eq!(alerts(both, &[(0, "DeleteUser", "a", "r"), (30, "CreateUser", "a", "r")]).len(), 1, "in any order");
    assert!(alerts(both, &[(0, "CreateUser", "a", "r"), (30, "CreateUser", "a", "r")]).is_empty());
    assert!(alerts(both, &[(0, "CreateUser", "a", "r"), (70, "DeleteUser", "a", "r")]).is_empty());
}

#[test]
fn events_without_a_group_value_are_a_group() {
    let count =
        "  type: event_count\n  rules: [made]\n  group-by: [userAgent]\n  timespan: 1m\n  condition: {gte: 2}\n";
    let found = alerts(count, &[(0, "CreateUser", "a", "r"), (1, "CreateUser", "b", "r")]);
    assert_eq!(found[0].detail.as_deref(), Some("2 events within 1 min for userAgent (none)"));
}
