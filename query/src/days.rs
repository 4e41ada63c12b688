//! Which days of events a question can need, told before any log is opened: for sources whose names tell a day.
//!
//! Filters over the event's day, and over its time as far as the first and last moment of a day decide, are asked of every
//! day of a calendar. Knows filters and days, and nothing of files or their names.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BooleanArray, Date32Array, RecordBatch, TimestampMicrosecondArray, UInt64Array};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::catalog::Session;
use datafusion::common::pruning::PruningStatistics;
use datafusion::common::tree_node::TreeNode;
use datafusion::common::{Column, DFSchema, Result, ScalarValue, exec_datafusion_err};
use datafusion::logical_expr::Expr;
use datafusion::logical_expr::utils::conjunction;
use datafusion::physical_optimizer::pruning::PruningPredicateBuilder;

/// The event's day.
pub(crate) const DAY: &str = "event_date";
/// The event's time.
pub(crate) const TIME: &str = "eventtime";

const MICROS_A_DAY: i64 = 86_400_000_000;
/// 2006-01-01, before there was a log, and 2100-01-01. Days beyond are always needed.
const FIRST: i32 = 13_149;
const LAST: i32 = 47_482;
const DAYS: usize = (LAST - FIRST + 1) as usize;
/// So many days after an event it may still be delivered, and so many before, by a clock that is wrong.
const LATE: i32 = 31;
const EARLY: i32 = 1;

/// Days that a question can need.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Days(Option<Vec<bool>>);

impl Days {
    /// Every day.
    pub fn all() -> Days {
        Days(None)
    }

    /// Whether all days are needed.
    pub fn are_all(&self) -> bool {
        self.0.is_none()
    }

    /// Whether what was delivered on a day, counted from 1970-01-01, can hold events that are needed. An event is delivered
    /// on its day or later; 31 days are allowed for.
    pub fn of_delivery(&self, day: i32) -> bool {
        (day.saturating_sub(LATE)..=day.saturating_add(EARLY)).any(|day| self.has(day))
    }

    fn has(&self, day: i32) -> bool {
        let Some(days) = &self.0 else { return true };
        usize::try_from(i64::from(day) - i64::from(FIRST)).ok().and_then(|place| days.get(place)).is_none_or(|day| *day)
    }

    /// The days that filters leave.
    ///
    /// # Errors
    /// A filter that is no truth value.
    pub(crate) fn of(filters: &[Expr], schema: &SchemaRef, state: &dyn Session) -> Result<Days> {
        let (by_day, others): (Vec<_>, Vec<_>) = filters.iter().cloned().partition(only_about_days);
        let by_time: Vec<_> = others.into_iter().filter(is_about_time).collect();
        if by_day.is_empty() && by_time.is_empty() {
            return Ok(Days::all());
        }
        let mut days = vec![true; DAYS];
        if let Some(filter) = conjunction(by_day) {
            let schema: SchemaRef = Arc::new(Schema::new(vec![Field::new(DAY, DataType::Date32, true)]));
            let filter = state.create_physical_expr(filter, &DFSchema::try_from(schema.clone())?)?;
            let rows = RecordBatch::try_new(schema, vec![Calendar::days()])?;
            let fits = filter.evaluate(&rows)?.into_array(days.len())?;
            let fits =
                fits.as_boolean_opt().ok_or_else(|| exec_datafusion_err!("a filter about {DAY} is no truth value"))?;
            days.iter_mut().zip(fits.iter()).for_each(|(day, fits)| *day &= fits == Some(true));
        }
        if let Some(filter) = conjunction(by_time)
            // What cannot be decided here is filtered later.
            && let Ok(filter) = state.create_physical_expr(filter, &DFSchema::try_from(schema.clone())?)
            && let Some(predicate) = PruningPredicateBuilder::new().with_file_schema(schema.clone()).build(filter)
            && let Ok(keep) = predicate.prune(&Calendar)
        {
            days.iter_mut().zip(keep).for_each(|(day, keep)| *day &= keep);
        }
        Ok(Days(Some(days)))
    }
}

/// Whether a filter is about the event's day and nothing else, so that a day decides it.
pub(crate) fn only_about_days(filter: &Expr) -> bool {
    let columns = filter.column_refs();
    let beyond = |expr: &Expr| {
        matches!(
            expr,
            Expr::ScalarSubquery(_)
                | Expr::InSubquery(_)
                | Expr::Exists(_)
                | Expr::SetComparison(_)
                | Expr::OuterReferenceColumn(..)
                | Expr::Placeholder(_)
        )
    };
    !columns.is_empty()
        && columns.iter().all(|column| column.name == DAY)
        && !filter.is_volatile()
        && !filter.exists(|expr| Ok(beyond(expr))).unwrap_or(true)
}

/// Whether a filter is about day or time, among other things.
pub(crate) fn is_about_time(filter: &Expr) -> bool {
    filter.column_refs().iter().any(|column| column.name == DAY || column.name == TIME)
}

/// Days, as containers of rows that may be passed over.
struct Calendar;

impl Calendar {
    fn days() -> ArrayRef {
        Arc::new((FIRST..=LAST).map(Some).collect::<Date32Array>())
    }

    /// The first moment of each day, or so many microseconds after it.
    fn times(after: i64) -> ArrayRef {
        let times = (FIRST..=LAST).map(|day| Some(i64::from(day) * MICROS_A_DAY + after));
        Arc::new(times.collect::<TimestampMicrosecondArray>().with_timezone("UTC"))
    }
}

impl PruningStatistics for Calendar {
    fn min_values(&self, column: &Column) -> Option<ArrayRef> {
        match column.name.as_str() {
            DAY => Some(Calendar::days()),
            TIME => Some(Calendar::times(0)),
            _ => None,
        }
    }

    fn max_values(&self, column: &Column) -> Option<ArrayRef> {
        match column.name.as_str() {
            DAY => Some(Calendar::days()),
            TIME => Some(Calendar::times(MICROS_A_DAY - 1)),
            _ => None,
        }
    }

    fn num_containers(&self) -> usize {
        DAYS
    }

    fn null_counts(&self, _column: &Column) -> Option<ArrayRef> {
        None
    }

    fn row_counts(&self) -> Option<ArrayRef> {
        Some(Arc::new((FIRST..=LAST).map(|_| Some(1)).collect::<UInt64Array>()))
    }

    fn contained(&self, _column: &Column, _values: &std::collections::HashSet<ScalarValue>) -> Option<BooleanArray> {
        None
    }
}
