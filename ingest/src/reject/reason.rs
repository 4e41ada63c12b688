//! Why records and objects are refused: names that never change, each with its next step. Must not know where it is found.

use std::fmt;

use serde::Serialize;

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
                "fetch it from CloudTrail's bucket; for a mirror that joins files, use --accept-trailing-data (an ingest also needs \
                 --again)"
            }
            Reason::TooLargeUncompressed => {
                "if the file is really yours, raise --max-inflated-bytes (an ingest also needs --again)"
            }
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
