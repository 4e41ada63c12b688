//! Service and resource control policies of an organisation, by level.
//!
//! Two forms are read. Levels: `[{"target": …, "policies": [document …]}, …]`, from the root to the account. A tree, as
//! collectors of AWS Organizations write it: nodes with `Id`, `Policies` (each a document under `Content`) and
//! `Children`; the levels are then those on the way to the inventory's account.

use serde_json::Value;

use super::{Error, ScpLevel};
use crate::policy::Document;

/// Deepest tree that is followed; AWS allows five levels of organisational units below the root.
const MAX_DEPTH: usize = 16;

/// The levels that hold for an account.
pub(super) fn levels(text: &str, account: &str, source_name: &str) -> Result<Vec<ScpLevel>, Error> {
    let form =
        "expected a list of {\"target\": …, \"policies\": [document …]}, one entry a level, or an organisation's tree";
    let value: Value = serde_json::from_str(text.trim_start_matches('\u{feff}'))
        .map_err(|reason| Error::new(source_name, format!("no policies of an organisation: {reason}; {form}")))?;
    let list = match &value {
        Value::Array(list) => list.as_slice(),
        one @ Value::Object(_) => std::slice::from_ref(one),
        _ => return Err(Error::new(source_name, form)),
    };
    if list.iter().any(|node| node.get("Id").is_some()) {
        let mut path = Vec::new();
        if !find(list, account, &mut path) {
            let known = "the tree has no account of that number; give the organisation that the account is in";
            return Err(Error::new(source_name, format!("account {account:?}: {known}")));
        }
        return path.into_iter().map(|node| level(node, "Id", "Policies", source_name)).collect();
    }
    list.iter().map(|node| level(node, "target", "policies", source_name)).collect()
}

/// The nodes on the way to an account. An empty account number is that of a tree with one way.
fn find<'a>(nodes: &'a [Value], account: &str, path: &mut Vec<&'a Value>) -> bool {
    if path.len() >= MAX_DEPTH {
        return false;
    }
    for node in nodes {
        path.push(node);
        if node.get("Id").and_then(Value::as_str) == Some(account) {
            return true;
        }
        let children = node.get("Children").and_then(Value::as_array);
        if children.is_some_and(|children| find(children, account, path)) {
            return true;
        }
        path.pop();
    }
    false
}

fn level(node: &Value, target: &str, policies: &str, source_name: &str) -> Result<ScpLevel, Error> {
    let target = node.get(target).and_then(Value::as_str).unwrap_or_default();
    let Some(list) = node.get(policies).and_then(Value::as_array) else {
        return Err(Error::new(source_name, format!("level {target:?} has no list {policies:?} of policies")));
    };
    let parse = |(at, value): (usize, &Value)| {
        let document = value.get("Content").unwrap_or(value);
        Document::parse(document)
            .map_err(|reason| Error::new(source_name, format!("level {target:?}, policy {at}: {reason}")))
    };
    let policies = list.iter().enumerate().map(parse).collect::<Result<_, _>>()?;
    Ok(ScpLevel { target: target.to_owned(), policies })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn levels_and_trees_give_the_way_to_the_account() {
        let full = json!({"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]});
        let flat = json!([{"target": "root", "policies": [full]}, {"target": "111111111111", "policies": []}]);
        let found = levels(&flat.to_string(), "", "scps.json").unwrap();
        assert_eq!(found.iter().map(|level| level.policies.len()).collect::<Vec<_>>(), [1, 0]);
        let leaf = |id: &str| json!({"Id": id, "Policies": [{"Content": full.to_string()}, {"Content": full}]});
        let tree = json!({"Id": "r-1", "Policies": [{"Content": full}], "Children": [leaf("1"), leaf("2")]});
        let found = levels(&tree.to_string(), "2", "scps.json").unwrap();
        assert_eq!(found.iter().map(|level| level.target.as_str()).collect::<Vec<_>>(), ["r-1", "2"]);
        assert!(levels(&tree.to_string(), "3", "scps.json").unwrap_err().to_string().contains("no account"));
    }

    #[test]
    fn what_is_none_is_told() {
        for text in ["7", "[7]", "{", "[{\"target\": \"r\"}]", "[{\"target\": \"r\", \"policies\": [{}]}]"] {
            assert!(levels(text, "1", "scps.json").unwrap_err().to_string().starts_with("scps.json: "), "{text}");
        }
    }
}
