//! trailhound's SQL room: rows to answers.
//!
//! In the order a question travels: [`guard`] parses it (by `grammar`, `sqljson` and `valuelist`) and lets only reading statements through, `dialect`
//! says which view each name of a table means, [`names`] puts names in the case of the table, `stars` lets a star give way and [`trino`] puts functions
//! in the engine's words (over `json` where text is JSON), `planner` plans it (`keys`: a rule of ours, `narrowing`: what a plan learns as it runs) and [`session`] runs it under limits, [`tables`] streams
//! `events` from a source that is opened anew for every scan, `catalog` makes views when they are named, [`mod@lake`] has the tables of a lake, `views` are other
//! forms of them: [`athena`] (with the text forms of time in [`athena_time`]), CloudTrail Lake's [`store`],
//! [`tailpipe`], [`ocsf`] and [`ecs`]; and [`answer`] hands out the rows. [`named`] are questions that come with their SQL, [`story`]
//! many of them told as one.
//! `constants` refuses a plan whose constants are too long,
//! [`control`] is what ends a question from outside, `pace` lets it be ended (`again`: a part that may run twice), [`wanted`] which tables one names.
//! [`error`] turns the engine's errors into sentences that name the
//! object, the reason and the next step.
//!
//! DataFusion lives here and nowhere below. This room must not know how events came to be (objects, shapes), nor
//! rules, policies or terminals.

mod again;
mod answer;
pub mod athena;
pub mod athena_time;
mod calls;
mod casts;
mod catalog;
mod coded;
mod constants;
pub mod control;
mod days;
mod dialect;
pub mod ecs;
pub mod error;
mod expansion;
mod grammar;
pub mod guard;
mod headings;
mod json;
mod keys;
pub mod lake;
mod lambdas;
pub mod named;
pub mod names;
mod narrowing;
pub mod ocsf;
mod pace;
mod planner;
pub mod session;
mod sqljson;
mod stars;
pub mod store;
pub mod story;
pub mod tables;
pub mod tailpipe;
pub mod trino;
mod valuelist;
mod views;
pub mod wanted;

#[cfg(test)]
mod tests;

pub use answer::{Answer, BlockingAnswer};
pub use control::Control;
pub use days::Days;
pub use error::{Error, Result};
pub use session::{Engine, Limits};
pub use tables::EventStream;
pub use wanted::Wanted;
