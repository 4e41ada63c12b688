//! The small tables: which event source is which prefix, which call needs which action, which events are data events.
//!
//! Embedded as text, parsed once. The only reader of `ingest/data/*.tsv`; knows nothing of how an event is mapped.

use std::collections::{HashMap, HashSet};
use std::sync::OnceLock;

use sha2::{Digest, Sha256};

use super::catalogue;

/// The parsed tables. Keys are lower case.
#[derive(Debug, Default)]
pub(super) struct Tables {
    /// Event source without its domain → IAM prefix.
    pub(super) prefixes: HashMap<&'static str, &'static str>,
    /// `prefix:call` → actions.
    pub(super) overrides: HashMap<String, Box<[&'static str]>>,
    /// API Gateway call → `apigateway:VERB`.
    pub(super) verbs: HashMap<String, Box<[&'static str]>>,
    /// API Gateway call → its verbs and paths.
    pub(super) paths: HashMap<String, Vec<(&'static str, &'static str)>>,
    /// `prefix:call` that proves nothing.
    pub(super) not_iam: HashSet<String>,
    /// `prefix:call` → resource type of the data event.
    data_calls: HashMap<String, &'static str>,
    services: HashMap<&'static str, &'static str>,
}

pub(super) fn get() -> &'static Tables {
    static TABLES: OnceLock<Tables> = OnceLock::new();
    TABLES.get_or_init(load)
}

fn rows(text: &'static str) -> impl Iterator<Item = (&'static str, &'static str)> {
    text.lines().map(|line| line.split_once('\t').unwrap_or((line, "")))
}

/// The catalogue's own spelling of an action, which lives as long as the program.
fn canonical(name: &str) -> Option<&'static str> {
    Some(catalogue::actions().get(catalogue::index_of(name)?)?.name)
}

/// A list of actions in the catalogue's spelling; a retired service's actions, which it no longer has, stay as they are.
fn spelled(actions: &'static str) -> Box<[&'static str]> {
    actions.split(',').map(|action| canonical(action).unwrap_or(action)).collect()
}

fn load() -> Tables {
    let overrides = rows(include_str!("../../data/event_action_overrides.tsv"))
        .map(|(call, actions)| (call.to_ascii_lowercase(), spelled(actions)));
    let mut verbs: HashMap<String, Vec<&'static str>> = HashMap::new();
    let mut paths: HashMap<String, Vec<(&'static str, &'static str)>> = HashMap::new();
    for (call, rest) in rows(include_str!("../../data/apigateway_verbs.tsv")) {
        let mut fields = rest.split('\t');
        let (verb, path) = (fields.next().unwrap_or(rest), fields.next().unwrap_or_default());
        paths.entry(call.to_ascii_lowercase()).or_default().push((verb, path));
        let actions = verbs.entry(call.to_ascii_lowercase()).or_default();
        // TagResource is PUT in the REST API's model and POST in the HTTP API's; the event does not say which: both.
        if let Some(action) = canonical(&format!("apigateway:{verb}"))
            && !actions.contains(&action)
        {
            actions.push(action);
        }
    }
    Tables {
        prefixes: rows(include_str!("../../data/event_source_prefix.tsv")).collect(),
        overrides: overrides.collect(),
        paths,
        verbs: verbs.into_iter().map(|(call, actions)| (call, actions.into_boxed_slice())).collect(),
        not_iam: rows(include_str!("../../data/not_iam_events.tsv")).map(|row| row.0.to_ascii_lowercase()).collect(),
        data_calls: rows(include_str!("../../data/data_events.tsv"))
            .map(|(call, kind)| (call.to_ascii_lowercase(), kind))
            .collect(),
        services: rows(include_str!("../../data/services.tsv")).collect(),
    }
}

/// The verbs and paths of a call of API Gateway's control plane, by its event's name: `POST`, `/restapis/{restApiId}/stages`. Several
/// where the REST API's model has a call of a name and the HTTP API's too.
pub fn gateway_paths(event_name: &str) -> &'static [(&'static str, &'static str)] {
    let name = super::strip_version(event_name).to_ascii_lowercase();
    get().paths.get(&name).map_or(&[], Vec::as_slice)
}

/// Action → resource type of the data events that tell of its use.
fn data_actions() -> &'static HashMap<&'static str, &'static str> {
    static ACTIONS: OnceLock<HashMap<&'static str, &'static str>> = OnceLock::new();
    ACTIONS.get_or_init(|| {
        let mut found = HashMap::new();
        for (call, kind) in rows(include_str!("../../data/data_events.tsv")) {
            let mapped = match get().overrides.get(&call.to_ascii_lowercase()) {
                Some(actions) => actions.to_vec(),
                None => canonical(call).into_iter().collect(),
            };
            for action in mapped {
                found.entry(action).or_insert(kind);
                if let Some(version) = super::versioned(action) {
                    found.entry(version).or_insert(kind);
                }
            }
        }
        found
    })
}

/// Resource type of the data events that tell of an action's use (`AWS::S3::Object` of `s3:GetObject`); `None` for an
/// action that management events tell of. The name is in canonical spelling.
pub fn data_event_type(action: &str) -> Option<&'static str> {
    data_actions().get(action).copied()
}

/// Whether only data events tell of the action's use. A trail does not log them unless it is told to.
pub fn is_data_event_action(action: &str) -> bool {
    data_event_type(action).is_some()
}

/// Resource type of the data event that a call is, or `None` for a management event.
pub fn event_data_type(event_source: &str, event_name: &str) -> Option<&'static str> {
    let key = format!("{}:{}", super::service_prefix(event_source), super::strip_version(event_name));
    get().data_calls.get(&key.to_ascii_lowercase()).copied()
}

/// The table's own text of a resource type, which lives as long as the program.
pub fn resource_type(name: &str) -> Option<&'static str> {
    get().data_calls.values().copied().find(|kind| *kind == name)
}

/// Some letters that are others when a table says something else.
pub fn version() -> &'static str {
    static VERSION: OnceLock<String> = OnceLock::new();
    VERSION.get_or_init(|| {
        let texts = [
            include_str!("../../data/event_action_overrides.tsv").as_bytes(),
            include_str!("../../data/apigateway_verbs.tsv").as_bytes(),
            include_str!("../../data/event_source_prefix.tsv").as_bytes(),
            include_str!("../../data/not_iam_events.tsv").as_bytes(),
            include_str!("../../data/data_events.tsv").as_bytes(),
            include_bytes!("../../data/actions.tsv.gz").as_slice(),
        ];
        let mut sha256 = Sha256::new();
        for text in texts {
            sha256.update((text.len() as u64).to_le_bytes());
            sha256.update(text);
        }
        sha256.finalize().iter().take(6).map(|byte| format!("{byte:02x}")).collect()
    })
}

/// Name of the service behind an IAM prefix: `Amazon S3`; `None` where it is not known.
pub fn service_name(prefix: &str) -> Option<&'static str> {
    get().services.get(prefix).copied().filter(|name| !name.is_empty())
}
