//! A part of a plan that may be run more than once.
//!
//! A nested loop join that lacks memory runs its left side again, to keep it on disk; an exchange below it was made to be
//! run once, and panics (DataFusion 55.2, `NestedLoopJoinExec::initiate_fallback` and `RepartitionExec::execute`). So each
//! run gets exchanges of its own.

use std::fmt;
use std::sync::Arc;

use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Result, plan_err};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::execution_plan::reset_plan_states;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties};

/// Passes its input on, anew at each run.
#[derive(Debug)]
pub(crate) struct AgainExec {
    input: Arc<dyn ExecutionPlan>,
}

impl AgainExec {
    pub(crate) fn new(input: Arc<dyn ExecutionPlan>) -> AgainExec {
        AgainExec { input }
    }
}

impl DisplayAs for AgainExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AgainExec")
    }
}

impl ExecutionPlan for AgainExec {
    fn name(&self) -> &'static str {
        "AgainExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.input.properties()
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(self: Arc<Self>, mut children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        match (children.pop(), children.is_empty()) {
            (Some(input), true) => Ok(Arc::new(AgainExec { input })),
            _ => plan_err!("AgainExec has one input"),
        }
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        reset_plan_states(self.input.clone())?.execute(partition, context)
    }
}
