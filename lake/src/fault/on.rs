//! The faults themselves. See the parent's head.

use std::fmt;
use std::io;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};

use async_trait::async_trait;
use futures::stream::BoxStream;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

/// The step to die at, and how often it is passed before.
static CRASH: LazyLock<Option<(String, u64)>> = LazyLock::new(|| {
    let asked = std::env::var("TRAILHOUND_CRASH_AT").ok()?;
    Some(match asked.split_once(':') {
        Some((step, n)) => (step.to_owned(), n.parse().unwrap_or(1)),
        None => (asked, 1),
    })
});
static PASSED: AtomicU64 = AtomicU64::new(0);

pub(crate) fn point(step: &'static str) {
    debug_assert!(super::STEPS.contains(&step), "{step} is not in the list of steps");
    if let Some((wanted, n)) = &*CRASH
        && wanted == step
        && PASSED.fetch_add(1, Ordering::SeqCst) + 1 == *n
    {
        std::process::abort();
    }
}

/// The store, with the faults that the environment asks for.
pub(crate) fn wrap(store: Arc<dyn ObjectStore>) -> Arc<dyn ObjectStore> {
    let Ok(asked) = std::env::var("TRAILHOUND_DISK_FULL_AT") else { return store };
    let (from, to) = asked.split_once("..").unwrap_or((&asked, ""));
    let full = from.parse().unwrap_or(1)..to.parse().unwrap_or(u64::MAX);
    Arc::new(SmallDisk { store, full, writes: AtomicU64::new(0) })
}

/// A disk that is full during a range of writes, counted from 1.
#[derive(Debug)]
struct SmallDisk {
    store: Arc<dyn ObjectStore>,
    full: Range<u64>,
    writes: AtomicU64,
}

impl SmallDisk {
    fn write(&self) -> Result<()> {
        if !self.full.contains(&(self.writes.fetch_add(1, Ordering::SeqCst) + 1)) {
            return Ok(());
        }
        let source = Box::new(io::Error::from(io::ErrorKind::StorageFull));
        Err(Error::Generic { store: "SmallDisk", source })
    }
}

impl fmt::Display for SmallDisk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, full at writes {:?}", self.store, self.full)
    }
}

#[async_trait]
impl ObjectStore for SmallDisk {
    async fn put_opts(&self, path: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        self.write()?;
        self.store.put_opts(path, payload, options).await
    }

    async fn put_multipart_opts(&self, path: &Path, options: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        self.write()?;
        self.store.put_multipart_opts(path, options).await
    }

    async fn get_opts(&self, path: &Path, options: GetOptions) -> Result<GetResult> {
        self.store.get_opts(path, options).await
    }

    fn delete_stream(&self, paths: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.store.delete_stream(paths)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.store.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.store.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.write()?;
        self.store.copy_opts(from, to, options).await
    }
}
