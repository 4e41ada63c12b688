//! Whom or what a story is about, told by its form.

use std::fmt;
use std::net::IpAddr;

use crate::grammar::is_store_id;

/// What a story is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// An access key: `AKIA…`, `ASIA…`.
    Key(String),
    /// A durable identity by its ARN: a user, a role, root.
    Principal(String),
    /// One session of a role, by its ARN.
    Session(String),
    /// A unique id of IAM's: `AIDA…`, `AROA…`.
    Id(String),
    /// An address.
    Address(String),
    /// A network: `198.51.100.0/24`.
    Network(String),
    /// An event, by its id.
    Event(String),
    /// The name of a user, a role or a session.
    Name(String),
}

impl Subject {
    /// Tells what a text is.
    pub fn of(text: &str) -> Subject {
        let text = text.trim();
        let own = || text.to_owned();
        let upper = text.len() >= 16 && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
        let begins = |prefixes: &[&str]| upper && prefixes.iter().any(|prefix| text.starts_with(prefix));
        let is_network = || {
            let (address, length) = text.split_once('/')?;
            Some(address.parse::<IpAddr>().is_ok() && length.parse::<u8>().is_ok())
        };
        if begins(&["AKIA", "ASIA"]) {
            Subject::Key(own())
        } else if begins(&["AIDA", "AROA", "AGPA"]) {
            Subject::Id(own())
        } else if text.starts_with("arn:") {
            let session = text.contains(":assumed-role/") || text.contains(":federated-user/");
            if session { Subject::Session(own()) } else { Subject::Principal(own()) }
        } else if text.parse::<IpAddr>().is_ok() {
            Subject::Address(own())
        } else if is_network() == Some(true) {
            Subject::Network(own())
        } else if is_store_id(text) {
            Subject::Event(own())
        } else {
            Subject::Name(own())
        }
    }

    /// The word for its kind.
    pub fn kind(&self) -> &'static str {
        match self {
            Subject::Key(_) => "access key",
            Subject::Principal(arn) if arn.contains(":role/") => "role",
            Subject::Principal(arn) if arn.contains(":user/") => "user",
            Subject::Principal(_) => "principal",
            Subject::Session(_) => "session",
            Subject::Id(_) => "unique id",
            Subject::Address(_) => "address",
            Subject::Network(_) => "network",
            Subject::Event(_) => "event",
            Subject::Name(_) => "name",
        }
    }

    /// The text that was given.
    pub fn text(&self) -> &str {
        match self {
            Subject::Key(text)
            | Subject::Principal(text)
            | Subject::Session(text)
            | Subject::Id(text)
            | Subject::Address(text)
            | Subject::Network(text)
            | Subject::Event(text)
            | Subject::Name(text) => text,
        }
    }

    /// The condition on `events` that its own events meet. What was given stands in it as a literal.
    pub(super) fn condition(&self) -> String {
        let text = literal(self.text());
        match self {
            Subject::Key(_) => format!("useridentity.accesskeyid = {text}"),
            Subject::Principal(_) => format!("(principal = {text} OR useridentity.arn = {text})"),
            Subject::Session(_) => format!("useridentity.arn = {text}"),
            Subject::Id(_) => format!("split_part(useridentity.principalid, ':', 1) = {text}"),
            Subject::Address(_) => format!("sourceipaddress = {text}"),
            Subject::Network(_) => format!("is_subnet_of({text}, sourceipaddress)"),
            Subject::Event(_) => format!("eventid = {text}"),
            Subject::Name(name) => {
                let end = literal(&format!("/{name}"));
                format!(
                    "(ends_with(principal, {end}) OR actor = {text} OR useridentity.username = {text} \
                     OR ends_with(useridentity.arn, {end}))"
                )
            }
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind(), self.text())
    }
}

/// A literal of SQL's.
pub(super) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_tell_what_is_meant() {
        for (text, kind) in [
            ("AKIAIOSFODNN7EXAMPLE", "access key"),
            ("ASIAIOSFODNN7EXAMPLE", "access key"),
            ("AROAIOSFODNN7EXAMPLE", "unique id"),
            ("arn:aws:iam::111122223333:user/eve", "user"),
            ("arn:aws:iam::111122223333:role/a/b", "role"),
            ("arn:aws:iam::111122223333:root", "principal"),
            ("arn:aws:sts::111122223333:assumed-role/a/b", "session"),
            ("203.0.113.7", "address"),
            ("2001:db8::1", "address"),
            ("198.51.100.0/24", "network"),
            ("0a1b2c3d-4e5f-6789-abcd-ef0123456789", "event"),
            ("eve", "name"),
            ("a/b", "name"),
            ("AKIA", "name"),
        ] {
            assert_eq!(Subject::of(text).kind(), kind, "{text}");
        }
        let evil = Subject::of("x' OR '1'='1");
        assert!(evil.condition().contains("actor = 'x'' OR ''1''=''1'"), "{}", evil.condition());
    }
}
