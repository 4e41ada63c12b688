//! `eventID` in little room: millions of them wait in memory.
//!
//! CloudTrail writes UUIDs; whoever forges a record may write anything. Either way it is told, compared and written as the
//! text that it was.

use std::cmp::Ordering;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;
use uuid::fmt::Hyphenated;

/// The id of an event; empty if it has none.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct EventId(Form);

/// A text has one form.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Form {
    /// Lower case, with hyphens.
    Uuid(Uuid),
    /// Anything else.
    Text(Box<str>),
}

impl EventId {
    /// The id with this text.
    pub(crate) fn new(text: &str) -> EventId {
        let uuid =
            Some(text).filter(|text| text.len() == Hyphenated::LENGTH).and_then(|text| Uuid::try_parse(text).ok());
        let as_written = |uuid: &Uuid| uuid.hyphenated().encode_lower(&mut [0; Hyphenated::LENGTH]) == text;
        EventId(uuid.filter(as_written).map_or_else(|| Form::Text(text.into()), Form::Uuid))
    }

    /// Gives the text.
    pub(crate) fn with_text<T>(&self, give: impl FnOnce(&str) -> T) -> T {
        match &self.0 {
            Form::Uuid(uuid) => give(uuid.hyphenated().encode_lower(&mut [0; Hyphenated::LENGTH])),
            Form::Text(text) => give(text),
        }
    }

    /// The UUID that it is, if it is one as CloudTrail writes them.
    pub(crate) fn uuid(&self) -> Option<Uuid> {
        match self.0 {
            Form::Uuid(uuid) => Some(uuid),
            Form::Text(_) => None,
        }
    }

    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        matches!(&self.0, Form::Text(text) if text.is_empty())
    }
}

impl From<Uuid> for EventId {
    fn from(uuid: Uuid) -> Self {
        EventId(Form::Uuid(uuid))
    }
}

impl Ord for EventId {
    /// As the texts.
    fn cmp(&self, other: &Self) -> Ordering {
        match (&self.0, &other.0) {
            // All of one length, the hyphens in the same places: the bytes are in the order of the digits.
            (Form::Uuid(one), Form::Uuid(two)) => one.cmp(two),
            (Form::Text(one), Form::Text(two)) => one.cmp(two),
            _ => self.with_text(|one| other.with_text(|two| one.cmp(two))),
        }
    }
}

impl PartialOrd for EventId {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Default for EventId {
    fn default() -> Self {
        EventId::new("")
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.with_text(|text| f.write_str(text))
    }
}

impl fmt::Debug for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.with_text(|text| fmt::Debug::fmt(text, f))
    }
}

impl Serialize for EventId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.with_text(|text| serializer.serialize_str(text))
    }
}

impl<'de> Deserialize<'de> for EventId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(EventId::new(&String::deserialize(deserializer)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// UUIDs as CloudTrail writes them, as others do, and anything.
    fn ids() -> impl Strategy<Value = String> {
        prop_oneof![
            "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
            "[0-9a-fA-F]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
            "[0-9a-f]{32}",
            "[{]?[0-9a-f-]{34,38}[}]?",
            ".{0,40}",
        ]
    }

    proptest! {
        #[test]
        fn an_id_is_its_text(one in ids(), two in ids()) {
            let (a, b) = (EventId::new(&one), EventId::new(&two));
            prop_assert_eq!(a.to_string(), one.clone());
            prop_assert_eq!(a.is_empty(), one.is_empty());
            prop_assert_eq!(a.cmp(&b), one.cmp(&two));
            prop_assert_eq!(a == b, one == two);
            let written = serde_json::to_string(&a).unwrap_or_default();
            prop_assert_eq!(serde_json::from_str::<EventId>(&written).ok(), Some(a));
        }
    }

    #[test]
    fn an_id_of_cloudtrail_takes_no_memory_of_its_own() {
        assert!(matches!(EventId::new("b2a6b7f5-9c39-4b0e-8c0b-6a1c3a6f0e11").0, Form::Uuid(_)));
        assert!(std::mem::size_of::<EventId>() <= 24);
    }
}
