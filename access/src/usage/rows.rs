//! The table as rows, and rows into the table; facts are apart, for they have a table of their own.

use std::collections::BTreeSet;

use ingest::action;

use super::fact::{AccessKey, Fact};
use super::principal::{Kind, Principal};
use super::{LastUsed, Totals};
use crate::coverage::Span;
use crate::folded::{Row, What};
use crate::instant;

impl LastUsed {
    /// Everything but the facts.
    pub(crate) fn rows(&self) -> Vec<Row> {
        let mut rows = Vec::new();
        let Totals { events, without_principal, without_time, unmapped, dropped } = self.totals;
        for (name, count) in [
            ("events", events),
            ("without_principal", without_principal),
            ("without_time", without_time),
            ("unmapped", unmapped),
            ("dropped", dropped),
            ("spans_dropped", self.coverage.dropped),
        ] {
            rows.push(Row { events: count, ..Row::new(What::Total, "", name) });
        }
        self.principals().into_iter().for_each(|principal| principal_rows(principal, &mut rows));
        for (id, key) in self.access_keys() {
            rows.push(Row {
                first: Some(key.first),
                last: Some(key.last),
                events: key.count,
                detail: Some(key.principal.to_string()),
                ..Row::new(What::AccessKey, id, "")
            });
        }
        let assumed = self.assumed().into_iter();
        rows.extend(assumed.map(|(role, last)| Row { last: Some(last), ..Row::new(What::Assumed, role, "") }));
        self.coverage_rows(&mut rows);
        rows
    }

    fn coverage_rows(&self, rows: &mut Vec<Row>) {
        for (name, account) in self.coverage.accounts() {
            for (region, span) in &account.regions {
                let (first, last, events) = (Some(span.first), Some(span.last), span.events);
                rows.push(Row { first, last, events, ..Row::new(What::Span, name, region) });
                let day =
                    |day: &i32| Row { moment: Some(instant::start_of(*day)), ..Row::new(What::Day, name, region) };
                rows.extend(span.days.iter().map(day));
            }
            rows.extend(account.data_events.iter().map(|kind| Row::new(What::DataEvent, name, kind)));
        }
    }

    /// Adds a row; false if it says something that this version does not know.
    pub(crate) fn add_row(&mut self, row: &Row) -> bool {
        let name = row.name.as_str();
        match row.what {
            What::Total => return self.add_total(name, row.events),
            What::AccessKey => {
                let (Some(first), Some(last), Some(principal)) = (row.first, row.last, &row.detail) else {
                    return false;
                };
                let key = AccessKey { first, last, principal: principal.as_str().into(), count: row.events };
                self.add_access_key(&row.subject, &key);
            }
            What::Assumed => {
                let Some(last) = row.last else { return false };
                self.add_assumed(&row.subject, last);
            }
            What::Span => {
                let (Some(first), Some(last)) = (row.first, row.last) else { return false };
                let span = Span { first, last, events: row.events, days: BTreeSet::new() };
                self.coverage.add(&row.subject, name, &span);
            }
            What::Day => {
                let Some(moment) = row.moment else { return false };
                let days = BTreeSet::from([instant::day_of(moment)]);
                self.coverage.add(&row.subject, name, &Span { first: i64::MAX, last: i64::MIN, events: 0, days });
            }
            What::DataEvent => {
                let Some(kind) = action::resource_type(name) else { return false };
                self.coverage.add_data_event(&row.subject, kind);
            }
            What::Principal | What::Identity | What::Console | What::Actor | What::MoreActors => {
                let Some(id) = self.principal_id(&row.subject) else { return true };
                return self.principals.get_mut(id as usize).is_none_or(|principal| add_to(principal, row));
            }
            What::Rules | What::Root | What::SignInFailed | What::SignInWithoutMfa => return false,
            What::KeyAddress | What::KeyEnvironment | What::InstanceAddress => return false,
        }
        true
    }

    fn add_total(&mut self, name: &str, count: u64) -> bool {
        let total = match name {
            "events" => &mut self.totals.events,
            "without_principal" => &mut self.totals.without_principal,
            "without_time" => &mut self.totals.without_time,
            "unmapped" => &mut self.totals.unmapped,
            "dropped" => &mut self.totals.dropped,
            "spans_dropped" => &mut self.coverage.dropped,
            _ => return false,
        };
        *total += count;
        true
    }

    /// Adds a fact by name.
    pub(crate) fn add_named(&mut self, principal: &str, action: &str, fact: &Fact) {
        if let Some(id) = self.principal_id(principal) {
            self.add_fact(id, action, fact);
        }
    }

    /// Whether nothing was left out for want of room: only then does no order show.
    pub(crate) fn is_exact(&self) -> bool {
        self.totals.dropped == 0 && self.coverage.dropped == 0
    }
}

fn principal_rows(principal: &Principal, rows: &mut Vec<Row>) {
    let new = |what: What, name: &str| Row::new(what, &principal.name, name);
    rows.push(Row {
        first: Some(principal.first),
        last: Some(principal.last),
        last_use: principal.last_use,
        events: principal.events,
        denied: principal.denied,
        errors: principal.errors,
        ..new(What::Principal, "")
    });
    rows.extend(principal.kinds().map(|kind| new(What::Identity, kind.as_str())));
    rows.extend(principal.last_console_login.map(|last| Row { last: Some(last), ..new(What::Console, "") }));
    let actors = principal.actors.latest().into_iter();
    rows.extend(actors.map(|(actor, last)| Row { last: Some(last), ..new(What::Actor, actor) }));
    rows.extend(principal.actors.more.then(|| new(What::MoreActors, "")));
}

fn add_to(principal: &mut Principal, row: &Row) -> bool {
    match (row.what, row.first, row.last) {
        (What::Principal, Some(first), Some(last)) => {
            principal.add_activity((first, last), row.events, 0);
            principal.last_use = principal.last_use.max(row.last_use);
            principal.denied += row.denied;
            principal.errors += row.errors;
        }
        (What::Identity, ..) => match Kind::of_str(&row.name) {
            Some(kind) => principal.add_kind(kind),
            None => return false,
        },
        (What::Console, _, Some(last)) => {
            principal.last_console_login = principal.last_console_login.max(Some(last));
        }
        (What::Actor, _, Some(last)) => principal.actors.add(&row.name, last),
        (What::MoreActors, ..) => principal.actors.more = true,
        _ => return false,
    }
    true
}
