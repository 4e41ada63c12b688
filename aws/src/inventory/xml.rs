//! Answers of the query protocol as the JSON that the AWS command line prints.
//!
//! A structure is an object by the names of its elements, a list holds `member`s. XML does not say what an empty element, `true`
//! or `7` is, so that is listed here by name (source: the IAM API reference). Depth is bounded, whatever answers.

use std::borrow::Cow;

use quick_xml::Reader;
use quick_xml::events::Event;
use serde_json::{Map, Value};

/// Elements may nest so deep; IAM's own go to twelve.
const MAX_DEPTH: usize = 64;

const LISTS: &[&str] = &[
    "AttachedManagedPolicies",
    "GroupDetailList",
    "GroupList",
    "GroupPolicyList",
    "InstanceProfileList",
    "InstanceProfiles",
    "Policies",
    "PolicyVersionList",
    "RoleDetailList",
    "RolePolicyList",
    "Roles",
    "ServicesLastAccessed",
    "Tags",
    "TrackedActionsLastAccessed",
    "UserDetailList",
    "UserPolicyList",
    "Users",
    "VirtualMFADevices",
];
const FLAGS: &[&str] = &[
    "AllowUsersToChangePassword",
    "ExpirePasswords",
    "HardExpiry",
    "IsAttachable",
    "IsDefaultVersion",
    "IsTruncated",
    "RequireLowercaseCharacters",
    "RequireNumbers",
    "RequireSymbols",
    "RequireUppercaseCharacters",
];
const NUMBERS: &[&str] = &[
    "AttachmentCount",
    "MaxPasswordAge",
    "MaxSessionDuration",
    "MinimumPasswordLength",
    "PasswordReusePrevention",
    "PermissionsBoundaryUsageCount",
    "TotalAuthenticatedEntities",
];
/// Structures whose members may all be absent: of a role that nobody used yet, nothing is said.
const STRUCTURES: &[&str] = &["PasswordPolicy", "PermissionsBoundary", "RoleLastUsed"];
/// Policies, as URL-encoded JSON.
const DOCUMENTS: &[&str] = &["AssumeRolePolicyDocument", "Document", "PolicyDocument"];

/// An element that is not closed yet.
#[derive(Default)]
struct Open {
    name: String,
    text: String,
    members: Map<String, Value>,
    list: Vec<Value>,
}

/// What stands in the document's root element.
///
/// # Errors
/// What is no XML, or nests too deep.
pub(super) fn parse(text: &str) -> Result<Value, String> {
    let mut reader = Reader::from_str(text);
    let mut open: Vec<Open> = Vec::new();
    loop {
        let event = reader.read_event().map_err(|error| format!("no XML: {error}"))?;
        match event {
            Event::Start(start) if open.len() < MAX_DEPTH => {
                open.push(Open { name: name(start.local_name().as_ref()), ..Open::default() });
            }
            Event::Start(_) => return Err(format!("XML of more than {MAX_DEPTH} levels: is it AWS that answers?")),
            Event::Empty(start) => {
                let name = name(start.local_name().as_ref());
                close(&mut open, Open { name, ..Open::default() });
            }
            Event::Text(text) => add(&mut open, &text.decode().map_err(|error| format!("no XML: {error}"))?),
            Event::CData(text) => add(&mut open, &text.decode().map_err(|error| format!("no XML: {error}"))?),
            Event::GeneralRef(reference) => {
                let named = reference.decode().map_err(|error| format!("no XML: {error}"))?;
                let char = reference.resolve_char_ref().map_err(|error| format!("no XML: {error}"))?;
                add(&mut open, &char.map_or_else(|| entity(&named), |char| Cow::Owned(char.to_string())));
            }
            Event::End(_) => {
                let Some(closed) = open.pop() else { return Err("no XML: an end without a start".to_owned()) };
                if open.is_empty() {
                    return Ok(value(closed));
                }
                close(&mut open, closed);
            }
            Event::Eof => return Err("no XML: it ends before its root element does".to_owned()),
            _ => {}
        }
    }
}

fn name(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn add(open: &mut [Open], text: &str) {
    if let Some(inner) = open.last_mut() {
        inner.text.push_str(text);
    }
}

fn entity(name: &str) -> Cow<'static, str> {
    match name {
        "lt" => "<".into(),
        "gt" => ">".into(),
        "amp" => "&".into(),
        "quot" => "\"".into(),
        "apos" => "'".into(),
        // Others would need a DTD, which we do not read.
        other => format!("&{other};").into(),
    }
}

fn close(open: &mut [Open], closed: Open) {
    let Some(around) = open.last_mut() else { return };
    if closed.name == "member" {
        around.list.push(value(closed));
    } else {
        let name = closed.name.clone();
        around.members.insert(name, value(closed));
    }
}

fn value(closed: Open) -> Value {
    let name = closed.name.as_str();
    if !closed.members.is_empty() {
        return Value::Object(closed.members);
    }
    if !closed.list.is_empty() || LISTS.contains(&name) {
        return Value::Array(closed.list);
    }
    if STRUCTURES.contains(&name) {
        return Value::Object(Map::new());
    }
    let text = closed.text.trim();
    if FLAGS.contains(&name) {
        return Value::Bool(text == "true");
    }
    if NUMBERS.contains(&name)
        && let Ok(number) = text.parse::<i64>()
    {
        return number.into();
    }
    if DOCUMENTS.contains(&name)
        && let Some(document) = percent_decoded(text).and_then(|text| serde_json::from_str(&text).ok())
    {
        return document;
    }
    Value::String(text.to_owned())
}

/// RFC 3986: `+` stands for itself.
fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        match (first, tail) {
            (b'%', [high, low, after @ ..]) => {
                let digit = |byte: u8| char::from(byte).to_digit(16);
                bytes.push(u8::try_from(digit(*high)? * 16 + digit(*low)?).ok()?);
                rest = after;
            }
            (other, _) => {
                bytes.push(*other);
                rest = tail;
            }
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_answer_is_what_the_command_line_prints() {
        let text = r#"<?xml version="1.0"?><GetAccountAuthorizationDetailsResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/">
          <GetAccountAuthorizationDetailsResult><IsTruncated>true</IsTruncated><Marker>a+b=</Marker><GroupDetailList/>
          <UserDetailList><member><Path>/</Path><UserName>a&amp;b&#x41;</UserName><GroupList/><Tags><member><Key>k</Key><Value/></member></Tags>
            <UserPolicyList><member><PolicyName>p</PolicyName><PolicyDocument>%7B%22Statement%22%3A%5B%22a+b%22%5D%7D</PolicyDocument></member></UserPolicyList>
          </member></UserDetailList><Policies><member><AttachmentCount>3</AttachmentCount></member></Policies>
          <RoleDetailList><member><RoleName>r</RoleName><RoleLastUsed/></member></RoleDetailList>
          </GetAccountAuthorizationDetailsResult><ResponseMetadata/></GetAccountAuthorizationDetailsResponse>"#;
        let found = parse(text).unwrap();
        let expected = json!({"IsTruncated": true, "Marker": "a+b=", "GroupDetailList": [], "UserDetailList": [{
            "Path": "/", "UserName": "a&bA", "GroupList": [], "Tags": [{"Key": "k", "Value": ""}],
            "UserPolicyList": [{"PolicyName": "p", "PolicyDocument": {"Statement": ["a+b"]}}]}],
            "Policies": [{"AttachmentCount": 3}], "RoleDetailList": [{"RoleName": "r", "RoleLastUsed": {}}]});
        assert_eq!(found["GetAccountAuthorizationDetailsResult"], expected);
    }

    #[test]
    fn what_is_none_is_told_and_depth_is_bounded() {
        for text in ["", "{}", "<a>", "</a>", "<a><b></a>", "<a>&#xFFFFFFFF;</a>"] {
            assert!(parse(text).unwrap_err().starts_with("no XML"), "{text}");
        }
        assert!(parse(&"<a>".repeat(100_000)).unwrap_err().contains("levels"));
        // An entity that only a DTD could explain stays as it is: nothing is fetched or expanded.
        assert_eq!(parse("<!DOCTYPE a [<!ENTITY x \"y\">]><a>&x;</a>").unwrap(), json!("&x;"));
    }
}
