//! `trailhound policy simulate`: one decision for each action and resource, or one for each case of a file.

mod answer;
mod setting;

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;

use ::access::simulate;
use serde_json::Value;

use super::asked;
use crate::cli::{Global, SimulateArgs};
use crate::outcome::{Failure, Outcome};
use crate::render;
use crate::render::words::Words;
use setting::Setting;

pub(crate) fn run(args: &SimulateArgs, global: &Global, words: Words) -> Result<Outcome, Failure> {
    if let Some(path) = &args.cases {
        return cases(path, words);
    }
    args.action_names.iter().try_for_each(|action| asked::action(action))?;
    let setting = Setting::new(args)?;
    let mut found = Vec::new();
    for action in &args.action_names {
        for resource in &setting.resources {
            found.push(setting.ask(action, resource));
        }
    }
    answer::print(&found, &setting.lacking, global)?;
    if setting.is_bare {
        words.warning("no policy was given, so nothing is allowed: --policy-source-arn with --grants, --policy-input-list or --resource-policy");
    }
    for hint in args.action_names.iter().filter_map(|action| asked::hint(action)).chain(setting.hints) {
        words.warning(&hint);
    }
    for warning in &setting.warnings {
        words.warning(warning);
    }
    let lacks: Vec<&str> = setting.lacking.names().collect();
    if !lacks.is_empty() {
        let next = "run get-account-authorization-details without a filter";
        words.warning(&format!(
            "not in the grants, or not to be read, so what they say cannot be known: {}; {next}",
            lacks.join(", ")
        ));
    }
    let waiting: BTreeSet<&str> = found.iter().filter(|one| one.waits).map(|one| one.resource).collect();
    if !waiting.is_empty() {
        let names = waiting.iter().copied().collect::<Vec<_>>().join(", ");
        words.warning(&format!(
            "the policy of {names} is not given, and must allow too: give it with --resource-policy, or the grants of the role's account"
        ));
    }
    let whole = setting.warnings.is_empty() && lacks.is_empty() && waiting.is_empty();
    Ok(if whole { Outcome::Done } else { Outcome::Rejected })
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
