//! IAM's things by name: where a request says `app`, the ARN may be `…:role/service-role/app`.
//!
//! Requests to IAM name users, roles, groups, policies and instance profiles without their path, and policies match ARNs
//! with it. A name is used once in an account, whatever the path and the case ("IAM identifiers", "Friendly names and
//! paths"), so an inventory says which ARN is meant. Knows inventories. Must not know events.

use std::collections::BTreeMap;

use crate::inventory::Inventory;
use crate::policy::arn;

/// The ARNs of some accounts' users, roles, groups, policies and instance profiles, by name.
#[derive(Debug, Clone, Default)]
pub struct Paths {
    /// The ARN without its path, in lower case → the ARN. Only those that have a path.
    whole: BTreeMap<String, String>,
    /// ARN of an instance profile → that of its role.
    roles: BTreeMap<String, String>,
}

impl Paths {
    /// What some inventories say.
    pub fn new(inventories: &[Inventory]) -> Paths {
        let mut paths = Paths::default();
        for inventory in inventories {
            inventory.entities.iter().for_each(|entity| paths.add(&entity.arn));
            inventory.groups.values().for_each(|group| paths.add(&group.arn));
            inventory.policies.keys().for_each(|arn| paths.add(arn));
            for profile in &inventory.instance_profiles {
                paths.add(&profile.arn);
                if let [role] = profile.roles.as_slice() {
                    paths.roles.insert(profile.arn.clone(), role.clone());
                }
            }
        }
        paths
    }

    fn add(&mut self, arn: &str) {
        if let Some((kind, name)) = kind_and_name(arn)
            && kind.len() + 1 + name.len() < resource(arn).len()
        {
            self.whole.insert(bare(arn, kind, name), arn.to_owned());
        }
    }

    /// The ARN with its path of one that was made of a name; the same where nothing is known of it.
    pub fn whole<'a>(&'a self, arn: &'a str) -> &'a str {
        let Some((kind, name)) = kind_and_name(arn) else { return arn };
        // One with a path is whole already.
        let is_bare = kind.len() + 1 + name.len() == resource(arn).len();
        is_bare.then(|| self.whole.get(&bare(arn, kind, name))).flatten().map_or(arn, String::as_str)
    }

    /// The role that an instance profile hands out: as the inventory says, else the one of the same name and path, which
    /// is what the console makes.
    pub fn role_of(&self, profile: &str) -> String {
        let profile = self.whole(profile);
        match self.roles.get(profile) {
            Some(role) => role.clone(),
            None => self.whole(&profile.replacen(":instance-profile/", ":role/", 1)).to_owned(),
        }
    }
}

fn resource(text: &str) -> &str {
    arn::split(text).map_or("", |[.., resource]| resource)
}

/// `role` and `app` of `arn:aws:iam::1:role/path/app`; `None` where it is none of IAM's.
fn kind_and_name(text: &str) -> Option<(&str, &str)> {
    let [_, _, service, _, _, resource] = arn::split(text)?;
    let (kind, rest) = resource.split_once('/')?;
    (service == "iam").then(|| (kind, rest.rsplit('/').next().unwrap_or(rest)))
}

fn bare(arn: &str, kind: &str, name: &str) -> String {
    let front = arn.strip_suffix(resource(arn)).unwrap_or(arn);
    format!("{front}{kind}/{name}").to_ascii_lowercase()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const INVENTORY: &str = r#"{"UserDetailList": [{"Arn": "arn:aws:iam::111111111111:user/eng/bob", "UserName": "bob"}],
        "RoleDetailList": [{"Arn": "arn:aws:iam::111111111111:role/service-role/App", "RoleName": "App", "InstanceProfileList":
            [{"Arn": "arn:aws:iam::111111111111:instance-profile/hosts/web", "Roles": [{"Arn": "arn:aws:iam::111111111111:role/service-role/App"}]}]}],
        "GroupDetailList": [{"Arn": "arn:aws:iam::111111111111:group/all", "GroupName": "all"}],
        "Policies": [{"Arn": "arn:aws:iam::111111111111:policy/team/p", "PolicyVersionList": []}]}"#;

    #[test]
    fn a_name_becomes_the_arn_with_its_path() {
        let paths = Paths::new(&[Inventory::parse(INVENTORY, "i.json").unwrap()]);
        for (named, whole) in [
            ("user/bob", "user/eng/bob"),
            ("role/app", "role/service-role/App"),
            ("policy/p", "policy/team/p"),
            ("instance-profile/web", "instance-profile/hosts/web"),
            ("group/all", "group/all"),
            ("role/unknown", "role/unknown"),
            ("role/other/app", "role/other/app"),
        ] {
            let arn = format!("arn:aws:iam::111111111111:{named}");
            assert_eq!(paths.whole(&arn), format!("arn:aws:iam::111111111111:{whole}"));
        }
        for other in ["arn:aws:iam::222222222222:role/app", "arn:aws:s3:::role/app", "*", ""] {
            assert_eq!(paths.whole(other), other);
        }
    }

    #[test]
    fn an_instance_profile_hands_out_its_role() {
        let paths = Paths::new(&[Inventory::parse(INVENTORY, "i.json").unwrap()]);
        let role = "arn:aws:iam::111111111111:role/service-role/App";
        assert_eq!(paths.role_of("arn:aws:iam::111111111111:instance-profile/web"), role);
        assert_eq!(paths.role_of("arn:aws:iam::111111111111:instance-profile/app"), role);
        assert_eq!(
            paths.role_of("arn:aws:iam::222222222222:instance-profile/x/y"),
            "arn:aws:iam::222222222222:role/x/y"
        );
    }
}
