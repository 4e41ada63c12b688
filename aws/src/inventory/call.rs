//! One signed call and its answer, tried again where that is worth it.

use std::time::SystemTime;

use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use serde_json::Value;
use url::Url;

use super::xml;
use crate::backoff::{Backoff, lot};
use crate::connection::{CONNECT_TIMEOUT, Connection, PAUSE_MAX, READ_TIMEOUT, attempts};
use crate::error::{Error, Kind, chain_of, refused};

/// First bound of a pause between attempts.
const PAUSE: std::time::Duration = std::time::Duration::from_millis(400);
/// Largest answer that is read: a page of a thousand policies of full size is a fraction of it.
const ANSWER_BYTES_MAX: usize = 256 << 20;

/// Asks IAM and Organizations.
pub(super) struct Caller {
    connection: Connection,
    credentials: SharedCredentialsProvider,
    client: reqwest::Client,
    iam: Endpoint,
    organizations: Endpoint,
}

/// A service at its one place in the partition.
struct Endpoint {
    service: &'static str,
    region: &'static str,
    url: Url,
}

/// A request: what it is called, and how it is put.
struct Request<'a> {
    action: &'a str,
    headers: Vec<(String, String)>,
    body: String,
}

/// An attempt's end.
enum Answer {
    Good(String),
    Bad { status: u16, code: String, message: String },
}

impl Caller {
    pub(super) fn open(connection: &Connection) -> Result<Caller, Error> {
        let broken = |why: String| Error::new("IAM", Kind::Other, why);
        let credentials = connection.credentials().ok_or_else(|| {
            let why = "no credentials: IAM answers nobody without; leave --no-sign-request out";
            Error::new("IAM", Kind::Credentials, why)
        })?;
        let client = reqwest::Client::builder()
            .user_agent(concat!("trailhound/", env!("CARGO_PKG_VERSION")))
            // A signature holds for one place.
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(READ_TIMEOUT)
            .build()
            .map_err(|error| broken(format!("no HTTP client: {error}")))?;
        let [iam, organizations] = endpoints(connection)?;
        Ok(Caller { connection: connection.clone(), credentials, client, iam, organizations })
    }

    /// A call of IAM's: `parameters` beside `Action` and `Version`. The result as the AWS command line would print it.
    pub(super) async fn iam(&self, action: &str, parameters: &[(&str, &str)]) -> Result<Value, Error> {
        let mut body = url::form_urlencoded::Serializer::new(String::new());
        body.append_pair("Action", action).append_pair("Version", "2010-05-08").extend_pairs(parameters);
        let kind = "application/x-www-form-urlencoded; charset=utf-8";
        let headers = vec![("content-type".to_owned(), kind.to_owned())];
        let text = self.ask(&self.iam, &Request { action, headers, body: body.finish() }).await?;
        let what = format!("iam {action}");
        let value = xml::parse(&text).map_err(|why| Error::new(&what, Kind::Other, why))?;
        let result = value.get(format!("{action}Result")).cloned();
        result.ok_or_else(|| super::odd(&what, &format!("{action}Result")))
    }

    /// A call of Organizations'.
    pub(super) async fn organizations(&self, action: &str, parameters: &Value) -> Result<Value, Error> {
        let headers = vec![
            ("content-type".to_owned(), "application/x-amz-json-1.1".to_owned()),
            ("x-amz-target".to_owned(), format!("AWSOrganizationsV20161128.{action}")),
        ];
        let request = Request { action, headers, body: parameters.to_string() };
        let text = self.ask(&self.organizations, &request).await?;
        let what = format!("organizations {action}");
        serde_json::from_str(&text).map_err(|error| Error::new(what, Kind::Other, format!("no JSON: {error}")))
    }

    async fn ask(&self, endpoint: &Endpoint, request: &Request<'_>) -> Result<String, Error> {
        let what = format!("{} {}", endpoint.service, request.action);
        let action = format!("{}:{}", endpoint.service, request.action);
        let mut backoff = Backoff::new(PAUSE, PAUSE_MAX, attempts());
        loop {
            self.connection.meter().request();
            let error = match self.once(endpoint, request).await {
                Ok(Answer::Good(text)) => return Ok(text),
                Ok(Answer::Bad { status, code, message }) => refused(&what, &action, status, &code, &message),
                Err(error) => error,
            };
            let worth = matches!(error.kind, Kind::Throttled | Kind::Network) || error.is_server_fault();
            let Some(pause) = backoff.next(lot()).filter(|_| worth) else { return Err(error) };
            tracing::debug!(%error, "asked again");
            self.connection.meter().retry();
            tokio::time::sleep(pause).await;
        }
    }

    async fn once(&self, endpoint: &Endpoint, request: &Request<'_>) -> Result<Answer, Error> {
        let what = format!("{} {}", endpoint.service, request.action);
        let network = |error: &reqwest::Error| refused(&what, "", 0, "", &chain_of(error));
        let mut asking = self.client.post(endpoint.url.clone()).body(request.body.clone());
        for (name, value) in request.headers.iter().chain(&self.sign(endpoint, request, &what).await?) {
            asking = asking.header(name, value);
        }
        let mut response = asking.send().await.map_err(|error| network(&error.without_url()))?;
        let status = response.status().as_u16();
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| network(&error.without_url()))? {
            if bytes.len() + chunk.len() > ANSWER_BYTES_MAX {
                let why = format!("an answer of more than {} MiB: is it AWS that answers?", ANSWER_BYTES_MAX >> 20);
                return Err(Error::new(what, Kind::Other, why));
            }
            bytes.extend_from_slice(&chunk);
        }
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if (200..300).contains(&status) {
            return Ok(Answer::Good(text));
        }
        let (code, message) = told(&text);
        Ok(Answer::Bad { status, code, message })
    }

    /// Signature Version 4, by the SDK's own signer.
    async fn sign(
        &self,
        endpoint: &Endpoint,
        request: &Request<'_>,
        what: &str,
    ) -> Result<Vec<(String, String)>, Error> {
        let none = |error: &(dyn std::error::Error + 'static)| {
            let next = "try `aws sts get-caller-identity`, or --profile";
            Error::new(what, Kind::Credentials, format!("no credentials: {}; {next}", chain_of(error)))
        };
        let identity = self.credentials.provide_credentials().await.map_err(|error| none(&error))?.into();
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(endpoint.region)
            .name(endpoint.service)
            .time(SystemTime::now())
            .settings(SigningSettings::default())
            .build()
            .map_err(|error| none(&error))?
            .into();
        let headers = request.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let body = SignableBody::Bytes(request.body.as_bytes());
        let signable = SignableRequest::new("POST", endpoint.url.as_str(), headers, body);
        let signed = signable.and_then(|signable| sign(signable, &parameters)).map_err(|error| none(&error))?;
        let (instructions, _) = signed.into_parts();
        let (headers, _) = instructions.into_parts();
        Ok(headers.iter().map(|header| (header.name().to_owned(), header.value().to_owned())).collect())
    }
}

/// Both services live at one place in a partition. Source: "AWS Identity and Access Management endpoints and quotas" and
/// "AWS Organizations endpoints and quotas" in the AWS General Reference.
fn endpoints(connection: &Connection) -> Result<[Endpoint; 2], Error> {
    let region = connection.region();
    let places = if region.starts_with("cn-") {
        [
            ("iam", "cn-north-1", "https://iam.cn-north-1.amazonaws.com.cn"),
            ("organizations", "cn-northwest-1", "https://organizations.cn-northwest-1.amazonaws.com.cn"),
        ]
    } else if region.starts_with("us-gov-") {
        [
            ("iam", "us-gov-west-1", "https://iam.us-gov.amazonaws.com"),
            ("organizations", "us-gov-west-1", "https://organizations.us-gov-west-1.amazonaws.com"),
        ]
    } else {
        [
            ("iam", "us-east-1", "https://iam.amazonaws.com"),
            ("organizations", "us-east-1", "https://organizations.us-east-1.amazonaws.com"),
        ]
    };
    let [first, second] = places.map(|(service, region, url)| {
        let url = connection.endpoint_of(service).unwrap_or_else(|| url.to_owned());
        let parsed = Url::parse(&url);
        let wrong =
            |error| Error::new(&url, Kind::Other, format!("no URL of a server: {error}; look at --endpoint-url"));
        parsed.map(|url| Endpoint { service, region, url }).map_err(wrong)
    });
    Ok([first?, second?])
}

/// Code and message of a refusal, of XML (`Error` within or without `ErrorResponse`) or of JSON.
fn told(text: &str) -> (String, String) {
    let (value, json) = match serde_json::from_str::<Value>(text) {
        Ok(value) => (value, true),
        Err(_) => (xml::parse(text).unwrap_or_default(), false),
    };
    let error = if json { &value } else { value.get("Error").unwrap_or(&value) };
    let text = |names: [&str; 2]| names.into_iter().find_map(|name| error.get(name)?.as_str()).unwrap_or_default();
    let code = text(["Code", "__type"]).rsplit('#').next().unwrap_or_default().to_owned();
    (code, text(["Message", "message"]).chars().take(1000).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_of_both_protocols_are_read() {
        let both = |code: &str, message: &str| (code.to_owned(), message.to_owned());
        let xml = "<ErrorResponse xmlns=\"x\"><Error><Type>Sender</Type><Code>Throttling</Code><Message>Rate exceeded</Message></Error></ErrorResponse>";
        assert_eq!(told(xml), both("Throttling", "Rate exceeded"));
        assert_eq!(told("<?xml version=\"1.0\"?><Error><Code>SlowDown</Code></Error>"), both("SlowDown", ""));
        let json = r#"{"__type":"com.amazonaws#AccessDeniedException","Message":"no"}"#;
        assert_eq!(told(json), both("AccessDeniedException", "no"));
        assert_eq!(told("<html>busy"), both("", ""));
    }
}
