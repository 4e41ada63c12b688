//! One distinct call of a batch: what any event of this source, name and type proves.

use ingest::action::{self, Mapping};

use super::assumed;

/// What the events of one source, name and type prove.
#[derive(Debug, Default)]
pub(super) struct Call {
    /// Actions needed, in canonical spelling; empty for an event that needs none.
    pub(super) actions: Vec<std::borrow::Cow<'static, str>>,
    /// An API call that no table knows.
    pub(super) unmapped: bool,
    /// Something the principal did; false for a service's own events.
    pub(super) activity: bool,
    /// A sign-in to the console.
    pub(super) console_login: bool,
    /// The action to use instead of the first one when the request names a version of an object.
    pub(super) versioned: Option<&'static str>,
    /// Whether it answers with a role's credentials.
    pub(super) assumes: bool,
    /// Resource type of a data event.
    pub(super) data_event: Option<&'static str>,
}

impl Call {
    pub(super) fn new(event_source: &str, event_name: &str, event_type: &str) -> Self {
        let mut call = Call {
            activity: matches!(event_type, "" | "AwsApiCall" | "AwsConsoleSignIn" | "AwsConsoleAction"),
            console_login: event_source == "signin.amazonaws.com" && event_name == "ConsoleLogin",
            assumes: assumed::is_assumption(event_source, event_name),
            data_event: action::event_data_type(event_source, event_name),
            ..Call::default()
        };
        match action::map(event_source, event_name, event_type) {
            Mapping::Actions(actions) => {
                call.actions = actions.iter().map(|name| (*name).into()).collect();
                call.versioned = actions.first().and_then(|name| action::versioned(name));
            }
            Mapping::Unmapped(guess) => {
                call.actions = vec![guess.into()];
                call.unmapped = true;
            }
            Mapping::NotIam => {}
        }
        call
    }

    /// Names of the actions.
    pub(super) fn names(&self) -> Vec<&str> {
        self.actions.iter().map(|name| &**name).collect()
    }
}
