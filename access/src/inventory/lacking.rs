//! What an inventory names and does not hold: policies, boundaries and groups without their documents.
//!
//! A decision that one of them could turn is not known, and is not to be given as if it were.

use super::{Entity, Inventory};

/// What is attached to a principal and cannot be judged, because its document is not in the input or could not be read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lacking {
    /// Policies, by ARN or as `inline/NAME`, and groups as `group/NAME`; sorted.
    pub policies: Vec<String>,
    /// The permissions boundary.
    pub boundary: Option<String>,
    /// Whether the organisation's policies could not be asked for when the inventory was taken.
    pub organization: bool,
}

/// What stands for the organisation's policies among names.
const ORGANIZATION: &str = "policies of the organisation";

impl Lacking {
    /// Whether all is there.
    pub fn is_empty(&self) -> bool {
        self.policies.is_empty() && self.boundary.is_none() && !self.organization
    }

    /// All names, what only bounds last.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let organization = self.organization.then_some(ORGANIZATION);
        self.policies.iter().chain(&self.boundary).map(String::as_str).chain(organization)
    }
}

impl Inventory {
    /// What the inventory lacks of an entity.
    pub fn lacking(&self, entity: &Entity) -> Lacking {
        let has = |arn: &String| self.policies.get(arn).is_some_and(|policy| policy.default_version().is_some());
        let mut policies: Vec<String> = entity.attached.iter().filter(|arn| !has(arn)).cloned().collect();
        policies.extend(entity.unread.iter().map(|name| format!("inline/{name}")));
        for name in &entity.groups {
            let Some(group) = self.groups.get(name) else {
                policies.push(format!("group/{name}"));
                continue;
            };
            policies.extend(group.attached.iter().filter(|arn| !has(arn)).cloned());
            policies.extend(group.unread.iter().map(|policy| format!("group/{name}/inline/{policy}")));
        }
        policies.sort_unstable();
        policies.dedup();
        let organization = self.lacks_organization && self.scp_levels.is_empty() && !entity.is_service_linked();
        Lacking { policies, boundary: entity.boundary.clone().filter(|arn| !has(arn)), organization }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn whatever_has_no_document_is_named() {
        let document = json!({"Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]});
        let user = json!({"Arn": "arn:aws:iam::111111111111:user/ann", "UserName": "ann", "GroupList": ["dev", "gone"],
            "AttachedManagedPolicies": [{"PolicyArn": "arn:here"}, {"PolicyArn": "arn:away"}, {"PolicyArn": "arn:old"}],
            "UserPolicyList": [{"PolicyName": "good", "PolicyDocument": document}, {"PolicyName": "bad", "PolicyDocument": {}}],
            "PermissionsBoundary": {"PermissionsBoundaryArn": "arn:bound"}});
        let group = json!({"GroupName": "dev", "AttachedManagedPolicies": [{"PolicyArn": "arn:of-group"}],
            "GroupPolicyList": [{"PolicyName": "broken", "PolicyDocument": "{"}]});
        let policy = |arn: &str, current: bool| {
            json!({"Arn": arn, "PolicyVersionList": [
            {"VersionId": "v1", "IsDefaultVersion": current, "Document": document}, {"VersionId": "v2", "IsDefaultVersion": false, "Document": document}]})
        };
        let page = json!({"UserDetailList": [user], "GroupDetailList": [group], "Policies": [policy("arn:here", true), policy("arn:old", false)]});
        let inventory = Inventory::parse(&page.to_string(), "gaad.json").unwrap();
        let lacking = inventory.lacking(&inventory.entities[0]);
        let expected = ["arn:away", "arn:of-group", "arn:old", "group/dev/inline/broken", "group/gone", "inline/bad"];
        assert_eq!(lacking.policies, expected);
        assert_eq!(lacking.names().last(), Some("arn:bound"));
        assert!(!lacking.is_empty() && Lacking::default().is_empty());
    }
}
