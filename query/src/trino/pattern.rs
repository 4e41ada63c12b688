//! Patterns of times: MySQL's (`date_format`, `date_parse`), Joda's (`format_datetime`, `parse_datetime`) and C's
//! (`strftime`), turned into one list of items.
//!
//! Sources: Trino documentation, "Date and time functions and operators" (MySQL date functions, Java date functions);
//! DuckDB documentation, "Date format functions". What Trino says it does not support (%D %U %u %V %w %X) is refused.

use chrono::format::{Item, Parsed, StrftimeItems, parse};
use chrono::{DateTime, NaiveDateTime, TimeDelta, TimeZone};
use datafusion::common::{DataFusionError, Result, exec_datafusion_err, exec_err};

/// Which language a pattern is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Language {
    /// `%Y-%m-%d %H:%i:%s`
    MySql,
    /// `yyyy-MM-dd HH:mm:ss`
    Joda,
    /// `%Y-%m-%d %H:%M:%S`
    C,
}

/// A pattern that was understood.
pub(super) struct Pattern {
    source: String,
    strftime: String,
    /// The same for reading: a fraction may have any number of digits, an offset may be `Z`.
    strptime: String,
}

impl Pattern {
    /// Reads a pattern.
    pub(super) fn new(language: Language, source: &str) -> Result<Pattern> {
        let strftime = match language {
            Language::MySql => from_mysql(source)?,
            Language::Joda => from_joda(source)?,
            Language::C => from_c(source),
        };
        if StrftimeItems::new(&strftime).any(|item| item == Item::Error) {
            return exec_err!("`{source}` is no pattern of a time");
        }
        let mut strptime = strftime.replace("%z", "%#z").replace("%:z", "%#z");
        for fraction in [".%3f", ".%6f", ".%9f"] {
            strptime = strptime.replace(fraction, "%.f");
        }
        Ok(Pattern { source: source.to_owned(), strftime, strptime })
    }

    /// The pattern as it was written.
    pub(super) fn source(&self) -> &str {
        &self.source
    }

    /// Appends a time.
    pub(super) fn format<Tz: TimeZone>(&self, time: &DateTime<Tz>, out: &mut String) -> Result<bool>
    where
        Tz::Offset: std::fmt::Display,
    {
        use std::fmt::Write;
        write!(out, "{}", time.format_with_items(StrftimeItems::new(&self.strftime)))
            .map_err(|_| exec_datafusion_err!("`{}` cannot show this time", self.source))?;
        Ok(true)
    }

    /// The time that a text is, in microseconds since 1970; in UTC where the text does not say.
    pub(super) fn parse(&self, text: &str) -> Result<i64> {
        let bad = || exec_datafusion_err!("`{text}` is no time of the pattern `{}`", self.source);
        let mut parsed = Parsed::new();
        parse(&mut parsed, text, StrftimeItems::new(&self.strptime)).map_err(|_| bad())?;
        time_of(&mut parsed).ok_or_else(bad)
    }
}

/// Parts that a pattern does not name are those of 1970-01-01 00:00:00.
fn time_of(parsed: &mut Parsed) -> Option<i64> {
    if parsed.timestamp().is_none() {
        if parsed.hour_mod_12().is_none() {
            parsed.set_hour(0).ok()?;
        } else if parsed.hour_div_12().is_none() {
            parsed.set_ampm(false).ok()?;
        }
        if parsed.minute().is_none() {
            parsed.set_minute(0).ok()?;
        }
    }
    let offset = TimeDelta::seconds(i64::from(parsed.offset().unwrap_or(0)));
    let date = parsed.to_naive_date().ok().or_else(|| {
        let mut day = parsed.clone();
        if day.year().is_none() && day.year_div_100().is_none() && day.isoyear().is_none() {
            day.set_year(1970).ok()?;
        }
        if day.month().is_none() && day.ordinal().is_none() && day.isoweek().is_none() {
            day.set_month(1).ok()?;
        }
        if day.day().is_none() && day.ordinal().is_none() && day.isoweek().is_none() {
            day.set_day(1).ok()?;
        }
        day.to_naive_date().ok()
    });
    let local = match parsed.timestamp() {
        Some(seconds) => return seconds.checked_mul(1_000_000),
        None => NaiveDateTime::new(date?, parsed.to_naive_time().ok()?),
    };
    Some(local.checked_sub_signed(offset)?.and_utc().timestamp_micros())
}

fn push_literal(out: &mut String, literal: char) {
    out.push_str(if literal == '%' { "%%" } else { "" });
    if literal != '%' {
        out.push(literal);
    }
}

fn from_mysql(source: &str) -> Result<String> {
    let mut out = String::new();
    let mut letters = source.chars();
    while let Some(letter) = letters.next() {
        if letter != '%' {
            push_literal(&mut out, letter);
            continue;
        }
        match letters.next() {
            Some(code @ ('D' | 'U' | 'u' | 'V' | 'w' | 'X')) => {
                return exec_err!("%{code} in `{source}` is not supported, as in Trino");
            }
            Some(code) => match mysql_code(code) {
                Some(item) => out.push_str(item),
                None => push_literal(&mut out, code),
            },
            None => return exec_err!("`{source}` ends in a %"),
        }
    }
    Ok(out)
}

fn mysql_code(code: char) -> Option<&'static str> {
    Some(match code {
        'a' => "%a",
        'b' => "%b",
        'c' => "%-m",
        'd' => "%d",
        'e' => "%-d",
        'f' => "%6f",
        'H' => "%H",
        'h' | 'I' => "%I",
        'i' => "%M",
        'j' => "%j",
        'k' => "%-H",
        'l' => "%-I",
        'M' => "%B",
        'm' => "%m",
        'p' => "%p",
        'r' => "%I:%M:%S %p",
        'S' | 's' => "%S",
        'T' => "%H:%M:%S",
        'v' => "%V",
        'W' => "%A",
        'x' => "%G",
        'Y' => "%Y",
        'y' => "%y",
        '%' => "%%",
        _ => return None,
    })
}

/// DuckDB's codes are C's but for these.
fn from_c(source: &str) -> String {
    source.replace("%g", "%3f").replace("%n", "%9f")
}

fn from_joda(source: &str) -> Result<String> {
    let mut out = String::new();
    let mut rest = source;
    while let Some(first) = rest.chars().next() {
        if first == '\'' {
            let (literal, used) = joda_literal(rest);
            literal.chars().for_each(|letter| push_literal(&mut out, letter));
            rest = rest.get(used..).unwrap_or_default();
            continue;
        }
        let end = rest.find(|letter| letter != first).unwrap_or(rest.len());
        let (run, after) = rest.split_at(end);
        if first.is_ascii_alphabetic() {
            let Some(item) = joda_letters(first, run.len()) else {
                return exec_err!("`{run}` in `{source}` is not supported in a pattern of a time");
            };
            out.push_str(item);
        } else {
            run.chars().for_each(|letter| push_literal(&mut out, letter));
        }
        rest = after;
    }
    Ok(out)
}

/// `'text'` or `''`, and its length.
fn joda_literal(rest: &str) -> (String, usize) {
    if rest.starts_with("''") {
        return ("'".into(), 2);
    }
    let body = rest.get(1..).unwrap_or_default();
    let mut end = 0;
    while let Some(quote) = body.get(end..).and_then(|tail| tail.find('\'')) {
        end += quote;
        if body.get(end + 1..end + 2) != Some("'") {
            return (body.get(..end).unwrap_or_default().replace("''", "'"), end + 2);
        }
        end += 2;
    }
    (body.replace("''", "'"), rest.len())
}

fn joda_letters(letter: char, count: usize) -> Option<&'static str> {
    Some(match (letter, count) {
        ('y' | 'Y', 2) => "%y",
        ('y' | 'Y', _) => "%Y",
        ('x', 2) => "%g",
        ('x', _) => "%G",
        ('w', _) => "%V",
        ('M', 1) => "%-m",
        ('M', 2) => "%m",
        ('M', 3) => "%b",
        ('M', _) => "%B",
        ('d', 1) => "%-d",
        ('d', _) => "%d",
        ('D', _) => "%j",
        ('e', _) => "%u",
        ('E', 1..=3) => "%a",
        ('E', _) => "%A",
        ('a', _) => "%p",
        ('H', 1) => "%-H",
        ('H', _) => "%H",
        ('h', 1) => "%-I",
        ('h', _) => "%I",
        ('m', 1) => "%-M",
        ('m', _) => "%M",
        ('s', 1) => "%-S",
        ('s', _) => "%S",
        ('S', 1..=3) => "%3f",
        ('S', 4..=6) => "%6f",
        ('S', _) => "%9f",
        ('z', _) => "%Z",
        ('Z', 1) => "%z",
        ('Z', _) => "%:z",
        _ => return None,
    })
}

/// A time as [`Pattern::format`] wants it.
pub(super) fn instant(micros: i64) -> Result<DateTime<chrono::Utc>> {
    DateTime::from_timestamp_micros(micros)
        .ok_or_else(|| DataFusionError::Execution(format!("{micros} microseconds are outside the calendar")))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const MICROS: i64 = 1_688_989_338_123_456;

    fn shown(language: Language, pattern: &str) -> String {
        let mut out = String::new();
        Pattern::new(language, pattern).unwrap().format(&instant(MICROS).unwrap(), &mut out).unwrap();
        out
    }

    #[test]
    fn times_in_three_languages() {
        for (language, pattern, text) in [
            (Language::MySql, "%Y/%m/%d", "2023/07/10"),
            (Language::MySql, "%Y-%m-%d %H:%i:%s.%f", "2023-07-10 11:42:18.123456"),
            (Language::MySql, "%c/%e %l%p %W %M %j %T 100%%", "7/10 11AM Monday July 191 11:42:18 100%"),
            (Language::MySql, "%Q", "Q"),
            (Language::Joda, "yyyy-MM-dd'T'HH:mm:ss'Z'", "2023-07-10T11:42:18Z"),
            (Language::Joda, "EEE, d MMM yy h:mm a", "Mon, 10 Jul 23 11:42 AM"),
            (Language::Joda, "yyyyMMdd'''T''%'SSS", "20230710'T'%123"),
            (Language::C, "%Y-%m-%d %H:%M:%S", "2023-07-10 11:42:18"),
        ] {
            assert_eq!(shown(language, pattern), text, "{pattern}");
        }
        for (language, pattern) in [(Language::MySql, "%X"), (Language::MySql, "%"), (Language::Joda, "qq")] {
            assert!(Pattern::new(language, pattern).is_err(), "{pattern}");
        }
    }

    #[test]
    fn texts_are_read_back() {
        for (language, pattern, text, expected) in [
            (Language::MySql, "%Y-%m-%dT%H:%i:%sZ", "2023-07-10T11:42:18Z", 1_688_989_338_000_000),
            (Language::MySql, "%Y-%m-%d", "2023-07-10", 1_688_947_200_000_000),
            (Language::MySql, "%Y", "1971", 31_536_000_000_000),
            (Language::Joda, "yyyy-MM-dd'T'HH:mm:ss'Z'", "2023-07-10T11:42:18Z", 1_688_989_338_000_000),
            (Language::Joda, "yyyy-MM-dd HH:mm:ss Z", "2023-07-10 13:42:18 +0200", 1_688_989_338_000_000),
            (Language::Joda, "yyyy-MM-dd'T'HH:mm:ssZ", "2023-07-10T11:42:18Z", 1_688_989_338_000_000),
            (Language::Joda, "yyyy-MM-dd'T'HH:mm:ss.SSSZZ", "2023-07-10T13:42:18.5+02:00", 1_688_989_338_500_000),
            (Language::MySql, "%Y-%m-%dT%H:%i:%s.%fZ", "2023-07-10T11:42:18.123Z", 1_688_989_338_123_000),
            (Language::C, "%Y-%m-%d %H", "2023-07-10 11", 1_688_986_800_000_000),
        ] {
            assert_eq!(Pattern::new(language, pattern).unwrap().parse(text).unwrap(), expected, "{pattern}");
        }
        assert!(Pattern::new(Language::MySql, "%Y-%m-%d").unwrap().parse("10.7.2023").is_err());
    }
}
