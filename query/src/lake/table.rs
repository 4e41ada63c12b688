//! A table of a lake, as the engine scans it: a plain Parquet scan over the files of one snapshot.
//!
//! Files that a question cannot need are left out by what the log says of them ([`super::figures`]), before any of
//! them is opened; row groups by their statistics, their bloom filters and, for needles, by [`super::reader`]; pages
//! by their index; rows while they are decoded. Knows files and filters, and nothing of events.

use std::fmt;
use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::{DFSchema, DataFusionError, Result, ScalarValue, project_schema};
use datafusion::config::TableParquetOptions;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::object_store::ObjectStoreUrl;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::datasource::table_schema::TableSchema;
use datafusion::logical_expr::utils::conjunction;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_optimizer::pruning::PruningPredicateBuilder;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;
use lake::{DataFile, Location};
use object_store::{ObjectMeta, ObjectStore};

use super::figures::{Figures, statistics};
use super::local::Local;
use super::needle::needles;
use super::older::OlderFiles;
use super::reader::Readers;
use super::schemas::Schemas;
use crate::coded::OnceADictionary;
use crate::days::{DAY, only_about_days};
use crate::narrowing::Narrowing;

/// Files of a scan up to which each of them carries its own figures, where the plan may come to know more while it
/// runs: what a scan sorted by time skips by. For more files they would cost more than they save.
const FILES_WITH_FIGURES: usize = 2048;

/// Files of a bucket that are read at once, at least.
const STREAMS_FROM_A_BUCKET: usize = 16;

/// A table of a lake.
pub(super) struct LakeTable {
    name: &'static str,
    /// Columns as a question sees them.
    schema: SchemaRef,
    /// Columns as the engine's scan has them: those in the files, then the partition.
    source: TableSchema,
    location: Location,
    url: ObjectStoreUrl,
    store: Arc<dyn ObjectStore>,
    files: Vec<DataFile>,
    schemas: Arc<Schemas>,
}

impl fmt::Debug for LakeTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LakeTable").field("name", &self.name).field("files", &self.files.len()).finish_non_exhaustive()
    }
}

impl LakeTable {
    /// Some files of a table.
    pub(super) fn new(
        location: &Location,
        name: &'static str,
        schema: SchemaRef,
        files: Vec<DataFile>,
    ) -> Result<Self> {
        let (days, stored): (Vec<_>, Vec<_>) = schema.fields().iter().cloned().partition(|field| field.name() == DAY);
        let source = TableSchema::builder(Arc::new(Schema::new(stored))).with_table_partition_cols(days).build();
        let url = ObjectStoreUrl::parse(location.root_url())?;
        let schemas = Arc::new(Schemas::new(source.file_schema().clone()));
        let root = location.root().clone();
        let store = if url.as_str().starts_with("file:") { Arc::new(Local::over(root)) } else { root };
        Ok(LakeTable { name, schema, source, location: location.clone(), url, store, files, schemas })
    }

    fn is_remote(&self) -> bool {
        self.location.root_url().scheme() != "file"
    }

    /// Bytes that are read for a footer at first. Another request costs more than bytes do in a bucket, and less on
    /// a disk.
    fn footer_bytes(&self) -> usize {
        if self.is_remote() { 512 << 10 } else { 32 << 10 }
    }

    /// Streams that files are read in at once: from a bucket, most of the time is waiting.
    fn streams(&self, state: &dyn Session) -> usize {
        let threads = state.config().target_partitions();
        if self.is_remote() { threads.max(STREAMS_FROM_A_BUCKET) } else { threads }
    }

    /// Files that may hold rows for these filters.
    fn candidates(&self, state: &dyn Session, filters: &[Expr]) -> Result<Vec<DataFile>> {
        let (by_day, others): (Vec<_>, Vec<_>) = filters.iter().cloned().partition(only_about_days);
        let mut files = self.files.clone();
        if let Some(filter) = conjunction(by_day) {
            files = of_days(files, filter, state)?;
        }
        if let Some(filter) = conjunction(others) {
            let schema = DFSchema::try_from(self.schema.clone())?;
            // What cannot be decided here is filtered later.
            if let Ok(filter) = state.create_physical_expr(filter, &schema)
                && let Some(predicate) =
                    PruningPredicateBuilder::new().with_file_schema(self.schema.clone()).build(filter)
                && let Ok(keep) = predicate.prune(&Figures(&files))
            {
                files = kept(files, keep.into_iter());
            }
        }
        Ok(files)
    }

    fn partitioned(&self, file: &DataFile, figures: bool) -> Result<PartitionedFile> {
        let modified = chrono::DateTime::from_timestamp_millis(file.modified_ms).unwrap_or_default();
        let meta = ObjectMeta {
            location: self.location.path(&format!("{}/{}", self.name, file.path)),
            last_modified: modified,
            size: file.bytes,
            e_tag: None,
            version: None,
        };
        let known = self.schemas.of(&meta.location);
        let mut partitioned = PartitionedFile::from(meta);
        partitioned.arrow_schema = known;
        if !self.source.table_partition_cols().is_empty() {
            partitioned = partitioned.with_partition_values(vec![ScalarValue::Date32(file.event_date)]);
        }
        if figures {
            // Not `with_statistics`: that takes for granted that a partition has a value.
            let figures = statistics(std::slice::from_ref(file), self.source.table_schema());
            partitioned.statistics = Some(Arc::new(figures));
        }
        Ok(partitioned)
    }

    /// Positions of a question's columns in the engine's scan.
    fn projection(&self, projection: Option<&Vec<usize>>) -> Result<Vec<usize>> {
        let all = || (0..self.schema.fields().len()).collect();
        let columns = projection.map_or_else(all, Clone::clone);
        let place = |index: usize| Ok(self.source.table_schema().index_of(self.schema.field(index).name())?);
        columns.into_iter().map(place).collect()
    }
}

#[async_trait]
impl TableProvider for LakeTable {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        let answer = |filter: &&Expr| match only_about_days(filter) {
            true => TableProviderFilterPushDown::Exact,
            false => TableProviderFilterPushDown::Inexact,
        };
        Ok(filters.iter().map(answer).collect())
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let mut files = self.candidates(state, filters)?;
        if let Some(limit) = limit.filter(|_| filters.iter().all(only_about_days)) {
            enough(&mut files, limit);
        }
        if files.is_empty() {
            return Ok(Arc::new(EmptyExec::new(project_schema(&self.schema, projection)?)));
        }
        let cache = state.runtime_env().cache_manager.get_file_metadata_cache();
        let (store, schemas) = (self.store.clone(), self.schemas.clone());
        let readers = Readers::new(store, cache, needles(filters), !filters.is_empty(), schemas);
        let options =
            TableParquetOptions { global: state.config_options().execution.parquet.clone(), ..Default::default() };
        let source = ParquetSource::new(self.source.clone())
            .with_table_parquet_options(options)
            // Our readers have asked them by then, block by block: the engine would read them whole.
            .with_bloom_filter_on_read(false)
            .with_metadata_size_hint(self.footer_bytes())
            .with_parquet_file_reader_factory(Arc::new(readers));
        let figures = files.len() <= FILES_WITH_FIGURES && Narrowing::is_in(state.config());
        let group = files.iter().map(|file| self.partitioned(file, figures)).collect::<Result<Vec<_>>>()?;
        let groups = FileGroup::new(group).split_files(self.streams(state));
        let config = FileScanConfigBuilder::new(self.url.clone(), Arc::new(source))
            .with_file_groups(groups)
            .with_statistics(statistics(&files, self.source.table_schema()))
            .with_projection_indices(Some(self.projection(projection)?))?
            .with_limit(limit)
            // What is rewritten for files without some column of `events` is nothing to the other tables.
            .with_expr_adapter((self.name == lake::schema::EVENTS).then(|| Arc::new(OnceADictionary(OlderFiles)) as _))
            .build();
        Ok(DataSourceExec::from_data_source(config))
    }
}

/// The files whose day fits a filter about days.
fn of_days(files: Vec<DataFile>, filter: Expr, state: &dyn Session) -> Result<Vec<DataFile>> {
    let schema: SchemaRef = Arc::new(Schema::new(vec![Field::new(DAY, DataType::Date32, true)]));
    let filter = state.create_physical_expr(filter, &DFSchema::try_from(schema.clone())?)?;
    let days: RecordBatch = Figures(&files).day_rows(schema)?;
    let fits = filter.evaluate(&days)?.into_array(files.len())?;
    let fits = fits
        .as_boolean_opt()
        .ok_or_else(|| DataFusionError::Internal(format!("a filter about {DAY} is no truth value")))?;
    Ok(kept(files, fits.iter().map(|fits| fits == Some(true))))
}

fn kept(files: Vec<DataFile>, keep: impl Iterator<Item = bool>) -> Vec<DataFile> {
    files.into_iter().zip(keep).filter(|(_, keep)| *keep).map(|(file, _)| file).collect()
}

/// Leaves files out that a limit does not reach.
fn enough(files: &mut Vec<DataFile>, limit: usize) {
    let mut rows = 0_u64;
    let taken = files.iter().take_while(|file| {
        let before = rows;
        rows = rows.saturating_add(file.rows);
        before < limit as u64
    });
    let taken = taken.count();
    files.truncate(taken);
}
