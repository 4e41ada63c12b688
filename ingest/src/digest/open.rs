//! One digest file, opened and put to the proof.

use chrono::{DateTime, Utc};

use super::archive::{Archive, Fault, Metadata, Object};
use super::document::{Document, Fields};
use super::log;
use super::signature::KeyRing;
use super::verdict::{Remark, Verdict};

/// Where a digest is to be.
pub(super) struct Place<'a> {
    pub(super) bucket: &'a str,
    pub(super) key: &'a str,
    /// The Region whose keys sign.
    pub(super) home: &'a str,
    pub(super) backfill: bool,
    /// Most bytes of its text.
    pub(super) limit: u64,
}

/// The digest after the one that is looked at; it keeps the signature of the one before.
pub(super) struct Newer {
    pub(super) document: Document,
    pub(super) trust: Trust,
}

/// How far a digest is believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Trust {
    /// Its signature is CloudTrail's.
    Signed,
    /// Nothing speaks against it, and its signature is not at hand: why.
    Unknown(String),
}

/// A digest that was looked at.
pub(super) struct Opened {
    pub(super) outcome: Result<(Document, Trust), Verdict>,
    /// For people.
    pub(super) detail: Option<String>,
    pub(super) remarks: Vec<(Remark, String)>,
}

impl From<Verdict> for Opened {
    fn from(verdict: Verdict) -> Self {
        Opened { outcome: Err(verdict), detail: None, remarks: Vec::new() }
    }
}

/// Reads a digest and checks it, in the order of the client of AWS: its text, its metadata, its fields, its place, its
/// key, its signature. The first that fails is the verdict.
pub(super) fn open(
    archive: &dyn Archive,
    keys: &dyn KeyRing,
    place: &Place<'_>,
    newer: Option<&Newer>,
) -> Result<Opened, Fault> {
    let Object { metadata, body } = match archive.open(place.bucket, place.key) {
        Ok(object) => object,
        Err(Fault::Absent) => return Ok(Verdict::NotFound.into()),
        Err(fault) => return Ok(Verdict::Unproven(fault.to_string()).into()),
    };
    let (text, trailing) = match log::text(body, place.limit) {
        Ok(Some(text)) => text,
        Ok(None) => return Ok(Verdict::InvalidFormat.into()),
        Err(fault) => return Ok(Verdict::Unproven(fault.to_string()).into()),
    };
    let Some(fields) = Fields::parse(&text) else { return Ok(Verdict::InvalidFormat.into()) };
    let mut opened = prove(keys, place, newer, &metadata, fields)?;
    if trailing {
        let detail = "bytes follow its gzip member; they are not signed, and nothing reads them";
        opened.remarks.push((Remark::DigestTrailingData, detail.to_owned()));
    }
    Ok(opened)
}

fn prove(
    keys: &dyn KeyRing,
    place: &Place<'_>,
    newer: Option<&Newer>,
    metadata: &Metadata,
    fields: Fields,
) -> Result<Opened, Fault> {
    let kept = newer.and_then(|newer| newer.document.previous_signature.as_deref());
    let mut remarks = Vec::new();
    let mut signed = None;
    let signature = match metadata {
        Metadata::Lost => kept,
        Metadata::Known(metadata) => {
            let (Some(signature), Some(algorithm)) = (metadata.get("signature"), metadata.get("signature-algorithm"))
            else {
                let detail = "its metadata have no signature".to_owned();
                return Ok(Opened { detail: Some(detail), ..Verdict::SignatureFailed.into() });
            };
            if algorithm != "SHA256withRSA" {
                remarks.push((Remark::Algorithm, format!("its metadata name the algorithm {algorithm}")));
            }
            if place.backfill {
                signed = metadata.get("backfill-generation-timestamp").map(String::as_str);
                if signed.is_none() {
                    let detail = "its metadata have no backfill-generation-timestamp".to_owned();
                    return Ok(Opened { detail: Some(detail), ..Verdict::InvalidFormat.into() });
                }
            }
            Some(signature.as_str())
        }
    };
    let Some(document) = fields.document() else { return Ok(Verdict::InvalidFormat.into()) };
    if (&*document.bucket, &*document.key) != (place.bucket, place.key) {
        let claims = format!("s3://{}/{}", document.bucket, document.key);
        let detail = format!("it says that it belongs at {claims}");
        return Ok(Opened { detail: Some(detail), ..Verdict::Moved(claims).into() });
    }
    let signed = signed.and_then(|time| DateTime::parse_from_rfc3339(time).ok()).map(|time| time.to_utc());
    let (trust, detail) = match believe(keys, place, &document, signature, signed.unwrap_or(document.end))? {
        Ok(trust) => (trust, None),
        Err(verdict) => {
            // A signature that an unproven digest keeps may be the thing that is wrong.
            let hearsay = *metadata == Metadata::Lost && newer.is_some_and(|newer| newer.trust != Trust::Signed);
            if hearsay && verdict == Verdict::SignatureFailed {
                let why = "the digest after it keeps another signature, and is not proven itself".to_owned();
                return Ok(Opened { outcome: Ok((document, Trust::Unknown(why))), detail: None, remarks });
            }
            let detail = detail_of(keys, place, &document, kept)?;
            return Ok(Opened { outcome: Err(verdict), detail, remarks });
        }
    };
    Ok(Opened { outcome: Ok((document, trust)), detail, remarks })
}

/// Whether the key that a document names has signed it.
fn believe(
    keys: &dyn KeyRing,
    place: &Place<'_>,
    document: &Document,
    signature: Option<&str>,
    signed: DateTime<Utc>,
) -> Result<Result<Trust, Verdict>, Fault> {
    let key = keys.key(place.home, &document.fingerprint, signed).map_err(|error| Fault::Unread(error.to_string()))?;
    let Some(key) = key else {
        let (region, fingerprint) = (place.home.to_owned(), document.fingerprint.clone());
        return Ok(Err(Verdict::KeyNotFound { region, fingerprint }));
    };
    let Some(signature) = signature else {
        let why = "its signature was not kept when it was downloaded, and no later digest here repeats it; \
                   fetch it with `aws s3api head-object`, or give the next digest too";
        return Ok(Ok(Trust::Unknown(why.to_owned())));
    };
    match key.signed(&document.string_to_sign(), signature) {
        true => Ok(Ok(Trust::Signed)),
        false => Ok(Err(Verdict::SignatureFailed)),
    }
}

/// What else is known of a digest whose signature is wrong: the digest after it may keep one that is right, and then it
/// is the metadata that were changed.
fn detail_of(
    keys: &dyn KeyRing,
    place: &Place<'_>,
    document: &Document,
    kept: Option<&str>,
) -> Result<Option<String>, Fault> {
    let trust = believe(keys, place, document, kept, document.end)?;
    Ok(match (kept, trust) {
        (Some(_), Ok(Trust::Signed)) => Some(
            "its text is what CloudTrail signed, by the signature in the digest after it: its metadata were changed"
                .to_owned(),
        ),
        _ => None,
    })
}

/// Where a digest says that it belongs; `None` where it cannot be read.
pub(super) fn claims(archive: &dyn Archive, bucket: &str, key: &str, limit: u64) -> Option<String> {
    let object = archive.open(bucket, key).ok()?;
    let (text, _) = log::text(object.body, limit).ok()??;
    Document::parse(&text).map(|document| format!("s3://{}/{}", document.bucket, document.key))
}
