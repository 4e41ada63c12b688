//! `VALUES` as Trino has it, in words that the parser has: `VALUES 'a', 'b'` are rows of one value each, `IN (VALUES …)` is a
//! list, and after `ANY`, `ALL` and `SOME` it is a query.
//!
//! Source: Trino documentation, "VALUES". Works on tokens.

use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan, Word};

/// The tokens of a statement, in words that the parser has.
pub(crate) fn put_into_words(tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    if !tokens.iter().any(|token| keyword(token) == Keyword::VALUES) {
        return tokens;
    }
    let mut out = Vec::with_capacity(tokens.len() + 16);
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        let list = Some(&tokens).filter(|_| begins(&tokens, at)).map(|tokens| List::at(tokens, at + 1));
        let Some(list) = list.filter(|list| !list.items.is_empty()) else {
            out.push(token.clone());
            at += 1;
            continue;
        };
        let of = |made| TokenWithSpan { token: made, span: token.span };
        let whole = tokens.get(list.end).is_some_and(|next| next.token == Token::RParen);
        let (is_list, is_query) = match asks(&tokens, at) {
            Keyword::IN => (whole, !whole),
            Keyword::ANY | Keyword::ALL | Keyword::SOME => (false, true),
            _ => (false, false),
        };
        if is_query {
            let word = |text: &str, keyword| of(Token::Word(Word { value: text.into(), quote_style: None, keyword }));
            out.extend([
                word("SELECT", Keyword::SELECT),
                of(Token::Mul),
                word("FROM", Keyword::FROM),
                of(Token::LParen),
            ]);
        }
        if !is_list {
            out.push(token.clone());
        }
        for (number, item) in list.items.iter().enumerate() {
            out.extend((number > 0).then(|| of(Token::Comma)));
            let bare = item.iter().filter(|token| !is_space(token)).collect::<Vec<_>>();
            let row = if is_word(bare.first().copied(), "row") { bare.len() - 1 } else { bare.len() };
            let item = item.iter().skip_while(|token| row < bare.len() && token.token != Token::LParen).cloned();
            let item = item.collect::<Vec<_>>();
            let bracketed = is_bracketed(&item);
            out.extend((!bracketed).then(|| of(Token::LParen)));
            // What stands in a row may be a query with values of its own.
            out.extend(put_into_words(item));
            out.extend((!bracketed).then(|| of(Token::RParen)));
        }
        out.extend(is_query.then(|| of(Token::RParen)));
        at = list.end;
    }
    out
}

fn keyword(token: &TokenWithSpan) -> Keyword {
    match &token.token {
        Token::Word(Word { quote_style: None, keyword, .. }) => *keyword,
        _ => Keyword::NoKeyword,
    }
}

fn is_space(token: &TokenWithSpan) -> bool {
    matches!(token.token, Token::Whitespace(_))
}

fn is_word(token: Option<&TokenWithSpan>, wanted: &str) -> bool {
    matches!(token.map(|token| &token.token), Some(Token::Word(word)) if word.quote_style.is_none() && word.value.eq_ignore_ascii_case(wanted))
}

fn before(tokens: &[TokenWithSpan], at: usize) -> Option<usize> {
    tokens.get(..at)?.iter().rposition(|token| !is_space(token))
}

/// Whether `VALUES` stands here, and is no name of a column.
fn begins(tokens: &[TokenWithSpan], at: usize) -> bool {
    if tokens.get(at).map(keyword) != Some(Keyword::VALUES) {
        return false;
    }
    let opened = match before(tokens, at).and_then(|at| tokens.get(at)) {
        None => true,
        Some(before) => {
            before.token == Token::LParen
                || matches!(
                    keyword(before),
                    Keyword::UNION | Keyword::ALL | Keyword::DISTINCT | Keyword::EXCEPT | Keyword::INTERSECT
                )
        }
    };
    let next = tokens.iter().skip(at + 1).find(|token| !is_space(token));
    opened
        && next.is_some_and(|next| match &next.token {
            Token::LParen | Token::Number(..) | Token::SingleQuotedString(_) | Token::Minus => true,
            Token::Word(_) => !matches!(
                keyword(next),
                Keyword::IS
                    | Keyword::AS
                    | Keyword::IN
                    | Keyword::LIKE
                    | Keyword::BETWEEN
                    | Keyword::NOT
                    | Keyword::AND
                    | Keyword::OR
                    | Keyword::FROM
            ),
            _ => false,
        })
}

/// What stands before the bracket that `VALUES` is in.
fn asks(tokens: &[TokenWithSpan], at: usize) -> Keyword {
    let bracket = before(tokens, at).filter(|at| tokens.get(*at).is_some_and(|token| token.token == Token::LParen));
    let asks = bracket.and_then(|at| before(tokens, at)).and_then(|at| tokens.get(at));
    asks.map_or(Keyword::NoKeyword, keyword)
}

/// The items after `VALUES`, and the place of what comes after them.
struct List<'a> {
    items: Vec<&'a [TokenWithSpan]>,
    end: usize,
}

impl<'a> List<'a> {
    fn at(tokens: &'a [TokenWithSpan], start: usize) -> List<'a> {
        let (mut items, mut from, mut depth) = (Vec::new(), start, 0_usize);
        let mut end = tokens.len();
        for (at, token) in tokens.iter().enumerate().skip(start) {
            match &token.token {
                Token::LParen | Token::LBracket => depth += 1,
                Token::RParen | Token::RBracket if depth > 0 => depth -= 1,
                Token::Comma if depth == 0 => {
                    items.extend(tokens.get(from..at));
                    from = at + 1;
                }
                _ if depth == 0 && ends(token) => {
                    end = at;
                    break;
                }
                _ => {}
            }
        }
        items.extend(tokens.get(from..end));
        List { items, end }
    }
}

fn ends(token: &TokenWithSpan) -> bool {
    let after = [
        Keyword::UNION,
        Keyword::EXCEPT,
        Keyword::INTERSECT,
        Keyword::ORDER,
        Keyword::LIMIT,
        Keyword::OFFSET,
        Keyword::FETCH,
    ];
    matches!(token.token, Token::RParen | Token::RBracket | Token::SemiColon | Token::EOF)
        || after.contains(&keyword(token))
}

/// Whether an item is in brackets, from its first token to its last.
fn is_bracketed(item: &[TokenWithSpan]) -> bool {
    let mut depth = 0_usize;
    let mut tokens = item.iter().filter(|token| !is_space(token)).peekable();
    while let Some(token) = tokens.next() {
        match token.token {
            Token::LParen => depth += 1,
            Token::RParen => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return token.token == Token::RParen && tokens.peek().is_none();
        }
    }
    false
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use crate::guard;

    #[test]
    fn values_are_rows() {
        for (sql, words) in [
            ("VALUES 1, 2", "VALUES (1), (2)"),
            (
                "SELECT * FROM (VALUES 'a', f('b', 'c')) AS t (x)",
                "SELECT * FROM (VALUES ('a'), (f('b', 'c'))) AS t (x)",
            ),
            ("SELECT * FROM (VALUES ROW(1, 'a'), (2, 'b')) t", "SELECT * FROM (VALUES (1, 'a'), (2, 'b')) t"),
            ("VALUES (1 + 2) * 3 ORDER BY 1", "VALUES ((1 + 2) * 3) ORDER BY 1"),
            ("SELECT x IN (VALUES 'a', 'b')", "SELECT x IN (('a'), ('b'))"),
            ("SELECT (x, y) NOT IN (VALUES (1, 2), (3, 4))", "SELECT (x, y) NOT IN ((1, 2), (3, 4))"),
            ("SELECT x = ANY (VALUES 'a', 'b')", "SELECT x = ANY(SELECT * FROM (VALUES ('a'), ('b')))"),
            ("SELECT x <> ALL (VALUES (1))", "SELECT x <> ALL(SELECT * FROM (VALUES (1)))"),
            ("SELECT 1 UNION ALL VALUES 2", "SELECT 1 UNION ALL VALUES (2)"),
            ("SELECT map_keys(values), \"values\" FROM t", "SELECT map_keys(values), \"values\" FROM t"),
        ] {
            assert_eq!(guard::parse(sql).unwrap().to_string(), words, "{sql}");
        }
        for wrong in ["VALUES", "VALUES (1", "SELECT x IN (VALUES"] {
            assert!(guard::parse(wrong).is_err(), "{wrong}");
        }
    }
}
