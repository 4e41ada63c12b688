//! Needles: the values that a question looks for in a column or in a field of a struct.
//!
//! `eventid = 'x'`, `useridentity.accesskeyid IN ('a', 'b')`: what a bloom filter can answer. The engine asks bloom
//! filters of plain columns only, and reads them whole; here fields are asked too. Knows expressions; reads nothing.

use std::collections::BTreeSet;

use datafusion::common::ScalarValue;
use datafusion::logical_expr::expr::InList;
use datafusion::logical_expr::{BinaryExpr, Expr, Operator};

/// More values than this are no needle: then the engine's own ways are taken.
const VALUES: usize = 32;

/// A row that fits has one of these texts at this place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Needle {
    /// The column and the fields below it.
    pub(super) path: Vec<String>,
    /// Texts, sorted.
    pub(super) values: BTreeSet<String>,
}

/// The needles in filters that all must hold.
pub(super) fn needles(filters: &[Expr]) -> Vec<Needle> {
    let mut needles = Vec::new();
    for filter in filters {
        collect(filter, &mut needles);
    }
    needles.retain(|needle| needle.values.len() <= VALUES);
    needles
}

fn collect(filter: &Expr, needles: &mut Vec<Needle>) {
    if let Expr::BinaryExpr(BinaryExpr { left, op: Operator::And, right }) = filter {
        collect(left, needles);
        collect(right, needles);
        return;
    }
    needles.extend(needle(filter));
}

fn needle(filter: &Expr) -> Option<Needle> {
    match filter {
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Eq, right }) => {
            let (place, value) = if text(right).is_some() { (left, right) } else { (right, left) };
            Some(Needle { path: path(place)?, values: [text(value)?].into() })
        }
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Or, right }) => {
            let (mut left, right) = (needle(left)?, needle(right)?);
            if left.path != right.path {
                return None;
            }
            left.values.extend(right.values);
            Some(left)
        }
        Expr::InList(InList { expr, list, negated: false }) => {
            Some(Needle { path: path(expr)?, values: list.iter().map(text).collect::<Option<_>>()? })
        }
        _ => None,
    }
}

/// A column, or a field of a struct.
fn path(place: &Expr) -> Option<Vec<String>> {
    match place {
        Expr::Column(column) => Some(vec![column.name.clone()]),
        Expr::Alias(alias) => path(&alias.expr),
        // Views give a dictionary's text: the same text.
        Expr::Cast(cast) if cast.field.data_type().is_string() => path(&cast.expr),
        Expr::ScalarFunction(call) if call.func.name() == "get_field" => {
            let (place, fields) = call.args.split_first()?;
            let mut path = path(place)?;
            for field in fields {
                path.push(text(field)?);
            }
            Some(path)
        }
        _ => None,
    }
}

fn text(value: &Expr) -> Option<String> {
    match value {
        Expr::Literal(value, _) => scalar(value),
        Expr::Alias(alias) => text(&alias.expr),
        _ => None,
    }
}

fn scalar(value: &ScalarValue) -> Option<String> {
    match value {
        ScalarValue::Dictionary(_, value) => scalar(value),
        value => value.try_as_str().flatten().map(str::to_owned),
    }
}

#[cfg(test)]
mod tests {
    use datafusion::functions::core::expr_ext::FieldAccessor;
    use datafusion::prelude::{col, lit};

    use super::*;

    fn needle(path: &[&str], values: &[&str]) -> Needle {
        Needle {
            path: path.iter().map(|part| (*part).to_owned()).collect(),
            values: values.iter().map(|value| (*value).to_owned()).collect(),
        }
    }

    #[test]
    fn needles_are_found() {
        let key = || col("useridentity").field("accesskeyid");
        for (filter, expected) in [
            (col("eventid").eq(lit("e1")), vec![needle(&["eventid"], &["e1"])]),
            (lit("e1").eq(col("eventid")), vec![needle(&["eventid"], &["e1"])]),
            (key().eq(lit("AKIA")), vec![needle(&["useridentity", "accesskeyid"], &["AKIA"])]),
            (
                key().in_list(vec![lit("b"), lit("a")], false),
                vec![needle(&["useridentity", "accesskeyid"], &["a", "b"])],
            ),
            (key().eq(lit("a")).or(key().eq(lit("b"))), vec![needle(&["useridentity", "accesskeyid"], &["a", "b"])]),
            (
                col("eventid").eq(lit("e1")).and(col("principal").eq(lit("p"))).and(col("readonly")),
                vec![needle(&["eventid"], &["e1"]), needle(&["principal"], &["p"])],
            ),
        ] {
            assert_eq!(needles(std::slice::from_ref(&filter)), expected, "{filter}");
        }
    }

    #[test]
    fn what_a_bloom_filter_cannot_answer_is_no_needle() {
        for filter in [
            col("eventid").not_eq(lit("e1")),
            col("eventid").gt(lit("e1")),
            col("eventid").eq(col("requestid")),
            col("eventid").eq(lit("e1")).or(col("requestid").eq(lit("r"))),
            col("eventid").in_list(vec![lit("e1")], true),
            col("eventid").in_list((0..100).map(|n| lit(n.to_string())).collect(), false),
            col("eventid").eq(lit(ScalarValue::Utf8(None))),
        ] {
            assert_eq!(needles(std::slice::from_ref(&filter)), [], "{filter}");
        }
    }
}
