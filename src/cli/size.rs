//! Amounts of memory as people write them: `512MiB`, `2GB`, `1048576`.

/// Reads a number of bytes. `K`, `M`, `G`, `T` and `KiB` … `TiB` are powers of 1,024; `kB`, `MB`, `GB`, `TB` of 1,000.
pub(crate) fn parse(text: &str) -> Result<u64, String> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let explain = |reason: &str| format!("{reason}; write a whole number and a unit, as in 512MiB, 2GiB or 500MB");
    if number.is_empty() {
        return Err(explain("does not begin with a number"));
    }
    let factor: u64 = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kib" => 1 << 10,
        "m" | "mib" => 1 << 20,
        "g" | "gib" => 1 << 30,
        "t" | "tib" => 1 << 40,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        "tb" => 1_000_000_000_000,
        _ => return Err(explain(&format!("has an unknown unit `{}`", unit.trim()))),
    };
    match number.parse::<u64>().ok().and_then(|count| count.checked_mul(factor)) {
        Some(0) => Err("is no room at all".to_owned()),
        Some(bytes) => Ok(bytes),
        None => Err("is more than any machine has".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units() {
        for (text, bytes) in [
            ("1048576", 1 << 20),
            ("512MiB", 512 << 20),
            ("512 mib", 512 << 20),
            ("2G", 2 << 30),
            ("2GB", 2_000_000_000),
            ("64k", 64 << 10),
            ("1TiB", 1 << 40),
            ("7B", 7),
        ] {
            assert_eq!(parse(text), Ok(bytes), "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, reason) in [
            ("", "does not begin with a number"),
            ("MiB", "does not begin with a number"),
            ("-1", "does not begin with a number"),
            ("1.5GiB", "unknown unit `.5GiB`"),
            ("5MiBit", "unknown unit `MiBit`"),
            ("0MiB", "no room"),
            ("99999999999999999999", "more than"),
            ("18446744073709551615k", "more than"),
        ] {
            let error = parse(text).err().unwrap_or_default();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }
}
