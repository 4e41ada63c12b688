//! Which table a saved query means: the same events have Athena's columns, CloudTrail Lake's or Tailpipe's.
//!
//! Saved queries name their table as somebody once named it: `cloudtrail_logs`, `default.my_trail`, an event data store's
//! id. A name that no table has, in a query that uses columns of CloudTrail's, is another name of a view. Which one is
//! told by what the query does with the columns ([`signs`]); where both fit, Athena's. A query that makes no sense over
//! the first view is tried over the others, and the first one's error is told if none of them takes it.

mod fields;
mod layouts;
mod signs;

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast::{
    Expr, Ident, ObjectName, ObjectNamePart, Query, TableAlias, TableFactor, Visit, VisitMut, Visitor, VisitorMut,
};

pub(crate) use self::fields::retype;
use crate::error::nearest;
use crate::grammar::{is_store_id, names_a_store};
use crate::{athena, ocsf, store, tailpipe};

/// A view of the events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum View {
    /// `cloudtrail_logs`: texts, partition columns.
    Athena,
    /// `event_data_store`: times, truth values, maps.
    Store,
    /// `aws_cloudtrail_log`: snake_case, JSON.
    Tailpipe,
    /// `ocsf`: the schema of Security Lake.
    Ocsf,
}

impl View {
    /// The name that the view is registered under.
    pub(crate) fn table(self) -> &'static str {
        match self {
            View::Athena => athena::NAMES[0],
            View::Store => store::NAME,
            View::Tailpipe => tailpipe::NAME,
            View::Ocsf => ocsf::NAME,
        }
    }
}

/// A statement over one choice of views.
pub(crate) struct Reading {
    /// The statement, with the views' names.
    pub(crate) statement: Statement,
    /// What was taken for which view, for the user: empty where every name is a table's.
    pub(crate) notes: Vec<String>,
}

/// The readings of a statement, the likeliest first. `tables` are the names that exist.
pub(crate) fn readings(statement: Statement, tables: &[String]) -> Vec<Reading> {
    let names = names(&statement);
    let Some(inner) = inner(&statement) else { return vec![Reading { statement, notes: Vec::new() }] };
    let mut found = signs::Signs::default();
    let _ = inner.visit(&mut found);
    let open: Vec<_> = names.iter().filter(|name| is_open(name, tables, &found)).cloned().collect();
    if open.is_empty() {
        return vec![Reading { statement, notes: Vec::new() }];
    }
    let by_name = open.iter().any(|name| last(name).is_some_and(|ident| names_a_store(&ident.value)));
    let by_id = open.iter().any(|name| last(name).is_some_and(|ident| is_store_id(&ident.value)));
    let is_lake = |name: &ObjectName| last(name).is_some_and(|ident| is_security_lake(&ident.value));
    // An id is an event data store's, whatever the query does with it: over texts it would have another answer.
    let order = match () {
        () if open.iter().all(is_lake) => vec![View::Ocsf],
        () if by_id => vec![View::Store],
        () => found.order(by_name),
    };
    let reading = |view: View| {
        let mut statement = statement.clone();
        let mut rename = Rename { view, open: &open, tables, notes: BTreeSet::new() };
        if let Some(inner) = inner_mut(&mut statement) {
            let _ = inner.visit(&mut rename);
            if view == View::Athena {
                layouts::read(inner);
            }
        }
        Reading { statement, notes: rename.notes.into_iter().collect() }
    };
    order.into_iter().map(reading).collect()
}

type Sql = datafusion::sql::sqlparser::ast::Statement;

fn inner(statement: &Statement) -> Option<&Sql> {
    match statement {
        Statement::Statement(statement) => Some(statement),
        Statement::Explain(explain) => inner(&explain.statement),
        _ => None,
    }
}

fn inner_mut(statement: &mut Statement) -> Option<&mut Sql> {
    match statement {
        Statement::Statement(statement) => Some(statement),
        Statement::Explain(explain) => inner_mut(&mut explain.statement),
        _ => None,
    }
}

pub(crate) fn last(name: &ObjectName) -> Option<&Ident> {
    match name.0.last() {
        Some(ObjectNamePart::Identifier(ident)) => Some(ident),
        _ => None,
    }
}

/// Names of tables in a statement that are no `WITH` of its own and no functions.
pub(crate) fn names(statement: &Statement) -> Vec<ObjectName> {
    struct Names {
        with: BTreeSet<String>,
        tables: Vec<ObjectName>,
    }
    impl Visitor for Names {
        type Break = ();

        fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
            let with = query.with.iter().flat_map(|with| &with.cte_tables);
            self.with.extend(with.map(|table| table.alias.name.value.to_ascii_lowercase()));
            ControlFlow::Continue(())
        }

        fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<()> {
            if let TableFactor::Table { name, args: None, .. } = factor {
                self.tables.push(name.clone());
            }
            ControlFlow::Continue(())
        }
    }
    let mut found = Names { with: BTreeSet::new(), tables: Vec::new() };
    if let Some(statement) = inner(statement) {
        let _ = statement.visit(&mut found);
    }
    let Names { with, mut tables } = found;
    tables.retain(|name| name.0.len() > 1 || last(name).is_none_or(|i| !with.contains(&i.value.to_ascii_lowercase())));
    tables
}

/// Whether a name is a table of Security Lake.
fn is_security_lake(name: &str) -> bool {
    name.to_ascii_lowercase().starts_with("amazon_security_lake_table")
}

/// Whether a name may stand for any of the views.
fn is_open(name: &ObjectName, tables: &[String], signs: &signs::Signs) -> bool {
    let Some(ident) = last(name) else { return false };
    let lower = ident.value.to_ascii_lowercase();
    let whole = name.to_string().to_ascii_lowercase();
    if whole.contains("information_schema") || whole.starts_with("public.") || whole.starts_with("datafusion.") {
        return false;
    }
    if athena::NAMES.contains(&lower.as_str()) || (name.0.len() > 1 && tables.contains(&lower)) {
        return true;
    }
    let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '$');
    if tables.contains(&lower) || ident.quote_style == Some('\'') || !ident.value.chars().all(word) {
        return false;
    }
    if names_a_store(&lower) || lower.starts_with('$') || lower.contains("cloudtrail") || is_security_lake(&lower) {
        return true;
    }
    // A slip in a table's name is told, and not taken for a name.
    signs.columns > 0 && nearest(&lower, tables.iter().map(String::as_str)).is_none()
}

struct Rename<'a> {
    view: View,
    open: &'a [ObjectName],
    tables: &'a [String],
    notes: BTreeSet<String>,
}

impl VisitorMut for Rename<'_> {
    type Break = ();

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<()> {
        let TableFactor::Table { name, alias, args: None, .. } = factor else { return ControlFlow::Continue(()) };
        if !self.open.contains(name) {
            return ControlFlow::Continue(());
        }
        let Some(own) = last(name).cloned() else { return ControlFlow::Continue(()) };
        // A table's own name behind a database's is that table.
        let lower = own.value.to_ascii_lowercase();
        let is_own = self.tables.contains(&lower) && !athena::NAMES.contains(&lower.as_str());
        let table = if is_own { &lower } else { self.view.table() };
        if !own.value.eq_ignore_ascii_case(table) {
            self.notes.insert(format!("`{}` is read as {table}", own.value));
            // Columns may be qualified by the name as it was.
            alias.get_or_insert(TableAlias { explicit: true, name: own, columns: Vec::new(), at: None });
        }
        *name = ObjectName::from(vec![Ident::new(table)]);
        ControlFlow::Continue(())
    }

    /// `database.table.column`: the database goes.
    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if let Expr::CompoundIdentifier(idents) = expr {
            let qualified = |name: &&ObjectName| {
                name.0.len() > 1
                    && idents.len() > name.0.len()
                    && name.0.iter().zip(idents.iter()).all(|(part, ident)| {
                        matches!(part, ObjectNamePart::Identifier(p) if p.value.eq_ignore_ascii_case(&ident.value))
                    })
            };
            if let Some(name) = self.open.iter().find(qualified) {
                idents.drain(..name.0.len() - 1);
            }
        }
        ControlFlow::Continue(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::guard;

    fn first(sql: &str) -> String {
        let tables = ["aws_cloudtrail_log", "cloudtrail_logs", "event_data_store", "events"].map(str::to_owned);
        readings(guard::parse(sql).unwrap(), &tables).remove(0).statement.to_string()
    }

    #[test]
    fn names_are_read_as_views() {
        for (sql, read) in [
            ("SELECT eventname FROM events", "SELECT eventname FROM events"),
            ("SELECT eventname FROM my_trail", "SELECT eventname FROM cloudtrail_logs AS my_trail"),
            (
                "SELECT my_trail.eventname FROM db.my_trail",
                "SELECT my_trail.eventname FROM cloudtrail_logs AS my_trail",
            ),
            ("SELECT db.ct.eventname FROM db.ct", "SELECT ct.eventname FROM cloudtrail_logs AS ct"),
            ("SELECT eventname FROM x AS y", "SELECT eventname FROM cloudtrail_logs AS y"),
            (
                "SELECT * FROM 0a1b2c3d-4e5f-6789-abcd-ef0123456789",
                "SELECT * FROM event_data_store AS \"0a1b2c3d-4e5f-6789-abcd-ef0123456789\"",
            ),
            ("SELECT count(*) FROM $EDS_ID", "SELECT count(*) FROM event_data_store AS \"$EDS_ID\""),
            ("SELECT eventname FROM $table", "SELECT eventname FROM cloudtrail_logs AS \"$table\""),
            (
                "SELECT account_id FROM logs WHERE dt = '2026/11/22'",
                "SELECT \"account\" AS account_id FROM cloudtrail_logs AS logs WHERE \"timestamp\" = '2026/11/22'",
            ),
            ("SELECT event_name FROM aws_log", "SELECT event_name FROM aws_cloudtrail_log AS aws_log"),
            (
                "SELECT api.operation FROM \"db\".\"amazon_security_lake_table_us_east_1_cloud_trail_mgmt_1_0\"",
                "SELECT api.operation FROM ocsf AS \"amazon_security_lake_table_us_east_1_cloud_trail_mgmt_1_0\"",
            ),
            ("SELECT default.events.eventname FROM default.events", "SELECT events.eventname FROM events"),
            (
                "SELECT 1 FROM lake.event_data_store WHERE eventtime > '2023-01-01T00:00:00Z'",
                "SELECT 1 FROM event_data_store WHERE eventtime > '2023-01-01T00:00:00Z'",
            ),
            ("SELECT 1 FROM nothing", "SELECT 1 FROM nothing"),
            ("SELECT eventname FROM event", "SELECT eventname FROM event"),
            ("SELECT eventname FROM \"/etc/passwd\"", "SELECT eventname FROM \"/etc/passwd\""),
            (
                "WITH ct AS (SELECT eventname FROM events) SELECT eventname FROM ct",
                "WITH ct AS (SELECT eventname FROM events) SELECT eventname FROM ct",
            ),
        ] {
            assert_eq!(first(sql), read, "{sql}");
        }
    }
}
