//! trailhound's SQL room: rows to answers.
//!
//! In the order a question travels: [`guard`] parses it and lets only reading statements through, [`names`] puts
//! names in the case of the table, [`session`] plans and runs it under limits, [`tables`] streams `events` from a
//! source that is opened anew for every scan, [`mod@lake`] has the tables of a lake, [`athena`] is the view
//! `cloudtrail_logs` over it (with the text forms of time in [`athena_time`]), and [`answer`] hands out the rows.
//! [`error`] turns the engine's errors into sentences that name the object, the reason and the next step.
//!
//! DataFusion lives here and nowhere below. This room must not know how events came to be (objects, shapes), nor
//! rules, policies or terminals.

pub mod answer;
pub mod athena;
pub mod athena_time;
pub mod error;
pub mod guard;
pub mod lake;
pub mod names;
pub mod session;
pub mod tables;

#[cfg(test)]
mod tests;

pub use answer::{Answer, BlockingAnswer};
pub use error::{Error, Result};
pub use session::{Engine, Limits};
pub use tables::EventStream;
