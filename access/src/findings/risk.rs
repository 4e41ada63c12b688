//! What policies would permit and nobody should want: everything on everything, ways to more permissions, outsiders.
//!
//! Ways to more permissions ([`super::way`]) are sets of what a principal may do at all (see [`crate::policy::grant`]):
//! resources and conditions may still stand in the way, which is why these are risks and no findings.

use serde::Serialize;

use super::trust::outsiders;
use super::{full, way};
use crate::inventory::{Entity, Grants, Inventory};

/// What kind of risk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// `Action: *` on `Resource: *` without a condition.
    FullAccess,
    /// The same, and only the permissions boundary leaves less: whoever takes that away makes an administrator.
    FullAccessWithinBoundary,
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
        // Where a Deny, the boundary or the organisation leaves nothing, nothing is accessible; where the boundary leaves some,
        // it is not everything.
        let full = if granted.is_empty() { Vec::new() } else { full::policies(inventory, entity) };
        let boundary = bounded_by(grants, entity);
        if full.is_empty() || boundary.is_some() {
            found.extend(way::open(inventory, grants, entity, &granted));
        }
        found.extend(full.into_iter().map(|policy| match boundary {
            None => risk(Kind::FullAccess, entity, policy, &[]),
            Some(arn) => {
                let what = format!("{policy}, limited by the permissions boundary {arn}");
                risk(Kind::FullAccessWithinBoundary, entity, what, &[])
            }
        }));
        found.extend(entity.trust.as_ref().into_iter().flat_map(|trust| outsiders(entity, trust)));
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// Its boundary, where that is known and leaves less than everything.
fn bounded_by<'a>(grants: &Grants<'_>, entity: &'a Entity) -> Option<&'a str> {
    entity.boundary.as_deref().filter(|arn| grants.is_everything(arn) == Some(false))
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
        for (_, _, actions) in way::WAYS {
            let unknown: Vec<_> = actions.iter().filter(|action| !ingest::action::is_known(action)).collect();
            assert!(unknown.is_empty(), "{unknown:?}");
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
                (Kind::ExternalTrust, "open", "*, under a condition (StringEquals sts:ExternalId)"),
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

    fn of_user(statements: Value, boundary: Option<Value>) -> Vec<(Kind, String)> {
        let policy = |name: &str, document: Value| {
            json!({"Arn": format!("arn:aws:iam::111111111111:policy/{name}"), "DefaultVersionId": "v1", "PolicyVersionList":
                [{"VersionId": "v1", "IsDefaultVersion": true, "Document": {"Version": "2012-10-17", "Statement": document}}]})
        };
        let open = json!({"Effect": "Allow", "Action": "*", "Resource": "*"});
        let bound =
            boundary.is_some().then(|| json!({"PermissionsBoundaryArn": "arn:aws:iam::111111111111:policy/bound"}));
        let page = json!({
            "UserDetailList": [{"Arn": "arn:aws:iam::111111111111:user/team/ann", "UserName": "ann", "PermissionsBoundary": bound,
                "UserPolicyList": [{"PolicyName": "p", "PolicyDocument": {"Version": "2012-10-17", "Statement": statements}}]}],
            "RoleDetailList": [],
            "Policies": [policy("bound", boundary.unwrap_or(open.clone())), policy("open", open)]});
        let inventory = Inventory::parse(&page.to_string(), "gaad.json").unwrap();
        let found = of(&inventory, &Grants::new(&inventory, 0));
        found.into_iter().map(|risk| (risk.kind, risk.what)).collect()
    }

    /// Managing one's own keys and password is no way to more.
    #[test]
    fn what_is_for_oneself_alone_is_no_way() {
        let on = |resource: Value| {
            let actions = json!(["iam:CreateAccessKey", "iam:CreateLoginProfile", "iam:UpdateLoginProfile"]);
            of_user(json!([{"Effect": "Allow", "Action": actions, "Resource": resource}]), None).len()
        };
        for own in ["user/${aws:username}", "user/*/${aws:username}", "user/team/ann"] {
            assert_eq!(
                on(json!(format!("arn:aws:iam::*:{own}").replace("*:user/team", "111111111111:user/team"))),
                0,
                "{own}"
            );
        }
        for other in ["user/*", "user/bob", "user/${aws:PrincipalTag/team}-*", "*"] {
            assert_eq!(on(json!(format!("arn:aws:iam::111111111111:{other}"))), 3, "{other}");
        }
        assert_eq!(on(json!(["arn:aws:iam::*:user/${aws:username}", "arn:aws:iam::*:user/bob"])), 3);
        let but_oneself = json!([{"Effect": "Allow", "Action": "iam:CreateAccessKey", "Resource": "*"},
            {"Effect": "Deny", "Action": "iam:CreateAccessKey", "NotResource": "arn:aws:iam::*:user/*${aws:username}"}]);
        assert_eq!(of_user(but_oneself, None), []);
        // A role has no user's name, so the variable means nobody.
        let role = json!([{"Effect": "Allow", "Action": "iam:CreateAccessKey", "Resource": "arn:aws:iam::*:user/${aws:username}"}]);
        assert_eq!(kinds(role), []);
    }

    /// Who may attach policies only to what carries a boundary makes nobody stronger than the boundary.
    #[test]
    fn what_a_boundary_bounds_is_no_way_unless_it_bounds_nothing() {
        let attach = |condition: Value| {
            let statement =
                json!({"Effect": "Allow", "Action": "iam:AttachUserPolicy", "Resource": "*", "Condition": condition});
            of_user(json!([statement]), Some(json!({"Effect": "Allow", "Action": ["iam:*", "s3:*"], "Resource": "*"})))
                .len()
        };
        let bound = |value: &str| json!({"StringLike": {"iam:PermissionsBoundary": value}});
        assert_eq!(attach(json!({})), 1);
        assert_eq!(attach(bound("arn:aws:iam::111111111111:policy/bound")), 0);
        for open in [
            "arn:aws:iam::111111111111:policy/open",
            "arn:aws:iam::*:policy/*",
            "arn:aws:iam::aws:policy/AdministratorAccess",
        ] {
            assert_eq!(attach(bound(open)), 1, "{open}");
        }
        assert_eq!(attach(json!({"StringEqualsIfExists": {"iam:PermissionsBoundary": "arn:aws:iam::1:policy/b"}})), 1);
        assert_eq!(attach(json!({"Bool": {"aws:MultiFactorAuthPresent": "true"}})), 1);
        let denied = json!([{"Effect": "Allow", "Action": "iam:PutUserPolicy", "Resource": "*"},
            {"Effect": "Deny", "Action": "iam:PutUserPolicy", "Resource": "*", "Condition":
                {"StringNotEquals": {"iam:PermissionsBoundary": "arn:aws:iam::111111111111:policy/bound"}}}]);
        assert_eq!(of_user(denied, Some(json!({"Effect": "Allow", "Action": "iam:*", "Resource": "*"}))), []);
    }

    #[test]
    fn everything_behind_a_boundary_that_leaves_less_is_not_everything() {
        let all = || json!([{"Effect": "Allow", "Action": "*", "Resource": "*"}]);
        let allow = |action: &str| json!({"Effect": "Allow", "Action": action, "Resource": "*"});
        assert_eq!(of_user(all(), None), [(Kind::FullAccess, "inline/p".to_owned())]);
        assert_eq!(of_user(all(), Some(allow("*"))), [(Kind::FullAccess, "inline/p".to_owned())]);
        let bound = "inline/p, limited by the permissions boundary arn:aws:iam::111111111111:policy/bound".to_owned();
        let limited = (Kind::FullAccessWithinBoundary, bound);
        assert_eq!(of_user(all(), Some(allow("s3:*"))), std::slice::from_ref(&limited));
        // What it leaves may still be a way.
        assert_eq!(
            of_user(all(), Some(allow("iam:CreatePolicyVersion"))),
            [limited, (Kind::Escalation, "writes a new version of a policy".to_owned())]
        );
        let but = json!([allow("*"), {"Effect": "Deny", "Action": "iam:*", "Resource": "*"}]);
        let found = of_user(all(), Some(but));
        let ways: Vec<_> = found.iter().filter(|(kind, _)| *kind == Kind::Escalation).collect();
        assert!(ways.iter().all(|(_, what)| !what.contains("user")) && ways.len() > 5, "{found:?}");
        assert_eq!(found.len(), ways.len() + 1);
    }

    /// The ways of the public lists that were not in the table.
    #[test]
    fn known_ways_are_in_the_table() {
        for actions in [
            &["glue:UpdateDevEndpoint"][..],
            &[
                "datapipeline:CreatePipeline",
                "datapipeline:PutPipelineDefinition",
                "datapipeline:ActivatePipeline",
                "iam:PassRole",
            ],
            &["lambda:UpdateFunctionConfiguration"],
            &["lambda:CreateFunction", "lambda:AddPermission", "iam:PassRole"],
            &["glue:CreateJob", "glue:StartJobRun", "iam:PassRole"],
            &["glue:UpdateJob", "glue:StartJobRun", "iam:PassRole"],
            &["ssm:StartSession"],
            &["ssm:SendCommand"],
            &["iam:DeleteRolePermissionsBoundary"],
            &["iam:DeleteUserPermissionsBoundary"],
            &["ec2:ReplaceIamInstanceProfileAssociation", "iam:PassRole"],
            &["cloudformation:UpdateStack"],
            &["codebuild:StartBuild"],
            &["ecs:ExecuteCommand"],
            &["sso:CreateAccountAssignment"],
        ] {
            let found = kinds(json!([{"Effect": "Allow", "Action": actions, "Resource": "*"}]));
            assert_eq!(found.len(), 1, "{actions:?}: {found:?}");
        }
        let names: std::collections::BTreeSet<_> = way::WAYS.iter().map(|(name, ..)| name).collect();
        assert_eq!(names.len(), way::WAYS.len());
    }

    /// Where instances are known and none has a role, commands on them give nothing.
    #[test]
    fn instances_without_roles_are_no_way() {
        let page = json!({"RoleDetailList": [{"Arn": "arn:aws:iam::111111111111:role/r", "RoleName": "r", "RolePolicyList":
            [{"PolicyName": "p", "PolicyDocument": {"Statement": [{"Effect": "Allow", "Action": "ssm:SendCommand", "Resource": "*"}]}}]}]});
        let ways = |profiles: Option<Value>| {
            let mut inventory = Inventory::parse(&page.to_string(), "gaad.json").unwrap();
            if let Some(profiles) = profiles {
                inventory.add_instance_profiles(&json!({"InstanceProfiles": profiles}).to_string(), "p.json").unwrap();
            }
            of(&inventory, &Grants::new(&inventory, 0)).len()
        };
        let profile = |roles: Value| json!([{"Arn": "arn:aws:iam::111111111111:instance-profile/p", "Roles": roles}]);
        assert_eq!((ways(None), ways(Some(json!([]))), ways(Some(profile(json!([]))))), (1, 0, 0));
        assert_eq!(ways(Some(profile(json!([{"Arn": "arn:aws:iam::111111111111:role/r"}])))), 1);
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
