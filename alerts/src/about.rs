//! What a rule says of itself: names, words for people, severity.
//!
//! Everything here is carried to the alerts and shown; nothing here decides what matches.

use rsigma_parser::{CorrelationRule, Level, SigmaRule};
use serde::Serialize;

use crate::severity::Severity;
use crate::spot::line_of;

/// What a rule says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct About {
    /// Sigma's `name`, or the `id` where it has none: what alerts carry as `rule`.
    pub name: String,
    /// Sigma's `id`, or the file's name where it has none.
    pub id: String,
    /// File it stands in.
    pub file: String,
    /// Line of its title, from 1.
    pub line: Option<u32>,
    /// Title.
    pub title: String,
    /// Why it matters.
    pub description: String,
    /// Level; `low` where the rule gives none.
    pub severity: Severity,
    /// ATT&CK and other tags.
    pub tags: Vec<String>,
    /// Reading.
    pub references: Vec<String>,
    /// When it is nothing.
    pub false_positives: Vec<String>,
    /// Steps to take.
    pub response: Vec<String>,
    /// Author.
    pub author: Option<String>,
    /// Licence.
    pub license: Option<String>,
}

fn severity(level: Option<Level>) -> Severity {
    match level {
        Some(Level::Informational) => Severity::Informational,
        Some(Level::Low) | None => Severity::Low,
        Some(Level::Medium) => Severity::Medium,
        Some(Level::High) => Severity::High,
        Some(Level::Critical) => Severity::Critical,
    }
}

macro_rules! about {
    ($file:expr, $yaml:expr, $rule:expr) => {{
        let id = $rule.id.clone().unwrap_or_else(|| $file.to_owned());
        About {
            name: $rule.name.clone().unwrap_or_else(|| id.clone()),
            id,
            file: $file.to_owned(),
            line: line_of($yaml, &$rule.title),
            title: $rule.title.clone(),
            description: tidy($rule.description.as_deref()),
            severity: severity($rule.level),
            tags: $rule.tags.clone(),
            references: $rule.references.clone(),
            false_positives: $rule.falsepositives.clone(),
            response: texts($rule.custom_attributes.get("response").map(serde_json::to_value)),
            author: $rule.author.clone(),
            license: $rule.license.clone(),
        }
    }};
}

impl About {
    /// Of a detection rule.
    pub(crate) fn of_rule(file: &str, yaml: &str, rule: &SigmaRule) -> About {
        about!(file, yaml, rule)
    }

    /// Of a correlation rule, which rsigma gives the same fields under another type.
    pub(crate) fn of_correlation(file: &str, yaml: &str, rule: &CorrelationRule) -> About {
        about!(file, yaml, rule)
    }
}

fn tidy(text: Option<&str>) -> String {
    text.unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A text, or a list of texts.
fn texts(value: Option<Result<serde_json::Value, serde_json::Error>>) -> Vec<String> {
    match value {
        Some(Ok(serde_json::Value::String(text))) => vec![tidy(Some(&text))],
        Some(Ok(serde_json::Value::Array(list))) => list.iter().map(|v| tidy(v.as_str())).collect(),
        _ => Vec::new(),
    }
}
