//! Public keys, and whether a signature is theirs: RSASSA-PKCS1-v1_5 over SHA-256.
//!
//! Keys come from `ListPublicKeys` of the trail's Region, or from a file with its answer. They are what everything rests
//! on, so they are never taken from the folder that is to be proven.

use std::collections::BTreeMap;
use std::fmt;

use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::document::unhex;

/// Public keys by fingerprint.
#[derive(Debug, Clone, Default)]
pub struct PublicKeys {
    keys: BTreeMap<String, PublicKey>,
}

/// One public key of CloudTrail's.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey {
    /// DER of a PKCS #1 `RSAPublicKey`.
    der: Vec<u8>,
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PublicKey").field("bytes", &self.der.len()).finish()
    }
}

/// Why keys could not be had.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct NoKeys(pub String);

/// Who knows public keys.
pub trait KeyRing: Sync {
    /// The key of this fingerprint, of a digest that was signed around this time in the trail's home Region.
    ///
    /// # Errors
    /// Nobody could be asked. A key that is not there is `None`.
    fn key(&self, region: &str, fingerprint: &str, signed: DateTime<Utc>) -> Result<Option<PublicKey>, NoKeys>;
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    public_key_list: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Entry {
    value: String,
    fingerprint: String,
}

impl PublicKeys {
    /// Reads the answer of `aws cloudtrail list-public-keys`; several answers may stand one after the other.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<PublicKeys, NoKeys> {
        let mut keys = PublicKeys::default();
        for answer in serde_json::Deserializer::from_str(text).into_iter::<Answer>() {
            let answer = answer
                .map_err(|error| NoKeys(format!("not the output of `aws cloudtrail list-public-keys`: {error}")))?;
            for entry in answer.public_key_list {
                let der = STANDARD.decode(entry.value.trim());
                let der = der.map_err(|error| NoKeys(format!("key {}: not base64: {error}", entry.fingerprint)))?;
                keys.insert(entry.fingerprint, der);
            }
        }
        if keys.keys.is_empty() {
            let why = "no public keys in it; ask in the trail's home Region, for the time of the digests: \
                       aws cloudtrail list-public-keys --start-time … --end-time … --region …";
            return Err(NoKeys(why.to_owned()));
        }
        Ok(keys)
    }

    /// Adds a key, as the DER of a PKCS #1 `RSAPublicKey`.
    pub fn insert(&mut self, fingerprint: String, der: Vec<u8>) {
        self.keys.insert(fingerprint, PublicKey { der });
    }

    /// The key of this fingerprint.
    pub fn get(&self, fingerprint: &str) -> Option<&PublicKey> {
        self.keys.get(fingerprint)
    }
}

impl KeyRing for PublicKeys {
    fn key(&self, _region: &str, fingerprint: &str, _signed: DateTime<Utc>) -> Result<Option<PublicKey>, NoKeys> {
        Ok(self.get(fingerprint).cloned())
    }
}

impl PublicKey {
    /// Whether `signature` (hexadecimal) is this key's over `text`.
    pub fn signed(&self, text: &str, signature: &str) -> bool {
        let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &self.der);
        unhex(signature).is_some_and(|signature| key.verify(text.as_bytes(), &signature).is_ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_are_none_are_named() {
        for text in
            ["", r#"{"PublicKeyList":[]}"#, "{}", "[]", "{", r#"{"PublicKeyList":[{"Value":"*","Fingerprint":"f"}]}"#]
        {
            let error = PublicKeys::parse(text).map(|_| ()).map_err(|error| error.to_string());
            assert!(error.as_ref().is_err_and(|e| e.contains("list-public-keys") || e.contains("base64")), "{error:?}");
        }
    }

    #[test]
    fn a_key_that_is_none_signs_nothing() {
        let mut keys = PublicKeys::default();
        keys.insert("f".to_owned(), vec![1, 2, 3]);
        assert!(keys.get("f").is_some_and(|key| !key.signed("text", "00")));
        assert!(keys.get("g").is_none());
    }
}
