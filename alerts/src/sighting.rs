//! One event as an alert tells it: who, what, where from, when.
//!
//! Text in here was written by whoever made the request. It is kept as data, only cut to a bounded length; whoever
//! prints or sends it escapes it for the place it goes to.

use std::borrow::Cow;
use std::cell::RefCell;
use std::sync::Arc;

use arrow::array::{Array, RecordBatch, TimestampMicrosecondArray};
use hashbrown::HashMap;
use ingest::batch::{self, TextColumn};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::event_id::EventId;
use crate::scene::{Scene, SceneRef};
use crate::shared::Shared;

/// Longest text that an alert keeps of one field, in bytes.
const MAX_TEXT_BYTES: usize = 256;

/// The time of an event that has none. Such events group together and take no part in windows.
pub(crate) const UNTIMED: i64 = i64::MIN;

/// What an alert keeps of an event. The order is by time, then by event id. Written, its names are short: millions of them
/// may wait in temporary files.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Sighting {
    /// Microseconds since the epoch, UTC, or [`UNTIMED`].
    #[serde(rename = "t")]
    pub(crate) time: i64,
    /// `eventID`.
    #[serde(rename = "i")]
    pub(crate) event_id: EventId,
    /// Who did what, from where.
    #[serde(rename = "o", with = "crate::scene")]
    pub(crate) scene: Arc<Scene>,
}

/// The columns that a sighting is read from.
pub(crate) struct Sightings {
    time: Option<TimestampMicrosecondArray>,
    event_id: TextColumn,
    principal: TextColumn,
    actor: TextColumn,
    account: TextColumn,
    own_account: TextColumn,
    region: TextColumn,
    address: TextColumn,
    agent: TextColumn,
    source: TextColumn,
    name: TextColumn,
    error: TextColumn,
    /// What was called, by the codes of source and name.
    calls: RefCell<HashMap<(usize, usize), String, ahash::RandomState>>,
}

impl Sightings {
    /// Opens a batch.
    pub(crate) fn new(batch: &RecordBatch) -> Self {
        let text = |path| batch::text(batch, path);
        Sightings {
            time: batch::timestamp(batch, "eventtime"),
            event_id: text("eventid"),
            principal: text("principal"),
            actor: text("actor"),
            account: text("recipientaccountid"),
            own_account: text("useridentity.accountid"),
            region: text("awsregion"),
            address: text("sourceipaddress"),
            agent: text("useragent"),
            source: text("eventsource"),
            name: text("eventname"),
            error: text("errorcode"),
            calls: RefCell::default(),
        }
    }

    /// When the event of a row happened.
    pub(crate) fn time(&self, row: usize) -> i64 {
        match &self.time {
            Some(time) if time.is_valid(row) => time.value(row),
            _ => UNTIMED,
        }
    }

    /// Rows without a time.
    pub(crate) fn untimed(&self, rows: usize) -> usize {
        self.time.as_ref().map_or(rows, Array::null_count)
    }

    /// The principal of a row; empty if it has none.
    pub(crate) fn principal(&self, row: usize) -> &str {
        bounded(&self.principal, row)
    }

    /// The event id of a row.
    pub(crate) fn event_id(&self, row: usize) -> &str {
        bounded(&self.event_id, row)
    }

    /// The region of a row.
    pub(crate) fn region(&self, row: usize) -> &str {
        bounded(&self.region, row)
    }

    /// The address of a row.
    pub(crate) fn address(&self, row: usize) -> &str {
        bounded(&self.address, row)
    }

    /// The user agent of a row.
    pub(crate) fn agent(&self, row: usize) -> &str {
        bounded(&self.agent, row)
    }

    /// The error code of a row.
    pub(crate) fn error(&self, row: usize) -> &str {
        bounded(&self.error, row)
    }

    /// Gives what was called in a row: first label of the source, and the event name.
    pub(crate) fn with_what<T>(&self, row: usize, give: impl FnOnce(&str) -> T) -> T {
        let write = || {
            let service = bounded(&self.source, row).split('.').next().unwrap_or_default();
            format!("{service}:{}", bounded(&self.name, row))
        };
        // A batch has few calls and many events of each: a call is written once.
        let Some(codes) = self.source.code(row).zip(self.name.code(row)) else { return give(&write()) };
        give(self.calls.borrow_mut().entry(codes).or_insert_with(write))
    }

    /// The account whose log holds the row; empty if the record does not say.
    pub(crate) fn account(&self, row: usize) -> &str {
        match bounded(&self.account, row) {
            "" => bounded(&self.own_account, row),
            account => account,
        }
    }

    /// All of it.
    pub(crate) fn read(&self, row: usize) -> Sighting {
        self.with_scene(row, |scene| self.sighting(row, scene.own()))
    }

    /// The same, with a scene that others share. A `plain` one lacks what whoever calls can choose: session, address and
    /// user agent; of those there are few.
    pub(crate) fn share(&self, row: usize, scenes: &mut Shared<Scene>, plain: bool) -> Sighting {
        self.with_scene(row, |scene| {
            let scene = if plain { SceneRef { actor: "", address: "", agent: "", ..scene } } else { scene };
            self.sighting(row, scenes.of(&scene, || scene.own()))
        })
    }

    fn sighting(&self, row: usize, scene: Arc<Scene>) -> Sighting {
        Sighting { time: self.time(row), event_id: EventId::new(self.event_id(row)), scene }
    }

    fn with_scene<T>(&self, row: usize, give: impl FnOnce(SceneRef<'_>) -> T) -> T {
        self.with_what(row, |what| {
            give(SceneRef {
                principal: self.principal(row),
                actor: bounded(&self.actor, row),
                account: self.account(row),
                region: self.region(row),
                address: self.address(row),
                agent: self.agent(row),
                what,
                error: self.error(row),
            })
        })
    }
}

/// The text of a row, empty where there is none, cut between characters at the limit.
fn bounded(column: &TextColumn, row: usize) -> &str {
    clip(column.get(row).unwrap_or_default())
}

/// The beginning of a text, at most the limit long and cut between characters.
pub(crate) fn clip(text: &str) -> &str {
    let mut end = text.len().min(MAX_TEXT_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

/// A text as a key: itself where it is short, else its beginning and a hash of all of it, so that long texts that
/// begin alike stay apart.
pub(crate) fn keyed(text: &str) -> Cow<'_, str> {
    if text.len() <= MAX_TEXT_BYTES {
        return Cow::Borrowed(text);
    }
    let hash: String = Sha256::digest(text).iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    Cow::Owned(format!("{}…{hash}", clip(text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_bounded_and_differ_as_texts_do() {
        let (one, two) = ("x".repeat(1000), format!("{}y", "x".repeat(999)));
        assert_ne!(keyed(&one), keyed(&two));
        assert!(keyed(&one).len() < 300);
        assert_eq!(keyed("short"), "short");
    }

    #[test]
    fn long_text_is_cut_between_characters() {
        let long = "xé".repeat(400);
        let cut = clip(&long);
        assert!(cut.len() <= MAX_TEXT_BYTES && cut.len() > MAX_TEXT_BYTES - 4 && long.starts_with(cut));
        assert_eq!(clip("short"), "short");
    }
}
