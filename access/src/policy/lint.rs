//! Statements that say something else than whoever wrote them will have meant.
//!
//! Sources: "IAM JSON policy elements: NotAction", "… Condition operators with multiple context keys or values", "MFA-protected
//! API access" in the IAM user guide; "Actions, resources, and condition keys for Amazon S3".

use serde_json::Value;

use super::actions::ActionSet;
use super::document::{Document, Effect, Kept, Patterns, Statement};

/// What is odd about a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lint {
    /// Actions on objects, and only a bucket's own ARN.
    BucketWithoutObjects,
    /// A condition on MFA that does not hold, or holds too often, for access keys, which have no such key.
    MfaWithoutIfExists,
    /// `ForAllValues` in an Allow: it holds where the key is absent.
    ForAllValuesAllows,
    /// `NotAction`, or `NotResource`, in an Allow: everything else, also what AWS adds later.
    AllowsAllBut,
}

impl Lint {
    /// One sentence for people.
    pub fn about(self) -> &'static str {
        match self {
            Lint::BucketWithoutObjects => {
                "names actions on objects and only a bucket: an object's ARN is arn:aws:s3:::BUCKET/*"
            }
            Lint::MfaWithoutIfExists => {
                "asks for MFA in a way that access keys, which lack aws:MultiFactorAuthPresent, slip through: Deny with BoolIfExists false"
            }
            Lint::ForAllValuesAllows => {
                "allows by ForAllValues, which holds where the key is absent: ask for the key with Null too"
            }
            Lint::AllowsAllBut => "allows everything but a list, and so whatever AWS adds: list what is allowed",
        }
    }
}

/// What is odd in a document: places of statements, from 0, and what.
pub fn lint(document: &Document) -> Vec<(usize, Lint)> {
    let statements = document.statements.iter().enumerate();
    statements.flat_map(|(at, statement)| of_statement(statement).into_iter().map(move |lint| (at, lint))).collect()
}

fn of_statement(statement: &Statement) -> Vec<Lint> {
    let mut found = Vec::new();
    let allows = statement.effect == Effect::Allow;
    if allows && is_bucket_without_objects(statement) {
        found.push(Lint::BucketWithoutObjects);
    }
    let conditions = statement.condition.iter().flat_map(Kept::members);
    for (operator, keys) in conditions {
        let operator = operator.to_ascii_lowercase();
        if allows && operator.starts_with("forallvalues:") && !has_null(statement) {
            found.push(Lint::ForAllValuesAllows);
        }
        let asks_mfa = |wanted: &str| {
            let keys = keys.as_object().into_iter().flatten();
            let mut of_mfa = keys.filter(|(key, _)| key.eq_ignore_ascii_case("aws:MultiFactorAuthPresent"));
            of_mfa.any(|(_, value)| is_value(value, wanted))
        };
        let slips = match operator.as_str() {
            "bool" => !allows && asks_mfa("false"),
            "boolifexists" => allows && asks_mfa("true"),
            _ => false,
        };
        if slips {
            found.push(Lint::MfaWithoutIfExists);
        }
    }
    // A role's trust policy has no resources and is no grant of actions.
    if allows && statement.resources.is_some() {
        let all_but = |patterns: &Patterns| matches!(patterns, Patterns::Except(_));
        if all_but(&statement.actions) || statement.resources.as_ref().is_some_and(all_but) {
            found.push(Lint::AllowsAllBut);
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}

fn is_value(value: &Value, wanted: &str) -> bool {
    match value {
        Value::String(text) => text.eq_ignore_ascii_case(wanted),
        Value::Bool(flag) => flag.to_string() == wanted,
        Value::Array(list) => list.iter().any(|value| is_value(value, wanted)),
        _ => false,
    }
}

fn has_null(statement: &Statement) -> bool {
    statement.condition.iter().flat_map(Kept::members).any(|(operator, _)| operator.eq_ignore_ascii_case("Null"))
}

fn is_bucket_without_objects(statement: &Statement) -> bool {
    let (Patterns::Only(_), Some(Patterns::Only(resources))) = (&statement.actions, &statement.resources) else {
        return false;
    };
    let is_bucket = |arn: &String| {
        let rest = arn.splitn(6, ':').nth(5).unwrap_or_default();
        arn.split(':').nth(2) == Some("s3") && !rest.is_empty() && !rest.contains(['/', '*', '$'])
    };
    // A wildcard crosses the slash, and so reaches objects.
    if resources.is_empty() || !resources.iter().all(is_bucket) {
        return false;
    }
    let is_of_object = |types: &str| {
        let mut kinds = types.split(',').map(|kind| kind.trim_end_matches('*'));
        let objects = kinds.clone().any(|kind| kind == "object");
        objects && !kinds.any(|kind| kind == "bucket")
    };
    ActionSet::of(&statement.actions)
        .iter()
        .any(|action| action.service() == "s3" && is_of_object(action.resource_types))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(statement: Value) -> Vec<Lint> {
        let document = Document::parse(&json!({ "Statement": statement })).unwrap();
        lint(&document).into_iter().map(|(_, lint)| lint).collect()
    }

    #[test]
    fn object_actions_on_a_bucket_arn_do_nothing() {
        let on =
            |action: &str, resources: Value| of(json!({"Effect": "Allow", "Action": action, "Resource": resources}));
        assert_eq!(on("s3:*", json!("arn:aws:s3:::my_bucket")), [Lint::BucketWithoutObjects]);
        assert_eq!(on("s3:GetObject", json!(["arn:aws:s3:::a", "arn:aws:s3:::b"])), [Lint::BucketWithoutObjects]);
        assert_eq!(on("s3:ListBucket", json!("arn:aws:s3:::my_bucket")), []);
        assert_eq!(on("s3:*", json!(["arn:aws:s3:::my_bucket", "arn:aws:s3:::my_bucket/*"])), []);
        assert_eq!(on("s3:*", json!("arn:aws:s3:::my*")), []);
    }

    #[test]
    fn mfa_is_asked_for_with_if_exists() {
        let mfa = |effect: &str, operator: &str, value: Value| {
            of(
                json!({"Effect": effect, "Action": "iam:*", "Resource": "*", "Condition": {operator: {"aws:multifactorAuthPresent": value}}}),
            )
        };
        assert_eq!(mfa("Deny", "Bool", json!("false")), [Lint::MfaWithoutIfExists]);
        assert_eq!(mfa("Allow", "BoolIfExists", json!(true)), [Lint::MfaWithoutIfExists]);
        assert_eq!(mfa("Deny", "BoolIfExists", json!("false")), []);
        assert_eq!(mfa("Allow", "Bool", json!("true")), []);
    }

    #[test]
    fn all_but_a_list_and_all_values_of_nothing() {
        assert_eq!(of(json!({"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"})), [Lint::AllowsAllBut]);
        assert_eq!(of(json!({"Effect": "Deny", "NotAction": "iam:*", "Resource": "*"})), []);
        let all = |more: Value| {
            let mut condition = json!({"ForAllValues:StringEquals": {"aws:TagKeys": ["a"]}});
            condition.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            of(json!({"Effect": "Allow", "Action": "ec2:CreateTags", "Resource": "*", "Condition": condition}))
        };
        assert_eq!(all(json!({})), [Lint::ForAllValuesAllows]);
        assert_eq!(all(json!({"Null": {"aws:TagKeys": "false"}})), []);
    }
}
