//! `trailhound policy`: deciding requests, writing smaller policies, and trying them on what was recorded.

mod asked;
mod generate;
mod others;
mod replay;
mod simulate;

use std::path::Path;

use ::access::policy::{Document, set};

use crate::cli::{Global, PolicyCommand};
use crate::grants;
use crate::outcome::{Failure, Outcome};
use crate::render::words::Words;

pub(crate) fn run(command: &PolicyCommand, global: &Global, words: Words) -> Result<Outcome, Failure> {
    match command {
        PolicyCommand::Simulate(args) => simulate::run(args, global, words),
        PolicyCommand::Generate(args) => generate::run(args, global, words),
        PolicyCommand::Replay(args) => replay::run(args, global, words),
    }
}

/// The policies of a file: one document, or a set as `policy generate` writes it.
fn documents(path: &Path) -> Result<Vec<(String, Document)>, Failure> {
    let (file, text) = given(path)?;
    let found = set::parse(&text).map_err(|reason| Failure::Usage(format!("{file}: {reason}")))?;
    let named = |(name, document): (Option<String>, Document)| match name {
        Some(name) => (format!("{file}, {name}"), document),
        None => (file.clone(), document),
    };
    Ok(found.into_iter().map(named).collect())
}

/// A policy document from a file.
fn document(path: &Path) -> Result<Document, Failure> {
    let (file, text) = given(path)?;
    Document::parse_text(&text).map_err(|reason| Failure::Usage(format!("{file}: {reason}")))
}

/// A policy as the AWS command line takes it: the text itself, `file://FILE`, or the name of a file alone. With what it is called.
fn given(argument: &Path) -> Result<(String, String), Failure> {
    let text = argument.to_str().unwrap_or_default();
    if text.trim_start().starts_with(['{', '[']) {
        return Ok(("the policy given".to_owned(), text.to_owned()));
    }
    let path = text.strip_prefix("file://").map_or(argument, Path::new);
    Ok((path.display().to_string(), grants::read(path)?))
}
