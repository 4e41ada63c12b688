//! The least change to today's policies: the same statements without the actions that were not used.
//!
//! An action goes only if the report says it was not used; what cannot be known stays. A pattern of which nothing goes
//! stays as it stands; one of which something goes becomes the list of what stays, written with wildcards where the list would
//! be over the policy's size limit. Denies, resources and conditions are left alone, and so is `NotAction`. A policy that others
//! have too keeps what any of them may need.

use serde_json::{Map, Value, json};

use super::shrink;
use crate::inventory::Inventory;
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
    /// Others that have the policy: the change holds for them too.
    pub shared_with: Vec<String>,
}

/// The changes that take unused actions away, for the policies of which something goes. `not_used` tells of a policy, by
/// name, what nobody who has it used; `limit` how many characters it may have.
pub fn from_current(
    policies: &[(String, &Document)],
    not_used: &dyn Fn(&str) -> ActionSet,
    limit: &dyn Fn(&str) -> usize,
) -> Vec<Change> {
    let mut changes = Vec::new();
    for (name, document) in policies {
        let not_used = not_used(name);
        let Some(listed) = reduced(document, &not_used, false) else { continue };
        let mut after = listed.map(|after| write(&after));
        if after.as_ref().is_some_and(|after| characters(after) > limit(name)) {
            after = reduced(document, &not_used, true).flatten().map(|after| write(&after));
        }
        changes.push(Change { name: name.clone(), before: write(document), after, shared_with: Vec::new() });
    }
    changes
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
fn reduced(document: &Document, not_used: &ActionSet, shrunk: bool) -> Option<Option<Document>> {
    let mut left = Vec::new();
    let mut changed = false;
    for statement in &document.statements {
        let reduced = reduce(statement, not_used, shrunk);
        changed |= reduced.as_ref() != Some(statement);
        left.extend(reduced);
    }
    // A Deny alone is kept: taking it away would be no smaller policy.
    changed.then(|| (!left.is_empty()).then(|| Document { statements: left, ..document.clone() }))
}

fn reduce(statement: &Statement, not_used: &ActionSet, shrunk: bool) -> Option<Statement> {
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
        } else if shrunk {
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
        let of = |document: &Document, not_used: &ActionSet, limit| {
            from_current(&[("inline/x".to_owned(), document)], &|_| not_used.clone(), &|_| limit)
        };
        let changes = of(&document, &not_used, 10_240);
        let after = changes[0].after.as_ref().unwrap();
        assert_eq!(after["Statement"][0]["Action"], json!(["sqs:SendMessage"]));
        assert_eq!(after["Statement"].as_array().unwrap().len(), 3);
        assert_eq!(Document::parse(&changes[0].before).unwrap(), document);
        assert!(of(&document, &ActionSet::none(), 10_240).is_empty());
        let only =
            Document::parse(&json!({"Statement": {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*"}}));
        assert_eq!(of(&only.unwrap(), &not_used, 10_240)[0].after, None);
    }

    #[test]
    fn what_would_be_too_long_is_written_with_wildcards() {
        let value = json!({"Statement": [{"Effect": "Allow", "Action": "ec2:*", "Resource": "*"}]});
        let document = Document::parse(&value).unwrap();
        let mut not_used = ActionSet::none();
        assert!(not_used.insert("ec2:RunInstances"));
        let at = |limit| {
            let changes = from_current(&[("p".to_owned(), &document)], &|_| not_used.clone(), &|_| limit);
            changes.into_iter().next().and_then(|change| change.after).unwrap()
        };
        let (long, short) = (at(usize::MAX), at(6144));
        assert!(characters(&long) > 6144 && characters(&short) <= 6144, "{}", characters(&short));
        let actions = |after: &Value| ActionSet::of(&Document::parse(after).unwrap().statements[0].actions);
        assert_eq!(actions(&long), actions(&short));
        assert!(!actions(&short).contains("ec2:RunInstances") && actions(&short).contains("ec2:RunScheduledInstances"));
    }

    #[test]
    fn holders_are_those_whom_a_change_concerns() {
        let page = json!({"UserDetailList": [{"Arn": "a", "UserName": "a", "GroupList": ["g"]},
                {"Arn": "b", "UserName": "b", "AttachedManagedPolicies": [{"PolicyArn": "p"}]}],
            "GroupDetailList": [{"GroupName": "g", "AttachedManagedPolicies": [{"PolicyArn": "p"}]}],
            "RoleDetailList": [{"Arn": "c", "RoleName": "c", "PermissionsBoundary": {"PermissionsBoundaryArn": "p"}}]});
        let inventory = Inventory::parse(&page.to_string(), "x").unwrap();
        assert_eq!(holders(&inventory, "a", "p"), ["a", "b", "c"]);
        assert_eq!(holders(&inventory, "a", "group/g/inline/i"), ["a"]);
        assert_eq!(holders(&inventory, "b", "inline/i"), ["b"]);
    }
}
