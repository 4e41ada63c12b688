//! `x >= ALL (SELECT …)`, `x > ANY (SELECT …)`: a value compared with all or any of a subquery's.
//!
//! The engine knows `= ANY` and answers the others wrongly or not at all. Here they become comparisons with the smallest
//! and the largest value, as Trino documents them ("Comparison functions and operators", "Quantified comparison
//! predicates"): over no rows ALL holds and ANY does not. NULLs among the values are passed over.

use datafusion::sql::sqlparser::ast::{BinaryOperator, Expr, Parens, Query, SelectItem, SetExpr, TableFactor, Value};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::parser::Parser;

use super::rewrite::call;

/// Whether all values or any of them must fit.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Of {
    All,
    Any,
}

/// A comparison with all or any values of a subquery, in words that the engine has.
pub(super) fn rewritten(expr: &Expr) -> Option<Expr> {
    let (left, op, right, of) = match expr {
        Expr::AnyOp { left, compare_op, right, .. } => (left, compare_op, right, Of::Any),
        Expr::AllOp { left, compare_op, right } => (left, compare_op, right, Of::All),
        _ => return None,
    };
    let Expr::Subquery(query) = unbracketed(right) else { return None };
    let contained = |negated| {
        let (expr, subquery) = (left.clone(), query.clone());
        Some(match listed(query) {
            Some(list) => Expr::InList { expr, list, negated },
            None => Expr::InSubquery { expr, subquery, negated },
        })
    };
    let bound = |aggregate| of_values(&format!("{aggregate}(v)"), query);
    let compared = |op: &BinaryOperator, bound| {
        Expr::Nested(Box::new(Expr::BinaryOp { left: left.clone(), op: op.clone(), right: Box::new(bound) }))
    };
    let both = |first: Expr, op, second: Expr| {
        Expr::Nested(Box::new(Expr::BinaryOp { left: Box::new(first), op, right: Box::new(second) }))
    };
    let fits = match (op, of) {
        (BinaryOperator::Eq, Of::Any) => return contained(false),
        (BinaryOperator::NotEq, Of::All) => return contained(true),
        (BinaryOperator::Eq, Of::All) => {
            let (smallest, largest) = (compared(op, bound("min")?), compared(op, bound("max")?));
            both(smallest, BinaryOperator::And, largest)
        }
        (BinaryOperator::NotEq, Of::Any) => {
            let (smallest, largest) = (compared(op, bound("min")?), compared(op, bound("max")?));
            both(smallest, BinaryOperator::Or, largest)
        }
        (BinaryOperator::Gt | BinaryOperator::GtEq, Of::All) => compared(op, bound("max")?),
        (BinaryOperator::Lt | BinaryOperator::LtEq, Of::All) => compared(op, bound("min")?),
        (BinaryOperator::Gt | BinaryOperator::GtEq, Of::Any) => compared(op, bound("min")?),
        (BinaryOperator::Lt | BinaryOperator::LtEq, Of::Any) => compared(op, bound("max")?),
        _ => return None,
    };
    let otherwise = match of {
        Of::All => of_values("count(*) = 0", query)?,
        Of::Any => Expr::Value(Value::Boolean(false).with_empty_span()),
    };
    Some(call("coalesce", vec![fits, otherwise]))
}

/// The values of `SELECT * FROM (VALUES (a), (b))`.
fn listed(query: &Query) -> Option<Vec<Expr>> {
    let SetExpr::Select(select) = query.body.as_ref() else { return None };
    let [from] = select.from.as_slice() else { return None };
    let TableFactor::Derived { subquery, .. } = &from.relation else { return None };
    let SetExpr::Values(values) = subquery.body.as_ref() else { return None };
    let plain = matches!(select.projection.as_slice(), [SelectItem::Wildcard(_)]) && select.selection.is_none();
    let one = |row: &Parens<Vec<Expr>>| match row.content.as_slice() {
        [one] => Some(one.clone()),
        _ => None,
    };
    if plain { values.rows.iter().map(one).collect() } else { None }
}

fn unbracketed(expr: &Expr) -> &Expr {
    match expr {
        Expr::Nested(inner) => unbracketed(inner),
        expr => expr,
    }
}

/// One value of the values of a subquery, which are called `v`.
fn of_values(what: &str, query: &Query) -> Option<Expr> {
    let sql = format!("(SELECT {what} FROM (SELECT 1) AS all_values (v))");
    let mut made = Parser::new(&GenericDialect {}).try_with_sql(&sql).ok()?.parse_expr().ok()?;
    let Expr::Subquery(outer) = &mut made else { return None };
    let SetExpr::Select(select) = outer.body.as_mut() else { return None };
    let TableFactor::Derived { subquery, .. } = &mut select.from.first_mut()?.relation else { return None };
    **subquery = query.clone();
    Some(made)
}
