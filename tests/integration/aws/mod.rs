//! AWS itself: buckets, queues and keys, against servers on loopback.

mod bucket;
pub(crate) mod cloud;
mod doctor;
mod ends;
mod inventory;
mod lookup;
mod other;
mod proof;
mod queue;
pub(crate) mod verify;
mod watch;
