//! JSON of a policy that is looked at once or never, kept as its text.
//!
//! A tree of a condition takes ten times what its text does, and an inventory has hundreds of thousands of them.

use serde_json::{Map, Value};

/// A condition or a principal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept(Box<str>);

impl Kept {
    /// Keeps a value.
    pub fn new(value: &Value) -> Kept {
        Kept(value.to_string().into())
    }

    /// The value.
    pub fn value(&self) -> Value {
        serde_json::from_str(&self.0).unwrap_or_default()
    }

    /// Its members; none where it is no object.
    pub fn members(&self) -> Map<String, Value> {
        serde_json::from_str(&self.0).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A hundred thousand conditions took a hundred megabytes and more, as trees.
    #[test]
    fn what_is_kept_takes_its_text_and_comes_back_as_it_was() {
        let value = json!({"StringEquals": {"aws:PrincipalTag/team": ["a", "b"]}, "Bool": {"k": true}, "NumericLess": {"n": 1.5}});
        let kept = Kept::new(&value);
        assert_eq!((kept.value(), Value::Object(kept.members())), (value.clone(), value.clone()));
        assert_eq!((size_of::<Kept>(), kept.0.len()), (16, value.to_string().len()));
        assert!(Kept::new(&json!("*")).members().is_empty());
    }
}
