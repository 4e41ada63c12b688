//! Secrets: where they are, and what they are, kept apart.
//!
//! Configuration holds references only, so that it can be shown, logged and checked in. The value is read once, when the
//! sinks are opened, and nothing prints it.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::PathBuf;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

/// No key or token is longer.
const BYTES_MAX: u64 = 64 * 1024;

/// Where a secret is: `{ env = "NAME" }` or `{ file = "PATH" }`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reference {
    /// In an environment variable.
    Env(String),
    /// In a file, whose last line end does not count.
    File(PathBuf),
}

/// A secret. Its `Debug` does not say it, and it has no `Display`.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret(String);

impl Secret {
    /// Keeps a value.
    pub(crate) fn new(value: String) -> Secret {
        Secret(value)
    }

    /// The value itself, for the one place that sends it.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

impl Reference {
    /// Reads the secret.
    ///
    /// # Errors
    /// With a sentence that names the place, never the value.
    pub(crate) fn read(&self) -> Result<Secret, String> {
        let value = match self {
            Reference::Env(name) => std::env::var(name).map_err(|_| {
                format!("the environment variable {name} is not set, or not text: set it to the secret")
            })?,
            Reference::File(path) => {
                let mut text = String::new();
                let read = File::open(path).and_then(|file| file.take(BYTES_MAX).read_to_string(&mut text));
                read.map_err(|e| format!("{}: {e}; put the secret into this file", path.display()))?;
                text
            }
        };
        let value = value.trim_end_matches(['\r', '\n']).to_owned();
        if value.is_empty() {
            return Err(format!("{self} is empty"));
        }
        Ok(Secret(value))
    }

    fn from_value(value: &toml::Value) -> Option<Reference> {
        let table = value.as_table().filter(|table| table.len() == 1)?;
        let text = |name: &str| table.get(name).and_then(toml::Value::as_str).filter(|text| !text.is_empty());
        text("env")
            .map(|name| Reference::Env(name.to_owned()))
            .or_else(|| text("file").map(|path| Reference::File(PathBuf::from(path))))
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reference::Env(name) => write!(f, "the environment variable {name}"),
            Reference::File(path) => write!(f, "{}", path.display()),
        }
    }
}

impl<'de> Deserialize<'de> for Reference {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Not derived: serde's own errors repeat what was written, and that may be the secret.
        let value = toml::Value::deserialize(deserializer)?;
        Reference::from_value(&value).ok_or_else(|| {
            D::Error::custom("a secret is not written here: give { env = \"NAME\" } or { file = \"PATH\" }")
        })
    }
}

/// A URL, written as it is or, where it is a secret itself (Slack's is), as a reference.
#[derive(Clone, PartialEq, Eq)]
pub enum Address {
    /// As it is.
    Plain(String),
    /// Elsewhere.
    Secret(Reference),
}

impl Address {
    /// Reads the URL.
    ///
    /// # Errors
    /// As [`Reference::read`].
    pub(crate) fn read(&self) -> Result<Secret, String> {
        match self {
            Address::Plain(url) => Ok(Secret(url.clone())),
            Address::Secret(reference) => reference.read(),
        }
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // Paths and queries of webhook URLs are often what lets one in.
            Address::Plain(url) => match url::Url::parse(url) {
                Ok(url) => write!(f, "{}://{}/…", url.scheme(), url.host_str().unwrap_or_default()),
                Err(_) => f.write_str("[not a URL]"),
            },
            Address::Secret(reference) => reference.fmt(f),
        }
    }
}

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = toml::Value::deserialize(deserializer)?;
        let plain = value.as_str().map(|url| Address::Plain(url.to_owned()));
        plain.or_else(|| Reference::from_value(&value).map(Address::Secret)).ok_or_else(|| {
            D::Error::custom("give a URL as text, or as { env = \"NAME\" } or { file = \"PATH\" } if it is secret")
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    struct Holder {
        key: Reference,
        url: Option<Address>,
    }

    #[test]
    fn references_are_read_and_values_never_shown() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        std::fs::write(&path, "hunter2\n").unwrap();
        let holder: Holder = toml::from_str(&format!(
            "key = {{ file = '{}' }}\nurl = 'https://user:open-sesame@hooks.slack.com/services/T0/B0/hunter2'",
            path.display()
        ))
        .unwrap();
        let secret = holder.key.read().unwrap();
        assert_eq!(secret.expose(), "hunter2");
        assert!(!format!("{secret:?} {holder:?}").contains("hunter2"));
        assert!(!format!("{holder:?}").contains("open-sesame"));
        assert!(holder.url.is_some());
    }

    #[test]
    fn a_secret_in_the_open_is_refused_without_repeating_it() {
        for text in ["key = 'hunter2'", "key = { value = 'hunter2' }", "key = { env = 'A', file = 'hunter2' }"] {
            let error = toml::from_str::<Holder>(text).unwrap_err();
            assert!(error.message().contains("is not written here"), "{error}");
            assert!(!error.message().contains("hunter2"));
        }
    }

    #[test]
    fn what_is_missing_is_named() {
        let error = Reference::Env("TRAILHOUND_NO_SUCH_VARIABLE".to_owned()).read().unwrap_err();
        assert!(error.contains("TRAILHOUND_NO_SUCH_VARIABLE"));
        assert!(Reference::File(PathBuf::from("/nonexistent/x")).read().unwrap_err().contains("/nonexistent/x"));
    }
}
