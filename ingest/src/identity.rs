//! Who did it: the durable principal behind a call, and the actor who stood behind that.
//!
//! CloudTrail names the caller of the moment: a role session, a key, a service. Reports and alerts need the thing
//! that lasts: the IAM user, the role that issued the session, the root user, the service. Source: "CloudTrail
//! userIdentity element" in the CloudTrail user guide; calls of a session count for its role, as in IAM's
//! last-accessed information. This room sees strings only, no JSON and no Arrow.

use std::borrow::Cow;

/// The fields of `userIdentity` that decide; absent and empty are the same.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Identity<'a> {
    /// `type`
    pub kind: Option<&'a str>,
    /// `arn`
    pub arn: Option<&'a str>,
    /// `principalId`
    pub principal_id: Option<&'a str>,
    /// `accountId`
    pub account_id: Option<&'a str>,
    /// `userName`
    pub user_name: Option<&'a str>,
    /// `invokedBy`
    pub invoked_by: Option<&'a str>,
    /// `onBehalfOf.userId`
    pub on_behalf_of: Option<&'a str>,
    /// `sessionContext.sessionIssuer.arn`
    pub issuer_arn: Option<&'a str>,
    /// `sessionContext.sourceIdentity`
    pub source_identity: Option<&'a str>,
}

impl<'a> Identity<'a> {
    /// The durable identity: user ARN, role ARN behind a session, `…:root`, a service's name; for an account that
    /// shows no ARN, `ACCOUNT:PRINCIPAL_ID` without the session. `None` where the record names nobody.
    pub fn principal(&self) -> Option<Cow<'a, str>> {
        if let Some(issuer) = self.issuer_arn {
            return Some(Cow::Borrowed(issuer));
        }
        if let Some(arn) = self.arn {
            return Some(role_of_session(arn).map_or(Cow::Borrowed(arn), Cow::Owned));
        }
        if self.kind == Some("Root")
            && let Some(account) = self.account_id
        {
            return Some(Cow::Owned(format!("arn:aws:iam::{account}:root")));
        }
        if let Some(user) = self.on_behalf_of {
            return Some(Cow::Borrowed(user));
        }
        if matches!(self.kind, Some("AWSService") | None)
            && let Some(service) = self.invoked_by
        {
            return Some(Cow::Borrowed(service));
        }
        match (self.account_id, self.principal_id.map(without_session)) {
            (Some(account), Some(id)) if id != account => Some(Cow::Owned(format!("{account}:{id}"))),
            (_, Some(id)) => Some(Cow::Borrowed(id)),
            (Some(account), None) => {
                Some(self.user_name.map_or(Cow::Borrowed(account), |name| Cow::Owned(format!("{account}:{name}"))))
            }
            (None, None) => self.user_name.or(self.invoked_by).map(Cow::Borrowed),
        }
    }

    /// Who stood behind the principal: the source identity, the Identity Center user, the session's name (for SSO,
    /// the person's e-mail; for EC2, the instance), the user's name, `root`, the service.
    pub fn actor(&self) -> Option<&'a str> {
        if let Some(actor) = self.source_identity.or(self.on_behalf_of) {
            return Some(actor);
        }
        let session = || self.arn.filter(|arn| arn.contains('/')).and_then(last_part);
        let by_id = || self.principal_id.and_then(|id| id.split_once(':')).map(|(_, session)| session);
        match self.kind {
            Some("Root") => Some("root"),
            Some("AWSService") => self.invoked_by,
            Some("AssumedRole") => session().or_else(by_id),
            _ => self.user_name.or_else(session).or_else(|| self.arn.and_then(last_part)).or(self.invoked_by),
        }
    }
}

fn last_part(arn: &str) -> Option<&str> {
    arn.rsplit('/').next()
}

/// `arn:aws:sts::A:assumed-role/ROLE/SESSION` to `arn:aws:iam::A:role/ROLE`. The role's path is not in the session's
/// ARN, so this is only used where the record lacks the issuer.
fn role_of_session(arn: &str) -> Option<String> {
    if arn.starts_with("arn:aws:iam:") {
        return None;
    }
    let mut parts = arn.splitn(6, ':');
    let (_, partition, service) = (parts.next()?, parts.next()?, parts.next()?);
    let (_, account, resource) = (parts.next()?, parts.next()?, parts.next()?);
    let role = resource.strip_prefix("assumed-role/")?.split('/').next()?;
    (service == "sts").then(|| format!("arn:{partition}:iam::{account}:role/{role}"))
}

/// `ID:SESSION` without the session. An ARN (what an identity provider calls a web identity: `PROVIDER:AUDIENCE:SUBJECT`) is
/// the whole of who it is.
fn without_session(principal_id: &str) -> &str {
    if principal_id.starts_with("arn:") {
        return principal_id;
    }
    principal_id.split(':').next().unwrap_or(principal_id)
}

/// What became of a call: `denied` if AWS refused it for want of permission, `error` if it failed otherwise.
///
/// Services spell the refusal differently (`AccessDenied`, `AccessDeniedException`, `Client.UnauthorizedOperation`,
/// `NotAuthorized`, `AuthorizationError`…): CIS AWS Foundations 4.1 matches the same family.
pub fn outcome(error_code: Option<&str>, error_message: Option<&str>) -> &'static str {
    let Some(code) = error_code else {
        // A failed console sign-in has a message and no code.
        return if error_message.is_some() { "error" } else { "ok" };
    };
    const REFUSALS: [&str; 6] = [
        "AccessDenied",
        "UnauthorizedOperation",
        "UnauthorizedAccess",
        "NotAuthorized",
        "AuthorizationError",
        "Forbidden",
    ];
    let refused = REFUSALS.iter().any(|refusal| code.contains(refusal)) || code == "UnauthorizedException";
    if refused { "denied" } else { "error" }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_session_counts_for_its_role() {
        let mut identity = Identity {
            kind: Some("AssumedRole"),
            arn: Some("arn:aws:sts::111111111111:assumed-role/deploy/alice@example.com"),
            issuer_arn: Some("arn:aws:iam::111111111111:role/ci/deploy"),
            ..Identity::default()
        };
        assert_eq!(identity.principal().unwrap(), "arn:aws:iam::111111111111:role/ci/deploy");
        assert_eq!(identity.actor(), Some("alice@example.com"));
        identity.issuer_arn = None;
        assert_eq!(identity.principal().unwrap(), "arn:aws:iam::111111111111:role/deploy");
        identity.source_identity = Some("bob");
        assert_eq!(identity.actor(), Some("bob"));
    }

    #[test]
    fn root_service_and_nameless_callers() {
        let root = Identity { kind: Some("Root"), account_id: Some("1"), ..Identity::default() };
        assert_eq!(root.principal().unwrap(), "arn:aws:iam::1:root");
        let service =
            Identity { kind: Some("AWSService"), invoked_by: Some("ec2.amazonaws.com"), ..Identity::default() };
        assert_eq!(service.principal().unwrap(), "ec2.amazonaws.com");
        let other = Identity {
            kind: Some("AWSAccount"),
            account_id: Some("2"),
            principal_id: Some("AROAX:session"),
            ..Identity::default()
        };
        assert_eq!(other.principal().unwrap(), "2:AROAX");
        let workflow = "arn:aws:iam::1:oidc-provider/token.actions.githubusercontent.com:sts.amazonaws.com:repo:a/b";
        let web = Identity { kind: Some("WebIdentityUser"), principal_id: Some(workflow), ..Identity::default() };
        assert_eq!(web.principal().unwrap(), workflow);
        assert_eq!(Identity::default().principal(), None);
        assert_eq!(Identity::default().actor(), None);
    }

    #[test]
    fn refusals_are_told_from_errors() {
        for code in ["AccessDenied", "AccessDeniedException", "Client.UnauthorizedOperation", "UnauthorizedException"] {
            assert_eq!(outcome(Some(code), None), "denied", "{code}");
        }
        assert_eq!(outcome(Some("NoSuchBucket"), None), "error");
        assert_eq!(outcome(None, Some("Failed authentication")), "error");
        assert_eq!(outcome(None, None), "ok");
    }
}
