//! AWS itself: buckets, queues and keys, against servers on loopback.

mod bucket;
mod cloud;
mod queue;
mod verify;
