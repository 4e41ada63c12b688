//! The terminal as a prompt needs it: every key at once, shown by us. Put back as it was when it goes out of scope.

use std::process::{Command, Stdio};

/// A terminal that gives every key.
pub(super) struct Raw {
    before: String,
}

impl Raw {
    /// Turns to it; `None` where there is no terminal, or no `stty`.
    pub(super) fn enter() -> Option<Raw> {
        let known = Command::new("stty").arg("-g").stdin(Stdio::inherit()).stderr(Stdio::null()).output().ok()?;
        let before = String::from_utf8(known.stdout).ok()?.trim().to_owned();
        let raw = Raw { before: before.clone() };
        let turned =
            !before.is_empty() && set(&["-icanon", "-echo", "-isig", "-icrnl", "-ixon", "min", "1", "time", "0"]);
        turned.then_some(raw)
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        if !self.before.is_empty() {
            set(&[&self.before]);
        }
    }
}

fn set(settings: &[&str]) -> bool {
    let status = Command::new("stty").args(settings).stdin(Stdio::inherit()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}
