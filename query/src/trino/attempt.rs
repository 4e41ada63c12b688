//! `try(…)`: NULL where an expression would fail.
//!
//! What has a way of its own to be NULL takes it: casts, `json_parse`, division. The rest becomes `try(() -> …)`, a function
//! that computes batch by batch and looks for the rows at fault where a batch fails.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    BinaryOperator, CastKind, Expr, Ident, LambdaFunction, LambdaSyntax, ObjectName, OneOrManyWithParens, Value,
    VisitMut, VisitorMut, visit_expressions,
};

use super::rewrite::{call, is_named};

/// Functions that cannot fail on any value.
static SAFE: &[&str] = &[
    "array_agg",
    "avg",
    "cardinality",
    "coalesce",
    "concat",
    "count",
    "different",
    "element_at",
    "first_value",
    "json_array_get",
    "json_array_length",
    "json_extract",
    "json_extract_scalar",
    "json_field",
    "json_format",
    "json_get",
    "json_get_text",
    "json_parse_or_null",
    "json_size",
    "json_text",
    "ip_address",
    "length",
    "lower",
    "ltrim",
    "max",
    "min",
    "nullif",
    "regexp_extract",
    "regexp_like",
    "replace",
    "rtrim",
    "split_part",
    "string_to_array",
    "strpos",
    "substr",
    "sum",
    "trim",
    "try",
    "upper",
    "varchar",
];

/// The expression, as NULL where it would fail.
pub(super) fn or_null(mut inner: Expr) -> Expr {
    let _ = VisitMut::visit(&mut inner, &mut OrNull);
    if is_risky(&inner) {
        let params = OneOrManyWithParens::Many(Vec::new());
        let body = Box::new(inner);
        return call("try", vec![Expr::Lambda(LambdaFunction { params, body, syntax: LambdaSyntax::Arrow })]);
    }
    Expr::Nested(Box::new(inner))
}

/// Whether anything is left that can fail.
fn is_risky(expr: &Expr) -> bool {
    let found = visit_expressions(expr, |expr| match expr {
        Expr::Function(call) if !SAFE.iter().any(|name| is_named(call, name)) => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    });
    found.is_break()
}

struct OrNull;

impl VisitorMut for OrNull {
    type Break = ();

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        match expr {
            Expr::Cast { kind, .. } => *kind = CastKind::TryCast,
            Expr::Function(call) if is_named(call, "json_parse") => {
                call.name = ObjectName::from(vec![Ident::new("json_parse_or_null")]);
            }
            Expr::BinaryOp { op: BinaryOperator::Divide | BinaryOperator::Modulo, right, .. } => {
                let nought = Expr::Value(Value::Number("0".into(), false).with_empty_span());
                **right = call("nullif", vec![(**right).clone(), nought]);
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}
