//! Times and names as short as a screen needs them: a story has one day and one account more often than not, and what every
//! line repeats leaves no room for what differs. A file or a pipe gets them whole.

use query::story::Story;

use super::time;
use crate::render::terminal::Terminal;

/// Columns from which a screen has room for everything.
const WIDE: usize = 160;
/// Characters of a user agent in a line.
const AGENT: usize = 40;

/// How much of times and names is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Brief {
    /// Whether anything is left out at all.
    short: bool,
    /// Whether the story has one day.
    day: bool,
    /// Whether it has one account.
    account: bool,
}

impl Brief {
    pub(super) fn of(story: &Story, terminal: Terminal) -> Brief {
        let day = |micros| time(micros).chars().take(10).collect::<String>();
        Brief {
            short: terminal.width.is_some_and(|width| width < WIDE),
            day: day(story.total.first) == day(story.total.last),
            account: story.accounts.len() < 2,
        }
    }

    /// Whether lines have room for what is nearly always the same.
    pub(super) fn is_short(self) -> bool {
        self.short
    }

    /// `11:54:33`, or `07-10 11:54:33` where there are several days.
    pub(super) fn time(self, micros: Option<i64>) -> String {
        let whole = time(micros);
        if !self.short {
            return whole;
        }
        let clock = whole.get(11..19).unwrap_or_default();
        match whole.get(5..10) {
            Some(day) if !self.day => format!("{day} {clock}"),
            _ => clock.to_owned(),
        }
    }

    /// `role/Admin` for an ARN; with its account where there are several.
    pub(super) fn name(self, name: &str) -> String {
        let mut parts = name.splitn(6, ':');
        let (scheme, account, rest) = (parts.next(), parts.nth(3), parts.next());
        match (scheme, account, rest) {
            (Some("arn"), Some(account), Some(rest)) if self.short => match self.account || account.is_empty() {
                true => rest.to_owned(),
                false => format!("{account}:{rest}"),
            },
            _ => name.to_owned(),
        }
    }

    /// The mark that says most, and how many more there are.
    pub(super) fn marks(self, marks: &[String]) -> String {
        match marks {
            [first, rest @ ..] if self.short && !rest.is_empty() => format!("{first} +{}", rest.len()),
            all => all.join(", "),
        }
    }

    /// The beginning of a user agent.
    pub(super) fn agent(self, agent: &str) -> String {
        match agent.char_indices().nth(AGENT) {
            Some((end, _)) if self.short => format!("{}…", agent.get(..end).unwrap_or(agent)),
            _ => agent.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Option<i64> = Some(1_688_990_073_000_000);

    #[test]
    fn what_repeats_is_left_out_on_a_screen() {
        let one = Brief { short: true, day: true, account: true };
        assert_eq!(one.time(AT), "11:54:33");
        assert_eq!(one.name("arn:aws:iam::111122223333:role/Admin"), "role/Admin");
        assert_eq!(one.name("bert-jan"), "bert-jan");
        let marks = ["left behind".to_owned(), "first action".to_owned()];
        assert_eq!((one.marks(&marks).as_str(), one.marks(&marks[..1]).as_str()), ("left behind +1", "left behind"));
        assert_eq!(one.agent(&"é".repeat(50)), format!("{}…", "é".repeat(40)));
        let several = Brief { day: false, account: false, ..one };
        assert_eq!(several.time(AT), "07-10 11:54:33");
        assert_eq!(several.name("arn:aws:iam::111122223333:role/Admin"), "111122223333:role/Admin");
        assert_eq!(several.name("arn:aws:s3:::logs"), "logs");
        assert_eq!(several.time(None), "");
        let whole = Brief { short: false, ..one };
        assert_eq!(whole.time(AT), "2023-07-10T11:54:33Z");
        assert_eq!(whole.name("arn:aws:iam::111122223333:role/Admin"), "arn:aws:iam::111122223333:role/Admin");
    }
}
