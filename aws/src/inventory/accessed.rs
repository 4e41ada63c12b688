//! What IAM recorded of use: when each user and role last asked for each service, and for each action that IAM tracks.
//!
//! Source: "GenerateServiceLastAccessedDetails" and "GetServiceLastAccessedDetails" in the IAM API reference: the first starts a
//! job, the second is asked until the job is done, and answers page by page. IAM makes one report a principal, so this is two
//! calls or more for each; some jobs are started before the first is asked for, so that IAM works while we wait.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::call::Caller;
use super::{Missing, odd};
use crate::error::{Error, Kind};

/// Jobs that IAM works on at a time.
const JOBS: usize = 20;
/// Services a page.
const PAGE: &str = "500";
/// More pages than there are services.
const PAGES_MAX: usize = 100;
/// How often, and how long after one another, IAM is asked whether a job is done.
const ASKED_MAX: u32 = 120;
const PAUSE: Duration = Duration::from_secs(1);
/// After so many failures the rest is not asked for: something is wrong with all of them.
const FAILURES_MAX: usize = 10;

const GENERATE: &str = "GenerateServiceLastAccessedDetails";
const GET: &str = "GetServiceLastAccessedDetails";

/// The details of these users and roles, by ARN, each as `aws iam get-service-last-accessed-details` prints it.
pub(super) async fn details(caller: &Caller, principals: &[String], missing: &mut Missing) -> Value {
    let (mut found, mut failures) = (Map::new(), 0);
    let mut left = principals;
    while failures < FAILURES_MAX && !left.is_empty() {
        let (group, rest) = left.split_at(left.len().min(JOBS));
        left = rest;
        let mut jobs = Vec::new();
        for arn in group {
            match start(caller, arn).await {
                Ok(job) => jobs.push((arn, job)),
                // Deleted since it was listed.
                Err(error) if error.kind == Kind::Absent => {}
                Err(error) => {
                    missing.add_of(arn, &error);
                    failures += if error.kind == Kind::Denied { FAILURES_MAX } else { 1 };
                    if failures >= FAILURES_MAX {
                        break;
                    }
                }
            }
        }
        for (arn, job) in jobs {
            match finish(caller, &job).await {
                Ok(details) => {
                    found.insert(arn.clone(), details);
                }
                Err(error) => {
                    missing.add_of(arn, &error);
                    failures += 1;
                }
            }
        }
    }
    if !left.is_empty() {
        let told = format!("iam {GET}: {} more users and roles were not asked for, after these failures", left.len());
        missing.0.push(told);
    }
    Value::Object(found)
}

async fn start(caller: &Caller, arn: &str) -> Result<String, Error> {
    let answer = caller.iam(GENERATE, &[("Arn", arn), ("Granularity", "ACTION_LEVEL")]).await?;
    let job = answer.get("JobId").and_then(Value::as_str).filter(|job| !job.is_empty());
    job.map(str::to_owned).ok_or_else(|| odd(&format!("iam {GENERATE}"), "JobId"))
}

/// Waits for a job, and takes all its pages.
async fn finish(caller: &Caller, job: &str) -> Result<Value, Error> {
    let what = format!("iam {GET}");
    let mut services: Vec<Value> = Vec::new();
    let mut marker: Option<String> = None;
    for _ in 0..PAGES_MAX {
        let mut page = done(caller, job, marker.as_deref()).await?;
        if let Some(Value::Array(more)) = page.remove("ServicesLastAccessed") {
            services.extend(more);
        }
        let next =
            page.remove("Marker").and_then(|next| next.as_str().map(str::to_owned)).filter(|next| !next.is_empty());
        let truncated = page.remove("IsTruncated") == Some(Value::Bool(true));
        if !truncated {
            page.insert("ServicesLastAccessed".to_owned(), Value::Array(services));
            page.insert("IsTruncated".to_owned(), json!(false));
            return Ok(Value::Object(page));
        }
        if next.is_none() || next == marker {
            return Err(odd(&what, "new Marker, and IsTruncated"));
        }
        marker = next;
    }
    Err(odd(&what, "end"))
}

/// One page of a job that is done.
async fn done(caller: &Caller, job: &str, marker: Option<&str>) -> Result<Map<String, Value>, Error> {
    let what = format!("iam {GET}");
    let mut parameters = vec![("JobId", job), ("MaxItems", PAGE)];
    parameters.extend(marker.map(|marker| ("Marker", marker)));
    for _ in 0..ASKED_MAX {
        let Value::Object(page) = caller.iam(GET, &parameters).await? else { return Err(odd(&what, "members")) };
        match page.get("JobStatus").and_then(Value::as_str) {
            Some("COMPLETED") => return Ok(page),
            Some("IN_PROGRESS") => tokio::time::sleep(PAUSE).await,
            status => {
                let why = page.get("Error").and_then(|error| error.get("Message")).and_then(Value::as_str);
                let why =
                    format!("the job is {}: {}", status.unwrap_or("of no status"), why.unwrap_or("IAM says no more"));
                return Err(Error::new(what, Kind::Other, why));
            }
        }
    }
    Err(Error::new(what, Kind::Other, "IAM did not finish it in two minutes: run this again later"))
}
