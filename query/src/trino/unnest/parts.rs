//! An `UNNEST` taken apart: its lists, the columns that they become, and which of them have rows for elements.

use datafusion::sql::sqlparser::ast::{Expr, Ident, SelectItem, TableFactor};

use super::ROWS;
use crate::trino::forms::filled;
use crate::trino::rewrite::{call, literal};

/// An `UNNEST`, taken apart.
pub(super) struct Parts {
    /// Expressions whose elements are rows, and the columns that they are put in.
    pub(super) lists: Vec<(Expr, Ident)>,
    /// Columns whose values are rows, with the names of their fields.
    pub(super) rows: Vec<(Ident, Vec<Ident>)>,
    /// All columns, in the order of the alias.
    pub(super) columns: Vec<Ident>,
}

impl Parts {
    /// Takes one apart; `number` tells its own names from those of others.
    pub(super) fn of(unnest: &TableFactor, number: usize) -> Option<Parts> {
        let TableFactor::UNNEST { alias, array_exprs, with_offset: false, with_ordinality, .. } = unnest else {
            return None;
        };
        let given: Vec<Ident> = alias.iter().flat_map(|a| a.columns.iter().map(|column| column.name.clone())).collect();
        let values = given.len().saturating_sub(usize::from(*with_ordinality));
        let width = match array_exprs.len() {
            1 => values.max(1),
            many if values == many * 2 => 2,
            _ => 1,
        };
        let unnamed = alias.as_ref().map(|alias| alias.name.clone());
        let column = |index: usize| match (given.get(index), &unnamed, index) {
            (Some(name), ..) => name.clone(),
            (None, Some(alias), 0) => alias.clone(),
            _ => Ident::new(format!("unnest_{number}_{index}")),
        };
        let mut parts = Parts { lists: Vec::new(), rows: Vec::new(), columns: Vec::new() };
        for (index, list) in array_exprs.iter().enumerate() {
            if width == 1 {
                parts.lists.push((list.clone(), column(index)));
                parts.columns.push(column(index));
                continue;
            }
            let whole = Ident::new(format!("unnest_{number}_rows_{index}"));
            let fields: Vec<_> = (0..width).map(|field| column(index * width + field)).collect();
            parts.columns.extend(fields.iter().cloned());
            parts.lists.push((call(ROWS, vec![list.clone()]), whole.clone()));
            parts.rows.push((whole, fields));
        }
        if *with_ordinality {
            let mut lengths = array_exprs.iter().map(|list| call("cardinality", vec![list.clone()]));
            let length = if array_exprs.len() == 1 { lengths.next()? } else { call("greatest", lengths.collect()) };
            let numbers = filled("generate_series(1, CAST($1 AS BIGINT))", &[length])?;
            let name = column(parts.columns.len());
            parts.lists.push((numbers, name.clone()));
            parts.columns.push(name);
        }
        Some(parts)
    }

    /// The columns as items of a select list; a row without elements stays if `keeps`.
    pub(super) fn items(&self, keeps: bool) -> Option<Vec<SelectItem>> {
        // A list of one null makes one row.
        const KEEPS: &str = "CASE WHEN cardinality($1) > 0 THEN $1 ELSE make_array(NULL) END";
        let item = |(list, alias): &(Expr, Ident)| {
            let list = if keeps { filled(KEEPS, std::slice::from_ref(list))? } else { list.clone() };
            Some(SelectItem::ExprWithAlias { expr: call("unnest", vec![list]), alias: alias.clone() })
        };
        self.lists.iter().map(item).collect()
    }

    /// The fields of rows as columns.
    pub(super) fn fields(&self) -> Vec<SelectItem> {
        let field = |whole: &Ident, place: usize, alias: &Ident| SelectItem::ExprWithAlias {
            expr: call("get_field", vec![Expr::Identifier(whole.clone()), literal(format!("c{place}"))]),
            alias: alias.clone(),
        };
        let of_rows = |(whole, fields): &(Ident, Vec<Ident>)| -> Vec<SelectItem> {
            fields.iter().enumerate().map(|(place, alias)| field(whole, place, alias)).collect()
        };
        self.rows.iter().flat_map(of_rows).collect()
    }
}
