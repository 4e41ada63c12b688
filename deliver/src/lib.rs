//! trailhound's delivery: alerts to people, once.
//!
//! In the order data flows: [`config`] says which sinks there are, and which alerts go where; [`desk`] takes alerts,
//! drops what is silenced, groups, holds back what repeats, turns old ones into a digest, and puts [`message`]s of
//! bounded, redacted [`notice`]s into the [`outbox`], which is durable; [`courier`] takes them out, one lane a sink, and
//! sends each through [`send`] in the shape that [`payload`] gives it, again and again until the sink has it or it is dead.
//!
//! What is promised: an alert that [`desk::Desk::accept`] has taken reaches each of its sinks at least once whatever dies
//! when, always with the same idempotency key, so that a sink that looks at keys sees it exactly once.
//!
//! Alerts only: nothing here knows events, the inner life of rules, lakes or terminals.

mod clock;
pub mod config;
pub mod courier;
pub mod desk;
mod error;
pub mod fault;
mod glob;
pub mod message;
pub mod notice;
pub mod outbox;
mod pace;
pub mod payload;
mod redact;
mod secret;
pub mod send;
mod span;
pub mod visible;

#[cfg(test)]
mod samples;

pub use clock::now;
pub use config::Config;
pub use courier::{Courier, Drained, Told};
pub use desk::{Accepted, Desk};
pub use error::Error;
pub use outbox::Outbox;
pub use send::Outside;
