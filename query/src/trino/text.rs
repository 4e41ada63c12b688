//! Trino's functions of texts that the engine lacks: patterns that extract, URLs, addresses; and the engine's own whose
//! results can be of any length, bounded.

use std::net::IpAddr;

use datafusion::common::{Result, exec_datafusion_err, exec_err};
use datafusion::logical_expr::ScalarUDF;

use super::function::{Entry, Kernel, MAX_TEXT_BYTES, Memo, bounded, udf};
use super::url;

/// The functions, by name.
pub(super) static FUNCTIONS: &[Entry] = &[
    Entry {
        name: "regexp_extract",
        arity: 2..=3,
        kernel: Kernel::Text(extract),
        about: "the first match of a pattern, or a group of it",
        example: ("regexp_extract('arn:aws:iam::1:user/eve', 'user/(.*)', 1)", "eve"),
    },
    Entry {
        name: "regexp_extract_all",
        arity: 2..=3,
        kernel: Kernel::Texts(extract_all),
        about: "every match of a pattern, or of a group of it",
        example: ("regexp_extract_all('a1b22', '[0-9]+')", "[1, 22]"),
    },
    Entry {
        name: "regexp_split",
        arity: 2..=2,
        kernel: Kernel::Texts(split),
        about: "the parts between the matches of a pattern",
        example: ("regexp_split('a1b22c', '[0-9]+')", "[a, b, c]"),
    },
    Entry {
        name: "regexp_position",
        arity: 2..=2,
        kernel: Kernel::Number(position),
        about: "where a pattern first matches, in characters from 1; -1 where it does not",
        example: ("regexp_position('user/eve', '/')", "5"),
    },
    Entry {
        name: "repeat",
        arity: 2..=2,
        kernel: Kernel::Text(repeat),
        about: "a text several times over",
        example: ("repeat('ab', 3)", "ababab"),
    },
    Entry {
        name: "lpad",
        arity: 2..=3,
        kernel: Kernel::Text(lpad),
        about: "a text filled up on the left, or cut, to a length in characters",
        example: ("lpad('7', 3, '0')", "007"),
    },
    Entry {
        name: "rpad",
        arity: 2..=3,
        kernel: Kernel::Text(rpad),
        about: "a text filled up on the right, or cut, to a length in characters",
        example: ("rpad('7', 3, '0')", "700"),
    },
    Entry {
        name: "ip_address",
        arity: 1..=1,
        kernel: Kernel::Text(ip_address),
        about: "an IP address in its usual form; NULL for a service name: what CAST(x AS ipaddress) becomes",
        example: ("ip_address('2001:DB8:0::1')", "2001:db8::1"),
    },
    Entry {
        name: "is_subnet_of",
        arity: 2..=2,
        kernel: Kernel::Truth(is_subnet_of),
        about: "whether a network (10.0.0.0/8) holds an address or a network",
        example: ("is_subnet_of('10.0.0.0/8', '10.1.2.3')", "true"),
    },
    Entry {
        name: "url_extract_host",
        arity: 1..=1,
        kernel: Kernel::Text(|args, _, out| Ok(url::part(args, url::Part::Host, out))),
        about: "the host of a URL",
        example: ("url_extract_host('https://b.s3.amazonaws.com/k?x=1')", "b.s3.amazonaws.com"),
    },
    Entry {
        name: "url_extract_path",
        arity: 1..=1,
        kernel: Kernel::Text(|args, _, out| Ok(url::part(args, url::Part::Path, out))),
        about: "the path of a URL",
        example: ("url_extract_path('https://h/a/b?x=1')", "/a/b"),
    },
    Entry {
        name: "url_extract_protocol",
        arity: 1..=1,
        kernel: Kernel::Text(|args, _, out| Ok(url::part(args, url::Part::Protocol, out))),
        about: "the protocol of a URL",
        example: ("url_extract_protocol('https://h/')", "https"),
    },
    Entry {
        name: "url_extract_query",
        arity: 1..=1,
        kernel: Kernel::Text(|args, _, out| Ok(url::part(args, url::Part::Query, out))),
        about: "the query of a URL, without its question mark",
        example: ("url_extract_query('https://h/a?x=1&y=2')", "x=1&y=2"),
    },
    Entry {
        name: "url_extract_fragment",
        arity: 1..=1,
        kernel: Kernel::Text(|args, _, out| Ok(url::part(args, url::Part::Fragment, out))),
        about: "the fragment of a URL",
        example: ("url_extract_fragment('https://h/a#top')", "top"),
    },
    Entry {
        name: "url_extract_port",
        arity: 1..=1,
        kernel: Kernel::Number(|args, _| Ok(url::port(args))),
        about: "the port that a URL names",
        example: ("url_extract_port('http://h:8080/')", "8080"),
    },
    Entry {
        name: "url_extract_parameter",
        arity: 2..=2,
        kernel: Kernel::Text(|args, _, out| Ok(url::parameter(args, out))),
        about: "the first value of a parameter in a URL's query, decoded",
        example: ("url_extract_parameter('https://h/?a=x%20y&b=2', 'a')", "x y"),
    },
    Entry {
        name: "url_decode",
        arity: 1..=1,
        kernel: Kernel::Text(|args, _, out| Ok(url::decode(args, out))),
        about: "percent signs and plus signs of a URL undone",
        example: ("url_decode('a%2Fb+c')", "a/b c"),
    },
    Entry {
        name: "url_encode",
        arity: 1..=1,
        kernel: Kernel::Text(|args, _, out| Ok(url::encode(args, out))),
        about: "a text as a parameter of a URL",
        example: ("url_encode('a/b c')", "a%2Fb+c"),
    },
];

/// The functions, as the engine takes them.
pub(super) fn functions() -> impl Iterator<Item = ScalarUDF> {
    FUNCTIONS.iter().map(udf)
}

fn push(value: Option<&str>, out: &mut String) -> bool {
    value.is_some_and(|value| {
        out.push_str(value);
        true
    })
}

/// The number of a group: 0, the whole match, where none is given.
fn group(args: &[&str]) -> Result<usize> {
    let Some(text) = args.get(2) else { return Ok(0) };
    text.parse().map_err(|_| exec_datafusion_err!("`{text}` is no number of a group; give 0 for the whole match"))
}

fn extract(args: &[&str], memo: &mut Memo, out: &mut String) -> Result<bool> {
    let (&[text, pattern] | &[text, pattern, _]) = args else { return Ok(false) };
    let group = group(args)?;
    let found = memo.pattern(pattern)?.captures(text);
    Ok(push(found.and_then(|found| found.get(group)).map(|found| found.as_str()), out))
}

fn extract_all(args: &[&str], memo: &mut Memo, out: &mut Vec<Option<String>>) -> Result<bool> {
    let (&[text, pattern] | &[text, pattern, _]) = args else { return Ok(false) };
    let group = group(args)?;
    let found = memo.pattern(pattern)?.captures_iter(text);
    out.extend(found.map(|found| found.get(group).map(|found| found.as_str().to_owned())));
    Ok(true)
}

fn split(args: &[&str], memo: &mut Memo, out: &mut Vec<Option<String>>) -> Result<bool> {
    let &[text, pattern] = args else { return Ok(false) };
    out.extend(memo.pattern(pattern)?.split(text).map(|part| Some(part.to_owned())));
    Ok(true)
}

fn position(args: &[&str], memo: &mut Memo) -> Result<Option<i64>> {
    let &[text, pattern] = args else { return Ok(None) };
    let found = memo.pattern(pattern)?.find(text);
    let place = found.and_then(|found| text.get(..found.start())).map(|before| before.chars().count() + 1);
    Ok(Some(place.and_then(|place| i64::try_from(place).ok()).unwrap_or(-1)))
}

/// A count given as text; less than nothing is nothing.
fn count(name: &str, text: &str) -> Result<usize> {
    match text.parse::<i64>() {
        Ok(count) => Ok(usize::try_from(count).unwrap_or(0)),
        Err(_) => exec_err!("{name}: `{text}` is no whole number"),
    }
}

fn repeat(args: &[&str], _memo: &mut Memo, out: &mut String) -> Result<bool> {
    let &[text, times] = args else { return Ok(false) };
    let times = count("repeat", times)?;
    bounded("repeat", text.len().saturating_mul(times))?;
    out.push_str(&text.repeat(times));
    Ok(true)
}

fn padding(name: &str, args: &[&str]) -> Result<Option<(usize, String)>> {
    let (&[text, length] | &[text, length, _]) = args else { return Ok(None) };
    let length = count(name, length)?;
    let fill = args.get(2).copied().unwrap_or(" ");
    let missing = length.saturating_sub(text.chars().count());
    // A character takes four bytes at most.
    bounded(name, missing.saturating_mul(4).min(MAX_TEXT_BYTES + missing))?;
    Ok(Some((length, fill.chars().cycle().take(missing).collect())))
}

fn lpad(args: &[&str], _memo: &mut Memo, out: &mut String) -> Result<bool> {
    let Some((length, fill)) = padding("lpad", args)? else { return Ok(false) };
    out.push_str(&fill);
    out.extend(args.first().into_iter().flat_map(|text| text.chars()).take(length));
    Ok(true)
}

fn rpad(args: &[&str], _memo: &mut Memo, out: &mut String) -> Result<bool> {
    let Some((length, fill)) = padding("rpad", args)? else { return Ok(false) };
    out.extend(args.first().into_iter().flat_map(|text| text.chars()).take(length));
    out.push_str(&fill);
    Ok(true)
}

fn ip_address(args: &[&str], _memo: &mut Memo, out: &mut String) -> Result<bool> {
    let address = args.first().and_then(|text| text.parse::<IpAddr>().ok());
    Ok(push(address.map(|address| address.to_string()).as_deref(), out))
}

/// A network's bits, left in 128, how many of them count, and whether it is one of IPv4.
fn network(text: &str) -> Option<(u128, u32, bool)> {
    let (address, length) = text.split_once('/').map_or((text, None), |(address, length)| (address, Some(length)));
    let (bits, most, old) = match address.parse().ok()? {
        IpAddr::V4(address) => (u128::from(address.to_bits()) << 96, 32, true),
        IpAddr::V6(address) => (address.to_bits(), 128, false),
    };
    let length = length.map_or(Some(most), |length| length.parse().ok())?;
    (length <= most).then_some((bits, length, old))
}

fn is_subnet_of(args: &[&str], _memo: &mut Memo) -> Result<Option<bool>> {
    let &[outer, inner] = args else { return Ok(None) };
    Ok(Some(holds_address(outer, inner)))
}

/// Whether a network holds an address or a network. A service name is in no network.
pub(super) fn holds_address(outer: &str, inner: &str) -> bool {
    let (Some((outer, length, old)), Some((inner, inner_length, inner_old))) = (network(outer), network(inner)) else {
        return false;
    };
    let differs = (outer ^ inner).leading_zeros();
    old == inner_old && length <= inner_length && (length == 0 || differs >= length)
}
