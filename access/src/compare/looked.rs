//! Whether a thing that an earlier report had would have been seen this time.
//!
//! A report without the credential report has no finding on keys. That is not to say that the keys were rotated.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::{Thing, What};
use crate::audit::Audit;
use crate::inventory::Given;

/// Inputs of a report, by account.
#[derive(Debug, Default)]
pub(super) struct Looked<'a>(BTreeMap<&'a str, BTreeSet<&'a str>>);

/// Inputs as an earlier report wrote them. Names of inputs that this version does not know are kept as they are.
#[derive(Debug, Deserialize)]
pub(super) struct OldInputs {
    account: String,
    given: Vec<String>,
}

impl<'a> Looked<'a> {
    pub(super) fn of(audit: &'a Audit) -> Looked<'a> {
        let names = |given: &BTreeSet<Given>| given.iter().map(|one| one.as_str()).collect();
        Looked(audit.inputs.iter().map(|one| (one.account.as_str(), names(&one.given))).collect())
    }

    pub(super) fn of_old(inputs: &'a [OldInputs]) -> Looked<'a> {
        let names = |given: &'a [String]| given.iter().map(String::as_str).collect();
        Looked(inputs.iter().map(|one| (one.account.as_str(), names(&one.given))).collect())
    }

    /// Whether all inputs that would show a thing were there. What names no account is seen where any account's are.
    pub(super) fn at(&self, thing: &Thing) -> bool {
        let account = crate::usage::account_of(&thing.principal);
        let mut accounts = self.0.iter().filter(|(of, _)| account.is_none_or(|account| account == **of));
        accounts.any(|(_, given)| needs(thing).iter().all(|need| given.contains(need.as_str())))
    }

    /// Which inputs that show use a thing's account has.
    fn shows_use(&self, thing: &Thing) -> BTreeSet<&'a str> {
        let account = crate::usage::account_of(&thing.principal).unwrap_or_default();
        let is_shown = |input: &&str| USE.iter().any(|given| given.as_str() == *input);
        self.0.get(account).into_iter().flatten().copied().filter(is_shown).collect()
    }

    /// Why a thing is new, other than that it appeared: it says that nothing was used, and what shows use was not given to
    /// one of the reports.
    pub(super) fn why_new(&self, before: &Looked<'_>, thing: &Thing) -> Option<&'static str> {
        let rests = matches!(thing.what, What::UnusedPrincipal | What::UnusedService) || thing.kind == "unused_role";
        let (now, then) = (self.shows_use(thing), before.shows_use(thing));
        match (rests, then.difference(&now).next(), now.difference(&then).next()) {
            (true, Some(_), _) => Some("looked_at_less"),
            (true, None, Some(_)) => Some("not_looked_at_before"),
            _ => None,
        }
    }

    /// Whether an account's principals are all there, of this one's kind.
    pub(super) fn knows_principals_of(&self, principal: &str) -> bool {
        let needed = if principal.contains(":role/") { Given::Roles } else { Given::Grants };
        let account = crate::usage::account_of(principal).unwrap_or_default();
        self.0.get(account).is_some_and(|given| given.contains(needed.as_str()))
    }
}

/// Beside events: what shows use, so that without it more rests.
const USE: [Given; 3] = [Given::CredentialReport, Given::ServiceLastAccessed, Given::Users];

/// What must have been given for a thing to be seen.
fn needs(thing: &Thing) -> &'static [Given] {
    use Given::{CredentialReport, Events, Grants, InstanceProfiles, PasswordPolicy, Roles, VirtualMfaDevices};
    match thing.what {
        What::UnusedPrincipal | What::UnusedService => &[Grants, Events],
        What::UnusedGroup | What::UnusedPolicy => &[Grants],
        What::Risk if thing.kind == "external_trust" => &[Roles],
        What::Risk => &[Grants],
        What::Finding | What::Observation => match thing.kind.as_str() {
            "root_use" | "console_login_without_mfa" | "console_login_failed" | "access_key_on_instance" => &[Events],
            "unused_role" => &[Roles, Events],
            "broad_policy_little_used" => &[Grants, Events],
            "passwords_too_short" | "passwords_may_come_back" => &[PasswordPolicy],
            "root_virtual_mfa" => &[CredentialReport, VirtualMfaDevices],
            "no_support_role" | "no_access_analyzer" => &[Roles],
            "passwords_beside_single_sign_on" => &[Roles, CredentialReport, Events],
            "instance_profile_without_role" => &[InstanceProfiles],
            "user_direct_policy"
            | "cloud_shell_full_access"
            | "compromised_key_quarantine"
            | "bucket_arn_without_objects"
            | "mfa_without_if_exists"
            | "for_all_values_allows"
            | "allows_all_but" => &[Grants],
            _ => &[CredentialReport],
        },
    }
}
