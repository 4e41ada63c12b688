//! Each shape beside its golden file, and each limit with an alert that is as long as can be.
//!
//! `UPDATE_GOLDEN=1 cargo test -p trailhound-deliver golden` writes the files anew; look at the difference.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::path::Path;

use alerts::Severity;
use serde_json::Value;

use super::{alertmanager, eventbridge, json, pagerduty, securityhub, slack, sns};
use crate::message::{Kind, Message};
use crate::notice::Notice;
use crate::samples::{self, NOON, SECOND, about};

const TOPIC: &str = "arn:aws:sns:eu-central-1:111122223333:security-alerts.fifo";

fn message(kind: Kind) -> Message {
    let mut message = Message {
        key: "0123456789abcdef0123456789abcdef".to_owned(),
        kind,
        group: "fedcba9876543210fedcba9876543210".to_owned(),
        labels: BTreeMap::from([("rule".to_owned(), "root-console-login".to_owned())]),
        created: NOON + 100 * SECOND,
        notices: Vec::new(),
        tallies: BTreeMap::new(),
    };
    match kind {
        Kind::Digest => {
            for number in 0..7 {
                let severity = if number == 3 { Severity::Critical } else { Severity::Low };
                let rule = if number < 4 { "access-key-revived" } else { "root-console-login" };
                message.count(&Notice::of(&about(
                    &format!("f{number}"),
                    rule,
                    "arn:aws:iam::111122223333:user/jo",
                    severity,
                )));
            }
        }
        Kind::Alerts | Kind::Resolve => {
            message.notices.push(Notice::of(&samples::alert("00112233445566778899aabbccddeeff")))
        }
    }
    message
}

fn swollen(with: &str, most: usize) -> Message {
    let mut message = message(Kind::Alerts);
    message.notices = vec![Notice::of(&samples::swollen(with)); most];
    message
}

fn hub() -> securityhub::Hub {
    securityhub::Hub {
        account: "111122223333".to_owned(),
        region: "eu-central-1".to_owned(),
        product_arn: "arn:aws:securityhub:eu-central-1:111122223333:product/111122223333/default".to_owned(),
    }
}

fn shapes(message: &Message) -> Vec<(&'static str, Value)> {
    vec![
        ("webhook", json::body(message)),
        ("lines", Value::Array(json::lines(message))),
        ("slack", slack::message(message)),
        ("pagerduty", pagerduty::event(message)),
        ("alertmanager", alertmanager::alerts(message, NOON + 3_700 * SECOND)),
        ("sns", sns::publish(message, TOPIC)),
        ("eventbridge", eventbridge::put_events(message, "default", "trailhound")),
        ("securityhub", securityhub::findings(message, &hub())),
    ]
}

/// JSON within texts as JSON: people read the golden files, and the order of keys is nobody's business.
fn unfolded(value: Value) -> Value {
    match value {
        Value::String(text) if text.starts_with('{') => match serde_json::from_str(&text) {
            Ok(inner) => unfolded(inner),
            Err(_) => Value::String(text),
        },
        Value::Array(items) => Value::Array(items.into_iter().map(unfolded).collect()),
        Value::Object(map) => Value::Object(map.into_iter().map(|(name, item)| (name, unfolded(item))).collect()),
        other => other,
    }
}

#[test]
fn golden() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden");
    for (kind, name) in [(Kind::Alerts, "alert"), (Kind::Digest, "digest"), (Kind::Resolve, "resolve")] {
        for (sink, shape) in shapes(&message(kind)) {
            if kind == Kind::Resolve && sink != "pagerduty" {
                continue;
            }
            let path = folder.join(format!("{sink}-{name}.json"));
            if std::env::var_os("UPDATE_GOLDEN").is_some() {
                std::fs::write(&path, format!("{:#}\n", unfolded(shape.clone()))).unwrap();
            }
            let shape = unfolded(shape);
            let golden: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
            assert_eq!(shape, golden, "{}", path.display());
        }
    }
}

/// Every text in a value, with the path to it.
fn texts<'a>(value: &'a Value, path: &str, out: &mut Vec<(String, &'a str)>) {
    match value {
        Value::String(text) => out.push((path.to_owned(), text)),
        Value::Array(items) => items.iter().for_each(|item| texts(item, path, out)),
        Value::Object(map) => map.iter().for_each(|(name, item)| texts(item, &format!("{path}/{name}"), out)),
        _ => {}
    }
}

#[test]
fn limits_hold_for_the_longest_alerts() {
    for with in ["x", "é", "<", "\u{1}", "\"", "👍"] {
        let few = swollen(with, 8);
        let slack = slack::message(&few);
        assert!(slack["blocks"].as_array().unwrap().len() <= 50);
        let mut all = Vec::new();
        texts(&slack, "", &mut all);
        assert!(all.iter().all(|(_, text)| !text.is_empty() && text.chars().count() <= 3_000));
        assert!(slack["blocks"][0]["text"]["text"].as_str().unwrap().chars().count() <= 150);

        let one = swollen(with, 1);
        let event = pagerduty::event(&one);
        assert!(event["payload"]["summary"].as_str().unwrap().chars().count() <= 1_024);
        assert!(event.to_string().len() <= 512_000, "{with:?}: {}", event.to_string().len());

        let publish = sns::publish(&one, TOPIC);
        assert!(publish["Message"].as_str().unwrap().len() <= 256 * 1024, "{with:?}");
        let subject = publish["Subject"].as_str().unwrap();
        assert!(!subject.is_empty() && subject.len() <= 100 && subject.bytes().all(|b| (b' '..=b'~').contains(&b)));

        let entry = &eventbridge::put_events(&one, "b", "s")["Entries"][0];
        assert!(entry.to_string().len() <= 2 * 256 * 1024 && entry["Detail"].as_str().unwrap().len() <= 256_000);

        let finding = &securityhub::findings(&one, &hub())["Findings"][0];
        assert!(finding.to_string().len() <= 240_000, "{with:?}: {}", finding.to_string().len());
        let mut all = Vec::new();
        texts(finding, "", &mut all);
        for (path, text) in all {
            let most = match path.as_str() {
                "/Title" => 256,
                "/Description" => 1_024,
                "/Id" | "/GeneratorId" | "/Resources/Id" | "/Remediation/Recommendation/Text" => 512,
                _ => 2_048,
            };
            assert!(!text.is_empty() && text.chars().count() <= most, "{path} {}", text.chars().count());
        }
    }
}

/// Markup, mentions and characters that hide text do nothing where people look.
#[test]
fn attackers_text_is_data() {
    let mut hostile = samples::alert("one");
    for text in [&mut hostile.principal, &mut hostile.actor] {
        *text = "arn:aws:iam::1:user/<!channel>\u{202e}\u{1b}]0;pwn\u{7}\n*bold* <http://evil|aws>".to_owned();
    }
    let mut message = message(Kind::Alerts);
    message.notices = vec![Notice::of(&hostile)];
    let mut all = Vec::new();
    let slack = slack::message(&message);
    texts(&slack, "", &mut all);
    for (path, text) in &all {
        assert!(!text.contains("<!") && !text.contains("<http") && !text.contains('\u{202e}'), "{path}: {text}");
    }
    assert!(slack["blocks"].as_array().unwrap().iter().all(|block| !block.to_string().contains("\"mrkdwn\"")));
    for shape in [alertmanager::alerts(&message, NOON), securityhub::findings(&message, &hub())] {
        let mut all = Vec::new();
        texts(&shape, "", &mut all);
        assert!(all.iter().all(|(_, text)| !text.contains(['\u{202e}', '\u{1b}', '\n'])), "{shape}");
    }
    let event = pagerduty::event(&message);
    assert!(!event["payload"]["summary"].as_str().unwrap().contains(['\u{202e}', '\u{1b}', '\n']));
}

#[test]
fn a_region_says_the_partition() {
    assert_eq!(securityhub::partition("cn-north-1"), "aws-cn");
    assert_eq!(securityhub::partition("us-gov-west-1"), "aws-us-gov");
    assert_eq!(securityhub::partition("eu-central-1"), "aws");
}
