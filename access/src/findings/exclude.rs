//! Findings that somebody has looked at and accepted, with the reason.
//!
//! A list of `{"principal": PATTERN, "account": …, "tag": "KEY=VALUE", "type": …, "reason": …}`; all that a line says must
//! hold, and the reason must be there. `*` and `?` are wildcards in `principal`.

use serde::{Deserialize, Serialize};

use super::{Finding, Kind};
use crate::inventory::Inventory;

/// One accepted kind of finding.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Exclusion {
    /// ARN, with wildcards.
    #[serde(default)]
    pub principal: Option<String>,
    /// Account.
    #[serde(default)]
    pub account: Option<String>,
    /// `KEY=VALUE` of the principal's tags.
    #[serde(default)]
    pub tag: Option<String>,
    /// Kind of finding.
    #[serde(default, rename = "type")]
    pub kind: Option<String>,
    /// Why it is accepted.
    pub reason: String,
}

/// A finding left out, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Excluded {
    /// The finding.
    pub finding: Finding,
    /// The reason given.
    pub reason: String,
}

/// Reads the list.
///
/// # Errors
/// With a sentence for the user: what is wrong and what is expected.
pub fn parse(text: &str, source_name: &str) -> Result<Vec<Exclusion>, String> {
    let form = "expected a list of {\"principal\": …, \"account\": …, \"tag\": …, \"type\": …, \"reason\": …}";
    let list: Vec<Exclusion> = serde_json::from_str(text.trim_start_matches('\u{feff}'))
        .map_err(|reason| format!("{source_name}: {reason}; {form}"))?;
    for (at, one) in list.iter().enumerate() {
        let says_nothing = [&one.principal, &one.account, &one.tag, &one.kind].iter().all(|part| part.is_none());
        if one.reason.trim().is_empty() || says_nothing {
            return Err(format!(
                "{source_name}: [{at}]: give a reason, and at least one of principal, account, tag, type"
            ));
        }
        one.check().map_err(|reason| format!("{source_name}: [{at}]: {reason}"))?;
    }
    Ok(list)
}

/// Takes the accepted findings out of a list.
pub fn apply(found: Vec<Finding>, list: &[Exclusion], inventories: &[Inventory]) -> (Vec<Finding>, Vec<Excluded>) {
    let (mut kept, mut excluded) = (Vec::new(), Vec::new());
    for finding in found {
        match list.iter().find(|one| one.covers(&finding, inventories)) {
            Some(one) => excluded.push(Excluded { finding, reason: one.reason.clone() }),
            None => kept.push(finding),
        }
    }
    (kept, excluded)
}

/// The places of the entries that accepted nothing: mistyped, or no longer needed.
pub fn idle(excluded: &[Excluded], list: &[Exclusion], inventories: &[Inventory]) -> Vec<usize> {
    let used = |one: &Exclusion| excluded.iter().any(|found| one.covers(&found.finding, inventories));
    list.iter().enumerate().filter(|(_, one)| !used(one)).map(|(at, _)| at).collect()
}

impl Exclusion {
    /// What would never fit is a mistake, and would leave its finding unaccepted without a word.
    fn check(&self) -> Result<(), String> {
        if let Some(kind) = &self.kind {
            let known: Result<Kind, _> = serde_json::from_value(kind.as_str().into());
            known.map_err(|reason| format!("type {kind:?} is no kind of finding: {reason}"))?;
        }
        if let Some(principal) = self.principal.as_deref().filter(|pattern| !may_be_arn(pattern)) {
            let form = "give an ARN such as arn:aws:iam::111122223333:user/ann, or a pattern such as *:user/ann";
            return Err(format!("principal {principal:?} fits no ARN of IAM: {form}"));
        }
        if let Some(account) = self.account.as_deref().filter(|account| !is_account(account)) {
            return Err(format!("account {account:?} is no account: give its twelve digits"));
        }
        match self.tag.as_deref().map(|tag| tag.split_once('=')) {
            Some(None | Some(("", _))) => Err("tag: give KEY=VALUE".to_owned()),
            _ => Ok(()),
        }
    }

    fn covers(&self, finding: &Finding, inventories: &[Inventory]) -> bool {
        let kind = serde_json::to_value(finding.kind).ok();
        let is_kind = |wanted: &String| kind.as_ref().and_then(|kind| kind.as_str()) == Some(wanted);
        let has_tag = |wanted: &String| {
            let (key, value) = wanted.split_once('=').unwrap_or((wanted, ""));
            let entity = inventories.iter().find_map(|inventory| inventory.entity(&finding.principal));
            entity.is_some_and(|entity| entity.tags.get(key).is_some_and(|found| found == value))
        };
        self.principal.as_ref().is_none_or(|pattern| ingest::action::matches(pattern, &finding.principal))
            && self.account.as_ref().is_none_or(|account| *account == finding.account)
            && self.kind.as_ref().is_none_or(is_kind)
            && self.tag.as_ref().is_none_or(has_tag)
    }
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a pattern may fit the ARN of something in IAM: its parts are looked at as far as they have no wildcard.
fn may_be_arn(pattern: &str) -> bool {
    let plain = pattern.find(['*', '?']).map_or(pattern, |at| pattern.get(..at).unwrap_or_default());
    let whole = plain.len() == pattern.len();
    let parts: Vec<&str> = plain.splitn(6, ':').collect();
    // The last part that stands before a wildcard may go on.
    let cut = parts.len() - 1;
    let fits = |at: usize, ends: &dyn Fn(&str) -> bool, begins: &dyn Fn(&str) -> bool| match parts.get(at) {
        None => !whole,
        Some(part) if whole || at < cut => ends(part),
        Some(part) => begins(part),
    };
    let is_region = |part: &str| part.is_empty();
    fits(0, &|part| part == "arn", &|part| "arn".starts_with(part))
        && fits(1, &|part| part.starts_with("aws"), &|part| part.starts_with("aws") || "aws".starts_with(part))
        && fits(2, &|part| part == "iam", &|part| "iam".starts_with(part))
        && fits(3, &is_region, &is_region)
        && fits(4, &|part| is_account(part) || part == "aws", &|part| {
            part.len() <= 12 && part.bytes().all(|byte| byte.is_ascii_digit()) || "aws".starts_with(part)
        })
        && fits(5, &|part| !part.is_empty(), &|_| true)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::findings::Kind;

    #[test]
    fn what_is_accepted_is_left_out_with_its_reason() {
        let finding =
            |name: &str| Finding::new(Kind::UserDirectPolicy, &format!("arn:aws:iam::111111111111:user/{name}"), "");
        let list =
            parse(r#"[{"principal": "*:user/break-*", "type": "user_direct_policy", "reason": "break glass"}]"#, "x")
                .unwrap();
        let (kept, excluded) = apply(vec![finding("break-glass"), finding("ann")], &list, &[]);
        assert_eq!((kept.len(), excluded[0].reason.as_str()), (1, "break glass"));
        for text in [
            "{}",
            r#"[{"reason": "x"}]"#,
            r#"[{"account": "1", "reason": " "}]"#,
            r#"[{"acount": "1", "reason": "x"}]"#,
            r#"[{"type": "user_direct_polcy", "reason": "x"}]"#,
            r#"[{"account": "12345", "reason": "x"}]"#,
            r#"[{"tag": "team", "reason": "x"}]"#,
            r#"[{"type": "unused_role", "type": "unused_role", "reason": "x"}]"#,
        ] {
            assert!(parse(text, "x.json").unwrap_err().starts_with("x.json: "), "{text}");
        }
        let told = parse(r#"[{"type": "unusd_role", "reason": "x"}]"#, "x.json").unwrap_err();
        assert!(told.contains("\"unusd_role\"") && told.contains("`unused_role`"), "{told}");
        let never = parse(r#"[{"principal": "*/nobody", "reason": "x"}]"#, "x").unwrap();
        let both: Vec<_> = list.iter().chain(&never).cloned().collect();
        assert_eq!(idle(&excluded, &both, &[]), [1]);
    }

    #[test]
    fn a_pattern_must_be_able_to_fit_an_arn() {
        for good in [
            "*",
            "*:user/break-*",
            "?rn:aws:iam::*",
            "arn:aws:iam::111122223333:user/ann",
            "arn:aws-us-gov:iam::111122223333:role/x/*",
            "arn:*",
            "a*",
            "arn:aws:iam::1111*:root",
            "arn:aws:iam::aws:policy/*",
            "arn:aws*:user/ann",
        ] {
            assert!(may_be_arn(good), "{good}");
        }
        for bad in [
            "",
            "ann",
            "user/ann*",
            "arn:aws:iam:111122223333:user/ann",
            "arn:aws:iam::1234:user/ann",
            "arn:aws:s3:::bucket",
            "arn:aws:iam::111122223333",
            "arn:aws:iam::111122223333:",
            "arn:aws:sts::*",
            "arn:aws:iam::11112222333344*",
        ] {
            assert!(!may_be_arn(bad), "{bad}");
        }
    }
}
