//! Texts made for people: `format` with Java's patterns, spans of time, sizes of data.
//!
//! Source: Trino documentation, "Conversion functions" (`format`, `parse_data_size`), "Date and time functions"
//! (`human_readable_seconds`); java.util.Formatter for the patterns.

use datafusion::common::{Result, exec_err};

use super::function::{Entry, Kernel, MAX_TEXT_BYTES, Memo};

/// Most arguments of `format`, its pattern among them.
const MAX_ARGUMENTS: usize = 64;

/// The functions, by name.
pub(super) static FUNCTIONS: &[Entry] = &[
    Entry {
        name: "format",
        arity: 1..=MAX_ARGUMENTS,
        kernel: Kernel::Text(format_all),
        about: "a text made of others by Java's pattern: %s %d %,d %05d %.2f %x %%",
        example: ("format('%s: %,d (%.1f%%)', 'a', 1234, 5.25)", "a: 1,234 (5.3%)"),
    },
    Entry {
        name: "human_readable_seconds",
        arity: 1..=1,
        kernel: Kernel::Text(human),
        about: "a number of seconds in weeks, days, hours, minutes and seconds",
        example: ("human_readable_seconds(93784)", "1 day, 2 hours, 3 minutes, 4 seconds"),
    },
    Entry {
        name: "parse_data_size",
        arity: 1..=1,
        kernel: Kernel::Number(data_size),
        about: "the bytes of a size such as 2.5MB, in steps of 1024",
        example: ("parse_data_size('2.5kB')", "2560"),
    },
];

/// A place in a pattern: `%[number$][flags][width][.precision]letter`.
#[derive(Default)]
struct Place {
    number: Option<usize>,
    left: bool,
    zeros: bool,
    commas: bool,
    sign: bool,
    width: usize,
    precision: Option<usize>,
}

fn digits(letters: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<usize> {
    let mut text = String::new();
    while let Some(digit) = letters.next_if(char::is_ascii_digit) {
        text.push(digit);
    }
    text.parse().ok()
}

/// The place that a pattern goes on with, after its `%`, and its letter.
fn place(letters: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<(Place, char)> {
    let mut place = Place::default();
    let mut after = letters.clone();
    if let Some(number) = digits(&mut after)
        && after.next_if_eq(&'$').is_some()
    {
        place.number = Some(number);
        *letters = after;
    }
    while let Some(flag) = letters.next_if(|letter| matches!(letter, '-' | '0' | ',' | '+' | ' ' | '#' | '(')) {
        match flag {
            '-' => place.left = true,
            '0' => place.zeros = true,
            ',' => place.commas = true,
            '+' => place.sign = true,
            _ => {}
        }
    }
    place.width = digits(letters).unwrap_or(0);
    if letters.next_if_eq(&'.').is_some() {
        place.precision = Some(digits(letters)?);
    }
    Some((place, letters.next()?))
}

fn format_all(args: &[&str], _memo: &mut Memo, out: &mut String) -> Result<bool> {
    let Some((pattern, values)) = args.split_first() else { return Ok(false) };
    let mut letters = pattern.chars().peekable();
    let mut next = 0;
    while let Some(letter) = letters.next() {
        if letter != '%' {
            out.push(letter);
            continue;
        }
        let Some((place, letter)) = place(&mut letters) else {
            return exec_err!("format: `{pattern}` ends within a place");
        };
        if place.width > MAX_TEXT_BYTES || place.precision.is_some_and(|precision| precision > 1000) {
            return exec_err!("format: a place of `{pattern}` is too wide");
        }
        let text = match letter {
            '%' => "%".to_owned(),
            'n' => "\n".to_owned(),
            _ => {
                let at = place.number.unwrap_or_else(|| {
                    next += 1;
                    next
                });
                let Some(value) = at.checked_sub(1).and_then(|at| values.get(at)) else {
                    return exec_err!("format: `{pattern}` has more places than there are values");
                };
                shown(&place, letter, value)?
            }
        };
        push(&place, letter, &text, out);
    }
    Ok(true)
}

fn push(place: &Place, letter: char, text: &str, out: &mut String) {
    let missing = place.width.saturating_sub(text.chars().count());
    let number = matches!(letter, 'd' | 'f' | 'x' | 'X' | 'o' | 'e');
    if place.left {
        out.push_str(text);
        out.extend(std::iter::repeat_n(' ', missing));
    } else if place.zeros && number {
        let sign = text.len() - text.trim_start_matches(['-', '+']).len();
        out.push_str(text.get(..sign).unwrap_or_default());
        out.extend(std::iter::repeat_n('0', missing));
        out.push_str(text.get(sign..).unwrap_or_default());
    } else {
        out.extend(std::iter::repeat_n(' ', missing));
        out.push_str(text);
    }
}

fn shown(place: &Place, letter: char, value: &str) -> Result<String> {
    let whole = || value.parse::<i64>().ok().or_else(|| value.parse::<f64>().ok().map(|number| number as i64));
    let made = match letter {
        's' | 'S' => {
            let cut: String = value.chars().take(place.precision.unwrap_or(usize::MAX)).collect();
            Some(if letter == 'S' { cut.to_uppercase() } else { cut })
        }
        'b' | 'B' => Some(value.to_owned()),
        'd' => whole().map(|number| number.to_string()),
        'x' => whole().map(|number| format!("{number:x}")),
        'X' => whole().map(|number| format!("{number:X}")),
        'o' => whole().map(|number| format!("{number:o}")),
        // Java rounds halves up, and not to the even digit.
        'f' => value.parse::<f64>().ok().map(|number| {
            let digits = place.precision.unwrap_or(6);
            let scale = 10_f64.powi(i32::try_from(digits.min(15)).unwrap_or(15));
            let rounded = (number.abs() * scale + 0.5 + 1e-9).floor() / scale;
            let exact = if rounded.is_finite() && number.abs() < 1e15 { rounded.copysign(number) } else { number };
            format!("{exact:.digits$}")
        }),
        'e' => value.parse::<f64>().ok().map(|number| format!("{number:e}")),
        _ => return exec_err!("format: %{letter} is not supported; use %s %d %f %x %o %e %b"),
    };
    let Some(mut made) = made else { return exec_err!("format: `{value}` is no number for %{letter}") };
    if place.commas {
        made = with_commas(&made);
    }
    if place.sign && !made.starts_with('-') {
        made.insert(0, '+');
    }
    Ok(made)
}

fn with_commas(number: &str) -> String {
    let (sign, rest) = number.split_at(usize::from(number.starts_with('-')));
    let (whole, fraction) = rest.find('.').map_or((rest, ""), |dot| rest.split_at(dot));
    let mut out = sign.to_owned();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out + fraction
}

fn human(args: &[&str], _memo: &mut Memo, out: &mut String) -> Result<bool> {
    let Some(seconds) = args.first().and_then(|text| text.parse::<f64>().ok()).filter(|s| s.is_finite()) else {
        return exec_err!("human_readable_seconds takes a number of seconds");
    };
    let mut rest = seconds.round().abs() as u64;
    let mut parts = Vec::new();
    for (size, name) in [(604_800, "week"), (86_400, "day"), (3600, "hour"), (60, "minute"), (1, "second")] {
        let count = rest / size;
        rest %= size;
        if count > 0 {
            parts.push(format!("{count} {name}{}", if count == 1 { "" } else { "s" }));
        }
    }
    out.push_str(&if parts.is_empty() { "0 seconds".to_owned() } else { parts.join(", ") });
    Ok(true)
}

fn data_size(args: &[&str], _memo: &mut Memo) -> Result<Option<i64>> {
    let Some(text) = args.first() else { return Ok(None) };
    let at = text.find(|letter: char| letter.is_ascii_alphabetic()).unwrap_or(text.len());
    let (number, unit) = text.split_at(at);
    let power = ["b", "kb", "mb", "gb", "tb", "pb", "eb"].iter().position(|known| unit.eq_ignore_ascii_case(known));
    match (number.trim().parse::<f64>(), power) {
        (Ok(number), Some(power)) => Ok(Some((number * 1024_f64.powi(i32::try_from(power).unwrap_or(0))) as i64)),
        _ => exec_err!("parse_data_size: `{text}` is no size such as 2.5MB"),
    }
}
