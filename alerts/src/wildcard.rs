//! Values with wildcards, placeholders and dashes, and the test that each becomes.
//!
//! Wildcards and their escapes are read by rsigma as the Sigma rules specification 2.1 says. Knows no fields.

use rsigma_parser::SigmaString;
use rsigma_parser::value::{SpecialChar, StringPart};

use crate::encode::dash_variants;
use crate::glob::Glob;
use crate::modifier::{Lists, MAX_VALUES};
use crate::test::{Shape, TextTest};

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

/// Every text that a value with placeholders stands for: each `%name%` by each value of its list. `\\%` is a plain percent
/// character. What a list holds is taken as it is.
pub(crate) fn expand(text: &str, lists: &Lists) -> Result<Vec<String>, String> {
    let mut done = vec![String::new()];
    let mut rest = text;
    while let Some(at) = rest.find('%') {
        let (before, from) = rest.split_at(at);
        let after = from.get(1..).unwrap_or_default();
        if let Some(before) = before.strip_suffix('\\') {
            append(&mut done, &format!("{before}%"));
            rest = after;
            continue;
        }
        let Some((name, after)) = after.split_once('%').filter(|(name, _)| !name.is_empty()) else {
            return Err(format!("`expand`: a `%` in `{text}` opens no placeholder; write a plain one as `\\%`"));
        };
        let values = lists.get(name).filter(|v| !v.is_empty());
        let values = values.ok_or_else(|| format!("`expand` needs a list named `{name}`, and none was given"))?;
        if done.len() * values.len() > MAX_VALUES {
            return Err(format!("`expand` gives more than {MAX_VALUES} values"));
        }
        append(&mut done, before);
        done = done.iter().flat_map(|text| values.iter().map(move |value| format!("{text}{value}"))).collect();
        rest = after;
    }
    append(&mut done, rest);
    Ok(done)
}

fn append(texts: &mut [String], more: &str) {
    texts.iter_mut().for_each(|text| text.push_str(more));
}

/// The test for a value with wildcards in the given place.
pub(crate) fn pattern(value: &SigmaString, place: Place, cased: bool) -> TextTest {
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
        return TextTest::new(shape, cased, text);
    }
    TextTest::new(Shape::Glob(Glob::new(&parts, cased)), cased, "")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_become_every_combination() {
        let lists = Lists::from([
            ("a".to_owned(), vec!["1".to_owned(), "%b%".to_owned()]),
            ("b".to_owned(), vec!["x".to_owned(), "y".to_owned()]),
        ]);
        assert_eq!(expand("plain", &lists).unwrap(), ["plain"]);
        assert_eq!(expand("<%a%-%b%>", &lists).unwrap(), ["<1-x>", "<1-y>", "<%b%-x>", "<%b%-y>"]);
        assert_eq!(expand("\\%plain%b%", &lists).unwrap(), ["%plainx", "%plainy"]);
        for bad in ["%c%", "50%", "%%"] {
            assert!(expand(bad, &lists).is_err(), "{bad}");
        }
    }
}
