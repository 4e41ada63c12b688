//! The names that CloudTrail gives its objects, taken apart: `[prefix/]AWSLogs/[o-…/]ACCOUNT/KIND/REGION/YYYY/MM/DD/NAME`.
//!
//! From "Finding your CloudTrail log files" in the CloudTrail user guide. What a key says is where CloudTrail wrote an
//! object, never what is in it: shapes are told by content. Control Tower's keys (`o-…/AWSLogs/o-…/ACCOUNT/…`) are the same
//! with the organisation as prefix. This room knows text only: no bucket is asked, no file is opened.

use chrono::{DateTime, NaiveDateTime, Utc};
use serde::Serialize;

/// What CloudTrail writes under a folder of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Management and data events: `CloudTrail`.
    Events,
    /// `CloudTrail-Insight`.
    Insight,
    /// `CloudTrail-NetworkActivity`.
    NetworkActivity,
    /// `CloudTrail-Aggregated`.
    Aggregated,
    /// `CloudTrail-Digest`: what proves the others.
    Digest,
}

impl Kind {
    /// Every kind, in the order of a listing.
    pub const ALL: [Kind; 5] = [Kind::Events, Kind::Aggregated, Kind::Digest, Kind::Insight, Kind::NetworkActivity];

    /// The folder in a key.
    pub fn folder(self) -> &'static str {
        match self {
            Kind::Events => "CloudTrail",
            Kind::Insight => "CloudTrail-Insight",
            Kind::NetworkActivity => "CloudTrail-NetworkActivity",
            Kind::Aggregated => "CloudTrail-Aggregated",
            Kind::Digest => "CloudTrail-Digest",
        }
    }

    /// The kind of a folder.
    pub fn of_folder(folder: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.folder() == folder)
    }
}

/// A key, taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key<'a> {
    /// What the trail's owner put in front of `AWSLogs`, without its last slash.
    pub prefix: &'a str,
    /// `o-…` of an organisation trail.
    pub organisation: Option<&'a str>,
    /// Twelve digits.
    pub account: &'a str,
    /// What it holds.
    pub kind: Kind,
    /// Where it was recorded.
    pub region: &'a str,
    /// `YYYY/MM/DD` of the delivery, in UTC.
    pub day: &'a str,
    /// What follows the last slash.
    pub name: &'a str,
}

impl<'a> Key<'a> {
    /// Takes a key apart; `None` where it is none of CloudTrail's.
    pub fn parse(key: &'a str) -> Option<Key<'a>> {
        let (prefix, rest) = match key.strip_prefix("AWSLogs/") {
            Some(rest) => ("", rest),
            None => key.split_once("/AWSLogs/")?,
        };
        let mut rest = rest;
        let mut next = || {
            let (part, after) = rest.split_once('/')?;
            rest = after;
            Some(part)
        };
        let mut account = next()?;
        let mut organisation = None;
        if is_organisation(account) {
            organisation = Some(account);
            account = next()?;
        }
        let kind = next().and_then(Kind::of_folder)?;
        let region = next()?;
        let (day, name) = (rest.get(..10)?, rest.get(11..)?);
        let whole = is_account(account) && is_region(region) && is_day(day) && rest.as_bytes().get(10) == Some(&b'/');
        (whole && !name.is_empty() && !name.contains('/')).then_some(Key {
            prefix,
            organisation,
            account,
            kind,
            region,
            day,
            name,
        })
    }

    /// When CloudTrail says it wrote a log file: the time in its name, which may lie minutes before the delivery.
    pub fn time(&self) -> Option<DateTime<Utc>> {
        if self.kind == Kind::Digest {
            return DigestName::parse(self.name).map(|name| name.end);
        }
        let rest = self.name.strip_prefix(self.account)?.strip_prefix('_')?;
        let rest = rest.strip_prefix(self.kind.folder())?.strip_prefix('_')?;
        let rest = rest.strip_prefix(self.region)?.strip_prefix('_')?;
        let time = rest.get(..14)?;
        NaiveDateTime::parse_from_str(time, "%Y%m%dT%H%MZ").ok().map(|time| time.and_utc())
    }
}

/// Twelve digits.
pub fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// `o-` and ten to thirty-two lower-case letters and digits (the API reference of AWS Organizations).
pub fn is_organisation(text: &str) -> bool {
    text.strip_prefix("o-").is_some_and(|id| {
        (10..=32).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
    })
}

/// Whether it looks like a Region: `us-east-1`, `us-gov-west-1`. New ones appear, so that no list decides.
pub fn is_region(text: &str) -> bool {
    let mut parts = text.split('-');
    let letters = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase());
    let number = parts.next_back().is_some_and(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()));
    number && text.len() <= 32 && text.matches('-').count() >= 2 && parts.all(letters)
}

fn is_day(text: &str) -> bool {
    let digits =
        |range: std::ops::Range<usize>| text.get(range).is_some_and(|part| part.bytes().all(|b| b.is_ascii_digit()));
    let bytes = text.as_bytes();
    digits(0..4) && digits(5..7) && digits(8..10) && bytes.get(4) == Some(&b'/') && bytes.get(7) == Some(&b'/')
}

/// The name of a digest file:
/// `ACCOUNT_CloudTrail-Digest_REGION_TRAIL_HOMEREGION_YYYYMMDDTHHMMSSZ[_backfill].json.gz`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DigestName<'a> {
    /// Twelve digits.
    pub account: &'a str,
    /// Where the digested files were recorded.
    pub region: &'a str,
    /// The trail's name.
    pub trail: &'a str,
    /// Where the trail was made; its keys sign.
    pub home: &'a str,
    /// The end of the hour that it speaks of.
    pub end: DateTime<Utc>,
    /// Whether it was written later, for files that came late.
    pub backfill: bool,
}

impl<'a> DigestName<'a> {
    /// Takes a name apart. A trail's name may itself hold underscores; regions and times do not.
    pub fn parse(name: &'a str) -> Option<DigestName<'a>> {
        let rest = name.strip_suffix(".json.gz")?;
        let (rest, backfill) = rest.strip_suffix("_backfill").map_or((rest, false), |rest| (rest, true));
        let (rest, time) = rest.rsplit_once('_')?;
        let (rest, home) = rest.rsplit_once('_')?;
        let (account, rest) = rest.split_once("_CloudTrail-Digest_")?;
        let (region, trail) = rest.split_once('_')?;
        let end = NaiveDateTime::parse_from_str(time, "%Y%m%dT%H%M%SZ").ok()?.and_utc();
        (is_account(account) && !trail.is_empty() && !home.is_empty() && time.len() == 16).then_some(DigestName {
            account,
            region,
            trail,
            home,
            end,
            backfill,
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const NAME: &str = "123456789012_CloudTrail_us-east-1_20250601T0010Z_c7763203e20a64b2.json.gz";

    #[test]
    fn keys_of_every_layout() {
        for (before, prefix, organisation) in [
            ("", "", None),
            ("some/prefix/", "some/prefix", None),
            ("o-abcdefghij/", "o-abcdefghij", Some("o-abcdefghij")),
        ] {
            let org = organisation.map(|id| format!("{id}/")).unwrap_or_default();
            let text = format!("{before}AWSLogs/{org}123456789012/CloudTrail/us-east-1/2025/06/01/{NAME}");
            let key = Key::parse(&text).unwrap();
            assert_eq!((key.prefix, key.organisation, key.account), (prefix, organisation, "123456789012"), "{text}");
            assert_eq!((key.kind, key.region, key.day, key.name), (Kind::Events, "us-east-1", "2025/06/01", NAME));
            assert_eq!(key.time().unwrap().to_rfc3339(), "2025-06-01T00:10:00+00:00");
        }
    }

    #[test]
    fn what_is_no_key_is_none() {
        for text in [
            "",
            "AWSLogs/",
            "AWSLogs/12345678901/CloudTrail/us-east-1/2025/06/01/x",
            "AWSLogs/123456789012/CloudTrail/us-east-1/2025/06/01/",
            "AWSLogs/123456789012/CloudTrail/us-east-1/2025/06/01",
            "AWSLogs/123456789012/CloudTrail/us-east-1/2025-06-01/x",
            "AWSLogs/123456789012/CloudTrail/../2025/06/01/x",
            "AWSLogs/123456789012/Config/us-east-1/2025/06/01/x",
            "AWSLogs/123456789012/CloudTrail/us-east-1/2025/06/01/a/b",
            "AWSLogs/123456789012/CloudTrail/us-east-1/2025é/6/01/b",
        ] {
            assert_eq!(Key::parse(text), None, "{text}");
        }
    }

    #[test]
    fn names_of_digests() {
        let name = "123456789012_CloudTrail-Digest_us-east-1_a_trail_eu-west-1_20250601T020000Z_backfill.json.gz";
        let digest = DigestName::parse(name).unwrap();
        assert_eq!((digest.trail, digest.home, digest.backfill), ("a_trail", "eu-west-1", true));
        assert_eq!(digest.end.to_rfc3339(), "2025-06-01T02:00:00+00:00");
        assert_eq!(DigestName::parse(NAME), None);
        assert_eq!(DigestName::parse(&name.replace("Z_backfill", "_backfill")), None);
    }
}
