//! Sigma's time modifiers: the minute, hour, day, week, month or year of a date.
//!
//! Source: Sigma specification 2.1.0, appendix "modifiers": numbers taken from a date as it stands, without time zones;
//! CloudTrail writes UTC. Weeks are those of ISO 8601. Knows text and no fields.

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, Timelike, Utc};
use rsigma_parser::Modifier;

/// Which number of a date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Clock {
    Minute,
    Hour,
    Day,
    Week,
    Month,
    Year,
}

/// Forms of dates in CloudTrail records, beside RFC 3339 and seconds since the epoch. The last two are those of the Java
/// SDK, which stand in `responseElements`.
const FORMS: [&str; 4] =
    ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%b %d, %Y, %I:%M:%S %p", "%b %d, %Y %I:%M:%S %p"];
/// Seconds since the epoch above this are milliseconds: the year is 5138.
const MAX_SECONDS: f64 = 1e11;
/// Smaller numbers are no dates: 1973.
const MIN_SECONDS: f64 = 1e8;

impl Clock {
    /// The part that a modifier asks for.
    pub(crate) fn of(modifier: Modifier) -> Option<Clock> {
        Some(match modifier {
            Modifier::Minute => Clock::Minute,
            Modifier::Hour => Clock::Hour,
            Modifier::Day => Clock::Day,
            Modifier::Week => Clock::Week,
            Modifier::Month => Clock::Month,
            Modifier::Year => Clock::Year,
            _ => return None,
        })
    }

    /// The number in a text that is a date.
    pub(crate) fn read(self, text: &str) -> Option<f64> {
        let date = date(text.trim())?;
        Some(match self {
            Clock::Minute => f64::from(date.minute()),
            Clock::Hour => f64::from(date.hour()),
            Clock::Day => f64::from(date.day()),
            Clock::Week => f64::from(date.iso_week().week()),
            Clock::Month => f64::from(date.month()),
            Clock::Year => f64::from(date.year()),
        })
    }
}

fn date(text: &str) -> Option<NaiveDateTime> {
    // Every form has a digit in its first five characters.
    if !text.chars().take(5).any(|c| c.is_ascii_digit()) {
        return None;
    }
    if let Ok(date) = DateTime::parse_from_rfc3339(text) {
        return Some(date.with_timezone(&Utc).naive_utc());
    }
    if let Some(date) = FORMS.iter().find_map(|form| NaiveDateTime::parse_from_str(text, form).ok()) {
        return Some(date);
    }
    if let Ok(day) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
        return day.and_hms_opt(0, 0, 0);
    }
    let number = crate::test::number(text).filter(|number| *number >= MIN_SECONDS)?;
    let millis = if number < MAX_SECONDS { number * 1000.0 } else { number };
    DateTime::from_timestamp_millis(millis as i64).map(|date| date.naive_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_a_date() {
        let all = [Clock::Year, Clock::Month, Clock::Week, Clock::Day, Clock::Hour, Clock::Minute];
        for text in [
            "2024-12-30T22:05:09Z",
            "2024-12-31T00:05:09.123+02:00",
            "2024-12-30 22:05:09",
            "Dec 30, 2024, 10:05:09 PM",
            "Dec 30, 2024 10:05:09 PM",
            "1735596309",
            "1735596309000",
        ] {
            assert_eq!(all.map(|part| part.read(text)), [2024.0, 12.0, 1.0, 30.0, 22.0, 5.0].map(Some), "{text}");
        }
        assert_eq!(Clock::Hour.read("2024-12-30"), Some(0.0));
        for text in ["", "soon", "22", "111122223333x", "2024-13-01T00:00:00Z", "1e400"] {
            assert_eq!(Clock::Hour.read(text), None, "{text}");
        }
    }
}
