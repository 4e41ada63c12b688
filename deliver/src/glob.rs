//! Patterns of configuration: `*` stands for any text, `?` for any one character, everything else for itself.

/// Whether `text` is as `pattern` says. Takes time of pattern × text at most, whatever they are.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t) = (0, 0);
    // Where to go on if what follows the last `*` does not fit: that `*` takes one character more.
    let mut again: Option<(usize, usize)> = None;
    while t < text.len() {
        match (pattern.get(p), again) {
            (Some('*'), _) => {
                again = Some((p + 1, t));
                p += 1;
            }
            (Some(c), _) if *c == '?' || text.get(t) == Some(c) => {
                p += 1;
                t += 1;
            }
            (_, Some((after, from))) => {
                again = Some((after, from + 1));
                p = after;
                t = from + 1;
            }
            _ => return false,
        }
    }
    pattern.iter().skip(p).all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_and_question_marks() {
        for (pattern, text, expected) in [
            ("root-*", "root-login", true),
            ("root-*", "root-", true),
            ("root-*", "a-root-login", false),
            ("*key*", "access-key-revived", true),
            ("a*b*c", "aXbYbZc", true),
            ("a*b*c", "aXbYbZ", false),
            ("arn:aws:iam::111122223333:user/?", "arn:aws:iam::111122223333:user/é", true),
            ("?", "", false),
            ("", "", true),
            ("*", "", true),
            ("**", "x", true),
            ("plain", "plain", true),
            ("plain", "plains", false),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} on {text}");
        }
    }

    #[test]
    fn a_bomb_is_no_bomb() {
        assert!(!matches(&"*a".repeat(200), &"b".repeat(20_000)));
    }
}
