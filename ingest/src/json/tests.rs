//! The scanner against serde_json, its slow twin.

#![allow(clippy::unwrap_used)]

use super::*;
use proptest::prelude::*;

fn whole(text: &str) -> Checked<Value> {
    let start = skip_space(text.as_bytes(), 0);
    let found = value(text.as_bytes(), start)?;
    if skip_space(text.as_bytes(), found.end) != text.len() {
        return fault(Fault::Unexpected, found.end);
    }
    Ok(found)
}

#[test]
fn accepts_what_serde_json_accepts() {
    for text in [
        "{}",
        "[]",
        "[[]]",
        "{\"a\":{}}",
        "[1,2.5e-3,-0,0.1E+9]",
        "\"a\\u00e9\\n\"",
        "true",
        "null",
        "{\"a\":[{\"b\":[]},{}],\"c\":\"\"}",
        " [ 1 , { \"a\" : null } ] ",
    ] {
        assert!(serde_json::from_str::<serde_json::Value>(text).is_ok(), "{text}");
        assert!(whole(text).is_ok(), "{text}: {:?}", whole(text));
    }
}

#[test]
fn refuses_what_serde_json_refuses() {
    for text in [
        "{",
        "[1,]",
        "{\"a\":}",
        "{\"a\"}",
        "{a:1}",
        "[1 2]",
        "01",
        "1.",
        "-",
        "1e",
        "tru",
        "nulll",
        "\"\\x\"",
        "\"\\u12g4\"",
        "{\"a\":1,}",
        "]",
        "[}",
        "{]",
        "\"abc",
        "'a'",
        "NaN",
        "[1}",
        "{\"a\":1]",
    ] {
        assert!(serde_json::from_str::<serde_json::Value>(text).is_err(), "{text}");
        assert!(whole(text).is_err(), "{text}");
    }
}

#[test]
fn deep_nesting_is_refused_not_a_stack_overflow() {
    let deep = "[".repeat(100_000) + &"]".repeat(100_000);
    assert_eq!(whole(&deep).unwrap_err().what, Fault::TooDeep);
    let fine = "[".repeat(128) + &"]".repeat(128);
    assert!(whole(&fine).is_ok());
}

#[test]
fn raw_control_characters_are_let_through_and_escaped() {
    let found = whole("{\"a\": \"x\ny\"}").unwrap();
    assert_eq!(found.form, Form::Spaced);
    let mut out = String::new();
    compact("{\"a\": \"x\ny\"}", &mut out);
    assert_eq!(out, "{\"a\":\"x\\ny\"}");
}

#[test]
fn lone_surrogates_have_no_text() {
    let mut out = String::from("kept");
    assert!(!unescape("a\\ud800b", &mut out));
    assert_eq!(out, "kept");
    assert!(unescape("\\ud83d\\ude00", &mut out));
    assert_eq!(out, "kept😀");
}

fn any_json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<i32>().prop_map(|eighths| (f64::from(eighths) / 8.0).into()),
        ".*".prop_map(Into::into),
    ];
    leaf.prop_recursive(5, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
            prop::collection::btree_map(".*", inner, 0..6)
                .prop_map(|m| serde_json::Value::Object(m.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn any_value_is_read_to_its_end(value in any_json()) {
        for text in [value.to_string(), serde_json::to_string_pretty(&value).unwrap()] {
            let found = whole(&text).unwrap();
            prop_assert_eq!(found.end, text.len());
            let mut out = String::new();
            compact(&text, &mut out);
            prop_assert_eq!(serde_json::from_str::<serde_json::Value>(&out).unwrap(), value.clone());
        }
    }

    #[test]
    fn a_damaged_text_gets_serde_jsons_verdict(value in any_json(), at in any::<prop::sample::Index>(), byte in 0x20u8..0x7f) {
        let mut bytes = value.to_string().into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if let Ok(text) = String::from_utf8(bytes) {
            // serde_json also refuses lone surrogates and numbers out of range, which are text to us.
            match serde_json::from_str::<&serde_json::value::RawValue>(&text) {
                Ok(_) => prop_assert!(whole(&text).is_ok()),
                Err(_) => prop_assert!(whole(&text).is_err()),
            }
        }
    }

    #[test]
    fn quote_and_unescape_are_inverse(text in ".*") {
        let mut quoted = String::new();
        quote(&text, &mut quoted);
        prop_assert_eq!(&serde_json::from_str::<String>(&quoted).unwrap(), &text);
        let mut back = String::new();
        prop_assert!(unescape(&quoted[1..quoted.len() - 1], &mut back));
        prop_assert_eq!(back, text);
    }
}

/// The quick way to read a key in a nested value agrees with the careful one, and spaces are noticed by both.
#[test]
fn keys_in_nested_values_are_read_the_same_quick_or_careful() {
    for (text, form) in [
        (r#"{"a":1}"#, Ok(Form::Nested)),
        (r#"{"a": 1}"#, Ok(Form::Spaced)),
        (r#"{"a" :1}"#, Ok(Form::Spaced)),
        (r#"{"\u0061":1}"#, Ok(Form::Nested)),
        ("{\"a\tb\":1}", Ok(Form::Spaced)),
        (r#"{"a":{"b":"x","c":[]},"d":"y"}"#, Ok(Form::Nested)),
        (r#"{"a""#, Err(Fault::Truncated)),
        (r#"{"a":"#, Err(Fault::Truncated)),
        (r#"{"a"1}"#, Err(Fault::Unexpected)),
        (r#"{"a":}"#, Err(Fault::Unexpected)),
        (r#"{a":1}"#, Err(Fault::Unexpected)),
        (r#"{"a":1,}"#, Err(Fault::Unexpected)),
    ] {
        // What follows lets whole steps be read.
        for text in [text.to_owned(), format!("{text}{}", " ".repeat(if form.is_ok() { 64 } else { 0 }))] {
            assert_eq!(value(text.as_bytes(), 0).map(|v| v.form).map_err(|e| e.what), form, "{text}");
        }
    }
}
