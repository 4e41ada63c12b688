//! Conditions on coded texts, decided once a dictionary instead of once a batch.
//!
//! The engine compares all texts of a dictionary for each batch that has it, and then looks up each row's answer. Here
//! the answers are kept for as long as the dictionary stays, and where one text fits, or none, rows are told by their codes
//! alone. To whatever looks at a condition from outside (which pages can it be true of?) it is what it was before: that is
//! its snapshot. Knows expressions and codes, and nothing of events.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, DictionaryArray, Int32Array, RecordBatch, Scalar};
use arrow::buffer::BooleanBuffer;
use arrow::compute::kernels::cmp::eq;
use arrow::compute::take;
use arrow::datatypes::{DataType, Field, Int32Type, Schema};
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::common::{Result, internal_err};
use datafusion::functions::core::getfield::GetFieldFunc;
use datafusion::logical_expr::{ColumnarValue, Operator};
use datafusion::physical_expr::expressions::{BinaryExpr, Column, InListExpr, LikeExpr, Literal};
use datafusion::physical_expr::{PhysicalExpr, ScalarFunctionExpr};

use super::{coded_text, is_same};

/// The column, or field of one, that a condition compares with constants and asks nothing else.
pub(super) fn text_of(condition: &Arc<dyn PhysicalExpr>) -> Option<&Arc<dyn PhysicalExpr>> {
    let (text, others): (_, Vec<&Arc<dyn PhysicalExpr>>) = if let Some(binary) = condition.downcast_ref::<BinaryExpr>()
    {
        use Operator::{Eq, Gt, GtEq, Lt, LtEq, NotEq};
        if !matches!(binary.op(), Eq | NotEq | Lt | LtEq | Gt | GtEq) {
            return None;
        }
        match binary.left().is::<Literal>() {
            true => (binary.right(), vec![binary.left()]),
            false => (binary.left(), vec![binary.right()]),
        }
    } else if let Some(list) = condition.downcast_ref::<InListExpr>() {
        (list.expr(), list.list().iter().collect())
    } else {
        let like = condition.downcast_ref::<LikeExpr>()?;
        (like.expr(), vec![like.pattern()])
    };
    (place(text).is_some() && others.iter().all(|other| other.is::<Literal>())).then_some(text)
}

/// The names on the way to a column, or to a field of one.
pub(super) fn place(expr: &Arc<dyn PhysicalExpr>) -> Option<Vec<&str>> {
    if let Some(column) = expr.downcast_ref::<Column>() {
        return Some(vec![column.name()]);
    }
    let get = ScalarFunctionExpr::try_downcast_func::<GetFieldFunc>(expr.as_ref())?;
    let (from, names) = get.args().split_first()?;
    let mut path = place(from)?;
    for name in names {
        path.push(name.downcast_ref::<Literal>()?.value().try_as_str()??);
    }
    Some(path)
}

/// A condition on one coded text.
#[derive(Debug)]
pub(super) struct Decided {
    pub(super) condition: Arc<dyn PhysicalExpr>,
    text: Arc<dyn PhysicalExpr>,
    /// The condition on a column of texts alone.
    alone: Arc<dyn PhysicalExpr>,
    last: Mutex<Option<Arc<Answers>>>,
}

/// What a condition says of a dictionary.
#[derive(Debug)]
struct Answers {
    dictionary: ArrayRef,
    fits: Fits,
}

#[derive(Debug)]
enum Fits {
    /// No text.
    None,
    /// The text of this code.
    One(Scalar<Int32Array>),
    /// An answer a code.
    Some(BooleanArray),
    /// Not what can be told by codes: the condition is asked row by row.
    Unknown,
}

impl Decided {
    pub(super) fn new(condition: Arc<dyn PhysicalExpr>, text: Arc<dyn PhysicalExpr>) -> Result<Decided> {
        let column: Arc<dyn PhysicalExpr> = Arc::new(Column::new("text", 0));
        let alone = condition.clone().transform_down(|part| {
            Ok(if part.eq(&text) { Transformed::complete(column.clone()) } else { Transformed::no(part) })
        });
        Ok(Decided { condition, text, alone: alone.data()?, last: Mutex::default() })
    }

    /// What the condition says of a dictionary's texts.
    fn answers(&self, dictionary: &ArrayRef) -> Result<Arc<Answers>> {
        // What a thread left behind that gave up is whole: it is put there at once.
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(answers) = last.as_ref().filter(|answers| is_same(&answers.dictionary, dictionary)) {
            return Ok(answers.clone());
        }
        let fits = self.fits(dictionary)?;
        let answers = Arc::new(Answers { dictionary: dictionary.clone(), fits });
        *last = Some(answers.clone());
        Ok(answers)
    }

    fn fits(&self, dictionary: &ArrayRef) -> Result<Fits> {
        let Ok(texts) = i32::try_from(dictionary.len()) else { return Ok(Fits::Unknown) };
        // Each text once, and at the end none at all.
        let codes: Int32Array = (0..texts).map(Some).chain([None]).collect();
        let rows: ArrayRef = Arc::new(DictionaryArray::<Int32Type>::try_new(codes, dictionary.clone())?);
        let schema = Arc::new(Schema::new(vec![Field::new("text", coded_text(), true)]));
        let answers = self.alone.evaluate(&RecordBatch::try_new(schema, vec![rows])?)?;
        let answers = answers.into_array(dictionary.len() + 1)?;
        let Some(answers) = answers.as_boolean_opt() else {
            return internal_err!("a condition is no truth value: {}", answers.data_type());
        };
        // A row without text has no answer, and each text has one: so it is with comparisons.
        if answers.null_count() != 1 || answers.is_valid(dictionary.len()) {
            return Ok(Fits::Unknown);
        }
        let of_texts = answers.slice(0, dictionary.len());
        let mut fitting = of_texts.values().set_indices();
        Ok(match (fitting.next(), fitting.next()) {
            (None, _) => Fits::None,
            (Some(only), None) => {
                i32::try_from(only).map_or(Fits::Unknown, |code| Fits::One(Int32Array::new_scalar(code)))
            }
            _ => Fits::Some(BooleanArray::new(of_texts.values().clone(), None)),
        })
    }
}

impl PhysicalExpr for Decided {
    fn data_type(&self, schema: &Schema) -> Result<DataType> {
        self.condition.data_type(schema)
    }

    fn nullable(&self, schema: &Schema) -> Result<bool> {
        self.condition.nullable(schema)
    }

    fn evaluate(&self, batch: &RecordBatch) -> Result<ColumnarValue> {
        let texts = self.text.evaluate(batch)?.into_array(batch.num_rows())?;
        let Some(texts) = texts.as_dictionary_opt::<Int32Type>() else { return self.condition.evaluate(batch) };
        let codes = texts.keys();
        let rows: ArrayRef = match &self.answers(texts.values())?.fits {
            Fits::None => Arc::new(BooleanArray::new(BooleanBuffer::new_unset(codes.len()), codes.nulls().cloned())),
            Fits::One(code) => Arc::new(eq(codes, code)?),
            Fits::Some(answers) => take(answers, codes, None)?,
            Fits::Unknown => return self.condition.evaluate(batch),
        };
        Ok(ColumnarValue::Array(rows))
    }

    fn children(&self) -> Vec<&Arc<dyn PhysicalExpr>> {
        vec![&self.condition]
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn PhysicalExpr>>) -> Result<Arc<dyn PhysicalExpr>> {
        let Some(condition) = children.into_iter().next() else { return Ok(self) };
        match text_of(&condition).cloned() {
            Some(text) => Ok(Arc::new(Decided::new(condition, text)?)),
            None => Ok(condition),
        }
    }

    fn snapshot(&self) -> Result<Option<Arc<dyn PhysicalExpr>>> {
        Ok(Some(self.condition.clone()))
    }

    fn fmt_sql(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.condition.fmt_sql(f)
    }
}

impl fmt::Display for Decided {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.condition, f)
    }
}

impl PartialEq for Decided {
    fn eq(&self, other: &Self) -> bool {
        self.condition.eq(&other.condition)
    }
}

impl Eq for Decided {}

impl Hash for Decided {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.condition.hash(state);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use arrow::array::StringArray;
    use datafusion::common::ScalarValue;
    use datafusion::physical_expr::expressions::{binary, in_list, is_null, lit, not};

    use super::super::files::decided;
    use super::*;

    fn batch(codes: &[Option<i32>], texts: &[Option<&str>]) -> RecordBatch {
        let texts = Arc::new(StringArray::from(texts.to_vec()));
        let coded = DictionaryArray::<Int32Type>::try_new(Int32Array::from(codes.to_vec()), texts).unwrap();
        let schema = Schema::new(vec![Field::new("other", DataType::Int32, true), Field::new("t", coded_text(), true)]);
        let other = Arc::new(Int32Array::from_iter_values(0..codes.len() as i32));
        RecordBatch::try_new(Arc::new(schema), vec![other, Arc::new(coded)]).unwrap()
    }

    fn coded(text: &str) -> Arc<dyn PhysicalExpr> {
        lit(ScalarValue::Dictionary(Box::new(DataType::Int32), Box::new(ScalarValue::from(text))))
    }

    #[test]
    fn rows_are_told_as_one_by_one() {
        let batches = [
            batch(&[Some(0), Some(1), None, Some(2), Some(1)], &[Some("a"), Some("b"), Some("c")]),
            batch(&[Some(0), None, Some(1)], &[Some("x"), None]),
            batch(&[Some(1), Some(0), Some(1)], &[Some("b"), Some("b")]),
            batch(&[None, None], &[Some("b")]),
            batch(&[], &[]),
        ];
        let schema = batches[0].schema();
        let text = || Arc::new(Column::new("t", 1)) as Arc<dyn PhysicalExpr>;
        let compared = |op, other: &str| binary(text(), op, coded(other), &schema).unwrap();
        let nothing = lit(ScalarValue::Dictionary(Box::new(DataType::Int32), Box::new(ScalarValue::Utf8(None))));
        let both = binary(compared(Operator::NotEq, "a"), Operator::And, compared(Operator::Lt, "c"), &schema).unwrap();
        for (condition, ours) in [
            (compared(Operator::Eq, "b"), 1),
            (compared(Operator::Eq, "nowhere"), 1),
            (compared(Operator::NotEq, "b"), 1),
            (compared(Operator::GtEq, "b"), 1),
            (binary(coded("b"), Operator::Gt, text(), &schema).unwrap(), 1),
            (binary(text(), Operator::Eq, nothing, &schema).unwrap(), 1),
            (in_list(text(), vec![coded("a"), coded("c")], &false, &schema).unwrap(), 1),
            (in_list(text(), vec![coded("a"), coded("c")], &true, &schema).unwrap(), 1),
            (both.clone(), 2),
            (not(both).unwrap(), 2),
            (is_null(text()).unwrap(), 0),
            (binary(text(), Operator::Eq, text(), &schema).unwrap(), 0),
        ] {
            let decided = decided(condition.clone(), &schema).unwrap();
            assert_eq!(format!("{decided:?}").matches("Decided").count(), ours, "{decided:?}");
            // Twice: the second time the answers are known.
            for batch in batches.iter().chain(&batches) {
                let rows =
                    |expr: &Arc<dyn PhysicalExpr>| expr.evaluate(batch).unwrap().into_array(batch.num_rows()).unwrap();
                assert_eq!(&rows(&decided), &rows(&condition), "{condition} of {batch:?}");
            }
        }
    }

    /// Columns may come at other places, and what prunes files sees the condition itself.
    #[test]
    fn conditions_stay_what_they_are() {
        let batch = batch(&[Some(0), Some(1)], &[Some("a"), Some("b")]);
        let text = Arc::new(Column::new("t", 1)) as Arc<dyn PhysicalExpr>;
        let condition = binary(text, Operator::Eq, coded("b"), &batch.schema()).unwrap();
        let decided = decided(condition.clone(), &batch.schema()).unwrap();
        assert_eq!(&decided.snapshot().unwrap().unwrap(), &condition);
        assert_eq!(decided.to_string(), condition.to_string());
        let alone = batch.project(&[1]).unwrap();
        let moved = datafusion::physical_expr::utils::reassign_expr_columns(decided, &alone.schema()).unwrap();
        assert!(moved.is::<Decided>(), "{moved:?}");
        let rows = moved.evaluate(&alone).unwrap().into_array(2).unwrap();
        assert_eq!(rows.as_boolean(), &BooleanArray::from(vec![false, true]));
    }
}
