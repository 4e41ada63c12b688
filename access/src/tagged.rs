//! Tags that are given to a thing as it is made. They need the permission to tag besides that to make, and leave no event
//! of their own; the request's parameters show them. Source: "Controlling access during AWS requests" (tags) in the IAM
//! user guide, "Grant permission to tag Amazon EC2 resources during creation" in the EC2 user guide.

use ingest::action::{self, Level};
use serde_json::Value;

use crate::launched;
use crate::policy::ActionSet;

/// How the names of actions begin that make something.
const MAKING: &[&str] =
    &["Create", "Run", "Put", "Copy", "Allocate", "Register", "Import", "Request", "Start", "Restore"];
/// Names of members that hold tags, in lower case.
const HOLDERS: &[&str] =
    &["tags", "tag", "tagset", "taglist", "tagspecificationset", "tagspecifications", "tagging", "x-amz-tagging"];
/// How deep they are looked for.
const MAX_DEPTH: usize = 3;

/// Whether an action makes something, so that tags may come with it.
fn makes(action: &action::Action) -> bool {
    let name = action.name.split(':').nth(1).unwrap_or_default();
    // Of IAM's things, making one is managing permissions.
    matches!(action.level, Level::Write | Level::PermissionsManagement)
        && MAKING.iter().any(|verb| name.starts_with(verb))
}

/// Whether an action gives tags.
fn tags(action: &action::Action) -> bool {
    let name = action.name.split(':').nth(1).unwrap_or_default();
    let takes_away = ["Un", "Delete", "Remove", "List"].iter().any(|verb| name.starts_with(verb));
    action.level == Level::Tagging && !takes_away
}

fn made(main: &str) -> Option<&'static action::Action> {
    action::index_of(main).and_then(|at| action::actions().get(at)).filter(|action| makes(action))
}

/// Whether calls of an action may give tags to what they make.
pub(crate) fn may_tag(main: &str) -> bool {
    made(main).is_some()
}

/// The action that a call needed besides `main`, because its request gives tags; `None` where it gives none.
pub fn with(main: &str, request: Option<&str>) -> Option<&'static str> {
    let request = request.filter(|text| launched::contains_folded(text, "tag"))?;
    let known = made(main)?;
    let value = serde_json::from_str::<Value>(request).ok()?;
    if !holds_tags(&value, 0) {
        return None;
    }
    let (service, name) = known.name.split_once(':')?;
    let noun = name
        .trim_start_matches(|char: char| char.is_ascii_uppercase())
        .trim_start_matches(|char: char| char.is_ascii_lowercase());
    // A service has one of these; which one, its own page says.
    let named = [
        format!("{name}Tagging"),
        "TagResource".to_owned(),
        format!("Tag{noun}"),
        "CreateTags".to_owned(),
        "AddTagsToResource".to_owned(),
        "AddTags".to_owned(),
        "CreateOrUpdateTags".to_owned(),
    ];
    let found = named.iter().find_map(|name| action::index_of(&format!("{service}:{name}")))?;
    action::actions().get(found).filter(|action| tags(action)).map(|action| action.name)
}

fn holds_tags(value: &Value, depth: usize) -> bool {
    let Value::Object(members) = value else { return false };
    let is_some = |value: &Value| match value {
        Value::Array(list) => !list.is_empty(),
        Value::Object(members) => !members.is_empty(),
        Value::String(text) => !text.is_empty(),
        _ => false,
    };
    members.iter().any(|(name, value)| {
        let holder = HOLDERS.iter().any(|holder| name.eq_ignore_ascii_case(holder));
        (holder && is_some(value)) || (depth < MAX_DEPTH && holds_tags(value, depth + 1))
    })
}

/// The actions that may have been needed unseen, because something of their service was made: those that give tags.
pub fn unseen(used: &ActionSet) -> ActionSet {
    let mut found = ActionSet::none();
    let mut last = "";
    for made in used.iter().filter(|action| makes(action)) {
        // The catalogue is sorted, so a service's actions come together.
        if made.service() != last {
            last = made.service();
            action::actions_of(last).iter().filter(|action| tags(action)).for_each(|action| {
                found.insert(action.name);
            });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_of_a_request_need_the_services_own_action() {
        for (main, request, expected) in [
            (
                "ec2:RunInstances",
                r#"{"tagSpecificationSet":{"items":[{"resourceType":"instance"}]}}"#,
                Some("ec2:CreateTags"),
            ),
            ("lambda:CreateFunction", r#"{"functionName":"f","tags":{"team":"blue"}}"#, Some("lambda:TagResource")),
            ("iam:CreateRole", r#"{"roleName":"r","tags":[{"key":"a","value":"b"}]}"#, Some("iam:TagRole")),
            ("sqs:CreateQueue", r#"{"queueName":"q","tags":{"a":"b"}}"#, Some("sqs:TagQueue")),
            ("s3:PutObject", r#"{"bucketName":"b","key":"k","x-amz-tagging":"a=b"}"#, Some("s3:PutObjectTagging")),
            ("rds:CreateDBInstance", r#"{"tags":[{"key":"a","value":"b"}]}"#, Some("rds:AddTagsToResource")),
            ("lambda:CreateFunction", r#"{"functionName":"f","tags":{}}"#, None),
            ("lambda:CreateFunction", r#"{"functionName":"tags","imageTag":"x"}"#, None),
            ("lambda:GetFunction", r#"{"tags":{"a":"b"}}"#, None),
            ("ec2:CreateTags", r#"{"tagSet":{"items":[{"key":"a"}]}}"#, None),
            ("no:CreateThing", r#"{"tags":{"a":"b"}}"#, None),
            ("lambda:CreateFunction", "{\"tags\"", None),
        ] {
            assert_eq!(with(main, Some(request)), expected, "{main} {request}");
        }
        assert_eq!(with("lambda:CreateFunction", None), None);
    }

    #[test]
    fn whoever_makes_something_may_have_tagged_it() {
        let mut used = ActionSet::none();
        assert!(used.insert("ec2:RunInstances") && used.insert("sqs:SendMessage") && used.insert("iam:ListUsers"));
        let names: Vec<_> = unseen(&used).iter().map(|action| action.name).collect();
        assert_eq!(names, ["ec2:CreateTags"]);
    }
}
