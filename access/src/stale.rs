//! Small answers for a first look: the busiest principals and the credentials that have rested longest.

use crate::instant::DAY;
use crate::usage::{Kind, LastUsed};

/// A principal and how busy it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopPrincipal {
    /// The durable identity.
    pub principal: String,
    /// Kind of identity.
    pub kind: Kind,
    /// Its account; `None` for a service.
    pub account: Option<String>,
    /// Events.
    pub events: u64,
    /// Events that AWS refused.
    pub denied: u64,
    /// Last activity, microseconds.
    pub last: i64,
}

/// The principals with the most events, busiest first, ties by name.
pub fn top_principals(usage: &LastUsed, limit: usize) -> Vec<TopPrincipal> {
    let mut sorted = usage.principals();
    sorted.sort_by_key(|principal| std::cmp::Reverse(principal.events));
    let rows = sorted.into_iter().take(limit).map(|principal| TopPrincipal {
        principal: principal.name.to_string(),
        kind: principal.kind(),
        account: principal.account().map(str::to_owned),
        events: principal.events,
        denied: principal.denied,
        last: principal.last,
    });
    rows.collect()
}

/// What a principal proves itself with.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Credential {
    /// A long-term access key, by id.
    AccessKey(String),
    /// A console password.
    Password,
}

/// A credential and its last use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StaleCredential {
    /// The credential.
    pub credential: Credential,
    /// Its owner.
    pub principal: String,
    /// Last use seen, microseconds.
    pub last_used: i64,
    /// Whole days from the last use to `now`.
    pub age_days: i64,
}

/// The credentials that were used once and have rested longest before `now`, oldest use first. Only what the logs have
/// seen: a credential that was never used is in no log.
pub fn stalest_credentials(usage: &LastUsed, now: i64, limit: usize) -> Vec<StaleCredential> {
    let row = |credential, principal: &str, last_used: i64| StaleCredential {
        credential,
        principal: principal.to_owned(),
        last_used,
        age_days: now.saturating_sub(last_used).div_euclid(DAY).max(0),
    };
    let keys = usage.access_keys();
    let keys = keys.iter().map(|(id, key)| row(Credential::AccessKey((*id).to_owned()), &key.principal, key.last));
    let mut rows: Vec<_> = keys.collect();
    for principal in usage.principals() {
        // Only users and root have a password; a role's sign-in is the identity provider's.
        if let Some(last) = principal.last_console_login
            && matches!(principal.kind(), Kind::IamUser | Kind::Root)
        {
            rows.push(row(Credential::Password, &principal.name, last));
        }
    }
    rows.sort_by(|a, b| (a.last_used, &a.principal, &a.credential).cmp(&(b.last_used, &b.principal, &b.credential)));
    rows.truncate(limit);
    rows
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::fixture::{arn, batch, call};
    use crate::instant;

    #[test]
    fn the_busiest_first_and_the_longest_rested_first() {
        let mut login = call("bob", "signin", "ConsoleLogin", "2026-01-02T00:00:00Z");
        login["eventType"] = json!("AwsConsoleSignIn");
        login["userIdentity"]["accessKeyId"] = json!("");
        let mut usage = LastUsed::default();
        usage.observe(&batch(&[
            call("ann", "iam", "ListUsers", "2026-01-01T00:00:00Z"),
            call("ann", "iam", "ListRoles", "2026-01-03T12:00:00Z"),
            login,
        ]));
        let top = top_principals(&usage, 5);
        let names: Vec<_> = top.iter().map(|row| (row.principal.as_str(), row.events)).collect();
        assert_eq!(names, [(arn("ann").as_str(), 2), (arn("bob").as_str(), 1)]);
        assert_eq!(top_principals(&usage, 1).len(), 1);

        let now = instant::parse("2026-01-11T00:00:00Z").unwrap();
        let stale = stalest_credentials(&usage, now, 5);
        let rows: Vec<_> = stale.iter().map(|row| (row.credential.clone(), row.age_days)).collect();
        assert_eq!(rows, [(Credential::Password, 9), (Credential::AccessKey("AKIAANN".into()), 7)]);
    }
}
