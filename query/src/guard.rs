//! Read-only SQL: one statement that reads, or nothing.
//!
//! An allow-list over the parsed statement, at every depth (`WITH x AS (INSERT …)`, `SELECT … INTO`). The engine
//! checks the logical plan once more. Size is bounded here too, before anything recursive touches the text.

use std::ops::ControlFlow;

use datafusion::sql::parser::{DFParserBuilder, Statement};
use datafusion::sql::sqlparser::ast::{Query, Select, Statement as SqlStatement, Visit, Visitor};
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer, Whitespace};

use crate::error::{Error, Result, explain};
use crate::grammar::{Grammar, has_lambdas, put_into_words, quote_ids};
use crate::{expansion, sqljson, valuelist};

/// What may be run, as the end of an error message.
pub const ALLOWED: &str = "only reading is possible here: SELECT, WITH, VALUES, UNION / EXCEPT / INTERSECT, EXPLAIN, \
    DESCRIBE, SHOW TABLES, SHOW COLUMNS FROM <table>, SHOW FUNCTIONS";

/// Longest text of a statement, in bytes. A list of ten thousand ARNs fits.
const MAX_SQL_BYTES: usize = 1 << 20;

/// Keywords and operators in a statement. A chain of `OR` or `UNION` is as deep a tree as it is long, trees are walked
/// and freed by recursion, and planning takes time by the square of it; lists of literals are flat and do not count.
const MAX_OPERATORS: usize = 2_000;

/// Depth of brackets and subqueries.
const MAX_DEPTH: usize = 50;

/// Parses one statement that only reads.
///
/// # Errors
/// [`Error::Syntax`] when it does not parse, [`Error::Refused`] when it is not one statement, is too large, or does
/// more than read.
pub fn parse(sql: &str) -> Result<Statement> {
    let tokens = tokenize(sql)?;
    let verb = first_word(&tokens);
    refuse_placeholders(&tokens)?;
    let grammar = Grammar { lambdas: has_lambdas(&tokens) };
    let mut statements = DFParserBuilder::new(tokens)
        .with_dialect(&grammar)
        .with_recursion_limit(MAX_DEPTH)
        .build()
        .and_then(|mut parser| parser.parse_statements())
        .map_err(|e| refuse_unparsed(&verb).unwrap_or_else(|| explain(e)))?;
    let count = statements.len();
    let statement = match (statements.pop_front(), count) {
        (Some(statement), 1) => statement,
        (None, _) => return Err(Error::Refused("no SQL was given".into())),
        (Some(_), _) => return Err(Error::Refused(format!("{count} statements were given; run one at a time"))),
    };
    check(&statement, &verb)?;
    Ok(statement)
}

fn tokenize(sql: &str) -> Result<Vec<TokenWithSpan>> {
    if sql.len() > MAX_SQL_BYTES {
        let size = sql.len();
        return Err(Error::Refused(format!("the statement has {size} bytes; {MAX_SQL_BYTES} is the most")));
    }
    let sql = quote_ids(sql);
    let tokens = Tokenizer::new(&Grammar { lambdas: false }, &sql)
        .tokenize_with_location()
        .map_err(|e| Error::Syntax(format!("{e}; check quotes and comments")))?;
    let tokens = valuelist::put_into_words(put_into_words(sqljson::put_into_words(join_literals(tokens))));
    let operators = tokens.iter().filter(|t| is_operator(&t.token)).count();
    if operators > MAX_OPERATORS {
        return Err(Error::Refused(format!(
            "the statement has {operators} keywords and operators; {MAX_OPERATORS} is the most. \
             Write long chains of OR as `column IN (…)`"
        )));
    }
    Ok(tokens)
}

/// Saved queries come with places to be filled in: `FROM <table>`, `FROM ${table}`, `eventtime > ?`.
fn refuse_placeholders(tokens: &[TokenWithSpan]) -> Result<()> {
    let mut words = tokens.iter().filter(|t| !matches!(t.token, Token::Whitespace(_))).peekable();
    while let Some(token) = words.next() {
        let place = token.span.start;
        let at = format!("at Line: {}, Column: {}", place.line, place.column);
        if let Token::Placeholder(name) = &token.token {
            return Err(Error::Syntax(format!("`{name}` is a placeholder; put the value in its place, {at}")));
        }
        let from = matches!(&token.token, Token::Word(word) if matches!(word.keyword, Keyword::FROM | Keyword::JOIN));
        let Some(next) = words.peek().filter(|_| from) else { continue };
        let opens = matches!(&next.token, Token::Lt | Token::LBrace | Token::Placeholder(_) | Token::LBracket)
            || matches!(&next.token, Token::Char('$'));
        if opens {
            let place = next.span.start;
            return Err(Error::Syntax(format!(
                "a placeholder stands for the table; put a name in its place: events, cloudtrail_logs, event_data_store, \
                 an event data store's id, or any name of your own, at Line: {}, Column: {}",
                place.line, place.column
            )));
        }
    }
    Ok(())
}

/// Joins text literals that stand on two lines with nothing between them, as the SQL standard says; a published query
/// needs it, where a comma was forgotten.
fn join_literals(tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    let mut joined: Vec<TokenWithSpan> = Vec::with_capacity(tokens.len());
    for token in tokens {
        if let Token::SingleQuotedString(text) = &token.token {
            let spaces = joined.iter().rev().take_while(|t| matches!(t.token, Token::Whitespace(_))).count();
            let end = joined.len() - spaces;
            let (before, between) = joined.split_at_mut(end);
            let newline = between.iter().any(|t| t.token == Token::Whitespace(Whitespace::Newline));
            if newline && let Some(TokenWithSpan { token: Token::SingleQuotedString(first), .. }) = before.last_mut() {
                first.push_str(text);
                continue;
            }
        }
        joined.push(token);
    }
    joined
}

/// Whether a token can make the tree deeper.
fn is_operator(token: &Token) -> bool {
    match token {
        Token::Word(word) => word.keyword != Keyword::NoKeyword,
        Token::Comma | Token::Period | Token::Whitespace(_) | Token::EOF | Token::Number(..) => false,
        // Brackets in brackets are bounded by MAX_DEPTH.
        Token::LParen | Token::RParen => false,
        Token::SingleQuotedString(_) | Token::DoubleQuotedString(_) | Token::NationalStringLiteral(_) => false,
        _ => true,
    }
}

fn first_word(tokens: &[TokenWithSpan]) -> String {
    tokens
        .iter()
        .find_map(|t| match &t.token {
            Token::Word(word) => Some(word.value.to_ascii_uppercase()),
            _ => None,
        })
        .unwrap_or_default()
}

/// A statement that writes and does not even parse here (`ATTACH 'x.db'`): say that it is not allowed, rather than
/// what is wrong with its grammar.
fn refuse_unparsed(verb: &str) -> Option<Error> {
    const WRITES: &[&str] = &[
        "ALTER", "ANALYZE", "ATTACH", "CALL", "COPY", "CREATE", "DELETE", "DETACH", "DROP", "EXECUTE", "GRANT",
        "INSERT", "INSTALL", "LOAD", "MERGE", "MSCK", "PRAGMA", "PREPARE", "RESET", "SET", "TRUNCATE", "UNLOAD",
        "UPDATE", "USE", "VACUUM",
    ];
    WRITES.contains(&verb).then(|| refuse(verb))
}

fn refuse(what: &str) -> Error {
    Error::Refused(format!("{what} is refused; {ALLOWED}{}", instead(what)))
}

/// What to do in place of the steps around a query that saved files come with, as a further sentence.
fn instead(what: &str) -> &'static str {
    match what.split_whitespace().next().unwrap_or_default() {
        "CREATE" | "MSCK" | "ALTER" | "DROP" | "USE" | "REPAIR" => {
            ". Logs and lakes are tables already, with all partition columns: leave the statement out and run the query; \
             a view is a WITH before it"
        }
        "UNLOAD" | "COPY" | "INSERT" => ". To keep an answer: --output parquet, csv or jsonl, into a file",
        "PREPARE" | "EXECUTE" | "DEALLOCATE" => ". Put the values in the places of `?`, and run the query itself",
        "SHOW" => ". SHOW TABLES and SHOW COLUMNS FROM cloudtrail_logs say what there is; partitions are columns",
        _ => "",
    }
}

fn check(statement: &Statement, verb: &str) -> Result<()> {
    match statement {
        Statement::Statement(statement) => match statement.visit(&mut Reads { verb }) {
            ControlFlow::Continue(()) => expansion::check(statement),
            ControlFlow::Break(what) => Err(refuse(&what)),
        },
        Statement::Explain(explain) => check(&explain.statement, "the statement to EXPLAIN"),
        Statement::CreateExternalTable(_) => Err(refuse("CREATE EXTERNAL TABLE")),
        Statement::CopyTo(_) => Err(refuse("COPY")),
        Statement::Reset(_) => Err(refuse("RESET")),
    }
}

/// Stops at the first part of a statement that does more than read, with its name.
struct Reads<'a> {
    verb: &'a str,
}

impl Visitor for Reads<'_> {
    type Break = String;

    fn pre_visit_statement(&mut self, statement: &SqlStatement) -> ControlFlow<String> {
        let what = match statement {
            SqlStatement::Query(_)
            | SqlStatement::Explain { .. }
            | SqlStatement::ExplainTable { .. }
            | SqlStatement::ShowTables { .. }
            | SqlStatement::ShowColumns { .. }
            | SqlStatement::ShowFunctions { .. } => return ControlFlow::Continue(()),
            SqlStatement::Insert(_) => "INSERT",
            SqlStatement::Update(_) => "UPDATE",
            SqlStatement::Delete(_) => "DELETE",
            SqlStatement::Merge(_) => "MERGE",
            SqlStatement::ShowVariable { .. } => "SHOW of a setting",
            _ => self.verb,
        };
        ControlFlow::Break(what.to_owned())
    }

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<String> {
        if !query.locks.is_empty() {
            return ControlFlow::Break("FOR UPDATE / FOR SHARE".into());
        }
        if query.settings.is_some() {
            return ControlFlow::Break("SETTINGS in a query".into());
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<String> {
        match &select.into {
            Some(_) => ControlFlow::Break("SELECT … INTO".into()),
            None => ControlFlow::Continue(()),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn reading_passes() {
        for sql in [
            "SELECT 1",
            "select 1;",
            "WITH x AS (SELECT 1 AS a) SELECT a FROM x",
            "(SELECT 1) UNION (SELECT 2) EXCEPT SELECT 3",
            "VALUES (1), (2)",
            "EXPLAIN SELECT 1",
            "EXPLAIN ANALYZE SELECT 1",
            "DESCRIBE events",
            "SHOW TABLES",
            "SHOW COLUMNS FROM events",
            "SELECT 'DROP TABLE events; COPY x TO y'",
            "SELECT eventname AS \"insert\" FROM events -- DELETE FROM events",
        ] {
            assert!(parse(sql).is_ok(), "{sql}: {:?}", parse(sql).err());
        }
    }

    /// The list of facts/security.md, and its relatives.
    #[test]
    fn everything_else_is_refused() {
        for (sql, what) in [
            ("COPY (SELECT * FROM events) TO '/tmp/x.csv'", "COPY"),
            ("COPY events TO 's3://b/x' STORED AS PARQUET", "COPY"),
            ("CREATE EXTERNAL TABLE t STORED AS CSV LOCATION 'file:///etc/passwd'", "CREATE EXTERNAL TABLE"),
            ("CREATE TABLE t AS SELECT 1", "CREATE"),
            ("CREATE VIEW v AS SELECT 1", "CREATE"),
            ("CREATE FUNCTION f() RETURNS INT RETURN 1", "CREATE"),
            ("INSERT INTO events SELECT * FROM events", "INSERT"),
            ("WITH x AS (INSERT INTO events SELECT 1) SELECT 1", ""),
            ("UPDATE events SET eventname = 'x'", "UPDATE"),
            ("DELETE FROM events", "DELETE"),
            ("DROP TABLE events", "DROP"),
            ("ALTER TABLE events RENAME TO x", "ALTER"),
            ("TRUNCATE TABLE events", "TRUNCATE"),
            ("SET datafusion.execution.target_partitions = 1", "SET"),
            ("SET datafusion.runtime.memory_limit = '100G'", "SET"),
            ("RESET datafusion.execution.batch_size", "RESET"),
            ("SHOW ALL", "SHOW"),
            ("SELECT * INTO t FROM events", "INTO"),
            ("SELECT * FROM (SELECT * INTO t FROM events) x", "INTO"),
            ("SELECT * FROM events FOR UPDATE", "FOR UPDATE"),
            ("EXPLAIN INSERT INTO events SELECT 1", "INSERT"),
            ("EXPLAIN ANALYZE COPY events TO '/tmp/x.csv'", "COPY"),
            ("EXPLAIN ANALYZE CREATE TABLE t AS SELECT 1", ""),
            ("PREPARE p AS SELECT 1", "PREPARE"),
            ("EXECUTE p", "EXECUTE"),
            ("BEGIN", ""),
            ("ATTACH DATABASE 'x.db' AS x", "ATTACH"),
            ("LOAD 'x.so'", "LOAD"),
            ("UNLOAD (SELECT 1) TO 's3://x'", "UNLOAD"),
            ("CALL f()", "CALL"),
            ("PRAGMA x", "PRAGMA"),
        ] {
            let error = parse(sql).unwrap_err();
            assert!(matches!(error, Error::Refused(_)), "{sql}: {error:?}");
            assert!(error.to_string().contains(what), "{sql}: {error}");
        }
    }

    #[test]
    fn one_statement_at_a_time() {
        let error = parse("SELECT 1; DROP TABLE events").unwrap_err();
        assert_eq!(error.to_string(), "2 statements were given; run one at a time");
        assert!(matches!(parse(" ; ").unwrap_err(), Error::Refused(_)));
        assert!(matches!(parse("").unwrap_err(), Error::Refused(_)));
    }

    #[test]
    fn size_is_bounded_and_lists_are_not_chains() {
        let chain = vec!["1 = 1"; MAX_OPERATORS].join(" OR ");
        assert!(matches!(parse(&format!("SELECT {chain}")).unwrap_err(), Error::Refused(_)));
        let deep = format!("SELECT {}1{}", "(".repeat(5_000), ")".repeat(5_000));
        assert!(parse(&deep).is_err());
        assert!(matches!(parse(&"x".repeat(MAX_SQL_BYTES + 1)).unwrap_err(), Error::Refused(_)));
        let list = vec!["'arn:aws:iam::123456789012:user/x'"; 10_000].join(", ");
        assert!(parse(&format!("SELECT 'x' IN ({list})")).is_ok());
    }

    #[test]
    fn literals_on_two_lines_are_one() {
        assert_eq!(parse("SELECT 'a'\n  'b', 'c'").unwrap().to_string(), "SELECT 'ab', 'c'");
        assert!(parse("SELECT 'a' IN ('b' 'c')").is_err());
    }

    #[test]
    fn placeholders_are_told() {
        for sql in ["SELECT 1 FROM [eds]", "SELECT 1 FROM <eds>", "SELECT 1 FROM {table}", "SELECT 1 FROM a JOIN ${t}"]
        {
            let error = parse(sql).unwrap_err();
            assert!(matches!(&error, Error::Syntax(text) if text.contains("event_data_store")), "{sql}: {error:?}");
        }
        for sql in ["SELECT 1 FROM events WHERE eventtime > ?", "SELECT $1"] {
            assert!(parse(sql).unwrap_err().to_string().contains("is a placeholder"), "{sql}");
        }
        assert!(parse("SELECT '$x', '?' FROM (SELECT 1)").is_ok());
    }

    #[test]
    fn a_syntax_error_says_where() {
        let error = parse("SELECT 1 FORM events WHERE x").unwrap_err();
        assert!(matches!(error, Error::Syntax(_)), "{error:?}");
        assert!(error.to_string().contains("Line: 1"), "{error}");
    }
}
