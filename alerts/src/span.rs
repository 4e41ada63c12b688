//! A length of time as Sigma writes it. Source: Sigma correlation rules specification 2.1.0, "timespan": a number and one
//! lower-case letter of s, m, h, d.

/// Microseconds of what stands under `key`.
pub(crate) fn micros(key: &str, text: &str) -> Result<i64, String> {
    let wrong = || format!("`{key}: {text}` is not a time such as 30s, 10m, 2h or 90d");
    let (number, unit) = text.split_at_checked(text.len().saturating_sub(1)).ok_or_else(wrong)?;
    let seconds: i64 = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return Err(wrong()),
    };
    if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(wrong());
    }
    let micros = number.parse::<i64>().ok().and_then(|n| n.checked_mul(seconds)).and_then(|s| s.checked_mul(1_000_000));
    micros.filter(|micros| *micros > 0).ok_or_else(|| format!("`{key}: {text}` is zero or too long"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_four_and_lower_case() {
        assert_eq!(micros("timespan", "10m"), Ok(600_000_000));
        assert_eq!(micros("rest", "90d"), Ok(90 * 86_400_000_000));
        for text in ["1M", "1w", "1y", "m", "", "1 m", "-1m", "1é", "0s", "99999999999999d", "1.5h"] {
            assert!(micros("timespan", text).is_err(), "{text}");
        }
    }
}
