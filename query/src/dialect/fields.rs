//! What a view has in another type than the table below it, where that cannot be said of a column: fields inside
//! `useridentity`, and truth values that some write as text and some as truth.
//!
//! CloudTrail Lake has `useridentity.sessioncontext.attributes.creationdate` as a time, both products have
//! `webidfederationdata.attributes` as a map ("Supported SQL schemas for event data stores", "Creating the table for
//! CloudTrail logs in Athena"). A view with a struct of its own would be read whole for one field of it, so the field is
//! put into its type where a statement names it. Works on the syntax tree, SELECT by SELECT.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    AccessExpr, BinaryOperator, Expr, Query, Select, SetExpr, TableFactor, Value, VisitMut, VisitorMut,
};

use super::{Sql, View, last};
use crate::tables::EVENTS;
use crate::trino::{call, literal};
use crate::{athena, store};

const CREATION_DATE: &[&str] = &["useridentity", "sessioncontext", "attributes", "creationdate"];
const FEDERATION: &[&str] = &["useridentity", "sessioncontext", "webidfederationdata", "attributes"];
/// Columns that are truth values where they are not text.
const TRUTHS: &[&str] = &["readonly", "managementevent"];
/// A column that sounds like one and is text everywhere.
const TEXT: &str = "sessioncredentialfromconsole";

/// What a SELECT reads: a view, or the table below the views (`None`).
type Read = Option<View>;

/// Puts fields and truth values into the types of the views that a statement reads, in place.
pub(crate) fn retype(statement: &mut Sql) {
    let _ = VisitMut::visit(statement, &mut Selects);
}

struct Selects;

impl VisitorMut for Selects {
    type Break = ();

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
        if let Some(mut fields) = body(&mut query.body) {
            return VisitMut::visit(&mut query.order_by, &mut fields);
        }
        ControlFlow::Continue(())
    }
}

/// Retypes the SELECTs of a body; what holds for its order, where it is one SELECT.
fn body(of: &mut SetExpr) -> Option<Fields> {
    match of {
        SetExpr::Select(select) => retyped(select),
        SetExpr::SetOperation { left, right, .. } => {
            body(left);
            body(right);
            None
        }
        _ => None,
    }
}

fn retyped(select: &mut Select) -> Option<Fields> {
    let mut fields = Fields { tables: BTreeMap::new(), depth: 0 };
    for table in &select.from {
        let factors = std::iter::once(&table.relation).chain(table.joins.iter().map(|join| &join.relation));
        for factor in factors {
            if let TableFactor::Table { name, alias, args: None, .. } = factor
                && let Some(ident) = last(name)
                && let Some(read) = read(&ident.value)
            {
                let called = alias.as_ref().map_or(&ident.value, |alias| &alias.name.value);
                fields.tables.insert(called.to_ascii_lowercase(), read);
            }
        }
    }
    if fields.tables.is_empty() {
        return None;
    }
    let _ = VisitMut::visit(&mut select.projection, &mut fields);
    let _ = VisitMut::visit(&mut select.selection, &mut fields);
    let _ = VisitMut::visit(&mut select.group_by, &mut fields);
    let _ = VisitMut::visit(&mut select.having, &mut fields);
    for join in select.from.iter_mut().flat_map(|table| &mut table.joins) {
        let _ = VisitMut::visit(&mut join.join_operator, &mut fields);
    }
    Some(fields)
}

fn read(table: &str) -> Option<Read> {
    let table = table.to_ascii_lowercase();
    match table.as_str() {
        EVENTS => Some(None),
        store::NAME => Some(Some(View::Store)),
        name if athena::NAMES.contains(&name) => Some(Some(View::Athena)),
        _ => None,
    }
}

/// Retypes the expressions of one SELECT.
struct Fields {
    /// What is read under which name.
    tables: BTreeMap<String, Read>,
    /// Queries inside the expression: they are read by themselves.
    depth: usize,
}

impl Fields {
    /// Whose column a path begins with, and the path without the table's name.
    fn of<'a>(&self, path: &'a [String]) -> Option<(Read, &'a [String])> {
        let (first, rest) = path.split_first()?;
        match self.tables.get(first) {
            Some(read) if !rest.is_empty() => Some((*read, rest)),
            _ => {
                let mut reads = self.tables.values();
                let only = reads.next().filter(|only| reads.all(|other| other == *only))?;
                Some((*only, path))
            }
        }
    }

    /// An expression in the type that the view has for what the path leads to.
    fn typed(&self, path: &[String], expr: Expr) -> Option<Expr> {
        match self.of(path)? {
            (Some(View::Store), path) if path == CREATION_DATE => {
                Some(call("arrow_try_cast", vec![expr, literal("Timestamp(Microsecond, Some(\"UTC\"))")]))
            }
            (Some(View::Store | View::Athena), path) if path == FEDERATION => {
                Some(call("json_cast", vec![expr, literal("map(varchar,varchar)")]))
            }
            _ => None,
        }
    }

    /// A path, or the beginning of one that goes on in brackets.
    fn field(&self, expr: &Expr) -> Option<Expr> {
        let Expr::CompoundFieldAccess { root, access_chain } = expr else {
            return self.typed(&path_of(expr)?, expr.clone());
        };
        let mut path = path_of(root)?;
        for (place, access) in access_chain.iter().enumerate() {
            path.push(named(access)?);
            let (taken, left) = access_chain.split_at(place + 1);
            let begun = Expr::CompoundFieldAccess { root: root.clone(), access_chain: taken.to_vec() };
            if let Some(typed) = self.typed(&path, begun) {
                let access_chain = left.to_vec();
                return Some(match left {
                    [] => typed,
                    _ => Expr::CompoundFieldAccess { root: Box::new(typed), access_chain },
                });
            }
        }
        None
    }

    /// Writes a truth value as the column has it.
    fn truth(&self, column: &Expr, other: &mut Expr) {
        let Some(path) = path_of(column) else { return };
        let Some((read, [name])) = self.of(&path) else { return };
        let is_truth = TRUTHS.contains(&name.as_str());
        let Expr::Value(value) = other else { return };
        let as_text = name == TEXT || (is_truth && read == Some(View::Athena));
        match &value.value {
            Value::Boolean(truth) if as_text => value.value = Value::SingleQuotedString(truth.to_string()),
            Value::SingleQuotedString(text) if is_truth && !as_text => {
                if let Ok(truth) = text.to_ascii_lowercase().parse() {
                    value.value = Value::Boolean(truth);
                }
            }
            _ => {}
        }
    }
}

impl VisitorMut for Fields {
    type Break = ();

    fn pre_visit_query(&mut self, _: &mut Query) -> ControlFlow<()> {
        self.depth += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &mut Query) -> ControlFlow<()> {
        self.depth -= 1;
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if self.depth > 0 {
            return ControlFlow::Continue(());
        }
        match expr {
            Expr::BinaryOp { left, op: BinaryOperator::Eq | BinaryOperator::NotEq, right } => {
                self.truth(left, right);
                self.truth(right, left);
            }
            Expr::InList { expr, list, .. } => list.iter_mut().for_each(|item| self.truth(expr, item)),
            Expr::CompoundIdentifier(_) | Expr::CompoundFieldAccess { .. } => {
                if let Some(typed) = self.field(expr) {
                    *expr = typed;
                }
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

/// The names of a path, lower case.
fn path_of(expr: &Expr) -> Option<Vec<String>> {
    match expr {
        Expr::Identifier(ident) => Some(vec![ident.value.to_ascii_lowercase()]),
        Expr::CompoundIdentifier(idents) => Some(idents.iter().map(|ident| ident.value.to_ascii_lowercase()).collect()),
        Expr::Nested(inner) => path_of(inner),
        _ => None,
    }
}

/// The field that a step of a path names.
fn named(access: &AccessExpr) -> Option<String> {
    use datafusion::sql::sqlparser::ast::Subscript;
    let text = |value: &Value| match value {
        Value::SingleQuotedString(text) => Some(text.to_ascii_lowercase()),
        _ => None,
    };
    match access {
        AccessExpr::Dot(Expr::Identifier(ident)) => Some(ident.value.to_ascii_lowercase()),
        AccessExpr::Dot(Expr::Value(value)) => text(&value.value),
        AccessExpr::Subscript(Subscript::Index { index: Expr::Value(value) }) => text(&value.value),
        _ => None,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::guard;

    fn read_sql(sql: &str) -> String {
        let datafusion::sql::parser::Statement::Statement(mut statement) = guard::parse(sql).unwrap() else { panic!() };
        retype(&mut statement);
        statement.to_string()
    }

    #[test]
    fn fields_have_the_types_of_their_view() {
        let time = |path: &str| format!("arrow_try_cast({path}, 'Timestamp(Microsecond, Some(\"UTC\"))')");
        let path = "useridentity.sessioncontext.attributes.creationdate";
        let of_store = time(path);
        for (sql, read) in [
            (
                format!("SELECT {path} AS c FROM event_data_store WHERE {path} > '2023-07-10' ORDER BY {path}"),
                format!("SELECT {of_store} AS c FROM event_data_store WHERE {of_store} > '2023-07-10' ORDER BY {of_store}"),
            ),
            (
                format!("SELECT 1 FROM event_data_store AS e JOIN cloudtrail_logs AS c ON e.{path} = c.{path}"),
                format!("SELECT 1 FROM event_data_store AS e JOIN cloudtrail_logs AS c ON {} = c.{path}", time(&format!("e.{path}"))),
            ),
            (
                format!("SELECT 1 FROM events WHERE eventid IN (SELECT eventid FROM event_data_store WHERE {path} IS NULL)"),
                format!("SELECT 1 FROM events WHERE eventid IN (SELECT eventid FROM event_data_store WHERE {of_store} IS NULL)"),
            ),
            (format!("SELECT {path} FROM cloudtrail_logs"), format!("SELECT {path} FROM cloudtrail_logs")),
            (
                "SELECT useridentity.sessioncontext.webidfederationdata.attributes['x'] FROM cloudtrail_logs".into(),
                "SELECT json_cast(useridentity.sessioncontext.webidfederationdata.attributes, 'map(varchar,varchar)')['x'] FROM cloudtrail_logs".into(),
            ),
        ] {
            assert_eq!(read_sql(&sql), read);
        }
    }

    #[test]
    fn truth_is_written_as_the_column_has_it() {
        for (condition, table, read) in [
            ("readonly = 'false'", "event_data_store", "readonly = false"),
            ("readonly IN ('False')", "events", "readonly IN (false)"),
            ("readonly = 'false'", "cloudtrail_logs", "readonly = 'false'"),
            ("true = readonly", "cloudtrail_logs", "'true' = readonly"),
            ("sessioncredentialfromconsole = true", "event_data_store", "sessioncredentialfromconsole = 'true'"),
            ("eventname = 'true'", "events", "eventname = 'true'"),
        ] {
            let sql = format!("SELECT 1 FROM {table} WHERE {condition}");
            assert_eq!(read_sql(&sql), format!("SELECT 1 FROM {table} WHERE {read}"));
        }
    }
}
