//! The least change to today's policies: the same statements without the actions that were not used.
//!
//! An action goes only if the report says it was not used; what cannot be known stays. A pattern of which nothing goes
//! stays as it stands; one of which something goes becomes the list of what stays, written with wildcards where the list would
//! be over the policy's size limit. Denies, resources and conditions are left alone, and so is `NotAction`. A policy that others
//! have too keeps what any of them may need.

use std::collections::BTreeSet;

use ingest::action;
use serde_json::{Map, Value, json};

use super::shrink;
use crate::inventory::Inventory;
use crate::policy::document::{Kept, Patterns};
use crate::policy::{ActionSet, Document, Effect, Statement};
use crate::unused::{PrincipalReport, Why};

/// One of today's policies, and what should stand in its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// Its name: a managed policy's ARN, `inline/NAME`, `group/GROUP/inline/NAME`.
    pub name: String,
    /// As it is.
    pub before: Value,
    /// As it should be; `None` where nothing of it would be left.
    pub after: Option<Value>,
    /// Others that have the policy: the change holds for them too.
    pub shared_with: Vec<String>,
}

/// What those who have a policy did, as far as it matters for what may go.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Use {
    /// Actions that certainly none of them used.
    pub not_used: ActionSet,
    /// Calls of theirs that went through and that no table maps to an action, as `prefix:EventName`.
    pub unmapped: BTreeSet<String>,
}

impl Use {
    /// What one principal did.
    pub fn of(row: &PrincipalReport) -> Use {
        let calls = row.services.iter().flat_map(|service| &service.actions);
        let unmapped = calls.filter(|call| call.last_success.is_some() && !action::is_known(&call.action));
        Use {
            not_used: row.unused.of(Why::NotUsed).cloned().unwrap_or_default(),
            unmapped: unmapped.map(|call| call.action.clone()).collect(),
        }
    }

    /// What two did: only what neither used is not used.
    pub fn and(mut self, other: Use) -> Use {
        self.not_used.intersect(&other.not_used);
        self.unmapped.extend(other.unmapped);
        self
    }
}

/// The changes that take unused actions away, for the policies of which something goes. `used` tells of a policy, by name, what
/// those who have it did; `limit` how many characters it may have.
pub fn from_current(
    policies: &[(String, &Document)],
    used: &dyn Fn(&str) -> Use,
    limit: &dyn Fn(&str) -> usize,
) -> Vec<Change> {
    let mut changes = Vec::new();
    for (name, document) in policies {
        let used = used(name);
        let Some(listed) = reduced(document, &used, false) else { continue };
        let mut after = listed.map(|after| write(&after));
        if after.as_ref().is_some_and(|after| characters(after) > limit(name)) {
            after = reduced(document, &used, true).flatten().map(|after| write(&after));
        }
        changes.push(Change { name: name.clone(), before: write(document), after, shared_with: Vec::new() });
    }
    changes
}

/// The statements that allow all but some actions, as `POLICY, statement N`: what of them is used is no list to shorten, so
/// they stay as they are, and whoever reads the changes must be told.
pub fn not_narrowed(policies: &[(String, &Document)]) -> Vec<String> {
    let is_broad = |one: &Statement| one.effect == Effect::Allow && matches!(one.actions, Patterns::Except(_));
    let of = |(name, document): &(String, &Document)| -> Vec<String> {
        let broad = document.statements.iter().enumerate().filter(|(_, statement)| is_broad(statement));
        broad.map(|(at, _)| format!("{name}, statement {}", at + 1)).collect()
    };
    policies.iter().flat_map(of).collect()
}

/// Characters of a document, white space not counted, as IAM counts them.
pub fn characters(document: &Value) -> usize {
    super::split::characters(&document.to_string())
}

/// Who has a policy of an inventory, by its name in [`Inventory::identity_policies`] of `arn`; sorted.
pub fn holders(inventory: &Inventory, arn: &str, name: &str) -> Vec<String> {
    let group = name.strip_prefix("group/").and_then(|rest| rest.split_once("/inline/")).map(|(group, _)| group);
    let is_attached = |list: &[String]| list.iter().any(|attached| attached == name);
    let has = |entity: &&crate::inventory::Entity| {
        let mut groups = entity.groups.iter().filter_map(|name| inventory.groups.get(name));
        match group {
            Some(group) => entity.groups.iter().any(|name| name == group),
            None if name.starts_with("inline/") => entity.arn == arn,
            None => {
                is_attached(&entity.attached)
                    || groups.any(|group| is_attached(&group.attached))
                    || entity.boundary.as_deref() == Some(name)
            }
        }
    };
    let mut found: Vec<String> = inventory.entities.iter().filter(has).map(|entity| entity.arn.clone()).collect();
    found.sort_unstable();
    found
}

/// The document without unused actions: `None` where nothing goes, `Some(None)` where nothing is left.
fn reduced(document: &Document, used: &Use, shrunk: bool) -> Option<Option<Document>> {
    let mut left = Vec::new();
    let mut changed = false;
    for statement in &document.statements {
        let reduced = reduce(statement, used, shrunk);
        changed |= reduced.as_ref() != Some(statement);
        left.extend(reduced);
    }
    // A Deny alone is kept: taking it away would be no smaller policy.
    changed.then(|| (!left.is_empty()).then(|| Document { statements: left, ..document.clone() }))
}

fn reduce(statement: &Statement, used: &Use, shrunk: bool) -> Option<Statement> {
    let Patterns::Only(patterns) = &statement.actions else { return Some(statement.clone()) };
    if statement.effect == Effect::Deny {
        return Some(statement.clone());
    }
    let mut kept = Vec::new();
    for pattern in patterns {
        let named = ActionSet::of_patterns([pattern]);
        let mut stays = named.clone();
        stays.subtract(&used.not_used);
        let unmapped = unmapped(pattern, &used.unmapped);
        if stays.len() == named.len() || unmapped.contains(pattern) {
            // Also a pattern that names nothing known: it cannot be said to be unused.
            kept.push(pattern.clone());
            continue;
        }
        kept.extend(unmapped);
        if shrunk {
            kept.extend(shrink::patterns(pattern, &stays));
        } else {
            kept.extend(stays.iter().map(|action| action.name.to_owned()));
        }
    }
    kept.sort_unstable();
    kept.dedup();
    if kept.is_empty() {
        return None;
    }
    let unchanged = kept.len() == patterns.len() && patterns.iter().all(|pattern| kept.contains(pattern));
    let actions = if unchanged { statement.actions.clone() } else { Patterns::Only(kept) };
    Some(Statement { actions, ..statement.clone() })
}

/// What of a pattern stays because calls went through of which the action is not known: which action of its service one
/// needed, nobody can say. The pattern itself where it is of one service, else that service's part of it.
fn unmapped(pattern: &str, calls: &BTreeSet<String>) -> BTreeSet<String> {
    let of_one = pattern.split_once(':').is_some_and(|(service, _)| !service.contains(['*', '?']));
    let named = calls.iter().filter(|call| action::matches(pattern, call));
    let part = |call: &String| match call.split_once(':') {
        Some((service, _)) if !of_one => format!("{service}:*"),
        _ => pattern.to_owned(),
    };
    named.map(part).collect()
}

/// A document as JSON again.
pub fn write(document: &Document) -> Value {
    let statements: Vec<Value> = document.statements.iter().map(write_statement).collect();
    let mut value = json!({ "Statement": statements });
    if let Some(version) = &document.version {
        value["Version"] = json!(version);
    }
    if let Some(id) = &document.id {
        value["Id"] = json!(id);
    }
    value
}

fn write_statement(statement: &Statement) -> Value {
    let mut object = Map::new();
    let mut patterns = |only: &str, except: &str, patterns: &Patterns| {
        let (key, list) = match patterns {
            Patterns::Only(list) => (only, list),
            Patterns::Except(list) => (except, list),
        };
        object.insert(key.to_owned(), json!(list));
    };
    patterns("Action", "NotAction", &statement.actions);
    if let Some(resources) = &statement.resources {
        patterns("Resource", "NotResource", resources);
    }
    let effect = if statement.effect == Effect::Allow { "Allow" } else { "Deny" };
    object.insert("Effect".to_owned(), json!(effect));
    let texts = [("Sid", statement.sid.as_ref().map(|sid| json!(sid)))];
    let values = [("Principal", &statement.principal), ("NotPrincipal", &statement.not_principal)];
    let condition = [("Condition", &statement.condition)];
    let kept = values.into_iter().chain(condition).map(|(key, kept)| (key, kept.as_ref().map(Kept::value)));
    for (key, value) in texts.into_iter().chain(kept) {
        if let Some(value) = value {
            object.insert(key.to_owned(), value);
        }
    }
    Value::Object(object)
}

#[cfg(test)]
mod tests;
