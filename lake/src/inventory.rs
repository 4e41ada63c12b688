//! Inventories beside the tables: who had what, by account and time, each a JSON object whose inside is no business of ours.
//!
//! `inventory/ACCOUNT/TIME.json`; none is ever changed, so that they are a history. Expiry leaves them alone.

use futures::TryStreamExt;
use object_store::ObjectStore;

use crate::error::{Error, Result};
use crate::lake::Lake;

/// Where they lie in a lake.
pub const FOLDER: &str = "inventory";

/// The name of one inventory.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Name {
    /// The account.
    pub account: String,
    /// When it was taken: `20261101T120000Z`, which sorts by time.
    pub taken: String,
}

impl Name {
    /// Its place in the lake.
    pub fn path(&self) -> String {
        format!("{FOLDER}/{}/{}.json", self.account, self.taken)
    }
}

impl Lake {
    /// Keeps an inventory. `false` where there is one of that account and time already, which stays.
    ///
    /// # Errors
    /// What the store says.
    pub fn keep_inventory(&self, name: &Name, bytes: Vec<u8>) -> Result<bool> {
        self.block_on(self.location().put_new(&name.path(), bytes.into()))
    }

    /// The inventories, by account and time. What else lies there is passed over.
    ///
    /// # Errors
    /// What the store says.
    pub fn inventories(&self) -> Result<Vec<Name>> {
        let folder = self.location().path(FOLDER);
        let all = self.location().root().list(Some(&folder));
        let all: Vec<_> = self.block_on(all.try_collect()).map_err(Error::store(FOLDER))?;
        let name = |found: object_store::ObjectMeta| {
            let mut parts = found.location.prefix_match(&folder)?;
            let account = parts.next()?.as_ref().to_owned();
            let taken = parts.next()?.as_ref().strip_suffix(".json")?.to_owned();
            (parts.next().is_none() && is_time(&taken)).then_some(Name { account, taken })
        };
        let mut names: Vec<_> = all.into_iter().filter_map(name).collect();
        names.sort_unstable();
        Ok(names)
    }

    /// One inventory's bytes.
    ///
    /// # Errors
    /// It is gone; what the store says.
    pub fn inventory(&self, name: &Name) -> Result<Vec<u8>> {
        Ok(self.block_on(self.location().get(&name.path()))?.to_vec())
    }
}

fn is_time(text: &str) -> bool {
    let digits = |part: Option<&str>| part.is_some_and(|part| part.bytes().all(|byte| byte.is_ascii_digit()));
    text.len() == 16
        && digits(text.get(..8))
        && digits(text.get(9..15))
        && text.get(8..9) == Some("T")
        && text.ends_with('Z')
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::location::Aws;

    #[test]
    fn inventories_are_a_history_and_strangers_are_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("lake");
        let lake = Lake::open_for_writing(place.to_str().unwrap(), &Aws::default()).unwrap();
        assert_eq!(lake.inventories().unwrap(), []);
        let name = |taken: &str| Name { account: "111111111111".to_owned(), taken: taken.to_owned() };
        let (old, new) = (name("20261101T000000Z"), name("20261102T000000Z"));
        assert!(
            lake.keep_inventory(&new, b"new".to_vec()).unwrap() && lake.keep_inventory(&old, b"old".to_vec()).unwrap()
        );
        assert!(!lake.keep_inventory(&old, b"other".to_vec()).unwrap());
        for stranger in ["README", "111111111111/notes.json", "111111111111/20261101T000000Z.json.tmp"] {
            std::fs::write(place.join(FOLDER).join(stranger), "x").unwrap();
        }
        assert_eq!(lake.inventories().unwrap(), [old.clone(), new]);
        assert_eq!(lake.inventory(&old).unwrap(), b"old");
    }
}
