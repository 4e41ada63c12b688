//! Names in a query, put in the table's case before planning.
//!
//! SQL folds unquoted names to lower case, and the table's columns are lower case, so most published queries need
//! nothing. What is left: quoted names (`"userIdentity"`), fields in brackets (`resources[1]['ARN']`,
//! `resources[1].ARN`), and the names of answer columns ([`headings`]). Works on the syntax tree; knows no plans.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::sync::OnceLock;

use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast::{
    AccessExpr, Expr, Ident, ObjectName, ObjectNamePart, OrderBy, OrderByKind, Query, Select, SelectItem, SetExpr,
    Subscript, TableFactor, Value, VisitMut, VisitorMut,
};
use ingest::schema::{COLUMNS, Column, Kind};

use crate::tables::EVENTS;
use crate::{athena, headings, store, tailpipe};

/// Puts the names of a parsed statement in the table's case.
pub fn fold(statement: &mut Statement) {
    match statement {
        Statement::Statement(statement) => {
            let mut own = Own::default();
            let _ = statement.visit(&mut own);
            let _ = statement.visit(&mut Fold { own });
        }
        Statement::Explain(explain) => fold(&mut explain.statement),
        _ => {}
    }
}

/// The statement that an EXPLAIN is about, or the statement itself.
pub(crate) fn innermost(statement: &mut Statement) -> &mut Statement {
    match statement {
        Statement::Explain(explain) => innermost(&mut explain.statement),
        other => other,
    }
}

/// Every name in the event table and its views, lower case: columns, fields at any depth, tables.
fn known() -> &'static BTreeSet<String> {
    static KNOWN: OnceLock<BTreeSet<String>> = OnceLock::new();
    KNOWN.get_or_init(|| {
        let mut names: BTreeSet<String> = athena::column_names().map(str::to_owned).collect();
        names.insert(EVENTS.to_owned());
        names.extend(athena::NAMES.iter().map(|&n| n.to_owned()));
        names.extend(store::column_names().map(str::to_owned));
        names.extend(tailpipe::column_names());
        names.extend([store::NAME, tailpipe::NAME].map(str::to_owned));
        for path in paths() {
            names.extend(path.split('.').map(str::to_owned));
        }
        names
    })
}

/// Every column and field of the event table as a dotted path, in table order: `useridentity.arn`.
pub fn paths() -> &'static [String] {
    static PATHS: OnceLock<Vec<String>> = OnceLock::new();
    PATHS.get_or_init(|| {
        let mut paths = Vec::new();
        collect("", COLUMNS, &mut paths);
        paths
    })
}

fn collect(prefix: &str, columns: &[Column], paths: &mut Vec<String>) {
    for column in columns {
        let path = format!("{prefix}{}", column.name);
        let inner = match column.kind {
            Kind::Struct(fields) | Kind::List(fields) => fields,
            _ => &[],
        };
        let prefix = format!("{path}.");
        paths.push(path);
        collect(&prefix, inner, paths);
    }
}

/// Whether a column or field of this name holds fields, in either spelling.
pub(crate) fn holds_fields(name: &str) -> bool {
    static HOLDERS: OnceLock<BTreeSet<&'static str>> = OnceLock::new();
    let holders = HOLDERS.get_or_init(|| {
        paths().iter().filter_map(|p| p.rsplit_once('.')).filter_map(|(parent, _)| parent.rsplit('.').next()).collect()
    });
    holders.contains(spelled(name).as_str()) || holds_json(name)
}

/// Whether a column of this name holds JSON, in either spelling.
pub(crate) fn holds_json(name: &str) -> bool {
    let name = spelled(name);
    COLUMNS.iter().any(|column| column.kind == Kind::Json && column.name == name)
}

/// Whether a name is a column of one of the views.
pub(crate) fn is_known_column(name: &str) -> bool {
    static NAMES: OnceLock<BTreeSet<String>> = OnceLock::new();
    let names = NAMES.get_or_init(|| {
        let names = athena::column_names().chain(store::column_names()).map(str::to_owned);
        names.chain(tailpipe::column_names()).collect()
    });
    names.contains(name)
}

/// A name in the table's spelling: `user_identity` and `userIdentity` are `useridentity`.
fn spelled(name: &str) -> String {
    static SPELLINGS: OnceLock<BTreeMap<String, String>> = OnceLock::new();
    let spellings = SPELLINGS.get_or_init(|| {
        let mut spellings = BTreeMap::new();
        collect_spellings(COLUMNS, &mut spellings);
        spellings
    });
    let lower = name.to_ascii_lowercase();
    spellings.get(&lower).cloned().unwrap_or(lower)
}

fn collect_spellings(columns: &[Column], spellings: &mut BTreeMap<String, String>) {
    for column in columns.iter().filter(|column| !column.is_derived()) {
        spellings.insert(tailpipe::snake(column.json), column.name.to_owned());
        if let Kind::Struct(fields) | Kind::List(fields) = column.kind {
            collect_spellings(fields, spellings);
        }
    }
}

/// Names of a query's own.
#[derive(Default)]
struct Own {
    /// Answer columns that it names in quotes: those keep their case.
    aliases: BTreeSet<String>,
    /// Columns that an `UNNEST` makes, lower case.
    elements: BTreeSet<String>,
}

impl VisitorMut for Own {
    type Break = ();

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
        for item in &select.projection {
            if let SelectItem::ExprWithAlias { alias, .. } = item
                && alias.quote_style.is_some()
            {
                self.aliases.insert(alias.value.clone());
            }
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<()> {
        if let TableFactor::UNNEST { alias: Some(alias), .. } = factor {
            let columns = alias.columns.iter().map(|column| &column.name).chain([&alias.name]);
            self.elements.extend(columns.map(|name| name.value.to_ascii_lowercase()));
        }
        ControlFlow::Continue(())
    }
}

struct Fold {
    own: Own,
}

impl Fold {
    fn ident(&self, ident: &mut Ident) {
        if ident.quote_style.is_none() || self.own.aliases.contains(&ident.value) {
            return;
        }
        if let Some(lower) = lowered(&ident.value) {
            ident.value = lower;
        }
    }

    fn chain(&self, chain: &mut [AccessExpr], mut inside: bool) {
        for access in chain {
            match access {
                AccessExpr::Subscript(Subscript::Index { index: Expr::Value(value) }) => {
                    if let Value::SingleQuotedString(text) = &mut value.value
                        && let Some(lower) = lowered(text)
                    {
                        *text = lower;
                    }
                    inside = true;
                }
                AccessExpr::Subscript(_) => inside = true,
                // `resources[1].arn`: the planner takes fields after a bracket as text only.
                AccessExpr::Dot(Expr::Identifier(ident)) if inside => {
                    let field = match ident.quote_style {
                        Some(_) => lowered(&ident.value).unwrap_or_else(|| ident.value.clone()),
                        None => ident.value.to_ascii_lowercase(),
                    };
                    *access = AccessExpr::Dot(Expr::Value(Value::SingleQuotedString(field).with_empty_span()));
                }
                AccessExpr::Dot(_) => {}
            }
        }
    }
}

/// `resources[1][2]`: the fields of a row have places in Trino, those of the published table definition.
fn name_places(root: &Expr, chain: &mut [AccessExpr]) {
    let fields_of = |ident: &Ident| match COLUMNS.iter().find(|c| c.name.eq_ignore_ascii_case(&ident.value))?.kind {
        Kind::List(fields) => Some(fields),
        _ => None,
    };
    let mut fields = match root {
        Expr::Identifier(ident) => fields_of(ident),
        Expr::CompoundIdentifier(idents) => idents.last().and_then(fields_of),
        _ => None,
    };
    let mut in_row = false;
    for access in chain {
        match access {
            AccessExpr::Dot(Expr::Identifier(ident)) => (fields, in_row) = (fields_of(ident), false),
            AccessExpr::Subscript(Subscript::Index { index: Expr::Value(value) }) => {
                if let (Some(fields), true, Value::Number(place, _)) = (fields, in_row, &value.value)
                    && let Some(field) = place.parse::<usize>().ok().and_then(|place| fields.get(place.checked_sub(1)?))
                {
                    value.value = Value::SingleQuotedString(field.name.to_owned());
                }
                in_row = !in_row;
            }
            AccessExpr::Subscript(_) => in_row = !in_row,
            AccessExpr::Dot(_) => fields = None,
        }
    }
}

/// Fields behind a struct, in the table's spelling: `user_identity.invoked_by` is `user_identity.invokedby`.
fn spell_fields(idents: &mut [Ident]) {
    let Some(place) = idents.iter().take(2).position(|i| holds_fields(&i.value) && !holds_json(&i.value)) else {
        return;
    };
    for field in idents.iter_mut().skip(place + 1) {
        if field.value.contains('_') {
            field.value = spelled(&field.value);
        }
    }
}

/// The lower-case form of a name of ours that is written in another case.
fn lowered(name: &str) -> Option<String> {
    let lower = name.to_ascii_lowercase();
    (lower != name && known().contains(&lower)).then_some(lower)
}

impl VisitorMut for Fold {
    type Break = ();

    fn pre_visit_relation(&mut self, relation: &mut ObjectName) -> ControlFlow<()> {
        for part in &mut relation.0 {
            if let ObjectNamePart::Identifier(ident) = part {
                self.ident(ident);
            }
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
        let SetExpr::Select(select) = query.body.as_mut() else { return ControlFlow::Continue(()) };
        let named = headings::name(select, &self.own.elements);
        if let Some(OrderBy { kind: OrderByKind::Expressions(keys), .. }) = &mut query.order_by {
            for key in keys {
                // `SELECT DISTINCT a.b … ORDER BY a.b` sorts by the answer's column, whatever that is called now.
                if let Some((_, name)) = named.iter().find(|(expr, _)| headings::same(expr, &key.expr)) {
                    key.expr = Expr::Identifier(name.clone());
                }
            }
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
        headings::name(select, &self.own.elements);
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        match expr {
            Expr::Identifier(ident) => self.ident(ident),
            Expr::CompoundIdentifier(idents) => {
                idents.iter_mut().for_each(|i| self.ident(i));
                spell_fields(idents);
            }
            Expr::CompoundFieldAccess { root, access_chain } => {
                // `element_at(resources, 1).arn`: the root is no column.
                let made = !matches!(root.as_ref(), Expr::Identifier(_) | Expr::CompoundIdentifier(_));
                name_places(root, access_chain);
                self.chain(access_chain, made);
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::guard;

    fn folded(sql: &str) -> String {
        let mut statement = guard::parse(sql).unwrap();
        fold(&mut statement);
        statement.to_string()
    }

    #[test]
    fn quoted_names_of_ours_are_lowered() {
        assert_eq!(
            folded(r#"SELECT "eventName" FROM "Events" WHERE "userIdentity"."sessionContext".x = 1"#),
            r#"SELECT "eventname" FROM "events" WHERE "useridentity"."sessioncontext".x = 1"#
        );
        assert_eq!(folded(r#"SELECT "MyOwn" FROM t"#), r#"SELECT "MyOwn" FROM t"#);
    }

    #[test]
    fn an_alias_keeps_its_case() {
        let sql = r#"SELECT count(*) AS "eventName" FROM t ORDER BY "eventName""#;
        assert_eq!(folded(sql), sql);
    }

    #[test]
    fn fields_in_brackets() {
        assert_eq!(folded("SELECT resources[1]['ARN'] AS a FROM t"), "SELECT resources[1]['arn'] AS a FROM t");
        assert_eq!(folded("SELECT resources[1].ARN AS a FROM t"), "SELECT resources[1].'arn' AS a FROM t");
        assert_eq!(
            folded("SELECT resources[1][1] AS a, t.Resources[n][2] AS b, split(x, '/')[1] AS c FROM t"),
            "SELECT resources[1]['arn'] AS a, t.Resources[n]['accountid'] AS b, split(x, '/')[1] AS c FROM t"
        );
    }

    #[test]
    fn answer_columns_are_named_after_fields() {
        assert_eq!(
            folded("SELECT userIdentity.arn, t.userIdentity.sessionContext.sessionIssuer.arn, t.eventName FROM t"),
            r#"SELECT userIdentity.arn AS "arn", t.userIdentity.sessionContext.sessionIssuer.arn AS "sessionissuer_arn", t.eventName FROM t"#
        );
        assert_eq!(
            folded(
                "SELECT userIdentity.arn AS who, COUNT(*), count(*), eventName, *, t.eventName FROM t ORDER BY COUNT(*)"
            ),
            r#"SELECT userIdentity.arn AS who, COUNT(*) AS "count(*)", count(*) AS "count(*)_2", eventName AS "eventname_2", *, t.eventName AS "eventname_3" FROM t ORDER BY "count(*)""#
        );
        assert_eq!(
            folded("SELECT u.r.arn, a.x, b.x, 1 AS x FROM a, b CROSS JOIN UNNEST(l) AS u (r)"),
            r#"SELECT u.r.arn AS "arn", a.x, b.x AS "x_2", 1 AS "x_3" FROM a, b CROSS JOIN UNNEST(l) AS u (r)"#
        );
        // What is no table is a struct, whoever's column it is.
        assert_eq!(
            folded("SELECT api.operation, o.cloud.region, db.o.api FROM db.o"),
            r#"SELECT api.operation AS "operation", o.cloud.region AS "region", db.o.api FROM db.o"#
        );
    }

    #[test]
    fn paths_reach_every_depth() {
        for path in ["eventname", "resources.arn", "useridentity.sessioncontext.attributes.mfaauthenticated"] {
            assert!(paths().iter().any(|p| p == path), "{path}");
        }
    }
}
