//! What holds for an account as a whole: its password policy, its virtual MFA devices, its instance profiles.
//!
//! Sources: "PasswordPolicy", "VirtualMFADevice" and "InstanceProfile" in the IAM API reference.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::Value;

use super::{Error, pages};
use crate::instant;

/// The rules for passwords of an account.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct PasswordPolicy {
    /// Fewest characters; IAM's default is 8.
    pub minimum_password_length: Option<u32>,
    /// How many old passwords may not come back.
    pub password_reuse_prevention: Option<u32>,
    /// Days after which a password expires.
    pub max_password_age: Option<u32>,
    /// Whether an expired password needs an administrator.
    pub hard_expiry: Option<bool>,
}

/// An instance profile: what hands a role to EC2.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstanceProfile {
    /// ARN.
    pub arn: String,
    /// When it was made, microseconds.
    pub created: Option<i64>,
    /// ARNs of its roles: one or none.
    pub roles: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PasswordPage {
    // Present and null where the account has none.
    #[serde(deserialize_with = "Option::deserialize")]
    password_policy: Option<PasswordPolicy>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ProfilePage {
    instance_profiles: Vec<RawProfile>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RawProfile {
    arn: String,
    create_date: Option<Value>,
    #[serde(default)]
    roles: Vec<RawRole>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RawRole {
    arn: String,
}

#[derive(Deserialize)]
struct DevicePage {
    #[serde(rename = "VirtualMFADevices")]
    devices: Vec<RawDevice>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RawDevice {
    user: Option<RawUser>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RawUser {
    arn: Option<String>,
}

/// The policy; the default one, of which nothing is set, where the account has none.
pub(super) fn password_policy(text: &str, source_name: &str) -> Result<PasswordPolicy, Error> {
    let pages = pages::parse::<PasswordPage>(text, source_name, "aws iam get-account-password-policy")?;
    Ok(pages.into_iter().find_map(|page| page.password_policy).unwrap_or_default())
}

/// Instance profiles, by ARN.
pub(super) fn instance_profiles(text: &str, source_name: &str) -> Result<Vec<InstanceProfile>, Error> {
    let pages = pages::parse::<ProfilePage>(text, source_name, "aws iam list-instance-profiles")?;
    let profile = |raw: RawProfile| InstanceProfile {
        arn: raw.arn,
        created: raw.create_date.as_ref().and_then(instant::parse_json),
        roles: raw.roles.into_iter().map(|role| role.arn).collect(),
    };
    let mut found: Vec<_> = pages.into_iter().flat_map(|page| page.instance_profiles).map(profile).collect();
    found.sort_by(|a, b| a.arn.cmp(&b.arn));
    Ok(found)
}

/// ARNs of those whose MFA is virtual; root's is `…:root`.
pub(super) fn virtual_mfa(text: &str, source_name: &str) -> Result<BTreeSet<String>, Error> {
    let pages = pages::parse::<DevicePage>(text, source_name, "aws iam list-virtual-mfa-devices")?;
    Ok(pages.into_iter().flat_map(|page| page.devices).filter_map(|device| device.user?.arn).collect())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_the_command_line_prints_is_read() {
        let policy =
            password_policy(r#"{"PasswordPolicy": {"MinimumPasswordLength": 14, "RequireSymbols": true}}"#, "p")
                .unwrap();
        assert_eq!((policy.minimum_password_length, policy.password_reuse_prevention), (Some(14), None));
        assert_eq!(password_policy(r#"{"PasswordPolicy": null}"#, "p").unwrap(), PasswordPolicy::default());
        let profiles = instance_profiles(
            r#"{"InstanceProfiles": [{"Arn": "b", "Roles": []}]} {"InstanceProfiles": [{"Arn": "a", "Roles": [{"Arn": "r"}]}]}"#,
            "i",
        );
        let profiles: Vec<_> =
            profiles.unwrap().into_iter().map(|profile| (profile.arn, profile.roles.len())).collect();
        assert_eq!(profiles, [("a".to_owned(), 1), ("b".to_owned(), 0)]);
        let devices = r#"[{"VirtualMFADevices": [{"SerialNumber": "s", "User": {"Arn": "arn:aws:iam::1:root"}}, {"SerialNumber": "t"}]}]"#;
        assert_eq!(virtual_mfa(devices, "v").unwrap().into_iter().collect::<Vec<_>>(), ["arn:aws:iam::1:root"]);
    }

    #[test]
    fn what_it_does_not_print_is_told() {
        for text in ["", "{}", "7", "{\"PasswordPolicy\": 7}"] {
            assert!(password_policy(text, "p.json").unwrap_err().to_string().starts_with("p.json: "), "{text}");
        }
        assert!(instance_profiles("{}", "i.json").unwrap_err().to_string().contains("list-instance-profiles"));
        assert!(virtual_mfa("[1]", "v.json").unwrap_err().to_string().contains("list-virtual-mfa-devices"));
    }
}
