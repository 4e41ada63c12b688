//! Pointing at what is wrong: the line of the statement that an error is about, and a caret below the place.

use crate::render::escape;
use crate::render::layout::wrap;

/// What stands before an error, and before each of its further lines, takes as much room at most.
const LABEL: usize = "error: ".len();

/// An error's text in lines that fit the screen, with the line that it is about and a caret, where the place can be told.
pub(super) fn pointed(error: &str, sql: &str, width: Option<usize>) -> String {
    let place = told(error).or_else(|| named(error, sql));
    let lines = width.map(|width| wrap(error, width.saturating_sub(LABEL)).join("\n"));
    let error = lines.unwrap_or_else(|| error.to_owned());
    let Some((line, column)) = place else { return error };
    let Some(text) = line.checked_sub(1).and_then(|line| sql.lines().nth(line)) else { return error };
    let before: String = text.chars().take(column.saturating_sub(1)).collect();
    // The caret stands where the shown text has the place: what is escaped takes more room.
    let shown = escape::line(text);
    let room = escape::line(&before).chars().count();
    format!("{error}\n{shown}\n{}^", " ".repeat(room))
}

/// `… at Line: 1, Column: 15`
fn told(error: &str) -> Option<(usize, usize)> {
    let (_, after) = error.rsplit_once("Line: ")?;
    let (line, after) = after.split_once(", Column: ")?;
    let digits = after.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(after.len());
    Some((line.parse().ok()?, after.get(..digits)?.parse().ok()?))
}

/// "no column `evenname`": the name in the statement, in any case.
fn named(error: &str, sql: &str) -> Option<(usize, usize)> {
    let quote = if error.starts_with("Invalid function") { '\'' } else { '`' };
    let (_, after) = error.split_once(quote)?;
    let (name, _) = after.split_once(quote)?;
    let name = name.to_lowercase();
    let is_part = |letter: char| letter.is_alphanumeric() || letter == '_';
    for (number, line) in sql.lines().enumerate() {
        let lower = line.to_lowercase();
        let whole = |at: &usize| {
            let before = lower.get(..*at).and_then(|before| before.chars().next_back());
            let after = lower.get(at + name.len()..).and_then(|after| after.chars().next());
            !before.is_some_and(is_part) && !after.is_some_and(is_part)
        };
        let found = lower.match_indices(&name).map(|(at, _)| at).find(whole);
        if let Some(before) = found.and_then(|at| lower.get(..at)) {
            return Some((number + 1, before.chars().count() + 1));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_point_at_their_place() {
        let sql = "SELECT 1\nFROM evnts WHERE x";
        assert_eq!(
            pointed("no table `evnts`; did you mean `events`?", sql, None),
            "no table `evnts`; did you mean `events`?\nFROM evnts WHERE x\n     ^"
        );
        assert!(pointed("SQL syntax: Expected x at Line: 1, Column: 8", sql, None).ends_with("\nSELECT 1\n       ^"));
        assert_eq!(pointed("the query was cancelled", sql, None), "the query was cancelled");
        assert_eq!(pointed("the query was cancelled", sql, Some(17)), "the query\nwas\ncancelled");
        assert_eq!(pointed("x at Line: 9, Column: 1", sql, None), "x at Line: 9, Column: 1");
        assert!(pointed("no column `b`", "SELECT '\u{1b}', b", None).ends_with(&format!("{}^", " ".repeat(17))));
    }
}
