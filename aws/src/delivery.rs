//! Objects that messages told of, as a source of `ingest`'s; and events that came as messages.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Cursor, Read};
use std::sync::{Arc, Mutex, PoisonError};

use ingest::key::Kind;
use ingest::source::{Fetch, Input, Listed, Place, Remote};
use serde_json::Value;

use crate::bucket::Bucket;
use crate::connection::Connection;
use crate::filter::passed_over;
use crate::get::{Get, Room};
use crate::message::{Delivered, Message};
use crate::place::Place as ObjectPlace;
use crate::queue::Received;

/// Room for an object of which nobody said how large it is.
const BYTES_GUESSED: u64 = 1 << 20;

/// Turns messages into inputs.
#[derive(Debug)]
pub struct Deliveries {
    connection: Connection,
    room: Room,
    buckets: Mutex<BTreeMap<String, Bucket>>,
}

/// What messages ask for: each object once, however many messages name it.
#[derive(Debug, Default)]
pub struct Batch {
    inputs: BTreeMap<String, Input>,
    /// Names of the objects that each message waits for, by its id.
    pub waiting: BTreeMap<String, Vec<String>>,
    /// Messages that ask for nothing: tests, confirmations, removals.
    pub nothing: u64,
    /// Objects that are none of CloudTrail's rows and were passed over, by the folder of their service.
    pub passed_over: BTreeMap<&'static str, u64>,
    /// Digests among them, `s3://BUCKET/KEY`: whoever verifies may want to know that there are new ones.
    pub digests: BTreeSet<String>,
}

impl Deliveries {
    /// Objects are fetched through this connection. All are: a message that is not wanted would have to be deleted unread.
    pub fn new(connection: &Connection) -> Deliveries {
        Deliveries { connection: connection.clone(), room: Room::new(connection), buckets: Mutex::default() }
    }

    /// Adds a message to a batch.
    pub fn add(&self, received: &Received, queue: &str, batch: &mut Batch) {
        let inputs = match Message::parse(&received.body) {
            Message::Nothing => {
                batch.nothing += 1;
                Vec::new()
            }
            Message::Objects(objects) => {
                batch.nothing += u64::from(objects.is_empty());
                objects.iter().filter_map(|object| self.object(object, batch)).collect()
            }
            Message::Unknown(text) if says_nothing(&text) => {
                vec![Input { place: Place::Fetched(Arc::new(Strange)), ..event(text, received, queue) }]
            }
            Message::Events(text) | Message::Unknown(text) => vec![event(text, received, queue)],
        };
        let names = inputs.iter().map(|input| input.name.clone()).collect();
        batch.waiting.insert(received.id.clone(), names);
        batch.inputs.extend(inputs.into_iter().map(|input| (input.name.clone(), input)));
    }

    /// The object; none where its key says that another service wrote it. Any other is read, and told by what is in it.
    fn object(&self, object: &Delivered, batch: &mut Batch) -> Option<Input> {
        if let Some(service) = passed_over(&object.key) {
            *batch.passed_over.entry(service).or_default() += 1;
            if service == Kind::Digest.folder() {
                batch.digests.insert(format!("s3://{}/{}", object.bucket, object.key));
            }
            return None;
        }
        Some(self.input(&object.bucket, &object.key, object.bytes))
    }

    /// Objects that somebody knows by name: each place's prefix is a key.
    pub fn named(&self, places: &[ObjectPlace]) -> Batch {
        let inputs = places.iter().map(|place| self.input(&place.bucket, &place.prefix, None));
        Batch { inputs: inputs.map(|input| (input.name.clone(), input)).collect(), ..Batch::default() }
    }

    fn input(&self, bucket_name: &str, key: &str, bytes: Option<u64>) -> Input {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let bucket =
            buckets.entry(bucket_name.to_owned()).or_insert_with(|| Bucket::new(&self.connection, bucket_name));
        let bytes = bytes.unwrap_or(BYTES_GUESSED);
        let get = Get::new(bucket, key, bytes, &self.room);
        let name = format!("s3://{bucket_name}/{key}");
        Input { name, place: Place::Fetched(Arc::new(get)), bytes, modified: None }
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

/// Whether a text is empty, however many brackets there are around it.
fn says_nothing(text: &str) -> bool {
    fn is_empty(value: &Value) -> bool {
        match value {
            Value::Null => true,
            Value::String(text) => text.trim().is_empty(),
            Value::Array(all) => all.iter().all(is_empty),
            Value::Object(all) => all.values().all(is_empty),
            Value::Bool(_) | Value::Number(_) => false,
        }
    }
    text.trim().is_empty() || serde_json::from_str(text).is_ok_and(|value| is_empty(&value))
}

/// A message without anything in it: nobody sends such, so that it is refused by name and never deleted as if it were read.
#[derive(Debug)]
struct Strange;

impl Fetch for Strange {
    fn open(&self) -> io::Result<Box<dyn Read + Send>> {
        let text = "an empty message, of no shape that is known: look at who sends to the queue";
        Err(io::Error::new(io::ErrorKind::InvalidData, text))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_around_nothing_say_nothing() {
        for text in ["", " ", "{}", "[]", "null", r#"{"Records":[]}"#, r#"[{"Records":[{}]}, ""]"#] {
            assert!(says_nothing(text), "{text}");
        }
        for text in ["x", "[1]", r#"{"Records":[{"s3":{"a":false}}]}"#, "{"] {
            assert!(!says_nothing(text), "{text}");
        }
        assert!(Strange.open().is_err());
    }
}
