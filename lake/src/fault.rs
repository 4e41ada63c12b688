//! Faults on purpose, for tests: the process dies at a named step, or the disk is full at the k-th write.
//!
//! Only in builds with debug assertions, and only where the environment asks for it; a release build has none of it.
//! `TRAILHOUND_CRASH_AT=step` or `step:n` (the n-th time) aborts the process there, as a power cut would end it: no
//! destructor runs. `TRAILHOUND_DISK_FULL_AT=k` lets the k-th write to a lake's store, and all after it, fail with
//! `ENOSPC`; with `k..l` only the writes from k up to l. `TRAILHOUND_TASK_OBJECTS`, `TRAILHOUND_BATCH_ROWS` and
//! `TRAILHOUND_WAITING_BYTES` make tasks, batches and row groups so small, and `TRAILHOUND_OPEN_DAYS` so few days open, that a trail of a few hundred events commits
//! many times; `TRAILHOUND_KEPT_COMMITS` says of how many commits there are copies.

#[cfg(not(debug_assertions))]
use std::sync::Arc;

#[cfg(not(debug_assertions))]
use object_store::ObjectStore;

/// Every step at which a test may end the process, in the order of an ingest; then those of upkeep.
pub const STEPS: &[&str] = &[
    "ingest.begin",
    "tables.create",
    "tables.created",
    "recover.begin",
    "recover.apply",
    "recover.end",
    "object.parsed",
    "dedupe.prime",
    "dedupe.primed",
    "events.encode",
    "events.close",
    "events.put",
    "events.stored",
    "batch.folded",
    "side.encode",
    "side.stored",
    "manifest.before",
    "manifest.after",
    "commit.before",
    "commit.copy",
    "commit.after",
    "side.commit.before",
    "side.commit.after",
    "ingest.end",
    "compact.begin",
    "compact.encode",
    "compact.stored",
    "compact.commit.before",
    "refold.begin",
    "refold.commit.before",
    "refold.commit.between",
    "compact.commit.after",
    "expire.commit.before",
    "expire.commit.after",
    "vacuum.before",
    "vacuum.after",
    "repair.quarantined",
    "repair.noted",
    "repair.removed",
];

/// A limit of the work, which a test may set by an environment variable of this name.
#[cfg(not(debug_assertions))]
#[inline(always)]
pub fn limit(_name: &str, default: usize) -> usize {
    default
}

/// A limit of the work, which a test may set by an environment variable of this name.
#[cfg(debug_assertions)]
pub fn limit(name: &str, default: usize) -> usize {
    std::env::var(name).ok().and_then(|limit| limit.parse().ok()).unwrap_or(default)
}

/// A step of the work has been reached.
#[cfg(not(debug_assertions))]
#[inline(always)]
pub(crate) fn point(_step: &'static str) {}

/// The store as it is.
#[cfg(not(debug_assertions))]
pub(crate) fn wrap(store: Arc<dyn ObjectStore>) -> Arc<dyn ObjectStore> {
    store
}

#[cfg(debug_assertions)]
pub(crate) use on::{point, wrap};

#[cfg(debug_assertions)]
mod on;
