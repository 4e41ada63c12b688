//! Personas: the people, applications and services of the organisation, what they do, and what they may do.
//!
//! Every persona is granted more than it uses, as in real accounts: that difference is what a least-privilege
//! report is about. `uses` is always within the grants and `tries` never is; a test holds both.

mod machines;
mod people;

/// A principal of each account it lives in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Persona {
    /// User or role name; for a service, its name without `.amazonaws.com`.
    pub name: &'static str,
    pub kind: Kind,
    pub place: Place,
    pub rhythm: Rhythm,
    /// Session names; one actor for each. Unused by users.
    pub sessions: &'static [&'static str],
    /// How often it acts, relative to the others.
    pub weight: u32,
    pub agents: &'static [&'static str],
    /// Calls as `service:Name`, with weights.
    pub uses: &'static [(&'static str, u32)],
    /// Calls that it makes and is denied.
    pub tries: &'static [&'static str],
    pub groups: &'static [&'static str],
    /// Names of managed policies, as `permissions` knows them.
    pub managed: &'static [&'static str],
    /// Inline policies: name and document.
    pub inline: &'static [(&'static str, &'static str)],
    /// Managed policy that bounds it, or empty.
    pub boundary: &'static str,
}

/// What sort of credentials a persona acts with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// IAM user in the console, signed in with MFA.
    Console,
    /// IAM user with an access key.
    AccessKey,
    /// Role of IAM Identity Center; a session is a person's e-mail address.
    Sso,
    /// Role of EC2 instances; a session is an instance.
    Instance,
    /// Role of a Lambda function; the session is the function's name.
    Function,
    /// Role of ECS tasks.
    Task,
    /// Role of CI jobs that sign in with a web identity.
    Oidc,
    /// Service-linked role, used by a service.
    Linked,
    /// Role that people assume from the platform account.
    Assumed,
    /// Has grants and never acts by itself; planted events may use it.
    Dormant,
    /// An AWS service by its own name. Has no grants.
    Service,
    /// An AWS service that reports an event. Has no grants.
    Notice,
}

/// Which accounts a persona lives in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Platform,
    Everywhere,
}

/// When a persona acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rhythm {
    Office,
    Always,
    Night,
}

const CLI: &str = "aws-cli/2.31.21 md/awscrt#0.28.2 ua/2.1 os/linux#6.8.0-64-generic md/arch#x86_64 lang/python#3.13.7 md/pyimpl#CPython m/C,E,b cfg/retry-mode#standard md/installer#exe md/distrib#ubuntu.24 md/prompt#off md/command#ec2.describe-instances";

/// A persona that has nothing and does nothing: what the others are made from.
pub(super) const NOBODY: Persona = Persona {
    name: "",
    kind: Kind::Dormant,
    place: Place::Everywhere,
    rhythm: Rhythm::Always,
    sessions: &[],
    weight: 0,
    agents: &[CLI],
    uses: &[],
    tries: &[],
    groups: &[],
    managed: &[],
    inline: &[],
    boundary: "",
};

/// All personas, in the order their actors and grants are made.
pub(super) fn all() -> impl Iterator<Item = &'static Persona> {
    people::PERSONAS.iter().chain(machines::PERSONAS)
}

/// Personas that live in an account.
pub(super) fn living_in(platform: bool) -> impl Iterator<Item = &'static Persona> {
    all().filter(move |persona| platform || persona.place == Place::Everywhere)
}

/// The persona of a name.
pub(super) fn named(name: &str) -> Option<&'static Persona> {
    all().find(|persona| persona.name == name)
}

impl Persona {
    /// Path of its ARN.
    pub(super) fn path(&self) -> String {
        match self.kind {
            Kind::Sso => "/aws-reserved/sso.amazonaws.com/".to_owned(),
            Kind::Linked => format!("/aws-service-role/{}/", self.agents.first().unwrap_or(&"")),
            _ => "/".to_owned(),
        }
    }

    /// Whether it is a user rather than a role.
    pub(super) fn is_user(&self) -> bool {
        match self.kind {
            Kind::Console | Kind::AccessKey => true,
            Kind::Dormant => self.sessions.is_empty(),
            _ => false,
        }
    }

    /// Whether it stands in IAM at all.
    pub(super) fn is_principal(&self) -> bool {
        !matches!(self.kind, Kind::Service | Kind::Notice)
    }
}
