//! Our own columns of a row: service, action, principal, actor, outcome, source object.
//!
//! What depends only on the service and the call is looked up once for each distinct pair of a batch.

use std::borrow::Cow;

use arrow::array::ArrayRef;
use arrow::error::ArrowError;
use hashbrown::HashMap;

use super::Builder;
use super::builders::{Dictionary, NULL};
use crate::action;
use crate::identity::{self, Identity};
use crate::json::{self, Form};
use crate::record::{Fields, Layout};

/// Slots that the derived columns read.
#[derive(Debug)]
struct Reads {
    event_source: usize,
    event_name: usize,
    event_type: usize,
    error_code: usize,
    error_message: usize,
    kind: usize,
    arn: usize,
    principal_id: usize,
    account_id: usize,
    user_name: usize,
    invoked_by: usize,
    on_behalf_of: usize,
    issuer_arn: usize,
    source_identity: usize,
}

/// Builds the derived columns, but for `event_date`.
#[derive(Debug)]
pub(crate) struct Derived {
    reads: Reads,
    service: Dictionary,
    action: Dictionary,
    principal: Dictionary,
    actor: Dictionary,
    outcome: Dictionary,
    source_object: Dictionary,
    /// Codes of (event source, event name, event type) to codes of (service, action), for this batch.
    calls: HashMap<(i32, i32, i32), (i32, i32), ahash::RandomState>,
    /// Action of "source name type", over batches: the same few hundred calls come again and again.
    actions: HashMap<String, Option<String>, ahash::RandomState>,
}

/// Calls remembered over batches; a hostile log could name any number.
const MAX_ACTIONS: usize = 100_000;

impl Derived {
    pub(crate) fn new(layout: &Layout) -> Self {
        // A path that the schema lacks would be a slip in this file, which the first test catches.
        let slot = |path: &str| layout.slot(path).unwrap_or(0);
        let identity = |path: &str| slot(&format!("useridentity.{path}"));
        Derived {
            reads: Reads {
                event_source: slot("eventsource"),
                event_name: slot("eventname"),
                event_type: slot("eventtype"),
                error_code: slot("errorcode"),
                error_message: slot("errormessage"),
                kind: identity("type"),
                arn: identity("arn"),
                principal_id: identity("principalid"),
                account_id: identity("accountid"),
                user_name: identity("username"),
                invoked_by: identity("invokedby"),
                on_behalf_of: identity("onbehalfof.userid"),
                issuer_arn: identity("sessioncontext.sessionissuer.arn"),
                source_identity: identity("sessioncontext.sourceidentity"),
            },
            service: Dictionary::new(),
            action: Dictionary::new(),
            principal: Dictionary::new(),
            actor: Dictionary::new(),
            outcome: Dictionary::new(),
            source_object: Dictionary::new(),
            calls: HashMap::default(),
            actions: HashMap::default(),
        }
    }

    /// Derives the columns of `row`, whose own columns are filled already.
    pub(crate) fn push(&mut self, row: usize, text: &str, fields: &Fields, builders: &mut [Builder], source: &str) {
        self.call(row, builders);
        self.identity(row, text, fields);
        let reads = &self.reads;
        let error_code = string(text, fields, reads.error_code);
        let error_message = string(text, fields, reads.error_message);
        let code = self.outcome.code(identity::outcome(error_code.as_deref(), error_message.as_deref()));
        self.outcome.set(row, code);
        let code = self.source_object.code(source);
        self.source_object.set(row, code);
    }

    fn call(&mut self, row: usize, builders: &[Builder]) {
        let column = |slot: usize| match &builders[slot] {
            Builder::Dictionary(dictionary) => Some(dictionary),
            _ => None,
        };
        let code = |slot: usize| column(slot).map_or(NULL, |d| d.code_at(row));
        let reads = &self.reads;
        let key = (code(reads.event_source), code(reads.event_name), code(reads.event_type));
        let (service, action) = match self.calls.get(&key) {
            Some(codes) => *codes,
            None => {
                let value = |slot: usize, code: i32| column(slot).and_then(|d| d.value(code)).unwrap_or("");
                let source = value(reads.event_source, key.0);
                let name = value(reads.event_name, key.1);
                let kind = value(reads.event_type, key.2);
                let service = if source.is_empty() { NULL } else { self.service.code(action::service_prefix(source)) };
                if self.actions.len() > MAX_ACTIONS {
                    self.actions.clear();
                }
                let action = self
                    .actions
                    .entry(format!("{source}\0{name}\0{kind}"))
                    .or_insert_with(|| action::primary(source, name, kind))
                    .as_deref()
                    .map_or(NULL, |action| self.action.code(action));
                self.calls.insert(key, (service, action));
                (service, action)
            }
        };
        self.service.set(row, service);
        self.action.set(row, action);
    }

    fn identity(&mut self, row: usize, text: &str, fields: &Fields) {
        let reads = &self.reads;
        let read = |slot: usize| string(text, fields, slot);
        let (kind, arn, principal_id) = (read(reads.kind), read(reads.arn), read(reads.principal_id));
        let (account_id, user_name) = (read(reads.account_id), read(reads.user_name));
        let (invoked_by, on_behalf_of) = (read(reads.invoked_by), read(reads.on_behalf_of));
        let (issuer_arn, source_identity) = (read(reads.issuer_arn), read(reads.source_identity));
        let identity = Identity {
            kind: kind.as_deref(),
            arn: arn.as_deref(),
            principal_id: principal_id.as_deref(),
            account_id: account_id.as_deref(),
            user_name: user_name.as_deref(),
            invoked_by: invoked_by.as_deref(),
            on_behalf_of: on_behalf_of.as_deref(),
            issuer_arn: issuer_arn.as_deref(),
            source_identity: source_identity.as_deref(),
        };
        let code = identity.principal().map_or(NULL, |principal| self.principal.code(&principal));
        self.principal.set(row, code);
        let code = identity.actor().map_or(NULL, |actor| self.actor.code(actor));
        self.actor.set(row, code);
    }

    /// Appends the columns, in the table's order.
    pub(crate) fn finish(&mut self, rows: usize, columns: &mut Vec<ArrayRef>) -> Result<(), ArrowError> {
        self.calls.clear();
        let Derived { service, action, principal, actor, outcome, source_object, .. } = self;
        for column in [service, action, principal, actor, outcome, source_object] {
            columns.push(column.finish(rows)?);
        }
        Ok(())
    }
}

/// The text of a string value that is not empty.
#[inline]
fn string<'t>(text: &'t str, fields: &Fields, slot: usize) -> Option<Cow<'t, str>> {
    let value = fields.get(slot)?;
    let raw = &text[value.start..value.end];
    let found = match value.form {
        Form::Plain => Cow::Borrowed(&raw[1..raw.len() - 1]),
        Form::Escaped => {
            let mut out = String::new();
            if !json::unescape(&raw[1..raw.len() - 1], &mut out) {
                return None;
            }
            Cow::Owned(out)
        }
        _ => return None,
    };
    (!found.is_empty()).then_some(found)
}
