//! The report: keys followed to who asked for them, and uses put together by person.

use std::collections::BTreeMap;

use serde::Serialize;

use super::claim::{Claim, How};
use super::{BTreeSet, Behind, Issue, People, Text, Use};
use crate::instant;

/// Roles in a chain that are followed; a longer one is a circle that somebody made up.
const MAX_CHAIN: usize = 32;
/// Actions listed of one use; the latest.
const MAX_ACTIONS: usize = 500;

/// One action of a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ActionOf {
    /// IAM action, as the event table has it.
    pub action: String,
    /// Calls.
    pub count: u64,
    /// Calls that AWS refused.
    pub denied: u64,
    /// The last.
    #[serde(serialize_with = "instant::serialize")]
    pub last: i64,
}

/// What a person did as one principal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Through {
    /// The principal: a role, or the user itself.
    pub principal: String,
    /// Roles that were assumed on the way to it, of all ways that were seen.
    pub through: Vec<String>,
    /// First.
    #[serde(serialize_with = "instant::serialize")]
    pub first: i64,
    /// Last.
    #[serde(serialize_with = "instant::serialize")]
    pub last: i64,
    /// Events.
    pub events: u64,
    /// Events that AWS refused.
    pub denied: u64,
    /// What for, latest first.
    pub actions: Vec<ActionOf>,
    /// Actions that are not listed.
    pub more_actions: u64,
}

/// Somebody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Person {
    /// Name: an ARN, an e-mail address, an id.
    pub person: String,
    /// How that is known, best first: `source_identity`, `single_sign_on`, … `session_name` is only a claim.
    pub known_by: Vec<&'static str>,
    /// Whether it is a machine for certain.
    pub is_machine: bool,
    /// First.
    #[serde(serialize_with = "instant::serialize")]
    pub first: i64,
    /// Last.
    #[serde(serialize_with = "instant::serialize")]
    pub last: i64,
    /// Events.
    pub events: u64,
    /// As whom, by name.
    pub principals: Vec<Through>,
}

/// Everybody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PersonReport {
    /// By name.
    pub people: Vec<Person>,
    /// Events that count for somebody.
    pub events: u64,
    /// Uses, keys and actions that had no room: what is listed is then not all.
    pub dropped: u64,
}

/// Uses of one principal by one person, while they are put together.
#[derive(Default)]
struct Together<'a> {
    through: BTreeSet<&'a str>,
    uses: Vec<&'a Use>,
}

impl People {
    /// Everybody, by name.
    pub fn report(&self) -> PersonReport {
        let mut by_name: BTreeMap<&str, (BTreeSet<How>, BTreeMap<&str, Together<'_>>)> = BTreeMap::new();
        for ((behind, principal), used) in &self.uses {
            let (claim, way) = self.trace(*behind);
            let (known_by, principals) = by_name.entry(self.texts.text(claim.name)).or_default();
            known_by.insert(claim.how);
            let together = principals.entry(self.texts.text(*principal)).or_default();
            together.through.extend(way.into_iter().map(|role| self.texts.text(role)));
            together.uses.push(used);
        }
        let people = by_name.into_iter().map(|(name, (known_by, principals))| self.person(name, &known_by, principals));
        PersonReport { people: people.collect(), events: self.events, dropped: self.dropped }
    }

    /// Who is behind it, and the roles on the way.
    fn trace(&self, start: Behind) -> (Claim, Vec<Text>) {
        let (mut behind, mut way) = (start, Vec::new());
        loop {
            let (key, name) = match behind {
                Behind::Known(claim) => return (self.known_here(claim), way),
                Behind::Session { key, name } => (key, name),
            };
            match self.issued.get(&key).filter(|_| way.len() < MAX_CHAIN) {
                Some(issue) => {
                    if matches!(issue.behind, Behind::Session { .. }) || self.is_role(issue.principal) {
                        way.push(issue.principal);
                    }
                    behind = issue.behind;
                }
                // The trail ends: at the first session that nobody is known to have asked for.
                None => return (self.by_session_name(name), way),
            }
        }
    }

    /// Of another account's principal, who that is, where its own records are there too.
    fn known_here(&self, claim: Claim) -> Claim {
        if claim.how != How::OtherAccount {
            return claim;
        }
        let id = self.texts.text(claim.name).split_once(':').map(|(_, id)| id);
        let known = id.and_then(|id| self.texts.ids.get(id)).and_then(|id| self.ids.get(id));
        known.copied().unwrap_or(claim)
    }

    fn is_role(&self, principal: Text) -> bool {
        self.texts.text(principal).contains(":role/")
    }

    fn by_session_name(&self, name: Text) -> Claim {
        let id = self.texts.text(name).strip_prefix("i-").unwrap_or_default();
        let is_instance = (8..=17).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_hexdigit());
        Claim { how: if is_instance { How::Instance } else { How::SessionName }, name }
    }

    /// What decides between two records of one key: the better known caller, then the names themselves.
    pub(super) fn order(&self, issue: &Issue) -> (Option<How>, String, String) {
        let (how, name) = match issue.behind {
            Behind::Known(claim) => (claim.how, claim.name),
            // Its key leads further, which a mere account of another does not.
            Behind::Session { key, .. } => (How::WebIdentity, key),
        };
        (Some(how), self.texts.text(name).to_owned(), self.texts.text(issue.principal).to_owned())
    }

    fn person(&self, name: &str, known_by: &BTreeSet<How>, principals: BTreeMap<&str, Together<'_>>) -> Person {
        let principals: Vec<Through> =
            principals.into_iter().map(|(principal, together)| self.through(principal, together)).collect();
        Person {
            person: name.to_owned(),
            known_by: known_by.iter().map(|how| how.as_str()).collect(),
            is_machine: known_by.iter().all(|how| how.is_machine()),
            first: principals.iter().map(|through| through.first).min().unwrap_or_default(),
            last: principals.iter().map(|through| through.last).max().unwrap_or_default(),
            events: principals.iter().map(|through| through.events).sum(),
            principals,
        }
    }

    fn through(&self, principal: &str, together: Together<'_>) -> Through {
        let mut actions: BTreeMap<&str, (u64, u64, i64)> = BTreeMap::new();
        for (action, (count, denied, last)) in together.uses.iter().flat_map(|used| &used.actions) {
            let sum = actions.entry(self.texts.text(*action)).or_insert((0, 0, i64::MIN));
            *sum = (sum.0 + count, sum.1 + denied, sum.2.max(*last));
        }
        let mut rows: Vec<ActionOf> = actions
            .into_iter()
            .map(|(action, (count, denied, last))| ActionOf { action: action.to_owned(), count, denied, last })
            .collect();
        // Stable: of one time, by name.
        rows.sort_by_key(|row| std::cmp::Reverse(row.last));
        let more_actions = rows.len().saturating_sub(MAX_ACTIONS) as u64;
        rows.truncate(MAX_ACTIONS);
        Through {
            principal: principal.to_owned(),
            through: together.through.into_iter().filter(|role| *role != principal).map(str::to_owned).collect(),
            first: together.uses.iter().map(|used| used.first).min().unwrap_or_default(),
            last: together.uses.iter().map(|used| used.last).max().unwrap_or_default(),
            events: together.uses.iter().map(|used| used.events).sum(),
            denied: together.uses.iter().map(|used| used.denied).sum(),
            actions: rows,
            more_actions,
        }
    }
}
