//! How often a statement reads tables once the names of its `WITH` parts are put in: the engine puts them in each time they
//! are named, and planning is no part of the memory that is measured.
//!
//! Counts from the outside in, names of the same kind as one: what is counted is what planning may take at most, roughly.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{Query, Statement, Visit, Visitor, visit_relations};

use crate::error::{Error, Result};

/// Tables of a statement, with its parts put in.
const MOST: u64 = 1_000;

/// Refuses a statement whose parts name each other again and again.
///
/// # Errors
/// [`Error::Refused`] with how many tables it comes to.
pub(crate) fn check(statement: &Statement) -> Result<()> {
    let mut parts = Parts::default();
    let _ = statement.visit(&mut parts);
    let tables = parts.tables(statement);
    if tables <= MOST {
        return Ok(());
    }
    Err(Error::Refused(format!(
        "the statement reads tables {tables} times once the names of its WITH parts are put in; {MOST} is the most. Name a \
         part once, or join fewer of them"
    )))
}

/// Parts by name, and what they come to.
#[derive(Default)]
struct Parts(BTreeMap<String, u64>);

impl Parts {
    fn tables(&self, of: &impl Visit) -> u64 {
        let mut tables: u64 = 0;
        let _ = visit_relations(of, |name| {
            let name = name.to_string().trim_matches('"').to_lowercase();
            tables = tables.saturating_add(self.0.get(&name).copied().unwrap_or(1));
            ControlFlow::<()>::Continue(())
        });
        tables
    }
}

impl Visitor for Parts {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        for part in query.with.iter().flat_map(|with| &with.cte_tables) {
            let tables = self.tables(&part.query).max(1);
            let known = self.0.entry(part.alias.name.value.to_lowercase()).or_default();
            *known = tables.max(*known);
        }
        ControlFlow::Continue(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use crate::guard;

    #[test]
    fn parts_that_double_are_refused_and_long_queries_are_not() {
        let doubling = |parts: usize| {
            let mut sql = "WITH c0 AS (SELECT 1 AS a)".to_owned();
            for n in 1..parts {
                sql += &format!(", c{n} AS (SELECT a.a FROM c{0} a, c{0} b)", n - 1);
            }
            format!("{sql} SELECT count(*) FROM c{}", parts - 1)
        };
        let said = guard::parse(&doubling(25)).unwrap_err().to_string();
        assert!(said.contains("16777216 times") || said.contains("times once"), "{said}");
        assert!(guard::parse(&doubling(8)).is_ok());
        let union = vec!["SELECT eventid FROM events"; 200].join(" UNION ALL ");
        assert!(guard::parse(&union).is_ok());
        let again =
            "WITH RECURSIVE n AS (SELECT 1 AS a UNION ALL SELECT a + 1 FROM n WHERE a < 9) SELECT * FROM n, n m, n o";
        assert!(guard::parse(again).is_ok());
    }
}
