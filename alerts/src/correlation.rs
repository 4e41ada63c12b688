//! What a correlation rule asks: which rules' events, grouped by what, how many within which time.
//!
//! Source: Sigma correlation rules specification 2.1. `event_count`, `value_count` and `temporal` with a sliding
//! window are run; the rest is refused by name. Knows rsigma's syntax tree and no events.

use rsigma_parser::{ConditionOperator, CorrelationCondition, CorrelationRule, CorrelationType, WindowMode};

/// A correlation, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Correlation {
    /// Names, ids or titles of the rules whose events it takes.
    pub(crate) rules: Vec<String>,
    /// Fields whose values separate groups. An event without a value is in the group of those without.
    pub(crate) group_by: Vec<String>,
    /// Length of the window, in microseconds.
    pub(crate) span: i64,
    /// What is counted.
    pub(crate) count: Counted,
    /// What the count must be.
    pub(crate) bounds: Vec<(Bound, u64)>,
    /// The base rules alert by themselves too.
    pub(crate) generate: bool,
}

/// What is counted in a window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Counted {
    /// Events.
    Events,
    /// Distinct values of this field.
    Values(String),
    /// Distinct rules.
    Rules,
}

/// How the count compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bound {
    /// At least.
    AtLeast,
    /// At most.
    AtMost,
    /// Not.
    Not,
}

impl Correlation {
    /// Checks a parsed correlation rule.
    pub(crate) fn read(rule: &CorrelationRule) -> Result<Self, String> {
        if rule.window != WindowMode::Sliding {
            return Err(format!("a {} window is not supported yet; sliding windows are", rule.window.as_str()));
        }
        if !rule.aliases.is_empty() {
            return Err("correlation `aliases` are not supported yet".to_owned());
        }
        if rule.rules.is_empty() {
            return Err("a correlation needs `rules`".to_owned());
        }
        let CorrelationCondition::Threshold { predicates, field, .. } = &rule.condition else {
            return Err("a correlation condition written as an expression is not supported yet".to_owned());
        };
        let (count, bounds) = match rule.correlation_type {
            CorrelationType::EventCount => (Counted::Events, bounds(predicates)?),
            CorrelationType::ValueCount => match field.as_deref() {
                Some([field]) => (Counted::Values(field.clone()), bounds(predicates)?),
                Some(_) => return Err("`value_count` over several fields is not supported yet".to_owned()),
                None => return Err("`value_count` needs `condition.field`".to_owned()),
            },
            // Without a condition the parser says "at least 1"; the specification says that all rules must occur.
            CorrelationType::Temporal if predicates.as_slice() == [(ConditionOperator::Gte, 1)] => {
                (Counted::Rules, vec![(Bound::AtLeast, rule.rules.len() as u64)])
            }
            CorrelationType::Temporal => (Counted::Rules, bounds(predicates)?),
            other => return Err(format!("the correlation type `{}` is not supported yet", other.as_str())),
        };
        let micros = i64::try_from(rule.timespan.seconds).ok().and_then(|s| s.checked_mul(1_000_000));
        let span = micros.filter(|span| *span > 0).ok_or("the timespan is zero or too long")?;
        Ok(Correlation {
            rules: rule.rules.clone(),
            group_by: rule.group_by.clone(),
            span,
            count,
            bounds,
            generate: rule.generate,
        })
    }

    /// Whether a count is what the rule looks for.
    pub(crate) fn holds(&self, count: u64) -> bool {
        self.bounds.iter().all(|(bound, limit)| match bound {
            Bound::AtLeast => count >= *limit,
            Bound::AtMost => count <= *limit,
            Bound::Not => count != *limit,
        })
    }
}

fn bounds(predicates: &[(ConditionOperator, u64)]) -> Result<Vec<(Bound, u64)>, String> {
    let mut bounds = Vec::new();
    for (operator, limit) in predicates {
        match operator {
            ConditionOperator::Gte => bounds.push((Bound::AtLeast, *limit)),
            ConditionOperator::Gt => bounds.push((Bound::AtLeast, limit.saturating_add(1))),
            ConditionOperator::Lte => bounds.push((Bound::AtMost, *limit)),
            ConditionOperator::Lt => bounds.push((Bound::AtMost, limit.saturating_sub(1))),
            ConditionOperator::Eq => bounds.extend([(Bound::AtLeast, *limit), (Bound::AtMost, *limit)]),
            ConditionOperator::Neq => bounds.push((Bound::Not, *limit)),
        }
    }
    // A window opens with an event, so "fewer than" is a question about windows that never open.
    if !bounds.iter().any(|(bound, limit)| *bound == Bound::AtLeast && *limit > 0) {
        return Err("a correlation without `gte`, `gt` or `eq` (absence of events) is not supported yet".to_owned());
    }
    Ok(bounds)
}
