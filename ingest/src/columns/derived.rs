//! Our own columns of a row: service, action, principal, actor, outcome, source object.
//!
//! What depends only on the service and the call is looked up once for each distinct pair of a batch.

use std::borrow::Cow;

use arrow::array::ArrayRef;
use arrow::error::ArrowError;
use hashbrown::HashMap;

use super::Builder;
use super::dictionary::{Dictionary, NULL};
use super::repeats::Spread;
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
    user_identity: usize,
    error_code: usize,
    error_message: usize,
    /// In the order of [`Derived::identity`].
    names: [usize; 9],
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
    /// Code of `ok` in this batch, once a row has asked.
    ok_code: Option<i32>,
    /// Columns of principal and actor, whose rows are known as soon as those of `userIdentity` are.
    people: Option<[ArrayRef; 2]>,
    /// Action of "source name type", over batches: the same few hundred calls come again and again.
    actions: HashMap<String, Option<String>, ahash::RandomState>,
}

/// Codes of a row that names nobody, or no service.
const NOBODY: (i32, i32) = (NULL, NULL);

/// Calls of a batch that are found without hashing.
const PLACES: usize = 256;

/// Calls remembered over batches; a hostile log could name any number.
const MAX_ACTIONS: usize = 100_000;
/// Longest call remembered: source, name and type together, in bytes.
const MAX_CALL_BYTES: usize = 256;

impl Derived {
    pub(crate) fn new(layout: &Layout) -> Self {
        // A path that the schema lacks would be a slip in this file, which the first test catches.
        let slot = |path: &str| layout.slot(path).unwrap_or(0);
        Derived {
            reads: Reads {
                event_source: slot("eventsource"),
                event_name: slot("eventname"),
                event_type: slot("eventtype"),
                user_identity: slot("useridentity"),
                error_code: slot("errorcode"),
                error_message: slot("errormessage"),
                names: [
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
            ok_code: None,
            people: None,
            actions: HashMap::default(),
        }
    }

    /// Names the object that the next rows come from.
    pub(crate) fn start(&mut self, source: &str) {
        source.clone_into(&mut self.source);
        self.source_code = None;
    }

    /// Slot of `userIdentity`.
    pub(crate) fn identity_slot(&self) -> usize {
        self.reads.user_identity
    }

    /// Derives the columns that depend on `row` alone.
    #[inline]
    pub(crate) fn push(&mut self, row: usize, text: &str, fields: &Fields) {
        let (code, message) = (self.reads.error_code, self.reads.error_message);
        let code = if !fields.holds(code) && !fields.holds(message) {
            *self.ok_code.get_or_insert_with(|| self.outcome.code("ok"))
        } else {
            let (code, message) = (string(text, fields, code), string(text, fields, message));
            self.outcome.code(identity::outcome(code.as_deref(), message.as_deref()))
        };
        self.outcome.set(row, code);
        let code = *self.source_code.get_or_insert_with(|| self.source_object.code(&self.source));
        self.source_object.set(row, code);
    }

    /// Derives service and action of all rows, whose own columns are filled already. `spread` gives the rows of a slot's
    /// builder.
    pub(crate) fn calls<'s>(
        &mut self,
        rows: usize,
        builders: &[Builder],
        spread: impl Fn(usize) -> Option<&'s Spread>,
    ) {
        let slots = [self.reads.event_source, self.reads.event_name, self.reads.event_type];
        let reads = slots.map(|slot| match &builders[slot] {
            Builder::Dictionary(dictionary) => Some(&**dictionary),
            _ => None,
        });
        let codes = reads.map(|column| column.map_or(&[][..], Dictionary::codes));
        let entries = slots.map(|slot| spread(slot).map_or(&[][..], |spread| &**spread.entries.values()));
        let mut known: HashMap<[i32; 3], (i32, i32), ahash::RandomState> = HashMap::default();
        let mut lately = [([i32::MIN; 3], NOBODY); PLACES];
        let mut found = Vec::with_capacity(rows);
        for row in 0..rows {
            let call = [0, 1, 2].map(|at: usize| {
                let entry = entries[at].get(row).map_or(row, |entry| *entry as usize);
                codes[at].get(entry).copied().unwrap_or(NULL)
            });
            let [source, name, kind] = call;
            let recent = &mut lately[(source.wrapping_mul(67) ^ name.wrapping_mul(5) ^ kind) as usize % PLACES];
            if recent.0 != call {
                let codes = known.entry(call).or_insert_with(|| {
                    let value = |at: usize| reads[at].and_then(|column| column.value(call[at])).unwrap_or("");
                    self.call(value(0), value(1), value(2))
                });
                *recent = (call, *codes);
            }
            found.push(recent.1);
        }
        self.service.set_all(found.iter().map(|codes| codes.0));
        self.action.set_all(found.iter().map(|codes| codes.1));
    }

    /// Codes of service and action.
    fn call(&mut self, source: &str, name: &str, kind: &str) -> (i32, i32) {
        let service = if source.is_empty() { NULL } else { self.service.code(action::service_prefix(source)) };
        // Names of real calls are short; long ones would be remembered for nothing, and fill the memory.
        if source.len() + name.len() + kind.len() > MAX_CALL_BYTES {
            let action = action::primary(source, name, kind).map_or(NULL, |action| self.action.code(&action));
            return (service, action);
        }
        if self.actions.len() > MAX_ACTIONS {
            self.actions.clear();
        }
        let action = self
            .actions
            .entry(format!("{source}\0{name}\0{kind}"))
            .or_insert_with(|| action::primary(source, name, kind))
            .as_deref()
            .map_or(NULL, |action| self.action.code(action));
        (service, action)
    }

    /// Principal and actor of all rows, by the entries of their `userIdentity`.
    pub(crate) fn spread(&mut self, rows: &Spread) -> Result<(), ArrowError> {
        self.people = Some([self.principal.gather(rows)?, self.actor.gather(rows)?]);
        Ok(())
    }

    /// Derives principal and actor of an entry of `userIdentity`; entries come in order.
    pub(crate) fn identity(&mut self, entry: usize, text: &str, fields: &Fields) {
        let owned: [Option<Cow<'_, str>>; 9];
        let [kind, arn, principal_id, account_id, user_name, invoked_by, on_behalf_of, issuer_arn, source_identity] =
            match self.reads.names.map(|slot| plain(text, fields, slot)) {
                // Escapes in a name are rare, and cost an allocation each.
                strings if strings.contains(&Err(Escaped)) => {
                    owned = self.reads.names.map(|slot| string(text, fields, slot));
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
        let actor = identity.actor().map_or(NULL, |actor| self.actor.code(actor));
        self.principal.set(entry, principal);
        self.actor.set(entry, actor);
    }

    /// Appends the columns, in the table's order.
    pub(crate) fn finish(&mut self, rows: usize, columns: &mut Vec<ArrayRef>) -> Result<(), ArrowError> {
        (self.source_code, self.ok_code) = (None, None);
        let people = match self.people.take() {
            Some(people) => people,
            None => [self.principal.finish(rows)?, self.actor.finish(rows)?],
        };
        columns.extend([self.service.finish(rows)?, self.action.finish(rows)?]);
        columns.extend(people);
        columns.extend([self.outcome.finish(rows)?, self.source_object.finish(rows)?]);
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
