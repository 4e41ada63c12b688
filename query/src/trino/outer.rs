//! Fields of columns of an outer query: `WHERE b.useridentity.arn = a.useridentity.arn` in a subquery.
//!
//! The engine takes a column of an outer query, and no path below it. Here the path becomes calls, which say the same.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    Expr, Ident, ObjectNamePart, Query, Select, SetExpr, Statement, TableFactor, VisitMut, VisitorMut,
};

use super::rewrite::{call, literal};
use crate::names::holds_json;

/// Puts paths below columns of outer queries into calls.
pub(super) fn rewrite(statement: &mut Statement) {
    let _ = statement.visit(&mut Scopes::default());
}

/// Names of the tables of each query around a place, the innermost last.
#[derive(Default)]
struct Scopes(Vec<Vec<String>>);

impl Scopes {
    fn is_outer(&self, table: &Ident) -> bool {
        let Some((own, outer)) = self.0.split_last() else { return false };
        let has = |names: &Vec<String>| names.contains(&table.value);
        !has(own) && outer.iter().any(has)
    }
}

impl VisitorMut for Scopes {
    type Break = ();

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
        let mut names = Vec::new();
        tables(&query.body, &mut names);
        self.0.push(names);
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &mut Query) -> ControlFlow<()> {
        self.0.pop();
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if let Expr::CompoundIdentifier(parts) = expr
            && let [table, column, first, rest @ ..] = parts.as_slice()
            && self.is_outer(table)
            && !holds_json(&column.value)
        {
            let column = Expr::CompoundIdentifier(vec![table.clone(), column.clone()]);
            let names = std::iter::once(first).chain(rest).map(|name| literal(name.value.clone()));
            *expr = call("get_field", std::iter::once(column).chain(names).collect());
        }
        ControlFlow::Continue(())
    }
}

fn tables(body: &SetExpr, names: &mut Vec<String>) {
    match body {
        SetExpr::Select(select) => of_select(select, names),
        SetExpr::SetOperation { left, right, .. } => {
            tables(left, names);
            tables(right, names);
        }
        _ => {}
    }
}

fn of_select(select: &Select, names: &mut Vec<String>) {
    for table in &select.from {
        let joined = table.joins.iter().map(|join| &join.relation);
        for factor in std::iter::once(&table.relation).chain(joined) {
            names.extend(name(factor));
        }
    }
}

fn name(factor: &TableFactor) -> Option<String> {
    let (name, alias) = match factor {
        TableFactor::Table { name, alias, .. } => (name.0.last(), alias),
        TableFactor::Derived { alias, .. } | TableFactor::UNNEST { alias, .. } => (None, alias),
        _ => return None,
    };
    match (alias, name) {
        (Some(alias), _) => Some(alias.name.value.clone()),
        (None, Some(ObjectNamePart::Identifier(name))) => Some(name.value.clone()),
        _ => None,
    }
}
