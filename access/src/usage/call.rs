//! One distinct call of a batch: what any event of this source, name and type proves.

use ingest::action;

use super::assumed;
use crate::asks::{self, Own};

/// What the events of one source, name and type prove.
#[derive(Debug, Default)]
pub(super) struct Call {
    /// Actions needed, in canonical spelling; none for an event that needs none.
    pub(super) own: Own,
    /// Whether its request may ask for more than these.
    pub(super) may_ask_more: bool,
    /// Something the principal did; false for a service's own events.
    pub(super) activity: bool,
    /// A sign-in to the console.
    pub(super) console_login: bool,
    /// Whether another action stands for the first one when the request names a version of an object.
    pub(super) has_versions: bool,
    /// Whether it answers with a role's credentials.
    pub(super) assumes: bool,
    /// Resource type of a data event.
    pub(super) data_event: Option<&'static str>,
}

impl Call {
    pub(super) fn new(event_source: &str, event_name: &str, event_type: &str) -> Self {
        let own = asks::mapped(event_source, event_name, event_type);
        let main = own.actions.first().map_or("", |(action, _)| action);
        Call {
            activity: matches!(event_type, "" | "AwsApiCall" | "AwsConsoleSignIn" | "AwsConsoleAction"),
            console_login: event_source == "signin.amazonaws.com" && event_name == "ConsoleLogin",
            assumes: assumed::is_assumption(event_source, event_name),
            data_event: action::event_data_type(event_source, event_name),
            may_ask_more: asks::may_ask_more(main),
            has_versions: action::versioned(main).is_some(),
            own,
        }
    }

    /// Whether it needs no permission.
    pub(super) fn is_free(&self) -> bool {
        self.own.actions.is_empty()
    }

    /// Whether no table knows it.
    pub(super) fn is_unmapped(&self) -> bool {
        self.own.actions.iter().any(|(_, known)| !known)
    }
}
