//! What published table definitions call Athena's partition columns, and how they write a day.
//!
//! The names of partition columns are the table's author's: `dt`, `account_id`, `p_region`. A name that the statement does
//! not give itself, and that no column has, is read as the partition column it means. Days are written `2026/11/22` in
//! CloudTrail's keys, so in most tables; where a statement compares one with another form, the column takes that form.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    BinaryOperator, Expr, Ident, Query, Select, SelectItem, SetExpr, TableFactor, Visit, VisitMut, Visitor, VisitorMut,
};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::parser::Parser;

use super::Sql;
use crate::athena;
use crate::names::is_known_column;

/// Names of partition columns in the wild, and the column of `cloudtrail_logs` that each means. `$path` is Athena's own
/// name for the object a row came from ("Getting the file locations for source data in Amazon S3").
static NAMES: &[(&str, &str)] = &[
    ("$path", "source_object"),
    ("account_id", "account"),
    ("accountid", "account"),
    ("aws_account_id", "account"),
    ("aws_region", "region"),
    ("date", "timestamp"),
    ("dt", "timestamp"),
    ("log_date", "timestamp"),
    ("logdate", "timestamp"),
    ("p_account", "account"),
    ("p_date", "timestamp"),
    ("p_region", "region"),
    ("partition_date", "timestamp"),
    ("region_name", "region"),
];

/// Columns that hold a whole day.
static DAYS: &[&str] = &["timestamp", "date_partition"];

/// Whether a name is a partition column of another layout.
pub(super) fn is_name(name: &str) -> bool {
    NAMES.iter().any(|(other, _)| *other == name)
}

/// Reads the names of other layouts as those of `cloudtrail_logs`, in place.
pub(super) fn read(statement: &mut Sql) {
    let mut given = Given::default();
    let _ = Visit::visit(statement, &mut given);
    let _ = VisitMut::visit(statement, &mut Selects { given: given.0 });
}

/// Names that a statement gives: its own aliases.
#[derive(Default)]
struct Given(BTreeSet<String>);

impl Visitor for Given {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        for table in query.with.iter().flat_map(|with| &with.cte_tables) {
            self.0.extend(table.alias.columns.iter().map(|column| column.name.value.to_ascii_lowercase()));
        }
        if let SetExpr::Select(select) = &*query.body {
            self.0.extend(select.projection.iter().filter_map(heading));
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<()> {
        self.0.extend(names_of(factor));
        ControlFlow::Continue(())
    }
}

/// The names that an alias of a table gives.
fn names_of(factor: &TableFactor) -> Vec<String> {
    let (TableFactor::Derived { alias: Some(alias), .. }
    | TableFactor::UNNEST { alias: Some(alias), .. }
    | TableFactor::Table { alias: Some(alias), .. }) = factor
    else {
        return Vec::new();
    };
    let columns = alias.columns.iter().map(|column| &column.name);
    std::iter::once(&alias.name).chain(columns).map(|name| name.value.to_ascii_lowercase()).collect()
}

/// The name that an item of a SELECT gives its column.
fn heading(item: &SelectItem) -> Option<String> {
    match item {
        SelectItem::ExprWithAlias { alias, .. } => Some(alias.value.to_ascii_lowercase()),
        SelectItem::UnnamedExpr(expr) => column(expr).map(|ident| ident.value.to_ascii_lowercase()),
        _ => None,
    }
}

/// Reads every SELECT from the view by itself: what it gives its columns is the business of who reads them.
struct Selects {
    given: BTreeSet<String>,
}

impl VisitorMut for Selects {
    type Break = ();

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
        let headings: BTreeSet<String> = match &*query.body {
            SetExpr::Select(select) => select.projection.iter().filter_map(heading).collect(),
            _ => BTreeSet::new(),
        };
        if !self.body(&mut query.body) {
            return ControlFlow::Continue(());
        }
        // ORDER BY asks the answer's columns before the table's.
        let mut layout = Layout { given: self.given.union(&headings).cloned().collect() };
        VisitMut::visit(&mut query.order_by, &mut layout)
    }
}

impl Selects {
    /// Whether the body is one SELECT from the view.
    fn body(&self, body: &mut SetExpr) -> bool {
        match body {
            SetExpr::Select(select) => self.select(select),
            SetExpr::SetOperation { left, right, .. } => {
                self.body(left);
                self.body(right);
                false
            }
            _ => false,
        }
    }

    fn select(&self, select: &mut Select) -> bool {
        let factors =
            || select.from.iter().flat_map(|t| std::iter::once(&t.relation).chain(t.joins.iter().map(|j| &j.relation)));
        let is_view = |factor: &TableFactor| matches!(factor, TableFactor::Table { name, .. } if name.to_string() == athena::NAMES[0]);
        if !factors().any(is_view) {
            return false;
        }
        let others = factors().any(|factor| !is_view(factor) && !matches!(factor, TableFactor::UNNEST { .. }));
        let given = if others { self.given.clone() } else { factors().flat_map(names_of).collect() };
        let mut layout = Layout { given };
        for item in &mut select.projection {
            let SelectItem::UnnamedExpr(expr) = item else { continue };
            // The column keeps the name that the statement has for it.
            if let Some(ident) = column(expr).filter(|ident| meant(ident, &layout.given).is_some()) {
                *item = SelectItem::ExprWithAlias { alias: ident.clone(), expr: expr.clone() };
            }
        }
        let _ = VisitMut::visit(&mut select.projection, &mut layout);
        let _ = VisitMut::visit(&mut select.selection, &mut layout);
        let _ = VisitMut::visit(&mut select.group_by, &mut layout);
        let _ = VisitMut::visit(&mut select.having, &mut layout);
        let _ = select
            .from
            .iter_mut()
            .flat_map(|table| &mut table.joins)
            .try_for_each(|join| VisitMut::visit(&mut join.join_operator, &mut layout));
        true
    }
}

/// The column that an expression is, without its table's name.
fn column(expr: &Expr) -> Option<&Ident> {
    match expr {
        Expr::Identifier(ident) => Some(ident),
        Expr::CompoundIdentifier(idents) if is_qualified(idents) => idents.last(),
        _ => None,
    }
}

/// Whether this is a table's column, and not the field of a struct.
fn is_qualified(idents: &[Ident]) -> bool {
    idents.len() == 2 && idents.first().is_some_and(|table| !is_known_column(&table.value.to_ascii_lowercase()))
}

/// The partition column that a name means, if it is another layout's.
fn meant(ident: &Ident, given: &BTreeSet<String>) -> Option<&'static str> {
    let name = ident.value.to_ascii_lowercase();
    let found = NAMES.iter().find(|(other, _)| *other == name).map(|(_, own)| *own);
    found.filter(|_| !given.contains(&name))
}

/// How a statement writes a day.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Slashes,
    Dashes,
    Digits,
    /// A value of type `DATE`.
    Typed,
}

/// The form of the days in an expression, if it has any.
fn form(other: &Expr) -> Option<Form> {
    let text = other.to_string().to_ascii_lowercase();
    let written = |mark: &str| {
        let formats = [format!("%y{mark}%m{mark}%d"), format!("yyyy{mark}mm{mark}dd")];
        formats.iter().any(|format| text.contains(&format!("'{format}'")))
    };
    for (mark, form) in [("/", Form::Slashes), ("-", Form::Dashes), ("", Form::Digits)] {
        if written(mark) {
            return Some(form);
        }
    }
    if text.contains("current_date") || text.starts_with("date") || text.contains("as date)") {
        return Some(Form::Typed);
    }
    text.split('\'').skip(1).step_by(2).find_map(literal_form)
}

/// The form of a text that is a day.
fn literal_form(text: &str) -> Option<Form> {
    let shape: String = text.chars().map(|c| if c.is_ascii_digit() { '9' } else { c }).collect();
    match shape.as_str() {
        "9999/99/99" => Some(Form::Slashes),
        "9999-99-99" => Some(Form::Dashes),
        "99999999" => Some(Form::Digits),
        _ => None,
    }
}

struct Layout {
    given: BTreeSet<String>,
}

impl Layout {
    /// A column of days takes the form that it is compared with.
    fn compare(&self, side: &mut Expr, form: Option<Form>) {
        let Some(name) = column(side).map(|ident| ident.value.to_ascii_lowercase()) else { return };
        if self.given.contains(&name) {
            return;
        }
        // Only a comparison tells `day` of the layout year/month/day from one that is the whole day.
        let is_day = DAYS.contains(&name.as_str())
            || NAMES.iter().any(|(other, own)| *other == name && DAYS.contains(own))
            || (name == "day" && form.is_some());
        let sql = match form {
            Some(Form::Dashes) => "replace(\"timestamp\", '/', '-')",
            Some(Form::Digits) => "replace(\"timestamp\", '/', '')",
            Some(Form::Typed) => "CAST(replace(\"timestamp\", '/', '-') AS DATE)",
            Some(Form::Slashes) => "\"timestamp\"",
            None => return,
        };
        let parsed = Parser::new(&GenericDialect {}).try_with_sql(sql).and_then(|mut parser| parser.parse_expr());
        if let (true, Ok(expr)) = (is_day, parsed) {
            *side = expr;
        }
    }
}

impl VisitorMut for Layout {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        match expr {
            Expr::BinaryOp { left, op, right } if is_comparison(op) => {
                let (of_left, of_right) = (form(left), form(right));
                self.compare(left, of_right);
                self.compare(right, of_left);
            }
            Expr::Between { expr, low, high, .. } => self.compare(expr, form(low).or_else(|| form(high))),
            Expr::InList { expr, list, .. } => self.compare(expr, list.iter().find_map(form)),
            Expr::Identifier(ident) => self.rename(ident),
            Expr::CompoundIdentifier(idents) if is_qualified(idents) => {
                if let Some(ident) = idents.last_mut() {
                    self.rename(ident);
                }
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

impl Layout {
    fn rename(&self, ident: &mut Ident) {
        if let Some(own) = meant(ident, &self.given) {
            *ident = Ident::with_quote('"', own);
        }
    }
}

fn is_comparison(op: &BinaryOperator) -> bool {
    use BinaryOperator::{Eq, Gt, GtEq, Lt, LtEq, NotEq};
    matches!(op, Eq | NotEq | Lt | LtEq | Gt | GtEq)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn read_sql(sql: &str) -> String {
        let mut statement = Parser::parse_sql(&GenericDialect {}, sql).unwrap().remove(0);
        read(&mut statement);
        statement.to_string()
    }

    #[test]
    fn names_of_other_layouts_are_read() {
        for (sql, read) in [
            (
                "SELECT 1 FROM cloudtrail_logs WHERE dt = '2026/11/22'",
                "SELECT 1 FROM cloudtrail_logs WHERE \"timestamp\" = '2026/11/22'",
            ),
            (
                "SELECT 1 FROM cloudtrail_logs WHERE cloudtrail_logs.dt >= '2026-11-22'",
                "SELECT 1 FROM cloudtrail_logs WHERE replace(\"timestamp\", '/', '-') >= '2026-11-22'",
            ),
            (
                "SELECT 1 FROM cloudtrail_logs WHERE day BETWEEN '2026/11/01' AND '2026/11/22'",
                "SELECT 1 FROM cloudtrail_logs WHERE \"timestamp\" BETWEEN '2026/11/01' AND '2026/11/22'",
            ),
            ("SELECT 1 FROM cloudtrail_logs WHERE day = '22'", "SELECT 1 FROM cloudtrail_logs WHERE day = '22'"),
            (
                "SELECT 1 FROM cloudtrail_logs WHERE p_date > date_format(now(), '%Y%m%d')",
                "SELECT 1 FROM cloudtrail_logs WHERE replace(\"timestamp\", '/', '') > date_format(now(), '%Y%m%d')",
            ),
            (
                "SELECT 1 FROM cloudtrail_logs WHERE log_date >= current_date",
                "SELECT 1 FROM cloudtrail_logs WHERE CAST(replace(\"timestamp\", '/', '-') AS DATE) >= current_date",
            ),
            (
                "SELECT account_id, count(*) FROM cloudtrail_logs GROUP BY account_id",
                "SELECT \"account\" AS account_id, count(*) FROM cloudtrail_logs GROUP BY \"account\"",
            ),
            (
                "SELECT date(date_parse(dt, '%Y/%m/%d')) AS dt FROM cloudtrail_logs",
                "SELECT date(date_parse(\"timestamp\", '%Y/%m/%d')) AS dt FROM cloudtrail_logs",
            ),
            ("SELECT \"$path\" FROM cloudtrail_logs", "SELECT \"source_object\" AS \"$path\" FROM cloudtrail_logs"),
        ] {
            assert_eq!(read_sql(sql), read, "{sql}");
        }
    }

    #[test]
    fn a_name_that_the_statement_gives_is_its_own() {
        for sql in [
            "WITH a (date) AS (SELECT 1) SELECT date FROM a",
            "WITH a AS (SELECT date(eventtime) AS dt FROM cloudtrail_logs) SELECT dt FROM a WHERE dt > '2026-11-22'",
            "SELECT date(eventtime) AS dt FROM cloudtrail_logs ORDER BY dt",
            "SELECT dt.x FROM cloudtrail_logs AS dt",
            "SELECT useridentity.accountid FROM cloudtrail_logs",
        ] {
            assert_eq!(read_sql(sql), sql);
        }
    }
}
