//! The text that is being typed, and where the cursor stands in it.

use super::keys::Key;

/// Text and cursor.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Line {
    text: String,
    /// In bytes, at the start of a character.
    at: usize,
}

impl Line {
    /// Text with the cursor at its end.
    pub(super) fn of(text: &str) -> Line {
        Line { text: text.to_owned(), at: text.len() }
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The text before the cursor.
    pub(super) fn before(&self) -> &str {
        self.text.get(..self.at).unwrap_or_default()
    }

    fn after(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    pub(super) fn insert(&mut self, letter: char) {
        let (before, after) = (self.before(), self.after());
        self.text = format!("{before}{letter}{after}");
        self.at += letter.len_utf8();
    }

    /// Takes the character at the cursor away.
    pub(super) fn delete(&mut self) {
        let rest = self.after().chars().next().map_or(0, char::len_utf8);
        self.cut(self.at, self.at + rest);
    }

    /// Puts a text in the place of what stands between `start` and the cursor.
    pub(super) fn replace(&mut self, start: usize, with: &str) {
        let before = self.text.get(..start).unwrap_or_default();
        let made = format!("{before}{with}");
        let text = format!("{made}{}", self.after());
        (self.text, self.at) = (text, made.len());
    }

    fn cut(&mut self, from: usize, to: usize) {
        let before = self.text.get(..from).unwrap_or_default();
        self.text = format!("{before}{}", self.text.get(to..).unwrap_or_default());
        self.at = from;
    }

    fn previous(&self) -> usize {
        self.at - self.before().chars().next_back().map_or(0, char::len_utf8)
    }

    /// The start of the word before the cursor.
    fn word_before(&self) -> usize {
        let trimmed = self.before().trim_end();
        trimmed
            .rfind(char::is_whitespace)
            .map_or(0, |at| at + trimmed.get(at..).and_then(|rest| rest.chars().next()).map_or(1, char::len_utf8))
    }

    /// The end of the word behind the cursor.
    fn word_after(&self) -> usize {
        let rest = self.after();
        let blank = rest.len() - rest.trim_start().len();
        let word = rest.trim_start();
        self.at + blank + word.find(char::is_whitespace).unwrap_or(word.len())
    }

    /// What a key does to the text and the cursor.
    pub(super) fn edit(&mut self, key: Key) {
        match key {
            Key::Char(letter) => self.insert(letter),
            Key::Backspace => self.cut(self.previous(), self.at),
            Key::Left => self.at = self.previous(),
            Key::Right => self.at += self.after().chars().next().map_or(0, char::len_utf8),
            Key::WordLeft => self.at = self.word_before(),
            Key::WordRight => self.at = self.word_after(),
            // Of the line that the cursor stands in, where there are several.
            Key::Home => self.at = self.before().rfind('\n').map_or(0, |at| at + 1),
            Key::End => self.at += self.after().find('\n').unwrap_or(self.after().len()),
            Key::CutStart => self.cut(self.before().rfind('\n').map_or(0, |at| at + 1), self.at),
            Key::CutEnd => {
                let end = self.at + self.after().find('\n').unwrap_or(self.after().len());
                self.cut(self.at, end);
            }
            Key::CutWord => self.cut(self.word_before(), self.at),
            _ => {}
        }
    }
}
