//! Proof that no log file was changed, forged or taken away: CloudTrail's digest files, their signatures and their chain.
//!
//! In the order of the work: [`archive`] is what is asked for objects, [`folder`] the one for downloaded files;
//! [`signature`] has the keys; [`chain`] says which digests belong together, `walk` goes through them from the newest to
//! the oldest, `open` believes those that are signed; `log` hashes the files that they list; `listing` finds files that
//! none lists; [`verdict`] says what was found.
//!
//! The verdicts are those of `aws cloudtrail validate-logs` (AWS CLI 1.45.12 and later), file by file, so that a reader may
//! hold one against the other; what that client does not look at is said beside them, as [`Remark`]s, and changes no
//! verdict. This room knows neither S3's protocol nor who prints: bytes come in through a trait, findings go out through one.

pub mod archive;
pub mod chain;
pub mod document;
pub mod folder;
pub mod signature;
pub mod verdict;

mod listing;
mod log;
mod open;
mod walk;

#[cfg(test)]
mod tests;

pub use archive::{Archive, Fault, Metadata, Object};
pub use chain::{Chain, Logged, Span};
pub use document::ListedLog;
pub use folder::Folder;
pub use signature::{KeyRing, NoKeys, PublicKeys};
pub use verdict::{Counts, Delivered, File, Finding, Findings, Gap, Remark, Role, Standing, Summary, Verdict};

use std::num::NonZeroUsize;

pub use listing::DELIVERY;

/// What is known of the digests before the start of a span, or before the oldest that is there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Before {
    /// Nothing; where a start is named, every digest since then has to be there. So the client of AWS has it.
    #[default]
    Demanded,
    /// Nobody has looked yet, and older ones may have gone in their time: a chain begins where its digests begin.
    Open,
    /// All up to the start were walked before: the next one has to be there, and what is written later for times before it
    /// (backfill digests) is looked for.
    Walked,
}

/// How to verify.
#[derive(Debug, Clone)]
pub struct Options {
    /// Delivered between these times.
    pub span: Span,
    /// What is known of the time before.
    pub before: Before,
    /// The bucket of the trail; without it what most of the digests say.
    pub bucket: Option<String>,
    /// Whether log files are read and hashed. Without it digests only say what was delivered, for whoever has the hashes.
    pub read_logs: bool,
    /// Log files read at a time.
    pub threads: NonZeroUsize,
    /// Most bytes that an object may inflate to. CloudTrail's own maximum is 50 MB.
    pub inflated_bytes: u64,
}

/// Reads one log file that a digest lists, and holds it against the hash that was signed. What cannot be read is unproven.
pub fn check_log(archive: &dyn Archive, listed: &ListedLog, inflated_bytes: u64) -> Verdict {
    let checked = log::check(archive, listed, inflated_bytes);
    checked.map_or_else(|fault| Verdict::Unproven(fault.to_string()), |checked| checked.verdict)
}

/// Verifies every chain of `chains`, one after the other, and tells `findings` as it goes.
///
/// # Errors
/// What keeps everything from being verified: the archive or the keys cannot be reached. What is wrong with one file is a
/// finding.
pub fn verify(
    archive: &dyn Archive,
    keys: &dyn KeyRing,
    chains: &[Chain],
    options: &Options,
    findings: &mut dyn Findings,
) -> Result<Summary, Fault> {
    let mut summary = Summary::default();
    let mut chains: Vec<&Chain> = chains.iter().collect();
    chains.sort_unstable();
    chains.dedup();
    let mut tally = verdict::Tally { findings, summary: &mut summary };
    // Two trails write their log files into the same folders: a file is unlisted if neither lists it.
    for together in chains.chunk_by(|a, b| (&a.stem, &a.region) == (&b.stem, &b.region)) {
        let mut covered = Vec::new();
        for chain in together {
            covered.push(walk::verify(archive, keys, chain, options, &mut tally)?);
        }
        if let Some(chain) = together.first() {
            listing::unlisted(archive, chain, (options.span, options.inflated_bytes), &mut covered, &mut tally)?;
        }
    }
    Ok(summary)
}
