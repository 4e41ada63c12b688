//! A bucket as `ingest::digest` asks for it: its digests, its log files, and which trails write there.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use chrono::{DateTime, TimeDelta, Utc};
use ingest::digest::{Archive, Chain, Fault, Logged, Metadata, Object, Span};
use ingest::key::{DigestName, Key, Kind};
use ingest::source::Halted;

use crate::bucket::{Bucket, Listed, Page};
use crate::connection::Connection;
use crate::error::{Error, Kind as Refusal};
use crate::place::Place;

/// Who writes into a place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// Chains of digests.
    pub chains: BTreeSet<Chain>,
    /// Regions with log files.
    pub logged: BTreeSet<Logged>,
}

/// A bucket with digests in it.
#[derive(Debug)]
pub struct BucketArchive {
    connection: Connection,
    bucket: Bucket,
    prefix: String,
}

impl BucketArchive {
    /// A place that digests and log files are in.
    pub fn new(connection: &Connection, place: &Place) -> BucketArchive {
        let bucket = Bucket::new(connection, &place.bucket);
        BucketArchive { connection: connection.clone(), bucket, prefix: place.prefix.clone() }
    }

    /// The chains whose digests of this time lie under the place, and the Regions with log files. The log files themselves, and
    /// digests of other times, are passed over.
    ///
    /// # Errors
    /// What S3 refuses; needs `s3:ListBucket`.
    pub fn chains(&self, span: Span) -> Result<Found, Error> {
        let day = |time: DateTime<Utc>| time.format("%Y/%m/%d").to_string();
        // Digests of the hour after the end are read too.
        let (from, to) = (span.start.map(day), span.end.map(|end| day(end + TimeDelta::hours(1))));
        let mut found = Found::default();
        let mut after = String::new();
        loop {
            let Page { objects, more } =
                self.connection.reading(self.bucket.page(&self.prefix, &after)).map_err(|halted| {
                    Error::new(format!("s3://{}", self.bucket.name()), Refusal::Other, halted.to_string())
                })??;
            let Some(last) = objects.last().map(|listed| listed.key.clone()) else { return Ok(found) };
            let mut jump = String::new();
            for Listed { key, .. } in objects.iter() {
                // Only the last key of a page says where the next may begin: not every server lists in the order of bytes.
                jump.clear();
                let Some(parsed) = Key::parse(key) else { continue };
                let regional = key.len() - parsed.day.len() - parsed.name.len() - 1;
                let regional = key.get(..regional).unwrap_or(key);
                if parsed.kind != Kind::Digest {
                    found.logged.extend(Logged::of(key));
                    jump = format!("{regional}{}", char::MAX);
                } else if let Some(from) = from.as_deref().filter(|from| parsed.day < *from) {
                    jump = format!("{regional}{from}");
                } else if to.as_deref().is_some_and(|to| parsed.day > to) {
                    jump = format!("{regional}{}", char::MAX);
                } else {
                    found.chains.extend(chain(key));
                }
            }
            if !more {
                return Ok(found);
            }
            after = last.max(jump);
        }
    }

    /// Lists keys under `prefix` after `after`, until `each` has enough.
    fn each(
        &self,
        bucket: &Bucket,
        prefix: &str,
        after: &str,
        each: &mut dyn FnMut(&str) -> ControlFlow<()>,
    ) -> Result<(), Fault> {
        let mut after = after.to_owned();
        loop {
            let page = self.connection.reading(bucket.page(prefix, &after)).map_err(halted)?.map_err(fault)?;
            for listed in &page.objects {
                if each(&listed.key).is_break() {
                    return Ok(());
                }
            }
            match page.objects.into_iter().next_back() {
                Some(last) if page.more => after = last.key,
                _ => return Ok(()),
            }
        }
    }

    fn of(&self, name: &str) -> Bucket {
        if name == self.bucket.name() { self.bucket.clone() } else { Bucket::new(&self.connection, name) }
    }
}

/// The chain that a digest's key is of.
pub(crate) fn chain(key: &str) -> Option<Chain> {
    let (folders, name) = key.rsplit_once('/')?;
    let name = DigestName::parse(name)?;
    let stem = folders.rsplitn(5, '/').nth(4)?;
    let chain = Chain {
        stem: stem.to_owned(),
        region: name.region.to_owned(),
        trail: name.trail.to_owned(),
        home: name.home.to_owned(),
    };
    chain.name(key).is_some().then_some(chain)
}

fn halted(halted: Halted) -> Fault {
    Fault::Unread(halted.to_string())
}

fn fault(error: Error) -> Fault {
    match error.kind {
        Refusal::Absent => Fault::Absent,
        _ => Fault::Unread(error.to_string()),
    }
}

impl Archive for BucketArchive {
    fn bucket(&self, _chain: &Chain) -> String {
        self.bucket.name().to_owned()
    }

    fn digests(&self, bucket: &str, chain: &Chain, from: DateTime<Utc>) -> Result<Vec<String>, Fault> {
        let prefix = format!("{}/{}/", chain.stem, chain.region);
        let after = format!("{prefix}{}", from.format("%Y/%m/%d"));
        let mut keys = Vec::new();
        self.each(&self.of(bucket), &prefix, &after, &mut |key| {
            if chain.name(key).is_some_and(|name| name.end >= from) {
                keys.push(key.to_owned());
            }
            ControlFlow::Continue(())
        })?;
        Ok(keys)
    }

    fn open(&self, bucket: &str, key: &str) -> Result<Object, Fault> {
        let bucket = self.of(bucket);
        let (opened, body) = self.connection.reading(bucket.get(key)).map_err(halted)?.map_err(fault)?;
        Ok(Object { metadata: Metadata::Known(opened.metadata), body: Box::new(std::io::Cursor::new(body)) })
    }

    fn logs(
        &self,
        bucket: &str,
        chain: &Chain,
        (from, to): (DateTime<Utc>, DateTime<Utc>),
        each: &mut dyn FnMut(&str) -> ControlFlow<()>,
    ) -> Result<(), Fault> {
        let bucket = self.of(bucket);
        for kind in Kind::ALL.into_iter().filter(|kind| *kind != Kind::Digest) {
            let prefix = format!("{}/{}/{}/", chain.root(), kind.folder(), chain.region);
            let after = format!("{prefix}{}", from.format("%Y/%m/%d"));
            let end = format!("{prefix}{}{}", to.format("%Y/%m/%d"), char::MAX);
            let mut stopped = false;
            self.each(&bucket, &prefix, &after, &mut |key| {
                if key > end.as_str() {
                    return ControlFlow::Break(());
                }
                let flow = each(key);
                stopped = flow.is_break();
                flow
            })?;
            if stopped {
                return Ok(());
            }
        }
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_key_names_its_chain() {
        let key = "p/AWSLogs/1/CloudTrail-Digest/us-east-1/2025/06/01/1_x";
        assert_eq!(chain(key), None);
        let key = key
            .replace("AWSLogs/1/", "AWSLogs/123456789012/")
            .replace("1_x", "123456789012_CloudTrail-Digest_us-east-1_t_eu-west-1_20250601T010000Z.json.gz");
        let chain = chain(&key).unwrap();
        assert_eq!(
            (&*chain.stem, &*chain.trail, &*chain.home),
            ("p/AWSLogs/123456789012/CloudTrail-Digest", "t", "eu-west-1")
        );
    }
}
