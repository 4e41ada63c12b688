//! `eventTime` and the like: text to microseconds since the Unix epoch.

const MICROS: i64 = 1_000_000;

/// Reads times. Most events come in runs of one day: the last date is remembered, and what it began with.
#[derive(Debug)]
pub(crate) struct Clock {
    date: [u8; 10],
    /// Seconds since the epoch of the date's midnight.
    midnight: i64,
}

impl Default for Clock {
    fn default() -> Self {
        Clock { date: *b"1970-01-01", midnight: 0 }
    }
}

impl Clock {
    /// Reads a time. The flag says whether the text is CloudTrail's own form, `YYYY-MM-DDTHH:MM:SSZ`, which a
    /// timestamp gives back exactly; any other RFC 3339 time is read too, but its text must be kept elsewhere.
    pub(crate) fn parse(&mut self, text: &str) -> Option<(i64, bool)> {
        if let Some(micros) = self.canonical(text.as_bytes()) {
            return Some((micros, true));
        }
        let time = chrono::DateTime::parse_from_rfc3339(text).ok()?;
        Some((time.timestamp_micros(), false))
    }

    /// CloudTrail's own form, by hand: this runs once an event.
    fn canonical(&mut self, text: &[u8]) -> Option<i64> {
        let (date, time) = text.split_first_chunk::<10>()?;
        let &[b'T', h0, h1, b':', i0, i1, b':', s0, s1, b'Z'] = time else { return None };
        if *date != self.date {
            self.midnight = midnight(*date)?;
            self.date = *date;
        }
        let (hour, minute, second) = (two(h0, h1)?, two(i0, i1)?, two(s0, s1)?);
        if hour > 23 || minute > 59 || second > 59 {
            return None;
        }
        Some((self.midnight + (hour * 60 + minute) * 60 + second) * MICROS)
    }
}

fn midnight([y0, y1, y2, y3, dash, m0, m1, dash2, d0, d1]: [u8; 10]) -> Option<i64> {
    let year = two(y0, y1)? * 100 + two(y2, y3)?;
    let (month, day) = (two(m0, m1)?, two(d0, d1)?);
    let sound = (dash, dash2) == (b'-', b'-') && (1..=12).contains(&month) && (1..=days_in(year, month)).contains(&day);
    sound.then(|| days(year, month, day) * 86_400)
}

fn two(tens: u8, ones: u8) -> Option<i64> {
    let digit = |byte: u8| byte.is_ascii_digit().then(|| i64::from(byte - b'0'));
    Some(digit(tens)? * 10 + digit(ones)?)
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Days since 1970-01-01 of a date of the proleptic Gregorian calendar (years 0 to 9999), counting years from March
/// so that the leap day comes last.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year - era * 400;
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// UTC day of a time, in days since the epoch.
pub(crate) fn day_of(micros: i64) -> i32 {
    micros.div_euclid(86_400 * MICROS) as i32
}

/// CloudTrail's own form of a time; `None` outside the years that it can write.
pub(crate) fn format(micros: i64) -> Option<String> {
    let time = chrono::DateTime::from_timestamp_micros(micros)?;
    Some(time.format("%Y-%m-%dT%H:%M:%SZ").to_string())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(text: &str) -> Option<(i64, bool)> {
        Clock::default().parse(text)
    }

    #[test]
    fn known_times() {
        assert_eq!(parse("1970-01-01T00:00:00Z"), Some((0, true)));
        assert_eq!(parse("2023-07-10T11:42:18Z"), Some((1_688_989_338_000_000, true)));
        assert_eq!(parse("2023-07-10T11:42:18.5Z"), Some((1_688_989_338_500_000, false)));
        assert_eq!(parse("2023-07-10T13:42:18+02:00"), Some((1_688_989_338_000_000, false)));
        for text in
            ["", "eventTime", "2023-02-29T00:00:00Z", "2023-13-01T00:00:00Z", "2023-07-10", "2023-07-10T24:00:00Z"]
        {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn agrees_with_chrono(seconds in -62_135_596_800i64..253_402_300_799) {
            let text = format(seconds * MICROS).unwrap();
            prop_assert_eq!(parse(&text), Some((seconds * MICROS, true)));
        }

        /// What a clock read before does not matter.
        #[test]
        fn a_clock_that_remembers_agrees_with_a_fresh_one(texts in prop::collection::vec("202[34]-0[12]-(0[12]|[23][0-9])T[0-2][0-9]:[0-6][0-9]:00Z", 1..9)) {
            let mut clock = Clock::default();
            for text in &texts {
                prop_assert_eq!(clock.parse(text), parse(text));
            }
        }
    }
}
