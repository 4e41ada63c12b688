//! Which digests belong together: those that one trail writes about one Region of one account.

use chrono::{DateTime, Utc};

use crate::key::{DigestName, Key, Kind};

/// Times of delivery. Without a start everything that is there; without an end up to now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Span {
    /// First moment.
    pub start: Option<DateTime<Utc>>,
    /// Last moment.
    pub end: Option<DateTime<Utc>>,
}

/// Log files of one Region of one account, whoever wrote them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Logged {
    /// What keys have in front of their kind: `[prefix/]AWSLogs/[o-…/]ACCOUNT`.
    pub root: String,
    /// Where the events were recorded.
    pub region: String,
}

impl Logged {
    /// Whose a log file is; `None` for a digest, and for what is none of CloudTrail's.
    pub fn of(key: &str) -> Option<Logged> {
        let parsed = Key::parse(key).filter(|parsed| parsed.kind != Kind::Digest)?;
        let root = key.rsplitn(7, '/').nth(6)?;
        Some(Logged { root: root.to_owned(), region: parsed.region.to_owned() })
    }

    /// The account.
    pub fn account(&self) -> &str {
        self.root.rsplit('/').next().unwrap_or_default()
    }

    /// Whether a chain speaks of it.
    pub fn is_of(&self, chain: &Chain) -> bool {
        (chain.root(), &*chain.region) == (&*self.root, &*self.region)
    }
}

/// The digests that one trail writes about one Region of one account.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Chain {
    /// Keys up to the Region: `[prefix/]AWSLogs/[o-…/]ACCOUNT/CloudTrail-Digest`.
    pub stem: String,
    /// Where the log files' events were recorded.
    pub region: String,
    /// The trail's name.
    pub trail: String,
    /// Where the trail was made.
    pub home: String,
}

impl Chain {
    /// The account whose log files are digested.
    pub fn account(&self) -> &str {
        self.stem.rsplit('/').nth(1).unwrap_or_default()
    }

    /// What all log files of the account have in front of their kind: the stem without its last part.
    pub fn root(&self) -> &str {
        self.stem.rsplit_once('/').map_or("", |(root, _)| root)
    }

    /// The name in a key, where the key is one of this chain's.
    pub fn name<'a>(&self, key: &'a str) -> Option<DigestName<'a>> {
        let rest = key.strip_prefix(self.stem.as_str())?.strip_prefix('/')?;
        let rest = rest.strip_prefix(self.region.as_str())?.strip_prefix('/')?;
        let (day, name) = rest.rsplit_once('/')?;
        let dated = day.split('/').count() == 3 && day.bytes().all(|byte| byte.is_ascii_digit() || byte == b'/');
        DigestName::parse(name).filter(|name| dated && self.wrote(name))
    }

    /// Whether a digest of this name is one of this chain's.
    pub fn wrote(&self, name: &DigestName<'_>) -> bool {
        name.account == self.account()
            && (name.region, name.trail, name.home) == (&*self.region, &*self.trail, &*self.home)
    }

    /// The key of a standard digest that ends at this time.
    pub fn key(&self, end: DateTime<Utc>) -> String {
        let Chain { stem, region, trail, home } = self;
        let (day, time) = (end.format("%Y/%m/%d"), end.format("%Y%m%dT%H%M%SZ"));
        format!("{stem}/{region}/{day}/{}_CloudTrail-Digest_{region}_{trail}_{home}_{time}.json.gz", self.account())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_a_chain() {
        let chain = Chain {
            stem: "p/AWSLogs/o-abcdefghij/123456789012/CloudTrail-Digest".to_owned(),
            region: "us-east-1".to_owned(),
            trail: "t".to_owned(),
            home: "eu-west-1".to_owned(),
        };
        assert_eq!((chain.account(), chain.root()), ("123456789012", "p/AWSLogs/o-abcdefghij/123456789012"));
        let log = "p/AWSLogs/o-abcdefghij/123456789012/CloudTrail/us-east-1/2025/06/01/x.json.gz";
        let logged = Logged::of(log).unwrap();
        assert_eq!((logged.account(), logged.is_of(&chain)), ("123456789012", true));
        assert!(!Logged::of(&log.replace("us-east-1", "eu-west-1")).unwrap().is_of(&chain));
        assert_eq!(Logged::of(&log.replace("CloudTrail", "CloudTrail-Digest")), None);
        let key = chain.key(DateTime::from_timestamp(1_748_740_000, 0).unwrap());
        assert_eq!(chain.name(&key).unwrap().trail, "t");
        for other in
            [key.replace("_t_", "_u_"), key.replace("2025/", "x/"), key.replace("p/", ""), key.replace("/us-", "/eu-")]
        {
            assert_eq!(chain.name(&other), None, "{other}");
        }
    }
}
