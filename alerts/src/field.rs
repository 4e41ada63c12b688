//! Which column a Sigma field is.
//!
//! A path such as `userIdentity.sessionContext.attributes.mfaAuthenticated` walks the event table as far as it has
//! columns, in any case, and goes on inside a JSON column, where keys are exact. What the table does not name is
//! looked for in `extra`, which holds whole top-level fields of the record that the columns do not give back. The
//! derived columns (`principal`, `action`, `service`, `actor`, `outcome`) are fields too, for rules of ours.
//! Knows the schema and no batch.

use ingest::schema::{COLUMNS, Column, Kind};

/// A field of a rule, found in the event table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Field {
    /// Where its values are.
    pub(crate) place: Place,
    /// Its path in `extra`; empty for a derived column, which is never there.
    pub(crate) extra: Vec<String>,
}

/// Where a field's values are, as dotted column path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// A text or dictionary column.
    Text(String),
    /// A boolean column.
    Boolean(String),
    /// A timestamp column.
    Time(String),
    /// A JSON column, and the keys inside.
    Json(String, Vec<String>),
    /// A whole struct column, as JSON text.
    Object(String, &'static [Column]),
    /// A list of structs: one of their fields, or the whole element as JSON text.
    List(String, &'static [Column], Option<&'static str>),
    /// In no column.
    Nowhere,
}

impl Field {
    /// Finds the field that a rule calls `name`.
    pub(crate) fn find(name: &str) -> Result<Field, String> {
        let segments: Vec<&str> = name.split('.').collect();
        if segments.iter().any(|s| s.is_empty()) {
            return Err(format!("`{name}` is not a field path"));
        }
        if let Some(plain) = without_index(name) {
            let next = format!("write `{plain}`, which means any element");
            return Err(format!("`{name}` picks one element of a list, which Sigma 2.1 has no way to: {next}"));
        }
        let (first, rest) = segments.split_first().ok_or("a field needs a name")?;
        let Some(column) = named(COLUMNS, first) else {
            return Ok(Field { place: Place::Nowhere, extra: owned(&segments) });
        };
        if column.kind == Kind::Date {
            return Err(format!("`{name}` is a partition, not a field: use eventTime"));
        }
        let place = walk(column, column.name, rest);
        let mut extra = Vec::new();
        if !column.is_derived() {
            extra.push(column.json.to_owned());
            extra.extend(owned(rest));
        }
        Ok(Field { place, extra })
    }
}

/// The path without numbers in brackets, if there are any.
fn without_index(name: &str) -> Option<String> {
    let mut plain = String::new();
    let mut rest = name;
    while let Some((before, after)) = rest.split_once('[') {
        let (number, behind) = after.split_once(']')?;
        if number.is_empty() || !number.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        plain.push_str(before);
        rest = behind;
    }
    plain.push_str(rest);
    (plain != name).then_some(plain)
}

fn owned(segments: &[&str]) -> Vec<String> {
    segments.iter().map(|s| (*s).to_owned()).collect()
}

fn named(columns: &'static [Column], name: &str) -> Option<&'static Column> {
    columns.iter().find(|c| c.name.eq_ignore_ascii_case(name))
}

fn walk(column: &'static Column, path: &str, rest: &[&str]) -> Place {
    let path_text = path.to_owned();
    match (column.kind, rest) {
        (Kind::Text | Kind::Dictionary, []) => Place::Text(path_text),
        (Kind::Boolean, []) => Place::Boolean(path_text),
        (Kind::Timestamp, []) => Place::Time(path_text),
        (Kind::Json, rest) => Place::Json(path_text, owned(rest)),
        (Kind::Struct(fields), []) => Place::Object(path_text, fields),
        (Kind::Struct(fields), [next, rest @ ..]) => match named(fields, next) {
            Some(field) => walk(field, &format!("{path}.{}", field.name), rest),
            None => Place::Nowhere,
        },
        (Kind::List(fields), []) => Place::List(path_text, fields, None),
        (Kind::List(fields), [one]) => match named(fields, one) {
            Some(field) => Place::List(path_text, fields, Some(field.name)),
            None => Place::Nowhere,
        },
        _ => Place::Nowhere,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn place(name: &str) -> Place {
        Field::find(name).unwrap().place
    }

    #[test]
    fn paths_are_found_in_any_case() {
        let mfa = "useridentity.sessioncontext.attributes.mfaauthenticated".to_owned();
        assert_eq!(place("userIdentity.sessionContext.attributes.mfaAuthenticated"), Place::Text(mfa));
        assert_eq!(place("EVENTNAME"), Place::Text("eventname".to_owned()));
        assert_eq!(place("resources.ARN"), Place::List("resources".to_owned(), ingest::schema::RESOURCE, Some("arn")));
        assert!(matches!(place("userIdentity"), Place::Object(..)));
    }

    #[test]
    fn keys_inside_json_are_exact() {
        let keys = vec!["bucketPolicy".to_owned(), "Statement".to_owned()];
        assert_eq!(
            place("requestParameters.bucketPolicy.Statement"),
            Place::Json("requestparameters".to_owned(), keys)
        );
    }

    #[test]
    fn what_the_table_lacks_is_looked_for_in_extra() {
        let field = Field::find("eventContext.requestContext").unwrap();
        assert_eq!(field.place, Place::Nowhere);
        assert_eq!(field.extra, ["eventContext", "requestContext"]);
        assert_eq!(place("userIdentity.somethingNew"), Place::Nowhere);
        assert!(Field::find("principal").unwrap().extra.is_empty());
        assert!(Field::find("a..b").is_err());
        assert!(Field::find("requestParameters.v[0].k").unwrap_err().contains("write `requestParameters.v.k`"));
        assert!(Field::find("requestParameters.a[x]").is_ok());
        assert!(Field::find("event_date").is_err());
    }
}
