//! Trino's functions of times: texts to times, times to texts, sums and differences.
//!
//! Times are microseconds, in UTC where nothing else is said; a time `AT TIME ZONE` keeps its zone, and its text is of
//! that zone. Where a saved query reads back the text that `cloudtrail_logs` has for a time
//! (`from_iso8601_timestamp(eventtime)`), the optimizer takes the time itself, so that a lake can prune by it.

use std::sync::Arc;

use arrow::array::{ArrayRef, Date32Array, Int64Array, TimestampMicrosecondArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, TimeUnit};
use datafusion::common::{Result, exec_err, plan_err};
use datafusion::logical_expr::simplify::{ExprSimplifyResult, SimplifyContext};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use super::entry::{Entry, entry};
use super::function::{Argument, answer, arguments, is_like_text, wrong_count};
use super::iso;
use super::pattern::{Language, Pattern, instant};
use super::times::{Times, add_all, difference_all, format_all};

/// What a function does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Act {
    /// Text and pattern to time; NULL where it is none, if so said.
    Parse(Language, bool),
    /// Time and pattern to text.
    Format(Language),
    /// ISO 8601 to time.
    FromIso,
    /// ISO 8601 to day.
    FromIsoDate,
    /// Time to ISO 8601.
    ToIso,
    /// Unit, number and time to time.
    Add,
    /// Unit and two times to number.
    Difference,
    /// Time to milliseconds since 1970.
    Milliseconds,
    /// Time to seconds since 1970, with a fraction.
    Seconds,
    /// Milliseconds since 1970 to time.
    FromSeconds,
}

/// The functions, by name.
pub(super) static FUNCTIONS: &[Entry<Act>] = &[
    entry(
        "from_iso8601_timestamp",
        Act::FromIso,
        "the time of a text like that of eventTime",
        ("from_iso8601_timestamp('2023-07-10T11:42:18Z')", "2023-07-10T11:42:18Z"),
    ),
    entry(
        "from_iso8601_date",
        Act::FromIsoDate,
        "the day of a text",
        ("from_iso8601_date('2023-07-10')", "2023-07-10"),
    ),
    entry(
        "to_iso8601",
        Act::ToIso,
        "a time as text, like that of eventTime",
        ("to_iso8601(timestamp '2023-07-10 11:42:18')", "2023-07-10T11:42:18.000Z"),
    ),
    entry(
        "date_parse",
        Act::Parse(Language::MySql, false),
        "the time of a text in a pattern of MySQL's",
        ("date_parse('2023/07/10', '%Y/%m/%d')", "2023-07-10T00:00:00Z"),
    ),
    entry(
        "date_format",
        Act::Format(Language::MySql),
        "a time as text in a pattern of MySQL's",
        ("date_format(timestamp '2023-07-10 11:42:18', '%Y/%m/%d %H:%i')", "2023/07/10 11:42"),
    ),
    entry(
        "parse_datetime",
        Act::Parse(Language::Joda, false),
        "the time of a text in a pattern of Java's",
        ("parse_datetime('2023-07-10T11:42:18Z', 'yyyy-MM-dd''T''HH:mm:ss''Z''')", "2023-07-10T11:42:18Z"),
    ),
    entry(
        "format_datetime",
        Act::Format(Language::Joda),
        "a time as text in a pattern of Java's",
        ("format_datetime(timestamp '2023-07-10 11:42:18', 'yyyy-MM-dd HH:mm')", "2023-07-10 11:42"),
    ),
    entry(
        "strptime",
        Act::Parse(Language::C, false),
        "DuckDB's: the time of a text in a pattern of C's",
        ("strptime('10.07.2023', '%d.%m.%Y')", "2023-07-10T00:00:00Z"),
    ),
    entry(
        "try_strptime",
        Act::Parse(Language::C, true),
        "DuckDB's: strptime, NULL where the text is no time",
        ("try_strptime('x', '%Y')", "-"),
    ),
    entry(
        "strftime",
        Act::Format(Language::C),
        "DuckDB's: a time as text in a pattern of C's",
        ("strftime(timestamp '2023-07-10 11:42:18', '%Y-%m-%d')", "2023-07-10"),
    ),
    entry(
        "date_add",
        Act::Add,
        "a time so many units later: date_add('day', -7, eventtime)",
        ("date_add('month', -1, timestamp '2023-03-31 00:00:00')", "2023-02-28T00:00:00Z"),
    ),
    entry(
        "date_diff",
        Act::Difference,
        "whole units from one time to another",
        ("date_diff('hour', timestamp '2023-07-10 11:00:00', timestamp '2023-07-11 10:59:59')", "23"),
    ),
    entry(
        "epoch_ms",
        Act::Milliseconds,
        "DuckDB's: milliseconds since 1970",
        ("epoch_ms(timestamp '1970-01-01 00:00:01')", "1000"),
    ),
    entry("to_unixtime", Act::Seconds, "seconds since 1970", ("to_unixtime(timestamp '1970-01-01 00:00:01')", "1.0")),
    entry(
        "from_unixtime",
        Act::FromSeconds,
        "the time of seconds since 1970",
        ("from_unixtime(1)", "1970-01-01T00:00:01Z"),
    ),
];

#[derive(Debug, PartialEq, Eq, Hash)]
struct TimeFunction {
    name: &'static str,
    act: Act,
    signature: Signature,
}

/// The functions, as the engine takes them.
pub(super) fn functions() -> impl Iterator<Item = ScalarUDF> {
    FUNCTIONS.iter().map(|entry| {
        let signature = Signature::user_defined(Volatility::Immutable);
        ScalarUDF::from(TimeFunction { name: entry.name, act: entry.act, signature })
    })
}

fn utc() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

/// The type that a time is taken as: microseconds, in its own zone.
pub(super) fn time_type(data_type: &DataType) -> Result<DataType> {
    match data_type {
        DataType::Timestamp(_, Some(zone)) => Ok(DataType::Timestamp(TimeUnit::Microsecond, Some(zone.clone()))),
        DataType::Timestamp(_, None) | DataType::Date32 | DataType::Date64 => Ok(utc()),
        other if is_like_text(other) && !other.is_numeric() => Ok(utc()),
        other => plan_err!("a time is needed, not {other}"),
    }
}

/// The same, but a day stays a day.
fn day_or_time(data_type: &DataType) -> Result<DataType> {
    if *data_type == DataType::Date32 { Ok(DataType::Date32) } else { time_type(data_type) }
}

impl TimeFunction {
    fn arity(&self) -> usize {
        match self.act {
            Act::FromIso | Act::FromIsoDate | Act::ToIso | Act::Milliseconds | Act::Seconds | Act::FromSeconds => 1,
            Act::Parse(..) | Act::Format(_) => 2,
            Act::Add | Act::Difference => 3,
        }
    }

    fn compute(&self, args: &ScalarFunctionArgs) -> Result<(ArrayRef, bool)> {
        let constant = args.args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        let rows = if constant { 1 } else { args.number_rows };
        let time = |index: usize| Times::new(args.args.get(index), rows);
        let text = |index: usize| match args.args.get(index) {
            Some(value) => Argument::new(value),
            None => exec_err!("{} lacks an argument", self.name),
        };
        let array: ArrayRef = match self.act {
            Act::Format(language) => {
                let (times, patterns) = match is_time(args.args.first()) {
                    true => (time(0)?, text(1)?),
                    // DuckDB takes them in either order.
                    false => (time(1)?, text(0)?),
                };
                format_all(language, &times, &patterns, rows)?
            }
            Act::ToIso => {
                let day = args.args.first().is_some_and(|value| value.data_type() == DataType::Date32);
                let times = time(0)?;
                let pattern = match (day, times.name.as_ref()) {
                    (true, _) => "%Y-%m-%d",
                    (false, "UTC" | "+00:00" | "Z") => "%Y-%m-%dT%H:%M:%S.%3fZ",
                    _ => "%Y-%m-%dT%H:%M:%S.%3f%:z",
                };
                format_all(Language::C, &times, &Argument::Same(Some(pattern.into())), rows)?
            }
            Act::Add => {
                let later = add_all(&text(0)?, &text(1)?, &time(2)?, rows)?;
                cast(&later, args.return_field.data_type())?
            }
            Act::Difference => difference_all(&text(0)?, &time(1)?, &time(2)?, rows)?,
            Act::Milliseconds => {
                let times = time(0)?;
                Arc::new((0..rows).map(|row| times.get(row).map(|t| t.div_euclid(1000))).collect::<Int64Array>())
            }
            Act::Seconds => {
                let times = time(0)?;
                let seconds = (0..rows).map(|row| times.get(row).map(|t| t as f64 / 1e6));
                Arc::new(seconds.collect::<arrow::array::Float64Array>())
            }
            Act::Parse(..) | Act::FromIso | Act::FromIsoDate | Act::FromSeconds => {
                let (texts, rows, _) = arguments(args)?;
                self.parse_all(&texts, rows)?
            }
        };
        Ok((array, constant))
    }

    fn parse_all(&self, texts: &[Argument], rows: usize) -> Result<ArrayRef> {
        let mut micros = Vec::with_capacity(rows);
        let mut pattern: Option<Pattern> = None;
        for row in 0..rows {
            let Some(text) = texts.first().and_then(|text| text.get(row)) else {
                micros.push(None);
                continue;
            };
            micros.push(match self.act {
                Act::Parse(language, or_null) => {
                    let Some(wanted) = texts.get(1).and_then(|pattern| pattern.get(row)) else {
                        micros.push(None);
                        continue;
                    };
                    match parsed(&mut pattern, language, wanted, text) {
                        Err(_) if or_null => None,
                        time => Some(time?),
                    }
                }
                Act::FromSeconds => text.parse::<f64>().ok().map(from_seconds).transpose()?,
                _ => Some(iso::micros(text)?),
            });
        }
        Ok(match self.act {
            Act::FromIsoDate => {
                let day = |micros: i64| i32::try_from(micros.div_euclid(86_400_000_000)).ok();
                Arc::new(micros.into_iter().map(|m| m.and_then(day)).collect::<Date32Array>())
            }
            _ => Arc::new(TimestampMicrosecondArray::from(micros).with_timezone("UTC")),
        })
    }
}

fn parsed(kept: &mut Option<Pattern>, language: Language, wanted: &str, text: &str) -> Result<i64> {
    if kept.as_ref().is_none_or(|pattern| pattern.source() != wanted) {
        *kept = Some(Pattern::new(language, wanted)?);
    }
    match kept {
        Some(pattern) => pattern.parse(text),
        None => exec_err!("no pattern"),
    }
}

/// Microseconds of seconds since 1970, where the calendar has such a time.
fn from_seconds(seconds: f64) -> Result<i64> {
    let micros = (seconds * 1e6).round() as i64;
    match seconds.is_finite() && instant(micros).is_ok() {
        true => Ok(micros),
        false => exec_err!("{seconds} seconds since 1970 are outside the calendar; milliseconds are divided by 1000"),
    }
}

fn is_time(value: Option<&ColumnarValue>) -> bool {
    value.is_some_and(|value| matches!(value.data_type(), DataType::Timestamp(..) | DataType::Date32))
}

impl ScalarUDFImpl for TimeFunction {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        Ok(match self.act {
            Act::Parse(..) | Act::FromIso | Act::FromSeconds => utc(),
            Act::Format(_) | Act::ToIso => DataType::Utf8,
            Act::FromIsoDate => DataType::Date32,
            Act::Add => arg_types.get(2).map_or_else(|| Ok(utc()), day_or_time)?,
            Act::Difference | Act::Milliseconds => DataType::Int64,
            Act::Seconds => DataType::Float64,
        })
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        let arity = self.arity();
        if arg_types.len() != arity {
            return wrong_count(self.name, &(arity..=arity), arg_types.len());
        }
        let time = |index: usize| arg_types.get(index).map_or_else(|| Ok(utc()), time_type);
        let text = DataType::Utf8;
        Ok(match self.act {
            Act::Parse(..) => match arg_types.first() {
                // A time already: the pattern has nothing to say.
                Some(DataType::Timestamp(..)) => return plan_err!("{} takes text, not a time", self.name),
                _ => vec![text.clone(), text],
            },
            Act::FromIso | Act::FromIsoDate | Act::FromSeconds => match arg_types.first() {
                Some(DataType::Timestamp(..)) => return plan_err!("{} takes text, not a time", self.name),
                _ => vec![text],
            },
            Act::Format(_)
                if matches!(arg_types.first(), Some(t) if is_like_text(t))
                    && matches!(arg_types.get(1), Some(DataType::Timestamp(..) | DataType::Date32)) =>
            {
                vec![text, time(1)?]
            }
            Act::Format(_) => vec![time(0)?, text],
            Act::ToIso => vec![arg_types.first().map_or_else(|| Ok(utc()), day_or_time)?],
            Act::Milliseconds | Act::Seconds => vec![time(0)?],
            Act::Add => vec![text.clone(), text, arg_types.get(2).map_or_else(|| Ok(utc()), day_or_time)?],
            Act::Difference => vec![text, time(1)?, time(2)?],
        })
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let (array, constant) = self.compute(&args)?;
        answer(array, constant)
    }

    /// The text of a time, read back, is the time.
    fn simplify(&self, args: Vec<Expr>, _info: &SimplifyContext) -> Result<ExprSimplifyResult> {
        let reads_back = match (self.act, args.get(1).and_then(Expr::as_literal)) {
            (Act::FromIso, _) => true,
            (Act::Parse(Language::MySql, _), Some(pattern)) => {
                matches!(pattern.try_as_str(), Some(Some("%Y-%m-%dT%H:%i:%sZ" | "%Y-%m-%dT%H:%i:%SZ" | "%Y-%m-%dT%TZ")))
            }
            (Act::Parse(Language::Joda, _), Some(pattern)) => {
                matches!(pattern.try_as_str(), Some(Some("yyyy-MM-dd'T'HH:mm:ss'Z'" | "yyyy-MM-dd'T'HH:mm:ssZ")))
            }
            _ => false,
        };
        if reads_back
            && let Some(Expr::ScalarFunction(text)) = args.first()
            && text.func.name() == "athena_time"
            && let [time] = text.args.as_slice()
        {
            return Ok(ExprSimplifyResult::Simplified(time.clone()));
        }
        Ok(ExprSimplifyResult::Original(args))
    }
}
