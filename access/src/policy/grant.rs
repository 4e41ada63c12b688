//! What documents grant: the actions a principal may do at all, on some resource and under some condition.
//!
//! `(identity allow − unconditional deny) ∩ boundary ∩ every SCP level`. A Deny that holds only for some resources or
//! under a condition leaves the action granted elsewhere, so only one without both takes it away. Source: "Policy
//! evaluation logic" and "Permissions boundaries for IAM entities" in the IAM user guide.

use super::actions::ActionSet;
use super::document::{Document, Effect, Patterns};
use super::reach;
use ingest::action;

/// Most unknown patterns kept of one grant.
const MAX_UNKNOWN: usize = 32;

/// What some documents allow and deny, as sets of actions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Grant {
    /// Allowed by some statement on some resource that the action can have, whatever its conditions.
    pub allow: ActionSet,
    /// Denied for every resource and request.
    pub deny: ActionSet,
    /// Patterns of Allow statements that name no action of the catalogue: misspelt, or newer than it.
    pub unknown: Vec<String>,
}

impl Grant {
    /// What one document grants.
    pub fn of(document: &Document) -> Self {
        let mut grant = Grant::default();
        for statement in document.statements.iter().filter(|statement| !statement.never_holds()) {
            let mut actions = ActionSet::of(&statement.actions);
            match statement.effect {
                Effect::Allow => {
                    reach::narrow(&mut actions, statement.resources.as_ref());
                    grant.allow.union(&actions);
                    grant.note_unknown(&statement.actions);
                }
                Effect::Deny if statement.is_unconditional() => grant.deny.union(&actions),
                Effect::Deny => {}
            }
        }
        grant
    }

    fn note_unknown(&mut self, patterns: &Patterns) {
        let Patterns::Only(list) = patterns else { return };
        for pattern in list {
            if self.unknown.len() >= MAX_UNKNOWN {
                return;
            }
            let known = pattern.contains('*') || action::expand_places(pattern).next().is_some();
            if !known && !self.unknown.contains(pattern) {
                self.unknown.push(pattern.clone());
            }
        }
    }

    /// Whether it allows every action of the catalogue, and denies none for good.
    pub fn leaves_everything(&self) -> bool {
        self.effective().len() == action::actions().len()
    }

    /// Adds what another document of the same layer grants.
    pub fn add(&mut self, other: &Grant) {
        self.allow.union(&other.allow);
        self.deny.union(&other.deny);
        for pattern in &other.unknown {
            if self.unknown.len() < MAX_UNKNOWN && !self.unknown.contains(pattern) {
                self.unknown.push(pattern.clone());
            }
        }
    }

    /// The actions that this layer leaves.
    pub fn effective(&self) -> ActionSet {
        let mut set = self.allow.clone();
        set.subtract(&self.deny);
        set
    }
}

/// The actions that identity policies grant within a boundary and the levels of service control policies.
pub fn effective(identity: &Grant, boundary: Option<&Grant>, scp_levels: &[Grant]) -> ActionSet {
    let mut set = identity.effective();
    for layer in boundary.into_iter().chain(scp_levels) {
        set.intersect(&layer.allow);
        set.subtract(&layer.deny);
    }
    set
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn grant(statements: Value) -> Grant {
        Grant::of(&Document::parse(&json!({"Statement": statements})).unwrap())
    }

    #[test]
    fn deny_beats_allow() {
        let both = grant(json!([
            {"Effect": "Deny", "Action": "sqs:*", "Resource": "*"},
            {"Effect": "Allow", "Action": ["sqs:DeleteQueue", "ec2:DescribeInstances"], "Resource": "*"}
        ]));
        let left: Vec<_> = both.effective().iter().map(|action| action.name).collect();
        assert_eq!(left, ["ec2:DescribeInstances"]);
    }

    #[test]
    fn a_deny_of_some_resources_leaves_the_action_granted() {
        let both = grant(json!([
            {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"},
            {"Effect": "Deny", "Action": "s3:*", "Resource": "arn:aws:s3:::secret/*"},
            {"Effect": "Deny", "Action": "s3:*", "Resource": "*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
        ]));
        assert!(both.effective().contains("s3:GetObject"));
    }

    #[test]
    fn the_boundary_that_leaves_nothing() {
        let identity = grant(json!({"Effect": "Allow", "Action": "iam:CreateUser", "Resource": "*"}));
        let boundary = grant(json!({"Effect": "Allow", "Action": ["s3:*", "cloudwatch:*", "ec2:*"], "Resource": "*"}));
        assert!(effective(&identity, Some(&boundary), &[]).is_empty());
        assert!(effective(&identity, None, &[]).contains("iam:CreateUser"));
    }

    #[test]
    fn every_level_of_service_control_policies_must_allow() {
        let identity = grant(json!({"Effect": "Allow", "NotAction": "ec2:*", "Resource": "*"}));
        let full = grant(json!({"Effect": "Allow", "Action": "*", "Resource": "*"}));
        let no_iam = grant(json!([
            {"Effect": "Allow", "Action": "*", "Resource": "*"}, {"Effect": "Deny", "Action": "iam:*", "Resource": "*"}
        ]));
        let set = effective(&identity, None, &[full.clone(), no_iam]);
        assert!(set.contains("s3:GetObject") && !set.contains("iam:GetUser") && !set.contains("ec2:RunInstances"));
        assert!(effective(&identity, None, &[full, Grant::default()]).is_empty());
    }

    /// `*` on a bucket's objects reaches what works on objects, and nothing else.
    #[test]
    fn an_action_is_granted_only_on_resources_that_it_can_have() {
        let on = |action: &str, resource: Value| {
            grant(json!({"Effect": "Allow", "Action": action, "Resource": resource})).effective()
        };
        let objects = on("*", json!("arn:aws:s3:::b/*"));
        assert!(objects.contains("s3:GetObject") && !objects.contains("s3:ListBucket") && objects.len() < 100);
        for other in ["iam:CreatePolicyVersion", "s3:ListAllMyBuckets", "s3:CreateBucket", "ec2:DescribeInstances"] {
            assert!(!objects.contains(other), "{other}");
        }
        let both = on("s3:*", json!(["arn:aws:s3:::b", "arn:aws:s3:::b/*"]));
        assert!(
            both.contains("s3:ListBucket") && both.contains("s3:GetObject") && !both.contains("s3:ListAllMyBuckets")
        );
        for (action, resource) in [
            ("sqs:SendMessage", "arn:aws:sqs"),
            ("sqs:SendMessage", "arn:aws:sqs:*"),
            ("iam:PassRole", "arn:aws:iam::111111111111:role/team/${aws:username}-*"),
            ("ec2:StartInstances", "arn:aws:ec2:*:*:*/*"),
            ("ec2:StartInstances", "arn:aws:ec2:eu-?est-1:111111111111:instance/i-1"),
            ("s3:GetObject", "arn:aws*:s3:::*"),
            ("s3:ListAllMyBuckets", "*"),
            ("logs:PutLogEvents", "arn:aws:logs:*:*:log-group:/aws/lambda/f:*"),
        ] {
            assert!(on(action, json!(resource)).contains(action), "{action} on {resource}");
        }
        for (action, resource) in [
            ("iam:PassRole", "arn:aws:iam::111111111111:user/x"),
            ("kms:Decrypt", "arn:aws:s3:::b"),
            ("s3:GetObject", "arn:aws:s3:::b"),
            ("sqs:SendMessage", ""),
        ] {
            assert!(!on(action, json!(resource)).contains(action), "{action} on {resource}");
        }
    }

    #[test]
    fn patterns_that_name_nothing_are_told() {
        let found = grant(json!({"Effect": "Allow", "Action": ["s3:GetObjekt", "s3:Get*", "nope:*"], "Resource": "*"}));
        assert_eq!(found.unknown, ["s3:GetObjekt"]);
    }
}
