//! The shape that each sink wants a message in: pure functions from a message to JSON.
//!
//! No secrets here (keys and tokens are added when a request is made) and no clock, so each shape has a golden file. Every
//! limit of an API is kept here, and text of events is escaped for what will show it.

pub mod alertmanager;
pub mod eventbridge;
pub mod json;
pub mod pagerduty;
pub mod securityhub;
pub mod slack;
pub mod sns;
mod words;

#[cfg(test)]
mod tests;
