//! trailhound: the command line. Wires the rooms together; a command's outcome becomes the exit code.

mod cli;
mod commands;
mod intake;
mod outcome;
mod overview;
mod render;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    let words = render::words::Words::new(cli.global.quiet, cli.global.no_color);
    intake::start_diagnostics(cli.global.debug);
    match commands::run(&cli, words) {
        Ok(outcome) => ExitCode::from(outcome.code()),
        Err(failure) => {
            words.error(&failure.to_string());
            ExitCode::from(failure.code())
        }
    }
}
