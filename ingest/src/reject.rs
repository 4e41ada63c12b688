//! What was refused and why; the totals that must add up.
//!
//! Nothing is silent: `records_in == rows + duplicates + rejected`, for each object and in total. An object that
//! cannot be read at all counts as one record, rejected. Objects of another known kind (a digest file) hold no
//! records: they are listed as skipped. This room only counts and names; it reads nothing.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

/// Most entries kept of each list in [`Totals`]; what goes beyond is counted by reason only.
pub const MAX_LISTED: usize = 10_000;

/// Why something was refused. The names are stable: they stand in `rejects[].reason`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The object could not be opened or read.
    IoError,
    /// The gzip data end before their trailer.
    GzipTruncated,
    /// The inflated bytes do not have the checksum or length that the gzip trailer names.
    GzipCrc,
    /// The gzip data are damaged.
    GzipCorrupt,
    /// Bytes follow the gzip member. CloudTrail never writes them; a forger may.
    GzipTrailingData,
    /// Inflating would give more than the limit: a bomb, or no file of CloudTrail's.
    TooLargeUncompressed,
    /// zstd, bzip2, xz, zip or tar.
    UnsupportedCompression,
    /// UTF-16 or UTF-32 text.
    UnsupportedEncoding,
    /// The text is not JSON at all.
    NotJson,
    /// The text ends inside a value.
    TruncatedJson,
    /// A record that is not valid JSON, among others that are.
    InvalidJson,
    /// More than 128 levels of nesting.
    TooDeep,
    /// A record with more than 65,536 fields that CloudTrail does not have.
    TooManyFields,
    /// A record that is not valid UTF-8.
    InvalidUtf8,
    /// One record larger than the limit.
    RecordTooLarge,
    /// Text after the end of the document.
    TrailingText,
    /// A value that is no JSON object where a record should be.
    NotARecord,
    /// JSON records of another service: S3, SNS, SQS, Kinesis notifications and the like.
    NotCloudtrail,
    /// An EventBridge pattern, which describes events and is none.
    EventPattern,
    /// JSON of a shape that is none of CloudTrail's.
    UnknownShape,
}

impl Reason {
    /// The stable name, as in JSON output.
    pub fn name(self) -> &'static str {
        match self {
            Reason::IoError => "io_error",
            Reason::GzipTruncated => "gzip_truncated",
            Reason::GzipCrc => "gzip_crc",
            Reason::GzipCorrupt => "gzip_corrupt",
            Reason::GzipTrailingData => "gzip_trailing_data",
            Reason::TooLargeUncompressed => "too_large_uncompressed",
            Reason::UnsupportedCompression => "unsupported_compression",
            Reason::UnsupportedEncoding => "unsupported_encoding",
            Reason::NotJson => "not_json",
            Reason::TruncatedJson => "truncated_json",
            Reason::InvalidJson => "invalid_json",
            Reason::TooDeep => "too_deep",
            Reason::TooManyFields => "too_many_fields",
            Reason::InvalidUtf8 => "invalid_utf8",
            Reason::RecordTooLarge => "record_too_large",
            Reason::TrailingText => "trailing_text",
            Reason::NotARecord => "not_a_record",
            Reason::NotCloudtrail => "not_cloudtrail",
            Reason::EventPattern => "event_pattern",
            Reason::UnknownShape => "unknown_shape",
        }
    }

    /// What to do about it.
    pub fn next_step(self) -> &'static str {
        match self {
            Reason::IoError => "check that the file is there and that you may read it",
            Reason::GzipTruncated | Reason::GzipCorrupt | Reason::GzipCrc => "fetch the object again and compare sizes",
            Reason::GzipTrailingData => {
                "fetch it from CloudTrail's bucket; for a mirror that joins files, use --accept-trailing-data"
            }
            Reason::TooLargeUncompressed => "if the file is really yours, raise --max-inflated-bytes",
            Reason::UnsupportedCompression => "decompress it first: gzip and plain text are read",
            Reason::UnsupportedEncoding => "convert it to UTF-8 first",
            Reason::NotJson | Reason::UnknownShape => "leave it out, or convert it to CloudTrail JSON",
            Reason::TruncatedJson => "fetch the object again; the records before the cut were kept",
            Reason::InvalidJson
            | Reason::InvalidUtf8
            | Reason::TooDeep
            | Reason::TooManyFields
            | Reason::NotARecord => "look at the record; its neighbours were kept",
            Reason::RecordTooLarge => "look at the record: it is larger than CloudTrail ever writes one",
            Reason::TrailingText => "look at the end of the file; the records before it were kept",
            Reason::NotCloudtrail | Reason::EventPattern => "leave it out: it holds no CloudTrail events",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A kind of object that is known and holds no records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum OtherKind {
    /// A CloudTrail digest file.
    Digest,
    /// The output of `aws iam get-account-authorization-details`.
    AccountAuthorizationDetails,
    /// Nothing in it: zero bytes, white space, or `{}`.
    Empty,
}

/// One reason for which records of one object were refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reject {
    /// The object.
    pub object: String,
    /// Why.
    pub reason: Reason,
    /// What was found, and where, the first time.
    pub detail: String,
    /// How many records.
    pub count: u64,
}

/// An object of another known kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Skipped {
    /// The object.
    pub object: String,
    /// What it is.
    pub kind: OtherKind,
}

/// What became of one object. Duplicates are known only when its rows have met all earlier ones.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ObjectTotals {
    /// The object.
    pub object: String,
    /// Records found in it.
    pub records_in: u64,
    /// Records that became rows.
    pub rows: u64,
    /// Records that were there already.
    pub duplicates: u64,
    /// Records refused.
    pub rejected: u64,
    /// Bytes read.
    pub bytes_read: u64,
    /// Bytes of text after inflation.
    pub bytes_inflated: u64,
    /// Refused records by reason: how many, and what was found the first time.
    pub reasons: BTreeMap<Reason, (u64, String)>,
    /// Set where the object is of another known kind.
    pub skipped: Option<OtherKind>,
    /// When the object was last written, in microseconds since the Unix epoch, where known.
    pub modified: Option<i64>,
    /// SHA-256 of the inflated text, where [`crate::pipeline::Options::evidence`] asks for it and all of it was read.
    pub sha256: Option<[u8; 32]>,
    /// The refused records themselves, where evidence is asked for; the first [`MAX_REFUSED`] of the object.
    pub refused: Vec<Refused>,
    /// Whether `refused` is filled.
    pub evidence: bool,
}

/// A refused record, or an object refused as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Why.
    pub reason: Reason,
    /// What was found, and where.
    pub detail: String,
    /// Where the record begins in the inflated text, in bytes; `None` for a whole object.
    pub offset: Option<u64>,
    /// The record's own bytes, the first [`MAX_RAW_BYTES`].
    pub raw: Vec<u8>,
}

/// Refused records kept for one object.
pub const MAX_REFUSED: usize = 1000;
/// Bytes kept of a refused record.
pub const MAX_RAW_BYTES: usize = 4096;

impl ObjectTotals {
    /// Totals of an object nothing is known of yet.
    pub fn new(object: String) -> Self {
        ObjectTotals { object, ..ObjectTotals::default() }
    }

    /// Notes `count` refused records.
    pub fn reject(&mut self, reason: Reason, count: u64, detail: impl Into<String>) {
        self.refuse(reason, count, None, &[], |_| detail.into());
    }

    /// Notes `count` refused records, of which the first stands at `offset` and begins with `raw`. `detail` is asked only
    /// where it is kept, because a hostile object is refused millions of times; it is given the record's number, from 1.
    pub fn refuse(
        &mut self,
        reason: Reason,
        count: u64,
        offset: Option<u64>,
        raw: &[u8],
        detail: impl FnOnce(u64) -> String,
    ) {
        let number = self.records_in + 1;
        self.records_in += count;
        self.rejected += count;
        let listed = match self.reasons.get_mut(&reason) {
            Some((refused, _)) => {
                *refused += count;
                true
            }
            None => false,
        };
        let kept = self.evidence && self.refused.len() < MAX_REFUSED;
        if listed && !kept {
            return;
        }
        let detail = detail(number);
        if kept {
            let raw = raw[..raw.len().min(MAX_RAW_BYTES)].to_vec();
            self.refused.push(Refused { reason, detail: detail.clone(), offset, raw });
        }
        self.reasons.entry(reason).or_insert((count, detail));
    }

    /// Whether the figures add up.
    pub fn balanced(&self) -> bool {
        self.records_in == self.rows + self.duplicates + self.rejected
    }
}

/// What became of everything.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// Objects read, or tried.
    pub objects: u64,
    /// Records found.
    pub records_in: u64,
    /// Records that became rows.
    pub rows: u64,
    /// Records that were there already.
    pub duplicates: u64,
    /// Records refused.
    pub rejected: u64,
    /// Bytes read.
    pub bytes_read: u64,
    /// Bytes of text after inflation.
    pub bytes_inflated: u64,
    /// The refused, by object and reason; at most [`MAX_LISTED`].
    pub rejects: Vec<Reject>,
    /// Objects of other kinds; at most [`MAX_LISTED`].
    pub skipped: Vec<Skipped>,
    /// Refused records by reason, all of them.
    pub rejected_by_reason: BTreeMap<Reason, u64>,
    /// Entries that the two lists had no room for.
    pub unlisted: u64,
}

impl Totals {
    /// Adds an object's totals.
    pub fn add(&mut self, object: &ObjectTotals) {
        self.objects += 1;
        self.records_in += object.records_in;
        self.rows += object.rows;
        self.duplicates += object.duplicates;
        self.rejected += object.rejected;
        self.bytes_read += object.bytes_read;
        self.bytes_inflated += object.bytes_inflated;
        for (reason, (count, detail)) in &object.reasons {
            *self.rejected_by_reason.entry(*reason).or_default() += count;
            if self.rejects.len() < MAX_LISTED {
                let (object, detail) = (object.object.clone(), detail.clone());
                self.rejects.push(Reject { object, reason: *reason, detail, count: *count });
            } else {
                self.unlisted += 1;
            }
        }
        if let Some(kind) = object.skipped {
            if self.skipped.len() < MAX_LISTED {
                self.skipped.push(Skipped { object: object.object.clone(), kind });
            } else {
                self.unlisted += 1;
            }
        }
    }

    /// Adds the totals of another scan.
    pub fn merge(&mut self, other: Totals) {
        self.objects += other.objects;
        self.records_in += other.records_in;
        self.rows += other.rows;
        self.duplicates += other.duplicates;
        self.rejected += other.rejected;
        self.bytes_read += other.bytes_read;
        self.bytes_inflated += other.bytes_inflated;
        for (reason, count) in other.rejected_by_reason {
            *self.rejected_by_reason.entry(reason).or_default() += count;
        }
        self.unlisted += other.unlisted;
        for reject in other.rejects {
            if self.rejects.len() < MAX_LISTED { self.rejects.push(reject) } else { self.unlisted += 1 }
        }
        for skipped in other.skipped {
            if self.skipped.len() < MAX_LISTED { self.skipped.push(skipped) } else { self.unlisted += 1 }
        }
    }

    /// Whether the figures add up.
    pub fn balanced(&self) -> bool {
        self.records_in == self.rows + self.duplicates + self.rejected
    }
}

/// Why a scan could not go on at all. What is wrong with one object is a [`Reject`], not an error.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A path given by the user.
    #[error("{path}: {source}; give a file, a folder, a glob in quotes, or - for standard input")]
    Path {
        /// The path.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// A glob that matches nothing, or is none.
    #[error("{pattern}: {why}")]
    Glob {
        /// The pattern.
        pattern: String,
        /// What is wrong.
        why: String,
    },
    /// The temporary files that remember which events were there already.
    #[error("temporary files for duplicates: {source}; make room in the temporary folder, or set TMPDIR to another")]
    Seen {
        /// What the system said.
        source: std::io::Error,
    },
    /// Who takes the rows could not tell what is there already.
    #[error("{0}")]
    Sink(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Arrow refused a batch: a bug of ours.
    #[error("internal error while building a batch: {0}; please report it")]
    Arrow(#[from] arrow::error::ArrowError),
    /// The figures of an object do not add up: a bug of ours.
    #[error("internal error: the totals of {object} do not add up; please report it")]
    Unbalanced {
        /// The object.
        object: String,
    },
    /// A worker thread ended early: a bug of ours.
    #[error("internal error: a reader thread stopped; please report it")]
    Worker,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn totals_add_up_and_lists_are_bounded() {
        let mut totals = Totals::default();
        for n in 0..(MAX_LISTED as u64 + 5) {
            let mut object = ObjectTotals::new(format!("o{n}"));
            object.records_in = 3;
            object.rows = 2;
            object.duplicates = 1;
            object.reject(Reason::InvalidJson, 2, "first");
            object.reject(Reason::InvalidJson, 1, "second");
            assert!(object.balanced());
            totals.add(&object);
        }
        assert!(totals.balanced());
        assert_eq!(totals.rejects.len(), MAX_LISTED);
        assert_eq!((totals.rejects[0].count, totals.rejects[0].detail.as_str()), (3, "first"));
        assert_eq!(totals.unlisted, 5);
        assert_eq!(totals.rejected_by_reason[&Reason::InvalidJson], 3 * (MAX_LISTED as u64 + 5));
    }

    #[test]
    fn a_detail_is_made_only_where_it_is_kept() {
        for (evidence, expected) in [(false, 2), (true, MAX_REFUSED as u64 + 1)] {
            let mut object = ObjectTotals { evidence, ..ObjectTotals::default() };
            let mut made = 0;
            for n in 0..2000 {
                let reason = if n < 1990 { Reason::NotARecord } else { Reason::TooDeep };
                object.refuse(reason, 1, None, b"raw", |number| {
                    made += 1;
                    format!("record {number}")
                });
            }
            assert_eq!(
                (made, object.rejected, object.refused.len() as u64),
                (expected, 2000, if evidence { MAX_REFUSED as u64 } else { 0 })
            );
            assert_eq!(object.reasons[&Reason::NotARecord], (1990, "record 1".to_owned()));
            assert_eq!(object.reasons[&Reason::TooDeep], (10, "record 1991".to_owned()));
        }
    }
}
