//! A parsed statement in the engine's words: Trino's calls, casts, arrows, paths into JSON, and `UNNEST` with names.
//!
//! Everything here works on the syntax tree, from the leaves up, before names are resolved. [`forms`](super::forms) has
//! the calls, [`unnest`](super::unnest) the joins.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    AccessExpr, BinaryOperator, CastKind, DataType, DateTimeField, Expr, Function, FunctionArg, FunctionArgExpr,
    FunctionArgumentList, FunctionArguments, Ident, ObjectName, Statement, Subscript, Value, VisitMut, VisitorMut,
};

use super::{forms, unnest};
use crate::grammar::TYPE;
use crate::names::holds_json;

/// Puts a statement in the engine's words.
pub(crate) fn rewrite(statement: &mut Statement) {
    unnest::rewrite(statement);
    let _ = statement.visit(&mut Words);
}

struct Words;

impl VisitorMut for Words {
    type Break = ();

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if let Some(better) = reworded(expr) {
            *expr = better;
        }
        ControlFlow::Continue(())
    }
}

fn reworded(expr: &mut Expr) -> Option<Expr> {
    match expr {
        Expr::Function(call) if is_named(call, "try") => {
            let mut inner = forms::arguments(call)?.pop()?;
            let _ = inner.visit(&mut OrNull);
            Some(Expr::Nested(Box::new(inner)))
        }
        Expr::Function(call) => forms::rewritten(call),
        Expr::BinaryOp { left, op: BinaryOperator::Arrow, right } => {
            Some(call("json_get", vec![(**left).clone(), (**right).clone()]))
        }
        Expr::BinaryOp { left, op: BinaryOperator::LongArrow, right } => {
            Some(call("json_get_text", vec![(**left).clone(), (**right).clone()]))
        }
        Expr::BinaryOp { left, op: _, right } => {
            compare_as_text(left, right);
            compare_as_text(right, left);
            None
        }
        Expr::Cast { expr: inner, data_type, kind, .. } => retyped(inner, data_type, kind),
        Expr::CompoundIdentifier(idents) => path_into_json(idents),
        Expr::CompoundFieldAccess { root, access_chain } => subscript_of_json(root, access_chain),
        Expr::Extract { field, .. } => {
            // Trino counts days from Monday, 1.
            if matches!(field, DateTimeField::Dow | DateTimeField::DayOfWeek) {
                *field = DateTimeField::Isodow;
            }
            None
        }
        _ => None,
    }
}

fn is_named(call: &Function, name: &str) -> bool {
    call.name.0.len() == 1 && call.name.to_string().eq_ignore_ascii_case(name)
}

/// A call of a function.
pub(super) fn call(name: &str, args: Vec<Expr>) -> Expr {
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
pub(super) fn literal(text: impl Into<String>) -> Expr {
    Expr::Value(Value::SingleQuotedString(text.into()).with_empty_span())
}

/// `try(…)`: casts and parsing give NULL where they would fail.
struct OrNull;

impl VisitorMut for OrNull {
    type Break = ();

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        match expr {
            Expr::Cast { kind, .. } => *kind = CastKind::TryCast,
            Expr::Function(call) if is_named(call, "json_parse") => {
                call.name = ObjectName::from(vec![Ident::new("json_parse_or_null")]);
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

/// Functions whose value is JSON.
static JSON: &[&str] = &["json_extract", "json_parse", "json_parse_or_null", "json_array_get", "json_get", "to_json"];

/// Whether an expression is JSON to be read, as far as its outermost part says.
fn is_json(expr: &Expr) -> bool {
    match expr {
        Expr::Nested(inner) => is_json(inner),
        Expr::Function(call) => JSON.iter().any(|name| is_named(call, name)),
        _ => false,
    }
}

/// `(x -> 'enabled') = false`: a JSON value and a truth value are compared as text.
fn compare_as_text(json: &mut Box<Expr>, other: &mut Box<Expr>) {
    if let Expr::Value(value) = other.as_mut()
        && let Value::Boolean(truth) = value.value
        && (is_json(json) || matches!(json.as_ref(), Expr::Function(call) if is_named(call, "json_field")))
    {
        value.value = Value::SingleQuotedString(truth.to_string());
    } else if let Expr::Value(value) = other.as_ref()
        && matches!(value.value, Value::SingleQuotedString(_))
        && is_json(json)
        && !is_written_as_json(&value.value)
    {
        **json = call("json_text", vec![(**json).clone()]);
    }
}

/// `'"x"'`, `'{…}'`: a literal that is JSON itself.
fn is_written_as_json(value: &Value) -> bool {
    matches!(value, Value::SingleQuotedString(text) if text.starts_with(['"', '{', '[']))
}

/// Casts to and from JSON, and to types that the grammar has put into words.
fn retyped(inner: &mut Box<Expr>, data_type: &DataType, kind: &CastKind) -> Option<Expr> {
    match data_type {
        DataType::JSON | DataType::JSONB if is_json(inner) => Some((**inner).clone()),
        DataType::JSON | DataType::JSONB if holds_json_column(inner) => Some((**inner).clone()),
        DataType::JSON | DataType::JSONB => Some(call("to_json", vec![(**inner).clone()])),
        DataType::Custom(name, parts) if name.to_string().eq_ignore_ascii_case(TYPE) => {
            let mut wanted = parts.first()?.trim_matches('\'').to_owned();
            wanted = wanted.replace("''", "'");
            Some(call("json_cast", vec![(**inner).clone(), literal(wanted)]))
        }
        DataType::Custom(name, _) if name.to_string().eq_ignore_ascii_case("ipaddress") => {
            Some(call("ip_address", vec![(**inner).clone()]))
        }
        DataType::Custom(name, _) if name.to_string().eq_ignore_ascii_case("ipprefix") => Some((**inner).clone()),
        _ if is_json(inner) => {
            let text = call("json_text", vec![(**inner).clone()]);
            let kind = if *kind == CastKind::DoubleColon { CastKind::Cast } else { kind.clone() };
            let cast =
                Expr::Cast { kind, expr: Box::new(text), data_type: data_type.clone(), array: false, format: None };
            Some(cast)
        }
        _ => None,
    }
}

fn holds_json_column(expr: &Expr) -> bool {
    match expr {
        Expr::Identifier(ident) => holds_json(&ident.value),
        Expr::CompoundIdentifier(idents) => idents.last().is_some_and(|ident| holds_json(&ident.value)),
        _ => false,
    }
}

/// `requestParameters.bucketName`: a path that goes on below a column of JSON text.
fn path_into_json(idents: &[Ident]) -> Option<Expr> {
    // At most a table before the column.
    let place = idents.iter().take(2).position(|ident| holds_json(&ident.value))?;
    let (column, names) = idents.split_at(place + 1);
    if names.is_empty() {
        return None;
    }
    let column = match column {
        [one] => Expr::Identifier(one.clone()),
        more => Expr::CompoundIdentifier(more.to_vec()),
    };
    let names = names.iter().map(|name| literal(name.value.clone()));
    Some(call("json_field", std::iter::once(column).chain(names).collect()))
}

/// `requestParameters['bucketName']`: the same in brackets, and dots behind brackets.
fn subscript_of_json(root: &Expr, chain: &[AccessExpr]) -> Option<Expr> {
    let made = |root: &Expr| matches!(root, Expr::Function(call) if is_named(call, "json_field"));
    if !holds_json_column(root) && !made(root) {
        return None;
    }
    let mut value = root.clone();
    for access in chain {
        value = match access {
            AccessExpr::Dot(Expr::Identifier(name)) => call("json_field", vec![value, literal(name.value.clone())]),
            AccessExpr::Dot(name @ Expr::Value(_)) => call("json_field", vec![value, name.clone()]),
            AccessExpr::Subscript(Subscript::Index { index }) => match index {
                Expr::Value(key) if matches!(key.value, Value::Number(..)) => {
                    call("json_array_get", vec![value, index.clone()])
                }
                key => call("element_at", vec![value, key.clone()]),
            },
            _ => return None,
        };
    }
    Some(value)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use crate::guard;

    fn reworded(sql: &str) -> String {
        let mut statement = guard::parse(sql).unwrap();
        if let datafusion::sql::parser::Statement::Statement(inner) = &mut statement {
            super::rewrite(inner);
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
            ("SELECT try(CAST(x AS bigint)) FROM t", "SELECT (TRY_CAST(x AS BIGINT)) FROM t"),
            ("SELECT (x -> 'a' ->> 'b') FROM t", "SELECT (json_get_text(json_get(x, 'a'), 'b')) FROM t"),
            ("SELECT 1 FROM t WHERE (x -> 'a') = false", "SELECT 1 FROM t WHERE (json_get(x, 'a')) = 'false'"),
            (
                "SELECT max_by(a, b) FILTER (WHERE c) FROM t",
                "SELECT first_value(a ORDER BY b DESC) FILTER (WHERE b IS NOT NULL AND c) FROM t",
            ),
            ("SELECT COUNT_IF(a = 1) FROM t", "SELECT count(CASE WHEN a = 1 THEN 1 END) FROM t"),
            ("SELECT eventname, t.userIdentity.arn FROM t", "SELECT eventname, t.userIdentity.arn FROM t"),
        ] {
            assert_eq!(reworded(sql), engine, "{sql}");
        }
    }
}
