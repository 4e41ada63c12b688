//! Names of an answer's columns: what the query says, else the last part of a path, else the text of the expression.
//!
//! `arn` for `userIdentity.arn`, as in Athena; `count(*)` for `COUNT(*)`; and a number behind a name that is there already,
//! because the engine refuses an answer with two columns of one name (`SELECT *, eventname`), which Athena and CloudTrail
//! Lake do not. Works on the syntax tree, before names are resolved.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    Expr, Function, Ident, ObjectNamePart, Select, SelectItem, SelectItemQualifiedWildcardKind, TableFactor,
    WildcardAdditionalOptions, visit_expressions,
};

use crate::grammar::TYPE;
use crate::names::holds_fields;

/// Longest text of an expression that is a column's name; longer ones are `_col3`, as in Athena.
const MAX_NAME: usize = 100;

/// Names every unnamed item of a select list, and tells equal names apart. `elements` are the columns that an `UNNEST` makes,
/// which may hold fields. Gives the expressions that were named, with their names.
pub(crate) fn name(select: &mut Select, elements: &BTreeSet<String>) -> Vec<(Expr, Ident)> {
    let stars = Stars::of(&select.projection);
    let paths = &Paths { tables: tables(select), elements };
    // A field gives way to a column that has the name without our help.
    let given: BTreeSet<String> = select.projection.iter().filter_map(|item| plain_name(item, paths)).collect();
    let mut taken = BTreeSet::new();
    let mut named = Vec::new();
    for (index, item) in select.projection.iter_mut().enumerate() {
        match item {
            SelectItem::ExprWithAlias { alias, .. } => {
                let name = alias_name(alias);
                if !taken.insert(name.clone()) {
                    *alias = free(&name, &given, &mut taken);
                }
            }
            SelectItem::UnnamedExpr(expr) => {
                let Some(alias) = wanted(expr, index, paths, &stars, &given, &mut taken) else { continue };
                named.push((expr.clone(), alias.clone()));
                *item = SelectItem::ExprWithAlias { expr: expr.clone(), alias };
            }
            _ => {}
        }
    }
    named
}

/// An expression's text without the word that types with brackets are carried in.
fn as_written(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(TYPE) {
        out.push_str(before);
        let mut depth = 0;
        let end = after.char_indices().find(|(_, letter)| {
            depth += i32::from(*letter == '(') - i32::from(*letter == ')');
            depth == 0
        });
        let inner = end.and_then(|(end, _)| Some((after.get(..end)?.strip_prefix('(')?, after.get(end + 1..)?)));
        let Some((inner, after)) = inner else { return text.to_owned() };
        out.push_str(inner);
        rest = after;
    }
    out + rest
}

/// The name that an unnamed item gets; `None` where it has a good one.
fn wanted(
    expr: &Expr,
    index: usize,
    paths: &Paths<'_>,
    stars: &Stars,
    given: &BTreeSet<String>,
    taken: &mut BTreeSet<String>,
) -> Option<Ident> {
    if let Some((parent, field)) = field_name(expr, paths) {
        let name = [field.clone(), format!("{parent}_{field}")]
            .into_iter()
            .find(|name| !given.contains(name) && !taken.contains(name));
        return Some(match name {
            Some(name) => {
                taken.insert(name.clone());
                Ident::with_quote('"', name)
            }
            None => free(&field, given, taken),
        });
    }
    if let Some(column) = column(expr) {
        let fresh = taken.insert(column.clone());
        return (!fresh || stars.hold(expr)).then(|| free(&column, given, taken));
    }
    // What the engine makes several columns of has several names.
    if spreads(expr) {
        return None;
    }
    let text = as_written(&expr.to_string());
    let text = if text.contains(['\'', '"']) { text } else { text.to_ascii_lowercase() };
    let name = if text.len() > MAX_NAME { format!("_col{index}") } else { text };
    let fresh = !given.contains(&name) && taken.insert(name.clone());
    Some(if fresh { Ident::with_quote('"', name) } else { free(&name, given, taken) })
}

/// `name_2`, or the next number that is free.
fn free(name: &str, given: &BTreeSet<String>, taken: &mut BTreeSet<String>) -> Ident {
    let mut number = 2_usize;
    loop {
        let name = format!("{name}_{number}");
        if !given.contains(&name) && taken.insert(name.clone()) {
            return Ident::with_quote('"', name);
        }
        number += 1;
    }
}

/// The stars of a select list.
struct Stars {
    all: bool,
    tables: Vec<String>,
}

impl Stars {
    fn of(items: &[SelectItem]) -> Stars {
        let mut stars = Stars { all: false, tables: Vec::new() };
        for item in items {
            match item {
                SelectItem::Wildcard(options) => stars.all |= is_whole(options),
                SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), options)
                    if is_whole(options) =>
                {
                    if let Some(ObjectNamePart::Identifier(ident)) = name.0.last() {
                        stars.tables.push(ident.value.to_ascii_lowercase());
                    }
                }
                _ => {}
            }
        }
        stars
    }

    /// Whether a star stands for this column too.
    fn hold(&self, column: &Expr) -> bool {
        let of_table = |idents: &[Ident]| {
            let table = idents.len().checked_sub(2).and_then(|place| idents.get(place));
            table.is_some_and(|table| self.tables.contains(&table.value.to_ascii_lowercase()))
        };
        self.all || matches!(column, Expr::CompoundIdentifier(idents) if of_table(idents))
    }
}

fn is_whole(options: &WildcardAdditionalOptions) -> bool {
    options.opt_exclude.is_none() && options.opt_except.is_none() && options.opt_rename.is_none()
}

/// Whether two expressions are the same, paths in any case.
pub(crate) fn same(a: &Expr, b: &Expr) -> bool {
    if a == b {
        return true;
    }
    let (Expr::CompoundIdentifier(a), Expr::CompoundIdentifier(b)) = (a, b) else { return false };
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.value.eq_ignore_ascii_case(&b.value))
}

fn alias_name(alias: &Ident) -> String {
    if alias.quote_style.is_some() { alias.value.clone() } else { alias.value.to_ascii_lowercase() }
}

/// The name that an item of a select list has without our help.
fn plain_name(item: &SelectItem, paths: &Paths<'_>) -> Option<String> {
    match item {
        SelectItem::ExprWithAlias { alias, .. } => Some(alias_name(alias)),
        SelectItem::UnnamedExpr(expr) if field_name(expr, paths).is_none() => column(expr),
        _ => None,
    }
}

fn column(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Identifier(ident) => Some(ident.value.to_ascii_lowercase()),
        Expr::CompoundIdentifier(idents) => idents.last().map(|ident| ident.value.to_ascii_lowercase()),
        _ => None,
    }
}

/// What paths go through.
struct Paths<'a> {
    /// Names of what is selected from, lower case, with those of its databases.
    tables: BTreeSet<String>,
    /// Columns of an `UNNEST`.
    elements: &'a BTreeSet<String>,
}

impl Paths<'_> {
    /// Whether a part of a path holds fields: it is no table.
    fn hold(&self, part: &str) -> bool {
        let lower = part.to_ascii_lowercase();
        holds_fields(part) || self.elements.contains(&lower) || !self.tables.contains(&lower)
    }
}

/// Names of what a SELECT reads.
fn tables(select: &Select) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut add = |name: &Ident| {
        names.insert(name.value.to_ascii_lowercase());
    };
    for table in &select.from {
        for factor in std::iter::once(&table.relation).chain(table.joins.iter().map(|join| &join.relation)) {
            if let TableFactor::Table { name, .. } = factor {
                name.0.iter().filter_map(ObjectNamePart::as_ident).for_each(&mut add);
            }
            let (TableFactor::Table { alias, .. }
            | TableFactor::Derived { alias, .. }
            | TableFactor::UNNEST { alias, .. }
            | TableFactor::Function { alias, .. }
            | TableFactor::TableFunction { alias, .. }
            | TableFactor::NestedJoin { alias, .. }) = factor
            else {
                continue;
            };
            alias.iter().map(|alias| &alias.name).for_each(&mut add);
        }
    }
    names
}

/// The last two parts of a path into a struct.
fn field_name(expr: &Expr, paths: &Paths<'_>) -> Option<(String, String)> {
    let Expr::CompoundIdentifier(idents) = expr else { return None };
    let (field, parents) = idents.split_last()?;
    let parent = parents.last()?;
    parents
        .iter()
        .any(|part| paths.hold(&part.value))
        .then(|| (parent.value.to_ascii_lowercase(), field.value.to_ascii_lowercase()))
}

/// Whether an expression may become several columns or rows.
fn spreads(expr: &Expr) -> bool {
    let found = visit_expressions(expr, |expr| match expr {
        Expr::Function(Function { name, .. }) if name.to_string().eq_ignore_ascii_case("unnest") => {
            ControlFlow::Break(())
        }
        Expr::Wildcard(_) | Expr::QualifiedWildcard(..) => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    });
    found.is_break()
}

#[cfg(test)]
mod tests {
    use super::as_written;

    #[test]
    fn a_type_is_named_as_it_was_written() {
        assert_eq!(
            as_written("CAST(x AS trail_type(array(row(a varchar(3))))) = 1"),
            "CAST(x AS array(row(a varchar(3)))) = 1"
        );
        assert_eq!(as_written("'trail_type'"), "'trail_type'");
    }
}
