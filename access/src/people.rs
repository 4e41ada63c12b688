//! The person behind it: who stood behind sessions, also through chains of roles, and what they used which role for.
//!
//! A fold over event batches. A record says best itself who it is (source identity, Identity Center, a name that single
//! sign-on gave); a session of a role that nothing is said of is traced by its key: `AssumeRole` answered with it, and that
//! call was made by somebody, perhaps with the key of another session. Calls and the `AssumeRole` that they rest on may come
//! in any order, so keys are followed when all is read ([`People::report`]). Any order of the events gives the same report.
//!
//! What is only a session's own name is told as such: whoever may assume a role may choose it. Bounded by [`Limits`]; what
//! had no room is counted. Knows batches. Must not know grants or how anything is printed.

mod claim;
mod fold;
mod report;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use ahash::RandomState;

use claim::Claim;
pub use claim::How;
pub use fold::COLUMNS;
pub use report::{ActionOf, Person, PersonReport, Through};

/// Bounds of the fold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Most sessions that have to be traced, and people's uses of a principal.
    pub uses: usize,
    /// Most keys that STS handed out.
    pub keys: usize,
    /// Most actions of all uses together.
    pub actions: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { uses: 1_000_000, keys: 1_000_000, actions: 4_000_000 }
    }
}

/// The number of a text.
type Text = u32;

/// Who is behind a call, as far as its record says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Behind {
    /// The record says it.
    Known(Claim),
    /// A session: the key that it signs with, and the name that it gave itself.
    Session { key: Text, name: Text },
}

/// What somebody did as one principal.
#[derive(Debug, Clone, Default)]
struct Use {
    first: i64,
    last: i64,
    events: u64,
    denied: u64,
    /// By action: calls, refusals, last time.
    actions: HashMap<Text, (u64, u64, i64), RandomState>,
}

/// The call that handed a key out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Issue {
    /// Who called.
    behind: Behind,
    /// As which principal.
    principal: Text,
}

/// Texts and their numbers, which never leave the fold.
#[derive(Debug, Clone, Default)]
struct Texts {
    ids: HashMap<Arc<str>, Text, RandomState>,
    texts: Vec<Arc<str>>,
}

impl Texts {
    fn id(&mut self, text: &str) -> Text {
        if let Some(id) = self.ids.get(text) {
            return *id;
        }
        let id = Text::try_from(self.texts.len()).unwrap_or(Text::MAX);
        let text: Arc<str> = text.into();
        self.texts.push(text.clone());
        self.ids.insert(text, id);
        id
    }

    fn text(&self, id: Text) -> &str {
        self.texts.get(id as usize).map_or("", |text| text)
    }
}

/// The fold.
#[derive(Debug, Clone, Default)]
pub struct People {
    limits: Limits,
    /// Only events from this time on, microseconds.
    since: Option<i64>,
    texts: Texts,
    uses: HashMap<(Behind, Text), Use, RandomState>,
    issued: HashMap<Text, Issue, RandomState>,
    /// `principalId` → who that is, by records that say it: another account's records know no more than the id.
    ids: HashMap<Text, Claim, RandomState>,
    actions: usize,
    events: u64,
    dropped: u64,
}

impl People {
    /// Of events from a time on (`None`: of all). Keys that were handed out before still count.
    pub fn new(limits: Limits, since: Option<i64>) -> People {
        People { limits, since, ..People::default() }
    }

    /// Uses, keys and actions that had no room.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    fn add_use(&mut self, behind: Behind, principal: Text, time: i64, denied: bool, action: Option<Text>) {
        let full = self.uses.len() >= self.limits.uses;
        let found = match self.uses.get_mut(&(behind, principal)) {
            Some(found) => found,
            None if full => {
                self.dropped += 1;
                return;
            }
            None => self.uses.entry((behind, principal)).or_insert(Use {
                first: i64::MAX,
                last: i64::MIN,
                ..Use::default()
            }),
        };
        found.first = found.first.min(time);
        found.last = found.last.max(time);
        found.events += 1;
        found.denied += u64::from(denied);
        let Some(action) = action else { return };
        match found.actions.get_mut(&action) {
            Some((count, refused, last)) => {
                *count += 1;
                *refused += u64::from(denied);
                *last = time.max(*last);
            }
            None if self.actions >= self.limits.actions => self.dropped += 1,
            None => {
                self.actions += 1;
                found.actions.insert(action, (1, u64::from(denied), time));
            }
        }
    }

    fn add_id(&mut self, principal_id: &str, claim: Claim) {
        if principal_id.is_empty() || matches!(claim.how, How::OtherAccount | How::Service | How::Instance) {
            return;
        }
        let id = self.texts.id(principal_id);
        let better =
            |known: &Claim| (claim.how, self.texts.text(claim.name)) < (known.how, self.texts.text(known.name));
        if self.ids.get(&id).is_none_or(better) {
            self.ids.insert(id, claim);
        }
    }

    fn add_issue(&mut self, key: Text, issue: Issue) {
        let full = self.issued.len() >= self.limits.keys;
        let known = self.issued.get(&key).copied();
        match known {
            // Both accounts of a call across accounts log it, and one of them knows the caller better.
            Some(known) if self.order(&issue) >= self.order(&known) => {}
            None if full => self.dropped += 1,
            _ => {
                self.issued.insert(key, issue);
            }
        }
    }
}

#[cfg(test)]
mod tests;
