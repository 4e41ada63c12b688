//! Keys of a request's context: how they are written, and of which type AWS' own keys are.
//!
//! Source: "AWS global condition context keys" in the IAM user guide, and the keys of services that have another type than text.
//! A value of the wrong type never matches a condition, so a simulation with one answers another question than was asked.

use super::condition::{date, number};

/// What a key's values are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// Any text.
    Text,
    /// `true` or `false`.
    Boolean,
    /// A decimal number.
    Numeric,
    /// A time, as ISO 8601 or in seconds since 1970.
    Date,
    /// An address.
    Address,
    /// Base64.
    Binary,
    /// An ARN.
    Arn,
    /// The twelve digits of an account.
    Account,
}

/// Types as AWS' simulator names them; a `List` may follow.
const NAMED: &[(&str, Type)] = &[
    ("string", Type::Text),
    ("numeric", Type::Numeric),
    ("boolean", Type::Boolean),
    ("ip", Type::Address),
    ("binary", Type::Binary),
    ("date", Type::Date),
];

/// Keys that are no text, in lower case.
const TYPED: &[(&str, Type)] = &[
    ("aws:currenttime", Type::Date),
    ("aws:epochtime", Type::Date),
    ("aws:multifactorauthage", Type::Numeric),
    ("aws:multifactorauthpresent", Type::Boolean),
    ("aws:principalaccount", Type::Account),
    ("aws:principalarn", Type::Arn),
    ("aws:principalisawsservice", Type::Boolean),
    ("aws:resourceaccount", Type::Account),
    ("aws:securetransport", Type::Boolean),
    ("aws:sourceaccount", Type::Account),
    ("aws:sourcearn", Type::Arn),
    ("aws:sourceip", Type::Address),
    ("aws:tokenissuetime", Type::Date),
    ("aws:viaawsservice", Type::Boolean),
    ("aws:vpcsourceip", Type::Address),
    ("iam:policyarn", Type::Arn),
    ("s3:max-keys", Type::Numeric),
    ("s3:signatureage", Type::Numeric),
    ("sts:durationseconds", Type::Numeric),
];

/// Keys with several values, in lower case.
const SEVERAL: &[&str] = &[
    "aws:calledvia",
    "aws:principalorgpaths",
    "aws:principalservicenameslist",
    "aws:resourceorgpaths",
    "aws:sourceorgpaths",
    "aws:tagkeys",
    "aws:vpceorgpaths",
    "dynamodb:attributes",
    "dynamodb:leadingkeys",
];

/// The other global keys, in lower case; those that end with `/` go on with the name of a tag.
const GLOBAL: &[&str] = &[
    "aws:calledviafirst",
    "aws:calledvialast",
    "aws:chatbotsourcearn",
    "aws:ec2instancesourceprivateipv4",
    "aws:ec2instancesourcevpc",
    "aws:federatedprovider",
    "aws:principalorgid",
    "aws:principalservicename",
    "aws:principaltag/",
    "aws:principaltype",
    "aws:referer",
    "aws:requestedregion",
    "aws:requesttag/",
    "aws:resourceorgid",
    "aws:resourcetag/",
    "aws:signinsessionarn",
    "aws:sourceidentity",
    "aws:sourceorgid",
    "aws:sourcevpc",
    "aws:sourcevpcarn",
    "aws:sourcevpce",
    "aws:useragent",
    "aws:userid",
    "aws:username",
    "aws:vpceaccount",
    "aws:vpceorgid",
];

impl Type {
    /// A type by AWS' name for it (`string`, `ipList` …), and whether it has several values.
    pub fn of_name(name: &str) -> Option<(Type, bool)> {
        let one = name.strip_suffix("List");
        let found = NAMED.iter().find(|(known, _)| *known == one.unwrap_or(name));
        found.map(|(_, found)| (*found, one.is_some()))
    }

    /// The names that [`Type::of_name`] knows.
    pub fn names() -> impl Iterator<Item = String> {
        NAMED.iter().flat_map(|(name, _)| [(*name).to_owned(), format!("{name}List")])
    }

    /// The type of a key.
    pub fn of_key(key: &str) -> Type {
        let key = key.to_lowercase();
        TYPED.iter().find(|(name, _)| *name == key).map_or(Type::Text, |(_, found)| *found)
    }

    /// Whether a value is of this type.
    pub fn takes(self, value: &str) -> bool {
        match self {
            Type::Text => true,
            Type::Boolean => value.eq_ignore_ascii_case("true") || value.eq_ignore_ascii_case("false"),
            Type::Numeric => number(value).is_some(),
            Type::Date => date(value).is_some(),
            Type::Address => value.parse::<std::net::IpAddr>().is_ok(),
            Type::Binary => {
                let is_base64 = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=');
                value.len().is_multiple_of(4) && value.bytes().all(is_base64)
            }
            Type::Arn => super::arn::split(value).is_some(),
            Type::Account => value.len() == 12 && value.bytes().all(|byte| byte.is_ascii_digit()),
        }
    }

    /// What a value should look like.
    pub fn form(self) -> &'static str {
        match self {
            Type::Text => "text",
            Type::Boolean => "true or false",
            Type::Numeric => "a decimal number such as 3600",
            Type::Date => "a time such as 2026-01-31T12:00:00Z",
            Type::Address => "an address such as 192.0.2.1",
            Type::Binary => "base64",
            Type::Arn => "an ARN",
            Type::Account => "the twelve digits of an account",
        }
    }
}

/// Whether a key has several values in every request.
pub fn is_several(key: &str) -> bool {
    SEVERAL.contains(&key.to_lowercase().as_str())
}

/// Whether text can be the name of a key: whose it is, a colon, what it is.
pub fn is_name(key: &str) -> bool {
    let parts = key.split_once(':');
    parts.is_some_and(|(of, name)| {
        let plain = !of.contains(char::is_whitespace) && !name.contains(char::is_control);
        !of.is_empty() && !name.trim().is_empty() && plain
    })
}

/// Whether a key that claims to be a global one is none that is known. Services' own keys are not listed.
pub fn is_unknown_global(key: &str) -> bool {
    let key = key.to_lowercase();
    let is_it = |known: &&str| {
        if known.ends_with('/') { key.starts_with(*known) && key.len() > known.len() } else { key == **known }
    };
    key.starts_with("aws:")
        && !GLOBAL.iter().any(is_it)
        && !SEVERAL.contains(&key.as_str())
        && !TYPED.iter().any(|(known, _)| *known == key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_of_their_keys_type() {
        for (key, good, bad) in [
            ("aws:SourceIp", "2001:db8::1", "192.0.2.0/24"),
            ("AWS:SecureTransport", "TRUE", "yes"),
            ("aws:MultiFactorAuthAge", "300", "5m"),
            ("aws:CurrentTime", "2026-01-01T00:00:00Z", "now"),
            ("aws:PrincipalArn", "arn:aws:iam::111111111111:user/a", "ann"),
            ("aws:SourceAccount", "111111111111", "1"),
        ] {
            assert!(Type::of_key(key).takes(good) && !Type::of_key(key).takes(bad), "{key}");
        }
        assert!(Type::of_key("aws:username").takes("") && Type::of_key("my:own").takes("x"));
        assert_eq!(Type::of_name("ipList"), Some((Type::Address, true)));
        assert_eq!((Type::of_name("List"), Type::of_name("text")), (None, None));
        assert!(Type::names().all(|name| Type::of_name(&name).is_some()));
        assert!(Type::Binary.takes("QUJD") && !Type::Binary.takes("?"));
    }

    #[test]
    fn names_have_an_owner() {
        for good in
            ["aws:username", "aws:PrincipalTag/My Team", "token.actions.githubusercontent.com:sub", "oidc.eks/id/A:sub"]
        {
            assert!(is_name(good), "{good}");
        }
        for bad in ["", "x", ":x", "aws:", "aws: ", "a b:c"] {
            assert!(!is_name(bad), "{bad}");
        }
        for known in ["aws:TagKeys", "aws:SourceIp", "aws:ResourceTag/a", "s3:prefix"] {
            assert!(!is_unknown_global(known), "{known}");
        }
        assert!(is_unknown_global("aws:SourceIP4") && is_unknown_global("aws:PrincipalTag/"));
        assert!(is_several("aws:TagKeys") && !is_several("aws:SourceIp"));
    }
}
