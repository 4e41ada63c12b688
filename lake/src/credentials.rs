//! The AWS command line's credential chain, for a bucket: environment, profiles, SSO, container, instance.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::ProvideCredentials;
use object_store::aws::AwsCredential;
use object_store::{CredentialProvider, Error as StoreError};
use tokio::sync::Mutex;

use crate::location::Aws;

/// Credentials are renewed so long before they expire: a request that begins with them must end with them.
const MARGIN: Duration = Duration::from_secs(300);

/// A loaded chain, with the credentials it gave last.
pub(crate) struct Chain {
    config: SdkConfig,
    endpoint_url: Option<String>,
    last: Mutex<Option<(Arc<AwsCredential>, Option<SystemTime>)>>,
}

impl std::fmt::Debug for Chain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Secrets never reach a log.
        f.debug_struct("Chain").finish_non_exhaustive()
    }
}

impl Chain {
    /// Reads environment and configuration files. No credentials are asked for yet.
    pub(crate) async fn load(aws: &Aws) -> Chain {
        let mut loader = aws_config::defaults(BehaviorVersion::latest());
        if let Some(region) = &aws.region {
            loader = loader.region(Region::new(region.clone()));
        }
        if let Some(profile) = &aws.profile {
            loader = loader.profile_name(profile);
        }
        let config = loader.load().await;
        let of_s3 = std::env::var("AWS_ENDPOINT_URL_S3").ok().filter(|url| !url.is_empty());
        let endpoint_url = aws.endpoint_url.clone().or(of_s3).or(config.endpoint_url().map(str::to_owned));
        Chain { config, endpoint_url, last: Mutex::new(None) }
    }

    /// The region, or the one that S3 falls back to.
    pub(crate) fn region(&self) -> String {
        self.config.region().map_or_else(|| "us-east-1".to_owned(), |region| region.as_ref().to_owned())
    }

    /// Another server than AWS', where flags, environment or profile name one.
    pub(crate) fn endpoint_url(&self) -> Option<&str> {
        self.endpoint_url.as_deref()
    }

    async fn ask(&self) -> Result<Credentials, StoreError> {
        let failed = |source| StoreError::Unauthenticated { path: "AWS credentials".to_owned(), source };
        let provider = self.config.credentials_provider().ok_or_else(|| failed("no provider of credentials".into()))?;
        provider.provide_credentials().await.map_err(|error| failed(Box::new(error)))
    }
}

#[async_trait]
impl CredentialProvider for Chain {
    type Credential = AwsCredential;

    async fn get_credential(&self) -> object_store::Result<Arc<AwsCredential>> {
        let mut last = self.last.lock().await;
        if let Some((credential, expiry)) = &*last
            && expiry.is_none_or(|expiry| SystemTime::now() + MARGIN < expiry)
        {
            return Ok(credential.clone());
        }
        let given = self.ask().await?;
        let credential = Arc::new(AwsCredential {
            key_id: given.access_key_id().to_owned(),
            secret_key: given.secret_access_key().to_owned(),
            token: given.session_token().map(str::to_owned),
        });
        *last = Some((credential.clone(), given.expiry()));
        Ok(credential)
    }
}
