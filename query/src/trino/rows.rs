//! Rows compared as one: `(eventsource, eventname) IN (SELECT eventsource, eventname FROM …)`.
//!
//! The engine compares one value with a column of a subquery, so both sides become rows of one value. Unlike in Trino, two
//! NULLs at one place of a row are the same.

use datafusion::sql::sqlparser::ast::{Expr, Query, SelectItem, SetExpr};

use super::rewrite::call;

/// Makes a row, and the rows of the subquery that it is looked for in, values.
pub(super) fn compared_whole(expr: &mut Box<Expr>, subquery: &mut Query) {
    let Expr::Tuple(parts) = expr.as_ref() else { return };
    let parts = parts.clone();
    if row_of(&mut subquery.body, parts.len()) {
        **expr = call("struct", parts);
    }
}

fn row_of(body: &mut SetExpr, width: usize) -> bool {
    match body {
        SetExpr::Select(select) if select.projection.len() == width => {
            let parts = select.projection.iter().map(|item| match item {
                SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => Some(expr.clone()),
                _ => None,
            });
            let Some(parts) = parts.collect::<Option<Vec<_>>>() else { return false };
            select.projection = vec![SelectItem::UnnamedExpr(call("struct", parts))];
            true
        }
        SetExpr::Query(query) => row_of(&mut query.body, width),
        _ => false,
    }
}
