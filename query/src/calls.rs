//! Calls of functions that cannot be: what takes no function is given one, or the name is a slip.
//!
//! Knows names of functions and statements. Must not know tables or values.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use datafusion::execution::session_state::SessionState;
use datafusion::sql::sqlparser::ast::{Expr, Statement, visit_expressions};

use crate::error::{Error, Result};
use crate::trino;

/// Refuses `x -> …` as an argument of a function that takes no function.
///
/// # Errors
/// [`Error::Plan`].
pub(crate) fn check_lambdas(state: &SessionState, statement: &Statement) -> Result<()> {
    let found = visit_expressions(statement, |expr| {
        let Expr::Function(call) = expr else { return ControlFlow::Continue(()) };
        let name = call.name.to_string().to_ascii_lowercase();
        let takes_one =
            trino::arguments(call).is_some_and(|args| args.iter().any(|arg| matches!(arg, Expr::Lambda(_))));
        let is_higher = |name: &str| {
            let known = state.higher_order_functions();
            known.contains_key(name) || known.values().any(|function| function.aliases().iter().any(|a| a == name))
        };
        match takes_one && !is_higher(&name) {
            true => ControlFlow::Break(name),
            false => ControlFlow::Continue(()),
        }
    });
    match found {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(name) => Err(Error::Plan(format!(
            "{name} takes no function (x -> …) here; those that do are any_match, all_match, none_match, filter, find_first, \
             transform, reduce, zip_with, map_filter, transform_keys and transform_values"
        ))),
    }
}

/// The error of an unknown function, with the nearest name there is.
pub(crate) fn with_hint(state: &SessionState, error: Error) -> Error {
    const START: &str = "Invalid function '";
    let Error::Plan(text) = &error else { return error };
    let Some((name, _)) = text.strip_prefix(START).and_then(|rest| rest.split_once('\'')) else { return error };
    let mut names: BTreeSet<&str> = state.scalar_functions().keys().map(String::as_str).collect();
    names.extend(state.aggregate_functions().keys().map(String::as_str));
    names.extend(state.window_functions().keys().map(String::as_str));
    names.extend(state.higher_order_functions().keys().map(String::as_str));
    names.extend(trino::functions().iter().map(|known| known.name));
    let wanted = name.to_lowercase();
    let most = (wanted.chars().count() / 3).max(1);
    let nearest =
        names.into_iter().map(|known| (slips(&wanted, known), known)).filter(|(slips, _)| *slips <= most).min();
    Error::Plan(match nearest {
        Some((_, known)) => format!("{START}{name}'; did you mean '{known}'?"),
        None => format!("{START}{name}'; docs/functions.md lists those there are"),
    })
}

/// Slips of the finger from one name to another: a letter wrong, missing, too much, or two in each other's place.
fn slips(from: &str, to: &str) -> usize {
    let (from, to): (Vec<char>, Vec<char>) = (from.chars().collect(), to.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=to.len()).collect();
    for (i, letter) in from.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, other) in to.iter().enumerate() {
            let at = |row: &[usize], place: usize| row.get(place).copied().unwrap_or(usize::MAX - 1);
            let mut least =
                (at(&above, j) + usize::from(letter != other)).min(at(&above, j + 1) + 1).min(at(&row, j) + 1);
            let is_turned = i > 0 && j > 0 && from.get(i - 1) == Some(other) && to.get(j - 1) == Some(letter);
            if is_turned {
                least = least.min(at(&before, j - 1) + 1);
            }
            row.push(least);
        }
        before = std::mem::replace(&mut above, row);
    }
    above.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::slips;

    #[test]
    fn slips_are_counted() {
        for (from, to, count) in [("conut", "count", 1), ("count", "count", 0), ("cont", "count", 1), ("", "ab", 2)] {
            assert_eq!(slips(from, to), count, "{from} {to}");
        }
    }
}
