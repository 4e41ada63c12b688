//! What policies would permit and nobody should want: everything on everything, ways to more permissions, outsiders.
//!
//! Ways to more permissions ([`super::way`]) are sets of what a principal may do at all (see [`crate::policy::grant`]):
//! resources and conditions may still stand in the way, which is why these are risks and no findings.

use serde::Serialize;

use super::trust::outsiders;
use super::way::{Passing, WAYS};
use crate::inventory::{Entity, Grants, Inventory};
use crate::policy::document::Patterns;
use crate::policy::{ActionSet, Effect, Statement};

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

/// The risks of an inventory's principals, sorted.
pub fn of(inventory: &Inventory, grants: &Grants<'_>) -> Vec<Risk> {
    let mut found = Vec::new();
    for entity in inventory.entities.iter().filter(|entity| !entity.is_service_linked()) {
        let granted = grants.of(entity).now;
        // Where a Deny, the boundary or the organisation leaves nothing, nothing is accessible.
        let full = if granted.is_empty() { Vec::new() } else { full_access(inventory, entity) };
        if full.is_empty() {
            found.extend(escalations(inventory, entity, &granted));
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

fn escalations(inventory: &Inventory, entity: &Entity, granted: &ActionSet) -> Vec<Risk> {
    let passing = Passing::new(inventory, entity);
    let is_open = |service: Option<&str>, actions: &[&str]| {
        actions.iter().all(|action| granted.contains(action)) && service.is_none_or(|service| passing.admits(service))
    };
    let open = WAYS.iter().filter(|(_, service, actions)| is_open(*service, actions));
    open.map(|(way, _, actions)| risk(Kind::Escalation, entity, (*way).to_owned(), actions)).collect()
}

pub(super) fn risk(kind: Kind, entity: &Entity, what: String, actions: &[&'static str]) -> Risk {
    Risk { kind, principal: entity.arn.clone(), what, actions: actions.to_vec() }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn full_access_ways_and_outsiders_are_told() {
        for (_, _, actions) in WAYS {
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

    fn kinds(policy: Value) -> Vec<(Kind, String)> {
        let page = json!({"UserDetailList": [], "RoleDetailList": [{"Arn": "arn:aws:iam::111111111111:role/r", "RoleName": "r",
            "RolePolicyList": [{"PolicyName": "p", "PolicyDocument": {"Version": "2012-10-17", "Statement": policy}}]}]});
        let inventory = Inventory::parse(&page.to_string(), "gaad.json").unwrap();
        let found = of(&inventory, &Grants::new(&inventory, 0));
        found.into_iter().map(|risk| (risk.kind, risk.what)).collect()
    }

    #[test]
    fn resources_and_denies_leave_no_way() {
        assert_eq!(kinds(json!([{"Effect": "Allow", "Action": "*", "Resource": "arn:aws:s3:::b/*"}])), []);
        let allow = json!({"Effect": "Allow", "Action": "*", "Resource": "*"});
        assert_eq!(kinds(json!([allow.clone(), {"Effect": "Deny", "Action": "*", "Resource": "*"}])), []);
        assert_eq!(kinds(json!([allow])).len(), 1);
    }

    /// Who may pass roles to Lambda alone starts no instance with one.
    #[test]
    fn a_role_is_passed_only_to_the_services_that_a_condition_admits() {
        let ways = |pass: Value| -> Vec<String> {
            let others = json!({"Effect": "Allow", "Action": ["ec2:RunInstances", "lambda:CreateFunction", "lambda:InvokeFunction"], "Resource": "*"});
            kinds(json!([pass, others])).into_iter().map(|(_, what)| what).collect()
        };
        let pass = |condition: Value| json!({"Effect": "Allow", "Action": "iam:PassRole", "Resource": "*", "Condition": condition});
        let (instance, function) = ("starts an instance with a role", "runs a function with a role");
        assert_eq!(ways(pass(json!({}))), [function, instance]);
        assert_eq!(ways(pass(json!({"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}}))), [function]);
        assert_eq!(ways(pass(json!({"StringLike": {"iam:PassedToService": ["ec2.*"]}}))), [instance]);
        assert_eq!(ways(pass(json!({"Bool": {"aws:MultiFactorAuthPresent": "true"}}))), [function, instance]);
        let only = json!([pass(json!({})), {"Effect": "Deny", "Action": "iam:PassRole", "Resource": "*",
            "Condition": {"StringNotEquals": {"iam:PassedToService": "ec2.amazonaws.com"}}}]);
        let others = json!({"Effect": "Allow", "Action": ["ec2:RunInstances", "lambda:CreateFunction", "lambda:InvokeFunction"], "Resource": "*"});
        let told = kinds(json!([only[0], only[1], others])).into_iter().map(|(_, what)| what).collect::<Vec<_>>();
        assert_eq!(told, [instance]);
    }
}
