//! What an alert keeps of an event besides its time and id.
//!
//! Who calls often calls often in the same way: of the millions of events that correlations wait for, there are few scenes,
//! and each is kept and written once.

use std::sync::Arc;

use hashbrown::{Equivalent, HashMap};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Who did what, from where. Written, its names are short: millions may wait in temporary files.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct Scene {
    /// Durable identity.
    #[serde(rename = "p")]
    pub(crate) principal: Box<str>,
    /// Who stood behind it.
    #[serde(rename = "b")]
    pub(crate) actor: Box<str>,
    /// Account that received the record.
    #[serde(rename = "a")]
    pub(crate) account: Box<str>,
    /// Region.
    #[serde(rename = "r")]
    pub(crate) region: Box<str>,
    /// Address or service that called.
    #[serde(rename = "s")]
    pub(crate) address: Box<str>,
    /// User agent.
    #[serde(rename = "u")]
    pub(crate) agent: Box<str>,
    /// `iam:CreateUser`: first label of the source, and the event name.
    #[serde(rename = "w")]
    pub(crate) what: Box<str>,
    /// Error code.
    #[serde(rename = "e")]
    pub(crate) error: Box<str>,
}

impl Scene {
    /// The same with texts that are elsewhere.
    pub(crate) fn view(&self) -> SceneRef<'_> {
        SceneRef {
            principal: &self.principal,
            actor: &self.actor,
            account: &self.account,
            region: &self.region,
            address: &self.address,
            agent: &self.agent,
            what: &self.what,
            error: &self.error,
        }
    }
}

/// A scene whose texts are elsewhere: fields in the order of [`Scene`], so that their hashes are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct SceneRef<'a> {
    pub(crate) principal: &'a str,
    pub(crate) actor: &'a str,
    pub(crate) account: &'a str,
    pub(crate) region: &'a str,
    pub(crate) address: &'a str,
    pub(crate) agent: &'a str,
    pub(crate) what: &'a str,
    pub(crate) error: &'a str,
}

impl SceneRef<'_> {
    /// The same with texts of its own.
    pub(crate) fn own(self) -> Arc<Scene> {
        Arc::new(Scene {
            principal: self.principal.into(),
            actor: self.actor.into(),
            account: self.account.into(),
            region: self.region.into(),
            address: self.address.into(),
            agent: self.agent.into(),
            what: self.what.into(),
            error: self.error.into(),
        })
    }
}

impl Equivalent<Arc<Scene>> for SceneRef<'_> {
    fn equivalent(&self, scene: &Arc<Scene>) -> bool {
        *self == scene.view()
    }
}

/// Scenes by number, so that each is written once.
#[derive(Debug, Default)]
pub(crate) struct Table {
    scenes: Vec<Arc<Scene>>,
    places: HashMap<usize, usize, ahash::RandomState>,
}

impl Table {
    /// The number of a scene, the next one where it is new.
    pub(crate) fn place(&mut self, scene: &Arc<Scene>) -> usize {
        *self.places.entry(address(scene)).or_insert_with(|| {
            self.scenes.push(scene.clone());
            self.scenes.len() - 1
        })
    }

    /// The scenes, by number.
    pub(crate) fn scenes(&self) -> impl Iterator<Item = &Scene> {
        self.scenes.iter().map(AsRef::as_ref)
    }
}

/// Where a scene is: the table holds it, so that no other can come to be there.
fn address(scene: &Arc<Scene>) -> usize {
    Arc::as_ptr(scene).addr()
}

/// Writes a scene where it stands.
pub(crate) fn serialize<S: Serializer>(scene: &Arc<Scene>, serializer: S) -> Result<S::Ok, S::Error> {
    scene.as_ref().serialize(serializer)
}

/// Reads a scene where it stands.
pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Arc<Scene>, D::Error> {
    Scene::deserialize(deserializer).map(Arc::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scene(principal: &str) -> SceneRef<'_> {
        SceneRef { principal, actor: "", account: "1", region: "r", address: "a", agent: "u", what: "iam:X", error: "" }
    }

    #[test]
    fn a_table_has_each_scene_once() {
        let (one, two) = (scene("p").own(), scene("q").own());
        let mut table = Table::default();
        assert_eq!([&one, &two, &one].map(|scene| table.place(scene)), [0, 1, 0]);
        assert_eq!(table.scenes().map(|scene| &*scene.principal).collect::<Vec<_>>(), ["p", "q"]);
    }

    #[test]
    fn a_scene_is_found_by_its_texts() {
        let mut scenes = crate::shared::Shared::<Scene>::default();
        let mut share = |principal| scenes.of(&scene(principal), || scene(principal).own());
        let (one, like, other) = (share("p"), share("p"), share("q"));
        assert!(Arc::ptr_eq(&one, &like) && !Arc::ptr_eq(&one, &other));
    }
}
