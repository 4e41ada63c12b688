//! Literals that Trino reads and the engine does not: a time without its seconds, text by code points, parts of times by
//! their long names.

use datafusion::sql::sqlparser::ast::{DateTimeField, Expr, Value, ValueWithSpan};

/// `U&'\0041'` is a text as any.
pub(super) fn text(value: &mut ValueWithSpan) {
    if let Value::UnicodeStringLiteral(text) = &mut value.value {
        value.value = Value::SingleQuotedString(std::mem::take(text));
    }
}

/// `EXTRACT(day_of_week FROM x)`. Trino counts days from Monday, 1.
pub(super) fn part_of_time(field: &mut DateTimeField) {
    let better = match field {
        DateTimeField::Dow | DateTimeField::DayOfWeek => DateTimeField::Isodow,
        DateTimeField::DayOfYear => DateTimeField::Doy,
        DateTimeField::Custom(name) => match name.value.to_ascii_lowercase().as_str() {
            "day_of_week" => DateTimeField::Isodow,
            "day_of_year" => DateTimeField::Doy,
            "day_of_month" => DateTimeField::Day,
            "year_of_week" | "yow" => DateTimeField::Isoyear,
            "week_of_year" => DateTimeField::Week(None),
            _ => return,
        },
        _ => return,
    };
    *field = better;
}

/// `'2023-01-01 00:00'` of a time has its seconds.
pub(super) fn time(value: &mut ValueWithSpan) {
    let Value::SingleQuotedString(text) = &mut value.value else { return };
    if has_no_seconds(text) {
        text.push_str(":00");
    }
}

/// The same for a literal that a time is compared with.
pub(super) fn compared_with_time(expr: &mut Expr) {
    match expr {
        Expr::Value(value) => time(value),
        Expr::Nested(inner) => compared_with_time(inner),
        _ => {}
    }
}

/// Whether this is the column of the time of an event.
pub(super) fn is_time(expr: &Expr) -> bool {
    let name = match expr {
        Expr::Identifier(name) => Some(name),
        Expr::CompoundIdentifier(names) => names.last(),
        _ => None,
    };
    name.is_some_and(|name| name.value.eq_ignore_ascii_case("eventtime"))
}

/// A day, a blank or `T`, hours and minutes.
fn has_no_seconds(text: &str) -> bool {
    let shape = b"dddd-dd-dd dd:dd";
    text.len() == shape.len()
        && text.bytes().zip(shape).all(|(byte, wanted)| match wanted {
            b'd' => byte.is_ascii_digit(),
            b' ' => byte == b' ' || byte == b'T',
            other => byte == *other,
        })
}
