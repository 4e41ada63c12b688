//! Where statements end: at a `;` that stands in no quotes and no comment.

/// What a text is in the middle of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Code,
    Quoted(char),
    Line,
    Block,
}

/// The whole statements and commands of a text, and what comes after them.
///
/// A line that begins with a backslash is a command, as in `psql`, also within a statement, which goes on after it; so is
/// a backslash where a statement would begin. A command ends with its line, or at a `;`.
pub(super) fn split(text: &str) -> (Vec<String>, String) {
    let (mut statements, mut pending, mut state) = (Vec::new(), String::new(), State::Code);
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        let next = letters.peek().copied();
        let is_start = || pending.rsplit('\n').next().is_none_or(|line| line.trim().is_empty()) || is_empty(&pending);
        if state == State::Code && letter == '\\' && is_start() {
            let mut command = String::from(letter);
            command.extend(letters.by_ref().take_while(|letter| !matches!(letter, '\n' | ';')));
            statements.push(command.trim().to_owned());
            pending.push('\n');
            continue;
        }
        if state == State::Code && letter == ';' {
            if !is_empty(&pending) {
                statements.push(pending.trim().to_owned());
            }
            pending.clear();
            continue;
        }
        pending.push(letter);
        state = match (state, letter, next) {
            (State::Code, '\'' | '"' | '`', _) => State::Quoted(letter),
            (State::Code, '-', Some('-')) => State::Line,
            (State::Code, '/', Some('*')) => State::Block,
            (State::Quoted(quote), letter, _) if letter == quote => State::Code,
            (State::Line, '\n', _) => State::Code,
            (State::Block, '*', Some('/')) => {
                pending.extend(letters.next());
                State::Code
            }
            (state, ..) => state,
        };
    }
    (statements, pending.trim().to_owned())
}

/// Whether a text says nothing: white space and comments.
pub(super) fn is_empty(text: &str) -> bool {
    let mut rest = text.trim_start();
    loop {
        rest = if let Some(comment) = rest.strip_prefix("--") {
            comment.split_once('\n').map_or("", |(_, after)| after).trim_start()
        } else if let Some(comment) = rest.strip_prefix("/*") {
            comment.split_once("*/").map_or("", |(_, after)| after).trim_start()
        } else {
            return rest.is_empty();
        };
    }
}

/// Whether what was typed is to be run: a command of the shell's, nothing, or statements that end.
pub(super) fn is_whole(text: &str) -> bool {
    let text = text.trim();
    if text.is_empty() || text.starts_with('\\') || is_word_of_the_shell(text) {
        return true;
    }
    let (statements, rest) = split(text);
    // A command that was typed within a statement is run at once.
    let is_command = text.rsplit('\n').next().is_some_and(|line| line.trim_start().starts_with('\\'));
    rest.is_empty() || (is_command && statements.last().is_some_and(|last| last.starts_with('\\')))
}

/// What people type to get out or to get help, without a backslash.
pub(super) fn is_word_of_the_shell(text: &str) -> bool {
    ["exit", "quit", "help"].iter().any(|word| text.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_end_outside_quotes_and_comments() {
        let text = "SELECT ';', \"a;b\" -- ; no\n /* ; */ FROM t; ; SELECT 2;\nSELECT 'it''s;";
        let (statements, rest) = split(text);
        assert_eq!(statements.len(), 2);
        assert!(statements.first().is_some_and(|first| first.ends_with("FROM t")));
        assert_eq!(rest, "SELECT 'it''s;");
        assert!(is_empty(" -- x\n /* y */ ") && !is_empty("-- x\nSELECT"));
    }

    #[test]
    fn commands_end_with_their_lines() {
        let (statements, rest) = split("\\d\nSELECT 1;\n\\o json\nSELECT\n\\timing\n2; \\d events\nSELECT '\n\\d'");
        assert_eq!(statements, ["\\d", "SELECT 1", "\\o json", "\\timing", "SELECT\n\n2", "\\d events"]);
        assert_eq!(rest, "SELECT '\n\\d'");
        assert!(is_whole("SELECT 1\n\\?") && !is_whole("SELECT '\n\\?") && !is_whole("SELECT 1 \\"));
    }

    #[test]
    fn lines_are_joined_until_they_end() {
        for (text, whole) in
            [("", true), ("\\d", true), ("exit", true), ("SELECT 1", false), ("SELECT 1;", true), ("SELECT ';", false)]
        {
            assert_eq!(is_whole(text), whole, "{text}");
        }
    }
}
