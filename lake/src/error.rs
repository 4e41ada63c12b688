//! What can go wrong with a lake, each with the next step.

use std::io;

use object_store::Error as StoreError;

/// Result with the lake's error.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a lake could not be read or written. Rows committed before stand in every case.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The place that the user named is no place for a lake.
    #[error("{place}: {why}")]
    Location {
        /// What was given.
        place: String,
        /// What is wrong, and the next step.
        why: String,
    },
    /// There is no lake.
    #[error("{place}: no lake here; `trailhound ingest SOURCE --lake {place}` makes one")]
    Absent {
        /// Where it was looked for.
        place: String,
    },
    /// The lake was written by a newer trailhound.
    #[error("{place}: the lake has format {found}, this trailhound knows {known}; use the newer one")]
    Format {
        /// Where.
        place: String,
        /// Format found.
        found: u32,
        /// Newest format known.
        known: u32,
    },
    /// The store ran out of room.
    #[error("{object}: no room left ({source}); what was committed stands: make room and run it again")]
    Full {
        /// What was to be written.
        object: String,
        /// What the store said.
        source: StoreError,
    },
    /// The store refused a read or a write.
    #[error("{object}: {source}{}", hint(.source))]
    Store {
        /// The object in the store.
        object: String,
        /// What the store said.
        source: StoreError,
    },
    /// Delta's log could not be read or written.
    #[error("table {table}: {}{}", brief(&.source.to_string()), store_hint(&.source.to_string()).unwrap_or(LOG))]
    Delta {
        /// The table.
        table: &'static str,
        /// What deltalake said.
        source: Box<deltalake_core::DeltaTableError>,
    },
    /// A data file is not what was written.
    #[error("{file}: {why}; `trailhound lake check` lists all damage, `trailhound lake repair` mends it")]
    Damaged {
        /// The file, within the lake.
        file: String,
        /// What is wrong.
        why: String,
    },
    /// A commit in Delta's log is not what was written, or is missing.
    #[error("{file}: {why}{LOG}")]
    Log {
        /// The file, within the lake.
        file: String,
        /// What is wrong.
        why: String,
    },
    /// A commit in the log of a table beside `events` is not what was written, or is missing: the table does not open.
    #[error(
        "{file}: {why}; `trailhound lake repair` sets the table aside and begins it anew, with all of it that `events` tells"
    )]
    Beside {
        /// The file, within the lake.
        file: String,
        /// What is wrong.
        why: String,
    },
    /// A commit in Delta's log cannot be read, and says of itself what was in it.
    #[error("{file}: {why}; `trailhound lake repair` writes it anew from what it says of itself")]
    Commit {
        /// The file, within the lake.
        file: String,
        /// What is wrong.
        why: String,
    },
    /// A commit in Delta's log is not what was written, or is missing, and the lake has a copy of it.
    #[error("{file}: {why}; `trailhound lake repair` puts it back from a copy that the lake keeps")]
    Kept {
        /// The file, within the lake.
        file: String,
        /// What is wrong.
        why: String,
    },
    /// A checkpoint of Delta's log cannot be read, and the commits that it sums up are all there.
    #[error("{file}: {why}; every commit is there, and `trailhound lake repair` sets it aside")]
    Checkpoint {
        /// The table.
        table: &'static str,
        /// The file, within the lake.
        file: String,
        /// What is wrong.
        why: String,
    },
    /// The manifest of a batch that is not finished cannot be read.
    #[error(
        "{file}: {why}; this batch has not reached every table, and `trailhound lake repair` goes on without the file"
    )]
    Manifest {
        /// The batch's number.
        batch: i64,
        /// The file, within the lake.
        file: String,
        /// Whether it is not there.
        is_missing: bool,
        /// What is wrong.
        why: String,
    },
    /// There are Delta tables, and they are somebody else's.
    #[error(
        "{place}: its table {table} was not made by trailhound ({why}), and nothing is written to it; name another folder with --lake"
    )]
    Foreign {
        /// The lake.
        place: String,
        /// The table.
        table: &'static str,
        /// What is different.
        why: String,
    },
    /// The table has columns that this trailhound does not know: writing its rows anew would lose them.
    #[error(
        "table {table}: it has columns that this trailhound does not know, and was not compacted; use the newer one"
    )]
    Newer {
        /// The table.
        table: &'static str,
    },
    /// Other writers were faster again and again.
    #[error("table {table}: {attempts} attempts to commit met other writers; run it again when they are done")]
    Busy {
        /// The table.
        table: &'static str,
        /// How often it was tried.
        attempts: u32,
    },
    /// Rows could not be turned into a file: a fault of ours.
    #[error("internal error while writing {table}: {source}; please report it")]
    Encode {
        /// The table.
        table: &'static str,
        /// What Arrow or Parquet said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A file or thread of our own failed.
    #[error("{what}: {source}{}", store_hint(&.source.to_string()).unwrap_or_default())]
    Io {
        /// What was tried.
        what: String,
        /// What the system said.
        source: io::Error,
    },
}

impl Error {
    /// Whether there was no room left, on a disk or of a quota.
    pub fn is_no_room(&self) -> bool {
        match self {
            Error::Full { .. } => true,
            Error::Io { source, .. } => no_room(source.kind()),
            _ => false,
        }
    }

    /// An error of the store about one object.
    pub(crate) fn store(object: impl Into<String>) -> impl FnOnce(StoreError) -> Error {
        let object = object.into();
        move |source| {
            if is_full(&source) { Error::Full { object, source } } else { Error::Store { object, source } }
        }
    }

    /// An error of Delta about one table. What is the store's underneath is told as the store's.
    pub(crate) fn delta(table: &'static str) -> impl FnOnce(deltalake_core::DeltaTableError) -> Error {
        move |source| match source {
            deltalake_core::DeltaTableError::ObjectStore { source } => Error::store(table)(source),
            source => Error::Delta { table, source: Box::new(source) },
        }
    }

    /// A fault while rows of a table were encoded.
    pub(crate) fn encode<E: std::error::Error + Send + Sync + 'static>(table: &'static str) -> impl FnOnce(E) -> Error {
        move |source| Error::Encode { table, source: Box::new(source) }
    }
}

fn no_room(kind: io::ErrorKind) -> bool {
    matches!(kind, io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// Whether the store said that it has no room (`ENOSPC`, a quota).
fn is_full(error: &StoreError) -> bool {
    let mut source: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = source {
        if let Some(error) = error.downcast_ref::<io::Error>()
            && no_room(error.kind())
        {
            return true;
        }
        source = error.source();
    }
    false
}

/// What Delta says without the stack that its kernel hangs on to it: `   0: name::of::function` and so on.
fn brief(text: &str) -> String {
    let is_frame = |line: &str| {
        line.trim_start().split_once(": ").is_some_and(|(number, _)| number.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let lines = text.lines().take_while(|line| !is_frame(line)).map(str::trim).filter(|line| !line.is_empty());
    lines.collect::<Vec<_>>().join(" ")
}

fn hint(error: &StoreError) -> &'static str {
    if let Some(hint) = store_hint(&error.to_string()) {
        return hint;
    }
    match error {
        StoreError::PermissionDenied { .. } => {
            "; the lake needs s3:GetObject, s3:PutObject, s3:DeleteObject and s3:ListBucket there"
        }
        StoreError::Unauthenticated { .. } => CREDENTIALS,
        StoreError::NotFound { .. } => {
            "; `trailhound lake check` tells what is missing, `trailhound lake repair` mends it"
        }
        _ => "",
    }
}

/// What helps where Delta's log is broken: nothing else says which files a table has.
const LOG: &str = "; nothing but Delta's log says which files a table has: put it back from a copy, or make a lake anew with \
                   `trailhound ingest SOURCE --lake NEW`";

/// The same, where a commit can be read as text.
const BROKEN: &str = "; a commit of its log is not what was written, which `trailhound lake repair` mends if it can be; if not, put it \
                      back from a copy, or make a lake anew with `trailhound ingest SOURCE --lake NEW`";

const CREDENTIALS: &str = "; no valid credentials: try `aws sts get-caller-identity`";

/// The next step for what S3 says by code ("Error responses" in the Amazon S3 API reference), wherever the code stands:
/// object_store and Delta's kernel keep little more of an answer than its text.
fn store_hint(text: &str) -> Option<&'static str> {
    let says = |codes: &[&str]| codes.iter().any(|code| text.contains(&format!("<Code>{code}</Code>")));
    if says(&["NoSuchBucket"]) {
        return Some("; there is no such bucket: look at `aws s3 ls`, or make it with `aws s3 mb`");
    }
    if says(&["InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken"]) {
        return Some(CREDENTIALS);
    }
    if says(&["PermanentRedirect", "AuthorizationHeaderMalformed"]) {
        return Some("; the bucket is in another region: name it with --region");
    }
    if text.contains("Permission denied (os error 13)") || text.contains("Operation not permitted (os error 1)") {
        return Some("; this user may not: look at the rights of the lake's folder and of what is in it (`ls -l`)");
    }
    if text.contains("Read-only file system") {
        return Some("; a lake is written in a file system that can be written: name another place with --lake");
    }
    if text.contains("Json error") {
        return Some(BROKEN);
    }
    text.contains("error sending request").then_some("; it cannot be reached: look at --endpoint-url and the network")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_s3_says_gives_the_next_step() {
        let denied = |code: &str| {
            let source = format!("403 Forbidden: <Error><Code>{code}</Code></Error>").into();
            Error::store("x")(StoreError::PermissionDenied { path: "x".to_owned(), source }).to_string()
        };
        assert!(denied("InvalidAccessKeyId").contains("aws sts get-caller-identity"));
        assert!(denied("AccessDenied").contains("s3:PutObject"));
        let delta = deltalake_core::DeltaTableError::Generic("404: <Code>NoSuchBucket</Code>".to_owned());
        assert!(Error::delta("events")(delta).to_string().contains("aws s3 mb"));
        let denied = io::Error::from_raw_os_error(13);
        assert!(Error::Io { what: "x".to_owned(), source: denied }.to_string().contains("ls -l"));
    }

    #[test]
    fn what_delta_says_is_one_line() {
        let stack =
            "Kernel error: Json error: unexpected 'x'\n     0: a::b\n     1: c::d\n             at ./e.c:4:0\n  ";
        assert_eq!(brief(stack), "Kernel error: Json error: unexpected 'x'");
        let delta = deltalake_core::DeltaTableError::Generic(stack.to_owned());
        let told = Error::delta("events")(delta).to_string();
        assert!(!told.contains('\n') && told.contains("put it back"), "{told}");
    }
}
