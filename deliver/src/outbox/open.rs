//! Opening an outbox: reading every step there was.

use std::sync::Mutex;

use tokio::sync::watch;

use super::op::{self, FORMAT, LINE_BYTES_MAX, Op};
use super::state::{Place, State};
use super::storage::Storage;
use super::{Inner, Limits, Outbox};
use crate::error::Error;

const CHUNK_BYTES: usize = 256 * 1024;
/// Of the bytes on disk notes may take one in so many: deliveries come first.
const NOTES_SHARE: u64 = 4;

impl Outbox {
    /// Opens an outbox to put in and to take out. A line that a crash has left half written is cut off.
    ///
    /// # Errors
    /// [`Error::Outbox`] for what the disk says, [`Error::Format`] if a newer version wrote it.
    pub fn open(storage: Box<dyn Storage>, limits: Limits) -> Result<Outbox, Error> {
        let (mut inner, good) = read(storage, limits)?;
        if good < inner.storage.bytes() {
            inner.storage.truncate(good).map_err(|e| inner.failure(e))?;
        }
        if inner.storage.bytes() == 0 {
            let line = op::encode(&Op::Format(FORMAT)).map_err(|e| inner.failure(e.into()))?;
            inner.storage.append(&line).map_err(|e| inner.failure(e))?;
        }
        Ok(Outbox { inner: Mutex::new(inner), changes: watch::Sender::new(0), limits })
    }

    /// Reads an outbox to look at, and changes nothing: another process may be writing.
    ///
    /// # Errors
    /// As [`Outbox::open`].
    pub fn look(storage: Box<dyn Storage>) -> Result<Outbox, Error> {
        let limits = Limits::default();
        let (mut inner, _) = read(storage, limits)?;
        inner.broken = true;
        Ok(Outbox { inner: Mutex::new(inner), changes: watch::Sender::new(0), limits })
    }
}

/// Everything that can be read, and where the last whole line ends.
fn read(storage: Box<dyn Storage>, limits: Limits) -> Result<(Inner, u64), Error> {
    let mut inner =
        Inner { storage, state: State::new(limits.marks, limits.bytes / NOTES_SHARE), broken: false, damaged: 0 };
    inner.state.loading = true;
    let (mut line, mut at, mut good, mut bad) = (Vec::new(), 0_u64, 0_u64, 0_u64);
    // A line that is too long is passed over, not kept.
    let mut passing = false;
    loop {
        let from = at + line.len() as u64;
        let chunk = inner.storage.read(from, CHUNK_BYTES).map_err(|e| inner.failure(e))?;
        if chunk.is_empty() {
            inner.state.loading = false;
            return Ok((inner, good));
        }
        for piece in chunk.split_inclusive(|&byte| byte == b'\n') {
            line.extend_from_slice(piece);
            if !piece.ends_with(b"\n") {
                if line.len() > LINE_BYTES_MAX {
                    at += line.len() as u64;
                    line.clear();
                    passing = true;
                }
                continue;
            }
            let end = at + line.len() as u64;
            let step = if passing { None } else { line.strip_suffix(b"\n").and_then(op::decode) };
            match step {
                Some(Op::Format(found)) if found > FORMAT => return Err(Error::Format { found, known: FORMAT }),
                Some(step) => {
                    inner.state.apply(&step, Place { offset: at, bytes: line.len() });
                    // Bad lines with good ones behind them are damage; at the very end they are a crash.
                    inner.damaged += std::mem::take(&mut bad);
                    good = end;
                }
                None => bad += 1,
            }
            (at, passing) = (end, false);
            line.clear();
        }
    }
}
