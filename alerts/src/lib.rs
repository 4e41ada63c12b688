//! trailhound's alerts: rows to alerts, with Sigma rules evaluated on columns.
//!
//! In the order data flows: [`rule`] reads Sigma YAML, [`pack`] holds the shipped rules and loads users' own;
//! `condition`, `modifier` and `test` turn a detection into a tree of tests on fields; `field` says which column a
//! field is; `compile` shares equal tests between rules and indexes rules by event; `view` reads one batch and
//! [`engine`] runs all rules over it. What matched goes on to `group` (one alert a burst), `correlate` (windows over
//! event time) and `memory` (rest and first use), all three indifferent to the order of the events, and ends as an
//! [`alert`].
//!
//! Arrow and the event table only: nothing here knows files, SQL, policies, or how an alert is printed or sent.

pub mod alert;
mod compile;
mod condition;
mod correlate;
mod correlation;
mod document;
mod encode;
pub mod engine;
mod error;
mod field;
mod finish;
mod group;
mod memory;
mod modifier;
pub mod pack;
mod plan;
mod remember;
pub mod rule;
mod run;
pub mod severity;
mod sighting;
mod test;
mod view;
mod wildcard;

pub use alert::Alert;
pub use engine::{Engine, Outcome, Settings};
pub use error::RuleError;
pub use rule::Rule;
pub use modifier::Lists;
pub use run::Match;
pub use severity::Severity;
