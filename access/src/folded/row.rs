//! One row of what a fold remembers.

/// What a row is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum What {
    /// A count of the fold itself, by name.
    Total,
    /// Which rules made the rows: they are the subject.
    Rules,
    /// A principal's activity.
    Principal,
    /// A kind of identity that a principal's events named.
    Identity,
    /// A principal's sign-in to the console.
    Console,
    /// Who stood behind a principal.
    Actor,
    /// A principal had more actors than are kept.
    MoreActors,
    /// An access key; its detail is the principal of the last request.
    AccessKey,
    /// A role that somebody assumed.
    Assumed,
    /// An account's events in a region.
    Span,
    /// A day, the moment, on which an account has an event in a region.
    Day,
    /// A resource type of an account's data events.
    DataEvent,
    /// What root did at one moment.
    Root,
    /// Sign-ins that failed at one moment.
    SignInFailed,
    /// Sign-ins without MFA at one moment.
    SignInWithoutMfa,
    /// An address that a long-term key was used from; the detail is its owner.
    KeyAddress,
    /// An environment of AWS' that a long-term key was used in; the detail is its owner.
    KeyEnvironment,
    /// An address that an instance's role called from.
    InstanceAddress,
}

impl What {
    const ALL: [What; 18] = [
        What::Total,
        What::Rules,
        What::Principal,
        What::Identity,
        What::Console,
        What::Actor,
        What::MoreActors,
        What::AccessKey,
        What::Assumed,
        What::Span,
        What::Day,
        What::DataEvent,
        What::Root,
        What::SignInFailed,
        What::SignInWithoutMfa,
        What::KeyAddress,
        What::KeyEnvironment,
        What::InstanceAddress,
    ];

    /// Its name in a table.
    pub fn as_str(self) -> &'static str {
        match self {
            What::Total => "total",
            What::Rules => "rules",
            What::Principal => "principal",
            What::Identity => "identity",
            What::Console => "console",
            What::Actor => "actor",
            What::MoreActors => "more_actors",
            What::AccessKey => "access_key",
            What::Assumed => "assumed",
            What::Span => "span",
            What::Day => "day",
            What::DataEvent => "data_event",
            What::Root => "root",
            What::SignInFailed => "sign_in_failed",
            What::SignInWithoutMfa => "sign_in_without_mfa",
            What::KeyAddress => "key_address",
            What::KeyEnvironment => "key_environment",
            What::InstanceAddress => "instance_address",
        }
    }

    /// The one of this name.
    pub fn of_name(name: &str) -> Option<What> {
        What::ALL.into_iter().find(|what| what.as_str() == name)
    }
}

/// One row. What it is about, `subject`, `name` and `moment` are its key; rows of one key merge: `first` is the smallest,
/// `last` and `last_use` the greatest, counts are sums, and `detail` is that of the latest (the greatest, of several).
/// Times are microseconds since the Unix epoch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// What it is about.
    pub what: What,
    /// A principal, an account, a key's id.
    pub subject: String,
    /// What of it.
    pub name: String,
    /// When, of what is kept moment by moment.
    pub moment: Option<i64>,
    /// First time.
    pub first: Option<i64>,
    /// Last time.
    pub last: Option<i64>,
    /// Last time that it was used, of a principal.
    pub last_use: Option<i64>,
    /// Events.
    pub events: u64,
    /// Those that AWS refused.
    pub denied: u64,
    /// Those that failed for another reason.
    pub errors: u64,
    /// What the latest said.
    pub detail: Option<String>,
}

impl Row {
    /// A row that says no more than that there is such a thing.
    pub fn new(what: What, subject: &str, name: &str) -> Row {
        Row {
            what,
            subject: subject.to_owned(),
            name: name.to_owned(),
            moment: None,
            first: None,
            last: None,
            last_use: None,
            events: 0,
            denied: 0,
            errors: 0,
            detail: None,
        }
    }
}
