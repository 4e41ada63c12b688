//! The configuration of `watch`: defaults < file < environment < flags.
//!
//! The file is TOML: `[watch]`, `[rules]`, `[lake]`, `[metrics]`, and delivery's own sections (`docs/deliver.md`) and
//! [`account`]'s beside them. Each key has a variable: `TRAILHOUND_WATCH_POLL` is `poll` of `[watch]`. A key that nobody knows is refused with
//! the nearest name: what is misspelt must not be left out in silence. Knows names and kinds, and not what they do.

pub(crate) mod account;
mod environment;
pub(crate) mod nearest;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use chrono::TimeDelta;
use serde::de::{Error as _, IgnoredAny};
use serde::{Deserialize, Deserializer, Serialize};

use crate::cli::{LogFormat, duration};
use account::Account;

/// A configuration is written by people.
const BYTES_MAX: u64 = 1 << 20;
/// Sections of delivery's.
const DELIVERY: [&str; 4] = ["delivery", "sinks", "routes", "silences"];

/// What a file and the environment say; what neither says is `None`.
#[derive(Debug, Default)]
pub(crate) struct Config {
    pub(crate) watch: Watch,
    pub(crate) rules: Rules,
    pub(crate) lake: Lake,
    pub(crate) metrics: Metrics,
    /// `[[account]]`: accounts that are read as well.
    pub(crate) accounts: Vec<Account>,
    /// Where the file has sections of delivery's.
    pub(crate) delivery: Option<deliver::Config>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct File {
    watch: Watch,
    rules: Rules,
    lake: Lake,
    metrics: Metrics,
    account: Vec<Account>,
    #[serde(rename = "delivery")]
    _delivery: Option<IgnoredAny>,
    #[serde(rename = "sinks")]
    _sinks: Option<IgnoredAny>,
    #[serde(rename = "routes")]
    _routes: Option<IgnoredAny>,
    #[serde(rename = "silences")]
    _silences: Option<IgnoredAny>,
}

/// `[watch]`
#[derive(Debug, Default, Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Watch {
    pub(crate) source: Option<Vec<PathBuf>>,
    pub(crate) commit_after: Option<Span>,
    pub(crate) commit_rows: Option<u64>,
    pub(crate) poll: Option<Span>,
    pub(crate) look_back: Option<Span>,
    pub(crate) allowed_lateness: Option<Span>,
    pub(crate) page_within: Option<Span>,
    pub(crate) log_format: Option<LogFormat>,
    pub(crate) suppress: Option<Vec<PathBuf>>,
    pub(crate) verify_digests: Option<bool>,
    pub(crate) verify_every: Option<Span>,
    pub(crate) public_keys: Option<PathBuf>,
    pub(crate) region: Option<String>,
    pub(crate) profile: Option<String>,
    pub(crate) endpoint_url: Option<String>,
    pub(crate) role_arn: Option<String>,
    pub(crate) external_id: Option<String>,
}

/// `[rules]`
#[derive(Debug, Default, Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Rules {
    pub(crate) folders: Option<Vec<PathBuf>>,
    pub(crate) shipped: Option<bool>,
    pub(crate) reload: Option<bool>,
    pub(crate) lists: Option<BTreeMap<String, PathBuf>>,
}

/// `[lake]`
#[derive(Debug, Default, Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Lake {
    pub(crate) place: Option<String>,
}

/// `[metrics]`
#[derive(Debug, Default, Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Metrics {
    pub(crate) listen: Option<std::net::SocketAddr>,
}

/// A length of time, as on the command line: `30s`, `15m`, `7d`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span(pub(crate) TimeDelta);

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let span = duration::parse(&text).map_err(|reason| D::Error::custom(format!("`{text}` {reason}")))?;
        Ok(Span(span))
    }
}

impl Serialize for Span {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{}s", self.0.num_seconds()))
    }
}

/// The environment, as far as it is text.
pub(crate) fn variables() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}

impl Config {
    /// What a file, if there is one, and the environment say.
    ///
    /// # Errors
    /// A sentence with the file, the line where there is one, and what to write instead.
    pub(crate) fn load(
        file: Option<&Path>,
        environment: impl Iterator<Item = (String, String)>,
    ) -> Result<Config, String> {
        let name = file.map(|file| file.display().to_string());
        let text = file.map(read).transpose()?;
        let named = |reason: String| name.as_ref().map_or(reason.clone(), |name| format!("{name}: {reason}"));
        let mut config = Config::parse(text.as_deref().unwrap_or_default()).map_err(named)?;
        // What is in the environment is read as the same sections, so that it means the same.
        let over = environment::table(environment)?;
        let over: File = over.try_into().map_err(|error: toml::de::Error| {
            format!("the environment (TRAILHOUND_…): {}", nearest::explain(error.message()))
        })?;
        config.watch.cover(over.watch);
        config.rules.cover(over.rules);
        config.lake.place = over.lake.place.or(config.lake.place.take());
        config.metrics.listen = over.metrics.listen.or(config.metrics.listen);
        Ok(config)
    }

    /// What a text says.
    ///
    /// # Errors
    /// A sentence with the line, where there is one.
    pub(crate) fn parse(text: &str) -> Result<Config, String> {
        let file: File = toml::from_str(text).map_err(|error| {
            // Not its Display, which repeats the line: somebody may have written a secret there after all.
            let line = error.span().map(|span| text.get(..span.start).unwrap_or_default().matches('\n').count() + 1);
            let place = line.map(|line| format!("line {line}: ")).unwrap_or_default();
            format!("{place}{}", nearest::explain(error.message()))
        })?;
        let sections: toml::Table = toml::from_str(text).map_err(|error| error.message().to_owned())?;
        let delivery = match sections.keys().any(|key| DELIVERY.contains(&key.as_str())) {
            true => Some(deliver::Config::parse(text).map_err(|error| nearest::explain(&error.to_string()))?),
            false => None,
        };
        account::check(&file.account)?;
        let File { watch, rules, lake, metrics, account: accounts, .. } = file;
        Ok(Config { watch, rules, lake, metrics, accounts, delivery })
    }
}

fn read(file: &Path) -> Result<String, String> {
    let named = |error: std::io::Error| format!("{}: {error}; give a configuration in TOML", file.display());
    if std::fs::metadata(file).map_err(named)?.len() > BYTES_MAX {
        return Err(format!("{}: too long for a configuration", file.display()));
    }
    std::fs::read_to_string(file).map_err(named)
}

impl Watch {
    /// What `over` says counts, and what it leaves open stays.
    fn cover(&mut self, over: Watch) {
        let under = std::mem::take(self);
        *self = Watch {
            source: over.source.or(under.source),
            commit_after: over.commit_after.or(under.commit_after),
            commit_rows: over.commit_rows.or(under.commit_rows),
            poll: over.poll.or(under.poll),
            look_back: over.look_back.or(under.look_back),
            allowed_lateness: over.allowed_lateness.or(under.allowed_lateness),
            page_within: over.page_within.or(under.page_within),
            log_format: over.log_format.or(under.log_format),
            suppress: over.suppress.or(under.suppress),
            verify_digests: over.verify_digests.or(under.verify_digests),
            verify_every: over.verify_every.or(under.verify_every),
            public_keys: over.public_keys.or(under.public_keys),
            region: over.region.or(under.region),
            profile: over.profile.or(under.profile),
            endpoint_url: over.endpoint_url.or(under.endpoint_url),
            role_arn: over.role_arn.or(under.role_arn),
            external_id: over.external_id.or(under.external_id),
        };
    }
}

impl Rules {
    fn cover(&mut self, over: Rules) {
        let under = std::mem::take(self);
        *self = Rules {
            folders: over.folders.or(under.folders),
            shipped: over.shipped.or(under.shipped),
            reload: over.reload.or(under.reload),
            lists: over.lists.or(under.lists),
        };
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const ALL: &str = r#"
[watch]
source = ["sqs://trail", "s3://bucket"]
commit_after = "10s"
commit_rows = 1000
poll = "1m"
look_back = "3d"
allowed_lateness = "20m"
page_within = "1d"
log_format = "json"
suppress = ["known.yml"]
verify_digests = true
verify_every = "5m"
public_keys = "keys.json"
region = "eu-west-1"
profile = "p"
endpoint_url = "http://127.0.0.1:1"
role_arn = "arn:aws:iam::111122223333:role/logs"
external_id = "x"

[rules]
folders = ["ours"]
shipped = false
reload = false
lists = { admins = "admins.txt" }

[lake]
place = "lake"

[metrics]
listen = "127.0.0.1:9464"

[sinks.log]
type = "stdout"

[[routes]]
sinks = ["log"]
"#;

    fn env(pairs: &[(&str, &str)]) -> std::vec::IntoIter<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect::<Vec<_>>().into_iter()
    }

    #[test]
    fn every_key_and_what_covers_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("t.toml");
        std::fs::write(&file, ALL).unwrap();
        let plain = Config::load(Some(&file), env(&[("TRAILHOUND_CRASH_AT", "x"), ("PATH", "/bin")])).unwrap();
        assert_eq!(plain.watch.commit_after, Some(Span(TimeDelta::seconds(10))));
        assert_eq!(plain.delivery.unwrap().sinks.len(), 1);
        let over = [
            ("TRAILHOUND_WATCH_SOURCE", "a,b"),
            ("TRAILHOUND_WATCH_COMMIT_ROWS", "7"),
            ("TRAILHOUND_RULES_SHIPPED", "true"),
            ("TRAILHOUND_RULES_LISTS", "x=y.txt"),
            ("TRAILHOUND_LAKE_PLACE", "other"),
            ("TRAILHOUND_METRICS_LISTEN", "127.0.0.1:0"),
        ];
        let covered = Config::load(Some(&file), env(&over)).unwrap();
        assert_eq!(covered.watch.source, Some(vec![PathBuf::from("a"), PathBuf::from("b")]));
        assert_eq!((covered.watch.commit_rows, covered.watch.poll), (Some(7), Some(Span(TimeDelta::minutes(1)))));
        assert_eq!((covered.rules.shipped, covered.lake.place.as_deref()), (Some(true), Some("other")));
        assert_eq!(covered.rules.lists.unwrap().get("x"), Some(&PathBuf::from("y.txt")));
        assert_eq!(covered.metrics.listen.unwrap().port(), 0);
    }

    #[test]
    fn what_is_wrong_is_said_with_the_nearest_name() {
        for (text, reason) in [
            ("[wacth]\n", "line 1: unknown field `wacth`, did you mean `watch`?"),
            ("[watch]\nsorce = ['x']\n", "line 2: unknown field `sorce`, did you mean `source`?"),
            ("[metrics]\nport = 1\n", "unknown field `port`, expected `listen`"),
            ("[watch]\npoll = '3'\n", "line 2: `3` has no unit"),
            ("[watch]\ncommit_rows = -1\n", "line 2"),
            ("[metrics]\nlisten = 'here'\n", "line 2"),
            (
                "[sinks.log]\ntype = 'stdout'\n[[routes]]\nsinks = ['log']\nseverety = 'high'\n",
                "did you mean `severity`?",
            ),
            ("[[routes]]\nsinks = ['log']\n", "there are no sinks"),
        ] {
            let error = Config::parse(text).unwrap_err();
            assert!(error.contains(reason), "{text}\n-> {error}");
        }
        let error = Config::load(None, env(&[("TRAILHOUND_WATCH_POL", "1s")])).unwrap_err();
        assert!(error.contains("TRAILHOUND_WATCH_POL") && error.contains("TRAILHOUND_WATCH_POLL"), "{error}");
        let error = Config::load(None, env(&[("TRAILHOUND_WATCH_COMMIT_ROWS", "many")])).unwrap_err();
        assert!(error.contains("TRAILHOUND_WATCH_COMMIT_ROWS"), "{error}");
        assert!(Config::load(Some(Path::new("/nowhere.toml")), env(&[])).unwrap_err().contains("/nowhere.toml"));
    }
}
