//! Objects on their way: many at a time, so many bytes in memory and no more.
//!
//! An object is asked for when the pipeline puts it into a task, and waited for when a worker comes to it. Room is given in
//! the order of the asking, which is the order in which workers come: whoever has waited longest is read first, so that no
//! object ever waits for a later one.

use std::fmt;
use std::io::{self, Cursor, Read};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use ingest::source::Fetch;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use crate::bucket::Bucket;
use crate::error::{Error, Kind};

/// Bytes of objects in memory, asked for and not parsed yet.
const IN_FLIGHT_BYTES: u32 = 64 << 20;
/// Objects asked for at a time.
const IN_FLIGHT_OBJECTS: usize = 32;
/// What an object takes at least, whatever its size: memory of the request itself.
const REQUEST_BYTES: u32 = 64 << 10;
/// Larger objects are read as they come, when their turn comes.
const WHOLE_BYTES: u64 = 32 << 20;

/// Room for the objects of one bucket.
#[derive(Debug, Clone)]
pub(crate) struct Room {
    bytes: Arc<Semaphore>,
    objects: Arc<Semaphore>,
}

impl Room {
    pub(crate) fn new() -> Room {
        let bytes = Arc::new(Semaphore::new(IN_FLIGHT_BYTES as usize));
        Room { bytes, objects: Arc::new(Semaphore::new(IN_FLIGHT_OBJECTS)) }
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

async fn come(bucket: Bucket, key: String, bytes: u64, room: Room) -> Came {
    let closed = |_| Error::new(key.clone(), Kind::Other, "the program is ending");
    let size = u32::try_from(bytes).unwrap_or(u32::MAX).clamp(REQUEST_BYTES, IN_FLIGHT_BYTES);
    let permit = room.bytes.acquire_many_owned(size).await.map_err(closed)?;
    let _turn = room.objects.acquire_owned().await.map_err(closed)?;
    let (opened, body) = bucket.get(&key).await?;
    Ok((body, opened.modified, permit))
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
        *coming = Some(receiver);
        let work = come(self.bucket.clone(), self.key.clone(), self.bytes, self.room.clone());
        self.bucket.connection().runtime().spawn(async move {
            // Nobody waits any more where the scan has ended.
            let _ = sender.send(work.await);
        });
    }

    fn open(&self) -> io::Result<Box<dyn Read + Send>> {
        let connection = self.bucket.connection();
        let Some(coming) = self.coming() else {
            let opened = connection.wait(self.bucket.open(&self.key))?;
            self.wrote(opened.modified);
            return Ok(Box::new(opened.into_read(connection)));
        };
        let came = connection.wait(coming).map_err(|_| io::Error::other("the program is ending"))?;
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
