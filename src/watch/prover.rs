//! Digests, walked again and again beside everything else: what CloudTrail says that it delivered, held against what was read.
//!
//! A thread of its own with a lake of its own, so that a bucket that is slow to list holds up no alert. Places are those that are
//! watched; of a queue, the roots of the objects that its messages name. What is wrong is told as alerts are ([`Troubles`]).
//! Whether a digest is to be believed is for `ingest::digest` to say.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use ::aws::{AskCloudTrail, BucketArchive, Connection, Options as AwsOptions, Place};
use ::deliver::Desk;
use ::ingest::digest::folder::{Folder, Known, MetadataFile};
use ::ingest::digest::{KeyRing, PublicKeys, Span};
use lake::Lake;

use super::Options;
use super::families::{DIGESTS, DIGESTS_AT, PROMISED, PROVEN};
use super::metrics::Metrics;
use super::trouble::Troubles;
use crate::outcome::Failure;
use crate::proof::{self, Walked};
use crate::stop::Stop;

/// Roots of buckets that messages may name.
const ROOTS_MAX: usize = 100;
/// After a message about a digest so long is waited for more of them: the digests of an hour come together.
const GATHER: Duration = Duration::from_secs(20);
const LOOK: Duration = Duration::from_millis(200);
const ROOT: &str = "AWSLogs/";

/// What messages say of digests.
#[derive(Debug, Default)]
pub(super) struct Heard(Mutex<(BTreeSet<String>, Option<Instant>)>);

impl Heard {
    /// Objects that messages name; `digests` are those of them that are digests.
    pub(super) fn objects<'a>(&self, names: impl Iterator<Item = &'a String>, digests: &'a BTreeSet<String>) {
        let mut heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for name in names.chain(digests) {
            let root = name.find(ROOT).filter(|_| name.starts_with("s3://")).and_then(|at| name.get(..at + ROOT.len()));
            if let Some(root) = root.filter(|root| heard.0.len() < ROOTS_MAX && !heard.0.contains(*root)) {
                heard.0.insert(root.to_owned());
            }
        }
        if !digests.is_empty() {
            heard.1.get_or_insert_with(Instant::now);
        }
    }

    fn roots(&self) -> BTreeSet<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).0.clone()
    }

    /// Whether digests came a while ago that nobody has looked at.
    fn is_due(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).1.is_some_and(|since| since.elapsed() >= GATHER)
    }

    fn forget(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).1 = None;
    }
}

/// Walks digests.
pub(super) struct Prover {
    options: Options,
    desk: Arc<Desk>,
    metrics: Arc<Metrics>,
    heard: Arc<Heard>,
    troubles: Troubles,
    keys: Option<PublicKeys>,
}

impl Prover {
    /// Reads the public keys that are given.
    ///
    /// # Errors
    /// They cannot be read.
    pub(super) fn open(
        options: &Options,
        desk: &Arc<Desk>,
        metrics: &Arc<Metrics>,
        heard: &Arc<Heard>,
    ) -> Result<Prover, Failure> {
        let named = |path: &Path, why: &dyn std::fmt::Display| Failure::Usage(format!("{}: {why}", path.display()));
        let read = |path: &PathBuf| {
            let text = std::fs::read_to_string(path).map_err(|error| named(path, &error))?;
            PublicKeys::parse(&text).map_err(|error| named(path, &error))
        };
        let keys = options.public_keys.as_ref().map(read).transpose()?;
        let (desk, metrics, heard) = (desk.clone(), metrics.clone(), heard.clone());
        Ok(Prover { options: options.clone(), desk, metrics, heard, troubles: Troubles::default(), keys })
    }

    /// Goes on until somebody asks for an end. The process does not wait for it: notes stand whole or not at all.
    pub(super) fn start(mut self, stop: &Stop) -> Result<(), Failure> {
        let stop = stop.clone();
        let work = move || {
            let mut last: Option<Instant> = None;
            while !stop.is_asked() {
                let due = last.is_none_or(|last| last.elapsed() >= self.options.verify_every);
                if due || self.heard.is_due() {
                    self.heard.forget();
                    if let Err(failure) = self.check(&stop) {
                        tracing::warn!(%failure, "digests could not be verified; it is tried again");
                    }
                    last = Some(Instant::now());
                }
                std::thread::sleep(LOOK);
            }
        };
        std::thread::Builder::new().name("trailhound-prove".to_owned()).spawn(work)?;
        Ok(())
    }

    /// Walks what is new of every place, and tells what is wrong.
    ///
    /// # Errors
    /// A place, the keys, the lake or the outbox cannot be reached.
    pub(super) fn check(&mut self, stop: &Stop) -> Result<(), Failure> {
        let mut lake = Lake::open_for_writing(&self.options.lake, &self.options.aws.to_lake())?;
        let result = self.walk(&mut lake, stop);
        let proof = lake.proof()?;
        for (state, count) in [("promised", proof.digest_files), ("read", proof.have_files)] {
            self.metrics.set(PROMISED, &[("state", state)], count as f64);
        }
        for (state, count) in [
            ("verified", proof.verified),
            ("mismatch", proof.mismatched),
            ("unlisted", proof.unlisted),
            ("no_digest", proof.no_digest),
        ] {
            self.metrics.set(PROVEN, &[("verified", state)], count as f64);
        }
        self.troubles.compare(&proof);
        // What was found before a failure is told as well.
        let told = std::mem::take(&mut self.troubles.fresh);
        self.desk.accept_noting(&told, ::deliver::now())?;
        let walked = result?;
        self.metrics.set(DIGESTS_AT, &[], ::deliver::now() as f64 / 1e6);
        if walked.noted > 0 {
            tracing::info!(noted = walked.noted, "{}", proof::words(&proof));
        }
        Ok(())
    }

    fn walk(&mut self, lake: &mut Lake, stop: &Stop) -> Result<Walked, Failure> {
        let (mut walked, mut failed) = (Walked::default(), None);
        let options = self.options.clone();
        let aws = options.aws.to_options();
        let mut places: Vec<(AwsOptions, String)> = Vec::new();
        for path in &options.places {
            match path.to_str() {
                Some(text) if Place::parse(text).is_some() => places.push((aws.clone(), text.to_owned())),
                _ if crate::remote::is_remote(path) => {}
                _ => walked.add(self.folder(path, &aws, lake)?),
            }
        }
        for account in &options.accounts {
            let own = account.options(&options.aws);
            places.extend(account.places.iter().map(|place| (own.clone(), place.clone())));
        }
        let listed = |root: &String| places.iter().any(|(_, place)| root.starts_with(place.as_str()));
        let roots: Vec<String> = self.heard.roots().into_iter().filter(|root| !listed(root)).collect();
        places.extend(roots.into_iter().map(|root| (aws.clone(), root)));
        for (aws, place) in places {
            if stop.is_asked() {
                break;
            }
            if let Some(Ok(place)) = Place::parse(&place) {
                match self.bucket(&place, &aws, lake, stop) {
                    Ok(done) => walked.add(done),
                    // One that cannot be reached keeps none back.
                    Err(error) => failed = failed.or(Some(error)),
                }
            }
        }
        let digests = walked.digests;
        for (result, count) in [("valid", digests.valid), ("invalid", digests.invalid), ("unproven", digests.unproven)]
        {
            self.metrics.add(DIGESTS, &[("result", result)], count);
        }
        failed.map_or(Ok(walked), Err)
    }

    fn bucket(&mut self, place: &Place, aws: &AwsOptions, lake: &mut Lake, stop: &Stop) -> Result<Walked, Failure> {
        let connection = connect(aws)?;
        stop.halts(&connection);
        let archive = BucketArchive::new(&connection, place);
        let span = Span { start: self.options.source.start_time, end: None };
        let chains = archive.chains(span).map_err(|error| Failure::Io(error.to_string()))?.chains;
        let asked = AskCloudTrail::new(&connection);
        let keys: &dyn KeyRing = self.keys.as_ref().map_or(&asked, |keys| keys);
        let wanted = (&self.options.source, self.options.limits.max_inflated_bytes);
        proof::walk(&archive, keys, chains, wanted, lake, &mut self.troubles)
    }

    fn folder(&mut self, path: &Path, aws: &AwsOptions, lake: &mut Lake) -> Result<Walked, Failure> {
        let folder = Folder::open(&[path], metadata(path), &Known::default())?;
        let chains: Vec<_> = folder.chains().cloned().collect();
        if chains.is_empty() {
            return Ok(Walked::default());
        }
        let wanted = (&self.options.source, self.options.limits.max_inflated_bytes);
        match &self.keys {
            Some(keys) => proof::walk(&folder, keys, chains, wanted, lake, &mut self.troubles),
            None => {
                let keys = AskCloudTrail::new(&connect(aws)?);
                proof::walk(&folder, &keys, chains, wanted, lake, &mut self.troubles)
            }
        }
    }
}

fn connect(aws: &AwsOptions) -> Result<Connection, Failure> {
    Connection::open(aws).map_err(|error| Failure::Io(error.to_string()))
}

/// What S3 kept beside downloaded objects, their signatures among it: a file that lies in the folder, or beside it.
fn metadata(folder: &Path) -> MetadataFile {
    const NAME: &str = "objects.json";
    let read = |path: PathBuf| MetadataFile::parse(&std::fs::read_to_string(path).ok()?).ok();
    read(folder.join(NAME)).or_else(|| read(folder.with_file_name(NAME))).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_name_roots_and_digests_are_waited_for() {
        let heard = Heard::default();
        let names = ["s3://b/p/AWSLogs/1/CloudTrail/x", "s3://b/p/AWSLogs/2/CloudTrail/y", "https://q#1", "s3://c/x"];
        heard.objects(names.map(str::to_owned).iter(), &BTreeSet::new());
        assert_eq!(heard.roots(), BTreeSet::from(["s3://b/p/AWSLogs/".to_owned()]));
        assert!(heard.0.lock().is_ok_and(|heard| heard.1.is_none()));
        heard.objects([].iter(), &BTreeSet::from(["s3://d/AWSLogs/1/CloudTrail-Digest/z".to_owned()]));
        assert_eq!(heard.roots().len(), 2);
        assert!(!heard.is_due() && heard.0.lock().is_ok_and(|heard| heard.1.is_some()));
        heard.forget();
        assert!(heard.0.lock().is_ok_and(|heard| heard.1.is_none()));
    }
}
