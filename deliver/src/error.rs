//! What can keep this room from its work. A sink that does not answer is not among it: that is what the outbox is for.

use std::io;
use std::path::PathBuf;

/// Why alerts could not be taken or sent.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The configuration is wrong. Never holds a secret.
    #[error("{0}")]
    Config(String),
    /// The outbox's folder could not be read or written.
    #[error("outbox {}: {source}; alerts are not safe until this is mended", path.display())]
    Outbox {
        /// The folder or file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another process has the outbox.
    #[error("outbox {}: another trailhound has it open; give this one a folder of its own, or stop the other", path.display())]
    Locked {
        /// The folder.
        path: PathBuf,
    },
    /// The outbox was written by a newer version.
    #[error("outbox: format {found}, and this version reads up to {known}; use the version that wrote it")]
    Format {
        /// The format found.
        found: u32,
        /// The newest format known.
        known: u32,
    },
    /// A write failed before, so what the disk holds is not known any more.
    #[error("outbox: a write failed before; start again, which reads what the disk really holds")]
    Broken,
    /// The outbox holds as much as it may.
    #[error(
        "outbox: {bytes} of the {most} bytes that it may hold are taken; mend the sinks, or raise max_outbox_bytes"
    )]
    Full {
        /// What it holds.
        bytes: u64,
        /// What it may hold.
        most: u64,
    },
}

impl Error {
    /// Whether the same may go well in a while: a disk is full, or the outbox has no room. A write of which nobody knows
    /// what the disk holds is another thing ([`Error::Broken`]).
    pub fn may_pass(&self) -> bool {
        matches!(self, Error::Outbox { .. } | Error::Full { .. })
    }
}
