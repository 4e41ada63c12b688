//! Signs of a dialect in a statement: what it does with columns that one view has as text and another as a time, a truth
//! value or a map.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{BinaryOperator, Expr, Function, UnaryOperator, Value, Visitor};

use super::{View, layouts};
use crate::names::{holds_json, is_known_column};
use crate::trino::arguments;
use crate::{athena, store, tailpipe};

/// Signs that were found.
#[derive(Debug, Default)]
pub(super) struct Signs {
    /// Columns of CloudTrail's, of any view.
    pub(super) columns: usize,
    athena: usize,
    store: usize,
    tailpipe: usize,
}

impl Signs {
    /// The views, the likeliest first.
    pub(super) fn order(&self, by_name: bool) -> Vec<View> {
        let store = self.store > self.athena || (by_name && self.store >= self.athena);
        let pair = if store { [View::Store, View::Athena] } else { [View::Athena, View::Store] };
        let mut order = pair.to_vec();
        if self.tailpipe > 0 {
            order.insert(0, View::Tailpipe);
        }
        order
    }

    fn column(&mut self, name: &str) {
        let name = name.to_ascii_lowercase();
        let name = name.as_str();
        let is_layout = layouts::is_name(name);
        self.columns += usize::from(is_known_column(name) || is_layout);
        self.athena += usize::from(athena::PARTITION_NAMES.contains(&name) || is_layout);
        self.store += usize::from(store::ONLY_THERE.contains(&name));
        self.tailpipe += usize::from(tailpipe::ONLY_THERE.contains(&name) || tailpipe::is_column(name));
    }

    fn comparison(&mut self, left: &Expr, right: &Expr) {
        let Some(name) = column_name(left) else { return };
        match (name.as_str(), kind(right)) {
            ("eventtime", Some(Kind::IsoText)) => self.athena += 1,
            ("eventtime", Some(Kind::OtherText | Kind::Time)) => self.store += 1,
            ("readonly" | "managementevent", Some(Kind::Truth)) => self.store += 1,
            ("readonly" | "managementevent", Some(Kind::IsoText | Kind::OtherText)) => self.athena += 1,
            _ => {}
        }
    }

    fn call(&mut self, call: &Function) {
        let name = call.name.to_string().to_ascii_lowercase();
        for argument in arguments(call).unwrap_or_default() {
            let Some(column) = column_name(&argument) else { continue };
            match (name.as_str(), column.as_str()) {
                ("from_iso8601_timestamp" | "from_iso8601_date" | "date_parse" | "parse_datetime", "eventtime")
                | ("substr" | "substring" | "split_part" | "split" | "strpos" | "concat", "eventtime") => {
                    self.athena += 1
                }
                (
                    "date_trunc" | "date_format" | "format_datetime" | "date_diff" | "date_add" | "date"
                    | "day_of_week" | "dow" | "hour" | "minute" | "day" | "month" | "year" | "week" | "day_of_month"
                    | "day_of_year" | "to_unixtime" | "at_timezone" | "quarter" | "date_part",
                    "eventtime",
                ) => self.store += 1,
                ("element_at" | "map_keys" | "map_values" | "cardinality" | "map_filter", other)
                    if holds_json(other) =>
                {
                    self.store += 1;
                }
                ("json_extract" | "json_extract_scalar" | "json_parse" | "regexp_like" | "strpos", other)
                    if holds_json(other) =>
                {
                    self.athena += 1;
                }
                _ => {}
            }
        }
    }
}

/// The column that an expression is.
fn column_name(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Identifier(ident) => Some(ident.value.to_ascii_lowercase()),
        Expr::CompoundIdentifier(idents) if idents.len() == 2 => idents.last().map(|i| i.value.to_ascii_lowercase()),
        Expr::Nested(inner) => column_name(inner),
        _ => None,
    }
}

/// What a column is compared with.
enum Kind {
    /// `'2023-07-10T11:42:18Z'`
    IsoText,
    /// `'2023-07-10 11:42:18'`
    OtherText,
    /// A time, or a sum of times.
    Time,
    /// `true`
    Truth,
}

fn kind(expr: &Expr) -> Option<Kind> {
    Some(match expr {
        Expr::Value(value) => match &value.value {
            Value::SingleQuotedString(text) if text.contains('T') || text.len() < 11 => Kind::IsoText,
            Value::SingleQuotedString(_) => Kind::OtherText,
            Value::Boolean(_) => Kind::Truth,
            _ => return None,
        },
        Expr::Nested(inner) => return kind(inner),
        Expr::TypedString(_) => Kind::Time,
        Expr::BinaryOp { left, op: BinaryOperator::Plus | BinaryOperator::Minus, .. } => return kind(left),
        Expr::Function(call) => match call.name.to_string().to_ascii_lowercase().as_str() {
            "now" | "current_timestamp" | "date_add" | "date_trunc" | "localtimestamp" | "current_date" => Kind::Time,
            "to_iso8601" | "date_format" | "format_datetime" => Kind::IsoText,
            _ => return None,
        },
        _ => return None,
    })
}

impl Visitor for Signs {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        match expr {
            Expr::Identifier(ident) => self.column(&ident.value),
            Expr::CompoundIdentifier(idents) => idents.iter().take(3).for_each(|ident| self.column(&ident.value)),
            Expr::BinaryOp { left, op, right } if is_comparison(op) => {
                self.comparison(left, right);
                self.comparison(right, left);
            }
            Expr::Between { expr, low, high, .. } => {
                self.comparison(expr, low);
                self.comparison(expr, high);
            }
            Expr::InList { expr, list, .. } => list.iter().for_each(|item| self.comparison(expr, item)),
            Expr::Like { expr, .. } | Expr::ILike { expr, .. } => {
                let text = column_name(expr).is_some_and(|name| name == "eventtime" || holds_json(&name));
                self.athena += usize::from(text);
            }
            Expr::UnaryOp { op: UnaryOperator::Not, expr } => {
                let truth = column_name(expr).is_some_and(|n| n == "readonly" || n == "managementevent");
                self.store += usize::from(truth);
            }
            Expr::AtTimeZone { timestamp, .. } | Expr::Extract { expr: timestamp, .. } => {
                self.store += usize::from(column_name(timestamp).is_some_and(|name| name == "eventtime"));
            }
            Expr::CompoundFieldAccess { root, .. } => {
                self.store += usize::from(column_name(root).is_some_and(|name| holds_json(&name)));
            }
            Expr::Function(call) => self.call(call),
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

fn is_comparison(op: &BinaryOperator) -> bool {
    matches!(
        op,
        BinaryOperator::Eq
            | BinaryOperator::NotEq
            | BinaryOperator::Lt
            | BinaryOperator::LtEq
            | BinaryOperator::Gt
            | BinaryOperator::GtEq
    )
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use datafusion::sql::parser::Statement;
    use datafusion::sql::sqlparser::ast::Visit;

    use super::*;
    use crate::guard;

    #[test]
    fn what_a_query_does_tells_its_dialect() {
        for (condition, view) in [
            ("eventname = 'x'", View::Athena),
            ("eventtime > '2023-01-01 00:00:00'", View::Store),
            ("eventtime BETWEEN '2023-01-01T00:00:00Z' AND '2023-01-02T00:00:00Z'", View::Athena),
            ("eventtime > date_add('day', -7, now())", View::Store),
            ("from_iso8601_timestamp(eventtime) > now() - interval '7' day", View::Athena),
            ("readonly = false", View::Store),
            ("readonly = 'false'", View::Athena),
            ("element_at(requestParameters, 'bucketName') = 'x'", View::Store),
            ("json_extract_scalar(requestParameters, '$.bucketName') = 'x'", View::Athena),
            ("requestparameters LIKE '%x%' AND year = '2023'", View::Athena),
            ("event_source = 's3.amazonaws.com'", View::Tailpipe),
        ] {
            let mut signs = Signs::default();
            let Statement::Statement(statement) = guard::parse(&format!("SELECT 1 FROM t WHERE {condition}")).unwrap()
            else {
                panic!()
            };
            let _ = statement.visit(&mut signs);
            assert_eq!(signs.order(false)[0], view, "{condition}: {signs:?}");
        }
    }
}
