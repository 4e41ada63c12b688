//! What IAM is asked, page after page.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::call::Caller;
use super::odd;
use crate::error::{Error, Kind};

/// Entities a page: fewer pages, and answers that still fit their limit.
const PAGE: &str = "500";
/// More pages than an account can have: a server that goes round in circles is left.
const PAGES_MAX: usize = 20_000;
/// How often, and how long after one another, IAM is asked whether the credential report is there.
const REPORT_ASKED_MAX: u32 = 60;
const REPORT_PAUSE: Duration = Duration::from_secs(2);

/// All pages of a call as one: the lists of these names, put together.
async fn pages(caller: &Caller, action: &str, lists: &[&str], more: &[(&str, &str)]) -> Result<Value, Error> {
    let mut all: Map<String, Value> = lists.iter().map(|name| ((*name).to_owned(), json!([]))).collect();
    let mut marker: Option<String> = None;
    for _ in 0..PAGES_MAX {
        let mut parameters = vec![("MaxItems", PAGE)];
        parameters.extend_from_slice(more);
        parameters.extend(marker.as_deref().map(|marker| ("Marker", marker)));
        let mut page = caller.iam(action, &parameters).await?;
        for name in lists {
            if let (Some(Value::Array(all)), Some(Value::Array(found))) = (all.get_mut(*name), page.get_mut(*name)) {
                all.append(found);
            }
        }
        if page.get("IsTruncated") != Some(&json!(true)) {
            all.insert("IsTruncated".to_owned(), json!(false));
            return Ok(Value::Object(all));
        }
        let next = page.get("Marker").and_then(Value::as_str).filter(|next| !next.is_empty());
        let next = next.ok_or_else(|| odd(&format!("iam {action}"), "Marker, and IsTruncated"))?.to_owned();
        if marker.as_ref() == Some(&next) {
            return Err(odd(&format!("iam {action}"), "new Marker: the pages go round in circles"));
        }
        marker = Some(next);
    }
    Err(odd(&format!("iam {action}"), "end"))
}

/// `GetAccountAuthorizationDetails`.
pub(super) async fn authorization_details(caller: &Caller) -> Result<Value, Error> {
    let lists = ["UserDetailList", "GroupDetailList", "RoleDetailList", "Policies"];
    pages(caller, "GetAccountAuthorizationDetails", &lists, &[]).await
}

/// `ListUsers`: when passwords were last used, which the authorization details do not say.
pub(super) async fn users(caller: &Caller) -> Result<Value, Error> {
    pages(caller, "ListUsers", &["Users"], &[]).await
}

/// `ListInstanceProfiles`.
pub(super) async fn instance_profiles(caller: &Caller) -> Result<Value, Error> {
    pages(caller, "ListInstanceProfiles", &["InstanceProfiles"], &[]).await
}

/// `ListVirtualMFADevices` that somebody uses: root's MFA is hardware where it is not among them.
pub(super) async fn virtual_mfa_devices(caller: &Caller) -> Result<Value, Error> {
    pages(caller, "ListVirtualMFADevices", &["VirtualMFADevices"], &[("AssignmentStatus", "Assigned")]).await
}

/// `GetAccountPasswordPolicy`; an account without one has IAM's default, told by a null `PasswordPolicy`.
pub(super) async fn password_policy(caller: &Caller) -> Result<Value, Error> {
    match caller.iam("GetAccountPasswordPolicy", &[]).await {
        Err(error) if error.kind == Kind::Absent => Ok(json!({ "PasswordPolicy": null })),
        other => other,
    }
}

/// `GenerateCredentialReport` until it is there, then `GetCredentialReport`: the CSV. IAM keeps one for four hours.
pub(super) async fn credential_report(caller: &Caller) -> Result<String, Error> {
    const WHAT: &str = "iam GetCredentialReport";
    for _ in 0..REPORT_ASKED_MAX {
        let answer = caller.iam("GenerateCredentialReport", &[]).await?;
        if answer.get("State").and_then(Value::as_str) == Some("COMPLETE") {
            let report = caller.iam("GetCredentialReport", &[]).await?;
            let content = report.get("Content").and_then(Value::as_str).ok_or_else(|| odd(WHAT, "Content"))?;
            let compact: String = content.split_whitespace().collect();
            let bytes = STANDARD.decode(compact).map_err(|error| Error::new(WHAT, Kind::Other, error.to_string()))?;
            return Ok(String::from_utf8_lossy(&bytes).into_owned());
        }
        tokio::time::sleep(REPORT_PAUSE).await;
    }
    Err(Error::new(WHAT, Kind::Other, "IAM did not finish it in two minutes: run this again later"))
}
