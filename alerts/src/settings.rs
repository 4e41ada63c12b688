//! What bounds the engine: memory by configuration, never by the input.

/// Limits and windows. Memory is bounded by these, never by the input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Events of one rule, principal and account in one window of the clock, UTC, are one alert: its length, microseconds.
    pub group_window_micros: i64,
    /// The same for informational rules.
    pub quiet_window_micros: i64,
    /// Most alerts kept; informational ones may take half of the room.
    pub max_alerts: usize,
    /// Most events that all correlations together keep in memory, some hundred bytes each. Half of the room is shared out
    /// evenly, so that no correlation takes all of it; the other half goes to whichever needs it.
    pub max_correlated_events: usize,
    /// How much later than the latest event so far an event may arrive and still be correlated; microseconds. `None`
    /// waits for all of them, as a batch does: nothing is judged before the end, and what does not fit into memory waits
    /// in temporary files.
    pub allowed_lateness_micros: Option<i64>,
    /// Most things remembered by each rule with memory.
    pub max_remembered: usize,
    /// Most account-days remembered.
    pub max_account_days: usize,
}

impl Default for Settings {
    /// One hour; one day; 100,000 alerts; 2,000,000 events, however late; 500,000 things; 1,000,000 account-days.
    fn default() -> Self {
        Settings {
            group_window_micros: 3_600 * 1_000_000,
            quiet_window_micros: 86_400 * 1_000_000,
            max_alerts: 100_000,
            max_correlated_events: 2_000_000,
            allowed_lateness_micros: None,
            max_remembered: 500_000,
            max_account_days: 1_000_000,
        }
    }
}
