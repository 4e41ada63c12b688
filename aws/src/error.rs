//! What AWS refused, told apart: which IAM action is missing, what is archived, encrypted, gone, elsewhere or too much.

use std::error::Error as StdError;

use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sts::operation::assume_role::AssumeRoleError;

/// What kind of refusal it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// 403: an IAM action is missing.
    Denied,
    /// 403 from KMS: the key may not be used.
    Kms,
    /// The object is in an archive (Glacier) and not restored.
    Archived,
    /// 404: no such object, queue or trail.
    Absent,
    /// 404: no such bucket.
    NoBucket,
    /// The bucket is in another Region.
    Elsewhere,
    /// Too many requests, still after all attempts.
    Throttled,
    /// There are no credentials, or they are none.
    Credentials,
    /// Nobody answered.
    Network,
    /// Something else.
    Other,
}

/// A refusal of AWS', with the object, the reason and the next step.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{what}: {why}")]
pub struct Error {
    /// What kind it was.
    pub kind: Kind,
    what: String,
    why: String,
    /// The next step, with which `why` ends.
    step: Option<String>,
    /// The Region that a bucket is in, where the answer says so.
    pub(crate) region: Option<String>,
    status: u16,
}

impl Error {
    /// An error about `what`.
    pub fn new(what: impl Into<String>, kind: Kind, why: impl Into<String>) -> Error {
        Error { kind, what: what.into(), why: why.into(), step: None, region: None, status: 0 }
    }

    /// Whether AWS itself failed: it may not, the next time.
    pub(crate) fn is_server_fault(&self) -> bool {
        self.status >= 500
    }

    /// The same, known to be of another kind, with its next step.
    pub(crate) fn into_kind(self, kind: Kind) -> Error {
        let said = self.said().to_owned();
        let step = next_step(kind, "", "", self.region.as_deref());
        Error { kind, why: with_step(said, step.as_deref()), step, ..self }
    }

    /// The same, where a denial can only mean that the credentials are none: who asks STS who he is needs no permission.
    pub(crate) fn of_identity(self) -> Error {
        match self.kind {
            Kind::Denied => self.into_kind(Kind::Credentials),
            _ => self,
        }
    }

    /// What the other side said, without the next step.
    pub fn said(&self) -> &str {
        let step = self.step.as_deref().and_then(|step| self.why.strip_suffix(step));
        step.map_or(&self.why, |said| said.trim_end_matches("; "))
    }

    /// The next step.
    pub fn step(&self) -> Option<&str> {
        self.step.as_deref()
    }

    /// The reason and the next step, without what it is about.
    pub fn why(&self) -> &str {
        &self.why
    }
}

impl From<Error> for std::io::Error {
    fn from(error: Error) -> Self {
        let kind = match error.kind {
            Kind::Absent | Kind::NoBucket => std::io::ErrorKind::NotFound,
            Kind::Denied | Kind::Kms | Kind::Credentials => std::io::ErrorKind::PermissionDenied,
            _ => std::io::ErrorKind::Other,
        };
        // The object is named where the error is shown.
        std::io::Error::new(kind, error.why)
    }
}

/// Tells a failed call apart. `action` is the IAM action that it needs, on `resource`; `what` is what the user knows it by.
pub(crate) fn explain<E>(error: &SdkError<E, HttpResponse>, what: &str, action: &str, resource: &str) -> Error
where
    E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
{
    let status = error.raw_response().map_or(0, |response| response.status().as_u16());
    let region = error.raw_response().and_then(|response| response.headers().get("x-amz-bucket-region"));
    let region = region.map(str::to_owned);
    let code = error.code().unwrap_or_default();
    let message = error.message().unwrap_or_default();
    let all = chain_of(error);
    let kind = kind_of(code, message, status, &all);
    let said = match (code, message) {
        ("", "") if status >= 300 => format!("HTTP status {status}"),
        ("", "") if all.contains(NO_PROVIDER) => "no credentials were found".to_owned(),
        ("", "") => one_line(&all),
        (code, "") => code.to_owned(),
        ("", message) => message.to_owned(),
        (code, message) => format!("{code}: {message}"),
    };
    let step = match kind {
        Kind::Credentials if said.contains(ASSUME_ROLE) => Some(ROLE_STEP.to_owned()),
        Kind::Credentials if credentials_step(code).is_some() => credentials_step(code).map(str::to_owned),
        _ => next_step(kind, action, resource, region.as_deref()),
    };
    Error { kind, what: what.to_owned(), why: with_step(said, step.as_deref()), step, region, status }
}

/// How the SDK begins to say that nobody had credentials, before it lists all whom it asked.
const NO_PROVIDER: &str = "no credentials found in chain";

/// What is wrong with credentials that AWS refuses, by the code of its answer ("Common errors" of STS and S3).
fn credentials_step(code: &str) -> Option<&'static str> {
    Some(match code {
        "ExpiredToken" | "ExpiredTokenException" | "RequestExpired" => {
            "the credentials have expired: get new ones (`aws sso login`, or ask for the role again)"
        }
        "InvalidClientTokenId"
        | "InvalidAccessKeyId"
        | "UnrecognizedClientException"
        | "AuthFailure"
        | "InvalidToken" => {
            "the access key is not valid: mistyped, deleted, inactive, or without its session token; look at --profile and at \
             AWS_ACCESS_KEY_ID; `aws sts get-caller-identity` says who you are"
        }
        "SignatureDoesNotMatch" | "InvalidSignatureException" | "IncompleteSignature" => {
            "the secret key is not the one of that access key: look at --profile and at AWS_SECRET_ACCESS_KEY"
        }
        _ => return None,
    })
}

/// Text of several lines on one, whether its line ends are real or written out.
fn one_line(text: &str) -> String {
    text.replace("\\n", " ").split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What begins the words about a role that could not be taken on.
const ASSUME_ROLE: &str = "AssumeRole: ";
const ROLE_STEP: &str =
    "allow sts:AssumeRole on that role, and let its trust policy name who asks (and the external id)";

fn with_step(said: String, step: Option<&str>) -> String {
    match step {
        Some(step) => format!("{said}; {step}"),
        None => said,
    }
}

/// Tells an answer of a call apart that no SDK made: as [`explain`].
pub(crate) fn refused(what: &str, action: &str, status: u16, code: &str, message: &str) -> Error {
    let kind = kind_of(code, message, status, message);
    let said = match (code, message) {
        ("", "") => format!("HTTP status {status}"),
        ("", said) | (said, "") => said.to_owned(),
        (code, message) => format!("{code}: {message}"),
    };
    let step = next_step(kind, action, "*", None);
    Error { kind, what: what.to_owned(), why: with_step(said, step.as_deref()), step, region: None, status }
}

/// All that the error and its sources say, each once.
pub(crate) fn chain_of(error: &(dyn StdError + 'static)) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut next: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(error) = next {
        // What the role's STS said is shown by nobody else.
        let refused = error.downcast_ref::<AssumeRoleError>();
        let text = match refused.map(|refused| (refused.code().unwrap_or("refused"), refused.message())) {
            Some((code, message)) => format!("{ASSUME_ROLE}{code}: {}", message.unwrap_or_default()),
            None => error.to_string(),
        };
        if parts.last().is_none_or(|last| !last.contains(&text)) {
            parts.push(text);
        }
        next = error.source();
    }
    parts.join(": ")
}

fn kind_of(code: &str, message: &str, status: u16, all: &str) -> Kind {
    let lower = message.to_ascii_lowercase();
    match code {
        "AccessDenied" | "AccessDeniedException" | "AllAccessDisabled" | "AccessDenied.Queue"
            if lower.contains("kms:") || lower.contains("kms key") =>
        {
            Kind::Kms
        }
        code if code.starts_with("KMS.") || code.starts_with("Kms") => Kind::Kms,
        "InvalidObjectState" => Kind::Archived,
        "NoSuchBucket" => Kind::NoBucket,
        "NoSuchKey" | "NoSuchVersion" | "NotFound" | "QueueDoesNotExist" | "TrailNotFoundException" => Kind::Absent,
        "AWS.SimpleQueueService.NonExistentQueue" => Kind::Absent,
        "PermanentRedirect" | "AuthorizationHeaderMalformed" | "IllegalLocationConstraintException" => Kind::Elsewhere,
        "SlowDown"
        | "Throttling"
        | "ThrottlingException"
        | "TooManyRequestsException"
        | "RequestLimitExceeded"
        | "RequestThrottled"
        | "ServiceUnavailable" => Kind::Throttled,
        "InvalidAccessKeyId"
        | "SignatureDoesNotMatch"
        | "ExpiredToken"
        | "ExpiredTokenException"
        | "InvalidToken"
        | "InvalidClientTokenId"
        | "UnrecognizedClientException"
        | "AuthFailure"
        | "InvalidSignatureException"
        | "IncompleteSignature"
        | "MissingAuthenticationToken"
        | "RequestExpired"
        | "RequestTimeTooSkewed" => Kind::Credentials,
        "AccessDenied" | "AccessDeniedException" | "AllAccessDisabled" => Kind::Denied,
        _ => match status {
            301 | 307 => Kind::Elsewhere,
            401 => Kind::Credentials,
            403 => Kind::Denied,
            404 => Kind::Absent,
            429 | 503 => Kind::Throttled,
            0 if all.contains("redential") || all.contains("profile") => Kind::Credentials,
            // An answer that broke off has the status of a good one.
            0 | 200..=299 => Kind::Network,
            _ => Kind::Other,
        },
    }
}

fn next_step(kind: Kind, action: &str, resource: &str, region: Option<&str>) -> Option<String> {
    Some(match kind {
        Kind::Denied => format!("allow {action} on {resource}: `trailhound iam-policy` prints the whole policy"),
        Kind::Kms => "it is encrypted: allow kms:Decrypt on the trail's key, in the key's own policy too".to_owned(),
        Kind::Archived => "it is archived: restore it with `aws s3api restore-object`, then run this again".to_owned(),
        Kind::Absent if action.starts_with("sqs:") => {
            "there is no such queue: look at `aws sqs list-queues`, in this account and --region".to_owned()
        }
        Kind::Absent => "it is not there (any more): a lifecycle rule, or somebody, removed it".to_owned(),
        Kind::NoBucket => "there is no such bucket: look at `aws s3 ls`".to_owned(),
        Kind::Elsewhere => match region {
            Some(region) => format!("the bucket is in {region}: use --region {region}"),
            None => "the bucket is in another Region: name it with --region".to_owned(),
        },
        Kind::Throttled => "AWS asks for fewer requests: run it again later".to_owned(),
        Kind::Credentials => {
            "no valid credentials: try `aws sts get-caller-identity`, --profile, or --no-sign-request for a public bucket"
                .to_owned()
        }
        Kind::Network => "it cannot be reached: look at --endpoint-url, --region and the network".to_owned(),
        Kind::Other => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_told_apart() {
        for (code, message, status, kind) in [
            ("AccessDenied", "Access Denied", 403, Kind::Denied),
            ("AccessDenied", "User is not authorized to perform: kms:Decrypt on resource", 403, Kind::Kms),
            ("KMS.DisabledException", "key is disabled", 400, Kind::Kms),
            ("InvalidObjectState", "The operation is not valid for the object's storage class", 403, Kind::Archived),
            ("NoSuchKey", "", 404, Kind::Absent),
            ("NoSuchBucket", "", 404, Kind::NoBucket),
            ("", "", 404, Kind::Absent),
            ("", "", 403, Kind::Denied),
            ("SlowDown", "", 503, Kind::Throttled),
            ("PermanentRedirect", "", 301, Kind::Elsewhere),
            ("ExpiredToken", "", 400, Kind::Credentials),
            ("", "", 0, Kind::Network),
            ("", "", 200, Kind::Network),
            ("InternalError", "", 500, Kind::Other),
        ] {
            assert_eq!(kind_of(code, message, status, ""), kind, "{code} {status}");
        }
        assert_eq!(kind_of("", "", 0, "no providers in chain provided credentials"), Kind::Credentials);
    }

    #[test]
    fn credentials_say_what_is_wrong_with_them() {
        for (code, words) in [
            ("InvalidClientTokenId", "not valid"),
            ("InvalidAccessKeyId", "not valid"),
            ("SignatureDoesNotMatch", "secret key"),
            ("ExpiredToken", "expired"),
        ] {
            assert_eq!(kind_of(code, "", 403, ""), Kind::Credentials, "{code}");
            assert!(credentials_step(code).is_some_and(|step| step.contains(words)), "{code}");
        }
        let denied = refused("who we are", "sts:GetCallerIdentity", 403, "", "").of_identity();
        assert_eq!(denied.kind, Kind::Credentials);
        assert!(!denied.to_string().contains("allow sts"), "{denied}");
        assert_eq!(one_line("a\\nb\n  c"), "a b c");
    }

    #[test]
    fn a_denial_names_the_action() {
        let step = next_step(Kind::Denied, "s3:GetObject", "arn:aws:s3:::b/*", None);
        assert!(step.is_some_and(|step| step.contains("allow s3:GetObject on arn:aws:s3:::b/*")));
    }
}
