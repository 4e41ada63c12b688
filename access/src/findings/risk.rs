//! What policies would permit and nobody should want: everything on everything, ways to more permissions, outsiders.
//!
//! Ways to more permissions: the methods that Rhino Security Labs and NCC Group's PMapper published ("AWS IAM privilege
//! escalation methods"), as sets of actions. Sets are of what a principal may do at all (see [`crate::policy::grant`]):
//! resources and conditions may still stand in the way, which is why these are risks and no findings.

use serde::Serialize;
use serde_json::Value;

use crate::inventory::{Entity, Grants, Inventory};
use crate::policy::document::Patterns;
use crate::policy::{ActionSet, Document, Effect, Statement};

/// What kind of risk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// `Action: *` on `Resource: *` without a condition.
    FullAccess,
    /// A way to permissions that it was not given.
    Escalation,
    /// A role that another account, or anybody, can assume.
    ExternalTrust,
}

/// One risk.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Risk {
    /// Kind.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// Whose.
    pub principal: String,
    /// What exactly: the policy, the way, the outsider.
    pub what: String,
    /// The actions that make the way; empty for others.
    pub actions: Vec<&'static str>,
}

/// A way to more permissions: its name and the actions that it takes.
const WAYS: &[(&str, &[&str])] = &[
    ("writes a new version of a policy", &["iam:CreatePolicyVersion"]),
    ("sets another version of a policy in force", &["iam:SetDefaultPolicyVersion"]),
    ("attaches a policy to a user", &["iam:AttachUserPolicy"]),
    ("attaches a policy to a group", &["iam:AttachGroupPolicy"]),
    ("attaches a policy to a role and assumes it", &["iam:AttachRolePolicy", "sts:AssumeRole"]),
    ("writes an inline policy of a user", &["iam:PutUserPolicy"]),
    ("writes an inline policy of a group", &["iam:PutGroupPolicy"]),
    ("writes an inline policy of a role and assumes it", &["iam:PutRolePolicy", "sts:AssumeRole"]),
    ("takes a boundary away", &["iam:DeleteUserPermissionsBoundary"]),
    ("joins a group", &["iam:AddUserToGroup"]),
    ("makes a key of another user", &["iam:CreateAccessKey"]),
    ("makes a password of another user", &["iam:CreateLoginProfile"]),
    ("changes a password of another user", &["iam:UpdateLoginProfile"]),
    ("changes who may assume a role", &["iam:UpdateAssumeRolePolicy", "sts:AssumeRole"]),
    ("starts an instance with a role", &["iam:PassRole", "ec2:RunInstances"]),
    ("runs a function with a role", &["iam:PassRole", "lambda:CreateFunction", "lambda:InvokeFunction"]),
    (
        "has a function with a role run on events",
        &["iam:PassRole", "lambda:CreateFunction", "lambda:CreateEventSourceMapping"],
    ),
    ("replaces the code of a function", &["lambda:UpdateFunctionCode"]),
    ("makes a Glue endpoint with a role", &["iam:PassRole", "glue:CreateDevEndpoint"]),
    ("makes a stack with a role", &["iam:PassRole", "cloudformation:CreateStack"]),
    ("runs a task with a role", &["iam:PassRole", "ecs:RegisterTaskDefinition", "ecs:RunTask"]),
    ("builds a project with a role", &["iam:PassRole", "codebuild:CreateProject", "codebuild:StartBuild"]),
    (
        "opens a notebook with a role",
        &["iam:PassRole", "sagemaker:CreateNotebookInstance", "sagemaker:CreatePresignedNotebookInstanceUrl"],
    ),
    ("runs commands on instances", &["ssm:SendCommand"]),
    ("runs a state machine with a role", &["iam:PassRole", "states:CreateStateMachine", "states:StartExecution"]),
];

/// The risks of an inventory's principals, sorted.
pub fn of(inventory: &Inventory, grants: &Grants<'_>) -> Vec<Risk> {
    let mut found = Vec::new();
    for entity in inventory.entities.iter().filter(|entity| !entity.is_service_linked()) {
        let full = full_access(inventory, entity);
        if full.is_empty() {
            found.extend(escalations(entity, &grants.of(entity).now));
        }
        found.extend(full);
        found.extend(entity.trust.as_ref().into_iter().flat_map(|trust| outsiders(entity, trust)));
    }
    found.sort_unstable();
    found.dedup();
    found
}

fn full_access(inventory: &Inventory, entity: &Entity) -> Vec<Risk> {
    let everything = |statement: &Statement| {
        let all = |pattern: &String| matches!(pattern.as_str(), "*" | "*:*");
        statement.effect == Effect::Allow
            && statement.is_unconditional()
            && matches!(&statement.actions, Patterns::Only(list) if list.iter().any(all))
    };
    let policies = inventory.identity_policies(entity).into_iter();
    let full = policies.filter(|(_, document)| document.statements.iter().any(everything));
    full.map(|(name, _)| risk(Kind::FullAccess, entity, name, &[])).collect()
}

fn escalations(entity: &Entity, granted: &ActionSet) -> Vec<Risk> {
    let open = WAYS.iter().filter(|(_, actions)| actions.iter().all(|action| granted.contains(action)));
    open.map(|(way, actions)| risk(Kind::Escalation, entity, (*way).to_owned(), actions)).collect()
}

/// Principals of other accounts, and anybody, in a trust policy. A condition on who (external id, organisation, subject
/// of a federation) is named, since it may narrow it.
fn outsiders(entity: &Entity, trust: &Document) -> Vec<Risk> {
    let mut found = Vec::new();
    for statement in trust.statements.iter().filter(|statement| statement.effect == Effect::Allow) {
        let Some(principal) = &statement.principal else { continue };
        let condition = if statement.condition.is_some() { ", under a condition" } else { "" };
        for (kind, name) in names(principal) {
            let account = crate::usage::account_of(&name).map(str::to_owned).or_else(|| plain_account(&name));
            let outside = match kind.as_str() {
                "AWS" => name == "*" || account.is_some_and(|account| account != entity.account()),
                // The provider vouches for anybody in it unless a condition says for whom.
                "Federated" => statement.condition.is_none(),
                _ => false,
            };
            if outside {
                found.push(risk(Kind::ExternalTrust, entity, format!("{name}{condition}"), &[]));
            }
        }
    }
    found
}

fn plain_account(name: &str) -> Option<String> {
    (name.len() == 12 && name.bytes().all(|byte| byte.is_ascii_digit())).then(|| name.to_owned())
}

fn names(principal: &Value) -> Vec<(String, String)> {
    let texts = |value: &Value| -> Vec<String> {
        match value {
            Value::String(text) => vec![text.clone()],
            Value::Array(list) => list.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            _ => Vec::new(),
        }
    };
    match principal {
        Value::Object(kinds) => {
            let of_kind = |(kind, value): (&String, &Value)| {
                texts(value).into_iter().map(|name| (kind.clone(), name)).collect::<Vec<_>>()
            };
            kinds.iter().flat_map(of_kind).collect()
        }
        other => texts(other).into_iter().map(|name| ("AWS".to_owned(), name)).collect(),
    }
}

fn risk(kind: Kind, entity: &Entity, what: String, actions: &[&'static str]) -> Risk {
    Risk { kind, principal: entity.arn.clone(), what, actions: actions.to_vec() }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn full_access_ways_and_outsiders_are_told() {
        for (_, actions) in WAYS {
            assert!(actions.iter().all(|action| ingest::action::is_known(action)), "{actions:?}");
        }
        let trust = |principal: Value, condition: Value| json!({"Statement": [{"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole", "Condition": condition}]});
        let role = |name: &str, action: &str, trust: Value| {
            json!({"Arn": format!("arn:aws:iam::111111111111:role/{name}"), "RoleName": name, "AssumeRolePolicyDocument": trust,
            "RolePolicyList": [{"PolicyName": "p", "PolicyDocument": {"Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}]}}]})
        };
        let page = json!({"UserDetailList": [], "RoleDetailList": [
            role("admin", "*", trust(json!({"Service": "ec2.amazonaws.com"}), json!({}))),
            role("dev", "iam:AttachUserPolicy", trust(json!({"AWS": ["arn:aws:iam::111111111111:root", "222222222222"]}), json!({}))),
            role("ci", "s3:*", trust(json!({"Federated": "arn:aws:iam::111111111111:oidc-provider/x"}), json!({}))),
            role("open", "s3:*", trust(json!("*"), json!({"StringEquals": {"sts:ExternalId": "x"}})))]});
        let inventory = Inventory::parse(&page.to_string(), "gaad.json").unwrap();
        let found = of(&inventory, &Grants::new(&inventory, 0));
        let rows: Vec<_> = found
            .iter()
            .map(|risk| (risk.kind, risk.principal.rsplit('/').next().unwrap(), risk.what.as_str()))
            .collect();
        assert_eq!(
            rows,
            [
                (Kind::FullAccess, "admin", "inline/p"),
                (Kind::Escalation, "dev", "attaches a policy to a user"),
                (Kind::ExternalTrust, "ci", "arn:aws:iam::111111111111:oidc-provider/x"),
                (Kind::ExternalTrust, "dev", "222222222222"),
                (Kind::ExternalTrust, "open", "*, under a condition"),
            ]
        );
    }
}
