//! The shipped pack: every rule with its events that hit and its events that miss.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use alerts::{Engine, Lists, Outcome, Rule, Settings, pack, rule};
use ingest::columns::batch_from_json;
use serde_json::Value;

use crate::logs;

pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("rules")
}

/// What the shipped pack says to these records.
pub(crate) fn judge(records: &[String]) -> Outcome {
    static SHIPPED: OnceLock<Vec<Rule>> = OnceLock::new();
    let rules = SHIPPED.get_or_init(pack::shipped).clone();
    let (mut engine, errors) = Engine::new(rules, &Settings::default());
    assert!(errors.is_empty(), "{errors:?}");
    let texts: Vec<&str> = records.iter().map(String::as_str).collect();
    let rows = batch_from_json(&texts).unwrap();
    assert_eq!(rows.num_rows(), texts.len(), "a record was refused");
    engine.observe(&rows);
    engine.finish()
}

/// What one rule of the pack, with the rules that it is built on, says to these records: a thousand cases are judged,
/// and the whole pack is not needed for each.
fn judge_by(name: &str, yaml: &str, records: &[String]) -> bool {
    // Rules of rest explain one another: a key that wakes explains its user.
    let rest = "type: revived";
    let built_on = |text: &str| {
        let names = text.lines().filter_map(|line| line.strip_prefix("name: "));
        names.map(|name| format!("    - {name}\n")).any(|entry| yaml.contains(&entry))
    };
    let files = pack::SHIPPED
        .iter()
        .filter(|(other, text)| *other == name || built_on(text) || (yaml.contains(rest) && text.contains(rest)));
    let rules = files.flat_map(|(other, yaml)| rule::parse(other, yaml, &Lists::new()).rules).collect();
    let (mut engine, errors) = Engine::new(rules, &Settings::default());
    assert!(errors.is_empty(), "{errors:?}");
    let texts: Vec<&str> = records.iter().map(String::as_str).collect();
    let rows = batch_from_json(&texts).unwrap();
    assert_eq!(rows.num_rows(), texts.len(), "a record was refused");
    engine.observe(&rows);
    engine.finish().alerts.iter().any(|alert| alert.rule == name)
}

/// The records of one line of an events file.
pub(crate) fn records(line: &Value) -> Vec<String> {
    match (&line["record"], &line["records"]) {
        (Value::Object(record), Value::Null) => vec![Value::Object(record.clone()).to_string()],
        (Value::Null, Value::Array(records)) => records.iter().map(Value::to_string).collect(),
        _ => panic!("a line has `record` or `records`: {line}"),
    }
}

#[test]
fn every_rule_hits_and_misses_as_its_events_say() {
    let mut wrong = Vec::new();
    for (name, yaml) in pack::SHIPPED {
        let text = std::fs::read_to_string(folder().join(format!("{name}.events.jsonl"))).unwrap();
        let mut seen: BTreeMap<String, usize> = BTreeMap::new();
        for line in text.lines() {
            let line: Value = serde_json::from_str(line).unwrap();
            let expect = line["expect"].as_str().unwrap().to_owned();
            if judge_by(name, yaml, &records(&line)) != (expect == "hit") {
                wrong.push(format!("{name}: expected a {expect}: {}", line["why"]));
            }
            *seen.entry(expect).or_default() += 1;
        }
        let enough = |what| seen.get(what).is_some_and(|cases| *cases >= 2);
        assert!(enough("hit") && enough("miss"), "{name} needs two hits and two misses: {seen:?}");
        assert_eq!(seen.len(), 2, "{name}: expect is hit or miss");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_table_lists_every_file_and_every_rule_is_complete() {
    let listed: BTreeSet<String> = pack::SHIPPED.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(listed.len(), pack::SHIPPED.len());
    assert!(pack::SHIPPED.is_sorted_by_key(|(name, _)| *name));
    let on_disk: BTreeSet<String> = logs::files(&folder(), ".yml")
        .iter()
        .map(|file| file.file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    assert_eq!(listed, on_disk);
    let mut ids = BTreeSet::new();
    for (name, yaml) in pack::SHIPPED {
        let parsed = rule::parse(name, yaml, &Lists::new());
        assert!(parsed.errors.is_empty(), "{:?}", parsed.errors);
        for rule in &parsed.rules {
            let about = &rule.about;
            assert!(ids.insert(about.id.clone()), "{name}: id used twice");
            assert_eq!(about.id.len(), 36, "{name}: the id is a UUID");
            assert_eq!(about.license.as_deref(), Some("Apache-2.0"));
            assert!(about.author.is_some() && about.description.len() > 40 && !about.tags.is_empty(), "{name}");
        }
        let main = parsed.rules.iter().find(|rule| rule.about.name == *name);
        let about = &main.unwrap_or_else(|| panic!("{name}: no rule of the file has its name")).about;
        assert!(
            !about.response.is_empty() && !about.false_positives.is_empty() && !about.references.is_empty(),
            "{name}"
        );
    }
}

#[test]
fn an_alert_tells_the_whole_story() {
    let line = std::fs::read_to_string(folder().join("root-console-login.events.jsonl")).unwrap();
    let line: Value = serde_json::from_str(line.lines().next().unwrap()).unwrap();
    let outcome = judge(&records(&line));
    let alert = &outcome.alerts[0];
    assert_eq!(alert.rule, "root-console-login");
    let json = serde_json::to_value(alert).unwrap();
    assert_eq!(json["severity"], "critical");
    assert_eq!(json["time"], line["record"]["eventTime"]);
    assert_eq!(json["principal"], "arn:aws:iam::111122223333:root");
    assert_eq!(json["account"], "111122223333");
    assert_eq!(json["source_addresses"][0], line["record"]["sourceIPAddress"]);
    assert_eq!(json["event_ids"][0], line["record"]["eventID"]);
    assert_eq!(json["what"][0], "signin:ConsoleLogin");
    assert!(json["next"].as_array().is_some_and(|steps| steps.len() > 2));
}

/// Rules of ours that mean what a StreamAlert rule means. Its other rules have no counterpart here yet.
const STREAMALERT: [(&str, &[&str]); 5] = [
    ("cloudtrail_security_group_ingress_anywhere", &["security-group-opened"]),
    ("cloudtrail_root_account_usage", &["root-use", "root-console-login", "root-console-login-failed"]),
    ("cloudtrail_snapshot_or_ami_made_public", &["snapshot-or-image-made-public"]),
    ("cloudtrail_put_bucket_acl", &["opened-by-acl"]),
    ("cloudtrail_put_object_acl_public", &["opened-by-acl"]),
];

#[test]
fn streamalert_tests_of_the_same_meaning_agree() {
    let Some(file) = logs::shared("trails/peers/streamalert_rule_tests.jsonl") else { return };
    let mut compared = 0;
    for line in std::fs::read_to_string(file).unwrap().lines() {
        let test: Value = serde_json::from_str(line).unwrap();
        let rule_file = test["rule_file"].as_str().unwrap();
        let Some((rule, ours)) = STREAMALERT.iter().find(|(rule, _)| rule_file.contains(rule)) else {
            continue;
        };
        // One file tests a publisher, and one test an allow-list of that product's.
        if rule_file.contains("publisher_example") || line.contains("example-bucket-to-ignore") {
            continue;
        }
        let data = &test["data"];
        let record = if data["detail"].is_object() { data["detail"].clone() } else { data["Records"][0].clone() };
        let outcome = judge(&[record.to_string()]);
        let fired: BTreeSet<&str> = outcome.alerts.iter().map(|alert| alert.rule.as_str()).collect();
        let expected = test["trigger_rules"].as_array().unwrap().iter().any(|r| r == rule);
        let hit = ours.iter().any(|rule| fired.contains(rule));
        assert_eq!(hit, expected, "{}: {fired:?}", test["description"]);
        compared += 1;
    }
    eprintln!("{compared} StreamAlert tests agree");
    assert!(compared >= 12, "{compared}");
}
