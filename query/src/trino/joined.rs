//! `a || b`: texts or lists one after the other, within the bounds that all functions have.
//!
//! The engine's operator would make a text of any length. Source: Trino documentation, "String functions and operators".

use std::sync::Arc;

use arrow::array::{ArrayRef, StringBuilder};
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::{Result, plan_err};
use datafusion::functions_nested::concat::{array_append_udf, array_concat_udf, array_prepend_udf};
use datafusion::logical_expr::type_coercion::functions::fields_with_udf;
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use super::bounded;
use super::function::{self, answer, arguments};

/// What `||` becomes.
pub(super) const NAME: &str = "joined";

#[derive(Debug, PartialEq, Eq, Hash)]
struct Joined {
    signature: Signature,
}

/// The function, as the engine takes it.
pub(super) fn function() -> ScalarUDF {
    ScalarUDF::from(Joined { signature: Signature::user_defined(Volatility::Immutable) })
}

/// The engine's function for lists; `None` for texts.
fn of_lists(types: &[DataType]) -> Option<ScalarUDF> {
    let list = |place: usize| matches!(types.get(place), Some(DataType::List(_) | DataType::LargeList(_)));
    let inner = match (list(0), list(1)) {
        (true, true) => array_concat_udf(),
        (true, false) => array_append_udf(),
        (false, true) => array_prepend_udf(),
        (false, false) => return None,
    };
    Some(bounded::bounded(inner))
}

impl ScalarUDFImpl for Joined {
    fn name(&self) -> &str {
        NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        plan_err!("{NAME} needs to see its arguments")
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        let types: Vec<_> = args.arg_fields.iter().map(|field| field.data_type().clone()).collect();
        match of_lists(&types) {
            Some(inner) => inner.return_field_from_args(args),
            None => Ok(Arc::new(Field::new(NAME, DataType::Utf8, true))),
        }
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        if let Some(inner) = of_lists(arg_types) {
            let fields: Vec<FieldRef> =
                arg_types.iter().map(|given| Arc::new(Field::new("x", given.clone(), true))).collect();
            return Ok(fields_with_udf(&fields, &inner)?.iter().map(|field| field.data_type().clone()).collect());
        }
        match arg_types.iter().find(|given| given.is_nested() || given.is_binary()) {
            Some(other) => plan_err!("|| puts texts or lists together, not {other}"),
            None => Ok(vec![DataType::Utf8; arg_types.len()]),
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let types: Vec<_> = args.args.iter().map(ColumnarValue::data_type).collect();
        if let Some(inner) = of_lists(&types) {
            return inner.invoke_with_args(args);
        }
        let (texts, rows, constant) = arguments(&args)?;
        let mut out = StringBuilder::new();
        let mut line = String::new();
        for row in 0..rows {
            line.clear();
            let parts = || texts.iter().map_while(|text| text.get(row));
            if parts().count() < texts.len() {
                out.append_null();
                continue;
            }
            let bytes = parts().map(str::len).fold(0, usize::saturating_add);
            function::bounded("||", bytes)?;
            function::bounded_batch("||", out.values_slice().len().saturating_add(bytes), &args.config_options)?;
            line.extend(parts());
            out.append_value(&line);
        }
        let array: ArrayRef = Arc::new(out.finish());
        answer(array, constant)
    }
}
