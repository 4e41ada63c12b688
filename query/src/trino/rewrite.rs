//! A parsed statement in the engine's words: Trino's calls, casts, arrows, paths into JSON, and `UNNEST` with names.
//!
//! Everything here works on the syntax tree, from the leaves up, before names are resolved. [`forms`](super::forms) has
//! the calls, [`unnest`](super::unnest) the joins.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    AccessExpr, ArrayElemTypeDef, BinaryOperator, CastKind, DataType, DuplicateTreatment, Expr, Fetch, Function,
    FunctionArg, FunctionArgExpr, FunctionArgumentClause, FunctionArgumentList, FunctionArguments, Ident, LimitClause,
    ObjectName, OrderByExpr, Query, Statement, Subscript, TypedString, UnaryOperator, Value, ValueWithSpan, VisitMut,
    VisitorMut,
};

use super::{attempt, different, forms, interval, lambda, literals, outer, quantified, rows, unnest};
use crate::grammar::TYPE;
use crate::names::holds_json;

/// Puts a statement in the engine's words.
pub(crate) fn rewrite(statement: &mut Statement) {
    lambda::rewrite(statement);
    unnest::rewrite(statement);
    outer::rewrite(statement);
    let _ = statement.visit(&mut Words);
}

struct Words;

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
        if let Some(better) = reworded(expr) {
            *expr = better;
        }
        ControlFlow::Continue(())
    }
}

fn reworded(expr: &mut Expr) -> Option<Expr> {
    match expr {
        Expr::Function(call) if is_named(call, "try") => Some(attempt::or_null(forms::arguments(call)?.pop()?)),
        Expr::Function(call) => from_the_end(call).or_else(|| sorted_set(call)).or_else(|| forms::rewritten(call)),
        Expr::Substring { expr, substring_from: Some(from), substring_for, .. } => {
            let length = substring_for.as_ref().map(|length| (**length).clone());
            text_from_the_end((**expr).clone(), from, length)
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
        Expr::BinaryOp { left, op, right } if is_order(op) && (is_address(left) || is_address(right)) => {
            for side in [left, right] {
                **side = call("ip_order", vec![(**side).clone()]);
            }
            None
        }
        Expr::BinaryOp { left, op: BinaryOperator::Arrow, right } => {
            Some(call("json_get", vec![(**left).clone(), (**right).clone()]))
        }
        Expr::BinaryOp { left, op: BinaryOperator::LongArrow, right } => {
            Some(call("json_get_text", vec![(**left).clone(), (**right).clone()]))
        }
        Expr::BinaryOp { left, op: BinaryOperator::Multiply, right } if is_interval(left) => {
            Some(call(interval::NAME, vec![(**left).clone(), (**right).clone()]))
        }
        Expr::BinaryOp { left, op: BinaryOperator::Multiply, right } if is_interval(right) => {
            Some(call(interval::NAME, vec![(**right).clone(), (**left).clone()]))
        }
        Expr::BinaryOp { left, op: _, right } => {
            match (literals::is_time(left), literals::is_time(right)) {
                (true, _) => literals::compared_with_time(right),
                (_, true) => literals::compared_with_time(left),
                _ => {}
            }
            compare_as_text(left, right);
            compare_as_text(right, left);
            None
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

pub(super) fn is_named(call: &Function, name: &str) -> bool {
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

/// `array_agg(DISTINCT x ORDER BY x)`, and without its order, which leaves it open: the different values, sorted.
fn sorted_set(call: &Function) -> Option<Expr> {
    let FunctionArguments::List(list) = &call.args else { return None };
    let [FunctionArg::Unnamed(FunctionArgExpr::Expr(value))] = list.args.as_slice() else { return None };
    let is_set = is_named(call, "array_agg")
        && list.duplicate_treatment == Some(DuplicateTreatment::Distinct)
        && call.over.is_none()
        && call.null_treatment.is_none()
        && call.within_group.is_empty();
    let is_sorted = match list.clauses.as_slice() {
        [] => true,
        [FunctionArgumentClause::OrderBy(keys)] => match keys.as_slice() {
            [OrderByExpr { expr, options, with_fill: None }] => {
                expr == value && options.asc != Some(false) && options.nulls_first != Some(true)
            }
            _ => false,
        },
        _ => false,
    };
    if !is_set || !is_sorted {
        return None;
    }
    let mut made = call.clone();
    made.name = ObjectName::from(vec![Ident::new(different::NAME)]);
    let args = list.args.clone();
    made.args = FunctionArguments::List(FunctionArgumentList { duplicate_treatment: None, args, clauses: Vec::new() });
    Some(Expr::Function(made))
}

/// `substr(x, -3)`: the last three characters, as in Trino.
fn from_the_end(call: &Function) -> Option<Expr> {
    if !is_named(call, "substr") && !is_named(call, "substring") {
        return None;
    }
    let arguments = forms::arguments(call)?;
    let (text, from, length) = match arguments.as_slice() {
        [text, from] => (text, from, None),
        [text, from, length] => (text, from, Some(length.clone())),
        _ => return None,
    };
    text_from_the_end(text.clone(), from, length)
}

fn text_from_the_end(text: Expr, from: &Expr, length: Option<Expr>) -> Option<Expr> {
    let Expr::UnaryOp { op: UnaryOperator::Minus, expr: count } = from else { return None };
    let end = call("right", vec![text, (**count).clone()]);
    Some(match length {
        Some(length) => call("left", vec![end, length]),
        None => end,
    })
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
        // `array<integer>`, as Hive and older Presto write it.
        DataType::Array(ArrayElemTypeDef::AngleBracket(_)) => {
            let wanted = data_type.to_string().to_ascii_lowercase().replace('<', "(").replace('>', ")");
            Some(call("json_cast", vec![(**inner).clone(), literal(wanted)]))
        }
        DataType::Timestamp(..) => {
            literals::compared_with_time(inner);
            None
        }
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
        DataType::Varchar(None) if !matches!(inner.as_ref(), Expr::Value(_)) && !is_json(inner) => {
            Some(call("varchar", vec![(**inner).clone()]))
        }
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
            ("SELECT try(a / b) FROM t", "SELECT (a / nullif(b, 0)) FROM t"),
            ("SELECT try(date_parse(x, '%Y')) FROM t", "SELECT try(() -> date_parse(x, '%Y')) FROM t"),
            ("SELECT 1 FROM t WHERE x LIKE 'a$%\\b' ESCAPE '$'", "SELECT 1 FROM t WHERE x LIKE 'a\\%\\\\b'"),
            ("SELECT 1 FROM t WHERE x LIKE 'a\\\"b'", "SELECT 1 FROM t WHERE x LIKE 'a\\\\\"b'"),
            ("SELECT substr(x, -3, 2) FROM t", "SELECT left(right(x, 3), 2) FROM t"),
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
