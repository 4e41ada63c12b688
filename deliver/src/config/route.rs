//! `[[routes]]`: which alerts go to which sinks.

use std::collections::BTreeMap;

use alerts::Severity;
use serde::Deserialize;

use super::SinkConfig;
use crate::glob;
use crate::notice::Notice;
use crate::span::Span;

/// A way from alerts to sinks. Each condition that is given must hold; of each list, one entry.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// Names of sinks.
    pub sinks: Vec<String>,
    /// Only alerts at least as bad.
    pub severity: Option<Severity>,
    /// Names, ids or titles of rules, whatever the case; `*` and `?` as in file names.
    #[serde(default)]
    pub rules: Vec<String>,
    /// Tags.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Accounts.
    #[serde(default)]
    pub accounts: Vec<String>,
    /// Principals.
    #[serde(default)]
    pub principals: Vec<String>,
    /// Instead of `delivery.repeat_interval`, and for all of its sinks.
    pub repeat_interval: Option<Span>,
}

impl Route {
    /// Whether the alert goes this way.
    pub fn takes(&self, notice: &Notice) -> bool {
        self.severity.is_none_or(|least| notice.severity() >= least)
            && is_about(notice, [&self.rules, &self.tags, &self.accounts, &self.principals])
    }

    /// One of `rules` that fits none of the names, ids and titles that there are.
    pub fn unknown_rule(&self, names: &[&str]) -> Option<&str> {
        let names: Vec<String> = names.iter().map(|name| name.to_lowercase()).collect();
        let fits = |pattern: &str| names.iter().any(|name| glob::matches(&pattern.to_lowercase(), name));
        self.rules.iter().map(String::as_str).find(|pattern| !fits(pattern))
    }

    pub(super) fn check(&self, sinks: &BTreeMap<String, SinkConfig>) -> Result<(), String> {
        if self.sinks.is_empty() {
            return Err("names no sink: give sinks = [\"NAME\"]".to_owned());
        }
        match self.sinks.iter().find(|name| !sinks.contains_key(*name)) {
            None => Ok(()),
            Some(name) => {
                let known = sinks.keys().cloned().collect::<Vec<_>>().join(", ");
                Err(format!("there is no sink `{name}`; there are: {known}"))
            }
        }
    }
}

/// Whether an alert is about what lists of rules, tags, accounts and principals name; an empty list asks nothing.
pub(super) fn is_about(notice: &Notice, [rules, tags, accounts, principals]: [&[String]; 4]) -> bool {
    let called = [&notice.rule, &notice.rule_id, &notice.title].into_iter().chain(&notice.rule_name);
    let called: Vec<String> = called.map(|name| name.to_lowercase()).collect();
    any(&lower(rules), &called)
        && any(tags, &notice.tags)
        && any(accounts, [&notice.account])
        && any(principals, [&notice.principal])
}

/// Rules are called by name whatever the case, as in suppressions.
fn lower(patterns: &[String]) -> Vec<String> {
    patterns.iter().map(|pattern| pattern.to_lowercase()).collect()
}

/// Whether one of `texts` is as one of the patterns says; no pattern asks nothing.
fn any<'a>(patterns: &[String], texts: impl IntoIterator<Item = &'a String>) -> bool {
    patterns.is_empty() || texts.into_iter().any(|text| patterns.iter().any(|pattern| glob::matches(pattern, text)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    #[test]
    fn every_condition_must_hold() {
        let notice = Notice::of(&samples::alert("one"));
        let texts = |text: &str| vec![text.to_owned()];
        let all = Route {
            sinks: texts("s"),
            severity: Some(Severity::High),
            rules: texts("root-*"),
            tags: texts("attack.t1078*"),
            accounts: texts("1111*"),
            principals: texts("*:root"),
            repeat_interval: None,
        };
        assert!(all.takes(&notice));
        assert!(!Route { severity: Some(Severity::Critical), ..all.clone() }.takes(&notice));
        assert!(!Route { rules: texts("other"), ..all.clone() }.takes(&notice));
        assert!(Route { rules: texts("5b7f2d4e-*"), ..all.clone() }.takes(&notice));
        // As suppressions call rules: by title and by Sigma's name too, whatever the case.
        assert!(Route { rules: texts(&notice.title.to_uppercase()), ..all.clone() }.takes(&notice));
        let named = Notice { rule_name: Some("Root_Was_Here".to_owned()), ..notice.clone() };
        assert!(Route { rules: texts("root_was_*"), ..all.clone() }.takes(&named));
        assert!(!Route { rules: texts("root_was_*"), ..all.clone() }.takes(&notice));
        assert!(!Route { tags: texts("attack.t9*"), ..all.clone() }.takes(&notice));
        assert!(!Route { accounts: texts("9*"), ..all.clone() }.takes(&notice));
        assert!(!Route { principals: texts("*:user/*"), ..all }.takes(&notice));
    }
}
