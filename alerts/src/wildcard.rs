//! Values with wildcards, placeholders and dashes, and the test that each becomes.
//!
//! Wildcards and their escapes are read by rsigma as the Sigma rules specification 2.1 says. Knows no fields.

use rsigma_parser::SigmaString;
use rsigma_parser::value::{SpecialChar, StringPart};

use crate::encode::dash_variants;
use crate::modifier::{Lists, MAX_VALUES};
use crate::test::{Shape, TextTest, regex};

/// Where the value must stand in the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Whole,
    Within,
    Start,
    End,
}

pub(crate) fn dashes(values: &[SigmaString]) -> Result<Vec<SigmaString>, String> {
    let mut out = Vec::new();
    for value in values {
        let variants = dash_variants(&value.original).ok_or("`windash`: too many dashes in one value")?;
        out.extend(variants.iter().map(|v| SigmaString::new(v)));
    }
    Ok(out)
}

/// Replaces the first `%name%` by every value of its list, and so on.
pub(crate) fn expand(text: &str, lists: &Lists) -> Result<Vec<SigmaString>, String> {
    let mut done = Vec::new();
    let mut open = vec![text.to_owned()];
    while let Some(text) = open.pop() {
        let placeholder = text.split_once('%').and_then(|(before, rest)| {
            rest.split_once('%').map(|(name, after)| (before.to_owned(), name.to_owned(), after.to_owned()))
        });
        let Some((before, name, after)) = placeholder else {
            done.push(SigmaString::new(&text));
            continue;
        };
        let values = lists.get(&name).filter(|v| !v.is_empty());
        let values = values.ok_or_else(|| format!("`expand` needs a list named `{name}`, and none was given"))?;
        if done.len() + open.len() + values.len() > MAX_VALUES {
            return Err(format!("`expand` gives more than {MAX_VALUES} values"));
        }
        // A value that itself holds two `%` would never end: it is taken as it is.
        let again = after.contains('%');
        for value in values {
            let text = format!("{before}{value}{after}");
            if again && !value.contains('%') {
                open.push(text);
            } else {
                done.push(SigmaString::new(&text));
            }
        }
    }
    Ok(done)
}

/// The test for a value with wildcards in the given place.
pub(crate) fn pattern(value: &SigmaString, place: Place, cased: bool) -> Result<TextTest, String> {
    let star = StringPart::Special(SpecialChar::WildcardMulti);
    let mut parts = value.parts.clone();
    if matches!(place, Place::Within | Place::End) {
        parts.insert(0, star.clone());
    }
    if matches!(place, Place::Within | Place::Start) {
        parts.push(star.clone());
    }
    parts.dedup_by(|a, b| *a == star && *b == star);
    let starts = parts.first() == Some(&star);
    let ends = parts.last() == Some(&star) && parts.len() > 1;
    let inner = &parts[usize::from(starts)..parts.len() - usize::from(ends)];
    let plain = match inner {
        [] => Some(""),
        [StringPart::Plain(text)] => Some(text.as_str()),
        _ => None,
    };
    if let Some(text) = plain {
        let shape = match (starts, ends) {
            (false, false) => Shape::Is,
            (false, true) => Shape::StartsWith,
            (true, false) if inner.is_empty() => Shape::Contains,
            (true, false) => Shape::EndsWith,
            (true, true) => Shape::Contains,
        };
        return Ok(TextTest::new(shape, cased, text));
    }
    let mut glob = String::from(if cased { "(?s)^" } else { "(?is)^" });
    for part in &parts {
        match part {
            StringPart::Plain(text) => glob.push_str(&regex::escape(text)),
            StringPart::Special(SpecialChar::WildcardMulti) => glob.push_str(".*"),
            StringPart::Special(SpecialChar::WildcardSingle) => glob.push('.'),
        }
    }
    glob.push('$');
    Ok(TextTest::new(Shape::Matches(regex(&glob)?), true, ""))
}
