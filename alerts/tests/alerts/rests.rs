//! When a key wakes, its user wakes: which of the two is told, and what no rule may silence.

use alerts::{Engine, Lists, Settings, rule};
use ingest::columns::batch_from_json;

/// An account with an event each day, and one who slept half a year of it.
fn records() -> Vec<String> {
    let event = |day: i64, who: &str| {
        let time = chrono::DateTime::from_timestamp(1_767_225_600 + day * 86_400, 0).unwrap().to_rfc3339();
        let time = time.replace("+00:00", "Z");
        format!(
            r#"{{"eventVersion":"1.08","eventID":"{who}-{day}","eventTime":"{time}","eventSource":"iam.amazonaws.com","eventName":"ListUsers","awsRegion":"us-east-1","recipientAccountId":"111122223333","userIdentity":{{"type":"IAMUser","arn":"arn:aws:iam::111122223333:user/{who}","accountId":"111122223333","accessKeyId":"AKIA{who}"}}}}"#
        )
    };
    let mut records: Vec<String> = (0..220).map(|day| event(day, "daily")).collect();
    records.extend([event(1, "sleeper"), event(215, "sleeper")]);
    records
}

fn told(key: &str, principal: &str) -> Vec<String> {
    let one = |of: &str, level: &str| {
        format!(
            "title: {of}\nid: {of}\nlevel: {level}\nlogsource: {{product: aws, service: cloudtrail}}\ndetection:\n  s: {{eventName: '*'}}\n  \
             condition: s\ntrailhound: {{type: revived, of: {of}, rest: 90d}}\n"
        )
    };
    let yaml = [one("access_key", key), one("principal", principal)].join("---\n");
    let parsed = rule::parse("f", &yaml, &Lists::new());
    assert!(parsed.errors.is_empty(), "{:?}", parsed.errors);
    let (mut engine, errors) = Engine::new(parsed.rules, &Settings::default());
    assert_eq!(errors, []);
    let records = records();
    let records: Vec<&str> = records.iter().map(String::as_str).collect();
    engine.observe(&batch_from_json(&records).unwrap());
    let mut told: Vec<String> = engine.finish().alerts.into_iter().map(|alert| alert.rule).collect();
    told.sort();
    told
}

#[test]
fn a_key_that_wakes_explains_its_user() {
    assert_eq!(told("high", "high"), ["access_key"]);
    assert_eq!(told("high", "low"), ["access_key"]);
}

#[test]
fn no_rule_silences_a_worse_one() {
    assert_eq!(told("low", "critical"), ["access_key", "principal"]);
}
