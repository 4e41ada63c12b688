//! `resources` in its usual form, read while it is checked: nearly every list is one, and need not be read again to fill
//! a column.

use crate::json::Marks;

/// Most elements of a list that is read here: there are a handful, and more are no reason to keep places of them all.
const MAX_ELEMENTS: usize = 256;

/// The keys, each up to the quote that begins its value, in the order of [`Element::fields`].
const KEYS: [&[u8]; 3] = [b"\"ARN\":\"", b"\"accountId\":\"", b"\"type\":\""];

/// Where the fields of one resource lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Element {
    /// First byte and one past the last byte of the texts of `ARN`, `accountId` and `type`; zeros for one that is not
    /// there.
    pub fields: [(usize, usize); KEYS.len()],
}

/// Reads the list at `at` if it is one of objects with those keys, in any order, and plain strings, without white space;
/// one past its end. `None` for any other value, which may still be JSON.
pub(super) fn usual(text: &[u8], at: usize, elements: &mut Vec<Element>) -> Option<usize> {
    elements.clear();
    match text.get(at..at + 2)? {
        b"[]" => return Some(at + 2),
        b"[{" => {}
        _ => return None,
    }
    let mut marks = Marks::new(text, at);
    let mut at = at + 1;
    loop {
        let (element, end) = element(text, at + 1, &mut marks)?;
        elements.push(element);
        match text.get(end..)? {
            [b',', b'{', ..] if elements.len() < MAX_ELEMENTS => at = end + 1,
            [b']', ..] => return Some(end + 1),
            _ => return None,
        }
    }
}

/// The element whose first key begins at `at`, and one past its end.
#[inline]
fn element(text: &[u8], mut at: usize, marks: &mut Marks<'_>) -> Option<(Element, usize)> {
    let mut element = Element::default();
    loop {
        let rest = text.get(at..)?;
        let field = KEYS.iter().position(|key| rest.starts_with(key))?;
        let start = at + KEYS[field].len();
        let close = marks.next(start);
        if element.fields[field].0 != 0 {
            return None;
        }
        element.fields[field] = (start, close);
        match text.get(close..close + 2)? {
            b"\"," => at = close + 2,
            b"\"}" => return Some((element, close + 2)),
            _ => return None,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::json;

    #[test]
    fn the_usual_form_is_read_and_no_other() {
        let mut elements = Vec::new();
        for text in [
            r#"[]"#,
            r#"[{"accountId":"1","type":"AWS::S3::Bucket","ARN":"arn:aws:s3:::b"}]"#,
            r#"[{"ARN":"a"},{"type":"t","ARN":""}]"#,
        ] {
            let padded = format!("{text},\"more\":1");
            assert_eq!(usual(padded.as_bytes(), 0, &mut elements), Some(text.len()), "{text}");
            assert_eq!(json::value(padded.as_bytes(), 0).unwrap().end, text.len());
            assert_eq!(elements.len(), text.matches('{').count());
        }
        let texts = elements.iter().map(|element| element.fields.map(|(start, end)| end - start));
        assert_eq!(texts.collect::<Vec<_>>(), [[1, 0, 0], [0, 0, 1]]);
        assert_eq!(elements[1].fields[1], (0, 0));
        for text in [
            "",
            "[",
            "[{",
            "[{}]",
            "{}",
            "null",
            "[1]",
            "[[]]",
            r#"[{"ARN":"a"}"#,
            r#"[{"ARN":"a"},]"#,
            r#"[{"ARN":"a",}]"#,
            r#"[{"ARN":"a","ARN":"b"}]"#,
            r#"[{"ARN":"a\n"}]"#,
            r#"[{"ARN":1}]"#,
            r#"[{"arn":"a"}]"#,
            r#"[ {"ARN":"a"}]"#,
            r#"[{"ARN":"a"} ]"#,
            "[{\"ARN\":\"a\tb\"}]",
            r#"[{"ARN":"a"#,
            r#"[{"ARN":"a""#,
            r#"[{"ARN":"a"},{}]"#,
        ] {
            assert_eq!(usual(text.as_bytes(), 0, &mut elements), None, "{text}");
        }
        let many = format!("[{}]", vec![r#"{"ARN":"a"}"#; MAX_ELEMENTS + 1].join(","));
        assert_eq!(usual(many.as_bytes(), 0, &mut elements), None);
        assert!(elements.len() <= MAX_ELEMENTS);
    }
}
