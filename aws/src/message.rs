//! What a message of a queue says: which objects came, an event itself, or nothing that matters.
//!
//! The shapes are those that AWS' own CloudTrail Processing Library takes, and EventBridge's. Keys in notifications of S3 are
//! URL-encoded and decoded exactly once; CloudTrail's own and EventBridge's are not encoded.

use serde_json::Value;

use crate::bucket::decode;

/// An envelope in an envelope in an envelope: nobody sends more.
const DEPTH_MAX: usize = 4;

/// An object that was delivered.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Delivered {
    /// Its bucket.
    pub bucket: String,
    /// Its key.
    pub key: String,
    /// Its size, where the message says.
    pub bytes: Option<u64>,
}

/// What a message says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// Objects were delivered; none where all that it tells of was removed or is no news.
    Objects(Vec<Delivered>),
    /// The text is an event, or holds some.
    Events(String),
    /// It asks for nothing: a test, a confirmation.
    Nothing,
    /// Nobody knows what it is: the text, which will be refused by name.
    Unknown(String),
}

impl Message {
    /// Reads the body of a message.
    pub fn parse(body: &str) -> Message {
        read(body, 0)
    }
}

fn read(body: &str, depth: usize) -> Message {
    let text = body.trim();
    // Sent to a topic when a trail is made or changed.
    if text.trim_matches('"').starts_with("CloudTrail validation message") {
        return Message::Nothing;
    }
    let Ok(value) = serde_json::from_str::<Value>(text) else { return Message::Unknown(body.to_owned()) };
    let field = |name: &str| value[name].as_str();
    if let (Some(kind), true) = (field("Type"), value["TopicArn"].is_string() || value["Message"].is_string()) {
        return match (kind, field("Message")) {
            ("Notification", Some(inner)) if depth < DEPTH_MAX => read(inner, depth + 1),
            ("SubscriptionConfirmation" | "UnsubscribeConfirmation", _) => Message::Nothing,
            _ => Message::Unknown(body.to_owned()),
        };
    }
    if field("Event") == Some("s3:TestEvent") {
        return Message::Nothing;
    }
    if let (Some(bucket), Some(keys)) = (field("s3Bucket"), value["s3ObjectKey"].as_array()) {
        let delivered =
            |key: &Value| Some(Delivered { bucket: bucket.to_owned(), key: key.as_str()?.to_owned(), bytes: None });
        let all: Option<Vec<_>> = keys.iter().map(delivered).collect();
        return all.map_or_else(|| Message::Unknown(body.to_owned()), Message::Objects);
    }
    if let Some(records) = value["Records"].as_array().filter(|records| records.iter().any(is_of_s3)) {
        let all: Option<Vec<Vec<Delivered>>> = records.iter().map(of_s3).collect();
        return all.map_or_else(|| Message::Unknown(body.to_owned()), |all| Message::Objects(all.concat()));
    }
    match (field("source"), field("detail-type")) {
        (Some("aws.s3"), Some("Object Created")) => {
            let (bucket, object) = (&value["detail"]["bucket"]["name"], &value["detail"]["object"]);
            match (bucket.as_str(), object["key"].as_str()) {
                (Some(bucket), Some(key)) => Message::Objects(vec![Delivered {
                    bucket: bucket.to_owned(),
                    key: key.to_owned(),
                    bytes: object["size"].as_u64(),
                }]),
                _ => Message::Unknown(body.to_owned()),
            }
        }
        (Some("aws.s3"), Some(other)) if !other.contains("CloudTrail") => Message::Nothing,
        (Some(_), Some(kind)) if kind.ends_with("via CloudTrail") => Message::Events(text.to_owned()),
        _ if value["awslogs"].is_object() => Message::Events(text.to_owned()),
        _ => Message::Unknown(body.to_owned()),
    }
}

fn is_of_s3(record: &Value) -> bool {
    record["eventSource"] == "aws:s3" || record["s3"].is_object()
}

/// Objects of one record of a notification; none where the record tells of anything but a creation.
fn of_s3(record: &Value) -> Option<Vec<Delivered>> {
    let name = record["eventName"].as_str()?;
    let name = name.strip_prefix("s3:").unwrap_or(name);
    if !name.starts_with("ObjectCreated:") && name != "ObjectRestore:Completed" {
        return Some(Vec::new());
    }
    let (bucket, object) = (record["s3"]["bucket"]["name"].as_str()?, &record["s3"]["object"]);
    let key = decode(object["key"].as_str()?);
    Some(vec![Delivered { bucket: bucket.to_owned(), key, bytes: object["size"].as_u64() }])
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;

    fn objects(body: &str) -> Vec<(String, String)> {
        match Message::parse(body) {
            Message::Objects(all) => all.into_iter().map(|object| (object.bucket, object.key)).collect(),
            other => panic!("{other:?}"),
        }
    }

    fn s3(event: &str, key: &str) -> Value {
        json!({"Records": [{"eventVersion": "2.3", "eventSource": "aws:s3", "eventName": event,
            "s3": {"bucket": {"name": "b"}, "object": {"key": key, "size": 7, "sequencer": "0"}}}]})
    }

    fn sns(inner: &str) -> String {
        json!({"Type": "Notification", "MessageId": "1", "TopicArn": "arn:aws:sns:x:1:t", "Message": inner}).to_string()
    }

    #[test]
    fn every_shape_names_its_objects() {
        let trail = json!({"s3Bucket": "b", "s3ObjectKey": ["AWSLogs/1/a+b%2Fc", "d"]}).to_string();
        let both = vec![("b".to_owned(), "AWSLogs/1/a+b%2Fc".to_owned()), ("b".to_owned(), "d".to_owned())];
        assert_eq!(objects(&trail), both);
        assert_eq!(objects(&sns(&trail)), both);
        let put = s3("ObjectCreated:Put", "AWSLogs%2F1/a+b%252B").to_string();
        let one = vec![("b".to_owned(), "AWSLogs/1/a b%2B".to_owned())];
        assert_eq!((objects(&put), objects(&sns(&put)), objects(&sns(&sns(&put)))), (one.clone(), one.clone(), one));
        let bridge = json!({"version": "0", "detail-type": "Object Created", "source": "aws.s3",
            "detail": {"bucket": {"name": "b"}, "object": {"key": "a+b%2F", "size": 7}}});
        assert_eq!(objects(&bridge.to_string()), [("b".to_owned(), "a+b%2F".to_owned())]);
    }

    #[test]
    fn what_asks_for_nothing_is_nothing() {
        for body in [
            "CloudTrail validation message.".to_owned(),
            sns("CloudTrail validation message."),
            r#"{"Service":"Amazon S3","Event":"s3:TestEvent","Time":"2014-10-13T15:57:02.089Z","Bucket":"b"}"#
                .to_owned(),
            r#"{"Type":"SubscriptionConfirmation","TopicArn":"a","Message":"You have chosen","Token":"t"}"#.to_owned(),
            r#"{"source":"aws.s3","detail-type":"Object Deleted","detail":{}}"#.to_owned(),
        ] {
            assert_eq!(Message::parse(&body), Message::Nothing, "{body}");
        }
        assert_eq!(Message::parse(&s3("ObjectRemoved:Delete", "k").to_string()), Message::Objects(vec![]));
    }

    #[test]
    fn events_come_as_they_are_and_what_is_strange_is_kept() {
        let event =
            r#"{"version":"0","detail-type":"AWS API Call via CloudTrail","source":"aws.s3","detail":{"eventID":"1"}}"#;
        assert_eq!(Message::parse(event), Message::Events(event.to_owned()));
        assert_eq!(Message::parse(&sns(event)), Message::Events(event.to_owned()));
        for body in ["", "x", "{}", "[1]", r#"{"Records":[{"s3":{}}]}"#, r#"{"s3Bucket":"b","s3ObjectKey":[1]}"#] {
            assert_eq!(Message::parse(body), Message::Unknown(body.to_owned()), "{body}");
        }
    }
}
