//! A commit that Delta cannot read, as it was: from what it says of itself ([`crate::said`]).
//!
//! One flipped bit makes a table unreadable, or a line that readers pass over. Only commits of ours say what they do, and all of them
//! but the one that made the table. Must not know who asks, nor write.

use deltalake_core::kernel::{Action, StructType, Transaction};
use serde_json::Value;

use crate::said::{self, Said};
use crate::schema::PARTITION;
use crate::table::{self, Spec};

/// What is wrong with the lines of a commit, if anything is: those that are no action of Delta's, or not what the commit says.
pub(crate) fn fault(commit: &[u8]) -> Option<String> {
    lines(commit).find_map(|(number, line)| {
        let error = match serde_json::from_slice::<Action>(line) {
            Ok(Action::Add(add)) => {
                let day = add.partition_values.iter().next();
                let day = day.and_then(|(column, day)| day_fault(&add.path, column, day.as_deref()));
                day.or_else(|| lacking(line))?
            }
            Ok(_) => lacking(line).or_else(|| schema_fault(line))?,
            Err(error) => error.to_string(),
        };
        Some(format!("line {number} is not what was written: {error}"))
    })
}

/// What actions must say ("Delta Transaction Log Protocol", actions), and a reader that knows a default for does not miss.
const REQUIRED: &[(&str, &[&str])] = &[
    ("add", &["path", "partitionValues", "size", "modificationTime", "dataChange"]),
    ("remove", &["path", "dataChange"]),
    ("txn", &["appId", "version"]),
];

/// What a line does not say that its action must.
fn lacking(line: &[u8]) -> Option<String> {
    let line: Value = serde_json::from_slice(line).ok()?;
    let (action, words) = REQUIRED.iter().find_map(|(action, words)| Some((line.get(action)?, words)))?;
    let word = words.iter().find(|word| action.get(**word).is_none())?;
    Some(format!("it does not say `{word}`"))
}

/// What is wrong with the columns of a table, which stand as text in the action that made it.
fn schema_fault(line: &[u8]) -> Option<String> {
    let line: Value = serde_json::from_slice(line).ok()?;
    let schema = line.get("metaData")?.get("schemaString").and_then(Value::as_str).unwrap_or_default();
    serde_json::from_str::<StructType>(schema).err().map(|error| format!("its columns: {error}"))
}

/// A day that is none: Delta reads the whole table or nothing of it.
fn day_fault(path: &str, column: &str, day: Option<&str>) -> Option<String> {
    let is_day = column == PARTITION
        && day.is_none_or(|day| day.is_empty() || chrono::NaiveDate::parse_from_str(day, "%Y-%m-%d").is_ok());
    (!is_day).then(|| format!("the day of {path} is none"))
}

/// The commit as it was, if it can be had.
pub(crate) fn commit(damaged: &[u8], spec: &Spec) -> Option<Vec<u8>> {
    match said::by(damaged) {
        Some(said) => whole(damaged, &said, spec),
        None => without_words(damaged),
    }
}

/// What it says of itself, and everything that follows from it.
fn whole(damaged: &[u8], said: &Said, spec: &Spec) -> Option<Vec<u8>> {
    let words = lines(damaged).find(|(_, line)| {
        serde_json::from_slice::<Value>(line).is_ok_and(|line| line["commitInfo"].get(said::NAME).is_some())
    });
    let marks = said.marks.iter().map(|(name, number)| Action::Txn(Transaction::new(name, *number)));
    let mut anew = words?.1.to_vec();
    for action in table::actions(said, spec).into_iter().chain(marks) {
        anew.push(b'\n');
        serde_json::to_writer(&mut anew, &action).ok()?;
    }
    Some(anew)
}

/// All lines but one that is none of Delta's, where what the commit says of itself is the only line that is missing.
fn without_words(damaged: &[u8]) -> Option<Vec<u8>> {
    let read = |line: &[u8]| serde_json::from_slice::<Action>(line).ok();
    let (good, bad): (Vec<_>, Vec<_>) =
        lines(damaged).map(|(_, line)| (line, read(line))).partition(|(_, a)| a.is_some());
    let is_ours = |action: &Action| matches!(action, Action::Txn(mark) if mark.app_id.starts_with(said::OURS));
    let has_words = good.iter().any(|(_, action)| matches!(action, Some(Action::CommitInfo(_))));
    let is_ours = good.iter().any(|(_, action)| action.as_ref().is_some_and(is_ours));
    let good: Vec<_> = good.into_iter().map(|(line, _)| line).collect();
    (bad.len() == 1 && !has_words && is_ours).then(|| good.join(&b'\n'))
}

/// Lines with anything on them, and their numbers.
fn lines(commit: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let lines = commit.split(|byte| *byte == b'\n').enumerate();
    lines.map(|(at, line)| (at + 1, line)).filter(|(_, line)| !line.trim_ascii().is_empty())
}
