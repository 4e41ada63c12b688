//! The first half of an aggregation by coded texts. Knows batches and accumulators; which group a row is of is told by
//! [`super::groups`].

use std::fmt;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch};
use arrow::datatypes::SchemaRef;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Result, internal_err, plan_err};
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{EmitTo, GroupsAccumulator};
use datafusion::physical_expr::aggregate::AggregateFunctionExpr;
use datafusion::physical_expr::{GroupsAccumulatorAdapter, PhysicalExpr};
use datafusion::physical_plan::aggregates::AggregateExec;
use datafusion::physical_plan::metrics::{BaselineMetrics, ExecutionPlanMetricsSet, MetricsSet, RecordOutput};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    ChildrenPropertiesMode, DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties, ReplaceChildrenOptions,
};
use futures::{StreamExt, TryStreamExt, stream};

use super::groups::Groups;

/// The first half of an aggregation, by codes.
#[derive(Debug)]
pub(super) struct CodedExec {
    /// What the engine would run: an `AggregateExec`.
    aggregate: Arc<dyn ExecutionPlan>,
    keys: Vec<Arc<dyn PhysicalExpr>>,
    metrics: ExecutionPlanMetricsSet,
}

impl CodedExec {
    pub(super) fn new(aggregate: Arc<dyn ExecutionPlan>, keys: Vec<Arc<dyn PhysicalExpr>>) -> CodedExec {
        CodedExec { aggregate, keys, metrics: ExecutionPlanMetricsSet::new() }
    }
}

impl DisplayAs for CodedExec {
    fn fmt_as(&self, kind: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CodedExec: ")?;
        self.aggregate.fmt_as(kind, f)
    }
}

impl ExecutionPlan for CodedExec {
    fn name(&self) -> &'static str {
        "CodedExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.aggregate.properties()
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        self.aggregate.children()
    }

    fn apply_expressions(
        &self,
        f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        self.aggregate.apply_expressions(f)
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        let recomputed = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute);
        let aggregate = self.aggregate.clone().replace_children(children, recomputed)?;
        Ok(Arc::new(CodedExec::new(aggregate, self.keys.clone())))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let Some(aggregate) = self.aggregate.downcast_ref::<AggregateExec>() else {
            return plan_err!("CodedExec stands for an aggregation");
        };
        let input = aggregate.input().execute(partition, context.clone())?;
        let functions = aggregate.aggr_expr().iter().zip(aggregate.filter_expr());
        let functions = functions.map(|(function, filter)| Function::of(function, filter.clone()));
        let mut run = Run {
            schema: self.schema(),
            keys: self.keys.clone(),
            groups: Groups::of(self.keys.len()),
            functions: functions.collect::<Result<_>>()?,
            rows: Vec::new(),
            memory: MemoryConsumer::new(format!("CodedExec[{partition}]")).register(context.memory_pool()),
            metrics: BaselineMetrics::new(&self.metrics, partition),
        };
        let rows = context.session_config().batch_size();
        // What is known is given away when there is no memory for more, and at the end.
        let parts = input.map(Some).chain(stream::iter([None])).map(move |batch| match batch {
            Some(batch) => run.take(&batch?),
            None => run.give(),
        });
        let parts = parts.try_filter_map(async |part| Ok(part));
        let parts = parts.map_ok(move |part| stream::iter(sliced(part, rows)).map(Ok)).try_flatten();
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), parts)))
    }
}

/// A batch in pieces of at most `rows`.
fn sliced(batch: RecordBatch, rows: usize) -> impl Iterator<Item = RecordBatch> {
    let rows = rows.max(1);
    (0..batch.num_rows()).step_by(rows).map(move |from| batch.slice(from, rows.min(batch.num_rows() - from)))
}

/// One partition.
struct Run {
    schema: SchemaRef,
    keys: Vec<Arc<dyn PhysicalExpr>>,
    groups: Groups,
    functions: Vec<Function>,
    /// The group of each row of the batch at hand.
    rows: Vec<usize>,
    memory: MemoryReservation,
    metrics: BaselineMetrics,
}

impl Run {
    /// Counts a batch; gives all that is known where that is more than memory holds.
    fn take(&mut self, batch: &RecordBatch) -> Result<Option<RecordBatch>> {
        let timer = self.metrics.elapsed_compute().clone();
        let _timer = timer.timer();
        if batch.num_rows() == 0 {
            return Ok(None);
        }
        let columns = arrays(&self.keys, batch)?;
        self.groups.of_rows(&columns, &mut self.rows)?;
        for function in &mut self.functions {
            function.take(batch, &self.rows, self.groups.len())?;
        }
        let size = self.groups.size() + self.functions.iter().map(|function| function.state.size()).sum::<usize>();
        match self.memory.try_resize(size) {
            Ok(()) => Ok(None),
            Err(_) => self.give(),
        }
    }

    /// All groups with what is known of them, which begin anew.
    fn give(&mut self) -> Result<Option<RecordBatch>> {
        let groups = std::mem::replace(&mut self.groups, Groups::of(self.keys.len()));
        if groups.len() == 0 {
            return Ok(None);
        }
        let mut columns = groups.texts();
        for function in &mut self.functions {
            columns.extend(function.give()?);
        }
        self.memory.free();
        let batch = RecordBatch::try_new(self.schema.clone(), columns)?;
        Ok(Some(batch.record_output(&self.metrics)))
    }
}

/// One aggregate function.
struct Function {
    expr: Arc<AggregateFunctionExpr>,
    arguments: Vec<Arc<dyn PhysicalExpr>>,
    filter: Option<Arc<dyn PhysicalExpr>>,
    state: Box<dyn GroupsAccumulator>,
}

impl Function {
    fn of(expr: &Arc<AggregateFunctionExpr>, filter: Option<Arc<dyn PhysicalExpr>>) -> Result<Function> {
        Ok(Function { expr: expr.clone(), arguments: expr.expressions(), filter, state: accumulator(expr)? })
    }

    fn take(&mut self, batch: &RecordBatch, rows: &[usize], groups: usize) -> Result<()> {
        let arguments = arrays(&self.arguments, batch)?;
        let filter = self.filter.as_ref().map(|filter| truths(filter, batch)).transpose()?;
        self.state.update_batch(&arguments, rows, filter.as_ref(), groups)
    }

    fn give(&mut self) -> Result<Vec<ArrayRef>> {
        let known = self.state.state(EmitTo::All)?;
        self.state = accumulator(&self.expr)?;
        Ok(known)
    }
}

fn accumulator(expr: &Arc<AggregateFunctionExpr>) -> Result<Box<dyn GroupsAccumulator>> {
    if expr.groups_accumulator_supported() {
        return expr.create_groups_accumulator();
    }
    let one = expr.clone();
    Ok(Box::new(GroupsAccumulatorAdapter::new(move || one.create_accumulator())))
}

fn arrays(exprs: &[Arc<dyn PhysicalExpr>], batch: &RecordBatch) -> Result<Vec<ArrayRef>> {
    exprs.iter().map(|expr| expr.evaluate(batch)?.into_array(batch.num_rows())).collect()
}

fn truths(expr: &Arc<dyn PhysicalExpr>, batch: &RecordBatch) -> Result<BooleanArray> {
    let truths = expr.evaluate(batch)?.into_array(batch.num_rows())?;
    match truths.as_boolean_opt() {
        Some(truths) => Ok(truths.clone()),
        None => internal_err!("a filter is no truth value: {}", truths.data_type()),
    }
}
