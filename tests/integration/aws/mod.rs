//! AWS itself: buckets, queues and keys, against servers on loopback.

mod bucket;
mod cloud;
mod lookup;
mod queue;
mod verify;
mod watch;
