//! One rule for each id and name: what two files both bring, and what they both claim.
//!
//! Knows rules, and not how they run.

use hashbrown::HashMap;

use crate::about::About;
use crate::error::RuleError;
use crate::rule::Rule;

/// Leaves out rules whose id or name is taken. The same rule twice (collections repeat the base rules of their
/// correlations) is one rule and no error.
pub(crate) fn distinct(rules: Vec<Rule>, errors: &mut Vec<RuleError>) -> Vec<Rule> {
    let mut taken: HashMap<String, usize> = HashMap::new();
    let mut kept: Vec<Rule> = Vec::with_capacity(rules.len());
    for mut rule in rules {
        let unnamed = !rule.about.has_id && rule.about.handle.is_none();
        let before = taken.get(&rule.about.id).and_then(|at| kept.get(*at));
        if unnamed && before.is_some_and(|before| !before.same_as(&rule)) {
            // Titles are not unique, and nobody said that they are.
            let line = rule.about.line.unwrap_or(1);
            rule.about.id = format!("{} ({}:{line})", rule.about.id, rule.about.file);
            rule.about.name = rule.about.id.clone();
        }
        let about = &rule.about;
        let names = || [Some(&about.id), about.handle.as_ref()].into_iter().flatten();
        let earlier = names().find_map(|name| taken.get(name)).and_then(|at| kept.get(*at));
        match earlier {
            None => {
                taken.extend(names().map(|name| (name.clone(), kept.len())));
                kept.push(rule);
            }
            Some(earlier) if earlier.about.id == about.id && earlier.same_as(&rule) => {}
            Some(earlier) => {
                let (other, line) = (&earlier.about, earlier.about.line.unwrap_or(1));
                let taken = names().find(|name| other.id == **name || other.handle.as_ref() == Some(*name));
                let taken = taken.map_or_else(String::new, |name| format!(" `{name}`"));
                let place = format!("\"{}\" in {}:{line}", other.title, other.file);
                let reason = format!("its id or name{taken} is taken by another rule, {place}: give it one of its own");
                errors.push(refused(about, reason));
            }
        }
    }
    kept
}

/// Why a rule is not run, with the line on which it names another that the reason is about.
pub(crate) fn refused(about: &About, reason: String) -> RuleError {
    let named = reason.split('`').skip(1).step_by(2).find_map(|name| about.named.get(name).copied());
    RuleError { file: about.file.clone(), rule: Some(about.title.clone()), line: named.or(about.line), reason }
}
