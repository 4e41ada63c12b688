//! A bucket as a source: its wanted keys in their order, fetched when they are come to.
//!
//! The listing keeps no mark of how far it came: keys carry random letters and arrive late, so that whatever comes after the
//! last key of yesterday is not all that is new. A lake's ledger says which objects it has; the filter's days say how far back
//! the listing looks.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use ingest::source::{Input, Place as At, Remote};

use crate::bucket::{Bucket, Listed, Page};
use crate::connection::Connection;
use crate::error::Error;
use crate::filter::{Decision, Filter, LeftOut};
use crate::get::{Get, Room};
use crate::place::Place;

/// The wanted objects of a bucket.
#[derive(Debug)]
pub struct Objects {
    bucket: Bucket,
    prefix: String,
    filter: Filter,
    left_out: Arc<Mutex<LeftOut>>,
}

impl Objects {
    /// What the filter wants of a place. Nothing is asked yet.
    pub fn new(connection: &Connection, place: &Place, filter: Filter) -> Objects {
        let bucket = Bucket::new(connection, &place.bucket);
        Objects { bucket, prefix: place.prefix.clone(), filter, left_out: Arc::default() }
    }

    /// Asks for the first keys, so that a place that cannot be read is told before anything is.
    ///
    /// # Errors
    /// What S3 refuses; needs `s3:ListBucket`.
    pub fn check(&self) -> Result<(), Error> {
        self.bucket.connection().wait(self.bucket.page(&self.prefix, "")).map(drop)
    }

    /// How it is reached.
    pub fn connection(&self) -> &Connection {
        self.bucket.connection()
    }

    /// Where it is.
    pub fn place(&self) -> Place {
        Place { bucket: self.bucket.name().to_owned(), prefix: self.prefix.clone() }
    }

    /// What was left out so far.
    pub fn left_out(&self) -> LeftOut {
        self.left_out.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Remote for Objects {
    fn list(&self) -> Box<dyn Iterator<Item = Result<Input, (String, io::Error)>> + Send> {
        // A second listing counts anew.
        *self.left_out.lock().unwrap_or_else(PoisonError::into_inner) = LeftOut::default();
        Box::new(Listing {
            bucket: self.bucket.clone(),
            prefix: self.prefix.clone(),
            filter: self.filter.clone(),
            room: Room::new(self.bucket.connection()),
            left_out: self.left_out.clone(),
            page: VecDeque::new(),
            page_end: String::new(),
            after: String::new(),
            more: true,
        })
    }
}

/// A listing under way.
struct Listing {
    bucket: Bucket,
    prefix: String,
    filter: Filter,
    room: Room,
    left_out: Arc<Mutex<LeftOut>>,
    page: VecDeque<Listed>,
    /// The last key of the page.
    page_end: String,
    /// What comes up to here is done, or passed over.
    after: String,
    more: bool,
}

impl Listing {
    fn input(&self, listed: Listed) -> Input {
        let name = format!("s3://{}/{}", self.bucket.name(), listed.key);
        let place = At::Fetched(Arc::new(Get::new(&self.bucket, &listed.key, listed.bytes, &self.room)));
        Input { name, place, bytes: listed.bytes, modified: listed.modified }
    }

    /// Whether an object is wanted; notes what is not.
    fn wants(&mut self, key: &str) -> bool {
        let decision = self.filter.decide(key, !self.prefix.is_empty());
        let mut left_out = self.left_out.lock().unwrap_or_else(PoisonError::into_inner);
        match decision {
            Decision::Take => return true,
            Decision::Leave(why) => left_out.object(why),
            Decision::Jump { after, prefix, why } => {
                left_out.prefix(why, format!("s3://{}/{prefix}", self.bucket.name()));
                self.after = after;
            }
        }
        false
    }
}

impl Iterator for Listing {
    type Item = Result<Input, (String, io::Error)>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            while let Some(listed) = self.page.pop_front() {
                if listed.key <= self.after {
                    continue;
                }
                if self.wants(&listed.key) {
                    self.after.clone_from(&listed.key);
                    return Some(Ok(self.input(listed)));
                }
            }
            if !self.more {
                return None;
            }
            let after = self.after.clone().max(self.page_end.clone());
            // Where an end was asked for, there is no next.
            match self.bucket.connection().reading(self.bucket.page(&self.prefix, &after)).ok()? {
                Ok(Page { objects, more }) => {
                    self.more = more && !objects.is_empty();
                    if let Some(last) = objects.last() {
                        self.page_end.clone_from(&last.key);
                    }
                    self.page = objects.into();
                }
                Err(error) => {
                    self.more = false;
                    let name = format!("s3://{}/{}", self.bucket.name(), self.prefix);
                    return Some(Err((name, error.into())));
                }
            }
        }
    }
}
