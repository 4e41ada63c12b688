//! What a field's modifiers and values ask: `contains`, `re`, `cidr`, `base64offset` and the rest.
//!
//! Source: Sigma specification 2.1.0, appendix "modifiers". A modifier, or a combination, that is not listed there
//! or cannot be kept exactly is an error. Knows rsigma's values and nothing of columns.

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnet::IpNet;
use rsigma_parser::{Modifier, SigmaString, SigmaValue};

use crate::condition::{Expr, MAX_REGEXES, all, any};
use crate::number::Decimal;
use crate::plan::Plan;
use crate::test::{Compare, Test, number};
use crate::wildcard::{Place, expand};

/// Users' lists for the `expand` modifier: placeholder name (without `%`) to values.
pub type Lists = BTreeMap<String, Vec<String>>;

/// Most values that one field of a rule may list after expansion.
pub(crate) const MAX_VALUES: usize = 10_000;

/// The tree for one field with its modifiers and values.
pub(crate) fn field(name: &str, modifiers: &[Modifier], values: &[SigmaValue], lists: &Lists) -> Result<Expr, String> {
    check_values(values)?;
    if modifiers.contains(&Modifier::Exists) {
        return exists(name, modifiers, values);
    }
    let plan = Plan::new(modifiers)?;
    let mut parts = Vec::with_capacity(values.len());
    for value in values {
        let choices = expanded(&plan, value, lists)?;
        if plan.regex && choices.len() + parts.len() > MAX_REGEXES {
            return Err(format!("more than {MAX_REGEXES} regular expressions: join them with `|`"));
        }
        parts.push(any(choices.iter().map(|value| one(name, &plan, value)).collect::<Result<_, _>>()?));
    }
    let joined = if plan.all { all(parts) } else { any(parts) };
    if !plan.neq {
        return Ok(joined);
    }
    if plan.all {
        return Err("`neq` with `all` has no defined meaning".to_owned());
    }
    // "The field is different from the specified values": it is there, and is none of them.
    let there = Expr::Field(name.to_owned(), Test::NotNull);
    Ok(Expr::All(vec![there, Expr::Not(Box::new(joined))]))
}

/// The tree for values without a field: they may stand anywhere in the event.
pub(crate) fn keywords(modifiers: &[Modifier], values: &[SigmaValue], lists: &Lists) -> Result<Expr, String> {
    check_values(values)?;
    if modifiers.contains(&Modifier::Exists) {
        return Err("`exists` needs a field".to_owned());
    }
    let mut plan = Plan::new(modifiers)?;
    if !plan.is_text() || plan.neq {
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
        let mut choices = Vec::new();
        for value in expanded(&plan, value, lists)? {
            choices.extend(plan.texts(&value)?.into_iter().map(Expr::Keyword));
        }
        parts.push(any(choices));
    }
    Ok(if plan.all { all(parts) } else { any(parts) })
}

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

/// The values that a value stands for: itself, or with `expand` what its placeholders stand for.
fn expanded(plan: &Plan, value: &SigmaValue, lists: &Lists) -> Result<Vec<SigmaValue>, String> {
    match value {
        SigmaValue::String(text) if plan.expand => {
            let read = |text: &String| if plan.regex { SigmaString::from_raw(text) } else { SigmaString::new(text) };
            Ok(expand(&text.original, lists)?.iter().map(|text| SigmaValue::String(read(text))).collect())
        }
        value => Ok(vec![value.clone()]),
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

fn one(name: &str, plan: &Plan, value: &SigmaValue) -> Result<Expr, String> {
    let test = |test| Expr::Field(name.to_owned(), test);
    if let Some(clock) = plan.clock {
        return Ok(test(Test::Clock(clock, plan.compare.unwrap_or(Compare::Equal), part(value)?)));
    }
    if let Some(compare) = plan.compare {
        return Ok(test(Test::Number(compare, bound(value)?)));
    }
    if plan.cidr {
        let SigmaValue::String(network) = value else { return Err("`cidr` takes a network".to_owned()) };
        let text = network.original.trim();
        let network = text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
        return Ok(test(Test::Inside(network.map_err(|_| format!("`{text}` is not a network in CIDR notation"))?)));
    }
    if plan.fieldref {
        let SigmaValue::String(other) = value else { return Err("`fieldref` takes the name of a field".to_owned()) };
        return Ok(test(Test::SameAs(other.original.clone(), plan.place, plan.cased)));
    }
    match value {
        SigmaValue::Null if plan.is_plain() => Ok(Expr::Not(Box::new(test(Test::NotNull)))),
        SigmaValue::Null => Err("`null` takes no text modifier".to_owned()),
        // A number with a fraction has several spellings (1.10 is 1.1 to YAML), so its value counts.
        SigmaValue::Float(_) if plan.is_plain() => Ok(test(Test::Number(Compare::Equal, bound(value)?))),
        value => Ok(any(plan.texts(value)?.into_iter().map(|t| test(Test::Text(t))).collect())),
    }
}

/// The number that a comparison compares with.
fn bound(value: &SigmaValue) -> Result<Decimal, String> {
    let text = match value {
        SigmaValue::Integer(n) => n.to_string(),
        SigmaValue::Float(n) => n.to_string(),
        SigmaValue::String(s) => s.original.clone(),
        _ => return Err("a comparison takes a number".to_owned()),
    };
    Decimal::read(&text).ok_or_else(|| format!("`{text}` is not a number"))
}

/// The number that a part of a date is compared with.
fn part(value: &SigmaValue) -> Result<f64, String> {
    let text = value.to_string();
    number(&text).ok_or_else(|| format!("`{text}` is not a number"))
}
