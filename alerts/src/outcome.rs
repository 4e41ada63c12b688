//! What the engine has to say at the end: the alerts, and what it counted beside them. Knows no rules.

use serde::{Deserialize, Serialize};

use crate::alert::Alert;

/// What the engine did besides alerting.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counters {
    /// Events observed.
    pub events: u64,
    /// Rules that held, over all events.
    pub matches: u64,
    /// Matches that are in no alert, because there were too many alerts.
    pub shed_matches: u64,
    /// Events that a correlation had no room for.
    pub shed_correlated: u64,
    /// Events that came to a correlation later than the allowed lateness.
    pub late_correlated: u64,
    /// Uses that a rule with memory had no room for.
    pub shed_remembered: u64,
    /// Events without a time, which can be in no window.
    pub untimed: u64,
    /// Rests not reported, because the account's own log was silent for much of them.
    pub log_gaps: u64,
    /// First uses not reported, because the log does not go back far enough before them.
    pub short_history: u64,
    /// Rests not reported, because another alert about the same use explains them.
    pub explained: u64,
}

/// All alerts, worst first, that were not handed out before, and the counters.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Outcome {
    /// The alerts.
    pub alerts: Vec<Alert>,
    /// Alerts that were handed out before and have grown since; none unless [`crate::Engine::drain`] was used.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub updates: Vec<Alert>,
    /// What else happened.
    pub counters: Counters,
    /// Which correlations had no room for all of their events, in order of rule.
    pub losses: Vec<Loss>,
}

/// Events that a correlation did not judge.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Loss {
    /// The rule, as its alerts name it.
    pub rule: String,
    /// Events that it had no room for.
    pub shed: u64,
    /// Events that came later than the allowed lateness.
    pub late: u64,
}
