//! Requests: what each kind of HTTP sink is sent, with its secrets, and how its answer is read.

use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;
use url::Url;

use super::answer::Answer;
use super::aws::Signer;
use super::http::Http;
use super::{Outside, Sending, Sink, Verdict};
use crate::clock::now;
use crate::config::{Form, SinkConfig, check_url, topic_region};
use crate::message::Message;
use crate::payload::{alertmanager, eventbridge, json, pagerduty, securityhub, slack, sns};
use crate::secret::{Address, Secret};
use crate::span::Span;
use crate::visible;

/// A sink that is called over HTTP.
pub(super) struct HttpSink {
    http: Http,
    shape: Shape,
    signer: Option<Signer>,
}

/// What is sent.
enum Shape {
    Webhook { secret: Option<Secret>, bearer: Option<Secret> },
    Slack,
    PagerDuty { routing_key: Secret },
    Alertmanager { bearer: Option<Secret>, resolve_after: Span },
    Sns { topic_arn: String },
    EventBridge { bus: String, source: String },
    SecurityHub(securityhub::Hub),
}

/// A request before it is signed.
struct Prepared {
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl HttpSink {
    pub(super) fn open(config: &SinkConfig, outside: &Outside) -> Result<HttpSink, String> {
        let read = |reference: &Option<crate::secret::Reference>| reference.as_ref().map(|r| r.read()).transpose();
        let (address, shape, service) = match &config.form {
            Form::Stdout {} | Form::File { .. } => return Err("is not called over HTTP".to_owned()),
            Form::Webhook { url, secret, bearer } => {
                (url.read()?, Shape::Webhook { secret: read(secret)?, bearer: read(bearer)? }, None)
            }
            Form::Slack { url } => (url.read()?, Shape::Slack, None),
            Form::PagerDuty { routing_key, url, .. } => {
                (url.read()?, Shape::PagerDuty { routing_key: routing_key.read()? }, None)
            }
            Form::Alertmanager { url, bearer, resolve_after } => {
                let shape = Shape::Alertmanager { bearer: read(bearer)?, resolve_after: *resolve_after };
                (with_path(url.read()?.expose(), "api/v2/alerts"), shape, None)
            }
            Form::Sns { topic_arn, endpoint_url } => {
                let region = topic_region(topic_arn).unwrap_or_default().to_owned();
                let shape = Shape::Sns { topic_arn: topic_arn.clone() };
                (endpoint(endpoint_url, "sns", &region, "")?, shape, Some(("sns", region)))
            }
            Form::EventBridge { region, event_bus, source, endpoint_url } => {
                let shape = Shape::EventBridge { bus: event_bus.clone(), source: source.clone() };
                (endpoint(endpoint_url, "events", region, "")?, shape, Some(("events", region.clone())))
            }
            Form::SecurityHub { region, account, product_arn, endpoint_url } => {
                let partition = securityhub::partition(region);
                let default = format!("arn:{partition}:securityhub:{region}:{account}:product/{account}/default");
                let shape = Shape::SecurityHub(securityhub::Hub {
                    account: account.clone(),
                    region: region.clone(),
                    product_arn: product_arn.clone().unwrap_or(default),
                });
                let url = endpoint(endpoint_url, "securityhub", region, "findings/import")?;
                (url, shape, Some(("securityhub", region.clone())))
            }
        };
        let url = check_url(address.expose(), !config.limits.allow_addresses.is_empty())?;
        let signer = match service {
            None => None,
            Some((service, region)) => {
                let credentials = outside.credentials.clone();
                let credentials = credentials.ok_or("needs credentials for AWS, and there are none")?;
                Some(Signer { service, region, credentials })
            }
        };
        Ok(HttpSink { http: Http::open(url, config)?, shape, signer })
    }

    async fn attempt(&self, message: &Message) -> Result<Answer, Verdict> {
        let mut prepared = self.shape.prepare(message, now());
        if let Some(signer) = &self.signer {
            signer.sign(self.http.url(), &mut prepared.headers, &prepared.body).await?;
        }
        self.http.post(&prepared.headers, prepared.body).await
    }
}

impl HttpSink {
    /// A server may repeat what it was sent; what is kept and shown must not.
    fn without_secrets(&self, verdict: Verdict) -> Verdict {
        let mut secrets: Vec<&str> = self.shape.secrets().into_iter().map(Secret::expose).collect();
        // Of a webhook's URL the path is what lets one in.
        secrets.push(self.http.url().path());
        let clean = |why: String| {
            let long_enough = secrets.iter().filter(|secret| secret.len() >= 6);
            long_enough.fold(why, |why, secret| why.replace(secret, "[secret]"))
        };
        match verdict {
            Verdict::Sent => Verdict::Sent,
            Verdict::Later { after, why } => Verdict::Later { after, why: clean(why) },
            Verdict::Never { why } => Verdict::Never { why: clean(why) },
        }
    }
}

impl Sink for HttpSink {
    fn send<'a>(&'a self, message: &'a Message) -> Sending<'a> {
        Box::pin(async move {
            let verdict = match self.attempt(message).await {
                Err(verdict) => verdict,
                Ok(answer) => self.shape.verdict(&answer),
            };
            self.without_secrets(verdict)
        })
    }
}

impl Shape {
    fn secrets(&self) -> Vec<&Secret> {
        match self {
            Shape::Webhook { secret, bearer } => secret.iter().chain(bearer).collect(),
            Shape::PagerDuty { routing_key } => vec![routing_key],
            Shape::Alertmanager { bearer, .. } => bearer.iter().collect(),
            Shape::Slack | Shape::Sns { .. } | Shape::EventBridge { .. } | Shape::SecurityHub(_) => Vec::new(),
        }
    }

    fn prepare(&self, message: &Message, now: i64) -> Prepared {
        let json_body = |value: Value| visible::json(&value.to_string()).into_bytes();
        let (kind, body) = match self {
            Shape::Webhook { .. } => ("application/json", json_body(json::body(message))),
            Shape::Slack => ("application/json", json_body(slack::message(message))),
            Shape::PagerDuty { routing_key } => {
                let mut event = pagerduty::event(message);
                if let Some(event) = event.as_object_mut() {
                    event.insert("routing_key".to_owned(), Value::String(routing_key.expose().to_owned()));
                }
                ("application/json", json_body(event))
            }
            Shape::Alertmanager { resolve_after, .. } => {
                // From now, not from when it was made: one that waited must not be over when it arrives.
                let ends = now.saturating_add(resolve_after.micros());
                ("application/json", json_body(alertmanager::alerts(message, ends)))
            }
            Shape::Sns { topic_arn } => {
                ("application/x-www-form-urlencoded", form(&sns::publish(message, topic_arn)).into_bytes())
            }
            Shape::EventBridge { bus, source } => {
                ("application/x-amz-json-1.1", json_body(eventbridge::put_events(message, bus, source)))
            }
            Shape::SecurityHub(hub) => ("application/json", json_body(securityhub::findings(message, hub))),
        };
        let mut headers = vec![("content-type".to_owned(), kind.to_owned())];
        let mut add = |name: &str, value: String| headers.push((name.to_owned(), value));
        match self {
            Shape::Webhook { secret, bearer } => {
                let timestamp = now.div_euclid(1_000_000).to_string();
                add("idempotency-key", message.key.clone());
                add("x-signature-timestamp", timestamp.clone());
                if let Some(secret) = secret {
                    add("x-signature-256", format!("sha256={}", signature(secret, &timestamp, &body)));
                }
                if let Some(bearer) = bearer {
                    add("authorization", format!("Bearer {}", bearer.expose()));
                }
            }
            Shape::Alertmanager { bearer: Some(bearer), .. } => {
                add("authorization", format!("Bearer {}", bearer.expose()));
            }
            Shape::EventBridge { .. } => add("x-amz-target", "AWSEvents.PutEvents".to_owned()),
            _ => {}
        }
        Prepared { headers, body }
    }

    fn verdict(&self, answer: &Answer) -> Verdict {
        match self {
            Shape::Sns { .. } => answer.verdict_of_aws(),
            Shape::EventBridge { .. } => answer.verdict_of_entries(),
            Shape::SecurityHub(_) => answer.verdict_of_findings(),
            Shape::Webhook { .. } | Shape::Slack | Shape::PagerDuty { .. } | Shape::Alertmanager { .. } => {
                answer.verdict()
            }
        }
    }
}

/// HMAC-SHA256 over `timestamp.body`, in hexadecimal: the time is signed too, so that an old request cannot be sent again.
fn signature(secret: &Secret, timestamp: &str, body: &[u8]) -> String {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.expose().as_bytes()) else {
        // HMAC takes keys of any length.
        return String::new();
    };
    mac.update(timestamp.as_bytes());
    mac.update(b".");
    mac.update(body);
    mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Parameters of an action as the query protocol takes them.
fn form(parameters: &Value) -> String {
    let mut pairs = url::form_urlencoded::Serializer::new(String::new());
    pairs.append_pair("Action", "Publish").append_pair("Version", "2010-03-31");
    for (name, value) in parameters.as_object().into_iter().flatten() {
        match value {
            Value::Object(attributes) => {
                for (number, (attribute, value)) in attributes.iter().enumerate() {
                    let entry = format!("{name}.entry.{}", number + 1);
                    pairs.append_pair(&format!("{entry}.Name"), attribute);
                    pairs.append_pair(&format!("{entry}.Value.DataType"), "String");
                    pairs.append_pair(&format!("{entry}.Value.StringValue"), value.as_str().unwrap_or_default());
                }
            }
            value => {
                pairs.append_pair(name, value.as_str().unwrap_or_default());
            }
        }
    }
    pairs.finish()
}

fn endpoint(given: &Option<Address>, service: &str, region: &str, path: &str) -> Result<Secret, String> {
    if let Some(given) = given {
        return Ok(with_path(given.read()?.expose(), path));
    }
    let suffix = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
    Ok(Secret::new(format!("https://{service}.{region}.{suffix}/{path}")))
}

/// The URL with a path at its end, unless it ends so already. What is no URL stays as it is and is refused later.
fn with_path(url: &str, path: &str) -> Secret {
    let Ok(mut parsed) = Url::parse(url) else { return Secret::new(url.to_owned()) };
    let base = parsed.path().trim_end_matches('/').to_owned();
    if !path.is_empty() && !base.ends_with(path) {
        parsed.set_path(&format!("{base}/{path}"));
    }
    Secret::new(parsed.to_string())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_anyone_can_check() {
        // Made with: printf '%s' '1700000000.{"a":1}' | openssl dgst -sha256 -hmac 'key'
        let signed = signature(&Secret::new("key".to_owned()), "1700000000", br#"{"a":1}"#);
        assert_eq!(signed, "a438e398bfafc57e4396bb7fc2304422f0f768e965d073ca313cb52e22e6ad03");
    }

    #[test]
    fn paths_are_added_once() {
        for (url, expected) in [
            ("http://am:9093", "http://am:9093/api/v2/alerts"),
            ("http://am:9093/prefix/", "http://am:9093/prefix/api/v2/alerts"),
            ("http://am:9093/api/v2/alerts", "http://am:9093/api/v2/alerts"),
        ] {
            assert_eq!(with_path(url, "api/v2/alerts").expose(), expected);
        }
        assert_eq!(
            endpoint(&None, "sns", "cn-north-1", "").unwrap().expose(),
            "https://sns.cn-north-1.amazonaws.com.cn/"
        );
    }

    #[test]
    fn the_query_protocol() {
        let text = form(&serde_json::json!({"Message": "a&b", "MessageAttributes": {"rule": "r"}}));
        assert_eq!(
            text,
            "Action=Publish&Version=2010-03-31&Message=a%26b&MessageAttributes.entry.1.Name=rule\
             &MessageAttributes.entry.1.Value.DataType=String&MessageAttributes.entry.1.Value.StringValue=r"
        );
    }
}
