//! The engine's functions that make lists of any length, bounded: a list of 10^12 numbers is an error of the query.

use std::sync::Arc;

use arrow::array::{Array, AsArray};
use arrow::compute::cast;
use arrow::compute::kernels::length::length;
use arrow::datatypes::{DataType, FieldRef, Int64Type};
use datafusion::common::Result;
use datafusion::functions::{core, string};
use datafusion::functions_nested::make_array::make_array_udf;
use datafusion::functions_nested::range::{gen_series_udf, range_udf};
use datafusion::functions_nested::repeat::array_repeat_udf;
use datafusion::functions_nested::resize::array_resize_udf;
use datafusion::functions_nested::string::string_to_array_udf;
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
};

use super::elements::{constant_bytes, whole_bytes};
use super::function::{self, Argument};
use super::room::Room;

/// Most elements that one call makes for the rows of one batch.
const MAX_ELEMENTS: i128 = 8 << 20;

#[derive(Debug, PartialEq, Eq, Hash)]
struct Bounded {
    inner: Arc<ScalarUDF>,
}

/// The functions, as the engine takes them.
pub(super) fn functions() -> impl Iterator<Item = ScalarUDF> {
    [
        range_udf(),
        gen_series_udf(),
        array_repeat_udf(),
        array_resize_udf(),
        string::replace(),
        string_to_array_udf(),
        make_array_udf(),
        core::r#struct(),
        core::named_struct(),
    ]
    .into_iter()
    .map(bounded)
}

/// One of the engine's functions, bounded.
pub(super) fn bounded(inner: Arc<ScalarUDF>) -> ScalarUDF {
    ScalarUDF::from(Bounded { inner })
}

/// The whole numbers of an argument; `None` where it has none (a range of days).
fn numbers(value: Option<&ColumnarValue>, rows: usize) -> Option<Vec<Option<i64>>> {
    let value = value.filter(|value| value.data_type().is_integer())?;
    let rows = if matches!(value, ColumnarValue::Scalar(_)) { 1 } else { rows };
    let array = cast(&value.to_array(rows).ok()?, &DataType::Int64).ok()?;
    Some(array.as_primitive::<Int64Type>().iter().collect())
}

/// Refuses a replacement that grows texts beyond measure: a letter may become a book.
fn replaced(args: &ScalarFunctionArgs) -> Result<()> {
    let [text, old, new] = args.args.as_slice() else { return Ok(()) };
    let (text, old, new) = (Argument::new(text)?, Argument::new(old)?, Argument::new(new)?);
    let mut total = 0_usize;
    for row in 0..args.number_rows.max(1) {
        let (Some(text), Some(old), Some(new)) = (text.get(row), old.get(row), new.get(row)) else { continue };
        if new.len() > old.len() {
            let bytes = (text.len() / old.len().max(1) + 1).saturating_mul(new.len());
            function::bounded("replace", bytes)?;
            total = total.saturating_add(bytes);
            function::bounded_batch("replace", total, &args.config_options)?;
        }
    }
    Ok(())
}

/// Refuses lists of more parts than fit.
fn parted(args: &ScalarFunctionArgs) -> Result<()> {
    const PART_BYTES: usize = 5;
    let [text, between, ..] = args.args.as_slice() else { return Ok(()) };
    if whole(text, args.number_rows) <= Room::LITTLE {
        return Ok(());
    }
    let (text, between) = (Argument::new(text)?, Argument::new(between)?);
    let mut total = 0_usize;
    for row in 0..args.number_rows.max(1) {
        let (Some(text), Some(between)) = (text.get(row), between.get(row)) else { continue };
        total = total.saturating_add(text.len()).saturating_add(PART_BYTES * text.matches(between).count());
        function::bounded_batch("split", total, &args.config_options)?;
    }
    Ok(())
}

/// Refuses texts that are put together beyond measure.
fn grown(name: &str, args: &ScalarFunctionArgs) -> Result<()> {
    let rows = args.number_rows.max(1);
    let mut sums = vec![0_usize; rows];
    let mut constant = 0_usize;
    for value in &args.args {
        match value {
            ColumnarValue::Scalar(scalar) => {
                let text = scalar.try_as_str().flatten().map_or(0, str::len);
                constant = constant.saturating_add(text);
            }
            ColumnarValue::Array(array) => {
                // What has no length is no text, and short.
                let Ok(lengths) = length(array).and_then(|lengths| cast(&lengths, &DataType::Int64)) else { continue };
                for (sum, length) in sums.iter_mut().zip(lengths.as_primitive::<Int64Type>()) {
                    *sum = sum.saturating_add(length.and_then(|length| usize::try_from(length).ok()).unwrap_or(0));
                }
            }
        }
    }
    let mut total = 0_usize;
    for sum in sums {
        let bytes = sum.saturating_add(constant);
        function::bounded(name, bytes)?;
        total = total.saturating_add(bytes);
    }
    function::bounded_batch(name, total, &args.config_options)
}

/// What a value takes in all rows, in bytes.
fn whole(value: &ColumnarValue, rows: usize) -> usize {
    match value {
        ColumnarValue::Scalar(scalar) => {
            constant_bytes(scalar).unwrap_or_else(|_| scalar.size()).saturating_mul(rows.max(1))
        }
        ColumnarValue::Array(array) => whole_bytes(array),
    }
}

/// How many elements a value counts for: a long text or a list is many.
fn weight(value: Option<&ColumnarValue>) -> i128 {
    const ELEMENT_BYTES: usize = 64;
    let bytes = match value {
        Some(ColumnarValue::Scalar(scalar)) => scalar.size(),
        Some(ColumnarValue::Array(array)) => array.get_array_memory_size() / array.len().max(1),
        None => 0,
    };
    (bytes / ELEMENT_BYTES).max(1) as i128
}

impl Bounded {
    /// Elements that a call would make.
    fn elements(&self, args: &ScalarFunctionArgs) -> i128 {
        let rows = args.number_rows;
        let argument = |index: usize| numbers(args.args.get(index), rows);
        let at = |values: &[Option<i64>], row: usize| {
            values.get(if values.len() == 1 { 0 } else { row }).copied().flatten().map(i128::from)
        };
        if matches!(self.inner.name(), "array_repeat" | "array_resize") {
            let counts = argument(1).unwrap_or_default();
            let copies: i128 = (0..rows.max(1)).filter_map(|row| at(&counts, row)).map(|count| count.max(0)).sum();
            return copies.saturating_mul(weight(args.args.first()));
        }
        let (first, second, step) = (argument(0), argument(1), argument(2));
        let (Some(first), step) = (first, step.unwrap_or_else(|| vec![Some(1)])) else { return 0 };
        // `range(5)` is from 0.
        let (from, to) = match second {
            Some(to) => (first, to),
            None => (vec![Some(0)], first),
        };
        let length = |row: usize| {
            let (from, to, step) = (at(&from, row)?, at(&to, row)?, at(&step, row)?);
            (step != 0).then(|| ((to - from) / step + 1).max(0))
        };
        (0..rows.max(1)).filter_map(length).sum()
    }
}

impl ScalarUDFImpl for Bounded {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn aliases(&self) -> &[String] {
        self.inner.aliases()
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        self.inner.inner().return_type(arg_types)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        self.inner.return_field_from_args(args)
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        self.inner.coerce_types(arg_types)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        match self.inner.name() {
            "replace" => {
                replaced(&args)?;
                return self.inner.invoke_with_args(args);
            }
            "string_to_array" => {
                parted(&args)?;
                return self.inner.invoke_with_args(args);
            }
            "concat" | "concat_ws" => {
                grown(self.name(), &args)?;
                return self.inner.invoke_with_args(args);
            }
            "array_concat" | "array_append" | "array_prepend" | "array_to_string" | "make_array" | "struct"
            | "named_struct" => {
                let bytes = args.args.iter().map(|value| whole(value, args.number_rows));
                let bytes = bytes.fold(0, usize::saturating_add);
                function::bounded_batch(self.name(), bytes, &args.config_options)?;
                return self.inner.invoke_with_args(args);
            }
            _ => {}
        }
        let elements = self.elements(&args);
        if elements > MAX_ELEMENTS {
            let reason = format!("{} would make {elements} elements; {MAX_ELEMENTS} is the most", self.name());
            return Err(function::beyond(reason));
        }
        self.inner.invoke_with_args(args)
    }
}
