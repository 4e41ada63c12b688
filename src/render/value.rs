//! Arrow values as JSON and as text, faithfully.
//!
//! Timestamps are RFC 3339 with `Z` (the engine's zone is UTC, also where a type does not say so), dates ISO 8601,
//! structs and maps objects, lists arrays, dictionaries their values, binary data hex, and a null is null. Text
//! columns that hold JSON text stay text: what a query selected is what comes out.
//!
//! Escaping for a terminal, CSV quoting and layout are other rooms' work.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, LargeStringArray, PrimitiveArray, StringArray, StringViewArray};
use arrow::buffer::{NullBuffer, ScalarBuffer};
use arrow::datatypes::{
    ArrowTimestampType, DataType, FieldRef, TimeUnit, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType, TimestampSecondType,
};
use arrow::error::ArrowError;
use arrow::json::writer::{Encoder, EncoderFactory, EncoderOptions, NullableEncoder, make_encoder};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use chrono::{DateTime, SecondsFormat};

/// How values become JSON here: nulls are written, so that every row has the same keys.
pub(crate) fn encoder_options() -> EncoderOptions {
    EncoderOptions::default().with_explicit_nulls(true).with_encoder_factory(Arc::new(Faithful))
}

/// What kind of text a column gives: decides alignment in a table and quoting in CSV.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Text from the data: attacker-written, as likely as not.
    Text,
    /// Numbers: aligned at the right.
    Number,
    /// Times, booleans and the like: short text that we made.
    Made,
    /// JSON of structs, lists and maps; hex of binary data.
    Json,
}

/// One column of a batch, ready to be read as text row by row.
pub(crate) struct Column<'a> {
    cells: Cells<'a>,
    nulls: Option<NullBuffer>,
    scratch: Vec<u8>,
}

enum Cells<'a> {
    Text(Text<'a>),
    Shown(ArrayFormatter<'a>, Kind),
    Json(NullableEncoder<'a>, Kind),
}

enum Text<'a> {
    Plain(&'a StringArray),
    Large(&'a LargeStringArray),
    View(&'a StringViewArray),
    Dictionary(Vec<usize>, Box<Text<'a>>),
}

impl<'a> Text<'a> {
    fn new(array: &'a dyn Array) -> Option<Text<'a>> {
        match array.data_type() {
            DataType::Utf8 => array.as_string_opt().map(Text::Plain),
            DataType::LargeUtf8 => array.as_string_opt().map(Text::Large),
            DataType::Utf8View => array.as_string_view_opt().map(Text::View),
            DataType::Dictionary(_, _) => {
                let dictionary = array.as_any_dictionary_opt()?;
                let values = Text::new(dictionary.values().as_ref())?;
                // Without values every key is null and none is looked up.
                let keys = if dictionary.values().is_empty() { Vec::new() } else { dictionary.normalized_keys() };
                Some(Text::Dictionary(keys, Box::new(values)))
            }
            _ => None,
        }
    }

    fn get(&self, row: usize) -> &str {
        match self {
            Text::Plain(array) => array.value(row),
            Text::Large(array) => array.value(row),
            Text::View(array) => array.value(row),
            Text::Dictionary(keys, values) => keys.get(row).map_or("", |&key| values.get(key)),
        }
    }
}

impl<'a> Column<'a> {
    /// Looks at `array` as text. `options` are [`encoder_options`].
    ///
    /// # Errors
    /// Where Arrow has no text form for the type (a union, a map whose keys are not text).
    pub(crate) fn try_new(
        field: &'a FieldRef,
        array: &'a ArrayRef,
        options: &'a EncoderOptions,
    ) -> Result<Self, ArrowError> {
        let cells = match Text::new(array.as_ref()) {
            Some(text) => Cells::Text(text),
            None if as_json(array.data_type()) => {
                let kind = if array.data_type().is_temporal() { Kind::Made } else { Kind::Json };
                Cells::Json(make_encoder(field, array.as_ref(), options)?, kind)
            }
            None => {
                let kind = if array.data_type().is_numeric() { Kind::Number } else { Kind::Made };
                let format = FormatOptions::new().with_display_error(true);
                Cells::Shown(ArrayFormatter::try_new(array.as_ref(), &format)?, kind)
            }
        };
        Ok(Column { cells, nulls: array.logical_nulls(), scratch: Vec::new() })
    }

    /// Which kind of text the column gives.
    pub(crate) fn kind(&self) -> Kind {
        match self.cells {
            Cells::Text(_) => Kind::Text,
            Cells::Shown(_, kind) | Cells::Json(_, kind) => kind,
        }
    }

    /// Calls `read` with the text at `row`, `None` where it is null.
    pub(crate) fn with<R>(&mut self, row: usize, read: impl FnOnce(Option<&str>) -> R) -> R {
        if self.nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) {
            return read(None);
        }
        match &mut self.cells {
            Cells::Text(text) => read(Some(text.get(row))),
            Cells::Shown(formatter, _) => read(Some(&formatter.value(row).to_string())),
            Cells::Json(encoder, _) => {
                self.scratch.clear();
                encoder.encode(row, &mut self.scratch);
                let json = String::from_utf8_lossy(&self.scratch);
                // A time or a hex string needs no quotes on its own; nothing inside is escaped.
                let bare = json.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
                read(Some(bare.unwrap_or(&json)))
            }
        }
    }
}

/// Types whose text is their JSON.
fn as_json(data_type: &DataType) -> bool {
    match data_type {
        DataType::Dictionary(_, values) => as_json(values),
        DataType::Interval(_) | DataType::Duration(_) => false,
        other => {
            other.is_nested()
                || other.is_temporal()
                || matches!(
                    other,
                    DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_)
                )
        }
    }
}

/// The encoders that Arrow's own do not give as we promise them.
#[derive(Debug)]
struct Faithful;

impl EncoderFactory for Faithful {
    fn make_default_encoder<'a>(
        &self,
        field: &'a FieldRef,
        array: &'a dyn Array,
        options: &'a EncoderOptions,
    ) -> Result<Option<NullableEncoder<'a>>, ArrowError> {
        match array.data_type() {
            DataType::Timestamp(unit, zone) if zone.as_deref().is_none_or(is_utc) => {
                let stamps = match unit {
                    TimeUnit::Second => Stamps::new::<TimestampSecondType>(array.as_primitive()),
                    TimeUnit::Millisecond => Stamps::new::<TimestampMillisecondType>(array.as_primitive()),
                    TimeUnit::Microsecond => Stamps::new::<TimestampMicrosecondType>(array.as_primitive()),
                    TimeUnit::Nanosecond => Stamps::new::<TimestampNanosecondType>(array.as_primitive()),
                };
                Ok(Some(NullableEncoder::new(Box::new(stamps), array.nulls().cloned())))
            }
            DataType::Dictionary(_, _) => {
                let dictionary = array.as_any_dictionary();
                if dictionary.values().null_count() == 0 {
                    return Ok(None);
                }
                // Arrow's encoder asks the keys only, and would write a null value as the empty text.
                let values = make_encoder(field, dictionary.values().as_ref(), options)?;
                let looked_up = LookedUp { keys: dictionary.normalized_keys(), values };
                Ok(Some(NullableEncoder::new(Box::new(looked_up), array.logical_nulls())))
            }
            _ => Ok(None),
        }
    }
}

fn is_utc(zone: &str) -> bool {
    matches!(zone, "UTC" | "Z" | "z" | "GMT" | "Etc/UTC" | "+00:00" | "-00:00" | "+0000" | "+00")
}

struct LookedUp<'a> {
    keys: Vec<usize>,
    values: NullableEncoder<'a>,
}

impl Encoder for LookedUp<'_> {
    fn encode(&mut self, row: usize, out: &mut Vec<u8>) {
        if let Some(&key) = self.keys.get(row) {
            self.values.encode(key, out);
        }
    }
}

struct Stamps {
    values: ScalarBuffer<i64>,
    per_second: i64,
}

impl Stamps {
    fn new<T: ArrowTimestampType>(array: &PrimitiveArray<T>) -> Stamps {
        let per_second = match T::UNIT {
            TimeUnit::Second => 1,
            TimeUnit::Millisecond => 1_000,
            TimeUnit::Microsecond => 1_000_000,
            TimeUnit::Nanosecond => 1_000_000_000,
        };
        Stamps { values: array.values().clone(), per_second }
    }
}

impl Encoder for Stamps {
    fn encode(&mut self, row: usize, out: &mut Vec<u8>) {
        let value = self.values[row];
        let seconds = value.div_euclid(self.per_second);
        let nanoseconds = value.rem_euclid(self.per_second) * (1_000_000_000 / self.per_second);
        let time = u32::try_from(nanoseconds).ok().and_then(|n| DateTime::from_timestamp(seconds, n));
        out.push(b'"');
        match time {
            Some(time) => out.extend_from_slice(time.to_rfc3339_opts(SecondsFormat::AutoSi, true).as_bytes()),
            // Beyond the calendar (a quarter of a million years away): the count itself, rather than nothing.
            None => out.extend_from_slice(value.to_string().as_bytes()),
        }
        out.push(b'"');
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use arrow::array::{
        BinaryArray, BooleanArray, Date32Array, Decimal128Array, DictionaryArray, DurationSecondArray, Float64Array,
        Int64Array, ListArray, NullArray, StructArray, TimestampMicrosecondArray, TimestampNanosecondArray,
        UInt64Array,
    };
    use arrow::buffer::OffsetBuffer;
    use arrow::datatypes::{Field, Int32Type};

    use super::*;

    fn json(array: impl Array + 'static) -> Vec<String> {
        let array: ArrayRef = Arc::new(array);
        let field: FieldRef = Arc::new(Field::new("c", array.data_type().clone(), true));
        let options = encoder_options();
        let mut encoder = make_encoder(&field, array.as_ref(), &options).unwrap();
        (0..array.len())
            .map(|row| {
                if encoder.is_null(row) {
                    return "null".to_owned();
                }
                let mut out = Vec::new();
                encoder.encode(row, &mut out);
                String::from_utf8(out).unwrap()
            })
            .collect()
    }

    fn text(array: impl Array + 'static) -> (Kind, Vec<Option<String>>) {
        let array: ArrayRef = Arc::new(array);
        let field: FieldRef = Arc::new(Field::new("c", array.data_type().clone(), true));
        let options = encoder_options();
        let mut column = Column::try_new(&field, &array, &options).unwrap();
        let cells = (0..array.len()).map(|row| column.with(row, |cell| cell.map(str::to_owned))).collect();
        (column.kind(), cells)
    }

    fn some(cells: &[&str]) -> Vec<Option<String>> {
        cells.iter().map(|cell| Some((*cell).to_owned())).collect()
    }

    #[test]
    fn times_are_rfc_3339_in_utc() {
        let micros = vec![Some(1_688_990_400_000_000), None, Some(-1), Some(1_688_990_400_120_000)];
        let expected =
            ["\"2023-07-10T12:00:00Z\"", "null", "\"1969-12-31T23:59:59.999999Z\"", "\"2023-07-10T12:00:00.120Z\""];
        assert_eq!(json(TimestampMicrosecondArray::from(micros.clone()).with_timezone("UTC")), expected);
        assert_eq!(json(TimestampMicrosecondArray::from(micros.clone()).with_timezone("+00:00")), expected);
        assert_eq!(json(TimestampMicrosecondArray::from(micros)), expected);
        let offset = TimestampMicrosecondArray::from(vec![1_688_990_400_000_000]).with_timezone("-04:00");
        assert_eq!(json(offset), ["\"2023-07-10T08:00:00-04:00\""]);
        assert_eq!(json(TimestampNanosecondArray::from(vec![1])), ["\"1970-01-01T00:00:00.000000001Z\""]);
        let beyond = arrow::array::TimestampSecondArray::from(vec![i64::MAX]);
        assert_eq!(json(beyond), [format!("\"{}\"", i64::MAX)]);
    }

    #[test]
    fn a_time_alone_has_no_quotes() {
        let time = TimestampMicrosecondArray::from(vec![0]).with_timezone("UTC");
        assert_eq!(text(time), (Kind::Made, some(&["1970-01-01T00:00:00Z"])));
        assert_eq!(text(Date32Array::from(vec![19_548])), (Kind::Made, some(&["2023-07-10"])));
        assert_eq!(json(Date32Array::from(vec![19_548])), ["\"2023-07-10\""]);
    }

    #[test]
    fn numbers_keep_every_digit() {
        assert_eq!(json(Int64Array::from(vec![i64::MIN])), ["-9223372036854775808"]);
        assert_eq!(text(UInt64Array::from(vec![u64::MAX])), (Kind::Number, some(&["18446744073709551615"])));
        let decimal = Decimal128Array::from(vec![12_345]).with_precision_and_scale(10, 2).unwrap();
        assert_eq!(json(decimal.clone()), ["123.45"]);
        assert_eq!(text(decimal), (Kind::Number, some(&["123.45"])));
        assert_eq!(json(Float64Array::from(vec![0.1, f64::NAN])), ["0.1", "null"]);
        assert_eq!(text(Float64Array::from(vec![0.1, f64::INFINITY])).1, some(&["0.1", "inf"]));
    }

    #[test]
    fn every_text_encoding_reads_alike() {
        let expected = (Kind::Text, vec![Some("a\"\u{1b}".to_owned()), None]);
        let cells = || vec![Some("a\"\u{1b}"), None];
        assert_eq!(text(StringArray::from(cells())), expected);
        assert_eq!(text(LargeStringArray::from(cells())), expected);
        assert_eq!(text(StringViewArray::from(cells())), expected);
        assert_eq!(text(cells().into_iter().collect::<DictionaryArray<Int32Type>>()), expected);
        assert_eq!(json(StringViewArray::from(cells())), ["\"a\\\"\\u001b\"", "null"]);
    }

    #[test]
    fn a_dictionary_may_hold_a_null_or_nothing() {
        let values: ArrayRef = Arc::new(StringArray::from(vec![Some("x"), None]));
        let keys = arrow::array::Int32Array::from(vec![Some(1), Some(0), None]);
        let dictionary = DictionaryArray::new(keys, values);
        assert_eq!(json(dictionary.clone()), ["null", "\"x\"", "null"]);
        assert_eq!(text(dictionary).1, [None, Some("x".to_owned()), None]);
        let empty: DictionaryArray<Int32Type> = vec![None::<&str>; 2].into_iter().collect();
        assert_eq!(text(empty.clone()).1, [None, None]);
        assert_eq!(json(empty), ["null", "null"]);
    }

    #[test]
    fn structs_and_lists_nest() {
        let mfa = StructArray::from(vec![(
            Arc::new(Field::new("mfa", DataType::Utf8, true)),
            Arc::new(StringArray::from(vec![Some("true"), None])) as ArrayRef,
        )]);
        let outer = StructArray::new(
            vec![Field::new("attributes", mfa.data_type().clone(), true)].into(),
            vec![Arc::new(mfa.clone())],
            Some(vec![true, false].into()),
        );
        assert_eq!(json(outer.clone()), [r#"{"attributes":{"mfa":"true"}}"#, "null"]);
        assert_eq!(text(outer).0, Kind::Json);
        let item = Arc::new(Field::new("item", mfa.data_type().clone(), true));
        let list = ListArray::new(item, OffsetBuffer::from_lengths([2, 0]), Arc::new(mfa), None);
        assert_eq!(json(list), [r#"[{"mfa":"true"},{"mfa":null}]"#, "[]"]);
    }

    #[test]
    fn the_rest_has_a_text_too() {
        assert_eq!(text(BooleanArray::from(vec![true])), (Kind::Made, some(&["true"])));
        assert_eq!(text(NullArray::new(1)).1, [None]);
        assert_eq!(text(BinaryArray::from(vec![b"\x00\xff".as_slice()])), (Kind::Json, some(&["00ff"])));
        assert_eq!(text(DurationSecondArray::from(vec![90])).0, Kind::Made);
        assert_eq!(json(DurationSecondArray::from(vec![90])), ["\"PT90S\""]);
    }
}
