//! Times and days as the text that Athena tables of CloudTrail have: `2023-07-10T11:42:18Z`, `2023/07/10`, `07`.
//!
//! Functions of our own rather than `to_char`, for two reasons: they are called for every row of a scan and format
//! a day once for the thousands of rows that share it; and the optimizer can turn a comparison of the text with a
//! literal back into a comparison of the time (`preimage`), which needs no text at all and reaches partitions.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringArray, StringBuilder};
use arrow::datatypes::{DataType, Date32Type, TimeUnit, TimestampMicrosecondType};
use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveDateTime, Timelike};
use datafusion::common::{Result, ScalarValue, exec_err};
use datafusion::logical_expr::interval_arithmetic::Interval;
use datafusion::logical_expr::preimage::PreimageResult;
use datafusion::logical_expr::simplify::SimplifyContext;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::prelude::SessionContext;

/// Registers the functions under their names.
pub fn register_all(context: &SessionContext) {
    for form in [Form::Instant, Form::Day, Form::Year, Form::Month, Form::DayOfMonth] {
        context.register_udf(ScalarUDF::from(AthenaTime::new(form)));
    }
}

/// Which text of a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Form {
    /// `athena_time(timestamp)`: `2023-07-10T11:42:18Z`, as in the record.
    Instant,
    /// `athena_date(date)`: `2023/07/10`, as in the log files' keys.
    Day,
    /// `athena_year(date)`: `2023`.
    Year,
    /// `athena_month(date)`: `07`.
    Month,
    /// `athena_day(date)`: `10`.
    DayOfMonth,
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct AthenaTime {
    form: Form,
    signature: Signature,
}

const MICROS_A_SECOND: i64 = 1_000_000;
const SECONDS_A_DAY: i64 = 86_400;

impl AthenaTime {
    fn new(form: Form) -> Self {
        let input = match form {
            Form::Instant => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            _ => DataType::Date32,
        };
        Self { form, signature: Signature::exact(vec![input], Volatility::Immutable) }
    }

    fn render(&self, array: &ArrayRef) -> Result<StringArray> {
        let mut lines = Lines::new(self.form, array.len());
        if let Some(times) = array.as_primitive_opt::<TimestampMicrosecondType>() {
            for micros in times {
                lines.push(micros.map(|m| {
                    let seconds = m.div_euclid(MICROS_A_SECOND);
                    (seconds.div_euclid(SECONDS_A_DAY), seconds.rem_euclid(SECONDS_A_DAY))
                }));
            }
        } else if let Some(days) = array.as_primitive_opt::<Date32Type>() {
            for day in days {
                lines.push(day.map(|d| (i64::from(d), 0)));
            }
        } else {
            return exec_err!("{} does not take {}", self.name(), array.data_type());
        }
        Ok(lines.text.finish())
    }
}

/// Builds the text, keeping the text of the last day.
struct Lines {
    form: Form,
    text: StringBuilder,
    day: Option<i64>,
    line: String,
    day_len: usize,
}

impl Lines {
    fn new(form: Form, rows: usize) -> Self {
        let text = StringBuilder::with_capacity(rows, rows * 20);
        Self { form, text, day: None, line: String::with_capacity(32), day_len: 0 }
    }

    /// Adds a row: days since 1970-01-01 and the seconds of that day.
    fn push(&mut self, time: Option<(i64, i64)>) {
        let Some((day, second)) = time else {
            return self.text.append_null();
        };
        if self.day != Some(day) {
            if !self.start_day(day) {
                return self.text.append_null();
            }
            self.day = Some(day);
        }
        self.line.truncate(self.day_len);
        if self.form == Form::Instant {
            for (number, end) in [(second / 3600, ':'), (second / 60 % 60, ':'), (second % 60, 'Z')] {
                for digit in [number / 10, number % 10] {
                    self.line.push(char::from(b'0'.wrapping_add(digit as u8)));
                }
                self.line.push(end);
            }
        }
        self.text.append_value(&self.line);
    }

    /// False for a day outside the calendar, which has no text.
    fn start_day(&mut self, day: i64) -> bool {
        self.day = None;
        let date = day.checked_mul(SECONDS_A_DAY).and_then(|s| DateTime::from_timestamp(s, 0));
        let Some(date) = date.map(|d| d.date_naive()) else { return false };
        let (y, m, d) = (date.year(), date.month(), date.day());
        self.line = match self.form {
            Form::Instant => format!("{y:04}-{m:02}-{d:02}T"),
            Form::Day => format!("{y:04}/{m:02}/{d:02}"),
            Form::Year => format!("{y:04}"),
            Form::Month => format!("{m:02}"),
            Form::DayOfMonth => format!("{d:02}"),
        };
        self.day_len = self.line.len();
        true
    }
}

/// The times `[from, to)` whose text is exactly `text`; `None` where they are not one range, or the text is not
/// what a time looks like (then the comparison is one of texts).
fn range_of(form: Form, text: &str) -> Option<(ScalarValue, ScalarValue)> {
    let days = |from: NaiveDate, to: NaiveDate| {
        let day = |d: NaiveDate| d.signed_duration_since(NaiveDate::default()).num_days().try_into().ok();
        Some((ScalarValue::Date32(Some(day(from)?)), ScalarValue::Date32(Some(day(to)?))))
    };
    match form {
        Form::Instant => {
            let time = NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%SZ").ok()?;
            // A leap second reads back as itself, and is not a second of its own here.
            if time.nanosecond() != 0 || time.format("%Y-%m-%dT%H:%M:%SZ").to_string() != text {
                return None;
            }
            let micros = time.and_utc().timestamp_micros();
            let scalar = |m| ScalarValue::TimestampMicrosecond(Some(m), Some("UTC".into()));
            Some((scalar(micros), scalar(micros.checked_add(MICROS_A_SECOND)?)))
        }
        Form::Day => {
            let day = NaiveDate::parse_from_str(text, "%Y/%m/%d").ok()?;
            let exact = day.format("%Y/%m/%d").to_string() == text;
            days(day, day.checked_add_days(Days::new(1))?).filter(|_| exact)
        }
        Form::Year => {
            let year: i32 = text.parse().ok().filter(|y| (1..=9998).contains(y))?;
            let exact = format!("{year:04}") == text;
            days(NaiveDate::from_ymd_opt(year, 1, 1)?, NaiveDate::from_ymd_opt(year + 1, 1, 1)?).filter(|_| exact)
        }
        Form::Month | Form::DayOfMonth => None,
    }
}

impl ScalarUDFImpl for AthenaTime {
    fn name(&self) -> &str {
        match self.form {
            Form::Instant => "athena_time",
            Form::Day => "athena_date",
            Form::Year => "athena_year",
            Form::Month => "athena_month",
            Form::DayOfMonth => "athena_day",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        match args.args.as_slice() {
            [ColumnarValue::Array(array)] => Ok(ColumnarValue::Array(Arc::new(self.render(array)?))),
            [ColumnarValue::Scalar(scalar)] => {
                let text = self.render(&scalar.to_array()?)?;
                Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&text, 0)?))
            }
            _ => exec_err!("{} takes one argument", self.name()),
        }
    }

    fn preimage(&self, args: &[Expr], literal: &Expr, _info: &SimplifyContext) -> Result<PreimageResult> {
        let ([time], Some(literal)) = (args, literal.as_literal()) else {
            return Ok(PreimageResult::None);
        };
        let range = literal.try_as_str().flatten().and_then(|text| range_of(self.form, text));
        match range {
            Some((from, to)) => {
                let interval = Box::new(Interval::try_new(from, to)?);
                Ok(PreimageResult::Range { expr: time.clone(), interval })
            }
            None => Ok(PreimageResult::None),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use arrow::array::{Date32Array, TimestampMicrosecondArray};

    use super::*;

    fn instants(micros: &[Option<i64>]) -> Vec<Option<String>> {
        let array: ArrayRef = Arc::new(TimestampMicrosecondArray::from(micros.to_vec()).with_timezone("UTC"));
        let text = AthenaTime::new(Form::Instant).render(&array).unwrap();
        text.iter().map(|t| t.map(str::to_owned)).collect()
    }

    #[test]
    fn instants_look_like_the_record() {
        let micros =
            [Some(1_688_989_338_000_000), None, Some(0), Some(-1), Some(1_688_989_338_999_999), Some(i64::MAX)];
        let text = instants(&micros);
        let expected =
            ["2023-07-10T11:42:18Z", "-", "1970-01-01T00:00:00Z", "1969-12-31T23:59:59Z", "2023-07-10T11:42:18Z"];
        for (text, expected) in text.iter().zip(expected) {
            assert_eq!(text.as_deref().unwrap_or("-"), expected);
        }
    }

    #[test]
    fn days_and_their_parts() {
        let array: ArrayRef = Arc::new(Date32Array::from(vec![Some(19_548), None]));
        for (form, expected) in
            [(Form::Day, "2023/07/10"), (Form::Year, "2023"), (Form::Month, "07"), (Form::DayOfMonth, "10")]
        {
            let text = AthenaTime::new(form).render(&array).unwrap();
            assert_eq!(text.value(0), expected);
            assert!(text.is_null(1));
        }
    }

    #[test]
    fn only_exact_texts_are_ranges() {
        assert!(range_of(Form::Instant, "2023-07-10T11:42:18Z").is_some());
        assert!(range_of(Form::Day, "2023/07/10").is_some());
        assert!(range_of(Form::Year, "2023").is_some());
        for (form, text) in [
            (Form::Instant, "2023-07-10"),
            (Form::Instant, "2023-07-10T11:42:60Z"),
            (Form::Instant, "2023-7-10T11:42:18Z"),
            (Form::Day, "2023/7/10"),
            (Form::Day, "2023/02/30"),
            (Form::Year, "####"),
            (Form::Year, "+2023"),
            (Form::Month, "07"),
        ] {
            assert!(range_of(form, text).is_none(), "{text}");
        }
    }
}
