//! From event batches to calls.

use std::collections::HashMap;

use ahash::RandomState;
use arrow::array::{Array, AsArray, ListArray, RecordBatch, StringArray};
use ingest::batch::{self, TextColumn};

use super::{Asked, Call, Calls, Outcome};
use crate::asks::{self, Ask};
use crate::resource::{Certainty, Told};

/// What the fold reads of an event: of a lake, nothing else is fetched.
pub const COLUMNS: &[&str] = &[
    "eventtime",
    "eventtype",
    "eventsource",
    "eventname",
    "eventid",
    "awsregion",
    "recipientaccountid",
    "errormessage",
    "sourceipaddress",
    "useridentity",
    "requestparameters",
    "responseelements",
    "resources",
    "principal",
    "outcome",
];

struct Columns {
    principal: TextColumn,
    event_source: TextColumn,
    event_name: TextColumn,
    event_type: TextColumn,
    event_id: TextColumn,
    region: TextColumn,
    account: TextColumn,
    outcome: TextColumn,
    error_message: TextColumn,
    source: TextColumn,
    request: TextColumn,
    response: TextColumn,
    mfa: TextColumn,
    via: TextColumn,
    resources: Option<(ListArray, StringArray)>,
}

impl Columns {
    fn new(batch: &RecordBatch) -> Columns {
        let text = |path| batch::text(batch, path);
        let resources = batch::list(batch, "resources").and_then(|list| {
            let arns = list.values().as_struct_opt()?.column_by_name("arn")?.as_string_opt::<i32>()?.clone();
            Some((list, arns))
        });
        Columns {
            principal: text("principal"),
            event_source: text("eventsource"),
            event_name: text("eventname"),
            event_type: text("eventtype"),
            event_id: text("eventid"),
            region: text("awsregion"),
            account: text("recipientaccountid"),
            outcome: text("outcome"),
            error_message: text("errormessage"),
            source: text("sourceipaddress"),
            request: text("requestparameters"),
            response: text("responseelements"),
            mfa: text("useridentity.sessioncontext.attributes.mfaauthenticated"),
            via: text("useridentity.invokedby"),
            resources,
        }
    }

    fn listed(&self, row: usize) -> Vec<&str> {
        let Some((list, arns)) = &self.resources else { return Vec::new() };
        if list.is_null(row) {
            return Vec::new();
        }
        let offsets = list.value_offsets();
        let (Some(from), Some(to)) = (offsets.get(row), offsets.get(row + 1)) else { return Vec::new() };
        let at = |at| usize::try_from(at).ok().filter(|at| arns.is_valid(*at));
        (*from..*to).filter_map(at).map(|at| arns.value(at)).collect()
    }
}

impl Calls {
    /// Folds a batch of events into the calls.
    pub fn observe(&mut self, batch: &RecordBatch) {
        self.templates.observe(batch);
        for asked in self.read(batch) {
            self.events += 1;
            if !asked.calls.is_empty() {
                self.add(asked);
            }
        }
    }

    /// What the events of a batch asked: those of the principals and the time that are wanted.
    pub(crate) fn read(&self, batch: &RecordBatch) -> Vec<Asked> {
        let Some(times) = batch::timestamp(batch, "eventtime") else { return Vec::new() };
        let columns = Columns::new(batch);
        let mut read = Vec::new();
        // Whether a principal is asked for, by its code: one look a batch where the column is a dictionary.
        let mut wanted: HashMap<usize, bool, RandomState> = HashMap::default();
        for row in 0..batch.num_rows() {
            let Some(principal) = columns.principal.get(row) else { continue };
            let is_wanted = || self.only.as_ref().is_none_or(|only| only.iter().any(|name| name == principal));
            let is_wanted = match columns.principal.code(row) {
                Some(code) => *wanted.entry(code).or_insert_with(is_wanted),
                None => is_wanted(),
            };
            let time = times.is_valid(row).then(|| times.value(row));
            if let Some(time) = time.filter(|time| is_wanted && self.since.is_none_or(|since| *time >= since)) {
                read.push(self.event(&columns, row, principal, time));
            }
        }
        read
    }

    fn event(&self, columns: &Columns, row: usize, principal: &str, time: i64) -> Asked {
        let get = |column: &'_ TextColumn| column.get(row).unwrap_or_default().to_owned();
        let (source, name) = (get(&columns.event_source), get(&columns.event_name));
        let request = columns.request.get(row);
        let was = columns.outcome.get(row);
        let (succeeded, event_id) = (was == Some("ok"), get(&columns.event_id));
        let mut asked = Asked { calls: Vec::new(), time, event_id, succeeded, denied_by: None };
        let outcome = if was == Some("denied") { Outcome::Denied } else { Outcome::Permitted };
        let refusal = columns.error_message.get(row).filter(|_| outcome == Outcome::Denied);
        let own = asks::mapped(&source, &name, &get(&columns.event_type));
        let own = asks::corrected(own, &asks::Words { name: &name, request, refusal });
        if own.actions.is_empty() {
            return asked;
        }
        asked.denied_by.clone_from(&own.denied_by);
        let (region, account) = (get(&columns.region), get(&columns.account));
        let partition = principal.split(':').nth(1).filter(|part| part.starts_with("aws")).unwrap_or("aws");
        let listed = columns.listed(row);
        let told = Told {
            event: &name,
            listed: &listed,
            request,
            response: columns.response.get(row),
            region: &region,
            account: &account,
            partition,
        };
        let base = Call {
            principal: principal.to_owned(),
            action: String::new(),
            resource: String::new(),
            certainty: Certainty::Exact,
            known: true,
            outcome,
            region: region.clone(),
            source: get(&columns.source),
            mfa: columns.mfa.get(row).map(|text| text == "true"),
            via: columns.via.get(row).map(str::to_owned),
            passed_to: None,
            template: None,
            create_action: None,
        };
        let asks = asks::of_call(&source, &own, &told, &self.paths);
        asked.calls = asks.into_iter().map(|ask| question(ask, &base)).collect();
        asked.calls.sort_unstable();
        asked.calls.dedup();
        asked
    }
}

/// A question of a call.
fn question(ask: Ask, base: &Call) -> Call {
    Call {
        action: ask.action.into_owned(),
        known: ask.known,
        resource: ask.resource,
        certainty: ask.certainty,
        passed_to: ask.passed_to,
        template: ask.template,
        create_action: ask.create_action,
        ..base.clone()
    }
}

#[cfg(test)]
mod tests;
