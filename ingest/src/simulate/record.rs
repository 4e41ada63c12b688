//! Record: one event as JSON text, its fields in the order in which CloudTrail writes them.
//!
//! The order and the conditions under which a field stands follow "CloudTrail record contents" in the AWS
//! CloudTrail user guide and real trails. What the fields say is decided elsewhere.

use std::fmt::Write as _;

use super::calendar::push_time;
use super::dice::{mix, push_alnum, push_base64, push_uuid};
use super::template::Account;

/// An event. Texts are ready for JSON (see [`escaped`]); an empty text is a field that does not stand, except that
/// `requestParameters` and `responseElements` are `null` then.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Record<'a> {
    pub version: &'a str,
    /// `userIdentity`, a JSON object.
    pub identity: &'a str,
    pub time: i64,
    /// `eventSource` without `.amazonaws.com`.
    pub service: &'a str,
    pub name: &'a str,
    pub region: &'a str,
    pub address: &'a str,
    pub agent: &'a str,
    pub error: (&'a str, &'a str),
    pub request: &'a str,
    pub response: &'a str,
    pub additional: &'a str,
    pub id: (u64, u64),
    pub read_only: bool,
    pub resources: &'a str,
    pub event_type: &'a str,
    pub api_version: &'a str,
    pub data: bool,
    pub account: &'a str,
    pub shared: Option<(u64, u64)>,
    pub vpc_endpoint: &'a str,
    pub service_event: &'a str,
    /// Host that the client named; with it stands `tlsDetails`.
    pub host: &'a str,
    pub from_console: bool,
}

impl Record<'_> {
    /// Appends the record's JSON.
    pub(super) fn write(&self, out: &mut String) {
        field(out, "{\"eventVersion\":", self.version);
        out.push_str(",\"userIdentity\":");
        out.push_str(self.identity);
        out.push_str(",\"eventTime\":\"");
        push_time(out, self.time);
        out.push_str("\",\"eventSource\":\"");
        out.push_str(self.service);
        out.push_str(".amazonaws.com\"");
        field(out, ",\"eventName\":", self.name);
        field(out, ",\"awsRegion\":", self.region);
        field(out, ",\"sourceIPAddress\":", self.address);
        self.write_agent(out);
        optional(out, ",\"errorCode\":", self.error.0);
        optional(out, ",\"errorMessage\":", self.error.1);
        json(out, ",\"requestParameters\":", if self.request.is_empty() { "null" } else { self.request });
        json(out, ",\"responseElements\":", if self.response.is_empty() { "null" } else { self.response });
        json(out, ",\"additionalEventData\":", self.additional);
        self.write_ids(out);
        out.push_str(if self.read_only { ",\"readOnly\":true" } else { ",\"readOnly\":false" });
        json(out, ",\"resources\":", self.resources);
        field(out, ",\"eventType\":", self.event_type);
        optional(out, ",\"apiVersion\":", self.api_version);
        out.push_str(if self.data { ",\"managementEvent\":false" } else { ",\"managementEvent\":true" });
        field(out, ",\"recipientAccountId\":", self.account);
        if let Some(shared) = self.shared {
            out.push_str(",\"sharedEventID\":\"");
            push_uuid(out, shared);
            out.push('"');
        }
        optional(out, ",\"vpcEndpointId\":", self.vpc_endpoint);
        if !self.vpc_endpoint.is_empty() && self.version >= "1.09" {
            field(out, ",\"vpcEndpointAccountId\":", self.account);
        }
        json(out, ",\"serviceEventDetails\":", self.service_event);
        field(out, ",\"eventCategory\":", if self.data { "Data" } else { "Management" });
        self.write_tls(out);
        if self.from_console {
            out.push_str(",\"sessionCredentialFromConsole\":\"true\"");
        }
        out.push('}');
    }

    /// S3 puts the user agent in brackets.
    fn write_agent(&self, out: &mut String) {
        let brackets = self.service == "s3" && self.agent.contains('/');
        out.push_str(if brackets { ",\"userAgent\":\"[" } else { ",\"userAgent\":\"" });
        out.push_str(self.agent);
        out.push_str(if brackets { "]\"" } else { "\"" });
    }

    /// A service's own events and sign-ins have no request; S3's request ids are not UUIDs.
    fn write_ids(&self, out: &mut String) {
        if self.event_type == "AwsApiCall" {
            out.push_str(",\"requestID\":\"");
            if self.service == "s3" {
                push_request(out, self.id.0);
            } else {
                push_uuid(out, (mix(&[self.id.0, 1]), mix(&[self.id.1, 2])));
            }
            out.push('"');
        }
        out.push_str(",\"eventID\":\"");
        push_uuid(out, self.id);
        out.push('"');
    }

    fn write_tls(&self, out: &mut String) {
        if self.host.is_empty() {
            return;
        }
        let old = self.agent.contains("aws-sdk-go/1.") || self.agent.contains("aws-cli/1.18");
        out.push_str(if old {
            ",\"tlsDetails\":{\"tlsVersion\":\"TLSv1.2\",\"cipherSuite\":\"ECDHE-RSA-AES128-GCM-SHA256\""
        } else {
            ",\"tlsDetails\":{\"tlsVersion\":\"TLSv1.3\",\"cipherSuite\":\"TLS_AES_128_GCM_SHA256\""
        });
        field(out, ",\"clientProvidedHostHeader\":", self.host);
        if self.version == "1.11" {
            out.push_str(if old { ",\"keyExchange\":\"secp256r1\"" } else { ",\"keyExchange\":\"X25519MLKEM768\"" });
        }
        out.push('}');
    }
}

fn field(out: &mut String, name: &str, value: &str) {
    out.push_str(name);
    out.push('"');
    out.push_str(value);
    out.push('"');
}

fn optional(out: &mut String, name: &str, value: &str) {
    if !value.is_empty() {
        field(out, name, value);
    }
}

fn json(out: &mut String, name: &str, value: &str) {
    if !value.is_empty() {
        out.push_str(name);
        out.push_str(value);
    }
}

fn push_request(out: &mut String, salt: u64) {
    let start = out.len();
    push_alnum(out, salt, 16);
    if let Some(text) = out.get_mut(start..) {
        text.make_ascii_uppercase();
    }
}

/// A text as it stands between the quotes of a JSON string.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for letter in text.chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            control if control < ' ' => {
                // Writing to a String cannot fail.
                let _ = write!(out, "\\u{:04x}", u32::from(control));
            }
            other => out.push(other),
        }
    }
    out
}

/// An event id as text.
pub(super) fn id_text(id: (u64, u64)) -> String {
    let mut out = String::with_capacity(36);
    push_uuid(&mut out, id);
    out
}

/// Appends `responseElements` of AssumeRole and its kin: the credentials that the session then acts with.
pub(super) fn push_credentials(out: &mut String, key: &str, expiration: &str, assumed: &Assumed<'_>, extra: &str) {
    out.push_str("{\"credentials\":{\"accessKeyId\":\"");
    out.push_str(key);
    out.push_str("\",\"sessionToken\":\"IQoJb3JpZ2luX2VjE");
    push_base64(out, super::dice::label(key), 312);
    out.push_str("==\",\"expiration\":\"");
    out.push_str(expiration);
    out.push_str("\"},\"assumedRoleUser\":{\"assumedRoleId\":\"");
    out.push_str(assumed.role_id);
    out.push(':');
    out.push_str(assumed.session);
    out.push_str("\",\"arn\":\"arn:aws:sts::");
    out.push_str(&assumed.account.id);
    out.push_str(":assumed-role/");
    out.push_str(assumed.role);
    out.push('/');
    out.push_str(assumed.session);
    out.push_str("\"}");
    out.push_str(extra);
    out.push('}');
}

/// Whose session credentials are.
pub(super) struct Assumed<'a> {
    pub account: &'a Account,
    pub role: &'a str,
    pub role_id: &'a str,
    pub session: &'a str,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn hostile_text_survives_json() {
        let text = "\u{1b}[2J\"\\\n<img src=x>\u{7}é\u{202f}";
        let parsed: String = serde_json::from_str(&format!("\"{}\"", escaped(text))).unwrap();
        assert_eq!(parsed, text);
    }

    #[test]
    fn fields_stand_in_cloudtrails_order() {
        let record = Record {
            version: "1.11",
            identity: "{}",
            service: "s3",
            name: "GetObject",
            agent: "aws-cli/2",
            event_type: "AwsApiCall",
            data: true,
            host: "s3.amazonaws.com",
            error: ("NoSuchKey", "gone"),
            shared: Some((1, 2)),
            ..Record::default()
        };
        let mut text = String::new();
        record.write(&mut text);
        let names = [
            "eventVersion",
            "userIdentity",
            "eventTime",
            "eventSource",
            "eventName",
            "awsRegion",
            "sourceIPAddress",
            "userAgent",
            "errorCode",
            "errorMessage",
            "requestParameters",
            "responseElements",
            "requestID",
            "eventID",
            "readOnly",
            "eventType",
            "managementEvent",
            "recipientAccountId",
            "sharedEventID",
            "eventCategory",
            "tlsDetails",
        ];
        let places: Vec<usize> = names.iter().map(|n| text.find(&format!("\"{n}\":")).unwrap()).collect();
        assert!(places.is_sorted(), "{text}");
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["userAgent"], "[aws-cli/2]");
        assert!(value["requestParameters"].is_null());
        assert!(value.get("additionalEventData").is_none());
    }
}
