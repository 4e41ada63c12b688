//! Policies that allow everything on everything, however it is written: CIS AWS Foundations 1.16, "full `*:*` administrative
//! privileges". What other policies, a Deny or a boundary take from it is for [`super::risk`] to say.

use ingest::action;

use crate::inventory::{Entity, Inventory};
use crate::policy::document::Patterns;
use crate::policy::{ActionSet, Effect, Statement};

/// The policies of a principal that allow everything, by name.
pub(super) fn policies(inventory: &Inventory, entity: &Entity) -> Vec<String> {
    let partition = entity.arn.split(':').nth(1).unwrap_or("aws");
    let policies = inventory.identity_policies(entity).into_iter();
    let full = policies.filter(|(_, document)| document.statements.iter().any(|one| allows_all(one, partition)));
    full.map(|(name, _)| name).collect()
}

fn allows_all(statement: &Statement, partition: &str) -> bool {
    let is_open = statement.effect == Effect::Allow && statement.condition.is_none() && !statement.never_holds();
    let Patterns::Only(actions) = &statement.actions else { return false };
    is_open && actions.iter().any(|action| is_every_action(action)) && is_everywhere(statement, partition)
}

fn is_everywhere(statement: &Statement, partition: &str) -> bool {
    let all = |pattern: &String| is_every_resource(pattern, partition);
    statement.is_everywhere()
        || matches!(&statement.resources, Some(Patterns::Only(patterns)) if patterns.iter().any(all))
}

/// `*`, `*:*`, `**`, `?*` …
fn is_every_action(pattern: &str) -> bool {
    let is_all = || ActionSet::of_patterns([&pattern.to_owned()]).len() == ActionSet::all().len();
    matches!(pattern, "*" | "*:*") || (pattern.starts_with(['*', '?']) && is_all())
}

/// `arn:*`, `arn:aws:*`, `arn:*:*:*:*:*` …: every part takes whatever there is, of the account's own partition.
fn is_every_resource(pattern: &str, partition: &str) -> bool {
    let is_any = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte == b'*');
    let mut parts = pattern.splitn(6, ':');
    if parts.next() != Some("arn") {
        return false;
    }
    let own = action::matches(parts.next().unwrap_or_default(), partition);
    own && parts.all(|part| is_any(&part)) && pattern.ends_with('*')
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn everything_is_told_however_it_is_written() {
        let told = |action: &str, resource: &str| {
            let page = json!({"RoleDetailList": [{"Arn": "arn:aws:iam::111111111111:role/r", "RoleName": "r", "RolePolicyList":
                [{"PolicyName": "p", "PolicyDocument": {"Statement": [{"Effect": "Allow", "Action": action, "Resource": resource}]}}]}]});
            let inventory = Inventory::parse(&page.to_string(), "gaad.json").unwrap();
            !policies(&inventory, &inventory.entities[0]).is_empty()
        };
        for action in ["*", "*:*", "**", "*:**", "**:*", "?*"] {
            assert!(told(action, "*"), "{action}");
        }
        for resource in ["**", "arn:*", "arn:aws:*", "arn:a*:*", "arn:*:*", "arn:aws:*:*:*:*", "arn:aws:**:*"] {
            assert!(told("*", resource), "{resource}");
        }
        for action in ["s3:*", "*:Get*", "*a", "s3*", ""] {
            assert!(!told(action, "*"), "{action}");
        }
        for resource in
            ["arn:aws:s3:::*", "arn:aws-cn:*", "arn:aws:*:*:*:a*", "arn:aws:*:*:*:*:*", "arn:aws", "a*", "arn:aws:*:"]
        {
            assert!(!told("*", resource), "{resource}");
        }
    }
}
