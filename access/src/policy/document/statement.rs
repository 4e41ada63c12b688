//! One statement of a policy: what it allows or denies, on what, to whom and when.

use serde_json::{Map, Value};

use super::{Error, Kept, error, kind_of, member};

/// Whether a statement allows or denies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// `Allow`
    Allow,
    /// `Deny`
    Deny,
}

/// A list of patterns, or everything else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Patterns {
    /// `Action`, `Resource`: these.
    Only(Vec<String>),
    /// `NotAction`, `NotResource`: all but these.
    Except(Vec<String>),
}

/// One statement.
#[derive(Debug, Clone, PartialEq)]
pub struct Statement {
    /// `Sid`
    pub sid: Option<String>,
    /// `Effect`
    pub effect: Effect,
    /// `Action` or `NotAction`
    pub actions: Patterns,
    /// `Resource` or `NotResource`; `None` where the statement has neither (trust policies).
    pub resources: Option<Patterns>,
    /// `Principal`, as it stands.
    pub principal: Option<Kept>,
    /// `NotPrincipal`, as it stands.
    pub not_principal: Option<Kept>,
    /// `Condition`, as it stands; `None` where it is absent or empty.
    pub condition: Option<Kept>,
    /// Whether an operator of its condition has no keys.
    pub broken: bool,
}

impl Statement {
    /// Whether it holds for every resource and every request.
    pub fn is_unconditional(&self) -> bool {
        self.is_everywhere() && self.condition.is_none()
    }

    /// Whether it is malformed so that it never holds: an operator of its condition has no keys.
    pub fn never_holds(&self) -> bool {
        self.broken
    }

    /// Whether it holds for every resource.
    pub fn is_everywhere(&self) -> bool {
        match &self.resources {
            None => true,
            Some(Patterns::Only(patterns)) => patterns.iter().any(|pattern| is_everything(pattern)),
            Some(Patterns::Except(patterns)) => patterns.is_empty(),
        }
    }
}

pub(in crate::policy) fn is_everything(pattern: &str) -> bool {
    !pattern.is_empty() && pattern.bytes().all(|byte| byte == b'*')
}

/// Reads a statement that stands at this place.
pub(super) fn read(value: &Value, place: &str) -> Result<Statement, Error> {
    let Value::Object(object) = value else {
        return error(place, format!("is {}; it must be an object", kind_of(value)));
    };
    let effect = match member(object, "Effect").and_then(Value::as_str) {
        Some("Allow") => Effect::Allow,
        Some("Deny") => Effect::Deny,
        Some(other) => return error(format!("{place}.Effect"), format!("is {other:?}; it must be Allow or Deny")),
        None => return error(place, "has no Effect"),
    };
    let Some(actions) = patterns(object, "Action", "NotAction", place)? else {
        return error(place, "has neither Action nor NotAction");
    };
    let condition = match member(object, "Condition") {
        None | Some(Value::Null) => None,
        Some(value @ Value::Object(condition)) => Some(value).filter(|_| !condition.is_empty()),
        Some(other) => {
            return error(format!("{place}.Condition"), format!("is {}; it must be an object", kind_of(other)));
        }
    };
    Ok(Statement {
        sid: member(object, "Sid").and_then(Value::as_str).map(str::to_owned),
        effect,
        actions,
        resources: patterns(object, "Resource", "NotResource", place)?,
        principal: member(object, "Principal").map(Kept::new),
        not_principal: member(object, "NotPrincipal").map(Kept::new),
        broken: condition.and_then(Value::as_object).is_some_and(|all| all.values().any(|keys| !keys.is_object())),
        condition: condition.map(Kept::new),
    })
}

/// The patterns of an element or of its negation.
fn patterns(object: &Map<String, Value>, only: &str, except: &str, place: &str) -> Result<Option<Patterns>, Error> {
    match (member(object, only), member(object, except)) {
        (Some(_), Some(_)) => error(place, format!("has both {only} and {except}")),
        (Some(list), None) => Ok(Some(Patterns::Only(texts(list, &format!("{place}.{only}"))?))),
        (None, Some(list)) => Ok(Some(Patterns::Except(texts(list, &format!("{place}.{except}"))?))),
        (None, None) => Ok(None),
    }
}

fn texts(value: &Value, place: &str) -> Result<Vec<String>, Error> {
    let text = |value: &Value| match value {
        Value::String(text) => Ok(text.clone()),
        other => error(place, format!("holds {}; it must hold text", kind_of(other))),
    };
    match value {
        Value::Array(list) => list.iter().map(text).collect(),
        // Tools that merge policies write `"Action": null` for an empty list.
        Value::Null => Ok(Vec::new()),
        single => Ok(vec![text(single)?]),
    }
}
