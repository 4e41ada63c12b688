//! The text of an object to rows: splits it, tells what each value is, and fills the builders.

use std::io::Read;
use std::ops::ControlFlow;

use base64::Engine;

use crate::columns::Rows;
use crate::envelope::kind::{self, Kind, Teller};
use crate::envelope::split::{Splitter, Step};
use crate::gunzip::{self, Limits, Refusal};
use crate::json::{Fault, JsonError};
use crate::record::{Fields, Scanner};
use crate::reject::{Error, ObjectTotals, OtherKind, Reason};

use super::object::RECORD_BYTES;
use super::{Chunk, Options};

/// Wrappers in wrappers that are followed: SNS in CloudWatch Logs in a list is three.
const MAX_WRAPPERS: usize = 4;

/// Most text in a packed payload.
const PACKED_BYTES: u64 = 16 << 20;

/// Hands a chunk over; `Break` where nobody wants more.
pub(super) type Emit<'a> = dyn FnMut(Result<Chunk, Error>) -> ControlFlow<()> + 'a;

/// Parses texts, one after the other, into one collection of rows.
#[derive(Debug)]
pub(super) struct Parser {
    scanner: Scanner,
    fields: Fields,
    teller: Teller,
    rows: Rows,
    runs: Vec<(usize, usize)>,
    finished: Vec<(usize, ObjectTotals)>,
    batch_rows: usize,
    batch_bytes: usize,
    /// Bytes of the object's text before the window.
    before: u64,
    /// Where the record that is looked at begins in the object's text.
    at: u64,
}

impl Parser {
    pub(super) fn new(options: &Options) -> Self {
        let scanner = Scanner::new();
        let teller = Teller::new(scanner.layout());
        Parser {
            scanner,
            fields: Fields::default(),
            teller,
            rows: Rows::new(),
            runs: Vec::new(),
            finished: Vec::new(),
            batch_rows: options.batch_rows,
            batch_bytes: options.batch_bytes,
            before: 0,
            at: 0,
        }
    }

    /// Begins an object.
    pub(super) fn start(&mut self, name: &str) {
        self.rows.start(name);
        (self.before, self.at) = (0, 0);
    }

    /// Says that the window's next bytes come so much later.
    pub(super) fn advance(&mut self, bytes: usize) {
        self.before += bytes as u64;
    }

    /// Parses as much of `window` as is whole. `splitter` stands where the last window ended.
    pub(super) fn window(
        &mut self,
        splitter: &mut Splitter,
        window: &[u8],
        last: bool,
        index: usize,
        object: &mut ObjectTotals,
        emit: &mut Emit<'_>,
    ) -> ControlFlow<()> {
        loop {
            match splitter.next(window, last, &mut self.scanner, &mut self.fields) {
                Step::Object(range) => {
                    self.at = self.before + range.start as u64;
                    self.object(&window[range], 0, index, object);
                }
                Step::Done | Step::More => return ControlFlow::Continue(()),
                step => refuse(step, window, self.before, object),
            }
            if self.rows.len() >= self.batch_rows || self.rows.bytes() >= self.batch_bytes {
                self.flush(emit)?;
            }
        }
    }

    /// One scanned object: a record, a wrapper, or something else.
    fn object(&mut self, bytes: &[u8], depth: usize, index: usize, object: &mut ObjectTotals) {
        let text = match simdutf8::basic::from_utf8(bytes) {
            Ok(text) => text,
            Err(_) => {
                return object.refuse(Reason::InvalidUtf8, 1, Some(self.at), bytes, |number| {
                    let at = std::str::from_utf8(bytes).map_or_else(|error| error.valid_up_to(), str::len);
                    format!("record {number}: not UTF-8 at byte {at} of it")
                });
            }
        };
        match self.teller.tell(text, &self.fields) {
            Kind::Record if bytes.len() > RECORD_BYTES => {
                object.refuse(Reason::RecordTooLarge, 1, Some(self.at), bytes, |number| {
                    format!("record {number}: more than {RECORD_BYTES} bytes")
                });
            }
            Kind::Record => {
                self.rows.push(text, &self.fields);
                object.records_in += 1;
                match self.runs.last_mut() {
                    Some((last, rows)) if *last == index => *rows += 1,
                    _ => self.runs.push((index, 1)),
                }
            }
            Kind::Inside(range) if depth < MAX_WRAPPERS => self.nested(&text[range], depth + 1, index, object),
            Kind::Quoted(range) if depth < MAX_WRAPPERS => {
                self.nested(&kind::unquote(&text[range]), depth + 1, index, object);
            }
            Kind::Packed(range) if depth < MAX_WRAPPERS => self.packed(&text[range], depth + 1, index, object),
            Kind::Inside(_) | Kind::Quoted(_) | Kind::Packed(_) => {
                object.reject(Reason::TooDeep, 1, "wrappers in wrappers")
            }
            Kind::Other(kind) if object.records_in == 0 && object.skipped.is_none() => object.skipped = Some(kind),
            Kind::Other(kind) => refuse_other(kind, object),
            Kind::Refused(reason, found) => {
                let fields = &self.fields;
                object.refuse(reason, 1, Some(self.at), bytes, |number| {
                    format!("record {number}: {}", found.describe(text, fields))
                });
            }
        }
    }

    /// Records in a wrapper: a list, an object, or the text of a string.
    fn nested(&mut self, text: &str, depth: usize, index: usize, object: &mut ObjectTotals) {
        let mut splitter = Splitter::new();
        loop {
            match splitter.next(text.as_bytes(), true, &mut self.scanner, &mut self.fields) {
                Step::Object(range) => self.object(&text.as_bytes()[range], depth, index, object),
                Step::Done | Step::More => return,
                step => refuse(step, text.as_bytes(), self.at, object),
            }
        }
    }

    /// Records in base64 of gzip. CloudWatch Logs packs at most 256 KB of events.
    fn packed(&mut self, data: &str, depth: usize, index: usize, object: &mut ObjectTotals) {
        let Ok(gzip) = base64::engine::general_purpose::STANDARD.decode(data) else {
            let detail = |number| format!("record {number}: awslogs.data is not base64");
            return object.refuse(Reason::UnknownShape, 1, None, &[], detail);
        };
        let mut text = String::new();
        let limits = Limits { inflated_bytes: PACKED_BYTES, ..Limits::default() };
        let read = gunzip::verify(gzip.as_slice(), limits).map(|_| gunzip::open(gzip.as_slice(), limits));
        match read.map(|mut reader| reader.read_to_string(&mut text)) {
            Ok(Ok(_)) => self.nested(&text, depth, index, object),
            Ok(Err(_)) => {
                object.refuse(Reason::InvalidUtf8, 1, None, &[], |number| format!("record {number}: packed text"))
            }
            Err(Refusal { reason, detail }) => {
                object.refuse(reason, 1, None, &[], |number| format!("record {number}: {detail}"))
            }
        }
    }

    /// Notes the end of an object.
    pub(super) fn finish(&mut self, index: usize, mut object: ObjectTotals) {
        // An object is skipped only if it is of another kind as a whole; beside records, that part is refused.
        if object.records_in > 0
            && let Some(kind) = object.skipped.take()
        {
            refuse_other(kind, &mut object);
        }
        self.finished.push((index, object));
    }

    /// Hands over the rows so far and the objects that ended.
    pub(super) fn flush(&mut self, emit: &mut Emit<'_>) -> ControlFlow<()> {
        if self.rows.is_empty() && self.finished.is_empty() {
            return ControlFlow::Continue(());
        }
        let batch = match (!self.rows.is_empty()).then(|| self.rows.finish()).transpose() {
            Ok(batch) => batch,
            Err(error) => {
                let _ = emit(Err(error.into()));
                return ControlFlow::Break(());
            }
        };
        let (runs, finished) = (std::mem::take(&mut self.runs), std::mem::take(&mut self.finished));
        emit(Ok(Chunk { batch, runs, finished }))
    }
}

/// A part of an object that is of another kind than the rest.
#[cold]
fn refuse_other(kind: OtherKind, object: &mut ObjectTotals) {
    let what = match kind {
        OtherKind::Empty => "an object without fields",
        OtherKind::Digest => "a digest",
        OtherKind::AccountAuthorizationDetails => "account authorization details",
    };
    object.refuse(Reason::UnknownShape, 1, None, &[], |number| format!("record {number}: {what}"));
}

/// Counts a step that is no record.
#[cold]
fn refuse(step: Step, window: &[u8], before: u64, object: &mut ObjectTotals) {
    let place = |at: usize| Some(before + at as u64);
    match step {
        Step::Other(range) => {
            let raw = &window[range.clone()];
            object.refuse(Reason::NotARecord, 1, place(range.start), raw, |number| {
                format!("record {number}: {} instead of an object", preview(raw))
            });
        }
        Step::Broken { range, error, document } => {
            let at = JsonError { at: error.at - range.start.min(error.at), ..error };
            let raw = &window[range.clone()];
            let json = matches!(raw.first(), Some(b'{' | b'['));
            let reason = match error.what {
                Fault::Truncated => Reason::TruncatedJson,
                Fault::TooDeep => Reason::TooDeep,
                Fault::TooManyFields => Reason::TooManyFields,
                _ if document && !json => Reason::NotJson,
                _ => Reason::InvalidJson,
            };
            object.refuse(reason, 1, place(range.start), raw, |number| {
                format!("record {number}: {at} of it; it begins with {}", preview(raw))
            });
        }
        Step::Trailing(range) => {
            let raw = &window[range.clone()];
            object.refuse(Reason::TrailingText, 1, place(range.start), raw, |_| {
                format!("after the records: {}", preview(raw))
            });
        }
        Step::Unclosed => object.refuse(Reason::TruncatedJson, 1, place(window.len()), &[], |number| {
            format!("the text ends after {} records", number - 1)
        }),
        Step::Object(_) | Step::More | Step::Done => {}
    }
}

/// The start of a text, quoted, for a message.
fn preview(bytes: &[u8]) -> String {
    let text: String = String::from_utf8_lossy(&bytes[..bytes.len().min(60)]).chars().take(40).collect();
    format!("{text:?}")
}
