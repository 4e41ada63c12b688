//! Views of `events`: the same rows under other names and types. One list of columns each, and an expression for each.
//!
//! A view is planned once, when it is named, and merged into every query that reads it, so its filters are filters of `events`.

use std::sync::Arc;

use arrow::datatypes::Schema;
use datafusion::catalog::TableProvider;
use datafusion::catalog::view::ViewTable;
use datafusion::common::DFSchema;
use datafusion::datasource::provider_as_source;
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::{Expr, LogicalPlanBuilder};
use datafusion::sql::parser::DFParserBuilder;

use crate::error::{Error, Result};
use crate::grammar::Grammar;
use crate::tables::EVENTS;

/// A column of a view: its name, and SQL over `events`.
pub(crate) type ViewColumn = (String, String);

/// The view of these columns over a table of events.
///
/// # Errors
/// [`Error::Setup`] when a column does not exist or a function is not registered.
pub(crate) fn view(
    state: &SessionState,
    name: &str,
    columns: &[ViewColumn],
    events: &Arc<dyn TableProvider>,
) -> Result<Arc<dyn TableProvider>> {
    let setup = |e: datafusion::error::DataFusionError| {
        Error::Setup(format!("the view {name} cannot be made: {}", e.strip_backtrace()))
    };
    let schema: &Schema = &events.schema();
    let schema = DFSchema::try_from_qualified_schema(EVENTS, schema).map_err(setup)?;
    let mut made: Vec<Expr> = Vec::with_capacity(columns.len());
    for (name, sql) in columns {
        let column = expression(state, sql, &schema).map_err(setup)?;
        // A column under its own name is no new column: two names for one would stand in the way of reading fields.
        let own = matches!(&column, Expr::Column(c) if c.name == *name);
        made.push(if own { column } else { column.alias(name) });
    }
    let plan = LogicalPlanBuilder::scan(EVENTS, provider_as_source(events.clone()), None)
        .and_then(|scan| scan.project(made))
        .and_then(LogicalPlanBuilder::build)
        .map_err(setup)?;
    Ok(Arc::new(ViewTable::new(plan, None)))
}

/// A column's expression. Where it has functions of elements (`r -> …`) it is in the grammar of questions, else in the engine's.
fn expression(state: &SessionState, sql: &str, schema: &DFSchema) -> datafusion::common::Result<Expr> {
    if !sql.contains(" -> ") {
        return state.create_logical_expr(sql, schema);
    }
    let grammar = Grammar { lambdas: true };
    let parsed = DFParserBuilder::new(sql).with_dialect(&grammar).build()?.parse_into_expr()?;
    state.create_logical_expr_from_sql_expr(parsed, schema)
}
