//! `trailhound doctor`, as far as AWS answers it: who we are, what may be read, and how the trail is set.
//!
//! Each check is one thing that was looked at, how it stands, and the next step where it does not stand well: [`check`] is its
//! shape, [`identity`] asks who we are and what time it is there, [`bucket`] and [`layout`] look at a trail's bucket, [`queue`]
//! at notifications, [`trail`] at settings. Nothing is changed anywhere: every call only reads. This room does not print.

pub mod bucket;
pub mod check;
pub mod identity;
pub mod queue;
pub mod trail;

mod layout;

pub use check::{Check, State};
