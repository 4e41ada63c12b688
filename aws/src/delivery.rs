//! Objects that messages told of, as a source of `ingest`'s; and events that came as messages.

use std::collections::BTreeMap;
use std::io::{self, Cursor, Read};
use std::sync::{Arc, Mutex, PoisonError};

use ingest::source::{Fetch, Input, Listed, Place, Remote};

use crate::bucket::Bucket;
use crate::connection::Connection;
use crate::filter::{Decision, Filter};
use crate::get::{Get, Room};
use crate::message::{Delivered, Message};
use crate::queue::Received;

/// Room for an object of which nobody said how large it is.
const BYTES_GUESSED: u64 = 1 << 20;

/// Turns messages into inputs.
#[derive(Debug)]
pub struct Deliveries {
    connection: Connection,
    filter: Filter,
    room: Room,
    buckets: Mutex<BTreeMap<String, Bucket>>,
}

/// What messages ask for: each object once, however many messages name it.
#[derive(Debug, Default)]
pub struct Batch {
    inputs: BTreeMap<String, Input>,
    /// Names of the objects that each message waits for, by its id.
    pub waiting: BTreeMap<String, Vec<String>>,
    /// Messages that ask for nothing.
    pub nothing: u64,
}

impl Deliveries {
    /// Objects are fetched through this connection; what the filter does not want is done at once.
    pub fn new(connection: &Connection, filter: Filter) -> Deliveries {
        Deliveries { connection: connection.clone(), filter, room: Room::new(connection), buckets: Mutex::default() }
    }

    /// Adds a message to a batch.
    pub fn add(&self, received: &Received, queue: &str, batch: &mut Batch) {
        let inputs = match Message::parse(&received.body) {
            Message::Nothing => Vec::new(),
            Message::Objects(objects) => objects.iter().filter_map(|object| self.object(object)).collect(),
            Message::Events(text) | Message::Unknown(text) => vec![event(text, received, queue)],
        };
        batch.nothing += u64::from(inputs.is_empty());
        let names = inputs.iter().map(|input| input.name.clone()).collect();
        batch.waiting.insert(received.id.clone(), names);
        batch.inputs.extend(inputs.into_iter().map(|input| (input.name.clone(), input)));
    }

    fn object(&self, object: &Delivered) -> Option<Input> {
        if self.filter.decide(&object.key, true) != Decision::Take {
            return None;
        }
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let bucket =
            buckets.entry(object.bucket.clone()).or_insert_with(|| Bucket::new(&self.connection, &object.bucket));
        let bytes = object.bytes.unwrap_or(BYTES_GUESSED);
        let get = Get::new(bucket, &object.key, bytes, &self.room);
        let name = format!("s3://{}/{}", object.bucket, object.key);
        Some(Input { name, place: Place::Fetched(Arc::new(get)), bytes, modified: None })
    }
}

/// An event that came as a message: an object whose name is the message's.
fn event(text: String, received: &Received, queue: &str) -> Input {
    let bytes = text.len() as u64;
    let name = format!("{queue}#{}", received.id);
    Input { name, place: Place::Fetched(Arc::new(Text(text))), bytes, modified: received.sent }
}

impl Remote for Batch {
    fn list(&self) -> Box<dyn Iterator<Item = Listed> + Send> {
        Box::new(self.inputs.values().cloned().map(Ok).collect::<Vec<_>>().into_iter())
    }
}

impl Batch {
    /// How many objects it asks for.
    pub fn objects(&self) -> usize {
        self.inputs.len()
    }
}

/// Text that is here already.
#[derive(Debug)]
struct Text(String);

impl Fetch for Text {
    fn open(&self) -> io::Result<Box<dyn Read + Send>> {
        Ok(Box::new(Cursor::new(self.0.clone().into_bytes())))
    }
}
