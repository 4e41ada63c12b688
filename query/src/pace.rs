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
use datafusion::physical_plan::joins::NestedLoopJoinExec;
use datafusion::physical_plan::{ChildrenPropertiesMode, ExecutionPlan, ReplaceChildrenOptions, execute_stream};

use crate::again::AgainExec;
use crate::constants;

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
    constants::check(&plan)?;
    execute_stream(yielding(plan)?, task)
}

fn yielding(plan: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
    let wrap = |node: Arc<dyn ExecutionPlan>| {
        Ok(match MULTIPLIERS.contains(&node.name()) {
            true => Transformed::yes(Arc::new(CooperativeExec::new(repeatable(node)?)) as Arc<dyn ExecutionPlan>),
            false => Transformed::no(node),
        })
    };
    Ok(plan.transform_up(wrap)?.data)
}

/// A nested loop join that lacks memory runs its left side a second time and keeps it on disk.
fn repeatable(node: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
    if !node.is::<NestedLoopJoinExec>() {
        return Ok(node);
    }
    let children = node.children().into_iter().enumerate();
    let again = |(place, child): (usize, &Arc<dyn ExecutionPlan>)| match place {
        0 => Arc::new(AgainExec::new(child.clone())) as Arc<dyn ExecutionPlan>,
        _ => child.clone(),
    };
    let children = children.map(again).collect();
    node.replace_children(children, ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute))
}
