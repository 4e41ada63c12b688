//! `trailhound query`: a question as SQL or by name, and where it is asked.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use query::named;

use super::{LakeArgs, Limits, SourceArgs};

pub(super) const QUERY_EXAMPLES: &str = "\
Examples:
  trailhound query 'SELECT eventname, count(*) FROM events GROUP BY 1' ./logs
  trailhound query \"SELECT * FROM events WHERE outcome = 'denied'\" ./logs
  trailhound query who-used-key AKIAIOSFODNN7EXAMPLE ./logs
  trailhound query @report.sql ./logs --output jsonl
  trailhound query --file report.sql ./logs
  trailhound query --format ocsf ./logs > events.jsonl
  trailhound query - ./logs < report.sql
  trailhound query \"SELECT * FROM events WHERE eventid = '4a2f…'\" --lake ./trailhound-lake

Tables: events; cloudtrail_logs (Athena's columns), event_data_store (CloudTrail Lake's), aws_cloudtrail_log (Tailpipe's),
or any name that a saved query gives its table; of a lake also objects, rejects, coverage, last_used, activity, alerts,
proof, events_verified. `trailhound schema` lists the columns of events, `DESCRIBE coverage` those of any table, `query --list`
the questions with names.";

/// `trailhound query`
#[derive(Debug, Clone, Args)]
#[command(after_help = QUERY_EXAMPLES)]
pub(crate) struct QueryArgs {
    /// The question: SQL, or a name of `--list` and what it asks for; `@FILE` reads SQL from a file, `-` from standard input
    // With --file there is no SQL, and clap puts the first PATH here: see `QueryArgs::split`.
    // Saved queries begin with `-- what they are for`, which is no flag.
    #[arg(value_name = "SQL", allow_hyphen_values = true)]
    sql: Option<OsString>,

    /// Files, folders (read recursively), globs or s3://BUCKET/PREFIX of CloudTrail logs; `-` is standard input
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,

    /// Read the SQL from this file; every argument is then a PATH
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,

    /// Ask nothing: give every event as a document of this schema; every argument is then a PATH
    #[arg(long, value_enum, value_name = "SCHEMA", conflicts_with = "file")]
    pub(crate) format: Option<EventFormat>,

    /// List the questions that have names
    #[arg(long, conflicts_with_all = ["sql", "file", "format", "lake"])]
    pub(crate) list: bool,

    #[command(flatten)]
    pub(crate) source: SourceArgs,

    #[command(flatten)]
    pub(crate) lake: LakeArgs,

    #[command(flatten)]
    pub(crate) limits: Limits,
}

/// A schema that events are given in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum EventFormat {
    /// Open Cybersecurity Schema Framework: classes 3001, 3002 and 6003
    Ocsf,
    /// Elastic Common Schema
    Ecs,
}

impl EventFormat {
    fn sql(self) -> String {
        let view = match self {
            EventFormat::Ocsf => query::ocsf::NAME,
            EventFormat::Ecs => query::ecs::NAME,
        };
        format!("SELECT * FROM {view}")
    }
}

/// Where the SQL of a query is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SqlSource {
    /// On the command line.
    Text(String),
    /// In a file.
    File(PathBuf),
    /// On standard input.
    Stdin,
}

impl QueryArgs {
    /// Tells the SQL from the paths.
    ///
    /// # Errors
    /// With a sentence for the user, where something is missing or too much, both want standard input, or the SQL is not
    /// UTF-8.
    pub(crate) fn split(&self) -> Result<(SqlSource, Vec<PathBuf>), String> {
        let mut paths = self.paths.clone();
        let source = match (&self.file, self.format) {
            (Some(file), _) => Some(SqlSource::File(file.clone())),
            (None, Some(format)) => Some(SqlSource::Text(format.sql())),
            (None, None) => None,
        };
        let asks_elsewhere = source.is_some();
        let source = match source {
            Some(source) => {
                paths.splice(0..0, self.sql.iter().map(PathBuf::from));
                source
            }
            None => self.question(&mut paths)?,
        };
        match (paths.first(), &self.lake.lake) {
            (Some(path), Some(_)) if asks_elsewhere => {
                let (path, flag) = (path.display(), if self.file.is_some() { "--file" } else { "--format" });
                Err(format!("{path}: with {flag} every argument is a path; give paths or --lake <PLACE>, not both"))
            }
            (Some(path), Some(_)) => Err(format!("{}: give <PATH> or --lake <PLACE>, not both", path.display())),
            (None, None) => Err("no logs to ask: give <PATH> (files or folders) or --lake <PLACE>".to_owned()),
            _ => Ok((source, paths)),
        }
    }

    /// The question that stands before the paths, with what it takes of them.
    fn question(&self, paths: &mut Vec<PathBuf>) -> Result<SqlSource, String> {
        let Some(sql) = self.sql.clone() else {
            return Err("no question: give <SQL>, a name of `trailhound query --list`, or --file".to_owned());
        };
        let sql = sql.into_string().map_err(|_| "the SQL is not UTF-8: write it to a file and use @FILE".to_owned())?;
        if sql.len() > 1 && sql.starts_with('-') && !is_comment(&sql) {
            return Err(format!("unexpected argument '{sql}': `trailhound query --help` lists the flags"));
        }
        if let Some(file) = sql.strip_prefix('@') {
            return Ok(SqlSource::File(PathBuf::from(file)));
        }
        if sql == "-" {
            if paths.iter().any(|path| path.as_os_str() == "-") {
                let text = "the SQL and the logs cannot both come from standard input: use @FILE for the SQL";
                return Err(text.to_owned());
            }
            return Ok(SqlSource::Stdin);
        }
        if !named::is_like_a_name(&sql) {
            return Ok(SqlSource::Text(sql));
        }
        let question = named::find(&sql).ok_or_else(|| named::unknown(&sql).to_string())?;
        let given = paths.drain(..question.parameters.len().min(paths.len()));
        let given: Option<Vec<String>> = given.map(|path| path.into_os_string().into_string().ok()).collect();
        let given = given.ok_or_else(|| format!("what `{sql}` asks for must be UTF-8"))?;
        question.with(&given).map(SqlSource::Text).map_err(|error| error.to_string())
    }
}

/// Whether SQL begins with a comment: `--` and white space, or `--` and words, which no flag has.
fn is_comment(sql: &str) -> bool {
    sql.strip_prefix("--").is_some_and(|rest| rest.contains(char::is_whitespace))
}
