//! StreamAlert's own tests: rules of the same meaning, written in Sigma, give the same verdicts.

use std::collections::BTreeSet;

use alerts::{Engine, Lists, Settings, rule};
use ingest::columns::batch_from_json;
use serde_json::Value;

use crate::logs;

#[test]
fn rules_of_the_same_meaning_give_the_same_verdicts() {
    let Some(file) = logs::shared("trails/peers/streamalert_rule_tests.jsonl") else { return };
    let parsed = rule::parse("streamalert.yml", include_str!("streamalert.yml"), &Lists::new());
    assert_eq!(parsed.errors, []);
    let (mut engine, errors) = Engine::new(parsed.rules, &Settings::default());
    assert_eq!(errors, []);
    let tests: Vec<Value> =
        std::fs::read_to_string(file).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    // Rules that a file of tests is about: a record may well match the rules of another.
    let about = |file: &Value| -> BTreeSet<String> {
        let same = tests.iter().filter(|test| test["rule_file"] == *file);
        same.filter_map(|test| test["trigger_rules"].as_array())
            .flatten()
            .map(|r| r.as_str().unwrap().to_owned())
            .collect()
    };
    let (mut compared, mut read) = (0, 0);
    for test in &tests {
        let data = &test["data"];
        let record = match (&data["detail"], &data["Records"][0]) {
            (record @ Value::Object(_), _) | (_, record @ Value::Object(_)) => record.to_string(),
            _ => continue,
        };
        let rows = batch_from_json(&[&record]).unwrap();
        assert_eq!(rows.num_rows(), 1);
        read += 1;
        let Some(expected) = test["trigger_rules"].as_array() else { continue };
        let expected: BTreeSet<String> = expected.iter().map(|rule| rule.as_str().unwrap().to_owned()).collect();
        let mut found = Vec::new();
        engine.matches(&rows, &mut found);
        let meant = about(&test["rule_file"]);
        let fired: BTreeSet<String> = found.iter().map(|m| engine.rules()[m.rule].title.clone()).collect();
        let fired: BTreeSet<String> = fired.intersection(&meant).cloned().collect();
        assert_eq!(fired, expected, "{} {}", test["rule_file"], test["description"]);
        compared += 1;
    }
    eprintln!("{compared} verdicts of StreamAlert's {} tests are the same; {read} records read", tests.len());
    assert!(compared >= 50, "{compared}");
}
