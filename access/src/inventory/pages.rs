//! Pages of one call's output: one document, several one after the other, or a list of them.

use serde::de::DeserializeOwned;

use super::Error;

/// The pages of a text; `command` is what prints it, for messages.
pub(super) fn parse<T: DeserializeOwned>(text: &str, source_name: &str, command: &str) -> Result<Vec<T>, Error> {
    let text = text.trim_start_matches('\u{feff}').trim_start();
    let told = |reason: serde_json::Error| {
        Error::new(source_name, format!("{reason}; expected the output of `{command} --output json`"))
    };
    let pages: Vec<T> = if text.starts_with('[') {
        serde_json::from_str(text).map_err(told)?
    } else {
        serde_json::Deserializer::from_str(text).into_iter::<T>().collect::<Result<_, _>>().map_err(told)?
    };
    if pages.is_empty() {
        return Err(Error::new(source_name, format!("is empty: expected the output of `{command}`")));
    }
    Ok(pages)
}
