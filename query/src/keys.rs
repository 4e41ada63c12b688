//! What is grouped by codes of a dictionary is grouped by its texts.
//!
//! The engine has fast tables for groups of texts, and none for dictionaries: it would write every row out in a form
//! that sorts. The text of a row is a view into the dictionary, which costs next to nothing. A rule of the optimizer; the
//! codes are made again of the groups, which are few.

use arrow::datatypes::DataType;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{Column, Result};
use datafusion::logical_expr::{Aggregate, Expr, ExprSchemable, LogicalPlan, Projection, cast};
use datafusion::optimizer::{ApplyOrder, OptimizerConfig, OptimizerRule};

/// The rule.
#[derive(Debug)]
pub(crate) struct TextKeys;

impl OptimizerRule for TextKeys {
    fn name(&self) -> &'static str {
        "text_keys"
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        Some(ApplyOrder::BottomUp)
    }

    fn rewrite(&self, plan: LogicalPlan, _config: &dyn OptimizerConfig) -> Result<Transformed<LogicalPlan>> {
        let LogicalPlan::Aggregate(aggregate) = &plan else { return Ok(Transformed::no(plan)) };
        if aggregate.group_expr.iter().any(|expr| matches!(expr, Expr::GroupingSet(_))) {
            return Ok(Transformed::no(plan));
        }
        let input = aggregate.input.schema();
        let coded = |expr: &Expr| Ok(is_coded_text(&expr.get_type(input)?));
        let coded = aggregate.group_expr.iter().map(coded).collect::<Result<Vec<_>>>()?;
        if !coded.contains(&true) {
            return Ok(Transformed::no(plan));
        }
        let texts = aggregate.group_expr.iter().zip(&coded).map(|(expr, coded)| match coded {
            true => cast(expr.clone().unalias(), DataType::Utf8View),
            false => expr.clone(),
        });
        let by_text = Aggregate::try_new(aggregate.input.clone(), texts.collect(), aggregate.aggr_expr.clone())?;
        let places = aggregate.schema.iter().zip(by_text.schema.iter()).enumerate();
        let columns = places.map(|(place, ((qualifier, field), (own_qualifier, own)))| {
            let column = Expr::Column(Column::new(own_qualifier.cloned(), own.name()));
            match coded.get(place) {
                Some(true) => cast(column, field.data_type().clone()).alias_qualified(qualifier.cloned(), field.name()),
                _ => column,
            }
        });
        let columns = columns.collect();
        let by_text = LogicalPlan::Aggregate(by_text).into();
        let whole = Projection::try_new_with_schema(columns, by_text, aggregate.schema.clone())?;
        Ok(Transformed::yes(LogicalPlan::Projection(whole)))
    }
}

fn is_coded_text(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Dictionary(_, values) if values.is_string())
}
