//! Policies: parse them, say which actions they grant, and decide requests.
//!
//! [`document`] reads a policy as AWS tools write it, [`actions`] are sets of catalogue actions, [`grant`] turns
//! documents into what a principal may do at all. [`evaluate`] decides one request: documents are compiled to
//! `statement`s of `layer`s, made of `pattern`s of text, `arn`s, `principal`s and `condition`s, and asked with a
//! [`caller`], an action, a resource and a [`context`]. Knows IAM's policy language; must not know inventories, files or
//! events.

pub mod actions;
pub(crate) mod arn;
pub mod caller;
mod condition;
pub mod context;
pub mod document;
mod elements;
pub mod evaluate;
mod exempt;
pub mod grant;
pub mod key;
mod layer;
pub mod lint;
mod mode;
mod operator;
mod pattern;
mod principal;
mod reach;
pub mod set;
mod statement;

pub use actions::ActionSet;
pub use caller::Caller;
pub use context::Context;
pub use document::{Document, Effect, Statement};
pub use evaluate::{Decision, Guards, Outcome, Principal, Request};
pub use grant::Grant;
pub use mode::Mode;
pub use statement::{ActionName, Origin};
