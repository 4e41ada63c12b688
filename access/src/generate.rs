//! Smaller policies: what recorded calls need, and no more.
//!
//! [`of_calls`] writes a policy of what was used: actions with the resources they were used on, roles passed with the
//! services they went to. A statement stands for actions that were used on the same resources, so none can be dropped.
//! Resources are listed while they are few; where they vary, a wildcard stands behind what they have in common, and where they
//! have nothing in common they are listed while there is room (`room.rs`).
//! [`from_current`] takes away from today's policies what was not used. Both are replayed before they are shown: see
//! [`crate::replay`]. [`text`] writes them as Terraform and as a diff.
//!
//! Knows calls and policies. Must not know files or how anything is printed.

pub mod current;
mod resources;
mod room;
mod shrink;
mod siblings;
mod split;
pub mod text;

use std::collections::{BTreeMap, BTreeSet};

use ingest::action;
use serde::Serialize;

use crate::calls::{Call, Calls, Outcome};
use crate::launched::Template;
use crate::policy::Document;
use crate::resource::Certainty;

pub use current::from_current;
pub use split::{Hold, MANAGED_LIMIT, size};

/// What a policy is to hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Also the reading and listing actions of the same noun.
    pub siblings: bool,
    /// Also actions that were only ever refused.
    pub include_denied: bool,
    /// More resources than this, of one type in one place, become a wildcard.
    pub resources_max: usize,
    /// Where it is to be kept.
    pub hold: Hold,
}

impl Default for Options {
    fn default() -> Self {
        Options { siblings: false, include_denied: false, resources_max: 5, hold: Hold::Managed }
    }
}

/// A statement of a generated policy, in the order in which people write them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Statement {
    /// `Sid`: letters and digits, unique.
    pub sid: String,
    /// `Allow`
    pub effect: &'static str,
    /// `Action`, sorted.
    pub action: Vec<String>,
    /// `Resource`, sorted.
    pub resource: Vec<String>,
    /// `Condition`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub condition: Option<serde_json::Value>,
}

/// A policy document as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Policy {
    /// `2012-10-17`
    pub version: &'static str,
    /// `Statement`
    pub statement: Vec<Statement>,
}

impl Policy {
    fn new(statement: Vec<Statement>) -> Policy {
        Policy { version: "2012-10-17", statement }
    }

    /// The document, as evaluation takes it.
    pub fn document(&self) -> Document {
        let value = serde_json::to_value(self).unwrap_or_default();
        Document::parse(&value).unwrap_or(Document { version: None, id: None, statements: Vec::new() })
    }
}

/// What was made of the calls.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Generated {
    /// The documents: more than one where one would be over AWS' size limit.
    pub policies: Vec<Policy>,
    /// Actions that were only ever refused and are left out.
    pub denied: Vec<String>,
    /// Calls whose action is not known: a policy that names an unknown action is refused by AWS.
    pub unmapped: Vec<String>,
    /// Actions that are granted on `*` because the records do not tell the resource.
    pub any_resource: Vec<String>,
    /// Launch templates whose roles cannot be known: `iam:PassRole` for them is not granted.
    pub templates: Vec<String>,
    /// Wildcards that stand for names which were used: they allow others, too.
    pub wildcards: Vec<Wildcard>,
}

/// A wildcard that stands for more names than are listed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Wildcard {
    /// The pattern.
    pub resource: String,
    /// How many names were used behind it, of the action that used most; 0 where the records do not name what was.
    pub names: usize,
    /// The actions.
    pub actions: Vec<String>,
}

/// Actions, each with its resources.
type Needs = BTreeMap<String, BTreeSet<String>>;

/// What is needed under a condition only: action, resource and condition key, each with the key's values.
type Bounds = BTreeMap<(String, String, &'static str), BTreeSet<String>>;

/// What bounds a call that was inferred from another: roles to the services they went to, tags to what was made.
fn condition(call: &Call) -> Option<(&'static str, String)> {
    let passed = call.passed_to.clone().map(|service| ("iam:PassedToService", service));
    passed.or_else(|| call.create_action.clone().map(|action| ("ec2:CreateAction", action)))
}

/// What recorded calls need, before it is written.
#[derive(Debug, Default)]
struct Found {
    needs: Needs,
    bound: Bounds,
    unmapped: BTreeSet<String>,
    denied: BTreeSet<String>,
    templates: BTreeSet<String>,
    /// Patterns that say no more than a type, because records do not name what was used, each with its actions.
    unnamed: Needs,
}

impl Found {
    fn new(calls: &Calls, options: &Options) -> Found {
        let mut found = Found::default();
        for (call, seen) in calls.iter() {
            if let Some(template) = &call.template {
                if call.outcome == Outcome::Permitted || options.include_denied {
                    found.launched(call, calls.roles_of(call, seen), template);
                }
            } else if !call.known {
                found.unmapped.insert(call.action.clone());
            } else if call.outcome == Outcome::Denied && !options.include_denied {
                found.denied.insert(call.action.clone());
            } else {
                let resource = match call.certainty {
                    Certainty::Exact => resources::literal(&call.resource),
                    Certainty::Asked | Certainty::Unknown => call.resource.clone(),
                };
                if call.certainty == Certainty::Unknown && resources::is_whole_type(&resource) {
                    found.unnamed.entry(resource.clone()).or_default().insert(call.action.clone());
                }
                match condition(call) {
                    Some((key, value)) => {
                        found.bound.entry((call.action.clone(), resource, key)).or_default().insert(value)
                    }
                    None => found.needs.entry(call.action.clone()).or_default().insert(resource),
                };
            }
        }
        found.denied.retain(|action| !found.needs.contains_key(action));
        found
    }

    /// A launch from a template: its roles are passed, or it is told that nobody knows them.
    fn launched(&mut self, call: &Call, roles: Option<Vec<String>>, template: &Template) {
        let Some(roles) = roles else {
            self.templates.insert(format!("{} version {}", template.name, template.version));
            return;
        };
        if let Some((key, value)) = condition(call) {
            for role in roles {
                let role = resources::literal(&role);
                self.bound.entry((call.action.clone(), role, key)).or_default().insert(value.clone());
            }
        }
    }

    /// What of the patterns for want of a name stands in the statements, as wildcards; what a condition binds is told by it.
    fn unnamed(&self, statements: &[Statement]) -> Vec<Wildcard> {
        let stands = |action: &String, pattern: &String| {
            let mut open = statements.iter().filter(|statement| statement.condition.is_none());
            open.any(|statement| statement.action.contains(action) && statement.resource.contains(pattern))
        };
        let of = |(pattern, actions): (&String, &BTreeSet<String>)| {
            let actions: Vec<String> = actions.iter().filter(|action| stands(action, pattern)).cloned().collect();
            (!actions.is_empty()).then(|| Wildcard { resource: pattern.clone(), names: 0, actions })
        };
        self.unnamed.iter().filter_map(of).collect()
    }

    /// The statements for what is needed on resources as they are written.
    fn statements(&self, mut needs: Needs, options: &Options) -> Vec<Statement> {
        if options.siblings {
            siblings::add(&mut needs);
        }
        let mut bound = self.bound.clone();
        // What is allowed anyway needs no statement of its own.
        bound.retain(|(action, resource, _), _| {
            !needs.get(action).is_some_and(|found| found.contains("*") || found.contains(resource))
        });
        number(statements(needs, bound))
    }
}

/// A policy that allows what was used.
pub fn of_calls(calls: &Calls, options: &Options) -> Generated {
    let found = Found::new(calls, options);
    let covered: room::AllCovered = found
        .needs
        .iter()
        .map(|(action, used)| (action.as_str(), resources::cover(used, options.resources_max)))
        .collect();
    let any_resource = covered.iter().filter(|(action, covered)| covered.is_anything() && !takes_none(action));
    let any_resource = any_resource.map(|(action, _)| (*action).to_owned()).collect();
    let (needs, mut wildcards) = room::write(&covered, options.hold, &|needs| found.statements(needs, options));
    let statements = found.statements(needs, options);
    wildcards.extend(found.unnamed(&statements));
    let policies = match options.hold.may_split() || statements.is_empty() {
        true => split::split(statements, options.hold.limit()).into_iter().map(Policy::new).collect(),
        false => vec![Policy::new(statements)],
    };
    let (denied, unmapped) = (found.denied.into_iter().collect(), found.unmapped.into_iter().collect());
    let templates = found.templates.into_iter().collect();
    Generated { policies, denied, unmapped, any_resource, templates, wildcards }
}

fn takes_none(name: &str) -> bool {
    action::index_of(name)
        .and_then(|at| action::actions().get(at))
        .is_some_and(|action| action.resource_types.is_empty())
}

/// One statement for the actions that have the same resources; what is bound by a condition stands apart.
fn statements(needs: Needs, bound: Bounds) -> Vec<Statement> {
    let mut by_resources: BTreeMap<(String, BTreeSet<String>), Vec<String>> = BTreeMap::new();
    for (action, resources) in needs {
        // Actions of several services share a statement only where it is the one for everything.
        let service = action.split(':').next().unwrap_or_default();
        let group = if resources.contains("*") { String::new() } else { service.to_owned() };
        by_resources.entry((group, resources)).or_default().push(action);
    }
    let mut found = Vec::new();
    for ((group, resources), actions) in by_resources {
        let sid = if group.is_empty() { "Any".to_owned() } else { group };
        found.push(Statement {
            sid,
            effect: "Allow",
            action: actions,
            resource: resources.into_iter().collect(),
            condition: None,
        });
    }
    let mut by_values: BTreeMap<(String, &'static str, BTreeSet<String>), Vec<String>> = BTreeMap::new();
    for ((action, resource, key), values) in bound {
        by_values.entry((action, key, values)).or_default().push(resource);
    }
    for ((action, key, values), resources) in by_values {
        let name = action.split(':').nth(1).unwrap_or_default().to_owned();
        found.push(Statement {
            sid: name,
            effect: "Allow",
            action: vec![action],
            resource: resources,
            condition: Some(serde_json::json!({"StringEquals": {key: values}})),
        });
    }
    found
}

/// Gives each statement a name of its own: `S3`, `S3No2` …; IAM allows letters and digits.
fn number(mut statements: Vec<Statement>) -> Vec<Statement> {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for statement in &mut statements {
        let mut letters = statement.sid.split(|char: char| !char.is_ascii_alphanumeric()).map(|word| {
            let mut chars = word.chars();
            chars.next().map_or_else(String::new, |first| first.to_ascii_uppercase().to_string() + chars.as_str())
        });
        let base: String = letters.by_ref().collect();
        let count = seen.entry(base.clone()).or_default();
        *count += 1;
        statement.sid = if *count == 1 { base } else { format!("{base}No{count}") };
    }
    statements
}

#[cfg(test)]
mod tests;
