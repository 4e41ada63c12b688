//! The organisation's policies on the way from its root to an account, level by level.

use serde_json::{Value, json};

use super::call::Caller;
use super::odd;
use crate::error::{Error, Kind};

/// Levels of an organisation: the root, five of organisational units, the account. More is a circle.
const LEVELS_MAX: usize = 16;
const PAGES_MAX: usize = 100;

/// Levels of service control policies and of resource control policies; nothing where the account is in no organisation, and
/// none for the account that manages it: they bind neither its users and roles nor its resources ("Service control policies
/// (SCPs)", "Resource control policies (RCPs)", AWS Organizations user guide).
pub(super) async fn levels(caller: &Caller, account: &str) -> Result<(Option<Value>, Option<Value>), Error> {
    let organization = match caller.organizations("DescribeOrganization", &json!({})).await {
        Err(error) if error.why().starts_with("AWSOrganizationsNotInUseException") => return Ok((None, None)),
        other => other?,
    };
    if organization.pointer("/Organization/MasterAccountId").and_then(Value::as_str) == Some(account) {
        return Ok((Some(json!([])), Some(json!([]))));
    }
    let mut way = vec![account.to_owned()];
    while let Some(child) = way.last().filter(|child| !child.starts_with("r-")) {
        let answer = match caller.organizations("ListParents", &json!({ "ChildId": child })).await {
            // It is said in a code of its own, which is no refusal: there is nothing to know.
            Err(error) if error.why().starts_with("AWSOrganizationsNotInUseException") => return Ok((None, None)),
            other => other?,
        };
        let parent = answer.pointer("/Parents/0/Id").and_then(Value::as_str);
        let parent = parent.ok_or_else(|| odd("organizations ListParents", "parent"))?.to_owned();
        if way.len() >= LEVELS_MAX {
            return Err(odd("organizations ListParents", "root within sixteen levels"));
        }
        way.push(parent);
    }
    way.reverse();
    let scps = of_kind(caller, &way, "SERVICE_CONTROL_POLICY").await?;
    let rcps = of_kind(caller, &way, "RESOURCE_CONTROL_POLICY").await;
    // An organisation that has not turned the kind on says so with an error of its own.
    let rcps = match rcps {
        Err(error) if error.kind == Kind::Other && !error.is_server_fault() => None,
        other => Some(other?),
    };
    Ok((Some(scps), rcps))
}

async fn of_kind(caller: &Caller, way: &[String], kind: &str) -> Result<Value, Error> {
    let mut levels = Vec::new();
    for target in way {
        let (mut policies, mut token) = (Vec::new(), None::<String>);
        for _ in 0..PAGES_MAX {
            let mut parameters = json!({"TargetId": target, "Filter": kind});
            if let Some(token) = &token {
                parameters["NextToken"] = json!(token);
            }
            let page = caller.organizations("ListPoliciesForTarget", &parameters).await?;
            for policy in page.get("Policies").and_then(Value::as_array).into_iter().flatten() {
                let id = policy.get("Id").and_then(Value::as_str).unwrap_or_default();
                policies.push(document(caller, id).await?);
            }
            token = page.get("NextToken").and_then(Value::as_str).map(str::to_owned);
            if token.is_none() {
                break;
            }
        }
        levels.push(json!({"target": target, "policies": policies}));
    }
    Ok(Value::Array(levels))
}

/// The document of one policy.
async fn document(caller: &Caller, id: &str) -> Result<Value, Error> {
    let answer = caller.organizations("DescribePolicy", &json!({ "PolicyId": id })).await?;
    let content = answer.pointer("/Policy/Content").and_then(Value::as_str);
    let content = content.ok_or_else(|| odd("organizations DescribePolicy", "Content"))?;
    serde_json::from_str(content)
        .map_err(|error| Error::new(format!("organizations policy {id}"), Kind::Other, format!("no JSON: {error}")))
}
