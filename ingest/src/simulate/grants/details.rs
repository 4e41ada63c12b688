//! Details: the document that `aws iam get-account-authorization-details` prints, as types.
//!
//! Names are those of the IAM API reference ("GetAccountAuthorizationDetails"); what stands in them is not known here.

use serde::Serialize;
use serde_json::value::RawValue;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Details {
    pub user_detail_list: Vec<User>,
    pub group_detail_list: Vec<Group>,
    pub role_detail_list: Vec<Role>,
    pub policies: Vec<Policy>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct User {
    pub path: String,
    pub user_name: String,
    pub user_id: String,
    pub arn: String,
    pub create_date: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub user_policy_list: Vec<Inline>,
    pub group_list: Vec<String>,
    pub attached_managed_policies: Vec<Attached>,
    pub tags: Vec<Tag>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Group {
    pub path: String,
    pub group_name: String,
    pub group_id: String,
    pub arn: String,
    pub create_date: String,
    pub group_policy_list: Vec<Inline>,
    pub attached_managed_policies: Vec<Attached>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Role {
    pub path: String,
    pub role_name: String,
    pub role_id: String,
    pub arn: String,
    pub create_date: String,
    pub assume_role_policy_document: Box<RawValue>,
    pub instance_profile_list: Vec<Profile>,
    pub role_policy_list: Vec<Inline>,
    pub attached_managed_policies: Vec<Attached>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub permissions_boundary: Option<Boundary>,
    pub tags: Vec<Tag>,
    pub role_last_used: LastUsed,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Profile {
    pub path: String,
    pub instance_profile_name: String,
    pub instance_profile_id: String,
    pub arn: String,
    pub create_date: String,
    pub roles: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Policy {
    pub policy_name: String,
    pub policy_id: String,
    pub arn: String,
    pub path: String,
    pub default_version_id: String,
    pub attachment_count: usize,
    pub permissions_boundary_usage_count: usize,
    pub is_attachable: bool,
    pub create_date: String,
    pub update_date: String,
    pub policy_version_list: Vec<Version>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Version {
    pub document: Box<RawValue>,
    pub version_id: String,
    pub is_default_version: bool,
    pub create_date: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Inline {
    pub policy_name: String,
    pub policy_document: Box<RawValue>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Attached {
    pub policy_name: String,
    pub policy_arn: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Boundary {
    pub permissions_boundary_type: &'static str,
    pub permissions_boundary_arn: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Tag {
    pub key: &'static str,
    pub value: &'static str,
}

#[derive(Serialize, Default)]
#[serde(rename_all = "PascalCase")]
pub(super) struct LastUsed {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_used_date: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<&'static str>,
}
