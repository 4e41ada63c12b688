//! S3's buckets and objects, and the two sides of a copy.
//!
//! Source: "Required permissions for Amazon S3 API operations" in the S3 user guide, "CopyObject" (`x-amz-copy-source`) in
//! its API reference.

use serde_json::{Map, Value};

use super::{Certainty, Resource, Told, is_plain, kinds};

/// Calls that read the object that their header names and write the one that their path names.
const COPIES: &[&str] = &["CopyObject", "UploadPartCopy"];

/// S3 lists the object and its bucket: the action's resource types say which of them it is about.
pub(super) fn of(
    action: &str,
    types: &str,
    listed: Vec<Resource>,
    request: &Map<String, Value>,
    told: &Told<'_>,
) -> Vec<Resource> {
    let wants = |wanted: &str| kinds(types).any(|(kind, _)| kind == wanted);
    let is_object = |found: &Resource| found.arn.splitn(6, ':').nth(5).is_some_and(|rest| rest.contains('/'));
    let (mut objects, buckets): (Vec<_>, Vec<_>) = listed.into_iter().partition(is_object);
    if COPIES.contains(&told.event) && wants("object") {
        let written = object(&buckets, request, told).filter(|found| found.certainty == Certainty::Exact);
        if action.starts_with("s3:Get") {
            objects.retain(|found| Some(found) != written.as_ref());
            let anywhere = || Resource::new(format!("arn:{}:s3:::*/*", told.partition), Certainty::Unknown);
            let other = || if objects.len() == 1 && written.is_some() { objects.pop() } else { None };
            return vec![source(request, told).or_else(other).unwrap_or_else(anywhere)];
        }
        if let Some(written) = written {
            return vec![written];
        }
        let read = source(request, told);
        objects.retain(|found| Some(found) != read.as_ref());
    }
    match (wants("object"), wants("bucket")) {
        (true, _) if objects.is_empty() => object(&buckets, request, told).into_iter().collect(),
        (true, _) => objects,
        (false, true) if buckets.is_empty() => {
            bucket(&buckets, request, told).map(|arn| Resource::new(arn, Certainty::Exact)).into_iter().collect()
        }
        (false, true) => buckets,
        (false, false) => objects.into_iter().chain(buckets).collect(),
    }
}

fn text<'a>(request: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    request.get(name)?.as_str().filter(|text| !text.is_empty())
}

fn bucket(buckets: &[Resource], request: &Map<String, Value>, told: &Told<'_>) -> Option<String> {
    let named = || text(request, "bucketName").filter(|name| is_plain(name));
    let listed = buckets.first().map(|bucket| bucket.arn.clone());
    listed.or_else(|| {
        named().map(|name| match name.starts_with("arn:") {
            true => name.to_owned(),
            false => format!("arn:{}:s3:::{name}", told.partition),
        })
    })
}

/// The object that a request's path names; of several (`DeleteObjects`), the pattern of its bucket.
fn object(buckets: &[Resource], request: &Map<String, Value>, told: &Told<'_>) -> Option<Resource> {
    let bucket = bucket(buckets, request, told)?;
    // An access point's objects stand behind a word of their own.
    let bucket = if bucket.contains(":accesspoint/") { format!("{bucket}/object") } else { bucket };
    Some(match text(request, "key") {
        Some(key) => Resource::new(format!("{bucket}/{key}"), Certainty::Exact),
        None => Resource::new(format!("{bucket}/*"), Certainty::Unknown),
    })
}

/// The text of the header that names what is copied.
fn header(request: &Map<String, Value>) -> Option<String> {
    let (_, value) = request.iter().find(|(name, _)| name.eq_ignore_ascii_case("x-amz-copy-source"))?;
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Array(list) => list.first().and_then(Value::as_str).map(str::to_owned),
        _ => None,
    }
}

/// Whether a copy's source is a version of an object.
pub(crate) fn copies_version(event: &str, request: Option<&str>) -> bool {
    COPIES.contains(&event) && header(&super::object(request)).is_some_and(|text| text.contains("?versionId="))
}

/// What is copied: `/bucket/key`, or an ARN of an access point, URL-encoded, perhaps with a version.
fn source(request: &Map<String, Value>, told: &Told<'_>) -> Option<Resource> {
    let text = header(request)?;
    let text = text.split("?versionId=").next().unwrap_or(&text);
    let text = decoded(text)?;
    let text = text.trim_start_matches('/');
    let arn = match text.starts_with("arn:") {
        true => text.to_owned(),
        false => {
            let (bucket, key) = text.split_once('/')?;
            if bucket.is_empty() || key.is_empty() || !is_plain(bucket) {
                return None;
            }
            format!("arn:{}:s3:::{text}", told.partition)
        }
    };
    Some(Resource::new(arn, Certainty::Exact))
}

/// Percent-encoded text; `None` where it is not of UTF-8.
fn decoded(text: &str) -> Option<String> {
    let digit = |byte: Option<&u8>| {
        byte.and_then(|byte| char::from(*byte).to_digit(16)).and_then(|digit| u8::try_from(digit).ok())
    };
    let bytes = text.as_bytes();
    let (mut found, mut at) = (Vec::with_capacity(bytes.len()), 0);
    while let Some(byte) = bytes.get(at) {
        match (byte, digit(bytes.get(at + 1)), digit(bytes.get(at + 2))) {
            (b'%', Some(high), Some(low)) => {
                found.push(high * 16 + low);
                at += 3;
            }
            _ => {
                found.push(*byte);
                at += 1;
            }
        }
    }
    String::from_utf8(found).ok()
}
