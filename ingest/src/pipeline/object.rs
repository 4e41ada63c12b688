//! One object: read, told apart, inflated, parsed. Whole where it is small, streamed where it is not.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, Write};
use std::ops::ControlFlow;
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::envelope::split::Splitter;
use crate::gunzip::{self, Encoding, Inflated, Inflater, Refusal, WHOLE_BYTES};
use crate::reject::{ObjectTotals, OtherKind, Reason};
use crate::source::{Fetch, Halted, Input, Place};

use super::Options;
use super::parser::{Emit, Parser};

/// Bytes read at a time from what is streamed.
const WINDOW_BYTES: usize = 4 << 20;
/// Largest element of a streamed object: a record, or a wrapper with records in it.
const ELEMENT_BYTES: usize = 64 << 20;
/// Largest record. CloudTrail's own limit is 256 KB, CloudTrail Lake's 1 MB; text may grow sixfold when it is escaped.
pub(super) const RECORD_BYTES: usize = 16 << 20;

/// Reads objects; one a worker, with its buffers.
pub(super) struct ObjectReader {
    options: Options,
    inflater: Inflater,
    parser: Parser,
    stored: Vec<u8>,
    window: Vec<u8>,
}

/// How reading an object ended: refused, or stopped because nobody wants more.
enum Ended {
    Refused(Refusal),
    Stopped,
}

impl From<io::Error> for Ended {
    fn from(error: io::Error) -> Self {
        match error.get_ref().is_some_and(|inner| inner.is::<Halted>()) {
            true => Ended::Stopped,
            false => Ended::Refused(Refusal::new(Reason::IoError, error.to_string())),
        }
    }
}

impl From<Refusal> for Ended {
    fn from(refusal: Refusal) -> Self {
        Ended::Refused(refusal)
    }
}

impl ObjectReader {
    pub(super) fn new(options: &Options) -> Self {
        ObjectReader {
            options: options.clone(),
            inflater: Inflater::new(),
            parser: Parser::new(options),
            stored: Vec::new(),
            window: Vec::new(),
        }
    }

    /// Reads one object into rows.
    pub(super) fn read(&mut self, index: usize, input: Input, emit: &mut Emit<'_>) -> ControlFlow<()> {
        let mut object = ObjectTotals::new(input.name);
        object.modified = input.modified;
        object.evidence = self.options.evidence;
        self.parser.start(&object.object);
        let result = match input.place {
            Place::File(path) => self.file(&path, index, &mut object, emit),
            Place::Stdin => self.pipe(io::stdin().lock(), index, &mut object, emit),
            Place::Fetched(fetch) => self.fetched(&*fetch, index, &mut object, emit),
        };
        match result {
            Ok(()) => {}
            Err(Ended::Refused(refusal)) => object.reject(refusal.reason, 1, refusal.detail),
            Err(Ended::Stopped) => return ControlFlow::Break(()),
        }
        self.note(index, object, emit)
    }

    /// Notes an object that ended.
    pub(super) fn note(&mut self, index: usize, object: ObjectTotals, emit: &mut Emit<'_>) -> ControlFlow<()> {
        let _ = &emit;
        self.options.progress.object(&object);
        self.parser.finish(index, object);
        ControlFlow::Continue(())
    }

    /// Hands over what is left.
    pub(super) fn flush(&mut self, emit: &mut Emit<'_>) -> ControlFlow<()> {
        self.parser.flush(emit)
    }

    fn file(&mut self, path: &Path, index: usize, object: &mut ObjectTotals, emit: &mut Emit<'_>) -> Result<(), Ended> {
        let mut file = File::open(path)?;
        let metadata = file.metadata()?;
        // A named pipe or a device has no length: read it as it comes.
        if !metadata.is_file() {
            return self.pipe(BufReader::new(file), index, object, emit);
        }
        if metadata.len() > WHOLE_BYTES {
            return self.large_file(file, index, object, emit);
        }
        let mut stored = std::mem::take(&mut self.stored);
        stored.clear();
        let read = file.read_to_end(&mut stored);
        let result = match read {
            Ok(_) => self.bytes(&stored, index, object, emit),
            Err(error) => Err(error.into()),
        };
        self.stored = stored;
        result
    }

    /// What somebody else fetches: held whole where it is small, else put into a temporary file, so that its verdict is
    /// known before its first row.
    fn fetched(
        &mut self,
        fetch: &dyn Fetch,
        index: usize,
        object: &mut ObjectTotals,
        emit: &mut Emit<'_>,
    ) -> Result<(), Ended> {
        let mut body = fetch.open()?;
        object.modified = fetch.modified().or(object.modified);
        let mut stored = std::mem::take(&mut self.stored);
        stored.clear();
        let read = (&mut body).take(WHOLE_BYTES + 1).read_to_end(&mut stored);
        let result = match read {
            Ok(length) if length as u64 <= WHOLE_BYTES => {
                // What is held elsewhere goes before the parsing begins.
                drop(body);
                self.bytes(&stored, index, object, emit)
            }
            Ok(_) => {
                spool(&stored, body).map_err(Ended::from).and_then(|file| self.large_file(file, index, object, emit))
            }
            Err(error) => Err(error.into()),
        };
        stored.clear();
        stored.shrink_to(WHOLE_BYTES as usize / 4);
        self.stored = stored;
        result
    }

    /// An object held in memory as stored.
    fn bytes(
        &mut self,
        stored: &[u8],
        index: usize,
        object: &mut ObjectTotals,
        emit: &mut Emit<'_>,
    ) -> Result<(), Ended> {
        object.bytes_read = stored.len() as u64;
        let limits = self.options.limits;
        match gunzip::sniff(stored) {
            Encoding::Gzip => match self.inflater.inflate(stored, limits)? {
                Inflated::Whole(text) => whole(&mut self.parser, text, index, object, emit),
                Inflated::Large => self.stream(gunzip::open(stored, limits), index, object, emit),
            },
            Encoding::Plain => whole(&mut self.parser, stored, index, object, emit),
            other => Err(refused(other)),
        }
    }

    /// A file too large to hold: gzip is checked to its end first, so that its verdict is known before its first row.
    fn large_file(
        &mut self,
        mut file: File,
        index: usize,
        object: &mut ObjectTotals,
        emit: &mut Emit<'_>,
    ) -> Result<(), Ended> {
        object.bytes_read = file.metadata()?.len();
        let mut head = [0; 8];
        let n = file.read(&mut head)?;
        file.rewind()?;
        let limits = self.options.limits;
        match gunzip::sniff(&head[..n]) {
            Encoding::Gzip => {
                gunzip::verify(BufReader::with_capacity(WINDOW_BYTES, &file), limits)?;
                file.rewind()?;
                let reader = BufReader::with_capacity(WINDOW_BYTES, file);
                self.stream(gunzip::open(reader, limits), index, object, emit)
            }
            Encoding::Plain => self.stream(file, index, object, emit),
            other => Err(refused(other)),
        }
    }

    /// Something that can be read only once: rows before a damage stand, the damage is told after them.
    fn pipe(
        &mut self,
        mut pipe: impl BufRead,
        index: usize,
        object: &mut ObjectTotals,
        emit: &mut Emit<'_>,
    ) -> Result<(), Ended> {
        let limits = self.options.limits;
        match gunzip::sniff(pipe.fill_buf()?) {
            Encoding::Gzip => {
                let cap = limits.inflated_bytes;
                self.stream(gunzip::open(&mut pipe, limits).take(cap + 1), index, object, emit)?;
                if object.bytes_inflated > cap {
                    let detail = format!("inflates to more than {cap} bytes; the records before were kept");
                    return Err(Refusal::new(Reason::TooLargeUncompressed, detail).into());
                }
                if !limits.accept_trailing_data && !pipe.fill_buf()?.is_empty() {
                    let detail = "bytes follow the gzip member; its records were kept";
                    return Err(Refusal::new(Reason::GzipTrailingData, detail).into());
                }
                Ok(())
            }
            Encoding::Plain => self.stream(pipe, index, object, emit),
            other => Err(refused(other)),
        }
    }

    /// Parses a text of any length through a window.
    fn stream(
        &mut self,
        mut text: impl Read,
        index: usize,
        object: &mut ObjectTotals,
        emit: &mut Emit<'_>,
    ) -> Result<(), Ended> {
        let mut splitter = Splitter::new();
        let mut digest = object.evidence.then(Sha256::new);
        let mut window = std::mem::take(&mut self.window);
        window.clear();
        let result = loop {
            let before = window.len();
            let read = (&mut text).take(WINDOW_BYTES as u64).read_to_end(&mut window);
            object.bytes_inflated += (window.len() - before) as u64;
            if let Some(digest) = &mut digest {
                digest.update(&window[before..]);
            }
            let (last, failed) = match read {
                Ok(n) => (n == 0, None),
                Err(error) => (true, Some(gunzip::explain(&error))),
            };
            if self.parser.window(&mut splitter, &window, last, index, object, emit).is_break() {
                break Err(Ended::Stopped);
            }
            match failed {
                Some(refusal) => break Err(refusal.into()),
                None if last => {
                    object.sha256 = digest.take().map(|digest| digest.finalize().into());
                    break Ok(());
                }
                None => {}
            }
            let done = splitter.done().min(window.len());
            self.parser.advance(done);
            window.drain(..done);
            splitter.drop_front(done);
            if window.len() > ELEMENT_BYTES {
                let detail = format!("a record of more than {ELEMENT_BYTES} bytes; what follows it was not read");
                break Err(Refusal::new(Reason::RecordTooLarge, detail).into());
            }
        };
        window.clear();
        window.shrink_to(2 * WINDOW_BYTES);
        self.window = window;
        nothing(&splitter, object);
        result
    }
}

/// Puts what is too large to be held into a temporary file.
fn spool(begun: &[u8], mut rest: impl Read) -> io::Result<File> {
    let mut file = tempfile::tempfile()?;
    file.write_all(begun)?;
    io::copy(&mut rest, &mut file)?;
    file.rewind()?;
    Ok(file)
}

fn whole(
    parser: &mut Parser,
    text: &[u8],
    index: usize,
    object: &mut ObjectTotals,
    emit: &mut Emit<'_>,
) -> Result<(), Ended> {
    object.bytes_inflated = text.len() as u64;
    if object.evidence {
        object.sha256 = Some(Sha256::digest(text).into());
    }
    let mut splitter = Splitter::new();
    match parser.window(&mut splitter, text, true, index, object, emit) {
        ControlFlow::Continue(()) => {
            nothing(&splitter, object);
            Ok(())
        }
        ControlFlow::Break(()) => Err(Ended::Stopped),
    }
}

/// An object of nothing but white space is no failure, and no log file either: it is listed.
fn nothing(splitter: &Splitter, object: &mut ObjectTotals) {
    if splitter.is_untouched() && object.records_in == 0 && object.skipped.is_none() {
        object.skipped = Some(OtherKind::Empty);
    }
}

fn refused(encoding: Encoding) -> Ended {
    match encoding {
        Encoding::Other(name) => Refusal::new(Reason::UnsupportedCompression, format!("{name} data")).into(),
        _ => Refusal::new(Reason::UnsupportedEncoding, "UTF-16 or UTF-32 text").into(),
    }
}
