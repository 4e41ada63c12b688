//! Which tables a statement may read, told before there is an engine: for whoever opens tables that cost something.

use std::collections::BTreeSet;

use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast::Statement as Sql;

use crate::{dialect, guard, lake};

/// The tables that a statement may read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Wanted {
    all: bool,
    names: BTreeSet<String>,
}

impl Wanted {
    /// Of a statement; none where it is none, which whoever runs it will say.
    pub fn of(sql: &str) -> Wanted {
        let Ok(statement) = guard::parse(sql) else { return Wanted::default() };
        let names = dialect::names(&statement);
        let of_engine = names.iter().any(|name| name.to_string().to_ascii_lowercase().contains("information_schema"));
        let names = names.iter().filter_map(|name| dialect::last(name)).map(|ident| ident.value.to_ascii_lowercase());
        Wanted { all: of_engine || !reads(&statement), names: names.collect() }
    }

    /// Of every statement, for whoever does not know them yet.
    pub fn all() -> Wanted {
        Wanted { all: true, names: BTreeSet::new() }
    }

    /// Whether a table may be read.
    pub fn has(&self, table: &str) -> bool {
        let is_named = |name: &str| self.names.contains(name);
        self.all || is_named(table) || lake::is_needed(table, is_named)
    }
}

/// Whether a statement names what it reads; one that lists or describes tables is shown all.
fn reads(statement: &Statement) -> bool {
    match statement {
        Statement::Statement(statement) => matches!(statement.as_ref(), Sql::Query(_) | Sql::Explain { .. }),
        Statement::Explain(explain) => reads(&explain.statement),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_name_their_tables() {
        for (sql, coverage) in [
            ("SELECT 1 FROM events", false),
            ("SELECT 'coverage' FROM events -- coverage", false),
            ("SELECT 1 FROM events WHERE EXISTS (SELECT 1 FROM Coverage)", true),
            ("EXPLAIN SELECT 1 FROM public.coverage c", true),
            ("WITH x AS (SELECT 1 FROM coverage) SELECT 1 FROM x", true),
            ("SHOW TABLES", true),
            ("DESCRIBE events", true),
            ("SELECT 1 FROM information_schema.tables", true),
            ("DROP TABLE coverage", false),
        ] {
            assert_eq!(Wanted::of(sql).has("coverage"), coverage, "{sql}");
        }
        assert!(Wanted::of("SELECT 1 FROM proof").has("objects") && !Wanted::of("SELECT 1 FROM events").has("objects"));
    }
}
