//! `FROM t CROSS JOIN UNNEST(t.list) [WITH ORDINALITY] AS u (element, n)`, as the engine can run it.
//!
//! The table that the list belongs to becomes `(SELECT *, unnest(t.list) AS element FROM t) AS t`, and `u.element` becomes
//! `element`: a list of one row at a time, no join. A list that names no table of the FROM belongs to the first.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    Expr, Ident, JoinConstraint, JoinOperator, ObjectNamePart, Select, SetExpr, Statement, TableAlias, TableFactor,
    TableWithJoins, Value, VisitMut, VisitorMut,
};
use datafusion::sql::sqlparser::parser::Parser;

use super::rewrite::call;

/// Rewrites every such join of a statement.
pub(super) fn rewrite(statement: &mut Statement) {
    let mut joins = Joins(Vec::new());
    let _ = statement.visit(&mut joins);
    if !joins.0.is_empty() {
        let _ = statement.visit(&mut Qualifiers(joins.0));
    }
}

/// What an `UNNEST` in a FROM makes: its name, and the names of its columns.
struct Made {
    name: String,
    columns: Vec<String>,
}

struct Joins(Vec<Made>);

impl VisitorMut for Joins {
    type Break = ();

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
        let mut kept: Vec<TableWithJoins> = Vec::new();
        for mut table in std::mem::take(&mut select.from) {
            // `FROM t, UNNEST(t.list)` says the same with a comma.
            let own = is_unnest(&table.relation) && !kept.is_empty();
            let joins = std::mem::take(&mut table.joins);
            if !own || !self.take_in(&mut kept, &table.relation, false) {
                kept.push(table);
            }
            for join in joins {
                let outer = matches!(
                    join.join_operator,
                    JoinOperator::Right(_) | JoinOperator::RightOuter(_) | JoinOperator::FullOuter(_)
                );
                let taken = match is_left(&join.join_operator) {
                    _ if outer || !is_unnest(&join.relation) => false,
                    // A condition on elements would have to keep the row that loses them all.
                    Some(Some(_)) => false,
                    Some(None) => self.take_in(&mut kept, &join.relation, true),
                    None => self.take_in(&mut kept, &join.relation, false),
                };
                if !taken && let Some(table) = kept.last_mut() {
                    table.joins.push(join);
                }
            }
        }
        select.from = kept;
        ControlFlow::Continue(())
    }
}

/// Whether a join keeps rows without a partner, and the condition that it then puts on partners, but for `ON TRUE`.
fn is_left(join: &JoinOperator) -> Option<Option<&JoinConstraint>> {
    let (JoinOperator::Left(condition) | JoinOperator::LeftOuter(condition)) = join else { return None };
    Some(match condition {
        JoinConstraint::None => None,
        JoinConstraint::On(Expr::Value(value)) if value.value == Value::Boolean(true) => None,
        other => Some(other),
    })
}

fn is_unnest(table: &TableFactor) -> bool {
    matches!(table, TableFactor::UNNEST { .. })
}

impl Joins {
    /// Puts an `UNNEST` into the table that its lists belong to; false where it cannot be. A row without elements stays if
    /// `keeps`.
    fn take_in(&mut self, tables: &mut [TableWithJoins], unnest: &TableFactor, keeps: bool) -> bool {
        let TableFactor::UNNEST { alias, array_exprs, with_offset: false, with_ordinality, .. } = unnest else {
            return false;
        };
        let number = self.0.len();
        let owner = array_exprs.iter().find_map(|expr| self.owner(expr));
        let factors =
            || tables.iter().flat_map(|t| std::iter::once(&t.relation).chain(t.joins.iter().map(|j| &j.relation)));
        let place = owner
            .and_then(|owner| {
                factors().position(|factor| name_of(factor).is_some_and(|n| n.value.eq_ignore_ascii_case(&owner)))
            })
            .unwrap_or(0);
        let mut factors = tables
            .iter_mut()
            .flat_map(|t| std::iter::once(&mut t.relation).chain(t.joins.iter_mut().map(|j| &mut j.relation)));
        let Some(factor) = factors.nth(place) else { return false };
        let Some(name) = name_of(factor) else { return false };
        let given: Vec<Ident> =
            alias.iter().flat_map(|alias| alias.columns.iter().map(|column| column.name.clone())).collect();
        let unnamed = alias.as_ref().map(|alias| alias.name.clone());
        let column = |index: usize| match (given.get(index), &unnamed, index) {
            (Some(name), ..) => name.clone(),
            (None, Some(alias), 0) => alias.clone(),
            _ => Ident::new(format!("unnest_{number}_{index}")),
        };
        let mut items: Vec<(Expr, Ident)> =
            array_exprs.iter().cloned().enumerate().map(|(i, e)| (e, column(i))).collect();
        if *with_ordinality && let Some(first) = array_exprs.first() {
            let count = |expr: Expr| Expr::Cast {
                kind: datafusion::sql::sqlparser::ast::CastKind::Cast,
                expr: Box::new(call("cardinality", vec![expr])),
                data_type: datafusion::sql::sqlparser::ast::DataType::BigInt(None),
                array: false,
                format: None,
            };
            let one = Expr::Value(Value::Number("1".into(), false).with_empty_span());
            items.push((call("generate_series", vec![one, count(first.clone())]), column(items.len())));
        }
        let Some(wrapped) = wrapped(factor, &name, &items, keeps) else { return false };
        *factor = wrapped;
        let columns = items.iter().map(|(_, name)| name.value.clone()).collect();
        if let Some(alias) = alias {
            self.0.push(Made { name: alias.name.value.clone(), columns });
        }
        true
    }

    /// The table that an expression's first qualified name belongs to.
    fn owner(&self, expr: &Expr) -> Option<String> {
        struct First(Option<String>);
        impl VisitorMut for First {
            type Break = ();
            fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
                if let Expr::CompoundIdentifier(idents) = expr
                    && let [first, _, ..] = idents.as_slice()
                {
                    self.0 = Some(first.value.clone());
                    return ControlFlow::Break(());
                }
                ControlFlow::Continue(())
            }
        }
        let mut first = First(None);
        let _ = expr.clone().visit(&mut first);
        first.0
    }
}

/// The name that a table goes by.
fn name_of(factor: &TableFactor) -> Option<Ident> {
    match factor {
        TableFactor::Table { alias: Some(alias), .. } | TableFactor::Derived { alias: Some(alias), .. } => {
            Some(alias.name.clone())
        }
        TableFactor::Table { name, args: None, .. } => match name.0.last() {
            Some(ObjectNamePart::Identifier(ident)) => Some(ident.clone()),
            _ => None,
        },
        TableFactor::Derived { alias: None, .. } => Some(Ident::new("unnested_table")),
        _ => None,
    }
}

/// `(SELECT *, unnest(list) AS element, … FROM factor) AS name`.
fn wrapped(factor: &TableFactor, name: &Ident, items: &[(Expr, Ident)], keeps: bool) -> Option<TableFactor> {
    // A list of one null makes one row.
    let list = |expr: &Expr| match keeps {
        true => format!("CASE WHEN cardinality({expr}) > 0 THEN {expr} ELSE make_array(NULL) END"),
        false => expr.to_string(),
    };
    let items: Vec<String> = items.iter().map(|(expr, column)| format!("unnest({}) AS {column}", list(expr))).collect();
    let sql = format!("SELECT *, {} FROM x", items.join(", "));
    let mut query =
        Parser::new(&crate::grammar::Grammar { lambdas: true }).try_with_sql(&sql).ok()?.parse_query().ok()?;
    let SetExpr::Select(select) = query.body.as_mut() else { return None };
    select.from.first_mut()?.relation = factor.clone();
    let alias = TableAlias { explicit: true, name: name.clone(), columns: Vec::new(), at: None };
    Some(TableFactor::Derived { lateral: false, subquery: query, alias: Some(alias), sample: None })
}

/// Takes the names of rewritten joins away from the columns that they qualify.
struct Qualifiers(Vec<Made>);

impl VisitorMut for Qualifiers {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if let Expr::CompoundIdentifier(idents) = expr
            && let [table, column, ..] = idents.as_slice()
        {
            let same = |a: &str, b: &Ident| a.eq_ignore_ascii_case(&b.value);
            let ours = |made: &Made| same(&made.name, table) && made.columns.iter().any(|name| same(name, column));
            if self.0.iter().any(ours) {
                idents.remove(0);
                if let [one] = idents.as_slice() {
                    *expr = Expr::Identifier(one.clone());
                }
            }
        }
        ControlFlow::Continue(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use crate::guard;

    fn rewritten(sql: &str) -> String {
        let mut statement = guard::parse(sql).unwrap();
        if let datafusion::sql::parser::Statement::Statement(inner) = &mut statement {
            super::rewrite(inner);
        }
        statement.to_string()
    }

    #[test]
    fn lists_go_into_their_table() {
        for (sql, engine) in [
            (
                "SELECT u.r.ARN FROM logs t CROSS JOIN UNNEST(t.resources) u (r) WHERE u.r.ARN LIKE 'x'",
                "SELECT r.ARN FROM (SELECT *, unnest(t.resources) AS r FROM logs t) AS t WHERE r.ARN LIKE 'x'",
            ),
            (
                "SELECT r FROM logs, UNNEST(resources) AS r",
                "SELECT r FROM (SELECT *, unnest(resources) AS r FROM logs) AS logs",
            ),
            (
                "SELECT b.x, u.e, u.n FROM a JOIN b ON a.id = b.id CROSS JOIN UNNEST(b.l) WITH ORDINALITY AS u (e, n)",
                "SELECT b.x, e, n FROM a JOIN (SELECT *, unnest(b.l) AS e, \
                 unnest(generate_series(1, CAST(cardinality(b.l) AS BIGINT))) AS n FROM b) AS b ON a.id = b.id",
            ),
            ("SELECT * FROM UNNEST(ARRAY[1, 2]) AS t (x)", "SELECT * FROM UNNEST(ARRAY[1, 2]) AS t (x)"),
        ] {
            assert_eq!(rewritten(sql), engine, "{sql}");
        }
    }
}
