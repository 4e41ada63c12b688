//! One POST: no redirects, no proxy, an answer of bounded size in bounded time.

use std::error::Error as _;
use std::sync::Arc;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use url::Url;

use super::Verdict;
use super::answer::{self, Answer};
use super::guard::{Guard, Refused, Resolver};
use crate::config::SinkConfig;

/// What of an answer is read; the rest is not waited for.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// A client for one sink.
pub(super) struct Http {
    client: reqwest::Client,
    url: Url,
    guard: Arc<Guard>,
}

impl Http {
    pub(super) fn open(url: Url, config: &SinkConfig) -> Result<Http, String> {
        let limits = &config.limits;
        let guard = Arc::new(Guard::new(&limits.allow_addresses, url.scheme() != "https"));
        // An address that is written out will not change its mind: better refused now than with each message.
        guard.check_url(&url).map_err(|refused| refused.to_string())?;
        let client = reqwest::Client::builder()
            .user_agent(concat!("trailhound/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            // A proxy would do the resolving, where nobody looks at the address.
            .no_proxy()
            .dns_resolver(Arc::new(Resolver(guard.clone())))
            .timeout(limits.timeout.0)
            .connect_timeout(limits.timeout.0)
            .pool_max_idle_per_host(1)
            .build()
            .map_err(|e| format!("no HTTP client: {}", e.without_url()))?;
        Ok(Http { client, url, guard })
    }

    /// The address, for signing.
    pub(super) fn url(&self) -> &Url {
        &self.url
    }

    /// Sends a body.
    ///
    /// # Errors
    /// The verdict on an attempt that got no answer.
    pub(super) async fn post(&self, headers: &[(String, String)], body: Vec<u8>) -> Result<Answer, Verdict> {
        self.guard.check_url(&self.url).map_err(|refused| Verdict::Never { why: refused.to_string() })?;
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|e| Verdict::Never { why: e.to_string() })?;
            // Not the error's own words: the value may be a token.
            let mut value = HeaderValue::from_str(value)
                .map_err(|_| Verdict::Never { why: format!("the value of the header {name} cannot be sent") })?;
            value.set_sensitive(true);
            map.append(name, value);
        }
        let request = self.client.post(self.url.clone()).headers(map).body(body);
        let mut response = request.send().await.map_err(verdict)?;
        let retry_after = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        let retry_after = retry_after.and_then(|text| answer::retry_after(text, crate::clock::now()));
        let status = response.status().as_u16();
        let mut bytes = Vec::new();
        while bytes.len() < ANSWER_BYTES_MAX {
            match response.chunk().await {
                Ok(Some(chunk)) => bytes.extend(chunk.iter().take(ANSWER_BYTES_MAX - bytes.len())),
                Ok(None) => break,
                // It has answered; what it had to say beyond the status is a courtesy.
                Err(_) if (200..300).contains(&status) => break,
                Err(error) => return Err(verdict(error)),
            }
        }
        Ok(Answer { status, retry_after, body: String::from_utf8_lossy(&bytes).into_owned() })
    }
}

/// What an attempt without an answer means: later, unless the guard refused.
fn verdict(error: reqwest::Error) -> Verdict {
    let error = error.without_url();
    let mut causes = vec![error.to_string()];
    let mut cause = error.source();
    while let Some(deeper) = cause {
        if let Some(refused) = deeper.downcast_ref::<Refused>() {
            return Verdict::Never { why: refused.to_string() };
        }
        causes.push(deeper.to_string());
        cause = deeper.source();
    }
    let why = if error.is_timeout() { "no answer in time".to_owned() } else { causes.join(": ") };
    Verdict::Later { after: None, why: crate::visible::clip(&crate::visible::line(&why), 300) }
}
