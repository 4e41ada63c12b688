//! What was found: a verdict on each file, gaps between digests, and remarks on what no verdict is about.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;

use super::chain::Chain;
use super::document::ListedLog;

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// An hourly digest.
    Digest,
    /// A digest that was written later, for files that came late.
    BackfillDigest,
    /// A log file that a digest lists.
    Log,
}

/// What is true of a file. Reasons are the words of `aws cloudtrail validate-logs`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is what CloudTrail delivered.
    Valid,
    /// It is not there.
    NotFound,
    /// No gzip, no JSON, or not the fields of a digest.
    InvalidFormat,
    /// The signature is missing, or is none of this text.
    SignatureFailed,
    /// A digest that says it belongs elsewhere: where.
    Moved(String),
    /// Nobody has the key that should have signed it.
    KeyNotFound {
        /// The trail's home Region.
        region: String,
        /// The key's fingerprint.
        fingerprint: String,
    },
    /// The text of a log file is not the one whose hash was signed.
    HashMismatch,
    /// Bytes follow the gzip member, which CloudTrail never writes.
    TrailingData,
    /// The digests of this chain lead back to one that was seen before.
    Loop,
    /// It cannot be known: why, and the next step.
    Unproven(String),
}

/// Where a file stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Standing {
    /// It is what CloudTrail delivered.
    Valid,
    /// It is not, or is gone.
    Invalid,
    /// It cannot be known.
    Unproven,
}

impl Verdict {
    /// Good, bad or unknown.
    pub fn standing(&self) -> Standing {
        match self {
            Verdict::Valid => Standing::Valid,
            Verdict::Unproven(_) => Standing::Unproven,
            _ => Standing::Invalid,
        }
    }

    /// Why, as the client of AWS says it; none for a valid file.
    pub fn reason(&self) -> Option<String> {
        Some(match self {
            Verdict::Valid => return None,
            Verdict::NotFound => "not found".to_owned(),
            Verdict::InvalidFormat => "invalid format".to_owned(),
            Verdict::SignatureFailed => "signature verification failed".to_owned(),
            Verdict::Moved(_) => "has been moved from its original location".to_owned(),
            Verdict::KeyNotFound { region, fingerprint } => {
                format!("public key not found in region {region} for fingerprint {fingerprint}")
            }
            Verdict::HashMismatch => "hash value doesn't match".to_owned(),
            Verdict::TrailingData => "unexpected data after end of compressed stream".to_owned(),
            Verdict::Loop => "the chain leads back to this digest".to_owned(),
            Verdict::Unproven(why) => why.clone(),
        })
    }
}

/// A file and what is true of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// What it is.
    pub role: Role,
    /// Its bucket.
    pub bucket: String,
    /// Its key.
    pub key: String,
    /// What is true of it.
    pub verdict: Verdict,
    /// The key of the digest that lists a log file, or that names a digest as the one before.
    pub listed_by: Option<String>,
    /// What else was seen of it, for people.
    pub detail: Option<String>,
}

/// A time for which the chain has no digest, because none was written: validation or the trail was off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Gap {
    /// End of the digest before.
    #[serde(serialize_with = "instant")]
    pub from: DateTime<Utc>,
    /// Start of the digest after.
    #[serde(serialize_with = "instant")]
    pub to: DateTime<Utc>,
    /// The digest after.
    pub digest: String,
    /// Whether it is between backfill digests.
    pub backfill: bool,
}

fn instant<S: serde::Serializer>(time: &DateTime<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&time.to_rfc3339_opts(SecondsFormat::Secs, true))
}

/// What no verdict is about, because the client of AWS does not look at it. The names are stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Remark {
    /// A log file that no digest lists, though a valid digest covers the time of its delivery.
    UnlistedLog,
    /// A log file that only an invalid or missing digest could vouch for.
    UncoveredLog,
    /// A digest whose text is not the one whose hash the digest after it keeps.
    PreviousHash,
    /// A valid digest does not begin where the one before it ends.
    Hole,
    /// Bytes follow a digest's gzip member. They are not signed, and nothing reads them.
    DigestTrailingData,
    /// A log file's gzip trailer is cut off or missing; its text is whole and its hash is right.
    CutTrailer,
    /// A digest that no chain leads to: moved, copied, or left over.
    StrayDigest,
    /// Older digests are not here, so that nothing is said of the time before.
    ChainStart,
    /// The newest digest is more than two hours old: validation may be off, or digests are held back.
    Late,
    /// The metadata, or the digest itself, name another algorithm than CloudTrail's.
    Algorithm,
    /// A digest that is signed and names another account than its key does.
    Account,
    /// A log file that is listed more than once.
    ListedTwice,
    /// A log file that is missing under its own name lies there under this one.
    RenamedLog,
    /// A Region with log files of which no digest speaks at all.
    NoDigests,
}

impl Remark {
    /// The stable name.
    pub fn name(self) -> &'static str {
        match self {
            Remark::UnlistedLog => "unlisted_log",
            Remark::UncoveredLog => "uncovered_log",
            Remark::PreviousHash => "previous_hash",
            Remark::Hole => "hole",
            Remark::DigestTrailingData => "digest_trailing_data",
            Remark::CutTrailer => "cut_trailer",
            Remark::StrayDigest => "stray_digest",
            Remark::ChainStart => "chain_start",
            Remark::Late => "late",
            Remark::Algorithm => "algorithm",
            Remark::Account => "account",
            Remark::ListedTwice => "listed_twice",
            Remark::RenamedLog => "renamed_log",
            Remark::NoDigests => "no_digests",
        }
    }

    /// Whether CloudTrail itself never leaves things so. The others happen in an honest bucket, or in a part of one.
    pub fn is_suspicious(self) -> bool {
        let honest = [
            Remark::ChainStart,
            Remark::UncoveredLog,
            Remark::Late,
            // A backfill digest may list a file that a standard one lists too.
            Remark::ListedTwice,
            // Another trail, without validation, may write there.
            Remark::NoDigests,
        ];
        !honest.contains(&self)
    }
}

/// Something that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// A file was looked at.
    File(File),
    /// No digest for a time.
    Gap(Gap),
    /// Something else is odd: what, `s3://…` of what, and for people why it matters.
    Remark(Remark, String, String),
}

/// Who is told, while the work goes on.
pub trait Findings {
    /// The next finding. Digests come from the newest to the oldest, each followed by its log files.
    fn found(&mut self, finding: Finding);

    /// What a digest whose signature is good says was delivered.
    fn delivered(&mut self, _delivered: &Delivered<'_>) {}
}

/// What a digest says was delivered.
#[derive(Debug, Clone, Copy)]
pub struct Delivered<'a> {
    /// Its chain.
    pub chain: &'a Chain,
    /// Its bucket.
    pub bucket: &'a str,
    /// Its key.
    pub key: &'a str,
    /// The time that it speaks of.
    pub span: (DateTime<Utc>, DateTime<Utc>),
    /// Log files, with the hashes that were signed.
    pub logs: &'a [ListedLog],
}

/// Files by standing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// What CloudTrail delivered.
    pub valid: u64,
    /// What it did not.
    pub invalid: u64,
    /// What cannot be known.
    pub unproven: u64,
}

impl Counts {
    fn add(&mut self, standing: Standing) {
        match standing {
            Standing::Valid => self.valid += 1,
            Standing::Invalid => self.invalid += 1,
            Standing::Unproven => self.unproven += 1,
        }
    }

    /// All of them.
    pub fn total(&self) -> u64 {
        self.valid + self.invalid + self.unproven
    }
}

/// Everything in figures.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// Hourly digests.
    pub digests: Counts,
    /// Backfill digests.
    pub backfill_digests: Counts,
    /// Log files that valid digests list.
    pub logs: Counts,
    /// Gaps.
    pub gaps: u64,
    /// Remarks, and those of them that CloudTrail itself never causes.
    pub remarks: u64,
    /// See [`Remark::is_suspicious`].
    pub suspicious: u64,
    /// The time that valid digests speak of.
    pub found: Option<(DateTime<Utc>, DateTime<Utc>)>,
}

impl Summary {
    /// Files that are not what CloudTrail delivered, or are gone.
    pub fn invalid(&self) -> u64 {
        self.digests.invalid + self.backfill_digests.invalid + self.logs.invalid
    }

    /// Digests of both kinds that are not what CloudTrail delivered, or are gone.
    pub fn invalid_digests(&self) -> u64 {
        self.digests.invalid + self.backfill_digests.invalid
    }

    /// Files of which nothing can be said.
    pub fn unproven(&self) -> u64 {
        self.digests.unproven + self.backfill_digests.unproven + self.logs.unproven
    }
}

/// Counts what goes by.
pub(super) struct Tally<'a> {
    pub(super) findings: &'a mut dyn Findings,
    pub(super) summary: &'a mut Summary,
}

impl Tally<'_> {
    pub(super) fn file(&mut self, file: File) {
        let counts = match file.role {
            Role::Digest => &mut self.summary.digests,
            Role::BackfillDigest => &mut self.summary.backfill_digests,
            Role::Log => &mut self.summary.logs,
        };
        counts.add(file.verdict.standing());
        self.findings.found(Finding::File(file));
    }

    pub(super) fn gap(&mut self, gap: Gap) {
        self.summary.gaps += 1;
        self.findings.found(Finding::Gap(gap));
    }

    pub(super) fn remark(&mut self, remark: Remark, bucket: &str, key: &str, detail: impl Into<String>) {
        self.summary.remarks += 1;
        self.summary.suspicious += u64::from(remark.is_suspicious());
        self.findings.found(Finding::Remark(remark, format!("s3://{bucket}/{key}"), detail.into()));
    }

    /// A valid digest speaks of this time.
    pub(super) fn covers(&mut self, from: DateTime<Utc>, to: DateTime<Utc>) {
        let found = self.summary.found.map_or((from, to), |found| (found.0.min(from), found.1.max(to)));
        self.summary.found = Some(found);
    }
}
