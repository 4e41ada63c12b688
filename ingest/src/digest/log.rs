//! One log file against the hash that a digest keeps of it.

use std::io::{BufRead, BufReader, ErrorKind, Read};

use flate2::bufread::GzDecoder;
use sha2::{Digest as _, Sha256};

use super::archive::{Archive, Fault};
use super::document::{ListedLog, hex};
use super::verdict::Verdict;

const WINDOW_BYTES: usize = 64 << 10;

/// What one log file turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Checked {
    pub(super) verdict: Verdict,
    /// What else was seen, for people.
    pub(super) detail: Option<String>,
    /// The gzip trailer is missing and nothing else.
    pub(super) cut_trailer: bool,
}

impl From<Verdict> for Checked {
    fn from(verdict: Verdict) -> Self {
        Checked { verdict, detail: None, cut_trailer: false }
    }
}

/// Reads a log file and compares.
///
/// # Errors
/// [`Fault::Unread`] where the object is there and cannot be read.
pub(super) fn check(archive: &dyn Archive, log: &ListedLog, inflated_bytes: u64) -> Result<Checked, Fault> {
    let object = match archive.open(&log.bucket, &log.key) {
        Ok(object) => object,
        Err(Fault::Absent) => return Ok(Verdict::NotFound.into()),
        Err(Fault::Elsewhere) => {
            let why = "not among the files that were given: its part of the bucket was not downloaded";
            return Ok(Verdict::Unproven(why.to_owned()).into());
        }
        Err(fault) => return Err(fault),
    };
    Ok(match hash(object.body, inflated_bytes)? {
        Hashed::Damaged => Verdict::InvalidFormat.into(),
        Hashed::Trailing => Verdict::TrailingData.into(),
        Hashed::TooLarge => Checked {
            detail: Some(format!("inflates to more than {inflated_bytes} bytes, which CloudTrail never writes")),
            ..Verdict::HashMismatch.into()
        },
        Hashed::Text { sha256, whole } => compare(log, &sha256, whole),
    })
}

fn compare(log: &ListedLog, sha256: &str, whole: bool) -> Checked {
    let cut = || (!whole).then(|| "its gzip data are cut off".to_owned());
    match &log.sha256 {
        None => Verdict::InvalidFormat.into(),
        Some(listed) if listed == sha256 => Checked { verdict: Verdict::Valid, detail: cut(), cut_trailer: !whole },
        Some(_) => Checked { detail: cut(), ..Verdict::HashMismatch.into() },
    }
}

/// What inflating and hashing an object gave.
enum Hashed {
    /// SHA-256 of the text, and whether the gzip data had their end.
    Text { sha256: String, whole: bool },
    /// Bytes follow the first member.
    Trailing,
    /// No gzip, or damaged.
    Damaged,
    /// More than the limit.
    TooLarge,
}

/// Inflates the first gzip member and hashes its text. Text that ends early is hashed as far as it goes: only the last
/// bytes may be missing, and the hash tells.
fn hash(body: Box<dyn Read + Send>, inflated_bytes: u64) -> Result<Hashed, Fault> {
    let mut gzip = GzDecoder::new(BufReader::with_capacity(WINDOW_BYTES, Watched { body, failed: None }));
    let mut digest = Sha256::new();
    let mut window = vec![0; WINDOW_BYTES];
    let mut length = 0;
    let ended = loop {
        match gzip.read(&mut window) {
            Ok(0) => break Ok(()),
            Ok(n) => {
                length += n as u64;
                digest.update(&window[..n]);
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => break Err(error),
        }
        if length > inflated_bytes {
            return Ok(Hashed::TooLarge);
        }
    };
    // What the body says is no fault of the gzip data.
    if let Some(why) = &gzip.get_ref().get_ref().failed {
        return Err(Fault::Unread(why.clone()));
    }
    let sha256 = hex(&digest.finalize());
    match ended {
        Ok(()) => {
            let rest = gzip.get_mut().fill_buf().map(|rest| !rest.is_empty());
            if rest.map_err(|error| Fault::Unread(error.to_string()))? {
                return Ok(Hashed::Trailing);
            }
            Ok(Hashed::Text { sha256, whole: true })
        }
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(Hashed::Text { sha256, whole: false }),
        Err(_) => Ok(Hashed::Damaged),
    }
}

/// The hash of a log file's text, hexadecimal; `None` where it is no sound gzip.
pub(super) fn sha256(body: Box<dyn Read + Send>, inflated_bytes: u64) -> Option<String> {
    match hash(body, inflated_bytes) {
        Ok(Hashed::Text { sha256, .. }) => Some(sha256),
        _ => None,
    }
}

/// A body that remembers that reading failed: the decoder's errors and the network's look alike.
struct Watched {
    body: Box<dyn Read + Send>,
    failed: Option<String>,
}

impl Read for Watched {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        self.body.read(out).inspect_err(|error| {
            if error.kind() != ErrorKind::Interrupted {
                self.failed = Some(error.to_string());
            }
        })
    }
}

/// Inflates a digest file whole; `None` where it is no sound gzip, and whether bytes follow it.
pub(super) fn text(body: Box<dyn Read + Send>, inflated_bytes: u64) -> Result<Option<(Vec<u8>, bool)>, Fault> {
    let mut gzip = GzDecoder::new(BufReader::with_capacity(WINDOW_BYTES, Watched { body, failed: None }));
    let mut text = Vec::new();
    let read = (&mut gzip).take(inflated_bytes.saturating_add(1)).read_to_end(&mut text);
    if let Some(why) = &gzip.get_ref().get_ref().failed {
        return Err(Fault::Unread(why.clone()));
    }
    if read.is_err() || text.len() as u64 > inflated_bytes {
        return Ok(None);
    }
    let rest = gzip.get_mut().fill_buf().map(|rest| !rest.is_empty());
    Ok(Some((text, rest.map_err(|error| Fault::Unread(error.to_string()))?)))
}
