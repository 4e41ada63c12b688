//! Colours, and what they mean: calm by default, loud only for what wants a person.

/// How a piece of text stands out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    /// As the terminal has it.
    Plain,
    /// A heading or a name.
    Bold,
    /// What the eye may skip.
    Dim,
    /// Critical.
    RedBold,
    /// High; an error.
    Red,
    /// Medium; a warning.
    Yellow,
    /// Low.
    Cyan,
}

impl Tone {
    /// The tone of a severity (Sigma's levels), an outcome of an event, or a state in a report.
    pub(crate) fn of(word: &str) -> Tone {
        match word {
            "critical" => Tone::RedBold,
            "high" | "error" | "fail" => Tone::Red,
            "medium" | "denied" | "warning" | "warn" => Tone::Yellow,
            "low" => Tone::Cyan,
            "informational" | "info" => Tone::Dim,
            _ => Tone::Plain,
        }
    }

    /// `text` in this tone, or as it is where colours are off.
    pub(crate) fn paint(self, text: &str, color: bool) -> String {
        let code = match self {
            Tone::Plain => "",
            Tone::Bold => "1",
            Tone::Dim => "2",
            Tone::RedBold => "1;31",
            Tone::Red => "31",
            Tone::Yellow => "33",
            Tone::Cyan => "36",
        };
        if color && !code.is_empty() && !text.is_empty() {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn severities_stand_out_in_order() {
        assert_eq!(Tone::of("critical").paint("critical", true), "\x1b[1;31mcritical\x1b[0m");
        assert_eq!(Tone::of("high").paint("high", true), "\x1b[31mhigh\x1b[0m");
        assert_eq!(Tone::of("ok").paint("ok", true), "ok");
    }

    #[test]
    fn no_colour_means_no_escape() {
        for word in ["critical", "high", "medium", "low", "informational", "other"] {
            assert_eq!(Tone::of(word).paint(word, false), word);
        }
    }
}
