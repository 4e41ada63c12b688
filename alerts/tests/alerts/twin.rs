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
    let (engine, _) = Engine::new(rules, &Settings::default());
    let rows = batch_from_json(records).unwrap();
    assert_eq!(rows.num_rows(), records.len());
    let mut found = Vec::new();
    engine.matches(&rows, &mut found);
    let fast: BTreeSet<(String, usize)> =
        found.iter().map(|m| (engine.rules()[m.rule].id.clone(), m.row)).collect();
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
        panic!("{rule} matches by the {by} only: {}", records[*row]);
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

#[test]
fn engine_and_twin_agree_on_real_events() {
    let records = logs::records();
    let records: Vec<&str> = records.iter().map(String::as_str).collect();
    let mut rules = public_rules();
    if records.is_empty() || rules.is_empty() {
        return;
    }
    rules.extend(shipped_rules());
    let mut matches = 0;
    for some in records.chunks(512) {
        matches += agree(&rules, some);
    }
    println!("{} rule files, {} events, {matches} matches, all agree", rules.len(), records.len());
    assert!(records.len() > 3_000 && matches > 1_000, "{} records, {matches} matches", records.len());
}
