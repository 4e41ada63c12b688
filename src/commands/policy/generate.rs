//! `trailhound policy generate`: a policy of what a principal used, or today's without what it did not use.

use std::io::{self, Write};
use std::ops::ControlFlow;

use ::access::calls::{self, Calls};
use ::access::generate::current::{self, Use};
use ::access::generate::{self, Generated, Hold, Options, Policy, text};
use ::access::instant;
use ::access::inventory::Inventory;
use ::access::paths::Paths;
use ::access::policy::caller::Kind;
use ::access::policy::{Caller, Document};
use ::access::replay::{self, Proposal, Replay};
use ::access::unused;
use ::access::usage::{LastUsed, Limits};
use serde_json::{Value, json};

use super::others::{Lost, Others};
use crate::cli::{Form, GenerateArgs, Global, HoldIn};
use crate::grants;
use crate::intake::Events;
use crate::outcome::{Failure, Outcome};
use crate::render::report::number;
use crate::render::words::Words;
use crate::render::{self, Output};

pub(crate) fn run(args: &GenerateArgs, global: &Global, words: Words) -> Result<Outcome, Failure> {
    super::asked::holder(&args.principal)?;
    let events = Events::open(&args.input, &|_| false, global, words)?;
    let inventories = grants::inventories(&args.granted, Some(&events))?;
    let since = args.since.map(|since| since.timestamp_micros());
    let paths = Paths::new(&inventories);
    let mut calls = Calls::new(Some(vec![args.principal.clone()]), since).with_paths(paths);
    let mut usage = LastUsed::new(Limits::default());
    let mut others =
        if args.from_current { Others::of(&args.principal, &inventories, since) } else { Others::default() };
    let totals = events.read(Some(&columns()), &mut |batch| {
        calls.observe(&batch);
        if args.from_current {
            usage.observe(&batch);
            others.observe(&batch);
        }
        ControlFlow::Continue(())
    })?;
    if calls.events() == 0 && !args.from_current {
        let next = "compare the ARN with `trailhound access`, or give more logs";
        words.warning(&format!("{}: no event of it in the logs, so there is nothing to grant; {next}", args.principal));
    }
    let mut made = match args.from_current {
        true => Made::from_current(args, &inventories, &usage, words)?,
        false => Made::of_calls(args, &calls),
    };
    made.others = others.replay(&inventories, &made.changes);
    let replayed = replay::replay(&calls, &Proposal::Identity(made.documents.clone()));
    print(args, global, &made, &calls, &replayed, &inventories)?;
    tell(args, &made, &replayed, words);
    made.others.tell(words);
    let whole = tell_lacking(args, &inventories, words);
    Ok(events.tell(&totals).max(if whole { Outcome::Done } else { Outcome::Rejected }))
}

/// What could not be read of the grants, and what they lack of the principal; `false` if there is such a thing.
fn tell_lacking(args: &GenerateArgs, inventories: &[Inventory], words: Words) -> bool {
    let warnings: Vec<&String> = inventories.iter().flat_map(|inventory| &inventory.warnings).collect();
    warnings.iter().for_each(|warning| words.warning(warning));
    let caller = Caller::new(&args.principal);
    let found = inventories.iter().find_map(|inventory| Some(inventory.lacking(inventory.behind(&caller)?)));
    let lacking = found.unwrap_or_default();
    let names: Vec<&str> = lacking.names().collect();
    if !names.is_empty() {
        let next = "run get-account-authorization-details without a filter";
        let text = "not in the grants, or not to be read, so they are not among today's policies and what they say cannot be known";
        words.warning(&format!("{text}: {}; {next}", names.join(", ")));
    }
    warnings.is_empty() && names.is_empty()
}

/// What both folds read.
fn columns() -> Vec<&'static str> {
    let mut columns = calls::COLUMNS.to_vec();
    columns.push("actor");
    columns
}

/// What was made, whichever way.
struct Made {
    generated: Generated,
    changes: Vec<generate::current::Change>,
    /// All that the principal would have, for the replay.
    documents: Vec<(String, Document)>,
    /// Statements of today's policies that could not be narrowed.
    not_narrowed: Vec<String>,
    /// What others would lose by the changes.
    others: Lost,
}

impl Made {
    fn of_calls(args: &GenerateArgs, calls: &Calls) -> Made {
        let options = Options {
            siblings: args.siblings,
            include_denied: args.include_denied,
            hold: hold(args),
            ..Options::default()
        };
        let generated = generate::of_calls(calls, &options);
        let numbered = generated.policies.iter().enumerate();
        let documents = numbered.map(|(at, policy)| (format!("generated {}", at + 1), policy.document())).collect();
        Made { generated, changes: Vec::new(), documents, not_narrowed: Vec::new(), others: Lost::default() }
    }

    fn from_current(
        args: &GenerateArgs,
        inventories: &[Inventory],
        usage: &LastUsed,
        words: Words,
    ) -> Result<Made, Failure> {
        let caller = Caller::new(&args.principal);
        let found = inventories.iter().find_map(|inventory| Some((inventory, inventory.behind(&caller)?)));
        let (inventory, entity) = found.ok_or_else(|| {
            let next = "give --grants of its account, or a lake that keeps its inventory";
            Failure::Usage(format!("{}: not in the grants; {next}", args.principal))
        })?;
        let now = super::super::access::end(usage, "", words);
        let report = unused::report(usage, inventories, &unused::Options::new(now));
        let of = |arn: &str| {
            let row = report.principals.iter().find(|principal| principal.principal == arn);
            row.map(Use::of).unwrap_or_default()
        };
        let policies = inventory.identity_policies(entity);
        // Whoever else has a policy must not lose by its change.
        let used = |name: &str| {
            let holders = current::holders(inventory, &entity.arn, name);
            holders.iter().map(|arn| of(arn)).reduce(Use::and).unwrap_or_default()
        };
        let is_user = caller.kind == Kind::User;
        let mut changes = generate::from_current(&policies, &used, &|name| Hold::of_name(name, is_user).limit());
        for change in &mut changes {
            change.shared_with = current::holders(inventory, &entity.arn, &change.name);
            change.shared_with.retain(|arn| *arn != entity.arn);
        }
        let mut documents = Vec::new();
        for (name, document) in &policies {
            match changes.iter().find(|change| change.name == *name) {
                None => documents.push((name.clone(), (*document).clone())),
                Some(change) => {
                    let after = change.after.as_ref().and_then(|after| Document::parse(after).ok());
                    documents.extend(after.map(|after| (name.clone(), after)));
                }
            }
        }
        let not_narrowed = current::not_narrowed(&policies);
        Ok(Made { generated: Generated::default(), changes, documents, not_narrowed, others: Lost::default() })
    }

    /// The whole set, as `policy replay` and `simulate` read it: what stays as it is too, and `null` for what goes.
    fn set(&self) -> Vec<Value> {
        let kept = self.documents.iter();
        let kept = kept.map(|(name, document)| json!({"name": name, "document": current::write(document)}));
        let gone = self.changes.iter().filter(|change| change.after.is_none());
        kept.chain(gone.map(|change| json!({"name": change.name, "document": null}))).collect()
    }
}

fn print(
    args: &GenerateArgs,
    global: &Global,
    made: &Made,
    calls: &Calls,
    replayed: &Replay,
    inventories: &[Inventory],
) -> Result<(), Failure> {
    let mut out = io::stdout();
    let policies = &made.generated.policies;
    if matches!(global.output, Output::Json | Output::Jsonl) {
        let value = document(args, made, calls, replayed);
        let written = match global.output {
            Output::Json => render::json::document(&value, &mut out),
            _ => render::json::document_line(&value, &mut out),
        };
        return Ok(render::settle(written)?);
    }
    if !matches!(global.output, Output::Table) {
        return Err(Failure::Usage("a policy is not rows: use --output table or json".to_owned()));
    }
    let shown = match args.form {
        Form::Json if args.from_current => serde_json::to_string_pretty(&made.set()).unwrap_or_default() + "\n",
        Form::Json => match policies.as_slice() {
            [one] => text::pretty(one) + "\n",
            several => serde_json::to_string_pretty(several).unwrap_or_default() + "\n",
        },
        Form::Diff => diff(args, made, inventories),
        Form::Terraform if args.from_current => text::terraform_changes(&Caller::new(&args.principal), &made.changes),
        Form::Terraform => text::terraform(&Caller::new(&args.principal), policies, hold(args)),
    };
    // Names in it may be attacker-written; as JSON escapes they mean the same.
    let mut safe = Vec::with_capacity(shown.len());
    crate::render::escape::json_text(shown.as_bytes(), &mut safe);
    Ok(render::settle(out.write_all(&safe))?)
}

/// Where the policy is to be kept.
fn hold(args: &GenerateArgs) -> Hold {
    match (args.hold, Caller::new(&args.principal).kind) {
        (HoldIn::Managed, _) => Hold::Managed,
        (HoldIn::Inline, Kind::User) => Hold::InUser,
        (HoldIn::Inline, _) => Hold::InRole,
    }
}

fn diff(args: &GenerateArgs, made: &Made, inventories: &[Inventory]) -> String {
    let indent = |value: &Value| serde_json::to_string_pretty(value).unwrap_or_default();
    if args.from_current {
        let one = |change: &generate::current::Change| {
            let after = change.after.as_ref().map_or_else(String::new, &indent);
            format!("--- {0}\n+++ {0}\n{1}", change.name, text::diff(&indent(&change.before), &after))
        };
        return made.changes.iter().map(one).collect();
    }
    let caller = Caller::new(&args.principal);
    let found = inventories.iter().find_map(|inventory| Some((inventory, inventory.behind(&caller)?)));
    let policies = found.map(|(inventory, entity)| inventory.identity_policies(entity)).unwrap_or_default();
    let mut shown = String::new();
    for (name, document) in &policies {
        let before = indent(&generate::current::write(document));
        shown.push_str(&format!("--- {name}\n+++ detached\n{}", text::diff(&before, "")));
    }
    for (at, policy) in made.generated.policies.iter().enumerate() {
        shown.push_str(&format!("--- none\n+++ generated {}\n{}", at + 1, text::diff("", &text::pretty(policy))));
    }
    shown
}

fn document(args: &GenerateArgs, made: &Made, calls: &Calls, replayed: &Replay) -> Value {
    let limit = hold(args).limit();
    let sized = |policy: &Policy| {
        let size = generate::size(policy);
        json!({"size": size, "limit": limit, "fits": size <= limit, "document": policy})
    };
    let changes = made.changes.iter().map(|change| {
        let (size, limit) = change_size(args, change);
        json!({"name": change.name, "before": change.before, "after": change.after, "size": size, "limit": limit,
            "fits": size <= limit, "shared_with": change.shared_with})
    });
    json!({
        "principal": args.principal,
        "events": calls.events(),
        "first_event": calls.span().map(|span| instant::format(span.0)),
        "last_event": calls.span().map(|span| instant::format(span.1)),
        "policies": made.generated.policies.iter().map(sized).collect::<Vec<_>>(),
        "changes": changes.collect::<Vec<_>>(),
        "documents": made.set(),
        "not_narrowed": made.not_narrowed,
        "left_out": {"denied": made.generated.denied, "unmapped": made.generated.unmapped},
        "any_resource": made.generated.any_resource,
        "launch_templates": made.generated.templates,
        "wildcards": made.generated.wildcards,
        "replay": replayed,
        "others": made.others,
    })
}

/// Characters of a policy as it should be, and how many it may have.
fn change_size(args: &GenerateArgs, change: &current::Change) -> (usize, usize) {
    let is_user = Caller::new(&args.principal).kind == Kind::User;
    (change.after.as_ref().map_or(0, current::characters), Hold::of_name(&change.name, is_user).limit())
}

/// What is too large for where it is to be kept.
fn tell_sizes(args: &GenerateArgs, made: &Made, words: Words) {
    let limit = hold(args).limit();
    for policy in made.generated.policies.iter().filter(|policy| generate::size(policy) > limit) {
        let size = number(generate::size(policy) as u64);
        let next = match args.hold {
            HoldIn::Inline => "leave --hold inline out: managed policies may be several",
            HoldIn::Managed => "one statement of it cannot be made smaller; shorten it by hand",
        };
        words.warning(&format!("the policy has {size} characters, of {} allowed there; {next}", number(limit as u64)));
    }
    for change in &made.changes {
        let (size, limit) = change_size(args, change);
        if size > limit {
            let (size, limit) = (number(size as u64), number(limit as u64));
            let next = "write new policies, without --from-current, instead";
            words.warning(&format!("{}: {size} characters, of {limit} allowed; {next}", change.name));
        }
        if !change.shared_with.is_empty() {
            let count = number(change.shared_with.len() as u64);
            words.note(&format!("{} is held by {count} others too: what any of them used stays", change.name));
        }
    }
}

fn tell(args: &GenerateArgs, made: &Made, replayed: &Replay, words: Words) {
    if args.from_current && made.changes.is_empty() {
        let text = "nothing is certain to be unused, so nothing is taken away: `trailhound access --grants` says why";
        words.note(text);
    }
    if !made.not_narrowed.is_empty() {
        let text = "allow all but some actions (NotAction) and are left as they are; to narrow them, write what is needed as Action";
        words.warning(&format!("{}: {text}", made.not_narrowed.join("; ")));
    }
    let list = |names: &[String]| names.join(", ");
    words.note(&format!(
        "replayed on {} recorded calls: {} would be denied",
        number(replayed.calls),
        number(replayed.denied_calls)
    ));
    if !made.generated.denied.is_empty() {
        words.note(&format!("only ever refused, left out (--include-denied): {}", list(&made.generated.denied)));
    }
    if !made.generated.any_resource.is_empty() {
        words.note(&format!("granted on every resource, for want of records: {}", list(&made.generated.any_resource)));
    }
    for wildcard in &made.generated.wildcards {
        let actions = list(&wildcard.actions);
        let stands = match wildcard.names {
            0 => "stands for what the records do not name".to_owned(),
            names => format!("stands for {} names that were used", number(names as u64)),
        };
        words.note(&format!("{} {stands}, and allows others: {actions}", wildcard.resource));
    }
    if !made.generated.templates.is_empty() {
        let next = "if they have instance profiles, add iam:PassRole for their roles by hand";
        words.warning(&format!(
            "instances were launched from {}, whose roles are in no log; {next}",
            list(&made.generated.templates)
        ));
    }
    if !made.generated.unmapped.is_empty() {
        words.warning(&format!(
            "no IAM action is known for {}: if the principal needs them, add them by hand",
            list(&made.generated.unmapped)
        ));
    }
    tell_sizes(args, made, words);
    if made.generated.policies.len() > 10 {
        words.warning("more than 10 policies: AWS attaches 10 to a principal unless the quota is raised");
    }
    for row in replayed.denied.iter().take(10) {
        words.warning(&format!("would be denied: {} on {} ({} times)", row.action, row.resource, number(row.count)));
    }
    if replayed.dropped > 0 {
        words.warning(&format!(
            "{} calls had no room and are missing: narrow it with --since",
            number(replayed.dropped)
        ));
    }
}
