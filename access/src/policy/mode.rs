//! How conditions are answered that a request cannot answer.

use std::collections::BTreeSet;

/// Which conditions are decided by the request's context, and which are left open. An open condition lets an Allow
/// apply and keeps a Deny from applying: the answer is then what the policies could allow.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Mode {
    /// Every condition is decided; the context is complete. What AWS does.
    #[default]
    Strict,
    /// Conditions on keys that the context lacks are open.
    Possible,
    /// Every condition is open but those on these keys (in lower case).
    Discovery(BTreeSet<String>),
}

impl Mode {
    /// Whether a condition on a key (in lower case) is left open.
    pub(super) fn leaves_open(&self, key: &str, present: bool) -> bool {
        match self {
            Mode::Strict => false,
            Mode::Possible => !present,
            Mode::Discovery(keys) => !keys.contains(key),
        }
    }
}
