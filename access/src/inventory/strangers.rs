//! Rows of files that tell of an account whose grants are not given: told, never counted for another.

use std::collections::BTreeMap;

use super::Inventory;

/// Rows of accounts that are not given, counted by account.
#[derive(Debug, Default)]
pub(super) struct Strangers(BTreeMap<String, u64>);

impl Strangers {
    /// The inventory that an ARN belongs to: of its account; the first where that one tells no account. Where there is none, the
    /// row is counted.
    pub(super) fn place<'a>(&mut self, found: &'a mut [Inventory], arn: &str) -> Option<&'a mut Inventory> {
        let account = crate::usage::account_of(arn).unwrap_or_default();
        let is_it = |inventory: &Inventory| inventory.account() == account || inventory.account().is_empty();
        let at = found.iter().position(is_it);
        if at.is_none() {
            *self.0.entry(account.to_owned()).or_default() += 1;
        }
        found.get_mut(at?)
    }

    /// Warns of what had no place.
    pub(super) fn warn(self, found: &mut [Inventory], what: &str, source_name: &str) {
        let known = found.iter().map(Inventory::account).collect::<Vec<_>>().join(", ");
        let warning = |(account, rows): (&String, &u64)| {
            let of = if account.is_empty() { "no account".to_owned() } else { format!("account {account}") };
            let next = "give the file of that account, or the grants of this one too";
            format!("{source_name}: {rows} {what} of {of} not counted, because the grants are of {known}: {next}")
        };
        let warnings: Vec<String> = self.0.iter().map(warning).collect();
        if let Some(first) = found.first_mut() {
            first.warnings.extend(warnings);
        }
    }
}
