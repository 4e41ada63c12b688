//! Simulations: many requests, each with its policies beside it, answered one by one.
//!
//! [`answer`] takes one case as JSON. Two kinds are read: `case` brings policies, request and context; `account` brings
//! an account's authorization details and asks whether a principal can, or who can. Knows policies and inventories; must
//! not know files or how answers are printed.

mod account;
mod case;

use serde::Serialize;
use serde_json::Value;

use crate::policy::evaluate::{Explained, LayerKind};
use crate::policy::{Document, Mode};

pub use case::{Asked, Ready};

/// The statement that decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DecidingStatement {
    /// Layer: `scp`, `rcp`, `identity`, `resource`, `pb`, `session`, `vpce`.
    pub layer: &'static str,
    /// The policy's name, or its place in the input.
    pub policy: String,
    /// Place in the document, from 0.
    pub index: usize,
    /// `Sid`, if it has one.
    pub sid: Option<String>,
}

/// The answer to one case.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Answer {
    /// The case's `id`.
    pub id: Value,
    /// `Allowed`, `ImplicitlyDenied` or `ExplicitlyDenied`; absent where the case asks who can, or cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<&'static str>,
    /// The layers without which it would be allowed.
    pub blocked_by: Vec<&'static str>,
    /// The statement that decided; null where nothing spoke.
    pub statement: Option<DecidingStatement>,
    /// Context keys that policies ask about and the case lacks.
    pub missing_context: Vec<String>,
    /// Who can, where the case asks that: ARNs, or pairs of ARN and resource.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub principals: Option<Vec<Value>>,
    /// Why the case cannot be answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl Answer {
    fn of(id: Value, explained: Explained) -> Answer {
        Answer {
            id,
            result: Some(explained.outcome.as_str()),
            blocked_by: blocked_by(&explained),
            statement: explained.statement.map(|(layer, origin)| DecidingStatement {
                layer: layer.as_str(),
                policy: origin.policy.to_string(),
                index: origin.index,
                sid: origin.sid.as_deref().map(str::to_owned),
            }),
            missing_context: explained.missing,
            ..Answer::default()
        }
    }
}

/// The layers without which the request would be allowed. A session policy is part of what grants: where it is silent or
/// denies, nothing is granted that others could block, so that no layer is named.
fn blocked_by(explained: &Explained) -> Vec<&'static str> {
    let layers = || explained.blocked_by.iter();
    if layers().any(|layer| layer == LayerKind::Session) {
        return Vec::new();
    }
    layers().map(|layer| layer.as_str()).collect()
}

/// Answers a case.
pub fn answer(case: &Value) -> Answer {
    let id = case.get("id").cloned().unwrap_or_default();
    let answered = if case.get("gaad").is_some() { account::answer(case, &id) } else { case::answer(case, &id) };
    answered.unwrap_or_else(|reason| Answer { id, error: Some(reason), ..Answer::default() })
}

/// Parses a policy of a case.
fn document(value: &Value, place: &str) -> Result<Document, String> {
    Document::parse(value).map_err(|reason| format!("{place}: {reason}"))
}

/// `Strict`, `Discovery` or `Possible`.
fn mode(case: &Value) -> Result<Mode, String> {
    match case.get("mode").and_then(Value::as_str) {
        None | Some("Strict") => Ok(Mode::Strict),
        Some("Possible") => Ok(Mode::Possible),
        Some("Discovery") => {
            let keys = case.get("simulation").and_then(|simulation| simulation.get("discoveryContextKeyConstraints"));
            let keys = keys.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
            Ok(Mode::Discovery(keys.iter().filter_map(Value::as_str).map(str::to_lowercase).collect()))
        }
        Some(other) => Err(format!("mode: is {other:?}; it must be Strict, Discovery or Possible")),
    }
}

#[cfg(test)]
mod tests;
