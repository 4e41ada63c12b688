//! Faults on purpose, for tests: the process dies at a named step, as a power cut would end it.
//!
//! Only in builds with debug assertions, and only where the environment asks for it: `TRAILHOUND_CRASH_AT=step` or
//! `step:n` (the n-th time). `TRAILHOUND_OUTBOX_BYTES` lets a small outbox be rewritten too. A release build has none of it.

/// Every step of this room at which a test may end the process.
pub const STEPS: &[&str] = &[
    "outbox.append.before",
    "outbox.append.half",
    "outbox.append.written",
    "outbox.append.after",
    "outbox.adopt.before",
    "outbox.adopt.renamed",
    "outbox.adopt.after",
    "send.before",
    "send.after",
    "settle.after",
];

/// A limit of the work, which a test may set by an environment variable of this name.
#[cfg(not(debug_assertions))]
#[inline(always)]
pub(crate) fn limit(_name: &str, default: u64) -> u64 {
    default
}

/// A limit of the work, which a test may set by an environment variable of this name.
#[cfg(debug_assertions)]
pub(crate) fn limit(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|limit| limit.parse().ok()).unwrap_or(default)
}

/// A step of the work has been reached.
#[cfg(not(debug_assertions))]
#[inline(always)]
pub fn point(_step: &'static str) {}

/// A step of the work has been reached.
#[cfg(debug_assertions)]
pub fn point(step: &'static str) {
    if wanted(step) {
        std::process::abort();
    }
}

/// Whether the process is about to die at this step.
#[cfg(not(debug_assertions))]
#[inline(always)]
pub(crate) fn wanted(_step: &'static str) -> bool {
    false
}

/// Whether the process is about to die at this step.
#[cfg(debug_assertions)]
pub(crate) fn wanted(step: &'static str) -> bool {
    use std::sync::LazyLock;
    use std::sync::atomic::{AtomicU32, Ordering};

    static ASKED: LazyLock<Option<(String, u32)>> = LazyLock::new(|| {
        let asked = std::env::var("TRAILHOUND_CRASH_AT").ok()?;
        Some(match asked.rsplit_once(':') {
            Some((step, time)) => (step.to_owned(), time.parse().ok()?),
            None => (asked, 1),
        })
    });
    static REACHED: AtomicU32 = AtomicU32::new(0);
    match &*ASKED {
        Some((asked, time)) if asked == step => REACHED.fetch_add(1, Ordering::Relaxed) + 1 == *time,
        _ => false,
    }
}
