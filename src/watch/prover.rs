//! Digests, walked again and again beside everything else: what CloudTrail says that it delivered, held against what was read.
//!
//! A thread of its own with a lake of its own, so that a bucket that is slow to list holds up no alert. Places are those that are
//! watched; of a queue, the roots of the objects that its messages name ([`Heard`]). What is wrong is told as alerts are, before
//! the lake notes that the digests were walked ([`Troubles`], [`Missing`]). Whether a digest is to be believed is for
//! `ingest::digest` to say.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ::aws::{AskCloudTrail, BucketArchive, Connection, Options as AwsOptions, Place};
use ::ingest::digest::folder::{Folder, Known, MetadataFile};
use ::ingest::digest::{Finding, Findings, KeyRing, PublicKeys, Span};
use chrono::{DateTime, NaiveTime, TimeDelta, Utc};
use lake::{Lake, Proof};

use super::Options;
use super::families::{DIGESTS, DIGESTS_AT, PROMISED, PROVEN};
use super::heard::Heard;
use super::metrics::Metrics;
use super::missing::{self, Missing};
use super::telling::Telling;
use super::trouble::Troubles;
use crate::outcome::Failure;
use crate::proof::{self, Walked, Wanted, Witness};
use crate::stop::Stop;

const LOOK: Duration = Duration::from_millis(200);
/// A place that does not answer is asked so often and then left for the next round: others wait behind it.
const ATTEMPTS: u32 = 3;
/// A listing takes whole days, and a digest lists what was delivered in its hour and some minutes before: from here on both speak
/// of the same files.
const INTO_THE_DAY: TimeDelta = TimeDelta::minutes(75);
/// A file may be on its way for so many rounds before it is missed.
const GRACE_ROUNDS: u32 = 2;

/// Where digests lie.
enum Source {
    Folder(PathBuf),
    Bucket {
        name: String,
        aws: Box<AwsOptions>,
        /// What a message told of first: nobody reads what was delivered before.
        first: Option<DateTime<Utc>>,
    },
}

impl Source {
    fn name(&self) -> String {
        match self {
            Source::Folder(path) => path.display().to_string(),
            Source::Bucket { name, .. } => name.clone(),
        }
    }
}

/// Who hears of findings: the way of all alerts.
struct Told<'a> {
    troubles: &'a mut Troubles,
    telling: &'a Telling,
}

impl Findings for Told<'_> {
    fn found(&mut self, finding: Finding) {
        self.troubles.found(finding);
    }
}

impl Witness for Told<'_> {
    fn keep(&mut self) -> Result<(), Failure> {
        let fresh = self.troubles.fresh.clone();
        // The same trouble found again has no new figures.
        let steps = self.telling.tell(fresh, None, &|_| false)?;
        self.troubles.fresh.clear();
        self.telling.leave(steps);
        Ok(())
    }
}

/// Walks digests.
pub(super) struct Prover {
    options: Options,
    telling: Arc<Telling>,
    metrics: Arc<Metrics>,
    heard: Arc<Heard>,
    troubles: Troubles,
    missing: Missing,
    keys: Option<PublicKeys>,
    /// Places that could not be reached the last time: they come last.
    away: BTreeSet<String>,
}

/// Reads public keys, as `--public-keys` takes them.
///
/// # Errors
/// They cannot be read.
pub(super) fn public_keys(path: &Path) -> Result<PublicKeys, Failure> {
    let named = |why: &dyn std::fmt::Display| Failure::Usage(format!("{}: {why}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| named(&error))?;
    PublicKeys::parse(&text).map_err(|error| named(&error))
}

impl Prover {
    /// Reads the public keys that are given.
    ///
    /// # Errors
    /// They cannot be read.
    pub(super) fn open(
        options: &Options,
        telling: &Arc<Telling>,
        metrics: &Arc<Metrics>,
        heard: &Arc<Heard>,
    ) -> Result<Prover, Failure> {
        let keys = options.public_keys.as_deref().map(public_keys).transpose()?;
        let (telling, metrics, heard) = (telling.clone(), metrics.clone(), heard.clone());
        let (troubles, missing, away) = Default::default();
        Ok(Prover { options: options.clone(), telling, metrics, heard, troubles, missing, keys, away })
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
                    if let Err(failure) = self.check(&stop)
                        && !stop.is_asked()
                    {
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
        let mut walked = Vec::new();
        let (done, failed) = self.walk(&mut lake, &mut walked, stop)?;
        let shortfall = lake.shortfall()?;
        self.measure(&shortfall.proof);
        let grace = if self.options.once { Duration::ZERO } else { self.options.verify_every * GRACE_ROUNDS };
        let how = (grace, self.options.limits.max_inflated_bytes);
        self.missing.look(&shortfall, &walked, how, &|| stop.is_asked(), &mut self.troubles);
        shortfall.unlisted.iter().for_each(|object| self.troubles.unlisted(object));
        Told { troubles: &mut self.troubles, telling: &self.telling }.keep()?;
        let notes: Vec<_> = shortfall.unlisted.iter().filter_map(|object| proof::unlisted(object)).collect();
        lake.note(&notes)?;
        if done.noted > 0 {
            tracing::info!(noted = done.noted, "{}", proof::words(&shortfall.proof));
        }
        match failed {
            Some(failure) => Err(failure),
            None => {
                self.metrics.set(DIGESTS_AT, &[], ::deliver::now() as f64 / 1e6);
                Ok(())
            }
        }
    }

    fn measure(&self, proof: &Proof) {
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
    }

    /// Where digests may lie, those that were away the last time at the end.
    fn sources(&self) -> Vec<Source> {
        let options = &self.options;
        let aws = options.aws.to_options();
        let bucket = |name: &str, aws: &AwsOptions, first| Source::Bucket {
            name: name.to_owned(),
            aws: Box::new(AwsOptions { attempts: Some(ATTEMPTS), ..aws.clone() }),
            first,
        };
        let mut sources = Vec::new();
        for path in &options.places {
            match path.to_str() {
                Some(text) if Place::parse(text).is_some() => sources.push(bucket(text, &aws, None)),
                _ if crate::remote::is_remote(path) => {}
                _ => sources.push(Source::Folder(path.clone())),
            }
        }
        for account in &options.accounts {
            let own = account.options(&options.aws);
            sources.extend(account.places.iter().map(|place| bucket(place, &own, None)));
        }
        let listed: Vec<String> = sources.iter().map(Source::name).collect();
        let heard = self.heard.roots().into_iter();
        let heard = heard.filter(|(root, _)| !listed.iter().any(|place| root.starts_with(place.as_str())));
        sources.extend(heard.map(|(root, first)| bucket(&root, &aws, first)));
        sources.sort_by_key(|source| self.away.contains(&source.name()));
        sources
    }

    fn walk(
        &mut self,
        lake: &mut Lake,
        opened: &mut Vec<missing::Walked>,
        stop: &Stop,
    ) -> Result<(Walked, Option<Failure>), Failure> {
        let (mut walked, mut failed) = (Walked::default(), None);
        for source in self.sources() {
            if stop.is_asked() {
                break;
            }
            let name = source.name();
            let (done, failure) = match source {
                Source::Folder(path) => self.folder(&path, lake, opened)?,
                Source::Bucket { name, aws, first } => match Place::parse(&name) {
                    Some(Ok(place)) => self.bucket(&place, &aws, first, lake, opened, stop)?,
                    _ => continue,
                },
            };
            walked.add(done);
            // One that cannot be reached keeps none back.
            match failure {
                Some(_) => self.away.insert(name),
                None => self.away.remove(&name),
            };
            failed = failed.or(failure);
        }
        let digests = walked.digests;
        for (result, count) in [("valid", digests.valid), ("invalid", digests.invalid), ("unproven", digests.unproven)]
        {
            self.metrics.add(DIGESTS, &[("result", result)], count);
        }
        Ok((walked, failed))
    }

    /// Walks a bucket; what keeps it from that is no reason to stop.
    fn bucket(
        &mut self,
        place: &Place,
        aws: &AwsOptions,
        first: Option<DateTime<Utc>>,
        lake: &mut Lake,
        opened: &mut Vec<missing::Walked>,
        stop: &Stop,
    ) -> Result<(Walked, Option<Failure>), Failure> {
        let connection = connect(aws)?;
        stop.halts(&connection);
        let archive = BucketArchive::new(&connection, place);
        let since = since(&self.options, Utc::now()).max(first);
        let span = Span { start: self.options.source.start_time.max(since), end: None };
        let chains = match archive.chains(span) {
            Ok(found) => found.chains,
            Err(error) => return Ok((Walked::default(), Some(Failure::Io(error.to_string())))),
        };
        let asked = AskCloudTrail::new(&connection);
        let keys: &dyn KeyRing = self.keys.as_ref().map_or(&asked, |keys| keys);
        let inflated_bytes = self.options.limits.max_inflated_bytes;
        let wanted = Wanted { source: &self.options.source, since, inflated_bytes };
        let mut told = Told { troubles: &mut self.troubles, telling: &self.telling };
        let walked = proof::walk((&archive, keys), chains, wanted, lake, &mut told)?;
        let root = Some(format!("s3://{}/{}", place.bucket, place.prefix));
        opened.push(missing::Walked { archive: Box::new(archive), root });
        Ok(walked)
    }

    fn folder(
        &mut self,
        path: &Path,
        lake: &mut Lake,
        opened: &mut Vec<missing::Walked>,
    ) -> Result<(Walked, Option<Failure>), Failure> {
        let folder = Folder::open(&[path], metadata(path), &Known::default())?;
        let chains: Vec<_> = folder.chains().cloned().collect();
        if chains.is_empty() {
            return Ok((Walked::default(), None));
        }
        let inflated_bytes = self.options.limits.max_inflated_bytes;
        let wanted = Wanted { source: &self.options.source, since: None, inflated_bytes };
        let mut told = Told { troubles: &mut self.troubles, telling: &self.telling };
        let walked = match &self.keys {
            Some(keys) => proof::walk((&folder, keys), chains, wanted, lake, &mut told)?,
            None => {
                let aws = AwsOptions { attempts: Some(ATTEMPTS), ..self.options.aws.to_options() };
                let keys = AskCloudTrail::new(&connect(&aws)?);
                proof::walk((&folder, &keys), chains, wanted, lake, &mut told)?
            }
        };
        opened.push(missing::Walked { archive: Box::new(folder), root: None });
        Ok(walked)
    }
}

/// From when on digests of a bucket are walked where nobody has before: as far back as its listing looks. What is older is not
/// read, and a promise of it would never be kept.
fn since(options: &Options, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let start = options.source.start_time.or_else(|| now.checked_sub_signed(options.look_back))?;
    (start.date_naive().and_time(NaiveTime::MIN).and_utc()).checked_add_signed(INTO_THE_DAY)
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
