//! How a command ended, and the exit code that says so. The codes are a contract: `docs/contract.md`.

use std::io;

/// A command that ran to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Outcome {
    /// Everything was read.
    Done,
    /// Some input was rejected; the rest was read.
    Rejected,
    /// There are findings at or above `--fail-on`. Said before rejects: a caller that asked for it wants it first.
    Findings,
}

impl Outcome {
    pub(crate) fn code(self) -> u8 {
        match self {
            Outcome::Done => 0,
            Outcome::Findings => 1,
            Outcome::Rejected => 3,
        }
    }
}

/// A command that could not do its work.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The command line or the SQL is wrong.
    #[error("{0}")]
    Usage(String),
    /// Input or output failed.
    #[error("{0}")]
    Io(String),
    /// Somebody asked for the end: Ctrl-C.
    #[error("{0}")]
    Interrupted(String),
}

impl Failure {
    pub(crate) fn code(&self) -> u8 {
        match self {
            Failure::Usage(_) => 2,
            Failure::Io(_) => 5,
            Failure::Interrupted(_) => 130,
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            // Parquet for a terminal: the command line asks for what cannot be.
            io::ErrorKind::InvalidInput => Failure::Usage(error.to_string()),
            _ => Failure::Io(format!("cannot write the answer: {error}")),
        }
    }
}

impl From<ingest::Error> for Failure {
    fn from(error: ingest::Error) -> Self {
        Failure::Io(error.to_string())
    }
}

impl From<lake::Error> for Failure {
    fn from(error: lake::Error) -> Self {
        match error {
            lake::Error::Location { .. } | lake::Error::Absent { .. } => Failure::Usage(error.to_string()),
            error => Failure::Io(error.to_string()),
        }
    }
}

impl From<query::Error> for Failure {
    fn from(error: query::Error) -> Self {
        if error == query::Error::Cancelled {
            return Failure::Interrupted(error.to_string());
        }
        // A value that cannot be computed (a division by zero, a cast) is the SQL's fault as well.
        if error.is_usage() || matches!(error, query::Error::Run(_)) {
            Failure::Usage(error.to_string())
        } else {
            Failure::Io(error.to_string())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worse_outcome_wins() {
        assert_eq!(Outcome::Done.max(Outcome::Rejected).code(), 3);
        assert_eq!(Outcome::Findings.max(Outcome::Rejected).code(), 1);
    }
}
