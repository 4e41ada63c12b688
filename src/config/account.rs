//! `[[account]]`: accounts that are read as well, each with its own way in.
//!
//! A file may hold the sections of other commands beside them; a section or key that nobody knows is refused, because what is
//! misspelt must not be left out in silence.

use std::collections::BTreeSet;
use std::path::Path;

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::cli::AwsArgs;

/// A configuration is written by people.
const BYTES_MAX: u64 = 1 << 20;
/// What is read of an account that names no places.
const PLACE: &str = aws::lookup::PLACE;

/// One account.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Account {
    /// What messages call it.
    pub(crate) name: String,
    /// The role to take on there.
    pub(crate) role_arn: Option<String>,
    /// What the role's trust policy asks for.
    pub(crate) external_id: Option<String>,
    /// The profile of the AWS command line that the role is taken on with.
    pub(crate) profile: Option<String>,
    /// Only these Regions.
    #[serde(default)]
    pub(crate) regions: BTreeSet<String>,
    /// `lookup:`, and places in buckets.
    #[serde(default = "places")]
    pub(crate) places: Vec<String>,
}

fn places() -> Vec<String> {
    vec![PLACE.to_owned()]
}

/// The whole file: sections of others are theirs to read.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    account: Vec<Account>,
    #[serde(rename = "watch")]
    _watch: Option<IgnoredAny>,
    #[serde(rename = "rules")]
    _rules: Option<IgnoredAny>,
    #[serde(rename = "lake")]
    _lake: Option<IgnoredAny>,
    #[serde(rename = "metrics")]
    _metrics: Option<IgnoredAny>,
    #[serde(rename = "delivery")]
    _delivery: Option<IgnoredAny>,
    #[serde(rename = "sinks")]
    _sinks: Option<IgnoredAny>,
    #[serde(rename = "routes")]
    _routes: Option<IgnoredAny>,
    #[serde(rename = "silences")]
    _silences: Option<IgnoredAny>,
}

impl Account {
    /// The accounts of a file, in its order.
    ///
    /// # Errors
    /// A sentence with the file, the line where there is one, and what is wrong.
    pub(crate) fn load(file: &Path) -> Result<Vec<Account>, String> {
        let named = |why: String| format!("{}: {why}", file.display());
        let bytes = std::fs::metadata(file).map_err(|error| named(error.to_string()))?.len();
        if bytes > BYTES_MAX {
            return Err(named(format!("{bytes} bytes are no configuration")));
        }
        let text = std::fs::read_to_string(file).map_err(|error| named(error.to_string()))?;
        Account::parse(&text).map_err(named)
    }

    fn parse(text: &str) -> Result<Vec<Account>, String> {
        let File { account: accounts, .. } =
            toml::from_str(text).map_err(|error: toml::de::Error| error.to_string().trim_end().to_owned())?;
        if accounts.is_empty() {
            return Err("no [[account]] in it".to_owned());
        }
        check(&accounts)?;
        Ok(accounts)
    }

    fn check(&self) -> Result<(), String> {
        let Account { name, role_arn, external_id, regions, places, .. } = self;
        let wrong = |why: &str| Err(format!("account {name}: {why}"));
        if name.trim().is_empty() {
            return Err("an [[account]] needs a name".to_owned());
        }
        if external_id.is_some() && role_arn.is_none() {
            return wrong("external_id belongs to a role_arn");
        }
        if role_arn.as_ref().is_some_and(|arn| !arn.starts_with("arn:") || !arn.contains(":role/")) {
            return wrong("role_arn: write arn:aws:iam::ACCOUNT:role/NAME");
        }
        if let Some(region) = regions.iter().find(|region| !ingest::key::is_region(region)) {
            return wrong(&format!("{region}: no Region: write it as us-east-1"));
        }
        match places.iter().find(|place| !crate::remote::is_remote(Path::new(place))) {
            Some(place) => wrong(&format!("{place}: a place is lookup: or s3://BUCKET/PREFIX")),
            None if places.is_empty() => wrong("places is empty: leave it out, or name some"),
            None => Ok(()),
        }
    }

    /// How it is reached: as the command line says, but for what the account says itself.
    pub(crate) fn options(&self, args: &AwsArgs) -> aws::Options {
        let base = args.to_options();
        aws::Options {
            profile: self.profile.clone().or(base.profile),
            role_arn: self.role_arn.clone(),
            external_id: self.external_id.clone(),
            ..base
        }
    }
}

/// Whether accounts can be read, each by a name of its own.
///
/// # Errors
/// A sentence with the account and what is wrong.
pub(crate) fn check(accounts: &[Account]) -> Result<(), String> {
    let mut names = BTreeSet::new();
    for account in accounts {
        account.check()?;
        if !names.insert(&account.name) {
            return Err(format!("two accounts are called {}", account.name));
        }
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_read_and_others_sections_left_alone() {
        let text = r#"
            [watch]
            poll = "10s"
            [[account]]
            name = "audit"
            role_arn = "arn:aws:iam::111122223333:role/logs"
            external_id = "x"
            regions = ["eu-west-1"]
            [[account]]
            name = "dev"
            profile = "dev"
            places = ["s3://dev-trail/prefix"]
        "#;
        let accounts = Account::parse(text).unwrap();
        assert_eq!((&*accounts[0].name, &accounts[0].places), ("audit", &vec!["lookup:".to_owned()]));
        let args = AwsArgs {
            profile: Some("base".into()),
            role_arn: Some("arn:aws:iam::1:role/a".into()),
            ..AwsArgs::default()
        };
        let options = accounts[1].options(&args);
        // A role of the command line is no role of this account.
        assert_eq!((options.profile.as_deref(), options.role_arn), (Some("dev"), None));
        assert_eq!(accounts[0].options(&args).profile.as_deref(), Some("base"));
    }

    #[test]
    fn what_is_misspelt_is_refused() {
        for (text, words) in [
            ("", "no [[account]]"),
            ("[acount]\nname = 'x'", "acount"),
            ("[[account]]\nname = 'x'\nrole = 'y'", "role"),
            ("[[account]]\nprofile = 'x'", "name"),
            ("[[account]]\nname = 'x'\n[[account]]\nname = 'x'", "two accounts"),
            ("[[account]]\nname = 'x'\nexternal_id = 'y'", "role_arn"),
            ("[[account]]\nname = 'x'\nrole_arn = 'y'", "arn:aws:iam"),
            ("[[account]]\nname = 'x'\nregions = ['Frankfurt']", "no Region"),
            ("[[account]]\nname = 'x'\nplaces = ['./logs']", "a place is"),
        ] {
            let error = Account::parse(text).unwrap_err();
            assert!(error.contains(words), "{text}: {error}");
        }
    }
}
