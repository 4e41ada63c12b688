//! Why a rule was refused: file, rule, line and reason.
//!
//! A rule is refused rather than approximated, so these errors are what a detection engineer reads most. Knows nothing
//! of rules themselves.

use serde::Serialize;

/// A rule, or a whole file, that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct RuleError {
    /// File the rule stands in, as given.
    pub file: String,
    /// Title of the rule, where it could be read.
    pub rule: Option<String>,
    /// Line in the file, from 1, where it is known.
    pub line: Option<u32>,
    /// What is wrong, and what would be right.
    pub reason: String,
}

impl std::fmt::Display for RuleError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        if let Some(rule) = &self.rule {
            write!(f, " (\"{rule}\")")?;
        }
        write!(f, ": {}", self.reason)
    }
}

impl std::error::Error for RuleError {}
