//! What a field's modifiers and values ask: `contains`, `re`, `cidr`, `base64offset` and the rest.
//!
//! Source: Sigma specification 2.1.0, appendix "modifiers". A modifier, or a combination, that is not listed there
//! or cannot be kept exactly is an error. Knows rsigma's values and nothing of columns.

use std::collections::BTreeMap;

use rsigma_parser::{Modifier, SigmaString, SigmaValue};

use crate::condition::{Expr, all, any};
use crate::plan::Plan;
use crate::test::{Compare, Test};
use crate::wildcard::Place;

/// Users' lists for the `expand` modifier: placeholder name (without `%`) to values.
pub type Lists = BTreeMap<String, Vec<String>>;

/// Most values that one field of a rule may list after expansion.
pub(crate) const MAX_VALUES: usize = 10_000;

/// The tree for one field with its modifiers and values.
pub(crate) fn field(name: &str, modifiers: &[Modifier], values: &[SigmaValue], lists: &Lists) -> Result<Expr, String> {
    let has = |m| modifiers.contains(&m);
    check_values(values)?;
    if let Some(part) = modifiers.iter().find(|m| TIME_PARTS.contains(m)) {
        return Err(format!("the time modifier `{}` is not supported yet", written(*part)));
    }
    if has(Modifier::Exists) {
        return exists(name, modifiers, values);
    }
    let mut parts = Vec::with_capacity(values.len());
    for value in values {
        parts.push(one(name, modifiers, value, lists)?);
    }
    let joined = if has(Modifier::All) { all(parts) } else { any(parts) };
    if !has(Modifier::Neq) {
        return Ok(joined);
    }
    if has(Modifier::All) {
        return Err("`neq` with `all` has no defined meaning".to_owned());
    }
    // "The field is different from the specified values": it is there, and is none of them.
    let there = Expr::Field(name.to_owned(), Test::NotNull);
    Ok(Expr::All(vec![there, Expr::Not(Box::new(joined))]))
}

/// The tree for values without a field: they may stand anywhere in the event.
pub(crate) fn keywords(modifiers: &[Modifier], values: &[SigmaValue], lists: &Lists) -> Result<Expr, String> {
    check_values(values)?;
    let mut plan = Plan::new(modifiers)?;
    if plan.cidr || plan.compare.is_some() || plan.fieldref || plan.neq || modifiers.contains(&Modifier::Exists) {
        return Err("keywords take only text modifiers".to_owned());
    }
    if plan.place == Place::Whole {
        plan.place = Place::Within;
    }
    let mut parts = Vec::with_capacity(values.len());
    for value in values {
        if *value == SigmaValue::Null {
            return Err("`null` cannot be a keyword".to_owned());
        }
        let tests = plan.texts(value, lists)?;
        parts.push(any(tests.into_iter().map(Expr::Keyword).collect()));
    }
    Ok(if plan.all { all(parts) } else { any(parts) })
}

const TIME_PARTS: [Modifier; 6] =
    [Modifier::Minute, Modifier::Hour, Modifier::Day, Modifier::Week, Modifier::Month, Modifier::Year];

/// A modifier as it stands in a rule.
pub(crate) fn written(modifier: Modifier) -> String {
    format!("{modifier:?}").to_lowercase()
}

fn check_values(values: &[SigmaValue]) -> Result<(), String> {
    if values.is_empty() {
        return Err("the list of values is empty".to_owned());
    }
    if values.len() > MAX_VALUES {
        return Err(format!("{} values; at most {MAX_VALUES} are allowed", values.len()));
    }
    // The parser turns a map or a list in the place of a value into its debug text; such a rule means something
    // that it does not say in Sigma.
    let nested =
        |s: &SigmaString| ["Mapping {", "Sequence [", "TaggedValue {"].iter().any(|p| s.original.starts_with(p));
    match values.iter().any(|v| matches!(v, SigmaValue::String(s) if nested(s))) {
        true => Err("a map or a list stands where a value belongs; write nested fields with dots".to_owned()),
        false => Ok(()),
    }
}

fn exists(name: &str, modifiers: &[Modifier], values: &[SigmaValue]) -> Result<Expr, String> {
    let present = Expr::Field(name.to_owned(), Test::Present);
    match (modifiers, values) {
        ([Modifier::Exists], [SigmaValue::Bool(true)]) => Ok(present),
        ([Modifier::Exists], [SigmaValue::Bool(false)]) => Ok(Expr::Not(Box::new(present))),
        ([Modifier::Exists], _) => Err("`exists` takes one boolean, true or false".to_owned()),
        _ => Err("`exists` cannot be combined with other modifiers".to_owned()),
    }
}

fn one(name: &str, modifiers: &[Modifier], value: &SigmaValue, lists: &Lists) -> Result<Expr, String> {
    let plan = Plan::new(modifiers)?;
    let test = |test| Expr::Field(name.to_owned(), test);
    if let Some(compare) = plan.compare {
        let bound = match value {
            SigmaValue::Integer(n) => *n as f64,
            SigmaValue::Float(n) => *n,
            SigmaValue::String(s) => s.original.parse().map_err(|_| format!("`{s}` is not a number"))?,
            _ => return Err("a comparison takes a number".to_owned()),
        };
        return Ok(test(Test::Number(compare, bound)));
    }
    if plan.cidr {
        let SigmaValue::String(network) = value else { return Err("`cidr` takes a network".to_owned()) };
        let network = network.original.parse().map_err(|_| format!("`{network}` is not a network in CIDR notation"))?;
        return Ok(test(Test::Inside(network)));
    }
    if plan.fieldref {
        let SigmaValue::String(other) = value else { return Err("`fieldref` takes the name of a field".to_owned()) };
        return Ok(test(Test::SameAs(other.original.clone(), plan.cased)));
    }
    match value {
        SigmaValue::Null if plan.is_plain() => Ok(Expr::Not(Box::new(test(Test::NotNull)))),
        SigmaValue::Null => Err("`null` takes no text modifier".to_owned()),
        // A number with a fraction has several spellings (1.10 is 1.1 to YAML), so its value counts.
        SigmaValue::Float(number) if plan.is_plain() => Ok(test(Test::Number(Compare::Equal, *number))),
        value => Ok(any(plan.texts(value, lists)?.into_iter().map(|t| test(Test::Text(t))).collect())),
    }
}
