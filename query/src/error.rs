//! Errors of a query, as sentences: the object, the reason, the next step.
//!
//! The engine's own errors name internal types and list fields with quotes and qualifiers. Here they become what a
//! person at a prompt needs. Text of a query and of values may be in a message: whoever prints it escapes it.

use std::any::Any;
use std::time::Duration;

use arrow::error::ArrowError;
use datafusion::common::{DataFusionError, SchemaError};
use datafusion::parquet::errors::ParquetError;

use crate::names::paths;

/// What went wrong with a query.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The statement does more than read, or is more than one, or too large.
    #[error("{0}")]
    Refused(String),
    /// The text is not SQL.
    #[error("SQL syntax: {0}")]
    Syntax(String),
    /// A table, column or field that does not exist.
    #[error("{0}")]
    Name(String),
    /// SQL that makes no sense: types that do not fit, functions that do not exist.
    #[error("{0}")]
    Plan(String),
    /// The memory or spill limit was reached.
    #[error("{0}")]
    Memory(String),
    /// The source of the events could not be read.
    #[error("{0}")]
    Input(String),
    /// A value could not be computed.
    #[error("{0}")]
    Run(String),
    /// The query took longer than it may.
    #[error("the query was ended after {} s, the time it may take; narrow it (a shorter time, fewer columns) or raise --timeout", .0.as_secs_f64())]
    Timeout(Duration),
    /// Somebody asked for the query's end.
    #[error("the query was cancelled")]
    Cancelled,
    /// The engine could not be set up.
    #[error("{0}")]
    Setup(String),
}

impl Error {
    /// True when the text of the query is at fault, and not the data, the limits or the machine.
    pub fn is_usage(&self) -> bool {
        matches!(self, Error::Refused(_) | Error::Syntax(_) | Error::Name(_) | Error::Plan(_))
    }
}

/// Result of a query.
pub type Result<T> = std::result::Result<T, Error>;

/// The reason of a source that failed, on its way through the engine.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct InputFailure(pub(crate) String);

/// The engine's error as ours.
pub(crate) fn explain(error: DataFusionError) -> Error {
    of(&error)
}

/// The engine's error as ours, where it is needed afterwards.
pub(crate) fn of(error: &DataFusionError) -> Error {
    match error.find_root() {
        DataFusionError::SchemaError(schema, _) => schema_error(schema),
        DataFusionError::SQL(parser, _) => {
            let text = parser.to_string();
            if text.contains("recursion limit") {
                return Error::Refused(
                    "the statement is nested too deep: brackets and subqueries may stand 50 in one another; write it flatter, \
                     with WITH or `column IN (…)`"
                        .into(),
                );
            }
            Error::Syntax(text.strip_prefix("sql parser error: ").unwrap_or(&text).to_owned())
        }
        DataFusionError::ResourcesExhausted(reason) => exhausted(reason),
        DataFusionError::ArrowError(reason, _) if matches!(reason.as_ref(), ArrowError::IoError(text, _) if is_full(text)) => {
            exhausted("what it keeps on disk for want of memory has reached the limit of disk space")
        }
        DataFusionError::ArrowError(reason, _)
            if matches!(reason.as_ref(), ArrowError::OffsetOverflowError(_))
                || matches!(reason.as_ref(), ArrowError::InvalidArgumentError(text) if text.contains("offset overflow")) =>
        {
            exhausted("values of a column that are larger together than the engine can hold at once")
        }
        DataFusionError::External(reason) => outside(reason.as_ref()),
        DataFusionError::ParquetError(reason) => match reason.as_ref() {
            ParquetError::External(reason) => match reason.downcast_ref::<InputFailure>() {
                Some(failure) => Error::Input(failure.0.clone()),
                None => Error::Input(reason.to_string()),
            },
            reason => damaged(reason),
        },
        DataFusionError::ArrowError(reason, _) if matches!(reason.as_ref(), ArrowError::ParquetError(_)) => {
            damaged(reason)
        }
        // On its way through a kernel of Arrow's.
        DataFusionError::ArrowError(reason, _) if matches!(reason.as_ref(), ArrowError::ExternalError(_)) => {
            match reason.as_ref() {
                ArrowError::ExternalError(reason) => outside(reason.as_ref()),
                other => Error::Run(other.to_string()),
            }
        }
        DataFusionError::ObjectStore(reason) => Error::Input(reason.to_string()),
        DataFusionError::Collection(errors) => match errors.first() {
            Some(first) => plan_error(&first.strip_backtrace()),
            None => Error::Plan(error.strip_backtrace()),
        },
        DataFusionError::Plan(reason) => plan_error(reason),
        DataFusionError::NotImplemented(reason) => Error::Plan(format!("not supported: {}", unprinted(reason))),
        root => match field_in_text(&root.strip_backtrace()) {
            Some(better) => better,
            None => Error::Run(without_plea(&root.strip_backtrace()).to_owned()),
        },
    }
}

/// What the engine says, without its own name for it and its wish to hear of it: most often a value is at fault.
fn without_plea(text: &str) -> &str {
    let text = text.strip_prefix("Internal error: ").unwrap_or(text);
    text.find("This issue was likely caused")
        .and_then(|at| text.get(..at))
        .unwrap_or(text)
        .trim_end_matches(['.', '\n', ' '])
}

/// What the engine says, without the syntax tree that it may print behind it.
fn unprinted(reason: &str) -> &str {
    let is_printed = ["span: ", "token: "].iter().any(|part| reason.contains(part));
    let tree = reason.find(['{', '(']).filter(|_| is_printed);
    tree.and_then(|at| reason.get(..at)).unwrap_or(reason).trim_end()
}

/// An error that is none of the engine's.
fn outside(reason: &(dyn std::error::Error + Send + Sync + 'static)) -> Error {
    if let Some(failure) = reason.downcast_ref::<InputFailure>() {
        return Error::Input(failure.0.clone());
    }
    // A view that is planned when it is named tells its own error.
    match reason.downcast_ref::<Error>() {
        Some(own) => own.clone(),
        None => Error::Run(reason.to_string()),
    }
}

/// What is said when the engine gives up by panicking: most often on values that are larger than it can address.
pub(crate) fn gave_up(payload: &(dyn Any + Send)) -> Error {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    let reason = text.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("no reason given");
    match is_too_large(reason) {
        true => exhausted(reason),
        false => Error::Run(format!("the engine gave up on a value of this query: {}", first_line(reason))),
    }
}

/// Whether the engine says that values are too large for its places, which it does in words only (arrow 59, `offset overflow`).
fn is_too_large(reason: &str) -> bool {
    ["overflow", "capacity", "exceed", "too large", "out of memory"].iter().any(|word| reason.contains(word))
}

fn exhausted(reason: &str) -> Error {
    Error::Memory(format!(
        "the query needs more than its limit allows: {}; narrow it (fewer columns, a shorter time) or raise the limit",
        first_line(reason)
    ))
}

/// Whether the disk manager's limit was met: it says so in words only (DataFusion 55.2, `disk_manager.rs`).
fn is_full(text: &str) -> bool {
    text.contains("used disk space during the spilling process")
}

/// A file of a lake that cannot be decoded.
fn damaged(reason: &dyn std::error::Error) -> Error {
    Error::Input(format!("{reason}; `trailhound lake check` lists damaged files"))
}

/// An unknown table, with the tables there are.
pub(crate) fn unknown_table(name: &str, tables: &[String]) -> Error {
    let hint = match nearest(name, tables.iter().map(String::as_str)) {
        Some(near) => format!("; did you mean `{near}`?"),
        None => ".".into(),
    };
    Error::Name(format!(
        "no table `{name}`{hint} Tables: {}. A saved query may call its table as it likes where it names CloudTrail's columns; \
         else name the view: cloudtrail_logs (Athena's), event_data_store (CloudTrail Lake's)",
        tables.join(", ")
    ))
}

/// Columns that an error names; a table of CloudTrail has forty.
const COLUMNS_TOLD: usize = 12;

fn schema_error(error: &SchemaError) -> Error {
    let SchemaError::FieldNotFound { field, valid_fields } = error else {
        return Error::Plan(error.to_string());
    };
    let columns: Vec<&str> = valid_fields.iter().map(|c| c.name.as_str()).collect();
    let name = field.name.as_str();
    let wanted = field.relation.as_ref().map_or_else(|| name.to_owned(), |r| format!("{r}.{name}"));
    let hint = match nearest(name, columns.iter().copied()).map(str::to_owned).or_else(|| nested(name)) {
        // Another table has it.
        Some(near) if near == name => "; `events` has it.".into(),
        Some(near) => format!("; did you mean `{near}`?"),
        None => ".".into(),
    };
    // What is not in quotes is lower case by now.
    let quoted = name.chars().any(|letter| letter.is_uppercase() || letter.is_whitespace() || "*:/%".contains(letter));
    let quotes = if quoted { format!(" (a text stands in single quotes: '{name}')") } else { String::new() };
    let more = match columns.len().checked_sub(COLUMNS_TOLD) {
        Some(more @ 1..) => format!(" and {more} more (DESCRIBE lists them)"),
        _ => String::new(),
    };
    let told = columns.iter().take(COLUMNS_TOLD).copied().collect::<Vec<_>>().join(", ");
    Error::Name(format!("no column `{wanted}`{quotes}{hint} Columns here: {told}{more}"))
}

/// A path of the event table that ends in `field`, or nearly.
fn nested(field: &str) -> Option<String> {
    let exact = paths().iter().find(|p| p.rsplit('.').next() == Some(field));
    let near = || {
        let last = nearest(field, paths().iter().filter_map(|p| p.rsplit('.').next()))?;
        paths().iter().find(|p| p.rsplit('.').next() == Some(last))
    };
    exact.or_else(near).cloned()
}

fn plan_error(reason: &str) -> Error {
    let reason = reason.strip_prefix("Error during planning: ").unwrap_or(reason);
    if let Some(field) = between(reason, "Field ", " not found in struct") {
        let hint = nested(field).map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
        return Error::Name(format!("no field `{field}`{hint} DESCRIBE events lists the fields"));
    }
    if let Some(better) = field_in_text(reason) {
        return better;
    }
    if reason.contains("Boolean") && reason.contains("Utf8") && reason.contains("common") {
        return Error::Plan(format!(
            "{reason}: `readonly` and `managementevent` of `events` are booleans; write `readonly = true` or `NOT \
             readonly`, or use `cloudtrail_logs`, where they are the text 'true' and 'false'"
        ));
    }
    if reason.contains("LIKE") && reason.contains("Timestamp") {
        return Error::Plan(format!(
            "{reason}: `eventtime` of `events` is a timestamp; compare it with `eventtime >= '2024-01-01T00:00:00Z'`, \
             or use `cloudtrail_logs`, where it is text"
        ));
    }
    Error::Plan(reason.to_owned())
}

/// `requestParameters.bucketName`: a dotted path into a column that holds JSON text.
fn field_in_text(reason: &str) -> Option<Error> {
    if !(reason.contains("Cannot access field") && reason.contains("Utf8")) {
        return None;
    }
    Some(Error::Plan(
        "a dotted path leads into a text column: `requestparameters`, `responseelements`, `additionaleventdata`, \
         `serviceeventdetails` and `edgedevicedetails` hold JSON text; match it with LIKE '%\"bucketName\":\"x\"%'"
            .into(),
    ))
}

fn between<'a>(text: &'a str, start: &str, end: &str) -> Option<&'a str> {
    let from = text.find(start)? + start.len();
    let rest = text.get(from..)?;
    rest.get(..rest.find(end)?)
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or(text).trim_end_matches([':', '.'])
}

/// The candidate nearest to `name`, if it is near enough to be a slip: a third of the letters may differ.
pub(crate) fn nearest<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let name = name.to_ascii_lowercase();
    let most = (name.chars().count() / 3).max(1);
    candidates.map(|c| (distance(&name, c), c)).filter(|(d, _)| *d <= most).min_by_key(|(d, _)| *d).map(|(_, c)| c)
}

/// Edits between two names (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (cell, y) in row.iter_mut().skip(1).zip(&b) {
            let change = diagonal + usize::from(x != *y);
            diagonal = *cell;
            left = change.min(*cell + 1).min(left + 1);
            *cell = left;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_engine_speaks_of_the_value() {
        let said =
            "Internal error: a pattern is too large.\nThis issue was likely caused by a bug in DataFusion's code.";
        assert_eq!(without_plea(said), "a pattern is too large");
        assert_eq!(unprinted("Unsupported ast node Pivot { span: Span(1) }"), "Unsupported ast node Pivot");
        assert_eq!(unprinted("f(x) of a { b }"), "f(x) of a { b }");
    }

    #[test]
    fn distances() {
        for (a, b, d) in [("", "", 0), ("a", "", 1), ("", "ab", 2), ("kitten", "sitting", 3), ("same", "same", 0)] {
            assert_eq!(distance(a, b), d, "{a} {b}");
        }
    }

    #[test]
    fn nearest_is_near() {
        let names = ["eventname", "eventtime", "awsregion"];
        assert_eq!(nearest("evenname", names.into_iter()), Some("eventname"));
        assert_eq!(nearest("EventTime", names.into_iter()), Some("eventtime"));
        assert_eq!(nearest("zzz", names.into_iter()), None);
    }

    #[test]
    fn a_field_is_found_by_its_last_part() {
        assert_eq!(
            nested("mfaauthenticated").as_deref(),
            Some("useridentity.sessioncontext.attributes.mfaauthenticated")
        );
        assert_eq!(nested("usrname").as_deref(), Some("useridentity.username"));
    }
}
