//! Principals that stand in the input more than once: pages that overlap, exports of one account given together.

use std::collections::HashMap;

use super::{Entity, Inventory};

impl Inventory {
    /// Keeps the first of each principal. That is told only where a later one says something else: then it is not used.
    pub(super) fn once(&mut self) {
        let mut places: HashMap<String, usize> = HashMap::new();
        let mut kept: Vec<Entity> = Vec::with_capacity(self.entities.len());
        let mut others = Vec::new();
        for entity in self.entities.drain(..) {
            let known = places.get(&entity.arn).and_then(|at| kept.get_mut(*at));
            match known {
                Some(first) => {
                    // Between two pages it may have been used; that is no other content.
                    let latest = |one: &Entity| one.role_last_used.as_ref().map(|used| used.time);
                    if latest(&entity) > latest(first) {
                        first.role_last_used.clone_from(&entity.role_last_used);
                    }
                    if *first != (Entity { role_last_used: first.role_last_used.clone(), ..entity }) {
                        others.push(first.arn.clone());
                    }
                }
                None => {
                    places.insert(entity.arn.clone(), kept.len());
                    kept.push(entity);
                }
            }
        }
        self.entities = kept;
        others.sort_unstable();
        others.dedup();
        if let Some(first) = others.first() {
            let more =
                if others.len() > 1 { format!(" and {} more stand", others.len() - 1) } else { " stands".to_owned() };
            let next = "give one export of each account";
            self.warnings.push(format!(
                "{first}{more} in the grants more than once with different contents; the first of each is used: {next}"
            ));
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::instant;

    #[test]
    fn only_what_differs_is_told() {
        let role = |name: &str, day: u32, group: &str| {
            json!({"Arn": format!("arn:aws:iam::111111111111:role/{name}"), "RoleName": name,
                "RoleLastUsed": {"LastUsedDate": format!("2026-01-0{day}T00:00:00Z")}, "Tags": [{"Key": "team", "Value": group}]})
        };
        let page = |roles: &[Value]| json!({"RoleDetailList": roles}).to_string();
        let parse = |text: String| Inventory::parse(&text, "gaad.json").unwrap();
        // Two pages of one file that overlap.
        let one = parse(page(&[role("a", 1, "x"), role("b", 1, "x")]) + &page(&[role("b", 3, "x"), role("c", 1, "x")]));
        let names: Vec<_> = one.entities.iter().map(|entity| entity.name.as_str()).collect();
        assert_eq!((names, one.warnings.len()), (vec!["a", "b", "c"], 0), "{:?}", one.warnings);
        let used = |inventory: &Inventory, at: usize| inventory.entities[at].role_last_used.as_ref().unwrap().time;
        assert_eq!(used(&one, 1), instant::parse("2026-01-03T00:00:00Z"));
        // Two files: one principal is another than before.
        let mut both = one.clone();
        both.absorb(parse(page(&[role("a", 2, "x"), role("c", 1, "y")])));
        assert_eq!((both.entities.len(), used(&both, 0)), (3, instant::parse("2026-01-02T00:00:00Z")));
        let [told] = both.warnings.as_slice() else { panic!("{:?}", both.warnings) };
        assert!(
            told.starts_with("arn:aws:iam::111111111111:role/c stands in the grants more than once with different"),
            "{told}"
        );
        assert_eq!(both.entities[2].tags["team"], "x");
    }
}
