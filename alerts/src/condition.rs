//! A Sigma detection to a tree of tests: `condition`, selections, lists and keywords.
//!
//! What a construct means is settled here, once, by the Sigma rules specification 2.1; what it cannot mean is an error.
//! Knows rsigma's syntax tree and nothing of columns.

use std::collections::HashMap;

use rsigma_parser::fieldpath::unescape_brackets;
use rsigma_parser::{ConditionExpr, Detection, DetectionItem, Detections, Quantifier, SelectorPattern};

use crate::field::Field;
use crate::modifier::{self, Lists};
use crate::test::{Shape, Test, TextTest};

/// What a rule asks of an event.
#[derive(Debug, Clone)]
pub(crate) enum Expr {
    /// Every part holds.
    All(Vec<Expr>),
    /// Some part holds.
    Any(Vec<Expr>),
    /// The part does not hold.
    Not(Box<Expr>),
    /// Some leaf of the field passes.
    Field(String, Test),
    /// Some leaf of the record, whatever its field, passes.
    Keyword(TextTest),
}

impl Expr {
    /// The tree as text, the same in whatever order its parts stand.
    pub(crate) fn written(&self) -> String {
        let sorted = |parts: &[Expr]| {
            let mut parts: Vec<String> = parts.iter().map(Expr::written).collect();
            parts.sort_unstable();
            parts.dedup();
            parts.join(", ")
        };
        match self {
            Expr::All(parts) => format!("all({})", sorted(parts)),
            Expr::Any(parts) => format!("any({})", sorted(parts)),
            Expr::Not(part) => format!("not({})", part.written()),
            leaf => format!("{leaf:?}"),
        }
    }
}

/// Most regular expressions in a rule: each may take two megabytes.
pub(crate) const MAX_REGEXES: usize = 256;
/// Deepest tree that a rule may build.
const MAX_DEPTH: usize = 64;

/// The tree of a `detection:` section.
pub(crate) fn read(detections: &Detections, lists: &Lists) -> Result<Expr, String> {
    if detections.timeframe.is_some() {
        return Err("`timeframe` belongs to the old aggregation syntax; write a correlation with `timespan`".to_owned());
    }
    let mut named = HashMap::new();
    // In order of name, so that a rule with two faults is always refused for the same one.
    let mut sorted: Vec<_> = detections.named.iter().collect();
    sorted.sort_unstable_by_key(|(name, _)| name.as_str());
    for (name, detection) in sorted {
        let expr = selection(detection, lists, 0).map_err(|reason| format!("in `{name}`: {reason}"))?;
        check_fields(&expr).map_err(|reason| format!("in `{name}`: {reason}"))?;
        named.insert(name.as_str(), expr);
    }
    let regexes: usize = named.values().map(regexes).sum();
    if regexes > MAX_REGEXES {
        return Err(format!("{regexes} regular expressions; at most {MAX_REGEXES} are allowed: join them with `|`"));
    }
    let mut conditions = Vec::new();
    for condition in &detections.conditions {
        conditions.push(combine(condition, &named)?);
    }
    match conditions.len() {
        0 => Err("the detection has no condition".to_owned()),
        _ => Ok(any(conditions)),
    }
}

/// Refuses fields that cannot be found in any event.
fn check_fields(expr: &Expr) -> Result<(), String> {
    match expr {
        Expr::All(parts) | Expr::Any(parts) => parts.iter().try_for_each(check_fields),
        Expr::Not(part) => check_fields(part),
        Expr::Field(name, Test::SameAs(other, ..)) => Field::find(name).and(Field::find(other)).map(|_| ()),
        Expr::Field(name, _) => Field::find(name).map(|_| ()),
        Expr::Keyword(_) => Ok(()),
    }
}

fn regexes(expr: &Expr) -> usize {
    match expr {
        Expr::All(parts) | Expr::Any(parts) => parts.iter().map(regexes).sum(),
        Expr::Not(part) => regexes(part),
        Expr::Field(_, Test::Text(test)) | Expr::Keyword(test) => usize::from(matches!(test.shape, Shape::Matches(_))),
        Expr::Field(..) => 0,
    }
}

fn combine(condition: &ConditionExpr, named: &HashMap<&str, Expr>) -> Result<Expr, String> {
    let all_of = |parts: &[ConditionExpr]| parts.iter().map(|part| combine(part, named)).collect::<Result<Vec<_>, _>>();
    match condition {
        ConditionExpr::And(parts) => Ok(all(all_of(parts)?)),
        ConditionExpr::Or(parts) => Ok(any(all_of(parts)?)),
        ConditionExpr::Not(part) => Ok(Expr::Not(Box::new(combine(part, named)?))),
        ConditionExpr::Identifier(name) => named.get(name.as_str()).cloned().ok_or_else(|| {
            format!("the condition names `{name}`, which the detection does not define ({})", names(named))
        }),
        ConditionExpr::Selector { quantifier, pattern } => {
            let mut found: Vec<_> = named.iter().filter(|(name, _)| selects(pattern, name)).collect();
            found.sort_unstable_by_key(|(name, _)| **name);
            if found.is_empty() {
                return Err(format!("`{quantifier} of {pattern}` selects nothing ({})", names(named)));
            }
            let parts = found.into_iter().map(|(_, expr)| expr.clone()).collect();
            match quantifier {
                Quantifier::Any | Quantifier::Count(1) => Ok(any(parts)),
                Quantifier::All => Ok(all(parts)),
                Quantifier::Count(n) => {
                    Err(format!("`{n} of` is not in the Sigma specification: use `1 of` or `all of`"))
                }
            }
        }
    }
}

/// Whether `1 of …` and `all of …` mean this name. The specification allows `*` anywhere in a pattern.
fn selects(pattern: &SelectorPattern, name: &str) -> bool {
    match pattern {
        SelectorPattern::Them => !name.starts_with('_'),
        SelectorPattern::Pattern(pattern) => glob(pattern.as_bytes(), name.as_bytes()),
    }
}

/// Matches `*` in `pattern` against any run of bytes, going back to the last star only: linear in practice, and at
/// worst the product of both lengths.
fn glob(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t, mut star) = (0, 0, None);
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(byte) if *byte == text[t] => {
                p += 1;
                t += 1;
            }
            _ => match star {
                Some((at, taken)) => {
                    p = at + 1;
                    t = taken + 1;
                    star = Some((at, t));
                }
                None => return false,
            },
        }
    }
    pattern.iter().skip(p).all(|byte| *byte == b'*')
}

fn names(named: &HashMap<&str, Expr>) -> String {
    let mut names: Vec<&str> = named.keys().copied().collect();
    names.sort_unstable();
    format!("defined: {}", names.join(", "))
}

fn selection(detection: &Detection, lists: &Lists, depth: usize) -> Result<Expr, String> {
    if depth > MAX_DEPTH {
        return Err(format!("lists nested deeper than {MAX_DEPTH}"));
    }
    match detection {
        Detection::AllOf(items) if items.is_empty() => Err("an empty selection would match every event".to_owned()),
        Detection::AllOf(items) => items.iter().map(|entry| item(entry, lists)).collect::<Result<Vec<_>, _>>().map(all),
        Detection::AnyOf(parts) if parts.is_empty() => Err("an empty list matches nothing".to_owned()),
        Detection::AnyOf(parts) => {
            let parts = parts.iter().map(|part| selection(part, lists, depth + 1));
            parts.collect::<Result<Vec<_>, _>>().map(any)
        }
        Detection::Keywords(values) => modifier::keywords(&[], values, lists),
        Detection::ArrayMatch { .. } | Detection::And(_) | Detection::Conditional { .. } => {
            Err("array selectors (`field[any]`) of sigma-version 3 are not supported yet".to_owned())
        }
    }
}

fn item(entry: &DetectionItem, lists: &Lists) -> Result<Expr, String> {
    match &entry.field.name {
        Some(name) => {
            let name = unescape_brackets(name);
            modifier::field(&name, &entry.field.modifiers, &entry.values, lists)
                .map_err(|reason| format!("field `{name}`: {reason}"))
        }
        None if entry.field.modifiers.is_empty() => Err("a selection key is not a field name".to_owned()),
        None => modifier::keywords(&entry.field.modifiers, &entry.values, lists),
    }
}

/// True if a condition only takes away: `not a`, `not a and not b`, `not 1 of filter_*`.
pub(crate) fn takes_away(condition: &ConditionExpr) -> bool {
    match condition {
        ConditionExpr::Not(_) => true,
        ConditionExpr::And(parts) => parts.iter().all(takes_away),
        _ => false,
    }
}

/// All of `parts`; one part stays itself.
pub(crate) fn all(mut parts: Vec<Expr>) -> Expr {
    match parts.len() {
        1 => parts.remove(0),
        _ => Expr::All(parts),
    }
}

/// Any of `parts`; one part stays itself.
pub(crate) fn any(mut parts: Vec<Expr>) -> Expr {
    match parts.len() {
        1 => parts.remove(0),
        _ => Expr::Any(parts),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stand_anywhere_in_a_pattern() {
        for (pattern, name) in [("*", "a"), ("sel*", "selection"), ("*main*", "the_main_one"), ("a*b*c", "a1b2c")] {
            assert!(glob(pattern.as_bytes(), name.as_bytes()), "{pattern} {name}");
        }
        for (pattern, name) in [("sel", "selection"), ("*main", "main_"), ("a*b*c", "a1c2b"), ("", "a")] {
            assert!(!glob(pattern.as_bytes(), name.as_bytes()), "{pattern} {name}");
        }
    }
}
