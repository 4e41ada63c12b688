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
    let file = path.display();
    let found = set::parse(&grants::read(path)?).map_err(|reason| Failure::Usage(format!("{file}: {reason}")))?;
    let named = |(name, document): (Option<String>, Document)| match name {
        Some(name) => (format!("{file}, {name}"), document),
        None => (file.to_string(), document),
    };
    Ok(found.into_iter().map(named).collect())
}

/// A policy document from a file.
fn document(path: &Path) -> Result<Document, Failure> {
    Document::parse_text(&grants::read(path)?).map_err(|reason| Failure::Usage(format!("{}: {reason}", path.display())))
}
