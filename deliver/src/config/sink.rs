//! `[sinks.NAME]`: one place that alerts go to, and how patiently.

use std::path::PathBuf;

use ipnet::IpNet;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use url::Url;

use crate::secret::{Address, Reference};
use crate::send::guard;
use crate::span::Span;

/// A sink: what it is, and its limits.
#[derive(Debug, Clone)]
pub struct SinkConfig {
    /// What it is.
    pub form: Form,
    /// Its limits.
    pub limits: Limits,
}

/// What every kind of sink has.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// How long one attempt may take.
    pub timeout: Span,
    /// After the n-th failure the next attempt comes after a random part of `retry_base`·2ⁿ …
    pub retry_base: Span,
    /// … but of no more than this.
    pub retry_max: Span,
    /// A message that the sink has not taken for so long is dead: it is kept, and can be replayed.
    pub give_up_after: Span,
    /// Messages a minute; `None`: the kind's own.
    pub rate_per_minute: Option<u32>,
    /// Messages that may go at once after a rest; `None`: the kind's own.
    pub burst: Option<u32>,
    /// Messages that may wait for this sink; alerts beyond that are counted in a digest.
    pub max_pending: usize,
    /// Networks that are not public and may be called all the same, as `10.1.2.0/24`.
    #[serde(deserialize_with = "networks")]
    pub allow_addresses: Vec<IpNet>,
    /// Older alerts come as a digest; `None`: the kind's own.
    pub max_age: Option<Span>,
    /// Whether digests are sent; `None`: the kind's own.
    pub digest: Option<bool>,
}

/// The names of [`Limits`], to tell them from the keys of a kind.
const LIMITS: &[&str] = &[
    "timeout",
    "retry_base",
    "retry_max",
    "give_up_after",
    "rate_per_minute",
    "burst",
    "max_pending",
    "allow_addresses",
    "max_age",
    "digest",
];

impl Default for Limits {
    fn default() -> Self {
        Limits {
            timeout: Span::seconds(10),
            retry_base: Span::seconds(1),
            retry_max: Span::seconds(300),
            give_up_after: Span::seconds(24 * 3_600),
            rate_per_minute: None,
            burst: None,
            max_pending: 10_000,
            allow_addresses: Vec::new(),
            max_age: None,
            digest: None,
        }
    }
}

/// The kinds of sinks.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase", deny_unknown_fields)]
pub enum Form {
    /// JSON lines on standard output.
    Stdout {},
    /// JSON lines at the end of a file.
    File {
        /// The file; its folder must exist.
        path: PathBuf,
    },
    /// A POST of JSON, signed if there is a secret.
    Webhook {
        /// Where to.
        url: Address,
        /// Key of the HMAC-SHA256 signature.
        secret: Option<Reference>,
        /// Sent as `Authorization: Bearer`.
        bearer: Option<Reference>,
    },
    /// A Slack incoming webhook.
    Slack {
        /// The webhook's URL, which is a secret: better a reference.
        url: Address,
    },
    /// PagerDuty Events API v2.
    PagerDuty {
        /// Integration key of the service.
        routing_key: Reference,
        /// Another region's or server's address.
        #[serde(default = "pagerduty")]
        url: Address,
        /// Resolve the incident when its group has been quiet for so long.
        resolve_after: Option<Span>,
    },
    /// Prometheus Alertmanager, API v2.
    Alertmanager {
        /// Its address, with `/api/v2/alerts` or without.
        url: Address,
        /// Sent as `Authorization: Bearer`.
        bearer: Option<Reference>,
        /// An alert resolves after so long.
        #[serde(default = "hour")]
        resolve_after: Span,
    },
    /// Amazon SNS.
    Sns {
        /// The topic; says the region too.
        topic_arn: String,
        /// Another server that speaks SNS.
        endpoint_url: Option<Address>,
    },
    /// Amazon EventBridge, PutEvents.
    EventBridge {
        /// The region of the bus.
        region: String,
        /// Name or ARN of the bus.
        #[serde(default = "bus")]
        event_bus: String,
        /// The events' `source`.
        #[serde(default = "source")]
        source: String,
        /// Another server that speaks EventBridge.
        endpoint_url: Option<Address>,
    },
    /// AWS Security Hub, BatchImportFindings.
    SecurityHub {
        /// The region.
        region: String,
        /// The account whose credentials are used: findings are imported into it.
        account: String,
        /// Another product than the account's default one.
        product_arn: Option<String>,
        /// Another server that speaks Security Hub.
        endpoint_url: Option<Address>,
    },
}

/// Written out, because ipnet's own serde feature would be built for everybody.
fn networks<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<IpNet>, D::Error> {
    let parse =
        |text: String| text.parse().map_err(|_| D::Error::custom(format!("`{text}` is no network: write 10.1.2.0/24")));
    Vec::<String>::deserialize(deserializer)?.into_iter().map(parse).collect()
}

fn pagerduty() -> Address {
    Address::Plain("https://events.pagerduty.com/v2/enqueue".to_owned())
}

fn hour() -> Span {
    Span::seconds(3_600)
}

fn bus() -> String {
    "default".to_owned()
}

fn source() -> String {
    "trailhound".to_owned()
}

impl SinkConfig {
    /// Reads the table of a sink.
    pub(super) fn of(mut table: toml::Table) -> Result<SinkConfig, String> {
        let mut common = toml::Table::new();
        for name in LIMITS {
            if let Some(value) = table.remove(*name) {
                common.insert((*name).to_owned(), value);
            }
        }
        let message = |error: toml::de::Error| error.message().to_owned();
        let sink = SinkConfig { form: table.try_into().map_err(message)?, limits: common.try_into().map_err(message)? };
        sink.check()?;
        Ok(sink)
    }

    fn check(&self) -> Result<(), String> {
        let limits = &self.limits;
        if limits.rate_per_minute == Some(0) || limits.burst == Some(0) {
            return Err("rate_per_minute and burst are at least 1".to_owned());
        }
        if limits.timeout.0.is_zero() || limits.max_pending == 0 {
            return Err("timeout and max_pending are more than 0".to_owned());
        }
        if let Some(network) = limits.allow_addresses.iter().find(|network| guard::never(network)) {
            return Err(format!(
                "allow_addresses: {network} holds addresses that can never be allowed (link-local, where instance credentials are, multicast, unspecified)"
            ));
        }
        for url in self.form.urls() {
            if let Address::Plain(text) = url {
                check_url(text, !limits.allow_addresses.is_empty())?;
            }
        }
        self.form.check()
    }
}

/// Whether a sink may be at this URL. Errors do not repeat it: it may hold a secret.
pub(crate) fn check_url(text: &str, plain_http_allowed: bool) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|e| format!("the URL cannot be read: {e}"))?;
    match url.scheme() {
        "https" => {}
        // Only to an address in allow_addresses, which the guard sees to.
        "http" if plain_http_allowed => {}
        _ => return Err("the URL must begin with https:// (http:// only to allow_addresses)".to_owned()),
    }
    if !url.has_host() {
        return Err("the URL names no host".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("the URL holds a user or password: use bearer = { env = \"NAME\" } instead".to_owned());
    }
    Ok(url)
}

impl Form {
    fn urls(&self) -> Vec<&Address> {
        match self {
            Form::Stdout {} | Form::File { .. } => Vec::new(),
            Form::Webhook { url, .. }
            | Form::Slack { url }
            | Form::PagerDuty { url, .. }
            | Form::Alertmanager { url, .. } => vec![url],
            Form::Sns { endpoint_url, .. }
            | Form::EventBridge { endpoint_url, .. }
            | Form::SecurityHub { endpoint_url, .. } => endpoint_url.iter().collect(),
        }
    }

    fn check(&self) -> Result<(), String> {
        match self {
            Form::Sns { topic_arn, .. } if topic_region(topic_arn).is_none() => {
                Err("topic_arn is as arn:aws:sns:REGION:ACCOUNT:NAME".to_owned())
            }
            Form::EventBridge { region, .. } | Form::SecurityHub { region, .. } if !is_region(region) => {
                Err("region is as eu-central-1".to_owned())
            }
            Form::SecurityHub { account, .. }
                if account.len() != 12 || !account.bytes().all(|b| b.is_ascii_digit()) =>
            {
                Err("account is 12 digits, as text".to_owned())
            }
            _ => Ok(()),
        }
    }

    /// Name of the kind, as in `type`.
    pub fn name(&self) -> &'static str {
        match self {
            Form::Stdout {} => "stdout",
            Form::File { .. } => "file",
            Form::Webhook { .. } => "webhook",
            Form::Slack { .. } => "slack",
            Form::PagerDuty { .. } => "pagerduty",
            Form::Alertmanager { .. } => "alertmanager",
            Form::Sns { .. } => "sns",
            Form::EventBridge { .. } => "eventbridge",
            Form::SecurityHub { .. } => "securityhub",
        }
    }

    /// Alerts that one request to it holds. EventBridge's rules look at one alert; Security Hub takes 100 and 240 KB each.
    pub(crate) fn notices_max(&self) -> usize {
        match self {
            Form::EventBridge { .. } => 1,
            Form::Slack { .. } => 8,
            Form::PagerDuty { .. } | Form::Sns { .. } => 20,
            Form::Stdout {} | Form::File { .. } | Form::Webhook { .. } | Form::Alertmanager { .. } => 50,
            Form::SecurityHub { .. } => 50,
        }
    }

    /// Whether it wakes people: then old alerts are told in a digest. The others keep records, and want each alert.
    pub(crate) fn wakes(&self) -> bool {
        matches!(self, Form::Slack { .. } | Form::PagerDuty { .. } | Form::Alertmanager { .. } | Form::Sns { .. })
    }

    /// Whether it gets digests if nothing is said: an incident for last week's news would wake people too.
    pub(crate) fn digests(&self) -> bool {
        !matches!(self, Form::PagerDuty { .. })
    }

    /// Messages a minute, and at once, that its API takes. Slack: one a second; the others far more than alerts come.
    pub(crate) fn rate(&self) -> (u32, u32) {
        match self {
            Form::Stdout {} | Form::File { .. } => (60_000, 1_000),
            Form::Slack { .. } => (60, 1),
            Form::PagerDuty { .. } => (120, 10),
            _ => (600, 20),
        }
    }
}

/// The region in a topic's ARN.
pub(crate) fn topic_region(arn: &str) -> Option<&str> {
    let mut parts = arn.split(':');
    let head = (parts.next(), parts.next(), parts.next());
    let (region, account, name) = (parts.next()?, parts.next()?, parts.next()?);
    let plausible = matches!(head, (Some("arn"), Some(_), Some("sns"))) && is_region(region);
    (plausible && account.len() == 12 && !name.is_empty()).then_some(region)
}

/// A region becomes part of a host name: nothing but letters, digits and dashes.
fn is_region(region: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    (5..=32).contains(&region.len()) && region.bytes().all(plain) && region.contains('-')
}
