//! A user's SELECT: parsed, and refused unless it is one.

use arrow::datatypes::Schema;
use sqlparser::ast::{Expr, Ident, OrderBy, OrderByKind, Query, SelectItem, SetExpr, Statement, Value};
use sqlparser::dialect::Dialect as Grammar;
use sqlparser::parser::{Parser, ParserError};

use super::lexical::is_ordered;
use crate::{Error, ErrorKind, Result};

/// The query without its closing semicolon. One that the parser cannot read passes where its words say that it is a
/// SELECT: engines have more types and clauses than the grammar.
///
/// # Errors
/// InvalidInput, when it is several statements, or is or holds anything but a SELECT.
pub fn check_select<'a>(query: &'a str, grammar: &dyn Grammar) -> Result<&'a str> {
    checked_select(query, grammar).map(|checked| checked.query)
}

/// The query without its closing semicolon, and as it was parsed.
///
/// # Errors
/// Those of [`check_select`], and InvalidInput where it does not parse.
pub fn parsed_select<'a>(query: &'a str, grammar: &dyn Grammar) -> Result<(&'a str, Query)> {
    let parsed = Parser::parse_sql(grammar, query).map_err(|error| refused(unread(&error)))?;
    Ok((without_semicolon(query), single_query(parsed)?))
}

/// A SELECT that was checked.
pub(super) struct Checked<'a> {
    /// Without its closing semicolon.
    pub query: &'a str,
    parsed: Result<Query, Unread>,
}

/// What is known of a SELECT that the parser cannot read.
struct Unread {
    why: String,
    is_ordered: bool,
}

impl Checked<'_> {
    /// The order of its rows, where it has one.
    ///
    /// # Errors
    /// InvalidInput, when it has one that the parser cannot read.
    pub(super) fn ordering(&self) -> Result<Option<Ordering<'_>>> {
        match &self.parsed {
            Ok(parsed) => Ok(Ordering::of(parsed)),
            Err(unread) if unread.is_ordered => {
                let help = "or leave ORDER BY out, which is kept only where the query can be read";
                Err(refused(unread.why.clone()).with_help(help))
            }
            Err(_) => Ok(None),
        }
    }
}

/// The same as [`check_select`], with what is known of the query.
pub(super) fn checked_select<'a>(query: &'a str, grammar: &dyn Grammar) -> Result<Checked<'a>> {
    let parsed = match Parser::parse_sql(grammar, query) {
        Ok(parsed) => Ok(single_query(parsed)?),
        Err(error @ ParserError::TokenizerError(_)) => return Err(refused(unread(&error))),
        Err(error) => {
            let why = unread(&error);
            match is_ordered(query, grammar) {
                Ok(is_ordered) => Err(Unread { why, is_ordered }),
                Err(other) => return Err(refused(format!("{why}; nor is it one by its words: {other}"))),
            }
        }
    };
    let query = without_semicolon(query);
    Ok(Checked { query, parsed })
}

fn refused(what: String) -> Error {
    Error::new(ErrorKind::InvalidInput, what).with_help("give a single SELECT; WITH is allowed before it")
}

fn unread(error: &ParserError) -> String {
    format!("the query is no SELECT that can be read: {}", text(error))
}

fn single_query(parsed: Vec<Statement>) -> Result<Query> {
    let [statement] = <[Statement; 1]>::try_from(parsed)
        .map_err(|parsed| refused(format!("the query holds {} statements", parsed.len())))?;
    match statement {
        Statement::Query(query) if reads_only(&query) => Ok(*query),
        Statement::Query(_) => Err(refused("the query changes data".to_owned())),
        other => Err(refused(format!(
            "the query is no SELECT: {}",
            first_words(&other.to_string())
        ))),
    }
}

fn without_semicolon(query: &str) -> &str {
    let query = query.trim_end();
    query.strip_suffix(';').unwrap_or(query)
}

/// The order of a SELECT's rows.
#[derive(Clone, Copy)]
pub(super) struct Ordering<'a> {
    query: &'a Query,
    by: &'a OrderBy,
}

impl<'a> Ordering<'a> {
    /// `None`, where the query says none. Parentheses around it change nothing.
    pub(super) fn of(query: &'a Query) -> Option<Self> {
        match (&query.order_by, &*query.body) {
            (Some(by), _) => Some(Self { query, by }),
            (None, SetExpr::Query(inner)) => Self::of(inner),
            _ => None,
        }
    }

    /// Keys of the SELECT's own columns, as `quoted` writes those: `"name" DESC, …`.
    ///
    /// # Errors
    /// A key that is none of them.
    pub(super) fn keys(self, columns: &Schema, quoted: impl Fn(&str) -> String) -> Result<String, String> {
        let OrderByKind::Expressions(keys) = &self.by.kind else {
            return Err(self.by.to_string());
        };
        let written = keys.iter().map(|key| {
            let name = ordering_column(&key.expr, self.query, columns).ok_or_else(|| key.to_string())?;
            Ok(format!("{}{}", quoted(name), key.options))
        });
        Ok(written.collect::<Result<Vec<_>, String>>()?.join(", "))
    }
}

/// The column that a key names: by its place, by its name, or as it is selected.
fn ordering_column<'a>(key: &Expr, query: &Query, columns: &'a Schema) -> Option<&'a str> {
    let at = |place: usize| columns.fields().get(place).map(|field| field.name().as_str());
    match key {
        Expr::Value(value) => match &value.value {
            Value::Number(place, _) => at(place.to_string().parse::<usize>().ok()?.checked_sub(1)?),
            _ => None,
        },
        Expr::Identifier(name) => named(name, columns),
        Expr::CompoundIdentifier(parts) if selects_all(query) => named(parts.last()?, columns),
        other => at(selected_at(other, query)?),
    }
}

/// The column of a name as it is written, else in other capitals where it is not quoted.
fn named<'a>(name: &Ident, columns: &'a Schema) -> Option<&'a str> {
    let found = |same: &dyn Fn(&str) -> bool| {
        let mut fields = columns.fields().iter().map(|field| field.name().as_str());
        fields.find(|column| same(column))
    };
    found(&|column| column == name.value).or_else(|| {
        let folds = name.quote_style.is_none();
        found(&|column| folds && column.eq_ignore_ascii_case(&name.value))
    })
}

fn items(query: &Query) -> &[SelectItem] {
    match &*query.body {
        SetExpr::Select(select) => &select.projection,
        _ => &[],
    }
}

/// Whether the columns are all those of its tables.
fn selects_all(query: &Query) -> bool {
    let all = |item: &SelectItem| matches!(item, SelectItem::Wildcard(_) | SelectItem::QualifiedWildcard(..));
    !items(query).is_empty() && items(query).iter().all(all)
}

/// The place of what is selected as it stands.
fn selected_at(key: &Expr, query: &Query) -> Option<usize> {
    for (place, item) in items(query).iter().enumerate() {
        match item {
            SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => {
                if expr == key {
                    return Some(place);
                }
            }
            // What comes behind it stands nobody knows where.
            _ => return None,
        }
    }
    None
}

fn text(error: &ParserError) -> String {
    let text = error.to_string();
    text.strip_prefix("sql parser error: ").unwrap_or(&text).to_owned()
}

fn first_words(statement: &str) -> String {
    statement.split_whitespace().take(3).collect::<Vec<_>>().join(" ")
}

/// Whether nothing in it writes: no INSERT, UPDATE, DELETE or MERGE in a WITH, no SELECT INTO, no lock.
fn reads_only(query: &Query) -> bool {
    let with = query.with.iter().flat_map(|with| &with.cte_tables);
    query.locks.is_empty() && with.into_iter().all(|cte| reads_only(&cte.query)) && body_reads_only(&query.body)
}

fn body_reads_only(body: &SetExpr) -> bool {
    match body {
        SetExpr::Select(select) => select.into.is_none(),
        SetExpr::Query(query) => reads_only(query),
        SetExpr::SetOperation { left, right, .. } => body_reads_only(left) && body_reads_only(right),
        SetExpr::Values(_) | SetExpr::Table(_) => true,
        _ => false,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use sqlparser::dialect::PostgreSqlDialect;

    use super::*;

    #[test]
    fn a_select_passes_without_its_semicolon() {
        for (query, kept) in [
            ("SELECT 1", "SELECT 1"),
            ("select a from t; ", "select a from t"),
            (
                "WITH x AS (SELECT 1) SELECT * FROM x -- ; said",
                "WITH x AS (SELECT 1) SELECT * FROM x -- ; said",
            ),
            ("(SELECT 1) UNION ALL VALUES (2)", "(SELECT 1) UNION ALL VALUES (2)"),
        ] {
            assert_eq!(check_select(query, &PostgreSqlDialect {}).unwrap(), kept);
        }
    }

    #[test]
    fn the_order_is_that_of_columns() {
        use arrow::datatypes::{DataType, Field};

        let fields = ["a", "At", "b c"].map(|name| Field::new(name, DataType::Int64, true));
        let columns = Schema::new(fields.to_vec());
        let keys = |text: &str| Some(Ok(text.to_owned()));
        let other = |text: &str| Some(Err(text.to_owned()));
        for (query, order) in [
            ("SELECT a, \"At\" FROM t", None),
            ("SELECT * FROM (SELECT * FROM t ORDER BY a) x", None),
            (
                "SELECT * FROM t ORDER BY A, at DESC NULLS LAST",
                keys("[a], [At] DESC NULLS LAST"),
            ),
            ("SELECT * FROM t ORDER BY 3 ASC LIMIT 5", keys("[b c] ASC")),
            ("((SELECT * FROM t ORDER BY a))", keys("[a]")),
            ("SELECT t.* FROM t ORDER BY t.a", keys("[a]")),
            ("SELECT t.x AS a, u.at FROM t, u ORDER BY u.at, t.x", keys("[At], [a]")),
            ("SELECT x + 1, y FROM t ORDER BY x + 1 DESC", keys("[a] DESC")),
            ("SELECT * FROM t ORDER BY \"A\"", other("\"A\"")),
            ("SELECT * FROM t ORDER BY a + 1", other("a + 1")),
            ("SELECT t.x AS a FROM t ORDER BY t.a", other("t.a")),
            ("SELECT * FROM t ORDER BY 4", other("4")),
            ("SELECT * FROM t ORDER BY 0", other("0")),
        ] {
            let (_, parsed) = parsed_select(query, &PostgreSqlDialect {}).unwrap();
            let found = Ordering::of(&parsed).map(|found| found.keys(&columns, |name| format!("[{name}]")));
            assert_eq!(found, order, "{query}");
        }
    }

    /// As Trino and Spark have them.
    #[test]
    fn what_the_parser_cannot_read_passes_by_its_words() {
        use sqlparser::dialect::{GenericDialect, SparkSqlDialect};

        for (query, kept) in [
            (
                "SELECT CAST(json_parse(x) AS ARRAY(DOUBLE)) AS e FROM t; ",
                "SELECT CAST(json_parse(x) AS ARRAY(DOUBLE)) AS e FROM t",
            ),
            (
                "SELECT * FROM t FOR VERSION AS OF 1 -- the first",
                "SELECT * FROM t FOR VERSION AS OF 1 -- the first",
            ),
            ("SELECT * FROM t VERSION AS OF 1", "SELECT * FROM t VERSION AS OF 1"),
        ] {
            assert_eq!(check_select(query, &GenericDialect {}).unwrap(), kept);
            assert_eq!(check_select(query, &SparkSqlDialect).unwrap(), kept);
        }
    }

    #[test]
    fn an_order_that_cannot_be_read_is_refused_where_it_is_asked_for() {
        use sqlparser::dialect::GenericDialect;

        let unread = "SELECT CAST(x AS ARRAY(DOUBLE)) AS a, b FROM t";
        let checked = checked_select(unread, &GenericDialect {}).unwrap();
        assert!(checked.ordering().unwrap().is_none());
        assert!(parsed_select(unread, &GenericDialect {}).is_err());
        let ordered = format!("{unread} ORDER BY b");
        let checked = checked_select(&ordered, &GenericDialect {}).unwrap();
        let error = checked.ordering().err().unwrap();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.message().contains("that can be read"), "{error}");
        let read = checked_select("SELECT a FROM t ORDER BY a", &GenericDialect {}).unwrap();
        assert!(read.ordering().unwrap().is_some());
    }

    #[test]
    fn anything_else_is_refused() {
        for query in [
            "",
            "SELECT 1; SELECT 2",
            "DROP TABLE t",
            "SELECT 1; DROP TABLE t",
            "INSERT INTO t VALUES (1)",
            "WITH x AS (DELETE FROM t RETURNING *) SELECT * FROM x",
            "SELECT * INTO t2 FROM t",
            "SELECT * FROM t FOR UPDATE",
            "SELECT 1) x; DROP TABLE t; SELECT (1",
            "SELECT (",
            "SELECT CAST(x AS ARRAY(DOUBLE)) FROM t; DROP TABLE t",
            "SELECT CAST(x AS ARRAY(DOUBLE)) FROM t) x, (SELECT 1",
            "WITH x AS (DELETE FROM t RETURNING CAST(a AS ARRAY(DOUBLE))) SELECT * FROM x",
            "SELECT CAST(x AS ARRAY(DOUBLE)) FROM t WHERE y = 'a",
        ] {
            let error = check_select(query, &PostgreSqlDialect {}).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{query}");
        }
    }
}
