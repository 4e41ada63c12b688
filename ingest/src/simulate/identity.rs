//! Identity: `userIdentity` of users, roles and services, in the shapes that CloudTrail gives them.
//!
//! Shapes follow "CloudTrail userIdentity element" in the AWS CloudTrail user guide. What stays the same for all of
//! an actor's events is formatted once; the access key and the date of its session are put in for each.

use super::calendar::{DAY_S, HOUR_S};
use super::dice::{label, mix, push_base32};
use super::personas::{Kind, Persona};
use super::template::Account;

/// `userIdentity` around what changes with the session.
#[derive(Debug)]
pub(super) struct Identity {
    pub before_key: String,
    pub before_date: String,
    pub after_date: String,
    /// None for credentials that do not expire.
    pub session: Option<Session>,
    /// As sign-in events have it: without a key.
    pub signing_in: String,
}

/// Sessions of one length, one after the other.
#[derive(Debug, Clone, Copy)]
pub(super) struct Session {
    pub length_s: i64,
    pub offset_s: i64,
}

/// Unique id of a user or role, the same wherever it is named.
pub(super) fn unique_id(account: &Account, persona: &Persona) -> String {
    let mut id = String::from(if persona.is_user() { "AIDA" } else { "AROA" });
    push_base32(&mut id, mix(&[account.seed, label(persona.name), 70]), 17);
    id
}

/// ARN of a user, a role or a service.
pub(super) fn principal(account: &Account, persona: &Persona) -> String {
    if !persona.is_principal() {
        return format!("{}.amazonaws.com", persona.name);
    }
    let sort = if persona.is_user() { "user" } else { "role" };
    format!("arn:aws:iam::{}:{sort}{}{}", account.id, persona.path(), persona.name)
}

impl Identity {
    pub(super) fn new(
        account: &Account,
        persona: &Persona,
        session: &str,
        principal: &str,
        unique_id: &str,
        seed: u64,
    ) -> Identity {
        let id = &account.id;
        let name = persona.name;
        let mut identity = Identity {
            before_key: String::new(),
            before_date: String::new(),
            after_date: String::new(),
            session: None,
            signing_in: String::new(),
        };
        match persona.kind {
            Kind::Service => {
                identity.before_key = format!("{{\"type\":\"AWSService\",\"invokedBy\":\"{principal}\"}}");
            }
            Kind::Notice => {
                let by = if name.contains(' ') { name } else { principal };
                identity.before_key = format!("{{\"accountId\":\"{id}\",\"invokedBy\":\"{by}\"}}");
            }
            _ if persona.is_user() => {
                let head = format!(
                    "{{\"type\":\"IAMUser\",\"principalId\":\"{unique_id}\",\"arn\":\"{principal}\",\"accountId\":\"{id}\""
                );
                identity.signing_in = format!("{head},\"userName\":\"{name}\"}}");
                if persona.kind == Kind::Console {
                    identity.before_key = format!("{head},\"accessKeyId\":\"");
                    identity.before_date =
                        format!("\",\"userName\":\"{name}\",\"sessionContext\":{{\"attributes\":{{\"creationDate\":\"");
                    identity.after_date = "\",\"mfaAuthenticated\":\"true\"}}}".to_owned();
                } else {
                    let mut key = String::from("AKIA");
                    push_base32(&mut key, mix(&[seed, 71]), 16);
                    identity.before_key = format!("{head},\"accessKeyId\":\"{key}\",\"userName\":\"{name}\"}}");
                }
            }
            _ => {
                let (before_key, before_date) = role_identity(account, name, session, principal, unique_id);
                identity.before_key = before_key;
                identity.before_date = before_date;
                identity.after_date = role_tail(persona);
            }
        }
        identity.session = session_of(persona, seed);
        identity
    }
}

/// `userIdentity` of a role's session up to the access key, and from there to the creation date.
pub(super) fn role_identity(
    account: &Account,
    role: &str,
    session: &str,
    principal: &str,
    unique_id: &str,
) -> (String, String) {
    let id = &account.id;
    (
        format!(
            "{{\"type\":\"AssumedRole\",\"principalId\":\"{unique_id}:{session}\",\"arn\":\"arn:aws:sts::{id}:assumed-role/{role}/{session}\",\"accountId\":\"{id}\",\"accessKeyId\":\""
        ),
        format!(
            "\",\"sessionContext\":{{\"sessionIssuer\":{{\"type\":\"Role\",\"principalId\":\"{unique_id}\",\"arn\":\"{principal}\",\"accountId\":\"{id}\",\"userName\":\"{role}\"}},\"attributes\":{{\"creationDate\":\""
        ),
    )
}

fn role_tail(persona: &Persona) -> String {
    let delivery = if persona.kind == Kind::Instance { ",\"ec2RoleDelivery\":\"2.0\"" } else { "" };
    let by = match persona.kind {
        Kind::Linked => format!(",\"invokedBy\":\"{}\"", persona.agents.first().unwrap_or(&"")),
        _ => String::new(),
    };
    format!("\",\"mfaAuthenticated\":\"false\"}}{delivery}}}{by}}}")
}

/// Credentials of machines are renewed every six hours; people begin a session in the morning.
fn session_of(persona: &Persona, seed: u64) -> Option<Session> {
    match persona.kind {
        Kind::Console | Kind::Sso | Kind::Oidc => {
            Some(Session { length_s: DAY_S, offset_s: 6 * HOUR_S + 1_800 + (seed % 1_500) as i64 })
        }
        Kind::AccessKey | Kind::Service | Kind::Notice => None,
        Kind::Dormant if persona.is_user() => None,
        Kind::Linked => Some(Session { length_s: HOUR_S, offset_s: (seed % 3_600) as i64 }),
        _ => Some(Session { length_s: 6 * HOUR_S, offset_s: (seed % 21_600) as i64 }),
    }
}
