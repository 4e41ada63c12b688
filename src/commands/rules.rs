//! `trailhound rules …`: what rules watch for, which load, whether they do what their events say, and what is odd.

mod proof;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use ::alerts::{Engine, Rule, RuleError, Settings, lint};
use arrow::array::{ArrayRef, RecordBatch, StringArray, UInt32Array};
use serde_json::json;

use crate::cli::{Global, RulesArgs, RulesCommand};
use crate::outcome::{Failure, Outcome};
use crate::render::report::{Report, number};
use crate::render::words::Words;
use crate::render::{self, Output, json};
use crate::rulebook::Rulebook;

pub(crate) fn run(args: &RulesArgs, global: &Global, words: Words) -> Result<Outcome, Failure> {
    let read = |paths: &[PathBuf], lists: &[(String, PathBuf)]| Rulebook::read(paths, lists, paths.is_empty(), words);
    match &args.command {
        None => list(read(&[], &[])?, global, words),
        Some(RulesCommand::List { paths, lists }) => list(read(paths, &lists.lists)?, global, words),
        Some(RulesCommand::Show { rule, paths, lists }) => show(rule, read(paths, &lists.lists)?, global, words),
        Some(RulesCommand::Check { paths, lists }) => check(read(paths, &lists.lists)?, global),
        Some(RulesCommand::Test { paths, lists }) => proof::run(read(paths, &lists.lists)?, global, words),
        Some(RulesCommand::Lint { paths, lists }) => remark(read(paths, &lists.lists)?, global, words),
    }
}

/// Tells of rules that cannot be used, for commands whose answer is about the others.
fn refused(errors: &[RuleError], words: Words) -> Outcome {
    errors.iter().for_each(|error| words.error(&error.to_string()));
    if errors.is_empty() { Outcome::Done } else { Outcome::Rejected }
}

fn list(mut book: Rulebook, global: &Global, words: Words) -> Result<Outcome, Failure> {
    book.rules.sort_by(|a, b| (b.about.severity, &a.about.name).cmp(&(a.about.severity, &b.about.name)));
    let column = |value: fn(&Rule) -> String| -> ArrayRef {
        Arc::new(StringArray::from_iter_values(book.rules.iter().map(value)))
    };
    rows(
        RecordBatch::try_from_iter([
            ("severity", column(|rule| rule.about.severity.to_string())),
            ("rule", column(|rule| rule.about.name.clone())),
            ("title", column(|rule| rule.about.title.clone())),
            ("tags", column(|rule| rule.about.tags.join(" "))),
        ]),
        global,
    )?;
    Ok(refused(&book.errors, words))
}

fn rows(batch: Result<RecordBatch, arrow::error::ArrowError>, global: &Global) -> Result<(), Failure> {
    let batch = batch.map_err(|e| Failure::Io(e.to_string()))?;
    let options = render::RowOptions { rows_max: None, ..global.rows() };
    render::rows([batch.clone()], &batch.schema(), global.output, &mut io::stdout(), &options)?;
    Ok(())
}

fn show(name: &str, book: Rulebook, global: &Global, words: Words) -> Result<Outcome, Failure> {
    let called = |rule: &&Rule| rule.about.name == name || rule.about.id == name || rule.about.title == name;
    let Some(rule) = book.rules.iter().find(called) else {
        refused(&book.errors, words);
        return Err(Failure::Usage(format!("no rule is called {name}: `trailhound rules` lists them")));
    };
    let about = &rule.about;
    let mut out = io::stdout();
    match global.output {
        Output::Json => render::settle(json::document(about, &mut out))?,
        Output::Jsonl => render::settle(json::document_line(about, &mut out))?,
        Output::Csv | Output::Parquet => {
            return Err(Failure::Usage("a rule is not rows: use --output table or json".to_owned()));
        }
        Output::Table => {
            let mut report = Report::new(&mut out, global.rows().terminal);
            let told = (|| {
                report.finding(about.severity.as_str(), &about.title)?;
                report.detail("rule", &about.name)?;
                report.detail("id", &about.id)?;
                report.detail("why", &about.description)?;
                let lists = [
                    ("when it is nothing", &about.false_positives),
                    ("next", &about.response),
                    ("tags", &about.tags),
                    ("reading", &about.references),
                ];
                for (name, texts) in lists {
                    for (at, text) in texts.iter().enumerate() {
                        report.detail(if at == 0 { name } else { "" }, text)?;
                    }
                }
                report.detail("author", about.author.as_deref().unwrap_or("unknown"))?;
                report.detail("license", about.license.as_deref().unwrap_or("unknown"))?;
                let line = about.line.map_or_else(String::new, |line| format!(":{line}"));
                report.detail("file", &format!("{}{line}", about.file))
            })();
            render::settle(told)?;
        }
    }
    Ok(Outcome::Done)
}

fn check(book: Rulebook, global: &Global) -> Result<Outcome, Failure> {
    let (engine, mut errors) = Engine::new(book.rules, &Settings::default());
    errors.extend(book.errors);
    errors.sort();
    let loaded = engine.rules().len();
    let whole = json!({"loaded": loaded, "filters": book.filters, "rejected": errors});
    let mut out = io::stdout();
    match global.output {
        Output::Json => render::settle(json::document(&whole, &mut out))?,
        Output::Jsonl => render::settle(json::document_line(&whole, &mut out))?,
        Output::Csv | Output::Parquet => {
            let text = |value: fn(&RuleError) -> String| -> ArrayRef {
                Arc::new(StringArray::from_iter_values(errors.iter().map(value)))
            };
            let lines = Arc::new(errors.iter().map(|e| e.line).collect::<UInt32Array>()) as ArrayRef;
            let columns = [
                ("file", text(|e| e.file.clone())),
                ("rule", text(|e| e.rule.clone().unwrap_or_default())),
                ("line", lines),
                ("reason", text(|e| e.reason.clone())),
            ];
            // A file of one rule may have no line, so the column is nullable whatever this run holds.
            let columns = columns.map(|(name, array)| (name, array, name == "line"));
            rows(RecordBatch::try_from_iter_with_nullable(columns), global)?;
        }
        Output::Table => {
            let mut report = Report::new(&mut out, global.rows().terminal);
            let told = (|| {
                let (refused, filters) = (errors.len() as u64, book.filters as u64);
                let loaded = number(loaded as u64);
                report.prose(&format!(
                    "{loaded} rules load, {} filters, {} are rejected.",
                    number(filters),
                    number(refused)
                ))?;
                for error in &errors {
                    report.prose(&error.to_string())?;
                }
                Ok(())
            })();
            render::settle(told)?;
        }
    }
    Ok(if errors.is_empty() { Outcome::Done } else { Outcome::Rejected })
}

fn remark(book: Rulebook, global: &Global, words: Words) -> Result<Outcome, Failure> {
    let remarks = lint::lint(&book.rules);
    let column = |value: fn(&lint::Remark) -> String| -> ArrayRef {
        Arc::new(StringArray::from_iter_values(remarks.iter().map(value)))
    };
    let line = |remark: &lint::Remark| remark.line.map_or_else(String::new, |line| format!(":{line}"));
    let files: StringArray = remarks.iter().map(|r| Some(format!("{}{}", r.file, line(r)))).collect();
    rows(
        RecordBatch::try_from_iter([
            ("kind", column(|r| r.kind.to_owned())),
            ("file", Arc::new(files) as ArrayRef),
            ("rule", column(|r| r.rule.clone())),
            ("remark", column(|r| r.remark.clone())),
        ]),
        global,
    )?;
    Ok(refused(&book.errors, words))
}
