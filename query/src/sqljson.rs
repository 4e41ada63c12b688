//! What the standard lets stand behind a JSON path, and literals of types that no grammar of the parser's has, put into words
//! that it has: `json_value(x, 'lax $.a' RETURNING bigint DEFAULT 0 ON EMPTY)` is
//! `coalesce(CAST(json_value(x, 'lax $.a') AS bigint), 0)`, `IPADDRESS '10.0.0.1'` is `ip_address('10.0.0.1')`.
//!
//! Source: Trino documentation, "JSON functions and operators" (`json_exists`, `json_query`, `json_value`), "Data types". Works
//! on tokens.

use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan, Word};

/// Deepest nesting of such calls.
const MAX_DEPTH: usize = 32;

/// The tokens of a statement, in words that the parser has.
pub(crate) fn put_into_words(tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    reworded(&tokens, 0)
}

fn word(token: &Token) -> Option<&str> {
    match token {
        Token::Word(Word { value, quote_style: None, .. }) => Some(value),
        _ => None,
    }
}

fn is(token: Option<&TokenWithSpan>, wanted: &str) -> bool {
    token.and_then(|token| word(&token.token)).is_some_and(|word| word.eq_ignore_ascii_case(wanted))
}

fn next(tokens: &[TokenWithSpan], from: usize) -> Option<usize> {
    (from..tokens.len()).find(|at| !matches!(tokens.get(*at).map(|t| &t.token), Some(Token::Whitespace(_)) | None))
}

fn reworded(tokens: &[TokenWithSpan], depth: usize) -> Vec<TokenWithSpan> {
    let mut out = Vec::with_capacity(tokens.len());
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        at += 1;
        let name = word(&token.token).unwrap_or_default();
        let after = next(tokens, at);
        let opens = after.is_some_and(|at| tokens.get(at).is_some_and(|t| t.token == Token::LParen));
        let text = after.and_then(|at| tokens.get(at)).filter(|t| matches!(t.token, Token::SingleQuotedString(_)));
        if let Some(text) = text
            && ["ipaddress", "ipprefix"].iter().any(|kind| name.eq_ignore_ascii_case(kind))
        {
            let of = |made| TokenWithSpan { token: made, span: token.span };
            let prefix = name.eq_ignore_ascii_case("ipprefix");
            out.push(of(if prefix { Token::LParen } else { plain("ip_address") }));
            out.extend((!prefix).then(|| of(Token::LParen)));
            out.push(text.clone());
            out.push(of(Token::RParen));
            at = after.map_or(at, |at| at + 1);
            continue;
        }
        let ours = ["json_value", "json_query", "json_exists"].iter().any(|call| name.eq_ignore_ascii_case(call));
        let inside = after.filter(|_| ours && opens && depth < MAX_DEPTH).and_then(|open| {
            let close = closing(tokens, open)?;
            Some((tokens.get(open + 1..close)?, close))
        });
        match inside {
            Some((inside, close)) => {
                call(token, inside, depth, &mut out);
                at = close + 1;
            }
            None => out.push(token.clone()),
        }
    }
    out
}

fn plain(name: &str) -> Token {
    Token::Word(Word { value: name.to_owned(), quote_style: None, keyword: Keyword::NoKeyword })
}

/// The place of the bracket that closes the one at `open`.
fn closing(tokens: &[TokenWithSpan], open: usize) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate().skip(open) {
        match token.token {
            Token::LParen => depth += 1,
            Token::RParen => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
    }
    None
}

/// What stands behind the path of a call.
#[derive(Default)]
struct Clauses {
    returning: Vec<TokenWithSpan>,
    default: Vec<TokenWithSpan>,
    wrapped: bool,
    bare: bool,
}

/// Where the arguments end and the clauses begin: after the path, which is a literal.
fn arguments_end(inside: &[TokenWithSpan]) -> usize {
    let mut depth = 0_usize;
    let mut commas = 0;
    for (at, token) in inside.iter().enumerate() {
        match &token.token {
            Token::LParen | Token::LBracket => depth += 1,
            Token::RParen | Token::RBracket => depth = depth.saturating_sub(1),
            Token::Comma if depth == 0 => commas += 1,
            Token::SingleQuotedString(_) if depth == 0 && commas == 1 => return at + 1,
            _ => {}
        }
    }
    inside.len()
}

/// Reads the clauses; `None` where there is one that is not known, which the parser will say.
fn clauses(tokens: &[TokenWithSpan]) -> Option<Clauses> {
    let mut found = Clauses::default();
    let mut at = next(tokens, 0);
    while let Some(here) = at {
        let own = tokens.get(here);
        let mut end = here + 1;
        if is(own, "returning") || is(own, "default") {
            // Up to the next clause.
            let stops = |at: &usize| {
                let token = tokens.get(*at);
                ["returning", "default", "null", "error", "on", "with", "without"].iter().any(|word| is(token, word))
                    && *at > here + 1
            };
            let mut stop = (here + 1..tokens.len()).find(stops).unwrap_or(tokens.len());
            // `DEFAULT NULL ON EMPTY`
            if next(tokens, here + 1) == Some(stop) {
                stop += 1;
            }
            let part = tokens.get(here + 1..stop)?.to_vec();
            if is(own, "returning") {
                found.returning = part
            } else {
                found.default = part
            }
            end = stop;
        } else if is(own, "with") {
            found.wrapped = true;
        } else if is(own, "omit") {
            found.bare = true;
        } else {
            let known = [
                "null",
                "error",
                "true",
                "false",
                "unknown",
                "empty",
                "array",
                "object",
                "on",
                "without",
                "wrapper",
                "conditional",
                "unconditional",
                "keep",
                "quotes",
                "scalar",
                "string",
            ];
            known.iter().find(|word| is(own, word))?;
        }
        at = next(tokens, end);
    }
    Some(found)
}

fn call(name: &TokenWithSpan, inside: &[TokenWithSpan], depth: usize, out: &mut Vec<TokenWithSpan>) {
    let of = |token| TokenWithSpan { token, span: name.span };
    let end = arguments_end(inside);
    let (arguments, rest) = inside.split_at(end);
    let read = if next(rest, 0).is_some() { clauses(rest) } else { Some(Clauses::default()) };
    let Some(clauses) = read else {
        out.extend([name.clone(), of(Token::LParen)]);
        out.extend(reworded(inside, depth + 1));
        out.push(of(Token::RParen));
        return;
    };
    let default = !clauses.default.is_empty();
    let typed = !clauses.returning.is_empty();
    if default {
        out.extend([of(plain("coalesce")), of(Token::LParen)]);
    }
    if typed {
        out.extend([of(plain("cast")), of(Token::LParen)]);
        if let Some(TokenWithSpan { token: Token::Word(cast), .. }) = out.iter_mut().rev().nth(1) {
            cast.keyword = Keyword::CAST;
        }
    }
    if clauses.bare {
        out.extend([of(plain("json_text")), of(Token::LParen)]);
    }
    out.push(if clauses.wrapped { of(plain("json_query_wrapped")) } else { name.clone() });
    out.push(of(Token::LParen));
    out.extend(reworded(arguments, depth + 1));
    out.push(of(Token::RParen));
    if clauses.bare {
        out.push(of(Token::RParen));
    }
    if typed {
        out.push(of(Token::Word(Word { value: "AS".to_owned(), quote_style: None, keyword: Keyword::AS })));
        out.extend(clauses.returning);
        out.push(of(Token::RParen));
    }
    if default {
        out.push(of(Token::Comma));
        out.extend(clauses.default);
        out.push(of(Token::RParen));
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use crate::guard;

    #[test]
    fn clauses_become_calls() {
        for (sql, words) in [
            ("SELECT json_value(x, '$.a' RETURNING bigint)", "SELECT CAST(json_value(x, '$.a') AS BIGINT)"),
            (
                "SELECT json_value(f(x, 'y'), '$.a' RETURNING varchar(3) DEFAULT 'z' ON EMPTY NULL ON ERROR) FROM t",
                "SELECT coalesce(CAST(json_value(f(x, 'y'), '$.a') AS VARCHAR(3)), 'z') FROM t",
            ),
            ("SELECT json_query(x, '$.a' WITH UNCONDITIONAL ARRAY WRAPPER)", "SELECT json_query_wrapped(x, '$.a')"),
            (
                "SELECT json_exists(json_query(x, '$.a' OMIT QUOTES), '$' ERROR ON ERROR)",
                "SELECT json_exists(json_text(json_query(x, '$.a')), '$')",
            ),
            ("SELECT json_value(x, '$.a')", "SELECT json_value(x, '$.a')"),
            (
                "SELECT IPADDRESS '::1', ipprefix '10.0.0.0/8', ipaddress FROM t",
                "SELECT ip_address('::1'), ('10.0.0.0/8'), ipaddress FROM t",
            ),
        ] {
            assert_eq!(guard::parse(sql).unwrap().to_string(), words, "{sql}");
        }
        for wrong in ["SELECT json_value(x, '$.a' PASSING 1 AS y)", "SELECT json_value(x, '$.a'", "SELECT json_query("]
        {
            assert!(guard::parse(wrong).is_err(), "{wrong}");
        }
    }
}
