//! Constants of a plan that stand in every row: a long one times the rows of a batch is more than any limit.
//!
//! `repeat('a', 10000000)` is computed once, when the query is planned, and becomes a constant; where the engine then wants a
//! value for each row, it makes as many copies. Knows plans and values. Must not know limits of a session.

use std::sync::Arc;

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::error::Result;
use datafusion::physical_expr::expressions::{BinaryExpr, CastExpr, InListExpr, LikeExpr, Literal};
use datafusion::physical_expr::{HigherOrderFunctionExpr, PhysicalExpr, ScalarFunctionExpr};
use datafusion::physical_plan::ExecutionPlan;

use crate::trino;

/// Longest constant that may be copied into every row, in bytes: 256 MiB in 8192 rows.
const MAX_COPIED_BYTES: usize = 32 << 10;

/// Refuses a plan with a constant that would be copied into every row and is too long for that.
///
/// # Errors
/// A limit.
pub(crate) fn check(plan: &Arc<dyn ExecutionPlan>) -> Result<()> {
    plan.apply(|node| {
        // A query without a table has one row.
        let is_one_row = node.children().iter().any(|child| child.name() == "PlaceholderRowExec");
        if !is_one_row {
            node.apply_expressions(&mut |expr| walk(expr, true).map(|()| TreeNodeRecursion::Continue))?;
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(())
}

fn walk(expr: &Arc<dyn PhysicalExpr>, copied: bool) -> Result<()> {
    if let Some(literal) = expr.downcast_ref::<Literal>() {
        let bytes = trino::constant_bytes(literal.value())?;
        return match copied && bytes > MAX_COPIED_BYTES {
            true => Err(trino::beyond(format!(
                "a constant of {bytes} bytes would stand in every row; {MAX_COPIED_BYTES} is the most"
            ))),
            false => Ok(()),
        };
    }
    let copies = if let Some(call) = expr.downcast_ref::<ScalarFunctionExpr>() {
        !trino::keeps_constants(call.name())
    } else if expr.is::<CastExpr>() {
        copied
    } else {
        // What is compared stands once, and the constants of these are counted where they are computed.
        !(expr.is::<BinaryExpr>()
            || expr.is::<InListExpr>()
            || expr.is::<LikeExpr>()
            || expr.is::<HigherOrderFunctionExpr>())
    };
    expr.children().into_iter().try_for_each(|child| walk(child, copies))
}
