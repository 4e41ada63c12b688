//! `FROM t CROSS JOIN UNNEST(t.list) [WITH ORDINALITY] AS u (element, n)`, as the engine can run it.
//!
//! The table that the list belongs to becomes `(SELECT *, unnest(t.list) AS element FROM t) AS t`, and `u.element` becomes
//! `element`: a list of one row at a time, no join. A list that names no table of the FROM belongs to the first. Where more
//! columns are named than there are lists, the list is a map or has rows, and each of their fields is a column:
//! `UNNEST(requestparameters) AS u (key, value)`.

mod parts;

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    BinaryOperator, Expr, Ident, JoinConstraint, JoinOperator, ObjectNamePart, Query, Select, SelectItem,
    SelectItemQualifiedWildcardKind, SetExpr, Statement, TableAlias, TableFactor, TableWithJoins, Value, VisitMut,
    VisitorMut,
};
use datafusion::sql::sqlparser::parser::Parser;

use parts::Parts;

/// The function that makes a list of rows of a map, or of a list of rows one whose fields are `c0`, `c1` ….
pub(super) const ROWS: &str = "unnest_rows";

/// Rewrites every such join of a statement.
pub(super) fn rewrite(statement: &mut Statement) {
    let mut joins = Joins { made: Vec::new(), count: 0 };
    let _ = statement.visit(&mut joins);
    if !joins.made.is_empty() {
        let _ = statement.visit(&mut Qualifiers(joins.made));
    }
}

/// What an `UNNEST` in a FROM makes: its name, and the names of its columns.
struct Made {
    name: String,
    columns: Vec<Ident>,
}

struct Joins {
    made: Vec<Made>,
    count: usize,
}

impl VisitorMut for Joins {
    type Break = ();

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
        let mut kept: Vec<TableWithJoins> = Vec::new();
        let mut conditions = Vec::new();
        for mut table in std::mem::take(&mut select.from) {
            // `FROM t, UNNEST(t.list)` says the same with a comma.
            let own = is_unnest(&table.relation) && !kept.is_empty();
            let joins = std::mem::take(&mut table.joins);
            let comma = JoinOperator::CrossJoin(JoinConstraint::None);
            if (!own || !self.take_in(&mut kept, &table.relation, false))
                && !self.beside(&mut kept, &table.relation, &comma)
            {
                self.alone(&mut table.relation);
                kept.push(table);
            }
            for mut join in joins {
                if self.join(&mut kept, &join.relation, &join.join_operator)
                    || self.beside(&mut kept, &join.relation, &join.join_operator)
                {
                    conditions.extend(condition(&join.join_operator));
                } else if let Some(table) = kept.last_mut() {
                    self.alone(&mut join.relation);
                    table.joins.push(join);
                }
            }
        }
        select.from = kept;
        for condition in conditions {
            select.selection = Some(match select.selection.take() {
                Some(own) => Expr::BinaryOp {
                    left: Box::new(Expr::Nested(Box::new(own))),
                    op: BinaryOperator::And,
                    right: Box::new(Expr::Nested(Box::new(condition))),
                },
                None => condition,
            });
        }
        ControlFlow::Continue(())
    }
}

/// The condition of an inner join, but for `ON TRUE`.
fn condition(join: &JoinOperator) -> Option<Expr> {
    let (JoinOperator::Join(constraint) | JoinOperator::Inner(constraint) | JoinOperator::CrossJoin(constraint)) = join
    else {
        return None;
    };
    match constraint {
        JoinConstraint::On(Expr::Value(value)) if value.value == Value::Boolean(true) => None,
        JoinConstraint::On(condition) => Some(condition.clone()),
        _ => None,
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
    fn join(&mut self, tables: &mut [TableWithJoins], unnest: &TableFactor, join: &JoinOperator) -> bool {
        let outer = matches!(join, JoinOperator::Right(_) | JoinOperator::RightOuter(_) | JoinOperator::FullOuter(_));
        match is_left(join) {
            _ if outer || !is_unnest(unnest) => false,
            // A condition on elements would have to keep the row that loses them all.
            Some(Some(_)) => false,
            Some(None) => self.take_in(tables, unnest, true),
            None => self.take_in(tables, unnest, false),
        }
    }

    /// Puts an `UNNEST` into the table that its lists belong to; false where it cannot be. A row without elements stays if
    /// `keeps`.
    fn take_in(&mut self, tables: &mut [TableWithJoins], unnest: &TableFactor, keeps: bool) -> bool {
        let TableFactor::UNNEST { alias, array_exprs, .. } = unnest else { return false };
        self.count += 1;
        let Some(parts) = Parts::of(unnest, self.count) else { return false };
        let owner = array_exprs.iter().find_map(owner);
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
        let Some(wrapped) = wrapped(factor, &name, &parts, keeps) else { return false };
        *factor = wrapped;
        if let Some(alias) = alias {
            self.made.push(Made { name: alias.name.value.clone(), columns: parts.columns });
        }
        true
    }

    /// Puts what a `LATERAL (SELECT … )` without a table computes into the table that it is computed of.
    fn beside(&mut self, tables: &mut [TableWithJoins], lateral: &TableFactor, join: &JoinOperator) -> bool {
        let is_on =
            condition(join).is_none() && !matches!(join, JoinOperator::FullOuter(_) | JoinOperator::RightOuter(_));
        let Some((name, items)) = lateral_items(lateral).filter(|_| is_on) else { return false };
        let mut factors = tables
            .iter_mut()
            .flat_map(|t| std::iter::once(&mut t.relation).chain(t.joins.iter_mut().map(|j| &mut j.relation)));
        let owner = items.iter().find_map(|(expr, _)| owner(expr));
        let is_owner = |factor: &TableFactor| match (&owner, name_of(factor)) {
            (Some(owner), Some(name)) => name.value.eq_ignore_ascii_case(owner),
            (None, _) => true,
            _ => false,
        };
        let Some(factor) = factors.find(|factor| is_owner(factor)) else { return false };
        let columns = items.iter().map(|(_, alias)| alias.clone()).collect();
        let items = items.into_iter().map(|(expr, alias)| SelectItem::ExprWithAlias { expr, alias }).collect();
        let Some(own) = name_of(factor) else { return false };
        let Some(inner) = select("SELECT * FROM x", items, Some(factor.clone())) else { return false };
        *factor = derived(inner, &own);
        self.made.push(Made { name, columns });
        true
    }

    /// An `UNNEST` that stands in no other table, where it does more than the engine's.
    fn alone(&mut self, factor: &mut TableFactor) {
        let TableFactor::UNNEST { alias, with_ordinality, .. } = factor else { return };
        self.count += 1;
        let name = alias.as_ref().map_or_else(|| Ident::new(format!("unnest_{}", self.count)), |a| a.name.clone());
        let plain = !*with_ordinality;
        let Some(parts) = Parts::of(factor, self.count).filter(|parts| !plain || !parts.rows.is_empty()) else {
            return;
        };
        let made = parts.items(false).and_then(|items| {
            let inner = select("SELECT 1", items, None)?;
            let fields = parts.fields();
            let plain = |name: &Ident| SelectItem::UnnamedExpr(Expr::Identifier(name.clone()));
            let order = |name: &Ident| {
                let field =
                    fields.iter().find(|f| matches!(f, SelectItem::ExprWithAlias { alias, .. } if alias == name));
                field.cloned().unwrap_or_else(|| plain(name))
            };
            let items = parts.columns.iter().map(order).collect();
            select("SELECT 1 FROM x", items, Some(derived(inner, &Ident::new("unnested_rows"))))
        });
        if let Some(made) = made {
            *factor = derived(made, &name);
        }
    }
}

/// What a `LATERAL (SELECT … )` without a table computes: its name, and each expression with its own.
fn lateral_items(factor: &TableFactor) -> Option<(String, Vec<(Expr, Ident)>)> {
    let TableFactor::Derived { lateral: true, subquery, alias: Some(alias), .. } = factor else { return None };
    let SetExpr::Select(select) = subquery.body.as_ref() else { return None };
    let is_plain = select.from.is_empty() && select.selection.is_none() && select.having.is_none();
    if !is_plain || subquery.limit_clause.is_some() || subquery.order_by.is_some() {
        return None;
    }
    let renamed = |place: usize| alias.columns.get(place).map(|column| column.name.clone());
    let item = |(place, item): (usize, &SelectItem)| match item {
        SelectItem::ExprWithAlias { expr, alias } => {
            Some((expr.clone(), renamed(place).unwrap_or_else(|| alias.clone())))
        }
        SelectItem::UnnamedExpr(expr) => Some((expr.clone(), renamed(place)?)),
        _ => None,
    };
    let items = select.projection.iter().enumerate().map(item).collect::<Option<Vec<_>>>()?;
    Some((alias.name.value.clone(), items))
}

/// The table that an expression's first qualified name belongs to.
fn owner(expr: &Expr) -> Option<String> {
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

/// `(SELECT *, unnest(list) AS element, … FROM factor) AS name`, and around it, where elements are rows, another that has
/// their fields as columns.
fn wrapped(factor: &TableFactor, name: &Ident, parts: &Parts, keeps: bool) -> Option<TableFactor> {
    let inner = select("SELECT * FROM x", parts.items(keeps)?, Some(factor.clone()))?;
    let inner = derived(inner, name);
    if parts.rows.is_empty() {
        return Some(inner);
    }
    let wholes: Vec<_> = parts.rows.iter().map(|(whole, _)| whole.value.as_str()).collect();
    let star = format!("SELECT * EXCEPT ({}) FROM x", wholes.join(", "));
    Some(derived(select(&star, parts.fields(), Some(inner))?, name))
}

/// A query with more items in its list (instead of a `1`), over a table.
fn select(sql: &str, items: Vec<SelectItem>, from: Option<TableFactor>) -> Option<Box<Query>> {
    let mut query =
        Parser::new(&crate::grammar::Grammar { lambdas: true }).try_with_sql(sql).ok()?.parse_query().ok()?;
    let SetExpr::Select(select) = query.body.as_mut() else { return None };
    select.projection.retain(|item| !matches!(item, SelectItem::UnnamedExpr(Expr::Value(_))));
    select.projection.extend(items);
    if let Some(from) = from {
        select.from.first_mut()?.relation = from;
    }
    Some(query)
}

fn derived(query: Box<Query>, name: &Ident) -> TableFactor {
    let alias = TableAlias { explicit: true, name: name.clone(), columns: Vec::new(), at: None };
    TableFactor::Derived { lateral: false, subquery: query, alias: Some(alias), sample: None }
}

/// Takes the names of rewritten joins away from the columns that they qualify.
struct Qualifiers(Vec<Made>);

impl VisitorMut for Qualifiers {
    type Break = ();

    /// `u.*`: its columns.
    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
        let made = |item: &SelectItem| match item {
            SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), _) => {
                self.0.iter().find(|made| made.name.eq_ignore_ascii_case(&name.to_string()))
            }
            _ => None,
        };
        let mut items = Vec::with_capacity(select.projection.len());
        for item in &select.projection {
            match made(item) {
                Some(made) => items
                    .extend(made.columns.iter().map(|name| SelectItem::UnnamedExpr(Expr::Identifier(name.clone())))),
                None => items.push(item.clone()),
            }
        }
        select.projection = items;
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if let Expr::CompoundIdentifier(idents) = expr
            && let [table, column, ..] = idents.as_slice()
        {
            let same = |a: &str, b: &Ident| a.eq_ignore_ascii_case(&b.value);
            let ours =
                |made: &Made| same(&made.name, table) && made.columns.iter().any(|name| same(&name.value, column));
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
            (
                "SELECT u.* FROM t JOIN UNNEST(t.m) AS u (k, v) ON u.k = 'x' WHERE a OR b",
                "SELECT k, v FROM (SELECT * EXCEPT (unnest_1_rows_0), get_field(unnest_1_rows_0, 'c0') AS k, \
                 get_field(unnest_1_rows_0, 'c1') AS v FROM (SELECT *, unnest(unnest_rows(t.m)) AS unnest_1_rows_0 FROM t) AS t) \
                 AS t WHERE (a OR b) AND (k = 'x')",
            ),
            (
                "SELECT x, n FROM UNNEST(ARRAY['a']) WITH ORDINALITY AS t (x, n)",
                "SELECT x, n FROM (SELECT x, n FROM (SELECT unnest(ARRAY['a']) AS x, \
                 unnest(generate_series(1, CAST(cardinality(ARRAY['a']) AS BIGINT))) AS n) AS unnested_rows) AS t",
            ),
        ] {
            assert_eq!(rewritten(sql), engine, "{sql}");
        }
    }
}
