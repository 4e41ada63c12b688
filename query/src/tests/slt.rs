//! Questions in files: `query/slt/*.slt`, in the form of SQLite's sqllogictest, over the sample of events.
//!
//! `query` and its sorting, the SQL, a line `----`, and the rows: cells parted by `|`, NULL as `-`. `error` and words of the
//! message stand for a statement that is refused. Whoever adds a question needs no Rust.

use std::path::Path;

use super::{engine, text};

/// One question of a file.
struct Case {
    place: String,
    sql: String,
    sorted: bool,
    /// The rows, or what the error says.
    expected: Result<Vec<String>, String>,
}

fn cases(path: &Path) -> Vec<Case> {
    let content = std::fs::read_to_string(path).unwrap();
    let mut cases = Vec::new();
    let mut lines = content.lines().enumerate().peekable();
    while let Some((number, line)) = lines.next() {
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        let place = format!("{}:{}", path.display(), number + 1);
        let mut until = |end: fn(&str) -> bool| -> Vec<String> {
            let mut taken = Vec::new();
            while let Some((_, line)) = lines.next_if(|(_, line)| !end(line)) {
                taken.push(line.to_owned());
            }
            taken
        };
        let sql = until(|line| line == "----" || line.is_empty()).join("\n");
        let (kind, rest) = line.split_once(' ').unwrap_or((line, ""));
        let expected = match kind {
            "query" => Ok(until(str::is_empty).into_iter().skip(1).collect()),
            "error" => Err(rest.to_owned()),
            other => panic!("{place}: `{other}` is no kind of question; write query or error"),
        };
        cases.push(Case { place, sql, sorted: rest == "rowsort", expected });
    }
    cases
}

fn wrong(case: &Case) -> Option<String> {
    let found = engine().collect_blocking(&case.sql).map(|batches| {
        let mut rows = text(&batches);
        if case.sorted {
            rows.sort();
        }
        rows
    });
    let is_right = match (&found, &case.expected) {
        (Ok(found), Ok(expected)) => found == expected,
        (Err(error), Err(expected)) => error.to_string().contains(expected),
        _ => false,
    };
    let shown = |rows: &[String]| rows.join("\n  ");
    (!is_right).then(|| {
        let found = found.map_or_else(|error| format!("error {error}"), |rows| shown(&rows));
        let expected = case.expected.as_ref().map_or_else(|error| format!("error {error}"), |rows| shown(rows));
        format!("{}: {}\n gives\n  {found}\n and not\n  {expected}", case.place, case.sql)
    })
}

#[test]
fn questions_in_files() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("slt");
    let mut files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let cases: Vec<_> =
        files.iter().filter(|p| p.extension().is_some_and(|e| e == "slt")).flat_map(|p| cases(p)).collect();
    let wrong: Vec<_> = cases.iter().filter_map(wrong).collect();
    eprintln!("questions in files: {} of {} answered as written", cases.len() - wrong.len(), cases.len());
    assert!(wrong.is_empty() && cases.len() > 50, "{}", wrong.join("\n\n"));
}
