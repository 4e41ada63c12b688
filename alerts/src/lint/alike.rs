//! Rules that say the same as others, or less: by id, by what they detect, by what implies what.
//!
//! Knows rules and no events.

use hashbrown::{HashMap, HashSet};

use super::{Remark, remark};
use crate::about::About;
use crate::compile::Program;
use crate::condition::Expr;
use crate::implied::{implies, is_never};
use crate::rule::{Logic, Rule};

/// Rules of one id: suppressions, filters and correlations that name it could mean either.
pub(super) fn one_id(rules: &[Rule]) -> Vec<Remark> {
    let mut first: HashMap<&str, &Rule> = HashMap::new();
    let mut remarks = Vec::new();
    for rule in rules.iter().filter(|rule| rule.about.has_id) {
        let Some(other) = first.get(rule.about.id.as_str()) else {
            first.insert(&rule.about.id, rule);
            continue;
        };
        let line = other.about.line.map_or_else(String::new, |line| format!(":{line}"));
        let place = format!("\"{}\" in {}{line}", other.about.title, other.about.file);
        let what = match other.same_as(rule) {
            true => format!("it is there twice: {place} is the same, and only that is run"),
            false => format!("its id `{}` is that of {place}: this one is refused where rules are run", rule.about.id),
        };
        remarks.push(remark(&rule.about, "id", what));
    }
    remarks
}

/// Rules under two ids that detect the same.
pub(super) fn same(rules: &[Rule]) -> Vec<Remark> {
    let mut first: HashMap<String, &Rule> = HashMap::new();
    let mut remarks = Vec::new();
    for rule in rules {
        let Logic::Events(expr) = &rule.logic else { continue };
        let detects = expr.written();
        match first.get(&detects) {
            Some(other) if other.about.id != rule.about.id => {
                let text = format!("it detects the same as \"{}\" in {}", other.about.title, other.about.file);
                remarks.push(remark(&rule.about, "duplicate", text));
            }
            Some(_) => {}
            None => {
                first.insert(detects, rule);
            }
        }
    }
    remarks
}

/// Rules all of whose events another rule, at least as severe, finds as well: it asks for less.
pub(super) fn shadowed(rules: &[Rule]) -> Vec<Remark> {
    let asked: Vec<(&Rule, &Expr)> = rules
        .iter()
        .filter_map(|rule| if let Logic::Events(expr) = &rule.logic { Some((rule, expr)) } else { None })
        // One that never matches is told as that.
        .filter(|(_, expr)| !is_never(expr))
        .collect();
    // A rule that only correlations tell gives no alerts that another could give as well.
    let parts: HashSet<&String> = rules
        .iter()
        .filter_map(|rule| if let Logic::Correlation(over) = &rule.logic { Some(over) } else { None })
        .filter(|over| !over.generate)
        .flat_map(|over| &over.rules)
        .collect();
    let silent = |about: &About| parts.iter().any(|name| about.is_called(name));
    // Only rules that look at the same events can say the same of them.
    let mut program = Program::default();
    let mut places = HashMap::new();
    for (at, (_, expr)) in asked.iter().enumerate() {
        if let Ok(number) = program.add(expr) {
            places.insert(number, at);
        }
    }
    let mut remarks = Vec::new();
    for (number, at) in &places {
        let (Some((narrow, more)), Some(runnable)) = (asked.get(*at), program.rule(*number)) else { continue };
        let first = |need: &Option<Vec<String>>| need.as_ref().and_then(|values| values.first().cloned());
        let (source, name) = (first(&runnable.source), first(&runnable.name));
        for other in program.candidates(source.as_deref(), name.as_deref()) {
            let Some((wide, less)) = places.get(&other).and_then(|at| asked.get(*at)) else { continue };
            if other != *number
                && !silent(&narrow.about)
                && !silent(&wide.about)
                && wide.about.severity >= narrow.about.severity
                && implies(more, less)
                && !implies(less, more)
            {
                let text = format!("\"{}\" in {} finds all of its events", wide.about.title, wide.about.file);
                remarks.push(remark(&narrow.about, "shadowed", text));
            }
        }
    }
    remarks
}
