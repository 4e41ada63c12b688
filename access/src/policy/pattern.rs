//! A pattern of the policy language: text with `*` and `?`, and policy variables.
//!
//! Source: "IAM policy elements: Variables and tags" and "Resource" in the IAM user guide. `*` stands for any run of
//! characters, `?` for one, `${key}` for the value of a context key, `${key, 'default'}` for it or the default, and
//! `${*}`, `${?}`, `${$}` for the characters themselves. An inserted value is literal: a `*` in a user's name matches
//! nothing but a `*`. A variable that the context does not have makes the pattern match nothing.
//!
//! Knows text and the context. Must not know what the text names.

use super::context::Context;

/// What of the language a place of a policy reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Syntax {
    /// `*` and `?` are wildcards.
    pub(super) wildcards: bool,
    /// `${…}` is a variable: only in documents of version 2012-10-17.
    pub(super) variables: bool,
    /// Upper and lower case are one.
    pub(super) fold: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    Byte(u8),
    /// `?`
    One,
    /// `*`
    Many,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Tokens(Box<[Token]>),
    Variable { key: Box<str>, default: Option<Box<str>> },
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Form {
    Anything,
    Exact(Box<str>),
    /// Text and a `*` behind it.
    Prefix(Box<str>),
    Tokens(Box<[Token]>),
    Parts(Box<[Part]>),
}

/// A pattern, made ready to match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pattern {
    form: Form,
    fold: bool,
}

/// Whether a pattern matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hit {
    Yes,
    No,
    /// A variable has no value, so the pattern stands for nothing.
    Unresolved,
}

impl Hit {
    fn of(yes: bool) -> Hit {
        if yes { Hit::Yes } else { Hit::No }
    }
}

impl Pattern {
    /// Reads a pattern.
    pub(super) fn new(text: &str, syntax: Syntax) -> Pattern {
        let text = if syntax.fold { text.to_lowercase() } else { text.to_owned() };
        let form = if syntax.variables && text.contains("${") {
            Form::of_parts(parts(&text, syntax))
        } else {
            Form::of_tokens(tokens(&text, syntax.wildcards))
        };
        Pattern { form, fold: syntax.fold }
    }

    /// The pattern of everything.
    pub(super) fn anything() -> Pattern {
        Pattern { form: Form::Anything, fold: false }
    }

    /// Whether it matches every text.
    pub(super) fn is_anything(&self) -> bool {
        self.form == Form::Anything
    }

    /// The keys of its variables.
    pub(super) fn variables(&self) -> impl Iterator<Item = &str> {
        let parts: &[Part] = if let Form::Parts(parts) = &self.form { parts } else { &[] };
        parts.iter().filter_map(|part| match part {
            Part::Variable { key, default: None } => Some(&**key),
            _ => None,
        })
    }

    /// Whether it matches a text, for a pattern without variables.
    pub(super) fn fits(&self, text: &str) -> bool {
        match &self.form {
            Form::Anything => true,
            Form::Exact(exact) => **exact == *text,
            Form::Prefix(prefix) => text.as_bytes().starts_with(prefix.as_bytes()),
            Form::Tokens(tokens) => fits(tokens, text.as_bytes()),
            Form::Parts(_) => false,
        }
    }

    /// Matches a text that is in lower case already where the pattern folds.
    pub(super) fn hit(&self, text: &str, context: &Context) -> Hit {
        let Form::Parts(parts) = &self.form else { return Hit::of(self.fits(text)) };
        match resolve(parts, context, self.fold) {
            Some(tokens) => Hit::of(fits(&tokens, text.as_bytes())),
            None => Hit::Unresolved,
        }
    }
}

impl Form {
    fn of_tokens(tokens: Vec<Token>) -> Form {
        let text = |tokens: &[Token]| -> Option<Box<str>> {
            let byte = |token: &Token| if let Token::Byte(byte) = token { Some(*byte) } else { None };
            let bytes: Option<Vec<u8>> = tokens.iter().map(byte).collect();
            String::from_utf8(bytes?).ok().map(String::into_boxed_str)
        };
        if !tokens.is_empty() && tokens.iter().all(|token| *token == Token::Many) {
            return Form::Anything;
        }
        if let Some(exact) = text(&tokens) {
            return Form::Exact(exact);
        }
        if let Some((Token::Many, front)) = tokens.split_last()
            && let Some(prefix) = text(front)
        {
            return Form::Prefix(prefix);
        }
        Form::Tokens(tokens.into())
    }

    fn of_parts(parts: Vec<Part>) -> Form {
        match parts.as_slice() {
            [] => Form::Exact("".into()),
            [Part::Tokens(only)] => Form::of_tokens(only.to_vec()),
            _ => Form::Parts(parts.into()),
        }
    }
}

fn tokens(text: &str, wildcards: bool) -> Vec<Token> {
    let token = |byte| match byte {
        b'*' if wildcards => Token::Many,
        b'?' if wildcards => Token::One,
        byte => Token::Byte(byte),
    };
    text.bytes().map(token).collect()
}

/// Splits at variables. `${` without an end is text.
fn parts(text: &str, syntax: Syntax) -> Vec<Part> {
    let mut found = Vec::new();
    let mut open: Vec<Token> = Vec::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once("${") {
        let Some((inside, after)) = behind.split_once('}') else { break };
        open.extend(tokens(before, syntax.wildcards));
        rest = after;
        if matches!(inside, "*" | "?" | "$") {
            open.extend(inside.bytes().map(Token::Byte));
            continue;
        }
        if !open.is_empty() {
            found.push(Part::Tokens(std::mem::take(&mut open).into()));
        }
        let (key, default) = match inside.split_once(',') {
            Some((key, default)) => (key, quoted(default.trim())),
            None => (inside, None),
        };
        found.push(Part::Variable { key: key.trim().to_lowercase().into(), default: default.map(Into::into) });
    }
    open.extend(tokens(rest, syntax.wildcards));
    if !open.is_empty() {
        found.push(Part::Tokens(open.into()));
    }
    found
}

fn quoted(text: &str) -> Option<&str> {
    text.strip_prefix('\'')?.strip_suffix('\'')
}

/// The tokens with every variable's value in its place, or `None` where one has no single value.
fn resolve(parts: &[Part], context: &Context, fold: bool) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    for part in parts {
        match part {
            Part::Tokens(some) => tokens.extend_from_slice(some),
            Part::Variable { key, default } => match (context.single(key), default) {
                (Some(value), _) if fold => tokens.extend(value.to_lowercase().bytes().map(Token::Byte)),
                (Some(value), _) => tokens.extend(value.bytes().map(Token::Byte)),
                (None, Some(default)) => tokens.extend(default.bytes().map(Token::Byte)),
                (None, None) => return None,
            },
        }
    }
    Some(tokens)
}

/// Matching with one place to come back to: at most pattern times text, whatever the pattern.
fn fits(tokens: &[Token], text: &[u8]) -> bool {
    let (mut at, mut token) = (0, 0);
    let mut back = None;
    loop {
        match (tokens.get(token), text.get(at)) {
            (None, None) => return true,
            (Some(Token::Many), _) => {
                token += 1;
                back = Some((token, at));
                continue;
            }
            (Some(Token::One), Some(first)) => {
                (token, at) = (token + 1, at + char_len(*first));
                continue;
            }
            (Some(Token::Byte(wanted)), Some(byte)) if wanted == byte => {
                (token, at) = (token + 1, at + 1);
                continue;
            }
            _ => {}
        }
        match back {
            Some((again, from)) if from < text.len() => {
                (token, at) = (again, from + 1);
                back = Some((again, from + 1));
            }
            _ => return false,
        }
    }
}

/// Bytes of the UTF-8 character that begins with this byte.
fn char_len(first: u8) -> usize {
    match first {
        0xF0.. => 4,
        0xE0.. => 3,
        0xC0.. => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ALL: Syntax = Syntax { wildcards: true, variables: true, fold: false };

    fn matches(pattern: &str, text: &str, context: &[(&str, &str)]) -> Hit {
        let mut known = Context::default();
        context.iter().for_each(|(key, value)| known.set(key, value));
        Pattern::new(pattern, ALL).hit(text, &known)
    }

    #[test]
    fn wildcards_cross_every_character() {
        for (pattern, text, expected) in [
            ("a*c*e", "abcde", true),
            ("a*c*e", "abcdf", false),
            ("arn:*", "arn:x/y:z", true),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("a?c", "aéc", true),
            ("*", "", true),
            ("", "", true),
            ("", "a", false),
            ("*a", "baa", true),
            ("[a]", "[a]", true),
            ("a.c", "abc", false),
        ] {
            assert_eq!(matches(pattern, text, &[]), Hit::of(expected), "{pattern} {text}");
        }
    }

    #[test]
    fn variables_are_inserted_as_they_are() {
        let bob = [("aws:username", "bob"), ("aws:star", "b*")];
        assert_eq!(matches("home/${aws:UserName}/*", "home/bob/x", &bob), Hit::Yes);
        assert_eq!(matches("home/${aws:star}", "home/bob", &bob), Hit::No);
        assert_eq!(matches("home/${aws:star}", "home/b*", &bob), Hit::Yes);
        assert_eq!(matches("home/${aws:nobody}", "home/bob", &bob), Hit::Unresolved);
        assert_eq!(matches("home/${aws:nobody, 'all'}", "home/all", &bob), Hit::Yes);
        assert_eq!(matches("home/${aws:nobody,'a b'}", "home/a b", &bob), Hit::Yes);
        assert_eq!(matches("a${*}${?}${$}", "a*?$", &bob), Hit::Yes);
        assert_eq!(matches("a${*}", "ab", &bob), Hit::No);
        assert_eq!(matches("${aws:username", "${aws:username", &bob), Hit::Yes);
        let keys: Vec<_> = Pattern::new("${aws:A}${b, 'x'}", ALL).variables().map(str::to_owned).collect();
        assert_eq!(keys, ["aws:a"]);
    }

    #[test]
    fn case_folds_on_both_sides() {
        let fold = Pattern::new("É${k}*", Syntax { fold: true, ..ALL });
        let mut context = Context::default();
        context.set("k", "ABC");
        assert_eq!(fold.hit("éabcd", &context), Hit::Yes);
    }

    /// The same by recursion, slow and plain.
    fn slow(pattern: &[char], text: &[char]) -> bool {
        match (pattern.split_first(), text.split_first()) {
            (None, None) => true,
            (Some(('*', rest)), _) => {
                slow(rest, text) || text.split_first().is_some_and(|(_, tail)| slow(pattern, tail))
            }
            (Some(('?', rest)), Some((_, tail))) => slow(rest, tail),
            (Some((wanted, rest)), Some((found, tail))) => wanted == found && slow(rest, tail),
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn matching_equals_its_slow_twin(pattern in "[abé*?]{0,8}", text in "[abé]{0,10}") {
            let chars = |text: &str| text.chars().collect::<Vec<_>>();
            prop_assert_eq!(matches(&pattern, &text, &[]), Hit::of(slow(&chars(&pattern), &chars(&text))));
        }
    }
}
