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

    /// What is wrong with a text that looks like an address or a network and is none.
    pub fn fault(text: &str) -> Option<String> {
        let text = text.trim();
        let only = |letters: &str| text.chars().all(|letter| letters.contains(letter));
        let looks_like_one = (only("0123456789./") && text.contains('.'))
            || (only("0123456789abcdefABCDEF:./") && text.matches(':').count() > 1);
        let (address, length) = text.split_once('/').map_or((text, None), |(address, length)| (address, Some(length)));
        match (address.parse::<IpAddr>(), length) {
            _ if !looks_like_one => None,
            (Err(_), _) => Some(format!(
                "`{text}` is no address: `{address}` is not four numbers up to 255 (198.51.100.7) nor of IPv6 \
                 (2001:db8::1); a network is written 198.51.100.0/24"
            )),
            (Ok(_), None) => None,
            (Ok(address), Some(length)) => {
                let most = if address.is_ipv4() { 32 } else { 128 };
                let is_length = length.parse::<u8>().is_ok_and(|length| length <= most);
                (!is_length).then(|| {
                    format!("`{text}` is no network: the number after the slash goes from 0 to {most}, as in {address}/{most}")
                })
            }
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

    /// SQL for a text of the logs that differs from this one by its case alone.
    pub(super) fn in_another_case(&self) -> String {
        let text = literal(&self.text().to_lowercase());
        let end = literal(&format!("/{}", self.text().to_lowercase()));
        let length = self.text().chars().count();
        let whole = ["useridentity.username", "actor", "useridentity.accesskeyid", "principal", "useridentity.arn"];
        let mut cases: Vec<_> =
            whole.iter().map(|column| (format!("lower({column}) = {text}"), (*column).to_owned())).collect();
        cases.extend(
            ["principal", "useridentity.arn"]
                .map(|column| (format!("ends_with(lower({column}), {end})"), format!("right({column}, {length})"))),
        );
        let of_any = cases.iter().map(|(condition, _)| condition.as_str()).collect::<Vec<_>>().join(" OR ");
        let chosen: String = cases.iter().map(|(condition, value)| format!(" WHEN {condition} THEN {value}")).collect();
        format!("SELECT min(CASE{chosen} END) AS k, min('') AS a FROM events WHERE {of_any}")
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

impl Subject {
    /// The condition that calls meet which made this identity, gave it credentials or became it; `None` for what is none.
    pub(super) fn made(&self) -> Option<String> {
        let asked = |member: &str| format!("json_extract_scalar(requestparameters, '$.{member}')");
        match self {
            Subject::Session(arn) => {
                Some(format!("json_extract_scalar(responseelements, '$.assumedRoleUser.arn') = {}", literal(arn)))
            }
            Subject::Principal(arn) => {
                let account = literal(arn.split(':').nth(4)?);
                let name = literal(arn.rsplit('/').next()?);
                match self.kind() {
                    "role" => Some(format!(
                        "({} = {} OR (recipientaccountid = {account} AND eventname = 'CreateRole' AND {} = {name}))",
                        asked("roleArn"),
                        literal(arn),
                        asked("roleName")
                    )),
                    "user" => Some(format!(
                        "(recipientaccountid = {account} AND eventsource = 'iam.amazonaws.com' AND {} = {name})",
                        asked("userName")
                    )),
                    _ => None,
                }
            }
            Subject::Name(name) => {
                let (end, name) = (literal(&format!("/{name}")), literal(name));
                Some(format!(
                    "(ends_with({}, {end}) OR {} = {name} OR {} = {name} OR {} = {name})",
                    asked("roleArn"),
                    asked("roleSessionName"),
                    asked("userName"),
                    asked("roleName")
                ))
            }
            _ => None,
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
            assert_eq!(Subject::fault(text), None, "{text}");
            assert_eq!(Subject::of(text).kind(), kind, "{text}");
        }
        for (text, why) in [
            ("10.0.0.0/99", "from 0 to 32"),
            ("2001:db8::/129", "from 0 to 128"),
            ("10.0.0.0/", "from 0 to 32"),
            ("999.1.1.1", "`999.1.1.1` is not four numbers"),
            ("192.168.10", "not four numbers"),
            ("192.168.10/24", "not four numbers"),
            ("2001:db8::zz::1", ""),
            ("2001:db8::1::1", "nor of IPv6"),
        ] {
            let fault = Subject::fault(text).unwrap_or_default();
            assert!(fault.contains(why), "{text}: {fault}");
            assert_eq!(fault.is_empty(), why.is_empty(), "{text}: {fault}");
        }
        let evil = Subject::of("x' OR '1'='1");
        assert!(evil.condition().contains("actor = 'x'' OR ''1''=''1'"), "{}", evil.condition());
    }
}
