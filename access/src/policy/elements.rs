//! Elements of a policy that IAM does not know.
//!
//! IAM refuses a policy with such an element (`MalformedPolicyDocument`), and a misspelt `Condition` that is passed over
//! would make a statement wider than it was meant. So a policy that somebody proposes is looked at; what an account's
//! inventory has, IAM has taken. Source: "Grammar of the IAM JSON policy language".

use serde_json::{Map, Value};

use super::document::Error;

const OF_DOCUMENT: &[&str] = &["Version", "Id", "Statement"];
const OF_STATEMENT: &[&str] =
    &["Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"];

/// Looks through a policy's text, plain JSON; what is no JSON is not this check's to tell.
///
/// # Errors
/// The first element that IAM does not know, with its place and the names there are.
pub(super) fn check(text: &str) -> Result<(), Error> {
    let Ok(Value::Object(document)) = serde_json::from_str(text) else { return Ok(()) };
    known(&document, OF_DOCUMENT, "")?;
    let statements = document.iter().find(|(name, _)| name.eq_ignore_ascii_case("Statement"));
    match statements.map(|(_, statements)| statements) {
        Some(Value::Object(single)) => known(single, OF_STATEMENT, "Statement."),
        Some(Value::Array(list)) => {
            let mut objects = list.iter().enumerate().filter_map(|(at, statement)| Some((at, statement.as_object()?)));
            objects.try_for_each(|(at, statement)| known(statement, OF_STATEMENT, &format!("Statement[{at}].")))
        }
        _ => Ok(()),
    }
}

fn known(object: &Map<String, Value>, names: &[&str], place: &str) -> Result<(), Error> {
    let unknown = object.keys().find(|key| !names.iter().any(|name| name.eq_ignore_ascii_case(key)));
    unknown.map_or(Ok(()), |key| {
        Err(Error {
            place: format!("{place}{key}"),
            reason: format!(
                "is no element of a policy, and IAM takes none that has it; there are {}",
                names.join(", ")
            ),
        })
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_element_is_named_with_its_place() {
        let told = |text: &str| check(text).unwrap_err().to_string();
        let misspelt = r#"{"Statement": [{"effect": "Deny"}, {"Effect": "Allow", "Conditions": {}}]}"#;
        assert!(told(misspelt).starts_with("Statement[1].Conditions: is no element"));
        assert!(told(r#"{"Statement": {"Actions": "*"}}"#).starts_with("Statement.Actions"));
        assert!(told(r#"{"Statement": [], "Comment": "x"}"#).starts_with("Comment: "));
        check(r#"{"version": "2012-10-17", "ID": "x", "statement": {"SID": "a", "notaction": "*"}}"#).unwrap();
    }
}
