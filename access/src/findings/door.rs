//! The trust policy of a role as a door: whether somebody of another account gets through, and what is asked of him.
//!
//! Strangers are made up of what the policy names, and the policy is asked as AWS would: with everything open that nobody knows
//! (organisations, external ids, tags), so that only who certainly stays outside is no outsider. What may narrow it stands
//! beside it in the policy's own words.

use std::collections::BTreeSet;

use serde_json::Value;

use super::trust::{names, texts};
use crate::inventory::Entity;
use crate::policy::document::Kept;
use crate::policy::evaluate::Outcome;
use crate::policy::{ActionName, Caller, Context, Document, Effect, Guards, Mode, Principal, Request, Statement};

/// An account that nobody has.
const NOBODYS: &str = "000000000000";
/// A condition key whose values a report does not repeat: AWS does not call the id a secret, and some do.
const EXTERNAL_ID: &str = "sts:ExternalId";

/// What is asked of the policy.
const ASSUME: &str = "sts:AssumeRole";

/// A role's trust policy, ready to be asked.
pub(super) struct Door<'a> {
    entity: &'a Entity,
    trust: &'a Document,
    guards: Guards,
    /// A policy that allows everything: what the stranger's own account thinks of it is not for this account to say.
    anything: Document,
}

impl<'a> Door<'a> {
    pub(super) fn new(entity: &'a Entity, trust: &'a Document) -> Door<'a> {
        let anything = r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}"#;
        let nothing = Document { version: None, id: None, statements: Vec::new() };
        let anything = Document::parse_text(anything).unwrap_or(nothing);
        Door { entity, trust, guards: Guards::none().with_policy(trust, "trust"), anything }
    }

    /// Whether somebody of another account whom a principal of it names may assume the role.
    pub(super) fn lets_in(&self, name: &str) -> bool {
        self.strangers(name).iter().any(|arn| self.admits(arn))
    }

    /// Whether a Deny without a condition keeps everybody from whatever its Allow statements allow.
    pub(super) fn is_shut_for_all(&self) -> bool {
        let actions = [ASSUME, "sts:AssumeRoleWithSAML", "sts:AssumeRoleWithWebIdentity"];
        let none = Context::default();
        let all = |statement: &Statement| {
            let everybody = |name: &(String, String)| name.1 == "*";
            statement.condition.is_none()
                && statement.principal.as_ref().is_some_and(|principal| names(&principal.value()).iter().any(everybody))
        };
        actions.iter().all(|action| {
            let mut denied = self.trust.admitting(action, Effect::Deny, &none);
            self.trust.admitting(action, Effect::Allow, &none).next().is_none() || denied.any(all)
        })
    }

    fn admits(&self, arn: &str) -> bool {
        let caller = Caller::new(arn);
        let mut context = Context::default();
        context.set("aws:PrincipalArn", arn);
        context.set("aws:PrincipalAccount", &caller.account);
        let request = Request {
            action: &ActionName::new(ASSUME),
            resource: &self.entity.arn,
            resource_account: self.entity.account(),
            context: &context,
            mode: &Mode::Hopeful,
        };
        let stranger = Principal::new(caller, &[("anything", &self.anything)]);
        stranger.decide(&request, &self.guards).outcome == Outcome::Allowed
    }

    /// Principals of other accounts whom a name means: itself, some role of an account, and of everybody whomever the
    /// conditions name.
    fn strangers(&self, name: &str) -> BTreeSet<String> {
        let own = self.entity.account();
        let partition = self.entity.arn.split(':').nth(1).unwrap_or("aws");
        let role = |account: &str| format!("arn:{partition}:iam::{account}:role/somebody");
        let is_account = |text: &str| text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit());
        let mut found = BTreeSet::new();
        let account = crate::usage::account_of(name);
        if let Some(account) = account {
            found.insert(if is_account(name) || name.ends_with(":root") { role(account) } else { name.to_owned() });
        } else if name == "*" {
            found.insert(role(NOBODYS));
        } else {
            return found;
        }
        // Whom a Deny leaves out is let in.
        let denials = self.trust.statements.iter().filter(|one| one.effect == Effect::Deny);
        let spared = denials.filter_map(|one| one.not_principal.as_ref()).flat_map(|but| names(&but.value()));
        found.extend(spared.map(|(_, name)| name).filter(|name| name.starts_with("arn:") && !name.ends_with(":root")));
        for value in self.values(&["aws:principalaccount", "aws:principalarn", "aws:sourceaccount"]) {
            let theirs = account.unwrap_or(NOBODYS);
            // `*:user/ann`, `arn:aws:iam::*/ci`, `2222*`: whoever of an account fits.
            if let Some(rest) = value.strip_prefix('*').filter(|rest| rest.starts_with(':')) {
                found.insert(format!("arn:{partition}:iam::{theirs}{}", rest.replace(['*', '?'], "x")));
            }
            if let Some((front, rest)) = value.split_once("::*/") {
                let kind = if rest.contains('/') { "" } else { "role/" };
                found.insert(format!("{front}::{theirs}:{kind}{}", rest.replace(['*', '?'], "x")));
            }
            if let Some(digits) = value.strip_suffix('*').filter(|digits| digits.bytes().all(|b| b.is_ascii_digit())) {
                found.insert(role(&format!("{digits:0<12}")));
            }
            let parts: Vec<&str> = value.splitn(6, ':').collect();
            let wild = |part: &str| part.contains(['*', '?']);
            if is_account(&value) {
                found.insert(role(&value));
            } else if let ["arn", .., theirs, rest] = parts.as_slice()
                && parts.len() == 6
            {
                let digits = theirs.strip_suffix('*').filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
                let theirs = match digits.filter(|digits| !digits.is_empty()) {
                    Some(digits) => format!("{digits:0<12}"),
                    None if wild(theirs) => account.unwrap_or(NOBODYS).to_owned(),
                    None => (*theirs).to_owned(),
                };
                let rest = rest.replace('*', "somebody").replace('?', "x");
                found.insert(format!("arn:{partition}:iam::{theirs}:{rest}"));
            }
        }
        // Of an account, whoever the conditions name is of it or no stranger that is meant here.
        let of = |arn: &String| crate::usage::account_of(arn).map(str::to_owned);
        found.retain(|arn| of(arn).is_some_and(|is| is != own && account.is_none_or(|account| account == is)));
        found
    }

    /// Values that the policy's conditions compare some keys (in lower case) with.
    fn values(&self, keys: &[&str]) -> Vec<String> {
        let conditions = self.trust.statements.iter().filter_map(|statement| statement.condition.as_ref());
        let mut found = Vec::new();
        for condition in conditions.map(Kept::members) {
            let asked = condition.values().filter_map(Value::as_object).flatten();
            let asked = asked.filter(|(key, _)| keys.contains(&key.to_ascii_lowercase().as_str()));
            found.extend(asked.flat_map(|(_, value)| texts(value)));
        }
        found
    }

    /// What narrows whom an Allow statement lets in, in the words of the policy; empty where nothing does.
    pub(super) fn narrowed(&self, allow: &Statement) -> String {
        let mut said = words(allow);
        let none = Context::default();
        for deny in self.trust.statements.iter().filter(|one| one.effect == Effect::Deny && one.condition.is_some()) {
            let alone = Document {
                version: None,
                id: None,
                statements: vec![Statement { effect: Effect::Allow, ..deny.clone() }],
            };
            if alone.admitting(ASSUME, Effect::Allow, &none).next().is_some() {
                said.push(format!("denied where {}", words(deny).join(" and ")));
            }
        }
        if said.is_empty() { String::new() } else { format!(", under a condition ({})", said.join("; ")) }
    }
}

/// The conditions of a statement: operator, key and values.
fn words(statement: &Statement) -> Vec<String> {
    let mut said = Vec::new();
    for (operator, keys) in statement.condition.iter().flat_map(Kept::members) {
        for (key, value) in keys.as_object().into_iter().flatten() {
            let values = if key.eq_ignore_ascii_case(EXTERNAL_ID) { Vec::new() } else { texts(value) };
            said.push([vec![operator.clone(), key.clone()], values].concat().join(" "));
        }
    }
    said
}
