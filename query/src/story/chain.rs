//! Credentials that lead to credentials: who got a key for whom, forward from what a story is about, and back to where its
//! key came from.
//!
//! Each step forward asks for all keys that the last step found; a story has few of them.

use std::collections::BTreeSet;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, TimeUnit, TimestampMicrosecondType};

use super::subject::{Subject, literal};
use crate::control::Control;
use crate::error::{Error, Result};
use crate::session::Engine;

/// Steps that are followed, forward and back.
const STEPS: usize = 8;

/// Credentials that are followed.
const MOST: usize = 500;

/// A call that gave a credential.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Link {
    /// When, in microseconds since 1970.
    pub time: Option<i64>,
    /// The event's id.
    pub event_id: String,
    /// `AssumeRole`, `CreateAccessKey` ….
    pub event: String,
    /// Who called.
    pub principal: String,
    /// The key that called, empty for a service or a sign-in.
    pub key: String,
    /// From where.
    pub address: String,
    /// The key that was given.
    pub made: String,
    /// Whose it is: a role's ARN, a user's name.
    pub whose: String,
    /// Whether it leads to what the story is about, and not from it.
    pub back: bool,
}

/// Credentials of a story, and how they came about.
#[derive(Debug, Default)]
pub(super) struct Chain {
    pub(super) links: Vec<Link>,
    /// Keys that were got by what the story is about.
    pub(super) keys: BTreeSet<String>,
    /// Users that it made.
    pub(super) users: BTreeSet<String>,
    /// Whether there were more than are followed.
    pub(super) cut: bool,
}

const COLUMNS: &str = "eventtime, eventid, eventname, principal, useridentity.accesskeyid AS by_key, sourceipaddress, \
    coalesce(json_extract_scalar(responseelements, '$.credentials.accessKeyId'), \
             json_extract_scalar(responseelements, '$.accessKey.accessKeyId')) AS made, \
    coalesce(json_extract_scalar(requestparameters, '$.roleArn'), json_extract_scalar(responseelements, '$.user.arn'), \
             json_extract_scalar(responseelements, '$.role.arn'), json_extract_scalar(requestparameters, '$.roleName'), \
             json_extract_scalar(responseelements, '$.accessKey.userName'), json_extract_scalar(requestparameters, '$.userName'), \
             json_extract_scalar(requestparameters, '$.name'), json_extract_scalar(requestparameters, '$.targetPrincipal')) AS whose";

/// Calls that give credentials, or somebody to give them to.
const GIVE: &str = "eventname IN ('AssumeRole', 'AssumeRoleWithSAML', 'AssumeRoleWithWebIdentity', 'AssumeRoot', \
    'GetSessionToken', 'GetFederationToken', 'CreateAccessKey', 'CreateUser')";

/// Calls that make an identity, or a way to be it.
const MAKE: &str = "eventname IN ('AssumeRole', 'AssumeRoleWithSAML', 'AssumeRoleWithWebIdentity', 'AssumeRoot', 'GetFederationToken', \
    'CreateUser', 'CreateRole', 'CreateAccessKey', 'CreateLoginProfile', 'UpdateLoginProfile')";

fn calls(engine: &Engine, condition: &str, back: bool, control: &Control) -> Result<Vec<Link>> {
    asked(engine, &format!("{GIVE} AND {condition}"), back, control)
}

fn asked(engine: &Engine, condition: &str, back: bool, control: &Control) -> Result<Vec<Link>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM events WHERE outcome = 'ok' AND {condition} ORDER BY eventtime, eventid LIMIT {MOST}"
    );
    let mut links = Vec::new();
    for batch in engine.query_under(&sql, control.clone())? {
        read(&batch?, back, &mut links)?;
    }
    Ok(links)
}

fn read(batch: &RecordBatch, back: bool, links: &mut Vec<Link>) -> Result<()> {
    let bad = |e: arrow::error::ArrowError| Error::Run(e.to_string());
    let micros = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    let [times, rest @ ..] = batch.columns() else { return Ok(()) };
    let times = cast(times, &micros).map_err(bad)?;
    let times = times.as_primitive::<TimestampMicrosecondType>();
    let texts: Vec<_> =
        rest.iter().map(|array| cast(array, &DataType::Utf8)).collect::<std::result::Result<_, _>>().map_err(bad)?;
    for row in 0..batch.num_rows() {
        let text = |place: usize| {
            let column = texts.get(place).map(|array| array.as_string::<i32>());
            column.filter(|column| column.is_valid(row)).map(|column| column.value(row).to_owned()).unwrap_or_default()
        };
        links.push(Link {
            time: times.is_valid(row).then(|| times.value(row)),
            event_id: text(0),
            event: text(1),
            principal: text(2),
            key: text(3),
            address: text(4),
            made: text(5),
            whose: text(6),
            back,
        });
    }
    Ok(())
}

fn list<'a>(values: impl IntoIterator<Item = &'a String>) -> String {
    values.into_iter().map(|value| literal(value)).collect::<Vec<_>>().join(", ")
}

/// Follows the credentials of a story.
pub(super) fn follow(engine: &Engine, subject: &Subject, control: &Control) -> Result<Chain> {
    let mut chain = Chain::default();
    if let Subject::Key(key) = subject {
        back(engine, key, &mut chain, control)?;
    }
    made(engine, subject, &mut chain, control)?;
    let mut condition = subject.condition();
    for step in 0.. {
        let links = calls(engine, &condition, false, control)?;
        chain.cut |= links.len() >= MOST || step >= STEPS;
        let mut fresh = BTreeSet::new();
        let mut users = BTreeSet::new();
        for link in links {
            if !link.made.is_empty() && !chain.keys.contains(&link.made) && chain.keys.len() + fresh.len() < MOST {
                fresh.insert(link.made.clone());
            }
            if link.event == "CreateUser" && link.whose.starts_with("arn:") && chain.users.len() < MOST {
                users.insert(link.whose.clone());
            }
            if !chain.links.iter().any(|known| known.event_id == link.event_id) {
                chain.links.push(link);
            }
        }
        users.retain(|user| !chain.users.contains(user));
        if (fresh.is_empty() && users.is_empty()) || step >= STEPS {
            break;
        }
        condition = among(&fresh, &users);
        chain.keys.extend(fresh);
        chain.users.extend(users);
    }
    chain.links.sort();
    Ok(chain)
}

/// Where a key came from, step by step.
fn back(engine: &Engine, key: &str, chain: &mut Chain, control: &Control) -> Result<()> {
    let mut key = key.to_owned();
    for _ in 0..STEPS {
        let condition = format!(
            "(json_extract_scalar(responseelements, '$.credentials.accessKeyId') = {0} \
              OR json_extract_scalar(responseelements, '$.accessKey.accessKeyId') = {0})",
            literal(&key)
        );
        let Some(link) = calls(engine, &condition, true, control)?.into_iter().next() else { break };
        let next = link.key.clone();
        let known = chain.links.iter().any(|known| known.event_id == link.event_id);
        chain.links.push(link);
        if known || next.is_empty() {
            break;
        }
        key = next;
    }
    Ok(())
}

/// Who made an identity, gave it credentials or became it: of each that did so in one way the first time.
fn made(engine: &Engine, subject: &Subject, chain: &mut Chain, control: &Control) -> Result<()> {
    let Some(condition) = subject.made() else { return Ok(()) };
    let links = asked(engine, &format!("{MAKE} AND {condition}"), true, control)?;
    chain.cut |= links.len() >= MOST;
    let mut seen = BTreeSet::new();
    for link in links {
        if seen.insert((link.principal.clone(), link.event.clone(), link.whose.clone())) {
            chain.links.push(link);
        }
    }
    Ok(())
}

/// The condition that calls with these keys, or of these users, meet.
pub(super) fn among(keys: &BTreeSet<String>, users: &BTreeSet<String>) -> String {
    let mut parts = Vec::new();
    if !keys.is_empty() {
        parts.push(format!("useridentity.accesskeyid IN ({})", list(keys)));
    }
    if !users.is_empty() {
        parts.push(format!("principal IN ({})", list(users)));
    }
    if parts.is_empty() { "false".to_owned() } else { format!("({})", parts.join(" OR ")) }
}
