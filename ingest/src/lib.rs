//! trailhound's ingester: bytes to rows.
//!
//! In the order data flows: [`source`] names the objects, [`gunzip`] inflates one, [`envelope`] finds the records
//! in it, [`json`] checks them, [`record`] cuts one into fields, [`columns`] fills Arrow builders, [`identity`] and
//! [`action`] derive who did what, [`seen`] drops duplicates, [`reject`] keeps the totals that must add up, and
//! [`pipeline`] runs it all on threads with bounded queues. [`schema`] is the event table; [`batch`] reads it.
//! [`older`] gives rows of an older event table the columns that came later.
//! [`simulate`] generates an organisation's trail for demos, tests and benches.
//!
//! Arrow only: nothing here knows SQL, rules or policies.

pub mod action;
pub mod batch;
pub mod columns;
pub mod digest;
pub mod envelope;
pub mod gunzip;
pub mod identity;
pub mod json;
pub mod key;
pub mod older;
pub mod pipeline;
pub mod record;
pub mod reject;
pub mod restore;
pub mod schema;
pub mod seen;
pub mod simulate;
pub mod source;

pub use reject::Error;
