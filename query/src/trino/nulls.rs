//! The engine's functions that pass over NULL where Trino's answer is NULL: what is not known is not said to be false.
//!
//! Source: Trino documentation, "Array functions and operators" and "Comparison functions and operators".

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, ListArray, UInt64Array};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::compute::{nullif, take};
use arrow::datatypes::{DataType, FieldRef};
use datafusion::common::{Result, ScalarValue};
use datafusion::functions::core;
use datafusion::functions_nested::array_has::{array_has_any_udf, array_has_udf};
use datafusion::functions_nested::min_max::{array_max_udf, array_min_udf};
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
};

use super::elements::Held;

/// Where a value is NULL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Unknown {
    /// Where an argument is NULL.
    Argument,
    /// Where a list has a NULL among its elements.
    Element,
    /// Where it would be false and a list has a NULL among its elements.
    Unfound,
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Nulls {
    inner: Arc<ScalarUDF>,
    unknown: Unknown,
}

/// The functions, as the engine takes them.
pub(super) fn functions() -> impl Iterator<Item = ScalarUDF> {
    let made = |inner, unknown| ScalarUDF::from(Nulls { inner, unknown });
    [
        made(core::greatest(), Unknown::Argument),
        made(core::least(), Unknown::Argument),
        made(array_max_udf(), Unknown::Element),
        made(array_min_udf(), Unknown::Element),
        made(array_has_any_udf(), Unknown::Unfound),
    ]
    .into_iter()
}

/// Whether a list has a value; NULL where it has not, but has a NULL.
pub(super) fn contains(args: ScalarFunctionArgs) -> Result<ColumnarValue> {
    Nulls { inner: array_has_udf(), unknown: Unknown::Unfound }.invoke_with_args(args)
}

/// Which rows have a NULL among their elements; `None` where none has.
fn with_null(array: &ArrayRef) -> Option<Vec<bool>> {
    let list = array.as_list_opt::<i32>()?;
    let nulls = list.values().logical_nulls().filter(|nulls| nulls.null_count() > 0)?;
    let has_null = |span: &[i32]| match span {
        [from, to] => (*from..*to).any(|at| usize::try_from(at).is_ok_and(|at| nulls.is_null(at))),
        _ => false,
    };
    Some(list.value_offsets().windows(2).map(has_null).collect())
}

/// Lists without their NULLs.
fn without_null(list: &ListArray) -> Result<ArrayRef> {
    let (mut kept, mut lengths) = (Vec::new(), Vec::with_capacity(list.len()));
    let nulls = list.values().logical_nulls();
    for span in list.value_offsets().windows(2) {
        let before = kept.len();
        let [from, to] = span else { continue };
        let there = |at: &usize| nulls.as_ref().is_none_or(|nulls| nulls.is_valid(*at));
        kept.extend((*from..*to).filter_map(|at| usize::try_from(at).ok()).filter(there).map(|at| at as u64));
        lengths.push(kept.len() - before);
    }
    let DataType::List(field) = list.data_type() else { return Ok(Arc::new(list.clone())) };
    let values = take(list.values(), &UInt64Array::from(kept), None)?;
    let offsets = OffsetBuffer::from_lengths(lengths);
    Ok(Arc::new(ListArray::try_new(field.clone(), offsets, values, list.nulls().cloned())?))
}

impl Nulls {
    /// The rows that are NULL whatever the engine says, or where it says no.
    fn unknown_rows(&self, args: &[ArrayRef], rows: usize) -> Option<BooleanArray> {
        let mut unknown = vec![false; rows];
        for array in args {
            let own: Option<Vec<bool>> = match self.unknown {
                Unknown::Argument => {
                    array.logical_nulls().map(|nulls: NullBuffer| nulls.iter().map(|valid| !valid).collect())
                }
                Unknown::Element | Unknown::Unfound => with_null(array),
            };
            for (sum, own) in unknown.iter_mut().zip(own.into_iter().flatten()) {
                *sum |= own;
            }
        }
        unknown.contains(&true).then(|| BooleanArray::from(unknown))
    }
}

impl ScalarUDFImpl for Nulls {
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
        Ok(Arc::new(self.inner.return_field_from_args(args)?.as_ref().clone().with_nullable(true)))
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        self.inner.coerce_types(arg_types)
    }

    fn invoke_with_args(&self, mut args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let constant = args.args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        let rows = if constant { 1 } else { args.number_rows };
        let mut held = Held::new("a comparison with a constant list", &args.config_options);
        let arrays = args.args.iter().map(|arg| held.spread(arg, rows)).collect::<Result<Vec<_>>>()?;
        let Some(unknown) = self.unknown_rows(&arrays, rows) else { return self.inner.invoke_with_args(args) };
        let mut said_no = unknown.clone();
        if self.unknown == Unknown::Unfound {
            // Not even NULL and NULL are the same.
            for (arg, array) in args.args.iter_mut().zip(&arrays) {
                if let Some(list) = array.as_list_opt::<i32>() {
                    *arg = ColumnarValue::Array(without_null(list)?);
                }
            }
            args.number_rows = rows;
        }
        let made = self.inner.invoke_with_args(args)?.into_array(rows)?;
        if self.unknown == Unknown::Unfound {
            let found = made.as_boolean();
            let unfound = |row: usize| unknown.value(row) && !(found.is_valid(row) && found.value(row));
            said_no = (0..rows).map(|row| Some(unfound(row))).collect();
        }
        let made = nullif(&made, &said_no)?;
        Ok(match constant {
            true => ColumnarValue::Scalar(ScalarValue::try_from_array(&made, 0)?),
            false => ColumnarValue::Array(made),
        })
    }
}
