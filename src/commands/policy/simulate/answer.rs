//! Answers of a simulation as people and programs read them.

use std::io;

use ::access::inventory::Lacking;
use ::access::policy::Outcome as Decided;
use ::access::policy::evaluate::{Explained, LayerKind};
use serde_json::{Value, json};

use crate::cli::Global;
use crate::outcome::Failure;
use crate::render::report::Report;
use crate::render::terminal::Terminal;
use crate::render::{self, Output};

/// The answer for one action on one resource.
pub(super) struct Answered<'a> {
    pub(super) action: &'a str,
    pub(super) resource: &'a str,
    pub(super) said: Explained,
    /// Whether it hangs on the resource's policy, which was not given.
    pub(super) waits: bool,
}

/// How the resource's policy is named among those that are missing.
fn owner_policy(resource: &str) -> String {
    format!("policy of {resource}")
}

/// Whether a policy that is not there could turn the answer. A Deny stays one, and a boundary allows nothing.
fn is_open(one: &Answered<'_>, lacking: &Lacking) -> bool {
    one.waits
        || match one.said.outcome {
            Decided::Allowed => !lacking.is_empty(),
            Decided::ImplicitlyDenied => !lacking.policies.is_empty(),
            Decided::ExplicitlyDenied => false,
        }
}

pub(super) fn print(found: &[Answered<'_>], lacking: &Lacking, global: &Global) -> Result<(), Failure> {
    let mut out = io::stdout();
    match global.output {
        Output::Json => {
            let results: Vec<_> = found.iter().map(|one| result(one, lacking)).collect();
            render::settle(render::json::document(&json!({ "EvaluationResults": results }), &mut out))?;
        }
        Output::Jsonl => {
            for one in found {
                render::settle(render::json::document_line(&result(one, lacking), &mut out))?;
            }
        }
        Output::Table => {
            render::settle(tell(found, lacking, &mut Report::new(&mut out, Terminal::stdout(global.no_color))))?
        }
        Output::Csv | Output::Parquet | Output::Arrow => {
            return Err(Failure::Usage("a simulation is not rows: use --output table, json or jsonl".to_owned()));
        }
    }
    Ok(())
}

/// One result in the shape of AWS' `SimulatePrincipalPolicy`, with what blocks beside it.
fn result(one: &Answered<'_>, lacking: &Lacking) -> Value {
    let Answered { action, resource, said, .. } = one;
    let owner = one.waits.then(|| owner_policy(resource));
    let decision = match said.outcome {
        Decided::Allowed => "allowed",
        Decided::ImplicitlyDenied => "implicitDeny",
        Decided::ExplicitlyDenied => "explicitDeny",
    };
    let matched: Vec<_> = said
        .layers
        .iter()
        .flat_map(|layer| layer.statements.iter().map(move |origin| (layer.layer, origin)))
        .map(|(layer, origin)| {
            json!({"SourcePolicyId": &*origin.policy, "SourcePolicyType": kind(layer), "Statement": origin.index, "Sid": origin.sid.as_deref()})
        })
        .collect();
    let allows = |layer: LayerKind| {
        said.layers.iter().find(|found| found.layer == layer).map(|found| found.outcome == Decided::Allowed)
    };
    json!({
        "EvalActionName": action,
        "EvalResourceName": resource,
        "EvalDecision": decision,
        "MatchedStatements": matched,
        "MissingContextValues": said.missing,
        "OrganizationsDecisionDetail": allows(LayerKind::Scp).map(|yes| json!({"AllowedByOrganizations": yes})),
        "PermissionsBoundaryDecisionDetail":
            allows(LayerKind::Boundary).map(|yes| json!({"AllowedByPermissionsBoundary": yes})),
        "Confidence": if is_open(one, lacking) { "cannot_know" } else { "certain" },
        "MissingPolicies": lacking.names().chain(owner.as_deref()).collect::<Vec<_>>(),
        "BlockedBy": said.blocked_by.iter().map(LayerKind::as_str).collect::<Vec<_>>(),
    })
}

fn kind(layer: LayerKind) -> &'static str {
    match layer {
        LayerKind::Scp => "service control policy",
        LayerKind::Rcp => "resource control policy",
        LayerKind::Identity => "identity policy",
        LayerKind::Resource => "resource policy",
        LayerKind::Boundary => "permissions boundary",
        LayerKind::Session => "session policy",
        LayerKind::Endpoint => "VPC endpoint policy",
    }
}

fn tell(found: &[Answered<'_>], lacking: &Lacking, report: &mut Report<'_>) -> io::Result<()> {
    let rows = found.iter().map(|one| {
        let Answered { action, resource, said, .. } = one;
        let outcome = said.outcome.as_str();
        let (result, because) = match is_open(one, lacking) {
            true if one.waits => (
                "cannot know",
                format!("{} must allow too, and is not given: --resource-policy", owner_policy(resource)),
            ),
            true => ("cannot know", format!("{outcome} by the policies that are there: {}", why(said))),
            false => (outcome, why(said)),
        };
        vec![(*action).to_owned(), (*resource).to_owned(), result.to_owned(), because]
    });
    report.table(&["action", "resource", "result", "because"], &rows.collect::<Vec<_>>())?;
    let missing: std::collections::BTreeSet<&str> =
        found.iter().flat_map(|one| one.said.missing.iter().map(String::as_str)).collect();
    if !missing.is_empty() {
        let keys = missing.into_iter().collect::<Vec<_>>().join(", ");
        report.prose(&format!("Policies also ask for context that is not given (--context-entries): {keys}"))?;
    }
    Ok(())
}

fn why(said: &Explained) -> String {
    let blocked: Vec<_> = said.blocked_by.iter().map(kind).collect();
    match &said.statement {
        Some((layer, origin)) => {
            let sid = origin.sid.as_ref().map(|sid| format!(" ({sid})")).unwrap_or_default();
            format!("{} {}, statement {}{sid}", kind(*layer), origin.policy, origin.index + 1)
        }
        None if !blocked.is_empty() => format!("granted, but not by the {}", blocked.join(" nor the ")),
        None if said.outcome == Decided::Allowed => "needs no permission".to_owned(),
        None => "no policy allows it".to_owned(),
    }
}
