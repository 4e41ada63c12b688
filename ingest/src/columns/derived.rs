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
    /// In the order of [`Derived::identity`].
    identity: [usize; 9],
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
    source: String,
    /// Code of `source` in this batch, once a row has asked.
    source_code: Option<i32>,
    /// Codes of (event source, event name, event type) to codes of (service, action), for this batch.
    calls: HashMap<(i32, i32, i32), (i32, i32), ahash::RandomState>,
    /// Codes of principal and actor by number of the identity's text, for this batch.
    identities: HashMap<u64, (i32, i32), ahash::RandomState>,
    /// Action of "source name type", over batches: the same few hundred calls come again and again.
    actions: HashMap<String, Option<String>, ahash::RandomState>,
}

/// Calls remembered over batches; a hostile log could name any number.
const MAX_ACTIONS: usize = 100_000;

impl Derived {
    pub(crate) fn new(layout: &Layout) -> Self {
        // A path that the schema lacks would be a slip in this file, which the first test catches.
        let slot = |path: &str| layout.slot(path).unwrap_or(0);
        Derived {
            reads: Reads {
                event_source: slot("eventsource"),
                event_name: slot("eventname"),
                event_type: slot("eventtype"),
                error_code: slot("errorcode"),
                error_message: slot("errormessage"),
                identity: [
                    "type",
                    "arn",
                    "principalid",
                    "accountid",
                    "username",
                    "invokedby",
                    "onbehalfof.userid",
                    "sessioncontext.sessionissuer.arn",
                    "sessioncontext.sourceidentity",
                ]
                .map(|path| slot(&format!("useridentity.{path}"))),
            },
            service: Dictionary::new(),
            action: Dictionary::new(),
            principal: Dictionary::new(),
            actor: Dictionary::new(),
            outcome: Dictionary::new(),
            source_object: Dictionary::new(),
            source: String::new(),
            source_code: None,
            calls: HashMap::default(),
            identities: HashMap::default(),
            actions: HashMap::default(),
        }
    }

    /// Names the object that the next rows come from.
    pub(crate) fn start(&mut self, source: &str) {
        source.clone_into(&mut self.source);
        self.source_code = None;
    }

    /// Derives the columns of `row`, whose own columns are filled already.
    pub(crate) fn push(&mut self, row: usize, text: &str, fields: &Fields, builders: &mut [Builder]) {
        self.call(row, builders);
        let (principal, actor) = match fields.identity.and_then(|number| self.identities.get(&number)) {
            Some(codes) => *codes,
            None => {
                let codes = self.identity(text, fields);
                if let Some(number) = fields.identity {
                    self.identities.insert(number, codes);
                }
                codes
            }
        };
        self.principal.set(row, principal);
        self.actor.set(row, actor);
        let (code, message) = (self.reads.error_code, self.reads.error_message);
        let outcome = if fields.get(code).is_none() && fields.get(message).is_none() {
            "ok"
        } else {
            let (code, message) = (string(text, fields, code), string(text, fields, message));
            identity::outcome(code.as_deref(), message.as_deref())
        };
        let code = self.outcome.code(outcome);
        self.outcome.set(row, code);
        let code = *self.source_code.get_or_insert_with(|| self.source_object.code(&self.source));
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

    /// Codes of principal and actor.
    fn identity(&mut self, text: &str, fields: &Fields) -> (i32, i32) {
        let owned: [Option<Cow<'_, str>>; 9];
        let [kind, arn, principal_id, account_id, user_name, invoked_by, on_behalf_of, issuer_arn, source_identity] =
            match self.reads.identity.map(|slot| plain(text, fields, slot)) {
                // Escapes in a name are rare, and cost an allocation each.
                strings if strings.contains(&Err(Escaped)) => {
                    owned = self.reads.identity.map(|slot| string(text, fields, slot));
                    std::array::from_fn(|at| owned[at].as_deref())
                }
                strings => strings.map(|string| string.unwrap_or(None)),
            };
        let identity = Identity {
            kind,
            arn,
            principal_id,
            account_id,
            user_name,
            invoked_by,
            on_behalf_of,
            issuer_arn,
            source_identity,
        };
        let principal = identity.principal().map_or(NULL, |principal| self.principal.code(&principal));
        (principal, identity.actor().map_or(NULL, |actor| self.actor.code(actor)))
    }

    /// Appends the columns, in the table's order.
    pub(crate) fn finish(&mut self, rows: usize, columns: &mut Vec<ArrayRef>) -> Result<(), ArrowError> {
        self.calls.clear();
        self.identities.clear();
        self.source_code = None;
        let Derived { service, action, principal, actor, outcome, source_object, .. } = self;
        for column in [service, action, principal, actor, outcome, source_object] {
            columns.push(column.finish(rows)?);
        }
        Ok(())
    }
}

/// A string with escapes, which has no slice of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Escaped;

/// The slice of a string value that is not empty.
#[inline]
fn plain<'t>(text: &'t str, fields: &Fields, slot: usize) -> Result<Option<&'t str>, Escaped> {
    let Some(value) = fields.get(slot) else { return Ok(None) };
    match value.form {
        Form::Plain => Ok(text.get(value.start + 1..value.end - 1).filter(|found| !found.is_empty())),
        Form::Escaped => Err(Escaped),
        _ => Ok(None),
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
