//! Kinds of findings and observations: their stable names, and what is said of each whoever it is about.

use serde::{Deserialize, Serialize};

/// What kind of finding it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Root has an access key.
    RootAccessKey,
    /// Root has no MFA.
    RootWithoutMfa,
    /// Root did something.
    RootUse,
    /// A user with a password and no MFA.
    ConsoleUserWithoutMfa,
    /// A user signed in to the console without MFA.
    ConsoleLoginWithoutMfa,
    /// A sign-in to the console failed.
    ConsoleLoginFailed,
    /// A key older than 90 days.
    #[serde(rename = "access_key_not_rotated_90d")]
    AccessKeyNotRotated,
    /// A key unused for 45 days.
    #[serde(rename = "access_key_unused_45d")]
    AccessKeyUnused,
    /// A password unused for 45 days.
    #[serde(rename = "password_unused_45d")]
    PasswordUnused,
    /// A user with two active keys.
    TwoActiveAccessKeys,
    /// A user with policies of its own instead of its groups'.
    UserDirectPolicy,
    /// A role that nobody used in the window.
    UnusedRole,
    /// A long-term key was used inside of AWS.
    AccessKeyOnInstance,
    /// A key was made together with its user, who has a password.
    AccessKeyAtSetup,
    /// Of password and key, one is not used.
    PasswordAndKeyOneUnused,
    /// Passwords may have fewer than 14 characters.
    PasswordsTooShort,
    /// Fewer than 24 old passwords are remembered.
    PasswordsMayComeBack,
    /// Root's MFA is no hardware.
    RootVirtualMfa,
    /// Nobody may manage support cases.
    NoSupportRole,
    /// IAM Access Analyzer is not on.
    NoAccessAnalyzer,
    /// Users have passwords although single sign-on is in use.
    PasswordsBesideSingleSignOn,
    /// `AWSCloudShellFullAccess` is attached.
    CloudShellFullAccess,
    /// AWS put a key's owner under quarantine.
    CompromisedKeyQuarantine,
    /// An instance profile has no role.
    InstanceProfileWithoutRole,
    /// A broad policy of AWS' of which next to nothing was used.
    BroadPolicyLittleUsed,
    /// Actions on objects, and only a bucket's own ARN.
    BucketArnWithoutObjects,
    /// MFA is asked for so that access keys slip through.
    MfaWithoutIfExists,
    /// `ForAllValues` in an Allow.
    ForAllValuesAllows,
    /// `NotAction` or `NotResource` in an Allow.
    AllowsAllBut,
}

impl Kind {
    /// Number of the recommendation in CIS AWS Foundations v3.0, its severity by our judgement, and what to do.
    pub(super) fn about(self) -> (Option<&'static str>, &'static str, &'static str) {
        match self {
            Kind::RootAccessKey => (Some("1.4"), "critical", "delete root's access key"),
            Kind::RootWithoutMfa => (Some("1.5"), "critical", "turn on MFA for root"),
            Kind::RootUse => (Some("1.7"), "high", "ask who used root and why; use a role instead"),
            Kind::ConsoleUserWithoutMfa => (Some("1.10"), "high", "turn on MFA, or take the password away"),
            Kind::ConsoleLoginWithoutMfa => (Some("4.2"), "medium", "turn on MFA, and force it by policy"),
            Kind::ConsoleLoginFailed => (Some("4.6"), "low", "look whether many failed from one address"),
            Kind::AccessKeyNotRotated => (Some("1.14"), "medium", "rotate the key, or use a role instead"),
            Kind::AccessKeyUnused => (Some("1.12"), "medium", "deactivate the key, then delete it"),
            Kind::PasswordUnused => (Some("1.12"), "medium", "delete the login profile"),
            Kind::TwoActiveAccessKeys => (Some("1.13"), "low", "deactivate the key that is not needed"),
            Kind::UserDirectPolicy => (Some("1.15"), "low", "move the permissions to a group"),
            Kind::UnusedRole => (None, "medium", "delete the role, or take its permissions away"),
            other => other.about_observation(),
        }
    }

    fn about_observation(self) -> (Option<&'static str>, &'static str, &'static str) {
        match self {
            Kind::AccessKeyOnInstance => (Some("1.18"), "medium", "give the program a role, and delete the key"),
            Kind::AccessKeyAtSetup => {
                (Some("1.11"), "low", "delete the key, and let the user make one when it is needed")
            }
            Kind::PasswordAndKeyOneUnused => (None, "low", "take away what is not used"),
            Kind::PasswordsTooShort => (Some("1.8"), "medium", "set MinimumPasswordLength to 14"),
            Kind::PasswordsMayComeBack => (Some("1.9"), "low", "set PasswordReusePrevention to 24"),
            Kind::RootVirtualMfa => (Some("1.6"), "low", "give root a hardware device, or take its credentials away"),
            Kind::NoSupportRole => (Some("1.17"), "low", "make a role with AWSSupportAccess"),
            Kind::NoAccessAnalyzer => (Some("1.20"), "low", "turn it on, unless the organisation's stands elsewhere"),
            Kind::PasswordsBesideSingleSignOn => (Some("1.21"), "low", "take the passwords away"),
            Kind::CloudShellFullAccess => (Some("1.22"), "low", "allow what is needed of it"),
            Kind::CompromisedKeyQuarantine => (None, "critical", "rotate the key, and look at what it did"),
            Kind::InstanceProfileWithoutRole => (None, "low", "delete the instance profile"),
            Kind::BroadPolicyLittleUsed => (None, "medium", "`trailhound policy generate` writes what is enough"),
            Kind::BucketArnWithoutObjects => (None, "low", "add the ARN of the bucket's objects"),
            Kind::MfaWithoutIfExists => (None, "high", "deny with BoolIfExists aws:MultiFactorAuthPresent false"),
            Kind::ForAllValuesAllows => (None, "medium", "ask for the key with Null false too"),
            _ => (None, "medium", "list what is allowed"),
        }
    }

    pub(super) fn of_lint(lint: crate::policy::lint::Lint) -> Kind {
        use crate::policy::lint::Lint;
        match lint {
            Lint::BucketWithoutObjects => Kind::BucketArnWithoutObjects,
            Lint::MfaWithoutIfExists => Kind::MfaWithoutIfExists,
            Lint::ForAllValuesAllows => Kind::ForAllValuesAllows,
            Lint::AllowsAllBut => Kind::AllowsAllBut,
        }
    }
}
