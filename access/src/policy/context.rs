//! The context of a request: what conditions and variables ask about.
//!
//! Source: "AWS global condition context keys" in the IAM user guide. Names of keys are compared without regard to
//! case, also the tag's name behind the slash. Whether a key has one value or several is part of the request: a
//! condition without `ForAllValues` or `ForAnyValue` does not look into a list.

use std::collections::HashMap;

use ahash::RandomState;
use serde_json::{Map, Value as Json};

/// The value of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A single-valued key.
    One(Box<str>),
    /// A multivalued key, possibly empty.
    Many(Vec<Box<str>>),
}

/// The keys of a request with their values.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Context {
    values: HashMap<Box<str>, Value, RandomState>,
    /// Keys that the request certainly lacks, in lower case.
    absent: Vec<&'static str>,
}

impl Context {
    /// Reads an object of `key: text` and `key: [text …]`; booleans and numbers count as their text, null as absent.
    ///
    /// # Errors
    /// With the name of a key whose value is an object.
    pub fn of_json(object: &Map<String, Json>) -> Result<Context, String> {
        let mut context = Context::default();
        let text = |value: &Json| match value {
            Json::String(text) => Some(text.as_str().into()),
            Json::Bool(_) | Json::Number(_) => Some(value.to_string().into_boxed_str()),
            _ => None,
        };
        for (key, value) in object {
            let value = match value {
                Json::Null => continue,
                Json::Array(list) => list.iter().map(text).collect::<Option<_>>().map(Value::Many),
                one => text(one).map(Value::One),
            };
            let value = value.ok_or_else(|| format!("context key {key}: give text or a list of text"))?;
            context.values.insert(key.to_lowercase().into(), value);
        }
        Ok(context)
    }

    /// Gives a key one value.
    pub fn set(&mut self, key: &str, value: &str) {
        self.values.insert(key.to_lowercase().into(), Value::One(value.into()));
    }

    /// Says that the request lacks a key (in lower case), and not just what is known of it.
    pub fn set_absent(&mut self, key: &'static str) {
        self.absent.push(key);
    }

    /// Whether the value of a key (in lower case) is known, or that there is none.
    pub(super) fn is_known(&self, key: &str) -> bool {
        self.values.contains_key(key) || self.absent.contains(&key)
    }

    /// Gives a key a list of values.
    pub fn set_many<'a>(&mut self, key: &str, values: impl IntoIterator<Item = &'a str>) {
        let values = values.into_iter().map(Into::into).collect();
        self.values.insert(key.to_lowercase().into(), Value::Many(values));
    }

    /// Gives a key one value unless it has one.
    pub fn set_default(&mut self, key: &str, value: &str) {
        self.values.entry(key.to_lowercase().into()).or_insert_with(|| Value::One(value.into()));
    }

    /// Takes over another context's keys; theirs win.
    pub fn merge(&mut self, other: &Context) {
        self.values.extend(other.values.iter().map(|(key, value)| (key.clone(), value.clone())));
    }

    /// The value of a key whose name is in lower case.
    pub(super) fn get(&self, key: &str) -> Option<&Value> {
        self.values.get(key)
    }

    /// The value of a single-valued key whose name is in lower case.
    pub(super) fn single(&self, key: &str) -> Option<&str> {
        match self.values.get(key)? {
            Value::One(value) => Some(value),
            Value::Many(_) => None,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn names_fold_and_kinds_stay() {
        let object = json!({"aws:PrincipalTag/Team": "Blue", "aws:TagKeys": ["a"], "n": 5, "b": true, "gone": null});
        let context = Context::of_json(object.as_object().unwrap()).unwrap();
        assert_eq!(context.single("aws:principaltag/team"), Some("Blue"));
        assert_eq!(context.get("aws:tagkeys"), Some(&Value::Many(vec!["a".into()])));
        assert_eq!((context.single("n"), context.single("b"), context.get("gone")), (Some("5"), Some("true"), None));
        assert_eq!(context.single("aws:tagkeys"), None);
        let bad = json!({"k": {}});
        assert!(Context::of_json(bad.as_object().unwrap()).unwrap_err().contains("key k"));
    }
}
