//! AWS itself: buckets, queues and keys, against servers on loopback.

mod bucket;
mod cloud;
mod inventory;
mod lookup;
mod queue;
mod verify;
