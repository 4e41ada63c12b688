//! `interval '5' minute * n`: a span of time so many times over, which the engine has no operator for; and how long a span is.
//!
//! Source: Trino documentation, "Date and time functions and operators". Months, days and fractions of a day are taken each
//! by itself; part of a month is none.

use std::sync::Arc;

use arrow::array::{AsArray, Int64Array, IntervalMonthDayNanoArray};
use arrow::datatypes::{DataType, Float64Type, IntervalMonthDayNano, IntervalMonthDayNanoType, IntervalUnit};
use datafusion::common::{Result, exec_datafusion_err, exec_err};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

/// The name in SQL.
pub(super) const NAME: &str = "interval_times";

const SPAN: DataType = DataType::Interval(IntervalUnit::MonthDayNano);

/// The function, as the engine takes it.
pub(super) fn function() -> ScalarUDF {
    let types = vec![SPAN, DataType::Float64];
    ScalarUDF::from(Times { signature: Signature::exact(types, Volatility::Immutable) })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Times {
    signature: Signature,
}

impl ScalarUDFImpl for Times {
    fn name(&self) -> &str {
        NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        Ok(SPAN)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [spans, counts] = args.args.as_slice() else { return exec_err!("{NAME} takes two arguments") };
        let (spans, counts) = (spans.to_array(args.number_rows)?, counts.to_array(args.number_rows)?);
        let spans = spans.as_primitive::<IntervalMonthDayNanoType>();
        let counts = counts.as_primitive::<Float64Type>();
        let made = spans.iter().zip(counts.iter()).map(|pair| match pair {
            (Some(span), Some(count)) => times(span, count).map(Some),
            _ => Ok(None),
        });
        let made: IntervalMonthDayNanoArray = made.collect::<Result<Vec<_>>>()?.into();
        Ok(ColumnarValue::Array(Arc::new(made)))
    }
}

/// The length of a span, for comparing: two spans of which one is told in days and one in hours are equal where they last
/// equally long. A month counts thirty days, which matters only beside days, and there is no such comparison in Trino.
pub(crate) fn length(span: Expr) -> Expr {
    ScalarUDF::from(Length { signature: Signature::exact(vec![SPAN], Volatility::Immutable) }).call(vec![span])
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Length {
    signature: Signature,
}

impl ScalarUDFImpl for Length {
    fn name(&self) -> &str {
        "interval_length"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        Ok(DataType::Int64)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [spans] = args.args.as_slice() else { return exec_err!("interval_length takes one argument") };
        let spans = spans.to_array(args.number_rows)?;
        let lengths: Int64Array =
            spans.as_primitive::<IntervalMonthDayNanoType>().iter().map(|span| span.map(micros)).collect();
        Ok(ColumnarValue::Array(Arc::new(lengths)))
    }
}

/// Microseconds; a span of more than 290,000 years is as long as that.
fn micros(span: IntervalMonthDayNano) -> i64 {
    const DAY: i64 = 86_400_000_000;
    let days = i64::from(span.months) * 30 + i64::from(span.days);
    days.saturating_mul(DAY).saturating_add(span.nanoseconds / 1000)
}

fn times(span: IntervalMonthDayNano, count: f64) -> Result<IntervalMonthDayNano> {
    const DAY_NANOS: f64 = 86_400e9;
    let outside = || exec_datafusion_err!("an interval {count} times over is outside the calendar");
    let months = f64::from(span.months) * count;
    let days = f64::from(span.days) * count;
    // What is left of a day is hours.
    let nanos = (span.nanoseconds as f64) * count + days.fract() * DAY_NANOS;
    let whole = |value: f64| (value.abs() <= f64::from(i32::MAX)).then_some(value.trunc() as i32).ok_or_else(outside);
    if nanos.is_nan() || nanos.abs() >= i64::MAX as f64 {
        return Err(outside());
    }
    Ok(IntervalMonthDayNano::new(whole(months)?, whole(days)?, nanos.round() as i64))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_multiplied() {
        let span = |months, days, nanos| IntervalMonthDayNano::new(months, days, nanos);
        assert_eq!(times(span(0, 0, 300_000_000_000), 3.0).unwrap(), span(0, 0, 900_000_000_000));
        assert_eq!(times(span(1, 3, 0), -2.0).unwrap(), span(-2, -6, 0));
        assert_eq!(times(span(0, 1, 0), 1.5).unwrap(), span(0, 1, 43_200_000_000_000));
        assert_eq!(micros(span(0, 1, 0)), micros(span(0, 0, 86_400_000_000_000)));
        assert!(micros(span(0, 4387, 0)) > micros(span(0, 0, 86_400_000_000_000)));
        assert_eq!(micros(span(i32::MAX, i32::MAX, i64::MAX)), i64::MAX);
        assert!(times(span(0, 1, 0), 1e300).is_err() && times(span(0, 0, 1), f64::NAN).is_err());
    }
}
