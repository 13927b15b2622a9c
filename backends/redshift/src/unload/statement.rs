use arrow::datatypes::SchemaRef;
use hybrid_core::sql::{Dialect, sqlparser};
use sqlparser::ast::{Expr, GroupByExpr, OrderByKind, Query, Select, SelectItem, SetExpr, Statement};
use sqlparser::parser::Parser;

use crate::RedshiftDialect;
use crate::types::unloadable;

/// A file of a result has about so many MiB; the size that Redshift rounds to.
const FILE: usize = 32;

/// What is unloaded: the query with every column in a type that Parquet has.
pub(super) struct Unload {
    select: String,
    is_ordered: bool,
}

impl Unload {
    /// For us, who know the columns by their place.
    pub(super) fn of(query: &str, schema: &SchemaRef) -> Self {
        Self::named(query, schema, |at| format!("c{at}"))
    }

    /// For others: under the names that the query gives.
    pub(super) fn export(query: &str, schema: &SchemaRef) -> Self {
        Self::named(query, schema, |at| RedshiftDialect.quote(schema.field(at).name()))
    }

    fn named(query: &str, schema: &SchemaRef, named: impl Fn(usize) -> String) -> Self {
        let parsed = parsed(query);
        let has_limit = parsed
            .as_ref()
            .is_some_and(|query| query.limit_clause.is_some() || query.fetch.is_some());
        let has_order = parsed.as_ref().is_some_and(|query| query.order_by.is_some());
        let names: Vec<String> = (0..schema.fields().len()).map(|at| format!("c{at}")).collect();
        let selected = schema
            .fields()
            .iter()
            .zip(&names)
            .enumerate()
            .map(|(at, (field, name))| {
                let (expr, named) = (unloadable(name, field), named(at));
                match expr {
                    None if named == *name => named,
                    expr => format!("{} AS {named}", expr.as_ref().unwrap_or(name)),
                }
            });
        let selected = selected.collect::<Vec<_>>().join(", ");
        // UNLOAD takes no LIMIT outside of a subquery, and a subquery has no order.
        let unordered = format!("SELECT {selected} FROM ({query}\n) AS u({})", names.join(", "));
        let ordered = parsed.filter(|_| has_order && !has_limit);
        let ordered = ordered.and_then(|query| ordered_outside(query, &selected, names));
        Self {
            is_ordered: ordered.is_some(),
            select: ordered.unwrap_or(unordered),
        }
    }

    /// Whether the files have an order, each and one after the other.
    pub(super) fn is_ordered(&self) -> bool {
        self.is_ordered
    }

    /// The statement that writes to `url`.
    pub(super) fn statement(&self, url: &str, authorization: &str) -> String {
        // The text is read as a literal, in which a backslash escapes too.
        let quoted = self.select.replace('\\', "\\\\").replace('\'', "''");
        let parallel = if self.is_ordered { " PARALLEL OFF" } else { "" };
        format!(
            "UNLOAD ('{quoted}') TO '{url}' {authorization} FORMAT AS PARQUET MANIFEST VERBOSE{parallel} MAXFILESIZE {FILE} MB"
        )
    }
}

fn parsed(query: &str) -> Option<Query> {
    let statements = Parser::parse_sql(&*RedshiftDialect.grammar(), query).ok()?;
    match <[Statement; 1]>::try_from(statements).ok()? {
        [Statement::Query(query)] => Some(*query),
        _ => None,
    }
}

/// A query with its ORDER BY outside: what it orders by becomes columns of it.
fn ordered_outside(mut query: Query, selected: &str, mut names: Vec<String>) -> Option<String> {
    let OrderByKind::Expressions(order) = query.order_by.take()?.kind else {
        return None;
    };
    let SetExpr::Select(select) = query.body.as_mut() else {
        return None;
    };
    if select.distinct.is_some() {
        return None;
    }
    let mut outside = Vec::new();
    for (at, mut by) in order.into_iter().enumerate() {
        let name = format!("o{at}");
        // A number means a column of the result.
        if matches!(by.expr, Expr::Value(_)) {
            return None;
        }
        let inside = std::mem::replace(&mut by.expr, Expr::Identifier(name.as_str().into()));
        select.projection.push(SelectItem::UnnamedExpr(inside));
        outside.push(by.to_string());
        names.push(name);
    }
    Some(format!(
        "SELECT {selected} FROM ({query}\n) AS u({}) ORDER BY {}",
        names.join(", "),
        outside.join(", ")
    ))
}

/// Whether a query gives one row whatever is there: aggregates of everything, as estimates are.
pub(crate) fn is_one_row(query: &str) -> bool {
    let Some(query) = parsed(query) else { return false };
    match query.body.as_ref() {
        SetExpr::Select(select) => is_aggregate(select),
        _ => false,
    }
}

fn is_aggregate(select: &Select) -> bool {
    let is_grouped =
        !matches!(&select.group_by, GroupByExpr::Expressions(by, modifiers) if by.is_empty() && modifiers.is_empty());
    let aggregate = |item: &SelectItem| match item {
        SelectItem::UnnamedExpr(Expr::Function(function))
        | SelectItem::ExprWithAlias {
            expr: Expr::Function(function),
            ..
        } => {
            let name = function.name.to_string().to_ascii_lowercase();
            function.over.is_none() && ["count", "sum", "min", "max", "avg"].contains(&name.as_str())
        }
        _ => false,
    };
    !is_grouped && select.having.is_none() && !select.projection.is_empty() && select.projection.iter().all(aggregate)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::datatypes::Schema;

    use super::super::super::types::field;
    use super::*;

    fn schema() -> SchemaRef {
        Arc::new(Schema::new(vec![field("a", "int8", None), field("b", "varbyte", None)]))
    }

    fn statement(query: &str) -> String {
        Unload::of(query, &schema()).statement("s3://b/p/", "IAM_ROLE default")
    }

    #[test]
    fn columns_without_a_form_in_parquet_are_converted() {
        assert_eq!(
            statement("SELECT a, b FROM t"),
            "UNLOAD ('SELECT c0, TO_HEX(c1) AS c1 FROM (SELECT a, b FROM t\n) AS u(c0, c1)') TO 's3://b/p/' IAM_ROLE default \
             FORMAT AS PARQUET MANIFEST VERBOSE MAXFILESIZE 32 MB"
        );
    }

    #[test]
    fn an_export_has_the_names_of_the_query() {
        let exported = Unload::export("SELECT a, b FROM t", &schema()).statement("s3://b/p/", "IAM_ROLE default");
        assert!(
            exported.contains("SELECT c0 AS \"a\", TO_HEX(c1) AS \"b\" FROM"),
            "{exported}"
        );
    }

    #[test]
    fn an_order_is_kept_and_a_limit_is_inside() {
        let ordered = statement("SELECT s.a AS \"x\", b FROM t AS s ORDER BY s.\"row\" DESC");
        assert!(
            ordered
                .contains("FROM (SELECT s.a AS \"x\", b, s.\"row\" FROM t AS s\n) AS u(c0, c1, o0) ORDER BY o0 DESC'"),
            "{ordered}"
        );
        assert!(ordered.contains("PARALLEL OFF"), "{ordered}");
        let limited = statement("SELECT a, b FROM t ORDER BY a LIMIT 1");
        assert!(
            limited.contains("LIMIT 1\n) AS u(c0, c1)'") && !limited.contains("PARALLEL"),
            "{limited}"
        );
    }

    #[test]
    fn quotes_and_backslashes_are_doubled() {
        let quoted = statement("SELECT a, b FROM t WHERE b = 'it''s' OR b = '\\x'");
        assert!(quoted.contains("b = ''it''''s'' OR b = ''\\\\x''"), "{quoted}");
    }

    #[test]
    fn aggregates_of_everything_give_one_row() {
        for one in [
            "SELECT COUNT(*), SUM(e.n) FROM t LEFT JOIN e ON t.a = e.a WHERE x",
            "SELECT max(a) AS m FROM t",
        ] {
            assert!(is_one_row(one), "{one}");
        }
        for many in [
            "SELECT a FROM t",
            "SELECT COUNT(*) FROM t GROUP BY a",
            "SELECT COUNT(*) OVER () FROM t",
            "SELECT COUNT(*), a FROM t",
            "SELECT COUNT(*) FROM t UNION ALL SELECT 1",
            "SELECT 1",
            "nonsense",
        ] {
            assert!(!is_one_row(many), "{many}");
        }
    }
}
