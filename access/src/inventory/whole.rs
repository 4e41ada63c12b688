//! The file that `trailhound inventory` writes: all parts of one account's inventory at one time.
//!
//! Each part has the shape of the AWS command line, so that it is read as the file of that command would be.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Error, Inventory};
use crate::instant;

/// The member that tells the file, within its first characters.
const SIGN: &str = "\"authorization_details\"";
const SIGN_WITHIN: usize = 4096;

#[derive(Deserialize)]
struct Whole<'a> {
    taken: Option<String>,
    #[serde(borrow)]
    authorization_details: &'a RawValue,
    users: Option<&'a RawValue>,
    credential_report: Option<String>,
    instance_profiles: Option<&'a RawValue>,
    virtual_mfa_devices: Option<&'a RawValue>,
    password_policy: Option<&'a RawValue>,
    service_last_accessed: Option<&'a RawValue>,
    scps: Option<&'a RawValue>,
    rcps: Option<&'a RawValue>,
    #[serde(default)]
    missing: Vec<String>,
}

/// Whether a text is such a file.
pub(super) fn is_whole(text: &str) -> bool {
    let mut end = text.len().min(SIGN_WITHIN);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).is_some_and(|front| front.contains(SIGN))
}

pub(super) fn parse(text: &str, source_name: &str) -> Result<Inventory, Error> {
    let told = |reason| Error::new(source_name, format!("no inventory: {reason}; run `trailhound inventory` again"));
    let whole: Whole<'_> = serde_json::from_str(text).map_err(told)?;
    let part = |name: &str| format!("{source_name}, {name}");
    let mut inventory = super::gaad::parse(whole.authorization_details.get(), &part("authorization_details"))?;
    if let Some(raw) = whole.users {
        inventory.add_users(raw.get(), &part("users"))?;
    }
    if let Some(report) = &whole.credential_report {
        inventory.add_credential_report(report, &part("credential_report"))?;
    }
    if let Some(raw) = whole.instance_profiles {
        inventory.add_instance_profiles(raw.get(), &part("instance_profiles"))?;
    }
    if let Some(raw) = whole.virtual_mfa_devices {
        inventory.add_virtual_mfa_devices(raw.get(), &part("virtual_mfa_devices"))?;
    }
    if let Some(raw) = whole.password_policy {
        inventory.add_password_policy(raw.get(), &part("password_policy"))?;
    }
    if let Some(raw) = whole.service_last_accessed {
        inventory.add_accessed(raw.get(), None, &part("service_last_accessed"))?;
    }
    if let Some(raw) = whole.scps {
        inventory.add_scps(raw.get(), &part("scps"))?;
    }
    if let Some(raw) = whole.rcps {
        inventory.add_rcps(raw.get(), &part("rcps"))?;
    }
    // The organisation is asked as a whole: where one call was refused, none of its policies are there.
    let refused = |text: &String| text.starts_with("organizations ");
    inventory.lacks_organization = whole.scps.is_none() && whole.missing.iter().any(refused);
    inventory.taken = whole.taken.as_deref().and_then(instant::parse);
    inventory.warnings.extend(whole.missing.iter().map(|text| format!("{source_name}: when it was taken: {text}")));
    Ok(inventory)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_parts_are_read_as_their_own_files_would_be() {
        let full = json!({"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}});
        let report = "user,arn,user_creation_time,mfa_active,password_enabled,access_key_1_active,access_key_2_active\n\
            ann,arn:aws:iam::111111111111:user/ann,2020-01-01T00:00:00Z,true,true,false,false\n";
        let whole = json!({"account": "111111111111", "taken": "2026-11-01T12:00:00Z",
            "authorization_details": {"UserDetailList": [{"Arn": "arn:aws:iam::111111111111:user/ann", "UserName": "ann"}]},
            "users": {"Users": [{"UserName": "ann", "Arn": "arn:aws:iam::111111111111:user/ann", "PasswordLastUsed": "2026-10-01T00:00:00Z"}]},
            "credential_report": report, "instance_profiles": {"InstanceProfiles": []}, "virtual_mfa_devices": {"VirtualMFADevices": []},
            "password_policy": {"PasswordPolicy": null}, "scps": [{"target": "r-1", "policies": [full]}], "rcps": null,
            "missing": ["iam ListUsers: AccessDenied"]});
        for text in [whole.to_string(), serde_json::to_string_pretty(&whole).unwrap()] {
            let inventory = Inventory::parse(&text, "inventory.json").unwrap();
            let ann = &inventory.credentials["arn:aws:iam::111111111111:user/ann"];
            // The report does not say when the password was used, the list of users does.
            assert_eq!((ann.mfa_active, ann.password_last_used), (Some(true), instant::parse("2026-10-01T00:00:00Z")));
            assert_eq!((inventory.entities.len(), inventory.scp_levels.len(), inventory.warnings.len()), (1, 1, 1));
            assert_eq!(inventory.taken, instant::parse("2026-11-01T12:00:00Z"));
        }
        let mut refused = whole.clone();
        refused["scps"] = json!(null);
        let lacks = |whole: &serde_json::Value| {
            let mut inventory = Inventory::parse(&whole.to_string(), "inventory.json").unwrap();
            let before = inventory.lacking(&inventory.entities[0]).organization;
            inventory.add_scps("[{\"target\": \"r-1\", \"policies\": []}]", "scps.json").unwrap();
            (before, inventory.lacking(&inventory.entities[0]).organization)
        };
        assert_eq!(lacks(&refused), (false, false));
        refused["missing"] = json!(["organizations ListParents: AccessDenied"]);
        assert_eq!(lacks(&refused), (true, false));
        let mut broken = whole.clone();
        broken["scps"] = json!([{"target": "r-1"}]);
        let told = Inventory::parse(&broken.to_string(), "inventory.json").unwrap_err().to_string();
        assert!(told.starts_with("inventory.json, scps: "), "{told}");
        let cut = whole.to_string();
        let told = Inventory::parse(&cut[..cut.len() - 2], "inventory.json").unwrap_err().to_string();
        assert!(told.contains("no inventory: EOF"), "{told}");
    }
}
