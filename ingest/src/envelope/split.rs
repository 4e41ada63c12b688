//! Values one after the other: the elements of a document's lists, or the documents themselves.
//!
//! The splitter reads a window of the text and remembers where it stands, so a 5 GB document needs no more memory than
//! its largest record. A value that is not JSON is reported and stepped over: its neighbours are kept.

use std::ops::Range;

use crate::json::{self, Fault, JsonError};
use crate::record::{Fields, Scanner};

/// Lists of a document that hold records or wrapped records.
const LISTS: [&[u8]; 4] = [b"Records", b"Events", b"logEvents", b"events"];

/// Where the splitter stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Between documents.
    Documents,
    /// In a list; `in_object` says what follows its end.
    Items { in_object: bool, first: bool },
    /// In a document's object, after one of its lists.
    AfterList,
}

/// What comes next.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// An object, scanned into the fields given; their offsets count from the start of the range.
    Object(Range<usize>),
    /// A value that is no object, where an object should be.
    Other(Range<usize>),
    /// Text that is not JSON, stepped over; the flag says whether it was a whole document.
    Broken {
        /// The text.
        range: Range<usize>,
        /// What is wrong, offsets from the start of the window.
        error: JsonError,
        /// True for a document, false for an element of a list.
        document: bool,
    },
    /// The document ended; text follows that begins no other.
    Trailing(Range<usize>),
    /// The list or object the splitter is in never ends.
    Unclosed,
    /// The window ends before the next value does.
    More,
    /// Everything was read.
    Done,
}

/// Splits a text into values.
#[derive(Debug)]
pub struct Splitter {
    state: State,
    at: usize,
    documents: u64,
    /// Length of the window in which the next record was last looked for, and where it is: many broken elements in a
    /// row must not search the same text again and again.
    ahead: Option<(usize, Option<usize>)>,
}

impl Splitter {
    /// A splitter at the start of a text.
    pub fn new() -> Self {
        Splitter { state: State::Documents, at: 0, documents: 0, ahead: None }
    }

    /// Whether no document has begun yet.
    pub fn is_untouched(&self) -> bool {
        self.documents == 0
    }

    /// Bytes of the window that are done with; the caller may drop them and call [`Splitter::drop_front`].
    pub fn done(&self) -> usize {
        self.at
    }

    /// Tells the splitter that the first `bytes` of the window are gone.
    pub fn drop_front(&mut self, bytes: usize) {
        self.at -= bytes.min(self.at);
        self.ahead = None;
    }

    /// The next step in `window`, of which `last` says whether the text ends with it.
    pub fn next(&mut self, window: &[u8], last: bool, scanner: &mut Scanner, fields: &mut Fields) -> Step {
        // Nearly always: one more record of a list, right behind the last one.
        let follows = |rest: &[u8]| rest.starts_with(b",{");
        if matches!(self.state, State::Items { first: false, .. }) && window.get(self.at..).is_some_and(follows) {
            self.at += 1;
            if let Ok(range) = self.object(window, self.at, scanner, fields) {
                return Step::Object(range);
            }
            self.at -= 1;
        }
        loop {
            self.at = json::skip_space(window, self.at);
            let step = match self.state {
                State::Documents => self.document(window, last, scanner, fields),
                State::Items { in_object, first } => self.item(window, last, in_object, first, scanner, fields),
                State::AfterList => self.after_list(window, last),
            };
            if let Some(step) = step {
                return step;
            }
        }
    }

    fn document(&mut self, window: &[u8], last: bool, scanner: &mut Scanner, fields: &mut Fields) -> Option<Step> {
        let start = self.at;
        let step = match window.get(start) {
            None if last => return Some(Step::Done),
            None => return Some(Step::More),
            Some(0xEF) if window[start..].starts_with(b"\xEF\xBB\xBF") => {
                self.at += 3;
                return None;
            }
            // Padding after a document, and a comma between documents, mean nothing.
            Some(0 | b',') if self.documents > 0 => {
                self.at += 1;
                return None;
            }
            Some(b'[') => {
                self.documents += 1;
                self.at += 1;
                self.state = State::Items { in_object: false, first: true };
                return None;
            }
            Some(b'{') => match self.enter(window, start) {
                Ok(true) => return None,
                Ok(false) => self.object(window, start, scanner, fields),
                Err(error) => Err(error),
            },
            Some(b'0'..=b'9') => {
                // A line of a CloudWatch Logs export: a time, a blank, the event.
                let head = &window[start..window.len().min(start + 40)];
                match memchr::memmem::find(head, b" {") {
                    Some(blank) => {
                        self.at = start + blank + 1;
                        return None;
                    }
                    None if head.len() < 40 && !last => return Some(Step::More),
                    None => Err(JsonError { what: Fault::Unexpected, at: start }),
                }
            }
            Some(_) => Err(JsonError { what: Fault::Unexpected, at: start }),
        };
        match step {
            Ok(range) => {
                self.documents += 1;
                Some(Step::Object(range))
            }
            Err(error) if error.what == Fault::Truncated && !last => Some(Step::More),
            Err(error) => self.broken_document(window, last, error),
        }
    }

    /// Enters the first list of records of the object at `start`, if it has one.
    fn enter(&mut self, window: &[u8], start: usize) -> Result<bool, JsonError> {
        let mut at = json::skip_space(window, start + 1);
        if window.get(at) == Some(&b'}') {
            return Ok(false);
        }
        loop {
            let (key, value_at, _) = json::key(window, at)?;
            if LISTS.contains(&&window[key.start + 1..key.end - 1]) && window.get(value_at) == Some(&b'[') {
                self.at = value_at + 1;
                self.documents += 1;
                self.state = State::Items { in_object: true, first: true };
                return Ok(true);
            }
            at = json::skip_space(window, json::value(window, value_at)?.end);
            match window.get(at) {
                Some(b',') => at = json::skip_space(window, at + 1),
                Some(b'}') => return Ok(false),
                Some(_) => return Err(JsonError { what: Fault::Unexpected, at }),
                None => return Err(JsonError { what: Fault::Truncated, at }),
            }
        }
    }

    fn object(
        &mut self,
        window: &[u8],
        start: usize,
        scanner: &mut Scanner,
        fields: &mut Fields,
    ) -> Result<Range<usize>, JsonError> {
        let end =
            scanner.scan(&window[start..], 0, fields).map_err(|error| JsonError { at: start + error.at, ..error })?;
        self.at = start + end;
        Ok(start..self.at)
    }

    fn item(
        &mut self,
        window: &[u8],
        last: bool,
        in_object: bool,
        first: bool,
        scanner: &mut Scanner,
        fields: &mut Fields,
    ) -> Option<Step> {
        let start = self.at;
        match window.get(start) {
            None if last => {
                self.state = State::Documents;
                return Some(Step::Unclosed);
            }
            None => return Some(Step::More),
            Some(b']') => {
                self.at += 1;
                self.state = if in_object { State::AfterList } else { State::Documents };
                return None;
            }
            Some(b',') if !first => {
                self.at += 1;
                self.state = State::Items { in_object, first: true };
                return None;
            }
            Some(b'{') => match self.object(window, start, scanner, fields) {
                Ok(range) => {
                    self.state = State::Items { in_object, first: false };
                    return Some(Step::Object(range));
                }
                Err(error) => return Some(self.broken_item(window, last, in_object, error)),
            },
            Some(_) => {}
        }
        match json::value(window, start) {
            // A number may go on in the next window.
            Ok(value) if value.end == window.len() && !last => Some(Step::More),
            Ok(value) if first => {
                self.at = value.end;
                self.state = State::Items { in_object, first: false };
                Some(Step::Other(start..value.end))
            }
            Ok(_) => Some(self.broken_item(window, last, in_object, JsonError { what: Fault::Unexpected, at: start })),
            Err(error) => Some(self.broken_item(window, last, in_object, error)),
        }
    }

    /// Steps over an element that is not JSON: to its balanced end, or to the next thing that begins like a record,
    /// whichever comes first; else to the end of the text.
    fn broken_item(&mut self, window: &[u8], last: bool, in_object: bool, error: JsonError) -> Step {
        let start = self.at;
        if error.what == Fault::Truncated && !last {
            return Step::More;
        }
        let next = self.next_record(window, start + 1);
        let balanced = balanced_end(&window[..next.unwrap_or(window.len())], start);
        let after = balanced.and_then(|end| window.get(json::skip_space(window, end)));
        if balanced.is_some() && after.is_none() && !last {
            return Step::More;
        }
        let balanced = balanced.filter(|_| matches!(after, Some(b',' | b']') | None));
        let end = match (balanced, next) {
            (Some(end), _) => end,
            (None, Some(next)) => next,
            (None, None) if last => window.len(),
            (None, None) => return Step::More,
        };
        self.at = end;
        self.state = State::Items { in_object, first: Some(end) == next };
        if end == window.len() && last {
            self.state = State::Documents;
        }
        Step::Broken { range: start..end, error, document: false }
    }

    fn next_record(&mut self, window: &[u8], from: usize) -> Option<usize> {
        match self.ahead {
            Some((length, None)) if length == window.len() => None,
            Some((_, Some(brace))) if brace >= from => Some(brace),
            _ => {
                let found = next_record(window, from);
                self.ahead = Some((window.len(), found));
                found
            }
        }
    }

    /// Steps over a document that is not JSON: to the next line that begins one.
    fn broken_document(&mut self, window: &[u8], last: bool, error: JsonError) -> Option<Step> {
        let start = self.at;
        let next = memchr::memchr_iter(b'\n', &window[start..])
            .map(|newline| start + newline + 1)
            .find(|line| matches!(window.get(*line), Some(b'{' | b'[')));
        match next {
            None if !last => return Some(Step::More),
            None => self.at = window.len(),
            Some(line) => self.at = line,
        }
        let range = start..self.at;
        if self.documents > 0 && !matches!(window[start], b'{' | b'[') {
            return Some(Step::Trailing(range));
        }
        Some(Step::Broken { range, error, document: true })
    }

    fn after_list(&mut self, window: &[u8], last: bool) -> Option<Step> {
        let more_or = |step: Step| Some(if last { step } else { Step::More });
        let at = match window.get(self.at) {
            None => return more_or(Step::Unclosed).inspect(|_| self.finish(last)),
            Some(b'}') => {
                self.at += 1;
                self.state = State::Documents;
                return None;
            }
            Some(b',') => json::skip_space(window, self.at + 1),
            Some(_) => {
                self.state = State::Documents;
                return None;
            }
        };
        let entry = json::key(window, at).and_then(|(key, value_at, _)| {
            if LISTS.contains(&&window[key.start + 1..key.end - 1]) && window.get(value_at) == Some(&b'[') {
                return Ok((value_at + 1, State::Items { in_object: true, first: true }));
            }
            json::value(window, value_at).map(|value| (value.end, State::AfterList))
        });
        match entry {
            // A number may go on in the next window.
            Ok((at, _)) if at == window.len() && !last => Some(Step::More),
            Ok((at, state)) => {
                (self.at, self.state) = (at, state);
                None
            }
            Err(error) if error.what == Fault::Truncated => more_or(Step::Unclosed).inspect(|_| self.finish(last)),
            Err(_) => {
                self.at = at;
                self.state = State::Documents;
                None
            }
        }
    }

    fn finish(&mut self, last: bool) {
        if last {
            self.state = State::Documents;
            self.at = usize::MAX;
        }
    }
}

impl Default for Splitter {
    fn default() -> Self {
        Self::new()
    }
}

/// One past the bracket that closes the one at `start`, strings aside.
fn balanced_end(text: &[u8], start: usize) -> Option<usize> {
    if !matches!(text.get(start), Some(b'{' | b'[')) {
        let end = memchr::memchr2(b',', b']', &text[start..])?;
        return Some(start + end);
    }
    let mut depth = 0usize;
    let mut at = start;
    while let Some(byte) = text.get(at) {
        match byte {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                depth -= 1;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            b'"' => {
                at += 1;
                while *text.get(at)? != b'"' {
                    at += if text[at] == b'\\' { 2 } else { 1 };
                }
            }
            _ => {}
        }
        at += 1;
    }
    None
}

/// The next `, {"eventVersion"` from `from` on: the position of the brace.
fn next_record(text: &[u8], from: usize) -> Option<usize> {
    memchr::memmem::find_iter(text.get(from..)?, b"\"eventVersion\"").find_map(|key| {
        let back = |at: usize| text[..at].iter().rposition(|byte| !byte.is_ascii_whitespace());
        let brace = back(from + key).filter(|at| *at >= from && text[*at] == b'{')?;
        back(brace).filter(|at| text[*at] == b',').map(|_| brace)
    })
}

#[cfg(test)]
mod tests;
