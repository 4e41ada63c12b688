//! `trailhound verify`: proof that log files are what CloudTrail delivered.

mod told;

use std::io;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use aws::{AskCloudTrail, BucketArchive, Connection, Place};
use chrono::{DateTime, TimeDelta, Utc};
use ingest::digest::folder::{Known, MetadataFile};
use ingest::digest::signature::PublicKey;
use ingest::digest::{
    self, Archive, Chain, Fault, Finding, Findings, Folder, KeyRing, Logged, NoKeys, Options, PublicKeys, Remark, Span,
    Summary,
};
use lake::Lake;

use crate::cli::{Global, VerifyArgs};
use crate::outcome::{Failure, Outcome};
use crate::proof::Notes;
use crate::render::words::Words;
use crate::render::{self, Output};
use told::Told;

/// Log files that are read at a time from a disk.
const THREADS: usize = 4;
/// From a bucket more, because waiting costs nothing.
const THREADS_OF_BUCKET: usize = 16;

/// What is to be verified, and with which keys.
struct Found {
    archive: Box<dyn Archive>,
    keys: Box<dyn KeyRing>,
    chains: Vec<Chain>,
    /// Regions with log files.
    logged: Vec<Logged>,
    threads: usize,
}

impl Found {
    fn open(args: &VerifyArgs, trail: Option<&Trail>) -> Result<Found, Failure> {
        match place(args, trail)? {
            Some(place) => Self::in_bucket(args, &place),
            None => Self::in_folders(args),
        }
    }

    fn in_folders(args: &VerifyArgs) -> Result<Found, Failure> {
        let folder = Folder::open(&args.places, metadata(args)?, &Known { prefix: args.s3_prefix.clone() })?;
        let chains = folder.chains().cloned().collect();
        let keys: Box<dyn KeyRing> = match &args.public_keys {
            Some(path) => Box::new(public_keys(path)?),
            None => Box::new(Asked(AskCloudTrail::new(&connect(args)?))),
        };
        // Folders may be called anything: only the account and the Region are told.
        let logged = folder.logged().cloned().collect();
        Ok(Found { archive: Box::new(folder), keys, chains, logged, threads: THREADS })
    }

    fn in_bucket(args: &VerifyArgs, place: &Place) -> Result<Found, Failure> {
        let connection = connect(args)?;
        let archive = BucketArchive::new(&connection, place);
        let span = Span { start: args.start_time, end: args.end_time };
        let aws::archive::Found { chains, logged } =
            archive.chains(span).map_err(|error| Failure::Io(error.to_string()))?;
        let keys: Box<dyn KeyRing> = match &args.public_keys {
            Some(path) => Box::new(public_keys(path)?),
            None => Box::new(AskCloudTrail::new(&connection)),
        };
        let (chains, logged) = (chains.into_iter().collect(), logged.into_iter().collect());
        Ok(Found { archive: Box::new(archive), keys, chains, logged, threads: THREADS_OF_BUCKET })
    }
}

/// Keys that are asked for over the network, for files that need none otherwise.
struct Asked(AskCloudTrail);

impl KeyRing for Asked {
    fn key(&self, region: &str, fingerprint: &str, signed: DateTime<Utc>) -> Result<Option<PublicKey>, NoKeys> {
        self.0.key(region, fingerprint, signed).map_err(|error| {
            NoKeys(format!(
                "{error}; without a network give --public-keys FILE, made where there is one by: aws cloudtrail list-public-keys \
                 --region {region} --start-time {} --end-time {} > FILE",
                (signed - TimeDelta::days(1)).format("%Y-%m-%d"),
                (signed + TimeDelta::days(1)).format("%Y-%m-%d")
            ))
        })
    }
}

fn connect(args: &VerifyArgs) -> Result<Connection, Failure> {
    Connection::open(&args.aws.to_options()).map_err(|error| Failure::Io(error.to_string()))
}

/// The place in a bucket that is meant, if one is: named, or as the client of AWS takes it.
fn place(args: &VerifyArgs, trail: Option<&Trail>) -> Result<Option<Place>, Failure> {
    let mut places = args.places.iter().filter_map(|place| Place::parse(place));
    if let Some(place) = places.next() {
        if args.places.len() > 1 {
            return Err(Failure::Usage("verify one bucket at a time, and folders apart from buckets".to_owned()));
        }
        return place.map(Some).map_err(Failure::Usage);
    }
    if !args.places.is_empty() {
        return Ok(None);
    }
    let (Some(_), Some(bucket)) = (trail, &args.s3_bucket) else {
        return Err(Failure::Usage("give a folder, an s3:// place, or --s3-bucket beside --trail-arn".to_owned()));
    };
    let prefix = args.s3_prefix.as_deref().map_or("", |prefix| prefix.trim_matches('/'));
    let prefix = if prefix.is_empty() { "AWSLogs/".to_owned() } else { format!("{prefix}/AWSLogs/") };
    Ok(Some(Place { bucket: bucket.clone(), prefix }))
}

pub(crate) fn run(args: &VerifyArgs, global: &Global, words: Words) -> Result<Outcome, Failure> {
    if matches!(global.output, Output::Csv | Output::Parquet | Output::Arrow) {
        return Err(Failure::Usage("verdicts are not rows: use --output table, json or jsonl".to_owned()));
    }
    if let (Some(start), Some(end)) = (args.start_time, args.end_time)
        && start > end
    {
        return Err(Failure::Usage("--start-time must be before --end-time".to_owned()));
    }
    let trail = args.trail_arn.as_deref().map(Trail::parse).transpose()?;
    let found = Found::open(args, trail.as_ref())?;
    let chains: Vec<Chain> = found.chains.iter().filter(|chain| wanted(chain, args, trail.as_ref())).cloned().collect();
    let mut told = Told::new(global, args.verbose);
    let options = options(args, global, found.threads);
    let mut lake = args.lake.as_deref().map(|place| open(place, args)).transpose()?;
    let mut notes = Notes::new(lake.as_mut(), &mut told);
    let mut summary = digest::verify(&*found.archive, &*found.keys, &chains, &options, &mut notes)
        .map_err(|fault: Fault| Failure::Io(fault.to_string()))?;
    notes.end()?;
    let proof = lake.as_ref().map(Lake::proof).transpose()?;
    told.proof = proof;
    undigested(&found, &chains, args, &mut told, &mut summary);
    let span = (args.start_time, args.end_time);
    let (keyless, doubtful) = (told.keyless, told.doubtful);
    render::settle(told.end(&summary, span, &chains, global, &mut io::stdout()))?;
    if keyless > 0 && keyless == summary.invalid_digests() {
        words.warning(&keyless_words(args.public_keys.as_deref()));
    }
    if chains.is_empty() {
        let any = !found.chains.is_empty();
        let found = if any { "no digest files of that trail, account and Region" } else { "no digest files there" };
        words.warning(&format!("{found}: nothing is proven; give the folder that holds CloudTrail-Digest too"));
    } else if summary.digests.total() + summary.backfill_digests.total() == 0 {
        words.warning("no digest files of that time: nothing is proven");
    }
    let doubtful = args.strict && doubtful > 0;
    let mismatched = proof.is_some_and(|proof| proof.mismatched > 0 || (args.strict && proof.unlisted > 0));
    Ok(if mismatched || doubtful { Outcome::Findings } else { judge(&summary, args) })
}

/// Why there may be no key at all that digests name: not every such chain is forged.
fn keyless_words(file: Option<&Path>) -> String {
    let (who, next) = match file {
        Some(path) => (
            format!("{} has none of the keys that these digests name: it is of another", path.display()),
            "ask for the keys again, in the trail's home Region and for the time of the digests",
        ),
        None => (
            "CloudTrail gave none of the keys that these digests name: keys live by Region and time, and it may have been asked in \
             another"
                .to_owned(),
            "look at --profile and --endpoint-url, or ask in the trail's home Region (aws cloudtrail list-public-keys --region \
             REGION) and give --public-keys FILE",
        ),
    };
    format!("{who} time, Region or partition, so that this says nothing about the files; {next}")
}

/// Tells of Regions with log files of which no digest speaks at all.
fn undigested(found: &Found, chains: &[Chain], args: &VerifyArgs, told: &mut Told, summary: &mut Summary) {
    // One trail that is named is not asked about what others write.
    if args.trail_arn.is_some() {
        return;
    }
    let among = |wanted: &[String], value: &str| wanted.is_empty() || wanted.iter().any(|wanted| wanted == value);
    for logged in &found.logged {
        let wanted = among(&args.account, logged.account()) && among(&args.log_region, &logged.region);
        let same = |chain: &Chain| chain.account() == logged.account() && chain.region == logged.region;
        if !wanted || chains.iter().any(same) {
            continue;
        }
        summary.remarks += 1;
        let detail = "log files lie there and no digest speaks of them: nothing proves them; was validation ever on?";
        let object = format!("{}/*/{}", logged.root, logged.region);
        told.found(Finding::Remark(Remark::NoDigests, object, detail.to_owned()));
    }
}

/// The lake that takes notes: one that is there.
fn open(place: &str, args: &VerifyArgs) -> Result<Lake, Failure> {
    let aws = args.aws.to_lake();
    Lake::open(place, &aws)?;
    Ok(Lake::open_for_writing(place, &aws)?)
}

/// The worst that was found. Where nothing was found, the official client says 0 to one who names trail and time; nobody
/// else is told that all is well.
fn judge(summary: &Summary, args: &VerifyArgs) -> Outcome {
    if summary.invalid() > 0 || (args.strict && summary.suspicious > 0) {
        return Outcome::Findings;
    }
    let nothing = summary.digests.total() + summary.backfill_digests.total() == 0;
    let asked_as_of_aws = args.trail_arn.is_some() && args.start_time.is_some() && !args.strict;
    if summary.unproven() > 0 || (nothing && !asked_as_of_aws) { Outcome::Rejected } else { Outcome::Done }
}

fn options(args: &VerifyArgs, global: &Global, threads: usize) -> Options {
    let threads = global.threads.map_or(threads, usize::from);
    Options {
        span: Span { start: args.start_time, end: args.end_time },
        before: digest::Before::Demanded,
        bucket: args.s3_bucket.clone(),
        read_logs: true,
        threads: NonZeroUsize::new(threads).unwrap_or(NonZeroUsize::MIN),
        inflated_bytes: args.max_inflated_bytes,
    }
}

/// A trail's ARN: `arn:aws:cloudtrail:REGION:ACCOUNT:trail/NAME`.
struct Trail {
    home: String,
    account: String,
    name: String,
}

impl Trail {
    fn parse(arn: &str) -> Result<Trail, Failure> {
        let wrong =
            || Failure::Usage(format!("{arn}: no trail's ARN; write arn:aws:cloudtrail:REGION:ACCOUNT:trail/NAME"));
        let parts: Vec<_> = arn.splitn(6, ':').collect();
        let [_, _, "cloudtrail", home, account, trail] = parts[..] else { return Err(wrong()) };
        let name = trail.strip_prefix("trail/").filter(|name| !name.is_empty()).ok_or_else(wrong)?;
        if !ingest::key::is_account(account) {
            return Err(wrong());
        }
        Ok(Trail { home: home.to_owned(), account: account.to_owned(), name: name.to_owned() })
    }
}

fn wanted(chain: &Chain, args: &VerifyArgs, trail: Option<&Trail>) -> bool {
    let among = |wanted: &[String], value: &str| wanted.is_empty() || wanted.iter().any(|wanted| wanted == value);
    // An organisation's trail writes of every account; an account may be named for it.
    let of_trail = trail.is_none_or(|trail| {
        let organisation = chain.stem.split('/').any(ingest::key::is_organisation);
        let account = chain.account() == trail.account || organisation || !args.account.is_empty();
        (&chain.home, &chain.trail) == (&trail.home, &trail.name) && account
    });
    of_trail && among(&args.account, chain.account()) && among(&args.log_region, &chain.region)
}

fn public_keys(path: &Path) -> Result<PublicKeys, Failure> {
    PublicKeys::parse(&read(path)?).map_err(|error| Failure::Usage(format!("{}: {error}", path.display())))
}

/// The metadata file that is named, or the one that lies in a folder that is given, or beside it.
fn metadata(args: &VerifyArgs) -> Result<MetadataFile, Failure> {
    const NAME: &str = "objects.json";
    let beside = || {
        let places = args.places.iter().map(Path::new);
        let candidates = places.flat_map(|place| [place.join(NAME), place.with_file_name(NAME)]);
        candidates.into_iter().find(|path| path.is_file())
    };
    let named = args.metadata.clone();
    let Some(path): Option<PathBuf> = named.clone().or_else(beside) else { return Ok(MetadataFile::default()) };
    match MetadataFile::parse(&read(&path)?) {
        Ok(file) => Ok(file),
        // A file that only happens to have that name.
        Err(_) if named.is_none() => Ok(MetadataFile::default()),
        Err(error) => Err(Failure::Usage(format!("{}: {error}", path.display()))),
    }
}

fn read(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path).map_err(|error| Failure::Io(format!("{}: {error}", path.display())))
}
