//! The columnar engine against its slow twin: every loadable rule on every real event.

use std::collections::BTreeSet;

use alerts::{Engine, Lists, Settings, pack, rule};
use ingest::batch;
use ingest::columns::batch_from_json;
use proptest::prelude::*;
use rsigma_parser::{SigmaRule, parse_sigma_yaml};
use serde_json::{Value, json};

use crate::{logs, plain};

/// The derived columns, which rules of ours may ask for, added to the record that the twin reads.
const DERIVED: [&str; 5] = ["service", "action", "principal", "actor", "outcome"];

fn with_derived(records: &[&str], rows: &arrow::array::RecordBatch) -> Vec<Value> {
    let columns: Vec<_> = DERIVED.iter().map(|name| (*name, batch::text(rows, name))).collect();
    records
        .iter()
        .enumerate()
        .map(|(row, record)| {
            let mut record: Value = serde_json::from_str(record).unwrap();
            for (name, column) in &columns {
                if let Some(text) = column.get(row) {
                    record[*name] = json!(text);
                }
            }
            record
        })
        .collect()
}

/// Numbers (in `rules`) and rows of all matches by both ways; panics where they differ.
fn agree(yamls: &[(String, String)], records: &[&str]) -> usize {
    let mut plain_rules: Vec<SigmaRule> = Vec::new();
    let mut rules = Vec::new();
    for (file, yaml) in yamls {
        let parsed = rule::parse(file, yaml, &Lists::new());
        if parsed.errors.is_empty() {
            rules.extend(parsed.rules);
            plain_rules.extend(parse_sigma_yaml(yaml).unwrap().rules);
        }
    }
    let (mut engine, _) = Engine::new(rules, &Settings::default());
    let rows = batch_from_json(records).unwrap();
    assert_eq!(rows.num_rows(), records.len());
    let mut found = Vec::new();
    engine.matches(&rows, &mut found);
    let fast: BTreeSet<(String, usize)> = found.iter().map(|m| (engine.rules()[m.rule].id.clone(), m.row)).collect();
    assert_eq!(fast.len(), found.len(), "a rule matched a row twice");
    let mut slow = BTreeSet::new();
    for (row, record) in with_derived(records, &rows).iter().enumerate() {
        for rule in &plain_rules {
            if plain::holds(rule, record) {
                slow.insert((rule.id.clone().unwrap(), row));
            }
        }
    }
    if let Some((rule, row)) = fast.symmetric_difference(&slow).next() {
        let by = if fast.contains(&(rule.clone(), *row)) { "engine" } else { "twin" };
        let yaml = yamls.iter().find(|(_, yaml)| yaml.contains(rule.as_str())).map_or("", |(_, yaml)| yaml);
        panic!("{rule} matches by the {by} only: {}\n{yaml}", records[*row]);
    }
    fast.len()
}

fn public_rules() -> Vec<(String, String)> {
    let Some(folder) = logs::shared("sigma") else { return Vec::new() };
    let files = ["sigmahq", "suzaku"].iter().flat_map(|set| logs::files(&folder.join(set), ".yml"));
    files.map(|file| (file.display().to_string(), std::fs::read_to_string(&file).unwrap())).collect()
}

fn shipped_rules() -> Vec<(String, String)> {
    pack::SHIPPED.iter().map(|(name, yaml)| ((*name).to_owned(), (*yaml).to_owned())).collect()
}

/// Parts of the real events: unoptimised, the twin is slow, and parts are run at once.
const PARTS: usize = 5;

fn agree_on_part(part: usize) {
    let records = logs::records();
    let records: Vec<&str> = records.iter().skip(part).step_by(PARTS).map(String::as_str).collect();
    let mut rules = public_rules();
    if records.is_empty() || rules.is_empty() {
        return;
    }
    rules.extend(shipped_rules());
    let mut matches = 0;
    for some in records.chunks(512) {
        matches += agree(&rules, some);
    }
    eprintln!("{} rule files, {} events, {matches} matches, all agree", rules.len(), records.len());
    assert!(records.len() > 500 && matches > 100, "{} records, {matches} matches", records.len());
}

#[test]
fn engine_and_twin_agree_on_real_events_1() {
    agree_on_part(0);
}

#[test]
fn engine_and_twin_agree_on_real_events_2() {
    agree_on_part(1);
}

#[test]
fn engine_and_twin_agree_on_real_events_3() {
    agree_on_part(2);
}

#[test]
fn engine_and_twin_agree_on_real_events_4() {
    agree_on_part(3);
}

#[test]
fn engine_and_twin_agree_on_real_events_5() {
    agree_on_part(4);
}

fn value() -> impl Strategy<Value = Value> {
    let scalar = prop::sample::select(vec![
        json!("Alpha"),
        json!("alphabet"),
        json!("Beta Alpha"),
        json!("10.0.0.7"),
        json!("5"),
        json!(5),
        json!(1.5),
        json!(true),
        json!("true"),
        json!("be\"ta\\"),
        json!("ÄLPHA"),
        json!("2024-05-01T00:00:00Z"),
        json!("inf"),
        json!(null),
        json!(""),
    ]);
    let list = prop::collection::vec(scalar.clone(), 0..3).prop_map(Value::from);
    let object = scalar.clone().prop_map(|v| json!({ "b": v }));
    let objects = prop::collection::vec(object.clone(), 0..3).prop_map(Value::from);
    prop_oneof![6 => scalar, 1 => list, 1 => object, 1 => objects]
}

const FIELDS: [&str; 13] = [
    "eventName",
    "eventSource",
    "errorCode",
    "readOnly",
    "sourceIPAddress",
    "userIdentity.type",
    "userIdentity.sessionContext.attributes.mfaAuthenticated",
    "userIdentity.brandNew",
    "requestParameters",
    "requestParameters.b",
    "requestParameters.a.b",
    "resources.ARN",
    "eventContext.b",
];

/// Few fields, so that rule and record are mostly about the same ones, where columns, lists and `extra` meet.
const FEW: [&str; 4] = ["eventName", "errorCode", "userIdentity.brandNew", "resources.ARN"];

/// A record with some of the fields, of any type.
fn record(fields: &'static [&'static str]) -> impl Strategy<Value = Value> {
    prop::collection::vec((prop::sample::select(fields), value()), 0..8).prop_map(|fields| {
        let mut record = json!({ "eventTime": "2024-05-01T00:00:00Z" });
        for (path, value) in fields {
            let segments: Vec<&str> = path.split('.').collect();
            put(&mut record, &segments, value);
        }
        record
    })
}

fn put(into: &mut Value, path: &[&str], value: Value) {
    let [first, rest @ ..] = path else {
        *into = value;
        return;
    };
    if !into.is_object() {
        *into = json!({});
    }
    if *first == "resources" {
        into["resources"] = json!([{ "ARN": value }, { "type": "AWS::S3::Bucket" }]);
    } else {
        put(&mut into[*first], rest, value);
    }
}

fn item(fields: &'static [&'static str]) -> impl Strategy<Value = String> {
    let modifiers = ["", "|contains", "|startswith", "|endswith", "|cased", "|neq", "|contains|all", "|re", "|re|i"];
    let text =
        prop::sample::select(vec!["alpha", "Alpha", "alph*", "?lpha", "*be?a*", "5", "true", "10.0.0.7", "älpha"]);
    let worded =
        (prop::sample::select(fields), prop::sample::select(modifiers.to_vec()), prop::collection::vec(text, 1..3))
            .prop_map(|(field, modifier, values)| {
                // A star at the start is no regular expression.
                let values: Vec<_> = values.iter().map(|v| v.trim_start_matches(['*', '?'])).collect();
                format!("{field}{modifier}: ['{}']", values.join("', '"))
            });
    let other = (prop::sample::select(fields), 0..12).prop_map(|(field, which)| match which {
        0 => format!("{field}|exists: true"),
        1 => format!("{field}|exists: false"),
        2 => format!("{field}: null"),
        3 => format!("{field}|gte: 5"),
        4 => format!("{field}|lt: 5"),
        5 => format!("{field}|cidr: 10.0.0.0/24"),
        6 => format!("{field}|fieldref: requestParameters.b"),
        7 => format!("{field}|fieldref|startswith: requestParameters.a.b"),
        8 => format!("{field}|contains|fieldref|neq: eventName"),
        9 => format!("{field}|month: 5"),
        10 => format!("{field}|hour|lt: 1"),
        _ => format!("{field}: ['*alp?a*', 1.5, true, '']"),
    });
    prop_oneof![2 => worded, 1 => other]
}

type Generated = (Vec<String>, &'static str, &'static str, Vec<Value>);

/// Items of a rule, its condition and keyword, and the records that it is asked about.
fn generated(fields: &'static [&'static str]) -> impl Strategy<Value = Generated> {
    let conditions = vec!["a", "a and b", "a or not b", "not a", "1 of them", "all of them and not k", "k"];
    (
        prop::collection::vec(item(fields), 3),
        prop::sample::select(conditions),
        prop::sample::select(vec!["alpha", "be?a", "5", "zzz"]),
        prop::collection::vec(record(fields), 1..6),
    )
}

fn agree_on((items, condition, keyword, records): Generated) -> Result<(), TestCaseError> {
    let yaml = format!(
        "title: generated\nid: generated\nlogsource: {{product: aws, service: cloudtrail}}\ndetection:\n  \
         a:\n    {}\n  b:\n    - {}\n    - {}\n  k: ['{keyword}']\n  condition: {condition}\n",
        items[0], items[1], items[2],
    );
    let records: Vec<String> = records.iter().map(Value::to_string).collect();
    let records: Vec<&str> = records.iter().map(String::as_str).collect();
    let parsed = rule::parse("generated", &yaml, &Lists::new());
    prop_assert!(parsed.errors.is_empty(), "{:?}\n{yaml}", parsed.errors);
    agree(&[("generated".to_owned(), yaml)], &records);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

    #[test]
    fn engine_and_twin_agree_on_generated_rules(generated in generated(&FIELDS)) {
        agree_on(generated)?;
    }

    #[test]
    fn engine_and_twin_agree_on_generated_rules_of_few_fields(generated in generated(&FEW)) {
        agree_on(generated)?;
    }
}
