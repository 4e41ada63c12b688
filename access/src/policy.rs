//! Policies: parse them, and say which actions they grant.
//!
//! [`document`] reads a policy as AWS tools write it, [`actions`] are sets of catalogue actions, [`grant`] turns
//! documents into what a principal may do at all. Knows IAM's policy language; must not know inventories, files or
//! events. Whether one request is allowed (resources, conditions) is not answered here.

pub mod actions;
pub mod document;
pub mod grant;

pub use actions::ActionSet;
pub use document::{Document, Effect, Statement};
pub use grant::Grant;
