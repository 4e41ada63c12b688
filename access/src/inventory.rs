//! The inventory: which principals there are and what is attached to them.
//!
//! Read from the JSON of `aws iam get-account-authorization-details`, with what else is given beside it: policies of the
//! organisation, the credential report, users, instance profiles, what IAM recorded of use; or from the one file that
//! `trailhound inventory` writes. Holds documents, not decisions: what they grant is `policy`'s business. Must
//! not know events or where the texts come from; whoever reads the files hands over the text and its name.

mod absorb;
pub mod accessed;
mod account_wide;
mod authority;
mod credentials;
mod gaad;
mod given;
mod granted;
mod lacking;
mod organization;
mod pages;
mod strangers;
mod twice;
mod users;
mod whole;

use std::collections::{BTreeMap, BTreeSet};

pub use accessed::{Accessed, AccessedService};
pub use account_wide::{InstanceProfile, PasswordPolicy};
pub use credentials::{Credentials, ReportedKey};
pub use given::{Given, Inputs};
pub use granted::{Granted, Grants};
pub use lacking::Lacking;

use crate::policy::Document;
use crate::usage::Kind;

/// Why an input cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{source_name}: {reason}")]
pub struct Error {
    /// The file or object.
    pub source_name: String,
    /// What is wrong, where, and what would be right.
    pub reason: String,
}

impl Error {
    fn new(source_name: &str, reason: impl Into<String>) -> Self {
        Error { source_name: source_name.to_owned(), reason: reason.into() }
    }
}

/// A policy document and its name.
#[derive(Debug, Clone, PartialEq)]
pub struct Named {
    /// Name of the inline policy.
    pub name: String,
    /// The document.
    pub document: Document,
}

/// A version of a managed policy.
#[derive(Debug, Clone, PartialEq)]
pub struct Version {
    /// `v1`, `v2` …
    pub id: String,
    /// Whether it is the one in force.
    pub is_default: bool,
    /// When it was made, microseconds; `None` where the input does not say.
    pub created: Option<i64>,
    /// The document.
    pub document: Document,
}

/// A managed policy.
#[derive(Debug, Clone, PartialEq)]
pub struct ManagedPolicy {
    /// ARN.
    pub arn: String,
    /// The versions that the input holds.
    pub versions: Vec<Version>,
}

impl ManagedPolicy {
    /// The version in force.
    pub fn default_version(&self) -> Option<&Version> {
        self.versions.iter().find(|version| version.is_default).or(match self.versions.as_slice() {
            [only] => Some(only),
            _ => None,
        })
    }

    /// The newest version that was made at or before `time`; versions without a date count as old.
    pub fn version_at(&self, time: i64) -> Option<&Version> {
        let old = |version: &&Version| version.created.is_none_or(|created| created <= time);
        // The version in force goes last, so that it wins among versions of one date.
        self.versions.iter().filter(old).max_by_key(|version| (version.created, version.is_default))
    }
}

/// A group of users.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// Name; users name their groups by it.
    pub name: String,
    /// ARN.
    pub arn: String,
    /// Inline policies.
    pub inline: Vec<Named>,
    /// ARNs of attached policies.
    pub attached: Vec<String>,
    /// Inline policies that could not be read.
    pub unread: Vec<String>,
}

/// A user or a role.
#[derive(Debug, Clone, PartialEq)]
pub struct Entity {
    /// ARN.
    pub arn: String,
    /// Name without the path.
    pub name: String,
    /// Unique id; a re-created principal of the same name has another one.
    pub id: String,
    /// [`Kind::IamUser`] or [`Kind::Role`].
    pub kind: Kind,
    /// When it was made, microseconds.
    pub created: Option<i64>,
    /// Inline policies.
    pub inline: Vec<Named>,
    /// ARNs of attached policies.
    pub attached: Vec<String>,
    /// Inline policies that could not be read.
    pub unread: Vec<String>,
    /// Names of its groups.
    pub groups: Vec<String>,
    /// ARN of the permissions boundary.
    pub boundary: Option<String>,
    /// Trust policy of a role.
    pub trust: Option<Document>,
    /// Last use as IAM knows it (trailing 400 days): `None` where the input does not say.
    pub role_last_used: Option<RoleLastUsed>,
    /// Tags.
    pub tags: BTreeMap<String, String>,
}

impl Entity {
    /// An entity of which nothing but its name is known.
    fn bare(arn: &str, name: &str, id: &str, kind: Kind, created: Option<i64>) -> Entity {
        Entity {
            arn: arn.to_owned(),
            name: name.to_owned(),
            id: id.to_owned(),
            kind,
            created,
            inline: Vec::new(),
            attached: Vec::new(),
            unread: Vec::new(),
            groups: Vec::new(),
            boundary: None,
            trust: None,
            role_last_used: None,
            tags: BTreeMap::new(),
        }
    }

    /// Whether a service made the role for itself: its permissions are fixed, and SCPs do not apply to it.
    pub fn is_service_linked(&self) -> bool {
        self.kind == Kind::Role && self.arn.contains(":role/aws-service-role/")
    }

    /// The account, from the ARN.
    pub fn account(&self) -> &str {
        crate::usage::account_of(&self.arn).unwrap_or_default()
    }
}

/// `RoleLastUsed` of a role.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RoleLastUsed {
    /// Last use, microseconds; `None` where IAM has seen none in its tracking period.
    pub time: Option<i64>,
    /// Region of that use.
    pub region: Option<String>,
}

/// One level of the organisation and its service control policies.
#[derive(Debug, Clone, PartialEq)]
pub struct ScpLevel {
    /// Root, organisational unit or account.
    pub target: String,
    /// The policies attached there.
    pub policies: Vec<Document>,
}

/// What one set of files says.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Inventory {
    /// Users and roles, in the order of the input.
    pub entities: Vec<Entity>,
    /// Groups, by name.
    pub groups: BTreeMap<String, Group>,
    /// Managed policies, by ARN.
    pub policies: BTreeMap<String, ManagedPolicy>,
    /// Service control policies, from the root down; empty where none are given.
    pub scp_levels: Vec<ScpLevel>,
    /// Resource control policies, likewise.
    pub rcp_levels: Vec<ScpLevel>,
    /// The credential report, by user ARN; empty where none is given.
    pub credentials: BTreeMap<String, Credentials>,
    /// What IAM recorded of use, by ARN; empty where none is given.
    pub accessed: BTreeMap<String, Accessed>,
    /// Instance profiles, by ARN.
    pub instance_profiles: Vec<InstanceProfile>,
    /// The account's rules for passwords; `None` where they are not given.
    pub password_policy: Option<PasswordPolicy>,
    /// Whose MFA is virtual, by ARN; `None` where that is not given.
    pub virtual_mfa: Option<BTreeSet<String>>,
    /// When it was taken, microseconds; `None` where the input does not say.
    pub taken: Option<i64>,
    /// Whether the organisation's policies could not be asked for when it was taken.
    pub lacks_organization: bool,
    /// Which inputs it was made of.
    pub given: BTreeSet<Given>,
    /// What could not be read and so is not counted, for the report.
    pub warnings: Vec<String>,
}

/// The levels of service or resource control policies that hold for an account: see [`Inventory::add_scps`].
///
/// # Errors
/// What cannot be read, and what is expected.
pub fn scp_levels(text: &str, account: &str, source_name: &str) -> Result<Vec<ScpLevel>, Error> {
    organization::levels(text, account, source_name)
}

impl Inventory {
    /// Reads the JSON of `aws iam get-account-authorization-details`: one document, several one after the other (one a
    /// page), or a list of them; or the file that `trailhound inventory` writes. `source_name` is for messages.
    ///
    /// # Errors
    /// What cannot be read, and what is expected.
    pub fn parse(text: &str, source_name: &str) -> Result<Inventory, Error> {
        if whole::is_whole(text) { whole::parse(text, source_name) } else { gaad::parse(text, source_name) }
    }

    /// Adds service control policies: a list of `{"target": …, "policies": [document …]}`, one entry a level from the
    /// root to the account, or the organisation's tree. They hold for every principal but service-linked roles.
    pub fn add_scps(&mut self, text: &str, source_name: &str) -> Result<(), Error> {
        self.given.insert(Given::Scps);
        self.scp_levels.extend(scp_levels(text, self.account(), source_name)?);
        Ok(())
    }

    /// Adds resource control policies, in the forms of [`Inventory::add_scps`]. They bound what others may do to this
    /// account's resources, so they count where one request is decided.
    ///
    /// # Errors
    /// What cannot be read, and what is expected.
    pub fn add_rcps(&mut self, text: &str, source_name: &str) -> Result<(), Error> {
        self.given.insert(Given::Rcps);
        self.rcp_levels.extend(scp_levels(text, self.account(), source_name)?);
        Ok(())
    }

    /// Adds the JSON of `aws iam get-service-last-accessed-details`: one document, several, a list, or an object by ARN.
    /// `principal` says whose it is where the text does not.
    ///
    /// # Errors
    /// What cannot be read, and what is expected.
    pub fn add_accessed(&mut self, text: &str, principal: Option<&str>, source_name: &str) -> Result<(), Error> {
        self.given.insert(Given::ServiceLastAccessed);
        accessed::add(self, text, principal, source_name)
    }

    /// Adds the JSON of `aws iam list-instance-profiles`.
    ///
    /// # Errors
    /// What cannot be read, and what is expected.
    pub fn add_instance_profiles(&mut self, text: &str, source_name: &str) -> Result<(), Error> {
        self.given.insert(Given::InstanceProfiles);
        self.instance_profiles.extend(account_wide::instance_profiles(text, source_name)?);
        Ok(())
    }

    /// Adds the JSON of `aws iam get-account-password-policy`.
    ///
    /// # Errors
    /// What cannot be read, and what is expected.
    pub fn add_password_policy(&mut self, text: &str, source_name: &str) -> Result<(), Error> {
        self.given.insert(Given::PasswordPolicy);
        self.password_policy = Some(account_wide::password_policy(text, source_name)?);
        Ok(())
    }

    /// Adds the JSON of `aws iam list-virtual-mfa-devices`.
    ///
    /// # Errors
    /// What cannot be read, and what is expected.
    pub fn add_virtual_mfa_devices(&mut self, text: &str, source_name: &str) -> Result<(), Error> {
        self.given.insert(Given::VirtualMfaDevices);
        self.virtual_mfa = Some(account_wide::virtual_mfa(text, source_name)?);
        Ok(())
    }

    /// Adds the JSON of `aws iam list-users`: users that are missing, and the last use of each password.
    ///
    /// # Errors
    /// What cannot be read, and what is expected.
    pub fn add_users(&mut self, text: &str, source_name: &str) -> Result<(), Error> {
        users::add(std::slice::from_mut(self), text, source_name)
    }

    /// Adds the credential report (`aws iam get-credential-report`, the decoded CSV). Columns are found by header name. Rows of
    /// another account and rows that are cut off are not counted, and warned of.
    ///
    /// # Errors
    /// What cannot be read, and what is expected.
    pub fn add_credential_report(&mut self, text: &str, source_name: &str) -> Result<(), Error> {
        credentials::add(std::slice::from_mut(self), text, source_name)
    }
}

/// Adds a credential report to the inventories of the accounts that its rows are of.
///
/// # Errors
/// What cannot be read, and what is expected.
pub fn add_credential_report(found: &mut [Inventory], text: &str, source_name: &str) -> Result<(), Error> {
    credentials::add(found, text, source_name)
}

/// Adds a list of users to the inventories of the accounts that they are of.
///
/// # Errors
/// What cannot be read, and what is expected.
pub fn add_users(found: &mut [Inventory], text: &str, source_name: &str) -> Result<(), Error> {
    users::add(found, text, source_name)
}

#[cfg(test)]
mod tests;
