//! Resources that a form of its own makes of a request's parameters: what a call asks for besides its own action.

use serde_json::{Map, Value};

use super::forms::{parts, place};
use super::{Certainty, Resource, Told, is_plain};

/// The resources of forms, all of which are asked. A form is written as in `forms.rs`; one that is nothing but a parameter wants an
/// ARN. Several where its last parameter is a list; a pattern where a parameter is missing, or could be more than a name.
pub(crate) fn of_forms(forms: &[&str], told: &Told<'_>) -> Vec<Resource> {
    let request = super::object(told.request);
    let mut found = Vec::new();
    for form in forms {
        let last = parts(form).filter_map(|(_, name)| name).last();
        match last.and_then(|name| parameter(&request, name)).and_then(Value::as_array) {
            Some(list) => found.extend(list.iter().map(|value| fill(form, &request, value.as_str(), told))),
            None => found.push(fill(form, &request, None, told)),
        }
    }
    found.truncate(super::MAX_RESOURCES);
    found
}

/// A parameter by the names on the way to it.
fn parameter<'a>(request: &'a Map<String, Value>, path: &str) -> Option<&'a Value> {
    let mut names = path.split('.');
    let first = request.get(names.next()?)?;
    names.try_fold(first, |value, name| value.get(name))
}

/// A form with its parameters; `one` is what its last says, of a list.
fn fill(form: &str, request: &Map<String, Value>, one: Option<&str>, told: &Told<'_>) -> Resource {
    let is_whole = form.starts_with('{');
    let mut certainty = if form.contains('*') { Certainty::Unknown } else { Certainty::Exact };
    let mut arn = String::new();
    for (text, name) in parts(form) {
        arn.push_str(text);
        let Some(name) = name else { continue };
        if let Some(place) = place(name, told) {
            arn.push_str(place);
            continue;
        }
        let given = parameter(request, name);
        let value = if given.is_some_and(Value::is_array) { one } else { given.and_then(Value::as_str) };
        match value.filter(|value| is_plain(value) && value.starts_with("arn:") == is_whole) {
            Some(value) => arn.push_str(value),
            None => {
                arn.push('*');
                certainty = Certainty::Unknown;
            }
        }
    }
    Resource::new(arn, certainty)
}
