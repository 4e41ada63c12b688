//! From event batches to calls.

use std::collections::HashMap;

use ahash::RandomState;
use arrow::array::{Array, AsArray, ListArray, RecordBatch, StringArray};
use ingest::action::{self, Mapping};
use ingest::batch::{self, TextColumn};

use super::{Asked, Call, Calls, Outcome};
use crate::launched::{self, Launch};
use crate::resource::{self, Certainty, Told};
use crate::{besides, evidence, passed, tagged};

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
        let mut actions: Vec<(String, bool)> = match action::map(&source, &name, &get(&columns.event_type)) {
            Mapping::Actions(actions) => actions.iter().map(|action| ((*action).to_owned(), true)).collect(),
            Mapping::Unmapped(guess) => vec![(guess, false)],
            Mapping::NotIam => return asked,
        };
        let outcome = if was == Some("denied") { Outcome::Denied } else { Outcome::Permitted };
        if outcome == Outcome::Denied
            && let Some(denial) = columns.error_message.get(row).and_then(evidence::parse_denial)
        {
            asked.denied_by = denial.refused_by();
            let names: Vec<&str> = actions.iter().map(|(action, _)| action.as_str()).collect();
            if let Some(other) = evidence::other_action(&denial, &names) {
                actions = vec![(other.clone().into_owned(), action::is_known(&other))];
            }
        } else if let Some((first, _)) = actions.first_mut()
            && (request.is_some_and(evidence::names_version) || resource::copies_version(&name, request))
            && let Some(versioned) = action::versioned(first)
        {
            versioned.clone_into(first);
        }
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
        asked.calls = self.asked(&source, &actions, &told, &base);
        asked.calls.sort_unstable();
        asked.calls.dedup();
        asked
    }

    /// The roles of instances that were launched from templates: known, or to be looked up once all logs are read.
    fn launched(&self, action: &str, told: &Told<'_>, base: &Call) -> Vec<Call> {
        let passing = |resource: String| Call {
            action: "iam:PassRole".to_owned(),
            resource,
            passed_to: Some(passed::INSTANCES.to_owned()),
            ..base.clone()
        };
        match launched::of_call(action, told) {
            Launch::Told => Vec::new(),
            Launch::Answered(profiles) => profiles.iter().map(|profile| passing(self.paths.role_of(profile))).collect(),
            Launch::In(templates) => {
                let any = format!("arn:{}:iam::{}:role/*", told.partition, told.account);
                let within =
                    |template| Call { certainty: Certainty::Unknown, template: Some(template), ..passing(any.clone()) };
                templates.into_iter().map(within).collect()
            }
        }
    }

    /// What IAM was asked for a call: its actions on their resources, roles passed, tags given.
    fn asked(&self, source: &str, actions: &[(String, bool)], told: &Told<'_>, base: &Call) -> Vec<Call> {
        let on = |action: &str| {
            let found = resource::of_call(action, told);
            let action = action.to_owned();
            found.into_iter().map(move |found| Call {
                action: action.clone(),
                resource: self.paths.whole(&found.arn).to_owned(),
                certainty: found.certainty,
                ..base.clone()
            })
        };
        let mut asked = Vec::new();
        for (action, known) in actions {
            asked.extend(on(action).map(|call| Call { known: *known, ..call }));
        }
        let Some((main, _)) = actions.first() else { return asked };
        for (role, to) in passed::roles(source, main, told, &self.paths) {
            let passed_to = Some(to);
            asked.push(Call { action: "iam:PassRole".to_owned(), resource: role, passed_to, ..base.clone() });
        }
        asked.extend(self.launched(main, told, base));
        for besides in besides::actions(actions, told.request) {
            asked.extend(on(besides));
        }
        if let Some(tagging) = tagged::with(main, told.request) {
            let create_action = main.strip_prefix("ec2:").map(str::to_owned);
            let calls: Vec<Call> = match tagging {
                // What is made has no name yet; EC2 tells by a condition key what it is tagged for.
                "ec2:CreateTags" => {
                    let resource = format!("arn:{}:ec2:{}:{}:*/*", told.partition, told.region, told.account);
                    let action = tagging.to_owned();
                    vec![Call { action, resource, certainty: Certainty::Unknown, ..base.clone() }]
                }
                _ => on(tagging).collect(),
            };
            asked.extend(calls.into_iter().map(|call| Call { create_action: create_action.clone(), ..call }));
        }
        asked
    }
}

#[cfg(test)]
mod tests;
