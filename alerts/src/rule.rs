//! Sigma YAML to rules, strictly: a rule says exactly what it says in Sigma, or it is refused with a reason.
//!
//! rsigma reads the YAML, the modifiers and the condition; here stands what a rule must be to run on CloudTrail, and
//! our two additions, `response:` (steps to take) and `trailhound:` (see `memory`). Knows no events.

use rsigma_parser::{CorrelationRule, LogSource, SigmaCollection, SigmaRule, parse_sigma_yaml};

use crate::about::About;
use crate::condition::{self, Expr};
use crate::correlation::Correlation;
use crate::error::RuleError;
use crate::memory::Memory;
use crate::modifier::Lists;
use crate::spot::{line_in, line_of, line_of_reason, title_of};

/// Largest rule file, in bytes.
pub const MAX_FILE_BYTES: usize = 256 * 1024;
/// Most brackets that may be open at one time in a rule file: conditions are read by recursion.
const MAX_BRACKETS: usize = 64;

/// A rule that can run.
#[derive(Debug, Clone)]
pub struct Rule {
    /// What the rule says of itself.
    pub about: About,
    pub(crate) logic: Logic,
}

/// What a rule does with events.
#[derive(Debug, Clone)]
pub(crate) enum Logic {
    /// Each event that matches.
    Events(Expr),
    /// Events that match are uses of something.
    Memory(Expr, Memory),
    /// Events of other rules.
    Correlation(Correlation),
}

impl Rule {
    /// True if the other rule detects the same, as written, and finds it as bad.
    pub(crate) fn same_as(&self, other: &Rule) -> bool {
        self.about.severity == other.about.severity && format!("{:?}", self.logic) == format!("{:?}", other.logic)
    }
}

/// Rules of a file, and what was refused in it.
#[derive(Debug, Clone, Default)]
pub struct Parsed {
    /// Rules that can run.
    pub rules: Vec<Rule>,
    /// Rules, or the whole file, that cannot.
    pub errors: Vec<RuleError>,
}

/// Reads the rules of one YAML text; several documents may stand in it. `file` is used in messages and as the id of a
/// rule without one.
pub fn parse(file: &str, yaml: &str, lists: &Lists) -> Parsed {
    let mut parsed = Parsed::default();
    let error = |rule: Option<&str>, line, reason: String| RuleError {
        file: file.to_owned(),
        rule: rule.map(str::to_owned),
        line,
        reason,
    };
    if let Err(reason) = check_text(yaml) {
        parsed.errors.push(error(None, None, reason));
        return parsed;
    }
    let collection = match parse_sigma_yaml(yaml) {
        Ok(collection) => collection,
        Err(e) => {
            parsed.errors.push(error(None, None, e.to_string()));
            return parsed;
        }
    };
    for reason in collection.errors.iter().filter(|reason| !is_remark(reason)) {
        let (reason, line) = explain(reason, yaml);
        parsed.errors.push(error(title_of(yaml).as_deref(), line, reason));
    }
    for filter in &collection.filters {
        let line = line_of(yaml, &filter.title);
        parsed.errors.push(error(Some(&filter.title), line, "Sigma filters are not supported yet".to_owned()));
    }
    read_all(file, yaml, &collection, lists, &mut parsed);
    parsed
}

fn read_all(file: &str, yaml: &str, collection: &SigmaCollection, lists: &Lists, parsed: &mut Parsed) {
    let rules = collection.rules.iter().filter(|r| !unread(collection, r.level.is_some(), r.sigma_version.is_some()));
    let rules = rules.map(|rule| (About::of_rule(file, yaml, rule), read_rule(rule, lists)));
    let correlations = collection.correlations.iter();
    let correlations = correlations.filter(|r| !unread(collection, r.level.is_some(), r.sigma_version.is_some()));
    let correlations = correlations.map(|rule| (About::of_correlation(file, yaml, rule), read_correlation(rule)));
    for (about, logic) in rules.chain(correlations) {
        match logic {
            Ok(logic) => parsed.rules.push(Rule { about, logic }),
            Err(reason) => {
                let line = line_of_reason(yaml, &reason, about.line).or(about.line);
                parsed.errors.push(RuleError { file: about.file, rule: Some(about.title), line, reason });
            }
        }
    }
}

/// Bounds on the text, before any parser sees it.
fn check_text(yaml: &str) -> Result<(), String> {
    if yaml.len() > MAX_FILE_BYTES {
        return Err(format!("the file has {} bytes; at most {MAX_FILE_BYTES} are read", yaml.len()));
    }
    let mut open = 0usize;
    for byte in yaml.bytes() {
        match byte {
            b'(' | b'[' | b'{' => open += 1,
            b')' | b']' | b'}' => open = open.saturating_sub(1),
            _ => {}
        }
        if open > MAX_BRACKETS {
            return Err(format!("more than {MAX_BRACKETS} brackets are open at one time"));
        }
    }
    let mut nots = 0;
    for word in yaml.split_whitespace() {
        nots = if word == "not" { nots + 1 } else { 0 };
        if nots > 8 {
            return Err("more than 8 `not` follow one another".to_owned());
        }
    }
    Ok(())
}

/// Remarks of the parser that do not touch what a rule detects.
fn is_remark(reason: &str) -> bool {
    reason.starts_with("related[") || reason.starts_with("'related'") || reason.starts_with("invalid status")
}

/// The parser's reason in one line, and the line of the file that it is about.
fn explain(reason: &str, yaml: &str) -> (String, Option<u32>) {
    let reason = reason.split_whitespace().collect::<Vec<_>>().join(" ");
    if !reason.contains("ondition parse error") {
        let line = line_in(&reason);
        return (reason, line);
    }
    let line = line_of(yaml, "condition:");
    let condition = line.and_then(|line| yaml.lines().nth(line as usize - 1)).unwrap_or_default();
    if condition.contains('|') {
        let old = "the old aggregation syntax (`selection | count() …`) is not Sigma 2: write a correlation";
        return (old.to_owned(), line);
    }
    (reason, line)
}

/// A level or version that the parser could not read leaves the rule without one, and the rule would be another.
fn unread(collection: &SigmaCollection, level: bool, version: bool) -> bool {
    let told = |what: &str| collection.errors.iter().any(|reason| reason.starts_with(what));
    (!level && told("invalid level")) || (!version && told("invalid sigma-version"))
}

fn read_rule(rule: &SigmaRule, lists: &Lists) -> Result<Logic, String> {
    if rule.sigma_version.is_some_and(|version| version > 2) {
        return Err("`sigma-version` above 2 is not supported yet".to_owned());
    }
    check_source(&rule.logsource)?;
    let expr = condition::read(&rule.detection, lists)?;
    let block = rule.custom_attributes.get("trailhound").map(serde_json::to_value);
    match block {
        None => Ok(Logic::Events(expr)),
        Some(Ok(block)) => Memory::read(&block).map(|memory| Logic::Memory(expr, memory)),
        Some(Err(e)) => Err(format!("`trailhound`: {e}")),
    }
}

fn read_correlation(rule: &CorrelationRule) -> Result<Logic, String> {
    if rule.sigma_version.is_some_and(|version| version > 2) {
        return Err("`sigma-version` above 2 is not supported yet".to_owned());
    }
    Correlation::read(rule).map(Logic::Correlation)
}

/// A rule for other logs would match by accident or never.
fn check_source(source: &LogSource) -> Result<(), String> {
    let other = |value: &Option<String>, ours: &str| {
        value.as_deref().filter(|v| !v.eq_ignore_ascii_case(ours)).map(str::to_owned)
    };
    if let Some(product) = other(&source.product, "aws") {
        return Err(format!("the log source is product `{product}`, not aws"));
    }
    if let Some(service) = other(&source.service, "cloudtrail") {
        return Err(format!("the log source is service `{service}`, not cloudtrail"));
    }
    match &source.category {
        Some(category) => Err(format!("the log source is category `{category}`, not aws cloudtrail")),
        None if source.product.is_none() && source.service.is_none() => {
            Err("the log source is missing: product aws, service cloudtrail".to_owned())
        }
        None => Ok(()),
    }
}
