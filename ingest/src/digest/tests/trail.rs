//! A trail with digests, signed by a key of the test's own.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{KeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use crate::digest::document::{Document, hex};
use crate::digest::{PublicKeys, folder::MetadataFile};

const ACCOUNT: &str = "123456789012";

/// So many hours after the trail began.
pub(super) fn hour(hours: u32) -> DateTime<Utc> {
    DateTime::from_timestamp(1_748_736_000 + 3600 * i64::from(hours), 0).unwrap()
}

pub(super) fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

pub(super) fn write(path: &Path, bytes: &[u8]) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}

/// Two log files and a digest every hour.
pub(super) struct Trail {
    room: TempDir,
    key: RsaKeyPair,
    keys: PublicKeys,
    /// Texts of the digests, oldest first, and what they are signed with.
    digests: RefCell<Vec<(String, String)>>,
}

impl Trail {
    pub(super) fn of(hours: u32) -> Trail {
        let key = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        let mut keys = PublicKeys::default();
        keys.insert("fingerprint".to_owned(), key.public_key().as_ref().to_vec());
        let trail = Trail { room: tempfile::tempdir().unwrap(), key, keys, digests: RefCell::default() };
        for hour in 0..hours {
            for minute in [10, 40] {
                let text = format!(
                    "{{\"Records\":[{{\"eventID\":\"{hour}-{minute}\",\"padding\":\"{}\"}}]}}",
                    "x".repeat(400)
                );
                trail.put(&trail.log(hour, minute), &gzip(text.as_bytes()));
            }
            let text = trail.digest_text(hour);
            trail.digests.borrow_mut().push((text, String::new()));
        }
        trail.sign(0);
        trail
    }

    pub(super) fn path(&self) -> &Path {
        self.room.path()
    }

    pub(super) fn keys(&self) -> &PublicKeys {
        &self.keys
    }

    pub(super) fn log(&self, hours: u32, minute: u32) -> String {
        let time = hour(hours) + chrono::TimeDelta::minutes(minute.into());
        let (day, time) = (time.format("%Y/%m/%d"), time.format("%Y%m%dT%H%MZ"));
        format!(
            "AWSLogs/{ACCOUNT}/CloudTrail/us-east-1/{day}/{ACCOUNT}_CloudTrail_us-east-1_{time}_abcdefghijklmnop.json.gz"
        )
    }

    pub(super) fn digest(&self, hours: u32) -> String {
        let end = hour(hours + 1);
        let (day, time) = (end.format("%Y/%m/%d"), end.format("%Y%m%dT%H%M%SZ"));
        format!(
            "AWSLogs/{ACCOUNT}/CloudTrail-Digest/us-east-1/{day}/{ACCOUNT}_CloudTrail-Digest_us-east-1_t_us-east-1_{time}.json.gz"
        )
    }

    fn local(&self, key: &str) -> PathBuf {
        self.room.path().join("trail-bucket").join(key)
    }

    pub(super) fn put(&self, key: &str, bytes: &[u8]) {
        write(&self.local(key), bytes);
    }

    pub(super) fn remove(&self, key: &str) {
        std::fs::remove_file(self.local(key)).unwrap();
    }

    pub(super) fn bytes(&self, key: &str) -> Vec<u8> {
        std::fs::read(self.local(key)).unwrap()
    }

    /// The inflated text of an object.
    pub(super) fn text(&self, key: &str) -> String {
        let mut text = String::new();
        flate2::read::GzDecoder::new(&self.bytes(key)[..]).read_to_string(&mut text).unwrap();
        text
    }

    /// Every object, by key.
    pub(super) fn objects(&self) -> BTreeMap<String, Vec<u8>> {
        let hours = u32::try_from(self.digests.borrow().len()).unwrap();
        let keys = (0..hours).flat_map(|hour| [self.digest(hour), self.log(hour, 10), self.log(hour, 40)]);
        keys.map(|key| (key.clone(), self.bytes(&key))).collect()
    }

    /// What S3 would have kept beside the digests.
    pub(super) fn metadata(&self) -> MetadataFile {
        let digests = self.digests.borrow();
        let entry = |(hour, (_, signature)): (u32, &(String, String))| {
            let metadata = serde_json::json!({"signature": signature, "signature-algorithm": "SHA256withRSA"});
            (self.digest(hour), metadata)
        };
        let all: serde_json::Map<String, serde_json::Value> = (0..).zip(digests.iter()).map(entry).collect();
        MetadataFile::parse(&serde_json::Value::Object(all).to_string()).unwrap()
    }

    /// Changes the text of a digest, and signs it and all after it anew.
    pub(super) fn edit(&mut self, hour: u32, edit: impl FnOnce(&str) -> String) {
        let index = usize::try_from(hour).unwrap();
        let text = edit(&self.digests.borrow()[index].0);
        self.digests.borrow_mut()[index].0 = text;
        self.sign(index);
    }

    fn digest_text(&self, hours: u32) -> String {
        let logs: Vec<String> = [10, 40]
            .map(|minute| {
                let key = self.log(hours, minute);
                let hash = hex(&Sha256::digest(self.text(&key)));
                format!(
                    r#"{{"s3Bucket":"trail-bucket","s3Object":"{key}","hashValue":"{hash}","hashAlgorithm":"SHA-256"}}"#
                )
            })
            .into();
        let previous = match hours {
            0 => r#""previousDigestS3Bucket":null,"previousDigestS3Object":null"#.to_owned(),
            _ => format!(
                r#""previousDigestS3Bucket":"trail-bucket","previousDigestS3Object":"{}","previousDigestHashValue":"HASH""#,
                self.digest(hours - 1)
            ),
        };
        let time = |hours: u32| hour(hours).format("%Y-%m-%dT%H:%M:%SZ").to_string();
        format!(
            r#"{{"digestStartTime":"{}","digestEndTime":"{}","digestS3Bucket":"trail-bucket","digestS3Object":"{}","digestPublicKeyFingerprint":"fingerprint",{previous},"previousDigestSignature":SIGNATURE,"logFiles":[{}]}}"#,
            time(hours),
            time(hours + 1),
            self.digest(hours),
            logs.join(",")
        )
    }

    /// Writes and signs all digests from this one on.
    fn sign(&self, first: usize) {
        let count = self.digests.borrow().len();
        for index in first..count {
            let previous = index.checked_sub(1).map(|index| self.digests.borrow()[index].clone());
            let mut text = self.digests.borrow()[index].0.clone();
            let signature = previous.as_ref().map_or("null".to_owned(), |(_, signature)| format!("\"{signature}\""));
            if let Some((previous, _)) = &previous {
                let before = Document::parse(previous.as_bytes()).unwrap().sha256;
                text = filled(&text, "\"previousDigestHashValue\":", &format!("\"{before}\""), "HASH");
            }
            text = filled(&text, "\"previousDigestSignature\":", &signature, "SIGNATURE");
            let signed = Document::parse(text.as_bytes()).unwrap().string_to_sign();
            let mut signature = vec![0; self.key.public_modulus_len()];
            self.key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature).unwrap();
            let hour = u32::try_from(index).unwrap();
            self.put(&self.digest(hour), &gzip(text.as_bytes()));
            self.digests.borrow_mut()[index] = (text, hex(&signature));
        }
    }
}

/// Puts a value where it stands for the first time, or where one stands already that is not the test's own doing.
fn filled(text: &str, field: &str, value: &str, blank: &str) -> String {
    let at = text.find(field).unwrap() + field.len();
    let rest = &text[at..];
    let end = rest.find([',', '}']).unwrap();
    let old = rest[..end].trim_matches('"');
    let edited = old != blank && old.chars().all(|c| c == '0');
    if edited { text.to_owned() } else { format!("{}{value}{}", &text[..at], &rest[end..]) }
}
