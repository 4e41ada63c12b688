//! What the user says about delivery: sinks, routes, silences and their limits, in TOML.
//!
//! Unknown keys are errors, and so is whatever cannot do what it looks as if it did: a route to no sink, a silence
//! without end. Secrets stand in it as references only, and errors never repeat the text of the file.

mod policy;
mod route;
mod silence;
mod sink;

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;

pub use policy::{GroupBy, Policy};
pub use route::Route;
pub use silence::Silence;
pub use sink::{Form, SinkConfig};
pub(crate) use sink::{check_url, topic_region};

use crate::error::Error;

/// The whole configuration of delivery.
#[derive(Debug, Clone)]
pub struct Config {
    /// Limits, grouping and ages.
    pub policy: Policy,
    /// Sinks by name.
    pub sinks: BTreeMap<String, SinkConfig>,
    /// Which alerts go where; every route that fits counts.
    pub routes: Vec<Route>,
    /// What is not told, until when and why.
    pub silences: Vec<Silence>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    delivery: Policy,
    #[serde(default)]
    sinks: BTreeMap<String, toml::Table>,
    #[serde(default)]
    routes: Vec<Route>,
    #[serde(default)]
    silences: Vec<Silence>,
    // Sections of the same file that are the command's: what is in them is not ours to judge.
    #[serde(default, rename = "watch")]
    _watch: Option<IgnoredAny>,
    #[serde(default, rename = "rules")]
    _rules: Option<IgnoredAny>,
    #[serde(default, rename = "lake")]
    _lake: Option<IgnoredAny>,
    #[serde(default, rename = "metrics")]
    _metrics: Option<IgnoredAny>,
    #[serde(default, rename = "account")]
    _account: Option<IgnoredAny>,
}

/// How the one kind of TOML's tables is told from the other, for who took the wrong one.
fn hint(message: &str) -> &'static str {
    match message {
        "invalid type: sequence, expected a map" => "; one table is written with single brackets: [sinks.NAME]",
        "invalid type: map, expected a sequence" => "; a list of tables is written with double brackets: [[routes]]",
        _ => "",
    }
}

impl Config {
    /// Reads a configuration.
    ///
    /// # Errors
    /// [`Error::Config`] with the line, where there is one, and what to write instead.
    pub fn parse(text: &str) -> Result<Config, Error> {
        let file: File = toml::from_str(text).map_err(|error| {
            // Not its Display: that repeats the line, and somebody may have written a secret there after all.
            let line = error.span().map(|span| text.get(..span.start).unwrap_or_default().matches('\n').count() + 1);
            let place = line.map(|line| format!("line {line}: ")).unwrap_or_default();
            Error::Config(format!("{place}{}{}", error.message(), hint(error.message())))
        })?;
        let mut sinks = BTreeMap::new();
        for (name, table) in file.sinks {
            let sink = SinkConfig::of(table).map_err(|reason| Error::Config(format!("[sinks.{name}]: {reason}")))?;
            sinks.insert(name, sink);
        }
        let config = Config { policy: file.delivery, sinks, routes: file.routes, silences: file.silences };
        config.check().map_err(Error::Config)?;
        Ok(config)
    }

    fn check(&self) -> Result<(), String> {
        self.policy.check().map_err(|reason| format!("[delivery]: {reason}"))?;
        if self.sinks.is_empty() {
            return Err("there are no sinks: add a table such as [sinks.log] with type = \"stdout\"".to_owned());
        }
        for name in self.sinks.keys() {
            let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
            if name.is_empty() || name.len() > 64 || !name.chars().all(plain) {
                return Err(format!("[sinks.{name}]: a name has 1 to 64 letters, digits, `-` and `_`"));
            }
        }
        if self.routes.is_empty() {
            return Err("there are no routes: add [[routes]] with sinks = [\"NAME\"]".to_owned());
        }
        for (number, route) in self.routes.iter().enumerate() {
            route.check(&self.sinks).map_err(|reason| format!("route {}: {reason}", number + 1))?;
        }
        for (number, silence) in self.silences.iter().enumerate() {
            silence.check().map_err(|reason| format!("silence {}: {reason}", number + 1))?;
        }
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const ALL: &str = include_str!("../golden/config.toml");

    #[test]
    fn every_key_there_is() {
        let config = Config::parse(ALL).unwrap();
        assert_eq!(config.sinks.len(), 9);
        assert_eq!(config.routes.len(), 3);
        assert_eq!(config.silences.len(), 1);
        // What is shown of a configuration holds no secret: there is none in it, and URLs are cut.
        assert!(!format!("{config:?}").contains("T000"));
    }

    #[test]
    fn the_smallest() {
        let config = Config::parse("[sinks.log]\ntype = 'stdout'\n[[routes]]\nsinks = ['log']\n").unwrap();
        assert_eq!(config.sinks.keys().collect::<Vec<_>>(), ["log"]);
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        let sink = "[sinks.log]\ntype = 'stdout'\n";
        let route = "[[routes]]\nsinks = ['log']\n";
        for (text, reason) in [
            (String::new(), "there are no sinks"),
            ("[[sinks]]\ntype = \"stdout\"".to_owned(), "single brackets: [sinks.NAME]"),
            (sink.to_owned(), "there are no routes"),
            (format!("{sink}[[routes]]\nsinks = ['lag']\n"), "there is no sink `lag`"),
            (format!("{sink}[[routes]]\nsinks = []\n"), "names no sink"),
            (format!("{sink}{route}severety = 'high'\n"), "line 5: unknown field `severety`"),
            (format!("{sink}{route}severity = 'urgent'\n"), "line 5: unknown variant `urgent`"),
            (format!("{sink}colour = 'red'\n{route}"), "[sinks.log]: unknown field `colour`"),
            (format!("[sinks.log]\ntype = 'fax'\n{route}"), "[sinks.log]: unknown variant `fax`"),
            (format!("[sinks.log]\n{route}"), "[sinks.log]: missing field `type`"),
            (format!("[sinks.'a b']\ntype = 'stdout'\n{route}"), "letters, digits"),
            (format!("{sink}timeout = '10'\n{route}"), "[sinks.log]: `10` is no length of time"),
            (format!("{sink}rate_per_minute = 0\n{route}"), "rate_per_minute"),
            (format!("[sinks.log]\ntype = 'slack'\nurl = 'ftp://example.com'\n{route}"), "https"),
            (format!("[sinks.log]\ntype = 'slack'\nurl = 'http://example.com'\n{route}"), "https"),
            (format!("[sinks.log]\ntype = 'slack'\nurl = 'https://a:b@example.com'\n{route}"), "user"),
            (
                format!("[sinks.log]\ntype = 'pagerduty'\nrouting_key = 'hunter2'\n{route}"),
                "a secret is not written here",
            ),
            (format!("[sinks.log]\ntype = 'sns'\ntopic_arn = 'topic'\n{route}"), "topic_arn"),
            (format!("{sink}allow_addresses = ['169.254.169.254/32']\n{route}"), "can never be allowed"),
            (format!("{sink}{route}[[silences]]\nreason = 'x'\nrules = ['*']\n"), "missing field `until`"),
            (
                format!("{sink}{route}[[silences]]\nreason = ''\nuntil = '2026-01-01T00:00:00Z'\nrules = ['*']\n"),
                "reason",
            ),
            (format!("{sink}{route}[[silences]]\nreason = 'x'\nuntil = 'later'\nrules = ['*']\n"), "RFC 3339"),
            (format!("{sink}{route}[[silences]]\nreason = 'x'\nuntil = '2026-01-01T00:00:00Z'\n"), "says of nothing"),
            (format!("{sink}{route}nonsense"), "line"),
            (format!("[delivery]\nmax_outbox_bytes = 67108863\n{sink}{route}"), "at least 67108864"),
        ] {
            let error = Config::parse(&text).err().map(|error| error.to_string()).unwrap_or_default();
            assert!(error.contains(reason), "{text}\n-> {error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
    }
}
