//! What is asked, from the flags: the principal with its policies, what stands at the resources, the context.

use std::collections::BTreeMap;
use std::path::Path;

use ::access::inventory::{self, Entity, Inventory, Lacking, ScpLevel};
use ::access::policy::evaluate::Named;
use ::access::policy::{ActionName, Caller, Context, Document, Guards, Mode, Principal, Request};

use super::super::{asked, document};
use super::answer::Answered;
use crate::cli::{GrantArgs, SimulateArgs};
use crate::grants::{self, read};
use crate::outcome::Failure;

/// What the flags describe.
pub(super) struct Setting {
    principal: Principal,
    guards: Guards,
    context: Context,
    mode: Mode,
    pub(super) resources: Vec<String>,
    owner: Option<String>,
    has_resource_policy: bool,
    /// Trust policies of the roles in the grants, by ARN.
    trust: BTreeMap<String, Document>,
    pub(super) warnings: Vec<String>,
    /// Whether nothing that could allow anything was given.
    pub(super) is_bare: bool,
    /// What is odd, and may be meant.
    pub(super) hints: Vec<String>,
    /// Policies of the principal that the grants do not have.
    pub(super) lacking: Lacking,
}

impl Setting {
    pub(super) fn new(args: &SimulateArgs) -> Result<Setting, Failure> {
        let scps = args.scps.clone().filter(|_| !args.grants.is_empty());
        let files = GrantArgs { grants: args.grants.clone(), scps, ..GrantArgs::default() };
        let inventories = grants::inventories(&files, None)?;
        args.resource_arns.iter().try_for_each(|arn| asked::resource(arn))?;
        let owner = args.resource_owner.as_deref().map(asked::owner).transpose()?;
        let asking = Asking::of(args, &inventories)?;
        let found = asking.found;
        let more = documents(&args.policy_input_list)?;
        let boundaries = documents(&args.permissions_boundary_policy_input_list)?;
        let (principal, mut context) = asking.principal(args, &more, &boundaries)?;
        let account = owner.as_deref().unwrap_or(&principal.caller().account).to_owned();
        let guards = guards(args, &inventories, &account)?;
        let hints = asked::entries(&args.context_entries, &mut context)?;
        let mut lacking = found.map(|(inventory, entity)| inventory.lacking(entity)).unwrap_or_default();
        if !boundaries.is_empty() {
            lacking.boundary = None;
        }
        let roles = inventories.iter().flat_map(|inventory| &inventory.entities);
        let trust = roles.filter_map(|role| Some((role.arn.clone(), role.trust.clone()?))).collect();
        let resources = if args.resource_arns.is_empty() { vec!["*".to_owned()] } else { args.resource_arns.clone() };
        Ok(Setting {
            principal,
            guards,
            context,
            mode: if args.possible { Mode::Possible } else { Mode::Strict },
            resources,
            owner,
            hints,
            trust,
            has_resource_policy: args.resource_policy.is_some(),
            is_bare: found.is_none() && more.is_empty() && args.resource_policy.is_none(),
            lacking,
            warnings: inventories.into_iter().flat_map(|inventory| inventory.warnings).collect(),
        })
    }

    /// Decides one action on one resource.
    pub(super) fn ask<'a>(&self, action: &'a str, resource: &'a str) -> Answered<'a> {
        let in_arn = resource.split(':').nth(4).unwrap_or_default();
        let request = Request {
            action: &ActionName::new(action),
            resource,
            resource_account: self.owner.as_deref().unwrap_or(in_arn),
            context: &self.context,
            mode: &self.mode,
        };
        // A role's trust policy is in the grants, unless another was given to be asked.
        let assumes = !self.has_resource_policy && request.action.lower().starts_with("sts:assumerole");
        let trust = self.trust.get(resource).filter(|_| assumes);
        let with_trust =
            trust.map(|trust| self.guards.clone().with_policy(trust, &format!("trust policy of {resource}")));
        let guards = with_trust.as_ref().unwrap_or(&self.guards);
        let waits = self.principal.waits_for_owner(&request, guards);
        Answered { action, resource, said: self.principal.explain(&request, guards), waits }
    }
}

/// Who asks, and where the grants have him.
struct Asking<'a> {
    caller: Caller,
    found: Option<(&'a Inventory, &'a Entity)>,
}

impl<'a> Asking<'a> {
    fn of(args: &SimulateArgs, inventories: &'a [Inventory]) -> Result<Asking<'a>, Failure> {
        let arn = args.caller_arn.as_ref().or(args.policy_source_arn.as_ref());
        let arn = arn.ok_or_else(|| Failure::Usage("say who asks: --policy-source-arn or --caller-arn".to_owned()))?;
        let flag = if args.caller_arn.is_some() { "--caller-arn" } else { "--policy-source-arn" };
        let caller = asked::caller(flag, arn)?;
        let source = args.policy_source_arn.as_deref();
        let source = source.map(|arn| asked::caller("--policy-source-arn", arn)).transpose()?;
        let found = source
            .as_ref()
            .and_then(|source| inventories.iter().find_map(|inventory| Some((inventory, inventory.behind(source)?))));
        if let (Some(source), None) = (&source, found) {
            let next = "give the grants of its account, or check the ARN's path";
            return Err(Failure::Usage(format!("{}: not in the grants; {next}", source.arn)));
        }
        Ok(Asking { caller, found })
    }

    /// The principal with all its policies, and what a request of his says of him.
    fn principal(
        self,
        args: &SimulateArgs,
        more: &[(String, Document)],
        boundaries: &[(String, Document)],
    ) -> Result<(Principal, Context), Failure> {
        // What the ARN says; of who is in the grants they say more.
        let mut context = self.caller.context();
        let mut principal = match self.found {
            Some((inventory, entity)) => {
                context = inventory.principal_context(entity, &self.caller);
                let mut identity = inventory.identity_policies(entity);
                identity.extend(more.iter().map(|(name, document)| (name.clone(), document)));
                let named: Named<'_> = identity.iter().map(|(name, document)| (name.as_str(), *document)).collect();
                inventory.bounded(Principal::new(self.caller, &named), entity)
            }
            None => Principal::new(self.caller, &named(more)),
        };
        if !boundaries.is_empty() {
            principal = principal.with_boundary(&named(boundaries));
        }
        if let (None, Some(scps)) = (self.found, &args.scps) {
            principal = with_scps(principal, scps)?;
        }
        if let Some(path) = &args.session_policy {
            principal = principal.with_session(&document(path)?);
        }
        Ok((principal, context))
    }
}

/// What stands at the resources of an account.
fn guards(args: &SimulateArgs, inventories: &[Inventory], account: &str) -> Result<Guards, Failure> {
    let mut guards = Guards::none();
    if let Some(path) = &args.resource_policy {
        guards = guards.with_policy(&document(path)?, &path.display().to_string());
    }
    if let Some(path) = &args.rcps {
        return Ok(with_rcps(guards, &levels(path, account)?));
    }
    // Those of an inventory hold for the resources of its account.
    let own = inventories.iter().find(|inventory| inventory.account() == account);
    Ok(own.map_or(guards.clone(), |own| with_rcps(guards, &own.rcp_levels)))
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
    let mut found = Vec::new();
    for path in paths {
        found.extend(super::super::documents(path)?);
    }
    Ok(found)
}

fn named(documents: &[(String, Document)]) -> Named<'_> {
    documents.iter().map(|(name, document)| (name.as_str(), document)).collect()
}
