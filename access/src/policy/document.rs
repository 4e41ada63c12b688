//! A policy document, parsed: statements with effect, actions, resources, principals and conditions.
//!
//! Source: "Grammar of the IAM JSON policy language". AWS tools write documents as JSON objects, as JSON text and as
//! URL-encoded JSON text; single values stand where lists may. All of it is read.

mod kept;
mod size;
mod statement;
mod unique;

use serde_json::value::RawValue;
use serde_json::{Map, Value};

pub use kept::Kept;
pub(super) use statement::is_everything;
pub use statement::{Effect, Patterns, Statement};
use unique::{Members, Unique};

/// Why a document cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {reason}")]
pub struct Error {
    /// Where in the document: `Statement[2].Effect`.
    pub place: String,
    /// What is wrong there and what would be right.
    pub reason: String,
}

fn error<T>(place: impl Into<String>, reason: impl Into<String>) -> Result<T, Error> {
    Err(Error { place: place.into(), reason: reason.into() })
}

/// A policy document.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// `Version`: `2012-10-17`, or `2008-10-17` where it is absent.
    pub version: Option<String>,
    /// `Id`
    pub id: Option<String>,
    /// `Statement`
    pub statements: Vec<Statement>,
}

impl Document {
    /// Reads a document: an object, JSON text, or URL-encoded JSON text.
    pub fn parse(value: &Value) -> Result<Document, Error> {
        match value {
            Value::Object(object) => Document::from_object(object),
            Value::String(text) => Document::parse_text(text),
            other => error("policy document", format!("is {}; it must be an object or its text", kind_of(other))),
        }
    }

    /// Reads a document's text, plain or URL-encoded as `iam get-account-authorization-details` writes it (RFC 3986).
    pub fn parse_text(text: &str) -> Result<Document, Error> {
        let text = text.trim_start_matches('\u{feff}').trim();
        let decoded = if text.starts_with('%') { percent_decode(text) } else { Some(text.to_owned()) };
        let Some(decoded) = decoded else {
            return error("policy document", "is URL-encoded, but not of UTF-8 text");
        };
        Document::from_json(&decoded)
    }

    /// Reads a document where it stands in a larger text: an object, or text that holds one. A statement at a time is
    /// taken apart, so that a document of a million of them needs little more than what it says.
    pub fn parse_raw(raw: &RawValue) -> Result<Document, Error> {
        match raw.get().as_bytes().first() {
            Some(b'"') => match serde_json::from_str::<String>(raw.get()) {
                Ok(text) => Document::parse_text(&text),
                Err(reason) => error("policy document", format!("is no text: {reason}")),
            },
            _ => Document::from_json(raw.get()),
        }
    }

    fn from_json(json: &str) -> Result<Document, Error> {
        size::check_text(json)?;
        // What only begins like something else is no JSON: "not json" is not null.
        let is_json = || serde_json::from_str::<serde::de::IgnoredAny>(json).is_ok();
        if let Some(kind) = kind_of_text(json).filter(|kind| *kind != "an object" && is_json()) {
            return error("policy document", format!("is {kind}; it must be an object"));
        }
        let no_json = |reason: serde_json::Error| error("policy document", format!("is no JSON: {reason}"));
        let members = match serde_json::from_str::<Members<'_>>(json) {
            Ok(Members(members)) => members,
            Err(reason) => return no_json(reason),
        };
        let read = |raw: &RawValue, place: &str| match serde_json::from_str::<Unique>(raw.get()) {
            Ok(Unique(value)) => statement::read(&value, place),
            Err(reason) => error(place, reason.to_string()),
        };
        let text = |name: &str| members.get(name).and_then(|raw| serde_json::from_str::<String>(raw.get()).ok());
        let Some(raw) = members.get("statement") else { return error("policy document", "has no Statement") };
        let statements = match kind_of_text(raw.get()) {
            Some("a list") => {
                let list: Vec<&RawValue> = match serde_json::from_str(raw.get()) {
                    Ok(list) => list,
                    Err(reason) => return no_json(reason),
                };
                let numbered = list.into_iter().enumerate();
                numbered.map(|(at, raw)| read(raw, &format!("Statement[{at}]"))).collect::<Result<_, _>>()?
            }
            Some("an object") => vec![read(raw, "Statement")?],
            kind => {
                let kind = kind.unwrap_or("nothing");
                return error("Statement", format!("is {kind}; it must be a statement or a list of them"));
            }
        };
        size::check_patterns(&statements)?;
        Ok(Document { version: text("version"), id: text("id"), statements })
    }

    fn from_object(object: &Map<String, Value>) -> Result<Document, Error> {
        size::check_object(object)?;
        let text = |key| member(object, key).and_then(Value::as_str).map(str::to_owned);
        let statements = match member(object, "Statement") {
            Some(Value::Array(list)) => {
                let parsed =
                    list.iter().enumerate().map(|(at, item)| statement::read(item, &format!("Statement[{at}]")));
                parsed.collect::<Result<_, _>>()?
            }
            Some(single @ Value::Object(_)) => vec![statement::read(single, "Statement")?],
            Some(other) => {
                return error("Statement", format!("is {}; it must be a statement or a list of them", kind_of(other)));
            }
            None => return error("policy document", "has no Statement"),
        };
        size::check_patterns(&statements)?;
        Ok(Document { version: text("Version"), id: text("Id"), statements })
    }
}

/// A member by name; IAM reads element names without regard to case.
fn member<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    object.get(name).or_else(|| object.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value))
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// The kind of a JSON text, by how it begins; `None` where it begins as none.
fn kind_of_text(json: &str) -> Option<&'static str> {
    match json.trim_start().as_bytes().first()? {
        b'{' => Some("an object"),
        b'[' => Some("a list"),
        b'"' => Some("text"),
        b't' | b'f' => Some("a boolean"),
        b'n' => Some("null"),
        b'-' | b'0'..=b'9' => Some("a number"),
        _ => None,
    }
}

/// Percent-decoding, or `None` where the result is no UTF-8. A `%` that starts no code stands for itself.
fn percent_decode(text: &str) -> Option<String> {
    let hex = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        if let (b'%', [high, low, after @ ..]) = (byte, tail)
            && let (Some(high), Some(low)) = (hex(*high), hex(*low))
        {
            bytes.push(high << 4 | low);
            rest = after;
            continue;
        }
        bytes.push(byte);
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_shape_of_a_document_is_read() {
        let object =
            json!({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}});
        let parsed = Document::parse(&object).unwrap();
        assert_eq!(parsed.statements[0].actions, Patterns::Only(vec!["s3:*".into()]));
        assert!(parsed.statements[0].is_unconditional());
        assert_eq!(Document::parse(&json!(object.to_string())).unwrap(), parsed);
        let encoded: String = object.to_string().bytes().map(|byte| format!("%{byte:02X}")).collect();
        assert_eq!(Document::parse(&json!(encoded)).unwrap(), parsed);
    }

    #[test]
    fn conditions_and_resources_narrow() {
        let parse = |statement| Document::parse(&json!({"Statement": [statement]})).unwrap().statements.remove(0);
        assert!(
            !parse(json!({"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": {"Bool": {"a": "b"}}}))
                .is_unconditional()
        );
        assert!(
            !parse(json!({"Effect": "Deny", "NotAction": ["iam:*"], "Resource": "arn:aws:s3:::b"})).is_unconditional()
        );
        assert!(
            parse(json!({"Effect": "Deny", "Action": null, "Resource": ["a", "*"], "Condition": {}}))
                .is_unconditional()
        );
    }

    #[test]
    fn a_bad_document_is_told_with_its_place() {
        let told = |value: Value| Document::parse(&value).unwrap_err().to_string();
        assert!(
            told(json!({"Statement": [{"Effect": "allow", "Action": "*"}]}))
                .starts_with("Statement[0].Effect: is \"allow\"")
        );
        assert!(told(json!({"Statement": [{"Effect": "Allow", "Action": [1]}]})).contains("Statement[0].Action"));
        assert!(told(json!({"Statement": [{"Effect": "Allow"}]})).contains("neither Action nor NotAction"));
        assert!(told(json!({})).contains("no Statement"));
        assert!(told(json!("%7B%FF")).contains("UTF-8"));
        assert!(told(json!("{")).contains("no JSON"));
        assert!(told(json!(7)).contains("a number"));
        assert!(told(json!("[]")).contains("is a list; it must be an object"));
        assert!(told(json!("")).contains("no JSON") && told(json!("not json")).contains("no JSON"));
    }

    /// What stands in a larger text is read as the value would be, also where it is wrong.
    #[test]
    fn raw_and_parsed_documents_are_one() {
        for value in [
            json!({"Version": "2012-10-17", "Id": "x", "statement": [{"effect": "Allow", "NotAction": "iam:*", "Resource": "*"}]}),
            json!({"Statement": {"Effect": "Deny", "Action": ["a:*"], "Resource": "*", "Condition": {"Bool": {"k": [true, 1.5, -2, 3]}}}}),
            json!("{\"Statement\": []}"),
            json!("%7B%22Statement%22%3A%5B%5D%7D"),
            json!({"Statement": [{"Effect": "Allow"}]}),
            json!({"Statement": 7}),
            json!({"Statement": null}),
            json!({"Version": 7, "Statement": []}),
            json!({}),
        ] {
            let raw = RawValue::from_string(value.to_string()).unwrap();
            assert_eq!(Document::parse_raw(&raw), Document::parse(&value), "{value}");
        }
    }

    #[test]
    fn what_stands_there_twice_is_no_policy() {
        for text in [
            r#"{"Statement": [], "statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}"#,
            r#"{"Statement": {"Effect": "Deny", "Action": "*", "Resource": "*", "Effect": "Allow"}}"#,
            r#"{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*",
                "Condition": {"StringEquals": {"a": "b"}, "StringEquals": {"c": "d"}}}}"#,
        ] {
            let told = Document::parse_text(text).unwrap_err().to_string();
            assert!(told.contains("twice"), "{told}");
        }
    }
}
