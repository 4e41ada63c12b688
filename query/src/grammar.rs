//! The grammar that statements are read with: the parser's most generous one, with lambdas where a statement has them.
//!
//! And what no grammar of the parser's has, put into words before it sees them: an event data store's id as a table's
//! name (`FROM 0a1b2c3d-…`), types with brackets (`CAST(x AS array(varchar))`), a doubled `FROM`. Works on text and
//! tokens; knows no statements.

use std::any::TypeId;
use std::borrow::Cow;

use datafusion::sql::sqlparser::ast::Expr;
use datafusion::sql::sqlparser::dialect::{Dialect, GenericDialect, Precedence};
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::parser::{Parser, ParserError};
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan, Word};

/// The name that a type with brackets goes by: `trail_type('array(varchar)')`.
pub(crate) const TYPE: &str = "trail_type";

/// The grammar.
#[derive(Debug)]
pub(crate) struct Grammar {
    /// Whether `x -> …` is a function of `x`, as in Trino, and not a path into JSON, as in DuckDB.
    pub(crate) lambdas: bool,
}

macro_rules! generous {
    ($($feature:ident),* $(,)?) => {
        $(fn $feature(&self) -> bool {
            true
        })*
    };
}

/// What the parser's generic dialect allows a reading statement, and lambdas.
impl Dialect for Grammar {
    fn dialect(&self) -> TypeId {
        TypeId::of::<GenericDialect>()
    }

    fn is_delimited_identifier_start(&self, ch: char) -> bool {
        GenericDialect {}.is_delimited_identifier_start(ch)
    }

    fn is_identifier_start(&self, ch: char) -> bool {
        GenericDialect {}.is_identifier_start(ch)
    }

    fn is_identifier_part(&self, ch: char) -> bool {
        GenericDialect {}.is_identifier_part(ch)
    }

    /// `a IS NOT DISTINCT FROM b AND c`: the parser alone takes `b AND c` for what is compared with.
    fn parse_infix(&self, parser: &mut Parser, expr: &Expr, _: u8) -> Option<Result<Expr, ParserError>> {
        let is_same = parser.parse_keywords(&[Keyword::IS, Keyword::NOT, Keyword::DISTINCT, Keyword::FROM]);
        if !is_same && !parser.parse_keywords(&[Keyword::IS, Keyword::DISTINCT, Keyword::FROM]) {
            return None;
        }
        let left = Box::new(expr.clone());
        Some(parser.parse_subexpr(self.prec_value(Precedence::Eq)).map(|right| match is_same {
            true => Expr::IsNotDistinctFrom(left, Box::new(right)),
            false => Expr::IsDistinctFrom(left, Box::new(right)),
        }))
    }

    fn supports_lambda_functions(&self) -> bool {
        self.lambdas
    }

    generous!(
        supports_unicode_string_literal,
        supports_group_by_expr,
        supports_group_by_with_modifier,
        supports_left_associative_joins_without_parens,
        supports_window_function_null_treatment_arg,
        supports_dictionary_syntax,
        supports_window_clause_named_window_reference,
        supports_select_wildcard_except,
        support_map_literal_syntax,
        allow_extract_custom,
        allow_extract_single_quotes,
        supports_extract_comma_syntax,
        supports_parens_around_table_factor,
        supports_values_as_table_factor,
        supports_explain_with_utility_options,
        supports_limit_comma,
        supports_from_first_select,
        supports_projection_trailing_commas,
        supports_try_convert,
        supports_bitwise_shift_operators,
        supports_named_fn_args_with_assignment_operator,
        supports_struct_literal,
        supports_nested_comments,
        supports_string_escape_constant,
        supports_array_typedef_with_brackets,
        supports_filter_during_aggregation,
        supports_select_wildcard_exclude,
        supports_interval_options,
        supports_select_wildcard_replace,
        supports_select_wildcard_ilike,
        supports_select_wildcard_rename,
        supports_settings,
        supports_comma_separated_trim,
    );
}

/// Whether a statement's arrows are lambdas: one leads to something that is no literal.
pub(crate) fn has_lambdas(tokens: &[TokenWithSpan]) -> bool {
    let mut words = tokens.iter().map(|t| &t.token).filter(|token| !matches!(token, Token::Whitespace(_)));
    while let Some(token) = words.next() {
        if *token == Token::Arrow
            && !matches!(words.clone().next(), Some(Token::SingleQuotedString(_) | Token::Number(..)) | None)
        {
            return true;
        }
    }
    false
}

/// Puts double quotes around ids of event data stores (`8-4-4-4-12` hexadecimal digits) outside literals and comments.
pub(crate) fn quote_ids(sql: &str) -> Cow<'_, str> {
    if !sql.contains('-') {
        return Cow::Borrowed(sql);
    }
    let bytes = sql.as_bytes();
    let mut out = String::new();
    let (mut at, mut run) = (0, 0);
    while let Some(&byte) = bytes.get(at) {
        let rest = bytes.get(at..).unwrap_or_default();
        at += match byte {
            b'\'' | b'"' | b'`' => rest.iter().skip(1).position(|b| *b == byte).map_or(rest.len(), |end| end + 2),
            b'-' if rest.starts_with(b"--") => rest.iter().position(|b| *b == b'\n').unwrap_or(rest.len()),
            b'/' if rest.starts_with(b"/*") => find(rest, b"*/").unwrap_or(rest.len()),
            _ if is_word(byte) => {
                let id = id_length(rest);
                if let Some(length) = id {
                    out.push_str(sql.get(run..at).unwrap_or_default());
                    out.push('"');
                    out.push_str(sql.get(at..at + length).unwrap_or_default());
                    out.push('"');
                    run = at + length;
                }
                id.unwrap_or_else(|| rest.iter().take_while(|b| is_word(**b)).count())
            }
            _ => 1,
        };
    }
    if run == 0 {
        return Cow::Borrowed(sql);
    }
    out.push_str(sql.get(run..).unwrap_or_default());
    Cow::Owned(out)
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|window| window == wanted).map(|at| at + wanted.len())
}

/// The length of the id that a text begins with.
fn id_length(text: &[u8]) -> Option<usize> {
    const LENGTH: usize = 36;
    let id = text.get(..LENGTH)?;
    let fits = id.iter().enumerate().all(|(at, byte)| match at {
        8 | 13 | 18 | 23 => *byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    });
    let ends = text.get(LENGTH).is_none_or(|byte| !is_word(*byte) && *byte != b'-');
    (fits && ends).then_some(LENGTH)
}

/// Whether a name is an event data store's id.
pub(crate) fn is_store_id(name: &str) -> bool {
    id_length(name.as_bytes()) == Some(name.len())
}

/// Whether a name is an event data store's: its id, or what stands for one to be filled in (`$EDS`, `eds_id`,
/// `event_data_store_ID`).
pub(crate) fn names_a_store(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    is_store_id(name)
        || lower.split(|letter: char| !letter.is_ascii_alphanumeric()).any(|word| word == "eds")
        || says(&["event_data_store", "eventdatastore", "event-data-store"])
        || (lower.starts_with('$') && says(&["eds", "data_store", "datastore"]))
}

/// Puts `AS array(…)`, `AS map(…)` and `AS row(…)` into words, makes a doubled `FROM`, which is never SQL, one, and `FROM $NAME` a name.
pub(crate) fn put_into_words(tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    let mut out: Vec<TokenWithSpan> = Vec::with_capacity(tokens.len());
    let mut tokens = tokens.into_iter().peekable();
    // The last keyword, while nothing but white space came after it.
    let mut last = Keyword::NoKeyword;
    while let Some(mut token) = tokens.next() {
        // `actor.user.name`: a part of a path is a name, whatever else the word means.
        let after_dot = out.last().is_some_and(|before| before.token == Token::Period);
        let before_dot = tokens.peek().is_some_and(|next| next.token == Token::Period);
        if let Token::Word(word) = &mut token.token
            && (after_dot || before_dot)
        {
            word.keyword = Keyword::NoKeyword;
        }
        let keyword = match &token.token {
            Token::Word(word) if word.quote_style.is_none() => word.keyword,
            Token::Whitespace(_) => {
                out.push(token);
                continue;
            }
            _ => Keyword::NoKeyword,
        };
        let before = std::mem::replace(&mut last, keyword);
        // `FROM $EDS_ID`, as AWS's pages have it: a name to be filled in is a name.
        if let Token::Placeholder(name) = &token.token
            && matches!(before, Keyword::FROM | Keyword::JOIN)
            && name.as_bytes().get(1).is_some_and(u8::is_ascii_alphabetic)
        {
            let word = Word { value: name.clone(), quote_style: Some('"'), keyword: Keyword::NoKeyword };
            out.push(TokenWithSpan { token: Token::Word(word), span: token.span });
            continue;
        }
        if keyword == Keyword::FROM && before == Keyword::FROM {
            continue;
        }
        let bracketed = matches!(keyword, Keyword::ARRAY | Keyword::MAP | Keyword::ROW) && before == Keyword::AS;
        if !bracketed || tokens.peek().is_none_or(|next| next.token != Token::LParen) {
            out.push(token);
            continue;
        }
        let span = token.span;
        let mut text = token.token.to_string().to_ascii_lowercase();
        let mut depth = 0_usize;
        for inner in tokens.by_ref() {
            match &inner.token {
                Token::LParen => depth += 1,
                Token::RParen => depth -= 1,
                _ => {}
            }
            text.push_str(if matches!(inner.token, Token::Whitespace(_)) { " " } else { "" });
            if !matches!(inner.token, Token::Whitespace(_)) {
                text.push_str(&inner.token.to_string().to_ascii_lowercase());
            }
            if depth == 0 {
                break;
            }
        }
        let text = text.replace(", ", ",").replace("( ", "(").replace(" )", ")");
        let word = |token| TokenWithSpan { token, span };
        out.push(word(Token::Word(Word { value: TYPE.into(), quote_style: None, keyword: Keyword::NoKeyword })));
        out.push(word(Token::LParen));
        out.push(word(Token::SingleQuotedString(text)));
        out.push(word(Token::RParen));
        last = Keyword::NoKeyword;
    }
    out
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_is_compared_with_ends() {
        let read =
            |sql: &str| Parser::new(&Grammar { lambdas: false }).try_with_sql(sql).unwrap().parse_expr().unwrap();
        for sql in [
            "a IS DISTINCT FROM b AND c",
            "a IS NOT DISTINCT FROM f(b, c) AND d OR e",
            "a IS DISTINCT FROM b || 'x' = c",
        ] {
            let Expr::BinaryOp { mut left, .. } = read(sql) else { panic!("{sql} is no conjunction") };
            while let Expr::BinaryOp { left: inner, .. } = *left {
                left = inner;
            }
            assert!(matches!(*left, Expr::IsDistinctFrom(..) | Expr::IsNotDistinctFrom(..)), "{sql}: {left}");
        }
        assert!(matches!(read("a IS NOT DISTINCT FROM b"), Expr::IsNotDistinctFrom(..)));
    }

    #[test]
    fn ids_are_quoted_where_they_are_names() {
        let id = "0a1b2c3d-4e5f-6789-abcd-ef0123456789";
        for (sql, quoted) in [
            (format!("SELECT * FROM {id} WHERE x = 1"), format!("SELECT * FROM \"{id}\" WHERE x = 1")),
            (format!("SELECT '{id}' FROM \"{id}\""), format!("SELECT '{id}' FROM \"{id}\"")),
            (format!("SELECT 1 -- {id}\nFROM t"), format!("SELECT 1 -- {id}\nFROM t")),
            (format!("SELECT 1 /* {id} */ FROM a,{id}"), format!("SELECT 1 /* {id} */ FROM a,\"{id}\"")),
            (format!("SELECT x{id} FROM t"), format!("SELECT x{id} FROM t")),
            ("SELECT 1-1 FROM t".to_owned(), "SELECT 1-1 FROM t".to_owned()),
            ("SELECT 'open".to_owned(), "SELECT 'open".to_owned()),
            ("SELECT 'é' - 1".to_owned(), "SELECT 'é' - 1".to_owned()),
        ] {
            assert_eq!(quote_ids(&sql), quoted);
        }
        assert!(is_store_id(id) && !is_store_id("cloudtrail_logs"));
        for name in [id, "eds", "EDS_ID", "my_eds", "$edsid", "event_data_store_ID", "<event-data-store-id>"] {
            assert!(names_a_store(name), "{name}");
        }
        assert!(!names_a_store("needs") && !names_a_store("cloudtrail_logs") && !names_a_store("feds"));
    }
}
