//! A case that brings its policies, its request and the request's context.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{Answer, document, mode};
use crate::policy::caller::Caller;
use crate::policy::evaluate::Named;
use crate::policy::{ActionName, Context, Document, Guards, Principal, Request};

#[derive(Deserialize)]
struct Raw {
    #[serde(default)]
    policies: Vec<Value>,
    #[serde(default)]
    scps: Option<Vec<RawLevel>>,
    #[serde(default)]
    rcps: Option<Vec<RawLevel>>,
    boundary: Option<Vec<Value>>,
    resource_policy: Option<Value>,
    session_policy: Option<Value>,
    endpoint_policies: Option<Vec<Value>>,
    request: RawRequest,
}

#[derive(Deserialize)]
struct RawLevel {
    #[serde(default)]
    target: String,
    #[serde(default)]
    policies: Vec<Value>,
}

#[derive(Deserialize)]
struct RawRequest {
    principal: String,
    action: String,
    #[serde(default)]
    resource: Option<String>,
    #[serde(default)]
    resource_account: Option<String>,
    #[serde(default)]
    context: Option<Map<String, Value>>,
}

pub(super) fn answer(case: &Value, id: &Value) -> Result<Answer, String> {
    let raw = Raw::deserialize(case).map_err(|reason| format!("no case of a simulation: {reason}"))?;
    let mode = mode(case)?;
    let identity = documents(&raw.policies, "policies")?;
    let mut principal = Principal::new(Caller::new(&raw.request.principal), &named(&identity));
    if let Some(list) = &raw.boundary {
        principal = principal.with_boundary(&named(&documents(list, "boundary")?));
    }
    if let Some(policy) = &raw.session_policy {
        principal = principal.with_session(&document(policy, "session_policy")?);
    }
    for level in raw.scps.iter().flatten() {
        principal = principal.with_scp_level(&named(&documents(&level.policies, &level.target)?));
    }
    let mut guards = Guards::none();
    if let Some(policy) = &raw.resource_policy {
        guards = guards.with_policy(&document(policy, "resource_policy")?, "resource_policy");
    }
    for level in raw.rcps.iter().flatten() {
        guards = guards.with_rcp_level(&named(&documents(&level.policies, &level.target)?));
    }
    if let Some(list) = &raw.endpoint_policies {
        guards = guards.with_endpoint(&named(&documents(list, "endpoint_policies")?));
    }
    let context = raw.request.context.as_ref().map_or_else(|| Ok(Context::default()), Context::of_json)?;
    let action = ActionName::new(&raw.request.action);
    let request = Request {
        action: &action,
        resource: raw.request.resource.as_deref().unwrap_or("*"),
        resource_account: raw.request.resource_account.as_deref().unwrap_or_default(),
        context: &context,
        mode: &mode,
    };
    Ok(Answer::of(id.clone(), principal.explain(&request, &guards)))
}

fn documents(list: &[Value], place: &str) -> Result<Vec<(String, Document)>, String> {
    let parse = |(at, value)| {
        let name = format!("{place}[{at}]");
        document(value, &name).map(|document| (name, document))
    };
    list.iter().enumerate().map(parse).collect()
}

fn named(documents: &[(String, Document)]) -> Named<'_> {
    documents.iter().map(|(name, document)| (name.as_str(), document)).collect()
}
