//! How a plan is run so that it can be ended: joins give the thread back now and then.
//!
//! The engine lets scans and exchanges yield. A join that makes billions of rows of a few, below a filter that keeps none,
//! never comes back to them: it would hold every thread, and nobody could end it.

use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::dataframe::DataFrame;
use datafusion::error::Result;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::physical_plan::coop::CooperativeExec;
use datafusion::physical_plan::{ExecutionPlan, execute_stream};

/// Operators that make more rows than they read.
const MULTIPLIERS: [&str; 6] = [
    "CrossJoinExec",
    "NestedLoopJoinExec",
    "HashJoinExec",
    "SortMergeJoinExec",
    "PiecewiseMergeJoinExec",
    "UnnestExec",
];

/// Runs a plan.
///
/// # Errors
/// What the planner says.
pub(crate) async fn run(frame: DataFrame) -> Result<SendableRecordBatchStream> {
    let task = Arc::new(frame.task_ctx());
    let plan = frame.create_physical_plan().await?;
    execute_stream(yielding(plan)?, task)
}

fn yielding(plan: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
    let wrap = |node: Arc<dyn ExecutionPlan>| {
        Ok(match MULTIPLIERS.contains(&node.name()) {
            true => Transformed::yes(Arc::new(CooperativeExec::new(node)) as Arc<dyn ExecutionPlan>),
            false => Transformed::no(node),
        })
    };
    Ok(plan.transform_up(wrap)?.data)
}
