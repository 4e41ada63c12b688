//! Who has what, asked of IAM and Organizations: nothing is changed by it.
//!
//! [`take`] asks page after page, with the pauses that throttling wants, and gives JSON of the shapes that the AWS command line
//! prints, so that a file made by one is read like a file made by the other. The calls are few and of one kind, so they are
//! signed and sent here (`call`) instead of through a crate of some 150 operations, which a newcomer would wait for.
//!
//! Must not know what a policy grants.

mod accessed;
mod call;
mod iam;
mod organization;
mod xml;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;
use serde_json::Value;

use crate::connection::Connection;
use crate::error::{Error, Kind};
use call::Caller;

/// IAM actions that [`take`] needs; all of them only read. The credential report is made by IAM for whoever asks.
pub const ACTIONS: &[&str] = &[
    "iam:GenerateCredentialReport",
    "iam:GetAccountAuthorizationDetails",
    "iam:GetAccountPasswordPolicy",
    "iam:GetCredentialReport",
    "iam:ListInstanceProfiles",
    "iam:ListUsers",
    "iam:ListVirtualMFADevices",
];

/// Further actions, for service and resource control policies; the management account, or one it delegated to, may have them.
pub const ORGANIZATION_ACTIONS: &[&str] = &[
    "organizations:DescribeOrganization",
    "organizations:DescribePolicy",
    "organizations:ListParents",
    "organizations:ListPoliciesForTarget",
];

/// Further actions, for what IAM recorded of use. IAM makes the reports for whoever asks; nothing else changes.
pub const ACCESSED_ACTIONS: &[&str] = &["iam:GenerateServiceLastAccessedDetails", "iam:GetServiceLastAccessedDetails"];

/// What is asked beside the account's own inventory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    /// Service and resource control policies, of Organizations.
    pub organization: bool,
    /// What IAM recorded of use, of each user and role: two calls or more for each.
    pub accessed: bool,
}

/// What an account has, at one time.
#[derive(Debug, Clone, Serialize)]
pub struct Inventory {
    /// The account.
    pub account: String,
    /// When it was asked, RFC 3339.
    pub taken: String,
    /// As `aws iam get-account-authorization-details` prints it.
    pub authorization_details: Value,
    /// As `aws iam list-users` prints it.
    pub users: Option<Value>,
    /// The CSV of the credential report, decoded.
    pub credential_report: Option<String>,
    /// As `aws iam list-instance-profiles` prints it.
    pub instance_profiles: Option<Value>,
    /// As `aws iam list-virtual-mfa-devices` prints it.
    pub virtual_mfa_devices: Option<Value>,
    /// As `aws iam get-account-password-policy` prints it; null members where the account has none.
    pub password_policy: Option<Value>,
    /// By ARN of a user or role, as `aws iam get-service-last-accessed-details` prints it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_last_accessed: Option<Value>,
    /// Service control policies: `[{target, policies}]` from the root to the account.
    pub scps: Option<Value>,
    /// Resource control policies, likewise.
    pub rcps: Option<Value>,
    /// What could not be asked, each with its reason and next step.
    pub missing: Vec<String>,
}

/// Asks for everything that is wanted.
///
/// # Errors
/// The authorization details could not be had; what else is missing stands in [`Inventory::missing`].
pub fn take(connection: &Connection, asked: Asked, now: DateTime<Utc>) -> Result<Inventory, Error> {
    let account = connection.account()?;
    let caller = Caller::open(connection)?;
    connection.wait(async {
        let mut missing = Missing::default();
        let authorization_details = iam::authorization_details(&caller).await?;
        let users = missing.or_none(iam::users(&caller).await);
        let credential_report = missing.or_none(iam::credential_report(&caller).await);
        let instance_profiles = missing.or_none(iam::instance_profiles(&caller).await);
        let virtual_mfa_devices = missing.or_none(iam::virtual_mfa_devices(&caller).await);
        let password_policy = missing.or_none(iam::password_policy(&caller).await);
        let (mut scps, mut rcps) = (None, None);
        if asked.organization {
            match organization::levels(&caller, &account).await {
                Ok(found) => (scps, rcps) = found,
                Err(error) => missing.add(&error),
            }
        }
        let mut service_last_accessed = None;
        if asked.accessed {
            let principals = principals(&authorization_details);
            service_last_accessed = Some(accessed::details(&caller, &principals, &mut missing).await);
        }
        Ok(Inventory {
            account,
            taken: now.to_rfc3339_opts(SecondsFormat::Secs, true),
            authorization_details,
            users,
            credential_report,
            instance_profiles,
            virtual_mfa_devices,
            password_policy,
            service_last_accessed,
            scps,
            rcps,
            missing: missing.0,
        })
    })
}

/// ARNs of the users and roles. Of a service-linked role nothing can be taken away, so its use is not asked for.
fn principals(details: &Value) -> Vec<String> {
    let lists = ["UserDetailList", "RoleDetailList"].into_iter().filter_map(|name| details.get(name)?.as_array());
    let arns = lists.flatten().filter_map(|one| one.get("Arn")?.as_str());
    arns.filter(|arn| !arn.contains(":role/aws-service-role/")).map(str::to_owned).collect()
}

/// What could not be had.
#[derive(Default)]
struct Missing(Vec<String>);

impl Missing {
    fn add(&mut self, error: &Error) {
        self.0.push(error.to_string());
    }

    /// Of one of many.
    fn add_of(&mut self, whose: &str, error: &Error) {
        self.0.push(format!("{whose}: {error}"));
    }

    fn or_none<T>(&mut self, found: Result<T, Error>) -> Option<T> {
        found.map_err(|error| self.add(&error)).ok()
    }
}

/// An answer that lacks what it must have.
fn odd(what: &str, lacks: &str) -> Error {
    Error::new(what, Kind::Other, format!("the answer has no {lacks}: is it AWS that answers at --endpoint-url?"))
}
