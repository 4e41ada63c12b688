//! Opens data files for the engine: footers from its cache, without the row groups in which no needle can be, and
//! errors that say what to do. A file that went away under a question is named.
//!
//! A footer is kept together with the index of its pages, once a question has filtered. The engine would read the index
//! again for each file of each question, and copy the footer to put it in; without an index it would decode whole
//! columns to pass over pages.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::ParquetFileReaderFactory;
use datafusion::datasource::physical_plan::parquet::CachedParquetFileReaderFactory;
use datafusion::execution::cache::cache_manager::FileMetadataCache;
use datafusion::parquet::arrow::arrow_reader::ArrowReaderOptions;
use datafusion::parquet::arrow::async_reader::AsyncFileReader;
use datafusion::parquet::errors::{ParquetError, Result};
use datafusion::parquet::file::metadata::{PageIndexPolicy, ParquetMetaData, ParquetMetaDataBuilder, RowGroupMetaData};
use datafusion::physical_plan::metrics::{Count, ExecutionPlanMetricsSet, MetricBuilder};
use futures::FutureExt;
use futures::future::BoxFuture;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};

use super::bloom::{Filter, Probe};
use super::needle::Needle;
use super::schemas::Schemas;
use crate::error::InputFailure;

/// Name of the count of row groups that a needle's filter ruled out, in `EXPLAIN ANALYZE`.
pub(super) const PRUNED: &str = "row_groups_without_needle";

/// Makes readers for one scan.
#[derive(Debug)]
pub(super) struct Readers {
    store: Arc<dyn ObjectStore>,
    inner: CachedParquetFileReaderFactory,
    needles: Arc<[Needle]>,
    filters: bool,
    probes: Arc<Probes>,
    schemas: Arc<Schemas>,
}

impl Readers {
    /// Readers for a scan with these needles; `filters` says whether it filters at all.
    pub(super) fn new(
        store: Arc<dyn ObjectStore>,
        cache: Arc<FileMetadataCache>,
        needles: Vec<Needle>,
        filters: bool,
        schemas: Arc<Schemas>,
    ) -> Self {
        let inner = CachedParquetFileReaderFactory::new(store.clone(), cache);
        Readers { store, inner, needles: needles.into(), filters, probes: Arc::default(), schemas }
    }
}

impl ParquetFileReaderFactory for Readers {
    fn create_reader(
        &self,
        partition: usize,
        file: PartitionedFile,
        metadata_size_hint: Option<usize>,
        metrics: &ExecutionPlanMetricsSet,
    ) -> datafusion::common::Result<Box<dyn AsyncFileReader + Send>> {
        let range = file.range.as_ref().map(|range| range.start..range.end);
        let path = file.object_meta.location.clone();
        let inner = self.inner.create_reader(partition, file, metadata_size_hint, metrics)?;
        Ok(Box::new(Reader {
            inner,
            store: self.store.clone(),
            path,
            range,
            needles: self.needles.clone(),
            filters: self.filters,
            probes: self.probes.clone(),
            schemas: self.schemas.clone(),
            pruned: MetricBuilder::new(metrics).counter(PRUNED, partition),
        }))
    }
}

/// Probes by the size of the filter and by value: filters of one scan have few sizes.
#[derive(Debug, Default)]
struct Probes(Mutex<HashMap<(u64, String), Option<Probe>>>);

impl Probes {
    fn get(&self, value: &str, size: u64) -> Option<Probe> {
        let make = || Probe::new(value, size);
        match self.0.lock() {
            Ok(mut probes) => probes.entry((size, value.to_owned())).or_insert_with(make).clone(),
            Err(_) => make(),
        }
    }
}

struct Reader {
    inner: Box<dyn AsyncFileReader + Send>,
    store: Arc<dyn ObjectStore>,
    path: Path,
    /// The part of the file that this scan reads, by where row groups begin.
    range: Option<Range<i64>>,
    needles: Arc<[Needle]>,
    filters: bool,
    probes: Arc<Probes>,
    schemas: Arc<Schemas>,
    pruned: Count,
}

impl AsyncFileReader for Reader {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, Result<Bytes>> {
        async move {
            let result = self.inner.get_bytes(range).await;
            explained(self.store.as_ref(), &self.path, result).await
        }
        .boxed()
    }

    fn get_byte_ranges(&mut self, ranges: Vec<Range<u64>>) -> BoxFuture<'_, Result<Vec<Bytes>>> {
        async move {
            let result = self.inner.get_byte_ranges(ranges).await;
            explained(self.store.as_ref(), &self.path, result).await
        }
        .boxed()
    }

    fn get_metadata<'a>(
        &'a mut self,
        options: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, Result<Arc<ParquetMetaData>>> {
        async move {
            let result = self.inner.get_metadata(options).await;
            let whole = explained(self.store.as_ref(), &self.path, result).await?;
            self.schemas.learn(&self.path, &whole);
            let keep = if self.needles.is_empty() { Vec::new() } else { self.row_groups(&whole).await? };
            self.pruned.add(keep.iter().filter(|keep| !**keep).count());
            let none = !keep.is_empty() && keep.iter().all(|keep| !*keep);
            let whole = if none { whole } else { self.with_pages(whole, options).await? };
            Ok(if keep.iter().all(|keep| *keep) { whole } else { Arc::new(without(&whole, &keep)) })
        }
        .boxed()
    }
}

/// A filter that is to be asked for one value.
struct Question {
    row_group: usize,
    needle: usize,
    filter: Filter,
    probe: Probe,
}

impl Reader {
    /// The footer with the index of its pages, where that is of use and there is one.
    async fn with_pages(
        &mut self,
        footer: Arc<ParquetMetaData>,
        options: Option<&ArrowReaderOptions>,
    ) -> Result<Arc<ParquetMetaData>> {
        let indexed = footer.row_groups().iter().flat_map(RowGroupMetaData::columns);
        let indexed = indexed.filter(|column| column.offset_index_offset().is_some()).count() > 0;
        if !self.filters || !indexed || footer.offset_index().is_some() {
            return Ok(footer);
        }
        let options = options.cloned().unwrap_or_default().with_page_index_policy(PageIndexPolicy::Optional);
        let result = self.inner.get_metadata(Some(&options)).await;
        explained(self.store.as_ref(), &self.path, result).await
    }

    /// Which row groups may hold all needles.
    async fn row_groups(&mut self, metadata: &ParquetMetaData) -> Result<Vec<bool>> {
        let groups = metadata.row_groups();
        let questions: Vec<_> = groups
            .iter()
            .enumerate()
            .filter(|(_, group)| self.is_read(group))
            .flat_map(|(index, group)| self.questions(index, group))
            .collect();
        let ranges = questions.iter().map(|question| question.filter.block(&question.probe)).collect();
        let answers = if questions.is_empty() { Vec::new() } else { self.get_byte_ranges(ranges).await? };
        // A needle is in a row group if one of its values is; a row group stays if all its needles are in it.
        let mut found: HashMap<(usize, usize), bool> = HashMap::new();
        for (question, block) in questions.iter().zip(answers) {
            let may = question.probe.may_be_in(&block);
            *found.entry((question.row_group, question.needle)).or_default() |= may;
        }
        let mut keep = vec![true; groups.len()];
        for ((group, _), may) in found {
            if let Some(keep) = keep.get_mut(group) {
                *keep &= may;
            }
        }
        Ok(keep)
    }

    /// Whether this scan reads the row group, as the engine decides it.
    fn is_read(&self, group: &RowGroupMetaData) -> bool {
        let Some(column) = group.columns().first() else { return true };
        let start = column.dictionary_page_offset().unwrap_or_else(|| column.data_page_offset());
        self.range.as_ref().is_none_or(|range| range.contains(&start))
    }

    fn questions(&self, row_group: usize, group: &RowGroupMetaData) -> Vec<Question> {
        let mut questions = Vec::new();
        for (needle, of) in self.needles.iter().enumerate() {
            let column = group.columns().iter().find(|column| column.column_path().parts() == of.path.as_slice());
            let Some(filter) = column.and_then(Filter::of) else { continue };
            let probes: Option<Vec<_>> = of.values.iter().map(|value| self.probes.get(value, filter.size())).collect();
            let probes = probes.unwrap_or_default();
            questions.extend(probes.into_iter().map(|probe| Question { row_group, needle, filter, probe }));
        }
        questions
    }
}

/// An error that names the file and the next step.
async fn explained<T>(store: &dyn ObjectStore, path: &Path, result: Result<T>) -> Result<T> {
    let Err(error) = result else { return result };
    let text = match store.head(path).await {
        Err(object_store::Error::NotFound { .. }) => format!(
            "{path}: the file is not there any more: the lake was tidied up while this question ran, or the file was \
             deleted; ask again, and if that does not help, `trailhound lake check` lists what is missing"
        ),
        _ => format!("{path}: {error}; `trailhound lake check` lists damaged files"),
    };
    Err(ParquetError::External(Box::new(InputFailure(text))))
}

/// A footer with some of its row groups.
fn without(whole: &ParquetMetaData, keep: &[bool]) -> ParquetMetaData {
    fn kept<T: Clone>(all: &[T], keep: &[bool]) -> Vec<T> {
        all.iter().zip(keep).filter(|(_, keep)| **keep).map(|(item, _)| item.clone()).collect()
    }
    ParquetMetaDataBuilder::new(whole.file_metadata().clone())
        .set_row_groups(kept(whole.row_groups(), keep))
        .set_column_index(whole.column_index().map(|index| kept(index, keep)))
        .set_offset_index(whole.offset_index().map(|index| kept(index, keep)))
        .build()
}
