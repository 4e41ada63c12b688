//! Texts told by their codes: groups of them, and conditions on them.
//!
//! Files hold a text once and a code a row, and so do the batches that are read of them. The engine's tables hash and
//! compare each row's text; [`partial`] looks a text up once a dictionary and goes by codes from there ([`groups`]). Conditions
//! on such texts are decided once a dictionary too ([`decided`], [`files`]). Of groups only
//! the first half of an aggregation, whose answers the engine puts together: what is known may be given away at any time,
//! so memory stays bounded. Knows plans, keys and codes, and nothing of aggregate functions but their interface.

mod decided;
mod files;
mod groups;
mod partial;

use std::sync::Arc;

use arrow::array::{Array, ArrayRef};
use arrow::datatypes::DataType;
use datafusion::common::Result;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::CastExpr;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::aggregates::{AggregateExec, AggregateMode};
use datafusion::physical_plan::{ExecutionPlan, InputOrderMode};

pub(crate) use files::OnceADictionary;
use groups::KEYS;
use partial::CodedExec;

/// The rule of the optimizer: what is grouped by texts out of dictionaries (see [`crate::keys`]) is grouped by codes.
#[derive(Debug)]
pub(crate) struct ByCode;

impl PhysicalOptimizerRule for ByCode {
    fn name(&self) -> &'static str {
        "by_code"
    }

    fn schema_check(&self) -> bool {
        true
    }

    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        let coded = |node: Arc<dyn ExecutionPlan>| {
            Ok(match node.downcast_ref::<AggregateExec>().and_then(keys) {
                Some(keys) => Transformed::yes(Arc::new(CodedExec::new(node, keys)) as Arc<dyn ExecutionPlan>),
                None => Transformed::no(node),
            })
        };
        Ok(plan.transform_up(coded)?.data)
    }
}

/// The dictionaries that an aggregation is grouped by, where it is the first half of one and by nothing else.
fn keys(aggregate: &AggregateExec) -> Option<Vec<Arc<dyn PhysicalExpr>>> {
    let by = aggregate.group_expr();
    let is_plain = *aggregate.mode() == AggregateMode::Partial
        && *aggregate.input_order_mode() == InputOrderMode::Linear
        && aggregate.limit_options().is_none()
        && by.is_single()
        && (1..=KEYS).contains(&by.expr().len())
        && aggregate.aggr_expr().iter().all(|function| function.order_bys().is_empty());
    if !is_plain {
        return None;
    }
    let input = aggregate.input().schema();
    let coded = |expr: &Arc<dyn PhysicalExpr>| {
        let text = expr.downcast_ref::<CastExpr>()?;
        let codes = text.expr();
        let is_coded =
            *text.cast_type() == DataType::Utf8View && codes.data_type(&input).is_ok_and(|t| t == coded_text());
        is_coded.then(|| codes.clone())
    };
    by.expr().iter().map(|(expr, _)| coded(expr)).collect()
}

/// The type of texts as files are read.
fn coded_text() -> DataType {
    DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))
}

/// Whether two dictionaries are one: batches of a part of a file have theirs in common.
fn is_same(one: &ArrayRef, other: &ArrayRef) -> bool {
    Arc::ptr_eq(one, other) || one.to_data().ptr_eq(&other.to_data())
}
