//! What a rule remembers beyond one event: the `trailhound:` block, our addition to Sigma.
//!
//! A rule with this block is an ordinary Sigma rule whose detection says which events count as use; the block says what
//! to make of them. Two forms:
//!
//! ```yaml
//! trailhound:
//!   type: revived        # used again after a rest
//!   of: access_key       # or principal, permission (principal and action), or a list of fields
//!   rest: 90d            # the rest that makes the next use an alert; exactly that long is long enough
//! ```
//! ```yaml
//! trailhound:
//!   type: first_use      # used for the first time ever
//!   of: permission
//!   min_history: 14d     # silent until the account's log goes back this far before the use
//! ```
//!
//! An event without a value for every field of `of` is not counted. Whether failed calls count is for the detection
//! to say (`outcome: ok`). Knows the block and no events.

use serde_json::{Map, Value};

use crate::span::micros;

/// What a rule remembers, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Memory {
    /// Which question is asked.
    pub(crate) question: Question,
    /// Fields whose values together are the thing remembered.
    pub(crate) fields: Vec<String>,
    /// What to call the thing.
    pub(crate) thing: &'static str,
}

/// Which question is asked. Times in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Question {
    /// Used again after this long a rest.
    Revived(i64),
    /// Used for the first time, with at least this much history of the account before.
    FirstUse(i64),
}

impl Memory {
    /// Checks a `trailhound:` block.
    pub(crate) fn read(block: &Value) -> Result<Memory, String> {
        let block = block.as_object().ok_or("`trailhound` must be a map with `type` and `of`")?;
        let text = |key| block.get(key).and_then(Value::as_str);
        let (question, own) = match text("type") {
            Some("revived") => (Question::Revived(duration(block, "rest")?), "rest"),
            Some("first_use") => (Question::FirstUse(duration(block, "min_history")?), "min_history"),
            _ => return Err("`trailhound.type` must be `revived` or `first_use`".to_owned()),
        };
        if let Some(key) = block.keys().find(|key| !["type", "of", own].contains(&key.as_str())) {
            return Err(format!("`trailhound` has no key `{key}` here: type, of and {own} are allowed"));
        }
        let (fields, thing): (Vec<String>, _) = match block.get("of") {
            Some(Value::String(of)) => match of.as_str() {
                "access_key" => (vec!["userIdentity.accessKeyId".to_owned()], "access key"),
                "principal" => (vec!["principal".to_owned()], "principal"),
                "permission" => (vec!["principal".to_owned(), "action".to_owned()], "permission"),
                other => {
                    return Err(format!("`of: {other}`: give access_key, principal, permission or a list of fields"));
                }
            },
            Some(Value::Array(fields)) if !fields.is_empty() => {
                let names = fields.iter().map(|f| f.as_str().map(str::to_owned)).collect::<Option<Vec<_>>>();
                (names.ok_or("`of` must list names of fields")?, "combination")
            }
            _ => {
                return Err(
                    "`trailhound.of` is missing: access_key, principal, permission or a list of fields".to_owned()
                );
            }
        };
        Ok(Memory { question, fields, thing })
    }

    /// True if the thing is a principal.
    pub(crate) fn of_principal(&self) -> bool {
        self.thing == "principal"
    }

    /// True if the thing is an access key.
    pub(crate) fn of_access_key(&self) -> bool {
        self.thing == "access key"
    }
}

fn duration(block: &Map<String, Value>, key: &str) -> Result<i64, String> {
    let text = block.get(key).and_then(Value::as_str);
    let text = text.ok_or_else(|| format!("`trailhound.{key}` is missing: a time such as 90d"))?;
    micros(key, text)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn blocks_are_read_strictly() {
        let memory = Memory::read(&json!({"type": "revived", "of": "access_key", "rest": "90d"})).unwrap();
        assert_eq!(memory.question, Question::Revived(90 * 86_400 * 1_000_000));
        assert_eq!(memory.fields, ["userIdentity.accessKeyId"]);
        for bad in [
            json!({"type": "revived", "of": "access_key"}),
            json!({"type": "revived", "of": "access_key", "rest": "90d", "min_history": "1d"}),
            json!({"type": "revived", "of": "keys", "rest": "90d"}),
            json!({"type": "seen", "of": "principal", "rest": "90d"}),
            json!({"type": "first_use", "of": ["action", 1], "min_history": "1d"}),
            json!("revived"),
        ] {
            assert!(Memory::read(&bad).is_err(), "{bad}");
        }
    }
}
