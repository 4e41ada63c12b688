//! Trino's SQL, as Athena and CloudTrail Lake speak it, in the engine's terms; and what DuckDB's Tailpipe queries need.
//!
//! [`rewrite()`] puts a parsed statement in the engine's words; [`register_all`] adds the functions that have no other
//! spelling. Every function has its sentence and its example in a table: [`functions`] lists them. Knows SQL and values,
//! and nothing of events.

mod bounded;
mod forms;
mod function;
mod json;
mod pattern;
mod rewrite;
mod span;
mod text;
mod time;
mod typed;
mod unnest;
mod url;
mod values;

use datafusion::prelude::SessionContext;

pub(crate) use forms::arguments;
pub(crate) use rewrite::rewrite;

/// Registers the functions under their names, instead of the engine's own of the same name.
pub fn register_all(context: &SessionContext) {
    let json = json::FUNCTIONS.iter().map(function::udf);
    let all = json.chain(text::functions()).chain(time::functions()).chain(values::functions());
    all.chain(bounded::functions()).chain([values::event_json()]).for_each(|function| context.register_udf(function));
}

/// A function that saved queries can use beside the engine's own.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Known {
    /// Its name in SQL.
    pub name: &'static str,
    /// One line of meaning.
    pub about: &'static str,
    /// A query that uses it; `t(x, y)` has the rows (1, 'a'), (2, 'b'), (3, NULL).
    pub example: String,
    /// The text of its answer.
    pub answer: &'static str,
}

/// Every function that is added to the engine's, by name.
pub fn functions() -> Vec<Known> {
    let known = |name, about, example: (&'static str, &'static str)| Known {
        name,
        about,
        example: format!("SELECT {}", example.0),
        answer: example.1,
    };
    let mut all: Vec<Known> =
        json::FUNCTIONS.iter().chain(text::FUNCTIONS).map(|f| known(f.name, f.about, f.example)).collect();
    all.extend(time::FUNCTIONS.iter().map(|f| known(f.name, f.about, f.example)));
    all.extend(values::FUNCTIONS.iter().map(|f| known(f.name, f.about, f.example)));
    all.extend(forms::examples().map(|(name, about, example, answer)| Known { name, about, example, answer }));
    all.sort();
    all
}
