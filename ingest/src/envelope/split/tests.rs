//! Every wrapper and every damage, in one window and in tiny ones.

#![allow(clippy::unwrap_used)]

use super::*;

/// Steps over the whole text, in one window or in growing ones, as short words.
fn steps(text: &str, chunk: usize) -> Vec<String> {
    let (mut splitter, mut scanner, mut fields) = (Splitter::new(), Scanner::new(), Fields::default());
    let (mut out, mut from, mut to) = (Vec::new(), 0, chunk.min(text.len()));
    loop {
        let window = &text.as_bytes()[from..to];
        let show = |range: &Range<usize>| String::from_utf8_lossy(&window[range.clone()]).into_owned();
        match splitter.next(window, to == text.len(), &mut scanner, &mut fields) {
            Step::Object(range) => out.push(show(&range)),
            Step::Other(range) => out.push(format!("other {}", show(&range))),
            Step::Broken { range, document, .. } => {
                out.push(format!("broken{} {}", if document { " document" } else { "" }, show(&range)));
            }
            Step::Trailing(range) => out.push(format!("trailing {}", show(&range))),
            Step::Unclosed => out.push("unclosed".to_owned()),
            Step::Done => return out,
            Step::More => {
                let done = splitter.done();
                splitter.drop_front(done);
                from += done;
                to = (to + chunk).min(text.len());
            }
        }
    }
}

fn check(text: &str, expected: &[&str]) {
    assert_eq!(steps(text, usize::MAX >> 1), expected, "{text}");
    for chunk in [1, 3, 7] {
        assert_eq!(steps(text, chunk), expected, "{text} in windows of {chunk}");
    }
}

#[test]
fn every_wrapper_is_entered() {
    check("", &[]);
    check("  \n", &[]);
    check("{}", &["{}"]);
    check("[]", &[]);
    check(r#"{"Records":[]}"#, &[]);
    check(r#"{"Records":[{"a":1},{"a":2}]}"#, &[r#"{"a":1}"#, r#"{"a":2}"#]);
    check(r#"{"NextToken":"x","Events":[{"a":1}],"y":{}}"#, &[r#"{"a":1}"#]);
    check("[{\"a\":1}, {\"a\":2}]\n", &[r#"{"a":1}"#, r#"{"a":2}"#]);
    check("{\"a\":1}\n{\"a\":2}\n", &[r#"{"a":1}"#, r#"{"a":2}"#]);
    check("{\"Records\":[{}]}{\"Records\":[{\"a\":1}]}", &["{}", r#"{"a":1}"#]);
    check("\u{feff}{\"a\":1}", &[r#"{"a":1}"#]);
    check("2024-01-01T00:00:00.000Z {\"a\":1}\n2024-01-01T00:00:01.000Z {\"a\":2}", &[r#"{"a":1}"#, r#"{"a":2}"#]);
}

#[test]
fn a_broken_record_leaves_its_neighbours() {
    check(r#"[{"a":1},{"a":oops},{"a":3}]"#, &[r#"{"a":1}"#, r#"broken {"a":oops}"#, r#"{"a":3}"#]);
    check(r#"[{"a":1},7,null,{"a":3}]"#, &[r#"{"a":1}"#, "other 7", "other null", r#"{"a":3}"#]);
    // A quote is missing, so that no bracket can be trusted: the next record is found by its first key.
    check(
        r#"{"Records":[{"eventVersion":"1","x":"a},{"eventVersion":"2"}]}"#,
        &[r#"broken {"eventVersion":"1","x":"a},"#, r#"{"eventVersion":"2"}"#],
    );
    check("{\"a\":1}\n{\"a\":}\n{\"a\":3}", &[r#"{"a":1}"#, "broken document {\"a\":}\n", r#"{"a":3}"#]);
}

#[test]
fn a_cut_text_says_so() {
    check(r#"{"Records":[{"a":1},{"a":2}"#, &[r#"{"a":1}"#, r#"{"a":2}"#, "unclosed"]);
    check(r#"{"Records":[{"a":1},{"a":"#, &[r#"{"a":1}"#, r#"broken {"a":"#]);
    check(r#"{"Records":[{"a":1}]"#, &[r#"{"a":1}"#, "unclosed"]);
    check(r#"{"Records":[{"a":1}]} tail"#, &[r#"{"a":1}"#, "trailing tail"]);
    check("not json at all", &["broken document not json at all"]);
}
