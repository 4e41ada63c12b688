//! Last used: who used which permission when, as a mergeable table of facts.
//!
//! A fold over event batches. Everything in a fact is a minimum, a maximum, a sum or a bounded set of smallest or
//! latest values, so any split and any order of the events merges to the same table; ties are broken by comparing
//! the values themselves. **Repetition is not idempotent for sums**: a batch observed twice counts twice (times stay
//! right), so the caller drops duplicates first. Past [`Limits`] new keys are left out and counted; only then can
//! the order of events show.
//!
//! What counts: an attempt is any API call that needs the action. A call that AWS refused (`outcome` = `denied`) is an
//! attempt and no use. A call that failed for another reason (`NoSuchBucket`, throttling) is a use: somebody relies on
//! the permission and it was not refused. `last_success` is narrower: the call succeeded. What a request asked for besides (`asks`:
//! roles passed, tags given) counts like the call. Events that need no
//! permission (console sign-in …) count as the principal's activity and prove no permission; a service's own events
//! (`AwsServiceEvent`, Insights) count for nobody.
//!
//! Knows batches and facts. Must not know grants or what is done with the facts.

mod assumed;
mod call;
mod codes;
mod columns;
mod fact;
mod flush;
mod fold;
mod more;
mod principal;
mod rows;

use std::collections::HashMap;
use std::sync::Arc;

use ahash::RandomState;

use crate::coverage::Coverage;
pub use fact::{AccessKey, Fact, Recent};
pub use principal::{Kind, Principal, account_of};

/// Bounds of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Most pairs of principal and action.
    pub facts: usize,
    /// Most principals.
    pub principals: usize,
    /// Most access keys.
    pub access_keys: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { facts: 2_000_000, principals: 500_000, access_keys: 500_000 }
    }
}

/// What the fold saw and could not use.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// Events observed.
    pub events: u64,
    /// Events that name no principal.
    pub without_principal: u64,
    /// Events without a time.
    pub without_time: u64,
    /// API calls that no table maps to an action; their facts stand under `prefix:EventName`.
    pub unmapped: u64,
    /// Keys left out because a limit was reached.
    pub dropped: u64,
}

/// The table of last-used facts.
#[derive(Debug, Clone, Default)]
pub struct LastUsed {
    limits: Limits,
    totals: Totals,
    actions: Names,
    principal_ids: HashMap<Arc<str>, u32, RandomState>,
    principals: Vec<Principal>,
    facts: usize,
    access_keys: HashMap<Box<str>, AccessKey, RandomState>,
    assumed: assumed::Assumed<Box<str>>,
    coverage: Coverage,
}

/// Texts and their numbers. Numbers depend on the order of events and never leave the table.
#[derive(Debug, Clone, Default)]
struct Names {
    ids: HashMap<Arc<str>, u32, RandomState>,
    names: Vec<Arc<str>>,
}

impl Names {
    fn id(&mut self, name: &str) -> u32 {
        if let Some(id) = self.ids.get(name) {
            return *id;
        }
        let id = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
        let name: Arc<str> = name.into();
        self.names.push(name.clone());
        self.ids.insert(name, id);
        id
    }

    fn name(&self, id: u32) -> &str {
        self.names.get(id as usize).map_or("", |name| name)
    }
}

impl LastUsed {
    /// An empty table with these bounds.
    pub fn new(limits: Limits) -> Self {
        LastUsed { limits, ..LastUsed::default() }
    }

    /// What was seen and what could not be used.
    pub fn totals(&self) -> Totals {
        self.totals
    }

    /// Where the logs can be trusted.
    pub fn coverage(&self) -> &Coverage {
        &self.coverage
    }

    /// The principals, by name.
    pub fn principals(&self) -> Vec<&Principal> {
        let mut sorted: Vec<_> = self.principals.iter().collect();
        sorted.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        sorted
    }

    /// A principal by its name (ARN, service …).
    pub fn principal(&self, name: &str) -> Option<&Principal> {
        self.principals.get(*self.principal_ids.get(name)? as usize)
    }

    /// The facts of a principal, by action.
    pub fn facts<'a>(&'a self, principal: &'a Principal) -> Vec<(&'a str, &'a Fact)> {
        let mut sorted: Vec<_> = principal.facts.iter().map(|(id, fact)| (self.actions.name(*id), fact)).collect();
        sorted.sort_unstable_by_key(|(action, _)| *action);
        sorted
    }

    /// One fact, by the names of principal and action.
    pub fn fact(&self, principal: &str, action: &str) -> Option<&Fact> {
        self.principal(principal)?.facts.get(self.actions.ids.get(action)?)
    }

    /// Long-term access keys seen, by id. Temporary keys (`ASIA…`) are not kept: there is one a session.
    pub fn access_keys(&self) -> Vec<(&str, &AccessKey)> {
        let mut sorted: Vec<_> = self.access_keys.iter().map(|(id, key)| (&**id, key)).collect();
        sorted.sort_unstable_by_key(|(id, _)| *id);
        sorted
    }

    /// Adds another table's facts to this one.
    pub fn merge(&mut self, other: &LastUsed) {
        for theirs in &other.principals {
            let Some(id) = self.principal_id(&theirs.name) else { continue };
            if let Some(ours) = self.principals.get_mut(id as usize) {
                ours.merge_activity(theirs);
            }
            for (action, fact) in &theirs.facts {
                self.add_fact(id, other.actions.name(*action), fact);
            }
        }
        for (id, key) in &other.access_keys {
            self.add_access_key(id, key);
        }
        for (role, last) in &other.assumed {
            self.add_assumed(role, *last);
        }
        self.coverage.merge(&other.coverage);
        self.totals.events += other.totals.events;
        self.totals.without_principal += other.totals.without_principal;
        self.totals.without_time += other.totals.without_time;
        self.totals.unmapped += other.totals.unmapped;
        self.totals.dropped += other.totals.dropped;
    }

    fn principal_id(&mut self, name: &str) -> Option<u32> {
        if let Some(id) = self.principal_ids.get(name) {
            return Some(*id);
        }
        if self.principals.len() >= self.limits.principals {
            self.totals.dropped += 1;
            return None;
        }
        let id = u32::try_from(self.principals.len()).ok()?;
        let shared: Arc<str> = name.into();
        self.principals.push(Principal::new(shared.clone()));
        self.principal_ids.insert(shared, id);
        Some(id)
    }

    fn add_fact(&mut self, principal: u32, action: &str, fact: &Fact) {
        let full = self.facts >= self.limits.facts;
        // Past the limit a new action is not even named, so that the names are bounded too.
        let id = match self.actions.ids.get(action) {
            Some(id) => *id,
            None if full => {
                self.totals.dropped += 1;
                return;
            }
            None => self.actions.id(action),
        };
        let Some(owner) = self.principals.get_mut(principal as usize) else { return };
        if let Some(known) = owner.facts.get_mut(&id) {
            known.merge(fact);
        } else if full {
            self.totals.dropped += 1;
        } else {
            self.facts += 1;
            owner.facts.insert(id, fact.clone());
        }
    }

    fn add_access_key(&mut self, id: &str, key: &AccessKey) {
        if let Some(known) = self.access_keys.get_mut(id) {
            known.merge(key);
        } else if self.access_keys.len() >= self.limits.access_keys {
            self.totals.dropped += 1;
        } else {
            self.access_keys.insert(id.into(), key.clone());
        }
    }
}

#[cfg(test)]
mod tests;
