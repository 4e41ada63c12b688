//! trailhound: the command line. Wires the rooms together; a command's outcome becomes the exit code.

mod cli;
mod commands;
mod config;
mod diagnostics;
mod existing;
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
    // A question's own threads hand it on, and it is told as the question's error.
    std::panic::set_hook(Box::new(move |panic| {
        let thread = std::thread::current();
        if !thread.name().is_some_and(|name| name.starts_with("trailhound-query") || name == "trailhound-plan") {
            words.error(&format!("internal error: {panic}"));
        }
    }));
    match commands::run(&cli, words) {
        Ok(outcome) => ExitCode::from(outcome.code()),
        Err(failure) => {
            words.error(&failure.to_string());
            ExitCode::from(failure.code())
        }
    }
}
