//! Where in a rule's text something stands: the line that an error is about.
//!
//! The parser keeps no lines, so they are found again by what a reason names. Knows text only.

/// Line, from 1, of the first line that holds `needle`.
pub(crate) fn line_of(yaml: &str, needle: &str) -> Option<u32> {
    number(yaml.lines().position(|line| line.contains(needle))?)
}

/// Line, from 1, of a place from 0.
fn number(at: usize) -> Option<u32> {
    u32::try_from(at + 1).ok()
}

/// Line of what a reason names in backquotes: each name is looked for from where the one before was found, first below
/// the section that says what is detected, and if nothing is there, from the top.
pub(crate) fn line_of_reason(text: &str, reason: &str, title: Option<u32>) -> Option<u32> {
    let lines: Vec<&str> = text.lines().collect();
    let sections = ["detection:", "correlation:", "filter:"];
    let title = title.map_or(0, |line| line as usize - 1);
    let section = lines.iter().skip(title).position(|line| sections.iter().any(|s| line.starts_with(s)));
    let below = section.and_then(|at| follow(&lines, reason, at + title));
    below.or_else(|| follow(&lines, reason, 0)).or_else(|| {
        let source = reason.contains("the log source").then(|| line_of(text, "logsource:"));
        source.flatten()
    })
}

/// Line of the last of the names that can be followed from the line at `at`.
fn follow(lines: &[&str], reason: &str, mut at: usize) -> Option<u32> {
    let mut found = None;
    for name in reason.split('`').skip(1).step_by(2) {
        if let Some(next) = lines.iter().skip(at).position(|line| names(line, name)) {
            at += next;
            found = number(at);
        }
    }
    found
}

/// True if `name` stands in the line as a word.
fn names(line: &str, name: &str) -> bool {
    let inner = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '.');
    !name.is_empty()
        && line.match_indices(name).any(|(at, _)| {
            let (before, after) = (line.get(..at), line.get(at + name.len()..));
            !inner(before.and_then(|b| b.chars().next_back())) && !inner(after.and_then(|a| a.chars().next()))
        })
}

/// The line that a parser's message gives.
pub(crate) fn line_in(reason: &str) -> Option<u32> {
    let (_, after) = reason.split_once("at line ")?;
    after.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}
