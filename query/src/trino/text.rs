//! Trino's functions of texts that the engine lacks: patterns that extract, URLs; and the engine's own whose
//! results can be of any length, bounded.

use datafusion::common::{Result, exec_datafusion_err, exec_err};

use super::function::{Entry, Kernel, MAX_TEXT_BYTES, Memo, bounded};
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
        name: "split",
        arity: 3..=3,
        kernel: Kernel::Texts(split_some),
        about: "a text's parts as a list, the last of so many whole",
        example: ("split('a.b.c', '.', 2)", "[a, b.c]"),
    },
    Entry {
        name: "text_position",
        arity: 3..=3,
        kernel: Kernel::Number(nth_position),
        about: "what strpos with three arguments becomes",
        example: ("text_position('a.b.c', '.', -1)", "4"),
    },
    Entry {
        name: "text_from",
        arity: 2..=3,
        kernel: Kernel::Text(from_place),
        about: "a text from a place on, from the end where negative, empty where there is no such place: what substr becomes",
        example: ("text_from('hello', -4, 2)", "el"),
    },
    Entry {
        name: "hamming_distance",
        arity: 2..=2,
        kernel: Kernel::Number(hamming),
        about: "in how many places two texts of one length differ",
        example: ("hamming_distance('abc', 'abd')", "1"),
    },
    Entry {
        name: "bit_count",
        arity: 2..=2,
        kernel: Kernel::Number(bit_count),
        about: "how many of a number's so many bits are set",
        example: ("bit_count(7, 64)", "3"),
    },
    Entry {
        name: "from_base",
        arity: 2..=2,
        kernel: Kernel::Number(from_base),
        about: "the number of digits in a base from 2 to 36",
        example: ("from_base('ff', 16)", "255"),
    },
    Entry {
        name: "to_base",
        arity: 2..=2,
        kernel: Kernel::Text(to_base),
        about: "a number's digits in a base from 2 to 36",
        example: ("to_base(255, 16)", "ff"),
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

fn from_place(args: &[&str], _memo: &mut Memo, out: &mut String) -> Result<bool> {
    let (Some(text), Some(from)) = (args.first(), args.get(1)) else { return Ok(false) };
    let number = |digits: &str| {
        digits.parse::<i64>().map_err(|_| exec_datafusion_err!("substr takes whole numbers, not {digits}"))
    };
    let (from, length) = (number(from)?, args.get(2).map(|length| number(length)).transpose()?);
    let skipped = match from {
        1.. => usize::try_from(from - 1).ok(),
        0 => None,
        _ => usize::try_from(from.unsigned_abs()).ok().and_then(|from| text.chars().count().checked_sub(from)),
    };
    let taken = length.map_or(usize::MAX, |length| usize::try_from(length).unwrap_or(0));
    if let Some(skipped) = skipped {
        out.extend(text.chars().skip(skipped).take(taken));
    }
    Ok(true)
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

fn split_some(args: &[&str], _memo: &mut Memo, out: &mut Vec<Option<String>>) -> Result<bool> {
    let &[text, between, limit] = args else { return Ok(false) };
    let limit = count("split", limit)?;
    if limit == 0 || between.is_empty() {
        return exec_err!("split takes a text that parts, and a number of parts above 0");
    }
    out.extend(text.splitn(limit, between).map(|part| Some(part.to_owned())));
    Ok(true)
}

fn nth_position(args: &[&str], _memo: &mut Memo) -> Result<Option<i64>> {
    let &[text, wanted, number] = args else { return Ok(None) };
    let Ok(number) = number.parse::<i64>() else { return exec_err!("strpos: `{number}` is no whole number") };
    let nth = usize::try_from(number.unsigned_abs()).unwrap_or(usize::MAX).checked_sub(1);
    let Some(nth) = nth else { return exec_err!("strpos: occurrences are counted from 1 or -1") };
    let found = match number < 0 {
        true => text.rmatch_indices(wanted).nth(nth),
        false => text.match_indices(wanted).nth(nth),
    };
    let before = found.and_then(|(at, _)| text.get(..at));
    Ok(Some(before.and_then(|before| i64::try_from(before.chars().count() + 1).ok()).unwrap_or(0)))
}

fn hamming(args: &[&str], _memo: &mut Memo) -> Result<Option<i64>> {
    let &[first, second] = args else { return Ok(None) };
    if first.chars().count() != second.chars().count() {
        return exec_err!("hamming_distance takes two texts of one length");
    }
    Ok(i64::try_from(first.chars().zip(second.chars()).filter(|(a, b)| a != b).count()).ok())
}

fn bit_count(args: &[&str], _memo: &mut Memo) -> Result<Option<i64>> {
    let &[number, bits] = args else { return Ok(None) };
    let (Ok(number), Ok(bits @ 2..=64)) = (number.parse::<i64>(), bits.parse::<u32>()) else {
        return exec_err!("bit_count takes a whole number and a number of bits from 2 to 64");
    };
    Ok(Some(i64::from((number as u64 & (u64::MAX >> (64 - bits))).count_ones())))
}

fn base(text: &str) -> Result<u32> {
    match text.parse() {
        Ok(base @ 2..=36) => Ok(base),
        _ => exec_err!("`{text}` is no base from 2 to 36"),
    }
}

fn from_base(args: &[&str], _memo: &mut Memo) -> Result<Option<i64>> {
    let &[digits, of] = args else { return Ok(None) };
    match i64::from_str_radix(digits, base(of)?) {
        Ok(number) => Ok(Some(number)),
        Err(_) => exec_err!("`{digits}` is no number in base {of}"),
    }
}

fn to_base(args: &[&str], _memo: &mut Memo, out: &mut String) -> Result<bool> {
    let &[number, of] = args else { return Ok(false) };
    let base = base(of)?;
    let Ok(number) = number.parse::<i64>() else { return exec_err!("`{number}` is no whole number") };
    let mut digits = Vec::new();
    let mut rest = number.unsigned_abs();
    loop {
        digits.extend(char::from_digit((rest % u64::from(base)) as u32, base));
        rest /= u64::from(base);
        if rest == 0 {
            break;
        }
    }
    out.push_str(if number < 0 { "-" } else { "" });
    out.extend(digits.iter().rev());
    Ok(true)
}
