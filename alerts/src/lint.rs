//! What is odd about rules that load: fields that no record has, calls that no service has, rules that say the same.
//!
//! [`alike`] finds rules that say what others say; the rest is about one rule at a time.
//!
//! A remark is a suspicion, not a fault: CloudTrail gains fields, and services gain calls, before our tables do. Knows
//! rules and the tables of `ingest`, and no events.

mod alike;

use hashbrown::HashSet;
use ingest::action;
use ingest::schema::{COLUMNS, Column, Kind};
use serde::Serialize;

use crate::about::About;
use crate::bound::Bound;
use crate::compile::Program;
use crate::condition::Expr;
use crate::field::{Field, Place};
use crate::implied::{is_always, is_never};
use crate::rule::{Logic, Rule};

/// Something odd about a rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Remark {
    /// File the rule stands in.
    pub file: String,
    /// The rule's title.
    pub rule: String,
    /// Line that it is about, or else of its title, from 1, where it is known.
    pub line: Option<u32>,
    /// What kind of oddity: `condition`, `duplicate`, `event`, `field`, `id` or `shadowed`.
    pub kind: &'static str,
    /// What is odd, and what may be meant.
    pub remark: String,
}

/// All that is odd about these rules, in order of file and line.
pub fn lint(rules: &[Rule]) -> Vec<Remark> {
    let mut remarks = Vec::new();
    for rule in rules {
        let mut names = HashSet::new();
        match &rule.logic {
            Logic::Events(expr) => fields(expr, &mut names),
            Logic::Memory(expr, memory) => {
                fields(expr, &mut names);
                names.extend(memory.fields.iter().map(String::as_str));
            }
            Logic::Correlation(correlation) => {
                names.extend(correlation.measure.fields().iter().map(String::as_str));
                let plain = correlation.group_by.iter().filter(|name| !correlation.aliases.contains_key(*name));
                names.extend(plain.map(String::as_str));
                names.extend(correlation.aliases.values().flat_map(|fields| fields.values().map(String::as_str)));
            }
        }
        for name in names {
            remarks.extend(odd_field(name).map(|text| remark(&rule.about, "field", text)));
        }
        remarks.extend(rule.about.odd.iter().map(|odd| Remark {
            line: odd.line.or(rule.about.line),
            ..remark(&rule.about, odd.kind, odd.text.clone())
        }));
        remarks.extend(odd_condition(rule).into_iter().map(|text| remark(&rule.about, "condition", text)));
        if let Logic::Events(expr) | Logic::Memory(expr, _) = &rule.logic {
            remarks.extend(odd_events(expr).into_iter().map(|text| remark(&rule.about, "event", text)));
        }
    }
    remarks.extend(alike::one_id(rules));
    remarks.extend(alike::same(rules));
    remarks.extend(alike::shadowed(rules));
    remarks.sort();
    remarks
}

fn remark(about: &About, kind: &'static str, remark: String) -> Remark {
    Remark { file: about.file.clone(), rule: about.title.clone(), line: about.line, kind, remark }
}

fn fields<'a>(expr: &'a Expr, names: &mut HashSet<&'a str>) {
    match expr {
        Expr::All(parts) | Expr::Any(parts) => parts.iter().for_each(|part| fields(part, names)),
        Expr::Not(part) => fields(part, names),
        Expr::Field(name, _) => {
            names.insert(name);
        }
        Expr::Keyword(_) => {}
    }
}

/// What is odd about the name of a field, if anything is.
fn odd_field(name: &str) -> Option<String> {
    if name == "source_network" || name == "user_agent_family" {
        return None;
    }
    let field = Field::find(name).ok()?;
    if field.place != Place::Nowhere {
        return None;
    }
    let mut columns: &[Column] = COLUMNS;
    let mut known = String::new();
    for segment in name.split('.') {
        let found = columns.iter().find(|c| c.name.eq_ignore_ascii_case(segment));
        let Some(column) = found else {
            if columns.is_empty() {
                break;
            }
            let written = columns.iter().map(|c| if c.json.is_empty() { c.name } else { c.json });
            let near = written.min_by_key(|other| distance(&other.to_lowercase(), &segment.to_lowercase()));
            let near = near.filter(|other| distance(&other.to_lowercase(), &segment.to_lowercase()) <= 3);
            let meant = near.map_or_else(String::new, |near| format!("; `{known}{near}` may be meant"));
            return Some(format!("no CloudTrail record that is known has a field `{known}{segment}`{meant}"));
        };
        known.push_str(if column.json.is_empty() { column.name } else { column.json });
        known.push('.');
        columns = match column.kind {
            Kind::Struct(fields) | Kind::List(fields) => fields,
            _ => &[],
        };
    }
    Some(format!("`{name}` goes on below a field that holds no others"))
}

/// Levenshtein's distance.
fn distance(a: &str, b: &str) -> usize {
    // `row` holds the distances of the part of `a` so far to each beginning of `b`.
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for from in a.chars() {
        let mut diagonal = row.first().copied().unwrap_or(0);
        let mut left = diagonal + 1;
        if let Some(first) = row.first_mut() {
            *first = left;
        }
        for (to, above) in b.chars().zip(row.iter_mut().skip(1)) {
            left = (diagonal + usize::from(from != to)).min(left + 1).min(*above + 1);
            diagonal = *above;
            *above = left;
        }
    }
    row.last().copied().unwrap_or(0)
}

/// Calls that a rule waits for, and that no service is known to have.
fn odd_events(expr: &Expr) -> Vec<String> {
    let mut program = Program::default();
    let Ok(number) = program.add(expr) else { return Vec::new() };
    let Some(rule) = program.rule(number) else { return Vec::new() };
    let Some(sources) = &rule.source else { return Vec::new() };
    let known: Vec<&String> =
        sources.iter().filter(|s| !action::actions_of(action::service_prefix(s)).is_empty()).collect();
    let elsewhere = sources.iter().filter(|source| !source.ends_with(".amazonaws.com"));
    let mut odd: Vec<String> =
        elsewhere.map(|s| format!("event sources end in .amazonaws.com, and `{s}` does not")).collect();
    // A source that our tables lack (sign-in, for one) may call its events what it likes.
    if known.len() == sources.len() {
        for name in rule.name.iter().flatten() {
            let called =
                |source: &&String| !matches!(action::map(source, name, "AwsApiCall"), action::Mapping::Unmapped(_));
            if !known.iter().any(called) {
                odd.push(format!("no call of {} is known as `{name}`", sources.join(", ")));
            }
        }
    }
    odd
}

/// Conditions that hold never or always.
fn odd_condition(rule: &Rule) -> Vec<String> {
    match &rule.logic {
        Logic::Events(expr) | Logic::Memory(expr, _) if is_never(expr) => {
            vec!["it can never match: the condition asks for what it also excludes".to_owned()]
        }
        Logic::Events(expr) | Logic::Memory(expr, _) if is_always(expr) => {
            vec!["it matches every event: the condition takes what it selects and what it does not".to_owned()]
        }
        Logic::Events(_) | Logic::Memory(..) => Vec::new(),
        Logic::Correlation(correlation) => {
            let range = correlation.range();
            let always = correlation.bounds.iter().filter(|(bound, limit)| range.always_meets(*bound, *limit));
            let text = |(bound, limit): &(Bound, f64)| {
                format!("{} in the condition always holds: any window meets it", bound.written(*limit))
            };
            always.map(text).collect()
        }
    }
}

#[cfg(test)]
mod tests;
