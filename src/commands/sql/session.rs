//! A session: statements and the shell's own commands, one after the other.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::time::Instant;

use arrow::datatypes::{DataType, Fields, SchemaRef};
use clap::ValueEnum;
use query::Engine;
use query::trino::type_name;

use super::complete::Names;
use super::pager::Paged;
use super::{place, statement};
use crate::cli::Global;
use crate::outcome::Failure;
use crate::render::report::Report;
use crate::render::terminal::Terminal;
use crate::render::words::Words;
use crate::render::{self, Output};
use crate::stop::Stop;

const COMMANDS: &[(&str, &str)] = &[
    (r"\d", "the tables"),
    (r"\d TABLE", "a table's columns and their types"),
    (r"\o FORMAT", "write answers as table, json, jsonl or csv"),
    (r"\timing", "say how long each statement took, or stop saying it"),
    (r"\?", "these commands"),
    (r"\q", "end (also Ctrl-D)"),
];

/// Rows of a table that a pager is given, where nobody says how many.
const ROWS: u64 = 10_000;

/// What comes after a statement.
pub(super) enum Next {
    /// The next one; whether this one went well.
    Go(bool),
    /// The end.
    End,
}

/// A session over an engine.
pub(super) struct Session<'a> {
    engine: &'a Engine,
    global: Global,
    words: Words,
    stop: Stop,
    timing: bool,
    typed: bool,
}

impl<'a> Session<'a> {
    pub(super) fn new(engine: &'a Engine, global: &Global, words: Words, typed: bool) -> Session<'a> {
        let mut global = global.clone();
        if typed && super::is_shown(&global) {
            global.max_rows = global.max_rows.or(Some(ROWS));
        }
        let stop = if typed { Stop::listen_on() } else { Stop::listen() };
        Session { engine, global, words, stop, timing: false, typed }
    }

    /// What can be named.
    pub(super) fn names(&self) -> Names {
        let columns = |table: &String| {
            let paths = self.columns(table).unwrap_or_default();
            (table.clone(), paths.into_iter().map(|(path, _)| path).collect())
        };
        // The other names of the views are said by the view of each dialect.
        let tables: BTreeMap<String, Vec<String>> = self.engine.tables().iter().map(columns).collect();
        Names { tables, functions: self.engine.functions() }
    }

    /// The columns of a table and their fields, with their types.
    fn columns(&self, table: &str) -> Result<Vec<(String, String)>, query::Error> {
        let name = table.replace('"', "\"\"");
        let schema: SchemaRef = self.engine.query_blocking(&format!("SELECT * FROM \"{name}\" LIMIT 0"))?.schema();
        let mut paths = Vec::new();
        flatten("", schema.fields(), &mut paths);
        Ok(paths)
    }

    /// Runs what was typed: a command, or statements. True where it asked for the end.
    pub(super) fn typed(&mut self, text: &str) -> bool {
        if text.is_empty() {
            return false;
        }
        if statement::is_word_of_the_shell(text) {
            return matches!(self.run(text), Next::End);
        }
        let (statements, rest) = statement::split(text);
        if !statement::is_empty(&rest) {
            self.words.note("the statement that had begun is dropped: it has no `;`");
        }
        for statement in statements {
            if let Next::End = self.run(&statement) {
                return true;
            }
        }
        false
    }

    /// Runs one statement or command.
    pub(super) fn run(&mut self, text: &str) -> Next {
        let text = text.trim();
        if let Some(command) = text.strip_prefix('\\') {
            return self.command(command);
        }
        match text.to_ascii_lowercase().as_str() {
            "exit" | "quit" => return Next::End,
            "help" => return self.command("?"),
            _ => {}
        }
        let started = Instant::now();
        self.stop.forget();
        let result = self.ask(text);
        let well = result.is_ok();
        if let Err(failure) = result {
            let width = Terminal::stderr(self.global.no_color).width;
            self.words.error(&place::pointed(&failure.to_string(), text, width));
        }
        if self.timing {
            self.words.note(&format!("{:.3} s", started.elapsed().as_secs_f64()));
        }
        Next::Go(well)
    }

    fn ask(&self, sql: &str) -> Result<(), Failure> {
        let rows = self.engine.query_under(sql, self.global.control(&self.stop))?;
        rows.notes().iter().for_each(|note| self.words.note(note));
        let paged = self.typed && self.global.output == Output::Table && super::is_shown(&self.global);
        let mut out = Paged::new(paged.then(super::height));
        let count = super::super::query::write(rows, &self.global, &mut out);
        let shown = render::settle(out.finish());
        let count = count?;
        shown?;
        super::super::query::tell(&count, self.words);
        Ok(())
    }

    fn command(&mut self, command: &str) -> Next {
        let (name, argument) = command.split_once(char::is_whitespace).unwrap_or((command, ""));
        let argument = argument.trim().trim_end_matches(';').trim();
        let result = match (name, argument) {
            ("q", _) => return Next::End,
            ("?" | "h", _) => self.list(
                "name",
                "what",
                COMMANDS.iter().map(|(name, about)| vec![(*name).to_owned(), (*about).to_owned()]),
            ),
            ("d" | "dt", "") => self.list(
                "name",
                "what",
                self.engine.tables().into_iter().map(|table| {
                    let about = about(&table).to_owned();
                    vec![table, about]
                }),
            ),
            ("d", table) => match self.columns(table) {
                Ok(columns) => self.list("field", "type", columns.into_iter().map(|(path, kind)| vec![path, kind])),
                Err(error) => {
                    let width = Terminal::stderr(self.global.no_color).width;
                    self.words.error(&place::pointed(&error.to_string(), "", width));
                    return Next::Go(false);
                }
            },
            ("timing", _) => {
                self.timing = !self.timing;
                self.words.note(if self.timing { "times are said" } else { "times are not said" });
                Ok(())
            }
            ("o", format) => match Output::from_str(format, true) {
                Ok(output @ (Output::Table | Output::Json | Output::Jsonl | Output::Csv)) => {
                    self.global.output = output;
                    Ok(())
                }
                _ => {
                    self.words.error(r"\o takes table, json, jsonl or csv");
                    return Next::Go(false);
                }
            },
            _ => {
                self.words.error(&format!(r"there is no command `\{name}`; \? lists them"));
                return Next::Go(false);
            }
        };
        if let Err(error) = render::settle(result) {
            self.words.error(&format!("cannot write: {error}"));
        }
        Next::Go(true)
    }

    fn list(&self, first: &str, second: &str, rows: impl Iterator<Item = Vec<String>>) -> io::Result<()> {
        let rows: Vec<_> = rows.collect();
        let terminal = self.global.rows().terminal;
        let mut out = Paged::new((self.typed && terminal.is_terminal).then(super::height));
        Report::new(&mut out, terminal).table(&[first, second], &rows)?;
        out.flush()?;
        out.finish()
    }
}

/// What a table is, in a few words.
fn about(table: &str) -> &'static str {
    match table {
        "events" => "every event, with real types and our own columns",
        "cloudtrail_logs" | "cloudtrail" => "as Athena has them: text, partition columns",
        "event_data_store" => "as CloudTrail Lake has them: times, maps, eventjson",
        "aws_cloudtrail_log" => "as Tailpipe has them: snake_case, JSON",
        "ocsf" => "in the Open Cybersecurity Schema Framework",
        "ecs" => "in the Elastic Common Schema",
        "objects" => "log files that were ingested",
        "rejects" => "what was refused, and why",
        "coverage" => "which hours of which account and region there are logs of",
        "last_used" => "who used what last",
        "activity" => "what reports of least privilege remember of the events",
        "alerts" => "the alerts that watching told, step by step",
        "digested" => "digest files that were checked, and what they say",
        "proof" => "which log files the digests prove, and which they do not",
        "events_verified" => "events, with what the digests say of the file each came in",
        _ => "",
    }
}

/// Columns, and fields below them, as paths.
fn flatten(prefix: &str, fields: &Fields, paths: &mut Vec<(String, String)>) {
    for field in fields {
        let path = format!("{prefix}{}", field.name());
        match field.data_type() {
            DataType::Struct(inner) => {
                paths.push((path.clone(), "row".to_owned()));
                flatten(&format!("{path}."), inner, paths);
            }
            other => paths.push((path, type_name(other))),
        }
    }
}
