//! trailhound's lake: rows to durable tables, each event once, readable by everyone.
//!
//! A lake is a folder or a prefix of a bucket with one Delta table a noun: `events`, `objects` (the ledger), `rejects`,
//! `coverage`, `last_used`, `activity`, `alerts`, `digested` ([`schema`]). In the order of the work: [`location`] opens the
//! place (with [`credentials`] for a bucket), [`lake`] opens the tables and [`recover`] finishes what an earlier writer left, [`ledger`] says
//! which objects are there already, [`ingest`] takes a scan's rows: [`days`] splits them, [`stage`] and [`encode`] make data
//! files, [`given_up`] says which rows were folded before, [`manifest`] and [`table`] commit them, each commit says what it did ([`said`], [`anew`]) and is copied aside ([`kept`]), with the [`state`] of whoever reads on and on. [`inventory`] keeps who had what beside
//! them. [`read`], [`events`] and
//! [`parts`] give rows back, [`digested`] and [`promised`] what is proven of them, [`upkeep`] keeps it all in
//! order. [`fault`] is for tests.
//!
//! Two rules hold everything up. **The commit of `events` is the moment of truth**: before it a batch is garbage,
//! after it the batch stands, and whoever opens the lake next brings the other tables up to it. **Nobody merges
//! behind our back**: a commit either lands on the snapshot that it was made for or tells of a conflict.
//!
//! This room must not know JSON, SQL, rules or policies, and no engine: DataFusion lives in `query`.

pub mod digested;
pub mod error;
pub mod fault;
pub mod ingest;
pub mod inventory;
pub mod lake;
pub mod ledger;
pub mod location;
pub mod schema;
pub mod upkeep;

mod anew;
mod coverage;
mod credentials;
mod days;
mod encode;
mod events;
mod given_up;
mod kept;
pub mod log;
mod manifest;
mod parts;
pub mod promised;
mod read;
mod recover;
mod rows;
mod said;
mod stage;
mod state;
mod table;

#[cfg(test)]
mod tests;

pub use digested::Note;
pub use encode::NEEDLES;
pub use encode::answer::AnswerFile;
pub use error::{Error, Result};
pub use ingest::{Ingest, LastUsed, Outcome, Prime};
pub use lake::Lake;
pub use ledger::{Ledger, Names};
pub use location::{Aws, Location};
pub use promised::{Proof, Shortfall, Unkept};
pub use said::{Astray, Stranger};
pub use state::State;
pub use table::DataFile;
