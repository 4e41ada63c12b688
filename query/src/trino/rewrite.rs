//! A parsed statement in the engine's words: Trino's calls, casts, arrows, paths into JSON, and `UNNEST` with names.
//!
//! Everything here works on the syntax tree, from the leaves up, before names are resolved. [`forms`](super::forms) has
//! the calls, [`unnest`](super::unnest) the joins.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    BinaryOperator, DataType, DateTimeField, Expr, Fetch, Function, FunctionArg, FunctionArgExpr, FunctionArgumentList,
    FunctionArguments, Ident, LimitClause, ObjectName, Query, Statement, TypedString, Value, ValueWithSpan, VisitMut,
    VisitorMut,
};

use super::calls::text_from;
use super::paths::{compare_as_text, path_into_json, retyped, subscript_of_json};
use super::{attempt, calls, forms, interval, joined, lambda, literals, outer, quantified, rows, unnest, zone};

/// Puts a statement in the engine's words; one of DuckDB's dialect keeps what means the same there and in the engine.
pub(crate) fn rewrite(statement: &mut Statement, duckdb: bool) {
    lambda::rewrite(statement);
    unnest::rewrite(statement);
    outer::rewrite(statement);
    let _ = statement.visit(&mut Words { duckdb });
}

struct Words {
    /// The statement is of DuckDB's dialect, where the two differ.
    duckdb: bool,
}

impl VisitorMut for Words {
    type Break = ();

    /// `FETCH FIRST 10 ROWS ONLY` is `LIMIT 10`.
    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
        let Some(Fetch { with_ties: false, percent: false, quantity }) = query.fetch.clone() else {
            return ControlFlow::Continue(());
        };
        let one = || Expr::Value(Value::Number("1".into(), false).with_empty_span());
        let quantity = Some(quantity.unwrap_or_else(one));
        match &mut query.limit_clause {
            None => {
                let (offset, limit_by) = (None, Vec::new());
                query.limit_clause = Some(LimitClause::LimitOffset { limit: quantity, offset, limit_by });
                query.fetch = None;
            }
            Some(LimitClause::LimitOffset { limit: limit @ None, .. }) => {
                *limit = quantity;
                query.fetch = None;
            }
            Some(_) => {}
        }
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        let better = if self.duckdb && differs(expr) { None } else { reworded(expr) };
        if let Some(better) = better {
            *expr = better;
        }
        ControlFlow::Continue(())
    }
}

/// Whether DuckDB means by this what the engine does: `concat` leaves NULL out, days of the week are 0 to 6.
fn differs(expr: &Expr) -> bool {
    match expr {
        Expr::Function(call) => is_named(call, "concat"),
        Expr::Extract { field, .. } => matches!(field, DateTimeField::Dow | DateTimeField::DayOfWeek),
        _ => false,
    }
}

fn reworded(expr: &mut Expr) -> Option<Expr> {
    match expr {
        Expr::Function(call) if is_named(call, "try") => Some(attempt::or_null(forms::arguments(call)?.pop()?)),
        // The engine's own operator has no bounds.
        Expr::Array(array) if !array.elem.is_empty() => Some(call("make_array", std::mem::take(&mut array.elem))),
        Expr::Function(call) => calls::rewritten(call),
        Expr::IsDistinctFrom(value, null) if is_null(null) => Some(Expr::IsNotNull(value.clone())),
        Expr::IsNotDistinctFrom(value, null) if is_null(null) => Some(Expr::IsNull(value.clone())),
        Expr::Substring { expr, substring_from: Some(from), substring_for, .. } => {
            let length = substring_for.as_ref().map(|length| (**length).clone());
            text_from((**expr).clone(), from, length)
        }
        Expr::Like { pattern, escape_char, .. } | Expr::ILike { pattern, escape_char, .. } => {
            escape(pattern, escape_char);
            None
        }
        Expr::TypedString(TypedString { data_type: DataType::JSON | DataType::JSONB, value, .. }) => {
            Some(call("json_parse", vec![Expr::Value(value.clone())]))
        }
        Expr::TypedString(TypedString { data_type: DataType::Timestamp(..), value, .. }) => {
            literals::time(value);
            None
        }
        Expr::Between { expr, low, high, .. } if literals::is_time(expr) => {
            [low, high].into_iter().for_each(|side| literals::compared_with_time(side));
            None
        }
        Expr::Between { expr: address, low, high, .. } if is_address(low) || is_address(address) => {
            for side in [address, low, high] {
                **side = call("ip_order", vec![(**side).clone()]);
            }
            None
        }
        Expr::BinaryOp { left, op, right } => reworded_operator(left, op, right),
        Expr::AtTimeZone { timestamp, time_zone } => {
            Some(call(zone::NAME, vec![(**timestamp).clone(), (**time_zone).clone()]))
        }
        Expr::Cast { expr: inner, data_type, kind, .. } => retyped(inner, data_type, kind),
        Expr::CompoundIdentifier(idents) => path_into_json(idents),
        Expr::CompoundFieldAccess { root, access_chain } => subscript_of_json(root, access_chain),
        Expr::AnyOp { .. } | Expr::AllOp { .. } => {
            let mut better = quantified::rewritten(expr)?;
            if let Expr::InSubquery { expr, subquery, .. } = &mut better {
                rows::compared_whole(expr, subquery);
            }
            Some(better)
        }
        Expr::InSubquery { expr, subquery, .. } => {
            rows::compared_whole(expr, subquery);
            None
        }
        Expr::Extract { field, .. } => {
            literals::part_of_time(field);
            None
        }
        Expr::Value(value) => {
            literals::text(value);
            None
        }
        _ => None,
    }
}

fn reworded_operator(left: &mut Box<Expr>, op: &BinaryOperator, right: &mut Box<Expr>) -> Option<Expr> {
    let of = |name: &str, first: &Expr, second: &Expr| Some(call(name, vec![first.clone(), second.clone()]));
    match op {
        _ if is_order(op) && (is_address(left) || is_address(right)) => {
            for side in [left, right] {
                **side = call("ip_order", vec![(**side).clone()]);
            }
            None
        }
        BinaryOperator::StringConcat => of(joined::NAME, left, right),
        BinaryOperator::Arrow => of("json_get", left, right),
        BinaryOperator::LongArrow => of("json_get_text", left, right),
        BinaryOperator::Multiply if is_interval(left) => of(interval::NAME, left, right),
        BinaryOperator::Multiply if is_interval(right) => of(interval::NAME, right, left),
        _ => {
            match (literals::is_time(left), literals::is_time(right)) {
                (true, _) => literals::compared_with_time(right),
                (_, true) => literals::compared_with_time(left),
                _ => {}
            }
            compare_as_text(left, right);
            compare_as_text(right, left);
            None
        }
    }
}

pub(super) fn is_named(call: &Function, name: &str) -> bool {
    call.name.0.len() == 1 && call.name.to_string().eq_ignore_ascii_case(name)
}

/// A call of a function.
pub(crate) fn call(name: &str, args: Vec<Expr>) -> Expr {
    let args = args.into_iter().map(|arg| FunctionArg::Unnamed(FunctionArgExpr::Expr(arg))).collect();
    Expr::Function(Function {
        name: ObjectName::from(vec![Ident::new(name)]),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(FunctionArgumentList { duplicate_treatment: None, args, clauses: Vec::new() }),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    })
}

/// A literal of text.
pub(crate) fn literal(text: impl Into<String>) -> Expr {
    Expr::Value(Value::SingleQuotedString(text.into()).with_empty_span())
}

fn is_null(expr: &Expr) -> bool {
    match expr {
        Expr::Nested(inner) => is_null(inner),
        other => matches!(other, Expr::Value(ValueWithSpan { value: Value::Null, .. })),
    }
}

/// Whether an expression is an address, whose order is not that of its text.
fn is_address(expr: &Expr) -> bool {
    match expr {
        Expr::Nested(inner) => is_address(inner),
        Expr::Function(call) => is_named(call, "ip_address"),
        _ => false,
    }
}

fn is_interval(expr: &Expr) -> bool {
    match expr {
        Expr::Nested(inner) => is_interval(inner),
        Expr::Interval(_) => true,
        Expr::Function(call) => is_named(call, interval::NAME),
        _ => false,
    }
}

fn is_order(op: &BinaryOperator) -> bool {
    matches!(op, BinaryOperator::Lt | BinaryOperator::LtEq | BinaryOperator::Gt | BinaryOperator::GtEq)
}

/// `LIKE 'a$%' ESCAPE '$'`: the engine's escape is the backslash, and it has one where the statement names none, which neither
/// Trino nor the standard has.
fn escape(pattern: &mut Expr, escape_char: &mut Option<ValueWithSpan>) {
    let given = match escape_char.as_ref().map(|value| &value.value) {
        None => None,
        Some(Value::SingleQuotedString(text)) => match text.chars().collect::<Vec<_>>().as_slice() {
            [one] => Some(*one),
            _ => return,
        },
        Some(_) => return,
    };
    let Expr::Value(ValueWithSpan { value: Value::SingleQuotedString(text), .. }) = pattern else { return };
    if given == Some('\\') || (given.is_none() && !text.contains('\\')) {
        return;
    }
    let mut out = String::with_capacity(text.len() + 8);
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match (letter, given) {
            (letter, Some(escape)) if letter == escape => {
                out.push('\\');
                out.extend(letters.next());
            }
            ('\\', _) => out.push_str("\\\\"),
            (letter, _) => out.push(letter),
        }
    }
    *text = out;
    *escape_char = None;
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use crate::guard;

    fn reworded(sql: &str) -> String {
        let mut statement = guard::parse(sql).unwrap();
        if let datafusion::sql::parser::Statement::Statement(inner) = &mut statement {
            super::rewrite(inner, false);
        }
        statement.to_string()
    }

    #[test]
    fn paths_casts_and_arrows() {
        for (sql, engine) in [
            ("SELECT requestParameters.bucketName FROM t", "SELECT json_field(requestParameters, 'bucketName') FROM t"),
            (
                "SELECT ct.requestParameters.a.b FROM t ct",
                "SELECT json_field(ct.requestParameters, 'a', 'b') FROM t ct",
            ),
            ("SELECT requestParameters['a'] FROM t", "SELECT element_at(requestParameters, 'a') FROM t"),
            (
                "SELECT CAST(json_extract(x, '$.a') AS varchar) FROM t",
                "SELECT CAST(json_text(json_extract(x, '$.a')) AS VARCHAR) FROM t",
            ),
            (
                "SELECT CAST(json_parse(x) AS map(varchar, array(json))) FROM t",
                "SELECT json_cast(json_parse(x), 'map(varchar,array(json))') FROM t",
            ),
            ("SELECT try(json_parse(x)) FROM t", "SELECT (json_parse_or_null(x)) FROM t"),
            ("SELECT try(a / b) FROM t", "SELECT (a / nullif(b, 0)) FROM t"),
            ("SELECT try(date_parse(x, '%Y')) FROM t", "SELECT try(() -> date_parse(x, '%Y')) FROM t"),
            ("SELECT 1 FROM t WHERE x LIKE 'a$%\\b' ESCAPE '$'", "SELECT 1 FROM t WHERE x LIKE 'a\\%\\\\b'"),
            ("SELECT 1 FROM t WHERE x LIKE 'a\\\"b'", "SELECT 1 FROM t WHERE x LIKE 'a\\\\\"b'"),
            ("SELECT substr(x, -3, 2) FROM t", "SELECT text_from(x, -3, 2) FROM t"),
            ("SELECT a FROM t FETCH FIRST 3 ROWS ONLY", "SELECT a FROM t LIMIT 3"),
            ("SELECT any_match(l, r -> r.Type = 'x') FROM t", "SELECT array_any_match(l, r -> r['type'] = 'x') FROM t"),
            (
                "SELECT max_by(a, b, 2) FILTER (WHERE c) FROM t",
                "SELECT array_slice(array_agg(a ORDER BY b DESC) FILTER (WHERE b IS NOT NULL AND c), 1, 2) FROM t",
            ),
            ("SELECT CAST(x AS varchar) FROM t", "SELECT varchar(x) FROM t"),
            ("SELECT try(CAST(x AS bigint)) FROM t", "SELECT (TRY_CAST(x AS BIGINT)) FROM t"),
            ("SELECT (x -> 'a' ->> 'b') FROM t", "SELECT (json_get_text(json_get(x, 'a'), 'b')) FROM t"),
            ("SELECT 1 FROM t WHERE (x -> 'a') = false", "SELECT 1 FROM t WHERE (json_get(x, 'a')) = 'false'"),
            (
                "SELECT max_by(a, b) FILTER (WHERE c) FROM t",
                "SELECT first_value(a ORDER BY b DESC) FILTER (WHERE b IS NOT NULL AND c) FROM t",
            ),
            (
                "SELECT array_agg(DISTINCT a ORDER BY a) FILTER (WHERE b), array_agg(DISTINCT a ORDER BY a DESC) FROM t",
                "SELECT different(a) FILTER (WHERE b), array_agg(DISTINCT a ORDER BY a DESC) FROM t",
            ),
            ("SELECT x + 2 * interval '5' minute FROM t", "SELECT x + interval_times(INTERVAL '5' MINUTE, 2) FROM t"),
            ("SELECT COUNT_IF(a = 1) FROM t", "SELECT count(CASE WHEN a = 1 THEN 1 END) FROM t"),
            ("SELECT eventname, t.userIdentity.arn FROM t", "SELECT eventname, t.userIdentity.arn FROM t"),
        ] {
            assert_eq!(reworded(sql), engine, "{sql}");
        }
    }
}
