//! Access keys: what the logs and the credential report know of each.
//!
//! The report names no key ids. A key of the logs and a slot of the report are joined only where there is one of each.

use std::collections::{BTreeMap, BTreeSet};

use super::doubt::Doubts;
use super::{KeyReport, Options, Why};
use crate::instant::DAY;
use crate::inventory::{Credentials, Inventory, ReportedKey};
use crate::usage::{AccessKey, LastUsed, account_of};

/// The credential report's row of a user.
pub(super) fn of<'a>(inventories: &'a [Inventory], arn: &str) -> Option<&'a Credentials> {
    inventories.iter().find_map(|inventory| inventory.credentials.get(arn))
}

/// Every long-term key known, by owner, id and slot.
pub(super) fn keys(
    usage: &LastUsed,
    inventories: &[Inventory],
    doubts: &Doubts<'_>,
    options: &Options,
) -> Vec<KeyReport> {
    let mut logged: BTreeMap<&str, Vec<(&str, &AccessKey)>> = BTreeMap::new();
    for (id, key) in usage.access_keys() {
        logged.entry(&key.principal).or_default().push((id, key));
    }
    let mut reported: BTreeMap<&str, &Credentials> = BTreeMap::new();
    for inventory in inventories {
        reported.extend(inventory.credentials.iter().map(|(arn, found)| (arn.as_str(), found)));
    }
    let owners: BTreeSet<&str> = logged.keys().chain(reported.keys()).copied().collect();
    let mut keys = Vec::new();
    for owner in owners {
        let seen = logged.get(owner).map(Vec::as_slice).unwrap_or_default();
        let slots = reported.get(owner).map(|found| found.keys.as_slice()).unwrap_or_default();
        match (seen, slots) {
            ([one], [slot]) => keys.push(key(owner, Some(*one), Some(slot))),
            _ => {
                keys.extend(seen.iter().map(|one| key(owner, Some(*one), None)));
                keys.extend(slots.iter().map(|slot| key(owner, None, Some(slot))));
            }
        }
    }
    // What was used after the report was made is for the logs to say.
    let is_old = |inventory: &&Inventory| inventory.taken.is_some_and(|taken| taken <= options.now - DAY);
    let old: BTreeSet<&str> = inventories.iter().filter(is_old).map(Inventory::account).collect();
    for key in &mut keys {
        let is_old = account_of(&key.principal).is_some_and(|account| old.contains(account));
        key.unused = why(key, is_old, doubts, options);
    }
    keys
}

fn key(owner: &str, seen: Option<(&str, &AccessKey)>, slot: Option<&ReportedKey>) -> KeyReport {
    KeyReport {
        access_key_id: seen.map(|(id, _)| id.to_owned()),
        principal: owner.to_owned(),
        slot: slot.map(|slot| slot.slot),
        active: slot.map(|slot| slot.active),
        last_rotated: slot.and_then(|slot| slot.last_rotated),
        first: seen.map(|(_, key)| key.first),
        last_used: seen.map(|(_, key)| key.last).max(slot.and_then(|slot| slot.last_used)),
        last_logged: seen.map(|(_, key)| key.last),
        count: seen.map_or(0, |(_, key)| key.count),
        unused: None,
    }
}

fn why(key: &KeyReport, is_old: bool, doubts: &Doubts<'_>, options: &Options) -> Option<Why> {
    let from = options.from();
    if key.last_used.is_some_and(|time| time >= from) || key.active == Some(false) {
        return None;
    }
    if key.last_rotated.is_some_and(|time| time > from) {
        return Some(Why::GrantedTooRecently);
    }
    // The credential report sees every request until it was made; the logs alone see what they cover.
    if key.active.is_some() && !is_old {
        return Some(Why::NotUsed);
    }
    Some(doubts.of_account(account_of(&key.principal).unwrap_or_default()).unwrap_or(Why::NotUsed))
}
