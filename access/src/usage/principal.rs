//! A principal's activity, apart from which permissions it used.

use std::collections::HashMap;
use std::sync::Arc;

use ahash::RandomState;

use super::fact::{Fact, Recent};

/// What kind of identity a principal is. Spelled as CloudTrail's `userIdentity.type`, the durable one: a session of a
/// role is a `Role`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// The account's root user.
    Root,
    /// An IAM user.
    IamUser,
    /// An IAM role, also behind a session.
    Role,
    /// A federated user of `GetFederationToken`.
    FederatedUser,
    /// A user of IAM Identity Center.
    IdentityCenterUser,
    /// A caller that SAML names.
    SamlUser,
    /// A caller that a web identity provider names.
    WebIdentityUser,
    /// Another account.
    AwsAccount,
    /// An AWS service.
    AwsService,
    /// A directory.
    Directory,
    /// Anything else, or nothing said.
    Unknown,
}

impl Kind {
    const ALL: [Kind; 11] = [
        Kind::Root,
        Kind::IamUser,
        Kind::Role,
        Kind::FederatedUser,
        Kind::IdentityCenterUser,
        Kind::SamlUser,
        Kind::WebIdentityUser,
        Kind::AwsAccount,
        Kind::AwsService,
        Kind::Directory,
        Kind::Unknown,
    ];

    /// CloudTrail's spelling.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Root => "Root",
            Kind::IamUser => "IAMUser",
            Kind::Role => "Role",
            Kind::FederatedUser => "FederatedUser",
            Kind::IdentityCenterUser => "IdentityCenterUser",
            Kind::SamlUser => "SAMLUser",
            Kind::WebIdentityUser => "WebIdentityUser",
            Kind::AwsAccount => "AWSAccount",
            Kind::AwsService => "AWSService",
            Kind::Directory => "Directory",
            Kind::Unknown => "Unknown",
        }
    }

    /// The kind of this spelling.
    pub(super) fn of_str(text: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    pub(super) fn of_type(text: Option<&str>) -> Kind {
        match text {
            Some("AssumedRole" | "Role") => Kind::Role,
            Some("IAMUser") => Kind::IamUser,
            Some("AWSService") => Kind::AwsService,
            Some("AWSAccount") => Kind::AwsAccount,
            Some("Root") => Kind::Root,
            Some("FederatedUser") => Kind::FederatedUser,
            Some("IdentityCenterUser") => Kind::IdentityCenterUser,
            Some("SAMLUser") => Kind::SamlUser,
            Some("WebIdentityUser") => Kind::WebIdentityUser,
            Some("Directory") => Kind::Directory,
            _ => Kind::Unknown,
        }
    }

    pub(super) fn bit(self) -> u16 {
        1 << (self as u16)
    }

    /// The kind that a principal's ARN says; the record's type may say it of the moment's session only.
    pub fn of_name(name: &str) -> Option<Kind> {
        let resource = name.strip_prefix("arn:")?.splitn(5, ':').nth(4)?;
        if resource == "root" {
            return Some(Kind::Root);
        }
        match resource.split('/').next()? {
            "user" => Some(Kind::IamUser),
            "role" | "assumed-role" => Some(Kind::Role),
            "federated-user" => Some(Kind::FederatedUser),
            _ => None,
        }
    }
}

/// The account a principal belongs to, from its name: of an ARN, or of `ACCOUNT:ID`. `None` for a service.
pub fn account_of(name: &str) -> Option<&str> {
    let account = match name.strip_prefix("arn:") {
        Some(rest) => rest.split(':').nth(3)?,
        None => name.split(':').next()?,
    };
    (account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit())).then_some(account)
}

/// A principal and its activity. Times are microseconds since the Unix epoch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// The durable identity: user ARN, role ARN, `…:root`, a service's name.
    pub name: Arc<str>,
    /// First activity.
    pub first: i64,
    /// Last activity of any kind, refused or not.
    pub last: i64,
    /// Last call that was not refused, or successful sign-in.
    pub last_use: Option<i64>,
    /// Last successful sign-in to the console.
    pub last_console_login: Option<i64>,
    /// Events.
    pub events: u64,
    /// Events that AWS refused.
    pub denied: u64,
    /// Events that failed for another reason.
    pub errors: u64,
    /// Who stood behind it: session names, source identities, people.
    pub actors: Recent,
    kinds: u16,
    pub(super) facts: HashMap<u32, Fact, RandomState>,
}

impl Principal {
    pub(super) fn new(name: Arc<str>) -> Self {
        Principal {
            name,
            first: i64::MAX,
            last: i64::MIN,
            last_use: None,
            last_console_login: None,
            events: 0,
            denied: 0,
            errors: 0,
            actors: Recent::default(),
            kinds: 0,
            facts: HashMap::default(),
        }
    }

    /// What kind of identity it is: by its ARN, else by the types of its events (of several, the first in [`Kind`]).
    pub fn kind(&self) -> Kind {
        Kind::of_name(&self.name)
            .or_else(|| Kind::ALL.into_iter().find(|kind| self.kinds & kind.bit() != 0))
            .unwrap_or(Kind::Unknown)
    }

    /// The kinds that the types of its events said.
    pub(super) fn kinds(&self) -> impl Iterator<Item = Kind> {
        let kinds = self.kinds;
        Kind::ALL.into_iter().filter(move |kind| kinds & kind.bit() != 0)
    }

    pub(super) fn add_kind(&mut self, kind: Kind) {
        self.kinds |= kind.bit();
    }

    /// The account it belongs to; `None` for a service.
    pub fn account(&self) -> Option<&str> {
        account_of(&self.name)
    }

    pub(super) fn add_activity(&mut self, span: (i64, i64), events: u64, kinds: u16) {
        self.first = self.first.min(span.0);
        self.last = self.last.max(span.1);
        self.events += events;
        self.kinds |= kinds;
    }

    pub(super) fn merge_activity(&mut self, other: &Principal) {
        self.add_activity((other.first, other.last), other.events, other.kinds);
        self.last_use = self.last_use.max(other.last_use);
        self.last_console_login = self.last_console_login.max(other.last_console_login);
        self.denied += other.denied;
        self.errors += other.errors;
        self.actors.merge(&other.actors);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_kind_and_account() {
        let role = "arn:aws-cn:iam::123456789012:role/path/name";
        assert_eq!((Kind::of_name(role), account_of(role)), (Some(Kind::Role), Some("123456789012")));
        assert_eq!(Kind::of_name("arn:aws:iam::123456789012:root"), Some(Kind::Root));
        assert_eq!(Kind::of_name("arn:aws:iam::123456789012:user/x"), Some(Kind::IamUser));
        assert_eq!((Kind::of_name("ec2.amazonaws.com"), account_of("ec2.amazonaws.com")), (None, None));
        assert_eq!(account_of("123456789012:AROAX"), Some("123456789012"));
        assert_eq!(account_of("arn:aws:s3"), None);
    }
}
