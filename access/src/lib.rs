//! trailhound's access room: rows to last used, and grants minus use to what can go.
//!
//! In the order data flows: [`usage`] folds event batches into last-used facts, asking [`evidence`] what an event
//! proves; [`coverage`], filled by the same fold, knows where the logs can be trusted; [`inventory`] reads what is
//! granted and [`policy`] turns it into sets of actions and decides requests, which [`simulate`] does for cases;
//! [`unused`] takes use from grants and says of each leftover why it is there. [`calls`] keeps what was called on what
//! (`asks` says what a call asked IAM for, of [`resource`], [`passed`], [`launched`], [`tagged`], `besides`; [`paths`] knows what is only named), [`generate`] writes the policy of it, [`replay`] tries a policy on it, and [`touched`] says which resources were reached and when last. [`findings`]
//! is the auditor's list, [`idle`] the statements that nobody used ([`within`]: on their resources), and [`audit`] the whole report, [`advisor`] the same in IAM's own shape, [`compare`] what changed since an
//! earlier one; [`folded`] is what it needs of events, which a lake keeps as rows; [`people`] says who was behind sessions; [`stale`]
//! answers the small questions of `scan`. [`instant`] reads and writes times.
//!
//! Knows the event table and IAM. Must not know SQL, rules, files' formats or how anything is printed.

pub mod advisor;
mod asks;
pub mod audit;
mod besides;
pub mod calls;
pub mod compare;
pub mod coverage;
pub mod evidence;
pub mod findings;
#[cfg(test)]
mod fixture;
pub mod folded;
pub mod generate;
pub mod idle;
pub mod instant;
pub mod inventory;
pub mod launched;
pub mod passed;
pub mod paths;
pub mod people;
pub mod policy;
pub mod replay;
pub mod resource;
pub mod simulate;
pub mod stale;
pub mod tagged;
pub mod touched;
pub mod unused;
pub mod usage;
pub mod within;
