//! What a rule says of itself: names, words for people, severity.
//!
//! Everything here is carried to the alerts and shown; nothing here decides what matches.

use std::collections::BTreeMap;

use serde::Serialize;
use yaml_serde::Value;

use crate::severity::Severity;
use crate::spot::line_of;
use crate::yaml::Document;

/// Something odd that can no more be seen when the rule is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Odd {
    /// Kind of a remark.
    pub(crate) kind: &'static str,
    /// Line in the file, from 1.
    pub(crate) line: Option<u32>,
    /// What is odd.
    pub(crate) text: String,
}

/// What a rule says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct About {
    /// What alerts carry as `rule`: of a shipped rule its `name`, of a user's its `id`.
    pub name: String,
    /// Sigma's `name`, by which correlations call it.
    #[serde(skip)]
    pub handle: Option<String>,
    /// Sigma's `id`, or the name or title of a rule that has none.
    pub id: String,
    /// It has an `id` of its own.
    #[serde(skip)]
    pub(crate) has_id: bool,
    /// Lines on which other rules are named, from 1.
    #[serde(skip)]
    pub(crate) named: BTreeMap<String, u32>,
    /// What is odd in how it is written.
    #[serde(skip)]
    pub(crate) odd: Vec<Odd>,
    /// It came with the program.
    #[serde(skip)]
    pub(crate) shipped: bool,
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

impl About {
    /// Of a document, whichever kind of rule it is.
    ///
    /// # Errors
    /// There is no title, or the level is none of Sigma's.
    pub(crate) fn read(file: &str, document: &Document) -> Result<About, String> {
        let owned = |key| document.str(key).filter(|text| !text.is_empty()).map(str::to_owned);
        let title = owned("title").ok_or("the rule has no `title`")?;
        let severity = match document.map.get("level") {
            None | Some(Value::Null) => Severity::Low,
            Some(level) => written_level(level.as_str().unwrap_or_default())?,
        };
        // Sigma asks for no id. One document of many in a file is told by its name or title.
        let id = owned("id").or_else(|| owned("name")).unwrap_or_else(|| title.clone());
        Ok(About {
            name: owned("name").unwrap_or_else(|| id.clone()),
            handle: owned("name"),
            has_id: owned("id").is_some(),
            named: BTreeMap::new(),
            odd: odd_id(document),
            shipped: false,
            id,
            file: file.to_owned(),
            line: document.line(line_of(&document.text, &title).or(Some(1))),
            title,
            description: tidy(document.str("description").unwrap_or_default()),
            severity,
            tags: document.texts("tags"),
            references: document.texts("references"),
            false_positives: document.texts("falsepositives"),
            response: document.texts("response"),
            author: owned("author"),
            license: owned("license"),
        })
    }

    /// Whether a correlation or a filter means this rule by `name`: Sigma allows its `id` or `name`; titles are taken
    /// too, because public rules use them.
    pub(crate) fn is_called(&self, name: &str) -> bool {
        self.id == name || self.handle.as_deref() == Some(name) || self.title == name
    }
}

/// Sigma's ids are UUIDs, so that nobody else's rule has the same.
fn odd_id(document: &Document) -> Vec<Odd> {
    let Some(id) = document.str("id").filter(|id| !id.is_empty() && !is_uuid(id)) else { return Vec::new() };
    let line = document.line(document.text.lines().position(|line| line.starts_with("id:")).and_then(place));
    vec![Odd {
        kind: "id",
        line,
        text: format!("the id `{id}` is no UUID, as Sigma asks: another's rule may have it too"),
    }]
}

fn place(at: usize) -> Option<u32> {
    u32::try_from(at + 1).ok()
}

/// Five groups of hexadecimal digits: 8-4-4-4-12.
fn is_uuid(id: &str) -> bool {
    let lengths = id.split('-').map(str::len);
    lengths.eq([8, 4, 4, 4, 12]) && id.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit())
}

/// Exactly as Sigma writes it: a level that is misspelt is one that nobody meant.
fn written_level(level: &str) -> Result<Severity, String> {
    let found = Severity::ALL.into_iter().find(|s| s.as_str() == level);
    found.ok_or_else(|| format!("invalid level: `{level}`; Sigma has informational, low, medium, high and critical"))
}

fn tidy(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

impl Document {
    /// The texts under a key: a list, or one.
    fn texts(&self, key: &str) -> Vec<String> {
        match self.map.get(key) {
            Some(Value::String(text)) => vec![tidy(text)],
            Some(Value::Sequence(list)) => list.iter().filter_map(Value::as_str).map(tidy).collect(),
            _ => Vec::new(),
        }
    }
}

#[cfg(test)]
impl About {
    /// A rule of which nothing is known but its name and level.
    pub(crate) fn sample(name: &str, severity: Severity) -> About {
        About {
            name: name.to_owned(),
            handle: None,
            id: name.to_owned(),
            has_id: true,
            named: BTreeMap::new(),
            odd: Vec::new(),
            shipped: false,
            file: String::new(),
            line: None,
            title: name.to_owned(),
            description: String::new(),
            severity,
            tags: Vec::new(),
            references: Vec::new(),
            false_positives: Vec::new(),
            response: Vec::new(),
            author: None,
            license: None,
        }
    }
}
