//! Functions that are another spelling of what the engine has: `count_if(x)` is `count(CASE WHEN x THEN 1 END)`.
//!
//! One table: a name, how many arguments, the engine's expression with `$1`, `$2` for them, a sentence and an example. The
//! call is replaced in the syntax tree, so everything downstream (types, pruning, EXPLAIN) sees what the engine knows.
//! Sources: Trino documentation, "Functions and operators"; DuckDB documentation, "Functions" (marked so).

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::OnceLock;

use datafusion::sql::sqlparser::ast::{
    BinaryOperator, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentClause, FunctionArguments,
    ObjectNamePart, Value, VisitMut, VisitorMut, visit_expressions,
};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::parser::Parser;

/// A function that is another spelling.
pub(super) struct Form {
    /// Its name in SQL.
    pub(super) name: &'static str,
    /// How many arguments it takes.
    pub(super) arguments: usize,
    /// The engine's expression.
    pub(super) engine: &'static str,
    /// One line of meaning.
    pub(super) about: &'static str,
    /// An expression, and the text of its value; `t(x, y)` has the rows (1, 'a'), (2, 'b'), (3, NULL).
    pub(super) example: (&'static str, &'static str),
}

const fn form(
    name: &'static str,
    arguments: usize,
    engine: &'static str,
    about: &'static str,
    example: (&'static str, &'static str),
) -> Form {
    Form { name, arguments, engine, about, example }
}

const NOON: &str = "timestamp '2023-07-10 11:42:18.250'";

/// The parts of a time, which are all made alike: name in SQL, the engine's name, sentence, value at [`NOON`].
static PARTS: &[(&str, &str, &str, &str)] = &[
    ("year", "year", "the year of a time", "2023"),
    ("quarter", "quarter", "the quarter of a time, 1 to 4", "3"),
    ("month", "month", "the month of a time, 1 to 12", "7"),
    ("week", "week", "the ISO week of a time", "28"),
    ("week_of_year", "week", "the ISO week of a time", "28"),
    ("year_of_week", "isoyear", "the year that the ISO week of a time belongs to", "2023"),
    ("yow", "isoyear", "the year that the ISO week of a time belongs to", "2023"),
    ("day", "day", "the day of the month", "10"),
    ("day_of_month", "day", "the day of the month", "10"),
    ("day_of_week", "isodow", "the day of the week, from 1 (Monday) to 7", "1"),
    ("dow", "isodow", "the day of the week, from 1 (Monday) to 7", "1"),
    ("day_of_year", "doy", "the day of the year, from 1", "191"),
    ("doy", "doy", "the day of the year, from 1", "191"),
    ("hour", "hour", "the hour of a time", "11"),
    ("minute", "minute", "the minute of a time", "42"),
    ("second", "second", "the second of a time", "18"),
];

/// The functions, by kind.
#[rustfmt::skip]
pub(super) static FORMS: &[Form] = &[
    form("count_if", 1, "count(CASE WHEN $1 THEN 1 END)", "how many rows a condition holds for", ("SELECT count_if(x > 1) FROM t", "2")),
    form("arbitrary", 1, "any_value($1)", "any value of a group that is not NULL", ("SELECT arbitrary(x) FROM t WHERE x = 1", "1")),
    form("every", 1, "bool_and($1)", "whether a condition holds for all rows", ("SELECT every(x > 0) FROM t", "true")),
    form("max_by", 2, "first_value($1 ORDER BY $2 DESC) FILTER (WHERE $2 IS NOT NULL)", "the value in the row where another is largest", ("SELECT max_by(x, y) FROM t", "2")),
    form("min_by", 2, "first_value($1 ORDER BY $2 ASC) FILTER (WHERE $2 IS NOT NULL)", "the value in the row where another is smallest", ("SELECT min_by(x, y) FROM t", "1")),
    form("max_by", 3, "array_slice(array_agg($1 ORDER BY $2 DESC) FILTER (WHERE $2 IS NOT NULL), 1, $3)", "the values in the rows where another is largest", ("SELECT max_by(x, y, 2) FROM t", "[2, 1]")),
    form("min_by", 3, "array_slice(array_agg($1 ORDER BY $2 ASC) FILTER (WHERE $2 IS NOT NULL), 1, $3)", "the values in the rows where another is smallest", ("SELECT min_by(x, y, 1) FROM t", "[1]")),
    form("arg_max", 2, "first_value($1 ORDER BY $2 DESC) FILTER (WHERE $2 IS NOT NULL)", "DuckDB's max_by", ("SELECT arg_max(x, y) FROM t", "2")),
    form("arg_min", 2, "first_value($1 ORDER BY $2 ASC) FILTER (WHERE $2 IS NOT NULL)", "DuckDB's min_by", ("SELECT arg_min(x, y) FROM t", "1")),
    form("max", 2, "array_slice(array_agg($1 ORDER BY $1 DESC) FILTER (WHERE $1 IS NOT NULL), 1, $2)", "the largest values", ("SELECT max(x, 2) FROM t", "[3, 2]")),
    form("min", 2, "array_slice(array_agg($1 ORDER BY $1 ASC) FILTER (WHERE $1 IS NOT NULL), 1, $2)", "the smallest values", ("SELECT min(x, 2) FROM t", "[1, 2]")),
    form("approx_distinct", 1, "approx_distinct(plain($1))", "how many different values there are, nearly", ("SELECT approx_distinct(x) FROM t", "3")),
    form("approx_distinct", 2, "approx_distinct(plain($1))", "how many different values there are, nearly; the wanted error is ignored", ("SELECT approx_distinct(x, 0.05) FROM t", "3")),
    form("approx_percentile", 2, "approx_percentile_cont($1, $2)", "a percentile, nearly", ("SELECT approx_percentile(x, 0.5) FROM t", "2.0")),
    form("approx_percentile", 3, "approx_percentile_cont_with_weight($1, $2, $3)", "a percentile of weighted values, nearly", ("SELECT approx_percentile(x, x, 0.9) FROM t", "3.0")),
    form("set_agg", 1, "different($1)", "the different values as a list", ("SELECT cardinality(set_agg(x)) FROM t", "3")),
    form("map_agg", 2, "map_of_lists(array_agg($1), array_agg($2))", "a map of two columns; of equal keys the first counts, and none is NULL", ("SELECT map_agg(y, x) FROM t", "{a: 1, b: 2}")),
    form("multimap_agg", 2, "multimap_of_lists(array_agg($1), array_agg($2))", "a map of two columns, with all values of each key", ("SELECT multimap_agg(x % 2, x) FROM t", "{0: [2], 1: [1, 3]}")),
    form("histogram", 1, "array_histogram(array_agg($1))", "how often each value occurs", ("SELECT histogram(x % 2) FROM t", "{0: 1, 1: 2}")),
    form("approx_most_frequent", 3, "array_most_frequent(array_agg($2), $1)", "the values that occur most often, and how often; counted exactly, so the capacity is ignored", ("SELECT approx_most_frequent(1, x % 2, 10) FROM t", "{1: 2}")),
    form("bitwise_and_agg", 1, "bit_and($1)", "bits that all values have", ("SELECT bitwise_and_agg(x) FROM t WHERE x > 1", "2")),
    form("bitwise_or_agg", 1, "bit_or($1)", "bits that a value has", ("SELECT bitwise_or_agg(x) FROM t", "3")),
    form("array_frequency", 1, "array_histogram($1)", "how often each element of a list occurs", ("SELECT array_frequency(ARRAY['a', 'b', 'a'])", "{a: 2, b: 1}")),
    form("geometric_mean", 1, "exp(avg(ln($1)))", "the geometric mean", ("SELECT round(geometric_mean(x), 3) FROM t", "1.817")),
    form("listagg", 2, "string_agg($1, $2)", "the values as one text", ("SELECT listagg(y, ',') WITHIN GROUP (ORDER BY y) FROM t", "a,b")),
    form("list", 1, "array_agg($1)", "DuckDB's array_agg", ("SELECT list(x ORDER BY x) FROM t", "[1, 2, 3]")),
    form("variance", 1, "var($1)", "the variance of a sample", ("SELECT variance(x) FROM t", "1.0")),
    form("if", 2, "CASE WHEN $1 THEN $2 END", "a value where a condition holds, else NULL", ("SELECT if(1 < 2, 'a')", "a")),
    form("if", 3, "CASE WHEN $1 THEN $2 ELSE $3 END", "one of two values", ("SELECT if(1 > 2, 'a', 'b')", "b")),
    form("split", 2, "CASE WHEN $1 = '' THEN make_array('') ELSE string_to_array(arrow_cast($1, 'Utf8'), $2) END", "a text's parts as a list", ("SELECT split('a.b', '.')", "[a, b]")),
    form("string_split", 2, "CASE WHEN $1 = '' THEN make_array('') ELSE string_to_array(arrow_cast($1, 'Utf8'), $2) END", "DuckDB's split", ("SELECT string_split('a.b', '.')[1]", "a")),
    form("str_split", 2, "CASE WHEN $1 = '' THEN make_array('') ELSE string_to_array(arrow_cast($1, 'Utf8'), $2) END", "DuckDB's split", ("SELECT str_split('a.b', '.')[2]", "b")),
    form("replace", 2, "replace($1, $2, '')", "a text without another", ("SELECT replace('arn:aws:s3:::b', 'arn:aws:s3:::')", "b")),
    form("regexp_matches", 2, "regexp_like($1, $2)", "DuckDB's regexp_like", ("SELECT regexp_matches('Boto3', '[0-9]')", "true")),
    form("regexp_replace", 2, "regexp_replace($1, $2, '', 'g')", "a text without the matches of a pattern", ("SELECT regexp_replace('a1b2', '[0-9]')", "ab")),
    form("regexp_replace", 3, "regexp_replace($1, $2, regexp_replacement($3, $2), 'g')", "a text with all matches of a pattern replaced; $1 is the first group", ("SELECT regexp_replace('a1b2', '([0-9])', '<$1>')", "a<1>b<2>")),
    form("levenshtein_distance", 2, "levenshtein($1, $2)", "edits between two texts", ("SELECT levenshtein_distance('kitten', 'sitting')", "3")),
    form("len", 1, "character_length($1)", "DuckDB's length", ("SELECT len('abc')", "3")),
    form("codepoint", 1, "ascii($1)", "the number of a character", ("SELECT codepoint('a')", "97")),
    form("to_base64", 1, "encode($1, 'base64pad')", "bytes as base64", ("SELECT to_base64('ab')", "YWI=")),
    form("to_base64url", 1, "translate(encode($1, 'base64pad'), '+/', '-_')", "bytes as base64 that may stand in a URL", ("SELECT to_base64url('>>?')", "Pj4_")),
    form("rand", 2, "CAST(floor(random() * ($2 - $1)) + $1 AS BIGINT)", "a random whole number between two", ("SELECT rand(1, 5) < 5", "true")),
    form("md5", 1, "decode(md5($1), 'hex')", "the MD5 of bytes or text, as bytes", ("SELECT to_hex(md5(to_utf8('a')))", "0CC175B9C0F1B6A831C399E269772661")),
    form("strpos", 3, "text_position($1, $2, $3)", "where the n-th occurrence of a text begins, from the end where negative; 0 where it does not occur", ("SELECT strpos('a.b.c', '.', 2)", "4")),
    form("strrpos", 2, "text_position($1, $2, -1)", "where the last occurrence of a text begins; 0 where it does not occur", ("SELECT strrpos('a.b.c', '.')", "4")),
    form("cardinality", 1, "CAST(cardinality($1) AS BIGINT)", "how many elements a list or a map has", ("SELECT split('a/b', '/')[cardinality(split('a/b', '/'))]", "b")),
    form("array_length", 1, "CAST(array_length($1) AS BIGINT)", "how many elements a list has", ("SELECT array_length(ARRAY[1, 2])", "2")),
    form("array_average", 1, "array_avg($1)", "the mean of a list's elements", ("SELECT array_average(ARRAY[1, 2])", "1.5")),
    form("array_first", 1, "array_element($1, 1)", "the first element of a list", ("SELECT array_first(ARRAY[1, 2])", "1")),
    form("array_last", 1, "array_element($1, -1)", "the last element of a list", ("SELECT array_last(ARRAY[1, 2])", "2")),
    form("array_position", 2, "CASE WHEN $1 IS NOT NULL THEN coalesce(CAST(array_position($1, $2) AS BIGINT), 0) END", "where a value first stands in a list, from 1; 0 where it does not", ("SELECT array_position(ARRAY['a', 'b'], 'b')", "2")),
    form("trim_array", 2, "array_slice($1, 1, CAST(cardinality($1) AS BIGINT) - $2)", "a list without its last elements", ("SELECT trim_array(ARRAY[1, 2, 3], 1)", "[1, 2]")),
    form("array_has_duplicates", 1, "(cardinality(array_distinct($1)) < cardinality($1))", "whether a value stands twice in a list", ("SELECT array_has_duplicates(ARRAY[1, 1])", "true")),
    form("bitwise_and", 2, "($1 & $2)", "bits that both have", ("SELECT bitwise_and(12, 10)", "8")),
    form("bitwise_or", 2, "($1 | $2)", "bits that one of both has", ("SELECT bitwise_or(12, 10)", "14")),
    form("bitwise_xor", 2, "(($1 | $2) - ($1 & $2))", "bits that just one of both has", ("SELECT bitwise_xor(12, 10)", "6")),
    form("bitwise_not", 1, "(-1 - $1)", "the bits turned over", ("SELECT bitwise_not(0)", "-1")),
    form("bitwise_left_shift", 2, "CASE WHEN $2 > 63 THEN ($1 & 0) ELSE ($1 << $2) END", "bits moved to the left", ("SELECT bitwise_left_shift(1, 4)", "16")),
    form("bitwise_right_shift", 2, "CASE WHEN $2 > 63 THEN ($1 & 0) WHEN $2 = 0 THEN $1 ELSE (($1 >> $2) & (-1 - (-1 << (64 - $2)))) END", "bits moved to the right, noughts put in", ("SELECT bitwise_right_shift(16, 2)", "4")),
    form("bitwise_right_shift_arithmetic", 2, "($1 >> least($2, 63))", "bits moved to the right, the sign kept", ("SELECT bitwise_right_shift_arithmetic(-16, 2)", "-4")),
    form("from_base64", 1, "decode($1, 'base64')", "the bytes of base64", ("SELECT from_utf8(from_base64('YWI='))", "ab")),
    form("to_hex", 1, "upper(encode(CAST($1 AS BYTEA), 'hex'))", "bytes in hexadecimal", ("SELECT to_hex('ab')", "6162")),
    form("from_hex", 1, "decode(lower($1), 'hex')", "the bytes of hexadecimal", ("SELECT from_utf8(from_hex('6162'))", "ab")),
    form("to_utf8", 1, "CAST($1 AS BYTEA)", "a text's bytes", ("SELECT from_utf8(to_utf8('a'))", "a")),
    form("ceiling", 1, "ceil($1)", "the next whole number above", ("SELECT ceiling(1.2)", "2.0")),
    form("truncate", 1, "trunc($1)", "a number without its fraction", ("SELECT truncate(1.8)", "1.0")),
    form("mod", 2, "($1 % $2)", "the rest of a division", ("SELECT mod(7, 4)", "3")),
    form("is_nan", 1, "isnan($1)", "whether a number is none", ("SELECT is_nan(1.0)", "false")),
    form("sign", 1, "signum($1)", "-1, 0 or 1", ("SELECT sign(-2.5)", "-1.0")),
    form("truncate", 2, "trunc($1, $2)", "a number with so many digits of its fraction", ("SELECT truncate(1.29, 1)", "1.2")),
    form("width_bucket", 4, "CASE WHEN $2 > $3 AND $1 > $2 THEN 0 WHEN $2 > $3 AND $1 <= $3 THEN $4 + 1 WHEN $2 > $3 THEN CAST(floor(($2 - $1) * $4 / ($2 - $3)) AS BIGINT) + 1 WHEN $1 < $2 THEN 0 WHEN $1 >= $3 THEN $4 + 1 ELSE CAST(floor(($1 - $2) * $4 / ($3 - $2)) AS BIGINT) + 1 END", "which of so many equal parts of a span a number is in, from 1", ("SELECT width_bucket(3.0, 0.0, 10.0, 5)", "2")),
    form("is_finite", 1, "(NOT isnan($1) AND abs($1) < CAST('Infinity' AS DOUBLE))", "whether a number is one, and not infinite", ("SELECT is_finite(1.0)", "true")),
    form("is_infinite", 1, "(abs($1) = CAST('Infinity' AS DOUBLE))", "whether a number is infinite", ("SELECT is_infinite(1.0)", "false")),
    form("infinity", 0, "CAST('Infinity' AS DOUBLE)", "what is larger than every number", ("SELECT infinity() > 1", "true")),
    form("nan", 0, "CAST('NaN' AS DOUBLE)", "what is no number", ("SELECT is_nan(nan())", "true")),
    form("e", 0, "exp(1.0)", "Euler's number", ("SELECT round(e(), 2)", "2.72")),
    form("random", 1, "CAST(floor(random() * $1) AS BIGINT)", "a random whole number below another", ("SELECT random(10) < 10", "true")),
    form("random", 2, "CAST(floor(random() * ($2 - $1)) + $1 AS BIGINT)", "a random whole number between two", ("SELECT random(1, 5) < 5", "true")),
    form("rand", 0, "random()", "a random number below 1", ("SELECT rand() < 1", "true")),
    form("from_unixtime", 2, "at_timezone(from_unixtime($1), $2)", "the time of seconds since 1970, in a time zone", ("SELECT hour(from_unixtime(0, 'America/New_York'))", "19")),
    form("from_unixtime_nanos", 1, "from_unixtime(CAST($1 AS DOUBLE) / 1000000000)", "the time of nanoseconds since 1970", ("SELECT from_unixtime_nanos(1000000000)", "1970-01-01T00:00:01Z")),
    form("from_iso8601_timestamp_nanos", 1, "from_iso8601_timestamp($1)", "the time of an ISO 8601 text", ("SELECT from_iso8601_timestamp_nanos('2023-07-10T11:42:18Z')", "2023-07-10T11:42:18Z")),
    form("to_milliseconds", 1, "CAST(date_part('epoch', $1) * 1000 AS BIGINT)", "the milliseconds of a span of time", ("SELECT to_milliseconds(INTERVAL '1' HOUR)", "3600000")),
    form("date", 1, "CAST($1 AS DATE)", "the day of a time", ("SELECT date(timestamp '2023-07-10 11:42:18')", "2023-07-10")),
    form("timestamp", 1, "CAST($1 AS TIMESTAMP)", "a text as a time", ("SELECT timestamp('2023-07-10 11:42:18')", "2023-07-10T11:42:18")),
    form("current_timezone", 0, "'UTC'", "the session's time zone", ("SELECT current_timezone()", "UTC")),
    form("localtimestamp", 0, "now()", "the time now", ("SELECT localtimestamp > timestamp '2020-01-01 00:00:00'", "true")),
    form("last_day_of_month", 1, "CAST(date_trunc('month', $1) + INTERVAL '1 month' - INTERVAL '1 day' AS DATE)", "the last day of a time's month", ("SELECT last_day_of_month(timestamp '2024-02-10 00:00:00')", "2024-02-29")),
    form("millisecond", 1, "(CAST(date_part('millisecond', $1) AS BIGINT) % 1000)", "the milliseconds of a time's second", ("SELECT millisecond(timestamp '2023-07-10 11:42:18.250')", "250")),
    form("datediff", 3, "date_diff($1, $2, $3)", "DuckDB's date_diff", ("SELECT datediff('day', timestamp '2023-07-10 00:00:00', timestamp '2023-07-12 00:00:00')", "2")),
    form("epoch", 1, "to_unixtime($1)", "DuckDB's to_unixtime", ("SELECT epoch(timestamp '1970-01-01 00:00:02')", "2.0")),
    form("transform", 2, "array_transform($1, $2)", "a list with each element changed", ("SELECT transform(ARRAY[1, 2], x -> x * 10)", "[10, 20]")),
    form("filter", 2, "array_filter($1, $2)", "the elements of a list that a condition holds for", ("SELECT filter(ARRAY[1, 2, 3], x -> x > 1)", "[2, 3]")),
    form("any_match", 2, "array_any_match($1, $2)", "whether a condition holds for an element", ("SELECT any_match(ARRAY[1, 2], x -> x > 1)", "true")),
    form("all_match", 2, "array_all_match($1, $2)", "whether a condition holds for all elements", ("SELECT all_match(ARRAY[1, 2], x -> x > 1)", "false")),
    form("none_match", 2, "(NOT array_any_match($1, $2))", "whether a condition holds for no element", ("SELECT none_match(ARRAY[1, 2], x -> x > 5)", "true")),
    form("arrays_overlap", 2, "array_has_any($1, $2)", "whether two lists share an element", ("SELECT arrays_overlap(ARRAY[1, 2], ARRAY[2, 3])", "true")),
    form("array_sort", 1, "array_sort($1, 'ASC', 'NULLS LAST')", "a list in order, NULLs last", ("SELECT array_sort(ARRAY[3, NULL, 1])", "[1, 3, -]")),
    form("array_remove", 2, "array_remove_all($1, $2)", "a list without a value", ("SELECT array_remove(ARRAY[1, 2, 1], 1)", "[2]")),
    form("find_first", 2, "array_first($1, $2)", "the first element of a list that a condition holds for", ("SELECT find_first(ARRAY[1, 2, 3], x -> x > 1)", "2")),
    form("slice", 3, "array_slice($1, $2, CASE WHEN $2 < 0 AND $2 + $3 > 0 THEN -1 ELSE $2 + $3 - 1 END)", "part of a list, from a place, of a length", ("SELECT slice(ARRAY[1, 2, 3, 4], 2, 2)", "[2, 3]")),
    form("sequence", 3, "generate_series($1, $2, $3)", "the numbers from one to another, by steps", ("SELECT sequence(1, 5, 2)", "[1, 3, 5]")),
    form("json_value", 2, "json_extract_scalar($1, $2)", "the scalar at a path", (r#"SELECT json_value('{"a":1}', 'lax $.a')"#, "1")),
    form("json_query", 2, "json_extract($1, $2)", "the JSON at a path", (r#"SELECT json_query('{"a":[1]}', 'lax $.a')"#, "[1]")),
    form("json_extract_string", 2, "json_get_text($1, $2)", "DuckDB's ->>", (r#"SELECT json_extract_string('{"a":"x"}', '$.a')"#, "x")),
    form("json_keys", 1, "map_keys(json_cast($1, 'map(varchar,json)'))", "DuckDB's: the names of a JSON object's members", (r#"SELECT json_keys('{"a":1,"b":2}')"#, "[a, b]")),
    form("json", 1, "json_format($1)", "DuckDB's: JSON, compact", ("SELECT json('[1, 2]')", "[1,2]")),
    form("jsonb_pretty", 1, "json_format($1)", "PostgreSQL's: JSON as text", ("SELECT jsonb_pretty('[1, 2]')", "[1,2]")),
    form("from_json", 2, "json_elements($1)", "DuckDB's, for the structure '[\"JSON\"]': a JSON list's elements", (r#"SELECT from_json('[1,{}]', '["JSON"]')"#, "[1, {}]")),
];

/// The parsed expressions, by name and number of arguments.
fn templates() -> &'static BTreeMap<(&'static str, usize), Expr> {
    static TEMPLATES: OnceLock<BTreeMap<(&'static str, usize), Expr>> = OnceLock::new();
    TEMPLATES.get_or_init(|| {
        let parsed =
            |sql: &str| Parser::new(&GenericDialect {}).try_with_sql(sql).and_then(|mut p| p.parse_expr()).ok();
        let forms = FORMS.iter().filter_map(|form| Some(((form.name, form.arguments), parsed(form.engine)?)));
        let parts = PARTS.iter().filter_map(|(name, part, ..)| {
            Some(((*name, 1), parsed(&format!("CAST(date_part('{part}', $1) AS BIGINT)"))?))
        });
        forms.chain(parts).collect()
    })
}

/// Names, sentences, examples and their values: forms, then parts of times.
pub(super) fn examples() -> impl Iterator<Item = (&'static str, &'static str, String, &'static str)> {
    let forms = FORMS.iter().map(|form| (form.name, form.about, form.example.0.to_owned(), form.example.1));
    let parts = PARTS.iter().map(|(name, _, about, value)| (*name, *about, format!("SELECT {name}({NOON})"), *value));
    forms.chain(parts)
}

/// A call in the engine's words; `None` where it is that already.
pub(super) fn rewritten(call: &Function) -> Option<Expr> {
    let [ObjectNamePart::Identifier(name)] = call.name.0.as_slice() else { return None };
    let arguments = arguments(call)?;
    let name = name.value.to_ascii_lowercase();
    let mut made = templates().get(&(name.as_str(), arguments.len()))?.clone();
    // Before the arguments come in, which may have calls of the same names.
    let outermost = !holds_aggregate(&made);
    let _ = VisitMut::visit(&mut made, &mut Carry { from: call, outermost });
    let _ = VisitMut::visit(&mut made, &mut Fill(&arguments));
    Some(made)
}

/// An expression with these for `$1`, `$2` ….
pub(super) fn filled(engine: &str, arguments: &[Expr]) -> Option<Expr> {
    let mut made = Parser::new(&GenericDialect {}).try_with_sql(engine).ok()?.parse_expr().ok()?;
    let _ = VisitMut::visit(&mut made, &mut Fill(arguments));
    Some(made)
}

/// The unnamed arguments of a call.
pub(crate) fn arguments(call: &Function) -> Option<Vec<Expr>> {
    match &call.args {
        FunctionArguments::None => Some(Vec::new()),
        FunctionArguments::Subquery(_) => None,
        FunctionArguments::List(list) => list
            .args
            .iter()
            .map(|arg| match arg {
                FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr.clone()),
                _ => None,
            })
            .collect(),
    }
}

/// Puts arguments in the places of `$1`, `$2` ….
struct Fill<'a>(&'a [Expr]);

impl VisitorMut for Fill<'_> {
    type Break = ();

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if let Expr::Value(value) = expr
            && let Value::Placeholder(place) = &value.value
            && let Some(number) = place.strip_prefix('$').and_then(|number| number.parse::<usize>().ok())
            && let Some(argument) = number.checked_sub(1).and_then(|index| self.0.get(index))
        {
            *expr = argument.clone();
        }
        ControlFlow::Continue(())
    }
}

/// The engine's aggregates that forms are made of.
static AGGREGATES: &[&str] = &[
    "any_value",
    "approx_distinct",
    "approx_percentile_cont",
    "approx_percentile_cont_with_weight",
    "array_agg",
    "avg",
    "bit_and",
    "bit_or",
    "bool_and",
    "count",
    "different",
    "first_value",
    "string_agg",
    "var",
];

fn is_aggregate(call: &Function) -> bool {
    AGGREGATES.contains(&call.name.to_string().as_str())
}

fn holds_aggregate(expr: &Expr) -> bool {
    let found = visit_expressions(expr, |expr| match expr {
        Expr::Function(call) if is_aggregate(call) => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    });
    found.is_break()
}

/// Takes DISTINCT, ORDER BY, FILTER and OVER of a call along, to the aggregates that it becomes or, where it becomes none, to
/// the call.
struct Carry<'a> {
    from: &'a Function,
    outermost: bool,
}

impl VisitorMut for Carry<'_> {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if let Expr::Function(made) = expr
            && (is_aggregate(made) || std::mem::take(&mut self.outermost))
        {
            carry(self.from, made);
        }
        self.outermost = false;
        ControlFlow::Continue(())
    }
}

fn carry(from: &Function, made: &mut Function) {
    if let (FunctionArguments::List(from), FunctionArguments::List(made)) = (&from.args, &mut made.args) {
        made.duplicate_treatment = made.duplicate_treatment.or(from.duplicate_treatment);
        made.clauses.extend(from.clauses.iter().cloned());
    }
    made.filter = match (made.filter.take(), &from.filter) {
        (Some(own), Some(given)) => {
            Some(Box::new(Expr::BinaryOp { left: own, op: BinaryOperator::And, right: given.clone() }))
        }
        (own, given) => own.or_else(|| given.clone()),
    };
    made.over = made.over.take().or_else(|| from.over.clone());
    made.null_treatment = made.null_treatment.take().or(from.null_treatment);
    // `listagg(x, ',') WITHIN GROUP (ORDER BY x)`: the engine's `string_agg` has its order inside.
    if let (FunctionArguments::List(made), false) = (&mut made.args, from.within_group.is_empty()) {
        made.clauses.push(FunctionArgumentClause::OrderBy(from.within_group.clone()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_sql() {
        assert_eq!(templates().len(), FORMS.len() + PARTS.len());
    }
}
