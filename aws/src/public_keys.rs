//! CloudTrail's public keys, asked for where a trail was made and remembered.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use aws_sdk_cloudtrail::primitives::DateTime as SdkTime;
use chrono::{DateTime, TimeDelta, Utc};
use ingest::digest::signature::PublicKey;
use ingest::digest::{KeyRing, NoKeys, PublicKeys};

use crate::connection::Connection;
use crate::error::{Error, explain};

/// Keys are asked for so far around a signature: they change rarely, and a digest may be signed after its hour.
const AROUND: TimeDelta = TimeDelta::hours(26);
/// Digests of one such time share one answer.
const SLOT_SECONDS: i64 = 24 * 3600;

/// `ListPublicKeys` of every Region that it is asked about.
#[derive(Debug)]
pub struct AskCloudTrail {
    connection: Connection,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    keys: BTreeMap<String, PublicKeys>,
    /// Regions and slots that were asked about.
    asked: BTreeSet<(String, i64)>,
}

impl AskCloudTrail {
    /// Asks through this connection.
    pub fn new(connection: &Connection) -> AskCloudTrail {
        AskCloudTrail { connection: connection.clone(), known: Mutex::default() }
    }

    async fn ask(
        &self,
        region: &str,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
        keys: &mut PublicKeys,
    ) -> Result<(), Error> {
        let client = self.connection.cloudtrail(region);
        let mut token = None;
        loop {
            let request = client
                .list_public_keys()
                .start_time(SdkTime::from_secs(from.timestamp()))
                .end_time(SdkTime::from_secs(to.timestamp()))
                .set_next_token(token);
            let what = format!("ListPublicKeys in {region}");
            let answer = request.send().await.map_err(|e| explain(&e, &what, "cloudtrail:ListPublicKeys", "*"))?;
            for key in answer.public_key_list() {
                if let (Some(fingerprint), Some(value)) = (key.fingerprint(), key.value()) {
                    keys.insert(fingerprint.to_owned(), value.as_ref().to_vec());
                }
            }
            token = answer.next_token().map(str::to_owned);
            if token.is_none() {
                return Ok(());
            }
        }
    }
}

impl KeyRing for AskCloudTrail {
    fn key(&self, region: &str, fingerprint: &str, signed: DateTime<Utc>) -> Result<Option<PublicKey>, NoKeys> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = known.keys.get(region).and_then(|keys| keys.get(fingerprint)) {
            return Ok(Some(key.clone()));
        }
        let slot = signed.timestamp().div_euclid(SLOT_SECONDS);
        if known.asked.insert((region.to_owned(), slot)) {
            let (from, to) = (signed - AROUND, signed + AROUND);
            let keys = known.keys.entry(region.to_owned()).or_default();
            let asked = self.connection.reading(self.ask(region, from, to, keys));
            let answer = asked
                .map_err(|halted| NoKeys(halted.to_string()))
                .and_then(|answer| answer.map_err(|error| NoKeys(error.to_string())));
            if let Err(error) = answer {
                // Who asks again later is not to be told that there are none.
                known.asked.remove(&(region.to_owned(), slot));
                return Err(error);
            }
        }
        Ok(known.keys.get(region).and_then(|keys| keys.get(fingerprint)).cloned())
    }
}
