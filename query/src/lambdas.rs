//! What a function of elements is given, told again when types are settled.
//!
//! The engine notes the types of a lambda's parameters before it brings types together, so a list that becomes another
//! there (a CASE of a list of texts and one of views) no longer fits what the lambda was promised, and the question ends.
//! A rule of the analyzer, after that of types, which then has a second look.

use datafusion::common::Result;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::{Expr, LogicalPlan};
use datafusion::optimizer::AnalyzerRule;
use datafusion::optimizer::analyzer::type_coercion::TypeCoercion;

/// The rule.
#[derive(Debug)]
pub(crate) struct Lambdas;

impl AnalyzerRule for Lambdas {
    fn name(&self) -> &str {
        "lambdas"
    }

    fn analyze(&self, plan: LogicalPlan, config: &ConfigOptions) -> Result<LogicalPlan> {
        if !has_lambda(&plan)? {
            return Ok(plan);
        }
        let again = plan.resolve_lambda_variables()?;
        if again.transformed { TypeCoercion::new().analyze(again.data, config) } else { Ok(again.data) }
    }
}

fn has_lambda(plan: &LogicalPlan) -> Result<bool> {
    let mut found = false;
    plan.apply_with_subqueries(|plan| {
        plan.apply_expressions(|expr| {
            found |= expr.exists(|expr| Ok(matches!(expr, Expr::Lambda(_))))?;
            Ok(TreeNodeRecursion::Continue)
        })
    })?;
    Ok(found)
}
