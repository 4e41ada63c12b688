//! `trailhound sql`: questions one after the other, typed at a prompt or piped in.
//!
//! `statement` cuts what is typed into statements, `complete` says what may come next, `place` points at what is wrong,
//! `pager` shows long answers, `session` runs statements and the shell's own commands. This file is the prompt.

mod complete;
mod pager;
mod place;
mod session;
mod statement;

use std::io::{self, IsTerminal, Read};
use std::path::PathBuf;

use query::Wanted;

use super::query::Opened;
use crate::cli::{Global, SqlArgs};
use crate::outcome::{Failure, Outcome};
use crate::prompt::{self, Entered, Guide, History};
use crate::render::terminal::Terminal;
use crate::render::words::Words;
use complete::Names;
use session::{Next, Session};

pub(crate) fn run(args: &SqlArgs, global: &Global, words: Words) -> Result<Outcome, Failure> {
    let typed = io::stdin().is_terminal();
    if !typed && args.input.paths.iter().any(|path| path.as_os_str() == "-") {
        let text = "the SQL and the logs cannot both come from standard input: give the logs as a path";
        return Err(Failure::Usage(text.to_owned()));
    }
    let opened = Opened::open(&args.input, &Wanted::all(), global, words)?;
    let mut session = Session::new(&opened.engine, global, words, typed);
    if typed {
        prompt(&mut session, words)?
    } else {
        piped(&mut session)?
    }
    Ok(opened.tell())
}

/// Runs what is piped in. A statement that fails does not keep the next one from running, but shows in the exit code.
fn piped(session: &mut Session<'_>) -> Result<(), Failure> {
    let mut text = String::new();
    io::stdin().lock().read_to_string(&mut text).map_err(|e| Failure::Io(format!("standard input: {e}")))?;
    let (mut statements, rest) = statement::split(&text);
    if !statement::is_empty(&rest) {
        statements.push(rest);
    }
    let (total, mut failed) = (statements.len(), 0);
    for statement in &statements {
        match session.run(statement) {
            Next::Go(true) => {}
            Next::Go(false) => failed += 1,
            Next::End => break,
        }
    }
    match failed {
        0 => Ok(()),
        failed => Err(Failure::Usage(format!("{failed} of {total} statements failed, as said above"))),
    }
}

fn prompt(session: &mut Session<'_>, words: Words) -> Result<(), Failure> {
    let guide = Prompt { names: session.names() };
    let mut history = History::open(history_file());
    words.note(r"A statement ends with `;`. \? lists the commands, Tab completes, Ctrl-D ends.");
    loop {
        let entered = prompt::enter("trailhound> ", "        ... ", &guide, &mut history);
        match entered.map_err(|e| Failure::Io(format!("the terminal: {e}")))? {
            Entered::Text(text) if session.typed(text.trim()) => return Ok(()),
            Entered::Text(_) | Entered::Nothing => {}
            Entered::End => return Ok(()),
        }
    }
}

/// Where the history is kept: `TRAILHOUND_HISTORY`, else below the folder for state (XDG Base Directory Specification).
fn history_file() -> Option<PathBuf> {
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(file) = variable("TRAILHOUND_HISTORY") {
        return Some(file);
    }
    let state = variable("XDG_STATE_HOME").or_else(|| Some(variable("HOME")?.join(".local/state")))?;
    let folder = state.join("trailhound");
    std::fs::create_dir_all(&folder).ok()?;
    Some(folder.join("history"))
}

/// What the prompt asks.
struct Prompt {
    names: Names,
}

impl Guide for Prompt {
    fn complete(&self, before: &str, whole: &str) -> (usize, Vec<String>) {
        complete::complete(before, whole, &self.names)
    }

    fn is_whole(&self, text: &str) -> bool {
        statement::is_whole(text)
    }
}

/// The screen's height in lines.
fn height() -> usize {
    terminal_size::terminal_size().map_or(24, |(_, height)| usize::from(height.0))
}

/// Whether answers go to a person.
fn is_shown(global: &Global) -> bool {
    Terminal::stdout(global.no_color).is_terminal
}
