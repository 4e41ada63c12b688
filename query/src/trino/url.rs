//! Parts of URLs, as Trino's `url_*` functions take them (RFC 3986, appendix B); knows no schemes.

/// A part of a URL.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// `https`
    Protocol,
    /// `b.s3.amazonaws.com`
    Host,
    /// `/a/b`
    Path,
    /// `x=1&y=2`
    Query,
    /// `top`
    Fragment,
}

struct Url<'a> {
    protocol: Option<&'a str>,
    host: Option<&'a str>,
    port: Option<&'a str>,
    path: &'a str,
    query: Option<&'a str>,
    fragment: Option<&'a str>,
}

fn split(url: &str) -> Url<'_> {
    let cut = |text: &'_ str, mark: char| match text.split_once(mark) {
        Some((before, after)) => (before.len(), Some(text.len() - after.len())),
        None => (text.len(), None),
    };
    let (end, fragment) = cut(url, '#');
    let fragment = fragment.and_then(|at| url.get(at..));
    let url = url.get(..end).unwrap_or_default();
    let (end, query) = cut(url, '?');
    let query = query.and_then(|at| url.get(at..));
    let url = url.get(..end).unwrap_or_default();
    let scheme = |text: &str| text.starts_with(char::is_alphabetic) && !text.contains(['/', '@']);
    let (protocol, rest) = match url.split_once(':') {
        Some((protocol, rest)) if scheme(protocol) && rest.starts_with('/') => (Some(protocol), rest),
        _ => (None, url),
    };
    let (host, port, path) = match rest.strip_prefix("//") {
        Some(authority) => {
            let end = authority.find('/').unwrap_or(authority.len());
            let (authority, path) = authority.split_at(end);
            let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
            match host.rsplit_once(':') {
                Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => (Some(name), Some(port), path),
                _ => (Some(host), None, path),
            }
        }
        None => (None, None, rest),
    };
    Url { protocol, host, port, path, query, fragment }
}

/// Appends a part of the URL in the first argument; false where it has none.
pub(super) fn part(args: &[&str], part: Part, out: &mut String) -> bool {
    let Some(url) = args.first().map(|url| split(url)) else { return false };
    let found = match part {
        Part::Protocol => url.protocol,
        Part::Host => url.host,
        Part::Path => Some(url.path),
        Part::Query => url.query,
        Part::Fragment => url.fragment,
    };
    out.push_str(found.unwrap_or_default());
    found.is_some()
}

/// The port of the URL in the first argument.
pub(super) fn port(args: &[&str]) -> Option<i64> {
    split(args.first()?).port?.parse().ok()
}

/// Appends the value of the parameter named by the second argument.
pub(super) fn parameter(args: &[&str], out: &mut String) -> bool {
    let &[url, name] = args else { return false };
    let pairs = split(url).query.into_iter().flat_map(|query| query.split('&'));
    let mut pairs = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    match pairs.find(|(key, _)| unescape(key) == name) {
        Some((_, value)) => {
            out.push_str(&unescape(value));
            true
        }
        None => false,
    }
}

/// Appends the first argument with its escapes undone.
pub(super) fn decode(args: &[&str], out: &mut String) -> bool {
    args.first().is_some_and(|text| {
        out.push_str(&unescape(text));
        true
    })
}

/// Appends the first argument, escaped as a browser escapes a form.
pub(super) fn encode(args: &[&str], out: &mut String) -> bool {
    let Some(text) = args.first() else { return false };
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'*' | b'_' => out.push(char::from(byte)),
            b' ' => out.push('+'),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    true
}

/// Bytes that are no text afterwards become U+FFFD: what a URL holds is the attacker's.
fn unescape(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        let hex = after.get(..2).filter(|_| *first == b'%').and_then(|hex| std::str::from_utf8(hex).ok());
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            None => bytes.push(if *first == b'+' { b' ' } else { *first }),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(url: &str) -> Vec<Option<String>> {
        [Part::Protocol, Part::Host, Part::Path, Part::Query, Part::Fragment]
            .into_iter()
            .map(|wanted| {
                let mut out = String::new();
                part(&[url], wanted, &mut out).then_some(out)
            })
            .collect()
    }

    #[test]
    fn urls_have_parts() {
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(
            parts("https://u:p@h.example:443/a/b?x=1?#f#g"),
            [some("https"), some("h.example"), some("/a/b"), some("x=1?"), some("f#g")]
        );
        assert_eq!(parts("/only/path"), [None, None, some("/only/path"), None, None]);
        assert_eq!(parts("a:b"), [None, None, some("a:b"), None, None]);
        assert_eq!(parts(""), [None, None, some(""), None, None]);
        assert_eq!(port(&["http://[::1]:80/"]), Some(80));
        assert_eq!(port(&["http://h/"]), None);
    }

    #[test]
    fn escapes_are_undone_whatever_they_hold() {
        for (text, plain) in [("%41%zz%", "A%zz%"), ("%ff", "\u{fffd}"), ("a+b%20c", "a b c"), ("%e2%82%ac", "€")] {
            assert_eq!(unescape(text), plain);
        }
    }
}
