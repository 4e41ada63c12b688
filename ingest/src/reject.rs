//! What was refused and why; the totals that must add up.
//!
//! Nothing is silent: `records_in == rows + duplicates + rejected`, for each object and in total. An object that
//! cannot be read at all counts as one record, rejected. Objects of another known kind (a digest file) hold no
//! records: they are listed as skipped. This room only counts and names; it reads nothing.

mod failure;
mod reason;
mod totals;

use serde::Serialize;

pub use failure::Error;
pub use reason::Reason;
pub use totals::{MAX_LISTED, ObjectTotals, Totals};

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
