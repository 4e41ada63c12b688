//! A waiting event in little room: what it has in common with others is kept once.
//!
//! Who calls often calls often in the same way, so that of many thousand waiting events there are few kinds: an event is its
//! time, its id and its kind. Knows no groups and no order.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use hashbrown::Equivalent;
use uuid::Uuid;

use super::{Entry, Values};
use crate::event_id::EventId;
use crate::scene::Scene;
use crate::shared::{Shared, Text};
use crate::sighting::Sighting;

/// Kinds of the events of a correlation.
pub(super) type Kinds = Shared<Kind>;

/// An event: 32 bytes.
#[derive(Debug)]
pub(super) struct Packed {
    pub(super) time: i64,
    /// Nil where the kind has the id.
    id: Uuid,
    kind: Arc<Kind>,
}

/// All of an event but its time and its id.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Kind {
    /// An id that is no UUID.
    id: Option<EventId>,
    scene: Arc<Scene>,
    base: usize,
    value: Option<Text>,
    carried: Option<Box<Values>>,
}

/// A kind that is elsewhere. Scenes are kept once, so where one is says which it is; two of one text in two places are two
/// kinds, which costs room and nothing else.
struct Like<'a>(&'a Entry, Option<&'a EventId>);

impl Hash for Kind {
    fn hash<H: Hasher>(&self, state: &mut H) {
        hash(&self.scene, self.base, self.value.as_ref(), state);
    }
}

impl Hash for Like<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        hash(&self.0.sighting.scene, self.0.base, self.0.value.as_ref(), state);
    }
}

fn hash<H: Hasher>(scene: &Arc<Scene>, base: usize, value: Option<&Text>, state: &mut H) {
    (Arc::as_ptr(scene).addr(), base, value.map(|value| &*value.0)).hash(state);
}

impl Equivalent<Arc<Kind>> for Like<'_> {
    fn equivalent(&self, kind: &Arc<Kind>) -> bool {
        let Like(entry, id) = self;
        Arc::ptr_eq(&entry.sighting.scene, &kind.scene)
            && (entry.base, &entry.value, &entry.carried, *id)
                == (kind.base, &kind.value, &kind.carried, kind.id.as_ref())
    }
}

impl Packed {
    /// The event in little room.
    pub(super) fn new(entry: Entry, kinds: &mut Kinds) -> Packed {
        let (time, uuid) = (entry.sighting.time, entry.sighting.event_id.uuid());
        let own = uuid.is_none().then_some(&entry.sighting.event_id);
        let kind = kinds.of(&Like(&entry, own), || {
            let (id, scene) = (own.cloned(), entry.sighting.scene.clone());
            Arc::new(Kind { id, scene, base: entry.base, value: entry.value.clone(), carried: entry.carried.clone() })
        });
        Packed { time, id: uuid.unwrap_or_default(), kind }
    }

    /// The event as it was.
    pub(super) fn entry(&self) -> Entry {
        let Kind { id, scene, base, value, carried } = &*self.kind;
        let event_id = id.clone().unwrap_or_else(|| EventId::from(self.id));
        let sighting = Sighting { time: self.time, event_id, scene: scene.clone() };
        Entry { sighting, base: *base, value: value.clone(), carried: carried.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const UUID: &str = "b2a6b7f5-9c39-4b0e-8c0b-6a1c3a6f0e11";

    proptest! {
        #[test]
        fn an_event_is_as_it_was(
            events in prop::collection::vec(
                (any::<i64>(), prop_oneof![Just(UUID.to_owned()), Just(String::new()), "[a-c]{1,2}"], 0usize..2,
                 prop::option::of("[a-b]"), prop::option::of(prop::option::of("[a-b]")), 0usize..2),
                0..40,
            )
        ) {
            let scenes: Vec<Arc<Scene>> = (0..2).map(|n| Arc::new(Scene { what: format!("{n}").into(), ..Scene::default() })).collect();
            let mut kinds = Kinds::default();
            for (time, id, base, value, carried, scene) in events {
                let sighting = Sighting { time, event_id: EventId::new(&id), scene: scenes[scene].clone() };
                let value = value.map(|value| Text(value.into()));
                let entry = Entry { sighting, base, value, carried: carried.map(|value| Box::new(vec![value])) };
                prop_assert_eq!(Packed::new(entry.clone(), &mut kinds).entry(), entry);
            }
        }
    }

    #[test]
    fn events_of_one_kind_share_it() {
        assert_eq!(std::mem::size_of::<Packed>(), 32);
        let mut kinds = Kinds::default();
        let scene = Arc::new(Scene::default());
        let mut pack = |id: &str, base| {
            let sighting = Sighting { time: 0, event_id: EventId::new(id), scene: scene.clone() };
            Packed::new(Entry { sighting, base, value: None, carried: None }, &mut kinds)
        };
        let (one, two, other) = (pack(UUID, 0), pack(&UUID.replace("b2", "c3"), 0), pack(UUID, 1));
        assert!(Arc::ptr_eq(&one.kind, &two.kind) && !Arc::ptr_eq(&one.kind, &other.kind));
    }
}
