//! Trino's SQL, as Athena and CloudTrail Lake speak it, in the engine's terms; and what DuckDB's Tailpipe queries need.
//!
//! [`rewrite()`] puts a parsed statement in the engine's words; [`register_all`] adds the functions that have no other
//! spelling. Every function has its sentence and its example in a table: [`functions`] lists them. Knows SQL and values,
//! and nothing of events.

mod attempt;
mod bounded;
mod calls;
mod choice;
mod different;
mod elements;
mod entry;
mod forms;
mod function;
mod higher;
pub(crate) mod interval;
mod iso;
mod joined;
mod json;
mod lambda;
mod lists;
mod literals;
mod maps;
mod nested;
mod network;
mod nulls;
mod outer;
mod paths;
mod pattern;
mod quantified;
mod replacement;
mod rewrite;
mod room;
mod rows;
mod shape;
mod span;
mod tally;
mod text;
mod time;
mod times;
mod typed;
mod typename;
mod unnest;
mod url;
mod values;
mod zone;

use datafusion::prelude::SessionContext;

pub(crate) use elements::constant_bytes;
pub(crate) use forms::arguments;
pub(crate) use function::beyond;
pub(crate) use rewrite::{call, literal, rewrite};
pub(crate) use room::Room;
pub use typename::trino_name as type_name;

/// Registers the functions under their names, instead of the engine's own of the same name.
pub fn register_all(context: &SessionContext) {
    let of_texts = tables().flatten().map(function::udf);
    let all = of_texts.chain(time::functions()).chain(values::functions()).chain(nested::functions());
    all.chain(bounded::functions())
        .chain(choice::functions())
        .chain(nulls::functions())
        .chain(zone::functions())
        .chain([values::event_json(), interval::function(), joined::function()])
        .for_each(|function| context.register_udf(function));
    context.register_udaf(different::function());
    higher::functions().chain(lists::functions()).for_each(|function| context.register_higher_order_function(function));
}

/// The functions of texts, by subject.
fn tables() -> impl Iterator<Item = &'static [function::Entry]> {
    [json::FUNCTIONS, text::FUNCTIONS, network::FUNCTIONS, shape::FUNCTIONS, replacement::FUNCTIONS].into_iter()
}

/// Whether a function takes a constant as it is, and makes no copy of it for each row.
pub(crate) fn keeps_constants(name: &str) -> bool {
    let is_of_texts = tables().flatten().any(|entry| entry.name == name);
    is_of_texts || time::FUNCTIONS.iter().any(|entry| entry.name == name) || name == joined::NAME
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
    let mut all: Vec<Known> = tables().flatten().map(|f| known(f.name, f.about, f.example)).collect();
    all.extend(of(zone::FUNCTIONS));
    all.extend(of(choice::FUNCTIONS).chain(of(nested::FUNCTIONS)).chain(of(higher::FUNCTIONS)));
    all.extend(of(time::FUNCTIONS).chain(of(values::FUNCTIONS)));
    all.extend(forms::examples().map(|(name, about, example, answer)| Known { name, about, example, answer }));
    all.sort();
    all
}

fn of<A>(entries: &'static [entry::Entry<A>]) -> impl Iterator<Item = Known> {
    entries.iter().map(|entry| known(entry.name, entry.about, entry.example))
}

fn known(name: &'static str, about: &'static str, (example, answer): (&'static str, &'static str)) -> Known {
    Known { name, about, example: format!("SELECT {example}"), answer }
}
