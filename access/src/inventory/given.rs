//! What a report rests on, an account at a time: which inputs were there.
//!
//! Where an input is not there, nothing is known of what it would show: that nothing was found is then no news.

use serde::Serialize;

/// A kind of input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Given {
    /// Events of the account.
    Events,
    /// Its authorization details.
    Grants,
    /// Roles are among them: every account has some, so details without are a part of them.
    Roles,
    /// The credential report.
    CredentialReport,
    /// The list of users.
    Users,
    /// The password policy.
    PasswordPolicy,
    /// The list of instance profiles.
    InstanceProfiles,
    /// The list of virtual MFA devices.
    VirtualMfaDevices,
    /// Service control policies.
    Scps,
    /// Resource control policies.
    Rcps,
    /// What IAM recorded of use.
    ServiceLastAccessed,
}

impl Given {
    /// All of them.
    pub const ALL: [Given; 11] = [
        Given::Events,
        Given::Grants,
        Given::Roles,
        Given::CredentialReport,
        Given::Users,
        Given::PasswordPolicy,
        Given::InstanceProfiles,
        Given::VirtualMfaDevices,
        Given::Scps,
        Given::Rcps,
        Given::ServiceLastAccessed,
    ];

    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Given::Events => "events",
            Given::Grants => "grants",
            Given::Roles => "roles",
            Given::CredentialReport => "credential_report",
            Given::Users => "users",
            Given::PasswordPolicy => "password_policy",
            Given::InstanceProfiles => "instance_profiles",
            Given::VirtualMfaDevices => "virtual_mfa_devices",
            Given::Scps => "scps",
            Given::Rcps => "rcps",
            Given::ServiceLastAccessed => "service_last_accessed",
        }
    }
}

/// Which inputs of an account there were.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Inputs {
    /// The account; empty where an input does not tell it.
    pub account: String,
    /// Its inputs, sorted.
    pub given: std::collections::BTreeSet<Given>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_json() {
        for given in Given::ALL {
            assert_eq!(serde_json::to_value(given).ok(), Some(given.as_str().into()));
        }
    }
}
