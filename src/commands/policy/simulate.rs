//! `trailhound policy simulate`: one decision for each action and resource, or one for each case of a file.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;

use ::access::inventory::{self, ScpLevel};
use ::access::policy::evaluate::{Explained, LayerKind, Named};
use ::access::policy::{ActionName, Caller, Context, Document, Guards, Mode, Outcome as Decided, Principal, Request};
use ::access::simulate;
use serde_json::{Value, json};

use super::document;
use crate::cli::{Global, GrantArgs, SimulateArgs};
use crate::grants::{self, read};
use crate::outcome::{Failure, Outcome};
use crate::render::report::Report;
use crate::render::terminal::Terminal;
use crate::render::words::Words;
use crate::render::{self, Output};

pub(crate) fn run(args: &SimulateArgs, global: &Global, words: Words) -> Result<Outcome, Failure> {
    if let Some(path) = &args.cases {
        return cases(path, words);
    }
    let setting = Setting::new(args)?;
    let mut found = Vec::new();
    for action in &args.action_names {
        for resource in &setting.resources {
            found.push((action.as_str(), resource.as_str(), setting.ask(action, resource)));
        }
    }
    print(&found, global)?;
    for warning in &setting.warnings {
        words.warning(warning);
    }
    Ok(if setting.warnings.is_empty() { Outcome::Done } else { Outcome::Rejected })
}

/// One line of JSON for each case, whatever the output format: programs ask this.
fn cases(path: &Path, words: Words) -> Result<Outcome, Failure> {
    let failed = |e: io::Error| Failure::Io(format!("{}: {e}; check the path", path.display()));
    let input: Box<dyn BufRead> = match path.as_os_str() == "-" {
        true => Box::new(io::stdin().lock()),
        false => Box::new(BufReader::new(File::open(path).map_err(failed)?)),
    };
    let mut out = io::BufWriter::new(io::stdout().lock());
    let (mut asked, mut unanswered) = (0_u64, 0_u64);
    for line in input.lines() {
        let line = line.map_err(failed)?;
        if line.trim().is_empty() {
            continue;
        }
        asked += 1;
        let answer = match serde_json::from_str::<Value>(&line) {
            Ok(case) => simulate::answer(&case),
            Err(reason) => {
                let error = Some(format!("line {asked} is no JSON: {reason}"));
                simulate::Answer { error, ..simulate::Answer::default() }
            }
        };
        unanswered += u64::from(answer.error.is_some());
        render::settle(render::json::document_line(&answer, &mut out))?;
    }
    render::settle(out.flush())?;
    if asked == 0 {
        words.warning(&format!("{}: no cases in it; give a line of JSON each", path.display()));
    }
    if unanswered > 0 {
        words.warning(&format!("{unanswered} of {asked} cases could not be read; their lines say why in `error`"));
        return Ok(Outcome::Rejected);
    }
    Ok(Outcome::Done)
}

/// What the flags describe.
struct Setting {
    principal: Principal,
    guards: Guards,
    context: Context,
    mode: Mode,
    resources: Vec<String>,
    owner: Option<String>,
    warnings: Vec<String>,
}

impl Setting {
    fn new(args: &SimulateArgs) -> Result<Setting, Failure> {
        let scps = args.scps.clone().filter(|_| !args.grants.is_empty());
        let files = GrantArgs { grants: args.grants.clone(), scps, ..GrantArgs::default() };
        let inventories = grants::inventories(&files, None)?;
        let arn = args.caller_arn.as_ref().or(args.policy_source_arn.as_ref());
        let arn = arn.ok_or_else(|| Failure::Usage("say who asks: --policy-source-arn or --caller-arn".to_owned()))?;
        let caller = Caller::new(arn);
        let source = args.policy_source_arn.as_deref().map(Caller::new);
        let found = source
            .as_ref()
            .and_then(|source| inventories.iter().find_map(|inventory| Some((inventory, inventory.behind(source)?))));
        if let (Some(source), None) = (&source, found) {
            let next = "give the grants of its account, or check the ARN's path";
            return Err(Failure::Usage(format!("{}: not in the grants; {next}", source.arn)));
        }
        let more = documents(&args.policy_input_list)?;
        let boundaries = documents(&args.permissions_boundary_policy_input_list)?;
        let mut context = Context::default();
        let mut principal = match found {
            Some((inventory, entity)) => {
                context = inventory.principal_context(entity, &caller);
                let mut identity = inventory.identity_policies(entity);
                identity.extend(more.iter().map(|(name, document)| (name.clone(), document)));
                let named: Named<'_> = identity.iter().map(|(name, document)| (name.as_str(), *document)).collect();
                inventory.bounded(Principal::new(caller, &named), entity)
            }
            None => Principal::new(caller, &named(&more)),
        };
        if !boundaries.is_empty() {
            principal = principal.with_boundary(&named(&boundaries));
        }
        if found.is_none()
            && let Some(scps) = &args.scps
        {
            principal = with_scps(principal, scps)?;
        }
        if let Some(path) = &args.session_policy {
            principal = principal.with_session(&document(path)?);
        }
        let mut guards = Guards::none();
        if let Some(path) = &args.resource_policy {
            guards = guards.with_policy(&document(path)?, &path.display().to_string());
        }
        let account = args.resource_owner.as_deref().unwrap_or(&principal.caller().account).to_owned();
        match &args.rcps {
            Some(path) => guards = with_rcps(guards, &levels(path, &account)?),
            // Those of an inventory hold for the resources of its account.
            None => {
                let own = inventories.iter().find(|inventory| inventory.account() == account);
                guards = own.map_or(guards.clone(), |own| with_rcps(guards, &own.rcp_levels));
            }
        }
        entries(&args.context_entries, &mut context)?;
        let mut resources = args.resource_arns.clone();
        if resources.is_empty() {
            resources.push("*".to_owned());
        }
        Ok(Setting {
            principal,
            guards,
            context,
            mode: if args.possible { Mode::Possible } else { Mode::Strict },
            resources,
            owner: args.resource_owner.clone(),
            warnings: inventories.into_iter().flat_map(|inventory| inventory.warnings).collect(),
        })
    }

    fn ask(&self, action: &str, resource: &str) -> Explained {
        let in_arn = resource.split(':').nth(4).unwrap_or_default();
        let request = Request {
            action: &ActionName::new(action),
            resource,
            resource_account: self.owner.as_deref().unwrap_or(in_arn),
            context: &self.context,
            mode: &self.mode,
        };
        self.principal.explain(&request, &self.guards)
    }
}

fn levels(path: &Path, account: &str) -> Result<Vec<ScpLevel>, Failure> {
    let wrong = |error: inventory::Error| Failure::Usage(error.to_string());
    inventory::scp_levels(&read(path)?, account, &path.display().to_string()).map_err(wrong)
}

fn of_level(level: &ScpLevel) -> Named<'_> {
    level.policies.iter().map(|document| (level.target.as_str(), document)).collect()
}

fn with_scps(principal: Principal, path: &Path) -> Result<Principal, Failure> {
    let levels = levels(path, &principal.caller().account)?;
    Ok(levels.iter().fold(principal, |principal, level| principal.with_scp_level(&of_level(level))))
}

fn with_rcps(guards: Guards, levels: &[ScpLevel]) -> Guards {
    levels.iter().fold(guards, |guards, level| guards.with_rcp_level(&of_level(level)))
}

fn documents(paths: &[std::path::PathBuf]) -> Result<Vec<(String, Document)>, Failure> {
    paths.iter().map(|path| Ok((path.display().to_string(), document(path)?))).collect()
}

fn named(documents: &[(String, Document)]) -> Named<'_> {
    documents.iter().map(|(name, document)| (name.as_str(), document)).collect()
}

fn entries(entries: &[String], context: &mut Context) -> Result<(), Failure> {
    for entry in entries {
        let Some((key, value)) = entry.split_once('=') else {
            return Err(Failure::Usage(format!("--context-entries {entry:?}: give KEY=VALUE")));
        };
        match value.strip_prefix('[').and_then(|list| list.strip_suffix(']')) {
            Some(list) => context.set_many(key, list.split(',').map(str::trim).filter(|value| !value.is_empty())),
            None => context.set(key, value),
        }
    }
    Ok(())
}

fn print(found: &[(&str, &str, Explained)], global: &Global) -> Result<(), Failure> {
    let mut out = io::stdout();
    match global.output {
        Output::Json => {
            let results: Vec<_> = found.iter().map(|(action, resource, said)| result(action, resource, said)).collect();
            render::settle(render::json::document(&json!({ "EvaluationResults": results }), &mut out))?;
        }
        Output::Jsonl => {
            for (action, resource, said) in found {
                render::settle(render::json::document_line(&result(action, resource, said), &mut out))?;
            }
        }
        Output::Table => render::settle(tell(found, &mut Report::new(&mut out, Terminal::stdout(global.no_color))))?,
        Output::Csv | Output::Parquet | Output::Arrow => {
            return Err(Failure::Usage("a simulation is not rows: use --output table, json or jsonl".to_owned()));
        }
    }
    Ok(())
}

/// One result in the shape of AWS' `SimulatePrincipalPolicy`, with what blocks beside it.
fn result(action: &str, resource: &str, said: &Explained) -> Value {
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

fn tell(found: &[(&str, &str, Explained)], report: &mut Report<'_>) -> io::Result<()> {
    let rows = found.iter().map(|(action, resource, said)| {
        vec![(*action).to_owned(), (*resource).to_owned(), said.outcome.as_str().to_owned(), why(said)]
    });
    report.table(&["action", "resource", "result", "because"], &rows.collect::<Vec<_>>())?;
    let missing: std::collections::BTreeSet<&str> =
        found.iter().flat_map(|(.., said)| said.missing.iter().map(String::as_str)).collect();
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
