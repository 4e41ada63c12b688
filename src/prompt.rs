//! A prompt on a terminal: a line that can be edited, a history, completion, statements over several lines.
//!
//! `keys` tells keys from bytes, `line` is the text and the cursor, `screen` draws them, `history` keeps what was entered, `raw`
//! has the terminal give every key at once (by `stty`, which every Unix has: no unsafe code, and no library beside). Where
//! that is not possible, lines are read as the terminal gives them. Knows no SQL.

mod history;
mod keys;
mod line;
mod raw;
mod screen;

use std::io::{self, BufRead, Read, Write};

pub(crate) use history::History;
use keys::Key;
use line::Line;
use screen::Screen;

/// What was entered.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Entered {
    /// Text, as one or more lines.
    Text(String),
    /// Ctrl-C: what was typed is dropped.
    Nothing,
    /// Ctrl-D on an empty line, or the end of the input.
    End,
}

/// What a prompt asks while somebody types.
pub(crate) trait Guide {
    /// Where the last word of `before` begins, and what it may become; `whole` is all that was typed.
    fn complete(&self, before: &str, whole: &str) -> (usize, Vec<String>);

    /// Whether Enter ends the text, and does not begin another line of it.
    fn is_whole(&self, text: &str) -> bool;
}

/// Shows a prompt, and gives what is entered at it. `more` stands before the lines after the first.
///
/// # Errors
/// What reading or writing the terminal gives.
pub(crate) fn enter(prompt: &str, more: &str, guide: &dyn Guide, history: &mut History) -> io::Result<Entered> {
    let entered = match raw::Raw::enter() {
        Some(_raw) => {
            let mut input = io::stdin().lock();
            let mut bytes = std::iter::from_fn(|| byte(&mut input).transpose());
            edited(&mut bytes, &mut Screen::new(prompt, more), guide, history)?
        }
        None => plain(prompt, more, guide)?,
    };
    if let Entered::Text(text) = &entered {
        history.add(text);
    }
    Ok(entered)
}

fn byte(input: &mut impl Read) -> io::Result<Option<u8>> {
    let mut one = [0];
    Ok((input.read(&mut one)? == 1).then_some(one[0]))
}

/// Line by line, as the terminal gives them.
fn plain(prompt: &str, more: &str, guide: &dyn Guide) -> io::Result<Entered> {
    let mut text = String::new();
    loop {
        write!(io::stdout(), "{}", if text.is_empty() { prompt } else { more })?;
        io::stdout().flush()?;
        if io::stdin().lock().read_line(&mut text)? == 0 {
            return Ok(Entered::End);
        }
        if guide.is_whole(&text) {
            return Ok(Entered::Text(text.trim_end().to_owned()));
        }
    }
}

/// Key by key.
fn edited(
    bytes: &mut dyn Iterator<Item = io::Result<u8>>,
    screen: &mut Screen,
    guide: &dyn Guide,
    history: &History,
) -> io::Result<Entered> {
    let mut line = Line::default();
    // How far back the history is read, and what was typed before.
    let (mut back, mut typed) = (0_usize, String::new());
    screen.draw(&line)?;
    while let Some(key) = keys::read(bytes)? {
        match key {
            Key::Enter if guide.is_whole(line.text()) => {
                screen.leave(&line)?;
                return Ok(Entered::Text(line.text().to_owned()));
            }
            Key::Enter => line.insert('\n'),
            Key::Interrupt => {
                screen.leave(&line)?;
                return Ok(Entered::Nothing);
            }
            Key::EndOrDelete if line.text().is_empty() => {
                screen.leave(&line)?;
                return Ok(Entered::End);
            }
            Key::EndOrDelete | Key::Delete => line.delete(),
            Key::Tab => complete(&mut line, screen, guide)?,
            Key::Up | Key::Down => {
                if back == 0 {
                    typed = line.text().to_owned();
                }
                let wanted = if key == Key::Up { back + 1 } else { back.saturating_sub(1) };
                match history.back(wanted) {
                    _ if wanted == 0 => (back, line) = (0, Line::of(&typed)),
                    Some(text) => (back, line) = (wanted, Line::of(text)),
                    None => {}
                }
            }
            Key::Clear => screen.clear()?,
            Key::Other => continue,
            key => line.edit(key),
        }
        screen.draw(&line)?;
    }
    screen.leave(&line)?;
    Ok(Entered::End)
}

/// Completes the last word, as far as there is one way, else shows the ways.
fn complete(line: &mut Line, screen: &mut Screen, guide: &dyn Guide) -> io::Result<()> {
    let (start, candidates) = guide.complete(line.before(), line.text());
    match candidates.as_slice() {
        [] => Ok(()),
        [one] => {
            line.replace(start, one);
            Ok(())
        }
        many => {
            let common = common_start(many);
            let word = line.before().get(start..).unwrap_or_default().len();
            if common.len() > word {
                line.replace(start, &common);
                return Ok(());
            }
            screen.list(line, many)
        }
    }
}

/// What all candidates begin with, in any case.
fn common_start(candidates: &[String]) -> String {
    let Some((first, rest)) = candidates.split_first() else { return String::new() };
    let same = |at: usize, letter: char| {
        rest.iter().all(|other| other.chars().nth(at).is_some_and(|own| own.eq_ignore_ascii_case(&letter)))
    };
    first.chars().enumerate().take_while(|(at, letter)| same(*at, *letter)).map(|(_, letter)| letter).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    struct Words;

    impl Guide for Words {
        fn complete(&self, before: &str, _: &str) -> (usize, Vec<String>) {
            let start = before.rfind(' ').map_or(0, |at| at + 1);
            let word = &before[start..];
            let all = ["select", "set", "eventname"];
            (start, all.iter().filter(|w| w.starts_with(word)).map(|w| (*w).to_owned()).collect())
        }

        fn is_whole(&self, text: &str) -> bool {
            text.ends_with(';')
        }
    }

    fn typed(keys: &str) -> Entered {
        let mut history = History::default();
        history.add("first;");
        history.add("second;");
        let mut bytes = keys.bytes().map(Ok);
        edited(&mut bytes, &mut Screen::silent("> ", "… ", 20), &Words, &history).unwrap()
    }

    #[test]
    fn text_is_edited_with_the_usual_keys() {
        for (keys, text) in [
            ("abc;\r", "abc;"),
            ("ab\r\ncd;\r", "ab\n\ncd;"),
            ("bc\x01a\x05;\r", "abc;"),
            ("abx\x7fc;\r", "abc;"),
            ("ac\x1b[Db\x1b[C;\r", "abc;"),
            ("abc def\x17ghi;\r", "abc ghi;"),
            ("xyz\x15abc;\r", "abc;"),
            ("a\x1b[A\r", "second;"),
            ("\x1b[A\x1b[A\x1b[A\r", "first;"),
            ("new\x1b[A\x1b[B;\r", "new;"),
            ("se\tx;\r", "sex;"),
            ("sel\t ev\t;\r", "select eventname;"),
            ("é日\x1b[D\x1b[3~;\r", "é;"),
            (
                "a long line that does not fit on a narrow screen;\r",
                "a long line that does not fit on a narrow screen;",
            ),
        ] {
            assert_eq!(typed(keys), Entered::Text(text.to_owned()), "{keys:?}");
        }
        assert_eq!(typed("abc\x03"), Entered::Nothing);
        assert_eq!(typed("\x04"), Entered::End);
        assert_eq!(typed("abc"), Entered::End);
    }
}
