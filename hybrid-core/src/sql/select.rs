//! A user's SELECT: parsed, and refused unless it is one.

use arrow::datatypes::Schema;
use sqlparser::ast::{Expr, OrderByExpr, OrderByKind, Query, SetExpr, Statement, Value};
use sqlparser::dialect::Dialect as Grammar;
use sqlparser::parser::Parser;

use crate::{Error, ErrorKind, Result};

/// The query without its closing semicolon.
///
/// # Errors
/// InvalidInput, when it does not parse, is several statements, or is or holds anything but a SELECT.
pub fn check_select<'a>(query: &'a str, grammar: &dyn Grammar) -> Result<&'a str> {
    let refused = |what: String| {
        Error::new(ErrorKind::InvalidInput, what).with_help("give a single SELECT; WITH is allowed before it")
    };
    let parsed = Parser::parse_sql(grammar, query)
        .map_err(|error| refused(format!("the query is no SELECT that can be read: {}", text(&error))))?;
    let [statement] = parsed.as_slice() else {
        return Err(refused(format!("the query holds {} statements", parsed.len())));
    };
    match statement {
        Statement::Query(query) if reads_only(query) => {}
        Statement::Query(_) => return Err(refused("the query changes data".to_owned())),
        other => {
            return Err(refused(format!(
                "the query is no SELECT: {}",
                first_words(&other.to_string())
            )));
        }
    }
    let query = query.trim_end();
    Ok(query.strip_suffix(';').unwrap_or(query))
}

/// What the SELECT is ordered by, as keys of its own columns, which `quoted` writes: `"name" DESC, …`. Nothing
/// where it says no order, or one that its columns do not give.
pub(super) fn order_of(
    query: &str,
    grammar: &dyn Grammar,
    columns: &Schema,
    quoted: impl Fn(&str) -> String,
) -> Option<String> {
    let parsed = Parser::parse_sql(grammar, query).ok()?;
    let [Statement::Query(query)] = parsed.as_slice() else {
        return None;
    };
    let OrderByKind::Expressions(keys) = &query.order_by.as_ref()?.kind else {
        return None;
    };
    let key = |key: &OrderByExpr| {
        let name = ordering_column(&key.expr, columns)?;
        Some(format!("{}{}", quoted(name), key.options))
    };
    let keys = keys.iter().map(key).collect::<Option<Vec<_>>>()?;
    (!keys.is_empty()).then(|| keys.join(", "))
}

/// The column that a key names, by its name or its place.
fn ordering_column<'a>(key: &Expr, columns: &'a Schema) -> Option<&'a str> {
    let field = match key {
        Expr::Identifier(name) => columns.fields().iter().find(|field| {
            let quoted = name.quote_style.is_some();
            *field.name() == name.value || (!quoted && field.name().eq_ignore_ascii_case(&name.value))
        })?,
        Expr::Value(value) => match &value.value {
            Value::Number(place, _) => {
                let place: usize = place.to_string().parse().ok()?;
                columns.fields().get(place.checked_sub(1)?)?
            }
            _ => return None,
        },
        _ => return None,
    };
    Some(field.name())
}

/// Whether the SELECT says an order.
pub(super) fn is_ordered(query: &str, grammar: &dyn Grammar) -> bool {
    let parsed = Parser::parse_sql(grammar, query).unwrap_or_default();
    matches!(parsed.as_slice(), [Statement::Query(query)] if query.order_by.is_some())
}

fn text(error: &sqlparser::parser::ParserError) -> String {
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
        let fields =
            ["a", "At", "b c"].map(|name| arrow::datatypes::Field::new(name, arrow::datatypes::DataType::Int64, true));
        let columns = Schema::new(fields.to_vec());
        for (query, order) in [
            ("SELECT a, \"At\" FROM t", None),
            (
                "SELECT * FROM t ORDER BY A, at DESC NULLS LAST",
                Some("[a], [At] DESC NULLS LAST"),
            ),
            ("SELECT * FROM t ORDER BY 3 ASC LIMIT 5", Some("[b c] ASC")),
            ("SELECT * FROM (SELECT * FROM t ORDER BY a) x", None),
            ("SELECT * FROM t ORDER BY \"A\"", None),
            ("SELECT * FROM t ORDER BY a + 1", None),
            ("SELECT * FROM t ORDER BY 4", None),
            ("SELECT * FROM t ORDER BY 0", None),
        ] {
            let found = order_of(query, &PostgreSqlDialect {}, &columns, |name| format!("[{name}]"));
            assert_eq!(found.as_deref(), order, "{query}");
        }
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
        ] {
            let error = check_select(query, &PostgreSqlDialect {}).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{query}");
        }
    }
}
