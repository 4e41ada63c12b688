//! The name that somebody meant.

/// Adds the nearest name to what serde says of an unknown one.
pub(super) fn explain(message: &str) -> String {
    let mut names = message.split('`').skip(1).step_by(2);
    let (Some(unknown), true) =
        (names.next(), message.contains("unknown field") || message.contains("unknown variant"))
    else {
        return message.to_owned();
    };
    match nearest(unknown, names) {
        Some(name) => {
            let head = message.split(", expected").next().unwrap_or(message);
            format!("{head}, did you mean `{name}`?")
        }
        None => message.to_owned(),
    }
}

/// The one of `names` that a slip or two make of `text`.
pub(crate) fn nearest<'a>(text: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let near =
        names.map(|name| (distance(text, name), name)).filter(|(slips, name)| *slips * 3 <= name.chars().count());
    near.min().map(|(_, name)| name)
}

/// How many letters must be put in, left out, changed or swapped with their neighbour.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().take(64).collect(), b.chars().take(64).collect());
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, to) in b.iter().enumerate() {
            let put = row.get(j).copied().unwrap_or_default() + 1;
            let left = last.get(j + 1).copied().unwrap_or_default() + 1;
            let changed = last.get(j).copied().unwrap_or_default() + usize::from(from != to);
            let mut least = put.min(left).min(changed);
            let swaps = i > 0 && j > 0 && a.get(i - 1) == Some(to) && b.get(j - 1) == Some(from);
            if let Some(two) = before.get(j.wrapping_sub(1)).filter(|_| swaps) {
                least = least.min(two + 1);
            }
            row.push(least);
        }
        before = std::mem::replace(&mut last, row);
    }
    last.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_told_from_another_word() {
        assert_eq!((distance("watch", "wacth"), distance("", "abc"), distance("poll", "pol")), (1, 3, 1));
        let names = ["source", "poll", "log_format"];
        assert_eq!(nearest("sorce", names.into_iter()), Some("source"));
        assert_eq!(nearest("log-format", names.into_iter()), Some("log_format"));
        assert_eq!(nearest("colour", names.into_iter()), None);
        assert_eq!(explain("unknown field `pol`, expected `poll` or `x`"), "unknown field `pol`, did you mean `poll`?");
        assert_eq!(explain("invalid type: `x`"), "invalid type: `x`");
    }
}
