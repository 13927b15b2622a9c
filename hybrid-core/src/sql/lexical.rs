//! A SELECT that the parser cannot read, told by its words.

use sqlparser::dialect::Dialect as Grammar;
use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Token, Tokenizer, Whitespace};

/// Whether the rows of a query have an order, where its words say that it is a single SELECT, and one that stays inside
/// the parentheses that are put around it.
///
/// # Errors
/// Why it is none, or may be none for an engine that reads quotes or comments in another way than the grammar.
pub(super) fn is_ordered(query: &str, grammar: &dyn Grammar) -> Result<bool, String> {
    let tokens = Tokenizer::new(grammar, query)
        .tokenize()
        .map_err(|error| error.to_string())?;
    reads_the_same(query, &tokens, grammar)?;
    let words = words(&tokens);
    begins(&words, grammar)?;
    if changes_data(&words) {
        return Err("it changes data".to_owned());
    }
    Ok(ordered(&words)?)
}

/// What is neither blank nor comment, without the closing semicolon.
fn words(tokens: &[Token]) -> Vec<&Token> {
    let last = tokens.iter().rev().find(|token| match token {
        Token::Whitespace(blank) => !matches!(blank, Whitespace::Space | Whitespace::Newline | Whitespace::Tab),
        _ => true,
    });
    let mut words: Vec<&Token> = tokens
        .iter()
        .filter(|token| !matches!(token, Token::Whitespace(_)))
        .collect();
    // Behind one that a comment follows the closing parenthesis would be another statement.
    if last == Some(&Token::SemiColon) {
        words.pop();
    }
    words
}

/// Refuses what does not begin as a SELECT, in parentheses or not.
fn begins(words: &[&Token], grammar: &dyn Grammar) -> Result<(), &'static str> {
    let depth = words.iter().take_while(|token| ***token == Token::LParen).count();
    match words.get(depth).map(|token| keyword(token)) {
        Some(Keyword::SELECT | Keyword::WITH | Keyword::VALUES | Keyword::TABLE) => Ok(()),
        Some(Keyword::FROM) if grammar.supports_from_first_select() || grammar.supports_pipe_operator() => Ok(()),
        _ => Err("it does not begin as one"),
    }
}

/// The key word that a token is, where it is one.
fn keyword(token: &Token) -> Keyword {
    match token {
        Token::Word(word) => word.keyword,
        _ => Keyword::NoKeyword,
    }
}

/// Whether an INSERT, UPDATE, DELETE or MERGE may begin in it, it has an INTO, or it locks rows.
fn changes_data(words: &[&Token]) -> bool {
    words.windows(2).any(|pair| match keyword(pair[0]) {
        Keyword::INTO => true,
        Keyword::INSERT | Keyword::UPDATE | Keyword::DELETE | Keyword::MERGE => matches!(pair[1], Token::Word(_)),
        Keyword::FOR => matches!(
            keyword(pair[1]),
            Keyword::UPDATE | Keyword::SHARE | Keyword::NO | Keyword::KEY
        ),
        _ => false,
    })
}

/// What stands between two parentheses, or outside of all.
#[derive(Clone, Copy)]
struct Level {
    /// Whether the query itself may stand there, so that an ORDER BY orders its rows.
    outermost: bool,
    /// Whether its SELECT has begun: parentheses that follow are parts of it.
    begun: bool,
}

/// Whether an ORDER BY may be that of the query itself. One is held for it sooner than missed: only parts of the SELECT
/// and what a WITH names have an order of their own.
fn ordered(words: &[&Token]) -> Result<bool, &'static str> {
    let mut level = Level {
        outermost: true,
        begun: false,
    };
    let (mut around, mut ordered) = (Vec::new(), false);
    for (place, token) in words.iter().enumerate() {
        let before = &words[..place];
        match token {
            Token::LParen => {
                around.push(level);
                level = Level {
                    outermost: level.outermost && !level.begun && !follows_name(before),
                    begun: false,
                };
            }
            Token::RParen => level = around.pop().ok_or("it closes a parenthesis that it does not open")?,
            Token::SemiColon => return Err("a semicolon stands before its end"),
            word if keyword(word) == Keyword::ORDER => ordered |= level.outermost,
            word => level.begun |= begins_select(word, before),
        }
    }
    match around.is_empty() {
        true => Ok(ordered),
        false => Err("it opens a parenthesis that it does not close"),
    }
}

/// Whether a parenthesis behind these words holds what a WITH names.
fn follows_name(before: &[&Token]) -> bool {
    let mut last = before.iter().rev().map(|token| keyword(token));
    match last.next() {
        Some(Keyword::AS) => true,
        Some(Keyword::MATERIALIZED) => matches!(last.next(), Some(Keyword::AS | Keyword::NOT)),
        _ => false,
    }
}

/// Whether a word is the first of a SELECT: elsewhere it may be a name, or FROM a part of IS DISTINCT FROM.
fn begins_select(word: &Token, before: &[&Token]) -> bool {
    let may_begin = before
        .last()
        .is_none_or(|last| matches!(last, Token::LParen | Token::RParen));
    may_begin && matches!(keyword(word), Keyword::SELECT | Keyword::FROM)
}

/// Refuses what engines do not agree on where it ends.
fn reads_the_same(query: &str, tokens: &[Token], grammar: &dyn Grammar) -> Result<(), &'static str> {
    if escapes_a_quote(query) {
        return Err("a backslash stands before a quote: double the quote in its place");
    }
    // Some grammars read what is in it, of which nothing is seen here.
    if query.contains("/*!") || hidden_comment(tokens) || tokens.iter().any(is_odd_comment) {
        return Err("a comment in it ends in several ways: leave the comment out");
    }
    let is_odd = |token: &Token| match token {
        Token::DollarQuotedString(_)
        | Token::QuoteDelimitedStringLiteral(_)
        | Token::NationalQuoteDelimitedStringLiteral(_) => true,
        Token::TripleSingleQuotedString(_)
        | Token::TripleDoubleQuotedString(_)
        | Token::TripleSingleQuotedByteStringLiteral(_)
        | Token::TripleDoubleQuotedByteStringLiteral(_)
        | Token::TripleSingleQuotedRawStringLiteral(_)
        | Token::TripleDoubleQuotedRawStringLiteral(_) => !grammar.supports_triple_quoted_string(),
        Token::Word(word) => word.quote_style == Some('['),
        _ => false,
    };
    match tokens.iter().any(is_odd) {
        true => Err("a text in it is quoted in an odd way: use plain quotes"),
        false => Ok(()),
    }
}

/// Whether a quote follows a backslash that nothing escapes, so that it may end a text or not.
fn escapes_a_quote(query: &str) -> bool {
    let mut escaped = false;
    query.chars().any(|character| {
        let found = escaped && matches!(character, '\'' | '"' | '`');
        escaped = character == '\\' && !escaped;
        found
    })
}

/// Whether operators together begin a comment: `+--` is a single one in some grammars.
fn hidden_comment(tokens: &[Token]) -> bool {
    let operator = |token: &Token| {
        let text = match token {
            Token::Whitespace(_) => String::new(),
            token => token.to_string(),
        };
        let is_sign = |sign: char| sign.is_ascii_punctuation() && !matches!(sign, '\'' | '"' | '`');
        match !text.is_empty() && text.chars().all(is_sign) {
            true => text,
            false => " ".to_owned(),
        }
    };
    let operators: String = tokens.iter().map(operator).collect();
    operators.contains("--") || operators.contains("/*")
}

/// Whether a comment holds what opens one, hints that are more than names, or what ends its line for some engines.
fn is_odd_comment(token: &Token) -> bool {
    match token {
        Token::Whitespace(Whitespace::MultiLineComment(text)) => {
            let is_plain = |sign: char| sign.is_alphanumeric() || sign.is_whitespace() || "+_,.()".contains(sign);
            text.contains("/*") || (text.starts_with('+') && !text.chars().all(is_plain))
        }
        Token::Whitespace(Whitespace::SingleLineComment { comment, .. }) => {
            let text = comment.strip_suffix('\r').unwrap_or(comment);
            text.contains('\r') || text.ends_with('\\')
        }
        _ => false,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use sqlparser::dialect::{
        BigQueryDialect, GenericDialect, PostgreSqlDialect, RedshiftSqlDialect, SnowflakeDialect, SparkSqlDialect,
    };

    use super::*;

    /// Those of the backends.
    fn grammars() -> [(&'static str, Box<dyn Grammar>); 6] {
        [
            ("generic", Box::new(GenericDialect {})),
            ("spark", Box::new(SparkSqlDialect)),
            ("postgres", Box::new(PostgreSqlDialect {})),
            ("redshift", Box::new(RedshiftSqlDialect {})),
            ("snowflake", Box::new(SnowflakeDialect {})),
            ("bigquery", Box::new(BigQueryDialect)),
        ]
    }

    #[test]
    fn a_select_is_told_by_its_words() {
        for (query, order) in [
            ("SELECT CAST(json_parse(x) AS ARRAY(DOUBLE)) AS e FROM t", false),
            ("select cast(x as ROW(a BIGINT, b ARRAY(VARCHAR))) from t ;\n", false),
            ("SELECT * FROM lake.s.t FOR VERSION AS OF 1", false),
            (
                "SELECT * FROM t FOR TIMESTAMP AS OF TIMESTAMP '2024-01-01 00:00:00 UTC' ORDER BY a",
                true,
            ),
            ("SELECT * FROM t VERSION AS OF 1", false),
            ("SELECT * FROM t TIMESTAMP AS OF '2024-01-01' -- ; ) said\n", false),
            ("WITH x AS (SELECT a FROM t ORDER BY a) SELECT * FROM x", false),
            (
                "SELECT ROW_NUMBER() OVER (ORDER BY a), \"order\", 'ORDER', '; ) it''s' FROM t /* ; ) */",
                false,
            ),
            ("((SELECT * FROM t ORDER BY a))", true),
            ("WITH x AS (SELECT 1 AS a) (SELECT * FROM x ORDER BY a)", true),
            (
                "WITH x AS (SELECT 1 AS a), y (a) AS (SELECT 2) ((SELECT * FROM x ORDER BY a))",
                true,
            ),
            ("(WITH x AS (SELECT 1 AS a) ((SELECT * FROM x) ORDER BY a))", true),
            (
                "WITH x AS (SELECT 1 AS a) (WITH y AS (SELECT 2) (SELECT * FROM x ORDER BY a))",
                true,
            ),
            ("WITH \"select\" AS (SELECT 1 AS a) (TABLE \"select\" ORDER BY a)", true),
            (
                "WITH select AS (SELECT 1 AS a), from AS (SELECT 2) (TABLE select ORDER BY a)",
                true,
            ),
            (
                "WITH x AS (SELECT 1 AS a) CYCLE a SET b USING c (SELECT * FROM x ORDER BY a)",
                true,
            ),
            (
                "WITH x AS NOT MATERIALIZED (SELECT a FROM t ORDER BY a) (SELECT * FROM x)",
                false,
            ),
            (
                "WITH x AS (SELECT a FROM (SELECT * FROM t ORDER BY a) u) (SELECT * FROM x)",
                false,
            ),
            (
                "WITH x AS (SELECT 1 AS a) (SELECT ROW_NUMBER() OVER (ORDER BY a) FROM x)",
                false,
            ),
            (
                "SELECT LISTAGG(a) WITHIN GROUP (ORDER BY a) FROM (SELECT * FROM t ORDER BY a) x",
                false,
            ),
            ("(SELECT 1) UNION ALL (SELECT 2) ORDER BY 1", true),
            ("VALUES (1), (2)", false),
            ("TABLE t", false),
            ("SELECT insert(a, 1, 2, 'x'), t.\"update\", '\\d+\\\\' FROM t", false),
            ("SELECT /*+ BROADCAST(a), MERGE(b) */ a - -1 FROM t", false),
        ] {
            for (name, grammar) in grammars() {
                assert_eq!(is_ordered(query, &*grammar), Ok(order), "{name}: {query}");
            }
        }
    }

    #[test]
    fn what_may_not_be_one_is_refused() {
        for query in [
            "",
            "()",
            "\"select\" 1",
            "DROP TABLE t",
            "EXPLAIN SELECT 1",
            "INSERT INTO t VALUES (1)",
            "(DELETE FROM t RETURNING *)",
            "WITH x AS (DELETE FROM t RETURNING *) SELECT * FROM x",
            "WITH x AS (SELECT 1) UPDATE t SET a = 1",
            "WITH x AS (SELECT 1) MERGE INTO t USING x ON TRUE",
            "SELECT * INTO t2 FROM t",
            "SELECT * FROM t FOR UPDATE",
            "SELECT * FROM t FOR NO KEY UPDATE",
            "SELECT 1; SELECT 2",
            "SELECT 1; DROP TABLE t",
            "SELECT 1;;",
            "SELECT 1; -- end",
            "SELECT 1; -- end;",
            "; SELECT 1",
            "SELECT (",
            "SELECT 1)",
            "SELECT 1) AS s, (SELECT 2",
            "SELECT 1) x; DROP TABLE t; SELECT (1",
            "SELECT 'a",
            "SELECT \"a",
            "SELECT 1 /* a",
            "SELECT 1 /* a -- */ )",
        ] {
            for (name, grammar) in grammars() {
                assert!(is_ordered(query, &*grammar).is_err(), "{name}: {query}");
            }
        }
    }

    /// The engine may see more than the grammar does.
    #[test]
    fn quotes_and_comments_that_end_in_several_ways_are_refused() {
        for query in [
            r"SELECT 'a\'' ) AS s, (SELECT '1'",
            r"SELECT '\' ) AS s, (SELECT 1 -- '",
            r"SELECT E'\' ) AS s, (SELECT 1 -- '",
            "SELECT $$ ) $$",
            "SELECT $a$ ) $a$",
            "SELECT a[b ) ]",
            "SELECT 1 /* /* */ ) AS s -- */",
            "SELECT (1 /* /* */ ) */",
            "SELECT 1 /*! ( */ )",
            "SELECT 1 /*+ ' */ ) --'",
            "SELECT (1 /*+ a -- */ )",
            "SELECT 1 -- \\",
            "SELECT 1 -- a\r) AS s",
            "SELECT 1 +-- (\n 1)",
            "SELECT 1 +/* ( */ 1)",
        ] {
            for (name, grammar) in grammars() {
                assert!(is_ordered(query, &*grammar).is_err(), "{name}: {query}");
            }
        }
    }

    #[test]
    fn from_comes_first_where_the_grammar_has_it() {
        for (name, grammar) in grammars() {
            let has_it = ["generic", "spark", "bigquery"].contains(&name);
            assert_eq!(is_ordered("FROM t SELECT a", &*grammar).is_ok(), has_it, "{name}");
        }
    }
}
