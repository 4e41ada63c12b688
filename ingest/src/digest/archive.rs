//! What is asked for objects: a bucket, or a folder that holds a copy of one.

use std::collections::BTreeMap;
use std::io::Read;
use std::ops::ControlFlow;

use chrono::{DateTime, Utc};

use super::chain::Chain;

/// Where digests and log files are.
pub trait Archive: Sync {
    /// The bucket of a chain.
    fn bucket(&self, chain: &Chain) -> String;

    /// Keys of a chain's digests in this bucket, standard and backfill, in the order of their names, from `from` on.
    ///
    /// # Errors
    /// The listing could not be had.
    fn digests(&self, bucket: &str, chain: &Chain, from: DateTime<Utc>) -> Result<Vec<String>, Fault>;

    /// Opens an object. May be called from several threads at once.
    ///
    /// # Errors
    /// See [`Fault`].
    fn open(&self, bucket: &str, key: &str) -> Result<Object, Fault>;

    /// Keys of the log files that lie beside a chain's digests and were delivered in this span, in any order.
    ///
    /// # Errors
    /// The listing could not be had.
    fn logs(
        &self,
        bucket: &str,
        chain: &Chain,
        span: (DateTime<Utc>, DateTime<Utc>),
        each: &mut dyn FnMut(&str) -> ControlFlow<()>,
    ) -> Result<(), Fault>;
}

/// An object, opened.
pub struct Object {
    /// What S3 keeps beside it.
    pub metadata: Metadata,
    /// Its bytes, as stored.
    pub body: Box<dyn Read + Send>,
}

impl std::fmt::Debug for Object {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Object").field("metadata", &self.metadata).finish_non_exhaustive()
    }
}

/// The `x-amz-meta-…` headers of an object, without that prefix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Metadata {
    /// All that there are.
    Known(BTreeMap<String, String>),
    /// Nobody kept them when the object was downloaded.
    Lost,
}

/// Why an object or a listing could not be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It is not there, and it should be.
    #[error("not found")]
    Absent,
    /// It belongs to a part of the bucket that was never downloaded.
    #[error("outside of what was given")]
    Elsewhere,
    /// It could not be read: why, and the next step.
    #[error("{0}")]
    Unread(String),
}
