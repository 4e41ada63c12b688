//! What is measured: every family of metrics, with its unit and what it means.

/// What a family is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Counter,
    Gauge,
    Histogram,
}

/// What limits keep from alerts, by the word of `trailhound_shed_total`, and how it is said.
pub(super) const SHEDS: [(&str, &str); 4] = [
    ("matches", "matches are in no alert, because there were too many"),
    ("correlated", "events did not fit into the windows of correlations: bursts may be told as smaller, or not"),
    (
        "late",
        "events came later than --allowed-lateness: correlations did not count them, and may have said nothing of a burst",
    ),
    ("remembered", "uses did not fit into a rule's memory"),
];

/// A family of metrics.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Family {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) help: &'static str,
}

const fn counter(name: &'static str, help: &'static str) -> Family {
    Family { name, kind: Kind::Counter, help }
}

const fn gauge(name: &'static str, help: &'static str) -> Family {
    Family { name, kind: Kind::Gauge, help }
}

const fn histogram(name: &'static str, help: &'static str) -> Family {
    Family { name, kind: Kind::Histogram, help }
}

macro_rules! families {
    ($($constant:ident = $kind:ident($name:literal, $help:literal);)*) => {
        $(pub(crate) const $constant: &str = $name;)*
        /// All of them, in order of name.
        pub(crate) const FAMILIES: &[Family] = &[$($kind($name, $help)),*];
    };
}

families! {
    ACCEPTED = counter("trailhound_alert_routes", "Alerts by what became of them on the way to sinks.");
    SENT_AFTER = histogram("trailhound_alert_to_sent_seconds", "From an alert's message in the outbox to the sink that has it.");
    ALERTS = counter("trailhound_alerts", "Alerts by rule and severity.");
    BYTES_READ = counter("trailhound_bytes_read", "Bytes of objects, as stored.");
    COMMIT_SECONDS = histogram("trailhound_commit_seconds", "How long a commit to the lake took.");
    COMMITS = counter("trailhound_commits", "Commits to the lake.");
    DELIVERIES = counter("trailhound_deliveries", "Messages by sink and result: sent, failed (tried again), dead.");
    PROMISED = gauge("trailhound_digest_files", "Log files that proven digests list: promised, and those of them that were read.");
    DIGESTS = counter("trailhound_digests", "Digests walked, by verdict: valid, invalid, unproven.");
    DIGESTS_AT = gauge("trailhound_digests_timestamp_seconds", "When digests were walked last.");
    TO_ALERT = histogram("trailhound_event_to_alert_seconds", "From an event's time to its alert in the outbox.");
    TO_ROW = histogram("trailhound_event_to_row_seconds", "From an object's latest event to its commit.");
    HISTORY_LOST = counter("trailhound_history_lost", "Steps of alerts that had no room on their way into the table alerts.");
    COMMITTED_AT = gauge("trailhound_last_commit_timestamp_seconds", "When rows were committed last.");
    EVENT_AT = gauge("trailhound_last_event_timestamp_seconds", "Time of the latest event.");
    MESSAGE_TO_ALERT = histogram("trailhound_message_to_alert_seconds", "From a message in the queue to its alert in the outbox.");
    OBJECTS = counter("trailhound_objects", "Objects by result: read, failed, known (named by a listing again).");
    OUTBOX_BYTES = gauge("trailhound_outbox_bytes", "Bytes of the outbox on disk.");
    OUTBOX_MESSAGES = gauge("trailhound_outbox_messages", "Messages in the outbox by sink and state.");
    PROVEN = gauge("trailhound_proven_objects", "Objects of the lake by what digests say: verified, mismatch, unlisted, no_digest.");
    READY = gauge("trailhound_ready", "1 while events are taken.");
    RECORDS = counter("trailhound_records", "Records by result: row, duplicate, rejected.");
    REJECTED = counter("trailhound_rejected_records", "Records refused, by reason.");
    RESIDENT = gauge("trailhound_resident_bytes", "Memory of the process.");
    RESTARTS = counter("trailhound_restarts", "How often work began anew after a failure.");
    RULES = gauge("trailhound_rules", "Rules that run.");
    RULES_REFUSED = gauge("trailhound_rules_refused", "Rules that cannot be used.");
    RELOADS = counter("trailhound_rules_reloads", "Reloads of the rules, by result.");
    SHED = counter("trailhound_shed", "Matches, uses and windows that limits kept from alerts.");
    EXTENSIONS = counter("trailhound_sqs_extensions", "How often messages were held for another timeout.");
    MESSAGES = counter("trailhound_sqs_messages", "Messages by result: received, deleted, failed, undeleted.");
    SUPPRESSED = counter("trailhound_suppressed_alerts", "Alerts that a suppression covers.");
    QUEUE_BYTES = gauge("trailhound_waiting_bytes", "Memory of rows between the rules and the lake.");
    WAITING_ROWS = gauge("trailhound_waiting_rows", "Rows that are not committed yet.");
}
