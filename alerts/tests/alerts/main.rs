//! The alerts room on real logs and real rules, in one binary.
#![allow(clippy::unwrap_used, missing_docs)]

mod bombs;
mod chains;
mod corpus;
mod costs;
mod exact;
mod filters;
mod logs;
mod order;
mod pack;
mod plain;
mod prime;
mod reading;
mod rests;
mod sample;
mod stream;
mod streamalert;
mod trails;
mod twin;
mod windows;
