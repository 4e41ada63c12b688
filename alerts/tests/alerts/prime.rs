//! Rules with memory that know of the time before the events at hand.

use std::sync::Arc;

use alerts::{Alert, Engine, Lists, Settings, rule};
use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use ingest::columns::batch_from_json;
use serde_json::json;

const RULES: &str = "title: First\nid: first\nlogsource: {product: aws, service: cloudtrail}\ndetection:\n  \
    s: {principal|startswith: 'arn:', outcome: ok}\n  by_aws: {userIdentity.invokedBy|exists: true}\n  \
    condition: s and not by_aws\ntrailhound: {type: first_use, of: permission, min_history: 14d}\n---\n\
    title: Tried\nid: tried\nlogsource: {product: aws, service: cloudtrail}\ndetection:\n  s: {eventName: '*'}\n  condition: s\n\
    trailhound: {type: first_use, of: [principal, service], min_history: 14d}\n---\n\
    title: Woke\nid: woke\nlogsource: {product: aws, service: cloudtrail}\ndetection:\n  s: {principal: '*'}\n  condition: s\n\
    trailhound: {type: revived, of: principal, rest: 90d}\n";
const DAY: i64 = 86_400_000_000;
/// 2024-05-01.
const NOW: i64 = 1_714_521_600_000_000;

fn text(values: &[&str]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

fn times(days_ago: &[Option<i64>]) -> ArrayRef {
    let times = days_ago.iter().map(|days| days.map(|days| NOW - days * DAY));
    Arc::new(times.collect::<TimestampMicrosecondArray>().with_timezone("UTC"))
}

/// What is told of calls on the first of May by somebody whose last calls so many days ago are known.
fn told(action: &str, first: i64, last: i64, success: Option<i64>, before: i64) -> Vec<(String, Option<String>)> {
    told_of(3, action, first, last, success, before)
}

/// The same of so many attempts.
fn told_of(
    attempts: i64,
    action: &str,
    first: i64,
    last: i64,
    success: Option<i64>,
    before: i64,
) -> Vec<(String, Option<String>)> {
    let user = "arn:aws:iam::111122223333:user/u";
    let last_used = RecordBatch::try_from_iter([
        ("principal", text(&[user])),
        ("action", text(&[action])),
        ("first_attempt", times(&[Some(first)])),
        ("last_attempt", times(&[Some(last)])),
        ("last_success", times(&[success])),
        ("attempts", Arc::new(Int64Array::from(vec![attempts]))),
        ("regions", text(&["eu-west-1,us-east-1"])),
    ]);
    let days: Vec<Option<i64>> = (1..300).map(Some).collect();
    let coverage =
        RecordBatch::try_from_iter([("account", text(&vec!["111122223333"; days.len()])), ("hour", times(&days))]);
    let (mut engine, errors) = Engine::new(rule::parse("p.yml", RULES, &Lists::new()).rules, &Settings::default());
    assert_eq!(errors, []);
    engine.prime(&last_used.unwrap(), before);
    engine.cover(&coverage.unwrap());
    let call = json!({
        "eventTime": "2024-05-01T12:00:00Z", "eventSource": "iam.amazonaws.com", "eventName": "CreateUser", "eventID": "e",
        "eventType": "AwsApiCall", "awsRegion": "us-east-1", "recipientAccountId": "111122223333",
        "userIdentity": {"type": "IAMUser", "arn": user, "accountId": "111122223333", "userName": "u"},
    });
    engine.observe(&batch_from_json(&[&call.to_string()]).unwrap());
    let alerts: Vec<Alert> = engine.finish().alerts;
    let mut told: Vec<_> = alerts.into_iter().map(|alert| (alert.rule, alert.detail)).collect();
    told.sort();
    told
}

#[test]
fn what_was_used_before_is_no_first_use_and_begins_a_rest() {
    let rules = |told: Vec<(String, Option<String>)>| told.into_iter().map(|(rule, _)| rule).collect::<Vec<_>>();
    let never = ["first", "tried"].map(str::to_owned).to_vec();
    assert_eq!(rules(told("s3:GetObject", 5, 5, Some(5), NOW)), never, "another action");
    assert_eq!(rules(told("iam:CreateUser", 5, 5, Some(5), NOW)), Vec::<String>::new());
    let woke = told("iam:CreateUser", 200, 120, Some(150), NOW);
    assert_eq!(woke.len(), 1);
    assert!(woke[0].1.as_deref().unwrap().contains("rested 120 days"), "{woke:?}");
    // A refused call is no use for a rule that asks for success, and one for a rule that does not.
    assert_eq!(rules(told("iam:CreateUser", 5, 5, None, NOW)), ["first"]);
    // Two attempts are the first and the last; of more, some may have been in between.
    assert_eq!(rules(told_of(2, "iam:CreateUser", 200, 5, Some(200), NOW - 50 * DAY)), ["woke"]);
    assert_eq!(rules(told_of(3, "iam:CreateUser", 200, 5, Some(200), NOW - 50 * DAY)), Vec::<String>::new());
    // What is told by the events themselves is left to them.
    assert_eq!(rules(told("iam:CreateUser", 5, 5, Some(5), NOW - 6 * DAY)), never);
}
