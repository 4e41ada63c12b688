//! What may come next: tables after FROM, else columns of the tables that the statement names, functions and keywords.

use std::collections::BTreeMap;

/// Candidates that are shown; more say nothing.
const MOST: usize = 200;

#[rustfmt::skip]
static KEYWORDS: &[&str] = &[
    "ALL", "AND", "AS", "ASC", "BETWEEN", "BY", "CASE", "CAST", "CROSS JOIN", "DATE", "DESC", "DESCRIBE", "DISTINCT", "ELSE",
    "END", "EXCEPT", "EXISTS", "EXPLAIN", "FILTER", "FROM", "GROUP BY", "HAVING", "ILIKE", "IN", "INNER JOIN", "INTERSECT",
    "INTERVAL", "IS NOT NULL", "IS NULL", "JOIN", "LEFT JOIN", "LIKE", "LIMIT", "NOT", "NULL", "OFFSET", "ON", "OR",
    "ORDER BY", "OVER", "PARTITION BY", "SELECT", "SHOW TABLES", "THEN", "TIMESTAMP", "TRY_CAST", "UNION", "UNION ALL",
    "UNNEST", "USING", "VALUES", "WHEN", "WHERE", "WITH", "WITH ORDINALITY",
];

static COMMANDS: &[&str] = &["\\?", "\\d", "\\o", "\\q", "\\timing"];

/// What there is to name.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// Tables, with the paths of their columns: `useridentity.arn`.
    pub(super) tables: BTreeMap<String, Vec<String>>,
    /// Functions.
    pub(super) functions: Vec<String>,
}

/// Where the last word of `before` begins, and what it may become; `whole` is all that was typed.
pub(super) fn complete(before: &str, whole: &str, names: &Names) -> (usize, Vec<String>) {
    let is_part = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '.' | '\\');
    let start = before
        .rfind(|letter| !is_part(letter))
        .map_or(0, |at| at + before.get(at..).and_then(|rest| rest.chars().next()).map_or(1, char::len_utf8));
    let word = before.get(start..).unwrap_or_default();
    let earlier = before.get(..start).unwrap_or_default().trim_end();
    let fits = |name: &&str| starts(name, word);
    let mut found: Vec<String> = if word.starts_with('\\') {
        COMMANDS.iter().copied().filter(fits).map(str::to_owned).collect()
    } else if wants_table(earlier) {
        names.tables.keys().map(String::as_str).filter(fits).map(str::to_owned).collect()
    } else {
        others(word, whole, names)
    };
    found.truncate(MOST);
    (start, found)
}

fn starts(name: &str, word: &str) -> bool {
    name.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word))
}

fn wants_table(earlier: &str) -> bool {
    let last = earlier.rsplit(|letter: char| !letter.is_alphanumeric() && letter != '\\').next().unwrap_or_default();
    ["from", "join", "describe", "\\d", "table"].iter().any(|word| last.eq_ignore_ascii_case(word))
}

fn others(word: &str, whole: &str, names: &Names) -> Vec<String> {
    let named = |table: &&String| {
        whole.split(|c: char| !c.is_alphanumeric() && c != '_').any(|w| w.eq_ignore_ascii_case(table))
    };
    let mut tables: Vec<&String> = names.tables.keys().filter(named).collect();
    if tables.is_empty() {
        tables.extend(names.tables.keys().filter(|table| *table == "events"));
    }
    let mut found: Vec<String> = Vec::new();
    for path in tables.iter().filter_map(|table| names.tables.get(*table)).flatten() {
        // The next part of a path at a time: `useridentity.` before `useridentity.arn`.
        let end = path.get(word.len()..).and_then(|rest| rest.find('.')).map_or(path.len(), |dot| word.len() + dot);
        let Some(part) = path.get(..end).filter(|_| starts(path, word)) else { continue };
        if !found.iter().any(|known| known == part) {
            found.push(part.to_owned());
        }
    }
    found.sort();
    if !word.is_empty() && !word.contains('.') {
        found.extend(names.functions.iter().filter(|name| starts(name, word)).map(|name| format!("{name}(")));
        let small = word.chars().all(char::is_lowercase);
        let keyword = |keyword: &&str| if small { keyword.to_lowercase() } else { (**keyword).to_owned() };
        found.extend(KEYWORDS.iter().filter(|keyword| starts(keyword, word)).map(keyword));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(before: &str) -> (usize, Vec<String>) {
        let columns = |list: &[&str]| list.iter().map(|name| (*name).to_owned()).collect();
        let names = Names {
            tables: BTreeMap::from([
                ("events".to_owned(), columns(&["eventname", "useridentity.arn", "useridentity.type"])),
                ("coverage".to_owned(), columns(&["account", "hour"])),
            ]),
            functions: vec!["coalesce".to_owned(), "count".to_owned()],
        };
        complete(before, before, &names)
    }

    #[test]
    fn what_stands_before_says_what_may_come() {
        for (before, start, expected) in [
            ("SELECT 1 FROM ev", 14, vec!["events"]),
            ("SELECT 1 FROM ", 14, vec!["coverage", "events"]),
            ("SELECT user", 7, vec!["useridentity"]),
            ("SELECT useridentity.", 7, vec!["useridentity.arn", "useridentity.type"]),
            ("SELECT userIdentity.A", 7, vec!["useridentity.arn"]),
            ("SELECT co", 7, vec!["coalesce(", "count("]),
            ("SELECT 1 FROM coverage WHERE ac", 29, vec!["account"]),
            ("SELECT 1 FROM events WH", 21, vec!["WHEN", "WHERE"]),
            ("sel", 0, vec!["select"]),
            ("\\d cov", 3, vec!["coverage"]),
            ("\\t", 0, vec!["\\timing"]),
            ("SELECT 'é' zz", 12, vec![]),
        ] {
            let (at, candidates) = found(before);
            assert_eq!((at, candidates), (start, expected.into_iter().map(str::to_owned).collect()), "{before}");
        }
    }
}
