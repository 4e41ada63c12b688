//! The engine: one DataFusion session with limits, the event table and its views.
//!
//! Everything a query may use is bounded here: memory (operators that can spill do), disk for spilling, threads and
//! rows a batch. Time is the caller's: [`Control`], or a timeout around [`Answer::next`] after which the answer is dropped.

use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;

use arrow::array::RecordBatch;
use datafusion::catalog::TableProvider;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::{FairSpillPool, TrackConsumersPool};
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::prelude::{SessionConfig, SessionContext};
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::oneshot;

use crate::answer::{Answer, BlockingAnswer, leave};
use crate::casts::Casts;
use crate::catalog::{Columns, Tables};
use crate::coded::ByCode;
use crate::control::Control;
use crate::error::{Error, Result, explain, gave_up};
use crate::keys::TextKeys;
use crate::lambdas::Lambdas;
use crate::planner::Planner;
use crate::tables::{EVENTS, EventStream, events_table};
use crate::{athena, athena_time, ecs, ocsf, store, tailpipe, trino};

/// Stack of the planner's thread, in bytes. Planning walks expressions by recursion, and a chain of a thousand `OR`
/// is a thousand deep; only what is touched costs memory.
const PLANNER_STACK_BYTES: usize = 256 << 20;

/// Stack of a thread that runs a query without a runtime of the caller's, in bytes.
const WORKER_STACK_BYTES: usize = 16 << 20;

/// Where the tables are, for names without a database.
const CATALOG: &str = "datafusion";
const SCHEMA: &str = "public";

/// What a query may use.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Memory of all operators together, in bytes. Batches on their way are not counted: they are few and bounded.
    pub memory_bytes: usize,
    /// Folder for spilled data; `None` is the system's temporary folder. Spilled files go away with the query.
    pub spill_dir: Option<PathBuf>,
    /// Spilled data at any one time, in bytes.
    pub spill_bytes: u64,
    /// Threads, and streams that an operator is split into.
    pub partitions: usize,
    /// Rows in a batch that an operator puts out.
    pub batch_rows: usize,
}

impl Default for Limits {
    /// 512 MiB of memory, 32 GiB of spilled data in the system's temporary folder, a thread for each core.
    fn default() -> Self {
        Self {
            memory_bytes: 512 << 20,
            spill_dir: None,
            spill_bytes: 32 << 30,
            partitions: thread::available_parallelism().map_or(1, NonZeroUsize::get),
            batch_rows: 8192,
        }
    }
}

/// Runs read-only SQL over one source of events.
pub struct Engine {
    context: SessionContext,
    tables: Arc<Tables>,
    threads: usize,
    planner: Arc<Planner>,
}

impl Engine {
    /// An engine without tables; see [`Engine::register`].
    ///
    /// # Errors
    /// [`Error::Setup`] when the spill folder cannot be made.
    pub fn new(limits: Limits) -> Result<Engine> {
        let threads = limits.partitions.max(1);
        let config = session_config(&limits);
        let runtime = runtime_env(&limits).build_arc().map_err(|e| {
            Error::Setup(format!("no place to spill to: {}; choose another spill folder", e.strip_backtrace()))
        })?;
        let state = SessionStateBuilder::new().with_config(config).with_runtime_env(runtime).with_default_features();
        let context = SessionContext::new_with_state(state.with_physical_optimizer_rule(Arc::new(ByCode)).build());
        context.add_optimizer_rule(Arc::new(TextKeys));
        context.add_analyzer_rule(Arc::new(Lambdas));
        context.add_analyzer_rule(Arc::new(Casts));
        athena_time::register_all(&context);
        trino::register_all(&context);
        let tables = Arc::new(Tables::of(&context));
        let catalog = context.catalog(CATALOG).ok_or_else(|| Error::Setup(format!("no catalog {CATALOG}")))?;
        catalog.register_schema(SCHEMA, tables.clone()).map_err(explain)?;
        let planner = Arc::new(Planner::of(context.clone()));
        Ok(Engine { context, tables, threads, planner })
    }

    /// Makes `events` the rows of the table `events` and of the views over it, instead of what was there before.
    ///
    /// # Errors
    /// [`Error::Setup`] when a view does not fit the event table, which would be a fault of this crate.
    pub fn register(&self, events: Arc<dyn EventStream>) -> Result<()> {
        self.register_events(events_table(events), false)
    }

    /// Makes `table` the table `events`, with the views over it.
    pub(crate) fn register_events(&self, table: Arc<dyn TableProvider>, by_field: bool) -> Result<()> {
        self.planner.reads_by_field(by_field);
        for (names, columns) in [
            (athena::NAMES.as_slice(), athena::columns as Columns),
            (&[store::NAME], store::columns),
            (&[tailpipe::NAME], tailpipe::columns),
            (&[ocsf::NAME], ocsf::columns),
            (&[ecs::NAME], ecs::columns),
        ] {
            self.tables.put_view(names, columns, &table);
        }
        self.put(EVENTS, table);
        Ok(())
    }

    /// Makes `table` the table of this name.
    pub(crate) fn put(&self, name: &str, table: Arc<dyn TableProvider>) {
        self.tables.put(name, table);
    }

    /// Names of views that nobody has named yet.
    #[cfg(test)]
    pub(crate) fn unplanned(&self) -> Vec<String> {
        self.tables.unplanned()
    }

    pub(crate) fn context(&self) -> &SessionContext {
        &self.context
    }

    /// Names of the tables and views that a query can read, sorted.
    pub fn tables(&self) -> Vec<String> {
        table_names(&self.context)
    }

    /// Starts one read-only statement. Rows come from [`Answer::next`].
    ///
    /// # Errors
    /// [`Error::Refused`] for a statement that does more than read, [`Error::Syntax`], [`Error::Name`] and
    /// [`Error::Plan`] for one that makes no sense; nothing has been read then.
    pub async fn query(&self, sql: &str) -> Result<Answer> {
        let (planner, sql, runtime) = (self.planner.clone(), sql.to_owned(), Handle::current());
        let (sender, answer) = oneshot::channel();
        let plan = move || {
            // Constants are computed here, and the engine may give up on one.
            let started = catch_unwind(AssertUnwindSafe(|| runtime.block_on(planner.start(&sql))));
            // Nobody waits for the answer any more when the caller's timeout has struck.
            let _ = sender.send(started.unwrap_or_else(|payload| Err(gave_up(payload.as_ref()))));
        };
        thread::Builder::new()
            .name("trailhound-plan".into())
            .stack_size(PLANNER_STACK_BYTES)
            .spawn(plan)
            .map_err(|e| Error::Setup(format!("no thread to plan the query on: {e}")))?;
        answer.await.unwrap_or_else(|_| {
            Err(Error::Plan("the planner stopped without an answer; please report the query".into()))
        })
    }

    /// [`Engine::query`] for callers without a runtime: an iterator over batches.
    ///
    /// # Errors
    /// As [`Engine::query`]; and [`Error::Setup`] when called from asynchronous code.
    pub fn query_blocking(&self, sql: &str) -> Result<BlockingAnswer> {
        self.query_under(sql, Control::default())
    }

    /// [`Engine::query_blocking`], as long as nothing ends it.
    ///
    /// # Errors
    /// As [`Engine::query_blocking`]; [`Error::Timeout`] and [`Error::Cancelled`].
    pub fn query_under(&self, sql: &str, control: Control) -> Result<BlockingAnswer> {
        let runtime = self.runtime()?;
        match runtime.block_on(control.guard(self.query(sql))) {
            Ok(answer) => BlockingAnswer::new(runtime, answer, control),
            Err(error) => {
                leave(runtime, &error);
                Err(error)
            }
        }
    }

    /// Names of the functions that a query can call, sorted, each once.
    pub fn functions(&self) -> Vec<String> {
        let state = self.context.state();
        let mut names: Vec<String> = state.scalar_functions().keys().cloned().collect();
        names.extend(state.aggregate_functions().keys().cloned());
        names.extend(state.window_functions().keys().cloned());
        names.extend(trino::functions().into_iter().map(|known| known.name.to_owned()));
        names.sort_unstable();
        names.dedup();
        names
    }

    /// All rows of an answer that is known to be small.
    ///
    /// # Errors
    /// As [`Engine::query_blocking`] and [`Answer::next`].
    pub fn collect_blocking(&self, sql: &str) -> Result<Vec<RecordBatch>> {
        self.query_blocking(sql)?.collect()
    }

    fn runtime(&self) -> Result<Runtime> {
        if Handle::try_current().is_ok() {
            return Err(Error::Setup("a blocking query was started from asynchronous code; use Engine::query".into()));
        }
        Builder::new_multi_thread()
            .worker_threads(self.threads)
            .thread_name("trailhound-query")
            .thread_stack_size(WORKER_STACK_BYTES)
            .enable_all()
            .build()
            .map_err(|e| Error::Setup(format!("no threads to run the query on: {e}")))
    }
}

/// Names of the tables of a context, sorted.
pub(crate) fn table_names(context: &SessionContext) -> Vec<String> {
    let schema = context.catalog(CATALOG).and_then(|c| c.schema(SCHEMA));
    let mut tables = schema.map_or_else(Vec::new, |s| s.table_names());
    tables.sort_unstable();
    tables
}

fn session_config(limits: &Limits) -> SessionConfig {
    let partitions = limits.partitions.max(1);
    // A sort keeps this much aside for its merge. The engine's default of 10 MiB for each of many partitions would
    // eat a small limit before the first row.
    let merge_bytes = (limits.memory_bytes / (8 * partitions)).min(10 << 20);
    let mut config = SessionConfig::new()
        .with_target_partitions(partitions)
        .with_batch_size(limits.batch_rows.max(1))
        .with_information_schema(true)
        .with_enforce_batch_size_in_joins(true)
        .with_sort_spill_reservation_bytes(merge_bytes);
    let options = config.options_mut();
    options.extensions.insert(trino::Room::beside(limits.memory_bytes));
    options.sql_parser.enable_ident_normalization = true;
    // As in Trino: whatever the order, rows without a value come last.
    options.sql_parser.default_null_ordering = "nulls_last".to_owned();
    // A lake's files: rows are filtered while they are decoded, in the order of `coded::files`.
    options.execution.parquet.pushdown_filters = true;
    options.execution.parquet.reorder_filters = false;
    // Keeping a filter's columns for the answer costs more than decoding the few rows that fit once more: a tenth of the
    // time of ten questions with names (`benches/questions`).
    options.execution.parquet.max_predicate_cache_size = Some(0);
    // DataFusion 55 pulls `get_field(useridentity, …)` below a view's projection and then meets its own columns twice
    // ("duplicate unqualified field name __common_expr_1"): a third of the published queries failed on that. Over a
    // lake it is tried all the same (see `start`), for then one field is read of a struct of twenty.
    options.optimizer.enable_leaf_expression_pushdown = false;
    config
}

fn runtime_env(limits: &Limits) -> RuntimeEnvBuilder {
    let mode = match &limits.spill_dir {
        Some(dir) => DiskManagerMode::Directories(vec![dir.clone()]),
        None => DiskManagerMode::OsTmpDirectory,
    };
    let disk = DiskManagerBuilder::default().with_mode(mode).with_max_temp_directory_size(limits.spill_bytes);
    // Fair shares: one greedy sort must not starve the join beside it, which cannot spill.
    let pool = TrackConsumersPool::new(FairSpillPool::new(limits.memory_bytes), NonZeroUsize::MIN.saturating_add(2));
    RuntimeEnvBuilder::new().with_memory_pool(Arc::new(pool)).with_disk_manager_builder(disk)
}
