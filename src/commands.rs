//! One file a command. Each reads its arguments, asks the rooms, and hands what they say to `render`.

mod access;
mod alerts;
pub(crate) mod backtest;
mod config;
pub(crate) mod deliver;
mod demo;
mod doctor;
mod iam_policy;
pub(crate) mod ingest;
mod inventory;
mod investigate;
mod lake;
mod policy;
mod query;
mod rules;
mod sample;
mod scan;
mod schema;
mod sql;
mod verify;
mod watch;

use crate::cli::{Cli, Command};
use crate::outcome::{Failure, Outcome};
use crate::render::words::Words;

/// Runs the command that was asked for.
///
/// # Errors
/// What kept it from doing its work.
pub(crate) fn run(cli: &Cli, words: Words) -> Result<Outcome, Failure> {
    let global = &cli.global;
    match &cli.command {
        Command::Scan(args) => scan::run(args, global, words),
        Command::Ingest(args) => ingest::run(args, global, words),
        Command::Lake(command) => lake::run(command, global, words),
        Command::Query(args) => query::run(args, global, words),
        Command::Sql(args) => sql::run(args, global, words),
        Command::Investigate(args) => investigate::run(args, global, words),
        Command::Alerts(args) => alerts::run(args, global, words),
        Command::Watch(args) => watch::run(args, global, words),
        Command::Config(command) => config::run(command, global, words),
        Command::Deliver(command) => deliver::run(command, global, words),
        Command::Access(args) => access::run(args, global, words),
        Command::Verify(args) => verify::run(args, global, words),
        Command::Inventory(args) => inventory::run(args, global, words),
        Command::Doctor(args) => doctor::run(args, global),
        Command::IamPolicy(args) => iam_policy::run(args),
        Command::Policy(command) => policy::run(command, global, words),
        Command::Sample(args) => sample::run(args, global, words),
        Command::Demo { keep } => demo::run(keep.as_deref(), global, words),
        Command::Schema => schema::run(global),
        Command::Rules(args) => rules::run(args, global, words),
    }
}
