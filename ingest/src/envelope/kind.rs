//! What one scanned object is: a CloudTrail record, a wrapper around one, or something else by name.
//!
//! Sources: the message shapes of CloudTrail, EventBridge, LookupEvents and CloudWatch Logs in the AWS documentation;
//! notification records of S3, SNS, SQS, Kinesis, DynamoDB as in the Lambda developer guide.

use std::ops::Range;

use crate::json::{self, Form, Value};
use crate::record::{Fields, Layout};
use crate::reject::{OtherKind, Reason};

/// What an object is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A CloudTrail record: the object itself.
    Record,
    /// A wrapper: its records are in this part of the text (an object, or a list).
    Inside(Range<usize>),
    /// A wrapper: the record is the JSON text in this string, quotes excluded.
    Quoted(Range<usize>),
    /// A wrapper: the records are in this string as base64 of gzip, quotes excluded.
    Packed(Range<usize>),
    /// A file of another kind, which holds no records.
    Other(OtherKind),
    /// Something else.
    Refused(Reason, Found),
}

/// What was found in place of a record. It is put into words only where they are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// In words already.
    Said(&'static str),
    /// A notification of a service.
    Service(&'static str),
    /// A notification whose `eventSource` (a slot) names the service.
    Source(usize),
    /// An object with fields of its own.
    Fields,
}

impl Found {
    /// In words; `fields` are those that the teller saw.
    pub fn describe(self, text: &str, fields: &Fields) -> String {
        match self {
            Found::Said(words) => words.to_owned(),
            Found::Service(service) => format!("a {service} notification, not CloudTrail"),
            Found::Source(slot) => {
                let source = fields.plain(text, slot).unwrap_or_default();
                let service: String = source.strip_prefix("aws:").unwrap_or(source).chars().take(40).collect();
                format!("a {service} notification, not CloudTrail")
            }
            Found::Fields => {
                let key = |(key, _): &(Value, Value)| text.get(key.start + 1..key.end - 1).unwrap_or_default();
                let keys: Vec<&str> = fields.unknown.iter().take(5).map(key).collect();
                let keys: String = keys.join(", ").chars().take(120).collect();
                format!("an object with the fields {keys}")
            }
        }
    }
}

/// Runs of fields that are known to be a record's.
const KNOWN: usize = 512;

/// Tells objects apart. Holds the slots of the fields it looks at.
#[derive(Debug, Clone)]
pub struct Teller {
    /// Numbers of remembered texts whose source is a record's: what repeats is looked at once.
    known: [u64; KNOWN],
    version: usize,
    source: usize,
    name: usize,
    kind: usize,
    category: usize,
    identity: usize,
}

impl Teller {
    /// A teller for records scanned with `layout`.
    pub fn new(layout: &Layout) -> Self {
        // A path that the schema lacks would be a slip in this file, which the first test catches.
        let slot = |path| layout.slot(path).unwrap_or(0);
        Teller {
            known: [0; KNOWN],
            version: slot("eventversion"),
            source: slot("eventsource"),
            name: slot("eventname"),
            kind: slot("eventtype"),
            category: slot("eventcategory"),
            identity: slot("useridentity"),
        }
    }

    /// What the object is that `fields` was scanned from.
    pub fn tell(&mut self, text: &str, fields: &Fields) -> Kind {
        // The hot path: a record has a version, a source and a name; notifications have them too, so the source
        // must not be theirs.
        if [self.version, self.name, self.source].into_iter().all(|slot| fields.holds(slot)) {
            let number = fields.number(self.source);
            let known = &mut self.known[number as usize % KNOWN];
            if number != 0 && *known == number {
                return Kind::Record;
            }
            return match fields.plain(text, self.source) {
                Some(source) if !source.starts_with("aws:") => {
                    *known = number;
                    Kind::Record
                }
                Some(_) => self.notification(),
                None => self.without_source(text, fields),
            };
        }
        self.odd(text, fields)
    }

    #[cold]
    fn without_source(&self, text: &str, fields: &Fields) -> Kind {
        let list = fields.get(self.source).is_some_and(|value| text[value.start..].starts_with('['));
        if list {
            return Kind::Refused(
                Reason::EventPattern,
                Found::Said("an event pattern: its fields are lists of values"),
            );
        }
        Kind::Record
    }

    /// Records of odd shapes, and wrappers.
    #[cold]
    fn odd(&self, text: &str, fields: &Fields) -> Kind {
        let field = |name: &str| {
            fields.unknown.iter().find(|(key, _)| &text[key.start + 1..key.end - 1] == name).map(|(_, value)| *value)
        };
        let starts = |value: Value, with: char| text[value.start..].starts_with(with);
        if let Some(event) = field("CloudTrailEvent").or_else(|| field("cloudTrailEvent")) {
            return string_or_inside(event);
        }
        if let Some(detail) = field("detail").filter(|value| starts(*value, '{')) {
            return match field("detail-type") {
                Some(kind) if starts(kind, '[') => {
                    Kind::Refused(Reason::EventPattern, Found::Said("an EventBridge event pattern, not an event"))
                }
                _ => Kind::Inside(detail.start..detail.end),
            };
        }
        for list in ["Records", "Events", "logEvents", "events"] {
            if let Some(value) = field(list).filter(|value| starts(*value, '[')) {
                return Kind::Inside(value.start..value.end);
            }
        }
        // A hit of Elasticsearch or OpenSearch, a result of Splunk's export.
        if let Some(hit) = field("_source").or_else(|| field("result")).filter(|value| starts(*value, '{')) {
            return Kind::Inside(hit.start..hit.end);
        }
        // Splunk's text of an event, a row of CloudTrail Lake.
        if let Some(raw) = field("_raw").or_else(|| field("eventJson")).or_else(|| field("eventjson")) {
            return string_or_inside(raw);
        }
        if field("digestS3Bucket").is_some() || field("digestStartTime").is_some() {
            return Kind::Other(OtherKind::Digest);
        }
        if field("UserDetailList").is_some() || field("RoleDetailList").is_some() {
            return Kind::Other(OtherKind::AccountAuthorizationDetails);
        }
        // What a Lambda function gets from a CloudWatch Logs subscription.
        if let Some(logs) = field("awslogs").filter(|value| starts(*value, '{')) {
            return packed(text, logs);
        }
        if let Some(message) = field("message").filter(|value| starts(*value, '"')) {
            return Kind::Quoted(message.start + 1..message.end - 1);
        }
        for (name, service) in
            [("s3", "S3"), ("kinesis", "Kinesis"), ("dynamodb", "DynamoDB"), ("Sns", "SNS"), ("receiptHandle", "SQS")]
        {
            if field(name).is_some() {
                return notification_of(service);
            }
        }
        if field("Type").is_some() && field("TopicArn").is_some() {
            return notification_of("SNS");
        }
        if field("s3Bucket").is_some() && field("s3ObjectKey").is_some() {
            return notification_of("CloudTrail's SNS");
        }
        if fields.plain(text, self.source).is_some_and(|source| source.starts_with("aws:")) {
            return self.notification();
        }
        self.sparse(fields)
    }

    /// A record that lacks what every record of today has is still one, if enough says so.
    fn sparse(&self, fields: &Fields) -> Kind {
        let has = |slot: usize| {
            usize::from(fields.get(slot).is_some_and(|value| value.form == Form::Plain || value.form == Form::Spaced))
        };
        let marks = [self.version, self.source, self.name, self.kind, self.category, self.identity];
        let marks: usize = marks.into_iter().map(has).sum();
        if marks >= 2 {
            return Kind::Record;
        }
        if fields.unknown.is_empty() && marks == 0 {
            return Kind::Other(OtherKind::Empty);
        }
        Kind::Refused(Reason::UnknownShape, Found::Fields)
    }

    #[cold]
    fn notification(&self) -> Kind {
        Kind::Refused(Reason::NotCloudtrail, Found::Source(self.source))
    }
}

/// `{"data":"…"}`
fn packed(text: &str, logs: Value) -> Kind {
    let bytes = text.as_bytes();
    let first = json::skip_space(bytes, logs.start + 1);
    let data = json::key(bytes, first).and_then(|(key, at, _)| Ok((key, json::value(bytes, at)?)));
    match data {
        Ok((key, value)) if &text[key.start..key.end] == "\"data\"" && value.form == Form::Plain => {
            Kind::Packed(value.start + 1..value.end - 1)
        }
        _ => Kind::Refused(Reason::UnknownShape, Found::Said("awslogs without its data")),
    }
}

fn string_or_inside(value: Value) -> Kind {
    match value.form {
        Form::Plain | Form::Escaped => Kind::Quoted(value.start + 1..value.end - 1),
        _ => Kind::Inside(value.start..value.end),
    }
}

fn notification_of(service: &'static str) -> Kind {
    Kind::Refused(Reason::NotCloudtrail, Found::Service(service))
}

/// The text of a quoted record, escapes resolved. Lone surrogates cannot occur in JSON text, so it has a text or is
/// refused later as not JSON.
pub fn unquote(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    if !json::unescape(raw, &mut out) {
        out.push_str(raw);
    }
    out
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::record::Scanner;

    fn tell(text: &str) -> Kind {
        let (mut scanner, mut fields) = (Scanner::new(), Fields::default());
        let mut teller = Teller::new(scanner.layout());
        scanner.scan(text.as_bytes(), 0, &mut fields).unwrap();
        teller.tell(text, &fields)
    }

    #[test]
    fn records_and_wrappers() {
        assert_eq!(
            tell(r#"{"eventVersion":"1.08","eventSource":"s3.amazonaws.com","eventName":"GetObject"}"#),
            Kind::Record
        );
        assert_eq!(tell(r#"{"eventSource":"s3.amazonaws.com","eventName":"GetObject"}"#), Kind::Record);
        let wrapped = r#"{"detail-type":"AWS API Call via CloudTrail","detail":{}}"#;
        assert!(matches!(tell(wrapped), Kind::Inside(range) if &wrapped[range.clone()] == "{}"));
        assert_eq!(tell(r#"{"EventId":"x","CloudTrailEvent":"{}"}"#), Kind::Quoted(34..36));
        assert_eq!(tell(r#"{"message":"{}"}"#), Kind::Quoted(12..14));
        assert_eq!(tell(r#"{"_raw":"{}"}"#), Kind::Quoted(9..11));
        assert_eq!(tell(r#"{"eventJson":"{}"}"#), Kind::Quoted(14..16));
        assert_eq!(tell(r#"{"_index":"ct","_source":{}}"#), Kind::Inside(25..27));
        assert_eq!(tell(r#"{"preview":false,"result":{}}"#), Kind::Inside(26..28));
        assert_eq!(tell(r#"{"awslogs":{"data":"H4s="}}"#), Kind::Packed(20..24));
        assert_eq!(tell(r#"{"Records":[]}"#), Kind::Inside(11..13));
        assert_eq!(tell(r#"{"digestS3Bucket":"b"}"#), Kind::Other(OtherKind::Digest));
        assert_eq!(tell(r#"{"UserDetailList":[]}"#), Kind::Other(OtherKind::AccountAuthorizationDetails));
    }

    #[test]
    fn what_only_looks_alike_is_named() {
        for text in [
            r#"{"eventVersion":"2.1","eventSource":"aws:s3","eventName":"ObjectCreated:Put","s3":{}}"#,
            r#"{"EventSource":"aws:sns","Sns":{}}"#,
            r#"{"messageId":"1","receiptHandle":"x","body":""}"#,
            r#"{"kinesis":{},"eventSource":"aws:kinesis","eventName":"x"}"#,
        ] {
            assert!(matches!(tell(text), Kind::Refused(Reason::NotCloudtrail, _)), "{text}: {:?}", tell(text));
        }
        let pattern = r#"{"source":["aws.s3"],"detail-type":["x"],"detail":{"eventSource":["a"]}}"#;
        assert!(matches!(tell(pattern), Kind::Refused(Reason::EventPattern, _)));
        assert_eq!(tell("{}"), Kind::Other(OtherKind::Empty));
        assert!(matches!(tell(r#"{"a":1}"#), Kind::Refused(Reason::UnknownShape, _)));
    }
}
