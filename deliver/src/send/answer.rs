//! What an answer means: done, later, or never.

use std::time::Duration;

use chrono::DateTime;
use serde_json::Value;

use super::Verdict;
use crate::redact::redact;
use crate::visible::{clip, line};

/// No server makes us wait longer by saying so.
pub(crate) const RETRY_AFTER_MAX: Duration = Duration::from_secs(3_600);
/// Characters of an answer that are kept.
const SHOWN_MAX: usize = 200;

/// An answer of HTTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) retry_after: Option<Duration>,
    /// Its first part.
    pub(super) body: String,
}

/// `Retry-After`: seconds, or a date (RFC 9110, 10.2.3).
pub(super) fn retry_after(text: &str, now: i64) -> Option<Duration> {
    let text = text.trim();
    let wait = match text.parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            let at = DateTime::parse_from_rfc2822(text).ok()?.timestamp_micros();
            Duration::from_micros(u64::try_from(at.saturating_sub(now)).unwrap_or(0))
        }
    };
    Some(wait.min(RETRY_AFTER_MAX))
}

impl Answer {
    /// What the status means, for every sink.
    pub(super) fn verdict(&self) -> Verdict {
        let why = self.said();
        match self.status {
            200..300 => Verdict::Sent,
            300..400 => Verdict::Never { why: format!("{why}; redirects are not followed: give the final URL") },
            408 | 425 | 429 | 500.. => Verdict::Later { after: self.retry_after, why },
            _ => Verdict::Never { why },
        }
    }

    /// As [`Answer::verdict`], for AWS: throttling is a 400 there, and credentials that ran out come anew by themselves.
    pub(super) fn verdict_of_aws(&self) -> Verdict {
        let passing = [
            "Throttl",
            "TooManyRequests",
            "RequestLimitExceeded",
            "ExpiredToken",
            "RequestExpired",
            "ServiceUnavailable",
            "InternalFailure",
            "InternalError",
            "InternalException",
            "LimitExceeded",
            "SlowDown",
            "KMSThrottling",
        ];
        match self.verdict() {
            Verdict::Never { why } if self.status >= 400 && passing.iter().any(|code| self.body.contains(code)) => {
                Verdict::Later { after: self.retry_after, why }
            }
            verdict => verdict,
        }
    }

    /// PutEvents answers 200 also for entries that it did not take.
    pub(super) fn verdict_of_entries(&self) -> Verdict {
        let answer: Value = serde_json::from_str(&self.body).unwrap_or(Value::Null);
        match (self.verdict_of_aws(), answer.get("FailedEntryCount").and_then(Value::as_u64)) {
            (Verdict::Sent, Some(failed)) if failed > 0 => {
                let code = answer.pointer("/Entries/0/ErrorCode").and_then(Value::as_str).unwrap_or_default();
                let why = self.said();
                let lasting = matches!(
                    code,
                    "AccessDeniedException"
                        | "MalformedDetail"
                        | "InvalidArgument"
                        | "NotAuthorizedForSourceException"
                        | "NotAuthorizedForDetailTypeException"
                        | "ResourceNotFoundException"
                );
                if lasting { Verdict::Never { why } } else { Verdict::Later { after: None, why } }
            }
            (Verdict::Sent, None) => self.unreadable(),
            (verdict, _) => verdict,
        }
    }

    /// BatchImportFindings answers 200 also for findings that it did not take. Importing the others again is no change.
    pub(super) fn verdict_of_findings(&self) -> Verdict {
        let answer: Value = serde_json::from_str(&self.body).unwrap_or(Value::Null);
        match (self.verdict_of_aws(), answer.get("FailedCount").and_then(Value::as_u64)) {
            (Verdict::Sent, Some(failed)) if failed > 0 => {
                let list = answer.get("FailedFindings").and_then(Value::as_array).cloned().unwrap_or_default();
                let lasting = |finding: &Value| {
                    let code = finding.get("ErrorCode").and_then(Value::as_str).unwrap_or_default();
                    matches!(
                        code,
                        "InvalidInput"
                            | "InvalidInputException"
                            | "FindingNotFound"
                            | "AccessDenied"
                            | "SizeLimitExceeded"
                    )
                };
                let why = self.said();
                let never = !list.is_empty() && list.iter().all(lasting);
                if never { Verdict::Never { why } } else { Verdict::Later { after: None, why } }
            }
            (Verdict::Sent, None) => self.unreadable(),
            (verdict, _) => verdict,
        }
    }

    /// It says neither yes nor no.
    fn unreadable(&self) -> Verdict {
        Verdict::Later { after: None, why: format!("{}; this does not say what was taken", self.said()) }
    }

    /// The status and the first words, for people. A server may repeat what it was sent.
    fn said(&self) -> String {
        let body = clip(&line(redact(self.body.trim()).trim()), SHOWN_MAX);
        if body.is_empty() { format!("HTTP {}", self.status) } else { format!("HTTP {}: {body}", self.status) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> Answer {
        Answer { status, retry_after: Some(Duration::from_secs(7)), body: body.to_owned() }
    }

    fn word(verdict: &Verdict) -> &'static str {
        match verdict {
            Verdict::Sent => "sent",
            Verdict::Later { .. } => "later",
            Verdict::Never { .. } => "never",
        }
    }

    #[test]
    fn statuses() {
        for (status, expected) in [
            (200, "sent"),
            (202, "sent"),
            (204, "sent"),
            (301, "never"),
            (307, "never"),
            (400, "never"),
            (401, "never"),
            (403, "never"),
            (404, "never"),
            (408, "later"),
            (413, "never"),
            (425, "later"),
            (429, "later"),
            (500, "later"),
            (502, "later"),
            (503, "later"),
            (504, "later"),
            (100, "never"),
        ] {
            assert_eq!(word(&answer(status, "").verdict()), expected, "{status}");
        }
        let after = Some(Duration::from_secs(7));
        assert_eq!(answer(429, "").verdict(), Verdict::Later { after, why: "HTTP 429".to_owned() });
    }

    #[test]
    fn aws_says_some_things_otherwise() {
        assert_eq!(word(&answer(400, "<Code>Throttling</Code>").verdict_of_aws()), "later");
        assert_eq!(word(&answer(403, r#"{"__type":"ExpiredTokenException"}"#).verdict_of_aws()), "later");
        assert_eq!(word(&answer(403, "<Code>AuthorizationError</Code>").verdict_of_aws()), "never");
        let entries = |code: &str| format!(r#"{{"FailedEntryCount":1,"Entries":[{{"ErrorCode":"{code}"}}]}}"#);
        assert_eq!(word(&answer(200, &entries("InternalFailure")).verdict_of_entries()), "later");
        assert_eq!(word(&answer(200, &entries("MalformedDetail")).verdict_of_entries()), "never");
        assert_eq!(word(&answer(200, r#"{"FailedEntryCount":0}"#).verdict_of_entries()), "sent");
        let findings =
            |code: &str| format!(r#"{{"FailedCount":1,"FailedFindings":[{{"Id":"x","ErrorCode":"{code}"}}]}}"#);
        assert_eq!(word(&answer(200, &findings("InternalException")).verdict_of_findings()), "later");
        assert_eq!(word(&answer(200, &findings("InvalidInput")).verdict_of_findings()), "never");
        assert_eq!(word(&answer(200, r#"{"FailedCount":0}"#).verdict_of_findings()), "sent");
    }

    #[test]
    fn retry_after_in_seconds_and_as_a_date() {
        let now = 784_111_777_000_000 - 90_000_000;
        assert_eq!(retry_after("120", now), Some(Duration::from_secs(120)));
        assert_eq!(retry_after("Sun, 06 Nov 1994 08:49:37 GMT", now), Some(Duration::from_secs(90)));
        assert_eq!(retry_after("Sun, 06 Nov 1994 08:49:37 GMT", now * 2), Some(Duration::ZERO));
        assert_eq!(retry_after("99999999999", now), Some(RETRY_AFTER_MAX));
        assert_eq!(retry_after("soon", now), None);
        assert_eq!(retry_after("-1", now), None);
    }

    #[test]
    fn what_a_server_says_is_shown_without_secrets() {
        let Verdict::Never { why } = answer(400, "bad token=hunter2\u{1b}[2J").verdict() else { panic!("not refused") };
        assert_eq!(why, "HTTP 400: bad token=[redacted]");
    }
}
