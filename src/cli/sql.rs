//! `trailhound sql`: the shell, and what it is opened over.

use clap::Args;

use super::Input;

pub(super) const EXAMPLES: &str = "\
Examples:
  trailhound sql ./logs
  trailhound sql --lake ./trailhound-lake
  trailhound sql --lake ./trailhound-lake --timeout 30s --output csv < questions.sql

A statement ends with `;`. Tab completes tables, columns, functions and keywords; \\? lists the commands; Ctrl-C ends the
query that runs, Ctrl-D the shell. What is not typed but piped in is run statement by statement.";

/// `trailhound sql`
#[derive(Debug, Clone, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct SqlArgs {
    #[command(flatten)]
    pub(crate) input: Input,
}
