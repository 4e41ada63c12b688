//! A few pages over HTTP on this machine: `/healthz`, `/readyz`, `/metrics`.
//!
//! GET only, on loopback only, one answer a connection; the number of connections, the bytes of a request and the time for
//! it are bounded, so that whoever can connect can at most be refused. Knows no figures: it is told what to answer.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Connections at once; more are closed without a word.
const CONNECTIONS: usize = 16;
/// Bytes of a request's head.
const HEAD_BYTES: usize = 8 << 10;
/// How long a request may take to come, and an answer to go.
const PATIENCE: Duration = Duration::from_secs(2);

/// An answer.
pub(crate) struct Page {
    pub(crate) status: u16,
    pub(crate) kind: &'static str,
    pub(crate) body: String,
}

impl Page {
    /// A line of text.
    pub(crate) fn text(status: u16, body: &str) -> Page {
        Page { status, kind: "text/plain; charset=utf-8", body: format!("{body}\n") }
    }
}

/// Who answers: the path of a request to its page.
pub(crate) type Pages = dyn Fn(&str) -> Option<Page> + Send + Sync;

/// Whether somebody may listen there at all.
///
/// # Errors
/// An address that is not this machine's own.
pub(crate) fn may_listen(address: SocketAddr) -> Result<(), String> {
    match address.ip().is_loopback() {
        true => Ok(()),
        false => Err(format!("{address}: figures are told on this machine only: give 127.0.0.1:PORT or [::1]:PORT")),
    }
}

/// Listens until the process ends; where.
///
/// # Errors
/// An address that is not this machine's own, or that somebody has.
pub(crate) fn start(address: SocketAddr, pages: Arc<Pages>) -> Result<SocketAddr, String> {
    may_listen(address)?;
    let listener = TcpListener::bind(address).map_err(|error| format!("{address}: {error}"))?;
    let bound = listener.local_addr().map_err(|error| format!("{address}: {error}"))?;
    let open = Arc::new(AtomicUsize::new(0));
    let accept = move || {
        for stream in listener.incoming() {
            let Ok(stream) = stream else {
                // Too many open files, say: it passes.
                std::thread::sleep(Duration::from_millis(50));
                continue;
            };
            if open.fetch_add(1, Ordering::Relaxed) >= CONNECTIONS {
                open.fetch_sub(1, Ordering::Relaxed);
                continue;
            }
            let (pages, ours) = (pages.clone(), open.clone());
            let answer = move || {
                // Whoever asked and has gone is nobody's loss.
                let _ = serve(stream, &*pages);
                ours.fetch_sub(1, Ordering::Relaxed);
            };
            if std::thread::Builder::new().name("trailhound-page".to_owned()).spawn(answer).is_err() {
                open.fetch_sub(1, Ordering::Relaxed);
                tracing::warn!("no thread to answer with");
            }
        }
    };
    let thread = std::thread::Builder::new().name("trailhound-pages".to_owned()).spawn(accept);
    thread.map_err(|error| format!("no thread to answer with: {error}"))?;
    Ok(bound)
}

fn serve(mut stream: TcpStream, pages: &Pages) -> io::Result<()> {
    stream.set_write_timeout(Some(PATIENCE))?;
    let head = head(&mut stream)?;
    let mut words = head.lines().next().unwrap_or_default().split(' ');
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let path = target.split('?').next().unwrap_or_default();
    let page = match method {
        "GET" | "HEAD" => pages(path).unwrap_or_else(|| Page::text(404, "there is /metrics, /healthz and /readyz")),
        "" => Page::text(400, "no request"),
        _ => Page::text(405, "GET only"),
    };
    let reason = match page.status {
        200 => "OK",
        400 => "Bad Request",
        404 => "Not Found",
        405 => "Method Not Allowed",
        _ => "Service Unavailable",
    };
    let body = if method == "HEAD" { "" } else { page.body.as_str() };
    let (status, kind, length) = (page.status, page.kind, page.body.len());
    let answer = format!(
        "HTTP/1.1 {status} {reason}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    );
    stream.write_all(answer.as_bytes())
}

/// The head of a request; empty if it is too long, too slow or no text.
fn head(stream: &mut TcpStream) -> io::Result<String> {
    let begun = Instant::now();
    let mut bytes = Vec::new();
    let mut part = [0; 1024];
    while !bytes.windows(4).any(|four| four == b"\r\n\r\n") {
        let left = PATIENCE.saturating_sub(begun.elapsed());
        if left.is_zero() || bytes.len() > HEAD_BYTES {
            return Ok(String::new());
        }
        stream.set_read_timeout(Some(left))?;
        match stream.read(&mut part)? {
            0 => return Ok(String::new()),
            read => bytes.extend_from_slice(part.get(..read).unwrap_or_default()),
        }
    }
    Ok(String::from_utf8(bytes).unwrap_or_default())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn asked(address: SocketAddr, request: &[u8]) -> String {
        let mut stream = TcpStream::connect(address).unwrap();
        // The server may answer and close before all of a huge request is written.
        let _ = stream.write_all(request);
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer);
        answer
    }

    #[test]
    fn what_is_asked_is_answered_and_what_is_too_much_is_not() {
        let pages = |path: &str| (path == "/metrics").then(|| Page::text(200, "figures"));
        let address = start("127.0.0.1:0".parse().unwrap(), Arc::new(pages)).unwrap();
        let answer = asked(address, b"GET /metrics?x=1 HTTP/1.1\r\nHost: x\r\n\r\n");
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("\r\n\r\nfigures\n"), "{answer}");
        let answer = asked(address, b"HEAD /metrics HTTP/1.1\r\n\r\n");
        assert!(answer.contains("Content-Length: 8") && answer.ends_with("\r\n\r\n"), "{answer}");
        assert!(asked(address, b"GET /secret HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 404"));
        assert!(asked(address, b"POST /metrics HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 405"));
        let huge = [b"GET /metrics HTTP/1.1\r\nX: ".as_slice(), &vec![b'x'; 4 * HEAD_BYTES]].concat();
        assert!(!asked(address, &huge).contains("200 OK"));
    }

    #[test]
    fn nobody_else_is_answered() {
        assert!(start("0.0.0.0:0".parse().unwrap(), Arc::new(|_: &str| None)).is_err());
    }
}
