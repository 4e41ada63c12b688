//! How conditions are answered that a request cannot answer.

use std::collections::BTreeSet;

use super::context::Context;

/// Which conditions are decided by the request's context, and which are left open. An open condition lets an Allow
/// apply and keeps a Deny from applying: the answer is then what the policies could allow. Of [`Mode::Doubtful`] the other
/// way round is true.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Mode {
    /// Every condition is decided; the context is complete. What AWS does.
    #[default]
    Strict,
    /// Conditions on keys that the context lacks are open.
    Possible,
    /// Every condition is open but those on these keys (in lower case).
    Discovery(BTreeSet<String>),
    /// What nobody knows, conditions and variables, is taken to help: the answer is what may be.
    Hopeful,
    /// What nobody knows is taken to harm: an open condition keeps an Allow from applying and lets a Deny apply. The answer
    /// is what is certain.
    Doubtful,
}

impl Mode {
    /// Whether a condition on a key (in lower case) is left open.
    pub(super) fn leaves_open(&self, key: &str, context: &Context) -> bool {
        match self {
            Mode::Strict => false,
            Mode::Possible => context.get(key).is_none(),
            Mode::Discovery(keys) => !keys.contains(key),
            Mode::Hopeful | Mode::Doubtful => !context.is_known(key),
        }
    }

    /// Whether what hangs on variables that nobody knows is open too.
    pub(super) fn opens_variables(&self) -> bool {
        matches!(self, Mode::Hopeful | Mode::Doubtful)
    }
}
