//! Signing for AWS: Signature Version 4 over our own HTTP client.
//!
//! Three calls of three services are not worth three SDK crates; the signer is the SDK's own, and so are the credentials.

use std::time::SystemTime;

use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use url::Url;

use super::Verdict;

/// Signs requests to one service in one region.
pub(super) struct Signer {
    pub(super) service: &'static str,
    pub(super) region: String,
    pub(super) credentials: SharedCredentialsProvider,
}

impl Signer {
    /// Adds what proves who we are to the headers.
    ///
    /// # Errors
    /// The verdict if there are no credentials: later, because they may come.
    pub(super) async fn sign(
        &self,
        url: &Url,
        headers: &mut Vec<(String, String)>,
        body: &[u8],
    ) -> Result<(), Verdict> {
        let later = |why: String| Verdict::Later { after: None, why };
        let credentials =
            self.credentials.provide_credentials().await.map_err(|e| later(format!("no credentials for AWS: {e}")))?;
        let identity = credentials.into();
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name(self.service)
            .time(SystemTime::now())
            .settings(SigningSettings::default())
            .build()
            .map_err(|e| later(e.to_string()))?
            .into();
        let given: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let request = SignableRequest::new("POST", url.as_str(), given.into_iter(), SignableBody::Bytes(body))
            .map_err(|e| later(e.to_string()))?;
        let (signed, _) = sign(request, &parameters).map_err(|e| later(e.to_string()))?.into_parts();
        let (signature, _) = signed.into_parts();
        headers.extend(signature.iter().map(|header| (header.name().to_owned(), header.value().to_owned())));
        Ok(())
    }
}
