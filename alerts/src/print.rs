//! What the state of a rule depends on, as a hash: a rule that changed in any of it starts anew.
//!
//! Knows rules as text and how they hang together.

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};

use crate::link::Base;

/// A hash of texts, in hexadecimal digits.
pub(crate) fn print(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hash.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// The prints of correlations, each over its own text, all that it is over, and all that are over it: these say which
/// values its events carry.
pub(crate) fn lineage(own: &[String], bases: &[Vec<Base>], rules: &[String]) -> Vec<String> {
    let down = |at: usize| {
        let inner = bases.get(at).into_iter().flatten();
        inner.filter_map(|base| if let Base::Correlation(inner) = base { Some(*inner) } else { None }).collect()
    };
    let up = |at: usize| {
        let over = |bases: &&Vec<Base>| bases.contains(&Base::Correlation(at));
        bases.iter().enumerate().filter(|(_, bases)| over(bases)).map(|(outer, _)| outer).collect()
    };
    (0..own.len())
        .map(|at| {
            let (below, above) = (reached(at, &down), reached(at, &up));
            let mut parts: Vec<&str> = Vec::new();
            for inner in &below {
                for base in bases.get(*inner).into_iter().flatten() {
                    if let Base::Rule(rule) = base {
                        parts.extend(rules.get(*rule).map(String::as_str));
                    }
                }
            }
            let own_text = own.get(at).map(String::as_str);
            parts.extend(own_text);
            parts.push("below");
            parts.extend(below.iter().filter_map(|at| own.get(*at)).map(String::as_str));
            parts.push("above");
            parts.extend(above.iter().filter_map(|at| own.get(*at)).map(String::as_str));
            print(&parts)
        })
        .collect()
}

/// All that is reached from `from`, which is among it.
fn reached(from: usize, next: &dyn Fn(usize) -> Vec<usize>) -> BTreeSet<usize> {
    let mut found = BTreeSet::from([from]);
    let mut open = vec![from];
    while let Some(at) = open.pop() {
        open.extend(next(at).into_iter().filter(|at| found.insert(*at)).collect::<Vec<_>>());
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_print_changes_with_what_is_below_and_above() {
        use Base::{Correlation as C, Rule as R};
        let text = |texts: &[&str]| texts.iter().map(|t| (*t).to_owned()).collect::<Vec<_>>();
        let bases = [vec![R(0)], vec![C(0), R(1)], vec![R(1)]];
        let before = lineage(&text(&["a", "b", "c"]), &bases, &text(&["r", "s"]));
        let changed = |own: &[&str], rules: &[&str]| {
            let after = lineage(&text(own), &bases, &text(rules));
            (0..3).map(|at| before[at] != after[at]).collect::<Vec<_>>()
        };
        assert_eq!(changed(&["a", "b", "c"], &["r", "s"]), [false, false, false]);
        assert_eq!(changed(&["a", "b", "c"], &["x", "s"]), [true, true, false], "a rule below");
        assert_eq!(changed(&["a", "x", "c"], &["r", "s"]), [true, true, false], "a correlation above");
        assert_eq!(changed(&["a", "b", "x"], &["r", "s"]), [false, false, true]);
    }
}
