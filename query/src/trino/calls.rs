//! Calls that become something else by what they are given: literals, constant lists, columns that hold fields.
//!
//! [`forms`] has those that are told by name and number of arguments alone.

use datafusion::sql::sqlparser::ast::{
    DuplicateTreatment, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentClause, FunctionArgumentList,
    FunctionArguments, Ident, ObjectName, OrderByExpr, Value, ValueWithSpan,
};

use super::rewrite::{call, is_named};
use super::{different, forms, joined};
use crate::names::{holds_fields, holds_json};

/// A call as what it becomes; `None` where it stays.
pub(super) fn rewritten(call: &Function) -> Option<Expr> {
    let by_arguments =
        one_of(call).or_else(|| field_of(call)).or_else(|| percentiles(call)).or_else(|| concatenated(call));
    by_arguments.or_else(|| from_the_end(call)).or_else(|| sorted_set(call)).or_else(|| forms::rewritten(call))
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

/// `concat(a, b, c)`, which is NULL where a part of it is: the engine's leaves such parts out.
fn concatenated(call: &Function) -> Option<Expr> {
    let parts = forms::arguments(call).filter(|parts| is_named(call, "concat") && parts.len() > 1)?;
    parts.into_iter().reduce(|before, part| super::rewrite::call(joined::NAME, vec![before, part]))
}

/// `contains(ARRAY['a', 'b'], x)`: whether a value is one of a list of constants, which need not stand in every row.
fn one_of(call: &Function) -> Option<Expr> {
    if !is_named(call, "contains") {
        return None;
    }
    let mut arguments = forms::arguments(call)?;
    let (value, list) = (arguments.pop()?, arguments.pop()?);
    let Expr::Function(made) = list else { return None };
    let list = forms::arguments(&made).filter(|_| arguments.is_empty() && is_named(&made, "make_array"))?;
    let is_constant = |expr: &Expr| matches!(expr, Expr::Value(_));
    (!list.is_empty() && list.iter().all(is_constant) && !is_constant(&value))
        .then(|| Expr::Nested(Box::new(Expr::InList { expr: Box::new(value), list, negated: false })))
}

/// `substr(x, -3)`, `substr(x, strpos(x, '/'))`: what may begin at the end, or nowhere, as in Trino.
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
    text_from(text.clone(), from, length)
}

/// The engine's own function knows places from 1 and lengths from 0.
pub(super) fn text_from(text: Expr, from: &Expr, length: Option<Expr>) -> Option<Expr> {
    let number = |expr: &Expr| match expr {
        Expr::Value(ValueWithSpan { value: Value::Number(digits, _), .. }) => digits.parse::<u64>().ok(),
        _ => None,
    };
    let is_plain = number(from).is_some_and(|from| from > 0) && length.as_ref().is_none_or(|l| number(l).is_some());
    let args = [text, from.clone()].into_iter().chain(length).collect();
    (!is_plain).then(|| call("text_from", args))
}

/// `json_extract_scalar(useridentity, '$.type')`: some tables have texts where ours have fields; and maps, as in
/// `element_at(insightdetails, 'insightType')`.
fn field_of(call: &Function) -> Option<Expr> {
    let by_path = is_named(call, "json_extract_scalar");
    if !by_path && !is_named(call, "element_at") {
        return None;
    }
    let mut arguments = forms::arguments(call)?;
    let (key, column) = (arguments.pop()?, arguments.pop()?);
    let mut idents = match column {
        Expr::Identifier(column) => vec![column],
        Expr::CompoundIdentifier(idents) => idents,
        _ => return None,
    };
    let Expr::Value(ValueWithSpan { value: Value::SingleQuotedString(key), .. }) = key else { return None };
    let column = &idents.last()?.value;
    if !arguments.is_empty() || !holds_fields(column) || holds_json(column) {
        return None;
    }
    let path = if by_path { key.strip_prefix("$.")? } else { key.as_str() };
    let is_name = |name: &str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if !path.split('.').all(is_name) {
        return None;
    }
    idents.extend(path.split('.').map(|name| Ident::new(name.to_ascii_lowercase())));
    Some(Expr::CompoundIdentifier(idents))
}

/// `approx_percentile(x, ARRAY[0.5, 0.95])`: a list of percentiles.
fn percentiles(call: &Function) -> Option<Expr> {
    let FunctionArguments::List(list) = &call.args else { return None };
    let (Some(FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Function(made)))), true) =
        (list.args.last(), is_named(call, "approx_percentile"))
    else {
        return None;
    };
    let wanted = forms::arguments(made).filter(|_| is_named(made, "make_array"))?;
    let one = |wanted: Expr| {
        let mut call = call.clone();
        if let FunctionArguments::List(list) = &mut call.args {
            *list.args.last_mut()? = FunctionArg::Unnamed(FunctionArgExpr::Expr(wanted));
        }
        forms::rewritten(&call)
    };
    Some(self::call("make_array", wanted.into_iter().map(one).collect::<Option<_>>()?))
}
