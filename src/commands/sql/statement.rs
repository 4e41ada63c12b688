//! Where statements end: at a `;` that stands in no quotes and no comment.

/// What a text is in the middle of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Code,
    Quoted(char),
    Line,
    Block,
}

/// The whole statements of a text, and what comes after them.
pub(super) fn split(text: &str) -> (Vec<String>, String) {
    let (mut statements, mut start, mut state) = (Vec::new(), 0, State::Code);
    let mut letters = text.char_indices().peekable();
    while let Some((at, letter)) = letters.next() {
        let next = letters.peek().map(|(_, next)| *next);
        state = match (state, letter, next) {
            (State::Code, '\'' | '"' | '`', _) => State::Quoted(letter),
            (State::Code, '-', Some('-')) => State::Line,
            (State::Code, '/', Some('*')) => State::Block,
            (State::Code, ';', _) => {
                let statement = text.get(start..at).unwrap_or_default();
                if !is_empty(statement) {
                    statements.push(statement.trim().to_owned());
                }
                start = at + 1;
                State::Code
            }
            (State::Quoted(quote), letter, _) if letter == quote => State::Code,
            (State::Line, '\n', _) => State::Code,
            (State::Block, '*', Some('/')) => {
                letters.next();
                State::Code
            }
            (state, ..) => state,
        };
    }
    (statements, text.get(start..).unwrap_or_default().trim().to_owned())
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
    split(text).1.is_empty()
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
    fn lines_are_joined_until_they_end() {
        for (text, whole) in
            [("", true), ("\\d", true), ("exit", true), ("SELECT 1", false), ("SELECT 1;", true), ("SELECT ';", false)]
        {
            assert_eq!(is_whole(text), whole, "{text}");
        }
    }
}
