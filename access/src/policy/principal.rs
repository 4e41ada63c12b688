//! `Principal` and `NotPrincipal` of a resource policy: whom a statement speaks of, and how directly.
//!
//! Source: "AWS JSON policy elements: Principal" and "Policy evaluation for requests within a single account". Naming
//! the account only delegates to it: its own policies must allow as well. Naming a role reaches its sessions, but what
//! bounds a session (boundary, session policy) still does. Naming the user, the session or everybody is a grant of its
//! own. Wildcards in ARNs of principals stand for themselves.

use serde_json::Value as Json;

use super::arn;
use super::caller::{Caller, Kind};
use super::context::Context;

/// How directly a principal is named, weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Strength {
    /// By its account.
    Account,
    /// By the role behind the session.
    Role,
    /// Itself, or everybody.
    Direct,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Name {
    Everybody,
    Account(Box<str>),
    /// A user, a role, a session, a federated user, an identity provider.
    Arn {
        arn: Box<str>,
        caller: Box<Caller>,
    },
    /// `AIDA…`, `AROA…`: what stays where a principal was deleted.
    Id(Box<str>),
    Service(Box<str>),
    /// Nobody that signs requests as IAM knows them.
    Nobody,
}

/// The principals of a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Principals {
    names: Vec<Name>,
    except: bool,
}

impl Principals {
    /// Reads the element of a statement; `except` for `NotPrincipal`.
    pub(super) fn new(element: &Json, except: bool) -> Principals {
        let mut names = Vec::new();
        match element {
            Json::Object(kinds) => {
                for (kind, values) in kinds {
                    each(values, &mut |text| names.push(Name::new(kind, text)));
                }
            }
            other => each(other, &mut |text| names.push(Name::new("AWS", text))),
        }
        Principals { names, except }
    }

    /// Whether it is a `NotPrincipal`.
    pub(super) fn is_except(&self) -> bool {
        self.except
    }

    /// Whether a `NotPrincipal` of a Deny spares a caller. Source: "AWS JSON policy elements: NotPrincipal": all are denied
    /// "except the principal specified", so an account that stands beside its user spares that user and nobody else of it.
    /// Of a session AWS looks at account, role and session: it must be named, or its role together with its account.
    pub(super) fn spares(&self, caller: &Caller, context: &Context) -> bool {
        let named = |wanted| self.names.iter().any(|name| name.is(caller, context) == Some(wanted));
        let is_session = matches!(caller.kind, Kind::Session | Kind::Federated);
        let by_account = || named(Strength::Account) && !self.names.iter().any(|name| name.is_within(&caller.account));
        named(Strength::Direct) || (named(Strength::Role) && (!is_session || named(Strength::Account))) || by_account()
    }

    /// How the statement speaks of a caller; `None` where it does not.
    pub(super) fn speak_of(&self, caller: &Caller, context: &Context) -> Option<Strength> {
        let named = self.names.iter().filter_map(|name| name.is(caller, context)).max();
        match (self.except, named) {
            (false, named) => named,
            (true, None) => Some(Strength::Direct),
            (true, Some(_)) => None,
        }
    }
}

fn each(value: &Json, take: &mut dyn FnMut(&str)) {
    match value {
        Json::String(text) => take(text),
        Json::Array(list) => list.iter().filter_map(Json::as_str).for_each(take),
        _ => {}
    }
}

impl Name {
    fn new(kind: &str, text: &str) -> Name {
        let is_account = |text: &str| text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit());
        match kind.to_ascii_lowercase().as_str() {
            "service" => Name::Service(text.into()),
            "aws" if text == "*" => Name::Everybody,
            "aws" if is_account(text) => Name::Account(text.into()),
            "aws" if ["AIDA", "AROA"].iter().any(|front| text.starts_with(front)) => Name::Id(text.into()),
            "aws" | "federated" => match arn::split(text) {
                Some([.., account, "root"]) => Name::Account(account.into()),
                _ => Name::Arn { arn: text.into(), caller: Box::new(Caller::new(text)) },
            },
            _ => Name::Nobody,
        }
    }

    /// Whether it names one principal of an account.
    fn is_within(&self, account: &str) -> bool {
        matches!(self, Name::Arn { caller, .. } if *caller.account == *account)
    }

    fn is(&self, caller: &Caller, context: &Context) -> Option<Strength> {
        match self {
            Name::Everybody => Some(Strength::Direct),
            Name::Account(account) if **account == *caller.account => {
                Some(if caller.kind == Kind::Root { Strength::Direct } else { Strength::Account })
            }
            Name::Arn { arn, .. } if **arn == *caller.arn => {
                Some(if caller.kind == Kind::Role { Strength::Role } else { Strength::Direct })
            }
            Name::Arn { caller: named, .. } => named_behind(named, caller).then_some(Strength::Role),
            Name::Id(id) => {
                let own = context.single("aws:userid")?;
                let rest = own.strip_prefix(&**id)?;
                match rest.chars().next() {
                    None => Some(Strength::Direct),
                    Some(':') => Some(Strength::Role),
                    Some(_) => None,
                }
            }
            Name::Service(service) => {
                (caller.kind == Kind::Service && **service == *caller.arn).then_some(Strength::Direct)
            }
            _ => None,
        }
    }
}

/// Whether the named role or user stands behind the caller's session. A session does not tell its role's path.
fn named_behind(named: &Caller, caller: &Caller) -> bool {
    let behind = match caller.kind {
        Kind::Session => Kind::Role,
        Kind::Federated => Kind::User,
        _ => return false,
    };
    named.kind == behind && named.account == caller.account && named.name == caller.name
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const USER: &str = "arn:aws:iam::111111111111:user/bob";
    const SESSION: &str = "arn:aws:sts::111111111111:assumed-role/app/s1";

    fn speak(element: Json, caller: &str, except: bool) -> Option<Strength> {
        let mut context = Context::default();
        context.set("aws:userid", "AROAX:s1");
        Principals::new(&element, except).speak_of(&Caller::new(caller), &context)
    }

    #[test]
    fn the_nearer_the_name_the_stronger() {
        for (element, caller, expected) in [
            (json!("*"), USER, Some(Strength::Direct)),
            (json!({"AWS": "*"}), SESSION, Some(Strength::Direct)),
            (json!({"AWS": "111111111111"}), USER, Some(Strength::Account)),
            (json!({"AWS": ["x", "arn:aws:iam::111111111111:root"]}), SESSION, Some(Strength::Account)),
            (json!({"AWS": "111111111111"}), "arn:aws:iam::111111111111:root", Some(Strength::Direct)),
            (json!({"AWS": "222222222222"}), USER, None),
            (json!({"AWS": USER}), USER, Some(Strength::Direct)),
            (json!(USER), USER, Some(Strength::Direct)),
            (json!({"AWS": "arn:aws:iam::111111111111:user/*"}), USER, None),
            (json!({"AWS": "arn:aws:iam::111111111111:role/path/app"}), SESSION, Some(Strength::Role)),
            (json!({"AWS": "arn:aws:iam::222222222222:role/app"}), SESSION, None),
            (json!({"AWS": SESSION}), SESSION, Some(Strength::Direct)),
            (json!({"AWS": "AROAX"}), SESSION, Some(Strength::Role)),
            (json!({"AWS": "AROAXY"}), SESSION, None),
            (json!({"Service": "lambda.amazonaws.com"}), "lambda.amazonaws.com", Some(Strength::Direct)),
            (json!({"Service": "lambda.amazonaws.com"}), USER, None),
            (json!({"CanonicalUser": "abc"}), USER, None),
        ] {
            assert_eq!(speak(element.clone(), caller, false), expected, "{element} {caller}");
        }
    }

    /// The page's own examples: Bob with his account, and a role's session with role and account.
    #[test]
    fn a_deny_with_not_principal_spares_whom_it_names_and_nobody_beside() {
        let spares = |names: Json, caller: &str| {
            Principals::new(&json!({"AWS": names}), true).spares(&Caller::new(caller), &Context::default())
        };
        let (account, eve) = ("arn:aws:iam::111111111111:root", "arn:aws:iam::111111111111:user/eve");
        let (role, other) = ("arn:aws:iam::111111111111:role/app", "arn:aws:sts::111111111111:assumed-role/app/s2");
        for (names, caller, expected) in [
            (json!([USER, account]), USER, true),
            (json!([USER, account]), eve, false),
            (json!([USER, account]), SESSION, false),
            (json!([USER, account]), account, true),
            (json!([account]), eve, true),
            (json!(["222222222222", account]), SESSION, true),
            (json!(["222222222222"]), eve, false),
            (json!([role]), SESSION, false),
            (json!([role]), role, true),
            (json!([role, account]), SESSION, true),
            (json!([SESSION, role, account]), SESSION, true),
            (json!([SESSION]), other, false),
            (json!("*"), eve, true),
        ] {
            assert_eq!(spares(names.clone(), caller), expected, "{names} {caller}");
        }
    }

    #[test]
    fn not_principal_leaves_out_whom_it_names_in_any_way() {
        assert_eq!(speak(json!({"AWS": USER}), USER, true), None);
        assert_eq!(speak(json!({"AWS": "arn:aws:iam::111111111111:role/app"}), SESSION, true), None);
        assert_eq!(speak(json!({"AWS": "111111111111"}), USER, true), None);
        assert_eq!(speak(json!({"AWS": "arn:aws:iam::111111111111:user/zed"}), USER, true), Some(Strength::Direct));
        assert_eq!(speak(json!({"Service": "lambda.amazonaws.com"}), USER, true), Some(Strength::Direct));
    }
}
