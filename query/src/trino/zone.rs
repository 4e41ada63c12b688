//! A time in another time zone: the instant stays, and what is shown of it changes. A time without a zone is of UTC.
//!
//! The engine's `AT TIME ZONE` takes a time without a zone for one on a clock of that zone, which moves the instant.
//! Source: Trino documentation, "Date and time functions and operators", "Time zone conversion".

use arrow::datatypes::{DataType, Field, FieldRef, TimeUnit};
use datafusion::common::{Result, ScalarValue, exec_err, plan_err};
use datafusion::logical_expr::expr::Cast;
use datafusion::logical_expr::simplify::{ExprSimplifyResult, SimplifyContext};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use super::entry::{Entry, entry};

/// What `x AT TIME ZONE 'z'` becomes.
pub(super) const NAME: &str = "at_timezone";

/// The functions, by name.
pub(super) static FUNCTIONS: &[Entry<Clock>] = &[
    entry(
        NAME,
        Clock::Utc,
        "the same time in another time zone, as AT TIME ZONE; a time without a zone is of UTC",
        ("hour(at_timezone(from_iso8601_timestamp('2023-07-10T11:42:18Z'), 'America/New_York'))", "7"),
    ),
    entry(
        "with_timezone",
        Clock::Zone,
        "a time without a zone as one on a clock of a zone",
        (
            "to_iso8601(with_timezone(timestamp '2020-01-05 13:00:00', 'America/New_York'))",
            "2020-01-05T13:00:00.000-05:00",
        ),
    ),
];

/// Whose clock a time without a zone is read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Clock {
    Utc,
    Zone,
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct AtZone {
    name: &'static str,
    clock: Clock,
    signature: Signature,
}

/// The functions, as the engine takes them.
pub(super) fn functions() -> impl Iterator<Item = ScalarUDF> {
    FUNCTIONS.iter().map(|entry| {
        let signature = Signature::user_defined(Volatility::Immutable);
        ScalarUDF::from(AtZone { name: entry.name, clock: entry.act, signature })
    })
}

/// The type of a time, in UTC: a text is read to the microsecond.
fn in_utc(data_type: &DataType) -> Result<DataType> {
    let unit = match data_type {
        DataType::Timestamp(_, Some(_)) => return Ok(data_type.clone()),
        DataType::Timestamp(unit, None) => *unit,
        DataType::Date32 | DataType::Date64 | DataType::Null => TimeUnit::Microsecond,
        DataType::Dictionary(_, values) if values.is_string() => TimeUnit::Microsecond,
        other if other.is_string() => TimeUnit::Microsecond,
        other => return plan_err!("{NAME} takes a time, not {other}"),
    };
    Ok(DataType::Timestamp(unit, Some("UTC".into())))
}

impl ScalarUDFImpl for AtZone {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        plan_err!("{NAME} needs to see its arguments")
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        let Some(Some(Some(zone))) = args.scalar_arguments.get(1).map(|arg| arg.and_then(ScalarValue::try_as_str))
        else {
            return plan_err!("{NAME} takes a time and the name of a zone as a literal, as in 'America/New_York'");
        };
        if zone.parse::<arrow::array::timezone::Tz>().is_err() {
            return plan_err!("no time zone is called `{zone}`; name one like 'America/New_York' or '+02:00'");
        }
        let time = args.arg_fields.first().map(|field| in_utc(field.data_type())).transpose()?;
        let unit = match time {
            Some(DataType::Timestamp(unit, _)) => unit,
            _ => TimeUnit::Microsecond,
        };
        Ok(Field::new(NAME, DataType::Timestamp(unit, Some(zone.into())), true).into())
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        match arg_types {
            [time @ DataType::Timestamp(..), _] if self.clock == Clock::Zone => Ok(vec![time.clone(), DataType::Utf8]),
            [time, _] => Ok(vec![in_utc(time)?, DataType::Utf8]),
            _ => plan_err!("{NAME} takes a time and the name of a zone, and {} arguments are given", arg_types.len()),
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        match args.args.first() {
            Some(time) => time.cast_to(args.return_field.data_type(), None),
            None => exec_err!("{NAME} lacks its time"),
        }
    }

    /// A cast, which files are pruned through.
    fn simplify(&self, args: Vec<Expr>, info: &SimplifyContext) -> Result<ExprSimplifyResult> {
        let [time, Expr::Literal(zone, _)] = args.as_slice() else { return Ok(ExprSimplifyResult::Original(args)) };
        let (Some(Some(zone)), DataType::Timestamp(unit, Some(_))) = (zone.try_as_str(), info.get_data_type(time)?)
        else {
            return Ok(ExprSimplifyResult::Original(args));
        };
        let wanted = DataType::Timestamp(unit, Some(zone.into()));
        Ok(ExprSimplifyResult::Simplified(Expr::Cast(Cast::new(Box::new(time.clone()), wanted))))
    }
}
