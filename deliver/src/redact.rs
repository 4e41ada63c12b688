//! Secrets in the text of events, taken out before an alert leaves the house.
//!
//! AWS hides most secrets in its records and not all: user data, environment variables, presigned URLs and whatever people
//! put into session names or user agents can hold one. Only text that came from events passes here; the words of rules
//! do not, or a step such as "change the password: …" would be cut. Source of the patterns: the documented prefixes of each
//! issuer's tokens.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::{Captures, Regex};

/// Pattern, and what stands in its place; `${…}` as in the regex crate.
const PATTERNS: &[(&str, &str)] = &[
    (r"(?s)-----BEGIN [A-Z0-9 ]{1,40}-----.*?(?:-----END [A-Z0-9 ]{1,40}-----|\z)", "[redacted PEM]"),
    (r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)?", "[redacted JWT]"),
    (r"https://hooks\.slack\.com/[A-Za-z0-9/_-]+", "[redacted Slack URL]"),
    (r"\bxox[a-z]-[A-Za-z0-9-]{8,}", "[redacted Slack token]"),
    (r"\b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}|glpat-[A-Za-z0-9_-]{16,})", "[redacted token]"),
    (r"(?i)\b(x-amz-(?:signature|security-token|credential)|awsaccesskeyid|signature)=[^&\s]+", "${1}=[redacted]"),
    (r"(?i)\b(bearer|basic)\s+[a-z0-9._~+/-]{12,}=*", "${1} [redacted]"),
    (r"(?i)(://[^/\s:@]{1,64}):[^/\s@]{1,256}@", "${1}:[redacted]@"),
    (
        r#"(?i)([a-z0-9_.-]{0,64}(?:password|passwd|pwd|secret|token|api[_-]?key|private[_-]?key|access[_-]?key|authorization|credential)(?:s|id|key|value|string|binary|data|hash|[_-][a-z0-9_-]{0,32})?["']?\s*[:=]\s*)("[^"]*"|'[^']*'|[^\s,;&"'\[][^\s,;&"']*)"#,
        "${1}[redacted]",
    ),
];

/// An access key id says who, and is no secret; the first and last four are enough to find the key and too few to use.
const ACCESS_KEY: &str = r"\b(A[KS]IA)[A-Z0-9]{8,24}([A-Z0-9]{4})\b";

static COMPILED: LazyLock<Vec<(Regex, &str)>> =
    LazyLock::new(|| PATTERNS.iter().filter_map(|(pattern, with)| Some((Regex::new(pattern).ok()?, *with))).collect());

static KEYS: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(ACCESS_KEY).ok());

/// The text without what looks like a secret.
pub(crate) fn redact(text: &str) -> Cow<'_, str> {
    let mut out = Cow::Borrowed(text);
    for (pattern, with) in COMPILED.iter() {
        if let Cow::Owned(changed) = pattern.replace_all(&out, *with) {
            out = Cow::Owned(changed);
        }
    }
    if let Some(keys) = KEYS.as_ref() {
        let part = |found: &Captures<'_>, group| found.get(group).map_or("", |part| part.as_str()).to_owned();
        let masked = keys.replace_all(&out, |found: &Captures<'_>| format!("{}…{}", part(found, 1), part(found, 2)));
        if let Cow::Owned(changed) = masked {
            out = Cow::Owned(changed);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_compiles() {
        assert_eq!(COMPILED.len(), PATTERNS.len());
        assert!(KEYS.is_some());
    }

    #[test]
    fn seeded_secrets_are_gone() {
        for (text, secret) in [
            ("key AKIAIOSFODNN7EXAMPLE rested", "AKIAIOSFODNN7EXAMPLE"),
            ("ASIAY34FZKBOKMUTVV7A used", "ASIAY34FZKBOKMUTVV7A"),
            ("-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----", "MIIE"),
            ("-----BEGIN PRIVATE KEY-----\nMIIEcut", "MIIEcut"),
            ("t=eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl", "eyJhbGci"),
            ("masterUserPassword=hunter2 x", "hunter2"),
            (r#"{"dbPassword": "hunter2 and more"}"#, "hunter2"),
            ("AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG", "wJalr"),
            ("--api-key: abc123def", "abc123def"),
            ("https://b.s3.amazonaws.com/k?X-Amz-Signature=0123abcd&X-Amz-Security-Token=FwoG", "0123abcd"),
            ("https://b.s3.amazonaws.com/k?X-Amz-Security-Token=FwoG", "FwoG"),
            ("curl Authorization: Bearer abcdef0123456789", "abcdef0123456789"),
            ("git clone https://me:hunter2@example.com/x", "hunter2"),
            ("https://hooks.slack.com/services/T000/B000/XXXX", "T000"),
            ("xoxb-123456789012-abcdef", "123456789012"),
            ("ghp_0123456789abcdefghijABCDEFGHIJ012345", "ghp_0123"),
        ] {
            let redacted = redact(text);
            assert!(!redacted.contains(secret), "{text} -> {redacted}");
        }
    }

    #[test]
    fn what_says_who_and_what_stays() {
        for text in [
            "arn:aws:sts::111122223333:assumed-role/Admin/jane@example.com",
            "iam:CreateAccessKey",
            "secretsmanager:GetSecretValue",
            "aws-cli/2.15.0 Python/3.11 Linux/5.10",
            "The security token included in the request is invalid",
            "AROAEXAMPLEID:session",
        ] {
            assert_eq!(redact(text), text);
        }
        assert_eq!(redact("AKIAIOSFODNN7EXAMPLE rested"), "AKIA…MPLE rested");
    }

    #[test]
    fn twice_is_once() {
        let once = redact("password=a secret: 'b' AKIAIOSFODNN7EXAMPLE Bearer abcdefghijklmnop").into_owned();
        assert_eq!(redact(&once), once);
    }
}
