//! How bad an alert is: Sigma's five levels, in order.

use serde::{Deserialize, Serialize};

/// Level of a rule and of its alerts, least first. Source: Sigma rules specification 2.1, `level`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing, not worth acting on.
    Informational,
    /// Rarely an attack by itself.
    Low,
    /// To be looked at in working hours.
    Medium,
    /// To be looked at today.
    High,
    /// To be looked at now.
    Critical,
}

impl Severity {
    /// All levels, least first.
    pub const ALL: [Severity; 5] =
        [Severity::Informational, Severity::Low, Severity::Medium, Severity::High, Severity::Critical];

    /// The word Sigma uses.
    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Informational => "informational",
            Severity::Low => "low",
            Severity::Medium => "medium",
            Severity::High => "high",
            Severity::Critical => "critical",
        }
    }
}

impl std::fmt::Display for Severity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

impl std::str::FromStr for Severity {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Severity::ALL.into_iter().find(|s| s.as_str().eq_ignore_ascii_case(text));
        found.ok_or_else(|| format!("unknown severity `{text}`: give informational, low, medium, high or critical"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn severities_are_ordered_and_read_back() {
        assert!(Severity::ALL.is_sorted());
        for severity in Severity::ALL {
            assert_eq!(severity.as_str().parse(), Ok(severity));
        }
        assert!("urgent".parse::<Severity>().is_err());
    }
}
