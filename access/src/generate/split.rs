//! Documents within AWS' size limits.
//!
//! Source: "IAM and AWS STS quotas": a managed policy has at most 6,144 characters, the inline policies of a user together
//! 2,048, of a role 10,240, of a group 5,120; white space not counted.

use super::{Policy, Statement};

/// Characters of a managed policy.
pub const MANAGED_LIMIT: usize = 6144;
/// Characters of all inline policies of a user together.
const INLINE_USER_LIMIT: usize = 2048;
/// Characters of all inline policies of a role together.
const INLINE_ROLE_LIMIT: usize = 10_240;
/// Characters of all inline policies of a group together.
const INLINE_GROUP_LIMIT: usize = 5120;

/// Where a policy is to be kept, which decides how large it may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hold {
    /// As managed policies: more than one where one would be too large.
    Managed,
    /// In a user.
    InUser,
    /// In a role.
    InRole,
    /// In a group.
    InGroup,
}

impl Hold {
    /// Characters, white space not counted: of one managed policy, or of all inline policies together.
    pub fn limit(self) -> usize {
        match self {
            Hold::Managed => MANAGED_LIMIT,
            Hold::InUser => INLINE_USER_LIMIT,
            Hold::InRole => INLINE_ROLE_LIMIT,
            Hold::InGroup => INLINE_GROUP_LIMIT,
        }
    }

    /// Whether several documents may be used where one is too large: the limit of inline policies is one for all of them.
    pub(super) fn may_split(self) -> bool {
        self == Hold::Managed
    }

    /// How a policy is kept, by its name in an inventory and whether its owner is a user.
    pub fn of_name(name: &str, is_user: bool) -> Hold {
        match name {
            name if name.starts_with("group/") => Hold::InGroup,
            name if name.starts_with("inline/") && is_user => Hold::InUser,
            name if name.starts_with("inline/") => Hold::InRole,
            _ => Hold::Managed,
        }
    }
}

/// Characters of a document, white space not counted.
pub fn size(policy: &Policy) -> usize {
    characters(serde_json::to_string(policy).unwrap_or_default().as_str())
}

pub(super) fn characters(text: &str) -> usize {
    text.chars().filter(|char| !char.is_whitespace()).count()
}

fn statement_size(statement: &Statement) -> usize {
    // The comma behind it counts too.
    characters(serde_json::to_string(statement).unwrap_or_default().as_str()) + 1
}

/// Puts statements into as few documents as they come in order, none over the limit. A statement that is over it alone
/// is halved; one that cannot be halved stands alone, and its document is too large for any policy to hold it.
pub(super) fn split(statements: Vec<Statement>, limit: usize) -> Vec<Vec<Statement>> {
    let empty = size(&Policy::new(Vec::new()));
    let mut pending: Vec<Statement> = statements.into_iter().rev().collect();
    let mut documents: Vec<Vec<Statement>> = Vec::new();
    let mut room = 0;
    while let Some(statement) = pending.pop() {
        let needs = statement_size(&statement);
        if empty + needs > limit
            && let Some((front, back)) = halve(&statement)
        {
            pending.push(back);
            pending.push(front);
            continue;
        }
        match documents.last_mut() {
            Some(document) if needs <= room => document.push(statement),
            _ => {
                documents.push(vec![statement]);
                room = limit.saturating_sub(empty);
            }
        }
        room = room.saturating_sub(needs);
    }
    documents
}

/// Two statements that say the same as one.
fn halve(statement: &Statement) -> Option<(Statement, Statement)> {
    let mut parts = (statement.clone(), statement.clone());
    if statement.resource.len() > 1 && statement.resource.len() >= statement.action.len() {
        parts.1.resource = parts.0.resource.split_off(statement.resource.len() / 2);
    } else if statement.action.len() > 1 {
        parts.1.action = parts.0.action.split_off(statement.action.len() / 2);
    } else {
        return None;
    }
    // Names stay unique, and short: one letter a halving.
    parts.0.sid.push('A');
    parts.1.sid.push('B');
    Some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_document_is_over_the_limit_and_nothing_is_lost() {
        let resource = (0..400).map(|at| format!("arn:aws:s3:::some-bucket-name/object-{at:04}")).collect();
        let big = Statement {
            sid: "S3".into(),
            effect: "Allow",
            action: vec!["s3:GetObject".into()],
            resource,
            condition: None,
        };
        let small = Statement { sid: "Any".into(), resource: vec!["*".into()], ..big.clone() };
        let documents = split(vec![big.clone(), small.clone()], MANAGED_LIMIT);
        assert!(documents.len() > 2);
        let all: Vec<_> = documents.iter().flatten().collect();
        let mut sids: Vec<_> = all.iter().map(|statement| &statement.sid).collect();
        sids.dedup();
        assert_eq!(sids.len(), all.len());
        assert_eq!(all.iter().map(|statement| statement.resource.len()).sum::<usize>(), 401);
        assert!(documents.into_iter().all(|statements| size(&Policy::new(statements)) <= MANAGED_LIMIT));
        assert_eq!(split(vec![small.clone()], MANAGED_LIMIT), [vec![small]]);
    }
}
