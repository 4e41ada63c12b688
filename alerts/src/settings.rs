//! What bounds the engine: memory by configuration, never by the input.

/// Limits and windows. Memory is bounded by these, never by the input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Events of one rule, principal and account at most this far apart are one alert; microseconds.
    pub group_window_micros: i64,
    /// Most alerts kept.
    pub max_alerts: usize,
    /// Most events kept for each correlation.
    pub max_correlated_events: usize,
    /// How much later than the latest event so far an event may arrive and still be correlated; microseconds. `None`
    /// waits for all of them, as a batch does: nothing is judged, and no memory is freed, before the end.
    pub allowed_lateness_micros: Option<i64>,
    /// Most things remembered by each rule with memory.
    pub max_remembered: usize,
    /// Most account-days remembered.
    pub max_account_days: usize,
}

impl Default for Settings {
    /// One hour; 100,000 alerts; 100,000 events, however late; 500,000 things; 1,000,000 account-days.
    fn default() -> Self {
        Settings {
            group_window_micros: 3_600 * 1_000_000,
            max_alerts: 100_000,
            max_correlated_events: 100_000,
            allowed_lateness_micros: None,
            max_remembered: 500_000,
            max_account_days: 1_000_000,
        }
    }
}
