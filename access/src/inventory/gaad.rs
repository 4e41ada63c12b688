//! The JSON of `aws iam get-account-authorization-details`.
//!
//! Source: "GetAccountAuthorizationDetails" in the IAM API reference. Tolerant of what tools make of it: several pages
//! one after the other or in a list, documents as objects or as URL-encoded text, lists that are null, dates with a
//! space, unknown members. Policies are taken from the text a statement at a time: what is held beside the text is what
//! the policies say, not a tree of JSON several times its size.

use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::value::RawValue;

use super::{Entity, Error, Given, Group, InstanceProfile, Inventory, ManagedPolicy, Named, RoleLastUsed, Version};
use crate::instant;
use crate::policy::Document;
use crate::policy::document::Patterns;
use crate::usage::Kind;

/// Absent and null are the same: nothing.
fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(deserializer: D) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", expecting = "an account's authorization details")]
struct Page<'a> {
    #[serde(borrow)]
    user_detail_list: Option<Vec<&'a RawValue>>,
    #[serde(borrow)]
    group_detail_list: Option<Vec<&'a RawValue>>,
    #[serde(borrow)]
    role_detail_list: Option<Vec<&'a RawValue>>,
    #[serde(borrow)]
    policies: Option<Vec<&'a RawValue>>,
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
            let next = "expected the output of `aws iam get-account-authorization-details --output json`";
            return Err(Error::new(source_name, format!("page {}: {reason}; {next}", pages + 1)));
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
    reader.inventory.once();
    let read = &reader.inventory;
    if let (true, true, true, Some(first)) =
        (read.entities.is_empty(), read.groups.is_empty(), read.policies.is_empty(), &reader.unread)
    {
        return Err(Error::new(source_name, format!("nothing of it can be read: {first}")));
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
    /// The first entry that could not be read.
    unread: Option<String>,
}

impl Reader {
    fn warn(&mut self, text: String) {
        self.inventory.warnings.push(text);
    }

    /// Takes the entries of a list that can be read, one after the other; of the others is told, and their neighbours stay.
    fn each<'a, T: Deserialize<'a>>(
        &mut self,
        list: Option<Vec<&'a RawValue>>,
        name: &str,
        take: impl Fn(&mut Self, T),
    ) {
        for (at, raw) in list.unwrap_or_default().into_iter().enumerate() {
            match serde_json::from_str(raw.get()) {
                Ok(entry) => take(self, entry),
                Err(reason) => {
                    let next = "take the authorization details again";
                    let text = format!("{name}[{at}] cannot be read and is not counted: {reason}; {next}");
                    self.unread.get_or_insert_with(|| text.clone());
                    self.warn(text);
                }
            }
        }
    }

    /// A date, where it is one.
    fn date(&mut self, value: Option<&Value>, of: &str) -> Option<i64> {
        let value = value.filter(|value| !value.is_null())?;
        let read = instant::parse_json(value);
        if read.is_none() {
            self.warn(format!("CreateDate of {of} is {value}, which is no date, so its age is not known"));
        }
        read
    }

    /// What of a policy can be read, and will hardly be meant.
    fn odd(&mut self, document: &Document, policy: &str) {
        for (at, statement) in document.statements.iter().enumerate() {
            let why = match (&statement.actions, statement.never_holds()) {
                (Patterns::Only(list), _) if list.is_empty() => "names no action, so it does nothing",
                (_, true) => "has a condition whose operator has no keys, so it never holds",
                _ => continue,
            };
            self.warn(format!("{policy}: Statement[{at}] {why}: look at the policy"));
        }
    }

    fn page(&mut self, page: Page<'_>) {
        self.inventory.given.insert(Given::Grants);
        self.each(page.policies, "Policies", Reader::policy);
        self.each(page.group_detail_list, "GroupDetailList", Reader::group);
        self.each(page.user_detail_list, "UserDetailList", |reader, raw| reader.entity(raw, Kind::IamUser));
        self.each(page.role_detail_list, "RoleDetailList", |reader, raw| reader.entity(raw, Kind::Role));
        self.inventory.entities.shrink_to_fit();
    }

    fn group(&mut self, raw: RawGroup<'_>) {
        let owner = format!("group {}", raw.group_name);
        let (inline, unread) = self.inline(raw.group_policy_list, &owner);
        let attached = raw.attached_managed_policies.into_iter().map(|policy| policy.policy_arn).collect();
        let group = Group { name: raw.group_name, arn: raw.arn, inline, attached, unread };
        self.inventory.groups.insert(group.name.clone(), group);
    }

    fn entity(&mut self, raw: RawEntity<'_>, kind: Kind) {
        if crate::policy::arn::split(&raw.arn).is_none() {
            let next = "take the authorization details again";
            self.warn(format!("{:?} is no ARN, so no event can be of it: {next}", raw.arn));
        }
        let (inline, unread) = self.inline(raw.user_policy_list, &raw.arn);
        let created = self.date(raw.create_date.as_ref(), &raw.arn);
        if kind == Kind::Role {
            self.inventory.given.insert(Given::Roles);
        }
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
            created,
            inline,
            attached: raw.attached_managed_policies.into_iter().map(|policy| policy.policy_arn).collect(),
            unread,
            groups: raw.group_list,
            boundary: raw.permissions_boundary.and_then(|boundary| boundary.permissions_boundary_arn),
            trust,
            role_last_used: raw.role_last_used.map(last_used),
            tags: raw.tags.into_iter().map(|tag| (tag.key, tag.value)).collect(),
            arn: raw.arn,
        });
    }

    /// The policies, and the names of those that could not be read.
    fn inline(&mut self, raw: Vec<RawInline<'_>>, owner: &str) -> (Vec<Named>, Vec<String>) {
        let (mut named, mut unread) = (Vec::new(), Vec::new());
        for policy in raw {
            match Document::parse_raw(policy.policy_document) {
                Ok(document) => {
                    self.odd(&document, &format!("inline policy {:?} of {owner}", policy.policy_name));
                    named.push(Named { name: policy.policy_name, document });
                }
                Err(reason) => {
                    self.warn(format!(
                        "inline policy {:?} of {owner}: {reason}; it is not counted",
                        policy.policy_name
                    ));
                    unread.push(policy.policy_name);
                }
            }
        }
        (named, unread)
    }

    fn policy(&mut self, raw: RawPolicy<'_>) {
        let mut versions = Vec::new();
        for version in raw.policy_version_list {
            let Some(document) = version.document else { continue };
            match Document::parse_raw(document) {
                Ok(document) => {
                    self.odd(&document, &format!("version {} of policy {}", version.version_id, raw.arn));
                    versions.push(Version {
                        is_default: version.is_default_version.unwrap_or(version.version_id == raw.default_version_id),
                        id: version.version_id,
                        created: version.create_date.as_ref().and_then(instant::parse_json),
                        document,
                    })
                }
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
