//! A bucket: pages of its keys, and its objects.

use std::io::{self, Read};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_sdk_s3::primitives::{AggregatedBytes, ByteStream};
use aws_sdk_s3::types::EncodingType;

use crate::backoff::{Backoff, lot};
use crate::connection::Connection;
use crate::error::{Error, Kind, explain};

/// Attempts at an object whose body breaks off.
const BODY_ATTEMPTS: u32 = 6;
const BODY_PAUSE: Duration = Duration::from_millis(100);
const BODY_PAUSE_MAX: Duration = Duration::from_secs(10);

/// One bucket.
#[derive(Debug, Clone)]
pub struct Bucket {
    name: String,
    connection: Connection,
    /// Made anew where the bucket turns out to be in another Region.
    client: Arc<Mutex<aws_sdk_s3::Client>>,
}

/// A key and what a listing says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// The key.
    pub key: String,
    /// Bytes as stored.
    pub bytes: u64,
    /// When it was written, in microseconds since the Unix epoch.
    pub modified: Option<i64>,
}

/// Up to a thousand keys.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// In the order of the bucket.
    pub objects: Vec<Listed>,
    /// Whether more follow.
    pub more: bool,
}

/// An object that is being read.
#[derive(Debug)]
pub struct Opened {
    /// The `x-amz-meta-…` headers without that prefix.
    pub metadata: std::collections::BTreeMap<String, String>,
    /// Bytes as stored, where the server says.
    pub bytes: Option<u64>,
    /// When it was written, in microseconds since the Unix epoch.
    pub modified: Option<i64>,
    /// How it is encrypted where a key of KMS does it.
    pub encryption: Option<String>,
    body: ByteStream,
}

impl Bucket {
    /// A bucket of this name. Nothing is asked yet.
    pub fn new(connection: &Connection, name: &str) -> Bucket {
        let client = Arc::new(Mutex::new(connection.s3(&connection.region())));
        Bucket { name: name.to_owned(), connection: connection.clone(), client }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How it is reached.
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    fn client(&self) -> aws_sdk_s3::Client {
        self.client.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Goes to the Region that an answer names; whether that is worth another attempt.
    fn follow(&self, error: &Error) -> bool {
        let Some(region) = error.region.as_deref().filter(|_| error.kind == Kind::Elsewhere) else { return false };
        let mut client = self.client.lock().unwrap_or_else(PoisonError::into_inner);
        let here = client.config().region().is_some_and(|here| here.as_ref() == region);
        if !here {
            *client = self.connection.s3(region);
        }
        !here
    }

    /// Keys that begin with `prefix` and come after `after`.
    ///
    /// # Errors
    /// What S3 refuses; needs `s3:ListBucket`.
    pub async fn page(&self, prefix: &str, after: &str) -> Result<Page, Error> {
        match self.ask_page(prefix, after).await {
            Err(error) if self.follow(&error) => self.ask_page(prefix, after).await,
            result => result,
        }
    }

    async fn ask_page(&self, prefix: &str, after: &str) -> Result<Page, Error> {
        let request = self.client().list_objects_v2().bucket(&self.name).prefix(prefix);
        let request = if after.is_empty() { request } else { request.start_after(after) };
        let what = format!("s3://{}/{prefix}", self.name);
        // Keys may hold what XML cannot.
        let answer = request.encoding_type(EncodingType::Url).send().await;
        let answer = answer.map_err(|e| explain(&e, &what, "s3:ListBucket", &format!("arn:aws:s3:::{}", self.name)))?;
        let encoded = answer.encoding_type() == Some(&EncodingType::Url);
        let mut objects = Vec::new();
        for object in answer.contents() {
            let Some(key) = object.key() else { continue };
            let key = if encoded { decode(key) } else { key.to_owned() };
            let modified = object.last_modified().and_then(micros);
            let bytes = object.size().and_then(|size| u64::try_from(size).ok()).unwrap_or(0);
            objects.push(Listed { key, bytes, modified });
        }
        Ok(Page { objects, more: answer.is_truncated().unwrap_or(false) })
    }

    /// The Region that the bucket is in, where the server says.
    ///
    /// # Errors
    /// What S3 refuses; needs `s3:ListBucket`.
    pub async fn region(&self) -> Result<Option<String>, Error> {
        let ask = async || {
            let answer = self.client().head_bucket().bucket(&self.name).send().await;
            let resource = format!("arn:aws:s3:::{}", self.name);
            answer.map_err(|error| explain(&error, &format!("s3://{}", self.name), "s3:ListBucket", &resource))
        };
        let answer = match ask().await {
            // A HEAD has no body that could say more.
            Err(error) if error.kind == Kind::Absent => Err(error.into_kind(Kind::NoBucket)),
            Err(error) if self.follow(&error) => ask().await,
            answer => answer,
        }?;
        Ok(answer.bucket_region().map(str::to_owned))
    }

    /// Folders directly below a prefix that ends with a slash, or below none; each ends with a slash.
    ///
    /// # Errors
    /// What S3 refuses; needs `s3:ListBucket`.
    pub async fn folders(&self, prefix: &str) -> Result<Vec<String>, Error> {
        let mut folders = Vec::new();
        let mut after = String::new();
        loop {
            let page = match self.ask_folders(prefix, &after).await {
                Err(error) if self.follow(&error) => self.ask_folders(prefix, &after).await,
                result => result,
            }?;
            folders.extend(page.0);
            match page.1 {
                Some(next) => after = next,
                None => return Ok(folders),
            }
        }
    }

    /// A page of folders, and the token of the next page.
    async fn ask_folders(&self, prefix: &str, token: &str) -> Result<(Vec<String>, Option<String>), Error> {
        let request = self.client().list_objects_v2().bucket(&self.name).prefix(prefix).delimiter("/");
        let request = if token.is_empty() { request } else { request.continuation_token(token) };
        let what = format!("s3://{}/{prefix}", self.name);
        let answer = request.encoding_type(EncodingType::Url).send().await;
        let answer = answer.map_err(|e| explain(&e, &what, "s3:ListBucket", &format!("arn:aws:s3:::{}", self.name)))?;
        let encoded = answer.encoding_type() == Some(&EncodingType::Url);
        let folder = |text: &str| if encoded { decode(text) } else { text.to_owned() };
        let folders = answer.common_prefixes().iter().filter_map(|folders| folders.prefix()).map(folder).collect();
        Ok((folders, answer.next_continuation_token().map(str::to_owned)))
    }

    /// Opens an object.
    ///
    /// # Errors
    /// What S3 refuses; needs `s3:GetObject`.
    pub async fn open(&self, key: &str) -> Result<Opened, Error> {
        match self.ask_object(key).await {
            Err(error) if self.follow(&error) => self.ask_object(key).await,
            result => result,
        }
    }

    /// Whether there is such an object.
    ///
    /// # Errors
    /// As [`Bucket::open`], but for an absent object. Whoever may not list a bucket is told that absent ones are denied.
    pub fn has(&self, key: &str) -> Result<bool, Error> {
        match self.connection.wait(self.open(key)) {
            Ok(_) => Ok(true),
            Err(error) if error.kind == Kind::Absent => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn ask_object(&self, key: &str) -> Result<Opened, Error> {
        let what = format!("s3://{}/{key}", self.name);
        let answer = self.client().get_object().bucket(&self.name).key(key).send().await;
        let resource = format!("arn:aws:s3:::{}/{key}", self.name);
        let answer = answer.map_err(|error| explain(&error, &what, "s3:GetObject", &resource))?;
        let metadata = answer.metadata().into_iter().flatten();
        let metadata = metadata.map(|(name, value)| (name.to_ascii_lowercase(), value.clone())).collect();
        let bytes = answer.content_length().and_then(|length| u64::try_from(length).ok());
        let modified = answer.last_modified().and_then(micros);
        let encryption = answer.ssekms_key_id().map(|key| format!("encrypted by the key {key}"));
        Ok(Opened { metadata, bytes, modified, encryption, body: answer.body })
    }

    /// Reads an object whole. A body that breaks off is asked for again.
    ///
    /// # Errors
    /// As [`Bucket::open`], and what broke off to the last.
    pub async fn get(&self, key: &str) -> Result<(Opened, Vec<u8>), Error> {
        let mut backoff = Backoff::new(BODY_PAUSE, BODY_PAUSE_MAX, BODY_ATTEMPTS);
        loop {
            let mut opened = self.open(key).await?;
            let body = std::mem::take(&mut opened.body).collect().await.map(AggregatedBytes::to_vec);
            let why = match (body, opened.bytes) {
                (Ok(body), Some(bytes)) if body.len() as u64 != bytes => {
                    format!("{} of {bytes} bytes came", body.len())
                }
                (Ok(body), _) => return Ok((opened, body)),
                (Err(error), _) => format!("the answer broke off: {error}"),
            };
            let Some(pause) = backoff.next(lot()) else {
                let what = format!("s3://{}/{key}", self.name);
                return Err(Error::new(what, Kind::Network, format!("{why}; {BODY_ATTEMPTS} attempts were made")));
            };
            self.connection.meter().retry();
            tokio::time::sleep(pause).await;
        }
    }
}

impl Opened {
    /// The body, to be read on a thread that is not the runtime's.
    pub fn into_read(self, connection: &Connection) -> impl Read + Send + 'static {
        Body { connection: connection.clone(), stream: self.body, chunk: io::Cursor::default() }
    }
}

/// A body that is read as it comes.
struct Body {
    connection: Connection,
    stream: ByteStream,
    chunk: io::Cursor<Vec<u8>>,
}

impl Read for Body {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        loop {
            let n = self.chunk.read(out)?;
            if n > 0 || out.is_empty() {
                return Ok(n);
            }
            match self.connection.reading(self.stream.next())? {
                Some(Ok(bytes)) => self.chunk = io::Cursor::new(bytes.to_vec()),
                Some(Err(error)) => return Err(io::Error::other(format!("the answer broke off: {error}"))),
                None => return Ok(0),
            }
        }
    }
}

/// Whole seconds: a listing knows parts of them, a header does not, and both must name one time.
fn micros(time: &aws_sdk_s3::primitives::DateTime) -> Option<i64> {
    time.secs().checked_mul(1_000_000)
}

/// A key as a listing with `encoding-type=url` writes it: `+` is a space, `%XX` a byte, each exactly once.
pub(crate) fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        let digits = after.first_chunk::<2>().and_then(|[high, low]| {
            let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
            Some(digit(*high)? << 4 | digit(*low)?)
        });
        match (byte, digits) {
            (b'+', _) => bytes.push(b' '),
            (b'%', Some(value)) => {
                bytes.push(value);
                rest = after.get(2..).unwrap_or_default();
            }
            _ => bytes.push(*byte),
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_decoded_exactly_once() {
        for (written, key) in [
            ("AWSLogs/1/a.json.gz", "AWSLogs/1/a.json.gz"),
            ("AWSLogs%2F1%2Fa+b.json.gz", "AWSLogs/1/a b.json.gz"),
            ("a%252Fb", "a%2Fb"),
            ("a%2Bb%", "a+b%"),
            ("a%zz%4", "a%zz%4"),
            ("%C3%A9%F0%9F%90%95", "é🐕"),
            ("%", "%"),
        ] {
            assert_eq!(decode(written), key, "{written}");
        }
    }
}
