//! Conditions: does a statement's `Condition` hold for a request?
//!
//! Source: "IAM JSON policy elements: Condition operators" and "Multivalued context keys". All keys of all operators
//! must hold; of the values of one key one must match, or none where the operator is negated. A key that the request
//! lacks: `…IfExists` and negated operators hold, `ForAllValues` holds, `ForAnyValue` does not, the others do not, and
//! `Null` asks just that. A condition without `ForAllValues` or `ForAnyValue` does not hold for a multivalued key.
//! A value that is no number, date or address makes its comparison fail, whichever way it is asked.

mod operand;

use serde_json::{Map, Value as Json};

use super::context::{Context, Value};
use super::mode::Mode;
use super::operator::{Kind, Operator, Quantifier};
use operand::Operand;
pub(super) use operand::{date, number};

/// Whether a condition holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Truth {
    No,
    /// The mode leaves it open.
    Open,
    Yes,
}

/// One key under one operator.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Condition {
    /// `None` for an operator that IAM does not have: it never holds.
    operator: Option<Operator>,
    /// In lower case.
    key: Box<str>,
    operands: Vec<Operand>,
}

/// Reads the `Condition` of a statement; `variables` as for the rest of its document.
pub(super) fn compile(conditions: &Map<String, Json>, variables: bool) -> Vec<Condition> {
    let mut found = Vec::new();
    for (name, keys) in conditions {
        let operator = Operator::parse(name);
        let Json::Object(keys) = keys else {
            // An operator without keys that is no empty object is malformed: it must not open anything.
            found.push(Condition { operator: None, key: name.as_str().into(), operands: Vec::new() });
            continue;
        };
        for (key, values) in keys {
            let operands = match (operator, values) {
                (None, _) => Vec::new(),
                (Some(operator), Json::Array(list)) => {
                    list.iter().map(|value| Operand::new(operator.kind, value, variables)).collect()
                }
                (Some(operator), one) => vec![Operand::new(operator.kind, one, variables)],
            };
            found.push(Condition { operator, key: key.to_lowercase().into(), operands });
        }
    }
    found
}

/// Whether all hold.
pub(super) fn all_hold(conditions: &[Condition], context: &Context, mode: &Mode) -> Truth {
    let mut truth = Truth::Yes;
    for condition in conditions {
        truth = truth.min(condition.holds(context, mode));
        if truth == Truth::No {
            break;
        }
    }
    truth
}

impl Condition {
    /// Whether it holds.
    fn holds(&self, context: &Context, mode: &Mode) -> Truth {
        let value = context.get(&self.key);
        if mode.leaves_open(&self.key, context) {
            return Truth::Open;
        }
        let mut variables = self.operands.iter().flat_map(Operand::variables);
        if mode.opens_variables() && value.is_some() && variables.any(|key| !context.is_known(key)) {
            return Truth::Open;
        }
        match self.operator.is_some_and(|operator| self.holds_for(operator, value, context)) {
            true => Truth::Yes,
            false => Truth::No,
        }
    }

    fn holds_for(&self, operator: Operator, value: Option<&Value>, context: &Context) -> bool {
        if operator.kind == Kind::Null {
            // "The key exists and its value is not null": a list without values is none.
            let is_absent = value.is_none_or(|value| matches!(value, Value::Many(list) if list.is_empty()));
            return self.operands.iter().any(|operand| operand.is_absence(is_absent));
        }
        match (operator.quantifier, value) {
            (Quantifier::Single, None) => operator.negated || operator.if_exists,
            (Quantifier::All, None) => true,
            (Quantifier::Any, None) => false,
            (Quantifier::Single, Some(Value::Many(_))) => false,
            (_, Some(Value::One(value))) => self.holds_for_one(operator, value, context),
            (Quantifier::All, Some(Value::Many(values))) => {
                values.iter().all(|value| self.holds_for_one(operator, value, context))
            }
            (Quantifier::Any, Some(Value::Many(values))) => {
                values.iter().any(|value| self.holds_for_one(operator, value, context))
            }
        }
    }

    fn holds_for_one(&self, operator: Operator, value: &str, context: &Context) -> bool {
        let mut compare = self.operands.iter().map(|operand| operand.compare(operator.kind, value, context));
        if operator.negated {
            // Every value of the policy must differ; one that cannot be compared does not.
            compare.all(|equal| equal == Some(false))
        } else {
            compare.any(|equal| equal == Some(true))
        }
    }

    /// The keys that it asks about and the request lacks.
    pub(super) fn missing<'a>(&'a self, context: &'a Context) -> impl Iterator<Item = &'a str> {
        let operands = self.operands.iter().flat_map(Operand::variables);
        std::iter::once(&*self.key).chain(operands).filter(|key| !context.is_known(key))
    }
}

#[cfg(test)]
mod tests;
