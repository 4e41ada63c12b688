//! The reading and listing actions beside those that were used.

use std::collections::BTreeSet;

use ingest::action::{self, Level};

use super::Needs;

/// Adds `Get…`, `List…`, `Describe…` of a noun whose action was used, on the same resources.
pub(super) fn add(needs: &mut Needs) {
    let mut more = Needs::new();
    for (used, found) in needs.iter() {
        let Some((service, name)) = used.split_once(':') else { continue };
        let noun = noun(name);
        for other in action::actions_of(service) {
            let reads = matches!(other.level, Level::Read | Level::List);
            let of_noun = other.name.split_once(':').is_some_and(|(_, name)| self::noun(name) == noun);
            if reads && of_noun && !needs.contains_key(other.name) {
                let resources =
                    if other.resource_types.is_empty() { BTreeSet::from(["*".to_owned()]) } else { found.clone() };
                more.entry(other.name.to_owned()).or_default().extend(resources);
            }
        }
    }
    needs.extend(more);
}

/// The noun of an action's name, in the singular: `Queue` of `CreateQueue` and `ListQueues`.
fn noun(name: &str) -> &str {
    let start = name.char_indices().skip(1).find(|(_, char)| char.is_ascii_uppercase()).map_or(0, |(at, _)| at);
    let noun = name.get(start..).unwrap_or(name);
    noun.strip_suffix('s').unwrap_or(noun)
}
