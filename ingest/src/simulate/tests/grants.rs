//! Grants: whole, consistent with the trail, and wider than what is used.

use std::collections::BTreeSet;

use serde_json::Value;

use super::super::calls::Catalogue;
use super::super::{permissions, personas};
use super::{generate, small};

#[test]
fn grants_name_the_principals_of_the_trail() {
    let (_folder, summary, records) = generate(&small());
    let mut granted = BTreeSet::new();
    for path in &summary.grants {
        let value: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        let policies: BTreeSet<&str> =
            value["Policies"].as_array().unwrap().iter().map(|p| p["Arn"].as_str().unwrap()).collect();
        for list in ["UserDetailList", "RoleDetailList", "GroupDetailList"] {
            for entry in value[list].as_array().unwrap() {
                granted.insert(entry["Arn"].as_str().unwrap().to_owned());
                for policy in entry["AttachedManagedPolicies"].as_array().unwrap() {
                    assert!(policies.contains(policy["PolicyArn"].as_str().unwrap()), "{policy}");
                }
            }
        }
        for policy in value["Policies"].as_array().unwrap() {
            for version in policy["PolicyVersionList"].as_array().unwrap() {
                assert!(version["Document"]["Statement"].is_array(), "{policy}");
            }
        }
        for role in value["RoleDetailList"].as_array().unwrap() {
            assert!(role["AssumeRolePolicyDocument"]["Statement"].is_array(), "{role}");
        }
    }
    for (_, record) in &records {
        let identity = &record["userIdentity"];
        let arn = match identity["type"].as_str().unwrap_or("") {
            "IAMUser" => identity["arn"].as_str(),
            "AssumedRole" => identity["sessionContext"]["sessionIssuer"]["arn"].as_str(),
            _ => None,
        };
        assert!(arn.is_none_or(|arn| granted.contains(arn)), "{arn:?} stands in no account");
    }
}

/// Whether an action pattern of a policy matches; `*` only, as in the documents here.
fn matches(pattern: &str, action: &str) -> bool {
    let (pattern, action) = (pattern.to_lowercase(), action.to_lowercase());
    match pattern.split_once('*') {
        Some((start, end)) => action.starts_with(start) && action.ends_with(end),
        None => pattern == action,
    }
}

fn allows(document: &str, action: &str) -> bool {
    let value: Value = serde_json::from_str(document).unwrap();
    value["Statement"].as_array().unwrap().iter().any(|statement| {
        let listed = |key: &str| {
            let one = statement[key].as_str().map(|text| vec![text]);
            let many = statement[key].as_array().map(|list| list.iter().filter_map(Value::as_str).collect());
            one.or(many).map(|patterns: Vec<&str>| patterns.iter().any(|pattern| matches(pattern, action)))
        };
        listed("Action").unwrap_or(false) || listed("NotAction").is_some_and(|excluded| !excluded)
    })
}

#[test]
fn what_personas_do_is_granted_and_what_they_try_is_not() {
    let catalogue = Catalogue::new();
    for persona in personas::all().filter(|persona| persona.is_principal()) {
        let of_groups = permissions::GROUPS.iter().filter(|group| persona.groups.contains(&group.name));
        let mut documents: Vec<&str> = persona.inline.iter().map(|(_, text)| *text).collect();
        let mut names: Vec<&str> = persona.managed.to_vec();
        for group in of_groups {
            documents.extend(group.inline.iter().map(|(_, text)| *text));
            names.extend(group.managed);
        }
        for name in &names {
            documents.push(permissions::named(name).unwrap_or_else(|| panic!("no policy {name}")).document);
        }
        let may = |action: &str| {
            let bounded = permissions::named(persona.boundary).is_none_or(|policy| allows(policy.document, action));
            bounded && documents.iter().any(|document| allows(document, action))
        };
        let action = |name: &str| catalogue.named(name).unwrap_or_else(|| panic!("no call {name}")).call.action;
        for (name, _) in persona.uses {
            let action = action(name);
            assert!(action.is_empty() || may(action), "{} does {name}, which nothing grants", persona.name);
        }
        for name in persona.tries {
            assert!(!may(action(name)), "{} is denied {name}, which is granted", persona.name);
        }
    }
}
