//! A file of policies: one document, or a set of them as `policy generate` writes it.
//!
//! A set is a list whose members are documents, or `{"name": …, "document": …}` with `null` for one of which nothing is
//! left; or an object that has such a list as `documents`. Knows the shape of the file; must not know paths.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::document::{Document, Error};
use super::elements;

type Members = BTreeMap<String, Box<RawValue>>;

/// The policies of a file's text, each with its name in the set; a document alone has none.
///
/// # Errors
/// Where a document is not one, or has an element that IAM does not know, with its place in the set.
pub fn parse(text: &str) -> Result<Vec<(Option<String>, Document)>, Error> {
    let text = text.trim_start_matches('\u{feff}').trim();
    let whole = if text.starts_with('[') { text.to_owned() } else { documents(text).unwrap_or_default() };
    if whole.is_empty() {
        let document = Document::parse_text(text)?;
        elements::check(text)?;
        return Ok(vec![(None, document)]);
    }
    let list: Vec<Box<RawValue>> = serde_json::from_str(&whole).map_err(|reason| Error {
        place: "policies".to_owned(),
        reason: format!("is no list of documents: {reason}"),
    })?;
    let mut found = Vec::new();
    for (at, raw) in list.iter().enumerate() {
        let mut members: Members = serde_json::from_str(raw.get()).unwrap_or_default();
        let name = members.get("name").and_then(|name| serde_json::from_str::<String>(name.get()).ok());
        let name = name.unwrap_or_else(|| (at + 1).to_string());
        let document = members.remove("document");
        let raw = document.as_ref().unwrap_or(raw);
        if document.is_some() && raw.get() == "null" {
            continue;
        }
        let placed = |error: Error| Error { place: format!("policy {name}: {}", error.place), ..error };
        let document = Document::parse_raw(raw).and_then(|document| elements::check(raw.get()).map(|()| document));
        let document = document.map_err(placed)?;
        found.push((Some(name), document));
    }
    Ok(found)
}

/// The list of an object's `documents`; `None` where it has none, as a document has not.
fn documents(text: &str) -> Option<String> {
    let members: Members = serde_json::from_str(text).ok()?;
    members.get("documents").map(|list| list.get().to_owned())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn one_document_a_list_and_a_named_set() {
        let one = r#"{"Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}"#;
        let names = |text: &str| -> Vec<Option<String>> {
            parse(text)
                .unwrap()
                .into_iter()
                .map(|(name, document)| {
                    assert_eq!(document.statements.len(), 1);
                    name
                })
                .collect()
        };
        let name = |text: &str| Some(text.to_owned());
        assert_eq!(names(one), [None]);
        assert_eq!(names(&format!(" [{one}, {one}]")), [name("1"), name("2")]);
        let set = format!(r#"[{{"name":"inline/a","document":{one}}},{{"name":"gone","document":null}}]"#);
        assert_eq!(names(&set), [name("inline/a")]);
        assert_eq!(names(&format!(r#"{{"principal":"x","documents":{set}}}"#)), [name("inline/a")]);
        assert_eq!(names("[]"), Vec::<Option<String>>::new());
    }

    #[test]
    fn what_is_no_policy_is_told_with_its_place() {
        for (bad, place) in [
            (r#"[{"name":"a","document":7}]"#, "policy a: "),
            (r#"[{"Statement":[{"Effect":"Maybe","Action":"*","Resource":"*"}]}]"#, "policy 1: "),
            ("[null]", "policy 1: "),
            ("[1", "policies"),
            (r#"{"documents":3}"#, "policies"),
            ("", "policy document"),
        ] {
            assert!(parse(bad).unwrap_err().place.starts_with(place), "{bad}: {:?}", parse(bad));
        }
    }
}
