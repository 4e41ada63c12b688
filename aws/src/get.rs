//! Objects on their way: many at a time, so many bytes in memory and no more.
//!
//! An object is asked for when the pipeline puts it into a task, and waited for when a worker comes to it. Room is given in
//! the order of the asking, which is the order in which workers come: whoever has waited longest is read first, so that no
//! object ever waits for a later one.

use std::fmt;
use std::io::{self, Cursor, Read};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use ingest::source::Fetch;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

use crate::bucket::Bucket;
use crate::connection::Connection;
use crate::error::Error;

/// Bytes of objects in memory, asked for and not parsed yet.
const IN_FLIGHT_BYTES: u32 = 64 << 20;
/// Objects asked for at a time.
const IN_FLIGHT_OBJECTS: usize = 32;
/// What an object takes at least, whatever its size: memory of the request itself.
const REQUEST_BYTES: u32 = 64 << 10;
/// Larger objects are read as they come, when their turn comes.
const WHOLE_BYTES: u64 = 32 << 20;

/// Room for the objects of one listing. Two listings must not share it: who reads one may wait for the other.
#[derive(Debug, Clone)]
pub(crate) struct Room {
    line: mpsc::UnboundedSender<Wish>,
}

/// An object that stands in line for room.
#[derive(Debug)]
struct Wish {
    bucket: Bucket,
    key: String,
    bytes: u64,
    coming: oneshot::Sender<Came>,
}

impl Room {
    pub(crate) fn new(connection: &Connection) -> Room {
        let (line, wishes) = mpsc::unbounded_channel();
        connection.runtime().spawn(serve(wishes));
        Room { line }
    }
}

/// Gives room to one wish after the other, strictly in their order: if a later object took the room of an earlier one, whose
/// rows must go first, both would wait for ever.
async fn serve(mut wishes: mpsc::UnboundedReceiver<Wish>) {
    let bytes = Arc::new(Semaphore::new(IN_FLIGHT_BYTES as usize));
    let objects = Arc::new(Semaphore::new(IN_FLIGHT_OBJECTS));
    while let Some(wish) = wishes.recv().await {
        let size = u32::try_from(wish.bytes).unwrap_or(u32::MAX).clamp(REQUEST_BYTES, IN_FLIGHT_BYTES);
        let (Ok(room), Ok(turn)) =
            (bytes.clone().acquire_many_owned(size).await, objects.clone().acquire_owned().await)
        else {
            return;
        };
        // Nobody waits any more where the scan has ended.
        if wish.coming.is_closed() {
            continue;
        }
        tokio::spawn(async move {
            let came = wish.bucket.get(&wish.key).await;
            drop(turn);
            let _ = wish.coming.send(came.map(|(opened, body)| (body, opened.modified, room)));
        });
    }
}

/// What came: bytes, the time they were written, and the room that they take for as long as they are there.
type Came = Result<(Vec<u8>, Option<i64>, OwnedSemaphorePermit), Error>;

/// One object.
pub(crate) struct Get {
    bucket: Bucket,
    key: String,
    bytes: u64,
    room: Room,
    coming: Mutex<Option<oneshot::Receiver<Came>>>,
    modified: OnceLock<i64>,
}

impl fmt::Debug for Get {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Get").field("key", &self.key).finish_non_exhaustive()
    }
}

impl Get {
    pub(crate) fn new(bucket: &Bucket, key: &str, bytes: u64, room: &Room) -> Get {
        Get {
            bucket: bucket.clone(),
            key: key.to_owned(),
            bytes,
            room: room.clone(),
            coming: Mutex::new(None),
            modified: OnceLock::new(),
        }
    }

    fn wrote(&self, modified: Option<i64>) {
        if let Some(modified) = modified {
            let _ = self.modified.set(modified);
        }
    }

    fn coming(&self) -> Option<oneshot::Receiver<Came>> {
        self.coming.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Fetch for Get {
    fn begin(&self) {
        if self.bytes > WHOLE_BYTES {
            return;
        }
        let mut coming = self.coming.lock().unwrap_or_else(PoisonError::into_inner);
        if coming.is_some() {
            return;
        }
        let (sender, receiver) = oneshot::channel();
        let wish = Wish { bucket: self.bucket.clone(), key: self.key.clone(), bytes: self.bytes, coming: sender };
        // A line that is closed belongs to a runtime that ends: opening says so.
        if self.room.line.send(wish).is_ok() {
            *coming = Some(receiver);
        }
    }

    fn open(&self) -> io::Result<Box<dyn Read + Send>> {
        let connection = self.bucket.connection();
        let Some(coming) = self.coming() else {
            let opened = connection.reading(self.bucket.open(&self.key))??;
            self.wrote(opened.modified);
            return Ok(Box::new(opened.into_read(connection)));
        };
        let came = connection.reading(coming)?.map_err(|_| io::Error::other("the program is ending"))?;
        let (bytes, modified, permit) = came?;
        self.wrote(modified);
        Ok(Box::new(Held { bytes: Cursor::new(bytes), _permit: permit }))
    }

    fn modified(&self) -> Option<i64> {
        self.modified.get().copied()
    }
}

/// Bytes that give their room back when they go.
struct Held {
    bytes: Cursor<Vec<u8>>,
    _permit: OwnedSemaphorePermit,
}

impl Read for Held {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.bytes.read(out)
    }
}
