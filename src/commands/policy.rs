//! `trailhound policy`: deciding requests, writing smaller policies, and trying them on what was recorded.

mod generate;
mod replay;
mod simulate;

use std::path::Path;

use ::access::policy::Document;

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

/// A policy document from a file.
fn document(path: &Path) -> Result<Document, Failure> {
    Document::parse_text(&grants::read(path)?).map_err(|reason| Failure::Usage(format!("{}: {reason}", path.display())))
}
