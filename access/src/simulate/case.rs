//! A case that brings its policies, its request and the request's context.
//!
//! [`Ready`] is the case with its policies compiled, so that it can be asked again and again.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{Answer, document, mode};
use crate::policy::caller::Caller;
use crate::policy::evaluate::Named;
use crate::policy::{ActionName, Context, Document, Guards, Mode, Principal, Request};

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

/// A case made ready to be decided: policies are compiled, names folded.
#[derive(Debug)]
pub struct Ready {
    /// The caller's side.
    pub principal: Principal,
    /// The resource's side.
    pub guards: Guards,
    /// What is asked.
    pub asked: Asked,
}

/// What a case asks.
#[derive(Debug)]
pub struct Asked {
    action: ActionName,
    resource: String,
    resource_account: String,
    context: Context,
    mode: Mode,
}

impl Asked {
    /// The request, as [`Principal::decide`] takes it.
    pub fn request(&self) -> Request<'_> {
        Request {
            action: &self.action,
            resource: &self.resource,
            resource_account: &self.resource_account,
            context: &self.context,
            mode: &self.mode,
        }
    }
}

impl Ready {
    /// Reads a case.
    ///
    /// # Errors
    /// The member that cannot be read, and why.
    pub fn read(case: &Value) -> Result<Ready, String> {
        let raw = Raw::deserialize(case).map_err(|reason| format!("no case of a simulation: {reason}"))?;
        let mode = mode(case)?;
        let (principal, guards) = (raw.principal()?, raw.guards()?);
        let context = raw.request.context.as_ref().map_or_else(|| Ok(Context::default()), Context::of_json)?;
        let asked = Asked {
            action: ActionName::new(&raw.request.action),
            resource: raw.request.resource.unwrap_or_else(|| "*".to_owned()),
            resource_account: raw.request.resource_account.unwrap_or_default(),
            context,
            mode,
        };
        Ok(Ready { principal, guards, asked })
    }
}

pub(super) fn answer(case: &Value, id: &Value) -> Result<Answer, String> {
    let Ready { principal, guards, asked } = Ready::read(case)?;
    Ok(Answer::of(id.clone(), principal.explain(&asked.request(), &guards)))
}

impl Raw {
    fn principal(&self) -> Result<Principal, String> {
        let identity = documents(&self.policies, "policies")?;
        let mut principal = Principal::new(Caller::new(&self.request.principal), &named(&identity));
        if let Some(list) = &self.boundary {
            principal = principal.with_boundary(&named(&documents(list, "boundary")?));
        }
        if let Some(policy) = &self.session_policy {
            principal = principal.with_session(&document(policy, "session_policy")?);
        }
        for level in self.scps.iter().flatten() {
            principal = principal.with_scp_level(&named(&documents(&level.policies, &level.target)?));
        }
        Ok(principal)
    }

    fn guards(&self) -> Result<Guards, String> {
        let mut guards = Guards::none();
        if let Some(policy) = &self.resource_policy {
            guards = guards.with_policy(&document(policy, "resource_policy")?, "resource_policy");
        }
        for level in self.rcps.iter().flatten() {
            guards = guards.with_rcp_level(&named(&documents(&level.policies, &level.target)?));
        }
        if let Some(list) = &self.endpoint_policies {
            guards = guards.with_endpoint(&named(&documents(list, "endpoint_policies")?));
        }
        Ok(guards)
    }
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
