//! What stops a scan as a whole, each with the next step.

/// Why a scan could not go on at all. What is wrong with one object is a [`Reject`](super::Reject), not an error.
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
