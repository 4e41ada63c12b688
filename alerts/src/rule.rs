//! Sigma YAML to rules, strictly: a rule says exactly what it says in Sigma, or it is refused with a reason.
//!
//! rsigma reads detections, modifiers and conditions; here stands what a rule must be to run on CloudTrail, and
//! our two additions, `response:` (steps to take) and `trailhound:` (see `memory`). Knows no events.

use rsigma_parser::{LogSource, SigmaCollection, SigmaRule, parse_sigma_yaml};

use crate::about::About;
use crate::condition::{self, Expr};
use crate::correlation::Correlation;
use crate::error::RuleError;
use crate::filter::Filter;
use crate::memory::Memory;
use crate::modifier::Lists;
use crate::spot::{line_in, line_of, line_of_reason};
use crate::yaml::{self, Document};

/// Largest rule file, in bytes.
pub const MAX_FILE_BYTES: usize = 4 * 1024 * 1024;

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
    /// True if it remembers what was used and when, for ever.
    pub fn remembers(&self) -> bool {
        matches!(self.logic, Logic::Memory(..))
    }

    /// True if the other rule detects the same, as written, and finds it as bad.
    pub(crate) fn same_as(&self, other: &Rule) -> bool {
        self.about.severity == other.about.severity && self.detects() == other.detects()
    }

    /// What it detects, as text that is equal for rules that detect the same.
    pub(crate) fn detects(&self) -> String {
        format!("{:?}", self.logic)
    }
}

/// Rules of a file, and what was refused in it.
#[derive(Debug, Clone, Default)]
pub struct Parsed {
    /// Rules that can run.
    pub rules: Vec<Rule>,
    /// Filters, to be put on the rules that they name: see [`crate::filter::apply`].
    pub filters: Vec<Filter>,
    /// Rules, or the whole file, that cannot.
    pub errors: Vec<RuleError>,
}

impl Parsed {
    /// Takes in what was read elsewhere.
    pub fn extend(&mut self, other: Parsed) {
        self.rules.extend(other.rules);
        self.filters.extend(other.filters);
        self.errors.extend(other.errors);
    }
}

/// Reads the rules of one YAML text; several documents may stand in it. `file` is used in messages and as the id of a
/// rule without one.
pub fn parse(file: &str, yaml: &str, lists: &Lists) -> Parsed {
    let yaml = yaml.strip_prefix('\u{feff}').unwrap_or(yaml);
    let mut parsed = Parsed::default();
    let error = |rule, line, reason| RuleError { file: file.to_owned(), rule, line, reason };
    if yaml.len() > MAX_FILE_BYTES {
        let reason = format!("the file is too large: at most {MAX_FILE_BYTES} bytes are read; split it");
        parsed.errors.push(error(None, Some(1), reason));
        return parsed;
    }
    if let Err(fault) = yaml::check(yaml) {
        parsed.errors.push(error(fault.title, fault.line, fault.reason));
        return parsed;
    }
    let documents = yaml::documents(yaml);
    if documents.is_empty() {
        parsed.errors.push(error(None, Some(1), "the file holds no rule".to_owned()));
    }
    for document in documents {
        match document {
            Ok(document) => {
                if let Err((line, reason)) = read(file, &document, lists, &mut parsed) {
                    let title = document.str("title").map(str::to_owned);
                    let line = document.line(line.or(Some(1)));
                    parsed.errors.push(error(title, line, reason));
                }
            }
            Err(fault) => parsed.errors.push(error(fault.title, fault.line.or(Some(1)), fault.reason)),
        }
    }
    parsed
}

/// Reads one document into `parsed`, or says why not, with the line of the document.
fn read(file: &str, document: &Document, lists: &Lists, parsed: &mut Parsed) -> Result<(), (Option<u32>, String)> {
    let title = document.str("title").and_then(|title| line_of(&document.text, title));
    let place = |reason: String| (line_of_reason(&document.text, &reason, title).or(title), reason);
    check_nots(document)?;
    let about = About::read(file, document).map_err(place)?;
    if document.map.contains_key("correlation") {
        check_version(document).map_err(place)?;
        let correlation = Correlation::read(&document.map).map_err(place)?;
        let mut about = about;
        note_names(&mut about, document, "rules", correlation.rules.iter());
        note_names(&mut about, document, "aliases", correlation.aliases.keys());
        parsed.rules.push(Rule { about, logic: Logic::Correlation(correlation) });
        return Ok(());
    }
    let source = document.source().map_err(place)?;
    let collection = parse_sigma_yaml(&source).map_err(|e| explain(&e.to_string(), &document.text))?;
    if let Some(reason) = collection.errors.iter().find(|reason| !is_remark(reason)) {
        return Err(explain(reason, &document.text));
    }
    let SigmaCollection { rules, filters, .. } = collection;
    for rule in &rules {
        check_version(document).map_err(place)?;
        let logic = read_rule(rule, document, lists).map_err(place)?;
        parsed.rules.push(Rule { about: about.clone(), logic });
    }
    for filter in &filters {
        check_version(document).map_err(place)?;
        if let Some(source) = &filter.logsource {
            check_source(source).map_err(place)?;
        }
        let block = document.map.get("filter").and_then(|block| block.as_mapping());
        if !block.is_some_and(|block| block.contains_key("rules")) {
            // Without them it would silence every rule there is.
            return Err(place("a filter needs `rules`: the rules that it is for, or `any`".to_owned()));
        }
        let mut filter = Filter::read(about.clone(), filter, lists).map_err(place)?;
        let names: Vec<String> = filter.names().cloned().collect();
        note_names(&mut filter.about, document, "rules", names.iter());
        parsed.filters.push(filter);
    }
    Ok(())
}

/// Notes the lines on which a document names others, below a key.
fn note_names<'a>(about: &mut About, document: &Document, key: &str, names: impl Iterator<Item = &'a String>) {
    let title = line_of(&document.text, &about.title);
    for name in names {
        let line = document.line(line_of_reason(&document.text, &format!("`{key}` `{name}`"), title));
        about.named.extend(line.map(|line| (name.clone(), line)));
    }
}

/// Conditions are read by recursion.
fn check_nots(document: &Document) -> Result<(), (Option<u32>, String)> {
    let mut nots = 0;
    for (at, line) in document.text.lines().enumerate() {
        for word in line.split_whitespace() {
            nots = if word == "not" { nots + 1 } else { 0 };
            if nots > 8 {
                let line = u32::try_from(at + 1).ok();
                return Err((line, "more than 8 `not` follow one another".to_owned()));
            }
        }
    }
    Ok(())
}

/// Remarks of the parser that do not touch what a rule detects.
fn is_remark(reason: &str) -> bool {
    reason.starts_with("related[") || reason.starts_with("'related'") || reason.starts_with("invalid status")
}

/// The parser's reason in one line, and the line of the document that it is about.
fn explain(reason: &str, text: &str) -> (Option<u32>, String) {
    let reason = reason.split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some(modifier) = reason.split_once("nknown modifier").and_then(|(_, rest)| rest.split('\'').nth(1)) {
        return (line_of(text, &format!("|{modifier}")), reason);
    }
    if !reason.contains("ondition parse error") {
        return (line_in(&reason), yaml::message(&reason));
    }
    let line = line_of(text, "condition:");
    let condition = line.and_then(|line| text.lines().nth(line as usize - 1)).unwrap_or_default();
    if condition.contains('|') {
        let old = "the old aggregation syntax (`selection | count() …`) is not Sigma 2: write a correlation";
        return (line, old.to_owned());
    }
    (line, reason)
}

fn read_rule(rule: &SigmaRule, document: &Document, lists: &Lists) -> Result<Logic, String> {
    check_source(&rule.logsource)?;
    let expr = condition::read(&rule.detection, lists)?;
    let block = document.map.get("trailhound").map(serde_json::to_value);
    match block {
        None => Ok(Logic::Events(expr)),
        Some(Ok(block)) => Memory::read(&block).map(|memory| Logic::Memory(expr, memory)),
        Some(Err(e)) => Err(format!("`trailhound`: {e}")),
    }
}

/// `sigma-version` is the major version of the specification, or all of it.
fn check_version(document: &Document) -> Result<(), String> {
    let Some(version) = document.map.get("sigma-version") else { return Ok(()) };
    let major = match version.as_u64() {
        Some(major) => Some(major),
        None => version.as_str().and_then(|text| text.split('.').next()?.parse().ok()),
    };
    match major {
        Some(1 | 2) => Ok(()),
        Some(major) => Err(format!("`sigma-version` {major} is not supported yet: 2 is")),
        None => Err("invalid sigma-version: give 2 or \"2.1.0\"".to_owned()),
    }
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
