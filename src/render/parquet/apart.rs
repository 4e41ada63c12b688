//! A Parquet file encoded on a thread of its own, so that reading goes on meanwhile.
//!
//! The thread has the file's bytes go to a channel: what writes them is the caller's, which may live shorter than a thread.

use std::io::{self, Write};
use std::mem::replace;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread::{Builder, JoinHandle};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use lake::AnswerFile;
use parquet::errors::Result;

use super::parquet_error;

/// Batches that wait for the thread: as many as come while it encodes a row group.
const WAITING_BATCHES: usize = 8;
/// The file's bytes are handed on in pieces of this size.
const PIECE_BYTES: usize = 1 << 20;

/// The caller's end of the thread.
pub(super) struct Apart {
    batches: Option<SyncSender<RecordBatch>>,
    pieces: Receiver<Vec<u8>>,
    thread: Option<JoinHandle<Result<()>>>,
}

impl Apart {
    /// Begins a file of rows of this schema, for which [`AnswerFile`] is.
    pub(super) fn start(schema: &SchemaRef) -> io::Result<Apart> {
        let (batches, queue) = sync_channel(WAITING_BATCHES);
        let (bytes, pieces) = channel();
        let out = Pieces { piece: Vec::new(), bytes };
        let mut file = AnswerFile::new(schema, out).map_err(parquet_error)?;
        let encode = move || {
            queue.iter().try_for_each(|batch| file.write(batch))?;
            Ok(file.finish()?.flush()?)
        };
        let thread = Builder::new().name("trailhound-parquet".to_owned()).spawn(encode)?;
        Ok(Apart { batches: Some(batches), pieces, thread: Some(thread) })
    }

    /// Hands rows over, and writes what is encoded so far. Blocks while the thread has enough to do.
    pub(super) fn batch(&mut self, batch: RecordBatch, out: &mut dyn Write) -> io::Result<()> {
        let is_taken = self.batches.as_ref().is_some_and(|batches| batches.send(batch).is_ok());
        if !is_taken {
            return self.end();
        }
        self.pieces.try_iter().try_for_each(|piece| out.write_all(&piece))
    }

    /// Writes the rest of the file.
    pub(super) fn finish(&mut self, out: &mut dyn Write) -> io::Result<()> {
        self.batches = None;
        self.pieces.iter().try_for_each(|piece| out.write_all(&piece))?;
        self.end()?;
        out.flush()
    }

    /// What became of the thread, which has ended.
    fn end(&mut self) -> io::Result<()> {
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(result)) => result.map_err(parquet_error),
            _ => Err(io::Error::other("internal error: the thread that encodes Parquet stopped; please report this")),
        }
    }
}

/// Gathers bytes to pieces.
struct Pieces {
    piece: Vec<u8>,
    bytes: Sender<Vec<u8>>,
}

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.piece.len() + bytes.len() > PIECE_BYTES {
            self.flush()?;
        }
        self.piece.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let piece = replace(&mut self.piece, Vec::with_capacity(PIECE_BYTES));
        self.bytes.send(piece).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}
