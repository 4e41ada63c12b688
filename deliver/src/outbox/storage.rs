//! Where an outbox keeps its lines: something that can be appended to and replaced as a whole, durably.
//!
//! A lake can be one as well as a folder. It knows bytes only.

use std::io::{self, Write};
use std::path::PathBuf;

/// Durable bytes.
pub trait Storage: Send {
    /// How many there are.
    fn bytes(&self) -> u64;

    /// Up to `most` bytes from `offset`; fewer only at the end.
    ///
    /// # Errors
    /// What the system says.
    fn read(&self, offset: u64, most: usize) -> io::Result<Vec<u8>>;

    /// Adds bytes at the end. When it returns they survive a power cut.
    ///
    /// # Errors
    /// What the system says. If [`Storage::is_sound`] still holds, none of the bytes are there; otherwise nobody knows.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Cuts off what is behind `bytes`.
    ///
    /// # Errors
    /// What the system says.
    fn truncate(&mut self, bytes: u64) -> io::Result<()>;

    /// Starts a new version of everything. Nothing of it counts before [`Storage::adopt`].
    ///
    /// # Errors
    /// What the system says.
    fn draft(&self) -> io::Result<Box<dyn Write>>;

    /// Puts the draft, written to its end, in place of everything: all of it or nothing, whatever happens.
    ///
    /// # Errors
    /// What the system says.
    fn adopt(&mut self) -> io::Result<()>;

    /// False after a failure that leaves open what the disk holds, such as a failed fsync: only reading it anew can tell.
    fn is_sound(&self) -> bool;

    /// Its name, for errors.
    fn place(&self) -> PathBuf;
}
