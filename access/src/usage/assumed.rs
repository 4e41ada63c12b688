//! Roles that somebody assumed: a sign of a role's life, though it called nothing (or nothing that is recorded) itself.
//!
//! A function whose role only writes objects leaves no event but the service's `AssumeRole`, and deleting the role breaks
//! it. Source: "Logging IAM and AWS STS API calls with AWS CloudTrail"; `roleArn` of the three calls in the STS API reference.

use std::collections::HashMap;

use ahash::RandomState;

use super::LastUsed;

/// The calls that answer with a role's credentials.
const CALLS: [&str; 3] = ["AssumeRole", "AssumeRoleWithSAML", "AssumeRoleWithWebIdentity"];

/// Role → last time that somebody assumed it, microseconds.
pub(super) type Assumed<T> = HashMap<T, i64, RandomState>;

/// Whether a call answers with a role's credentials.
pub(super) fn is_assumption(event_source: &str, event_name: &str) -> bool {
    event_source == "sts.amazonaws.com" && CALLS.contains(&event_name)
}

/// The role that a request names (compact JSON text): an ARN, or nothing. A quote within a value is escaped, so that no
/// session name can pretend to be the member.
pub(super) fn role(request_parameters: &str) -> Option<&str> {
    const MEMBER: &str = "\"roleArn\":\"";
    let rest = request_parameters.get(request_parameters.find(MEMBER)? + MEMBER.len()..)?;
    let arn = rest.get(..rest.find('"')?)?;
    (arn.starts_with("arn:") && arn.contains(":role/") && !arn.contains('\\')).then_some(arn)
}

impl LastUsed {
    /// When somebody last assumed a role, by its ARN; microseconds.
    pub fn last_assumed(&self, role: &str) -> Option<i64> {
        self.assumed.get(role).copied()
    }

    /// The roles that were assumed, with the last time of each, by ARN.
    pub(super) fn assumed(&self) -> Vec<(&str, i64)> {
        let mut sorted: Vec<_> = self.assumed.iter().map(|(role, last)| (&**role, *last)).collect();
        sorted.sort_unstable();
        sorted
    }

    pub(super) fn add_assumed(&mut self, role: &str, last: i64) {
        if let Some(known) = self.assumed.get_mut(role) {
            *known = last.max(*known);
        } else if self.assumed.len() >= self.limits.principals {
            self.totals.dropped += 1;
        } else {
            self.assumed.insert(role.into(), last);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_names_its_role_and_nothing_else_does() {
        let arn = "arn:aws:iam::111111111111:role/path/app";
        assert_eq!(role(&format!(r#"{{"roleSessionName":"s","roleArn":"{arn}"}}"#)), Some(arn));
        for other in [
            "",
            "{}",
            r#"{"roleSessionName":"\"roleArn\":\"arn:aws:iam::1:role/x"}"#,
            r#"{"roleArn":"arn:aws:iam::1:user/x"}"#,
            r#"{"roleArn":"arn:aws:iam::1:role/x"#,
            r#"{"roleArn":null}"#,
        ] {
            assert_eq!(role(other), None, "{other}");
        }
        assert!(is_assumption("sts.amazonaws.com", "AssumeRoleWithWebIdentity"));
        assert!(!is_assumption("sts.amazonaws.com", "GetCallerIdentity") && !is_assumption("x", "AssumeRole"));
    }
}
