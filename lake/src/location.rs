//! Where a lake is: a folder, or a prefix of a bucket.
//!
//! Knows paths, buckets and credentials. Must not know tables.

use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;

use deltalake_core::logstore::{LogStoreRef, StorageConfig, default_logstore};
use object_store::aws::AmazonS3Builder;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{ObjectStore, ObjectStoreExt, PutMode};
use url::Url;
use uuid::Uuid;

use crate::credentials;
use crate::error::{Error, Result};
use crate::fault;

/// How the objects are called that try out a store.
const PROBE: &str = "_trailhound/probe";

/// How AWS is reached: the flags of the AWS command line. What is absent comes from its environment and files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Aws {
    /// `--endpoint-url`: another server that speaks S3.
    pub endpoint_url: Option<String>,
    /// `--region`
    pub region: Option<String>,
    /// `--profile`
    pub profile: Option<String>,
}

/// A folder or a prefix of a bucket, opened.
#[derive(Debug, Clone)]
pub struct Location {
    /// As the user wrote it.
    name: String,
    /// The whole file system or bucket.
    root: Arc<dyn ObjectStore>,
    /// The lake in it.
    base: Path,
    url: Url,
    folder: Option<PathBuf>,
}

impl Location {
    /// Opens a folder, or `s3://BUCKET/PREFIX` with credentials from the AWS chain. Nothing is created.
    ///
    /// # Errors
    /// [`Error::Location`] for a place that can hold no lake.
    pub async fn open(place: &str, aws: &Aws) -> Result<Location> {
        match Url::parse(place) {
            Ok(url) if url.scheme() == "s3" || url.scheme() == "s3a" => Self::bucket(place, &url, aws).await,
            Ok(url) if url.scheme().len() > 1 && place.contains("://") => Err(Error::Location {
                place: place.to_owned(),
                why: format!("a lake lives in a folder or in s3://BUCKET/PREFIX, not in {}://", url.scheme()),
            }),
            _ => Self::local(place),
        }
    }

    /// Delta's own code decodes a URL once more than it was encoded, so that `p%20q` and `p q` were one log of two lakes, and
    /// takes a backslash for a slash.
    fn ambiguous(text: &str) -> Option<String> {
        let hex = |at: usize| text.as_bytes().get(at).is_some_and(u8::is_ascii_hexdigit);
        let escape = text.match_indices('%').find(|(at, _)| hex(at + 1) && hex(at + 2));
        let escape = escape.and_then(|(at, _)| text.get(at..at + 3));
        let found = escape.or_else(|| text.contains('\\').then_some("\\"))?;
        Some(format!("`{found}` in the name could be read as another name, and mix two lakes; take a name without it"))
    }

    fn local(place: &str) -> Result<Location> {
        let wrong = |why: String| Error::Location { place: place.to_owned(), why };
        let folder = std::path::absolute(place).map_err(|error| wrong(error.to_string()))?;
        if folder.exists() && !folder.is_dir() {
            return Err(wrong("this is a file; a lake is a folder".to_owned()));
        }
        // Links are followed once, so that one lake has one name.
        let folder = folder.canonicalize().unwrap_or(folder);
        if let Some(why) = Self::ambiguous(&folder.to_string_lossy()) {
            return Err(wrong(if folder.is_dir() { format!("{why}: rename the folder") } else { why }));
        }
        let url = Url::from_directory_path(&folder).map_err(|()| wrong("no path that a URL can name".to_owned()))?;
        let base = Path::from_absolute_path(&folder).map_err(|error| wrong(error.to_string()))?;
        let root = fault::wrap(Arc::new(LocalFileSystem::new()));
        Ok(Location { name: place.to_owned(), root, base, url, folder: Some(folder) })
    }

    async fn bucket(place: &str, url: &Url, aws: &Aws) -> Result<Location> {
        let wrong = |why: String| Error::Location { place: place.to_owned(), why };
        if let Some(why) = Self::ambiguous(place) {
            return Err(wrong(why));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(wrong(
                "`?` and `#` end the name of a lake, and two lakes would be one; take a name without them".to_owned(),
            ));
        }
        let bucket = url.host_str().filter(|bucket| !bucket.is_empty());
        let bucket = bucket.ok_or_else(|| wrong("no bucket in it; write s3://BUCKET/PREFIX".to_owned()))?;
        let base = Path::from_url_path(url.path()).map_err(|error| wrong(error.to_string()))?;
        let chain = credentials::Chain::load(aws).await;
        let mut builder = AmazonS3Builder::new().with_bucket_name(bucket).with_region(chain.region());
        if let Some(endpoint) = chain.endpoint_url() {
            builder = builder.with_endpoint(endpoint).with_allow_http(endpoint.starts_with("http://"));
        }
        let store = builder.with_credentials(Arc::new(chain)).build().map_err(|error| wrong(error.to_string()))?;
        let url = Url::parse(&format!("s3://{bucket}/{base}/")).map_err(|error| wrong(error.to_string()))?;
        Ok(Location { name: place.to_owned(), root: fault::wrap(Arc::new(store)), base, url, folder: None })
    }

    /// As the user wrote it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The file system or bucket that the lake is in; its paths begin at the root.
    pub fn root(&self) -> &Arc<dyn ObjectStore> {
        &self.root
    }

    /// The URL of [`Location::root`], under which a query engine registers it.
    pub fn root_url(&self) -> Url {
        let mut url = self.url.clone();
        url.set_path("/");
        url
    }

    /// A path within the lake, from the root of its store.
    pub fn path(&self, within: &str) -> Path {
        within.split('/').filter(|part| !part.is_empty()).fold(self.base.clone(), |path, part| path.join(part))
    }

    /// The folder, where it is one.
    pub(crate) fn folder(&self) -> Option<&FilePath> {
        self.folder.as_deref()
    }

    /// Delta's view of one table's folder.
    pub(crate) fn log_store(&self, table: &'static str) -> Result<LogStoreRef> {
        let url = self
            .url
            .join(&format!("{table}/"))
            .map_err(|error| Error::Location { place: self.name.clone(), why: error.to_string() })?;
        let prefixed: Arc<dyn ObjectStore> = Arc::new(PrefixStore::new(self.root.clone(), self.path(table)));
        Ok(default_logstore(prefixed, self.root.clone(), &url, &StorageConfig::default()))
    }

    /// Makes the folder, where it is one.
    pub(crate) fn create(&self) -> Result<()> {
        match &self.folder {
            Some(folder) => std::fs::create_dir_all(folder)
                .map_err(|source| Error::Io { what: format!("cannot make {}", folder.display()), source }),
            None => Ok(()),
        }
    }

    /// Writes an object whole, durably: on a file system, its bytes and its name are flushed to the disk.
    pub(crate) async fn put(&self, within: &str, bytes: bytes::Bytes) -> Result<()> {
        let path = self.path(within);
        self.root.put(&path, bytes.into()).await.map_err(Error::store(within))?;
        self.sync(within)
    }

    /// [`Location::put`], unless there is such an object already: then `false`.
    pub(crate) async fn put_new(&self, within: &str, bytes: bytes::Bytes) -> Result<bool> {
        let path = self.path(within);
        match self.root.put_opts(&path, bytes.into(), PutMode::Create.into()).await {
            Ok(_) => self.sync(within).map(|()| true),
            Err(object_store::Error::AlreadyExists { .. }) => Ok(false),
            Err(error) => Err(Error::store(within)(error)),
        }
    }

    /// Whether the store refuses to write what is there already, when it is told to (`If-None-Match: *`, "Adding preconditions to
    /// S3 operations with conditional requests" in the Amazon S3 User Guide). Every commit rests on it.
    pub(crate) async fn keeps_conditions(&self) -> Result<bool> {
        let probe = format!("{PROBE}-{}", Uuid::new_v4().simple());
        let mut is_taken = 0;
        for _ in 0..2 {
            is_taken += u32::from(self.put_new(&probe, bytes::Bytes::from_static(b"probe")).await?);
        }
        // A probe that stays is swept by nobody, and is a few bytes.
        let _ = self.root.delete(&self.path(&probe)).await;
        Ok(is_taken < 2)
    }

    /// Flushes an object and its folder to the disk.
    ///
    /// # Errors
    /// A failed flush is final: what the disk then holds is unknown, so nothing may be built on it.
    pub(crate) fn sync(&self, within: &str) -> Result<()> {
        let Some(folder) = &self.folder else { return Ok(()) };
        let flush = |path: &FilePath| std::fs::File::open(path).and_then(|file| file.sync_all());
        let file = folder.join(within);
        flush(&file)
            .and_then(|()| file.parent().map_or(Ok(()), flush))
            .map_err(|source| Error::Io { what: format!("cannot flush {} to the disk", file.display()), source })
    }

    /// Reads an object whole.
    pub(crate) async fn get(&self, within: &str) -> Result<bytes::Bytes> {
        let path = self.path(within);
        let result = self.root.get(&path).await.map_err(Error::store(within))?;
        result.bytes().await.map_err(Error::store(within))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn names_that_could_be_read_as_others_are_refused() {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let local = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
        let open = |place: &str| runtime.block_on(Location::open(place, &Aws::default()));
        let mut refused = vec![local("p%20q"), local("a%2Fb"), local("back\\slash"), local("p%2520q/lake")];
        refused.extend(["p%20q", "p%2520q", "p?x", "p#x", "p\\x"].map(|name| format!("s3://lakes/{name}")));
        for place in refused {
            let why = open(&place).unwrap_err().to_string();
            assert!(why.starts_with(&place) && why.contains("take a name without"), "{why}");
        }
        for name in ["p q", "50% off", "100%", "é", "p+q"] {
            let location = open(&local(name)).unwrap();
            assert!(location.path("x").as_ref().ends_with(&format!("{name}/x")), "{name}: {location:?}");
        }
    }
}
