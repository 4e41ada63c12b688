//! Fields of rows inside lambdas: `filter(resources, r -> r.type = 'AWS::S3::Bucket')`.
//!
//! The engine takes `r.type` for a column of a table `r`; `r['type']` it understands. Works on the syntax tree.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{AccessExpr, Expr, Ident, Statement, Subscript, VisitMut, VisitorMut};

use super::rewrite::literal;

/// Puts the fields of every lambda's parameters in brackets.
pub(super) fn rewrite(statement: &mut Statement) {
    let _ = statement.visit(&mut Lambdas);
}

struct Lambdas;

impl VisitorMut for Lambdas {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if let Expr::Lambda(lambda) = expr {
            let names = lambda.params.iter().map(|parameter| parameter.name.value.to_ascii_lowercase());
            let mut fields = Fields(names.collect());
            let _ = lambda.body.visit(&mut fields);
        }
        ControlFlow::Continue(())
    }
}

/// The parameters of a lambda, lower case.
struct Fields(BTreeSet<String>);

impl Fields {
    fn in_brackets(&self, idents: &[Ident]) -> Option<Expr> {
        let (first, fields) = idents.split_first()?;
        if fields.is_empty() || !self.0.contains(&first.value.to_ascii_lowercase()) {
            return None;
        }
        let field = |ident: &Ident| {
            let name = if ident.quote_style.is_some() { ident.value.clone() } else { ident.value.to_ascii_lowercase() };
            AccessExpr::Subscript(Subscript::Index { index: literal(name) })
        };
        Some(Expr::CompoundFieldAccess {
            root: Box::new(Expr::Identifier(first.clone())),
            access_chain: fields.iter().map(field).collect(),
        })
    }
}

impl VisitorMut for Fields {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if let Expr::CompoundIdentifier(idents) = expr
            && let Some(better) = self.in_brackets(idents)
        {
            *expr = better;
        }
        ControlFlow::Continue(())
    }
}
