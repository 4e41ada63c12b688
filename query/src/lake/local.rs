//! Reads of files on this machine, done by the thread that asks.
//!
//! The engine's store hands every read to another thread and waits for it, which takes longer than copying a few pages
//! out of the system's memory: a question reads some bytes of very many files. Ranges that are neighbours are one read.
//! Knows paths and bytes, and nothing of Parquet. A file that cannot be opened is left to the engine's store, which has
//! the words for it; a place beyond the end of one is not, because that store sets memory aside for it first, and a damaged
//! footer may name any place.

use std::fmt;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMultipartOptions,
    PutOptions, PutPayload, PutResult, Result,
};

/// Ranges so near to each other are read together: copying what is between them costs less than another read.
const GAP_BYTES: u64 = 4 << 10;

/// The files of this machine.
#[derive(Debug)]
pub(super) struct Local {
    paths: LocalFileSystem,
    inner: Arc<dyn ObjectStore>,
}

impl Local {
    /// Reads in place of a store of the whole file system, which does everything else.
    pub(super) fn over(inner: Arc<dyn ObjectStore>) -> Local {
        Local { paths: LocalFileSystem::new(), inner }
    }

    fn open(&self, location: &Path) -> io::Result<File> {
        File::open(self.paths.path_to_filesystem(location).map_err(io::Error::other)?)
    }

    fn read(file: &File, ranges: &[Range<u64>]) -> io::Result<Vec<Bytes>> {
        let mut parts = Vec::with_capacity(ranges.len());
        let mut rest = ranges;
        while let Some(first) = rest.first() {
            let (together, whole) = neighbours(first.clone(), rest);
            let (now, later) = rest.split_at(together);
            let bytes = read(file, &whole)?;
            for range in now {
                parts.push(bytes.slice(within(range, &whole)?));
            }
            rest = later;
        }
        Ok(parts)
    }
}

/// How many of the ranges are read at once, and from where to where.
fn neighbours(first: Range<u64>, ranges: &[Range<u64>]) -> (usize, Range<u64>) {
    let mut whole = first;
    let follows = |range: &&Range<u64>| {
        let near = range.start >= whole.start && range.start <= whole.end.saturating_add(GAP_BYTES);
        if near {
            whole.end = whole.end.max(range.end);
        }
        near
    };
    let together = ranges.iter().take_while(follows).count().max(1);
    (together, whole)
}

fn read(file: &File, range: &Range<u64>) -> io::Result<Bytes> {
    let length = range.end.saturating_sub(range.start);
    if range.end > file.metadata()?.len() {
        return Err(io::Error::new(
            io::ErrorKind::UnexpectedEof,
            format!("bytes {range:?} are beyond the end of the file"),
        ));
    }
    let mut bytes = vec![0; usize::try_from(length).map_err(io::Error::other)?];
    file.read_exact_at(&mut bytes, range.start)?;
    Ok(bytes.into())
}

/// A range, counted from the start of what was read.
fn within(range: &Range<u64>, whole: &Range<u64>) -> io::Result<Range<usize>> {
    let place = |at: u64| usize::try_from(at.saturating_sub(whole.start)).map_err(io::Error::other);
    let (start, end) = (place(range.start)?, place(range.end)?);
    if start > end {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    Ok(start..end)
}

impl fmt::Display for Local {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Local({})", self.inner)
    }
}

#[async_trait]
impl ObjectStore for Local {
    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        match self.open(location) {
            Ok(file) => Self::read(&file, ranges)
                .map_err(|error| object_store::Error::Generic { store: "local files", source: error.into() }),
            Err(_) => self.inner.get_ranges(location, ranges).await,
        }
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.inner.get_opts(location, options).await
    }

    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        self.inner.put_opts(location, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(location, options).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use tokio::runtime::Builder;

    use super::*;

    #[test]
    fn reads_what_the_stock_store_reads() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("a file=1 %41.bin");
        let bytes: Vec<u8> = (0..50_000_u32).map(|n| n.to_le_bytes()[0] ^ n.to_le_bytes()[1]).collect();
        std::fs::write(&file, &bytes).unwrap();
        let path = Path::from_absolute_path(&file).unwrap();
        let stock: Arc<dyn ObjectStore> = Arc::new(LocalFileSystem::new());
        let ours = Local::over(stock.clone());
        let runtime = Builder::new_current_thread().build().unwrap();
        for ranges in [
            vec![0..10, 20_000..20_010],
            vec![0..10, 10..20, 4000..4001, 30_000..50_000],
            vec![40_000..40_010, 5..7, 6..8, 5..7],
            vec![],
        ] {
            let read = |store: &dyn ObjectStore| runtime.block_on(store.get_ranges(&path, &ranges)).unwrap();
            let own = Local::read(&ours.open(&path).unwrap(), &ranges).unwrap();
            assert_eq!(own, read(stock.as_ref()), "{ranges:?}");
            assert_eq!(read(&ours), read(stock.as_ref()), "{ranges:?}");
        }
    }

    #[test]
    fn what_goes_wrong_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("short");
        std::fs::write(&file, b"short").unwrap();
        let ours = Local::over(Arc::new(LocalFileSystem::new()));
        let runtime = Builder::new_multi_thread().worker_threads(1).build().unwrap();
        let ask = |file: &std::path::Path, range: Range<u64>| {
            let path = Path::from_absolute_path(file).unwrap();
            runtime.block_on(ours.get_ranges(&path, &[range])).unwrap_err()
        };
        let gone = ask(&dir.path().join("gone"), 0..1);
        assert!(matches!(gone, object_store::Error::NotFound { .. }), "{gone:?}");
        // Nothing is set aside for bytes that cannot be there.
        let beyond = ask(&file, 1 << 40..1 << 41);
        assert!(matches!(beyond, object_store::Error::Generic { .. }), "{beyond:?}");
    }
}
