//! Findings that somebody has looked at and accepted, with the reason.
//!
//! A list of `{"principal": PATTERN, "account": …, "tag": "KEY=VALUE", "type": …, "reason": …}`; all that a line says must
//! hold, and the reason must be there. `*` and `?` are wildcards in `principal`.

use serde::{Deserialize, Serialize};

use super::Finding;
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
    let list: Vec<Exclusion> =
        serde_json::from_str(text).map_err(|reason| format!("{source_name}: {reason}; {form}"))?;
    for (at, one) in list.iter().enumerate() {
        let says_nothing = [&one.principal, &one.account, &one.tag, &one.kind].iter().all(|part| part.is_none());
        if one.reason.trim().is_empty() || says_nothing {
            return Err(format!(
                "{source_name}: [{at}]: give a reason, and at least one of principal, account, tag, type"
            ));
        }
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

impl Exclusion {
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
        ] {
            assert!(parse(text, "x.json").unwrap_err().starts_with("x.json: "), "{text}");
        }
    }
}
