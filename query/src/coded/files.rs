//! A file's conditions, as they are asked while its rows are decoded: those on coded texts once a dictionary
//! ([`super::decided`]), and all in the order that leaves the least to decode. Knows expressions and the lake's filters for
//! needles, and nothing of events.

use std::sync::Arc;

use arrow::datatypes::{DataType, Schema, SchemaRef};
use datafusion::common::Result;
use datafusion::logical_expr::Operator;
use datafusion::physical_expr::expressions::{BinaryExpr, Column, InListExpr, NotExpr};
use datafusion::physical_expr::utils::collect_columns;
use datafusion::physical_expr::{PhysicalExpr, conjunction, split_conjunction};
use datafusion::physical_expr_adapter::{PhysicalExprAdapter, PhysicalExprAdapterFactory};
use lake::NEEDLES;

use super::coded_text;
use super::decided::{Decided, place, text_of};

/// Makes rewriters of a file's expressions that let another do its work first.
#[derive(Debug)]
pub(crate) struct OnceADictionary<F>(pub(crate) F);

impl<F: PhysicalExprAdapterFactory> PhysicalExprAdapterFactory for OnceADictionary<F> {
    fn create(&self, table: SchemaRef, file: SchemaRef) -> Result<Arc<dyn PhysicalExprAdapter>> {
        let first = self.0.create(table, file.clone())?;
        Ok(Arc::new(CodedFile { first, file }))
    }
}

#[derive(Debug)]
struct CodedFile {
    first: Arc<dyn PhysicalExprAdapter>,
    file: SchemaRef,
}

impl PhysicalExprAdapter for CodedFile {
    fn rewrite(&self, expr: Arc<dyn PhysicalExpr>) -> Result<Arc<dyn PhysicalExpr>> {
        let expr = decided(self.first.rewrite(expr)?, &self.file)?;
        let mut parts: Vec<_> = split_conjunction(&expr).into_iter().cloned().collect();
        if parts.len() > 1 {
            parts.sort_by_cached_key(|part| cost(part, &self.file));
            return Ok(conjunction(parts));
        }
        Ok(expr)
    }
}

/// What has to hold is asked in this order: what few rows fit, then what is cheap to read.
fn cost(part: &Arc<dyn PhysicalExpr>, schema: &Schema) -> u8 {
    let condition = part.downcast_ref::<Decided>().map_or(part, |decided| &decided.condition);
    let is_equal = match condition.downcast_ref::<BinaryExpr>() {
        Some(binary) => *binary.op() == Operator::Eq,
        None => condition.downcast_ref::<InListExpr>().is_some_and(|list| !list.negated()),
    };
    match text_of(condition) {
        Some(text) if is_equal && place(text).is_some_and(|path| NEEDLES.contains(&path.as_slice())) => 0,
        _ if part.is::<Decided>() => 1,
        _ if collect_columns(part).iter().all(|column| is_narrow(column, schema)) => 1,
        _ => 2,
    }
}

/// An expression whose conditions on coded texts are decided once a dictionary.
pub(super) fn decided(expr: Arc<dyn PhysicalExpr>, schema: &Schema) -> Result<Arc<dyn PhysicalExpr>> {
    let is_joined = match expr.downcast_ref::<BinaryExpr>() {
        Some(binary) => matches!(binary.op(), Operator::And | Operator::Or),
        None => expr.is::<NotExpr>(),
    };
    if is_joined {
        let parts = expr.children().into_iter().map(|part| decided(part.clone(), schema));
        return expr.clone().with_new_children(parts.collect::<Result<_>>()?);
    }
    match text_of(&expr) {
        Some(text) if text.data_type(schema).is_ok_and(|kind| kind == coded_text()) => {
            Ok(Arc::new(Decided::new(expr.clone(), text.clone())?))
        }
        _ => Ok(expr),
    }
}

/// Whether a column has numbers or codes a row, and no texts.
fn is_narrow(column: &Column, schema: &Schema) -> bool {
    let kind = schema.field_with_name(column.name()).map(|field| field.data_type().clone());
    kind.is_ok_and(|kind| kind.is_primitive() || kind == DataType::Boolean || matches!(kind, DataType::Dictionary(..)))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use datafusion::common::DFSchema;
    use datafusion::physical_expr::simplifier::PhysicalExprSimplifier;
    use datafusion::physical_expr_adapter::DefaultPhysicalExprAdapterFactory;

    use super::*;

    #[test]
    fn few_rows_come_first_and_long_texts_last() {
        let schema = ingest::schema::event_schema();
        let engine = crate::tests::engine();
        let physical = |sql: &str| {
            let columns = DFSchema::try_from(schema.clone()).unwrap();
            let asked = engine.context().parse_sql_expr(sql, &columns).unwrap();
            let asked = engine.context().create_physical_expr(asked, &columns).unwrap();
            PhysicalExprSimplifier::new(&schema).simplify(asked).unwrap()
        };
        let asked = "requestparameters LIKE '%x%' AND outcome = 'denied' AND readonly AND useridentity.accesskeyid = 'AKIA' \
                     AND useragent LIKE '%y%'";
        let file = OnceADictionary(DefaultPhysicalExprAdapterFactory).create(schema.clone(), schema.clone()).unwrap();
        let order = |expr: &Arc<dyn PhysicalExpr>| -> Vec<String> {
            split_conjunction(expr).into_iter().map(ToString::to_string).collect()
        };
        let parts = order(&file.rewrite(physical(asked)).unwrap());
        let place = |name: &str| parts.iter().position(|part| part.contains(name)).unwrap();
        assert_eq!((place("accesskeyid"), place("outcome"), place("readonly"), parts.len()), (0, 1, 2, 5), "{parts:?}");
        // One condition alone stays as it is.
        let one = physical("readonly");
        assert_eq!(&file.rewrite(one.clone()).unwrap(), &one);
    }
}
