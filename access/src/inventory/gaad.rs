//! The JSON of `aws iam get-account-authorization-details`.
//!
//! Source: "GetAccountAuthorizationDetails" in the IAM API reference. Tolerant of what tools make of it: several pages
//! one after the other or in a list, documents as objects or as URL-encoded text, lists that are null, dates with a
//! space, unknown members. Policies are taken from the text a statement at a time: what is held beside the text is what
//! the policies say, not a tree of JSON several times its size.

use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::value::RawValue;

use super::{Entity, Error, Group, InstanceProfile, Inventory, ManagedPolicy, Named, RoleLastUsed, Version};
use crate::instant;
use crate::policy::Document;
use crate::usage::Kind;

/// Absent and null are the same: nothing.
fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(deserializer: D) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", expecting = "an account's authorization details")]
struct Page<'a> {
    #[serde(borrow)]
    user_detail_list: Option<Vec<RawEntity<'a>>>,
    #[serde(borrow)]
    group_detail_list: Option<Vec<RawGroup<'a>>>,
    #[serde(borrow)]
    role_detail_list: Option<Vec<RawEntity<'a>>>,
    #[serde(borrow)]
    policies: Option<Vec<RawPolicy<'a>>>,
    is_truncated: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RawEntity<'a> {
    arn: String,
    #[serde(default, alias = "RoleName", deserialize_with = "or_default")]
    user_name: String,
    #[serde(default, alias = "RoleId", deserialize_with = "or_default")]
    user_id: String,
    create_date: Option<Value>,
    #[serde(default, borrow, alias = "RolePolicyList", deserialize_with = "or_default")]
    user_policy_list: Vec<RawInline<'a>>,
    #[serde(default, deserialize_with = "or_default")]
    attached_managed_policies: Vec<RawAttached>,
    #[serde(default, deserialize_with = "or_default")]
    group_list: Vec<String>,
    permissions_boundary: Option<RawBoundary>,
    #[serde(borrow)]
    assume_role_policy_document: Option<&'a RawValue>,
    role_last_used: Option<RawLastUsed>,
    #[serde(default, deserialize_with = "or_default")]
    instance_profile_list: Vec<RawProfile>,
    #[serde(default, deserialize_with = "or_default")]
    tags: Vec<RawTag>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RawProfile {
    arn: Option<String>,
    create_date: Option<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RawGroup<'a> {
    #[serde(default, deserialize_with = "or_default")]
    arn: String,
    group_name: String,
    #[serde(default, borrow, deserialize_with = "or_default")]
    group_policy_list: Vec<RawInline<'a>>,
    #[serde(default, deserialize_with = "or_default")]
    attached_managed_policies: Vec<RawAttached>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RawInline<'a> {
    #[serde(default, deserialize_with = "or_default")]
    policy_name: String,
    #[serde(borrow)]
    policy_document: &'a RawValue,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RawAttached {
    policy_arn: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RawBoundary {
    permissions_boundary_arn: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RawLastUsed {
    last_used_date: Option<Value>,
    region: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RawTag {
    key: String,
    #[serde(default, deserialize_with = "or_default")]
    value: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RawPolicy<'a> {
    arn: String,
    #[serde(default, deserialize_with = "or_default")]
    default_version_id: String,
    #[serde(default, borrow, deserialize_with = "or_default")]
    policy_version_list: Vec<RawVersion<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RawVersion<'a> {
    #[serde(default, deserialize_with = "or_default")]
    version_id: String,
    is_default_version: Option<bool>,
    create_date: Option<Value>,
    #[serde(borrow)]
    document: Option<&'a RawValue>,
}

pub(super) fn parse(text: &str, source_name: &str) -> Result<Inventory, Error> {
    let text = text.trim_start_matches('\u{feff}');
    let mut reader = Reader::default();
    let (mut pages, mut truncated) = (0, false);
    let list = text.trim_start().starts_with('[');
    let told = |reason: serde_json::Error| {
        let next = "expected the output of `aws iam get-account-authorization-details --output json`";
        Error::new(source_name, format!("not an account's authorization details: {reason}; {next}"))
    };
    let mut take = |page: Page<'_>| -> Result<(), Error> {
        if page.user_detail_list.is_none() && page.role_detail_list.is_none() && page.policies.is_none() {
            let reason = "has none of UserDetailList, RoleDetailList and Policies: not authorization details";
            return Err(Error::new(source_name, format!("page {}: {reason}", pages + 1)));
        }
        pages += 1;
        truncated = page.is_truncated == Some(true);
        reader.page(page);
        Ok(())
    };
    if list {
        let found: Vec<Page<'_>> = serde_json::from_str(text).map_err(told)?;
        found.into_iter().try_for_each(&mut take)?;
    } else {
        for page in serde_json::Deserializer::from_str(text).into_iter::<Page<'_>>() {
            take(page.map_err(told)?)?;
        }
    }
    if pages == 0 {
        return Err(Error::new(
            source_name,
            "is empty: expected the output of `aws iam get-account-authorization-details`",
        ));
    }
    if truncated {
        let next = "fetch the remaining pages and give them too, or leave pagination to the AWS CLI";
        reader.warn(format!("{source_name}: the last page says IsTruncated, so principals are missing; {next}"));
    }
    Ok(reader.inventory)
}

#[derive(Default)]
struct Reader {
    inventory: Inventory,
}

impl Reader {
    fn warn(&mut self, text: String) {
        self.inventory.warnings.push(text);
    }

    fn page(&mut self, page: Page<'_>) {
        for raw in page.policies.unwrap_or_default() {
            self.policy(raw);
        }
        for raw in page.group_detail_list.unwrap_or_default() {
            let owner = format!("group {}", raw.group_name);
            let inline = self.inline(raw.group_policy_list, &owner);
            let attached = raw.attached_managed_policies.into_iter().map(|policy| policy.policy_arn).collect();
            let group = Group { name: raw.group_name, arn: raw.arn, inline, attached };
            self.inventory.groups.insert(group.name.clone(), group);
        }
        for raw in page.user_detail_list.unwrap_or_default() {
            self.entity(raw, Kind::IamUser);
        }
        for raw in page.role_detail_list.unwrap_or_default() {
            self.entity(raw, Kind::Role);
        }
    }

    fn entity(&mut self, raw: RawEntity<'_>, kind: Kind) {
        let inline = self.inline(raw.user_policy_list, &raw.arn);
        let trust = raw.assume_role_policy_document.and_then(|document| {
            let parsed = Document::parse_raw(document);
            if let Err(reason) = &parsed {
                self.warn(format!("trust policy of {}: {reason}; it is not counted", raw.arn));
            }
            parsed.ok()
        });
        let last_used = |used: RawLastUsed| RoleLastUsed {
            time: used.last_used_date.as_ref().and_then(instant::parse_json),
            region: used.region,
        };
        for profile in raw.instance_profile_list {
            let Some(arn) = profile.arn else { continue };
            let created = profile.create_date.as_ref().and_then(instant::parse_json);
            self.inventory.instance_profiles.push(InstanceProfile { arn, created, roles: vec![raw.arn.clone()] });
        }
        self.inventory.entities.push(Entity {
            name: raw.user_name,
            id: raw.user_id,
            kind,
            created: raw.create_date.as_ref().and_then(instant::parse_json),
            inline,
            attached: raw.attached_managed_policies.into_iter().map(|policy| policy.policy_arn).collect(),
            groups: raw.group_list,
            boundary: raw.permissions_boundary.and_then(|boundary| boundary.permissions_boundary_arn),
            trust,
            role_last_used: raw.role_last_used.map(last_used),
            tags: raw.tags.into_iter().map(|tag| (tag.key, tag.value)).collect(),
            arn: raw.arn,
        });
    }

    fn inline(&mut self, raw: Vec<RawInline<'_>>, owner: &str) -> Vec<Named> {
        let mut named = Vec::new();
        for policy in raw {
            match Document::parse_raw(policy.policy_document) {
                Ok(document) => named.push(Named { name: policy.policy_name, document }),
                Err(reason) => {
                    self.warn(format!(
                        "inline policy {:?} of {owner}: {reason}; it is not counted",
                        policy.policy_name
                    ));
                }
            }
        }
        named
    }

    fn policy(&mut self, raw: RawPolicy<'_>) {
        let mut versions = Vec::new();
        for version in raw.policy_version_list {
            let Some(document) = version.document else { continue };
            match Document::parse_raw(document) {
                Ok(document) => versions.push(Version {
                    is_default: version.is_default_version.unwrap_or(version.version_id == raw.default_version_id),
                    id: version.version_id,
                    created: version.create_date.as_ref().and_then(instant::parse_json),
                    document,
                }),
                Err(reason) => self
                    .warn(format!("version {} of policy {}: {reason}; it is not counted", version.version_id, raw.arn)),
            }
        }
        let policy = ManagedPolicy { arn: raw.arn, versions };
        if policy.default_version().is_none() {
            self.warn(format!("policy {}: the version in force is not in the input; it is not counted", policy.arn));
        }
        self.inventory.policies.insert(policy.arn.clone(), policy);
    }
}
