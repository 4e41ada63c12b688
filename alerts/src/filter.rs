//! Sigma filters: what an organisation takes away from rules that others wrote.
//!
//! A filter names rules and says which events they should not tell. Two ways of writing it are in use. The
//! specification's example says what to leave out (`condition: selection`); pySigma's says what stays (`condition: not
//! selection`) and joins it with `and`. Both mean the same here: a condition that only negates is joined as it is, and
//! any other is joined negated. Source: Sigma filters specification 2.1. Knows rules and no events.

use rsigma_parser::{FilterRule, FilterRuleTarget};

use crate::about::About;
use crate::condition::{self, Expr, takes_away};
use crate::distinct::refused;
use crate::error::RuleError;
use crate::modifier::Lists;
use crate::rule::{Logic, Rule};

/// A filter, checked.
#[derive(Debug, Clone)]
pub struct Filter {
    /// What it says of itself.
    pub about: About,
    /// Rules that it is for; `None` for all.
    rules: Option<Vec<String>>,
    /// What an event must be to be told all the same.
    stays: Expr,
}

impl Filter {
    /// Checks a parsed filter.
    pub(crate) fn read(about: About, filter: &FilterRule, lists: &Lists) -> Result<Filter, String> {
        let rules = match &filter.rules {
            FilterRuleTarget::Any => None,
            FilterRuleTarget::Specific(names) => Some(names.clone()),
        };
        let told = condition::read(&filter.detection, lists)?;
        let stays = match filter.detection.conditions.as_slice() {
            [one] if takes_away(one) => told,
            [_] => Expr::Not(Box::new(told)),
            _ => return Err("a filter has one `condition`".to_owned()),
        };
        Ok(Filter { about, rules, stays })
    }

    /// The names of rules in it.
    pub(crate) fn names(&self) -> impl Iterator<Item = &String> {
        self.rules.iter().flatten()
    }

    fn is_for(&self, rule: &About) -> bool {
        self.rules.as_ref().is_none_or(|names| names.iter().any(|name| rule.is_called(name)))
    }
}

/// Puts each filter on the rules that it names. A name that no rule has is an error, and so is that of a correlation: its
/// rules are to be named.
pub fn apply(rules: &mut [Rule], filters: &[Filter]) -> Vec<RuleError> {
    let mut errors = Vec::new();
    for filter in filters {
        for name in filter.rules.iter().flatten() {
            if !rules.iter().any(|rule| rule.about.is_called(name)) {
                let next = "give the id, name or title of a rule that is loaded";
                let reason = format!("the filter is for `{name}`, and no rule is called so: {next}");
                errors.push(refused(&filter.about, reason));
            }
        }
        for rule in rules.iter_mut().filter(|rule| filter.is_for(&rule.about)) {
            match &mut rule.logic {
                Logic::Events(expr) | Logic::Memory(expr, _) => {
                    let told = std::mem::replace(expr, Expr::All(Vec::new()));
                    *expr = Expr::All(vec![told, filter.stays.clone()]);
                }
                Logic::Correlation(_) if filter.rules.is_some() => {
                    let called = filter.rules.iter().flatten().find(|name| rule.about.is_called(name));
                    let name = called.unwrap_or(&rule.about.title);
                    let reason = format!("`{name}` is a correlation: filter the rules that it is over");
                    errors.push(refused(&filter.about, reason));
                }
                Logic::Correlation(_) => {}
            }
        }
    }
    errors
}
