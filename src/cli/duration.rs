//! Lengths of time as people write them: `90d`, `12h`, `2w`, `1d12h`.

use chrono::TimeDelta;

/// Longer than CloudTrail can ever have recorded: a guard against a slip of the keyboard.
const DAYS_MAX: i64 = 36_500;

/// Reads a length of time. Units: `s`, `m` (minutes), `h`, `d`, `w`, `y` (365 days).
pub(crate) fn parse(text: &str) -> Result<TimeDelta, String> {
    match parse_or_zero(text)? {
        total if total.is_zero() => Err("is no time at all".to_owned()),
        total => Ok(total),
    }
}

/// [`parse`], where no time at all makes sense too: `0s`.
pub(crate) fn parse_or_zero(text: &str) -> Result<TimeDelta, String> {
    let mut total = TimeDelta::zero();
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err(explain("is empty"));
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let (number, after) = rest.split_at(digits);
        let unit_len = after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len());
        let (unit, next) = after.split_at(unit_len);
        if number.is_empty() {
            return Err(explain("does not begin with a number"));
        }
        let seconds = match unit.trim() {
            "s" | "sec" | "second" | "seconds" => 1,
            "m" | "min" | "minute" | "minutes" => 60,
            "h" | "hour" | "hours" => 3_600,
            "d" | "day" | "days" => 86_400,
            "w" | "week" | "weeks" => 7 * 86_400,
            "y" | "year" | "years" => 365 * 86_400,
            "" => return Err(explain(&format!("has no unit after {number}"))),
            other => return Err(explain(&format!("has an unknown unit `{other}`"))),
        };
        total = number
            .parse::<i64>()
            .ok()
            .and_then(|count| count.checked_mul(seconds))
            .and_then(TimeDelta::try_seconds)
            .and_then(|part| total.checked_add(&part))
            .filter(|total| total.num_days() <= DAYS_MAX)
            .ok_or_else(|| format!("is longer than {DAYS_MAX} days"))?;
        rest = next;
    }
    Ok(total)
}

fn explain(reason: &str) -> String {
    format!("{reason}; write a number and a unit, as in 90d, 12h or 2w (s, m, h, d, w, y)")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units() {
        for (text, seconds) in [
            ("45s", 45),
            ("30m", 1_800),
            ("12h", 43_200),
            ("90d", 7_776_000),
            ("2w", 1_209_600),
            ("1y", 31_536_000),
            ("1d12h", 129_600),
            ("7 days", 604_800),
        ] {
            assert_eq!(parse(text), Ok(TimeDelta::seconds(seconds)), "{text}");
        }
    }

    #[test]
    fn no_time_is_some_time_where_it_makes_sense() {
        assert_eq!(parse_or_zero("0s"), Ok(TimeDelta::zero()));
        assert!(parse_or_zero("").is_err() && parse("0s").is_err());
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, reason) in [
            ("", "is empty"),
            ("90", "no unit after 90"),
            ("d", "does not begin with a number"),
            ("-3d", "does not begin with a number"),
            ("3fortnights", "unknown unit `fortnights`"),
            ("1.5h", "unknown unit `.`"),
            ("0d", "no time at all"),
            ("99999999999999999999d", "longer than"),
            ("9223372036854775807w", "longer than"),
            ("40000d", "longer than"),
            ("36500d36500d", "longer than"),
            ("9é", "unknown unit `é`"),
        ] {
            let error = parse(text).err().unwrap_or_default();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }
}
