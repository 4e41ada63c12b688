//! `SELECT *, x AS day FROM cloudtrail_logs`: a star gives way to a column that the statement names itself.
//!
//! Whoever wrote the query had a table without that column, or could not have named it afterwards. The engine refuses an
//! answer with both. Works on the syntax tree, from the innermost query out, so that it is known what a star stands for; a
//! star over what is not known here stays as it is.

use std::collections::{BTreeMap, BTreeSet};

use datafusion::sql::sqlparser::ast::{
    ExcludeSelectItem, Expr, Ident, ObjectName, Query, Select, SelectItem, SetExpr, Statement, TableFactor,
    WildcardAdditionalOptions,
};
use ingest::schema::COLUMNS;

use crate::tables::EVENTS;
use crate::{athena, dialect, store, tailpipe};

/// Names of columns, lower case; `None` where they are not known.
type Columns = Option<BTreeSet<String>>;

/// What names of tables stand for.
type Scope = BTreeMap<String, Columns>;

/// Lets stars give way, in place.
pub(crate) fn give_way(statement: &mut Statement) {
    if let Statement::Query(query) = statement {
        walk(query, &Scope::new());
    }
}

/// The columns of a query's answer.
fn walk(query: &mut Query, outer: &Scope) -> Columns {
    let mut scope = outer.clone();
    for table in query.with.iter_mut().flat_map(|with| &mut with.cte_tables) {
        let columns = walk(&mut table.query, &scope);
        let own = &table.alias.columns;
        let columns = if own.is_empty() { columns } else { Some(own.iter().map(|own| lower(&own.name)).collect()) };
        scope.insert(lower(&table.alias.name), columns);
    }
    body(&mut query.body, &scope)
}

fn body(body_of: &mut SetExpr, scope: &Scope) -> Columns {
    match body_of {
        SetExpr::Select(select) => answer(select, scope),
        SetExpr::Query(query) => walk(query, scope),
        SetExpr::SetOperation { left, right, .. } => {
            let columns = body(left, scope);
            body(right, scope);
            columns
        }
        _ => None,
    }
}

fn answer(select: &mut Select, scope: &Scope) -> Columns {
    let mut all: Columns = Some(BTreeSet::new());
    for table in &mut select.from {
        for factor in std::iter::once(&mut table.relation).chain(table.joins.iter_mut().map(|join| &mut join.relation))
        {
            let found = columns(factor, scope);
            all = all.zip(found).map(|(mut all, found)| {
                all.extend(found);
                all
            });
        }
    }
    let named: BTreeSet<String> = select.projection.iter().filter_map(given).collect();
    let mut out = BTreeSet::new();
    let mut is_known = true;
    for item in &mut select.projection {
        match item {
            SelectItem::Wildcard(options) => {
                if let Some(all) = &all {
                    let hidden: Vec<Ident> =
                        all.intersection(&named).map(|name| Ident::with_quote('"', name)).collect();
                    hide(options, hidden);
                    out.extend(all.iter().cloned());
                }
                is_known &= all.is_some();
            }
            SelectItem::UnnamedExpr(expr) => out.extend(column(expr)),
            SelectItem::ExprWithAlias { alias, .. } => {
                out.insert(lower(alias));
            }
            _ => is_known = false,
        }
    }
    is_known.then_some(out)
}

fn hide(options: &mut WildcardAdditionalOptions, hidden: Vec<Ident>) {
    let is_plain = options.opt_exclude.is_none()
        && options.opt_except.is_none()
        && options.opt_replace.is_none()
        && options.opt_rename.is_none();
    if is_plain && !hidden.is_empty() {
        let names = hidden.into_iter().map(|name| ObjectName::from(vec![name])).collect();
        options.opt_exclude = Some(ExcludeSelectItem::Multiple(names));
    }
}

fn columns(factor: &mut TableFactor, scope: &Scope) -> Columns {
    match factor {
        TableFactor::Table { name, args: None, .. } => {
            let name = lower(dialect::last(name)?);
            scope.get(&name).cloned().unwrap_or_else(|| of_view(&name))
        }
        TableFactor::Derived { subquery, .. } => walk(subquery, scope),
        TableFactor::UNNEST { alias: Some(alias), .. } => {
            Some(alias.columns.iter().map(|column| lower(&column.name)).collect())
        }
        _ => None,
    }
}

/// The columns of a table of ours.
fn of_view(name: &str) -> Columns {
    let owned = |names: &mut dyn Iterator<Item = &'static str>| Some(names.map(str::to_owned).collect());
    match name {
        EVENTS => owned(&mut COLUMNS.iter().map(|column| column.name)),
        store::NAME => owned(&mut store::column_names()),
        tailpipe::NAME => Some(tailpipe::column_names().into_iter().collect()),
        name if athena::NAMES.contains(&name) => owned(&mut athena::column_names()),
        _ => None,
    }
}

/// The name that a statement gives a value that is more than a column of this name.
fn given(item: &SelectItem) -> Option<String> {
    match item {
        SelectItem::ExprWithAlias { alias, .. } if alias.quote_style.is_some() => Some(alias.value.clone()),
        SelectItem::ExprWithAlias { alias, .. } => Some(lower(alias)),
        _ => None,
    }
}

fn column(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Identifier(ident) => Some(lower(ident)),
        Expr::CompoundIdentifier(idents) => idents.last().map(lower),
        _ => None,
    }
}

fn lower(ident: &Ident) -> String {
    ident.value.to_ascii_lowercase()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use datafusion::sql::sqlparser::dialect::GenericDialect;
    use datafusion::sql::sqlparser::parser::Parser;

    use super::*;

    #[test]
    fn a_star_gives_way_where_it_has_the_column() {
        for (sql, read) in [
            (
                "SELECT *, date(eventtime) AS day FROM cloudtrail_logs",
                "SELECT * EXCLUDE (\"day\"), date(eventtime) AS day FROM cloudtrail_logs",
            ),
            (
                "WITH a AS (SELECT * FROM cloudtrail_logs), b AS (SELECT *, 1 AS Region FROM a) SELECT * FROM b",
                "WITH a AS (SELECT * FROM cloudtrail_logs), b AS (SELECT * EXCLUDE (\"region\"), 1 AS Region FROM a) SELECT * FROM b",
            ),
            ("SELECT *, 1 AS own FROM cloudtrail_logs", "SELECT *, 1 AS own FROM cloudtrail_logs"),
            ("SELECT *, 1 AS day FROM elsewhere", "SELECT *, 1 AS day FROM elsewhere"),
            (
                "WITH a AS (SELECT eventname FROM events) SELECT *, 1 AS day FROM a",
                "WITH a AS (SELECT eventname FROM events) SELECT *, 1 AS day FROM a",
            ),
        ] {
            let mut statement = Parser::parse_sql(&GenericDialect {}, sql).unwrap().remove(0);
            give_way(&mut statement);
            assert_eq!(statement.to_string(), read);
        }
    }
}
