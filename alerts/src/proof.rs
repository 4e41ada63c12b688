//! Rules proved by events: beside `NAME.yml` stands `NAME.events.jsonl`, with events that hit and events that miss.
//!
//! Each line is `{"expect": "hit" or "miss", "why": "…", "record": {…}}`, or `"records": […]` where one event is not
//! enough. A rule is judged beside all rules that remember, because one alert may explain another. Knows files and rules,
//! and not how they are told.

use std::path::Path;

use hashbrown::HashMap;
use ingest::columns::batch_from_json;
use serde::Serialize;
use serde_json::Value;

use crate::engine::Engine;
use crate::file::text;
use crate::rule::{Logic, Rule};
use crate::settings::Settings;

/// Largest file of events, in bytes.
const MAX_FILE_BYTES: usize = 64 * 1024 * 1024;

/// What the events say of one file of rules.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Proof {
    /// The file of rules.
    pub file: String,
    /// Cases that must alert.
    pub hits: usize,
    /// Cases that must not.
    pub misses: usize,
    /// What went wrong, with the line of the events file.
    pub wrong: Vec<Wrong>,
}

/// A case that did not come out as it says, or that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Wrong {
    /// Line in the file of events, from 1; `None` for the whole file.
    pub line: Option<usize>,
    /// What was expected, and why; or what is wrong with the line.
    pub reason: String,
}

/// Judges every file that has events beside it. A file without any has a proof of no cases.
pub fn prove(all: &[Rule]) -> Vec<Proof> {
    let mut by_file: HashMap<&str, Vec<&Rule>> = HashMap::new();
    for rule in all {
        by_file.entry(&rule.about.file).or_default().push(rule);
    }
    let mut files: Vec<_> = by_file.into_iter().collect();
    files.sort_unstable_by_key(|(file, _)| *file);
    files.into_iter().map(|(file, rules)| prove_file(file, &rules, all)).collect()
}

/// The rules of a file, those that its correlations are over, and those that remember.
fn needed<'a>(rules: &[&'a Rule], all: &'a [Rule]) -> Vec<&'a Rule> {
    let mut needed = rules.to_vec();
    let mut at = 0;
    while let Some(rule) = needed.get(at).copied() {
        at += 1;
        let Logic::Correlation(correlation) = &rule.logic else { continue };
        for other in all.iter().filter(|other| correlation.rules.iter().any(|name| other.about.is_called(name))) {
            if !needed.iter().any(|known| known.about.id == other.about.id) {
                needed.push(other);
            }
        }
    }
    let remembers = |rule: &&Rule| matches!(rule.logic, Logic::Memory(..));
    let others: Vec<&Rule> =
        all.iter().filter(remembers).filter(|r| !needed.iter().any(|k| k.about.id == r.about.id)).collect();
    needed.extend(others);
    needed
}

fn prove_file(file: &str, rules: &[&Rule], all: &[Rule]) -> Proof {
    let mut proof = Proof { file: file.to_owned(), ..Proof::default() };
    let events = Path::new(file).with_extension("events.jsonl");
    if !events.exists() {
        return proof;
    }
    let text = match text(&events, MAX_FILE_BYTES) {
        Ok(text) => text,
        Err(reason) => {
            proof.wrong.push(Wrong { line: None, reason });
            return proof;
        }
    };
    let run: Vec<Rule> = needed(rules, all).into_iter().cloned().collect();
    // Of several rules in a file one may have its name; the others are then its parts.
    let stem = Path::new(file).file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    let named: Vec<&&Rule> = rules.iter().filter(|rule| rule.about.is_called(stem)).collect();
    let meant: Vec<&str> = match named.is_empty() {
        true => rules.iter().map(|rule| rule.about.id.as_str()).collect(),
        false => named.iter().map(|rule| rule.about.id.as_str()).collect(),
    };
    for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        match judge(line, &run, &meant) {
            Ok((true, true)) => proof.hits += 1,
            Ok((false, false)) => proof.misses += 1,
            Ok((expected, _)) => {
                let (expected, got) = if expected { ("a hit", "a miss") } else { ("a miss", "a hit") };
                let why =
                    serde_json::from_str::<Value>(line).ok().and_then(|l| Some(l.get("why")?.as_str()?.to_owned()));
                let reason = format!("expected {expected}, got {got}: {}", why.unwrap_or_default());
                proof.wrong.push(Wrong { line: Some(at + 1), reason });
            }
            Err(reason) => proof.wrong.push(Wrong { line: Some(at + 1), reason }),
        }
    }
    proof
}

/// Whether a hit is expected, and whether there is one.
fn judge(line: &str, rules: &[Rule], meant: &[&str]) -> Result<(bool, bool), String> {
    let line: Value = serde_json::from_str(line).map_err(|e| format!("no JSON: {e}"))?;
    let expected = match line.get("expect").and_then(Value::as_str) {
        Some("hit") => true,
        Some("miss") => false,
        _ => return Err("`expect` must be hit or miss".to_owned()),
    };
    let records: Vec<String> = match (line.get("record"), line.get("records")) {
        (Some(record @ Value::Object(_)), None) => vec![record.to_string()],
        (None, Some(Value::Array(records))) => records.iter().map(Value::to_string).collect(),
        _ => return Err("a case has `record`, an object, or `records`, a list of them".to_owned()),
    };
    let texts: Vec<&str> = records.iter().map(String::as_str).collect();
    let rows = batch_from_json(&texts).map_err(|e| format!("a record cannot be read: {e}"))?;
    if rows.num_rows() != texts.len() {
        return Err("a record was refused".to_owned());
    }
    let (mut engine, errors) = Engine::new(rules.to_vec(), &Settings::default());
    if let Some(error) = errors.first() {
        return Err(error.to_string());
    }
    engine.observe(&rows);
    Ok((expected, engine.finish().alerts.iter().any(|alert| meant.contains(&alert.rule_id.as_str()))))
}
