//! The chain of digests, walked from the newest to the oldest as `aws cloudtrail validate-logs` walks it.
//!
//! A digest that can be read leads to the one before by name; one that cannot (missing, damaged, forged) is told, and
//! the walk goes on with the next older one of the listing. A digest without a predecessor begins a chain: an older one in
//! the listing then means a gap, in which validation was off. Standard and backfill digests are chains of their own.

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};

use super::archive::{Archive, Fault};
use super::chain::{Chain, Span};
use super::document::{Document, ListedLog};
use super::listing::Covered;
use super::log::{self, Checked};
use super::open::{Newer, Opened, Place, Trust, claims, open};
use super::signature::KeyRing;
use super::verdict::{Delivered, File, Gap, Remark, Role, Tally, Verdict};
use super::{Before, Options};
use crate::key::DigestName;

/// Digests of the hour after the end may list files that were delivered before it.
const AFTER_END: TimeDelta = TimeDelta::hours(1);
/// Backfill digests are written days after their time at most.
const BACKFILL: TimeDelta = TimeDelta::days(3);
/// Digests are written every hour; one that is this late is worth a word.
pub(super) const LATE: TimeDelta = TimeDelta::hours(2);

/// Verifies one chain, standard digests and then backfill digests; what its valid digests cover.
pub(super) fn verify(
    archive: &dyn Archive,
    keys: &dyn KeyRing,
    chain: &Chain,
    options: &Options,
    tally: &mut Tally<'_>,
) -> Result<Covered, Fault> {
    let bucket = options.bucket.clone().unwrap_or_else(|| archive.bucket(chain));
    let mut covered = Covered::new(&bucket);
    for backfill in [false, true] {
        let mut walk = Walk {
            archive,
            keys,
            chain,
            options,
            backfill,
            bucket: bucket.clone(),
            listed: Vec::new(),
            skipped: Vec::new(),
            visited: HashSet::new(),
            covered: &mut covered,
            tally,
        };
        walk.listed = walk.list()?;
        let ends: Vec<_> = walk.listed.iter().filter_map(|key| end_of(key)).filter(|end| walk.is_new(*end)).collect();
        for end in ends {
            walk.covered.claims(end - AFTER_END, end);
        }
        walk.run()?;
    }
    Ok(covered)
}

/// One walk through one kind of digests.
struct Walk<'a, 'b> {
    archive: &'a dyn Archive,
    keys: &'a dyn KeyRing,
    chain: &'a Chain,
    options: &'a Options,
    backfill: bool,
    bucket: String,
    /// Listed and not come to yet; the newest is last.
    listed: Vec<String>,
    /// Listed, and passed over because a pointer led elsewhere.
    skipped: Vec<String>,
    /// What was looked at.
    visited: HashSet<String>,
    covered: &'a mut Covered,
    tally: &'a mut Tally<'b>,
}

impl Walk<'_, '_> {
    /// From when on digests are walked: what is written later for times of before is walked too.
    fn start(&self) -> Option<DateTime<Utc>> {
        let start = self.options.span.start?;
        let late = self.backfill && self.options.before == Before::Walked;
        Some(if late { start.checked_sub_signed(BACKFILL).unwrap_or(start) } else { start })
    }

    /// Whether a digest that ends then is of the time that is asked for. One of before lists what came late; which other files
    /// belong to its time is not known any more.
    fn is_new(&self, end: DateTime<Utc>) -> bool {
        !self.backfill
            || self.options.before != Before::Walked
            || self.options.span.start.is_none_or(|start| end > start)
    }

    /// Keys of the time that is asked for, oldest first.
    fn list(&self) -> Result<Vec<String>, Fault> {
        let (start, Span { end, .. }) = (self.start(), self.options.span);
        let from = start.unwrap_or(DateTime::UNIX_EPOCH);
        // One hour more, because files spill over into the next digest.
        let to = end.unwrap_or_else(Utc::now).checked_add_signed(AFTER_END).unwrap_or(DateTime::<Utc>::MAX_UTC);
        let mut keys = self.archive.digests(&self.bucket, self.chain, from)?;
        keys.retain(|key| {
            self.chain.name(key).is_some_and(|name| name.backfill == self.backfill && (from..=to).contains(&name.end))
        });
        Ok(keys)
    }

    /// The newest listed digest that is older than `before`.
    fn older(&mut self, before: Option<DateTime<Utc>>) -> Option<String> {
        while let Some(key) = self.listed.pop() {
            if self.visited.contains(&key) {
                continue;
            }
            if before.is_none_or(|before| end_of(&key).is_some_and(|end| end < before)) {
                return Some(key);
            }
            self.skipped.push(key);
        }
        None
    }

    fn run(&mut self) -> Result<(), Fault> {
        let mut next = self.older(None);
        let mut last_start = next.as_deref().and_then(end_of);
        self.is_late(next.as_deref());
        // The digest that names the next one as the one before it.
        let mut newer: Option<Newer> = None;
        while let Some(key) = next {
            if self.start().is_some_and(|start| last_start.is_some_and(|last| start > last)) {
                break;
            }
            let ends = end_of(&key).or(last_start);
            if !self.visited.insert(key.clone()) {
                self.tell(&key, Verdict::Loop, None, newer.as_ref());
                next = self.older(ends);
                newer = None;
                continue;
            }
            let opened = self.open(&key, newer.as_ref())?;
            for (remark, detail) in opened.remarks {
                self.tally.remark(remark, &self.bucket, &key, detail);
            }
            match opened.outcome {
                Ok((document, trust)) => {
                    self.believe(&key, &document, &trust, opened.detail, newer.as_ref());
                    last_start = Some(document.start);
                    next = self.before(&key, &document, ends)?;
                    newer = document.previous.is_some().then_some(Newer { document, trust });
                }
                Err(verdict) => {
                    if !self.is_chain_start(&key, &verdict, newer.as_ref()) {
                        self.tell(&key, verdict, opened.detail, newer.as_ref());
                    }
                    next = self.older(ends);
                    newer = None;
                }
            }
        }
        self.strays(last_start);
        Ok(())
    }

    fn open(&self, key: &str, newer: Option<&Newer>) -> Result<Opened, Fault> {
        let (bucket, home, limit) = (&*self.bucket, &*self.chain.home, self.options.inflated_bytes);
        open(self.archive, self.keys, &Place { bucket, key, home, backfill: self.backfill, limit }, newer)
    }

    /// Whether this is where a downloaded part of a chain begins. With a start time, every digest since must be there.
    fn is_chain_start(&mut self, key: &str, verdict: &Verdict, newer: Option<&Newer>) -> bool {
        let absent = matches!(verdict, Verdict::NotFound | Verdict::Unproven(_));
        let older = self.listed.iter().any(|listed| end_of(listed) < end_of(key));
        let demanded = self.options.span.start.is_some() && self.options.before != Before::Open;
        if !absent || older || newer.is_none() || demanded {
            return false;
        }
        let detail = "the chain goes on with this digest, which is not here: nothing is said of the time before it";
        self.tally.remark(Remark::ChainStart, &self.bucket, key, detail);
        true
    }

    /// The digest before a good one: the one that it names, or after a gap the next one of the listing.
    fn before(&mut self, key: &str, document: &Document, ends: Option<DateTime<Utc>>) -> Result<Option<String>, Fault> {
        let Some(previous) = &document.previous else {
            let next = self.older(ends);
            if let Some(from) = next.as_deref().and_then(end_of) {
                let digest = format!("s3://{}/{key}", self.bucket);
                self.tally.gap(Gap { from, to: document.start, digest, backfill: self.backfill });
            }
            return Ok(next);
        };
        if previous.bucket != self.bucket {
            self.bucket.clone_from(&previous.bucket);
            self.listed = self.list()?;
        }
        Ok(Some(previous.key.clone()))
    }

    /// A digest that is signed, or that nothing speaks against: its files are looked at.
    fn believe(
        &mut self,
        key: &str,
        document: &Document,
        trust: &Trust,
        detail: Option<String>,
        newer: Option<&Newer>,
    ) {
        let verdict = match trust {
            Trust::Signed => Verdict::Valid,
            Trust::Unknown(why) => Verdict::Unproven(why.clone()),
        };
        self.tell(key, verdict, detail, newer);
        if *trust == Trust::Signed {
            if let Some(Newer { document: newer, trust: Trust::Signed }) = newer {
                self.compare(key, document, newer);
            }
            self.oddities(key, document);
            let Span { start, end } = self.options.span;
            let (chain, bucket, logs) = (self.chain, &*self.bucket, &*document.logs);
            self.tally.findings.delivered(&Delivered {
                chain,
                bucket,
                key,
                span: (document.start, document.end),
                logs,
            });
            if self.is_new(document.end) {
                self.covered.span(document.start, document.end);
            }
            self.tally.covers(
                start.map_or(document.start, |start| start.max(document.start)),
                end.map_or(document.end, |end| end.min(document.end)),
            );
        }
        self.check_logs(key, &document.logs, trust);
    }

    /// What the client of AWS does not look at: whether two digests that are both signed also fit each other.
    fn compare(&mut self, key: &str, document: &Document, newer: &Document) {
        let hash = newer.previous.as_ref().and_then(|previous| previous.sha256.as_deref());
        if hash.is_some_and(|hash| !hash.eq_ignore_ascii_case(&document.sha256)) {
            let detail = "the digest after it keeps another hash of its text";
            self.tally.remark(Remark::PreviousHash, &self.bucket, key, detail);
        }
        if newer.start != document.end && !self.backfill {
            let detail = format!("it ends at {}, the digest after it begins at {}", document.end, newer.start);
            self.tally.remark(Remark::Hole, &self.bucket, key, detail);
        }
    }

    /// What a signed digest says of itself, and CloudTrail never does.
    fn oddities(&mut self, key: &str, document: &Document) {
        if let Some(account) = document.account.as_deref().filter(|account| *account != self.chain.account()) {
            let detail = format!("it names the account {account}, its key {}", self.chain.account());
            self.tally.remark(Remark::Account, &self.bucket, key, detail);
        }
        if !document.odd_algorithms.is_empty() {
            let detail = format!("{}; everything was checked with SHA-256", document.odd_algorithms.join(", "));
            self.tally.remark(Remark::Algorithm, &self.bucket, key, detail);
        }
    }

    /// Notes that a digest lists a file; says so where one did before.
    fn listed(&mut self, digest: &str, listed: &ListedLog) {
        if !self.covered.listed(&listed.bucket, &listed.key) {
            let detail = format!("listed again by s3://{}/{digest}", self.bucket);
            self.tally.remark(Remark::ListedTwice, &listed.bucket, &listed.key, detail);
        }
    }

    /// Hashes the files that a digest lists, several at a time, and tells of them in the digest's order.
    fn check_logs(&mut self, digest: &str, logs: &[ListedLog], trust: &Trust) {
        if !self.options.read_logs {
            return logs.iter().for_each(|listed| self.listed(digest, listed));
        }
        for (listed, mut checked) in logs.iter().zip(check_all(self.archive, logs, self.options)) {
            if let (Verdict::Valid, Trust::Unknown(_)) = (&checked.verdict, trust) {
                checked.verdict = Verdict::Unproven("the digest that lists it is not proven".to_owned());
            }
            if checked.cut_trailer {
                let detail = "its gzip trailer is cut off; its text is whole and has the hash that was signed";
                self.tally.remark(Remark::CutTrailer, &listed.bucket, &listed.key, detail);
            }
            self.listed(digest, listed);
            if let (Verdict::NotFound, Some(sha256)) = (&checked.verdict, &listed.sha256) {
                self.covered.missing(sha256, &listed.key);
            }
            self.tally.file(File {
                role: Role::Log,
                bucket: listed.bucket.clone(),
                key: listed.key.clone(),
                verdict: checked.verdict,
                listed_by: Some(digest.to_owned()),
                detail: checked.detail,
            });
        }
    }

    fn tell(&mut self, key: &str, verdict: Verdict, detail: Option<String>, newer: Option<&Newer>) {
        let role = if self.backfill { Role::BackfillDigest } else { Role::Digest };
        let listed_by = newer.map(|newer| newer.document.key.clone());
        self.tally.file(File { role, bucket: self.bucket.clone(), key: key.to_owned(), verdict, listed_by, detail });
    }

    /// Listed digests of the walked time that nothing led to.
    fn strays(&mut self, last_start: Option<DateTime<Utc>>) {
        let rest = std::mem::take(&mut self.listed).into_iter().chain(std::mem::take(&mut self.skipped));
        let reached = |key: &str| end_of(key).is_some_and(|end| last_start.is_none_or(|last| end > last));
        let mut strays: Vec<_> = rest.filter(|key| !self.visited.contains(key) && reached(key)).collect();
        strays.sort_unstable();
        for key in strays {
            let here = format!("s3://{}/{key}", self.bucket);
            let elsewhere = claims(self.archive, &self.bucket, &key, self.options.inflated_bytes);
            let detail = match elsewhere.filter(|claims| *claims != here) {
                Some(claims) => format!("no chain leads to this digest; it says that it belongs at {claims}"),
                None => "no chain leads to this digest".to_owned(),
            };
            self.tally.remark(Remark::StrayDigest, &self.bucket, &key, detail);
        }
    }

    /// Only a run up to now can tell whether a digest is late.
    fn is_late(&mut self, newest: Option<&str>) {
        let Some((key, end)) = newest.and_then(|key| Some((key, end_of(key)?))) else { return };
        let age = Utc::now().signed_duration_since(end);
        if !self.backfill && self.options.span.end.is_none() && age > LATE {
            let hours = age.num_hours();
            let detail = format!("the newest digest ends at {end}, {hours} hours ago; they come every hour");
            self.tally.remark(Remark::Late, &self.bucket, key, detail);
        }
    }
}

/// When a digest ends, by its name.
fn end_of(key: &str) -> Option<DateTime<Utc>> {
    let name = key.rsplit_once('/').map_or(key, |(_, name)| name);
    DigestName::parse(name).map(|name| name.end)
}

/// Checks log files on a few threads; verdicts in the order of the files.
fn check_all(archive: &dyn Archive, logs: &[ListedLog], options: &Options) -> Vec<Checked> {
    let places: Vec<_> = logs.iter().map(|_| Mutex::new(None)).collect();
    let turn = AtomicUsize::new(0);
    let work = || {
        loop {
            let index = turn.fetch_add(1, Ordering::Relaxed);
            let (Some(listed), Some(place)) = (logs.get(index), places.get(index)) else { return };
            let checked = log::check(archive, listed, options.inflated_bytes)
                .unwrap_or_else(|fault| Verdict::Unproven(fault.to_string()).into());
            *place.lock().unwrap_or_else(PoisonError::into_inner) = Some(checked);
        }
    };
    std::thread::scope(|scope| {
        // The caller works too: one file is not worth a thread.
        for _ in 1..options.threads.get().min(logs.len()) {
            scope.spawn(work);
        }
        work();
    });
    let stopped = || Verdict::Unproven("a reader thread stopped; please report it".to_owned()).into();
    let taken = places.into_iter().map(|place| place.into_inner().unwrap_or_else(PoisonError::into_inner));
    taken.map(|checked| checked.unwrap_or_else(stopped)).collect()
}
