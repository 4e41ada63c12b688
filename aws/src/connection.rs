//! How AWS is reached: flags, environment and files of the AWS command line, and the clients that follow from them.

use std::sync::{Arc, Weak};
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::sts::AssumeRoleProvider;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_s3::config::interceptors::{
    BeforeDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextRef,
};
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use ingest::source::Halted;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;

use crate::error::{Error, Kind, explain};
use crate::meter::Meter;

/// Attempts at a request, where `AWS_MAX_ATTEMPTS` does not say: throttling may last.
const ATTEMPTS: u32 = 10;
/// Longest pause between two attempts.
pub(crate) const PAUSE_MAX: Duration = Duration::from_secs(20);
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// A server that is silent for so long is asked again.
pub(crate) const READ_TIMEOUT: Duration = Duration::from_secs(60);
/// Where S3 and a forgotten region meet.
const REGION: &str = "us-east-1";

/// The flags of the AWS command line. What is absent comes from its environment and files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// `--endpoint-url`: another server, for every service.
    pub endpoint_url: Option<String>,
    /// `--region`
    pub region: Option<String>,
    /// `--profile`
    pub profile: Option<String>,
    /// `--role-arn`: the role to take on, with the credentials of the chain.
    pub role_arn: Option<String>,
    /// `--external-id`: what the role's trust policy may ask for.
    pub external_id: Option<String>,
    /// `--no-sign-request`: no credentials, for a public bucket.
    pub no_sign_request: bool,
    /// Attempts at a request, the first included; without it `AWS_MAX_ATTEMPTS`, or ten.
    pub attempts: Option<u32>,
}

/// Credentials found, and threads to ask with.
#[derive(Clone)]
pub struct Connection {
    runtime: Arc<Runtime>,
    config: SdkConfig,
    /// Whether another server than AWS' speaks S3.
    custom: bool,
    meter: Arc<Meter>,
    halted: Arc<watch::Sender<bool>>,
}

/// Ends what a connection reads. Does not keep the connection.
#[derive(Debug, Clone)]
pub struct Halter(Weak<watch::Sender<bool>>);

impl Halter {
    /// Whether the connection is gone.
    pub fn is_idle(&self) -> bool {
        self.0.strong_count() == 0
    }

    /// Nobody waits for objects, listings, pages and messages any more: whoever does is told that an end was asked for.
    /// What is written and deleted goes on.
    pub fn halt(&self) {
        if let Some(halted) = self.0.upgrade() {
            halted.send_replace(true);
        }
    }
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Secrets never reach a log.
        f.debug_struct("Connection").field("region", &self.region()).finish_non_exhaustive()
    }
}

impl Connection {
    /// Reads environment and files. Credentials are asked for by the first request.
    ///
    /// # Errors
    /// No threads.
    pub fn open(options: &Options) -> Result<Connection, Error> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("trailhound-aws")
            .enable_all()
            .build()
            .map_err(|error| Error::new("AWS", Kind::Other, format!("no threads: {error}")))?;
        let (config, custom) = runtime.block_on(load(options));
        Ok(Connection {
            runtime: Arc::new(runtime),
            config,
            custom,
            meter: Arc::default(),
            halted: Arc::new(watch::Sender::new(false)),
        })
    }

    /// Counters of what was asked.
    pub fn meter(&self) -> &Arc<Meter> {
        &self.meter
    }

    /// The region of requests that name none.
    pub fn region(&self) -> String {
        self.config.region().map_or_else(|| REGION.to_owned(), |region| region.as_ref().to_owned())
    }

    /// Whether requests go to another server than AWS'.
    pub fn is_custom(&self) -> bool {
        self.custom
    }

    /// Where credentials come from; none with `--no-sign-request`.
    pub(crate) fn credentials(&self) -> Option<SharedCredentialsProvider> {
        self.config.credentials_provider()
    }

    /// The other server that a service is asked at: `AWS_ENDPOINT_URL_SERVICE`, `--endpoint-url`, `AWS_ENDPOINT_URL`.
    pub(crate) fn endpoint_of(&self, service: &str) -> Option<String> {
        let name = format!("AWS_ENDPOINT_URL_{}", service.to_ascii_uppercase());
        let of_service = std::env::var(name).ok().filter(|url| !url.is_empty());
        of_service.or_else(|| self.config.endpoint_url().map(str::to_owned))
    }

    pub(crate) fn runtime(&self) -> &Arc<Runtime> {
        &self.runtime
    }

    /// Waits for an answer. Not to be called from a thread of the runtime.
    pub(crate) fn wait<F: Future>(&self, future: F) -> F::Output {
        self.runtime.block_on(future)
    }

    /// What ends reading early.
    pub fn halter(&self) -> Halter {
        Halter(Arc::downgrade(&self.halted))
    }

    /// Waits for something that is read. Not to be called from a thread of the runtime.
    ///
    /// # Errors
    /// An end was asked for before it came.
    pub(crate) fn reading<F: Future>(&self, future: F) -> Result<F::Output, Halted> {
        let mut halted = self.halted.subscribe();
        self.runtime.block_on(async {
            tokio::select! {
                biased;
                _ = halted.wait_for(|halted| *halted) => Err(Halted),
                output = future => Ok(output),
            }
        })
    }

    /// Sleeps between two attempts to read.
    ///
    /// # Errors
    /// As [`Connection::reading`].
    pub(crate) fn pause(&self, pause: Duration) -> Result<(), Halted> {
        self.reading(async { tokio::time::sleep(pause).await })
    }

    pub(crate) fn s3(&self, region: &str) -> aws_sdk_s3::Client {
        let config = aws_sdk_s3::config::Builder::from(&self.config)
            .region(Region::new(region.to_owned()))
            // Other servers rarely have a host name for each bucket.
            .force_path_style(self.custom)
            .interceptor(Counting(self.meter.clone()))
            .build();
        aws_sdk_s3::Client::from_conf(config)
    }

    pub(crate) fn sqs(&self, region: &str) -> aws_sdk_sqs::Client {
        let config = aws_sdk_sqs::config::Builder::from(&self.config)
            .region(Region::new(region.to_owned()))
            .interceptor(Counting(self.meter.clone()))
            .build();
        aws_sdk_sqs::Client::from_conf(config)
    }

    /// The account that the credentials are of.
    ///
    /// # Errors
    /// No valid credentials. Nobody may be forbidden to ask this.
    pub fn account(&self) -> Result<String, Error> {
        self.identity().map(|identity| identity.0)
    }

    /// The account and the ARN of whom the credentials are of.
    ///
    /// # Errors
    /// As [`Connection::account`].
    pub fn identity(&self) -> Result<(String, String), Error> {
        let config = aws_sdk_sts::config::Builder::from(&self.config).interceptor(Counting(self.meter.clone())).build();
        let client = aws_sdk_sts::Client::from_conf(config);
        let answer = self.wait(client.get_caller_identity().send());
        let answer =
            answer.map_err(|error| explain(&error, "who we are", "sts:GetCallerIdentity", "*").of_identity())?;
        Ok((answer.account().unwrap_or_default().to_owned(), answer.arn().unwrap_or_default().to_owned()))
    }

    /// Asks `LookupEvents` for one event.
    ///
    /// # Errors
    /// What CloudTrail refuses; needs `cloudtrail:LookupEvents`.
    pub(crate) fn try_lookup(&self) -> Result<(), Error> {
        let client = self.cloudtrail(&self.region());
        let answer = self.wait(client.lookup_events().max_results(1).send());
        let what = format!("LookupEvents in {}", self.region());
        answer.map(drop).map_err(|error| explain(&error, &what, "cloudtrail:LookupEvents", "*"))
    }

    /// A client that is asked once: whoever asks keeps the pace, retries included.
    pub(crate) fn lookup(&self, region: &str) -> aws_sdk_cloudtrail::Client {
        let config = aws_sdk_cloudtrail::config::Builder::from(&self.config)
            .region(Region::new(region.to_owned()))
            .retry_config(RetryConfig::disabled())
            .interceptor(Counting(self.meter.clone()))
            .build();
        aws_sdk_cloudtrail::Client::from_conf(config)
    }

    pub(crate) fn cloudtrail(&self, region: &str) -> aws_sdk_cloudtrail::Client {
        let config = aws_sdk_cloudtrail::config::Builder::from(&self.config)
            .region(Region::new(region.to_owned()))
            .interceptor(Counting(self.meter.clone()))
            .build();
        aws_sdk_cloudtrail::Client::from_conf(config)
    }
}

/// Attempts at a request, the first included.
pub(crate) fn attempts() -> u32 {
    std::env::var("AWS_MAX_ATTEMPTS").ok().and_then(|text| text.parse().ok()).unwrap_or(ATTEMPTS)
}

async fn load(options: &Options) -> (SdkConfig, bool) {
    let attempts = options.attempts.unwrap_or_else(attempts);
    // The standard mode draws each pause between nothing and its bound: full jitter.
    let retry = RetryConfig::standard().with_max_attempts(attempts).with_max_backoff(PAUSE_MAX);
    let timeout = TimeoutConfig::builder().connect_timeout(CONNECT_TIMEOUT).read_timeout(READ_TIMEOUT).build();
    let mut loader = aws_config::defaults(BehaviorVersion::latest()).retry_config(retry).timeout_config(timeout);
    if let Some(region) = &options.region {
        loader = loader.region(Region::new(region.clone()));
    }
    if let Some(profile) = &options.profile {
        loader = loader.profile_name(profile);
    }
    if let Some(url) = &options.endpoint_url {
        loader = loader.endpoint_url(url);
    }
    if options.no_sign_request {
        loader = loader.no_credentials();
    }
    let mut config = loader.load().await;
    if config.region().is_none() {
        config = config.into_builder().region(Region::new(REGION)).build();
    }
    let of_s3 = std::env::var("AWS_ENDPOINT_URL_S3").is_ok_and(|url| !url.is_empty());
    let custom = of_s3 || config.endpoint_url().is_some();
    if let Some(role) = &options.role_arn {
        let mut builder = AssumeRoleProvider::builder(role).session_name("trailhound").configure(&config);
        if let Some(id) = &options.external_id {
            builder = builder.external_id(id);
        }
        let provider = SharedCredentialsProvider::new(builder.build().await);
        config = config.into_builder().credentials_provider(provider).build();
    }
    (config, custom)
}

/// Counts every attempt, and remembers what time it was at the other end.
#[derive(Debug)]
pub(crate) struct Counting(pub(crate) Arc<Meter>);

impl Intercept for Counting {
    fn name(&self) -> &'static str {
        "Counting"
    }

    fn read_before_transmit(
        &self,
        _context: &BeforeTransmitInterceptorContextRef<'_>,
        _runtime: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), aws_sdk_s3::error::BoxError> {
        self.0.request();
        Ok(())
    }

    fn read_after_transmit(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _runtime: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), aws_sdk_s3::error::BoxError> {
        if let Some(date) = context.response().headers().get("date") {
            self.0.date(date, chrono::Utc::now());
        }
        Ok(())
    }
}
