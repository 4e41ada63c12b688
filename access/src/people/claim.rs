//! What a record says of who it is, and how much that is worth.

use super::Text;

/// How it is known who somebody is; of several ways the first counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum How {
    /// The root user.
    Root,
    /// An IAM user, by its ARN.
    IamUser,
    /// `sourceIdentity`: set when the first role was assumed, and carried through every chain.
    SourceIdentity,
    /// A user of IAM Identity Center, by id.
    IdentityCenter,
    /// The session name of an Identity Center role, which single sign-on gives.
    SingleSignOn,
    /// A name that a SAML provider vouched for.
    Saml,
    /// A subject that a web identity provider vouched for: a person, a repository, a cluster's service account.
    WebIdentity,
    /// A federated user, named by the IAM user that made it.
    FederatedUser,
    /// A principal of another account, of which only the id is known here.
    OtherAccount,
    /// An EC2 instance, by the name of its role's session.
    Instance,
    /// An AWS service.
    Service,
    /// Nothing but the name that the session gave itself.
    SessionName,
}

impl How {
    /// The stable name.
    pub fn as_str(self) -> &'static str {
        match self {
            How::Root => "root",
            How::IamUser => "iam_user",
            How::SourceIdentity => "source_identity",
            How::IdentityCenter => "identity_center",
            How::SingleSignOn => "single_sign_on",
            How::Saml => "saml",
            How::WebIdentity => "web_identity",
            How::FederatedUser => "federated_user",
            How::OtherAccount => "other_account",
            How::Instance => "instance",
            How::Service => "service",
            How::SessionName => "session_name",
        }
    }

    /// Whether a machine is behind it for certain.
    pub fn is_machine(self) -> bool {
        matches!(self, How::Instance | How::Service)
    }
}

/// Somebody, and how that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Claim {
    pub(super) how: How,
    pub(super) name: Text,
}

/// The fields of `userIdentity` that tell.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Told<'a> {
    pub(super) kind: &'a str,
    pub(super) arn: &'a str,
    pub(super) principal_id: &'a str,
    pub(super) account: &'a str,
    pub(super) user_name: &'a str,
    pub(super) invoked_by: &'a str,
    pub(super) on_behalf_of: &'a str,
    pub(super) source_identity: &'a str,
    /// The durable principal.
    pub(super) principal: &'a str,
}

/// What the record itself says, with the name; `None` for a session that only its key can tell of.
pub(super) fn of_record(told: &Told<'_>) -> Option<(How, String)> {
    let some = |how, name: &str| (!name.is_empty()).then(|| (how, name.to_owned()));
    if let Some(found) =
        some(How::SourceIdentity, told.source_identity).or_else(|| some(How::IdentityCenter, told.on_behalf_of))
    {
        return Some(found);
    }
    match told.kind {
        "Root" => some(How::Root, told.principal),
        "IAMUser" => some(How::IamUser, told.principal),
        "IdentityCenterUser" => some(How::IdentityCenter, told.user_name),
        "SAMLUser" => some(How::Saml, told.user_name),
        "WebIdentityUser" => {
            some(How::WebIdentity, told.principal_id).or_else(|| some(How::WebIdentity, told.user_name))
        }
        "FederatedUser" => some(How::FederatedUser, told.arn),
        "AWSAccount" => some(How::OtherAccount, &format!("{}:{}", told.account, told.principal_id)),
        "AWSService" => some(How::Service, told.invoked_by),
        "AssumedRole" => of_session(told),
        _ => None,
    }
}

fn of_session(told: &Told<'_>) -> Option<(How, String)> {
    let name = session_name(told);
    let role = told.principal.rsplit('/').next().unwrap_or_default();
    if role.starts_with("AWSReservedSSO_") && !name.is_empty() {
        return Some((How::SingleSignOn, name.to_owned()));
    }
    let id = name.strip_prefix("i-")?;
    let is_instance = (8..=17).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    // Anybody may name a session so, but whoever is traced by its key is traced first: see `fold`.
    is_instance.then(|| (How::Instance, name.to_owned()))
}

/// The name that a session gave itself.
pub(super) fn session_name<'a>(told: &Told<'a>) -> &'a str {
    let of_arn = told.arn.split_once(":assumed-role/").and_then(|(_, rest)| rest.split_once('/')).map(|(_, name)| name);
    of_arn.or_else(|| told.principal_id.split_once(':').map(|(_, name)| name)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_says_who_it_is_where_it_can() {
        let role = |name: &'static str, arn: &'static str| Told {
            kind: "AssumedRole",
            arn,
            principal: name,
            ..Told::default()
        };
        let sso = role(
            "arn:aws:iam::1:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Admin_0",
            "arn:aws:sts::1:assumed-role/AWSReservedSSO_Admin_0/ann@example.org",
        );
        assert_eq!(of_record(&sso), Some((How::SingleSignOn, "ann@example.org".to_owned())));
        let instance = role("arn:aws:iam::1:role/web", "arn:aws:sts::1:assumed-role/web/i-0123456789abcdef0");
        assert_eq!(of_record(&instance), Some((How::Instance, "i-0123456789abcdef0".to_owned())));
        let named = role("arn:aws:iam::1:role/web", "arn:aws:sts::1:assumed-role/web/i-am-ann");
        assert_eq!((of_record(&named), session_name(&named)), (None, "i-am-ann"));
        let carried = Told { source_identity: "ann", ..named };
        assert_eq!(of_record(&carried), Some((How::SourceIdentity, "ann".to_owned())));
        let saml = Told { kind: "SAMLUser", user_name: "ann@corp", ..Told::default() };
        assert_eq!(of_record(&saml), Some((How::Saml, "ann@corp".to_owned())));
        assert_eq!(of_record(&Told::default()), None);
    }
}
