//! A row of a table of functions. What a function does is its file's own list of acts.

use datafusion::common::{Result, plan_err};

/// A function: name, what it does, one line of meaning, an example and its value.
pub(super) struct Entry<A> {
    /// Its name in SQL.
    pub(super) name: &'static str,
    /// What it does.
    pub(super) act: A,
    /// One line of meaning.
    pub(super) about: &'static str,
    /// An expression, and the text of its value.
    pub(super) example: (&'static str, &'static str),
}

/// A row.
pub(super) const fn entry<A: Copy>(
    name: &'static str,
    act: A,
    about: &'static str,
    example: (&'static str, &'static str),
) -> Entry<A> {
    Entry { name, act, about, example }
}

/// Refuses arguments that the function of this name does not take, with those of its example.
pub(super) fn refuse<T, A>(functions: &[Entry<A>], name: &str) -> Result<T> {
    let example = functions.iter().find(|entry| entry.name == name).map_or("", |entry| entry.example.0);
    plan_err!("{name} takes other arguments, as in {example}")
}
