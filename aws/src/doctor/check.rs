//! One check: what was looked at, how it stands, what was seen, what to do.

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use crate::error::Error;

/// How something stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// As it should be.
    Ok,
    /// It works, and something will be missing or hard to prove.
    Warn,
    /// It does not work.
    Fail,
}

impl State {
    /// The stable name.
    pub fn name(self) -> &'static str {
        match self {
            State::Ok => "ok",
            State::Warn => "warn",
            State::Fail => "fail",
        }
    }
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// Its stable name, such as `bucket.get`.
    pub check: &'static str,
    /// What it is about: a place, a trail, an identity.
    pub about: String,
    /// How it stands.
    pub state: State,
    /// What was seen.
    pub seen: String,
    /// The next step, where there is one.
    pub next: Option<String>,
}

impl Check {
    /// As it should be.
    pub fn ok(check: &'static str, about: impl Into<String>, seen: impl Into<String>) -> Check {
        Check { check, about: about.into(), state: State::Ok, seen: seen.into(), next: None }
    }

    /// It works, and something is to be done.
    pub fn warn(
        check: &'static str,
        about: impl Into<String>,
        seen: impl Into<String>,
        next: impl Into<String>,
    ) -> Check {
        Check { check, about: about.into(), state: State::Warn, seen: seen.into(), next: Some(next.into()) }
    }

    /// It does not work.
    pub fn fail(
        check: &'static str,
        about: impl Into<String>,
        seen: impl Into<String>,
        next: impl Into<String>,
    ) -> Check {
        Check { check, about: about.into(), state: State::Fail, seen: seen.into(), next: Some(next.into()) }
    }

    /// AWS refused to say.
    pub(crate) fn refused(check: &'static str, about: impl Into<String>, state: State, error: &Error) -> Check {
        let next = error.step().map(str::to_owned);
        Check { check, about: about.into(), state, seen: error.said().to_owned(), next }
    }
}

/// How long ago something was, as people say it.
pub(crate) fn ago(time: DateTime<Utc>, now: DateTime<Utc>) -> String {
    let age = now.signed_duration_since(time);
    match age {
        age if age < TimeDelta::minutes(1) => "just now".to_owned(),
        age if age < TimeDelta::hours(2) => format!("{} minutes ago", age.num_minutes()),
        age if age < TimeDelta::days(2) => format!("{} hours ago", age.num_hours()),
        age => format!("{} days ago", age.num_days()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;

    #[test]
    fn ages_are_told_in_words() {
        let now = DateTime::UNIX_EPOCH;
        let told: Vec<_> =
            [5, 300, 7200, 86_400 * 9].iter().map(|age| ago(now - TimeDelta::seconds(*age), now)).collect();
        assert_eq!(told, ["just now", "5 minutes ago", "2 hours ago", "9 days ago"]);
    }

    #[test]
    fn a_refusal_keeps_reason_and_step_apart() {
        let bare = Check::refused("x", "y", State::Fail, &Error::new("y", Kind::Other, "no"));
        assert_eq!((bare.seen.as_str(), bare.next), ("no", None));
    }
}
