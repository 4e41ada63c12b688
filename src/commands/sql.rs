//! `trailhound sql`: questions one after the other, typed at a prompt or piped in.
//!
//! `statement` cuts what is typed into statements, `complete` says what may come next, `place` points at what is wrong,
//! `pager` shows long answers, `session` runs statements and the shell's own commands. This file is the prompt.

mod complete;
mod pager;
mod place;
mod session;
mod statement;

use std::cell::RefCell;
use std::io::{self, IsTerminal, Read};
use std::path::PathBuf;

use query::Wanted;
use rustyline::completion::Completer;
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::FileHistory;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{CompletionType, Config, Context, Editor, Helper};

use super::query::Opened;
use crate::cli::{Global, SqlArgs};
use crate::outcome::{Failure, Outcome};
use crate::render::terminal::Terminal;
use crate::render::words::Words;
use complete::Names;
use session::{Next, Session};

/// Lines that the history keeps.
const HISTORY: usize = 2_000;

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
    let bad = |e: ReadlineError| Failure::Io(format!("the terminal: {e}"));
    let config = Config::builder()
        .max_history_size(HISTORY)
        .and_then(|config| config.history_ignore_dups(true))
        .map_err(bad)?
        .completion_type(CompletionType::List)
        .completion_show_all_if_ambiguous(true)
        .build();
    let mut editor: Editor<Prompt, FileHistory> = Editor::with_config(config).map_err(bad)?;
    editor.set_helper(Some(Prompt { names: RefCell::new(session.names()) }));
    let history = history_file();
    if let Some(file) = &history {
        // The first time there is none.
        let _ = editor.load_history(file);
    }
    words.note(r"A statement ends with `;`. \? lists the commands, Tab completes, Ctrl-D ends.");
    loop {
        match editor.readline("trailhound> ") {
            Ok(text) => {
                let text = text.trim();
                if text.is_empty() {
                    continue;
                }
                let _ = editor.add_history_entry(text);
                if let Some(file) = &history {
                    // A history that cannot be kept is no reason to lose the session.
                    let _ = editor.append_history(file);
                }
                if session.typed(text) {
                    break;
                }
            }
            // Ctrl-C: what was typed so far is dropped.
            Err(ReadlineError::Interrupted) => {}
            Err(ReadlineError::Eof) => break,
            Err(error) => return Err(bad(error)),
        }
    }
    Ok(())
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

/// What the line editor asks.
struct Prompt {
    names: RefCell<Names>,
}

impl Helper for Prompt {}

impl Completer for Prompt {
    type Candidate = String;

    fn complete(&self, line: &str, pos: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<String>)> {
        let before = line.get(..pos).unwrap_or(line);
        Ok(complete::complete(before, line, &self.names.borrow()))
    }
}

impl Validator for Prompt {
    fn validate(&self, context: &mut ValidationContext) -> rustyline::Result<ValidationResult> {
        Ok(match statement::is_whole(context.input()) {
            true => ValidationResult::Valid(None),
            false => ValidationResult::Incomplete,
        })
    }
}

impl Hinter for Prompt {
    type Hint = String;
}

impl Highlighter for Prompt {}

/// The screen's height in lines.
fn height() -> usize {
    terminal_size::terminal_size().map_or(24, |(_, height)| usize::from(height.0))
}

/// Whether answers go to a person.
fn is_shown(global: &Global) -> bool {
    Terminal::stdout(global.no_color).is_terminal
}
