//! What stands in the place of a match: Java's way of naming groups, as the engine's pattern library takes it.
//!
//! Source: Trino documentation, "Regular expression functions" (`regexp_replace`): `$g` is group g, `${name}` a named one,
//! and a backslash takes the next character as it is. Of the digits after `$` as many count as there are groups for.

use datafusion::common::{Result, exec_err};

use super::function::{Entry, Kernel, Memo};

/// The function, by name.
pub(super) static FUNCTIONS: &[Entry] = &[Entry {
    name: "regexp_replacement",
    arity: 2..=2,
    kernel: Kernel::Text(replacement),
    about: "what the third argument of regexp_replace becomes",
    example: ("regexp_replacement('$1XX', '(a)')", "${1}XX"),
}];

fn replacement(args: &[&str], memo: &mut Memo, out: &mut String) -> Result<bool> {
    let &[text, pattern] = args else { return Ok(false) };
    let groups = memo.pattern(pattern)?.captures_len() - 1;
    let mut rest = text;
    while let Some(place) = rest.find(['\\', '$']) {
        let (before, special) = rest.split_at(place);
        out.push_str(before);
        let mut after = special.chars();
        let is_escape = after.next() == Some('\\');
        rest = after.as_str();
        match after.next() {
            Some('$') if is_escape => {
                out.push_str("$$");
                rest = after.as_str();
            }
            Some(plain) if is_escape => {
                out.push(plain);
                rest = after.as_str();
            }
            Some(digit) if digit.is_ascii_digit() => {
                let (number, end) = group(rest, groups);
                if number > groups {
                    return exec_err!("regexp_replace: the pattern `{pattern}` has no group {number}");
                }
                out.push_str(&format!("${{{number}}}"));
                rest = rest.get(end..).unwrap_or_default();
            }
            Some('{') => out.push('$'),
            _ => {
                return exec_err!(
                    "regexp_replace: `{text}` ends a group's name too early; write `\\$` for a dollar sign"
                );
            }
        }
    }
    out.push_str(rest);
    Ok(true)
}

/// The number of a group, and where its digits end: the first digit, and those after it that a group has.
fn group(digits: &str, groups: usize) -> (usize, usize) {
    let mut number = 0;
    let mut end = 0;
    for digit in digits.chars().map_while(|c| c.to_digit(10)) {
        let next = number * 10 + digit as usize;
        if end > 0 && next > groups {
            break;
        }
        (number, end) = (next, end + 1);
    }
    (number, end)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_named_as_in_java() {
        let made = |text: &str, pattern: &str| {
            let mut out = String::new();
            replacement(&[text, pattern], &mut Memo::default(), &mut out).map(|_| out)
        };
        for (text, pattern, expected) in [
            ("$1XXXX", r"(\d{4})\d{8}", "${1}XXXX"),
            ("$1_$2", "(a)(b)", "${1}_${2}"),
            ("$10", "(a)", "${1}0"),
            ("$0", "a", "${0}"),
            ("${year}/x", "(?<year>a)", "${year}/x"),
            (r"\$1 \. \\", "(a)", r"$$1 . \"),
            ("plain é", "a", "plain é"),
        ] {
            assert_eq!(made(text, pattern).unwrap(), expected, "{text}");
        }
        assert!(made("$2", "(a)").unwrap_err().to_string().contains("no group 2"));
        assert!(made("a$", "(a)").is_err() && made("$x", "(a)").is_err());
    }
}
