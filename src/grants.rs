//! From the flags that name inventories, or a lake that keeps them, to inventories.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use access::inventory::{self, Error, Inventory};
use lake::Lake;

use crate::cli::GrantArgs;
use crate::intake::Events;
use crate::outcome::Failure;

/// More is no inventory of one account: IAM's quotas keep it far below.
const FILE_BYTES_MAX: u64 = 2 << 30;

/// A file's text.
///
/// # Errors
/// It is not there, is no file, is too large or is no text: each with the next step.
pub(crate) fn read(path: &Path) -> Result<String, Failure> {
    let failed = |why: String| Failure::Io(format!("{}: {why}", path.display()));
    let about = std::fs::metadata(path).map_err(|error| failed(format!("{error}; check the path")))?;
    if about.is_dir() {
        return Err(failed("a folder; name the file in it".to_owned()));
    }
    if about.len() > FILE_BYTES_MAX {
        let next = "is it the file that you meant? Give one account's at a time";
        return Err(failed(format!("{} MiB, which no account's inventory has; {next}", about.len() >> 20)));
    }
    let bytes = std::fs::read(path).map_err(|error| failed(format!("{error}; check the path")))?;
    if bytes.starts_with(&[0x1f, 0x8b]) {
        return Err(failed("compressed with gzip; decompress it first".to_owned()));
    }
    if is_utf16(&bytes) {
        return Err(failed("UTF-16, as some shells write by `>`; save it as UTF-8".to_owned()));
    }
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        failed(format!("no text: byte {at} is not UTF-8; give the command's JSON or CSV as it was printed"))
    })
}

/// Whether text has two bytes a letter: it says so, or one of its first two letters' bytes is zero.
fn is_utf16(bytes: &[u8]) -> bool {
    let says_so = bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]);
    let zeros = bytes.iter().take(4).map(|byte| *byte == 0);
    says_so || zeros.clone().eq([true, false, true, false]) || zeros.eq([false, true, false, true])
}

/// The inventories that the flags name; where they name none, the newest of each account in the lake.
///
/// # Errors
/// What cannot be read, with its reason and next step.
pub(crate) fn inventories(args: &GrantArgs, events: Option<&Events>) -> Result<Vec<Inventory>, Failure> {
    let mut found: Vec<Inventory> = Vec::new();
    for path in &args.grants {
        let one = Inventory::parse(&read(path)?, &path.display().to_string()).map_err(wrong)?;
        // Of one account are pages that were kept apart: they name each other's policies.
        let same = |known: &&mut Inventory| !one.account().is_empty() && known.account() == one.account();
        match found.iter_mut().find(same) {
            Some(known) => known.absorb(one),
            None => found.push(one),
        }
    }
    if let (true, Some(Events::Lake(lake, _))) = (found.is_empty(), events) {
        found = kept(lake)?;
    }
    if found.is_empty() {
        if let Some(flag) = needs_grants(args) {
            return Err(Failure::Usage(format!("{flag} says nothing without --grants: give that too")));
        }
        if args.list_users.is_some() || !args.service_last_accessed.is_empty() {
            found.push(Inventory::default());
        }
    }
    beside(args, &mut found)?;
    Ok(found)
}

fn wrong(error: Error) -> Failure {
    Failure::Usage(error.to_string())
}

/// The first flag that names something of the grants, where one is given.
pub(crate) fn given(args: &GrantArgs) -> Option<&'static str> {
    let lists = [
        (!args.grants.is_empty(), "--grants"),
        (args.list_users.is_some(), "--list-users"),
        (!args.service_last_accessed.is_empty(), "--service-last-accessed"),
    ];
    lists.into_iter().find(|(given, _)| *given).map(|(_, flag)| flag).or_else(|| needs_grants(args))
}

/// A flag that is no use by itself.
fn needs_grants(args: &GrantArgs) -> Option<&'static str> {
    let given = [
        (args.scps.is_some(), "--scps"),
        (args.credential_report.is_some(), "--credential-report"),
        (args.password_policy.is_some(), "--password-policy"),
        (args.instance_profiles.is_some(), "--instance-profiles"),
        (args.virtual_mfa_devices.is_some(), "--virtual-mfa-devices"),
    ];
    given.into_iter().find(|(given, _)| *given).map(|(_, flag)| flag)
}

/// The newest inventory of each account.
fn kept(lake: &Lake) -> Result<Vec<Inventory>, Failure> {
    let mut newest: BTreeMap<String, lake::inventory::Name> = BTreeMap::new();
    // By time, so that the last one stays.
    newest.extend(lake.inventories()?.into_iter().map(|name| (name.account.clone(), name)));
    let read = |name: &lake::inventory::Name| {
        let place = format!("{}/{}", lake.location().name(), name.path());
        let text = String::from_utf8(lake.inventory(name)?)
            .map_err(|_| Failure::Usage(format!("{place}: no text; take the inventory again, or give --grants")))?;
        Inventory::parse(&text, &place).map_err(wrong)
    };
    newest.values().map(read).collect()
}

/// Adds what stands in files of its own. Policies of the organisation hold for every account that is given, the others for
/// the account that they name, or the first.
fn beside(args: &GrantArgs, found: &mut [Inventory]) -> Result<(), Failure> {
    let name = |path: &PathBuf| path.display().to_string();
    if let Some(path) = &args.scps {
        let text = read(path)?;
        found.iter_mut().try_for_each(|inventory| inventory.add_scps(&text, &name(path))).map_err(wrong)?;
    }
    if let Some(path) = &args.credential_report {
        inventory::add_credential_report(found, &read(path)?, &name(path)).map_err(wrong)?;
    }
    for one in &args.service_last_accessed {
        last_accessed(one, found)?;
    }
    if let Some(path) = &args.list_users {
        inventory::add_users(found, &read(path)?, &name(path)).map_err(wrong)?;
    }
    let Some(first) = found.first_mut() else { return Ok(()) };
    if let Some(path) = &args.password_policy {
        first.add_password_policy(&read(path)?, &name(path)).map_err(wrong)?;
    }
    if let Some(path) = &args.instance_profiles {
        first.add_instance_profiles(&read(path)?, &name(path)).map_err(wrong)?;
    }
    if let Some(path) = &args.virtual_mfa_devices {
        first.add_virtual_mfa_devices(&read(path)?, &name(path)).map_err(wrong)?;
    }
    Ok(())
}

fn last_accessed(given: &str, found: &mut [Inventory]) -> Result<(), Failure> {
    let (principal, path) = match given.split_once('=').filter(|(arn, _)| arn.starts_with("arn:")) {
        Some((arn, path)) => (Some(arn), path),
        None => (None, given),
    };
    if path.is_empty() {
        return Err(Failure::Usage(format!("--service-last-accessed {given:?}: name the file behind the `=`")));
    }
    let text = read(Path::new(path))?;
    let mut apart = Inventory::default();
    apart.add_accessed(&text, principal, path).map_err(wrong)?;
    // Principals go to the inventory of their account; one of an account that is not given stays with the first.
    let given = apart.given;
    for (arn, accessed) in apart.accessed {
        let account = access::usage::account_of(&arn).unwrap_or_default();
        let at = found.iter().position(|inventory| inventory.account() == account).unwrap_or(0);
        let Some(inventory) = found.get_mut(at) else { continue };
        if inventory.entity(&arn).is_none() {
            inventory.entities.extend(apart.entities.iter().find(|entity| entity.arn == arn).cloned());
        }
        inventory.given.extend(&given);
        inventory.accessed.insert(arn, accessed);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_two_bytes_a_letter_is_known() {
        let of = |text: &str, big: bool| -> Vec<u8> {
            text.encode_utf16().flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect()
        };
        for text in ["{\"a\": 1}", "\u{feff}{}", "\u{feff}é"] {
            assert!(is_utf16(&of(text, true)) && is_utf16(&of(text, false)), "{text}");
        }
        assert!(!is_utf16(b"{\"a\": 1}") && !is_utf16("\u{feff}{}".as_bytes()) && !is_utf16(b"") && !is_utf16(&[0; 8]));
    }
}
