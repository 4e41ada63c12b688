//! Tests of the whole: the command as users run it, and the rooms on real logs.
//!
//! Real logs and published cases lie beside the checkout in `../shared/data`; a test that needs them says loudly that
//! it is skipped where they are absent.

#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

mod asks;
mod aws;
mod checks;
mod command;
mod contract;
mod days;
mod deliver;
mod demo;
mod honest;
mod hook;
mod hostile;
mod investigate;
mod lake;
mod lake_answers;
mod page;
mod policy;
mod readme;
mod rules;
mod shared;
mod shell;
mod sql_twin;
mod trails;
mod twins;
mod watch;
