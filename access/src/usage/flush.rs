//! From a chunk's groups to the table: codes become texts here, once a group.

use std::collections::BTreeSet;

use super::LastUsed;
use super::fact::{AccessKey, Fact};
use super::fold::{Chunk, Group, Outcome};
use super::more::Asked;
use crate::coverage;

/// Stands for an account or region that the record does not name.
const UNKNOWN: &str = "unknown";

impl Chunk<'_> {
    /// Adds everything to the table.
    pub(super) fn flush(&self, table: &mut LastUsed) {
        table.totals.without_time += self.without_time;
        for ((account, region, _day), (first, last, events)) in &self.places {
            let account = self.accounts.value(*account).unwrap_or(UNKNOWN);
            let region = self.regions.value(*region).unwrap_or(UNKNOWN);
            table.coverage.add(account, region, &coverage::day(*first, *last, *events));
        }
        for (account, call) in &self.data_events {
            if let Some(kind) = self.calls.get(*call as usize).and_then(|call| call.data_event) {
                table.coverage.add_data_events(self.accounts.value(*account).unwrap_or(UNKNOWN), kind);
            }
        }
        for group in &self.groups {
            self.flush_group(table, group);
        }
        for (group, action, asked) in self.more.sorted() {
            if let Some(group) = self.groups.get(group) {
                self.flush_more(table, group, action, &asked);
            }
        }
        for (id, used) in &self.keys {
            let Some(principal) = self.principals.value(used.principal) else { continue };
            let key = AccessKey { first: used.first, last: used.last, principal: principal.into(), count: used.count };
            table.add_access_key(id, &key);
        }
        self.assumed.iter().for_each(|(role, last)| table.add_assumed(role, *last));
        for ((principal, actor), time) in &self.actors {
            let known = self.principals.value(*principal).and_then(|name| table.principal_ids.get(name).copied());
            if let (Some(id), Some(actor)) = (known, self.actor_names.value(*actor))
                && let Some(principal) = table.principals.get_mut(id as usize)
            {
                principal.actors.add(actor, *time);
            }
        }
    }

    fn flush_group(&self, table: &mut LastUsed, group: &Group) {
        // A group whose events all named another action is empty.
        if group.count == 0 {
            return;
        }
        let Some(name) = self.principals.value(group.principal) else {
            table.totals.without_principal += group.count;
            return;
        };
        let Some(call) = self.calls.get(group.call as usize).filter(|call| call.activity) else { return };
        let Some(id) = table.principal_id(name) else { return };
        let Some(principal) = table.principals.get_mut(id as usize) else { return };
        principal.add_activity((group.first, group.last), group.count, group.kinds);
        match group.outcome {
            Outcome::Ok => {
                principal.last_use = principal.last_use.max(Some(group.last));
                if call.console_login {
                    principal.last_console_login = principal.last_console_login.max(Some(group.last));
                }
            }
            Outcome::Denied => principal.denied += group.count,
            Outcome::Error => {
                principal.errors += group.count;
                // A failed sign-in is no use; a failed call that was not refused is.
                if !call.is_free() {
                    principal.last_use = principal.last_use.max(Some(group.last));
                }
            }
        }
        let all = Asked { first: group.first, last: group.last, last_row: group.last_row, count: group.count };
        let fact = self.fact(group, &all);
        if group.variant > 0 {
            let variant = self.variants.name(group.variant - 1);
            variant.split(' ').for_each(|action| table.add_fact(id, action, &fact));
            return;
        }
        if call.is_unmapped() {
            table.totals.unmapped += group.count;
        }
        for (action, _) in &call.own.actions {
            table.add_fact(id, action, &fact);
        }
    }

    /// What some of a group's events asked for besides.
    fn flush_more(&self, table: &mut LastUsed, group: &Group, action: &str, asked: &Asked) {
        let call = self.calls.get(group.call as usize).filter(|call| call.activity);
        let known = self.principals.value(group.principal).and_then(|name| table.principal_ids.get(name).copied());
        if let (Some(_), Some(id)) = (call, known) {
            table.add_fact(id, action, &self.fact(group, asked));
        }
    }

    fn fact(&self, group: &Group, asked: &Asked) -> Fact {
        let ok = group.outcome == Outcome::Ok;
        let count_if = |outcome| if group.outcome == outcome { asked.count } else { 0 };
        Fact {
            first: asked.first,
            last_attempt: asked.last,
            last_success: ok.then_some(asked.last),
            last_use: (group.outcome != Outcome::Denied).then_some(asked.last),
            last_source: self.source(asked.last_row).filter(|_| ok).map(Into::into),
            count: asked.count,
            denied: count_if(Outcome::Denied),
            errors: count_if(Outcome::Error),
            regions: self.regions.value(group.region).map(Into::into).into_iter().collect::<BTreeSet<_>>(),
        }
    }
}
