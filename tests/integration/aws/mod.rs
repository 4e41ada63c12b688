//! AWS itself: buckets, queues and keys, against servers on loopback.

mod bucket;
pub(crate) mod cloud;
mod doctor;
mod ends;
mod lookup;
mod proof;
mod queue;
mod verify;
mod watch;
