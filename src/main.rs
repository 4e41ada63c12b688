//! trailhound: the command line. Wires the rooms together; a command's outcome becomes the exit code.

mod cli;
mod commands;
mod config;
mod diagnostics;
mod folded;
mod grants;
mod intake;
mod outcome;
mod overview;
mod prompt;
mod proof;
mod remote;
mod render;
mod rulebook;
mod stop;
mod watch;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    let words = render::words::Words::new(cli.global.quiet, cli.global.no_color);
    // One that never ends says more, as its configuration wants it.
    if !matches!(cli.command, cli::Command::Watch(_)) {
        diagnostics::start(cli.global.debug, cli.global.no_color);
    }
    // One line instead of a backtrace: a panic is ours to mend, or the engine's giving up on one value.
    std::panic::set_hook(Box::new(move |panic| words.error(&format!("internal error: {panic}"))));
    match commands::run(&cli, words) {
        Ok(outcome) => ExitCode::from(outcome.code()),
        Err(failure) => {
            words.error(&failure.to_string());
            ExitCode::from(failure.code())
        }
    }
}
