//! Two files of one account as one inventory: pages that were kept apart name policies of each other.

use super::Inventory;

impl Inventory {
    /// Takes over what another inventory of the same account has. Where both have something of the account as a whole, ours stays; of
    /// principals that stand in both the first is used: see `twice.rs`.
    pub fn absorb(&mut self, other: Inventory) {
        self.entities.extend(other.entities);
        for (name, group) in other.groups {
            self.groups.entry(name).or_insert(group);
        }
        for (arn, policy) in other.policies {
            self.policies.entry(arn).or_insert(policy);
        }
        for (arn, credentials) in other.credentials {
            self.credentials.entry(arn).or_insert(credentials);
        }
        for (arn, accessed) in other.accessed {
            self.accessed.entry(arn).or_insert(accessed);
        }
        if self.scp_levels.is_empty() {
            self.scp_levels = other.scp_levels;
        }
        if self.rcp_levels.is_empty() {
            self.rcp_levels = other.rcp_levels;
        }
        self.instance_profiles.extend(other.instance_profiles);
        self.password_policy = self.password_policy.take().or(other.password_policy);
        self.virtual_mfa = self.virtual_mfa.take().or(other.virtual_mfa);
        self.taken = self.taken.max(other.taken);
        self.lacks_organization &= other.lacks_organization;
        self.given.extend(other.given);
        self.warnings.extend(other.warnings);
        self.once();
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn pages_in_files_of_their_own_are_one_account() {
        let user = json!({"Arn": "arn:aws:iam::111111111111:user/ann", "UserName": "ann", "GroupList": ["dev"], "AttachedManagedPolicies": [{"PolicyArn": "arn:p"}]});
        let one = json!({"UserDetailList": [user]});
        let document = json!({"Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}});
        let policy = json!({"Arn": "arn:p", "PolicyVersionList": [{"VersionId": "v1", "IsDefaultVersion": true, "Document": document}]});
        let two = json!({"GroupDetailList": [{"GroupName": "dev"}], "RoleDetailList": [{"Arn": "arn:aws:iam::111111111111:role/r"}], "Policies": [policy]});
        let parse = |page: serde_json::Value| Inventory::parse(&page.to_string(), "gaad.json").unwrap();
        let mut inventory = parse(one);
        assert_eq!(inventory.lacking(&inventory.entities[0]).policies, ["arn:p", "group/dev"]);
        inventory.absorb(parse(two));
        assert!(inventory.lacking(&inventory.entities[0]).is_empty());
        assert_eq!(inventory.entities.len(), 2);
    }
}
