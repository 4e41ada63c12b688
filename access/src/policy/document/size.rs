//! How large a policy may be, so that nobody's file decides how long this takes.
//!
//! IAM keeps policies of at most 10,240 characters, white space not counted ("IAM and AWS STS quotas"), and organisations of 5,120;
//! what tools make of them, with white space and generated lists, may be much larger, and is read. A pattern that names no service
//! is compared with every action there is; IAM refuses all of them but `*`, so that a few are enough.

use serde_json::{Map, Value};

use super::statement::{Patterns, Statement};
use super::{Error, error};

/// Bytes of a document: a hundred times what IAM keeps.
const BYTES_MAX: usize = 1_000_000;
/// Action patterns of a document that name no service: IAM has none but `*` ("Actions must be prefaced by a vendor").
const OPEN_PATTERNS_MAX: usize = 256;

fn too_long<T>(bytes: usize) -> Result<T, Error> {
    let known = "IAM keeps at most 10,240 characters, and more than 1,000,000 are not read";
    error("policy document", format!("has {bytes} bytes: {known}; is it the policy that you meant?"))
}

/// Whether a document's text is one that can be read in a moment.
pub(super) fn check_text(json: &str) -> Result<(), Error> {
    if json.len() > BYTES_MAX { too_long(json.len()) } else { Ok(()) }
}

/// The same of a document that is JSON already: about as many bytes as its text would have.
pub(super) fn check_object(object: &Map<String, Value>) -> Result<(), Error> {
    fn bytes(value: &Value) -> usize {
        match value {
            Value::Null | Value::Bool(_) | Value::Number(_) => 4,
            Value::String(text) => text.len() + 2,
            Value::Array(list) => list.iter().map(|value| bytes(value) + 1).sum(),
            Value::Object(members) => members.iter().map(|(name, value)| name.len() + bytes(value) + 4).sum(),
        }
    }
    let bytes: usize = object.iter().map(|(name, value)| name.len() + bytes(value) + 4).sum();
    if bytes > BYTES_MAX { too_long(bytes) } else { Ok(()) }
}

/// Whether its patterns are so few that they can be compared with all actions.
pub(super) fn check_patterns(statements: &[Statement]) -> Result<(), Error> {
    let is_open = |pattern: &&String| {
        let service = pattern.split_once(':').map_or(pattern.as_str(), |(service, _)| service);
        pattern.as_str() != "*" && service.contains(['*', '?'])
    };
    let of = |statement: &Statement| {
        let (Patterns::Only(list) | Patterns::Except(list)) = &statement.actions;
        list.iter().filter(is_open).count()
    };
    let count: usize = statements.iter().map(of).sum();
    if count <= OPEN_PATTERNS_MAX {
        return Ok(());
    }
    let known = "which no policy of IAM has";
    error("Statement", format!("has {count} actions that name no service but a wildcard, {known}: name the services"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use crate::inventory::{Grants, Inventory};
    use crate::policy::Document;

    fn told(actions: Vec<String>) -> Option<String> {
        let document = json!({"Statement": {"Effect": "Allow", "Action": actions, "Resource": "*"}});
        let (value, text) = (Document::parse(&document), Document::parse_text(&document.to_string()));
        assert_eq!(value.is_ok(), text.is_ok());
        text.err().map(|error| error.to_string())
    }

    #[test]
    fn what_iam_could_never_keep_is_refused_and_not_worked_through() {
        let many = |count: usize, front: &str| (0..count).map(|at| format!("{front}a*b{at}*")).collect::<Vec<_>>();
        assert!(told(many(400_000, "*")).unwrap().contains("at most 10,240 characters"));
        assert!(told(many(5_000, "*")).unwrap().contains("5000 actions that name no service"));
        // Much more than IAM keeps is read.
        assert_eq!(told(many(20_000, "iam:")), None);
        assert_eq!(told(many(200, "*")), None);
        assert_eq!(told(vec!["*".to_owned(); 50_000]), None);
    }

    /// The policy is named, counts as one that could not be read, and its neighbours stay.
    #[test]
    fn a_policy_that_is_too_long_is_named() {
        let policy = |name: &str, action: String| json!({"PolicyName": name, "PolicyDocument": {"Statement": {"Effect": "Allow", "Action": action, "Resource": "*"}}});
        let page = json!({"RoleDetailList": [{"Arn": "arn:aws:iam::111111111111:role/r", "RoleName": "r",
            "RolePolicyList": [policy("long", "s3:Get*".repeat(200_000)), policy("short", "s3:GetObject".to_owned())]}]});
        let inventory = Inventory::parse(&page.to_string(), "g.json").unwrap();
        let [warning] = inventory.warnings.as_slice() else { panic!("{:?}", inventory.warnings) };
        assert!(
            warning
                .starts_with("inline policy \"long\" of arn:aws:iam::111111111111:role/r: policy document: has 14000"),
            "{warning}"
        );
        let role = &inventory.entities[0];
        assert_eq!((role.unread.as_slice(), role.inline.len()), (&["long".to_owned()][..], 1));
        assert!(Grants::new(&inventory, 0).of(role).now.contains("s3:GetObject"));
    }
}
