//! Files of an older event table in a scan: what such a file lacks is taken from its `extra` ([`ingest::older`]).
//!
//! The engine rewrites a question's expressions for each file that has not the table's columns, and would put nulls
//! where a column is not there. Here a reading of `extra` is put there instead, before the engine does the rest. It
//! asks for no other column than `extra` wherever it can, because the engine drops a filter on a whole struct without a
//! word. Files that have every column are not touched.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, new_null_array};
use arrow::compute::{cast, is_null, nullif};
use arrow::datatypes::{DataType, Schema, SchemaRef};
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::common::{DataFusionError, Result};
use datafusion::functions::core::getfield::GetFieldFunc;
use datafusion::logical_expr::ColumnarValue;
use datafusion::physical_expr::expressions::{Column, Literal};
use datafusion::physical_expr::{PhysicalExpr, ScalarFunctionExpr};
use datafusion::physical_expr_adapter::{
    DefaultPhysicalExprAdapterFactory, PhysicalExprAdapter, PhysicalExprAdapterFactory,
};
use ingest::older::{Older, type_of};

const EXTRA: &str = "extra";

/// Makes the rewriters for the files of `events`.
#[derive(Debug)]
pub(super) struct OlderFiles;

impl PhysicalExprAdapterFactory for OlderFiles {
    fn create(&self, table: SchemaRef, file: SchemaRef) -> Result<Arc<dyn PhysicalExprAdapter>> {
        let engine = DefaultPhysicalExprAdapterFactory.create(table.clone(), file.clone())?;
        Ok(match Older::new(file.fields()) {
            Some(older) => Arc::new(OlderFile { older: Arc::new(older), table, file, engine }),
            None => engine,
        })
    }
}

/// A file that lacks columns, or fields of columns.
#[derive(Debug)]
struct OlderFile {
    older: Arc<Older>,
    table: SchemaRef,
    file: SchemaRef,
    engine: Arc<dyn PhysicalExprAdapter>,
}

impl PhysicalExprAdapter for OlderFile {
    fn rewrite(&self, expr: Arc<dyn PhysicalExpr>) -> Result<Arc<dyn PhysicalExpr>> {
        let ours = expr.transform_down(|expr| {
            Ok(match self.replacement(&expr) {
                Replacement::With(new) => Transformed::new(new, true, TreeNodeRecursion::Jump),
                Replacement::Whole => Transformed::new(expr, false, TreeNodeRecursion::Jump),
                Replacement::Parts => Transformed::no(expr),
            })
        });
        self.engine.rewrite(ours.data()?)
    }
}

/// What becomes of an expression.
enum Replacement {
    /// Another stands for it.
    With(Arc<dyn PhysicalExpr>),
    /// It stays, and all that is in it.
    Whole,
    /// It stays; what is in it is looked at.
    Parts,
}

impl OlderFile {
    fn replacement(&self, expr: &Arc<dyn PhysicalExpr>) -> Replacement {
        let Some((column, path)) = place(expr) else { return Replacement::Parts };
        if !self.older.changes(column.name()) {
            return Replacement::Whole;
        }
        let type_in = |schema: &SchemaRef| schema.field_with_name(column.name()).ok().map(|f| f.data_type().clone());
        let (today, here) = (type_in(&self.table), type_in(&self.file));
        let Some(wanted) = today.as_ref().and_then(|today| inside(today, &path)) else { return Replacement::Parts };
        let with = |column: Option<Column>, name: &str, path: Vec<String>| {
            let column = column.map(|column| Arc::new(column) as Arc<dyn PhysicalExpr>);
            let (older, name, kind) = (self.older.clone(), name.to_owned(), wanted.clone());
            Replacement::With(Arc::new(FromExtra { older, name, path, kind, extra: self.extra(), column }))
        };
        let name = column.name().to_owned();
        match here.as_ref().and_then(|here| inside(here, &path)) {
            // If the record had it, `extra` has it with all that is around it.
            None => with(None, &name, path),
            Some(_) if name == EXTRA => with(None, &name, path),
            Some(_) if path.is_empty() => with(Some(column), &name, path),
            // Its struct is looked at next.
            Some(here) if lacks(here, wanted) => Replacement::Parts,
            // What the file has is read from the file alone.
            Some(_) => Replacement::Whole,
        }
    }

    fn extra(&self) -> Arc<dyn PhysicalExpr> {
        let at = self.table.index_of(EXTRA).unwrap_or_default();
        Arc::new(Column::new(EXTRA, at))
    }
}

/// The column, and the path of fields in it, that an expression reads.
fn place(expr: &Arc<dyn PhysicalExpr>) -> Option<(Column, Vec<String>)> {
    if let Some(column) = expr.downcast_ref::<Column>() {
        return Some((column.clone(), Vec::new()));
    }
    let get = ScalarFunctionExpr::try_downcast_func::<GetFieldFunc>(expr.as_ref())?;
    let (from, names) = get.args().split_first()?;
    let (column, mut path) = place(from)?;
    for name in names {
        path.push(name.downcast_ref::<Literal>()?.value().try_as_str()??.to_owned());
    }
    Some((column, path))
}

/// The type at a path within a type.
fn inside<'a>(kind: &'a DataType, path: &[String]) -> Option<&'a DataType> {
    let Some((name, rest)) = path.split_first() else { return Some(kind) };
    let DataType::Struct(fields) = kind else { return None };
    inside(fields.find(name)?.1.data_type(), rest)
}

/// Whether a type lacks a field of another.
fn lacks(has: &DataType, wanted: &DataType) -> bool {
    match (has, wanted) {
        (DataType::Struct(has), DataType::Struct(wanted)) => wanted.iter().any(|field| match has.find(field.name()) {
            Some((_, has)) => lacks(has.data_type(), field.data_type()),
            None => true,
        }),
        (DataType::List(has), DataType::List(wanted)) => lacks(has.data_type(), wanted.data_type()),
        _ => false,
    }
}

/// A column, or a field of one, as today's table has it, of a file that lacks it or a part of it.
#[derive(Debug, Clone)]
struct FromExtra {
    older: Arc<Older>,
    /// The column.
    name: String,
    /// Fields on the way from the column to the value.
    path: Vec<String>,
    kind: DataType,
    extra: Arc<dyn PhysicalExpr>,
    /// The column as the file has it; for a field that the file lacks nothing of it is needed.
    column: Option<Arc<dyn PhysicalExpr>>,
}

impl FromExtra {
    fn array(&self, batch: &RecordBatch) -> Result<ArrayRef> {
        let rows = batch.num_rows();
        let extra = self.extra.evaluate(batch)?.into_array(rows)?;
        let today = type_of(&self.name).ok_or_else(|| {
            DataFusionError::Internal(format!("{} is no column of the event table; please report this", self.name))
        })?;
        let column = match &self.column {
            Some(column) => cast(&column.evaluate(batch)?.into_array(rows)?, &today)?,
            None => new_null_array(&today, rows),
        };
        let mut value = self.older.fill(&self.name, &column, &extra)?;
        for name in &self.path {
            let part = value.as_struct_opt().and_then(|parts| parts.column_by_name(name)).cloned();
            let Some(part) = part else { return Ok(new_null_array(&self.kind, rows)) };
            value = if value.null_count() > 0 { nullif(&part, &is_null(&value)?)? } else { part };
        }
        Ok(if value.data_type() == &self.kind { value } else { cast(&value, &self.kind)? })
    }
}

impl PhysicalExpr for FromExtra {
    fn data_type(&self, _: &Schema) -> Result<DataType> {
        Ok(self.kind.clone())
    }

    fn nullable(&self, _: &Schema) -> Result<bool> {
        Ok(true)
    }

    fn evaluate(&self, batch: &RecordBatch) -> Result<ColumnarValue> {
        Ok(ColumnarValue::Array(self.array(batch)?))
    }

    fn children(&self) -> Vec<&Arc<dyn PhysicalExpr>> {
        std::iter::once(&self.extra).chain(&self.column).collect()
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn PhysicalExpr>>) -> Result<Arc<dyn PhysicalExpr>> {
        let mut children = children.into_iter();
        let Some(extra) = children.next() else { return Ok(self) };
        Ok(Arc::new(FromExtra { extra, column: children.next(), ..FromExtra::clone(&self) }))
    }

    fn fmt_sql(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for FromExtra {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "from_extra({}", self.name)?;
        self.path.iter().try_for_each(|name| write!(f, ".{name}"))?;
        f.write_str(")")
    }
}

// By hand: a derived comparison would move the expressions.
impl PartialEq for FromExtra {
    fn eq(&self, other: &Self) -> bool {
        self.older == other.older
            && self.name == other.name
            && self.path == other.path
            && self.kind == other.kind
            && self.extra.eq(&other.extra)
            && self.column.eq(&other.column)
    }
}

impl Eq for FromExtra {}

impl Hash for FromExtra {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
        self.path.hash(state);
        self.extra.hash(state);
        self.column.hash(state);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use ingest::older::narrowed;
    use ingest::schema::event_schema;

    use super::*;

    #[test]
    fn only_files_that_lack_something_pay() {
        let today = event_schema();
        let same = OlderFiles.create(today.clone(), today.clone()).unwrap();
        assert!(format!("{same:?}").starts_with("DefaultPhysicalExprAdapter"), "{same:?}");
        let older = narrowed(&crate::tests::batch(), &["tlsdetails.keyexchange"]).unwrap();
        let lacking = OlderFiles.create(today, older.schema()).unwrap();
        assert!(format!("{lacking:?}").starts_with("OlderFile "), "{lacking:?}");
    }
}
