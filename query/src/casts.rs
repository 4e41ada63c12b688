//! Casts as in Trino: a number with a fraction is rounded where it becomes a whole one, halves away from zero (the engine
//! cuts), a time without a zone is of UTC where it is compared with one in a zone (the engine takes that zone's clock), and
//! spans of time are compared by their length (the engine compares months, then days, then the rest).
//!
//! A rule of the analyzer: other casts are not touched, so that filters over columns stay what the scan knows. Source: Trino documentation, "Conversion functions".

use arrow::datatypes::{DataType, IntervalUnit};
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{DFSchema, Result};
use datafusion::functions::math;
use datafusion::logical_expr::expr::Cast;
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{Between, BinaryExpr, Expr, ExprSchemable, LogicalPlan};
use datafusion::optimizer::AnalyzerRule;

use crate::trino::interval;

/// The rule.
#[derive(Debug)]
pub(crate) struct Casts;

impl AnalyzerRule for Casts {
    fn name(&self) -> &str {
        "casts"
    }

    fn analyze(&self, plan: LogicalPlan, _config: &ConfigOptions) -> Result<LogicalPlan> {
        Ok(plan.transform_up_with_subqueries(cast_plan)?.data)
    }
}

fn cast_plan(plan: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
    let schema = match plan.inputs().as_slice() {
        [] => DFSchema::empty(),
        inputs => merge_schema(inputs),
    };
    let names = NamePreserver::new(&plan);
    plan.map_expressions(|expr| {
        let name = names.save(&expr);
        Ok(expr
            .transform_up(|expr| Ok(compared(mended(expr, &schema), &schema)))?
            .update_data(|expr| name.restore(expr)))
    })
}

/// A comparison of spans, by their length.
fn compared(expr: Transformed<Expr>, schema: &DFSchema) -> Transformed<Expr> {
    let is_span = |expr: &Expr| matches!(expr.get_type(schema), Ok(DataType::Interval(_)));
    let long = |expr: &mut Expr| {
        let span = DataType::Interval(IntervalUnit::MonthDayNano);
        let whole = Expr::Cast(Cast::new(Box::new(std::mem::take(expr)), span));
        *expr = interval::length(whole);
    };
    let mut expr = expr;
    let is_mended = match &mut expr.data {
        Expr::BinaryExpr(BinaryExpr { left, op, right })
            if op.supports_propagation() && is_span(left) && is_span(right) =>
        {
            [left, right].into_iter().for_each(|side| long(side));
            true
        }
        Expr::Between(between) if is_span(&between.expr) && is_span(&between.low) && is_span(&between.high) => {
            let Between { expr, low, high, .. } = between;
            [expr, low, high].into_iter().for_each(|side| long(side));
            true
        }
        _ => false,
    };
    expr.transformed |= is_mended;
    expr
}

/// A cast of the rounded number, or of the time in UTC. What has no type yet (a parameter of a lambda) stays.
fn mended(mut expr: Expr, schema: &DFSchema) -> Transformed<Expr> {
    let (inner, field) = match &mut expr {
        Expr::Cast(cast) => (&mut cast.expr, &cast.field),
        Expr::TryCast(cast) => (&mut cast.expr, &cast.field),
        _ => return Transformed::no(expr),
    };
    let (is_whole, is_zoned) = match field.data_type() {
        DataType::Timestamp(_, zone) => (false, zone.as_deref().is_some_and(|zone| !matches!(zone, "UTC" | "+00:00"))),
        other => (other.is_integer(), false),
    };
    let whole = |number: Expr| match number.get_type(schema) {
        Ok(DataType::Timestamp(unit, None)) if is_zoned => {
            Some(Expr::Cast(Cast::new(Box::new(number), DataType::Timestamp(unit, Some("UTC".into())))))
        }
        _ if !is_whole => None,
        Ok(DataType::Float32 | DataType::Float64) => Some(math::round().call(vec![number])),
        // Between decimals the engine rounds as it should.
        Ok(DataType::Decimal128(digits, scale)) if scale > 0 => {
            Some(Expr::Cast(Cast::new(Box::new(number), DataType::Decimal128(digits, 0))))
        }
        _ => None,
    };
    match whole(inner.as_ref().clone()) {
        Some(number) => {
            **inner = number;
            Transformed::yes(expr)
        }
        None => Transformed::no(expr),
    }
}
