//! What AWS itself gives: objects of S3, notifications of SQS, `LookupEvents`, public keys.
//!
//! In the order of use: [`connection`] reads credentials and makes clients; [`error`] says what AWS refused, which IAM action
//! is missing and what to do; [`bucket`] lists and gets; [`filter`] says which keys are wanted; [`objects`] is a bucket as a
//! source of `ingest`'s; [`queue`] holds messages, [`message`] reads them, [`delivery`] fetches what they tell of;
//! [`lookup`] asks for events a page at a time, as [`pace`] allows; [`inventory`] asks IAM and Organizations who has what;
//! [`archive`] and [`public_keys`] are what `ingest::digest` verifies with; [`doctor`] looks whether all of it can work; [`policy`]
//! lists what all of it needs.
//!
//! This room makes calls and hands over bytes. It must not know what a row is, what a lake is, or what
//! becomes of an event.

pub mod archive;
pub mod backoff;
pub mod bucket;
pub mod connection;
pub mod delivery;
pub mod doctor;
pub mod error;
pub mod filter;
pub mod inventory;
pub mod lookup;
pub mod message;
pub mod objects;
pub mod pace;
pub mod place;
pub mod policy;
pub mod public_keys;
pub mod queue;

mod get;
mod meter;

pub use archive::BucketArchive;
pub use bucket::Bucket;
pub use connection::{Connection, Halter, Options};
pub use delivery::{Batch, Deliveries};
pub use error::{Error, Kind};
pub use filter::Filter;
pub use lookup::Lookup;
pub use meter::Meter;
pub use objects::Objects;
pub use pace::Paces;
pub use place::Place;
pub use public_keys::AskCloudTrail;
pub use queue::{Queue, Received};
