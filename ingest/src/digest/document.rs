//! A digest file's text: which log files CloudTrail delivered in an hour, and which digest came before.
//!
//! The fields are those of "CloudTrail digest file structure" in the CloudTrail user guide. Nothing is believed here: a
//! document counts only when its signature has been checked.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

/// A digest file, parsed and not yet believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// `digestS3Bucket`
    pub bucket: String,
    /// `digestS3Object`
    pub key: String,
    /// `digestStartTime`
    pub start: DateTime<Utc>,
    /// `digestEndTime`, as a time.
    pub end: DateTime<Utc>,
    /// `digestEndTime`, as it is signed.
    pub end_text: String,
    /// `digestPublicKeyFingerprint`
    pub fingerprint: String,
    /// The digest before; `None` for the first of a chain.
    pub previous: Option<Previous>,
    /// `previousDigestSignature`, hexadecimal.
    pub previous_signature: Option<String>,
    /// `logFiles`
    pub logs: Vec<ListedLog>,
    /// SHA-256 of the inflated text, hexadecimal.
    pub sha256: String,
    /// `awsAccountId`
    pub account: Option<String>,
    /// `digestSignatureAlgorithm`, `previousDigestHashAlgorithm` and the `hashAlgorithm`s of log files that are not those that
    /// CloudTrail uses; each once.
    pub odd_algorithms: Vec<String>,
}

/// The digest before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Previous {
    /// `previousDigestS3Bucket`
    pub bucket: String,
    /// `previousDigestS3Object`
    pub key: String,
    /// `previousDigestHashValue`: SHA-256 of its inflated text, hexadecimal.
    pub sha256: Option<String>,
}

/// A log file that a digest lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedLog {
    /// `s3Bucket`
    pub bucket: String,
    /// `s3Object`
    pub key: String,
    /// `hashValue`: SHA-256 of the inflated text, hexadecimal. `None` where the entry has none.
    pub sha256: Option<String>,
}

impl Document {
    /// Parses the inflated text; `None` where it is no digest.
    pub fn parse(text: &[u8]) -> Option<Document> {
        Fields::parse(text)?.document()
    }
}

/// A digest file's JSON object, not yet looked at: the client of AWS asks for the signature before it asks for fields.
pub(super) struct Fields {
    fields: Map<String, Value>,
    sha256: String,
}

impl Fields {
    pub(super) fn parse(text: &[u8]) -> Option<Fields> {
        let Value::Object(fields) = serde_json::from_slice(text).ok()? else { return None };
        Some(Fields { fields, sha256: hex(&Sha256::digest(text)) })
    }

    /// The document; `None` where a field is missing or is no such thing.
    pub(super) fn document(self) -> Option<Document> {
        let Fields { fields, sha256 } = self;
        let end_text = string(&fields, "digestEndTime")?;
        let previous = match (fields.get("previousDigestS3Bucket"), fields.get("previousDigestS3Object")) {
            (Some(Value::String(bucket)), Some(Value::String(key))) => Some(Previous {
                bucket: bucket.clone(),
                key: key.clone(),
                sha256: string(&fields, "previousDigestHashValue"),
            }),
            _ => None,
        };
        // The key must be there, and may be null: that much tells the first digest of a chain from a damaged one.
        let previous_signature = match fields.get("previousDigestSignature")? {
            Value::Null => None,
            Value::String(signature) => Some(signature.clone()),
            _ => return None,
        };
        let logs = match fields.get("logFiles")? {
            Value::Null => Vec::new(),
            Value::Array(logs) => logs.iter().map(listed).collect::<Option<_>>()?,
            _ => return None,
        };
        Some(Document {
            account: string(&fields, "awsAccountId"),
            odd_algorithms: odd_algorithms(&fields),
            bucket: string(&fields, "digestS3Bucket")?,
            key: string(&fields, "digestS3Object")?,
            start: time(&string(&fields, "digestStartTime")?)?,
            end: time(&end_text)?,
            end_text,
            fingerprint: string(&fields, "digestPublicKeyFingerprint")?,
            previous,
            previous_signature,
            logs,
            sha256,
        })
    }
}

impl Document {
    /// What CloudTrail signs (§ "Custom implementations of CloudTrail log file integrity validation" of the user guide):
    /// end, place, hash of the text, signature before; the four letters `null` where there is none.
    pub fn string_to_sign(&self) -> String {
        let previous = self.previous_signature.as_deref().unwrap_or("null");
        format!("{}\n{}/{}\n{}\n{previous}", self.end_text, self.bucket, self.key, self.sha256)
    }
}

/// Algorithms that are named and are not the ones that everything is checked with.
fn odd_algorithms(fields: &Map<String, Value>) -> Vec<String> {
    let named = [("digestSignatureAlgorithm", "SHA256withRSA"), ("previousDigestHashAlgorithm", "SHA-256")];
    let own = named.iter().filter_map(|(name, usual)| Some((*name, fields.get(*name)?, *usual)));
    let logs = fields.get("logFiles").and_then(Value::as_array).into_iter().flatten();
    let logs = logs.filter_map(|log| Some(("hashAlgorithm", log.get("hashAlgorithm")?, "SHA-256")));
    let odd = own.chain(logs).filter(|(_, value, usual)| !value.is_null() && value.as_str() != Some(*usual));
    let mut odd: Vec<String> = odd.map(|(name, value, _)| format!("{name} is {value}")).collect();
    odd.sort_unstable();
    odd.dedup();
    odd
}

fn string(fields: &Map<String, Value>, name: &str) -> Option<String> {
    fields.get(name)?.as_str().map(str::to_owned)
}

fn time(text: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(text).ok().map(|time| time.to_utc())
}

fn listed(entry: &Value) -> Option<ListedLog> {
    let fields = entry.as_object()?;
    Some(ListedLog {
        bucket: string(fields, "s3Bucket")?,
        key: string(fields, "s3Object")?,
        sha256: string(fields, "hashValue"),
    })
}

/// Bytes in hexadecimal, lower case, as CloudTrail writes them.
pub(super) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let nibbles = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    nibbles.map(|nibble| char::from(DIGITS[usize::from(nibble)])).collect()
}

/// Bytes of hexadecimal text.
pub(super) fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else { return None };
    pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const TEXT: &str = r#"{"digestS3Bucket":"b","digestS3Object":"k","digestStartTime":"2025-06-01T00:00:00Z",
        "digestEndTime":"2025-06-01T01:00:00Z","digestPublicKeyFingerprint":"f","previousDigestSignature":null,
        "previousDigestS3Bucket":null,"previousDigestS3Object":null,"logFiles":[]}"#;

    #[test]
    fn the_first_digest_signs_the_word_null() {
        let document = Document::parse(TEXT.as_bytes()).unwrap();
        assert_eq!(document.previous, None);
        let signed = document.string_to_sign();
        assert!(signed.starts_with("2025-06-01T01:00:00Z\nb/k\n") && signed.ends_with("\nnull"), "{signed}");
        assert_eq!(signed.lines().nth(2).map(str::len), Some(64));
    }

    #[test]
    fn what_lacks_a_field_is_no_digest() {
        assert_eq!(Document::parse(b"[]"), None);
        for field in ["digestS3Bucket", "digestEndTime", "previousDigestSignature", "logFiles", "digestStartTime"] {
            assert_eq!(Document::parse(TEXT.replace(field, "other").as_bytes()), None, "{field}");
        }
        assert_eq!(Document::parse(TEXT.replace("T01:00:00Z", "").as_bytes()), None);
    }

    #[test]
    fn odd_algorithms_are_kept_each_once() {
        let odd = r#""digestSignatureAlgorithm":"SHA256withRSA","previousDigestHashAlgorithm":null,"awsAccountId":"1",
            "logFiles":[{"s3Bucket":"b","s3Object":"k","hashAlgorithm":"MD5"},{"s3Bucket":"b","s3Object":"l","hashAlgorithm":"MD5"},
            {"s3Bucket":"b","s3Object":"m","hashAlgorithm":"SHA-256"}]"#;
        let document = Document::parse(TEXT.replace(r#""logFiles":[]"#, odd).as_bytes()).unwrap();
        assert_eq!(document.odd_algorithms, [r#"hashAlgorithm is "MD5""#]);
        assert_eq!((document.account.as_deref(), Document::parse(TEXT.as_bytes()).unwrap().account), (Some("1"), None));
    }

    #[test]
    fn hexadecimal_both_ways() {
        assert_eq!((hex(&[0, 0xab]), unhex("00Ab")), ("00ab".to_owned(), Some(vec![0, 0xab])));
        assert_eq!((unhex("0"), unhex("0g"), unhex("é")), (None, None, None));
    }
}
