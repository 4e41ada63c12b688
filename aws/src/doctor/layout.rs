//! Which accounts and Regions a place in a bucket holds, and the newest file there: folders are asked for, not every key.

use std::collections::{BTreeSet, VecDeque};

use chrono::{DateTime, Utc};
use ingest::key::{Key, Kind, is_account, is_organisation, is_region};

use crate::bucket::Bucket;
use crate::error::Error;

/// Requests after which what was seen so far has to do.
const REQUESTS: usize = 250;
/// Folders of Regions that are looked into for their newest file, of log files and of digests.
const LOOKED_INTO: usize = 20;
/// Folders in front of `AWSLogs` that are looked into.
const DEPTH: usize = 4;
/// Others' folders that are named.
const OTHERS: usize = 20;

/// A file, and when it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Newest {
    pub(super) key: String,
    /// When CloudTrail wrote it, by its name; when it was uploaded where the name does not say.
    pub(super) time: DateTime<Utc>,
    pub(super) uploaded: DateTime<Utc>,
}

/// What lies in a place.
#[derive(Debug, Default)]
pub(super) struct Layout {
    pub(super) accounts: BTreeSet<String>,
    pub(super) regions: BTreeSet<String>,
    /// Folders that are none of CloudTrail's.
    pub(super) others: Vec<String>,
    pub(super) newest: Option<Newest>,
    pub(super) newest_digest: Option<Newest>,
    /// Whether everything was looked at.
    pub(super) whole: bool,
}

/// Where a folder stands in CloudTrail's layout.
#[derive(Debug, PartialEq, Eq)]
enum Stage<'a> {
    /// In front of `AWSLogs`.
    Before,
    /// `AWSLogs`, an organisation, an account, a kind: what follows is of interest.
    Within,
    /// `ACCOUNT/KIND/REGION`.
    Region { account: &'a str, kind: Kind, region: &'a str },
    /// None of CloudTrail's, or below a Region.
    Other,
}

fn stage(folder: &str) -> Stage<'_> {
    let mut parts = folder.split_terminator('/');
    if parts.by_ref().all(|part| part != "AWSLogs") {
        return if folder.matches('/').count() <= DEPTH { Stage::Before } else { Stage::Other };
    }
    let mut rest = parts.peekable();
    if rest.peek().is_some_and(|part| is_organisation(part)) {
        rest.next();
    }
    let Some(account) = rest.next() else { return Stage::Within };
    if !is_account(account) {
        return Stage::Other;
    }
    let Some(kind) = rest.next() else { return Stage::Within };
    let Some(kind) = Kind::of_folder(kind) else { return Stage::Other };
    match (rest.next(), rest.next()) {
        (None, _) => Stage::Within,
        (Some(region), None) if is_region(region) => Stage::Region { account, kind, region },
        _ => Stage::Other,
    }
}

/// Looks at a place.
///
/// # Errors
/// The first listing was refused; needs `s3:ListBucket`.
pub(super) fn look(bucket: &Bucket, prefix: &str) -> Result<Layout, Error> {
    let mut layout = Layout { whole: true, ..Layout::default() };
    let mut requests = 0;
    let mut regions: Vec<(Kind, String)> = Vec::new();
    let mut todo = VecDeque::new();
    match region_above(prefix) {
        Some(found) => layout.region(found, &mut regions),
        None => todo.push_back(start(prefix)),
    }
    while let Some(at) = todo.pop_front() {
        if requests == REQUESTS {
            layout.whole = false;
            break;
        }
        requests += 1;
        for found in bucket.connection().wait(bucket.folders(&at))? {
            match stage(&found) {
                Stage::Before | Stage::Within => todo.push_back(found),
                Stage::Region { .. } => layout.region(&found, &mut regions),
                Stage::Other if layout.others.len() < OTHERS => layout.others.push(found),
                Stage::Other => {}
            }
        }
    }
    for digest in [false, true] {
        let folders: Vec<_> = regions.iter().filter(|(kind, _)| (*kind == Kind::Digest) == digest).collect();
        layout.whole &= folders.len() <= LOOKED_INTO;
        let mut newest: Option<Newest> = None;
        for (_, folder) in folders.iter().take(LOOKED_INTO) {
            let found = newest_of(bucket, folder)?;
            newest = newest.into_iter().chain(found).max_by_key(|newest| newest.time);
        }
        *(if digest { &mut layout.newest_digest } else { &mut layout.newest }) = newest;
    }
    Ok(layout)
}

impl Layout {
    fn region(&mut self, folder: &str, regions: &mut Vec<(Kind, String)>) {
        if let Stage::Region { account, kind, region } = stage(folder) {
            self.accounts.insert(account.to_owned());
            self.regions.insert(region.to_owned());
            regions.push((kind, folder.to_owned()));
        }
    }
}

/// The folder of a Region that a prefix leads into.
fn region_above(prefix: &str) -> Option<&str> {
    let ends = prefix.match_indices('/').map(|(at, _)| at);
    ends.filter_map(|at| prefix.get(..=at)).find(|folder| matches!(stage(folder), Stage::Region { .. }))
}

/// Where to begin: what a user calls a prefix may lack its last slash, or end in the middle of a name.
fn start(prefix: &str) -> String {
    let folder = if prefix.is_empty() || prefix.ends_with('/') { prefix.to_owned() } else { format!("{prefix}/") };
    match stage(&folder) {
        Stage::Other => prefix.rfind('/').and_then(|at| prefix.get(..=at)).unwrap_or_default().to_owned(),
        _ => folder,
    }
}

/// The newest file of a Region: the last year, month and day, and of those files the one that CloudTrail wrote last.
fn newest_of(bucket: &Bucket, region: &str) -> Result<Option<Newest>, Error> {
    let connection = bucket.connection();
    let mut at = region.to_owned();
    for _ in 0..3 {
        let Some(last) = connection.wait(bucket.folders(&at))?.pop() else { return Ok(None) };
        at = last;
    }
    let (mut newest, mut after): (Option<Newest>, String) = (None, String::new());
    loop {
        let page = connection.wait(bucket.page(&at, &after))?;
        let timed = page.objects.iter().filter_map(|object| {
            let uploaded = DateTime::from_timestamp_micros(object.modified?)?;
            let time = Key::parse(&object.key).and_then(|key| key.time()).unwrap_or(uploaded);
            Some(Newest { key: object.key.clone(), time, uploaded })
        });
        newest = newest.into_iter().chain(timed).max_by_key(|newest| newest.time);
        match page.objects.into_iter().next_back() {
            Some(last) if page.more => after = last.key,
            _ => return Ok(newest),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_told_apart() {
        let region = |kind| Stage::Region { account: "111122223333", kind, region: "eu-west-1" };
        for (folder, expected) in [
            ("", Stage::Before),
            ("logs/", Stage::Before),
            ("AWSLogs/", Stage::Within),
            ("p/AWSLogs/o-abcdefghij/", Stage::Within),
            ("AWSLogs/111122223333/", Stage::Within),
            ("AWSLogs/elb/", Stage::Other),
            ("AWSLogs/111122223333/CloudTrail/", Stage::Within),
            ("AWSLogs/111122223333/Config/", Stage::Other),
            ("AWSLogs/111122223333/CloudTrail/eu-west-1/", region(Kind::Events)),
            ("o-abcdefghij/AWSLogs/o-abcdefghij/111122223333/CloudTrail-Digest/eu-west-1/", region(Kind::Digest)),
            ("AWSLogs/111122223333/CloudTrail/eu-west-1/2026/", Stage::Other),
            ("a/b/c/d/e/", Stage::Other),
        ] {
            assert_eq!(stage(folder), expected, "{folder}");
        }
    }

    #[test]
    fn a_prefix_may_end_anywhere() {
        for (prefix, begins) in
            [("", ""), ("p", "p/"), ("AWSLogs/1111", "AWSLogs/"), ("AWSLogs/111122223333/", "AWSLogs/111122223333/")]
        {
            assert_eq!(start(prefix), begins, "{prefix}");
        }
        let region = "AWSLogs/111122223333/CloudTrail/eu-west-1/";
        assert_eq!(region_above(&format!("{region}2026/01")), Some(region));
        assert_eq!(region_above("AWSLogs/111122223333/CloudTrail/"), None);
    }
}
