//! Who may assume a role from outside: other accounts, anybody, and whomever an identity provider vouches for.
//!
//! A provider such as GitHub's vouches for everybody who has an account there: `aud` says for which cloud, `sub` says who, so
//! that a trust policy without a bound `sub` is open to all of them. Source: "Create a role for OpenID Connect federation" and
//! "IAM and AWS STS condition context keys" in the IAM user guide; "Role trust and permissions" of Amazon Cognito, whose
//! `aud` is the pool and whose `amr` keeps guests out.

use serde_json::{Map, Value};

use super::door::Door;
use super::risk::{Kind, Risk, risk};
use crate::inventory::Entity;
use crate::policy::{Document, Effect};

/// Providers that trust policies name without an ARN.
const WELL_KNOWN: [&str; 4] =
    ["accounts.google.com", "cognito-identity.amazonaws.com", "graph.facebook.com", "www.amazon.com"];

/// Principals of other accounts, and anybody, in a trust policy, as far as its conditions and denials let any of them in. A
/// condition that may narrow who it is (external id, organisation) is named.
pub(super) fn outsiders(entity: &Entity, trust: &Document) -> Vec<Risk> {
    let mut found = Vec::new();
    let door = Door::new(entity, trust);
    for statement in trust.statements.iter().filter(|statement| statement.effect == Effect::Allow) {
        let condition = door.narrowed(statement);
        for (kind, name) in statement.principal.as_ref().map(|kept| names(&kept.value())).unwrap_or_default() {
            let what = match kind.as_str() {
                "AWS" if door.lets_in(&name) => format!("{name}{condition}"),
                "Federated" if door.is_shut_for_all() => continue,
                // The provider vouches for anybody in it unless a condition says for whom.
                "Federated" => match &statement.condition {
                    None => name,
                    Some(condition) => match unbound(&name, &condition.members()) {
                        Some(claim) => format!("{name}: whomever it vouches for ({claim} is not bound)"),
                        None => continue,
                    },
                },
                _ => continue,
            };
            found.push(risk(Kind::ExternalTrust, entity, what, &[]));
        }
        if let Some(but) = statement.not_principal.as_ref().filter(|_| door.lets_in("*")) {
            let names: Vec<String> = names(&but.value()).into_iter().map(|(_, name)| name).collect();
            let what = format!("everybody but {}{condition}", names.join(", "));
            found.push(risk(Kind::ExternalTrust, entity, what, &[]));
        }
    }
    found
}

/// The claim that a condition leaves open, of an OpenID Connect provider: `sub`, or of Cognito what stands for it. `None`
/// where the claims are bound, and of SAML providers.
fn unbound(provider: &str, condition: &Map<String, Value>) -> Option<String> {
    let host = provider.split_once(":oidc-provider/").map(|(_, host)| host);
    let host = host.or_else(|| WELL_KNOWN.into_iter().find(|known| *known == provider))?;
    let is_bound = |claim: &str| is_bound(condition, &format!("{host}:{claim}"));
    if host == "cognito-identity.amazonaws.com" {
        // A pool's guests are everybody.
        let guests = |value: &str| value.eq_ignore_ascii_case("unauthenticated");
        let is_open = |claim: &str| {
            let key = format!("{host}:{claim}");
            !is_bound(claim) || (claim == "amr" && bound_to(condition, &key).iter().any(|value| guests(value)))
        };
        let open = ["aud", "amr"].into_iter().find(|claim| is_open(claim) && !is_bound("sub"))?;
        return Some(format!("{host}:{open}"));
    }
    // Other claims than `aud` say who as well: GitHub's `job_workflow_ref`, Google's `oaud`; those that say of which branch, run or
    // workflow anybody can make true in a repository of his own.
    let front = format!("{}:", host.to_ascii_lowercase());
    let keys = condition.values().filter_map(Value::as_object).flat_map(Map::keys);
    let mut claims = keys.filter_map(|key| key.to_ascii_lowercase().strip_prefix(&front).map(str::to_owned));
    let who = |claim: &String| !ANYBODYS.contains(&claim.as_str()) && is_bound(claim);
    (!claims.any(|claim| who(&claim))).then(|| format!("{host}:sub"))
}

/// Claims that say nothing of who it is ("GitHub Actions: OpenID Connect reference").
const ANYBODYS: &[&str] = &[
    "app_id",
    "aud",
    "azp",
    "base_ref",
    "environment",
    "event_name",
    "head_ref",
    "iss",
    "ref",
    "ref_protected",
    "ref_type",
    "repository_visibility",
    "run_attempt",
    "run_number",
    "runner_environment",
    "sha",
    "workflow",
];

/// The values that a condition compares a key with, whatever the operator.
fn bound_to(condition: &Map<String, Value>, key: &str) -> Vec<String> {
    let asked = condition.values().filter_map(Value::as_object).flatten();
    asked.filter(|(name, _)| name.eq_ignore_ascii_case(key)).flat_map(|(_, value)| texts(value)).collect()
}

/// Whether some operator binds a key to values that somebody owns.
fn is_bound(condition: &Map<String, Value>, key: &str) -> bool {
    condition.iter().any(|(operator, keys)| {
        let operator = operator.to_ascii_lowercase();
        let operator = operator.rsplit(':').next().unwrap_or_default();
        let compares = ["stringequals", "stringequalsignorecase", "stringlike"];
        let operator = operator.strip_suffix("ifexists").unwrap_or(operator);
        let wild = operator == "stringlike";
        let values = keys.as_object().into_iter().flatten().filter(|(name, _)| name.eq_ignore_ascii_case(key));
        let mut values = values.flat_map(|(_, value)| texts(value)).peekable();
        compares.contains(&operator) && values.peek().is_some() && values.all(|value| !wild || is_owned(&value))
    })
}

/// Whether a pattern of subjects names a whole owner before its first wildcard: `repo:acme/*`, `organization:acme:*`. Of
/// `repo:*` and `repo:ac*` anybody can make one that fits.
fn is_owned(pattern: &str) -> bool {
    let Some(at) = pattern.find(['*', '?']) else { return true };
    let front = pattern.get(..at).unwrap_or_default();
    match front.split_once(':') {
        Some((_, owner)) => owner.trim_start_matches('/').contains(['/', ':']),
        // `acme/app/.github/workflows/deploy.yml@*`
        None => front.contains('/'),
    }
}

pub(super) fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(list) => list.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

pub(super) fn names(principal: &Value) -> Vec<(String, String)> {
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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::inventory::Inventory;
    use serde_json::json;

    fn told(statement: Value) -> Vec<String> {
        told_of(json!([statement]))
    }

    fn told_of(statements: Value) -> Vec<String> {
        let trust = json!({"Version": "2012-10-17", "Statement": statements});
        let page = json!({"RoleDetailList": [{"Arn": "arn:aws:iam::111111111111:role/r", "RoleName": "r", "AssumeRolePolicyDocument": trust}]});
        let inventory = Inventory::parse(&page.to_string(), "g").unwrap();
        let role = &inventory.entities[0];
        outsiders(role, role.trust.as_ref().unwrap()).into_iter().map(|risk| risk.what).collect()
    }

    #[test]
    fn a_provider_open_to_all_is_told_unless_the_subject_is_bound() {
        let open = |provider: &str, condition: Value| {
            let found = told(
                json!({"Effect": "Allow", "Principal": {"Federated": provider}, "Action": "sts:AssumeRoleWithWebIdentity", "Condition": condition}),
            );
            assert!(found.iter().all(|what| what.contains("is not bound")), "{found:?}");
            !found.is_empty()
        };
        let host = "token.actions.githubusercontent.com";
        let github = format!("arn:aws:iam::111111111111:oidc-provider/{host}");
        let of = |operator: &str, claim: &str, value: &str| json!({operator: {format!("{host}:{claim}"): value}});
        assert!(open(&github, of("StringEquals", "aud", "sts.amazonaws.com")));
        for value in ["*", "repo:*", "repo:ac*", "repo:*/app:*", "?epo:acme/app"] {
            assert!(open(&github, of("StringLike", "sub", value)), "{value}");
        }
        for value in ["repo:acme/*", "repo:acme/app:ref:refs/heads/main"] {
            assert!(!open(&github, of("StringLike", "sub", value)), "{value}");
        }
        assert!(!open(&github, of("StringEquals", "SUB", "repo:acme/app:ref:refs/heads/main")));
        assert!(open(&github, of("StringNotEquals", "sub", "repo:acme/app:pull_request")));
        assert!(open(&github, json!({"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}})));
        assert!(!open(
            "arn:aws:iam::1:oidc-provider/app.terraform.io",
            json!({"StringLike": {"app.terraform.io:sub": "organization:acme:*"}})
        ));
        assert!(open("accounts.google.com", json!({"StringEquals": {"accounts.google.com:aud": "x"}})));
        let pool = json!({"StringEquals": {"cognito-identity.amazonaws.com:aud": "us-east-1:x"}});
        assert!(open("cognito-identity.amazonaws.com", pool.clone()));
        let mut signed_in = pool;
        signed_in["ForAnyValue:StringLike"] = json!({"cognito-identity.amazonaws.com:amr": "authenticated"});
        assert!(!open("cognito-identity.amazonaws.com", signed_in));
        // What anybody can make true in a repository or pool of his own says nothing of who it is.
        for (claim, value) in [("ref", "refs/heads/main"), ("workflow", "deploy"), ("environment", "prod")] {
            assert!(open(&github, of("StringEquals", claim, value)), "{claim}");
        }
        assert!(!open(&github, of("StringLike", "job_workflow_ref", "acme/app/.github/workflows/deploy.yml@*")));
        let mut guests = json!({"StringEquals": {"cognito-identity.amazonaws.com:aud": "us-east-1:x"}});
        guests["ForAnyValue:StringLike"] = json!({"cognito-identity.amazonaws.com:amr": "unauthenticated"});
        assert!(open("cognito-identity.amazonaws.com", guests));
        // SAML has an audience alone, and its provider is one's own.
        assert!(!open(
            "arn:aws:iam::111111111111:saml-provider/x",
            json!({"StringEquals": {"SAML:aud": "https://signin.aws.amazon.com/saml"}})
        ));
    }

    /// Whom a condition or a Deny keeps to the own account is no outsider, and whom it narrows is told with it.
    #[test]
    fn conditions_and_denials_are_weighed_and_named() {
        let assume = |principal: &str, condition: Value| json!({"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "sts:AssumeRole", "Condition": condition});
        let deny = |action: &str, condition: Value| json!({"Effect": "Deny", "Principal": "*", "Action": action, "Condition": condition});
        let both = |allow: Value, deny: Value| told_of(json!([allow, deny]));
        let (own, other) = ("111111111111", "222222222222");
        for condition in [
            json!({"StringEquals": {"aws:PrincipalAccount": own}}),
            json!({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::111111111111:role/ops-*"}}),
        ] {
            assert_eq!(told(assume("*", condition.clone())), Vec::<String>::new(), "{condition}");
        }
        assert_eq!(told(assume(other, json!({"StringEquals": {"aws:PrincipalAccount": own}}))), Vec::<String>::new());
        assert_eq!(
            told(assume("*", json!({"StringEquals": {"aws:PrincipalAccount": [own, other]}}))),
            ["*, under a condition (StringEquals aws:PrincipalAccount 111111111111 222222222222)"]
        );
        assert_eq!(
            told(assume("*", json!({"StringEquals": {"aws:PrincipalOrgID": "o-1"}}))),
            ["*, under a condition (StringEquals aws:PrincipalOrgID o-1)"]
        );
        let anywhere = json!({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/ci"}});
        assert_eq!(
            told(assume("*", anywhere)),
            ["*, under a condition (ArnLike aws:PrincipalArn arn:aws:iam::*:role/ci)"]
        );
        for condition in [
            json!({"StringLike": {"aws:PrincipalArn": "*:user/ann"}}),
            json!({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::22222222*:role/ci"}}),
            json!({"StringLike": {"aws:PrincipalArn": "arn:aws:iam::*/ci"}}),
            json!({"StringLike": {"aws:PrincipalAccount": "2222*"}}),
            json!({"StringLike": {"aws:PrincipalArn": ["arn:aws:iam::111111111111:role/own", "*:user/y"]}}),
        ] {
            assert_eq!(told(assume("*", condition.clone())).len(), 1, "{condition}");
        }
        assert_eq!(told(assume(other, json!({"StringLike": {"aws:PrincipalArn": "*:user/ann"}}))).len(), 1);
        assert_eq!(
            told(assume("*", json!({"StringLike": {"aws:PrincipalAccount": "1111*1111"}}))),
            Vec::<String>::new()
        );
        let spared = json!({"Effect": "Deny", "NotPrincipal": {"AWS": ["arn:aws:iam::222222222222:role/x", "arn:aws:iam::222222222222:root"]}, "Action": "sts:AssumeRole"});
        assert_eq!(both(json!({"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}), spared).len(), 1);
        // What the external id is, a report need not say.
        assert_eq!(
            told(assume(other, json!({"StringEquals": {"sts:ExternalId": "secret"}}))),
            ["222222222222, under a condition (StringEquals sts:ExternalId)"]
        );
        let open = || assume("*", json!({}));
        for shut in ["sts:*", "*", "sts:AssumeRole*"] {
            assert_eq!(both(open(), deny(shut, json!({}))), Vec::<String>::new(), "{shut}");
        }
        assert_eq!(both(open(), deny("sts:TagSession", json!({}))), ["*"]);
        assert_eq!(
            both(open(), deny("*", json!({"StringNotEquals": {"aws:PrincipalAccount": own}}))),
            Vec::<String>::new()
        );
        assert_eq!(
            both(open(), deny("sts:*", json!({"StringNotEquals": {"aws:PrincipalOrgID": "o-1"}}))),
            ["*, under a condition (denied where StringNotEquals aws:PrincipalOrgID o-1)"]
        );
        let provider = json!({"Effect": "Allow", "Principal": {"Federated": "arn:aws:iam::111111111111:oidc-provider/x"}, "Action": "sts:AssumeRoleWithWebIdentity"});
        assert_eq!(both(provider.clone(), deny("sts:*", json!({}))), Vec::<String>::new());
        assert_eq!(both(provider, deny("sts:AssumeRole", json!({}))).len(), 1);
    }

    #[test]
    fn everybody_but_somebody_is_told() {
        let but = json!({"Effect": "Allow", "NotPrincipal": {"AWS": "arn:aws:iam::999999999999:root"}, "Action": "sts:AssumeRole"});
        assert_eq!(told(but), ["everybody but arn:aws:iam::999999999999:root"]);
    }
}
