//! trailhound's alerts: rows to alerts, with Sigma rules evaluated on columns.
//!
//! In the order data flows: [`file`] reads a file and `yaml` cuts it into documents, [`rule`] reads Sigma from them ([`about`] is what a rule
//! says of itself, [`filter`] what is taken away from it), [`pack`] holds the shipped rules and loads users' own;
//! `condition`, `modifier`, `plan`, `bound`, `wildcard`, `moment`, `number` and `encode` turn a detection into a tree of `test`s on fields;
//! `field` says which column a field is; `compile` shares equal tests between rules and indexes rules by event; `view`,
//! `codes` and `document` read one batch, `run` runs all rules over it (`fold`: what is left to ask of a call; `broad`: rules for all calls), and [`engine`] hands what matched to `group` (one
//! alert an hour), `link` and `correlate` (windows over event time, measured by `slide`, waiting in `spill`) and `remember`
//! (rest and first use, which `prime` lets know of the time before), all indifferent to the order of the events. `drain` says what is known for sure, `finish` makes
//! [`alert`]s of it, and `news` hands them out once; `snapshot` carries what is open over a restart. [`suppress`] knows
//! alerts that nobody wants. [`lint`] remarks what is odd about rules, [`proof`] judges them by their own events.
//!
//! Arrow and the event table only: nothing here knows files, SQL, policies, or how an alert is printed or sent.

pub mod about;
pub mod alert;
mod bound;
mod broad;
mod codes;
mod compile;
mod condition;
mod correlate;
mod correlation;
mod distinct;
mod document;
mod drain;
mod encode;
pub mod engine;
mod error;
mod event_id;
mod field;
pub mod file;
pub mod filter;
mod finish;
mod fold;
mod glob;
mod group;
mod implied;
mod link;
pub mod lint;
mod memory;
mod modifier;
mod moment;
mod needles;
mod news;
mod number;
pub mod outcome;
pub mod pack;
mod part;
mod pcre;
mod plan;
mod prime;
mod print;
pub mod proof;
mod remember;
pub mod rule;
mod run;
mod scene;
pub mod settings;
pub mod severity;
mod shared;
mod shown;
mod sighting;
mod slide;
mod snapshot;
mod span;
mod spill;
mod spot;
pub mod suppress;
mod test;
mod trouble;
mod view;
mod wildcard;
mod yaml;

pub use about::About;
pub use alert::Alert;
pub use drain::MAX_AHEAD_MICROS;
pub use engine::Engine;
pub use error::RuleError;
pub use filter::Filter;
pub use modifier::Lists;
pub use news::News;
pub use outcome::{Counters, Loss, Outcome};
pub use rule::Rule;
pub use run::Match;
pub use settings::Settings;
pub use severity::Severity;
pub use suppress::Suppression;
pub use trouble::Trouble;
