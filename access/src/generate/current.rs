//! The least change to today's policies: the same statements without the actions that were not used.
//!
//! An action goes only if the report says it was not used; what cannot be known stays. A pattern of which nothing goes
//! stays as it stands; one of which something goes becomes the list of what stays. Denies, resources and conditions are
//! left alone, and so is `NotAction`.

use serde_json::{Map, Value, json};

use crate::policy::document::Patterns;
use crate::policy::{ActionSet, Document, Effect, Statement};

/// One of today's policies, and what should stand in its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// Its name: a managed policy's ARN, `inline/NAME`, `group/GROUP/inline/NAME`.
    pub name: String,
    /// As it is.
    pub before: Value,
    /// As it should be; `None` where nothing of it would be left.
    pub after: Option<Value>,
}

/// The changes that take unused actions away, for the policies of which something goes.
pub fn from_current(policies: &[(String, &Document)], not_used: &ActionSet) -> Vec<Change> {
    let mut changes = Vec::new();
    for (name, document) in policies {
        let mut left = Vec::new();
        let mut changed = false;
        for statement in &document.statements {
            let reduced = reduce(statement, not_used);
            changed |= reduced.as_ref() != Some(statement);
            left.extend(reduced);
        }
        if changed {
            let allows = left.iter().any(|statement| statement.effect == Effect::Allow);
            // A Deny alone is kept: taking it away would be no smaller policy.
            let keeps = allows || left.iter().any(|statement| statement.effect == Effect::Deny);
            let after = Document { statements: left, ..(*document).clone() };
            changes.push(Change { name: name.clone(), before: write(document), after: keeps.then(|| write(&after)) });
        }
    }
    changes
}

fn reduce(statement: &Statement, not_used: &ActionSet) -> Option<Statement> {
    let Patterns::Only(patterns) = &statement.actions else { return Some(statement.clone()) };
    if statement.effect == Effect::Deny {
        return Some(statement.clone());
    }
    let mut kept = Vec::new();
    for pattern in patterns {
        let named = ActionSet::of_patterns([pattern]);
        let mut stays = named.clone();
        stays.subtract(not_used);
        if stays.len() == named.len() {
            // Also a pattern that names nothing known: it cannot be said to be unused.
            kept.push(pattern.clone());
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
    let values = [("Principal", statement.principal.clone()), ("NotPrincipal", statement.not_principal.clone())];
    let condition = [("Condition", statement.condition.clone().map(Value::Object))];
    for (key, value) in texts.into_iter().chain(values).chain(condition) {
        if let Some(value) = value {
            object.insert(key.to_owned(), value);
        }
    }
    Value::Object(object)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_not_used_goes() {
        let value = json!({"Version": "2012-10-17", "Statement": [
            {"Sid": "A", "Effect": "Allow", "Action": ["sqs:SendMessage", "sqs:ReceiveMessage"], "Resource": "*"},
            {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*"},
            {"Effect": "Deny", "Action": "sqs:*", "Resource": "arn:aws:sqs:*:*:x"},
            {"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}]});
        let document = Document::parse(&value).unwrap();
        let mut not_used = ActionSet::none();
        assert!(not_used.insert("sqs:ReceiveMessage") && not_used.insert("kms:Decrypt"));
        let changes = from_current(&[("inline/x".to_owned(), &document)], &not_used);
        let after = changes[0].after.as_ref().unwrap();
        assert_eq!(after["Statement"][0]["Action"], json!(["sqs:SendMessage"]));
        assert_eq!(after["Statement"].as_array().unwrap().len(), 3);
        assert_eq!(Document::parse(&changes[0].before).unwrap(), document);
        assert!(from_current(&[("inline/x".to_owned(), &document)], &ActionSet::none()).is_empty());
        let only =
            Document::parse(&json!({"Statement": {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*"}}));
        assert_eq!(from_current(&[("p".to_owned(), &only.unwrap())], &not_used)[0].after, None);
    }
}
