//! A rule file as YAML documents: where each begins, what is written in it, and what it says.
//!
//! Documents are cut out of the text before any of them is parsed, so that one that is broken leaves its neighbours
//! alone, and what is wrong is told with the line of the file. `action: global|reset|repeat` of Sigma's rule
//! collections is resolved here. Knows YAML and nothing of rules.

use yaml_serde::{Mapping, Value};

/// Most brackets that may be open at one time: conditions and flow lists are read by recursion.
const MAX_BRACKETS: usize = 64;
/// Uses of anchors in a file. Each may repeat all that stands before it, so eight are 2 ³ copies at most.
const MAX_ALIASES: usize = 8;
/// Largest text that may use anchors at all, in bytes.
const MAX_ALIASED_BYTES: usize = 64 * 1024;
/// Deepest mapping that `action: repeat` and `action: global` merge.
const MAX_DEPTH: usize = 32;

/// One document of a file.
#[derive(Debug, Clone)]
pub(crate) struct Document {
    /// Lines of the file before it.
    pub(crate) above: u32,
    /// As written: lines are looked for in here.
    pub(crate) text: String,
    /// As meant, with what `action` adds.
    pub(crate) map: Mapping,
    /// True if it was changed, by what `action` adds for one, so that the text alone does not say all.
    merged: bool,
}

/// A document that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    /// Its title, as far as that can be seen.
    pub(crate) title: Option<String>,
    /// Line in the file, from 1.
    pub(crate) line: Option<u32>,
    /// What is wrong.
    pub(crate) reason: String,
}

impl Document {
    /// YAML text that says all that the document means.
    pub(crate) fn source(&self) -> Result<String, String> {
        match self.merged {
            false => Ok(self.text.clone()),
            true => yaml_serde::to_string(&self.map).map_err(|e| e.to_string()),
        }
    }

    /// The text under a key, where it is text.
    pub(crate) fn str(&self, key: &str) -> Option<&str> {
        self.map.get(key).and_then(Value::as_str)
    }

    /// Line in the file of a line of the document, both from 1.
    pub(crate) fn line(&self, line: Option<u32>) -> Option<u32> {
        line.map(|line| line + self.above)
    }
}

/// Bounds on the text, before any parser sees it. The title of a fault is that of the document it is in.
pub(crate) fn check(yaml: &str) -> Result<(), Fault> {
    let mut open = 0usize;
    for (at, line) in yaml.lines().enumerate() {
        for byte in line.bytes() {
            match byte {
                b'(' | b'[' | b'{' => open += 1,
                b')' | b']' | b'}' => open = open.saturating_sub(1),
                _ => {}
            }
            if open > MAX_BRACKETS {
                let reason = format!("more than {MAX_BRACKETS} brackets are open at one time");
                return Err(fault_at(yaml, at, reason));
            }
        }
    }
    let aliases = aliases(yaml);
    if aliases > MAX_ALIASES {
        let reason =
            format!("{aliases} uses of anchors (`*name`); at most {MAX_ALIASES} are read: no repetition bombs");
        return Err(fault_at(yaml, 0, reason));
    }
    if aliases > 0 && yaml.len() > MAX_ALIASED_BYTES {
        let reason = format!("anchors in a file of {} bytes; at most {MAX_ALIASED_BYTES} are read", yaml.len());
        return Err(fault_at(yaml, 0, reason));
    }
    Ok(())
}

/// A fault in the line at `at`, from 0.
fn fault_at(yaml: &str, at: usize, reason: String) -> Fault {
    let line = u32::try_from(at + 1).ok();
    let documents = cut(yaml);
    // Documents are in order, so the last that begins before the line holds it.
    let inside = documents.iter().rfind(|(above, _)| line.is_some_and(|line| *above < line)).or(documents.first());
    Fault { title: inside.and_then(|(_, text)| title_in(text)), line, reason }
}

/// How often an anchor that the text defines is used; a little too many where text looks like one.
fn aliases(yaml: &str) -> usize {
    let tokens = |sign: char| {
        yaml.split(|c: char| c.is_whitespace() || "[]{},".contains(c)).filter_map(move |t| t.strip_prefix(sign))
    };
    let anchors: std::collections::HashSet<&str> = tokens('&').filter(|name| !name.is_empty()).collect();
    if anchors.is_empty() { 0 } else { tokens('*').filter(|name| anchors.contains(name)).count() }
}

/// The documents of a file, in order, each as it is meant.
pub(crate) fn documents(yaml: &str) -> Vec<Result<Document, Fault>> {
    let mut found = Vec::new();
    let (mut global, mut previous): (Option<Mapping>, Option<Mapping>) = (None, None);
    for (above, text) in cut(yaml) {
        let fault = |line, reason: String| Fault { title: title_in(&text), line, reason };
        let map = match yaml_serde::from_str::<Value>(&text) {
            Ok(Value::Mapping(map)) => map,
            // A document of comments only.
            Ok(Value::Null) => continue,
            Ok(_) => {
                found.push(Err(fault(Some(above + 1), "the document is not a map of keys and values".to_owned())));
                continue;
            }
            Err(e) => {
                let line = e.location().and_then(|at| u32::try_from(at.line()).ok()).map(|line| line + above);
                let message = message(&e.to_string());
                let next =
                    if message.contains("28, expected") { "; put a number of more than 64 bits in quotes" } else { "" };
                found.push(Err(fault(line, format!("YAML parse error: {message}{next}"))));
                continue;
            }
        };
        match act(map, &mut global, &mut previous) {
            Ok(Some((mut map, mut merged))) => match quote(&mut map, &mut merged) {
                Ok(()) => found.push(Ok(Document { above, text, map, merged })),
                Err(reason) => found.push(Err(fault(Some(above + 1), reason))),
            },
            Ok(None) => {}
            Err(reason) => found.push(Err(fault(Some(above + 1), reason))),
        }
    }
    found
}

/// Puts integers beyond 64 bits with sign in quotes: as numbers they would be rounded on the way. Sets `changed` if there is
/// one.
fn quote(map: &mut Mapping, changed: &mut bool) -> Result<(), String> {
    map.iter_mut().try_for_each(|(_, value)| quote_value(value, changed))
}

fn quote_value(value: &mut Value, changed: &mut bool) -> Result<(), String> {
    match value {
        Value::Mapping(map) => quote(map, changed),
        Value::Sequence(list) => list.iter_mut().try_for_each(|value| quote_value(value, changed)),
        Value::Number(number) if number.as_i64().is_none() => {
            if let Some(exact) = number.as_u64() {
                (*value, *changed) = (Value::String(exact.to_string()), true);
            } else if number.as_f64().is_some_and(|number| number.is_finite() && number.abs() >= 2f64.powi(63)) {
                return Err(format!("`{number}` has more digits than are read of a number: put it in quotes"));
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

/// What `action` makes of a document: the whole of it, or nothing where it only sets the stage for others.
fn act(
    mut map: Mapping,
    global: &mut Option<Mapping>,
    previous: &mut Option<Mapping>,
) -> Result<Option<(Mapping, bool)>, String> {
    let mut merged = global.is_some();
    if let Some(action) = map.remove("action") {
        match action.as_str() {
            Some("global") => {
                *global = Some(map);
                return Ok(None);
            }
            Some("reset") => {
                *global = None;
                return Ok(None);
            }
            Some("repeat") => {
                let before = previous.clone().ok_or("`action: repeat` without a document before it")?;
                map = merge(before, map, 0)?;
                merged = true;
            }
            _ => return Err("`action` must be global, reset or repeat".to_owned()),
        }
    }
    if let Some(global) = global {
        map = merge(global.clone(), map, 0)?;
    }
    *previous = Some(map.clone());
    Ok(Some((map, merged)))
}

/// Puts `over` on `under`: maps are merged key by key, anything else is replaced.
fn merge(mut under: Mapping, over: Mapping, depth: usize) -> Result<Mapping, String> {
    if depth > MAX_DEPTH {
        return Err(format!("maps nested deeper than {MAX_DEPTH}"));
    }
    for (key, value) in over {
        let merged = match (under.remove(&key), value) {
            (Some(Value::Mapping(under)), Value::Mapping(over)) => Value::Mapping(merge(under, over, depth + 1)?),
            (_, value) => value,
        };
        under.insert(key, merged);
    }
    Ok(under)
}

/// The text between `---` lines, with the number of lines above each.
fn cut(yaml: &str) -> Vec<(u32, String)> {
    let mut parts: Vec<(u32, String)> = vec![(0, String::new())];
    for (at, line) in yaml.lines().enumerate() {
        let ends = line == "..." || line.starts_with("... ");
        let rest = line.strip_prefix("---").filter(|rest| rest.is_empty() || rest.starts_with([' ', '\t']));
        let above = u32::try_from(at).unwrap_or(u32::MAX);
        match rest {
            // What stands behind the dashes is the document's first line.
            Some(rest) if !rest.trim().is_empty() => parts.push((above, format!("{rest}\n"))),
            Some(_) => parts.push((above.saturating_add(1), String::new())),
            None if ends => parts.push((above.saturating_add(1), String::new())),
            None => {
                if let Some((_, text)) = parts.last_mut() {
                    // A directive such as `%YAML 1.2` says nothing to us, and is no part of a document.
                    let directive = text.is_empty() && line.starts_with('%');
                    text.push_str(if directive { "" } else { line });
                    text.push('\n');
                }
            }
        }
    }
    parts.retain(|(_, text)| !text.trim().is_empty());
    parts
}

/// The parser's message without the place, which is told beside it and counted from the file's beginning.
pub(crate) fn message(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match text.split_once(" at line ") {
        Some((before, after)) => match after.split_once([',', ';']) {
            Some((_, rest)) if !rest.trim().is_empty() => format!("{before};{rest}"),
            _ => before.to_owned(),
        },
        None => text,
    }
}

/// The title of a document that may be no YAML.
fn title_in(text: &str) -> Option<String> {
    let title = text.lines().find_map(|line| line.strip_prefix("title:"))?;
    Some(title.trim().trim_matches(['\'', '"']).to_owned())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn documents_know_their_lines_and_faults_leave_neighbours() {
        let yaml = "# note\n---\ntitle: a\n---\ntitle: b\nx: [\n---\ntitle: c\n...\n";
        let found = documents(yaml);
        assert_eq!(found.len(), 3);
        assert_eq!(found[0].as_ref().unwrap().above, 2);
        let fault = found[1].as_ref().unwrap_err();
        assert_eq!((fault.title.as_deref(), fault.line.is_some_and(|l| (5..=7).contains(&l))), (Some("b"), true));
        let last = found[2].as_ref().unwrap();
        assert_eq!((last.str("title"), last.line(Some(1))), (Some("c"), Some(8)));
    }

    #[test]
    fn actions_merge_documents() {
        let yaml = "action: global\nlevel: low\nd: {a: 1}\n---\ntitle: x\nd: {b: 2}\n---\naction: repeat\ntitle: y\n\
                    ---\naction: reset\n---\ntitle: z\n";
        let found: Vec<Document> = documents(yaml).into_iter().map(Result::unwrap).collect();
        let titles: Vec<_> = found.iter().map(|d| (d.str("title").unwrap(), d.str("level"))).collect();
        assert_eq!(titles, [("x", Some("low")), ("y", Some("low")), ("z", None)]);
        assert_eq!(found[1].map.get("d"), found[0].map.get("d"));
        assert!(found[0].source().unwrap().contains("level: low"));
        assert!(documents("action: jump\n")[0].is_err());
        assert!(documents("action: repeat\n")[0].is_err());
    }

    #[test]
    fn repetition_is_bounded_before_it_is_parsed() {
        assert!(check("a: &a [x, x]\nb: [*a, *a]\ntext: 'a *b* c'\n").is_ok());
        let laughs = format!("a: &a [x]\nb: [{}]\n", ["*a"; 40].join(", "));
        assert!(check(&laughs).unwrap_err().reason.contains("repetition"));
        assert!(check(&"[".repeat(65)).is_err());
        let deep = format!("title: a\n---\ntitle: b\nx: 1\ncondition: {}\n", "(".repeat(65));
        let fault = check(&deep).unwrap_err();
        assert_eq!((fault.title.as_deref(), fault.line), (Some("b"), Some(5)));
    }
}
