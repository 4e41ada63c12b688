//! A story: everything that an access key, an identity, an address or an event did, in order, and what came of it.
//!
//! Told from the event table in a few questions: [`chain`] follows credentials, one pass in the order of time is folded into
//! a [`Story`] (`fold`), and one more says what was a first (`first`). [`subject`] tells what a story is about; `left` knows
//! which calls leave something behind, `ends` which take it away, `shared` with whom things are shared. Everything is bounded: a story of a year is as long as one of an hour, and says what
//! it has left out. Knows no output.

mod call;
pub mod chain;
mod ends;
mod first;
mod fold;
mod left;
mod shared;
pub mod subject;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use arrow::array::RecordBatch;

pub use chain::Link;
pub use subject::Subject;

use crate::control::Control;
use crate::error::Result;
use crate::session::Engine;

/// How often something occurred, and when. Times are microseconds since 1970.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// Events.
    pub events: u64,
    /// Those that changed something, or tried to.
    pub changes: u64,
    /// Those that were denied.
    pub denied: u64,
    /// The first of them.
    pub first: Option<i64>,
    /// The last of them.
    pub last: Option<i64>,
}

/// Tallies by name, sorted by name; so many names, and no more.
pub type Tallies = BTreeMap<String, Tally>;

/// A credential in use.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Session {
    /// The access key; empty for sign-ins and services.
    pub key: String,
    /// Whose it is.
    pub principal: String,
    /// The person or session behind it.
    pub actor: String,
    /// Kind of identity.
    pub kind: String,
    /// When it was issued, as the record says.
    pub began: String,
    /// Whether with MFA; empty where the record does not say.
    pub mfa: String,
    /// The identity that was set when the first role of a chain was assumed.
    pub source_identity: String,
    /// Whether it is a session of the console.
    pub console: bool,
    /// What it did.
    pub tally: Tally,
}

/// Equal calls in a row.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Run {
    /// The first call.
    pub first: Option<i64>,
    /// The last call.
    pub last: Option<i64>,
    /// How many.
    pub count: u64,
    /// `iam:CreateUser`.
    pub what: String,
    /// What it was done to, of the first call.
    pub object: String,
    /// Other things that calls of the run were about.
    pub others: u64,
    /// Who.
    pub principal: String,
    /// The person or session behind it.
    pub actor: String,
    /// Where.
    pub region: String,
    /// From where.
    pub address: String,
    /// `ok`, `denied` or `error`.
    pub outcome: String,
    /// The error's code.
    pub error: String,
    /// The first call's id.
    pub event_id: String,
    /// What stands out: `changes`, `left`, `first action` ….
    pub marks: Vec<String>,
}

/// Something that is left behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    /// When it was made.
    pub time: Option<i64>,
    /// What it is: "a user", "who may assume a role".
    pub what: String,
    /// Its name.
    pub object: String,
    /// The call.
    pub action: String,
    /// Who made it.
    pub principal: String,
    /// Where.
    pub region: String,
    /// The call's id.
    pub event_id: String,
    /// `ok`, `denied` or `error`: what was tried counts too.
    pub outcome: String,
    /// When the same story took it away again.
    pub undone: Option<i64>,
}

/// Something that a principal did for the first time in the logs, after it had been known for a day or more.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct First {
    /// When.
    pub time: i64,
    /// Who.
    pub principal: String,
    /// `action`, `region`, `network` or `agent`; `principal` where it was not known before.
    pub kind: &'static str,
    /// What.
    pub value: String,
}

/// A story.
#[derive(Debug, Default)]
pub struct Story {
    /// All events.
    pub total: Tally,
    /// Accounts, by their events; and so on.
    pub accounts: Tallies,
    /// Regions.
    pub regions: Tallies,
    /// Addresses.
    pub addresses: Tallies,
    /// Agents.
    pub agents: Tallies,
    /// Who acted.
    pub principals: Tallies,
    /// What was called.
    pub actions: Tallies,
    /// What was touched.
    pub resources: Tallies,
    /// Calls that were denied: principal, action and code.
    pub denied: BTreeMap<(String, String, String), Tally>,
    /// Bytes that S3 sent.
    pub bytes_out: u64,
    /// Credentials in use, by their first event.
    pub sessions: Vec<Session>,
    /// Credentials that were given.
    pub links: Vec<Link>,
    /// What is left behind.
    pub left: Vec<Left>,
    /// What was a first.
    pub firsts: Vec<First>,
    /// Principals of whom nobody can say what was new: the logs have them for less than a day.
    pub unknown_before: u64,
    /// The events, in order.
    pub timeline: Vec<Run>,
    /// Events that the timeline has no room for.
    pub untold: u64,
    /// Whether lists or the chain of credentials had no room for all.
    pub cut: bool,
}

/// Tells a story. `each` is shown the events themselves, batch by batch, in order, with all columns.
///
/// # Errors
/// As [`Engine::query_under`].
pub fn tell(
    engine: &Engine,
    subject: &Subject,
    control: &Control,
    each: &mut dyn FnMut(&RecordBatch),
) -> Result<Story> {
    let chain = chain::follow(engine, subject, control)?;
    let mut fold = fold::Fold::new();
    let sql = format!(
        "SELECT * FROM events WHERE {} OR {} ORDER BY eventtime, eventid",
        subject.condition(),
        chain::among(&chain.keys, &chain.users)
    );
    for batch in engine.query_under(&sql, control.clone())? {
        let batch = crate::lake::fit(&batch?, &ingest::schema::event_schema())?;
        fold.observe(&call::Calls::of(&batch)?);
        each(&batch);
    }
    let mut story = fold.finish();
    story.links = chain.links;
    story.cut |= chain.cut;
    first::mark(engine, &mut story, control)?;
    Ok(story)
}

/// What an event was about: its principal and its key, where it is there.
///
/// # Errors
/// As [`Engine::query_under`].
pub fn widen(engine: &Engine, subject: Subject, control: &Control) -> Result<Subject> {
    let Subject::Event(_) = subject else { return Ok(subject) };
    let sql = format!(
        "SELECT useridentity.accesskeyid AS k, useridentity.arn AS a FROM events WHERE {} LIMIT 1",
        subject.condition()
    );
    let [key, arn] = texts(engine, &sql, control)?;
    // A key is one whatever it looks like: logs that were made public hold `AKIA****************`.
    Ok(key.map(Subject::Key).or(arn.as_deref().map(Subject::of)).unwrap_or(subject))
}

/// A name of the logs that differs from one that they have not by its case alone.
///
/// # Errors
/// As [`Engine::query_under`].
pub fn in_another_case(engine: &Engine, subject: &Subject, control: &Control) -> Result<Option<String>> {
    let [found, _] = texts(engine, &subject.in_another_case(), control)?;
    Ok(found.filter(|found| found != subject.text()))
}

/// Two texts of the first row of an answer.
fn texts(engine: &Engine, sql: &str, control: &Control) -> Result<[Option<String>; 2]> {
    for batch in engine.query_under(sql, control.clone())? {
        let batch = batch?;
        let text = |place: usize| {
            let array = arrow::compute::cast(batch.column(place), &arrow::datatypes::DataType::Utf8).ok()?;
            let text = arrow::array::AsArray::as_string::<i32>(&array).iter().next().flatten();
            text.filter(|text| !text.is_empty()).map(str::to_owned)
        };
        if batch.num_rows() > 0 {
            return Ok([text(0), text(1)]);
        }
    }
    Ok([None, None])
}
